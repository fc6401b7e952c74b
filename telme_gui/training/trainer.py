"""The trainer: one run at a time on a Job's thread, a queue behind it, and its control."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from telme_gui.look.words import question
from telme_gui.session.job import Job
from telme_gui.session.jobs import Jobs
from telme_model.corpus import open_corpus
from telme_model.errors import StudioError
from telme_model.events import Event, Phase
from telme_model.files import refused
from telme_model.runs import catalogue
from telme_model.runs.costs import phase_costs
from telme_model.runs.folder import RunError
from telme_model.runs.history import History
from telme_model.runs.plan import Plan
from telme_model.runs.problems import RunProblem, defect, explain
from telme_model.runs.queue import Waiting
from telme_model.runs.remedies import WITHOUT_TEACHER
from telme_model.runs.weights import find_weights
from telme_model.training.start import train_plan

__all__ = ["Plan", "RunProblem", "Trainer", "TrainerState"]


class TrainerState(StrEnum):
    """Where the trainer stands. The last three are of the run in `plan` that is over; nothing runs then."""

    IDLE = "idle"  # nothing was trained since the program began
    STARTING = "starting"  # libraries load, nothing was told yet
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"  # the step in flight ends, and what was done is kept
    STOPPED = "stopped"  # by the person; the queue waits
    FAILED = "failed"  # see `problem`
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun(Event):
    """The run stands on the disk: what it has told before, with the cost of its phases."""

    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed(Event):
    """The run ended before its time; `error` is what nobody expected."""

    problem: RunProblem
    error: Exception | None = None


class Trainer(QObject):
    """Trains plans one after another. Read it, call it, follow it.

    `plan`, `history` and `problem` are of the run in hand, and stay as they are after its end until the next one
    starts. All signals come on the window's thread.
    """

    changed = Signal()  # state, plan, problem or queue
    advanced = Signal()  # `history` took in events; comes with each, so repaint on a clock
    finished = Signal(Path)  # a run came to its end: its folder
    left = Signal(Path)  # a run was stopped, failed or discarded: its folder, which may have gone

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs)
        self._jobs = jobs
        self.state = TrainerState.IDLE
        self.plan: Plan | None = None
        self.job: Job | None = None  # None while nothing runs
        self.history = History()  # with the cost of its phases: the whole run has a fraction and an ETA
        self.problem: RunProblem | None = None
        self.queue: list[Plan] = []  # what waits, in order
        self.laid_by: list[Plan] = []  # what an earlier window left to be trained, until it is taken up or forgotten
        self._waiting, self._kept = Waiting(), True
        self._begun = self._discarding = self._closed = False
        self._instead: Plan | None = None  # what begins at once when the run in hand has stopped
        self.changed.connect(self._keep)
        jobs.closing.connect(self._close)
        jobs.closed.connect(self._let_go)

    @property
    def busy(self) -> bool:
        """Whether a run is in hand."""
        return self.job is not None

    # -- the queue ----------------------------------------------------------------------------------------------

    def submit(self, plans: Sequence[Plan]) -> None:
        """Put plans at the end of the queue; the first starts at once where nothing runs.

        A run that waits or is in hand is not put there again; one that was laid by no longer is.
        """
        asked = {plan.run.absolute() for plan in plans}
        self.laid_by = [plan for plan in self.laid_by if plan.run.absolute() not in asked]
        taken = {plan.run.absolute() for plan in (*self._in_hand, *self.queue)}
        for plan in plans:
            if plan.run.absolute() not in taken:
                taken.add(plan.run.absolute())
                self.queue.append(plan)
        self.changed.emit()
        self.start_next()

    def start_next(self) -> None:
        """Start the first of the queue where nothing runs; needed only after what holds the queue.

        A stop does, and a plan that failed before its run began: the others may fail alike, and only the last is told.
        """
        if not self.busy and self.queue and not self._closed:
            self._start(self.queue.pop(0))

    def withdraw(self, plan: Plan) -> None:
        """Take a plan that waits out of the queue."""
        if plan in self.queue:
            self.queue.remove(plan)
            self.changed.emit()

    def recall(self) -> None:
        """Look for what an earlier window left to be trained: before anything is, for that takes its place."""
        self.laid_by = self._waiting.left()
        self.changed.emit()

    def take_up(self) -> None:
        """Put what was laid by at the end of the queue."""
        plans, self.laid_by = self.laid_by, []
        self.submit(plans)

    def forget(self) -> None:
        """Let what was laid by go; runs that have begun stay as they are."""
        self.laid_by = []
        self.changed.emit()

    def _keep(self) -> None:
        """Keep what is still to be trained, the run in hand first, for a window that comes after this one."""
        if not self._closed:
            in_hand = () if self._discarding else self._in_hand
            self._kept = self._waiting.keep([*in_hand, *self.queue, *self.laid_by])

    def resume_run(self, run: Path) -> None:
        """Go on with a run that was stopped or cut off, after those that wait. Its corpus is where run.json says."""
        try:
            plan = Plan.resuming(run)
        except RunError as error:
            self._jobs.fail(f"{run.name} cannot be resumed", error)
            return
        self.submit([plan])

    # -- the run in hand ----------------------------------------------------------------------------------------

    @property
    def _in_hand(self) -> tuple[Plan, ...]:
        return (self.plan,) if self.plan is not None and self.busy else ()

    def pause(self) -> None:
        """Hold before the next step; memory stays taken."""
        if self.job is not None and self.state in (TrainerState.STARTING, TrainerState.RUNNING):
            self.job.pause()
            self._show(TrainerState.PAUSED)

    def resume(self) -> None:
        """Go on after a pause."""
        if self.job is not None and self.state is TrainerState.PAUSED:
            self.job.resume()
            self._show(TrainerState.RUNNING)

    @property
    def may_choose(self) -> bool:
        """Whether the run in hand may still be told what its students learn from: none of them is trained."""
        if self.plan is None or self.state not in (TrainerState.RUNNING, TrainerState.PAUSED):
            return False
        config, stages = self.plan.config, self.history.stages
        trained = (stages.get(config.phase(student)) for student in config.students)
        return not config.distillation.off and not any(stage is not None and stage.finished for stage in trained)

    def leave_teacher_out(self) -> None:
        """Begin the students anew, without distillation; the teacher is kept."""
        if self.may_choose and self.plan is not None:
            instead = self.plan.going_on(WITHOUT_TEACHER)
            self.stop_and_keep()
            self._instead = instead

    def stop_and_keep(self) -> None:
        """End after the step in flight; the run can be gone on with at any time. The queue waits."""
        self._instead = None
        if self.job is not None:
            self.job.stop()
            self._show(TrainerState.STOPPING)

    def discard(self) -> None:
        """End after the step in flight and put the run's folder into the trash. Whoever calls has asked the person."""
        if self.job is not None:
            self._discarding = True
            self.stop_and_keep()

    def may_close(self, parent: QWidget) -> bool:
        """Whether the window may close: asks the person where a run is in hand, or what waits would be lost."""
        if self._closed or not (self.busy or (self.queue and not self._kept)):
            return True
        title, sentence = self._what_closing_does()
        box = question("Training", title, sentence, parent)
        trains = self.busy and not self._discarding
        stop = box.addButton("Stop and close" if trains else "Close", QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton("Keep training" if trains else "Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stop)
        box.setEscapeButton(keep)
        box.exec()
        agreed = box.clickedButton() is stop
        box.deleteLater()
        return agreed

    def _what_closing_does(self) -> tuple[str, str]:
        """What becomes of the run in hand and of those that wait, as a title and a sentence."""
        count = len(self.queue)
        waits = "one that waits" if count == 1 else f"{count} that wait"
        lost = f"The {waits} cannot be kept, and will not be trained."
        if self.plan is None or not self.busy:
            return f"{'A run waits' if count == 1 else f'{count} runs wait'} to be trained.", lost
        if self._discarding:
            title, sentence = "is being discarded", "After the step in flight it goes into the trash."
            kept = f"The {waits} {'is' if count == 1 else 'are'} offered at the next start."
        else:
            later = "offered at the next start" if self._kept else "can be resumed from the list of runs"
            title, sentence = "is being trained", f"Stopped after the step in flight, it is kept as it is and {later}."
            kept = f"So {'is' if count == 1 else 'are'} the {waits}."
        behind = (kept if self._kept else lost) if count else ""
        return f"{self.plan.run.name} {title}.", f"{sentence} {behind}".strip()

    # -- its thread ---------------------------------------------------------------------------------------------

    def _start(self, plan: Plan) -> None:
        self.plan, self.history, self.problem = plan, History(), None
        self._begun = self._discarding = False
        # `Jobs.start` announces every event to every panel; a training tells too many for that.
        self.job = job = Job(lambda: _walk(plan), self._jobs, name=f"Training {plan.run.name}")
        job.reported.connect(self._take)
        job.finished.connect(self._end)
        self._show(TrainerState.STARTING)
        self._jobs.begin(job)

    def _take(self, event: Event) -> None:
        if isinstance(event, _Begun):
            self.history, self._begun = event.history, True
        elif isinstance(event, _Failed):
            self._fail(event)
            return
        else:
            self.history.add(event, time.time())
        if self.state is TrainerState.STARTING:
            self._show(TrainerState.RUNNING)
        self.advanced.emit()

    def _fail(self, event: _Failed) -> None:
        self.problem = event.problem
        if event.error is not None:
            raise event.error  # a defect: the window's report shows it

    def _end(self) -> None:
        job, plan = self.job, self.plan
        if job is None or plan is None or self._closed:
            return
        self.job = None
        self._jobs.forget(job)
        state = TrainerState.STOPPED
        if self._discarding:
            self.put_away(plan.run)
        elif self.problem is not None:
            state = TrainerState.FAILED
        elif self.history.result is not None:
            state = TrainerState.FINISHED
        self._show(state)
        (self.finished if state is TrainerState.FINISHED else self.left).emit(plan.run)
        instead, self._instead = self._instead, None
        if instead is not None and state is TrainerState.STOPPED and not self.busy:
            self._start(instead)
        elif state is TrainerState.FINISHED or (state is TrainerState.FAILED and self._begun):
            self.start_next()

    def put_away(self, run: Path) -> None:
        """Put a run's folder into the trash, and say so where there is none. Whoever calls has asked the person."""
        try:
            aside = catalogue.move_to_trash(run)
        except RunError as error:
            self._jobs.fail(f"{run.name} cannot be put into the trash", error)
        else:
            if aside is not None:
                told = f"There is no trash where it lay: it is kept in {aside}, for you to delete."
                self._jobs.failed.emit(f"{run.name} is discarded", told)

    def _show(self, state: TrainerState) -> None:
        self.state = state
        self.changed.emit()

    def _close(self) -> None:
        """The window closes: its jobs are stopped and waited for; nothing else begins."""
        self._closed = True
        self.queue.clear()

    def _let_go(self) -> None:
        """All threads have ended: what is discarded goes, and another window may take up what waits."""
        if self._discarding:
            for plan in self._in_hand:
                self.put_away(plan.run)
        self._waiting.release()


def _walk(plan: Plan) -> Generator[Event, Any, None]:
    """The plan's training, on its thread: told with its past, and at its end with what it failed of."""
    import pyqtgraph  # noqa: F401 - for the curves: here the window does not wait for it

    begun = False
    try:
        for event in train_plan(plan):
            if not begun:
                begun = True
                yield _Begun(history=_past(plan))
            yield event
        return
    except StudioError as error:
        failed = _Failed(problem=explain(error, plan, begun=begun or plan.resume))
    except (OSError, MemoryError) as error:
        failed = _Failed(problem=explain(refused(error), plan, begun=begun or plan.resume))
    except Exception as error:  # noqa: BLE001 - whatever it is, the window says it
        failed = _Failed(problem=defect(error), error=error)
    # Outside the blocks above, so that the error lets go of the memory that its frames hold.
    yield failed


def _past(plan: Plan) -> History:
    log, costs = plan.run / "events.jsonl", _costs(plan)
    return History.read(log, costs) if plan.resume and log.is_file() else History(costs)


def _costs(plan: Plan) -> dict[Phase, float]:
    from telme_model.training.measuring import this_machine  # with torch: this is the job's thread

    config = plan.config
    try:
        encoders = {m: find_weights(getattr(config, m).weights, m).architecture for m in config.modalities}
        return phase_costs(open_corpus(plan.corpus), config, encoders, this_machine())
    except Exception:  # noqa: BLE001 - a training that no time is told of is still a training
        return {}
