"""Precision, recall and F1 of every emotion under a run's models."""

from collections.abc import Mapping

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from telme_gui.charts.bars import EmotionBar, EmotionBars
from telme_gui.charts.subset import Subset
from telme_gui.look.table import Table
from telme_gui.look.words import Words
from telme_model.analysis import published
from telme_model.analysis.metrics import Scores
from telme_model.analysis.models import FUSED, STANDARD, Model
from telme_model.corpus.dialogue import Corpus

MEASURES = {"F1": "f1", "Precision": "precision", "Recall": "recall"}


class ClassesPage(QWidget):
    """Bars of one measure, and a table of all three."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars = EmotionBars("Scores by emotion", self)
        self._table = Table("Precision, recall and F1 by emotion", self)
        self._measure = QComboBox(self)
        self._measure.addItems(list(MEASURES))
        self._measure.setAccessibleName("Measure")
        self._measure.setToolTip("Which score of each emotion the bars show")
        self._measure.currentTextChanged.connect(self._draw)
        self._part: Subset | None = None
        self._paper: Mapping[str, float] = {}
        head = QHBoxLayout()
        head.addWidget(Words("Measure"))
        head.addWidget(self._measure)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._bars, 1)
        column.addWidget(self._table)

    def show_part(self, part: Subset, corpus: Corpus) -> None:
        """Show a part's scores by emotion."""
        self._part = part
        papers = corpus.labels.name == "meld" and part.predictions.models == STANDARD  # what it has by emotion
        self._paper = published.TELME.meld_f1 if papers else {}
        self._draw()
        measures = (f"{model.short}\n{short}" for model in part.predictions.models for short in ("P", "R", "F1"))
        self._table.fill(["", *measures, "turns"], [_row(part, label) for label in part.predictions.labels])

    def _draw(self) -> None:
        if self._part is None:
            return
        labels, scores = self._part.predictions.labels, self._part.scores
        if not scores:
            truth = self._part.predictions.truth
            self._bars.say(f"No turn of this part has both a label by {truth} and a prediction: nothing to score")
            return
        measure = MEASURES[self._measure.currentText()]
        f1 = measure == "f1"
        paper = [self._paper[label] / 100 if label in self._paper else None for label in labels] if f1 else None
        columns = [
            _column(model, scores[model.key], labels, measure, paper if model.key == FUSED else None)
            for model in self._part.predictions.models
            if model.key in scores
        ]
        caption = "Line: 95% interval over dialogues" if f1 else ""
        if f1 and self._paper:
            caption += "     Upright tick: the paper's fused F1 on MELD's own test split (table 2)"
        self._bars.show_columns(labels, columns, caption)


def _column(
    model: Model, scores: Scores, labels: tuple[str, ...], measure: str, paper: list[float | None] | None
) -> EmotionBar:
    values = [float(getattr(scores.per_class[label], measure)) for label in labels]
    intervals = None
    if scores.intervals is not None and measure == "f1":
        found = scores.intervals.f1
        intervals = [(found[label].low / 100, found[label].high / 100) for label in labels]
    return EmotionBar(
        title=model.short,
        shares=[value / 100 for value in values],
        texts=[f"{value:.1f}" for value in values],
        intervals=intervals,
        marks=paper,
    )


def _row(part: Subset, label: str) -> list[str]:
    cells = [label]
    support = 0
    for model in part.predictions.models.keys:
        if model not in part.scores:
            cells += ["–"] * 3
            continue
        of = part.scores[model].per_class[label]
        cells += [f"{of.precision:.1f}", f"{of.recall:.1f}", f"{of.f1:.1f}"]
        support = max(support, of.support)
    return [*cells, str(support)]
