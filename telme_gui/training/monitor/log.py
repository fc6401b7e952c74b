"""The run's log: what happened, a line each, to be read and copied."""

import time
from collections.abc import Iterable

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.words import Words, as_tip
from telme_gui.training.monitor.inks import TERMS
from telme_model.events import (
    EpochDone,
    Event,
    Message,
    Phase,
    Progress,
    RunFinished,
    StageDone,
    StageStarted,
    StepDone,
    TeacherAtChance,
)
from telme_model.runs import at_chance

KEPT = 2000  # lines
LEAST = 64  # px of height


def log_line(event: Event) -> str | None:
    """What the log says of an event; None where that is nothing."""
    match event:
        case StepDone() | Progress():  # first, for they are the many
            return None
        case Message():
            return f"{event.level}: {event.text}" if event.level != "info" else event.text
        case StageStarted(epochs=epochs) if epochs:
            return f"{event.phase}: {event.turns:,} turns, {epochs} epochs, {event.steps:,} steps"
        case StageStarted(phase=Phase.CACHING):
            return f"caching: looking at the clips of {event.turns:,} turns"
        case EpochDone():
            losses = [f"{ink.name} {event.losses[term]:.3f}" for term, ink in TERMS.items() if term in event.losses]
            best = " (best so far)" if event.best else ""
            said = ", ".join([*losses, f"dev weighted F1 {event.dev_weighted_f1:.1f}{best}"])
            return f"{event.phase}: epoch {event.epoch} of {event.epochs}, {said}"
        case StageDone(phase=Phase.PREPARING):
            return None
        case StageDone():
            best = "" if event.dev_weighted_f1 is None else f", best dev weighted F1 {event.dev_weighted_f1:.1f}"
            return f"{event.phase}: done in {event.seconds:.1f} s{best}"
        case TeacherAtChance():
            return f"warning: {at_chance.TITLE.lower()}. {at_chance.cause(event)} {at_chance.follows(event)}"
        case RunFinished():
            return "all stages are done"
    return None


class LogPane(QWidget):
    """Lines with their time; copied and cleared as a whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = ""
        self._follows = True  # the end is in view, and stays so
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setObjectName("monitorLog")
        self.text.setAccessibleName("Log of the run")
        self.text.setMaximumBlockCount(KEPT)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setTabChangesFocus(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        bar = self.text.verticalScrollBar()
        bar.valueChanged.connect(self._scroll)
        bar.rangeChanged.connect(lambda _low, high: bar.setValue(high) if self._follows else None)
        title = Words("Log")
        title.setStyleSheet("font-weight: 600")
        self.copy = _quiet("Copy", "Copy the whole log")
        self.open = _quiet("Open run folder", "Show the run's folder in the file manager")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.open.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder)))
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.copy)
        head.addWidget(self.open)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.RHYTHM // 2)
        column.addLayout(head)
        column.addWidget(self.text, 1)
        self.text.setMinimumHeight(LEAST)

    def begin(self, folder: str) -> None:
        """The log of another run, empty."""
        self._folder = folder
        self.text.clear()

    def add(self, lines: Iterable[tuple[float, str]]) -> None:
        """Put lines with their time (in seconds since 1970) at the end; who has scrolled up is left there."""
        said = [f"{time.strftime('%H:%M:%S', time.localtime(when))}  {line}" for when, line in lines]
        if said:
            self.text.appendPlainText("\n".join(said))

    def _scroll(self, value: int) -> None:
        self._follows = value == self.text.verticalScrollBar().maximum()


def _quiet(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName("quiet")
    button.setAccessibleName(text)
    button.setToolTip(as_tip(tip))
    return button
