"""The page of two runs side by side."""

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from telme_gui.charts.listing import Index, set_columns, turn_list
from telme_gui.charts.subset import Subset
from telme_gui.charts.versus import TurnChange, Versus, read_run
from telme_gui.look.table import Table
from telme_gui.look.words import Words, as_tip
from telme_gui.session.filter import Filter
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED
from telme_model.analysis.predictions import Predictions
from telme_model.corpus.dialogue import TurnId
from telme_model.errors import StudioError

HEADER = ("Turn", "Speaker", "Words", "Gold", "This run", "Other run")
EMOTION_COLUMNS = (3, 4, 5)
WIDTHS = (110, 80, 0, 96, 96, 96)  # px of the columns
ASK = "Choose another run of the same corpus to see what changed"


class ComparePage(QWidget):
    """Choose another run; see both scores, the difference, and the turns that changed, to be filtered by."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._part: Subset | None = None
        self._other: Predictions | None = None
        self._versus: Versus | None = None
        self._job: Job | None = None
        self._choose = QPushButton("Choose another run …", self)
        self._choose.setAccessibleName("Choose another run")
        self._choose.setToolTip("Open another run's folder and set it beside the one that is open")
        self._choose.clicked.connect(self._ask)
        self._words = Words(ASK, self, wordWrap=True)
        self._table = Table("Scores of both runs", self)
        self._changed = ChangedTurns(session, self)
        self._list = turn_list("Turns that changed", self._changed, self)
        set_columns(self._list, WIDTHS, EMOTION_COLUMNS)
        self._list.clicked.connect(self._go)
        self._list.activated.connect(self._go)
        session.presented_changed.connect(self._list.viewport().update)
        self._kinds = QButtonGroup(self, exclusive=False)
        self._lay_out()
        session.corpus_changed.connect(self._forget)
        self._forget()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self._choose)
        top.addWidget(self._words, 1)
        kinds = QHBoxLayout()
        kinds.setSpacing(8)
        for number, kind in enumerate((None, *TurnChange)):
            button = QPushButton(self)
            button.setAccessibleName(f"Turns {kind.value}" if kind else "All turns that changed")
            button.setToolTip("Show these turns alone in all panels")
            button.clicked.connect(partial(self._filter, kind))
            self._kinds.addButton(button, number)
            kinds.addWidget(button)
        kinds.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(self._table)
        column.addLayout(kinds)
        column.addWidget(self._list, 1)

    # -- the other run ------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        start = str(self._session.run.parent) if self._session.run else ""
        chosen = QFileDialog.getExistingDirectory(self, "Choose the folder of another run", start)
        if chosen:
            self.compare_with(Path(chosen))

    def compare_with(self, run: Path) -> None:
        """Read a run's predictions in the background and show what differs. Errors are shown in the page."""
        corpus = self._session.corpus
        if self._part is None or corpus is None:
            return
        if self._job is not None:
            self._job.stop()
        self._words.setText(f"Reading {run.name} …")
        self._choose.setEnabled(False)
        job = self._session.jobs.start(partial(read_run, run, corpus))
        job.done.connect(self._take)
        job.failed.connect(self._fail)
        self._job = job

    def _take(self, predictions: Predictions | None) -> None:
        self._choose.setEnabled(True)
        if self.sender() is self._job and predictions is not None:
            self._job, self._other = None, predictions
            self._draw()

    def _fail(self, error: Exception) -> None:
        self._choose.setEnabled(True)
        self._job = None
        if not isinstance(error, StudioError):
            raise error  # a defect: the window's report says so
        self._words.setText(error.advice)

    def _forget(self) -> None:
        self._part = self._other = None
        self._draw()

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_part(self, part: Subset) -> None:
        """Compare this part."""
        self._part = part
        self._draw()

    @property
    def versus(self) -> Versus | None:
        """The comparison that is shown."""
        return self._versus

    @property
    def words(self) -> str:
        """The result in a sentence."""
        return self._words.text()

    def _draw(self) -> None:
        self._versus = Versus(self._part, self._other) if self._part and self._other else None
        shown = self._versus is not None and len(self._versus.pairs) > 0
        for widget in (self._table, self._list, *self._kinds.buttons()):
            widget.setVisible(shown)
        self._changed.show_versus(self._versus if shown else None)
        if self._versus is None:
            self._words.setText(ASK)
        elif not shown:
            self._words.setText(f"{self._versus.other.run} predicted none of these turns: choose another run or split")
        else:
            self._show(self._versus)

    def _show(self, versus: Versus) -> None:
        self._words.setText(_sentence(versus))
        rows = []
        for model in versus.models:
            both = versus.weighted_f1(model.key)
            cells = [f"{both[0]:.1f}", f"{both[1]:.1f}", f"{both[0] - both[1]:+.1f}"] if both else ["–"] * 3
            rows.append([model.short, *cells])
        ours, theirs = versus.part.predictions.run or "this run", versus.other.run
        self._table.fill(("Weighted F1", f"{ours} (open)", theirs, "difference"), rows)
        counts = [len(versus.changes), *(versus.changes.count(kind) for kind in TurnChange)]
        names = ["changed", *(kind.value for kind in TurnChange)]
        for button, count, name in zip(self._kinds.buttons(), counts, names, strict=True):
            button.setText(f"{name}  {count}")
            button.setEnabled(count > 0)

    def _filter(self, kind: TurnChange | None) -> None:
        if self._versus is not None:
            turns = frozenset(self._changed.turns(kind))
            name = f"{kind or 'changed'} against {self._versus.other.run}"
            self._session.set_filter(Filter(turns=turns, turns_name=name))

    def _go(self, index: QModelIndex) -> None:
        self._session.select(self._changed.turn(index.row()))


def _sentence(versus: Versus) -> str:
    found = versus.difference
    of = f"{len(versus.pairs):,} turns of {versus.part.name}"
    if found is None:
        return f"On {of}: an interval needs at least two dialogues"
    return (
        f"Fused weighted F1 {found.difference:+.1f} points against {versus.other.run} "
        f"({found.level:.0%} interval {found.interval.low:+.1f} to {found.interval.high:+.1f}, p = {found.p:.3f}) "
        f"on {of}"
    )


class ChangedTurns(QAbstractTableModel):
    """The turns whose fused prediction differs between two runs."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._versus: Versus | None = None
        self._ids: tuple[TurnId, ...] = ()

    def show_versus(self, versus: Versus | None) -> None:
        """List this comparison's turns, those the corpus has."""
        self.beginResetModel()
        self._versus = versus
        ids = versus.part.predictions.ids if versus else ()
        self._ids = tuple(ids[row] for row, _ in versus.changed) if versus else ()
        self.endResetModel()

    def turn(self, row: int) -> TurnId:
        """The turn of a row."""
        return self._ids[row]

    def turns(self, kind: TurnChange | None) -> list[TurnId]:
        """The turns of one kind, all of them for None."""
        changes = self._versus.changes if self._versus else ()
        return [turn for turn, change in zip(self._ids, changes, strict=True) if kind in (None, change)]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's name and default
        """Changed turns."""
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """As the header has."""
        return 0 if parent.isValid() else len(HEADER)

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """The names of the columns."""
        if role == Qt.ItemDataRole.DisplayRole and side is Qt.Orientation.Horizontal:
            judged = self._versus if HEADER[section] == "Gold" else None
            return judged.part.predictions.truth.title() if judged else HEADER[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words; emotions by name."""
        words = self._words_of(index) if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) else None
        return as_tip(words) if words and role == Qt.ItemDataRole.ToolTipRole else words

    def _words_of(self, index: Index) -> str | None:
        if self._versus is None:
            return None
        here, there = self._versus.part.predictions, self._versus.other
        row, other = self._versus.changed[index.row()]
        turn = self._session.turns[self._session.rows[self._ids[index.row()]]]
        match index.column():
            case 0:
                return str(turn.id)
            case 1:
                return turn.speaker
            case 2:
                return self._session.words(turn)
            case 3:
                return str(here.labels[here.gold[row]]) if here.gold[row] >= 0 else ""
            case 4:
                return str(here.labels[here.predicted[FUSED][row]])
            case _:
                return str(there.labels[there.predicted[FUSED][other]])
