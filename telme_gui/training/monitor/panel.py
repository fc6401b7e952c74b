"""The run monitor: what is being trained, how far it is and how well it goes, and its control."""

import time
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_gui.training.discarding import ask_in_training
from telme_gui.training.monitor.chance_card import ChanceCard
from telme_gui.training.monitor.figures import COUNT, figures
from telme_gui.training.monitor.head import Head, MonitorPart, NothingTrained
from telme_gui.training.monitor.log import LogPane, log_line
from telme_gui.training.monitor.phases import ENCODERS, PhaseStrip, phases_of, steps_of
from telme_gui.training.monitor.problem_card import ProblemCard
from telme_gui.training.monitor.summary_view import SummaryView
from telme_gui.training.monitor.tiles import Tiles
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.events import Event, Message, Phase, Progress, StageDone, TeacherAtChance
from telme_model.runs.history import History
from telme_model.runs.names import run_name
from telme_model.runs.summary import Summary

if TYPE_CHECKING:
    from telme_gui.training.monitor.curves import Curves

CURVES, WORDS = 100, 500  # ms between two drawings of curves, and of everything that is read
SHORT = 540  # px of height below which the parts under the head take turns
TIGHT = 240  # px of height below which they stand close together
ALIVE = {TrainerState.STARTING, TrainerState.RUNNING, TrainerState.PAUSED, TrainerState.STOPPING}
_EMPTY, _PAGE = 0, 1
_SHEET = """
#monitorLog {{
    background: transparent; border: none; border-top: 1px solid {p.line}; border-radius: 0; padding: 6px 0;
    font-family: monospace; font-size: 12px; color: {p.muted};
}}
#monitorLog:focus {{ border-color: {p.accent}; }}
QSlider {{ min-height: 18px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {p.line}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {p.accent}; }}
QSlider::handle:horizontal {{
    width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; background: {p.accent};
}}
QSlider::handle:horizontal:focus {{ width: 8px; height: 8px; border: 2px solid {p.accent}; background: {p.surface}; }}
QToolButton::menu-indicator {{ image: none; }}
"""


class Monitor(QWidget):
    """Follows the trainer while it is looked at. Earlier runs are laid over the curves by `compare`."""

    _palette: theme.Palette | None = None  # as last styled
    train_wanted = Signal()  # the dialog that trains
    change_wanted = Signal(object)  # Plan: that dialog with its settings
    charts_wanted = Signal(object)  # Path: a run that is to be opened at its charts

    def __init__(self, session: Session, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._trainer = session, trainer
        self._job: Job | None = None  # whose events are followed
        self._history: History | None = None  # that the curves show
        self._lines: list[tuple[float, str]] = []  # of the log, not yet shown
        self._busy: tuple[Phase, str] | None = None  # what goes on in a stage once it is trained
        self._news = True
        self._seen: object = None  # state and problem as last shown
        self._compared: tuple[tuple[Path, History], ...] = ()
        self.curves: Curves | None = None  # made when first needed, for pyqtgraph takes a while to import
        self.head, self.empty = Head(), NothingTrained()
        self.strip, self.tiles, self.log = PhaseStrip(), Tiles(COUNT), LogPane()
        self.problem, self.chance, self.summary = ProblemCard(), ChanceCard(trainer), SummaryView()
        self._fast, self._slow = QTimer(self, interval=CURVES), QTimer(self, interval=WORDS)
        self._fast.timeout.connect(self._draw_news)
        self._slow.timeout.connect(self._read_out)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Run monitor")
        self._lay_out()
        self._connect()
        self._colour()
        self._take_state()

    def _lay_out(self) -> None:
        page = QWidget()
        page.setObjectName("page")
        self._column = QVBoxLayout(page)
        for part in (self.head, self.problem, self.chance, self.summary, self.strip, self.tiles):
            self._column.addWidget(part)
        self._column.addWidget(self.log, 2)
        self._column.addStretch(0)  # takes what room the parts above have no use for
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(scroll)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)

    def _connect(self) -> None:
        head, trainer = self.head, self._trainer
        trainer.changed.connect(self._take_state)
        trainer.advanced.connect(self._note)
        head.switch.changed.connect(self._share_out)
        head.pause.clicked.connect(self._pause_or_resume)
        head.stop.clicked.connect(trainer.stop_and_keep)
        head.discard.clicked.connect(lambda: ask_in_training(trainer, self))
        head.train.clicked.connect(self.train_wanted)
        head.next.clicked.connect(trainer.start_next)
        self.empty.train.clicked.connect(self.train_wanted)
        self.problem.accepted.connect(self._take_offer)
        self.chance.answered.connect(self._share_out)
        self.summary.charts_wanted.connect(self.charts_wanted)
        self.summary.dismissed.connect(self._share_out)
        self._session.jobs.closing.connect(self._fast.stop)
        self._session.jobs.closing.connect(self._slow.stop)

    # -- earlier runs -------------------------------------------------------------------------------------------

    def compare(self, runs: Sequence[Path]) -> None:
        """Lay the curves of these runs over the one in hand, read from their logs in the background; none ends it."""
        if not runs:
            self._show_compared(())
            return
        job = self._session.jobs.start(partial(read_histories, tuple(runs)), f"Reading {len(runs)} runs' curves")
        job.done.connect(lambda told: None if told is None else self._show_compared(told))
        job.failed.connect(partial(self._session.jobs.fail, "The curves cannot be read"))

    def _show_compared(self, told: Sequence[tuple[Path, History]]) -> None:
        self._compared = tuple(told)
        self._show_curves()
        self._take_state()
        if told:
            self._bring(MonitorPart.CURVES)

    # -- what is in hand ----------------------------------------------------------------------------------------

    def _take_state(self) -> None:
        """Another state, another run, another queue."""
        trainer = self._trainer
        if trainer.job is not None and trainer.job is not self._job:
            self._job = trainer.job
            self._job.reported.connect(self._hear)
        self._take_history()
        there = trainer.plan is not None
        self._stack.setCurrentIndex(_PAGE if there or self._compared else _EMPTY)
        self._make_curves()
        self.head.show_state(trainer.state, trainer.plan, trainer.queue, trainer.withdraw)
        if self._seen != (seen := (trainer.state, trainer.problem)):
            self._seen = seen
            self._show_problem()
        self._share_out()
        self._read_out()
        self._run_clocks()

    def _take_history(self) -> None:
        """Another run, or one that goes on and has a past."""
        trainer = self._trainer
        if trainer.history is self._history:
            return
        self._history = trainer.history
        self._busy = None
        self._lines = [(when, said) for when, event in trainer.history.messages if (said := log_line(event))]
        self.log.begin(str(trainer.plan.run) if trainer.plan else "")
        self._show_curves()

    def _show_curves(self) -> None:
        """The run in hand, and under it those to compare: without itself."""
        if self.curves is None:
            return
        plan = self._trainer.plan
        here = plan.run.resolve() if plan else None
        self.curves.show_run(plan.run.name if plan else "", self._trainer.history if plan else None)
        self.curves.compare([(run_name(run), told) for run, told in self._compared if run.resolve() != here])

    def _show_problem(self) -> None:
        problem = self._trainer.problem
        if self._failed and problem is not None:
            self.problem.explain(problem.title, problem.cause, problem.remedy, problem.offer_name)
            self._bring(MonitorPart.OUTCOME)
        elif self._trainer.state is TrainerState.STARTING:
            self._bring(MonitorPart.CURVES)

    @property
    def _failed(self) -> bool:
        return self._trainer.state is TrainerState.FAILED and self._trainer.problem is not None

    def show_summary(self, summary: Summary) -> None:
        """Show what a run came to, until it is dismissed: one that waited may be under way by then."""
        self.summary.show_summary(summary)
        self._bring(MonitorPart.OUTCOME)

    # -- room ---------------------------------------------------------------------------------------------------

    def _bring(self, part: MonitorPart) -> None:
        """See that a part is shown."""
        self._share_out()  # it may not have been on offer
        self.head.switch.choose(part)

    def _share_out(self) -> None:
        """Show everything there is, one under the other; where there is little height, the chosen part of it."""
        trainer, short = self._trainer, self.height() < SHORT
        there, summed_up = trainer.plan is not None, self.summary.summary is not None and not self._failed
        offered = {MonitorPart.OUTCOME: self._failed or summed_up, MonitorPart.CURVES: True, MonitorPart.LOG: there}
        self.head.switch.offer([part for part, is_there in offered.items() if is_there])
        shown = {self.head.switch.chosen} if short else set(MonitorPart)
        self.chance.setVisible(self.chance.asks(trainer.history))
        self.problem.setVisible(self._failed and MonitorPart.OUTCOME in shown)
        self.summary.setVisible(summed_up and MonitorPart.OUTCOME in shown)
        self.log.setVisible(there and MonitorPart.LOG in shown)
        self.strip.setVisible(there and not (short and self.summary.isVisibleTo(self)))  # which tells more
        figures_count = there and trainer.state not in (TrainerState.FAILED, TrainerState.FINISHED)
        self.tiles.setVisible(figures_count and not short)
        self.head.figures.setVisible(figures_count and short)
        self.head.flatten(short)
        self.strip.flatten(short)
        if self.curves is not None:
            self.curves.setVisible(MonitorPart.CURVES in shown)
            self.curves.flatten(short)
        tight = self.height() < TIGHT
        self.summary.flatten(tight)
        side, edge, gap = (2, 1, 1) if tight else (2, 2, 2) if short else (4, 4, 3)  # half rhythms
        self._column.setContentsMargins(*2 * [side * theme.RHYTHM // 2, edge * theme.RHYTHM // 2])
        self._column.setSpacing(gap * theme.RHYTHM // 2)

    # -- following ----------------------------------------------------------------------------------------------

    def _note(self) -> None:
        self._news = True

    def _hear(self, event: Event) -> None:
        """Keep what the log says; what is drawn waits for the clock."""
        self._take_history()
        if (line := log_line(event)) is not None:
            self._lines.append((time.time(), line))
        match event:
            case TeacherAtChance() | StageDone():  # a question, or its end
                self._share_out()
            case _:
                pass
        match event:
            case Progress(phase=phase, done=done, total=total) if phase in ENCODERS and self._is_trained(phase):
                self._busy = phase, f"embedding {done:,} of {total:,}"
            case _:
                self._busy = None

    def _is_trained(self, phase: Phase) -> bool:
        stage = self._trainer.history.stages.get(phase)
        return stage is not None and stage.finished

    def _run_clocks(self) -> None:
        wanted = self._trainer.state in ALIVE and self.isVisible()
        for clock in (self._fast, self._slow):
            if wanted != clock.isActive():
                clock.start() if wanted else clock.stop()

    def _draw_news(self) -> None:
        if self._news and self.curves is not None and not self.window().isMinimized():
            self._news = False
            self.curves.refresh()

    def _read_out(self) -> None:
        """Everything that is read: phases, figures, log."""
        trainer = self._trainer
        if not self.isVisible() or trainer.plan is None:
            return
        history, state = trainer.history, trainer.state
        broken = state is TrainerState.FAILED
        steps = steps_of(history, phases_of(trainer.plan.config), alive=state in ALIVE, broken=broken, busy=self._busy)
        self.strip.show_steps(steps)
        read = figures(history)
        self.tiles.show_figures(read)
        self.head.show_figures(read)
        self.head.show_progress(trainer.plan, history, state)
        lines, self._lines = self._lines, []
        self.log.add(lines)

    # -- control ------------------------------------------------------------------------------------------------

    def _pause_or_resume(self) -> None:
        trainer = self._trainer
        if trainer.state is TrainerState.PAUSED:
            trainer.resume()
        elif trainer.state in ALIVE:
            trainer.pause()
        elif trainer.plan is not None:
            trainer.resume_run(trainer.plan.run)

    def _take_offer(self) -> None:
        problem = self._trainer.problem
        if problem is None or problem.offer is None:
            return
        if problem.asks:
            self.change_wanted.emit(problem.offer)
        else:
            self._trainer.submit([problem.offer])

    # -- Qt's own -----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Now it is looked at."""
        super().showEvent(event)
        self._make_curves()
        self._read_out()
        self._draw_news()
        self._run_clocks()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Draw nothing at all."""
        super().hideEvent(event)
        self._run_clocks()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Share the room out anew."""
        super().resizeEvent(event)
        self._share_out()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Other colours."""
        if theme.active_palette() is not self._palette:
            self._colour()
        super().changeEvent(event)

    def _colour(self) -> None:
        self._palette = theme.active_palette()  # first: a new style sheet is a change, too
        self.setStyleSheet(_SHEET.format(p=self._palette))

    def _make_curves(self) -> None:
        """Make the curves once there is something to draw, and somebody who looks."""
        if self.curves is not None or not self.isVisible() or self._stack.currentIndex() == _EMPTY:
            return
        if self._trainer.state is TrainerState.STARTING:  # its thread loads pyqtgraph first
            return
        from telme_gui.training.monitor.curves import Curves

        self.curves = Curves()
        self.curves.ended.connect(lambda: self.compare([]))
        self._column.insertWidget(self._column.indexOf(self.log), self.curves, 3)
        self._show_curves()
        self._share_out()


def read_histories(runs: Sequence[Path]) -> Generator[Event, None, tuple[tuple[Path, History], ...]]:
    """These runs with their histories, from their logs. Raises RunError."""
    told = []
    for run in runs:
        yield Message(text=f"reading {run}")
        told.append((run, History.read(run / "events.jsonl")))
    return tuple(told)
