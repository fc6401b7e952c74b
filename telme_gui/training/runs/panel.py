"""The list of earlier runs: to be opened, gone on with, compared, renamed, noted on and put away."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.table import Table
from telme_gui.look.words import Words, as_tip
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_gui.training import discarding
from telme_gui.training.runs.model import RunColumn, RunsModel
from telme_gui.training.runs.table import RunTable, sheet
from telme_gui.training.trainer import Trainer
from telme_model.analysis.models import TITLES
from telme_model.errors import StudioError
from telme_model.events import Event
from telme_model.runs import catalogue
from telme_model.runs.facts import RunFacts, RunRead, RunState, command, read_runs
from telme_model.runs.folder import RunError

SETTLE = 150  # ms from a change to the list read anew
SHORT = 440  # px of height below which the scores stand beside the list


class Runs(QWidget):
    """Every run that was trained in this program, and the one that is open; read when it is looked at."""

    _palette: theme.Palette | None = None  # as last styled
    open_wanted = Signal(object)  # Path: show this run
    compare_wanted = Signal(object)  # list[Path]: lay the curves of these over one another
    train_wanted = Signal()

    def __init__(self, session: Session, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._trainer = session, trainer
        self._reading: Job | None = None
        self._arrived: list[RunFacts] = []
        self._of_run = False  # whether the line above is of the chosen run: what is wrong with it, or its note
        self.model = RunsModel()
        self.view = RunTable(self.model)
        self.scores, self.line = Table("Scores of the ticked runs on test"), Words()
        self.train = QPushButton("Train a run…")
        self._settled = QTimer(self, singleShot=True, interval=SETTLE)
        self._settled.timeout.connect(self.read)
        self.open = self._action("Open", "Show its predictions in all panels", self._open)
        self.resume = self._action("Resume", "Go on with its training where it stands", self._resume)
        self.compare = self._action(
            "Compare curves", "Lay the curves of the ticked runs over one another", self._compare
        )
        self.rename = self._action("Rename", "Give its folder another name", self._edit, "F2")
        self.note = self._action("Note…", "Write a note on it", self._ask_note)
        self.delete = self._action("Delete…", "Put its folder into the trash", self._ask_delete, "Del")
        self.folder = self._action("Open folder", "Show its folder in the file manager", self._open_folder)
        self.copy = self._action("Copy command", "Copy the command that trains it without a window", self._copy)
        self._lay_out()
        self._connect()
        self._colour()
        self._enable()

    def _action(self, text: str, tip: str, do: Callable[[], None], keys: str = "") -> QAction:
        action = QAction(text, self, toolTip=as_tip(f"{tip} ({keys})" if keys else tip))
        if keys:
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setIconText(text)  # or Qt takes the dots away
        action.triggered.connect(do)
        self.addAction(action)
        return action

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(0)
        for action in self.actions():
            button = QToolButton()
            button.setObjectName("quiet")
            button.setDefaultAction(action)
            button.setAccessibleName(action.text().removesuffix("…"))
            bar.addWidget(button)
        bar.addStretch(1)
        self.line.setObjectName("caption")
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setWordWrap(True)
        self.line.hide()
        self.scores.hide()
        listed = QWidget()
        column = QVBoxLayout(listed)
        column.setContentsMargins(theme.RHYTHM, theme.RHYTHM, theme.RHYTHM, theme.RHYTHM)
        column.setSpacing(theme.RHYTHM)
        self._tables = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._tables.setSpacing(theme.RHYTHM)
        self._tables.addWidget(self.view, 3)
        self._tables.addWidget(self.scores, 2, Qt.AlignmentFlag.AlignTop)
        column.addLayout(bar)
        column.addWidget(self.line)
        column.addLayout(self._tables, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty())
        self._stack.addWidget(listed)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Runs")

    def _empty(self) -> QWidget:
        title, lead = Words("No run yet"), Words("Runs that are trained in this program are listed here.")
        title.setObjectName("title")
        lead.setObjectName("muted")
        self.train.setObjectName("primary")
        self.train.setAccessibleName("Train a run")
        self.train.setToolTip("Choose what to train")
        self.train.clicked.connect(self.train_wanted)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(theme.RHYTHM)
        column.addStretch(2)
        for part in (title, lead, self.train):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        return page

    def _connect(self) -> None:
        session, trainer = self._session, self._trainer
        self.view.selectionModel().selectionChanged.connect(self._choose)
        self.view.clicked.connect(lambda _index: None if self._of_run else self.line.hide())
        self.view.doubleClicked.connect(lambda index: self._open() if index.column() != RunColumn.NAME else None)
        self.view.activated.connect(lambda _index: self._open())
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.model.ticks_changed.connect(self._show_scores)
        self.model.modelReset.connect(self._enable)
        self.model.rename_wanted.connect(self._rename)
        trainer.changed.connect(self._wait)
        trainer.finished.connect(self._wait)
        trainer.left.connect(self._wait)
        session.predictions_changed.connect(self._wait)
        session.jobs.closing.connect(self._settled.stop)

    # -- reading ------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        if self.isVisible() and not self._settled.isActive():
            self._settled.start()

    def read(self) -> None:
        """Read the list anew, in the background."""
        if self._reading is not None:
            self._reading.stop()
        paths = catalogue.known_runs()
        shown = self._session.run
        if shown is not None and shown.resolve() not in {path.resolve() for path in paths}:
            paths.append(shown.absolute())
        known = {facts.path: facts for facts in self.model.runs}
        self._arrived = []
        self._reading = job = self._session.jobs.start(partial(read_runs, paths, known))
        job.reported.connect(self._take)
        job.done.connect(self._show)

    def _take(self, event: Event) -> None:
        if self.sender() is self._reading and isinstance(event, RunRead):
            self._arrived.append(event.facts)

    def _show(self, whole: bool | None) -> None:
        if self.sender() is not self._reading or not whole:
            return
        self._reading = None
        here = self.chosen
        self.model.show_runs(self._arrived)
        self._stack.setCurrentIndex(1 if self._arrived else 0)
        row = next((row for row, facts in enumerate(self.model.runs) if here and facts.path == here.path), None)
        if row is not None:
            self.view.choose(row)
        self._enable()

    # -- the chosen run -----------------------------------------------------------------------------------------

    @property
    def chosen(self) -> RunFacts | None:
        """The run of the selected row."""
        row = self.view.chosen
        return None if row is None else self.model.runs[row]

    def _enable(self) -> None:
        facts = self.chosen
        whole = facts is not None and facts.state is not RunState.BROKEN
        mine = facts is not None and facts.state is not RunState.TRAINING
        self.open.setEnabled(whole)
        self.resume.setEnabled(whole and facts is not None and facts.state is RunState.UNFINISHED)
        self.rename.setEnabled(mine)
        self.note.setEnabled(whole)
        self.delete.setEnabled(mine)
        self.folder.setEnabled(facts is not None)
        self.copy.setEnabled(whole)
        self.compare.setEnabled(bool(self.model.ticked) or whole)

    def _choose(self) -> None:
        """Another row: what is wrong with it, or what was noted on it, if anything."""
        facts = self.chosen
        if facts is not None and (facts.reason or facts.note):
            self._say(facts.reason or facts.note, written=not facts.reason)
            self._of_run = True
        elif self._of_run:
            self.line.hide()
            self._of_run = False
        self._enable()

    def _say(self, words: str, *, written: bool = False) -> None:
        """Show a sentence, or what a person has written as it was written."""
        self._of_run = False
        self.line.setText(words if written else words[:1].upper() + words[1:])
        self.line.show()

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self.view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(self.actions())
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _open(self) -> None:
        if self.chosen is not None and self.open.isEnabled():
            self.open_wanted.emit(self.chosen.path)

    def _resume(self) -> None:
        if self.chosen is not None:
            self._trainer.resume_run(self.chosen.path)

    def _compare(self) -> None:
        """The ticked runs, or the chosen one where none is ticked."""
        chosen = [self.chosen] if self.chosen else []
        self.compare_wanted.emit([facts.path for facts in self.model.ticked_runs or chosen])

    def _open_folder(self) -> None:
        if self.chosen is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.chosen.path)))

    def _copy(self) -> None:
        if self.chosen is not None:
            try:
                QGuiApplication.clipboard().setText(command(self.chosen))
            except RunError as error:
                self._say(error.advice)

    def _edit(self) -> None:
        self.view.edit_name()

    def _rename(self, run: Path, name: str) -> None:
        try:
            new = catalogue.rename(run, name)
        except RunError as error:
            self._say(error.advice)
            return
        if self._session.run == run:
            self._session.set_predictions(self._session.base, new)
        self.read()

    def _ask_note(self) -> None:
        """Show the chosen run's note to be written anew."""
        facts = self.chosen
        if facts is None:
            return
        dialog = QInputDialog(self)
        dialog.setWindowTitle(f"Note on {facts.name}")
        dialog.setLabelText("What is to be known of this run. An empty note is none.")
        dialog.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
        dialog.setOkButtonText("Keep")
        dialog.setTextValue(facts.note)
        dialog.textValueSelected.connect(partial(self._write_note, facts.path))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _write_note(self, run: Path, text: str) -> None:
        try:
            catalogue.write_note(run, text)
        except StudioError as error:
            self._say(error.advice)
        else:
            self.read()

    def _ask_delete(self) -> None:
        if self.chosen is not None:
            discarding.ask(self.chosen.path, self, partial(self._delete, self.chosen.path))

    def _delete(self, run: Path) -> None:
        try:
            aside = catalogue.move_to_trash(run)
        except RunError as error:
            self._say(error.advice)
            return
        if self._session.run == run:
            self._session.set_predictions(None, None)
        self.read()
        if aside is not None:
            self._say(f"there is no trash where it lay: the run is kept in {aside}, for you to delete")

    # -- the ticked runs ----------------------------------------------------------------------------------------

    def _show_scores(self) -> None:
        """Weighted F1 on test of the models that one of them has, a column a run."""
        runs = self.model.ticked_runs
        self.scores.setVisible(bool(runs))
        models = [model for model in TITLES if any(model in facts.test for facts in runs)]
        rows = [[TITLES[model], *(str(facts.test.get(model, "–")) for facts in runs)] for model in models]
        self.scores.fill(["Weighted F1 on test", *(facts.name for facts in runs)], rows)
        self._enable()

    # -- Qt's own -----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Now it is looked at."""
        super().showEvent(event)
        self.read()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Lay the tables side by side where there is little height."""
        super().resizeEvent(event)
        way = QBoxLayout.Direction.LeftToRight if self.height() < SHORT else QBoxLayout.Direction.TopToBottom
        self._tables.setDirection(way)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Other colours."""
        if self._palette is not None and theme.active_palette() is not self._palette:
            self._colour()
        super().changeEvent(event)

    def _colour(self) -> None:
        self._palette = theme.active_palette()  # first: a new style sheet is a change, too
        self.setStyleSheet(sheet(self._palette))
