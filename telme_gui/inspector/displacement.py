"""How far the fusion moved the teacher's embedding, and what moved the prediction."""

from collections.abc import Sequence
from math import asin, degrees

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from telme_gui.inspector.section import HEADING, LABEL, RIGHT, ROW, Section, face, signed, write, write_symbol
from telme_gui.look import chips, theme
from telme_model.analysis.models import FUSED, Models
from telme_model.analysis.predictions import Predictions
from telme_model.corpus.dialogue import Modality

GAUGE = 8  # px
FIGURE = 40  # px of "+.12"
LEAST = 0.05  # a change of probability that fills half a bar at least, so that nothing looks larger than it is
EMBEDDINGS = {Modality.TEXT: 3, Modality.AUDIO: 4, Modality.VISUAL: 5}  # the equation of each
COALITIONS = {1: "two", 2: "four", 3: "eight"}  # by how many modalities take part
NUMBERS = (
    ("‖{lead}‖", "‖{lead}‖: the length of the teacher’s embedding (equation {embedding})."),
    ("‖H‖", "‖H‖: the length of the students’ displacement H = g ⊙ (W₂ F_att + b₂) (equation 17)."),
    ("λ", "λ: how much of H is let through, min(θ‖{lead}‖ / ‖H‖, 1) (equation 19)."),
    ("‖λH‖", "‖λH‖: how far the embedding was moved, Z = {lead} + λH (equation 18)."),
)
GATES_TIP = "Open gates: the share of g = ReLU(W₁[{lead}, F_att] + b₁) above zero (equation 16)."
ANGLE_TIP = "The shift turns {lead} by at most asin(‖λH‖/‖{lead}‖) = {now}; its limit allows asin θ = {limit}."
FLIP_TIP = "The same head with and without H: its most probable emotion at {lead}, and at Z (equation 18)."
CHANGE_TIP = "Δp: the change of the probability by the shift, p(Z) − p({lead}) of the same head (equation 18)."
SHARE_TIP = "{name}’s part of Δp: its exact Shapley value among the students; {whole} to Δp."
ZERO_TIP = "{label}: {before:.2%} at H = 0, {change:+.2%} by the shift; half a bar is {most:.0%}."
SHAPLEY_TIP = (
    "Exact Shapley values on the probability of {label}, of {coalitions} coalitions with an absent modality taken from "
    "background turns; they sum to v(all) − v(none)."
)


def angle(ratio: float) -> str:
    """How far a shift of `ratio` ||F_T|| can turn F_T at most, in degrees."""
    return f"{degrees(asin(ratio)):.1f}°" if ratio < 1 else "any angle"


def still(models: Models) -> str:
    """Why a turn has no displacement, in a sentence."""
    if models.shifts:
        return "What moved this turn is not known."
    if models.students:
        return "This run joins its modalities without a shift."
    return "This run has no students to move it."


class HowFar(Section):
    """The displacement card: norms, lambda, shift against its limit, open gates, angle; or why there is none."""

    def __init__(self, models: Models) -> None:
        super().__init__("How far it was moved", HEADING + (96 if models.shifts else ROW - 4))

    def summary(self, predictions: Predictions, row: int) -> str:
        """The numbers in words."""
        if np.isnan(predictions.shift[row]):
            return still(predictions.models)
        lead = predictions.models.lead
        return (
            f"norm of {lead} {predictions.text_norm[row]:.3g}, norm of H {predictions.h_norm[row]:.3g}, "
            f"lambda {predictions.scale[row]:.3g}, shift {predictions.shift[row]:.3g}, "
            f"{_share(predictions, row):.0%} of its limit, {predictions.open_gates[row]:.0%} of the gates open"
        )

    def draw(self, painter: QPainter, predictions: Predictions, row: int) -> None:
        """Four numbers, the gauge, gates and angle."""
        palette = theme.active_palette()
        if np.isnan(predictions.shift[row]):
            self.heading(painter, "How far it was moved")
            note = QRectF(0, HEADING - 4, self.width(), ROW)
            write(painter, note, still(predictions.models), colour=palette.muted, size=12)
            return
        lead, embedding = predictions.models.lead, EMBEDDINGS[predictions.models.teacher]
        self.heading(painter, "How far it was moved", f"{_share(predictions, row):.0%} of its limit")
        self.tip(
            QRectF(self.width() / 2, 0, self.width() / 2, ROW), f"The shift's share of its limit: ‖λH‖ / (θ‖{lead}‖)."
        )
        columns = (predictions.text_norm, predictions.h_norm, predictions.scale, predictions.shift)
        width = self.width() / len(columns)
        for place, (values, (symbol, tip)) in enumerate(zip(columns, NUMBERS, strict=True)):
            left, figure = place * width, _figure(float(values[row]))
            write(painter, QRectF(left, HEADING - 2, width, ROW), figure, bold=True, size=theme.TITLE)
            write_symbol(painter, left, HEADING + 31, symbol.format(lead=lead), palette.muted)
            self.tip(QRectF(left, HEADING - 2, width, 38), tip.format(lead=lead, embedding=embedding))
        self._gauge(painter, predictions, row, HEADING + 46)
        ratio = float(predictions.shift[row] / predictions.text_norm[row])
        self._pair(painter, 0, f"{predictions.open_gates[row]:.0%}", "gates open", GATES_TIP.format(lead=lead))
        tip = ANGLE_TIP.format(lead=lead, now=angle(ratio), limit=angle(predictions.theta))
        turned = f"turned, of {angle(predictions.theta)}" if predictions.theta < 1 else "turned"
        self._pair(painter, 1, *((f"≤ {angle(ratio)}", turned) if ratio < 1 else ("any angle", "is possible")), tip)

    def _gauge(self, painter: QPainter, predictions: Predictions, row: int, top: float) -> None:
        palette = theme.active_palette()
        share, lead = _share(predictions, row), predictions.models.lead
        track = QRectF(0, top, self.width(), GAUGE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.raised))
        painter.drawRoundedRect(track, 4, 4)
        painter.setBrush(QColor(palette.accent))
        painter.drawRoundedRect(QRectF(0, top, max(self.width() * min(share, 1), 3), GAUGE), 4, 4)
        if self.own is not None:
            base, place = self.own  # on this gauge's scale, whose end is the theta that is tried
            own = float(base.shift[place] / base.text_norm[place]) / predictions.theta if predictions.theta else 0.0
            if np.isfinite(own):
                painter.fillRect(QRectF(self.width() * min(own, 1) - 1, top - 3, 2, GAUGE + 6), QColor(palette.text))
        ratio = float(predictions.shift[row] / predictions.text_norm[row])
        line = top + GAUGE + 15
        end = write_symbol(painter, 0, line, f"‖λH‖ / ‖{lead}‖", palette.muted)
        write(painter, QRectF(end + 4, line - 14, 60, ROW - 1), f"= {ratio:.3f}", colour=palette.text)
        limit = QRectF(end, line - 14, self.width() - end, ROW - 1)
        write(painter, limit, f"limit θ = {predictions.theta:.3g}", align=RIGHT, colour=palette.muted)
        self.tip(
            QRectF(0, top - 4, self.width(), GAUGE + 26),
            f"The shift relative to the embedding: equation 19 keeps ‖λH‖/‖{lead}‖ ≤ θ, the right end of the bar.",
        )

    def _pair(self, painter: QPainter, place: int, figure: str, caption: str, tip: str) -> None:
        palette, top, left = theme.active_palette(), HEADING + 76, place * self.width() / 2
        painter.setFont(face(theme.BODY, bold=True))
        width = painter.fontMetrics().horizontalAdvance(figure) + 6
        write(painter, QRectF(left, top, width, ROW), figure, bold=True, size=theme.BODY)
        write(painter, QRectF(left + width, top, self.width() / 2 - width, ROW), caption, colour=palette.muted)
        self.tip(QRectF(left, top, self.width() / 2, ROW), tip)


class WhatMoved(Section):
    """What the shift did to each emotion, the students' shares in it, and the modalities' Shapley values."""

    def __init__(self, classes: int, models: Models) -> None:
        height = (24 + ROW * (classes + 1) if models.shifts else -6) + 30 + ROW * len(models.modalities) + 4
        super().__init__("What moved it" if models.shifts else "What it rests on", HEADING + height)

    def summary(self, predictions: Predictions, row: int) -> str:
        """The changes in words."""
        change = predictions.probabilities[FUSED][row] - predictions.unshifted[row]
        if np.isnan(change).any():
            return still(predictions.models)
        changes = ", ".join(f"{label} {value:+.1%}" for label, value in zip(predictions.labels, change, strict=True))
        return f"Change by the shift: {changes}"

    def draw(self, painter: QPainter, predictions: Predictions, row: int) -> None:
        """The flip, a row an emotion, a row a modality; the last alone where nothing shifts."""
        if not predictions.models.shifts:
            self.heading(painter, "What it rests on")
            self._shapley(painter, predictions, row, HEADING - 8)
            return
        self.heading(painter, "What moved it", "with H against H = 0")
        top: float = HEADING - 4
        change = predictions.probabilities[FUSED][row] - predictions.unshifted[row]
        if np.isnan(change).any():
            note, colour = still(predictions.models), theme.active_palette().muted
            write(painter, QRectF(0, top, self.width(), ROW), note, colour=colour, size=12)
        else:
            self._flip(painter, predictions, row, top)
            self._changes(painter, predictions, row, change, top + 26)
        top = HEADING + 24 + ROW * (len(predictions.labels) + 1) + 2
        painter.fillRect(QRectF(0, top + 2, self.width(), 1), QColor(theme.active_palette().line))
        self._shapley(painter, predictions, row, top)

    def _flip(self, painter: QPainter, predictions: Predictions, row: int, top: float) -> None:
        palette = theme.active_palette()
        before = int(predictions.unshifted[row].argmax())
        after = int(predictions.predicted[FUSED][row])
        words = "the shift flipped it" if before != after else "no flip: with H = 0 also"
        painter.setFont(face(12))
        left = painter.fontMetrics().horizontalAdvance(words) + 8
        colour = palette.text if before != after else palette.muted
        write(painter, QRectF(0, top, left, ROW), words, size=12, bold=False, colour=colour)
        for place in (before, after) if before != after else (after,):
            if place == after != before:
                write(painter, QRectF(left, top, ROW, ROW), "→", colour=palette.muted)
                left += 16
            label = predictions.labels[place]
            painter.setFont(chips.chip_font())
            size = chips.chip_size(label, painter.fontMetrics())
            chips.paint_chip(painter, QRect(left, int(top), size.width(), ROW), label)
            left += size.width() + 6
        self.tip(QRectF(0, top, self.width(), ROW), FLIP_TIP.format(lead=predictions.models.lead))

    def _changes(self, painter: QPainter, predictions: Predictions, row: int, change: np.ndarray, top: float) -> None:
        palette, students = theme.active_palette(), predictions.models.students
        tips = {
            "Δp": CHANGE_TIP.format(lead=predictions.models.lead),
            **{str(m): _share_tip(m, students) for m in students},
        }
        columns = [self.width() - FIGURE * (len(tips) - k) for k in range(len(tips))]
        for left, (name, tip) in zip(columns, tips.items(), strict=True):
            write(painter, QRectF(left, top, FIGURE, ROW), name, align=RIGHT, colour=palette.muted)
            self.tip(QRectF(left, top, FIGURE, ROW * (len(change) + 1)), tip)
        shares = [predictions.shift_shares[student][row] for student in students]
        most = max(LEAST, float(np.abs(change).max()))
        bar = QRectF(LABEL + 4, 0, columns[0] - LABEL - 4, 8)
        for place, label in enumerate(predictions.labels):
            line = top + ROW * (place + 1)
            self.emotion(painter, line, label)
            value = float(change[place])
            self.about_zero(painter, bar.translated(0, line + 6), value, most, theme.emotion_colour(label))
            before = float(predictions.unshifted[row, place])
            tip = ZERO_TIP.format(label=label, before=before, change=value, most=most)
            self.tip(QRectF(0, line, columns[0], ROW), tip)
            for left, part in zip(columns, (value, *(float(of[place]) for of in shares)), strict=True):
                colour = palette.text if left == columns[0] else palette.muted
                write(painter, QRectF(left, line, FIGURE, ROW), signed(part), align=RIGHT, colour=colour)

    def _shapley(self, painter: QPainter, predictions: Predictions, row: int, top: float) -> None:
        palette, modalities = theme.active_palette(), predictions.models.modalities
        best = int(predictions.predicted[FUSED][row])
        if best < 0:
            return
        values = {part: float(predictions.shapley[part][row, best]) for part in modalities}
        known = [value for value in values.values() if np.isfinite(value)]
        fused = float(predictions.probabilities[FUSED][row, best])
        title = QRectF(0, top + 8, self.width(), ROW)
        label = predictions.labels[best]
        write(painter, title, f"Each modality’s part in {label}", size=12)
        if known:
            write(painter, title, f"{fused - sum(known):.0%} → {fused:.0%}", align=RIGHT, colour=palette.muted)
        most = max([LEAST, *map(abs, known)])
        for place, (part, value) in enumerate(values.items()):
            line = top + 30 + ROW * place
            write(painter, QRectF(21, line, LABEL, ROW), part, size=12)
            bar = QRectF(LABEL + 4, line + 6, self.width() - LABEL - 4 - FIGURE, 8)
            self.about_zero(painter, bar, value, most, QColor(palette.accent))
            write(painter, QRectF(self.width() - FIGURE, line, FIGURE, ROW), signed(value), align=RIGHT)
        tip = SHAPLEY_TIP.format(label=label, coalitions=COALITIONS[len(modalities)])
        self.tip(QRectF(0, top + 8, self.width(), 22 + ROW * len(modalities)), tip)


def _share_tip(student: Modality, students: Sequence[Modality]) -> str:
    """What a student's column of the changes tells."""
    whole = f"{' and '.join(students)} sum" if len(students) > 1 else "the only student’s part comes"
    return SHARE_TIP.format(name=student.capitalize(), whole=whole)


def _share(predictions: Predictions, row: int) -> float:
    """The shift's share of its limit; 0 where the limit is 0."""
    limit = float(predictions.limit[row])
    return float(predictions.shift[row]) / limit if limit else 0.0


def _figure(value: float) -> str:
    """Three significant figures in a fixed notation."""
    if value < 0.001 or value >= 1000:
        return f"{value:.3g}"
    return f"{value:.{max(0, 2 - int(np.floor(np.log10(value))))}f}"
