"""What the window is driven with: a series of short clips, a run with made-up predictions of it, and a trained one."""

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.app import make_window
from telme_gui.look import theme
from telme_gui.look.settings import Settings, Theme
from telme_gui.look.style import Appearance
from telme_gui.window.main_window import MainWindow
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from tests.support.corpora import write_corpus
from tests.support.player_fakes import Device
from tests.support.predictions import store_run
from tests.support.runs import walk

WAIT = 300_000  # ms: no wait says how fast this machine is; only what never comes ends it


class Patient(QtBot):
    """Waits for conditions, not for 5 s."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = WAIT) -> None:  # noqa: N802
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = WAIT, **options: Any) -> Any:  # noqa: N802
        return super().waitSignal(signal, timeout=timeout, **options)

    def waitSignals(self, signals: Any, *, timeout: int = WAIT, **options: Any) -> Any:  # noqa: N802
        return super().waitSignals(signals, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """In place of pytest-qt's own."""
    return Patient(request)


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with clips, to be read only."""
    return write_corpus(tmp_path_factory.mktemp("series") / "Toy series")


@pytest.fixture(scope="session")
def night(series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has predicted every turn of the series."""
    return store_run(tmp_path_factory.mktemp("runs") / "night", open_corpus(series), *Split)


@pytest.fixture(scope="session")
def trained(series: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run trained on the series: dev and test are predicted, train can be."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELME_CACHE", str(folder / "cache"))
        walk(series, folder / "toy", "stages.teacher.epochs=1", "stages.audio.epochs=1", "stages.visual.epochs=1")
        yield folder / "toy"


@pytest.fixture
def appearance(
    qapp: QApplication, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Appearance]:
    """Light, without style sheets, half of the time that a window takes to make, but where the test asks for them.

    Sizes and colours are those of the program in a `dressed` test alone.
    """
    appearance = Appearance(qapp, Theme.LIGHT)
    if request.node.get_closest_marker("dressed") is None:
        qapp.setStyleSheet("")
        monkeypatch.setattr(QWidget, "setStyleSheet", lambda _widget, _sheet: None)
    yield appearance
    theme.force_palette(None)
    qapp.setStyleSheet("")


@pytest.fixture
def window(qtbot: QtBot, appearance: Appearance, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """Shown, with nothing open."""
    monkeypatch.setitem(sys.modules, "sounddevice", Device())
    window = make_window(Settings(), appearance)
    # A training that a test leaves in hand ends here, or the window would ask about it.
    qtbot.addWidget(window, before_close_func=lambda _window: window.session.close())
    window.resize(1280, 720)
    window.show()
    return window


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, series: Path, night: Path) -> MainWindow:
    """Shown, with the series and the run open."""
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.opener.open(series, night, "test/dia0_utt0")
    return window


@pytest.fixture(autouse=True)
def _what_is_hidden_is_not_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a person: a test that presses a button which nobody shows would pass."""
    click, mouse_click = QAbstractButton.click, QTest.mouseClick

    def seen_click(button: QAbstractButton) -> None:
        assert not button.isHidden(), f"{button} is hidden"
        click(button)

    def seen_mouse_click(widget: QWidget, *where: Any, **more: Any) -> None:
        assert widget.isVisible(), f"{widget} is not seen"
        mouse_click(widget, *where, **more)

    monkeypatch.setattr(QAbstractButton, "click", seen_click)
    monkeypatch.setattr(QTest, "mouseClick", seen_mouse_click)


@pytest.fixture(autouse=True)
def _garbage_waits() -> Iterator[None]:
    """As in the program, nothing of Qt's is deleted on a Job's thread; between two tests Python collects by itself.

    Windows that a test has closed are deleted with it: the next one would dress and polish them once more.
    """
    gc.disable()
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.enable()


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    """The window takes over Ctrl+C for as long as its program runs; in tests the program runs on."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
