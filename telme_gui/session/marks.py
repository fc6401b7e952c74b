"""What annotators left on the turns: which of them bear each mark."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from telme_gui.session.labels import Labels, Touched, is_disputed
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Turn, TurnId


class Mark(StrEnum):
    """What annotators left on a turn."""

    MISSING = "not annotated"  # in the chosen layer
    DIFFERENT = "differs from gold"
    DISPUTED = "disputed"  # two annotators differ, or one is unsure
    FLAGGED = "flagged"  # or commented


class Marks:
    """The marks of all turns, kept from label to label: to count them anew with every one takes too long.

    They are those of the chosen layer and scope; of a hidden turn it is not told what others think.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._turns: Sequence[Turn] = ()
        self._rows: Mapping[TurnId, int] = {}
        self._masks: dict[Mark, NDArray[np.bool_]] = {}  # [turns]; empty while they are to be counted
        self._view: tuple[str, Scope, bool] | None = None  # the layer, scope and blind mode that they hold for

    def open(self, turns: Sequence[Turn], rows: Mapping[TurnId, int]) -> None:
        """Turn to another corpus' turns; `rows` says where each is."""
        self._turns, self._rows = turns, rows
        self._masks = {}

    def follow(self, touched: Touched) -> None:
        """Labels have changed."""
        if touched is None:
            self._masks = {}
        elif self._masks:
            self._mark(self._rows[turn] for turn in touched if turn in self._rows)

    def __getitem__(self, mark: Mark) -> NDArray[np.bool_]:
        """Which turns bear a mark [turns]."""
        view = (self._labels.layer, self._labels.scope, self._labels.blind)
        if not self._masks or view != self._view:
            self._view = view
            self._masks = {mark: np.zeros(len(self._turns), bool) for mark in Mark}
            self._mark(range(len(self._turns)))
        return self._masks[mark]

    def _mark(self, rows: Iterable[int]) -> None:
        labels, marks = self._labels, self._masks
        mine = labels.in_layer(labels.layer, labels.scope)
        everybody = [labels.in_layer(layer, labels.scope) for layer in labels.annotators]
        for row in rows:
            turn = self._turns[row]
            label = mine.get(turn.id)
            emotion = label.emotion if label else None
            marks[Mark.MISSING][row] = emotion is None
            marks[Mark.DIFFERENT][row] = emotion is not None and turn.gold not in (None, emotion)
            marks[Mark.FLAGGED][row] = label is not None and (label.flag or label.comment != "")
            given = [other for others in everybody if (other := others.get(turn.id)) is not None]
            marks[Mark.DISPUTED][row] = is_disputed(given) and not (labels.blind and emotion is None)
