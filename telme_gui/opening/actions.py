"""What can be opened and closed, each with its keys: for a menu of the window."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from telme_gui.look.actions import Entry, gap, window_action
from telme_gui.look.settings import Recent, Settings
from telme_gui.look.words import literal
from telme_gui.opening.columns import ColumnsDialog
from telme_gui.opening.opener import Opener
from telme_gui.session.session import Session
from telme_model.bundled import DEMO_CORPUS, DEMO_RUN
from telme_model.corpus.own import KIND, TABLES
from telme_model.corpus.reading import remember, remembered
from telme_model.corpus.survey import Survey
from telme_model.errors import StudioError
from telme_model.runs.folder import is_run
from telme_model.runs.names import run_name


class Actions(QObject):
    """The actions, `all` in the order of a menu. `stop_work` stops what works in the background and is shown."""

    def __init__(
        self, session: Session, opener: Opener, settings: Settings, stop_work: Callable[[], None], window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._opener, self._settings, self._window = session, opener, settings, window
        self._recent = QMenu("Open recent", window)
        self._recent.aboutToShow.connect(self._fill_recent)
        self._predict = window_action(window, "Predict the remaining turns", "", opener.predict_rest)
        self._stop = window_action(window, "Stop background work", "Ctrl+.", stop_work)
        self._columns = window_action(window, "Columns and labels…", "", opener.ask_columns)
        opener.columns_wanted.connect(self._ask_columns)
        self._close = window_action(window, "Close corpus", "Ctrl+W", opener.close)
        self.all: list[Entry] = [
            window_action(window, "Open corpus…", "Ctrl+O", self.ask_corpus),
            window_action(window, "Open table…", "", self.ask_table),
            window_action(window, "Open run…", "Ctrl+R", self.ask_run),
            self._recent,
            window_action(window, "Open the demo", "", self.open_demo),
            self._columns,
            gap(self),
            self._predict,
            self._stop,
            gap(self),
            self._close,
            window_action(window, "Quit", "Ctrl+Q", window.close),
        ]
        for changed in (session.corpus_changed, session.predictions_changed, session.jobs.changed):
            changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self._predict.setEnabled(self._opener.missing > 0)
        self._stop.setEnabled(self._session.jobs.busy)
        # The columns of MELD and its like are known; told otherwise, their clips would not be found by name.
        self._columns.setEnabled(self._session.corpus is not None and self._session.corpus.kind == KIND)
        self._close.setEnabled(self._session.corpus is not None)

    def _fill_recent(self) -> None:
        self._recent.clear()
        there = [entry for entry in self._settings.recent if entry.there]
        for entry in there:
            run = run_name(Path(entry.run)) if entry.run else ""
            action = self._recent.addAction(literal(f"{entry.corpus}  ·  {run}" if run else entry.corpus))
            action.triggered.connect(lambda _checked=False, entry=entry: self.open_recent(entry))
        if not there:
            self._recent.addAction("Nothing yet").setEnabled(False)

    def ask_corpus(self) -> None:
        """Let a corpus' folder be chosen, and open it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open the folder of a corpus")
        if chosen:
            self.open_path(Path(chosen))

    def ask_table(self) -> None:
        """Let one table of turns be chosen, and open it."""
        patterns = " ".join(f"*{ending}" for ending in TABLES)
        chosen, _ = QFileDialog.getOpenFileName(self._window, "Open a table of turns", "", f"Tables ({patterns})")
        if chosen:
            self.open_path(Path(chosen))

    def _ask_columns(self, found: Survey, _why: str) -> None:
        """Let the columns of a table be told, and open it so."""
        dialog = ColumnsDialog(found, remembered(found.root), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(self._take_columns)
        dialog.open()

    def _take_columns(self) -> None:
        dialog = self.sender()
        if isinstance(dialog, ColumnsDialog):
            try:
                remember(dialog.survey.root, dialog.reading)
            except StudioError as error:
                self._session.failed.emit("What was chosen cannot be remembered", error.advice)
            else:
                self.open_path(dialog.survey.root)

    def ask_run(self) -> None:
        """Let a run's folder be chosen, and open it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open the folder of a run")
        if chosen:
            self._opener.open_run(Path(chosen), meet=True)

    def open_path(self, path: Path) -> None:
        """Open the folder of a corpus or of a run, whichever it is."""
        if is_run(path):
            self._opener.open_run(path)
        else:
            self._opener.open(path, last=self._settings.of(path).turn)

    def open_demo(self) -> None:
        """Open the bundled corpus with its run."""
        self._opener.open(DEMO_CORPUS, DEMO_RUN, last=self._settings.of(DEMO_CORPUS).turn, meet=True)

    def open_recent(self, entry: Recent) -> None:
        """Open what was open before; a run that has gone is left out."""
        run = Path(entry.run) if entry.run and is_run(Path(entry.run)) else None
        self._opener.open(Path(entry.corpus), run, last=entry.turn, meet=True)
