"""What the inspector's painted parts share: a heading, rows, bars about zero, tooltips by region, and the theme."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from telme_gui.look import chips, theme
from telme_gui.look.words import as_tip
from telme_model.analysis.predictions import Floats, Predictions

ROW = 20  # px
HEADING = 28  # px, with the gap below it
LABEL = 80  # px of the column of names

VCENTRE = Qt.AlignmentFlag.AlignVCenter
LEFT, RIGHT = VCENTRE | Qt.AlignmentFlag.AlignLeft, VCENTRE | Qt.AlignmentFlag.AlignRight


class Section(QWidget):
    """A part of the inspector for one row of predictions; `own` is the same turn as the run has it, in a what-if."""

    def __init__(self, name: str, height: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.predictions: Predictions | None = None
        self.row = 0
        self.own: tuple[Predictions, int] | None = None
        self._tips: list[tuple[QRectF, str]] = []

    def show_turn(self, predictions: Predictions, row: int, own: tuple[Predictions, int] | None) -> None:
        """Show another turn, or the same one otherwise."""
        self.predictions, self.row, self.own = predictions, row, own
        self.setAccessibleDescription(self.summary(predictions, row))
        self.update()

    def summary(self, predictions: Predictions, row: int) -> str:
        """What is shown, in words."""
        raise NotImplementedError

    def draw(self, painter: QPainter, predictions: Predictions, row: int) -> None:
        """Paint the turn and note the tooltips."""
        raise NotImplementedError

    def tip(self, rect: QRectF, sentence: str) -> None:
        """Explain what is painted in `rect`; the first one noted wins."""
        self._tips.append((rect, sentence))

    def tip_at(self, point: QPointF) -> str:
        """The sentence that explains what stands there."""
        return next((sentence for rect, sentence in self._tips if rect.contains(point)), "")

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the region under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), as_tip(self.tip_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's
        """Paint."""
        self._tips.clear()
        if self.predictions is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self.draw(painter, self.predictions, self.row)
            painter.end()

    # -- what several parts paint -------------------------------------------------------------------------------

    def heading(self, painter: QPainter, title: str, note: str = "") -> None:
        """Title on the left, a caption on the right of the first line."""
        line = QRectF(0, 0, self.width(), ROW)
        write(painter, line, title, bold=True, size=theme.BODY)
        write(painter, line, note, align=RIGHT, colour=theme.active_palette().muted)

    def emotion(self, painter: QPainter, top: float, emotion: str, *, bold: bool = False) -> None:
        """Glyph and name of an emotion at the left of a row."""
        chips.paint_glyph(painter, QRectF(6, top + ROW / 2 - 4.5, 9, 9), emotion)
        write(painter, QRectF(21, top, LABEL - 21, ROW), emotion, bold=bold, size=12)

    def about_zero(self, painter: QPainter, rect: QRectF, value: float, most: float, colour: QColor) -> None:
        """A bar from the middle of `rect`, to the right where `value` is above zero; `most` fills a half."""
        middle, half = rect.center().x(), rect.width() / 2
        palette = theme.active_palette()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.raised))
        painter.drawRoundedRect(rect, 2, 2)
        if np.isfinite(value):
            length = half * min(abs(value) / most, 1)
            painter.setBrush(colour)
            left = middle if value > 0 else middle - length
            painter.drawRoundedRect(QRectF(left, rect.y(), length, rect.height()), 2, 2)
        painter.fillRect(QRectF(middle - 0.5, rect.y() - 2, 1, rect.height() + 4), QColor(palette.muted))


@cache
def face(size: int, *, bold: bool = False) -> QFont:
    """The family in `size` px, figures of one width; made once, for it is asked for hundreds of times a painting."""
    return theme.font(size, bold=bold, tabular=True)


def write(
    painter: QPainter,
    rect: QRectF,
    text: str,
    *,
    align: Qt.AlignmentFlag = LEFT,
    colour: str | None = None,
    size: int = theme.CAPTION,
    bold: bool = False,
) -> None:
    """Text in one line, elided where it does not fit; figures of one width."""
    painter.setFont(face(size, bold=bold))
    painter.setPen(QColor(colour or theme.active_palette().text))
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(rect.width()) + 1)
    painter.drawText(rect, align, shown)


def write_symbol(painter: QPainter, left: float, baseline: float, symbol: str, colour: str) -> float:
    """A symbol as in the paper, a letter after "_" lowered; returns where it ends."""
    plain, small = face(theme.CAPTION), face(9)
    painter.setPen(QColor(colour))
    lowered = False
    for letter in symbol:
        if letter == "_":
            lowered = True
            continue
        painter.setFont(small if lowered else plain)
        painter.drawText(QPointF(left, baseline + (2 if lowered else 0)), letter)
        left += QFontMetricsF(painter.font()).horizontalAdvance(letter)
        lowered = False
    return left


def signed(value: float) -> str:
    """A change of probability: "+.12"; a dash where it is not known."""
    if not np.isfinite(value):
        return "–"
    text = f"{value:+.2f}".replace("-", "−")
    return ".00" if text[1:] == "0.00" else text.replace("0.", ".", 1)


def ranked(values: Floats, labels: Sequence[str]) -> str:
    """Emotions with their probabilities in words, the most probable first."""
    order = np.argsort(-values)
    return ", ".join(f"{labels[i]} {values[i]:.0%}" for i in order)
