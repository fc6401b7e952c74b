"""A dialogue as tiers over its time, which is what ELAN and Praat both hold: turns, words, emotions, notes.

Tier names tell what is what: `turn` (ids), `words: SPEAKER`, `emotion: LAYER`, `emotion (face): LAYER` for a label of
one modality alone, `notes: LAYER` for all that a label says beside its emotion; `turn [2]`, `emotion [2]: LAYER` for
turns that overlap those of the first. In files made elsewhere a tier whose texts are emotions is a layer, or the part
of one that is of a speaker, and one whose texts are words of the dialogue tells when turns are on.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange.interface import Inbox, Layers, NoPlaceError, ScopedTurn, Span, TimedText
from telme_model.annotations.exchange.matching import Matcher
from telme_model.annotations.exchange.meanings import (
    HeldTier,
    holds_emotions,
    holds_words,
    is_polarity,
    layer_of,
    other_words,
    speakers_of,
)
from telme_model.annotations.exchange.notes import escaped, note_of, noted_label, one_line, parsed, unescaped
from telme_model.annotations.exchange.placing import Places, by_time
from telme_model.annotations.exchange.timeline import FileClock, same
from telme_model.annotations.labels import Label, Scope
from telme_model.corpus.dialogue import Dialogue, Turn, TurnId

TURNS = "turn"
_LANE = r"(?: \[(\d{1,3})\])?"
_IDS = re.compile(rf"{TURNS}{_LANE}")
_NAME = re.compile(rf"(emotion|notes)(?: \(({'|'.join(Scope)})\))?{_LANE}: (.*)", re.DOTALL)
_WORDS = re.compile(rf"words{_LANE}: .*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier to write: texts by the place of their turn in the dialogue."""

    name: str
    texts: Mapping[int, str]
    speaker: str = ""  # whose words these are
    layer: str = ""  # whose labels these are
    turns: str = ""  # the tier of turns that it belongs to
    emotions: bool = False  # whether the texts are names of emotions


def tiers_of(dialogue: Dialogue, layers: Layers, times: Sequence[Span]) -> Iterator[Tier]:
    """The tiers of a dialogue whose turns are on at these times. A layer with no label in it has none.

    No tier holds two turns at a time: where some overlap there are several tiers of a kind, `turn [2]` the second.
    """
    spoken: set[str] = set()
    for number, places in enumerate(_lanes(dialogue, times), 1):
        lane = f" [{number}]" if number > 1 else ""
        turns = {place: dialogue.turns[place] for place in places}
        speakers = tuple(dict.fromkeys(turn.speaker for turn in turns.values()))
        alone = escaped(speakers[0]) if len(speakers) == 1 else ""
        ids = {place: escaped(str(turn.id)) for place, turn in turns.items()}
        yield Tier(name=f"{TURNS}{lane}", texts=ids, speaker=alone, turns=f"{TURNS}{lane}")
        for speaker in speakers:
            words = {place: printable(turn.text) for place, turn in turns.items() if turn.speaker == speaker}
            suffix = lane if speaker in spoken else ""
            yield Tier(name=f"words{suffix}: {escaped(speaker)}", texts=words, speaker=escaped(speaker))
        spoken |= set(speakers)
        for layer, labels in layers.items():
            yield from _layer_tiers(layer, labels, turns, lane)


def _layer_tiers(
    layer: str, labels: Mapping[ScopedTurn, Label], turns: Mapping[int, Turn], lane: str
) -> Iterator[Tier]:
    for scope in Scope:
        labelled = {place: label for place, turn in turns.items() if (label := labels.get((scope, turn.id)))}
        suffix = f"{'' if scope is Scope.ALL else f' ({scope})'}{lane}: {escaped(layer)}"
        whose, ids = escaped(layer), f"{TURNS}{lane}"
        if emotions := {place: escaped(label.emotion) for place, label in labelled.items() if label.emotion}:
            yield Tier(name=f"emotion{suffix}", texts=emotions, layer=whose, turns=ids, emotions=True)
        if labelled:
            notes = {place: one_line(note_of(label)) for place, label in labelled.items()}
            yield Tier(name=f"notes{suffix}", texts=notes, layer=whose, turns=ids)


def _lanes(dialogue: Dialogue, times: Sequence[Span]) -> list[list[int]]:
    """Places of turns none two of which overlap: all of them, or by speaker where some do."""
    order = sorted(range(len(times)), key=lambda place: times[place])
    overlap = any(times[one][1] > times[other][0] for one, other in pairwise(order))
    lanes: dict[tuple[str, int], list[int]] = {}
    for place in order:
        speaker, depth = dialogue.turns[place].speaker if overlap else "", 0
        while (lane := lanes.get((speaker, depth))) and times[lane[-1]][1] > times[place][0]:
            depth += 1
        lanes.setdefault((speaker, depth), []).append(place)
    return [sorted(lane) for lane in lanes.values()]


def printable(text: str) -> str:
    """Words without the characters that XML forbids, and in one line."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]", " ", text)


@dataclass(slots=True)
class _Entry:
    """What a file says of one place of a layer."""

    emotion: str | None = None
    note: Mapping[str, Any] | None = None
    where: str = ""
    refused: bool = False


def take_tiers(path: Path, tiers: Mapping[str, HeldTier], places: Places, inbox: Inbox) -> None:
    """Put the labels of a file's tiers into the inbox. Raises NoPlaceError when it cannot be told of which dialogue."""
    ids = _ids(tiers, places)
    gathered = _Gathered(path, inbox)
    ours = [name for name in tiers if _NAME.fullmatch(name)] if ids else []
    for name in ours:
        kind, scope, lane, layer = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
        found, unplaced = by_time(
            _filled(tiers[name]), ids.get(lane or "1") or [one for of in ids.values() for one in of]
        )
        gathered.take(name, found, unplaced, (unescaped(layer), Scope(scope or Scope.ALL), kind == "notes"))
    theirs = {
        name: tier
        for name, tier in tiers.items()
        if name not in ours and not _IDS.fullmatch(name) and not (ids and _WORDS.fullmatch(name)) and _filled(tier)
    }
    if theirs:
        _take_foreign(path, theirs, ids, places, gathered)
    gathered.put()


def _take_foreign(
    path: Path,
    tiers: Mapping[str, HeldTier],
    ids: Mapping[str, list[tuple[Span, TurnId]]],
    places: Places,
    gathered: "_Gathered",
) -> None:
    """Take tiers that this program did not write, or whose turns' tier is gone: by speaker, words and time."""
    inbox = gathered.inbox
    named = [one for of in ids.values() for one in of]
    dialogue = places.dialogue_of(named[0][1]) if named else places.dialogue(path)
    matcher = Matcher(dialogue)
    meant, words = _meanings(tiers, dialogue, gathered)
    labels = {name: _with_words(tiers[name], words, places) for name in meant}
    speakers = speakers_of(tiers, dialogue, inbox)
    labels = {name: [replace(one, speaker=speakers[name]) for one in of] for name, of in labels.items()}
    spoken = [replace(one, speaker=speakers[name], words=one.text) for name, of in words.items() for one in of]
    if named:
        matcher.clocks = [FileClock({turn: span for span, turn in named})]
    else:
        events = {(one.start, one.end, one.speaker): one for of in labels.values() for one in of if not one.turn}
        events |= {(one.start, one.end, one.speaker): one for one in spoken}
        matcher.listen(list(events.values()), spoken)
    for name, meaning in meant.items():
        found, unplaced = matcher.place(labels[name])
        gathered.take(name, found, unplaced, meaning)


_Meaning = tuple[str, Scope, bool]  # layer, scope, whether it holds notes


def _meanings(
    tiers: Mapping[str, HeldTier], dialogue: Dialogue, gathered: "_Gathered"
) -> tuple[dict[str, _Meaning], dict[str, list[TimedText]]]:
    """What tiers of labels mean, by name; and the intervals of tiers of words."""
    inbox = gathered.inbox
    speakers = speakers_of(tiers, dialogue, inbox)
    meant: dict[str, _Meaning] = {}
    words: dict[str, list[TimedText]] = {}
    kept = [name for name, tier in tiers.items() if _holds_labels(name, tier, inbox)]
    annotators = [tiers[name].annotator for name in kept]
    for name, tier in tiers.items():
        intervals = _filled(tier)
        texts = [interval.text for interval in intervals]
        where = f"{gathered.path.name}, tier '{name[:60]}'"
        if match := _NAME.fullmatch(name):
            meant[name] = unescaped(match[4]), Scope(match[2] or Scope.ALL), match[1] == "notes"
        elif inbox.terms.layers.get(name) == "":
            continue
        elif name in kept:
            layer = inbox.terms.layers.get(name) or layer_of(name, tier, speakers[name], annotators)
            meant[name] = layer, Scope.ALL, False
            inbox.meet_tier(name, layer, speakers[name])
        elif holds_words(intervals, dialogue):
            words[name] = intervals
            inbox.meet_tier(name, None, speakers[name])
        else:
            polarity = is_polarity(name, texts)
            reason = "its texts tell a polarity, no emotion" if polarity else "its texts are no emotions of this corpus"
            count = f"{len(intervals)} interval{'s' * (len(intervals) != 1)}"
            inbox.refuse(where, count, reason + ("" if polarity else inbox.hint(other_words(texts))))
    return meant, words


def _holds_labels(name: str, tier: HeldTier, inbox: Inbox) -> bool:
    if name in inbox.terms.layers:
        return True
    return not _NAME.fullmatch(name) and holds_emotions(name, [one.text for one in _filled(tier)], inbox)


def _with_words(tier: HeldTier, words: Mapping[str, list[TimedText]], places: Places) -> list[TimedText]:
    """A tier's intervals with what is said there: by the annotation that each hangs on, else at the same time."""
    spoken = [one for of in words.values() for one in of]
    taken = []
    for interval in _filled(tier):
        turn = places.named(interval.words) if interval.words else None
        known = interval.words if tier.parent in words else ""
        if not known and turn is None:
            there = {one.text for one in spoken if same((one.start, one.end), (interval.start, interval.end))}
            known = there.pop() if len(there) == 1 else ""
        taken.append(replace(interval, words=known, turn=turn))
    return taken


@dataclass(slots=True)
class _Gathered:
    """What the tiers of one file say, until all of it is known of each label."""

    path: Path
    inbox: Inbox
    entries: dict[tuple[str, Scope, TurnId], _Entry] = field(default_factory=lambda: defaultdict(_Entry))

    def take(
        self,
        name: str,
        found: Mapping[TurnId, TimedText],
        unplaced: Sequence[tuple[TimedText, str]],
        meaning: _Meaning,
    ) -> None:
        """The intervals of one tier."""
        layer, scope, notes = meaning
        where = f"{self.path.name}, tier '{name[:60]}'"
        for interval, reason in unplaced:
            self.inbox.refuse(f"{where}, {_clock(interval.start)}", interval.text, reason)
        for turn, interval in found.items():
            entry = self.entries[layer, scope, turn]
            here = f"{where}, {_clock(interval.start)}"
            try:
                if notes:
                    entry.note = parsed(interval.text)
                elif (emotion := self.inbox.emotion(interval.text)) and entry.emotion not in (None, emotion):
                    self.inbox.refuse(here, interval.text, f"{turn} is labelled already: {entry.emotion}")
                else:
                    entry.emotion = emotion or entry.emotion
                entry.where = here
            except NoPlaceError as error:
                entry.refused = True
                self.inbox.refuse(here, interval.text, str(error))

    def put(self) -> None:
        """Hand it over."""
        for (layer, scope, turn), entry in self.entries.items():
            if entry.refused or (entry.emotion is None and entry.note is None):
                continue
            try:
                label = noted_label(entry.note or {}, entry.emotion)
                self.inbox.put(layer, (scope, turn), label, entry.where)
            except NoPlaceError as error:
                self.inbox.refuse(entry.where, entry.emotion or "a remark", str(error))


def _filled(tier: HeldTier) -> list[TimedText]:
    return [interval for interval in tier.intervals if interval.text.strip()]


def _ids(tiers: Mapping[str, HeldTier], places: Places) -> dict[str, list[tuple[Span, TurnId]]]:
    """The turns of a file by its own tiers of ids, by lane; none where it has no such tier."""
    found: dict[str, list[tuple[Span, TurnId]]] = {}
    for name, tier in tiers.items():
        if match := _IDS.fullmatch(name):
            named = (((one.start, one.end), places.named(one.text)) for one in tier.intervals)
            if own := [(span, turn) for span, turn in named if turn is not None]:
                found[match[1] or "1"] = own
    return found


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest / 1000:06.3f}"
