"""A form that is filled in anew with each file: rows below one another, of which a few are seen at once."""

from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from telme_gui.look import theme

_LINE = 34  # px


class RowsForm(QScrollArea):
    """Hidden while it has no row. `seen`: rows before one has to scroll; `wide`: the column that takes the room."""

    def __init__(self, seen: int, wide: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen, self._wide = seen, wide
        self.setObjectName("plain")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)

    def begin(self) -> QGridLayout:
        """Where the rows go, in place of the former ones."""
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * theme.RHYTHM)
        grid.setVerticalSpacing(theme.RHYTHM // 2)
        grid.setColumnStretch(self._wide, 1)
        return grid

    def end(self, grid: QGridLayout, rows: int) -> None:
        """Show so many rows."""
        page = QWidget()
        page.setLayout(grid)
        self.setWidget(page)
        self.setFixedHeight(_LINE * min(max(1, rows), self._seen))
        self.setVisible(bool(rows))
