"""Scores against scikit-learn, and the dialogue bootstrap against a plain loop."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from telme_model.analysis import metrics
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from tests.support.released import Meld

CLASSES = MELD.labels
INDICES = range(len(CLASSES))

turns = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 5)), min_size=1, max_size=60)


@settings(max_examples=20, deadline=None)
@given(turns)
def test_scores_are_those_of_scikit_learn(triples: list[tuple[int, int, int]]) -> None:
    gold, predicted, _ = (list(column) for column in zip(*triples, strict=True))
    options = {"labels": INDICES, "zero_division": 0}
    found = metrics.score(gold, predicted, CLASSES)
    assert found.weighted_f1 == pytest.approx(100 * f1_score(gold, predicted, average="weighted", **options))
    assert found.macro_f1 == pytest.approx(100 * f1_score(gold, predicted, average="macro", zero_division=0))
    assert found.accuracy == pytest.approx(100 * accuracy_score(gold, predicted))
    assert np.array_equal(found.confusion, confusion_matrix(gold, predicted, labels=INDICES))
    assert metrics.weighted_f1(gold, predicted, CLASSES) == found.weighted_f1
    assert metrics.macro_f1(gold, predicted, CLASSES) == found.macro_f1
    assert metrics.per_class(gold, predicted, CLASSES) == found.per_class
    precision, recall, f1, support = precision_recall_fscore_support(gold, predicted, **options)
    for index, name in enumerate(CLASSES):
        mine = found.per_class[name]
        expected = (100 * precision[index], 100 * recall[index], 100 * f1[index], support[index])
        assert (mine.precision, mine.recall, mine.f1, mine.support) == pytest.approx(expected)


def test_macro_f1_is_over_the_emotions_that_occur() -> None:
    gold = ["joy", "joy", "fear", "anger", "anger", "joy"]
    predicted = ["joy", "fear", "fear", "anger", "joy", "joy"]
    found = metrics.score(gold, predicted, CLASSES, dialogues=[0, 0, 1, 1, 2, 2])
    # sklearn.metrics.f1_score(gold, predicted, average="macro") of scikit-learn 1.9.1: three emotions of seven occur
    assert found.macro_f1 == pytest.approx(66.66666666666667)
    assert found.intervals is not None
    assert found.intervals.macro_f1.low <= found.macro_f1 <= found.intervals.macro_f1.high
    note = metrics.macro_note([found.confusion], CLASSES)
    assert note.endswith("without disgust, neutral, sadness and surprise: no label and no prediction.")
    assert "disgust" not in metrics.macro_note(
        [found.confusion, metrics.confusion(["joy"], ["disgust"], CLASSES)], CLASSES
    )
    everything = metrics.confusion(CLASSES, CLASSES, CLASSES)
    assert metrics.macro_note([everything], CLASSES) == metrics.macro_note([], ()) == ""


def test_names_and_indices_are_alike() -> None:
    names, indices = ["joy", None, "fear", "anger"], np.array([3, -1, 2, 0])
    predicted = ["joy", "joy", "anger", "anger"]
    assert np.array_equal(metrics.confusion(names, predicted, CLASSES), metrics.confusion(indices, predicted, CLASSES))


def test_turns_without_gold_are_left_out_and_counted() -> None:
    found = metrics.score(["joy", None, "fear"], ["joy", None, "joy"], CLASSES)
    assert (found.turns, found.without_gold) == (2, 1)
    assert found.accuracy == 50


def test_bad_input_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="'jo' is not one of the emotions anger, disgust"):
        metrics.weighted_f1(["jo"], ["joy"], CLASSES)
    with pytest.raises(ValueError, match="7 is not one of the emotions"):
        metrics.weighted_f1([7], [0], CLASSES)
    with pytest.raises(ValueError, match="1 gold labels but 2 predictions"):
        metrics.weighted_f1([0], [0, 1], CLASSES)
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.weighted_f1([None], [0], CLASSES)
    with pytest.raises(ValueError, match="Turn number 2 has a gold label but no prediction"):
        metrics.weighted_f1([0, 1], [0, None], CLASSES)
    with pytest.raises(ValueError, match="2 turns but 1 dialogue names"):
        metrics.score([0, 1], [0, 1], CLASSES, dialogues=["a"])


@settings(max_examples=12, deadline=None)
@given(turns, st.integers(0, 1000))
def test_bootstrap_is_that_of_a_plain_loop(triples: list[tuple[int, int, int]], seed: int) -> None:
    """The same draws, each scored by scikit-learn on the turns themselves."""
    gold, predicted, where = (list(column) for column in zip(*triples, strict=True))
    names = list(dict.fromkeys(where))
    if len(names) < 2:
        return
    found = metrics.dialogue_bootstrap(gold, predicted, where, CLASSES, resamples=12, seed=seed, level=0.8)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=12)
    weighted, accuracy, joy = [], [], []
    for counts in draws:
        times = dict(zip(names, counts, strict=True))
        sample = [(g, p) for g, p, name in triples for _ in range(times[name])]
        g, p = zip(*sample, strict=True)
        weighted.append(100 * f1_score(g, p, average="weighted", labels=INDICES, zero_division=0))
        accuracy.append(100 * accuracy_score(g, p))
        joy.append(100 * f1_score(g, p, average=None, labels=INDICES, zero_division=0)[3])
    for interval, values in ((found.weighted_f1, weighted), (found.accuracy, accuracy), (found.f1["joy"], joy)):
        assert (interval.low, interval.high) == pytest.approx(tuple(np.percentile(values, (10, 90))))
    assert found.dialogues == len(names)


def test_bootstrap_is_the_same_for_a_seed_and_contains_the_score() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 7, 600)
    predicted = np.where(rng.random(600) < 0.6, gold, rng.integers(0, 7, 600))
    where = [f"dialogue {index}" for index in np.arange(600) // 10]
    first = metrics.score(gold, predicted, CLASSES, dialogues=where)
    assert first == metrics.score(gold, predicted, CLASSES, dialogues=where)
    assert first.intervals is not None
    interval = first.intervals.weighted_f1
    assert interval.low < first.weighted_f1 < interval.high
    other = metrics.dialogue_bootstrap(gold, predicted, where, CLASSES, seed=1)
    assert other.weighted_f1 != interval


def test_one_dialogue_has_no_interval() -> None:
    assert metrics.score([0, 1], [0, 1], CLASSES, dialogues=["a", "a"]).intervals is None
    assert metrics.score([0, None], [0, 1], CLASSES, dialogues=["a", "b"]).intervals is None
    with pytest.raises(ValueError, match="at least two dialogues"):
        metrics.dialogue_bootstrap([0, 1], [0, 1], ["a", "a"], CLASSES)


def test_scores_become_json() -> None:
    found = metrics.score([0, 1, 1], [0, 1, 0], ("a", "b"), dialogues=["x", "y", "y"], resamples=10)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain == found.to_dict()
    assert plain["confusion"] == [[1, 0], [1, 1]]
    assert plain["per_class"]["b"] == {"precision": 100.0, "recall": 50.0, "f1": pytest.approx(200 / 3), "support": 2}
    assert set(plain["intervals"]["weighted_f1"]) == {"low", "high"}


def test_majority_class_of_the_released_test_split(meld: Meld) -> None:
    """Of `most` neutral turns among `turns`, F1 of neutral is 2 * most / (most + turns), of the others 0."""
    with (meld.root / "test_sent_emo.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    gold, where = [row["Emotion"] for row in rows], [row["Dialogue_ID"] for row in rows]
    turns, dialogues, emotions, *_ = meld.sizes[Split.TEST]
    most = max(emotions)
    found = metrics.score(gold, ["neutral"] * len(gold), CLASSES, dialogues=where)
    assert found.turns == turns
    assert found.weighted_f1 == pytest.approx(100 * (2 * most / (most + turns)) * most / turns)
    assert found.intervals is not None
    assert found.intervals.dialogues == dialogues
