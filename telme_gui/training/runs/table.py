"""The table of runs: a row a run, sorted by any column; columns give way where it is narrow."""

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from telme_gui.look import theme
from telme_gui.look.theme import Palette
from telme_gui.training.runs.model import SORT, RunColumn, RunsModel

ROW = 28  # px
NAME = 180  # px that names keep; the columns below give way to them, the first one first
_YIELDING = (RunColumn.SEED, RunColumn.PRESET, RunColumn.CORPUS, RunColumn.TIME, RunColumn.DATE)
_WIDTHS = {RunColumn.STATE: 190, RunColumn.TEST: 96, RunColumn.PRESET: 110, RunColumn.SEED: 48}
_WIDTHS |= {RunColumn.CORPUS: 130, RunColumn.DATE: 160, RunColumn.TIME: 84}  # px


class RunTable(QTableView):
    """A view of the runs, newest first until sorted otherwise. Its rows are those of the model."""

    def __init__(self, model: RunsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._sorted = model, QSortFilterProxyModel(self)
        self._sorted.setSourceModel(model)
        self._sorted.setSortRole(SORT)
        self.setModel(self._sorted)
        self.setAccessibleName("Runs")
        self.setSortingEnabled(True)
        self.sortByColumn(RunColumn.DATE, Qt.SortOrder.DescendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setFont(theme.font(tabular=True))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(40)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.horizontalHeader().setSectionResizeMode(RunColumn.NAME, QHeaderView.ResizeMode.Stretch)

    @property
    def chosen(self) -> int | None:
        """The model's row that is selected."""
        rows = self.selectionModel().selectedRows()
        return self._sorted.mapToSource(rows[0]).row() if rows else None

    def choose(self, row: int) -> None:
        """Select a row of the model."""
        self.selectRow(self._sorted.mapFromSource(self._model.index(row, 0)).row())

    def edit_name(self) -> None:
        """Let the name of the selected run be typed anew."""
        for index in self.selectionModel().selectedRows(RunColumn.NAME):
            self.edit(index)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave out columns that there is no room for."""
        super().resizeEvent(event)
        room = self.width() - NAME - sum(_WIDTHS.values())
        for column in _YIELDING:
            self.setColumnHidden(column, room < 0)
            room += _WIDTHS[column] if room < 0 else 0


def sheet(palette: Palette) -> str:
    """The style sheet of tables in the list of runs."""
    return (
        f"QTableView {{ background: {palette.surface}; color: {palette.text}; border: none;"
        f" selection-background-color: {palette.selected}; selection-color: {palette.text}; outline: 0 }}"
        "QTableView::item { padding: 0 6px; border: none }"
        f"QHeaderView {{ background: {palette.surface}; border: none }}"
        f"QHeaderView::section {{ background: {palette.surface}; color: {palette.muted}; border: none;"
        f" border-bottom: 1px solid {palette.line}; padding: 4px 9px; font-size: {theme.CAPTION}px }}"
        f"QTableView::indicator {{ width: 12px; height: 12px; border: 1px solid {palette.muted};"
        f" border-radius: 3px; background: {palette.surface} }}"
        f"QTableView::indicator:checked {{ background: {palette.accent}; border-color: {palette.accent} }}"
    )
