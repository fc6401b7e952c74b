"""A list of what an import finds: rows of text, however many, to be read and copied."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from telme_gui.look import theme
from telme_gui.look.words import as_tip

ROW = 24  # px

Index = QModelIndex | QPersistentModelIndex
Cells = tuple[str, ...]


class LinesModel(QAbstractTableModel):
    """Rows under a header."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.header: Cells = ()
        self.rows: Sequence[Cells] = ()

    def fill(self, header: Cells, rows: Sequence[Cells]) -> None:
        """Show these in place of the former ones."""
        self.beginResetModel()
        self.header, self.rows = header, rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102, N802 - Qt's
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102, N802 - Qt's
        return 0 if parent.isValid() else len(self.header)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102 - Qt's
        words = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return words
        return as_tip(words) if role == Qt.ItemDataRole.ToolTipRole else None

    def headerData(  # noqa: D102, N802 - Qt's
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.header[section]
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


class Lines(QTableView):
    """Whole rows are chosen; Ctrl+C copies them, `copy` copies all, as text with tabs."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = LinesModel(self)
        self.setModel(self.lines)
        self.setObjectName("lines")
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setFont(theme.font(tabular=True))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(True)

    def fill(self, header: Cells, rows: Sequence[Cells], widths: Sequence[int]) -> None:
        """Show these rows, in columns so wide; the last one takes what is left."""
        self.lines.fill(header, rows)
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)

    def copy(self) -> None:
        """Copy every row, under the header."""
        self._copy([self.lines.header, *self.lines.rows])

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's
        """Copy the chosen rows."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy([self.lines.rows[index.row()] for index in self.selectionModel().selectedRows()])
        else:
            super().keyPressEvent(event)

    def _copy(self, rows: Sequence[Cells]) -> None:
        QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in rows))
