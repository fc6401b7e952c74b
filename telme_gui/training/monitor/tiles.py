"""The run's figures in a row: a large value with its unit, and under it what it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from telme_gui.look import theme
from telme_gui.look.words import as_tip

HEIGHT = 44  # px
VALUE = 18  # px of type
WIDTH = 128  # px of a tile at least


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """What a tile shows."""

    value: str
    unit: str
    caption: str
    about: str = ""  # what it is, in a sentence

    @property
    def words(self) -> str:
        """The figure within a line: "best dev F1 45.1"."""
        name = self.caption.partition(" · ")[0].partition(",")[0]
        return f"{name} {self.value} {self.unit}".strip()


class Tile(QWidget):
    """One figure."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figure = KeyFigure("–", "", "")
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def figure(self) -> KeyFigure:
        """What is shown."""
        return self._figure

    def show_figure(self, figure: KeyFigure) -> None:
        """Show this; nothing is drawn where it is the same."""
        if figure != self._figure:
            self._figure = figure
            self.setToolTip(as_tip(figure.about))
            self.setAccessibleName(figure.caption)
            self.setAccessibleDescription(f"{figure.value} {figure.unit}".strip())
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A hairline at the left, the value over its caption."""
        palette, figure = theme.active_palette(), self._figure
        painter = QPainter(self)
        painter.setPen(QColor(palette.line))
        painter.drawLine(QPointF(0.5, 2), QPointF(0.5, self.height() - 2))
        left, room = 12.0, self.width() - 16.0
        font = theme.font(VALUE, bold=True, tabular=True)
        painter.setFont(font)
        painter.setPen(QColor(palette.text if figure.value != "–" else palette.muted))
        painter.drawText(QRectF(left, 0, room, 26), Qt.AlignmentFlag.AlignVCenter, figure.value)
        shift = QFontMetricsF(font).horizontalAdvance(figure.value) + 5
        small = theme.font(theme.CAPTION, tabular=True)
        metrics = QFontMetricsF(small)
        painter.setFont(small)
        painter.setPen(QColor(palette.muted))
        painter.drawText(QRectF(left + shift, 3, room - shift, 22), Qt.AlignmentFlag.AlignVCenter, figure.unit)
        caption = metrics.elidedText(figure.caption, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(left, 26, room, 16), Qt.AlignmentFlag.AlignVCenter, caption)
        painter.end()


class Tiles(QWidget):
    """As many in a row as there is room for."""

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles = tuple(Tile(self) for _ in range(count))
        self._across = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.RHYTHM)
        self._lay_out(count)

    def show_figures(self, figures: Sequence[KeyFigure]) -> None:
        """Show these, one a tile."""
        for tile, figure in zip(self.tiles, figures, strict=True):
            tile.show_figure(figure)

    def _lay_out(self, across: int) -> None:
        if across == self._across:
            return
        self._across = across
        for place, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, place // across, place % across)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fold into several rows."""
        super().resizeEvent(event)
        fit = (self.width() + theme.RHYTHM) // (WIDTH + theme.RHYTHM)
        divisors = (n for n in range(len(self.tiles), 0, -1) if len(self.tiles) % n == 0)
        self._lay_out(next((n for n in divisors if n <= fit), 1))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """One may stand under the other."""
        return QSize(WIDTH, super().minimumSizeHint().height())
