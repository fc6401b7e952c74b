"""What the window's benchmarks share: the window without a screen, a stopwatch to the end of painting, a report."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtWidgets import QApplication

from telme_gui.app import make_window, wait_until
from telme_gui.look.settings import Settings, Theme
from telme_gui.look.style import Appearance
from telme_gui.window.main_window import MainWindow

Taken = tuple[float, float]  # ms: wall, processor


@contextmanager
def shown_window() -> Iterator[MainWindow]:
    """The window at 1280x720 with nothing open; it computes no predictions by itself."""
    app = QApplication([])
    window = make_window(Settings(), Appearance(app, Theme.LIGHT))
    window.opener.only_current = True
    window.resize(1280, 720)
    window.show()
    app.processEvents()
    yield window
    window.close()


def opened(window: MainWindow, corpus: Path, run: Path) -> None:
    """Open a corpus with its run, and wait until their predictions are there."""
    window.opener.open(corpus, run, meet=True)
    wait_until(lambda: window.session.predictions is not None and not window.opener.busy)


def settle(milliseconds: int = 2000) -> None:
    """Let pictures, sound and whatever else is on its way arrive."""
    wait_until(lambda: False, milliseconds)


def painted(change: Callable[[], object]) -> Taken:
    """How long a change takes, to the end of all painting that it asks for."""
    wall, processor = time.perf_counter(), time.process_time()
    change()
    QApplication.processEvents()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)


def report(name: str, taken: list[Taken]) -> None:
    """Median and 95th percentile."""
    columns = []
    for times in zip(*taken, strict=True):
        high = sorted(times)[int(0.95 * (len(times) - 1))]
        columns.append(f"{statistics.median(times):6.1f} ms, p95 {high:6.1f} ms")
    print(f"{name:>45}: {columns[0]}; processor {columns[1]}")
