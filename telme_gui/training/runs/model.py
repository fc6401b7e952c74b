"""The list of runs as a table: a row a run, ticked to be compared, its name to be edited."""

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor

from telme_gui.look import theme
from telme_gui.training.monitor.tiles import duration
from telme_model.runs.facts import RunFacts, RunState

Index = QModelIndex | QPersistentModelIndex
SORT = Qt.ItemDataRole.UserRole  # by which a column is sorted
_ROOT = QModelIndex()


class Column(IntEnum):
    """In the order in which they are read."""

    NAME = 0
    STATE = 1
    TEST = 2
    PRESET = 3
    SEED = 4
    CORPUS = 5
    DATE = 6
    TIME = 7


TITLES = {
    Column.NAME: ("Run", "The run’s folder; ticked runs are compared"),
    Column.STATE: ("State", "Whether it is trained to its end, and if not, where it stands"),
    Column.TEST: ("Test F1", "Weighted F1 of the fused predictions on test, ± half the 95 % interval"),
    Column.PRESET: ("Preset", "The settings it began with"),
    Column.SEED: ("Seed", "Of its random numbers"),
    Column.CORPUS: ("Corpus", "What it was trained on"),
    Column.DATE: ("Begun", "When it was begun"),
    Column.TIME: ("Time", "How long it worked, pauses left out"),
}
_FIGURES = (Column.TEST, Column.SEED, Column.TIME)


class RunsModel(QAbstractTableModel):
    """The runs that were read, in the order in which they came."""

    ticks_changed = Signal()
    rename_wanted = Signal(object, str)  # Path, the name that was typed

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[RunFacts] = []
        self.ticked: set[Path] = set()

    def show_runs(self, runs: Sequence[RunFacts]) -> None:
        """List these; ticks stay with the runs that are still there."""
        if list(runs) == self.runs:
            return
        self.beginResetModel()
        self.runs = list(runs)
        self.ticked &= {facts.path for facts in runs}
        self.endResetModel()
        self.ticks_changed.emit()

    @property
    def ticked_runs(self) -> list[RunFacts]:
        """Those that are ticked, in order."""
        return [facts for facts in self.runs if facts.path in self.ticked]

    # -- Qt's own -----------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = _ROOT) -> int:  # noqa: N802 - Qt's names, here and below
        """A row a run."""
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = _ROOT) -> int:  # noqa: N802
        """As `Column`."""
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """What a column is."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        title, about = TITLES[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(Column(section))
        return {Qt.ItemDataRole.DisplayRole: title, Qt.ItemDataRole.ToolTipRole: about}.get(Qt.ItemDataRole(role))

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names can be ticked and edited, except those of broken folders."""
        flags = super().flags(index)
        if index.isValid() and index.column() == Column.NAME:
            if self.runs[index.row()].state is not RunState.BROKEN:
                flags |= Qt.ItemFlag.ItemIsUserCheckable
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        if not index.isValid():
            return None
        facts, column = self.runs[index.row()], Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return cell(facts, column)
            case Qt.ItemDataRole.ToolTipRole:
                return facts.reason or str(facts.path)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _side(column)
            case Qt.ItemDataRole.ForegroundRole:
                return _ink(facts, column)
            case Qt.ItemDataRole.CheckStateRole if column is Column.NAME and facts.state is not RunState.BROKEN:
                return Qt.CheckState.Checked if facts.path in self.ticked else Qt.CheckState.Unchecked
            case _ if role == SORT:
                return _key(facts, column)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Tick a run, or ask for another name."""
        if not index.isValid() or index.column() != Column.NAME:
            return False
        facts = self.runs[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole and facts.state is not RunState.BROKEN:
            if Qt.CheckState(value) is Qt.CheckState.Checked:
                self.ticked.add(facts.path)
            else:
                self.ticked.discard(facts.path)
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.CheckStateRole])
            self.ticks_changed.emit()
            return True
        if role == Qt.ItemDataRole.EditRole and str(value) != facts.name:
            self.rename_wanted.emit(facts.path, str(value).strip())
        return False


def cell(facts: RunFacts, column: Column) -> str:
    """What a cell says."""
    match column:
        case Column.NAME:
            return facts.name
        case Column.STATE:
            return f"{facts.state}, at {facts.at}" if facts.at else str(facts.state)
        case Column.TEST:
            return str(facts.test.get("fused", "–"))
        case Column.PRESET:
            return facts.preset or "–"
        case Column.SEED:
            return "–" if facts.seed is None else str(facts.seed)
        case Column.CORPUS:
            return facts.corpus or "–"
        case Column.DATE:
            return f"{facts.created.astimezone():%d %b %Y, %H:%M}" if facts.created else "–"
        case Column.TIME:
            return duration(facts.seconds) if facts.seconds else "–"


def _key(facts: RunFacts, column: Column) -> Any:
    match column:
        case Column.TEST:
            return facts.test["fused"].value if "fused" in facts.test else -1.0
        case Column.SEED:
            return -1 if facts.seed is None else facts.seed
        case Column.DATE:
            return facts.created.timestamp() if facts.created else 0.0
        case Column.TIME:
            return facts.seconds
    return cell(facts, column).casefold()


def _ink(facts: RunFacts, column: Column) -> QColor | None:
    palette = theme.active_palette()
    if column is Column.STATE:
        inks = {RunState.BROKEN: palette.bad, RunState.TRAINING: palette.accent, RunState.FINISHED: palette.good}
        return QColor(inks.get(facts.state, palette.text))
    return None if column in (Column.NAME, Column.TEST) else QColor(palette.muted)


def _side(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _FIGURES else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
