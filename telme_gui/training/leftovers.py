"""Runs that a crash cut off, offered for going on when the program starts: a line over the panels, no question."""

import time
from collections.abc import Generator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from telme_gui import theme
from telme_gui.session import Session
from telme_gui.training import discarding, recovery
from telme_gui.training.recovery import Unfinished
from telme_model.events import Event, Message


class Leftovers(QFrame):
    """One run at a time, the latest first; hidden while there is none. `look` looks for them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.runs: list[Unfinished] = []
        self.setObjectName("banner")
        self.title, self.sentence = QLabel(), QLabel()
        self.title.setStyleSheet("font-weight: 600")
        self.sentence.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self.title, self.sentence):
            label.setTextFormat(Qt.TextFormat.PlainText)
            words.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * theme.RHYTHM, theme.RHYTHM, theme.RHYTHM, theme.RHYTHM)
        row.setSpacing(theme.RHYTHM)
        row.addLayout(words, 1)
        self.resume = self._button("Resume", "Go on where the run was cut off", self._resume)
        self.later = self._button("Later", "Leave the run as it is; it stays in the list of runs", self._next)
        self.discard = self._button("Discard…", "Put the run's folder into the trash, after a question", self._discard)
        for button in (self.resume, self.later, self.discard):
            row.addWidget(button)
        self.hide()

    def look(self) -> None:
        """Look for runs that were cut off, on a thread."""

        def work() -> Generator[Event, None, list[Unfinished]]:
            yield Message(text="looking for unfinished runs")
            return [run for run in recovery.unfinished(recovery.known_runs()) if run.cut_off]

        self._session.start(work).done.connect(self.offer)

    def offer(self, runs: list[Unfinished] | None) -> None:
        """Offer these runs, one after another."""
        self.runs = list(runs or ())
        self._show()

    def _button(self, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(f"{text.removesuffix('…')} the run that was cut off")
        button.clicked.connect(slot)
        return button

    def _show(self) -> None:
        if self.runs:
            run = self.runs[0]
            self.title.setText(f"{run.run.name} was cut off while it was trained")
            self.sentence.setText(told(run, time.time()) + self._others())
            self.setAccessibleName(f"{self.title.text()}. {self.sentence.text()}")
        self.setVisible(bool(self.runs))

    def _others(self) -> str:
        others = len(self.runs) - 1
        return f" {others} more {'was' if others == 1 else 'were'} cut off." if others else ""

    def _next(self) -> None:
        del self.runs[0]
        self._show()

    def _resume(self) -> None:
        self._session.trainer.resume_run(self.runs[0].run)
        self._next()

    def _discard(self) -> None:
        discarding.ask(self.runs[0].run, self, self._put_away)

    def _put_away(self) -> None:
        self._session.trainer.put_away(self.runs[0].run)
        self._next()


def told(run: Unfinished, now: float) -> str:
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
