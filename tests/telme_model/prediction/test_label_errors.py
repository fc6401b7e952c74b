"""The search for label errors: on made-up features with known errors, on a run, and what it refuses."""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Modality, Split, TurnId
from telme_model.events import Event, Progress
from telme_model.networks.embedding import Embeddings
from telme_model.prediction.label_errors import (
    FOLDS,
    REPEATS,
    LabelErrors,
    LabelErrorsError,
    label_errors,
    search,
    side_by_side,
)
from telme_model.prediction.predictor import Embedded
from tests.support.runs import ToyRun

CLASSES = ("joy", "neutral", "sadness", "surprise")
TURNS = tuple(TurnId(Split.TRAIN, str(row // 6), row % 6) for row in range(180))


def walk(events: Generator[Event, None, LabelErrors]) -> tuple[list[Event], LabelErrors]:
    told: list[Event] = []
    while True:
        try:
            told.append(next(events))
        except StopIteration as end:
            return told, end.value


def planted(wrong: int, *, spread: float = 1.0) -> tuple[np.ndarray, dict[TurnId, str], set[TurnId]]:
    """Features around one centre an emotion (surprise is never used), and labels of which `wrong` are another's."""
    generator = np.random.default_rng(0)
    true = generator.integers(0, 3, len(TURNS))
    features = (8 * np.eye(3, 12)[true] + spread * generator.normal(size=(len(TURNS), 12))).astype(np.float32)
    rows = generator.choice(len(TURNS), wrong, replace=False)
    given = true.copy()
    given[rows] = (given[rows] + generator.integers(1, 3, wrong)) % 3
    return features, {t: CLASSES[of] for t, of in zip(TURNS, given)}, {TURNS[row] for row in rows}


def test_planted_errors_come_first_with_the_true_emotion() -> None:
    features, labels, wrong = planted(18)
    _, found = walk(label_errors(TURNS, features, labels, CLASSES))
    assert {of.turn for of in found.ranked[:18]} == wrong
    assert len(found.ranked) == len(TURNS)
    assert 9 <= found.expected <= 20  # an estimate, and a careful one
    assert found.suspects == tuple(of.turn for of in found.ranked[: found.expected])
    centres = features[:, :3].argmax(1)
    assert all(of.suggested == CLASSES[centres[TURNS.index(of.turn)]] != of.label for of in found.ranked[:18])
    assert all(of.label == labels[of.turn] and of.quality <= of.confidence for of in found.ranked)


def test_clean_labels_give_no_suspects() -> None:
    features, labels, _ = planted(0)
    assert walk(label_errors(TURNS, features, labels, CLASSES))[1].suspects == ()


def test_no_turn_is_judged_by_its_own_dialogue(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every turn's feature is its row, so a regression's turns are known by what it is fitted on.
    features = np.arange(len(TURNS), dtype=np.float32)[:, None]
    fitted: list[set[str]] = []

    class Watched(LogisticRegression):  # type: ignore[misc]
        def fit(self, x: Any, y: Any) -> "Watched":
            fitted.append({TURNS[row].dialogue for row in x[:, 0].round().astype(int)})
            super().fit(x, y)
            return self

        def predict_proba(self, x: Any) -> Any:
            assert not fitted[-1] & {TURNS[row].dialogue for row in x[:, 0].round().astype(int)}
            return super().predict_proba(x)

    monkeypatch.setattr("sklearn.linear_model.LogisticRegression", Watched)
    monkeypatch.setattr("sklearn.preprocessing.StandardScaler", lambda: "passthrough")
    told, _ = walk(label_errors(TURNS, features, planted(0)[1], CLASSES))
    assert len(fitted) == FOLDS * REPEATS
    assert [of.done for of in told if isinstance(of, Progress)] == list(range(1, FOLDS * REPEATS + 1))


def test_turns_without_a_label_take_no_part_and_the_same_search_is_the_same() -> None:
    features, labels, _ = planted(18)
    some = {turn: label for turn, label in labels.items() if turn.utterance != 3}
    first, second = (walk(label_errors(TURNS, features, some, CLASSES))[1] for _ in range(2))
    assert {of.turn for of in first.ranked} == some.keys()
    assert first == second


def test_an_emotion_in_one_dialogue_alone_is_no_obstacle() -> None:
    features, labels, _ = planted(0)
    labels[TURNS[0]] = "surprise"
    _, found = walk(label_errors(TURNS, features, labels, CLASSES))
    assert found.ranked[0].turn == TURNS[0]
    assert found.ranked[0].quality == 0


@pytest.mark.parametrize(("turns", "emotions"), [(24, ("joy", "sadness")), (180, ("joy", "joy")), (0, ("joy", "joy"))])
def test_too_few_labels_are_refused_with_what_is_needed(turns: int, emotions: Sequence[str]) -> None:
    features, _, _ = planted(0)
    labels = {turn: emotions[row % 2] for row, turn in enumerate(TURNS[:turns])}
    with pytest.raises(LabelErrorsError, match=r"labels in 5 dialogues or more and of two emotions at least"):
        walk(label_errors(TURNS, features, labels, CLASSES))


def test_a_missing_clip_counts_as_the_mean_of_the_others() -> None:
    def of(features: list[list[float]], present: list[bool]) -> Embeddings:
        return Embeddings(torch.tensor(features), torch.zeros(3, 2), torch.tensor(present))

    embedded = Embedded(
        (), {Modality.TEXT: of([[1], [2], [3]], [True] * 3), Modality.AUDIO: of([[4], [0], [8]], [True, False, True])}
    )
    assert side_by_side(embedded).tolist() == [[1, 4], [2, 6], [3, 8]]


def test_a_search_uses_what_a_run_has_stored(toy_run: ToyRun) -> None:
    corpus = open_corpus(toy_run.corpus)
    labels = {turn.id: turn.gold for turn in corpus.turns() if turn.gold}
    told, found = walk(search(toy_run.path, corpus, labels, device="cpu"))
    assert {of.turn: of.label for of in found.ranked} == labels
    assert sum(isinstance(of, Progress) for of in told) == FOLDS * REPEATS  # nothing was embedded again
