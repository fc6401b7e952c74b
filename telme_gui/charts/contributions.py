"""How much each modality contributed to the fused predictions, by emotion and by speaker."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from telme_gui.charts.subset import Subset
from telme_gui.look import chips, theme
from telme_gui.look.figure import CENTRE, LEFT, RIGHT, Figure, mixed, write
from telme_gui.look.words import Words
from telme_model.analysis.models import STANDARD
from telme_model.corpus.dialogue import Modality, Turn, TurnId

NAMES, COUNTS = 112, 48  # px
ROW, HEAD, BAR = 36, 56, 16  # px
SPEAKERS = 10  # at most, those with most turns
EVERYTHING = "all"
NO_SHARES = "No Shapley values: this run's records hold none for these turns"
CAPTION = (
    "A modality's share of a turn: its |Shapley value| for the probability of the emotion that the fused model chose, "
    "over the sum of {all}. Bars are means over the turns counted at their right."
)


@dataclass(frozen=True, slots=True)
class Group:
    """Mean share of each of the run's modalities over some turns [modalities]."""

    name: str
    shares: NDArray[np.float64]
    turns: int


class ContributionsPage(QWidget):
    """Two charts of stacked bars."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._emotions = _Stacks("Contributions by emotion", "By the emotion of the label", self)
        self._speakers = _Stacks("Contributions by speaker", "By speaker", self)
        row = QHBoxLayout()
        row.setSpacing(32)
        row.addWidget(self._emotions)
        row.addWidget(self._speakers)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.addLayout(row)
        self._caption = Words(wordWrap=True)
        self._caption.setObjectName("caption")
        column.addWidget(self._caption)

    def show_part(self, part: Subset, turns: dict[TurnId, Turn]) -> None:
        """Show a part's mean shares; `turns` by identity."""
        modalities = part.predictions.models.modalities
        alone = len(modalities) == 1
        nothing = f"This run has {modalities[0]} alone: there are no shares to compare" if alone else NO_SHARES
        self._emotions.show_groups(modalities, [] if alone else by_emotion(part), nothing)
        self._speakers.show_groups(modalities, [] if alone else by_speaker(part, turns), nothing)
        self._speakers.setVisible(not alone)
        self._caption.setVisible(not alone)
        self._caption.setText(CAPTION.format(all="both" if len(modalities) == 2 else "all three"))


def by_emotion(part: Subset) -> list[Group]:
    """Mean shares of all turns, and by gold emotion."""
    gold = part.predictions.gold[part.rows]
    names = [part.predictions.labels[place] if place >= 0 else "" for place in gold]
    return _groups(part, names, part.predictions.labels)


def by_speaker(part: Subset, turns: dict[TurnId, Turn]) -> list[Group]:
    """Mean shares of all turns, and of those who speak most."""
    found = (turns.get(part.predictions.ids[row]) for row in part.rows)
    names = [turn.speaker if turn else "" for turn in found]
    return _groups(part, names, [name for name, _ in Counter(filter(None, names)).most_common(SPEAKERS)])


def _groups(part: Subset, names: Sequence[str], wanted: Sequence[str]) -> list[Group]:
    known = ~np.isnan(part.shares).any(1)
    name_of = np.array(names, dtype=object)
    masks = {EVERYTHING: known, **{name: known & (name_of == name) for name in wanted}}
    return [Group(name, part.shares[mask].mean(0), int(mask.sum())) for name, mask in masks.items() if mask.any()]


class _Stacks(Figure):
    """A row a group: its shares one after another, in per cent."""

    def __init__(self, name: str, title: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self._title = title
        self._groups: Sequence[Group] = ()
        self._modalities: Sequence[Modality] = STANDARD.modalities

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Rows that breathe."""
        return QSize(440, HEAD + (SPEAKERS + 1) * ROW)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Rows that touch."""
        return QSize(300, HEAD + (SPEAKERS + 1) * 20)

    def show_groups(self, modalities: Sequence[Modality], groups: Sequence[Group], nothing: str) -> None:
        """Draw the shares of these modalities; `nothing` is said without any."""
        self._modalities, self._groups = modalities, groups
        self.say("" if groups else nothing)

    def draw(self, painter: QPainter) -> None:
        """Title, legend and rows."""
        write(painter, QRectF(0, 0, self.width(), 20), self._title, bold=True, size=theme.BODY)
        self._legend(painter)
        row = min(float(ROW), (self.height() - HEAD) / max(1, len(self._groups)))
        for place, group in enumerate(self._groups):
            self._row(painter, QRectF(0, HEAD + place * row, self.width(), row), group)

    def _legend(self, painter: QPainter) -> None:
        left = float(NAMES)
        for name in self._modalities:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_colour(name))
            painter.drawRoundedRect(QRectF(left, 33, 10, 10), 2, 2)
            write(painter, QRectF(left + 15, 28, 60, 20), name, LEFT, muted=True)
            left += 15 + painter.fontMetrics().horizontalAdvance(name) + 16

    def _row(self, painter: QPainter, box: QRectF, group: Group) -> None:
        if group.name in theme.EMOTIONS:
            chips.paint_chip(painter, QRect(0, round(box.top()), NAMES - 8, round(box.height())), group.name)
        else:
            metrics = painter.fontMetrics()
            name = metrics.elidedText(group.name, Qt.TextElideMode.ElideRight, NAMES - 12)
            write(painter, QRectF(0, box.top(), NAMES - 8, box.height()), name, bold=group.name == EVERYTHING)
        full = box.width() - NAMES - COUNTS
        left = float(NAMES)
        for share, modality in zip(group.shares, self._modalities, strict=True):
            colour = _colour(modality)
            part = QRectF(left, box.center().y() - BAR / 2, max(0.0, share * full - 1), BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(part, 2, 2)
            if part.width() >= 26:
                palette = theme.active_palette()
                inks = QColor(palette.text), QColor(palette.surface)
                painter.setPen(max(inks, key=lambda ink: chips.contrast(ink, colour)))
                painter.setFont(theme.font(theme.CAPTION, tabular=True))
                painter.drawText(part, CENTRE, f"{share:.0%}" if part.width() >= 30 else f"{100 * share:.0f}")
            left += share * full
        write(painter, QRectF(box.right() - COUNTS, box.top(), COUNTS, box.height()), f"{group.turns:,}", RIGHT,
              muted=True)  # fmt: skip


def _colour(modality: Modality) -> QColor:
    """A modality's: no emotion's."""
    palette = theme.active_palette()
    accent, muted = QColor(palette.accent), QColor(palette.muted)
    half = mixed(QColor(palette.surface), accent, 0.5)
    return {Modality.TEXT: muted, Modality.AUDIO: accent, Modality.VISUAL: half}[modality]
