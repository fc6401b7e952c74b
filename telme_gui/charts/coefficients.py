"""How far annotators agree: coefficients with intervals, all together, pair by pair and by emotion, and who differs."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from telme_gui.charts.confusion import Matrix
from telme_gui.look.figure import Figure, write
from telme_gui.look.table import Table
from telme_gui.look.words import Words
from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_model.annotations.agreement import Agreement, Coefficient, Pair

TILE, TABLES = 52, 288  # px of height, of width at least
BIG = 20  # px of type
MEANING = (
    "1 is full agreement, 0 what chance would give; ± is half the 95% interval, from resampling whole dialogues.\n"
    "Krippendorff's alpha takes every turn with two labels or more, Fleiss' kappa only those that everyone labelled."
)


class CoefficientsView(QWidget):
    """Figures at the top; below, tables at the left and two annotators' matrix at the right."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._agreement: Agreement | None = None
        self.together = _Together(self)
        self.pairs, self.classes = Table("Agreement by pair", self), Table("Agreement by emotion", self)
        self.matrix = Matrix(self)
        self.matrix.chosen.connect(self._filter)
        self.chooser = QComboBox(self)
        self.chooser.setAccessibleName("Pair of annotators")
        self.chooser.setToolTip("Whose labels the matrix counts, and the emotions' kappa is of")
        self.chooser.currentIndexChanged.connect(self._show_pair)
        self.pairs.cellClicked.connect(lambda row, _column: self.chooser.setCurrentIndex(row))
        self.pairs.setToolTip("Click a pair to see its matrix")
        self._lay_out()

    def _lay_out(self) -> None:
        hint = Words("Click a cell to see its turns")
        hint.setObjectName("caption")
        hint.setAlignment(Qt.AlignmentFlag.AlignRight)
        choice = QVBoxLayout()
        choice.setSpacing(4)
        choice.addWidget(self.chooser)
        choice.addWidget(hint)
        head = QHBoxLayout()
        head.addWidget(self.together, 1)
        head.addLayout(choice)
        left = QVBoxLayout()
        left.setSpacing(8)
        for table in (self.pairs, self.classes):
            table.setMinimumWidth(TABLES)
            left.addWidget(table)
        left.addStretch(1)
        body = QHBoxLayout()
        body.setSpacing(16)
        body.addLayout(left, 2)
        body.addWidget(self.matrix, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(body, 1)

    def show_agreement(self, found: Agreement) -> None:
        """Show these coefficients; the pair that was chosen stays."""
        self._agreement = found
        chosen = self.chooser.currentText()
        self.together.show_agreement(found)
        rows = [
            [_name(pair), coefficient_words(pair.kappa), coefficient_words(pair.raw, 100), f"{pair.turns:,}"]
            for pair in found.pairs
        ]
        self.pairs.fill(("", "Cohen's κ", "same, %", "turns"), rows)
        self.chooser.blockSignals(True)
        self.chooser.clear()
        self.chooser.addItems([_name(pair) for pair in found.pairs])
        fullest = max(range(len(found.pairs)), key=lambda place: found.pairs[place].turns)
        kept = self.chooser.findText(chosen)
        self.chooser.setCurrentIndex(kept if kept >= 0 and found.pairs[kept].turns else fullest)
        self.chooser.blockSignals(False)
        self._show_pair()

    @property
    def pair(self) -> Pair | None:
        """The two whose matrix is shown."""
        place = self.chooser.currentIndex()
        return self._agreement.pairs[place] if self._agreement and place >= 0 else None

    def _show_pair(self) -> None:
        found, pair = self._agreement, self.pair
        if found is None or pair is None:
            return
        rows = [
            [label, coefficient_words(found.alpha_by_class[label]), coefficient_words(pair.kappa_by_class[label])]
            for label in found.classes
        ]
        self.classes.fill(("", "α of all", f"κ of {_name(pair)}"), rows)
        nothing = f"{pair.first} and {pair.second} have no turn in common"
        counts = np.array(pair.counts(found.classes), np.int64)
        self.matrix.show_counts(found.classes, counts, rows=pair.first, columns=pair.second, nothing=nothing)

    def _filter(self, first: int, second: int) -> None:
        pair = self.pair
        if pair is not None and self._agreement is not None:
            said = (self._agreement.classes[first], self._agreement.classes[second])
            name = f"{pair.first} {said[0]}, {pair.second} {said[1]}"
            self._session.set_filter(Filter(turns=frozenset(pair.cells.get(said, ())), turns_name=name))


class _Together(Figure):
    """All annotators' coefficients, large."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Agreement of all", parent)
        self._tiles: Sequence[tuple[str, Coefficient, int]] = ()
        self.setToolTip(MEANING)
        self.setFixedHeight(TILE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Three figures beside one another."""
        return QSize(3 * 88, TILE)

    def show_agreement(self, found: Agreement) -> None:
        """Draw these."""
        self._tiles = (
            ("Krippendorff's α", found.alpha, found.shared),
            ("Fleiss' κ", found.fleiss, found.complete),
            ("Same emotion", found.raw, found.shared),
        )
        words = (f"{name} {coefficient_words(value)} on {turns} turns" for name, value, turns in self._tiles)
        self.setAccessibleDescription("; ".join(words))
        self.say("")

    def draw(self, painter: QPainter) -> None:
        """Value with its interval, and below what it is of how many turns."""
        width = min(176.0, self.width() / max(1, len(self._tiles)))
        for place, (name, value, turns) in enumerate(self._tiles):
            box = QRectF(place * width, 0, width - 8, 26)
            figure, _, interval = coefficient_words(value).partition(" ")
            write(painter, box, figure, bold=True, size=BIG)
            ahead = painter.fontMetrics().horizontalAdvance(figure) + 6
            write(painter, box.adjusted(ahead, 4, 0, 4), interval, muted=True)
            write(painter, QRectF(box.left(), 26, box.width(), 13), name, muted=True)
            write(painter, QRectF(box.left(), 39, box.width(), 13), f"{turns:,} turns", muted=True)


def coefficient_words(value: Coefficient, scale: float = 1.0) -> str:
    """A coefficient with half its interval, "0.61 ± 0.05"; a dash where it is not defined."""
    if value.value is None:
        return "–"
    digits = 2 if scale == 1 else 0
    text = f"{scale * value.value:.{digits}f}"
    if value.low is None or value.high is None:
        return text
    return f"{text} ± {scale * (value.high - value.low) / 2:.{digits}f}"


def _name(pair: Pair) -> str:
    return f"{pair.first} · {pair.second}"
