"""The player's icons, drawn on a field of 16 by 16 so that they are sharp at any size and in any colour."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

SIDE = 16  # px, of an icon as it is drawn
_SCALES = (1, 2, 3)  # of the screen


def icon(name: str, colour: str) -> QIcon:
    """One of: play, play on, pause, loop, frame back, frame on, previous, next, sound, muted, full screen."""
    made = QIcon()
    for scale in _SCALES:
        pixmap = QPixmap(SIDE * scale, SIDE * scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        pixmap.setDevicePixelRatio(scale)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw(painter, name, QColor(colour))
        painter.end()
        made.addPixmap(pixmap)
    return made


def draw(painter: QPainter, name: str, colour: QColor) -> None:
    """Draw an icon on the first 16 by 16 units of the painter."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    _DRAWINGS[name](painter)


def _shape(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))


def _line(painter: QPainter, path: QPainterPath) -> None:
    pen = QPen(painter.brush().color(), 1.4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, pen)


def _lines(painter: QPainter, *lines: tuple[tuple[float, float], ...]) -> None:
    path = QPainterPath()
    for (x, y), *rest in lines:
        path.moveTo(x, y)
        for x, y in rest:
            path.lineTo(x, y)
    _line(painter, path)


def _play(painter: QPainter) -> None:
    _shape(painter, (4, 2.5), (13.5, 8), (4, 13.5))


def _play_on(painter: QPainter) -> None:
    _shape(painter, (1.5, 3.5), (8, 8), (1.5, 12.5))
    _shape(painter, (8, 3.5), (14.5, 8), (8, 12.5))


def _pause(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(3.5, 2.5, 3.2, 11), 0.8, 0.8)
    painter.drawRoundedRect(QRectF(9.3, 2.5, 3.2, 11), 0.8, 0.8)


def _loop(painter: QPainter) -> None:
    path = QPainterPath()
    path.arcMoveTo(QRectF(3, 3, 10, 10), 60)
    path.arcTo(QRectF(3, 3, 10, 10), 60, 290)
    _line(painter, path)
    _shape(painter, (8.6, 0.8), (13, 3.6), (8.6, 6.4))


def _frame_on(painter: QPainter) -> None:
    _lines(painter, ((4, 4), (4, 12)))
    _shape(painter, (7, 3.8), (13, 8), (7, 12.2))


def _next(painter: QPainter) -> None:
    _shape(painter, (3, 3.5), (10.5, 8), (3, 12.5))
    _lines(painter, ((12.2, 4), (12.2, 12)))


def _mirrored(draw: Callable[[QPainter], None]) -> Callable[[QPainter], None]:
    def drawn(painter: QPainter) -> None:
        painter.translate(SIDE, 0)
        painter.scale(-1, 1)
        draw(painter)

    return drawn


def _horn(painter: QPainter) -> None:
    _shape(painter, (1.5, 6), (4, 6), (7.5, 3), (7.5, 13), (4, 10), (1.5, 10))


def _sound(painter: QPainter) -> None:
    _horn(painter)
    path = QPainterPath()
    for radius in (2.5, 5.0):
        box = QRectF(8 - radius, 8 - radius, 2 * radius, 2 * radius).translated(1.2, 0)
        path.arcMoveTo(box, -48)
        path.arcTo(box, -48, 96)
    _line(painter, path)


def _muted(painter: QPainter) -> None:
    _horn(painter)
    _lines(painter, ((10, 6), (14, 10)), ((14, 6), (10, 10)))


def _full_screen(painter: QPainter) -> None:
    corners = (((2.5, 6), (2.5, 2.5), (6, 2.5)), ((10, 2.5), (13.5, 2.5), (13.5, 6)))
    lower = (((13.5, 10), (13.5, 13.5), (10, 13.5)), ((6, 13.5), (2.5, 13.5), (2.5, 10)))
    _lines(painter, *corners, *lower)


_DRAWINGS: dict[str, Callable[[QPainter], None]] = {
    "play": _play,
    "play on": _play_on,
    "pause": _pause,
    "loop": _loop,
    "frame back": _mirrored(_frame_on),
    "frame on": _frame_on,
    "previous": _mirrored(_next),
    "next": _next,
    "sound": _sound,
    "muted": _muted,
    "full screen": _full_screen,
}
