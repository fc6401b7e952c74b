"""The background work of a window: what runs, what went wrong with it, and its end."""

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from telme_gui.session.job import Job
from telme_model.errors import StudioError
from telme_model.events import Event


class Jobs(QObject):
    """The jobs in hand, `running`. Work with a name is shown, with its progress and a stop button."""

    changed = Signal()  # a job began, advanced or ended
    failed = Signal(str, str)  # title and sentence of something that went wrong
    closing = Signal()  # nothing begins any more: whoever keeps threads or clocks ends them
    closed = Signal()  # all threads have ended

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: list[Job] = []
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether any work is shown."""
        return any(job.name for job in self.running)

    def start(self, work: Callable[[], Iterator[Event]], name: str = "") -> Job:
        """Run an iterator of events on a thread, and announce each with `changed`."""
        job = Job(work, self, name=name)
        job.reported.connect(self.changed)
        self.begin(job)
        return job

    def begin(self, job: Job) -> None:
        """Take a job in hand; it is stopped and waited for when these are closed.

        Its thread begins with the next turn of the event loop, so that whoever asked can connect to the job's signals
        and miss none. After `close` nothing begins.
        """
        if self._closed:
            return
        self.running.append(job)
        job.finished.connect(lambda: self.forget(job))
        QTimer.singleShot(0, job, lambda: job.start() if job in self.running else None)
        self.changed.emit()

    def forget(self, job: Job) -> None:
        """Let go of a job that has ended."""
        if job in self.running:
            self.running.remove(job)
            job.wait()  # until its end is told to everyone, who may ask who it was; then it goes, with all it holds
            job.deleteLater()
            self.changed.emit()

    def fail(self, title: str, error: Exception) -> None:
        """Say what went wrong and what to do; what no person can mend is a defect, which the window's report says."""
        if not isinstance(error, StudioError):
            raise error
        self.failed.emit(title, error.advice)

    def close(self) -> None:
        """Stop all work and wait until it has kept what it did."""
        if self._closed:
            return
        self._closed = True
        self.closing.emit()
        for job in list(self.running):
            job.stop()
        for job in list(self.running):
            job.wait()
        self.running.clear()
        self.closed.emit()
