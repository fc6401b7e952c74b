"""The filter: which turns are shown, and how they are found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telme_gui.session.marks import Mark
from telme_model.analysis.predictions import Effect, Predictions
from telme_model.corpus.dialogue import Split, Turn, TurnId

Mask = NDArray[np.bool_]  # [turns]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which turns are shown: all conditions together, those of one kind as alternatives. Empty: every turn."""

    text: str = ""  # in the words, where they are shown, or the speaker's name; any case
    effects: frozenset[Effect] = frozenset()
    marks: frozenset[Mark] = frozenset()
    emotions: frozenset[str] = frozenset()  # of gold
    speakers: frozenset[str] = frozenset()
    splits: frozenset[Split] = frozenset()
    media_problem: bool = False
    turns: frozenset[TurnId] | None = None  # exactly these (a cell of a confusion matrix, say) ...
    turns_name: str = ""  # ... and what they are, to be shown


class Rows:
    """The turns of a corpus by row, to be searched."""

    def __init__(self, turns: Sequence[Turn] = ()) -> None:
        self.turns = tuple(turns)
        self.index = {turn.id: row for row, turn in enumerate(self.turns)}
        self._speakers = [turn.speaker.casefold() for turn in self.turns]
        self._words = [f"{turn.speaker}\n{turn.text}".casefold() for turn in self.turns]
        self._placed: tuple[TurnId, ...] | None = None  # predicted turns whose rows are in `_places`
        self._places: NDArray[np.intp] = np.zeros(0, np.intp)

    def where(self, keep: Callable[[Turn], bool]) -> Mask:
        """The turns for which it holds."""
        return np.fromiter(map(keep, self.turns), bool, len(self.turns))

    def among(self, turns: Iterable[TurnId]) -> Mask:
        """These turns, as far as the corpus has them."""
        mask = np.zeros(len(self.turns), bool)
        mask[[self.index[turn] for turn in turns if turn in self.index]] = True
        return mask

    def saying(self, text: str, *, words: bool) -> Mask:
        """The turns with this text in the speaker's name or, where `words` may be seen, in what is said."""
        wanted = text.casefold().strip()
        texts = self._words if words else self._speakers
        return np.fromiter((wanted in text for text in texts), bool, len(self.turns))

    def places(self, predictions: Predictions) -> NDArray[np.intp]:
        """The rows of the predicted turns [N]; one past the last for those that the corpus lacks."""
        if self._placed is not predictions.ids:  # another theta, say, leaves the turns the same
            self._placed = predictions.ids
            self._places = np.array([self.index.get(turn, len(self.turns)) for turn in self._placed], np.intp)
        return self._places

    def showing(self, effects: Iterable[Effect], predictions: Predictions | None) -> Mask:
        """The turns that show any of the effects."""
        mask = np.zeros(len(self.turns) + 1, bool)
        if predictions is not None:
            shown = np.logical_or.reduce([predictions.effects[effect] for effect in effects])
            mask[self.places(predictions)[shown]] = True
        return mask[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be seen of the turns, and so be searched for."""

    words: bool  # what is said
    gold: Callable[[Turn], str | None]
    predictions: Predictions | None
    problems: Iterable[TurnId]  # turns whose clip is not as it should be
    marks: Callable[[Iterable[Mark]], Mask]  # the turns that bear any of them


def met(filter_: Filter, rows: Rows, shown: Shown) -> Mask:
    """Which turns meet the filter."""
    keep = np.ones(len(rows.turns), bool)
    if filter_.text.strip():
        keep &= rows.saying(filter_.text, words=shown.words)
    if filter_.emotions:
        keep &= rows.where(lambda turn: shown.gold(turn) in filter_.emotions)
    if filter_.speakers:
        keep &= rows.where(lambda turn: turn.speaker in filter_.speakers)
    if filter_.splits:
        keep &= rows.where(lambda turn: turn.id.split in filter_.splits)
    if filter_.media_problem:
        keep &= rows.among(shown.problems)
    if filter_.turns is not None:
        keep &= rows.among(filter_.turns)
    if filter_.effects:
        keep &= rows.showing(filter_.effects, shown.predictions)
    if filter_.marks:
        keep &= shown.marks(filter_.marks)
    return keep
