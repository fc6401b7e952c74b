"""When each turn of a dialogue is on in a file: which of several clocks the file's intervals keep.

A file may be made over the clips one after another, over the film with its pauses, over the whole episode, or over a
part that begins anywhere. What its intervals coincide with, whose they are and what is said in them tells which; where
two clocks fit alike, only what both agree on is certain.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from telme_model.annotations.exchange.interface import Span, TimedText
from telme_model.annotations.exchange.placing import media_file, spans
from telme_model.annotations.exchange.words import WordMatch, agreement, letters
from telme_model.corpus.dialogue import Dialogue, Turn, TurnId

EXACT = 60  # milliseconds by which the ends of the same stretch may differ: a picture or two, and rounding
NEAR, ROUGH = 0.8, 0.5  # of two stretches, the common part over the whole
_VOTE = 50  # milliseconds within which two beginnings are one
_MOST_OFFSETS = 12
_MOST_EVENTS = 250  # that are looked at to find the clock
# What one interval says for a clock; an exact fit of both ends is rare by chance, hence the weights.
_EXACTLY, _NEARLY, _ROUGHLY, _AGAINST, _OF_OTHERS = 4.0, 2.0, 1.0, -2.0, -3.0
_IN_WORDS = 4.0
_USUAL = 3.0  # for a clock that files usually keep, over one that was found by trying
_MARGIN = 1.9  # so far below the best, a clock is no longer believable
_ENOUGH, _EACH = 4.5, 0.8  # what all intervals, and each on average, say at least for a clock that is believed


@dataclass(frozen=True, slots=True)
class FileClock:
    """The times of turns in milliseconds of the file; `usual` where files are often made over it."""

    spans: Mapping[TurnId, Span]
    usual: bool = True

    def later(self, milliseconds: int) -> "FileClock":
        """The same, found by trying: everything later by so much."""
        moved = {turn: (start + milliseconds, end + milliseconds) for turn, (start, end) in self.spans.items()}
        return FileClock(moved, usual=False)


def likeness(one: Span, other: Span) -> float:
    """Of two stretches, the common part over the whole: 1 for the same, 0 where they do not meet."""
    whole = max(one[1], other[1]) - min(one[0], other[0])
    return max(0, shared(one, other)) / whole if whole > 0 else float(one == other)


def shared(one: Span, other: Span) -> int:
    """Milliseconds in both; below 0 for the gap between them."""
    return min(one[1], other[1]) - max(one[0], other[0])


def same(one: Span, other: Span) -> bool:
    """Whether two stretches begin and end together."""
    return abs(one[0] - other[0]) <= EXACT and abs(one[1] - other[1]) <= EXACT


def believable(events: Sequence[TimedText], dialogue: Dialogue) -> list[FileClock]:
    """The clocks that the events of a file may keep, the likeliest first; none where nothing tells."""
    if not events:
        return []
    looked_at = events[:: len(events) // _MOST_EVENTS + 1]
    turns = {turn.id: turn for turn in dialogue.turns}
    usual = list(_usual(dialogue))
    tried = [clock.later(offset) for clock in usual for offset in _offsets(looked_at, clock, turns)]
    scores = [(_score(looked_at, clock, turns), clock) for clock in (*usual, *tried)]
    best = max((score for score, _ in scores), default=0.0)
    needed = max(_ENOUGH, _EACH * len(looked_at))
    fits = [(score, clock) for score, clock in scores if score >= max(best - _MARGIN, needed)]
    return [clock for _, clock in sorted(fits, key=lambda one: -one[0])]


def _usual(dialogue: Dialogue) -> Iterator[FileClock]:
    """The media as they are, the episode, and the dialogue cut out of it in one piece, pauses kept."""
    turns = dialogue.turns
    if media_file(dialogue) is not None or all((turn.annotated_seconds or 0) > 0 for turn in turns):
        yield FileClock(dict(zip((turn.id for turn in turns), spans(dialogue), strict=True)))
    annotated = {
        turn.id: (round(1000 * turn.start), round(1000 * turn.end))
        for turn in turns
        if turn.start is not None and turn.end is not None and turn.end > turn.start >= 0
    }
    if 2 * len(annotated) >= len(turns):
        episode = FileClock(annotated)
        first = min(start for start, _ in annotated.values())
        yield FileClock(episode.later(-first).spans)
        if first:
            yield episode


def _offsets(events: Sequence[TimedText], clock: FileClock, turns: Mapping[TurnId, Turn]) -> list[int]:
    """How much later than this clock the file may be: what most pairs of an event and a turn of one length say."""
    votes: Counter[int] = Counter()
    exact: dict[int, list[int]] = {}
    for event in events:
        for turn, (start, end) in clock.spans.items():
            alike = abs(event.end - event.start - (end - start)) <= 2 * EXACT
            said = agreement(letters(event.words), letters(turns[turn].text)) if event.words else WordMatch.UNKNOWN
            if said is WordMatch.OTHER or not (alike or said is WordMatch.SAME) or not _may_be(event, turns[turn]):
                continue
            offset = event.start - start
            bin_ = round(offset / _VOTE)
            for near in (bin_ - 1, bin_, bin_ + 1):
                votes[near] += 2 if near == bin_ else 1
            exact.setdefault(bin_, []).append(offset)
    found: list[int] = []
    for bin_, _ in votes.most_common(3 * _MOST_OFFSETS):
        if bin_ in exact and len(found) < _MOST_OFFSETS:
            middle = sorted(exact[bin_])[len(exact[bin_]) // 2]
            if middle and all(abs(middle - one) > _VOTE // 2 for one in found):
                found.append(middle)
    return found


def _score(events: Iterable[TimedText], clock: FileClock, turns: Mapping[TurnId, Turn]) -> float:
    order = sorted(clock.spans.items(), key=lambda one: one[1])
    total = _USUAL if clock.usual else 0.0
    for event in events:
        total += _says(event, order, turns)
    return total


def _says(event: TimedText, order: Sequence[tuple[TurnId, Span]], turns: Mapping[TurnId, Turn]) -> float:
    best, met = _AGAINST, False
    span = event.start, event.end
    for turn, other in order:
        if other[0] >= event.end:
            break
        common = shared(span, other)
        if common <= 0:
            continue
        met = True
        words = agreement(letters(event.words), letters(turns[turn].text)) if event.words else WordMatch.UNKNOWN
        if words is WordMatch.OTHER or not _may_be(event, turns[turn]):
            continue
        alike = likeness(span, other)
        fit = _EXACTLY if same(span, other) else _NEARLY if alike >= NEAR else _ROUGHLY if alike >= ROUGH else 0.0
        best = max(best, fit + (_IN_WORDS if words is WordMatch.SAME else 0.0))
    return _OF_OTHERS if met and best == _AGAINST else best


def _may_be(event: TimedText, turn: Turn) -> bool:
    return not event.speaker or event.speaker == turn.speaker
