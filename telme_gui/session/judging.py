"""What the predictions that are shown depend on, as one value, and how they follow from it. Nothing here knows Qt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telme_model.analysis.predictions import Predictions
from telme_model.annotations.labels import GOLD, Label
from telme_model.corpus.dialogue import TurnId


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """All that the shown predictions depend on."""

    base: Predictions | None = None  # the run's own, of N turns
    theta: float | None = None  # what is tried in place of the run's
    fused: Predictions | None = None  # the newest answer to a theta that was tried: `base`, fused anew with it
    truth: str = GOLD  # whose labels judge them: the corpus' own, or a layer's
    labels: Mapping[TurnId, Label] = field(default_factory=dict)  # of that layer
    hidden: NDArray[np.bool_] | None = None  # [N], in blind mode: of which turns nothing may be shown

    @property
    def fusion(self) -> Predictions | None:
        """Those that are judged: the run's own, or what the theta that is tried makes of them.

        An answer that comes once the run's theta holds again is too late; until there is one, they stay the run's own.
        """
        return self.base if self.theta is None or self.fused is None else self.fused


def judged(basis: Basis) -> Predictions | None:
    """The predictions as they may be shown: against the chosen labels, and without what is hidden."""
    predictions = basis.fusion
    if predictions is None:
        return None
    if basis.truth != GOLD:
        predictions = predictions.judged(_indices(predictions, basis.labels), basis.truth)
    return predictions if basis.hidden is None else predictions.masked(basis.hidden)


def _indices(predictions: Predictions, labels: Mapping[TurnId, Label]) -> NDArray[np.int64]:
    """What a layer says of the predicted turns [N], -1 where it says nothing or an emotion that the run lacks."""
    index = {name: place for place, name in enumerate(predictions.labels)}
    indices = np.full(len(predictions.ids), -1, np.int64)
    for turn, label in labels.items():
        if label.emotion in index and turn in predictions.rows:
            indices[predictions.rows[turn]] = index[label.emotion]
    return indices
