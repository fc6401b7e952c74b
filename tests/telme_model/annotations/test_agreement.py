"""Agreement against published examples, three libraries and a re-derivation pair by pair."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from telme_model.annotations.agreement import Agreement, agreement
from telme_model.annotations.labels import Label
from telme_model.corpus.dialogue import Split, TurnId

CLASSES = ("1", "2", "3", "4", "5")
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
PUBLISHED = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}
PUBLISHED_ALPHA = 0.743

Rows = Mapping[str, Sequence[str | None]]


def turn(row: int) -> TurnId:
    return TurnId(Split.TRAIN, str(row // 3), row % 3)


def measured(rows: Rows, classes: Sequence[str] = CLASSES, unsure: Sequence[tuple[str, int]] = ()) -> Agreement:
    """Agreement of annotators' emotions, None where there is none, three turns a dialogue."""
    layers = {
        name: {turn(k): Label(emotion=said, unsure=(name, k) in unsure) for k, said in enumerate(of) if said}
        for name, of in rows.items()
    }
    turns = [turn(k) for k in range(max(len(of) for of in rows.values()))]
    return agreement(layers, turns, classes, unsure=not unsure, resamples=200)


def published() -> dict[str, list[str | None]]:
    return {name: [None if value == "." else value for value in text.split()] for name, text in PUBLISHED.items()}


def pairwise_alpha(rows: Rows) -> float | None:
    """Krippendorff's nominal alpha from its definition: disagreement of all pairs of values, within units and at all.

    1 - (within / n) / (at all / (n (n - 1))), each ordered pair within a unit of m values weighted 1 / (m - 1).
    """
    units = [[said for said in unit if said] for unit in zip(*rows.values(), strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    values = [said for unit in units for said in unit]
    within = sum((a != b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2))
    at_all = sum(a != b for a, b in permutations(values, 2))
    return 1 - (len(values) - 1) * within / at_all if at_all else None


said = st.sampled_from(("1", "2", "3"))
some_or_none = st.one_of(st.none(), said)


def tables_of(values: st.SearchStrategy, annotators: int) -> st.SearchStrategy[dict[str, list]]:
    rows = st.lists(st.tuples(*[values] * annotators), min_size=2, max_size=20)
    return rows.map(lambda of: {f"annotator {k}": list(column) for k, column in enumerate(zip(*of, strict=True))})


def test_krippendorffs_published_example() -> None:
    found = measured(published())
    assert found.alpha.value == pytest.approx(PUBLISHED_ALPHA, abs=0.0005)
    assert (found.shared, found.complete) == (11, 8)


@settings(max_examples=60)
@given(tables_of(some_or_none, 4))
def test_alpha_is_the_definitions_and_the_librarys(rows: dict[str, list[str | None]]) -> None:
    found = measured(rows).alpha.value
    expected = pairwise_alpha(rows)
    assert found == (None if expected is None else pytest.approx(expected))
    if expected is not None:
        triples = [(name, row, value) for name, of in rows.items() for row, value in enumerate(of) if value]
        assert found == pytest.approx(AnnotationTask(triples).alpha())


@settings(max_examples=30)
@given(tables_of(some_or_none, 3))
def test_alpha_of_an_emotion_takes_all_others_as_one(rows: dict[str, list[str | None]]) -> None:
    merged = {name: [value and ("1" if value == "1" else "2") for value in of] for name, of in rows.items()}
    expected = pairwise_alpha(merged)
    assert measured(rows).alpha_by_class["1"].value == (None if expected is None else pytest.approx(expected))


@settings(max_examples=40)
@given(tables_of(said, 3))
def test_fleiss_is_statsmodels(rows: dict[str, list[str]]) -> None:
    value = measured(rows).fleiss.value
    if len({emotion for of in rows.values() for emotion in of}) < 2:
        assert value is None
        return
    counted, _ = aggregate_raters(np.array(list(rows.values())).T)
    assert value == pytest.approx(fleiss_kappa(counted))


@settings(max_examples=40)
@given(tables_of(some_or_none, 2))
def test_cohen_is_scikit_learns_on_the_turns_that_both_labelled(rows: dict[str, list[str | None]]) -> None:
    (pair,) = measured(rows).pairs
    both = [(a, b) for a, b in zip(*rows.values(), strict=True) if a and b]
    assert pair.turns == len(both)
    assert pair.cells.keys() == set(both)
    assert {cell: len(turns) for cell, turns in pair.cells.items()} == Counter(both)
    if len({value for pair_ in both for value in pair_}) < 2:
        assert pair.kappa.value is None
        return
    first, second = zip(*both, strict=True)
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(first, second))
    assert pair.raw.value == pytest.approx(np.mean(np.array(first) == np.array(second)))
    if {"1"} < {*first, *second}:
        alone = [[value == "1" for value in column] for column in (first, second)]
        assert pair.kappa_by_class["1"].value == pytest.approx(cohen_kappa_score(*alone))


def test_disagreeing_turns_and_cells_are_named_in_order() -> None:
    found = measured({"Ada": ["1", "1", "2", None, "1"], "Bo": ["1", "2", "2", "2", "3"]}, ("1", "2", "3"))
    (pair,) = found.pairs
    assert found.disagreeing == (turn(1), turn(4))
    assert pair.cells["1", "2"] == (turn(1),)
    assert pair.counts(("1", "2", "3")) == ((1, 1, 1), (0, 1, 0), (0, 0, 0))
    assert (found.shared, found.complete, pair.first, pair.second) == (4, 4, "Ada", "Bo")


def test_unsure_labels_can_be_left_out() -> None:
    rows = {"Ada": ["1", "1", "2"], "Bo": ["1", "2", "2"]}
    assert measured(rows).disagreeing == (turn(1),)
    without = measured(rows, unsure=[("Bo", 1)])
    assert (without.disagreeing, without.shared, without.alpha.value) == ((), 2, 1.0)


def test_a_label_without_an_emotion_is_none() -> None:
    layers = {"Ada": {turn(0): Label(emotion="1"), turn(1): Label(flag=True)}, "Bo": {turn(1): Label(emotion="2")}}
    assert agreement(layers, [turn(0), turn(1)], CLASSES).shared == 0


def test_nothing_shared_leaves_everything_undefined() -> None:
    found = measured({"Ada": ["1", None], "Bo": [None, "1"]})
    assert (found.raw.value, found.fleiss.value, found.alpha.value, found.pairs[0].kappa.value) == (None,) * 4


def test_intervals_resample_whole_dialogues() -> None:
    # Within each dialogue all turns agree or none does: only the number of agreeing dialogues varies.
    generator = np.random.default_rng(0)
    agree = np.repeat(generator.random(60) < 0.7, 3)
    first = generator.choice(["1", "2"], len(agree))
    second = np.where(agree, first, np.where(first == "1", "2", "1"))
    layers = {
        name: {turn(k): Label(emotion=str(value)) for k, value in enumerate(of)}
        for name, of in (("Ada", first), ("Bo", second))
    }
    found = agreement(layers, [turn(k) for k in range(len(agree))], CLASSES, resamples=4000)
    shares = np.random.default_rng(1).binomial(60, agree.mean(), 100_000) / 60
    assert (found.raw.low, found.raw.high) == pytest.approx(tuple(np.percentile(shares, (2.5, 97.5))), abs=0.018)
    assert found.alpha.low is not None
    assert found.alpha.high is not None
    assert found.alpha.value is not None
    assert found.alpha.low < found.alpha.value < found.alpha.high


def test_one_dialogue_has_no_interval() -> None:
    found = measured({"Ada": ["1", "2", "1"], "Bo": ["1", "2", "2"]})
    assert found.alpha.value is not None
    assert (found.alpha.low, found.alpha.high) == (None, None)


def test_an_annotator_of_a_few_dialogues_has_intervals_from_those() -> None:
    rows: dict[str, list[str | None]] = {"Ada": ["1", "2", "1"] * 40, "Bo": ["1", "2", "2"] * 40}
    rows["Cy"] = ["1", "2", "1", "2", "2", "1"] + [None] * 114
    of_pairs = {(pair.first, pair.second): pair for pair in measured(rows).pairs}
    few = of_pairs["Ada", "Cy"]
    assert few.turns == 6
    assert (few.raw.low, few.raw.high) == (2 / 3, 1.0)


def test_the_same_dialogue_number_in_two_splits_is_two_dialogues() -> None:
    turns = [TurnId(split, "0", 0) for split in (Split.TRAIN, Split.DEV)]
    layers = {name: {of: Label(emotion=said) for of, said in zip(turns, "12")} for name in ("Ada", "Bo")}
    assert agreement(layers, turns, CLASSES).raw.low == 1.0


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(ValueError, match="two annotators"):
        measured({"Ada": ["1"]})
    with pytest.raises(ValueError, match=r"train/dia0_utt1 is labelled 'glee', which is not one of 1, 2"):
        measured({"Ada": ["1", "glee"], "Bo": ["1", "1"]})
