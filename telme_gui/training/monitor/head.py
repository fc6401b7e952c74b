"""The head of the monitor: which run, how far it is as a whole, its buttons, those that wait; or that there is none."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.widgets import push_button
from telme_gui.look.words import Words, as_tip, literal
from telme_gui.training.monitor.tiles import KeyFigure
from telme_gui.training.trainer import TrainerState
from telme_model.runs.config import Config
from telme_model.runs.history import History
from telme_model.runs.plan import Plan
from telme_model.runs.quantities import duration

FINE = 1000  # parts of the run's bar
_WORDS = {
    TrainerState.IDLE: "",
    TrainerState.STARTING: "Starting: the libraries load",
    TrainerState.RUNNING: "Training",
    TrainerState.PAUSED: "Paused; its memory stays taken",
    TrainerState.STOPPING: "Stopping after the step in flight",
    TrainerState.STOPPED: "Stopped and kept; it can be gone on with at any time",
    TrainerState.FAILED: "Ended before its time",
    TrainerState.FINISHED: "Finished",
}


class Head(QWidget):
    """Name, settings, state and bar of the run; the buttons that its state allows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name, self.about, self.state, self.figures = Words(), Elided(), Words(), Elided()
        self.name.setObjectName("title")
        self.about.setObjectName("muted")
        self.state.setObjectName("caption")
        self.figures.setObjectName("caption")
        self.figures.setAccessibleName("Figures of the run")
        self.figures.hide()
        self.switch = Switch()
        self.switch.hide()
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName("Progress of the run")
        self.pause = push_button("Pause", "Hold before the next step; memory stays taken")
        self.stop = push_button("Stop and keep", "End after the step in flight; the run can be gone on with later")
        self.discard = push_button("Discard…", "End the run and put its folder into the trash")
        self.train = push_button("Train a run…", "Choose what to train")
        self.next = push_button("Start the next", "Start the first run that waits")
        self.waiting = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.waiting.setObjectName("plain")
        self.waiting.setAccessibleName("Runs that wait")
        self.waiting.setMenu(QMenu(self.waiting))
        self._known: tuple[Path, str] | None = None  # a run, and what it computes on
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.RHYTHM)
        top.addWidget(self.name)
        top.addSpacing(theme.RHYTHM // 2)
        top.addWidget(self.about, 1)
        top.addWidget(self.switch)
        for button in (self.waiting, self.next, self.train, self.pause, self.stop, self.discard):
            top.addWidget(button)
        below = QHBoxLayout()
        below.setSpacing(2 * theme.RHYTHM)
        below.addWidget(self.bar, 1)
        below.addWidget(self.state)
        below.addWidget(self.figures, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.RHYTHM // 2)
        column.addLayout(top)
        column.addLayout(below)

    def flatten(self, flat: bool) -> None:
        """Take in the switch between the parts below, where there is little height."""
        self.switch.setVisible(flat)

    def show_figures(self, figures: Sequence[KeyFigure]) -> None:
        """What there is of the run's figures, in a line; what is left of the run is said already."""
        self.figures.setText("   ·   ".join(figure.words for figure in figures[1:] if figure.value != "–"))
        self.figures.setToolTip(as_tip("\n".join(figure.words for figure in figures if figure.value != "–")))

    def show_state(
        self, state: TrainerState, plan: Plan | None, queue: Sequence[Plan], withdraw: Callable[[Plan], object]
    ) -> None:
        """Offer what this state allows; `withdraw` takes a plan out of the queue."""
        alive = state in (TrainerState.STARTING, TrainerState.RUNNING, TrainerState.PAUSED)
        self.name.setText(plan.run.name if plan else "Earlier runs")
        goes = state in (TrainerState.STARTING, TrainerState.RUNNING, TrainerState.STOPPING)
        self.pause.setText("Pause" if goes else "Resume")
        self.pause.setAccessibleName(self.pause.text())
        self.pause.setToolTip(
            "Hold before the next step; memory stays taken" if self.pause.text() == "Pause" else "Go on where it stands"
        )
        over = state in (TrainerState.STOPPED, TrainerState.FAILED)
        gone = over and plan is not None and not plan.run.exists()
        self.pause.setVisible(plan is not None and state is not TrainerState.FINISHED and not gone)
        self.pause.setEnabled(state is not TrainerState.STOPPING)
        for button in (self.stop, self.discard):
            button.setVisible(alive or state is TrainerState.STOPPING)
            button.setEnabled(alive)
        self.train.setVisible(not alive and state is not TrainerState.STOPPING)
        self.next.setVisible(bool(queue) and self.train.isVisibleTo(self))
        self.waiting.setVisible(bool(queue))
        self.waiting.setText(f"{len(queue)} waiting ▾")
        self.waiting.setToolTip("Runs that follow this one; choose one to take it out")
        menu = self.waiting.menu()
        menu.clear()
        for waiting in queue:
            menu.addAction(literal(f"Take out “{waiting.run.name}”")).triggered.connect(partial(withdraw, waiting))
        for part in (self.bar, self.state):
            part.setVisible(plan is not None)
        if plan is None:
            self.about.setText("")

    def show_progress(self, plan: Plan, history: History, state: TrainerState) -> None:
        """How far the run is, and what it runs on."""
        fraction = history.fraction
        moves = state in (TrainerState.STARTING, TrainerState.RUNNING, TrainerState.STOPPING)
        self.bar.setRange(0, 0 if fraction is None and moves else FINE)
        self.bar.setValue(round((fraction or 0.0) * FINE))
        words = _WORDS[state]
        if state is TrainerState.STOPPED and not plan.run.exists():
            words = "Discarded"
        if state in (TrainerState.RUNNING, TrainerState.PAUSED, TrainerState.STOPPED) and fraction is not None:
            words = f"{words}   ·   {fraction:.0%}"
            if history.eta is not None and state is TrainerState.RUNNING:
                words += f", {duration(history.eta)} left"
        self.state.setText(words)
        self.about.setText(about(plan, self._machine(plan)))
        self.about.setToolTip(as_tip(str(plan.run)))

    def _machine(self, plan: Plan) -> str:
        """What the run computes on, as its folder tells once it is there."""
        if self._known is None or self._known[0] != plan.run:
            machine = machine_of(plan.run, plan.config)
            if machine is None:
                return ""
            self._known = (plan.run, machine)
        return self._known[1]


class MonitorPart(StrEnum):
    """What stands under the head where there is no room for all of it."""

    OUTCOME = "Outcome"  # a problem or a summary
    CURVES = "Curves"
    LOG = "Log"


class Switch(QWidget):
    """One button a part; the pressed one's is shown."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.buttons = {part: QToolButton() for part in MonitorPart}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.RHYTHM // 2)
        for part, button in self.buttons.items():
            button.setObjectName("tab")
            button.setText(part)
            button.setAccessibleName(part)
            button.setCheckable(True)
            button.setToolTip(as_tip(f"Show the {str(part).lower()} here"))
            self._group.addButton(button)
            row.addWidget(button)
        self.choose(MonitorPart.CURVES)
        self._group.buttonToggled.connect(lambda _button, on: self.changed.emit() if on else None)

    @property
    def chosen(self) -> MonitorPart:
        """The part that is shown."""
        return next(part for part, button in self.buttons.items() if button.isChecked())

    def choose(self, part: MonitorPart) -> None:
        """Show another part."""
        self.buttons[part].setChecked(True)

    def offer(self, parts: Sequence[MonitorPart]) -> None:
        """These can be chosen; the first of them is, where the chosen one has gone."""
        for part, button in self.buttons.items():
            button.setVisible(part in parts)
        if self.chosen not in parts:
            self.choose(parts[0])


class Elided(Words):
    """A line that gives way: what there is no room for is left out at its end."""

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """No width at all."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """As much of the text as fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()


class NothingTrained(QWidget):
    """Nothing was trained yet: what training is, and where it begins."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title, lead = Words("No run is being trained"), Words()
        title.setObjectName("title")
        lead.setObjectName("muted")
        lead.setWordWrap(True)
        lead.setText("Its progress and its curves appear here, while you go on watching and annotating.")
        self.train = push_button("Train a run…", "Choose what to train")
        self.train.setObjectName("primary")
        middle = QWidget()
        middle.setMaximumWidth(480)
        column = QVBoxLayout(middle)
        column.setSpacing(theme.RHYTHM)
        column.addWidget(title)
        column.addWidget(lead)
        column.addSpacing(theme.RHYTHM)
        column.addWidget(self.train, 0, Qt.AlignmentFlag.AlignLeft)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(middle, 4)
        across.addStretch(1)
        page = QVBoxLayout(self)
        page.addStretch(2)
        page.addLayout(across)
        page.addStretch(3)


def about(plan: Plan, machine: str) -> str:
    """A run's settings in a line: "demo preset · seed 3 · labels: gold · bf16 on NVIDIA H200"."""
    config = plan.config
    return "  ·  ".join(
        part for part in (f"{config.preset} preset", f"seed {config.seed}", f"labels: {plan.layer}", machine) if part
    )


def machine_of(run: Path, config: Config) -> str | None:
    """Arithmetic and device of a run, by what its run.json says of the machine; None before there is one."""
    try:
        gpu = json.loads((run / "run.json").read_text(encoding="utf-8"))["environment"]["gpu"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    device = "the CPU" if config.device == "cpu" or not gpu else str(gpu)
    if config.device == "mps":
        device = "the Apple GPU"
    precisions = {str(config.stage(modality).precision) for modality in config.modalities} - {"auto"}
    return f"{'/'.join(sorted(precisions))} on {device}" if precisions else f"on {device}"
