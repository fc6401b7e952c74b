"""What chance is, by scikit-learn and by dealing out; and when predictions are at chance."""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from telme_model.analysis.chance import against_chance, shuffled
from telme_model.analysis.metrics import confusion
from telme_model.corpus.emotions import MELD

CLASSES = MELD.labels


def test_the_guesses_are_what_scikit_learn_says_of_them() -> None:
    gold, predicted = [0, 0, 3, 4, 4], [0, 3, 4, 4, 0]
    options = {"average": "weighted", "zero_division": 0}
    dealt = [f1_score(gold, list(p), **options) for p in permutations(predicted)]
    assert float(shuffled(confusion(gold, predicted, CLASSES))) == pytest.approx(100 * float(np.mean(dealt)))
    found = against_chance(gold, predicted, [0, 0, 1, 1, 2], CLASSES, "neutral")
    assert found.majority_f1 == pytest.approx(100 * f1_score(gold, [4] * 5, **options))
    assert found.weighted_f1 == pytest.approx(100 * f1_score(gold, predicted, **options))
    assert found.turns == 5


@pytest.mark.parametrize("guess", ["constant", "random"])
def test_who_knows_nothing_is_at_chance(guess: str) -> None:
    rng = np.random.default_rng(0)
    gold = rng.choice(7, 400, p=[0.1, 0.05, 0.05, 0.2, 0.4, 0.1, 0.1])
    predicted = np.full(400, 4) if guess == "constant" else rng.permutation(gold)
    found = against_chance(gold, predicted, [turn // 8 for turn in range(400)], CLASSES, "neutral")
    assert found.at_chance
    assert found.low <= 0 <= found.high + 1


def test_who_knows_a_little_is_not() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 7, 400)
    predicted = np.where(rng.random(400) < 0.3, gold, rng.integers(0, 7, 400))
    assert not against_chance(gold, predicted, [turn // 8 for turn in range(400)], CLASSES, "neutral").at_chance


def test_one_dialogue_is_resampled_by_turns_and_one_turn_tells_nothing() -> None:
    gold = list(range(7)) * 5
    assert not against_chance(gold, gold, ["a"] * 35, CLASSES, "neutral").at_chance
    assert against_chance(["joy"], ["joy"], ["a"], CLASSES, "neutral").at_chance
