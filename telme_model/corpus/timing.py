"""A dialogue as one film: its turns one after another, each as long as its clip, so that every panel counts alike."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from telme_model.corpus.dialogue import Turn

SECONDS_PER_WORD = 0.4  # of ordinary speech
SHORTEST = 1.0  # seconds given to a turn of which nothing but its words is known


def expected_seconds(turn: Turn) -> float:
    """How long the turn lasts before its clip was opened: its window of a file, else as annotated, else by its words.

    Annotations may run backwards or be absent, so the answer is always above zero.
    """
    windows = (clip.seconds for clip in (turn.video, turn.audio) if clip is not None)
    known = (seconds for seconds in (*windows, turn.annotated_seconds) if seconds is not None and seconds > 0)
    return next(known, max(SHORTEST, SECONDS_PER_WORD * len(turn.text.split())))


def starts(seconds: Sequence[float]) -> tuple[float, ...]:
    """Where each turn begins in the film, in seconds [turns], from the length of each [turns]."""
    return tuple(accumulate(seconds, initial=0.0))[:-1]


def turn_at(turn_starts: Sequence[float], position: float) -> int:
    """The place in the dialogue of the turn that is on at `position` seconds; the nearest one outside the film."""
    return max(bisect_right(turn_starts, position) - 1, 0)
