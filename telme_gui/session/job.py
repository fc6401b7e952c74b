"""Background work: one thread walks an iterator of events and hands each to the window."""

from collections.abc import Callable, Iterator
from threading import Event as Flag

from PySide6.QtCore import QObject, QThread, Signal

from telme_model.events import Event
from telme_model.files import refused


class Job(QThread):
    """Walks the iterator that `work` makes, on its own thread, and emits every event on the window's.

    Stop is not asking for the next one: the iterator is closed, and its own `finally` keeps what was done. Pause is
    waiting before asking. A subclass of QThread that emits from `run` delivers to any slot on the receiver's thread.
    """

    reported = Signal(object)  # Event
    failed = Signal(object)  # a StudioError; any other exception is a defect
    done = Signal(object)  # what the iterator returned; None when it was stopped

    def __init__(self, work: Callable[[], Iterator[Event]], parent: QObject | None = None, *, name: str = "") -> None:
        super().__init__(parent)
        self.name = name  # as the window shows it, "Predicting ..."; without one it works unseen
        self._work = work
        self._stop = Flag()
        self._go = Flag()
        self._go.set()

    def run(self) -> None:
        """Walk to the end, a stop or an error."""
        result = None
        try:
            events = self._work()
            try:
                while not self._stop.is_set():
                    self._go.wait()
                    if self._stop.is_set():
                        break
                    try:
                        event = next(events)
                    except StopIteration as end:
                        result = end.value
                        break
                    self.reported.emit(event)
            finally:
                getattr(events, "close", lambda: None)()
        except (OSError, MemoryError) as error:
            self.failed.emit(refused(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the window says it
            self.failed.emit(error)
        else:
            self.done.emit(None if self._stop.is_set() else result)

    def pause(self) -> None:
        """Wait before the next event."""
        self._go.clear()

    def resume(self) -> None:
        """Go on."""
        self._go.set()

    @property
    def paused(self) -> bool:
        """Whether it waits."""
        return not self._go.is_set()

    def stop(self) -> None:
        """Ask for no further event; `wait()` returns once what was done is kept."""
        self._stop.set()
        self._go.set()
