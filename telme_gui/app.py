"""The application: the only place where session, window, settings and Qt's own are put together."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QMessageLogContext, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from telme_gui.look.settings import Settings, Theme, load, save, settings_path
from telme_gui.look.style import Appearance
from telme_gui.opening.opener import find_turn
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.system.collector import Collector
from telme_gui.system.interruption import TICK, Interruption
from telme_gui.training.trainer import Trainer
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_gui.window.problems import Reporter
from telme_model.commands.telling import tell

Size = tuple[int, int]
SIZE: Size = (1440, 900)  # of a screenshot
SETTLE = 1500  # ms from the last work to a screenshot: pictures, sound and charts arrive
PATIENCE = 120_000  # ms until a screenshot is drawn of what is there


def run_window(
    corpus: Path | None = None,
    run: Path | None = None,
    turn: str = "",
    *,
    stop: Interruption,
    theme: Theme | None = None,
    size: Size | None = None,
    screenshot: Path | None = None,
    offscreen: bool = False,
    charts: str = "",
) -> int:
    """Open the window, with a corpus and a run if they are given; returns when it is closed, with the exit code.

    With `screenshot` the window is drawn into that file once everything has arrived, and closed: 0 where it shows the
    corpus, run and turn that were asked for, whatever else there is to be told. `offscreen` needs no screen and leaves
    the settings alone.
    """
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        qInstallMessageHandler(_tell)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("TelME Studio")
    app.setDesktopFileName("telme-studio")
    path = settings_path()
    broken: list[str] = []
    settings = Settings() if offscreen else load(path, broken.append)
    window = make_window(settings, Appearance(app, theme or settings.theme))
    session = window.session
    if size:
        window.resize(*size)
    elif screenshot:
        window.resize(*SIZE)
    reporter = Reporter(window)
    reporter.install()
    collector = Collector()
    failures: list[str] = []
    session.failed.connect(lambda title, sentence: failures.append(f"{title}: {sentence}"))
    window.opener.only_current = screenshot is not None
    window.show()
    tick = _close_when_asked(window, stop)
    for sentence in broken:
        _say_at_last(
            window, "Your settings could not all be read", sentence, opening=corpus is not None or run is not None
        )
    try:
        if corpus is not None:
            window.opener.open(corpus, run, turn, last=settings.of(corpus).turn, meet=True)
        elif run is not None:
            window.opener.open_run(run)
        if screenshot is None:
            window.unfinished.look()
            return app.exec()
        code = _draw(window, screenshot, charts, stop)
        lack = _lack(session, corpus, run, turn) if code == 0 else ""
        window.close()
        for sentence in failures or filter(None, [lack]):
            tell(sentence, aside=True)
        return code or int(bool(lack))
    finally:
        tick.stop()
        tick.timeout.disconnect()  # it holds the window
        collector.rest()
        reporter.uninstall()
        if not offscreen:
            save(settings, path)


def make_window(settings: Settings, appearance: Appearance) -> MainWindow:
    """A window with nothing open, not shown yet, and what it works on."""
    jobs = Jobs()
    return MainWindow(Session(jobs), Trainer(jobs), settings, appearance)


def _say_at_last(window: MainWindow, title: str, sentence: str, *, opening: bool) -> None:
    """Say it where it stays: what is being opened clears the place, and what fails to open needs it more."""

    def say(there: bool) -> None:
        if there:
            window.session.failed.emit(title, sentence)

    if opening:
        window.opener.settled.connect(say, Qt.ConnectionType.SingleShotConnection)
    else:
        say(there=True)


def _close_when_asked(window: MainWindow, stop: Interruption) -> QTimer:
    """Close the window in good order where one is asked to end; Python hears of signals at each tick."""

    def look() -> None:
        if stop.asked:
            tick.stop()
            window.session.close()  # first, so that nothing is asked: a training in hand is stopped and kept
            window.close()

    tick = QTimer(interval=TICK)
    tick.timeout.connect(look)
    tick.start()
    return tick


def _tell(_kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    """Leave out what Qt's platform without a screen says of every window."""
    if not text.startswith("This plugin does not support"):
        tell(text, aside=True)


def _draw(window: MainWindow, path: Path, charts: str, stop: Interruption) -> int:
    """Wait for everything that was asked for, and draw the window; 1 where that cannot be, 130 when stopped."""
    if charts and charts not in window.charts.names:
        tell(f"There is no page {charts} of the charts; there are: {', '.join(window.charts.names)}", aside=True)
        return 1
    wait_until(lambda: stop.asked or not window.opener.busy)
    if charts:
        window.show_view(MainView.CHARTS)
        window.charts.page(charts)
    here = window.session.prediction_row
    wait_until(lambda: stop.asked or window.session.run is None or here() is not None or not window.session.jobs.busy)
    wait_until(lambda: stop.asked, SETTLE)
    if stop.asked:
        tell("stopped; the window is not drawn", aside=True)
        return 130
    path.parent.mkdir(parents=True, exist_ok=True)
    if not window.grab().save(str(path)):
        tell(f"{path} cannot be written: choose another place, and a name that ends in .png", aside=True)
        return 1
    return 0


def _lack(session: Session, corpus: Path | None, run: Path | None, turn: str) -> str:
    """What the picture does not show of what was asked for; the run has to say something of the turn that is shown."""
    here = session.current
    if corpus is not None and session.corpus is None:
        return f"{corpus} is drawn before it is open"
    if run is not None and (session.base is None or here is None or here.id not in session.base.rows):
        return f"The window is drawn without a prediction of {run} for {here.id if here else 'any turn'}"
    if turn and (here is None or here is not find_turn(session.turns, turn)):
        return f"The window is drawn without the turn {turn}"
    return ""


def wait_until(met: Callable[[], bool], patience: int = PATIENCE) -> None:
    """Let the window live until a condition is met, for as long as patience lasts (milliseconds)."""
    loop = QEventLoop()
    clock = QTimer(interval=10)
    clock.timeout.connect(lambda: loop.quit() if met() else None)
    clock.start()
    QTimer.singleShot(patience, loop.quit)
    if not met():
        loop.exec()
