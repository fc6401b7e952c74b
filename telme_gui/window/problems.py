"""What goes wrong, said in the window: a banner for what a person can mend, a report to copy for a defect."""

import platform
import sys
import threading
import traceback
from collections.abc import Generator
from functools import partial
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.widgets import Banner
from telme_gui.look.words import Words
from telme_gui.session.session import Session
from telme_model import __version__
from telme_model.commands import doctor
from telme_model.events import Event, Message


class ProblemBanner(Banner):
    """What went wrong and what to do, over the panels, until dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dismiss = QToolButton()
        self.dismiss.setObjectName("quiet")
        self.dismiss.setText("Dismiss")
        self.dismiss.setToolTip("Hide this message")
        self.dismiss.setAccessibleName("Dismiss the message")
        self.dismiss.clicked.connect(self.hide)
        self.add_beside(self.dismiss, Qt.AlignmentFlag.AlignTop)


class TextDialog(QDialog):
    """A long text to read and to copy."""

    def __init__(self, title: str, lead: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(680, 440)
        words = Words(lead)
        words.setWordWrap(True)
        self.text = QPlainTextEdit(text, readOnly=True)
        self.text.setObjectName("report")
        self.text.setAccessibleName(title)
        copy = QPushButton("Copy")
        copy.setToolTip("Copy the whole text")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(*4 * [2 * theme.RHYTHM])
        column.setSpacing(2 * theme.RHYTHM)
        column.addWidget(words)
        column.addWidget(self.text, 1)
        column.addLayout(buttons)


def report_system(session: Session, window: QWidget) -> None:
    """Show what `doctor` says of this machine, once it has said it."""

    def look() -> Generator[Event, None, str]:
        yield Message(text="looking at this machine")
        return doctor.report()

    def show(text: str | None) -> None:
        if text is not None:
            lead = "What a bug report needs to know of this machine. Nothing is sent anywhere."
            TextDialog("System report", lead, text, window).show()

    job = session.jobs.start(look, "Looking at this machine")
    job.done.connect(show)
    job.failed.connect(partial(session.jobs.fail, "There is no system report"))


class Reporter(QObject):
    """Shows what no code expected, from any thread; the program goes on."""

    _raised = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.dialog: TextDialog | None = None
        self._raised.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Take what is uncaught, here and on other threads."""
        sys.excepthook = self.report
        threading.excepthook = lambda args: self.report(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def uninstall(self) -> None:
        """Leave it to Python again."""
        sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__

    def report(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Show an error; one that is meant to end the program does so."""
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        self._raised.emit("".join(traceback.format_exception(kind, error, trace)))

    def _show(self, trace: str) -> None:
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.text.appendPlainText("\n" + trace)
            return
        python, system = platform.python_version(), platform.platform()
        about = f"TelME Studio {__version__}, Python {python}, Qt {qVersion()}, {system}"
        self.dialog = TextDialog(
            "Something went wrong",
            "TelME Studio met an error that it did not expect. It goes on, and your files are untouched; what you did "
            "last may be missing. Please copy this report into a bug report.",
            f"{about}\n\n{trace}",
            self._window,
        )
        self.dialog.show()
