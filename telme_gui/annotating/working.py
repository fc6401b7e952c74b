"""What the dialogs on labels have in common: a line for what is in the way, and a work in the background."""

from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.words import Words
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.errors import StudioError
from telme_model.events import Event, Progress


class LabelsDialog(QDialog):
    """Says in a line what is in the way. Whoever opened it tells it when the labels changed."""

    def __init__(self, session: Session, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.problem = Words()
        self.problem.setObjectName("wrong")
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.say("")

    def say(self, problem: str) -> None:
        """Say what is in the way; "" for nothing."""
        self.problem.setText(problem[:1].upper() + problem[1:])
        self.problem.setVisible(bool(problem))

    def follow(self) -> None:
        """The labels changed: to be overridden."""


class WorkDialog(LabelsDialog):
    """A body, and below it what goes wrong, how far the work is, and the buttons. Closing it stops the work."""

    def __init__(self, session: Session, title: str, parent: QWidget | None = None) -> None:
        super().__init__(session, title, parent)
        self.job: Job | None = None
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress")
        self.close_button, self.go = QPushButton("Cancel"), QPushButton()
        self.close_button.clicked.connect(self.reject)
        self.go.setObjectName("primary")
        self.go.setDefault(True)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(theme.RHYTHM)
        self.buttons.addStretch(1)
        self.buttons.addWidget(self.close_button)
        self.buttons.addWidget(self.go)
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.RHYTHM)
        column = QVBoxLayout(self)
        column.setContentsMargins(*4 * [2 * theme.RHYTHM])
        column.setSpacing(theme.RHYTHM)
        column.addLayout(self.body, 1)
        column.addWidget(self.problem)
        column.addWidget(self.progress)
        column.addLayout(self.buttons)
        self.progress.hide()

    def work(self, name: str, work: Callable[[], Generator[Event, None, Any]], take: Callable[[Any], None]) -> None:
        """Do this in the background, and hand over what it returns unless it fails or is stopped."""
        self.stop()
        self.say("")
        self.job = job = self._session.jobs.start(work, name)
        self.progress.setRange(0, 0)
        self.progress.show()
        # A work that was stopped may still speak when the dialog is gone.
        job.reported.connect(lambda event: self._count(event) if job is self.job else None)
        job.failed.connect(lambda error: self._refuse(error) if job is self.job else None)
        job.done.connect(lambda result: take(result) if result is not None and job is self.job else None)
        job.finished.connect(lambda: self._end() if job is self.job else None)

    def stop(self) -> None:
        """Stop the work, if there is one."""
        if self.job is not None:
            self.job.stop()
            self.job = None
        self.progress.hide()

    def ended(self) -> None:
        """The work has ended, well or not: to be overridden."""

    def _count(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.progress.setRange(0, event.total)
            self.progress.setValue(event.done)

    def _refuse(self, error: Exception) -> None:
        if not isinstance(error, StudioError):
            raise error  # a defect: the window's report says so
        self.say(error.advice)

    def _end(self) -> None:
        self.job = None
        self.progress.hide()
        self.ended()

    def reject(self) -> None:
        """Close, and stop what is under way."""
        self.stop()
        super().reject()
