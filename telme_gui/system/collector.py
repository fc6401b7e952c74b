"""Python's collector of garbage, kept to the window's thread."""

import gc

from PySide6.QtCore import QObject, QTimer

# ms between two looks at whether there is enough to collect; what that costs: tests/benchmarks/training_window.py
TICK = 300


class Collector(QObject):
    """Collects by a clock from its making to `rest`; Python's own way, on any thread that makes an object, is off.

    Garbage may own objects of Qt's, and to delete one with a timer or a window on a Job's thread ends the program.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._clock = QTimer(self, interval=TICK)
        self._clock.timeout.connect(_collect)
        self._clock.start()

    def rest(self) -> None:
        """Let Python collect as it does."""
        self._clock.stop()
        gc.enable()


def _collect() -> None:
    """Collect the oldest generation that is due, as Python's own collector would."""
    due = [age for age, (count, most) in enumerate(zip(gc.get_count(), gc.get_threshold())) if count > most]
    if due:
        gc.collect(due[-1])
