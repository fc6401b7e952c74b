"""Draws the lanes of a scene; knows nothing of the session or of the mouse."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from telme_gui.look import chips, theme
from telme_gui.look.wrapping import one_line
from telme_gui.timeline.lanes import LABELS, AnyLane, Band, Lane, TimeSpan, ticks
from telme_gui.timeline.sound import FilmSound
from telme_model.analysis.models import Model
from telme_model.analysis.predictions import Predictions
from telme_model.corpus.dialogue import Turn
from telme_model.runs.quantities import clock

PITCH, BAR = 3, 2  # px from bar to bar of the waveform, and of each
SPLIT = 2  # px between segments
GLYPH = 8  # px
NAME_PAD = 5  # px


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineScene:
    """All that is drawn: a dialogue of N turns in view."""

    turns: tuple[Turn, ...]
    edges: tuple[float, ...]  # seconds: where each turn begins, and where the film ends [N + 1]
    said: Mapping[AnyLane, tuple[str | None, ...]]  # gold and the annotator's labels [N]
    rows: tuple[int | None, ...]  # each turn's row in the predictions [N]
    predictions: Predictions | None
    film: FilmSound | None  # None while nothing of it is decoded
    sound_note: str  # shown in place of a film that is not there
    view: TimeSpan
    lanes: Mapping[AnyLane, Band]

    def span(self, place: int) -> tuple[float, float]:
        """Pixels at which a turn begins and ends."""
        return self.view.x(self.edges[place]), self.view.x(self.edges[place + 1])

    def emotion(self, lane: AnyLane, place: int) -> str | None:
        """What the lane says of the turn at `place`; None where it says nothing."""
        if not isinstance(lane, Model):
            return self.said[lane][place]
        row = self.rows[place]
        if self.predictions is None or row is None:
            return None
        best = self.predictions.predicted[lane.key][row]
        return self.predictions.labels[best] if best >= 0 else None

    @property
    def in_view(self) -> list[int]:
        """Places of the turns of which something is in view."""
        return [
            place
            for place in range(len(self.turns))
            if self.edges[place + 1] > self.view.start and self.edges[place] < self.view.end
        ]


def paint_scene(painter: QPainter, scene: TimelineScene) -> None:
    """All lanes, without names and without cursor."""
    painter.setFont(theme.font(theme.CAPTION))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for lane, band in scene.lanes.items():
        if lane is Lane.SPEAKER:
            _speakers(painter, scene, band)
        elif isinstance(lane, Model) or lane in LABELS:
            _emotions(painter, scene, lane, band)
        elif lane is Lane.SHIFT:
            _shift(painter, scene, band)
        elif lane is Lane.SOUND:
            _sound(painter, scene, band)
        elif lane is Lane.SPECTROGRAM:
            _spectrogram(painter, scene, band)
        else:
            _time(painter, scene, band)


def _segment(scene: TimelineScene, place: int, band: Band) -> QRectF:
    left, right = scene.span(place)
    left, right = max(left, scene.view.left - 8), min(right, scene.view.left + scene.view.width + 8)
    return QRectF(left + SPLIT / 2, band.top, max(right - left - SPLIT, 1.0), band.height)


def _speakers(painter: QPainter, scene: TimelineScene, band: Band) -> None:
    palette = theme.active_palette()
    metrics = painter.fontMetrics()
    for place in scene.in_view:
        box = _segment(scene, place, band)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.raised))
        painter.drawRoundedRect(box, 3, 3)
        # A turn that begins before the view keeps its name in view.
        left = max(box.left(), scene.view.left) + NAME_PAD
        room = box.right() - NAME_PAD - left
        name = one_line(scene.turns[place].speaker)
        if metrics.horizontalAdvance(name) > room:
            name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(room)) if room > 24 else name[:1]
        if room >= metrics.horizontalAdvance(name):
            painter.setPen(QColor(palette.muted))
            painter.drawText(QRectF(left, box.top(), room, box.height()), Qt.AlignmentFlag.AlignVCenter, name)


def _emotions(painter: QPainter, scene: TimelineScene, lane: AnyLane, band: Band) -> None:
    palette = theme.active_palette()
    if isinstance(lane, Model) and scene.predictions is None:
        _note(painter, scene, band, "No run is open: open or train one to see its predictions here")
        return
    for place in scene.in_view:
        box = _segment(scene, place, band)
        emotion = scene.emotion(lane, place)
        if emotion is None:  # hollow: nothing is said of this turn
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(palette.line))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
            continue
        colour = theme.emotion_colour(emotion)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(box, 3, 3)
        if box.width() >= GLYPH + 4 and band.height >= GLYPH + 2:
            left = max(box.left(), scene.view.left) + min(NAME_PAD, (box.width() - GLYPH) / 2)
            glyph = QRectF(left, box.center().y() - GLYPH / 2, GLYPH, GLYPH)
            chips.paint_glyph(painter, glyph, emotion, ink=_ink(emotion))


@lru_cache(maxsize=64)
def _ink(emotion: str) -> QColor:
    ground = theme.emotion_colour(emotion)
    inks = QColor(255, 255, 255, 235), QColor(12, 16, 24, 215)
    return max(inks, key=lambda ink: chips.contrast(ink, ground))


def _shift(painter: QPainter, scene: TimelineScene, band: Band) -> None:
    """||lambda H|| of every turn under its limit theta ||F_T||, both on one scale from 0 at the lane's bottom."""
    palette = theme.active_palette()
    known = [place for place in scene.in_view if scene.rows[place] is not None]
    if scene.predictions is None or not known:
        return
    rows = [row for row in scene.rows if row is not None]
    told = np.append(scene.predictions.limit[rows], scene.predictions.shift[rows])
    top = float(np.max(told[~np.isnan(told)], initial=0.0))  # all are NaN where a run has no students
    if top == 0:
        return
    accent = QColor(palette.accent)
    faint = QColor(accent)
    faint.setAlphaF(0.16)
    base = band.bottom - 1
    limits, steps = [], []
    for place in known:
        row = scene.rows[place]
        shift, limit = float(scene.predictions.shift[row]), float(scene.predictions.limit[row])
        if np.isnan(shift):
            continue
        box = _segment(scene, place, band)
        y, high = (base - value / top * (band.height - 3) for value in (shift, limit))
        painter.fillRect(QRectF(box.left(), y, box.width(), base - y), faint)
        limits.append(QLineF(box.left(), high, box.right(), high))
        steps.append(QLineF(box.left(), y, box.right(), y))
    painter.setPen(QPen(QColor(palette.muted), 1, Qt.PenStyle.DotLine))
    painter.drawLines(limits)
    painter.setPen(QPen(accent, 2))
    painter.drawLines(steps)


def _sound(painter: QPainter, scene: TimelineScene, band: Band) -> None:
    palette = theme.active_palette()
    middle = band.top + band.height / 2
    if scene.film is None:
        _note(painter, scene, band, scene.sound_note)
        return
    columns = max(1, int(scene.view.width) // PITCH)
    low, high = scene.film.envelope(scene.view, columns)
    half = band.height / 2 - 1
    lefts = scene.view.left + np.arange(columns) * PITCH + BAR / 2
    tops, bottoms = middle - np.maximum(high * half, 0.5), middle - np.minimum(low * half, -0.5)
    painter.setPen(QPen(QColor(palette.muted), BAR, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    painter.drawLines([QLineF(x, y, x, z) for x, y, z in zip(lefts.tolist(), tops.tolist(), bottoms.tolist())])


def _spectrogram(painter: QPainter, scene: TimelineScene, band: Band) -> None:
    if scene.film is None:
        _note(painter, scene, band, scene.sound_note)
        return
    columns = max(1, int(scene.view.width) // 2)
    levels = np.round(scene.film.spectrogram(scene.view, columns, int(band.height)) * 255).astype(np.uint8)
    pixels = np.ascontiguousarray(_shades()[levels])
    image = QImage(pixels.data, columns, len(levels), columns * 4, QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(QRectF(scene.view.left, band.top, scene.view.width, band.height), image)


def _shades() -> NDArray[np.uint8]:
    """From nothing over the accent to the text's colour: blue, green, red and alpha, premultiplied [256, 4]."""
    palette = theme.active_palette()
    level = np.linspace(0, 1, 256)
    accent, text = QColor(palette.accent), QColor(palette.text)
    alpha = np.interp(level, (0, 0.7), (0, 255))
    channels = [
        np.interp(level, (0.7, 1), (channel(accent), channel(text))) * alpha / 255
        for channel in (QColor.blue, QColor.green, QColor.red)
    ]
    return np.stack([*channels, alpha], 1).astype(np.uint8)


def _time(painter: QPainter, scene: TimelineScene, band: Band) -> None:
    palette = theme.active_palette()
    times = ticks(scene.view)
    step = times[1] - times[0] if len(times) > 1 else 1.0
    digits = 0 if step > 0.99 else 2 if round(step, 2) in (0.05, 0.25) else 1
    for seconds in times:
        x = round(scene.view.x(seconds)) + 0.5
        painter.setPen(QColor(palette.line))
        painter.drawLine(QPointF(x, band.top), QPointF(x, band.top + 4))
        painter.setPen(QColor(palette.muted))
        box = QRectF(x + 3, band.top, 60, band.height)
        if box.left() + painter.fontMetrics().horizontalAdvance("00:00") < scene.view.left + scene.view.width:
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, clock(seconds, digits))


def _note(painter: QPainter, scene: TimelineScene, band: Band, text: str) -> None:
    painter.setPen(QColor(theme.active_palette().muted))
    box = QRectF(scene.view.left + NAME_PAD, band.top, scene.view.width, band.height)
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)


def paint_cursor(painter: QPainter, x: float, height: float) -> None:
    """Where the player stands: a hairline with a head."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = QColor(theme.active_palette().text)
    painter.setPen(QPen(colour, 1.5))
    painter.drawLine(QPointF(x, 0), QPointF(x, height))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(x - 4.5, 0), QPointF(x + 4.5, 0), QPointF(x, 6)]))
