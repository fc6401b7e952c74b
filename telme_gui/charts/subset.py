"""The predictions of one split, and what is computed of them once for all pages."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from telme_model.analysis.metrics import Scores, score
from telme_model.analysis.models import FUSED
from telme_model.analysis.predictions import Predictions
from telme_model.corpus.dialogue import Split, TurnId
from telme_model.events import Event, Message

RowNumbers = NDArray[np.intp]


@dataclass(frozen=True)
class Subset:
    """The rows of a run's predictions that belong to one split, or all of them (`split` None)."""

    predictions: Predictions
    split: Split | None = None
    _scores: dict[str, Scores] = field(default_factory=dict, init=False)

    @cached_property
    def rows(self) -> RowNumbers:
        """Rows of the predictions [turns of the part]."""
        here = (self.split is None or turn.split is self.split for turn in self.predictions.ids)
        return np.flatnonzero(np.fromiter(here, bool, len(self.predictions.ids)))

    @property
    def name(self) -> str:
        """The split's name."""
        return self.split.value if self.split else "all predicted turns"

    def scored(self, model: str) -> RowNumbers:
        """Rows with gold of which the model says something."""
        said = (self.predictions.gold >= 0) & (self.predictions.predicted[model] >= 0)
        return self.rows[said[self.rows]]

    @property
    def scores(self) -> dict[str, Scores]:
        """Scores by model, of those that predicted something with gold; with intervals once `bootstrap` was walked."""
        if not self._scores:
            keys = self.predictions.models.keys
            self._scores.update((model, self._score(model)) for model in keys if len(self.scored(model)))
        return self._scores

    def bootstrap(self) -> Generator[Event, None, None]:
        """Give the scores their intervals, which takes a large split a second."""
        for model in list(self.scores):
            self._scores[model] = self._score(model, dialogues_of(self.predictions, self.scored(model)))
            yield Message(text=f"Interval of the {model} scores")

    def _score(self, model: str, dialogues: list[tuple[Split, str]] | None = None) -> Scores:
        rows = self.scored(model)
        gold, predicted = self.predictions.gold[rows], self.predictions.predicted[model][rows]
        return score(gold, predicted, self.predictions.labels, dialogues=dialogues)

    def confusion(self, model: str) -> NDArray[np.int64]:
        """Turns by gold and predicted emotion [C, C]."""
        size = len(self.predictions.labels)
        rows = self.scored(model)
        cells = self.predictions.gold[rows] * size + self.predictions.predicted[model][rows]
        return np.bincount(cells, minlength=size * size).reshape(size, size)

    def turns_in_cell(self, model: str, gold: int, predicted: int) -> frozenset[TurnId]:
        """The turns of one cell of the confusion matrix."""
        rows = self.scored(model)
        keep = (self.predictions.gold[rows] == gold) & (self.predictions.predicted[model][rows] == predicted)
        return self.turns(rows[keep])

    def turns(self, rows: Iterable[int]) -> frozenset[TurnId]:
        """The turns of some rows."""
        return frozenset(self.predictions.ids[row] for row in rows)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Each modality's share of the fused prediction [turns of the part, modalities], NaN where nothing is known.

        |phi| of the fused model's emotion over the sum of the modalities' |phi|; a modality that a turn lacks has 0.
        """
        predictions = self.predictions
        best = predictions.predicted[FUSED][self.rows]
        parts = [np.abs(predictions.shapley[m][self.rows, best]) for m in predictions.models.modalities]
        values = np.nan_to_num(np.stack(parts, axis=1)).astype(np.float64)
        values[best < 0] = 0
        sums = values.sum(1, keepdims=True)
        shares: NDArray[np.float64] = np.divide(values, sums, out=np.full_like(values, np.nan), where=sums > 0)
        return shares


def dialogues_of(predictions: Predictions, rows: Iterable[int]) -> list[tuple[Split, str]]:
    """Which dialogue each row's turn belongs to."""
    return [(predictions.ids[row].split, predictions.ids[row].dialogue) for row in rows]
