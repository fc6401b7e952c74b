"""The window: places the panels and owns no data."""

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from telme_gui.annotating.actions import AnnotatingActions
from telme_gui.annotating.annotator import Annotator
from telme_gui.annotating.bar import AnnotationBar
from telme_gui.annotating.queue_menu import QueueMenu
from telme_gui.annotating.queueing import Queues
from telme_gui.annotating.recovery import StoreBanner
from telme_gui.annotating.tasks import Tasks
from telme_gui.browse.navigator import Navigator
from telme_gui.browse.turns import TurnTable
from telme_gui.charts import Charts
from telme_gui.inspector import Inspector
from telme_gui.look.actions import Entry, gap, window_action
from telme_gui.look.keys import Keys
from telme_gui.look.settings import Settings
from telme_gui.look.style import Appearance
from telme_gui.opening.actions import Actions as OpeningActions
from telme_gui.opening.clip_check import ClipCheck
from telme_gui.opening.opener import Opener
from telme_gui.player import PlayerPanel
from telme_gui.session.session import Session
from telme_gui.timeline import Timeline
from telme_gui.training.actions import TrainingActions as TrainingActions
from telme_gui.training.ending import Ending
from telme_gui.training.monitor import Monitor
from telme_gui.training.runs import Runs
from telme_gui.training.trainer import Trainer, TrainerState
from telme_gui.training.unfinished_runs import UnfinishedRuns
from telme_gui.window.actions import go_actions, theme_menu, view_actions
from telme_gui.window.docks import DockPlace, Docks
from telme_gui.window.header import Header, MainView
from telme_gui.window.key_editor import KeyEditor
from telme_gui.window.last_place import LastPlace
from telme_gui.window.menus import Menus
from telme_gui.window.problems import ProblemBanner, report_system
from telme_gui.window.shortcuts import Shortcuts
from telme_gui.window.status import Status
from telme_gui.window.welcome import Welcome
from telme_model.corpus.dialogue import TurnId
from telme_model.corpus.own import TABLES
from telme_model.runs.names import corpus_name, run_name
from telme_model.runs.summary import Summary

TURNS = 148  # px of height at least: the heading and four turns
WELCOME = 2  # place in the middle, after the two views
SIZE, FRAME = QSize(1440, 900), QSize(8, 40)  # px of a first window, where the screen has so many, and around it

Area = Qt.DockWidgetArea


class MainWindow(QMainWindow):
    """Everything a person sees. `settings` are read at the start and filled in when the window closes."""

    def __init__(self, session: Session, trainer: Trainer, settings: Settings, appearance: Appearance) -> None:
        super().__init__()
        self.session, self.trainer, self.settings = session, trainer, settings
        self.appearance = appearance
        self.opener = Opener(session, self)
        self._charted: Path | None = None  # the run whose charts are shown once it is open
        self._clip_check = ClipCheck(session, self)
        self.header, self.status, self.banner = Header(), Status(session, trainer), ProblemBanner()
        self.navigator, self.inspector, self.timeline = Navigator(session), Inspector(session), Timeline(session)
        self.player, self.turns, self.charts = PlayerPanel(session), TurnTable(session), Charts(session)
        self.annotator = Annotator(session, self.player.play_turn, self)
        self.annotating = AnnotatingActions(session, self.annotator, self)
        self.annotating.commenting.connect(self.player.leave_full_screen)  # first: a comment is written in the window
        self.player.add_keys(self.annotating.all)
        for window in (self, self.player.stage):
            self.annotating.hitting.watch(window)
        self.tasks, self.store_banner = Tasks(session, self), StoreBanner(session)
        self.queues = Queues(session, self.annotator, self)
        self.queue_menu = QueueMenu(session, self.queues, self)
        self.last_place = LastPlace(session, self.opener, self.queues, self.annotator, settings, self)
        self.training = TrainingActions(session, trainer, settings, self)
        self.opening = OpeningActions(session, self.opener, settings, self.status.stop_work, self)
        self.monitor, self.runs = Monitor(session, trainer), Runs(session, trainer)
        self.unfinished = UnfinishedRuns(session, trainer)
        self.ending = Ending(session, trainer, self._open_trained, self)
        self.welcome = Welcome()
        self.setWindowTitle("TelME Studio")
        self.setAcceptDrops(True)
        self.resize(SIZE.boundedTo(self.screen().availableSize() - FRAME))
        self._place()
        self.docks = Docks(self, self._places(), _bytes(settings.state))
        self.menus = Menus(self.header.menus, self._actions())
        self.keys = Keys(self.menus.actions, self)
        self.shortcuts = Shortcuts(self.keys, self)
        self._follow()
        if settings.geometry:
            self.restoreGeometry(_bytes(settings.geometry))
        if settings.splitter:
            self._split.restoreState(_bytes(settings.splitter))
        self.player.set_playback(settings.playback)
        self.keys.restore(settings.keys)
        self.last_place.restore()
        self.annotating.plays.setChecked(self.annotator.plays)
        self.annotating.plays.toggled.connect(self.last_place.note_annotating)
        self._show_corpus()

    # -- places -------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.addWidget(self.player)
        self.turns.setMinimumHeight(TURNS)
        bar = AnnotationBar(self.session, self.annotator, self.annotating, self.queues, self.queue_menu)
        self._split.addWidget(_stack(bar, self.turns))
        self._split.setHandleWidth(1)
        self._split.setChildrenCollapsible(False)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setSizes([600, 400])
        self._middle = QStackedWidget()
        for filling in (self._split, self.charts, self.welcome):
            self._middle.addWidget(filling)
        page = _stack(self.banner, self.store_banner, self.unfinished, self._middle)
        page.setObjectName("page")
        self.setMenuWidget(self.header)
        self.setCentralWidget(page)
        self.setStatusBar(self.status)

    def _places(self) -> list[DockPlace]:
        """The panels around the middle, in the order in which F6 goes through them."""
        return [
            DockPlace("Navigator", Area.LeftDockWidgetArea, self.navigator, "Ctrl+B"),
            DockPlace("Inspector", Area.RightDockWidgetArea, self.inspector, "Ctrl+I"),
            DockPlace("Timeline", Area.BottomDockWidgetArea, self.timeline, "Ctrl+T"),
            DockPlace("Training", Area.BottomDockWidgetArea, self.monitor, "Ctrl+M", on_demand=True),
            DockPlace("Runs", Area.BottomDockWidgetArea, self.runs, "Ctrl+Shift+R", on_demand=True),
        ]

    def _actions(self) -> dict[str, Sequence[Entry]]:
        """What every room offers, menu by menu."""
        session, timeline = self.session, self.timeline
        scale = (timeline.zoom_in, timeline.zoom_out, timeline.fit, timeline.spectrogram)
        themes = theme_menu(self, self.settings, self.appearance)
        self.addActions([*self.annotating.all, *self.training.all])  # so that their keys hold in the whole window
        return {
            "File": self.opening.all,
            "View": view_actions(self, self.show_view, self.docks, scale, themes),
            "Go": go_actions(self, session, self.opener.go_to, self.search, self.step_panel),
            "Play": self.player.controls.all,
            "Annotate": [*self.annotating.all, gap(self), self.queue_menu, gap(self), *self.tasks.all],
            "Train": [*self.training.all, gap(self), *self.docks.toggles(self.docks.on_demand)],
            "Help": [
                window_action(self, "Shortcuts", "?", self.open_shortcuts),
                window_action(self, "Edit shortcuts…", "", self.edit_shortcuts),
                window_action(self, "System report…", "", lambda: report_system(session, self)),
            ],
        }

    # -- following the session ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        session = self.session
        session.corpus_changed.connect(self._show_corpus)
        session.predictions_changed.connect(self._show_what_is_open)
        session.failed.connect(self.banner.say)
        self.annotator.said.connect(self.status.say)
        self.keys.changed.connect(self._follow_keys)
        self.shortcuts.edit_wanted.connect(self.edit_shortcuts)
        self.charts.adjudication_wanted.connect(self.adjudicate)
        self.tasks.said.connect(self.status.say)
        session.jobs.closing.connect(self.player.shut_down)
        self.trainer.changed.connect(self._show_training)
        self.ending.summed_up.connect(self._show_summary)
        self.monitor.charts_wanted.connect(self._open_charts)
        self.opener.settled.connect(self._show_charts)
        self.monitor.change_wanted.connect(self.training.change)
        self.runs.open_wanted.connect(self.opener.open_run)
        self.runs.compare_wanted.connect(self._compare)
        self.player.playing_changed.connect(self._clip_check.set_playing)
        self.appearance.changed.connect(self._show_what_is_open)
        self.header.view_chosen.connect(lambda view: self.show_view(MainView(view)))
        self.welcome.corpus_wanted.connect(self.opening.ask_corpus)
        self.welcome.demo_wanted.connect(self.opening.open_demo)
        for part in (self.welcome, self.monitor, self.runs):
            part.train_wanted.connect(self.training.open_dialog)
        self.welcome.recent_wanted.connect(self.opening.open_recent)

    def _show_corpus(self) -> None:
        self.banner.hide()
        if self.session.corpus is None:
            self.welcome.show_recent(self.settings.recent)
            self._middle.setCurrentIndex(WELCOME)
        elif self._middle.currentIndex() == WELCOME:
            self.show_view(MainView.DIALOGUE)
        self.docks.unfold(self.session.corpus is not None)
        self._show_what_is_open()

    def _show_what_is_open(self) -> None:
        session = self.session
        corpus, run = session.corpus, session.run
        name, about = ("", "") if corpus is None else corpus_name(corpus.root, corpus.labels.name)
        self.header.show_open(name, about, run_name(run) if run else "", self.opener.headline)
        self.setWindowTitle(f"{name} – TelME Studio" if name else "TelME Studio")

    # -- what a person asks for ---------------------------------------------------------------------------------

    def show_view(self, view: MainView) -> None:
        """Fill the middle with the dialogue or with the charts."""
        if self.session.corpus is not None:
            self._middle.setCurrentIndex(view)
            self.header.show_view(view)
            _focus(self.turns if view is MainView.DIALOGUE else self.charts)

    def step_panel(self, by: int) -> None:
        """Put the keyboard into the next panel that is shown."""
        centre = self.charts if self._middle.currentIndex() == MainView.CHARTS else self.turns
        first, *others = [dock.widget() for dock in self.docks.named.values()]
        panels: list[QWidget] = [first, centre, *others]
        shown = [panel for panel in panels if panel.isVisible()]
        here: QWidget | None = self.focusWidget()  # None where nothing has the keyboard, whatever the stub says
        inside = [panel for panel in shown if here is not None and (panel is here or panel.isAncestorOf(here))]
        place = shown.index(inside[0]) + by if inside else 0
        if shown:
            _focus(shown[place % len(shown)])

    def open_shortcuts(self) -> None:
        """List all shortcuts."""
        self.shortcuts.open()

    def edit_shortcuts(self) -> KeyEditor:
        """Let the keys be changed."""
        editor = KeyEditor(self.keys, self)
        editor.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        editor.open()
        return editor

    def _follow_keys(self) -> None:
        self.settings.keys = self.keys.chosen
        self.player.controls.follow()
        self.annotating.follow()
        self.header.show_keys({view: self.keys.actions[view.name.title()] for view in MainView})

    def _show_training(self) -> None:
        if self.trainer.state is TrainerState.STARTING:
            self.docks.bring("Training")

    def _show_summary(self, summary: Summary) -> None:
        self.monitor.show_summary(summary)
        if self.monitor.isVisible():  # its corpus may just have opened, and taken the room
            self.docks.bring("Training")

    def _compare(self, runs: list[Path]) -> None:
        self.monitor.compare(runs)
        self.docks.bring("Training")

    def _open_charts(self, run: Path) -> None:
        self._charted = run  # its corpus may be yet to open
        self.opener.open_run(run)

    def _show_charts(self, there: bool) -> None:
        """Show the charts that were asked for, where it is their run that has been opened."""
        if there and self._charted is not None and self._charted == self.session.run:
            self.show_view(MainView.CHARTS)
        self._charted = None

    def _open_trained(self, run: Path) -> None:
        if not self.opener.busy:  # what a person opens at this moment is not called off
            self.opener.open_run(run)

    def search(self) -> None:
        """Put the keyboard into the search field."""
        self.docks.named["Navigator"].show()
        self.navigator.focus_search()

    def adjudicate(self, turns: tuple[TurnId, ...]) -> None:
        """Settle these turns, one by one."""
        self.show_view(MainView.DIALOGUE)
        self.queues.adjudicate(turns)

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
        """A folder may be dropped; on an open corpus files of labels, too, and where none is open a table of turns."""
        if self._corpora(event) or (self.session.corpus is not None and self.tasks.dropped(event)):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open the folder or table, or import the files."""
        event.acceptProposedAction()
        corpora = self._corpora(event)
        if corpora:
            self.opening.open_path(corpora[0])
        else:
            self.tasks.import_(self.tasks.dropped(event))

    def _corpora(self, event: QDropEvent) -> list[Path]:
        """What is dropped that can be opened: folders, and tables where they cannot be labels of an open corpus."""
        tables = TABLES if self.session.corpus is None else ()
        places = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        # Path's own raises where one may not look.
        return [place for place in places if os.path.isdir(place) or place.suffix.lower() in tables]  # noqa: PTH112

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Keep the layout, and end all background work; a training in hand is asked about."""
        if not self.trainer.may_close(self):
            event.ignore()
            return
        self.settings.geometry = _text(self.saveGeometry())
        self.settings.splitter = _text(self._split.saveState())
        self.settings.playback = self.player.playback
        self.settings.state = _text(self.docks.layout)
        self.session.close()
        super().closeEvent(event)


def _focus(panel: QWidget) -> None:
    """Give the keyboard to a panel, or to the first part of it that takes it."""
    parts = [panel, *panel.findChildren(QWidget)]
    takes = (part for part in parts if part.focusPolicy() & Qt.FocusPolicy.TabFocus and part.isVisible())
    target = panel.focusProxy() or next(takes, None)
    if target is not None:
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)


def _stack(*widgets: QWidget) -> QWidget:
    """Widgets one above the other; what there is of room goes to the lowest."""
    stack = QWidget()
    column = QVBoxLayout(stack)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for widget in widgets:
        column.addWidget(widget)
    column.setStretchFactor(widgets[-1], 1)
    return stack


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode())


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode()
