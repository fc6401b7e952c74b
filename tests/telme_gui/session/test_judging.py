"""The predictions that are shown: of which theta, judged by whose labels, with what is hidden left out. No window."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from telme_gui.session.judging import Basis, judged
from telme_model.analysis.models import STANDARD
from telme_model.analysis.predictions import Effect, Predictions
from telme_model.annotations.labels import Label
from telme_model.corpus.dialogue import Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from tests.support.predictions import predictions

TURNS = [
    Turn(id=TurnId(Split.TEST, "0", number), speaker="Ada", text="Okay.", gold=MELD.labels[number])
    for number in range(5)
]
LAYER = {TURNS[0].id: Label(emotion="joy"), TURNS[2].id: Label(emotion="fear"), TURNS[3].id: Label(flag=True)}


@pytest.fixture
def base() -> Predictions:
    return predictions(TURNS, MELD.labels)


@pytest.fixture
def fused() -> Predictions:
    """What another theta makes of them."""
    return replace(predictions(TURNS, MELD.labels, seed=1), theta=0.5)


def emotions(shown: Predictions | None) -> list[str | None]:
    """What they are judged by, turn by turn."""
    assert shown is not None
    return [shown.labels[index] if index >= 0 else None for index in shown.gold]


def test_without_a_run_nothing_is_shown(fused: Predictions) -> None:
    assert judged(Basis()) is None
    assert judged(Basis(truth="me", labels=LAYER, hidden=np.ones(5, bool))) is None
    assert judged(Basis(fused=fused)) is None


def test_by_gold_and_with_nothing_hidden_they_are_the_runs_own(base: Predictions) -> None:
    assert judged(Basis(base=base)) is base


def test_a_theta_shows_its_answer_once_there_is_one(base: Predictions, fused: Predictions) -> None:
    assert judged(Basis(base=base, theta=0.5)) is base
    assert judged(Basis(base=base, theta=0.5, fused=fused)) is fused
    assert judged(Basis(base=base, theta=0.6, fused=fused)) is fused  # on the way to the newer one


def test_an_answer_that_comes_once_the_runs_theta_holds_again_is_too_late(
    base: Predictions, fused: Predictions
) -> None:
    assert judged(Basis(base=base, fused=fused)) is base


@pytest.mark.parametrize("theta", [None, 0.5])
def test_a_layer_judges_in_golds_place(base: Predictions, fused: Predictions, theta: float | None) -> None:
    shown = judged(Basis(base=base, theta=theta, fused=fused, truth="me", labels=LAYER))
    assert emotions(shown) == ["joy", None, "fear", None, None]
    assert shown is not None
    assert shown.truth == "me"
    assert shown.probabilities is (base if theta is None else fused).probabilities
    right = shown.predicted["fused"] == shown.gold
    assert not (shown.effects[Effect.RESCUED] & ~right).any()
    assert emotions(base) == [turn.gold for turn in TURNS]  # which stay as they were


@pytest.mark.parametrize(
    "labels",
    [
        {TurnId(Split.DEV, "0", 0): Label(emotion="joy")},  # a turn that is not predicted
        {TURNS[0].id: Label(emotion="boredom")},  # an emotion that the run does not know
    ],
)
def test_what_the_run_does_not_know_judges_nothing(base: Predictions, labels: Mapping[TurnId, Label]) -> None:
    assert emotions(judged(Basis(base=base, truth="me", labels=labels))) == [None] * 5


@pytest.mark.parametrize("theta", [None, 0.5])
@pytest.mark.parametrize("truth", ["gold", "me"])
def test_nothing_is_told_of_hidden_turns(
    base: Predictions, fused: Predictions, theta: float | None, truth: str
) -> None:
    hidden = np.array([True, False, True, False, False])
    open_ = Basis(base=base, theta=theta, fused=fused, truth=truth, labels=LAYER)
    bare, shown = judged(open_), judged(replace(open_, hidden=hidden))
    assert bare is not None
    assert shown is not None
    assert [name is None for name in emotions(shown)][:3] == [True, truth == "me", True]
    assert emotions(shown)[3:] == emotions(bare)[3:]
    for model in STANDARD.keys:
        assert (shown.predicted[model][hidden] == -1).all()
        np.testing.assert_array_equal(shown.predicted[model][~hidden], bare.predicted[model][~hidden])
    for effect in Effect:
        assert not shown.effects[effect][hidden].any()
        np.testing.assert_array_equal(shown.effects[effect][~hidden], bare.effects[effect][~hidden])


def test_a_turn_that_is_labelled_is_hidden_no_longer(base: Predictions) -> None:
    """One turn's row comes back whole, and the others stay hidden."""
    hidden = np.ones(5, bool)
    hidden[1] = False
    shown = judged(Basis(base=base, hidden=hidden))
    assert shown is not None
    assert shown.predicted["fused"][1] == base.predicted["fused"][1]
    assert emotions(shown) == [None, TURNS[1].gold, None, None, None]
