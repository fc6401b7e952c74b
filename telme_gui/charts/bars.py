"""Bars by emotion in columns: the shape shared by scores by class and by counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from telme_gui.look import chips, theme
from telme_gui.look.figure import LEFT, Figure, write

NAMES = 104  # px
ROW, HEAD = 34, 32  # px
BAR = 14  # px
FIGURES = 72  # px beside a bar for its number


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionBar:
    """One bar an emotion: its length as a share of the longest, what is written beside it, and marks on it."""

    title: str
    shares: Sequence[float]  # 0 to 1 [C]
    texts: Sequence[str]  # [C]
    intervals: Sequence[tuple[float, float]] | None = None  # 0 to 1 [C]
    marks: Sequence[float | None] | None = None  # 0 to 1 [C]: a published value


class EmotionBars(Figure):
    """A row an emotion, a column for each of what is compared."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._labels: Sequence[str] = ()
        self._columns: Sequence[EmotionBar] = ()
        self._caption = ""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Rows that breathe."""
        return QSize(640, HEAD + 7 * ROW + 24)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Rows that touch."""
        return QSize(480, HEAD + 7 * 24 + 24)

    def show_columns(self, labels: Sequence[str], columns: Sequence[EmotionBar], caption: str = "") -> None:
        """Draw these bars."""
        self._labels, self._columns, self._caption = labels, columns, caption
        self.say("")

    def draw(self, painter: QPainter) -> None:
        """Names, bars and numbers."""
        row = min(float(ROW), (self.height() - HEAD - 24) / max(1, len(self._labels)))
        width = (self.width() - NAMES) / max(1, len(self._columns))
        for place, label in enumerate(self._labels):
            chips.paint_chip(painter, QRect(0, round(HEAD + place * row), NAMES - 8, round(row)), label)
        for number, column in enumerate(self._columns):
            left = NAMES + number * width
            write(painter, QRectF(left, 0, width, HEAD - 8), column.title, bold=True)
            for place, label in enumerate(self._labels):
                box = QRectF(left, HEAD + place * row + (row - BAR) / 2, width - FIGURES - 8, BAR)
                self._bar(painter, box, column, place, label)
        bottom = HEAD + row * len(self._labels)
        write(painter, QRectF(0, bottom + 4, self.width(), 20), self._caption, muted=True)

    def _bar(self, painter: QPainter, box: QRectF, column: EmotionBar, place: int, label: str) -> None:
        palette = theme.active_palette()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.raised))
        painter.drawRoundedRect(box, 3, 3)
        painter.setBrush(theme.emotion_colour(label))
        painter.drawRoundedRect(QRectF(box.left(), box.top(), box.width() * column.shares[place], BAR), 3, 3)
        if column.intervals is not None:
            low, high = (box.left() + edge * box.width() for edge in column.intervals[place])
            painter.setPen(QPen(QColor(palette.text), 1.25))
            painter.drawLine(QPointF(low, box.center().y()), QPointF(high, box.center().y()))
        mark = column.marks[place] if column.marks else None
        if mark is not None:
            x = box.left() + mark * box.width()
            painter.setPen(QPen(QColor(palette.text), 2))
            painter.drawLine(QPointF(x, box.top() - 3), QPointF(x, box.bottom() + 3))
        write(painter, QRectF(box.right() + 8, box.top() - 3, FIGURES, BAR + 6), column.texts[place], LEFT)
