"""Queues: what is in them and in which order, on hand-made predictions and labels; and what is left to do."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.analysis.models import STANDARD
from telme_model.analysis.predictions import Predictions
from telme_model.annotations.adjudication import disputes, unanimous
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label
from telme_model.annotations.queues import (
    Queue,
    QueueProgress,
    Sources,
    lacking,
    progress,
    random_sample,
    turns_of,
)
from telme_model.corpus.dialogue import Split, TurnId

TURNS = tuple(TurnId(Split.TRAIN, str(row // 3), row % 3) for row in range(9))


def predictions(
    *,
    fused: Sequence[Sequence[float]],
    teacher: Sequence[Sequence[float]] | None = None,
    audio: Sequence[Sequence[float]] | None = None,
    unshifted: Sequence[Sequence[float]] | None = None,
    shift: Sequence[float] = (0.0,) * 9,
) -> Predictions:
    """Predictions of three emotions for the first turns; a limit of 1 on every shift."""
    ids, silent = TURNS[: len(fused)], np.full((len(fused), 3), np.nan, np.float32)

    def matrix(values: Sequence[Sequence[float]] | None) -> np.ndarray:
        return silent if values is None else np.array(values, np.float32)

    ones = np.ones(len(ids), np.float32)
    return Predictions(
        run="r",
        models=STANDARD,
        labels=("joy", "neutral", "sadness"),
        ids=ids,
        gold=np.zeros(len(ids), np.int64),
        probabilities={
            "teacher": matrix(teacher or fused),
            "audio": matrix(audio),
            "visual": silent,
            "fused": matrix(fused),
        },
        unshifted=matrix(unshifted or fused),
        shapley={},
        shift_shares={},
        text_norm=ones,
        h_norm=ones,
        scale=ones,
        shift=np.array(shift[: len(ids)], np.float32),
        open_gates=ones,
        theta=1.0,
    )


def said(emotions: Mapping[int, str | None], *, unsure: Sequence[int] = (), time: float = 1.0) -> dict[TurnId, Label]:
    return {TURNS[row]: Label(emotion=of, unsure=row in unsure, time=time) for row, of in emotions.items()}


def test_low_margin_has_the_most_torn_turn_first() -> None:
    of = predictions(fused=[[0.5, 0.45, 0.05], [0.9, 0.05, 0.05], [0.4, 0.39, 0.21], [0.52, 0.4, 0.08]])
    assert turns_of(Queue.LOW_MARGIN, Sources(turns=TURNS, predictions=of)) == (TURNS[2], TURNS[0])


def test_large_shift_has_the_most_changed_prediction_first() -> None:
    of = predictions(
        fused=[[0.6, 0.4, 0], [0.9, 0.1, 0], [0.2, 0.8, 0]],
        unshifted=[[0.5, 0.5, 0], [0.1, 0.9, 0], [0.6, 0.4, 0]],
        shift=[1.0, 0.5, 0.95],
    )
    assert turns_of(Queue.LARGE_SHIFT, Sources(turns=TURNS, predictions=of)) == (TURNS[2], TURNS[0])


def test_conflict_has_the_surest_contradiction_first_and_no_turn_without_a_student() -> None:
    nan = float("nan")
    of = predictions(
        fused=[[1, 0, 0]] * 4,
        teacher=[[0.6, 0.4, 0], [0.9, 0.1, 0], [0.8, 0.1, 0.1], [0.7, 0.2, 0.1]],
        audio=[[0.2, 0.8, 0], [0, 0.1, 0.9], [0.7, 0.2, 0.1], [nan, nan, nan]],
    )
    assert turns_of(Queue.CONFLICT, Sources(turns=TURNS, predictions=of)) == (TURNS[1], TURNS[0])


def test_a_queue_keeps_to_the_turns_it_is_given() -> None:
    of = predictions(fused=[[0.5, 0.5, 0]] * 4)
    part = Sources(turns=(TURNS[3], TURNS[1], TURNS[8]), predictions=of, suspects=(TURNS[2], TURNS[1], TURNS[3]))
    assert turns_of(Queue.LOW_MARGIN, part) == (TURNS[3], TURNS[1])
    assert turns_of(Queue.LABEL_ERROR, part) == (TURNS[1], TURNS[3])


def test_disagreement_has_the_most_divided_turn_first_and_asks_annotators_alone() -> None:
    layers = {
        "Ada": said({0: "joy", 1: "joy", 2: "joy", 3: "joy", 4: "joy"}, unsure=(4,)),
        "Bo": said({0: "joy", 1: "neutral", 2: "sadness", 3: "joy", 4: "joy"}),
        "Cy": said({0: "joy", 1: "joy", 2: "neutral"}),
        GOLD: said(dict.fromkeys(range(9), "sadness")),
        ADJUDICATED: said({3: "neutral"}),
    }
    assert turns_of(Queue.DISAGREEMENT, Sources(turns=TURNS, layers=layers)) == (TURNS[2], TURNS[1], TURNS[4])


def test_unlabelled_follows_the_corpus_and_takes_a_doubt_for_an_answer() -> None:
    own = said({0: "joy", 2: None, 3: None}, unsure=(3,))
    assert turns_of(Queue.UNLABELLED, Sources(turns=TURNS, own=own)) == (TURNS[1], TURNS[2], *TURNS[4:])


@given(st.permutations(TURNS), st.integers(0, 9), st.integers(0, 9), st.integers(0, 99))
def test_a_sample_is_everybodys_and_grows(order: list[TurnId], size: int, other: int, seed: int) -> None:
    small, large = sorted((size, other))
    sample = random_sample(order, small, seed)
    assert sample == random_sample(TURNS, large, seed)[:small]
    assert len(set(sample)) == small


def test_a_sample_is_evenly_drawn() -> None:
    firsts = [random_sample(TURNS, 3, seed) for seed in range(3000)]
    counts = [sum(turn in drawn for drawn in firsts) for turn in TURNS]
    assert max(abs(count - 1000) for count in counts) < 4 * np.sqrt(3000 * (1 / 3) * (2 / 3))


def test_what_is_lacking_is_said_and_leaves_the_queue_empty() -> None:
    bare = Sources(turns=TURNS, layers={"Ada": said({0: "joy"}), "Bo": {}, GOLD: said({0: "joy"})})
    sentences = {queue: lacking(queue, bare) for queue in Queue}
    assert [queue for queue in Queue if not sentences[queue]] == [Queue.UNLABELLED, Queue.SAMPLE]
    assert all(turns_of(queue, bare) == () for queue, sentence in sentences.items() if sentence)
    assert "two annotators" in sentences[Queue.DISAGREEMENT]
    assert "run" in sentences[Queue.CONFLICT]


def test_blind_work_is_led_by_nothing_that_anyone_said() -> None:
    informed = Sources(
        turns=TURNS,
        predictions=predictions(fused=[[0.5, 0.5, 0]] * 9, shift=[1.0] * 9, audio=[[0, 0, 1]] * 9),
        layers={"Ada": said({0: "joy"}), "Bo": said({0: "neutral"})},
        suspects=TURNS[:2],
    )
    same = [q for q in Queue if turns_of(q, informed) == turns_of(q, Sources(turns=TURNS))]
    assert same == [queue for queue in Queue if queue.blind_safe]
    assert all(queue.meaning.endswith(".") for queue in Queue)


def test_progress_counts_done_skipped_and_left() -> None:
    own = said({0: "joy", 1: "joy"}) | said({2: None}, unsure=(2,)) | said({3: None})
    assert progress(TURNS[:6], own, skipped={TURNS[0], TURNS[4]}) == QueueProgress(done=3, skipped=1, left=2)


def test_what_was_labelled_before_the_work_began_is_looked_at_again() -> None:
    own = said({0: "joy"}, time=10.0) | said({1: "joy"}, time=30.0)
    assert progress(TURNS[:3], own, since=20.0) == QueueProgress(done=1, skipped=0, left=2)


def test_a_dispute_shows_everyone_and_suggests_the_majority() -> None:
    layers = {
        "Ada": said({0: "joy", 1: "joy", 2: "joy", 3: "joy"}, unsure=(2,)),
        "Bo": said({0: "joy", 1: "sadness", 2: "neutral", 3: "joy"}),
        "Cy": said({0: "joy", 1: "sadness"}),
    }
    found = disputes(layers, TURNS, said({1: "neutral"}) | said({2: None}))
    assert [of.turn for of in found] == [TURNS[1], TURNS[2]]
    assert [of.suggestion for of in found] == ["sadness", "neutral"]  # a majority; one of two without a doubt
    assert found[0].votes == (("sadness", 2), ("joy", 1))
    assert [of.settled and of.settled.emotion for of in found] == ["neutral", None]
    assert list(found[1].labels) == ["Ada", "Bo"]


@pytest.mark.parametrize(
    ("ada", "bo", "suggestion"), [("joy", "neutral", None), (None, None, None), (None, "joy", "joy")]
)
def test_a_tie_has_no_suggestion(ada: str | None, bo: str | None, suggestion: str | None) -> None:
    layers = {"Ada": said({0: ada}, unsure=(0,)), "Bo": said({0: bo}, unsure=(0,))}
    assert [of.suggestion for of in disputes(layers, TURNS, {})] == [suggestion]


def test_unanimous_turns_need_two_sure_annotators() -> None:
    layers = {
        "Ada": said({0: "joy", 1: "joy", 2: "joy", 3: "joy", 4: None}, unsure=(2,)),
        "Bo": said({0: "joy", 1: "neutral", 2: "joy", 4: "joy"}),
    }
    assert unanimous(layers, TURNS) == {TURNS[0]: "joy"}
