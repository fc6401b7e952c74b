"""What each said: a bar for every emotion under every model, with margin and entropy."""

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from telme_gui.inspector.section import HEADING, LABEL, RIGHT, ROW, Section, ranked, write
from telme_gui.look import theme
from telme_model.analysis.models import FUSED, Model, Models, Role
from telme_model.analysis.predictions import Predictions

FIGURES = 18  # px of "100" beside a bar
GAP = 4  # px between the models' columns
MARGIN_TIP = "Margin: the probability of the most probable emotion less that of the second, p₁ − p₂."
ENTROPY_TIP = "Entropy in bits: −Σ p log₂ p; 0 is certain, {most:.2f} undecided between all {count} emotions."


class Said(Section):
    """Probabilities of the run's models; in a what-if, a tick stands where the run has the fused one."""

    def __init__(self, classes: int) -> None:
        super().__init__("What each said", HEADING + ROW * (classes + 3) - 4)

    def summary(self, predictions: Predictions, row: int) -> str:
        """Each model's emotions in words."""
        parts = []
        for model in predictions.models:
            values = predictions.probabilities[model.key][row]
            said = "nothing" if np.isnan(values).any() else ranked(values, predictions.labels)
            parts.append(f"{_name(model)}: {said}")
        return "; ".join(parts)

    def draw(self, painter: QPainter, predictions: Predictions, row: int) -> None:
        """One row an emotion, one column a model."""
        palette = theme.active_palette()
        self.heading(painter, "What each said", "% probability")
        models = predictions.models
        columns = self._columns(models)
        for model, column in columns.items():
            head = QRectF(column.x(), HEADING - 6, column.width(), ROW)
            write(painter, head, _name(model), colour=palette.muted)
            self.tip(head, f"{_title(model)}: the probability of every emotion, {equation(model, models)}.")
        gold = int(predictions.gold[row])
        for place, label in enumerate(predictions.labels):
            top = HEADING + ROW * (place + 1) - 6
            if place == gold:
                self._mark_gold(painter, top)
            self.emotion(painter, top, label, bold=place == gold)
            for model, column in columns.items():
                self._bar(painter, QRectF(column.x(), top, column.width(), ROW), model, place)
        self._confidence(painter, predictions, row, columns)

    def _columns(self, models: Models) -> dict[Model, QRectF]:
        width = (self.width() - LABEL) / len(models)
        return {model: QRectF(LABEL + k * width + GAP, 0, width - GAP, 0) for k, model in enumerate(models)}

    def _mark_gold(self, painter: QPainter, top: float) -> None:
        assert self.predictions is not None
        palette = theme.active_palette()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.selected))
        painter.drawRoundedRect(QRectF(0, top, self.width(), ROW), 4, 4)
        painter.setBrush(QColor(palette.accent))
        painter.drawRoundedRect(QRectF(0, top + 3, 2.5, ROW - 6), 1, 1)
        whose = self.predictions.truth
        self.tip(QRectF(0, top, LABEL, ROW), f"The marked row is the label that predictions are judged by: {whose}.")

    def _bar(self, painter: QPainter, cell: QRectF, model: Model, place: int) -> None:
        assert self.predictions is not None
        palette, labels = theme.active_palette(), self.predictions.labels
        value = float(self.predictions.probabilities[model.key][self.row, place])
        if np.isnan(value):
            write(painter, cell, "–", align=Qt.AlignmentFlag.AlignCenter, colour=palette.muted)
            self.tip(cell, f"{_title(model)} says nothing of this turn: it is missing, or muted.")
            return
        track = QRectF(cell.x(), cell.y() + 5, cell.width() - FIGURES, ROW - 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.raised))
        painter.drawRoundedRect(track, 2, 2)
        painter.setBrush(theme.emotion_colour(labels[place]))
        painter.drawRoundedRect(QRectF(track.x(), track.y(), max(track.width() * value, 1.5), track.height()), 2, 2)
        best = self.predictions.predicted[model.key][self.row] == place
        figure = f"{100 * value:.0f}"
        write(painter, cell, figure, align=RIGHT, bold=best, colour=palette.text if best else palette.muted)
        tip = f"{_title(model)}, {labels[place]}: {value:.2%} = {equation(model, self.predictions.models)}."
        if self.own is not None:
            own = float(self.own[0].probabilities[model.key][self.own[1], place])
            if abs(own - value) >= 0.005:
                tick = QRectF(track.x() + track.width() * own - 0.75, track.y() - 2, 1.5, track.height() + 4)
                painter.fillRect(tick, QColor(palette.text))
                tip += f" The run has {own:.2%} (tick)."
        self.tip(cell, tip)

    def _confidence(self, painter: QPainter, predictions: Predictions, row: int, columns: dict[Model, QRectF]) -> None:
        palette = theme.active_palette()
        count = len(predictions.labels)
        entropy_tip = ENTROPY_TIP.format(most=np.log2(count), count=count)
        top = HEADING + ROW * (count + 1) - 4
        painter.fillRect(QRectF(0, top, self.width(), 1), QColor(palette.line))
        rows = (("margin", predictions.margin, MARGIN_TIP), ("entropy", predictions.entropy, entropy_tip))
        for place, (name, values, tip) in enumerate(rows):
            line = top + 2 + ROW * place
            write(painter, QRectF(21, line, LABEL, ROW), name, colour=palette.muted)
            for model, column in columns.items():
                value = float(values[model.key][row])
                cell = QRectF(column.x(), line, column.width(), ROW)
                write(painter, cell, "–" if np.isnan(value) else f"{value:.2f}", align=RIGHT, colour=palette.muted)
            self.tip(QRectF(0, line, self.width(), ROW), tip)


def _name(model: Model) -> str:
    return model.short.capitalize()


def _title(model: Model) -> str:
    return model.title.capitalize()


def equation(model: Model, models: Models) -> str:
    """Where its probabilities come from."""
    if model.key == FUSED:
        if not models.shifts:
            return f"softmax of the head over {' + '.join(models.modalities)}, joined without a shift"
        return f"softmax(W Z) with Z = {models.lead} + λH, equation 18"
    if model.role is Role.TEACHER:
        return f"softmax(W {models.lead}), section 3.2.2"
    return f"softmax(W F_{model.short[0]}), section 3.2.3"
