"""Whether predictions say more of the gold than chance does: the question before anything learns from them.

Chance is the better of two guesses that know nothing of a turn: always the emotion that is most frequent in train, and
the model's own predictions dealt out to other turns. The second has a closed form: with both margins of the confusion
matrix fixed, a class' F1 is linear in its hits, whose mean over all permutations is gold x predicted / turns.

Predictions are *at chance* where the interval of (weighted F1 - chance) over resampled dialogues, both computed anew in
each resample, does not lie above 0: they may be better, and these turns do not show it. On 535 acted utterances whose
words carry nothing, a text teacher that no student should follow had 12.7 weighted F1: above the majority's 7.5, and
below the 16.7 of its own answers dealt out.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from telme_model.analysis.metrics import (
    ClassLabels,
    Counts,
    Doubles,
    dialogue_confusions,
    encode,
    resample,
    weighted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstChance:
    """Weighted F1 in per cent, of the predictions and of the two guesses, and the interval of what they are better."""

    weighted_f1: float
    majority: str  # the emotion of the first guess
    majority_f1: float
    shuffled_f1: float
    low: float  # of weighted F1 - the better guess, at `level`
    high: float
    level: float
    turns: int

    @property
    def at_chance(self) -> bool:
        """Whether these turns do not show that the predictions are better than a guess."""
        return self.low <= 0


def against_chance(
    gold: ClassLabels,
    predicted: ClassLabels,
    dialogues: Sequence[Hashable],
    classes: Sequence[str],
    majority: str,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> AgainstChance:
    """N turns' predictions against chance; `majority` is the most frequent emotion of train.

    Dialogues are resampled, turns where there is only one. Raises ValueError as `metrics.score` does.
    """
    matrices = dialogue_confusions(gold, predicted, dialogues, classes)
    if len(matrices) == 1:
        matrices = dialogue_confusions(gold, predicted, range(len(gold)), classes)
    whole, best = matrices.sum(axis=0), int(encode([majority], classes)[0])
    low, high = 0.0, 0.0  # of a single turn nothing can be told
    if len(matrices) > 1:
        drawn = resample(matrices, resamples, seed)
        better = weighted(drawn) - np.maximum(_constant(drawn, best), shuffled(drawn))
        low, high = np.percentile(better, (50 * (1 - level), 50 * (1 + level)))
    return AgainstChance(
        weighted_f1=float(weighted(whole)),
        majority=majority,
        majority_f1=float(_constant(whole, best)),
        shuffled_f1=float(shuffled(whole)),
        low=float(low),
        high=float(high),
        level=level,
        turns=int(whole.sum()),
    )


def shuffled(matrices: Counts) -> Doubles:
    """Mean weighted F1 in per cent [...] over all ways to deal the predictions out to the turns.

    Of confusion matrices [..., classes, classes].
    """
    gold, said = matrices.sum(axis=-1), matrices.sum(axis=-2)
    turns = gold.sum(axis=-1, keepdims=True)
    both = gold + said
    f1 = np.divide(2.0 * gold * said, turns * both, out=np.zeros(both.shape), where=both > 0)
    mean: Doubles = 100 * (f1 * gold).sum(axis=-1) / turns[..., 0]
    return mean


def _constant(matrices: Counts, said: int) -> Doubles:
    """Weighted F1 in per cent [...] of always saying class `said`."""
    gold = matrices.sum(axis=-1)
    turns = gold.sum(axis=-1)
    hit = gold[..., said]
    score: Doubles = 100 * hit / turns * 2 * hit / (hit + turns)
    return score
