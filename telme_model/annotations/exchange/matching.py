"""Which turn of a dialogue each interval of a file belongs to, by speaker, words and time together, or why to none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from telme_model.annotations.exchange.interface import Span, TimedText
from telme_model.annotations.exchange.timeline import EXACT, NEAR, ROUGH, FileClock, believable, likeness, same, shared
from telme_model.annotations.exchange.words import WordMatch, agreement, letters
from telme_model.corpus.dialogue import Dialogue, Turn, TurnId

_CLEARER = 0.15  # likeness by which the best turn has to lead
_MOSTLY = 0.8  # of what an interval covers of all turns
_TELLING = 8  # letters of words that are somebody's alone

NOWHERE = "no turn lies there, or none by half"
NO_CLOCK = "its times fit those of the turns nowhere, or in several ways: name the turns, or add a tier of their words"
OTHER_WORDS = "its words are not those of a turn there"
SEVERAL = "several turns lie there, and nothing tells which is meant"
REPEATED = "its words stand in several turns, and its times do not tell which is meant"


@dataclass(slots=True)
class Matcher:
    """Knows the turns of one dialogue by the clocks that a file may keep.

    `seen` are the times at which the file itself says that a turn is on, by its id or its words.
    """

    dialogue: Dialogue
    clocks: list[FileClock] = field(default_factory=list)
    seen: dict[TurnId, Span] = field(default_factory=dict)
    _turns: dict[TurnId, Turn] = field(init=False)
    _letters: dict[TurnId, str] = field(init=False)

    def __post_init__(self) -> None:
        """Look the turns up once."""
        self._turns = {turn.id: turn for turn in self.dialogue.turns}
        self._letters = {turn.id: letters(turn.text) for turn in self.dialogue.turns}

    def listen(self, events: Sequence[TimedText], words: Sequence[TimedText]) -> None:
        """Find the clocks by all that is timed in the file, then where its words say that turns are."""
        self.clocks = believable([event for event in events if event.end > event.start], self.dialogue)
        spoken: dict[TurnId, list[Span]] = {}
        for interval in words:
            for turn in self.turns_of(interval)[0]:
                spoken.setdefault(turn, []).append((interval.start, interval.end))
        # A turn that is said in several pieces is on from the first to the last.
        self.seen |= {turn: (min(s for s, _ in of), max(e for _, e in of)) for turn, of in spoken.items()}

    def place(self, intervals: Sequence[TimedText]) -> tuple[dict[TurnId, TimedText], list[tuple[TimedText, str]]]:
        """The interval of each turn, and those that have none with the reason.

        Of several for one turn the one that is most like it counts.
        """
        found: dict[TurnId, tuple[float, TimedText]] = {}
        unplaced: list[tuple[TimedText, str]] = []
        in_order = self._in_order(intervals)
        for interval in intervals:
            named = ((interval.turn,), "") if interval.turn in self._turns else None
            turns, reason = named or in_order.get(id(interval)) or self.turns_of(interval)
            if not turns:
                unplaced.append((interval, reason))
            for turn in turns:
                alike = max((likeness(_span(interval), span) for span in self._spans(turn)), default=0.0)
                former = found.get(turn)
                if former is None or alike > former[0]:
                    found[turn] = alike, interval
                if former is not None and former[1].text != interval.text:
                    loser = former[1] if found[turn][1] is interval else interval
                    unplaced.append((loser, f"{turn} lies more in another interval"))
        return {turn: interval for turn, (_, interval) in found.items()}, unplaced

    def turns_of(self, interval: TimedText) -> tuple[tuple[TurnId, ...], str]:
        """The turns that an interval belongs to, or the reason why there is none."""
        possible = [turn for turn in self._turns.values() if interval.speaker in ("", turn.speaker)]
        if interval.words:
            return self._by_words(interval, possible)
        if not self.clocks:
            seen = [turn.id for turn in possible if turn.id in self.seen]
            turns = _by_time(interval, [(turn, self.seen[turn]) for turn in seen], self._turns)
            whole = len(turns) == 1 and likeness(_span(interval), self.seen[turns[0]]) >= ROUGH
            return (turns, "") if whole else ((), NO_CLOCK)
        answers = [self._at(interval, clock, possible) for clock in self.clocks]
        certain = {turns for turns in answers if turns}
        if len(certain) == 1 and answers[0]:
            return certain.pop(), ""
        if not certain:
            return (), self._nothing_there(interval, possible)
        return (), NO_CLOCK

    # -- inside -------------------------------------------------------------------------------------------------

    def _by_words(self, interval: TimedText, possible: Sequence[Turn]) -> tuple[tuple[TurnId, ...], str]:
        bare = letters(interval.words)
        agreed = {turn.id: agreement(bare, self._letters[turn.id]) for turn in possible}
        alike = [turn for turn in possible if agreed[turn.id] is WordMatch.SAME]
        parts = [turn for turn in possible if agreed[turn.id] is WordMatch.PART]
        unknown = [turn for turn in possible if agreed[turn.id] is WordMatch.UNKNOWN]
        if len(alike) == 1 and (len(bare) >= _TELLING or self._near(interval, alike[0].id) or len(self._turns) == 1):
            others = [turn for turn in self._turns.values() if self._letters[turn.id] == bare]
            if len(others) == 1 or self._near(interval, alike[0].id) or interval.speaker:
                return (alike[0].id,), ""
        for group in (alike, parts, unknown):
            answers = [_by_time(interval, self._timed(clock, group), self._turns) for clock in self.clocks]
            certain = {turns for turns in answers if turns}
            if len(certain) == 1 and answers[0]:
                turns = certain.pop()
                return (turns, "") if len(turns) == 1 else ((), SEVERAL)
        return (), REPEATED if alike else OTHER_WORDS if self.clocks else NO_CLOCK

    def _near(self, interval: TimedText, turn: TurnId) -> bool:
        return any(shared(_span(interval), span) > 0 for span in self._spans(turn))

    def _spans(self, turn: TurnId) -> list[Span]:
        if turn in self.seen:
            return [self.seen[turn]]
        return [clock.spans[turn] for clock in self.clocks if turn in clock.spans]

    def _timed(self, clock: FileClock, turns: Iterable[Turn]) -> list[tuple[TurnId, Span]]:
        """The turns that are on at a known time, as the file itself says or by the clock."""
        known = {**clock.spans, **self.seen}
        return [(turn.id, known[turn.id]) for turn in turns if turn.id in known]

    def _at(self, interval: TimedText, clock: FileClock, possible: Sequence[Turn]) -> tuple[TurnId, ...]:
        return _by_time(interval, self._timed(clock, possible), self._turns)

    def _nothing_there(self, interval: TimedText, possible: Sequence[Turn]) -> str:
        timed = self._timed(self.clocks[0], possible)
        met = [turn for turn, span in timed if shared(_span(interval), span) > 0]
        if len(met) > 1:
            return SEVERAL
        everyone = self._timed(self.clocks[0], self._turns.values())
        if interval.speaker and any(shared(_span(interval), span) > 0 for _, span in everyone):
            return f"no turn of {interval.speaker} lies there, or none by half"
        return NOWHERE

    def _in_order(self, intervals: Sequence[TimedText]) -> dict[int, tuple[tuple[TurnId, ...], str]]:
        """As many intervals as turns, each over its turn in part: the first is the first turn's, and so on."""
        if len(self.clocks) == 0 or any(interval.words or interval.end <= interval.start for interval in intervals):
            return {}
        speakers = {interval.speaker for interval in intervals}
        turns = [turn for turn in self._turns.values() if speakers in ({""}, {turn.speaker})]
        timed = sorted(self._timed(self.clocks[0], turns), key=lambda one: one[1])
        if len(timed) != len(intervals) or len(turns) != len(timed):
            return {}
        placed: dict[int, tuple[tuple[TurnId, ...], str]] = {}
        ordered = sorted(intervals, key=_span)
        for place, (interval, (turn, span)) in enumerate(zip(ordered, timed, strict=True)):
            common, length = shared(_span(interval), span), min(interval.end - interval.start, span[1] - span[0])
            if common < ROUGH * length or (place and interval.start < ordered[place - 1].end - length / 2):
                return {}
            placed[id(interval)] = (turn,), ""
        return placed


def _span(interval: TimedText) -> Span:
    return interval.start, interval.end


def _by_time(
    interval: TimedText, timed: Sequence[tuple[TurnId, Span]], turns: dict[TurnId, Turn]
) -> tuple[TurnId, ...]:
    """The turns that an interval is on; none where that is not clear.

    The one that begins and ends with it; the one that it is most like, by far; the one that holds most of it. One
    over several turns of one speaker is of them all.
    """
    span = _span(interval)
    if interval.start == interval.end:
        around = [turn for turn, (start, end) in timed if start <= interval.start < end]
        return (around[0],) if len(around) == 1 else ()
    met = [(turn, other) for turn, other in timed if shared(span, other) > 0]
    exact = [turn for turn, other in met if same(span, other)]
    if exact:
        return (exact[0],) if len(exact) == 1 else ()
    ranked = sorted(((likeness(span, other), turn) for turn, other in met), key=lambda one: -one[0])
    if not ranked:
        return ()
    clear = len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= _CLEARER
    if ranked[0][0] >= NEAR:
        return (ranked[0][1],) if clear else ()
    covered = [(turn, other) for turn, other in met if shared(span, other) >= ROUGH * (other[1] - other[0])]
    if len(covered) > 1:
        return _several([turn for turn, _ in covered], [other for _, other in covered], turns)
    (best, other), total = max(met, key=lambda one: shared(span, one[1])), sum(shared(span, of) for _, of in met)
    common = shared(span, other)
    mostly = common >= _MOSTLY * total or (len({turns[turn].speaker for turn, _ in met}) == 1 and clear)
    half = common >= ROUGH * min(span[1] - span[0], other[1] - other[0])
    # The turn that holds most of it has to be the one that it is most like, or either may be meant.
    return (best,) if mostly and half and best == ranked[0][1] else ()


def _several(found: Sequence[TurnId], times: Sequence[Span], turns: dict[TurnId, Turn]) -> tuple[TurnId, ...]:
    """Turns of one speaker that follow one another: all of them; of several speakers: nobody's for certain."""
    order = sorted(times)
    follow = all(one[1] <= other[0] + EXACT for one, other in pairwise(order))
    return tuple(found) if follow and len({turns[turn].speaker for turn in found}) == 1 else ()
