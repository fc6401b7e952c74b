"""The menus: what a person can ask of the window, and the keys for it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu

from telme_gui.look.settings import Theme
from telme_gui.session.session import Filter
from telme_gui.window.header import View
from telme_model.runs.names import run_name

if TYPE_CHECKING:
    from telme_gui.window.main_window import MainWindow


class Menus(QObject):
    """Fills the window's menu bar. A menu of another room: one more `fill` method, and its name among `NAMES`."""

    NAMES = ("File", "View", "Go", "Play", "Annotate", "Train", "Help")

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self.named: dict[str, QMenu] = {}
        for name in self.NAMES:
            self.named[name] = window.header.menus.addMenu(f"&{name}")
        self._fill_file(self.named["File"])
        self._fill_view(self.named["View"])
        self._fill_go(self.named["Go"])
        self.named["Play"].addActions(window.player.controls.all)
        self._fill_annotate(self.named["Annotate"])
        self._fill_train(self.named["Train"])
        window.addActions(window.annotating.all)
        self.action(self.named["Help"], "Shortcuts", "?", window.open_shortcuts)
        self.action(self.named["Help"], "Edit shortcuts…", "", window.edit_shortcuts)
        self.action(self.named["Help"], "System report…", "", window.report_system)
        for signal in (window.session.corpus_changed, window.session.predictions_changed, window.session.jobs_changed):
            signal.connect(self._enable)
        self._enable()

    @property
    def actions(self) -> dict[str, list[QAction]]:
        """All actions, menu by menu."""
        return {name: _flat(menu) for name, menu in self.named.items()}

    def action(self, menu: QMenu, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        """Add an entry whose keys hold in the whole window."""
        action = QAction(text, self._window)
        action.setObjectName(text.rstrip("…"))
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: slot())
        menu.addAction(action)
        self._window.addAction(action)  # so that its keys hold while the menu has never been shown
        return action

    # -- menu by menu -------------------------------------------------------------------------------------------

    def _fill_file(self, menu: QMenu) -> None:
        window = self._window
        self.action(menu, "Open corpus…", "Ctrl+O", self.ask_corpus)
        self.action(menu, "Open run…", "Ctrl+R", self.ask_run)
        self._recent = menu.addMenu("Open recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        self.action(menu, "Open the demo", "", window.open_demo)
        menu.addSeparator()
        self._predict = self.action(menu, "Predict the remaining turns", "", window.opener.predict_rest)
        self._stop = self.action(menu, "Stop background work", "Ctrl+.", window.status.stop_work)
        menu.addSeparator()
        self._close = self.action(menu, "Close corpus", "Ctrl+W", window.opener.close)
        self.action(menu, "Quit", "Ctrl+Q", window.close)

    def _fill_view(self, menu: QMenu) -> None:
        window = self._window
        self.action(menu, "Dialogue", "Ctrl+1", lambda: window.show_view(View.DIALOGUE))
        self.action(menu, "Charts", "Ctrl+2", lambda: window.show_view(View.CHARTS))
        menu.addSeparator()
        menu.addActions([window.docks.named[name].toggleViewAction() for name in window.docks.lasting])
        titles = self.action(menu, "Move panels", "", lambda: window.docks.show_titles(titles.isChecked()))
        titles.setCheckable(True)
        menu.addSeparator()
        timeline = window.timeline
        menu.addMenu("Timeline").addActions([timeline.zoom_in, timeline.zoom_out, timeline.fit, timeline.spectrogram])
        self._fill_themes(menu.addMenu("Theme"))
        menu.addSeparator()
        full = self.action(menu, "Full-screen window", "Ctrl+Shift+F", lambda: window.fill_screen(full.isChecked()))
        full.setCheckable(True)

    def _fill_themes(self, menu: QMenu) -> None:
        group = QActionGroup(self._window)
        for theme in Theme:
            choice = self.action(menu, theme.value.title(), "", partial(self._window.choose_theme, theme))
            choice.setCheckable(True)
            choice.setChecked(theme is self._window.appearance.choice)
            group.addAction(choice)

    def _fill_go(self, menu: QMenu) -> None:
        window, session = self._window, self._window.session
        self.action(menu, "Find…", "Ctrl+F", window.search)
        self.action(menu, "Go to turn…", "Ctrl+L", self.ask_turn)
        menu.addSeparator()
        self.action(menu, "Next found turn", "F3", lambda: session.step_found(1))
        self.action(menu, "Previous found turn", "Shift+F3", lambda: session.step_found(-1))
        self.action(menu, "Show all turns", "Ctrl+Shift+A", lambda: session.set_filter(Filter()))
        menu.addSeparator()
        self.action(menu, "Next panel", "F6", lambda: window.step_panel(1))
        self.action(menu, "Previous panel", "Shift+F6", lambda: window.step_panel(-1))

    def _fill_train(self, menu: QMenu) -> None:
        window = self._window
        menu.addActions(window.training.all)
        window.addActions(window.training.all)
        menu.addSeparator()
        menu.addActions([window.docks.named[name].toggleViewAction() for name in window.docks.on_demand])

    def _fill_annotate(self, menu: QMenu) -> None:
        tasks = self._window.tasks
        menu.addActions(self._window.annotating.all)
        menu.addSeparator()
        menu.addMenu(self._window.queue_menu)
        menu.addSeparator()
        self._tasks = [
            self.action(menu, "Export labels…", "", tasks.export),
            self.action(menu, "Import labels…", "", tasks.import_),
            self.action(menu, "Layers…", "", tasks.layers),
        ]
        self._back_up = self.action(menu, "Back up now", "", tasks.back_up)
        self._window.session.labels_changed.connect(self._enable)

    def _fill_recent(self) -> None:
        self._recent.clear()
        there = [entry for entry in self._window.settings.recent if entry.there]
        for entry in there:
            run = run_name(Path(entry.run)) if entry.run else ""
            action = self._recent.addAction(f"{entry.corpus}  ·  {run}" if run else entry.corpus)
            action.triggered.connect(lambda _checked=False, entry=entry: self._window.open_recent(entry))
        if not there:
            self._recent.addAction("Nothing yet").setEnabled(False)

    def _enable(self) -> None:
        window = self._window
        self._predict.setEnabled(window.opener.missing > 0)
        self._stop.setEnabled(any(job.name for job in window.session.jobs))
        self._close.setEnabled(window.session.corpus is not None)
        for task in self._tasks:
            task.setEnabled(window.session.corpus is not None)
        self._back_up.setEnabled(window.session.labels.store is not None)

    # -- what has to be asked back ------------------------------------------------------------------------------

    def ask_corpus(self) -> None:
        """Let a corpus' folder be chosen, and open it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open the folder of a corpus")
        if chosen:
            self._window.open_path(Path(chosen))

    def ask_run(self) -> None:
        """Let a run's folder be chosen, and open it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open the folder of a run")
        if chosen:
            self._window.opener.open_run(Path(chosen), meet=True)

    def ask_turn(self) -> None:
        """Let a turn be named, and go there."""
        current = self._window.session.current
        name, agreed = QInputDialog.getText(
            self._window, "Go to turn", "Turn, such as test/dia3_utt5", text=str(current.id) if current else ""
        )
        if agreed and name.strip():
            self._window.opener.go_to(name.strip())


def _flat(menu: QMenu) -> list[QAction]:
    """The actions of a menu and of the menus in it."""
    actions: list[QAction] = []
    for action in menu.actions():
        inner = action.menu()
        actions += _flat(inner) if isinstance(inner, QMenu) else [action]
    return actions
