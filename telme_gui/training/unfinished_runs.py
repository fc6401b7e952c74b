"""What is still to be trained, offered when the program starts: a line over the panels, no question."""

import time
from collections.abc import Generator, Sequence

from PySide6.QtWidgets import QPushButton, QWidget

from telme_gui.look.widgets import Banner
from telme_gui.look.words import as_tip
from telme_gui.session.session import Session
from telme_gui.training import discarding
from telme_gui.training.trainer import Trainer
from telme_model.events import Event, Message
from telme_model.runs import catalogue
from telme_model.runs.catalogue import Unfinished
from telme_model.runs.plan import Plan

NAMED = 5  # runs
# The texts of the three buttons, and what they do.
_CUT_OFF = (
    ("Resume", "Go on where the run was cut off"),
    ("Later", "Leave the run as it is; it stays in the list of runs"),
    ("Discard…", "Put the run's folder into the trash, after a question"),
)
_WAITING = (
    ("Start", "Train them, one after another"),
    ("Later", "Offer them again at the next start"),
    ("Forget", "Offer them no more; runs that have begun stay in the list of runs"),
)


class UnfinishedRuns(Banner):
    """Runs that a crash cut off, one at a time and the latest first; then those that wait, all at once.

    Hidden while there is none. `look` looks for them.
    """

    def __init__(self, session: Session, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._trainer = session, trainer
        self.runs: list[Unfinished] = []  # that were cut off
        self.plans: tuple[Plan, ...] = ()  # that wait
        self.resume, self.later, self.discard = QPushButton(), QPushButton(), QPushButton()
        for button, slot in ((self.resume, self._resume), (self.later, self._next), (self.discard, self._discard)):
            button.clicked.connect(slot)
            self.add_beside(button)
        trainer.changed.connect(self._follow)
        self._word(_CUT_OFF)
        self.hide()

    def look(self) -> None:
        """Look for what waited, and for runs that were cut off: those on a thread."""
        self._trainer.recall()

        def work() -> Generator[Event, None, list[Unfinished]]:
            yield Message(text="looking for unfinished runs")
            return [run for run in catalogue.unfinished(catalogue.known_runs()) if run.cut_off]

        job = self._session.jobs.start(work)
        job.done.connect(self.offer)
        job.failed.connect(self._fail)

    def offer(self, runs: Sequence[Unfinished] | None) -> None:
        """Offer these runs, one after another, and then what waits."""
        self.runs, self.plans = list(runs or ()), tuple(self._trainer.laid_by)
        self._show()

    def _fail(self, error: Exception) -> None:
        self.offer(())
        raise error  # a defect: the window's report says so

    def _follow(self) -> None:
        """Offer no longer what was asked for elsewhere."""
        laid_by = self._trainer.laid_by
        left = tuple(plan for plan in self.plans if plan in laid_by)
        if left != self.plans:
            self.plans = left
            self._show()

    def _show(self) -> None:
        if self.runs:
            run = self.runs[0]
            self.word(
                f"{run.run.name} was cut off while it was trained", progress_sentence(run, time.time()) + self._others()
            )
            self._word(_CUT_OFF)
        elif self.plans:
            self.word(*waiting_words(self.plans))
            self._word(_WAITING)
        self.setVisible(bool(self.runs or self.plans))

    def _word(self, words: Sequence[tuple[str, str]]) -> None:
        for button, (text, tip) in zip((self.resume, self.later, self.discard), words, strict=True):
            button.setText(text)
            button.setToolTip(as_tip(tip))
            button.setAccessibleName(tip)

    def _others(self) -> str:
        others = len(self.runs) - 1
        return f" {others} more {'was' if others == 1 else 'were'} cut off." if others else ""

    def _next(self) -> None:
        if self.runs:
            del self.runs[0]
        else:
            self.plans = ()
        self._show()

    def _resume(self) -> None:
        if self.runs:
            self._trainer.resume_run(self.runs[0].run)
        else:
            self._trainer.take_up()
        self._next()

    def _discard(self) -> None:
        if self.runs:
            discarding.ask(self.runs[0].run, self, self._put_away)
        else:
            self._trainer.forget()
            self._next()

    def _put_away(self) -> None:
        self._trainer.put_away(self.runs[0].run)
        self._next()


def waiting_words(plans: Sequence[Plan]) -> tuple[str, str]:
    """Title and sentence on what is still to be trained."""
    title = "A run is still to be trained" if len(plans) == 1 else f"{len(plans)} runs are still to be trained"
    named = [f"{plan.run.name} (goes on where it stood)" if plan.resume else plan.run.name for plan in plans[:NAMED]]
    more = f", and {len(plans) - NAMED} more" if len(plans) > NAMED else ""
    return title, f"The window was closed before: {', '.join(named)}{more}."


def progress_sentence(run: Unfinished, now: float) -> str:
    """How far a run came, and when, in a sentence."""
    epoch = f", after epoch {run.epoch} of {run.epochs}" if run.epoch else ""
    return f"In the phase “{run.phase}”{epoch}, {_ago(now - run.touched)}. What was done is kept."


def _ago(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "a moment ago"
    for count, unit in ((minutes // 1440, "day"), (minutes // 60, "hour"), (minutes, "minute")):
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return ""
