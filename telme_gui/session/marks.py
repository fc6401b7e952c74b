"""What annotators left on the turns: which of them bear each mark."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from telme_gui.session.labels import Labels, is_disputed
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Turn


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
        self._kept: dict[Mark, NDArray[np.bool_]] = {}  # [turns]; empty while they are to be counted
        self._view: tuple[str, Scope, bool] | None = None  # the layer, scope and blind mode that they hold for

    def open(self, turns: Sequence[Turn]) -> None:
        """Turn to another corpus' turns."""
        self._turns = turns
        self.forget()

    def forget(self) -> None:
        """Any number of labels have changed."""
        self._kept = {}

    def touch(self, row: int) -> None:
        """The labels of one turn have changed."""
        if self._kept:
            self._mark([row])

    def __getitem__(self, mark: Mark) -> NDArray[np.bool_]:
        """Which turns bear a mark [turns]."""
        view = (self._labels.layer, self._labels.scope, self._labels.blind)
        if not self._kept or view != self._view:
            self._view = view
            self._kept = {of: np.zeros(len(self._turns), bool) for of in Mark}
            self._mark(range(len(self._turns)))
        return self._kept[mark]

    def _mark(self, rows: Iterable[int]) -> None:
        labels, marks = self._labels, self._kept
        mine = labels.of(labels.layer, labels.scope)
        everybody = [labels.of(layer, labels.scope) for layer in labels.annotators]
        for row in rows:
            turn = self._turns[row]
            label = mine.get(turn.id)
            emotion = label.emotion if label else None
            marks[Mark.MISSING][row] = emotion is None
            marks[Mark.DIFFERENT][row] = emotion is not None and turn.gold not in (None, emotion)
            marks[Mark.FLAGGED][row] = label is not None and (label.flag or label.comment != "")
            said = [other for others in everybody if (other := others.get(turn.id)) is not None]
            marks[Mark.DISPUTED][row] = is_disputed(said) and not (labels.blind and emotion is None)
