"""What all drawn charts share: colours that follow the theme, text, and a sentence where there is nothing to draw."""

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from telme_gui.look import theme

Align = Qt.AlignmentFlag
LEFT = Align.AlignVCenter | Align.AlignLeft
RIGHT = Align.AlignVCenter | Align.AlignRight
CENTRE = Align.AlignCenter


class Figure(QWidget):
    """A painted chart; subclasses draw in `draw`."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._note = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def say(self, note: str) -> None:
        """Show a sentence in place of a chart; an empty one shows the chart."""
        self._note = note
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Paint the chart."""
        raise NotImplementedError

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The chart, or why there is none."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.active_palette().surface))
        if self._note:
            write(
                painter, QRectF(self.rect()), self._note, CENTRE | Qt.TextFlag.TextWordWrap, muted=True, size=theme.BODY
            )
        else:
            self.draw(painter)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Other colours."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self.update()
        super().changeEvent(event)


def write(
    painter: QPainter,
    box: QRectF,
    text: str,
    align: int = LEFT,
    *,
    muted: bool = False,
    bold: bool = False,
    size: int = theme.CAPTION,
) -> None:
    """Text in a box, with tabular figures."""
    palette = theme.active_palette()
    painter.setFont(theme.font(size, bold=bold, tabular=True))
    painter.setPen(QColor(palette.muted if muted else palette.text))
    painter.drawText(box, align, text)


def half_width(low: float, high: float) -> str:
    """An interval as its half: "± 2.9"."""
    return f"± {(high - low) / 2:.1f}"


def mixed(ground: QColor, ink: QColor, share: float) -> QColor:
    """`share` of the ink on the ground."""

    def mix(one: float, other: float) -> float:
        return one + (other - one) * share

    return QColor.fromRgbF(
        mix(ground.redF(), ink.redF()), mix(ground.greenF(), ink.greenF()), mix(ground.blueF(), ink.blueF())
    )
