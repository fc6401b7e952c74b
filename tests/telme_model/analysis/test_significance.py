"""Paired comparisons of two systems on the same turns."""

from math import comb

import numpy as np
import pytest
from sklearn.metrics import f1_score

from telme_model.analysis import significance
from telme_model.analysis.metrics import weighted_f1

CLASSES = ("a", "b", "c")


def systems(accuracies: list[float], turns: int = 900) -> tuple[np.ndarray, list[np.ndarray], list[int]]:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, turns)
    wrong = (gold + 1 + rng.integers(0, 2, turns)) % 3
    predicted = [np.where(rng.random(turns) < accuracy, gold, wrong) for accuracy in accuracies]
    return gold, predicted, [index // 9 for index in range(turns)]


def test_bootstrap_is_that_of_a_plain_loop() -> None:
    gold, (system, baseline), dialogues = systems([0.7, 0.6], turns=90)
    found = significance.paired_bootstrap(gold, system, baseline, dialogues, CLASSES, resamples=50, seed=3)
    differences = []
    for counts in np.random.default_rng(3).multinomial(10, np.full(10, 0.1), size=50):
        rows = [turn for turn in range(90) for _ in range(counts[dialogues[turn]])]
        scores = [100 * f1_score(gold[rows], one[rows], average="weighted") for one in (system, baseline)]
        differences.append(scores[0] - scores[1])
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(np.percentile(differences, (2.5, 97.5))))
    side = min(sum(d <= 1e-9 for d in differences), sum(d >= -1e-9 for d in differences))
    assert found.p == pytest.approx(2 * (side + 1) / 51)
    expected = weighted_f1(gold, system, CLASSES) - weighted_f1(gold, baseline, CLASSES)
    assert found.difference == pytest.approx(expected)


def test_a_system_does_not_differ_from_itself() -> None:
    gold, (system,), dialogues = systems([0.7])
    found = significance.paired_bootstrap(gold, system, system, dialogues, CLASSES, resamples=100)
    assert (found.difference, found.interval.low, found.interval.high, found.p) == (0, 0, 0, 1)
    same = significance.mcnemar(gold, system, system, CLASSES)
    assert (same.only_system, same.only_baseline, same.p) == (0, 0, 1)


def test_exchanging_the_systems_changes_the_sign() -> None:
    gold, (system, baseline), dialogues = systems([0.7, 0.65])
    there = significance.paired_bootstrap(gold, system, baseline, dialogues, CLASSES, resamples=500)
    back = significance.paired_bootstrap(gold, baseline, system, dialogues, CLASSES, resamples=500)
    assert there.difference == pytest.approx(-back.difference)
    assert there.interval.low == pytest.approx(-back.interval.high)
    assert there.p == pytest.approx(back.p)


def test_p_agrees_with_the_interval() -> None:
    gold, predicted, dialogues = systems([0.8, 0.6, 0.61])
    clear = significance.paired_bootstrap(gold, predicted[0], predicted[1], dialogues, CLASSES)
    assert clear.interval.low > 0
    assert clear.p == pytest.approx(2 / 10_001)
    unclear = significance.paired_bootstrap(gold, predicted[2], predicted[1], dialogues, CLASSES)
    assert unclear.interval.low < 0 < unclear.interval.high
    assert unclear.p > 0.05


def test_p_values_of_equal_systems_are_not_too_small() -> None:
    """Under no difference a p value below 0.1 comes about one time in ten."""
    rng = np.random.default_rng(1)
    small = 0
    for _ in range(100):
        gold = rng.integers(0, 3, 400)
        one, other = (np.where(rng.random(400) < 0.6, gold, (gold + 1) % 3) for _ in range(2))
        dialogues = [index // 5 for index in range(400)]
        small += significance.paired_bootstrap(gold, one, other, dialogues, CLASSES, resamples=200).p < 0.1
    assert small <= 20


def test_mcnemar_is_the_binomial_test_on_disagreements() -> None:
    """8 turns that only the system has right, 2 that only the baseline has: two-sided binomial."""
    gold = [0] * 20
    system = [0] * 8 + [1] * 2 + [0] * 10
    baseline = [1] * 8 + [0] * 2 + [0] * 10
    found = significance.mcnemar([*gold, None], [*system, 1], [*baseline, 0], CLASSES)
    assert (found.only_system, found.only_baseline) == (8, 2)
    assert found.p == pytest.approx(2 * sum(comb(10, k) for k in range(3)) / 2**10)


def test_mcnemar_of_many_disagreements_is_chi_squared() -> None:
    gold, system, baseline = [0] * 100, [0] * 40 + [1] * 20 + [0] * 40, [1] * 40 + [0] * 20 + [0] * 40
    from scipy.stats import chi2

    found = significance.mcnemar(gold, system, baseline, CLASSES)
    assert found.p == pytest.approx(chi2.sf((40 - 20 - 1) ** 2 / 60, 1))


def test_holm_by_hand() -> None:
    """Sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2 (kept at the 0.06 before it), 0.5 * 1."""
    found = significance.holm({"w": 0.5, "x": 0.01, "y": 0.03, "z": 0.02})
    assert found == pytest.approx({"w": 0.5, "x": 0.04, "y": 0.06, "z": 0.06})
    assert significance.holm({}) == {}


def test_compare_corrects_for_all_systems() -> None:
    gold, predicted, dialogues = systems([0.6, 0.8, 0.62])
    better, similar = significance.compare(
        gold, predicted[0], {"better": predicted[1], "similar": predicted[2]}, dialogues, CLASSES, resamples=1000
    )
    assert (better.name, similar.name) == ("better", "similar")
    assert better.holm_weighted_f1 == pytest.approx(2 * better.weighted_f1.p)
    assert better.holm_mcnemar == pytest.approx(2 * better.mcnemar.p)
    assert similar.holm_weighted_f1 >= similar.weighted_f1.p > 0.05


def test_a_missing_prediction_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="Turn number 1 has a gold label but no prediction"):
        significance.mcnemar(["a", "b"], ["a", "b"], [None, "b"], CLASSES)
