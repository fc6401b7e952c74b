"""The player's icons: the drawings of resources/icons, sharp at any size and in any colour."""

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from telme_model.bundled import ICONS

SIDE = 16  # px, of an icon as it is drawn
_SCALES = (1, 2, 3)  # of the screen


def icon(name: str, colour: str) -> QIcon:
    """The drawing of this name, such as "play", in one colour."""
    made = QIcon()
    for scale in _SCALES:
        pixmap = QPixmap(SIDE * scale, SIDE * scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        pixmap.setDevicePixelRatio(scale)
        painter = QPainter(pixmap)
        draw(painter, name, colour, QRectF(0, 0, SIDE, SIDE))
        painter.end()
        made.addPixmap(pixmap)
    return made


def draw(painter: QPainter, name: str, colour: str, place: QRectF) -> None:
    """Draw an icon into a place of the painter."""
    _drawing(name, colour).render(painter, place)


@cache
def _drawing(name: str, colour: str) -> QSvgRenderer:
    text = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(text.replace("currentColor", colour).encode()))
