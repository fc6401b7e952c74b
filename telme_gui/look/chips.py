"""The face of an emotion wherever it appears: its glyph, its chip, and the strip of a whole dialogue."""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin
from typing import NamedTuple

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPolygonF

from telme_gui.look import theme
from telme_gui.look.theme import Glyph, Palette

PAD, GLYPH, GAP = 6, 9, 4  # px: beside the content, the glyph's side, between glyph and name
HEIGHT = 20  # px of a chip
SHORT = 3  # letters of a name where there is no room for all
CONTRAST = 4.5  # of text on its ground at least (WCAG AA)
STEP, CELL_GAP, CELL_HEIGHT = 14, 2, 5  # px: of a strip's cell with its gap, the gap, the height
TINT = 0.2  # share of the emotion's colour in its chip's ground


class _Inks(NamedTuple):
    ground: QColor
    name: QColor
    glyph: QColor


def chip_size(emotion: str, metrics: QFontMetrics, *, letter_only: bool = False) -> QSize:
    """Size of the chip that shows the whole name (three letters with `letter_only`)."""
    name = emotion[:SHORT] if letter_only else emotion
    return QSize(2 * PAD + GLYPH + GAP + metrics.horizontalAdvance(name), HEIGHT)


def paint_chip(painter: QPainter, rect: QRect, emotion: str, *, faded: bool = False, letter_only: bool = False) -> None:
    """Glyph and name on a ground of the emotion's hue, at the left of `rect`, centred in its height.

    As much of the name as fits is shown: all, three letters, one, none; `letter_only` begins with three letters.
    A `faded` chip has no ground and a muted name: it is there, and says nothing new.
    """
    metrics = _metrics()
    room = rect.width() - 2 * PAD - GLYPH - GAP
    lengths = (SHORT, 1) if letter_only else (len(emotion), SHORT, 1)
    name = next((emotion[:n] for n in lengths if metrics.horizontalAdvance(emotion[:n]) <= room), "")
    width = min(rect.width(), 2 * PAD + GLYPH + (GAP + metrics.horizontalAdvance(name) if name else 0))
    size = QSize(width, min(HEIGHT, rect.height()))
    if size.isEmpty():
        return
    scale = painter.device().devicePixelRatioF()
    chip = _chip(emotion, name, size.toTuple(), scale, faded, theme.active_palette())
    painter.drawImage(QPoint(rect.x(), rect.y() + (rect.height() - size.height()) // 2), chip)


def paint_glyph(painter: QPainter, rect: QRect | QRectF, emotion: str, *, ink: QColor | None = None) -> None:
    """The emotion's shape in its colour (in `ink` on a ground of that colour), as large as `rect` allows, centred."""
    side = min(rect.width(), rect.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink or _inks(emotion, theme.active_palette()).glyph)
    painter.translate(rect.x() + rect.width() / 2, rect.y() + rect.height() / 2)
    painter.scale(side / 2, side / 2)
    painter.drawPath(_shape(theme.emotion_look(emotion).glyph))
    painter.restore()


def paint_strip(
    painter: QPainter, rect: QRect, emotions: Sequence[str | None], *, lit: Sequence[bool] | None = None
) -> None:
    """The emotions of a dialogue's turns, one cell a turn, from the left of `rect`, centred in its height.

    Cells narrow until all fit. `lit` [turns] leaves the colour to these turns alone; a turn without an emotion is
    a hollow cell.
    """
    if not emotions:
        return
    palette = theme.active_palette()
    step = min(float(STEP), rect.width() / len(emotions))
    width = max(step - CELL_GAP, step * 0.7)
    height = min(CELL_HEIGHT, rect.height())
    top = rect.y() + (rect.height() - height) / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for place, emotion in enumerate(emotions):
        shown = emotion is not None and (lit is None or lit[place])
        painter.setBrush(_inks(emotion, palette).glyph if shown and emotion else QColor(palette.line))
        painter.drawRoundedRect(QRectF(rect.x() + place * step, top, width, height), 2, 2)
    painter.restore()


@lru_cache(maxsize=1)
def chip_font() -> QFont:
    """The type of every chip."""
    return theme.font(theme.CAPTION)


@lru_cache(maxsize=1)
def _metrics() -> QFontMetrics:
    return QFontMetrics(chip_font())


@lru_cache(maxsize=1024)
def _chip(emotion: str, name: str, size: tuple[int, int], scale: float, faded: bool, palette: Palette) -> QImage:
    """A painted chip, kept: tables show hundreds of the same few. An image: a pixmap must not outlive Qt."""
    image = QImage(QSize(*size) * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.transparent)
    inks = _inks(emotion, palette)
    width, height = size
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(chip_font())
    if not faded:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(inks.ground)
        painter.drawRoundedRect(QRectF(0, 0, width, height), 5, 5)
    left = min(PAD, max(0.0, (width - GLYPH) / 2))
    paint_glyph(painter, QRectF(left, (height - GLYPH) / 2, GLYPH, GLYPH), emotion)
    painter.setPen(QColor(palette.muted) if faded else inks.name)
    text = QRectF(left + GLYPH + GAP, 0, width - left - GLYPH - GAP, height)
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
    painter.end()
    return image


def contrast(one: QColor, other: QColor) -> float:
    """WCAG contrast ratio of two colours, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=256)
def _inks(emotion: str, palette: Palette) -> _Inks:
    """Colours of a chip: the name keeps the emotion's hue as far as `CONTRAST` lets it."""
    colour = theme.emotion_colour(emotion)
    ground = _mix(colour, QColor(palette.surface), TINT)
    shares = (share / 20 for share in range(20, -1, -1))
    mixed = (_mix(colour, QColor(palette.text), share) for share in shares)
    name = next((ink for ink in mixed if contrast(ink, ground) >= CONTRAST), QColor(palette.text))
    return _Inks(ground, name, colour)


def _mix(one: QColor, other: QColor, share: float) -> QColor:
    """`share` of one colour and the rest of the other."""
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3])  # type: ignore[index]  # stub says object
    return QColor(*(round(a * share + b * (1 - share)) for a, b in pairs))


def _luminance(colour: QColor) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


@lru_cache(maxsize=len(Glyph))
def _shape(glyph: Glyph) -> QPainterPath:
    """The glyph within -1 to 1, y downwards."""
    path = QPainterPath()
    match glyph:
        case Glyph.DISC:
            path.addEllipse(QPointF(0, 0), 0.85, 0.85)
        case Glyph.DASH:
            path.addRoundedRect(QRectF(-0.85, -0.22, 1.7, 0.44), 0.2, 0.2)
        case Glyph.SQUARE:
            path.addRoundedRect(QRectF(-0.78, -0.78, 1.56, 1.56), 0.2, 0.2)
        case Glyph.TRIANGLE_UP:
            path.addPolygon(_polygon((0, -0.9), (1, 0.85), (-1, 0.85)))
        case Glyph.TRIANGLE_DOWN:
            path.addPolygon(_polygon((0, 0.9), (1, -0.85), (-1, -0.85)))
        case Glyph.DIAMOND:
            path.addPolygon(_polygon((0, -1), (1, 0), (0, 1), (-1, 0)))
        case Glyph.STAR:
            path.addPolygon(_star(5, 0.42))
        case Glyph.FOUR_POINT_STAR:
            path.addPolygon(_star(4, 0.36))
    path.closeSubpath()
    return path


def _polygon(*points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])


def _star(points: int, inner: float) -> QPolygonF:
    radii = [1.0 if corner % 2 == 0 else inner for corner in range(2 * points)]
    angles = [pi * corner / points for corner in range(2 * points)]
    return _polygon(*((radius * sin(angle), -radius * cos(angle)) for radius, angle in zip(radii, angles)))
