"""The window: places the panels, holds the menus, and owns no data."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QEvent, Qt
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDockWidget,
    QFileDialog,
    QInputDialog,
    QMainWindow,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from telme_gui.charts import Charts
from telme_gui.header import Header, View
from telme_gui.inspector import Inspector
from telme_gui.navigator import Navigator
from telme_gui.opening import Opener
from telme_gui.player import PlayerPanel
from telme_gui.problems import Banner, TextDialog
from telme_gui.session import Filter, Session
from telme_gui.settings import Recent, Settings, Theme
from telme_gui.shortcuts import Shortcuts
from telme_gui.status import Status
from telme_gui.style import Appearance
from telme_gui.timeline import Timeline
from telme_gui.turns import TurnTable
from telme_gui.welcome import TRAIN, Welcome
from telme_model import cli, doctor
from telme_model.events import Event, Message

NAVIGATOR, INSPECTOR, TIMELINE = 264, 336, 204  # px at the first start
LAYOUT = 1  # raised when the docks change, so that an older layout is not restored
WELCOME = 2  # place in the middle, after the two views

_AREAS = {
    "Navigator": Qt.DockWidgetArea.LeftDockWidgetArea,
    "Inspector": Qt.DockWidgetArea.RightDockWidgetArea,
    "Timeline": Qt.DockWidgetArea.BottomDockWidgetArea,
}


class MainWindow(QMainWindow):
    """Everything a person sees. `settings` are read at the start and filled in when the window closes."""

    def __init__(self, session: Session, settings: Settings, appearance: Appearance) -> None:
        super().__init__()
        self.session, self.settings = session, settings
        self._appearance = appearance
        self.opener = Opener(session, self)
        self.header, self.status, self.banner = Header(), Status(session), Banner()
        self.navigator, self.inspector, self.timeline = Navigator(session), Inspector(session), Timeline(session)
        self.player, self.turns, self.charts = PlayerPanel(session), TurnTable(session), Charts(session)
        self.welcome = Welcome()
        self.docks: dict[str, QDockWidget] = {}
        self._layout = _bytes(settings.state)  # of the docks, while they are hidden; empty before the first time
        self._unfolded = True
        self.setWindowTitle("TelME Studio")
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self._place()
        self.menus: dict[str, QMenu] = {}
        self._fill_menus()
        self.shortcuts = Shortcuts({name: _flat(menu) for name, menu in self.menus.items()}, self)
        self._follow()
        if settings.geometry:
            self.restoreGeometry(_bytes(settings.geometry))
        if settings.splitter:
            self._split.restoreState(_bytes(settings.splitter))
        self._show_corpus()

    # -- places -------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.addWidget(self.player)
        self._split.addWidget(self.turns)
        self._split.setHandleWidth(1)
        self._split.setChildrenCollapsible(False)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setSizes([600, 400])
        self._middle = QStackedWidget()
        for filling in (self._split, self.charts, self.welcome):
            self._middle.addWidget(filling)
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self._middle, 1)
        self.setMenuWidget(self.header)
        self.setCentralWidget(page)
        self.setStatusBar(self.status)
        self.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks)
        panels: list[QWidget] = [self.navigator, self.inspector, self.timeline]
        for (name, area), panel in zip(_AREAS.items(), panels):
            dock = QDockWidget(name)
            dock.setObjectName(name)
            dock.setWidget(panel)
            self.addDockWidget(area, dock)
            self.docks[name] = dock
        self._show_titles(False)

    def _show_titles(self, shown: bool) -> None:
        """Title bars are what panels are moved by; while they stay where they are, the room is better used."""
        for dock in self.docks.values():
            old = dock.titleBarWidget()
            dock.setTitleBarWidget(None if shown else QWidget())  # type: ignore[arg-type]  # None is Qt's own bar
            if old is not None:
                old.deleteLater()

    # -- menus --------------------------------------------------------------------------------------------------

    def _fill_menus(self) -> None:
        for name in ("File", "View", "Go", "Play", "Help"):
            self.menus[name] = self.header.menus.addMenu(f"&{name}")
        self._fill_file(self.menus["File"])
        self._fill_view(self.menus["View"])
        go = self.menus["Go"]
        self._action(go, "Find…", "Ctrl+F", self._find)
        self._action(go, "Go to turn…", "Ctrl+L", self._ask_turn)
        go.addSeparator()
        self._action(go, "Next found turn", "F3", lambda: self.step_found(1))
        self._action(go, "Previous found turn", "Shift+F3", lambda: self.step_found(-1))
        self._action(go, "Show all turns", "Ctrl+Shift+A", lambda: self.session.set_filter(Filter()))
        go.addSeparator()
        self._action(go, "Next panel", "F6", lambda: self.step_panel(1))
        self._action(go, "Previous panel", "Shift+F6", lambda: self.step_panel(-1))
        self.menus["Play"].addActions(self.player.controls.all)
        help_ = self.menus["Help"]
        self._action(help_, "Shortcuts", "?", self.open_shortcuts)
        self._action(help_, "System report…", "", self.report_system)

    def _fill_file(self, menu: QMenu) -> None:
        self._action(menu, "Open corpus…", "Ctrl+O", self._ask_corpus)
        self._action(menu, "Open run…", "Ctrl+R", self._ask_run)
        self._recent = menu.addMenu("Open recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        self._action(menu, "Open the demo", "", self.open_demo)
        menu.addSeparator()
        self._predict = self._action(menu, "Predict the remaining turns", "", self.opener.predict_rest)
        self._action(menu, "Stop background work", "Ctrl+.", self.status.stop_work)
        self._action(menu, "Train a run…", "", self.explain_training)
        menu.addSeparator()
        self._close = self._action(menu, "Close corpus", "Ctrl+W", self.opener.close)
        self._action(menu, "Quit", "Ctrl+Q", self.close)

    def _fill_view(self, menu: QMenu) -> None:
        self._action(menu, "Dialogue", "Ctrl+1", lambda: self.show_view(View.DIALOGUE))
        self._action(menu, "Charts", "Ctrl+2", lambda: self.show_view(View.CHARTS))
        menu.addSeparator()
        for (name, dock), keys in zip(self.docks.items(), ("Ctrl+B", "Ctrl+I", "Ctrl+T")):
            toggle = dock.toggleViewAction()
            toggle.setShortcut(QKeySequence(keys))
            toggle.setText(name)
            menu.addAction(toggle)
        titles = self._action(menu, "Move panels", "", lambda: self._show_titles(titles.isChecked()))
        titles.setCheckable(True)
        menu.addSeparator()
        timeline = menu.addMenu("Timeline")
        timeline.addActions(
            [self.timeline.zoom_in, self.timeline.zoom_out, self.timeline.fit, self.timeline.spectrogram]
        )
        themes = menu.addMenu("Theme")
        group = QActionGroup(self)
        for theme in Theme:
            choice = self._action(themes, theme.value.title(), "", partial(self.choose_theme, theme))
            choice.setCheckable(True)
            choice.setChecked(theme is self._appearance.choice)
            group.addAction(choice)
        menu.addSeparator()
        full = self._action(menu, "Full-screen window", "Ctrl+Shift+F", lambda: self._fill_screen(full.isChecked()))
        full.setCheckable(True)

    def _action(self, menu: QMenu, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: slot())
        menu.addAction(action)
        self.addAction(action)  # so that its keys hold while the menu has never been shown
        return action

    def _fill_recent(self) -> None:
        self._recent.clear()
        for entry in self.settings.recent:
            run = Path(entry.run).name
            action = self._recent.addAction(f"{entry.corpus}  ·  {run}" if run else entry.corpus)
            action.triggered.connect(lambda _checked=False, entry=entry: self.open_recent(entry))
        if not self.settings.recent:
            self._recent.addAction("Nothing yet").setEnabled(False)

    # -- following the session ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        session = self.session
        session.corpus_changed.connect(self._show_corpus)
        session.predictions_changed.connect(self._show_what_is_open)
        session.jobs_changed.connect(self._enable)
        session.failed.connect(self.banner.say)
        session.closing.connect(self.player.shut_down)
        self.opener.opened.connect(self._remember)
        self._appearance.changed.connect(self._show_what_is_open)
        self.header.view_chosen.connect(lambda view: self.show_view(View(view)))
        self.welcome.corpus_wanted.connect(self._ask_corpus)
        self.welcome.demo_wanted.connect(self.open_demo)
        self.welcome.train_wanted.connect(self.explain_training)
        self.welcome.recent_wanted.connect(self.open_recent)

    def _show_corpus(self) -> None:
        self.banner.hide()
        if self.session.corpus is None:
            self.welcome.show_recent(self.settings.recent)
            self._middle.setCurrentIndex(WELCOME)
        elif self._middle.currentIndex() == WELCOME:
            self.show_view(View.DIALOGUE)
        self._unfold(self.session.corpus is not None)
        self._show_what_is_open()

    def _unfold(self, unfolded: bool) -> None:
        """Hide the docks while nothing is open, and bring them back as they were."""
        if unfolded == self._unfolded:
            return
        self._unfolded = unfolded
        if not unfolded:
            if self.isVisible():
                self._layout = self.saveState(LAYOUT)
            for dock in self.docks.values():
                dock.hide()
        elif self._layout.isEmpty() or not self.restoreState(self._layout, LAYOUT):
            for dock in self.docks.values():
                dock.show()
            sides = [self.docks["Navigator"], self.docks["Inspector"]]
            self.resizeDocks(sides, [NAVIGATOR, INSPECTOR], Qt.Orientation.Horizontal)
            self.resizeDocks([self.docks["Timeline"]], [TIMELINE], Qt.Orientation.Vertical)

    def _show_what_is_open(self) -> None:
        session = self.session
        corpus, run = session.corpus, session.run
        name, about = ("", "") if corpus is None else corpus_name(corpus.root, corpus.labels.name)
        self.header.show_open(name, about, run_name(run) if run else "", self.opener.headline)
        self.setWindowTitle(f"{name} – TelME Studio" if name else "TelME Studio")
        self._enable()

    def _enable(self) -> None:
        self._predict.setEnabled(self.opener.missing > 0)
        self._close.setEnabled(self.session.corpus is not None)

    def _remember(self) -> None:
        if self.session.corpus is not None:
            self.settings.remember(self.session.corpus.root, self.session.run)

    # -- what a person asks for ---------------------------------------------------------------------------------

    def show_view(self, view: View) -> None:
        """Fill the middle with the dialogue or with the charts."""
        if self.session.corpus is not None:
            self._middle.setCurrentIndex(view)
            self.header.show_view(view)
            _focus(self.turns if view is View.DIALOGUE else self.charts)

    def choose_theme(self, theme: Theme) -> None:
        """Take this theme, now and at the next start."""
        self.settings.theme = theme
        self._appearance.choose(theme)

    def open_path(self, path: Path) -> None:
        """Open the folder of a corpus or of a run, whichever it is."""
        if (path / "run.json").is_file():
            self.opener.open_run(path)
        else:
            self.opener.open(path)

    def open_demo(self) -> None:
        """Open the bundled corpus with its run."""
        self.opener.open(cli.DEMO_CORPUS, cli.DEMO_RUN, meet=True)

    def open_recent(self, entry: Recent) -> None:
        """Open what was open before; a run that has gone is left out."""
        run = Path(entry.run) if entry.run and Path(entry.run).is_dir() else None
        self.opener.open(Path(entry.corpus), run, meet=True)

    def step_found(self, by: int) -> None:
        """Go to the next turn that the filter found, across dialogues; stops at the ends."""
        session = self.session
        found = np.flatnonzero(session.visible)
        if session.current is None or not len(found):
            return
        row = session.rows[session.current.id]
        later = found[found > row] if by > 0 else found[found < row][::-1]
        if len(later):
            session.select(session.turns[later[0]].id)

    def step_panel(self, by: int) -> None:
        """Put the keyboard into the next panel that is shown."""
        centre = self.charts if self._middle.currentIndex() == View.CHARTS else self.turns
        panels: list[QWidget] = [self.navigator, centre, self.inspector, self.timeline]
        shown = [panel for panel in panels if panel.isVisible()]
        here: QWidget | None = self.focusWidget()  # None where nothing has the keyboard, whatever the stub says
        inside = [panel for panel in shown if here is not None and (panel is here or panel.isAncestorOf(here))]
        place = shown.index(inside[0]) + by if inside else 0
        if shown:
            _focus(shown[place % len(shown)])

    def report_system(self) -> None:
        """Show what `doctor` says, once it has said it."""

        def look() -> Generator[Event, None, str]:
            yield Message(text="looking at this machine")
            return doctor.report()

        job = self.session.start(look, "Looking at this machine")
        job.done.connect(self._show_report)
        job.failed.connect(lambda error: self.session.failed.emit("There is no system report", str(error)))

    def open_shortcuts(self) -> None:
        """List all shortcuts."""
        self.shortcuts.open()

    def _show_report(self, text: str | None) -> None:
        if text is not None:
            lead = "What a bug report needs to know of this machine. Nothing is sent anywhere."
            TextDialog("System report", lead, text, self).show()

    def explain_training(self) -> None:
        """Training has no dialog yet: the command line does it."""
        lead = (
            "Runs are trained on the command line: the command below trains all three stages on a corpus, and can be "
            "stopped and resumed. Open the run's folder here afterwards."
        )
        TextDialog("Train a run", lead, TRAIN, self).show()

    def _find(self) -> None:
        self.docks["Navigator"].show()
        self.navigator.focus_search()

    def _ask_corpus(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open the folder of a corpus")
        if chosen:
            self.open_path(Path(chosen))

    def _ask_run(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open the folder of a run")
        if chosen:
            self.opener.open_run(Path(chosen), meet=True)

    def _ask_turn(self) -> None:
        current = str(self.session.current.id) if self.session.current else ""
        name, agreed = QInputDialog.getText(self, "Go to turn", "Turn, such as test/dia3_utt5", text=current)
        if agreed and name.strip():
            self.opener.go_to(name.strip())

    def _fill_screen(self, filled: bool) -> None:
        if filled:
            self.showFullScreen()
        else:
            self.showNormal()

    # -- Qt's own -----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Let Space press the button that has the keyboard, though it plays everywhere else."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.key() == Qt.Key.Key_Space and not event.modifiers()
            if plain and isinstance(self.focusWidget(), QAbstractButton | QComboBox):
                event.accept()
                return True
        return super().event(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """A folder may be dropped."""
        if any(Path(url.toLocalFile()).is_dir() for url in event.mimeData().urls() if url.isLocalFile()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open the folder."""
        event.acceptProposedAction()
        self.open_path(Path(event.mimeData().urls()[0].toLocalFile()))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Keep the layout, and end all background work."""
        self.settings.geometry = _text(self.saveGeometry())
        self.settings.splitter = _text(self._split.saveState())
        self.settings.state = _text(self.saveState(LAYOUT) if self._unfolded else self._layout)
        self.session.close()
        super().closeEvent(event)


def corpus_name(root: Path, labels: str) -> tuple[str, str]:
    """How a corpus is called, and what is said beside it."""
    if root.resolve() == cli.DEMO_CORPUS.resolve():
        return "Demo", "synthetic"
    return root.resolve().name, labels


def run_name(run: Path) -> str:
    """How a run is called."""
    return "demo" if run.resolve() == cli.DEMO_RUN.resolve() else run.resolve().name


def _flat(menu: QMenu) -> list[QAction]:
    """The actions of a menu and of the menus in it."""
    actions: list[QAction] = []
    for action in menu.actions():
        inner = action.menu()
        actions += _flat(inner) if isinstance(inner, QMenu) else [action]
    return actions


def _focus(panel: QWidget) -> None:
    """Give the keyboard to a panel, or to the first part of it that takes it."""
    parts = [panel, *panel.findChildren(QWidget)]
    takes = (part for part in parts if part.focusPolicy() & Qt.FocusPolicy.TabFocus and part.isVisible())
    target = panel.focusProxy() or next(takes, None)
    if target is not None:
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode())


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode()
