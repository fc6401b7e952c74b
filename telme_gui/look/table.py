"""A small table of numbers or words that can be read, walked by key and copied."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from telme_gui.look import theme

ROW = 24  # px
LEAST = 3  # rows that are never scrolled away


class Table(QTableWidget):
    """Rows of text: the first column is names, the others are figures. Ctrl+C copies the selected cells.

    With a column of `words` none are figures, and it takes the room that the others leave.
    """

    def __init__(self, name: str, parent: QWidget | None = None, *, words: int | None = None) -> None:
        super().__init__(parent)
        self._words = words
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setFrameShape(QTableWidget.Shape.NoFrame)
        self.setFont(theme.font(theme.CAPTION, tabular=True))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)

    def fill(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show these rows in place of the former ones."""
        self.setColumnCount(len(header))
        self.setRowCount(len(rows))
        for column, title in enumerate(header):
            head = QTableWidgetItem(title)
            head.setTextAlignment(self._side(column))
            self.setHorizontalHeaderItem(column, head)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setTextAlignment(self._side(column))
                self.setItem(row, column, item)
        for column in range(len(header)):
            stretches = column > 0 if self._words is None else column == self._words
            mode = QHeaderView.ResizeMode.Stretch if stretches else QHeaderView.ResizeMode.ResizeToContents
            self.horizontalHeader().setSectionResizeMode(column, mode)
        top = self.horizontalHeader().sizeHint().height() + 4
        self.setMinimumHeight(top + ROW * min(len(rows), LEAST))
        self.setMaximumHeight(top + ROW * len(rows))
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All rows."""
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Copy as text with tabs."""
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted({index.row() for index in self.selectedIndexes()})
            columns = sorted({index.column() for index in self.selectedIndexes()})
            lines = ["\t".join(self._text(row, column) for column in columns) for row in rows]
            QApplication.clipboard().setText("\n".join(lines))
        else:
            super().keyPressEvent(event)

    def _text(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return item.text() if item else ""

    def _side(self, column: int) -> Qt.AlignmentFlag:
        left = column == 0 or self._words is not None
        return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight)
