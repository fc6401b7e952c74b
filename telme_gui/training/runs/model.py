"""The list of runs as a table: a row a run, ticked to be compared, its name to be edited."""

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor

from telme_gui.look import theme
from telme_gui.look.words import as_tip
from telme_model.analysis.models import FUSED
from telme_model.runs.facts import RunFacts, RunState
from telme_model.runs.quantities import duration

Index = QModelIndex | QPersistentModelIndex
SORT = Qt.ItemDataRole.UserRole  # by which a column is sorted
_ROOT = QModelIndex()


class RunColumn(IntEnum):
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
    RunColumn.NAME: ("Run", "The run’s folder; ticked runs are compared"),
    RunColumn.STATE: ("State", "Whether it is trained to its end, and if not, where it stands"),
    RunColumn.TEST: ("Test F1", "Weighted F1 of the fused predictions on test, ± half the 95 % interval"),
    RunColumn.PRESET: ("Preset", "The settings it began with"),
    RunColumn.SEED: ("Seed", "Of its random numbers"),
    RunColumn.CORPUS: ("Corpus", "What it was trained on"),
    RunColumn.DATE: ("Begun", "When it was begun"),
    RunColumn.TIME: ("Time", "How long it worked, pauses left out"),
}
_FIGURES = (RunColumn.TEST, RunColumn.SEED, RunColumn.TIME)


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
        """As `RunColumn`."""
        return 0 if parent.isValid() else len(RunColumn)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """What a column is."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        title, about = TITLES[RunColumn(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(RunColumn(section))
        return {Qt.ItemDataRole.DisplayRole: title, Qt.ItemDataRole.ToolTipRole: about}.get(Qt.ItemDataRole(role))

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names can be ticked and edited, except those of broken folders."""
        flags = super().flags(index)
        if index.isValid() and index.column() == RunColumn.NAME:
            if self.runs[index.row()].state is not RunState.BROKEN:
                flags |= Qt.ItemFlag.ItemIsUserCheckable
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        if not index.isValid():
            return None
        facts, column = self.runs[index.row()], RunColumn(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return cell(facts, column)
            case Qt.ItemDataRole.ToolTipRole:
                return as_tip(facts.reason or "\n\n".join(filter(None, (facts.note, str(facts.path)))))
            case Qt.ItemDataRole.TextAlignmentRole:
                return _side(column)
            case Qt.ItemDataRole.ForegroundRole:
                return _ink(facts, column)
            case Qt.ItemDataRole.CheckStateRole if column is RunColumn.NAME and facts.state is not RunState.BROKEN:
                return Qt.CheckState.Checked if facts.path in self.ticked else Qt.CheckState.Unchecked
            case _ if role == SORT:
                return _key(facts, column)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Tick a run, or ask for another name."""
        if not index.isValid() or index.column() != RunColumn.NAME:
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


def cell(facts: RunFacts, column: RunColumn) -> str:
    """What a cell says."""
    match column:
        case RunColumn.NAME:
            return facts.name
        case RunColumn.STATE:
            return facts.standing
        case RunColumn.TEST:
            return str(facts.test.get(FUSED, "–"))
        case RunColumn.PRESET:
            return facts.preset or "–"
        case RunColumn.SEED:
            return "–" if facts.seed is None else str(facts.seed)
        case RunColumn.CORPUS:
            return facts.corpus or "–"
        case RunColumn.DATE:
            return f"{facts.created.astimezone():%d %b %Y, %H:%M}" if facts.created else "–"
        case RunColumn.TIME:
            return duration(facts.seconds) if facts.seconds else "–"


def _key(facts: RunFacts, column: RunColumn) -> Any:
    match column:
        case RunColumn.TEST:
            return facts.test[FUSED].weighted_f1 if FUSED in facts.test else -1.0
        case RunColumn.SEED:
            return -1 if facts.seed is None else facts.seed
        case RunColumn.DATE:
            return facts.created.timestamp() if facts.created else 0.0
        case RunColumn.TIME:
            return facts.seconds
    return cell(facts, column).casefold()


def _ink(facts: RunFacts, column: RunColumn) -> QColor | None:
    palette = theme.active_palette()
    if column is RunColumn.STATE:
        inks = {RunState.BROKEN: palette.bad, RunState.TRAINING: palette.accent, RunState.FINISHED: palette.good}
        return QColor(inks.get(facts.state, palette.text))
    return None if column in (RunColumn.NAME, RunColumn.TEST) else QColor(palette.muted)


def _side(column: RunColumn) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _FIGURES else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
