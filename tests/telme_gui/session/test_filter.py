"""Which turns a filter finds. No window."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from telme_gui.session.filter import Filter, Mask, Rows, Shown, met
from telme_gui.session.marks import Mark
from telme_model.analysis.predictions import Effect
from telme_model.corpus.dialogue import Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from tests.support.predictions import predictions

SAYINGS = [
    (Split.TRAIN, "Ada", "We WON, Bo!", "joy"),
    (Split.TRAIN, "Bo", "Okay.", "neutral"),
    (Split.DEV, "Ada", "Get out.", "anger"),
    (Split.TEST, "Élodie", "Who won?", None),
]
TURNS = [
    Turn(id=TurnId(split, "0", number), speaker=speaker, text=text, gold=gold)
    for number, (split, speaker, text, gold) in enumerate(SAYINGS)
]
ROWS = Rows(TURNS)


def flagged(marks: Iterable[Mark]) -> Mask:
    """The second turn is flagged, and nothing else is there."""
    return np.array([False, Mark.FLAGGED in marks, False, False])


SHOWN = Shown(words=True, gold=lambda turn: turn.gold, predictions=None, problems={TURNS[2].id}, marks=flagged)


def found(filter_: Filter, shown: Shown = SHOWN) -> list[int]:
    return met(filter_, ROWS, shown).nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("filter_", "rows"),
    [
        (Filter(), [0, 1, 2, 3]),
        (Filter(text="won"), [0, 3]),
        (Filter(text="  BO "), [0, 1]),  # what Ada says, and who Bo is
        (Filter(text="élodie"), [3]),
        (Filter(emotions=frozenset({"joy", "anger"})), [0, 2]),
        (Filter(speakers=frozenset({"Ada"})), [0, 2]),
        (Filter(splits=frozenset({Split.DEV, Split.TEST})), [2, 3]),
        (Filter(media_problem=True), [2]),
        (Filter(turns=frozenset({TURNS[3].id, TurnId(Split.TEST, "9", 9)})), [3]),
        (Filter(turns=frozenset()), []),
        (Filter(marks=frozenset({Mark.FLAGGED})), [1]),
        (Filter(marks=frozenset({Mark.DISPUTED})), []),
        (Filter(effects=frozenset({Effect.RESCUED})), []),  # there is no run
        (Filter(text="o", speakers=frozenset({"Ada"}), splits=frozenset({Split.TRAIN})), [0]),
    ],
)
def test_a_filter_finds_what_meets_all_its_conditions(filter_: Filter, rows: list[int]) -> None:
    assert found(filter_) == rows


def test_words_that_are_hidden_are_not_searched() -> None:
    hidden = replace(SHOWN, words=False)
    assert found(Filter(text="won"), hidden) == []
    assert found(Filter(text="bo"), hidden) == [1]  # names may be seen


def test_gold_that_is_hidden_is_not_searched() -> None:
    hidden = replace(SHOWN, gold=lambda turn: None if turn is TURNS[0] else turn.gold)
    assert found(Filter(emotions=frozenset({"joy", "anger"})), hidden) == [2]


def test_effects_are_found_in_any_order_of_the_predictions() -> None:
    shuffled = [TURNS[2], Turn(id=TurnId(Split.TEST, "9", 9), speaker="Cy", text="Gone.", gold="joy"), TURNS[0]]
    for seed in range(20):
        shown = predictions(shuffled, MELD.labels, seed=seed)
        for effect in Effect:
            expected = {turn.id for turn, on in zip(shuffled, shown.effects[effect], strict=True) if on} & set(
                ROWS.index
            )
            mask = met(Filter(effects=frozenset({effect})), ROWS, replace(SHOWN, predictions=shown))
            assert {turn.id for turn, on in zip(TURNS, mask, strict=True) if on} == expected
