"""A dialogue as tiers over its time, which is what ELAN and Praat both hold: turns, words, emotions, notes.

Tier names tell what is what: `turn` (ids), `words: SPEAKER`, `emotion: LAYER`, `emotion (face): LAYER` for a label of
one modality alone, `notes: LAYER` for all that a label says beside its emotion. In files made elsewhere a tier whose
texts are emotions is taken as a layer of its name.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange.interface import Inbox, Layers, NoPlaceError
from telme_model.annotations.exchange.notes import escaped, note_of, noted_label, one_line, parsed, unescaped
from telme_model.annotations.exchange.placing import Places, Span, TimedText, by_time, spans
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Dialogue, TurnId

TURNS = "turn"
_NAME = re.compile(rf"(emotion|notes)(?: \(({'|'.join(Scope)})\))?: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier to write: texts by the place of their turn in the dialogue."""

    name: str
    texts: Mapping[int, str]
    speaker: str = ""  # whose words these are
    layer: str = ""  # whose labels these are
    emotions: bool = False  # whether the texts are names of emotions


def tiers_of(dialogue: Dialogue, layers: Layers) -> Iterator[Tier]:
    """The tiers of a dialogue. A layer with no label in it has none."""
    turns = dialogue.turns
    yield Tier(name=TURNS, texts={place: escaped(str(turn.id)) for place, turn in enumerate(turns)})
    for speaker in dict.fromkeys(turn.speaker for turn in turns):
        words = {place: printable(turn.text) for place, turn in enumerate(turns) if turn.speaker == speaker}
        yield Tier(name=f"words: {escaped(speaker)}", texts=words, speaker=escaped(speaker))
    for layer, labels in layers.items():
        for scope in Scope:
            labelled = {place: label for place, turn in enumerate(turns) if (label := labels.get((scope, turn.id)))}
            suffix = "" if scope is Scope.ALL else f" ({scope})"
            if emotions := {place: escaped(label.emotion) for place, label in labelled.items() if label.emotion}:
                yield Tier(
                    name=f"emotion{suffix}: {escaped(layer)}", texts=emotions, layer=escaped(layer), emotions=True
                )
            if labelled:
                notes = {place: one_line(note_of(label)) for place, label in labelled.items()}
                yield Tier(name=f"notes{suffix}: {escaped(layer)}", texts=notes, layer=escaped(layer))


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


def take_tiers(path: Path, tiers: Mapping[str, Sequence[TimedText]], places: Places, inbox: Inbox) -> None:
    """Put the labels of a file's tiers into the inbox. Raises NoPlaceError when it cannot be told of which dialogue."""
    turns = _turns(path, tiers, places)
    entries: dict[tuple[str, Scope, TurnId], _Entry] = defaultdict(_Entry)
    for name, every in tiers.items():
        intervals = [interval for interval in every if interval.text.strip()]
        where = f"{path.name}, tier '{name[:60]}'"
        if (meaning := _meaning(name, intervals, where, inbox)) is None:
            continue
        notes, scope, layer = meaning
        found, unplaced = by_time(intervals, turns)
        for interval, reason in unplaced:
            inbox.refuse(f"{where}, {_clock(interval.start)}", interval.text, reason)
        for turn, interval in found.items():
            entry = entries[layer, scope, turn]
            entry.where = f"{where}, {_clock(interval.start)}"
            try:
                if notes:
                    entry.note = parsed(interval.text)
                else:
                    entry.emotion = inbox.emotion(interval.text)
            except NoPlaceError as error:
                entry.refused = True
                inbox.refuse(entry.where, interval.text, str(error))
    for (layer, scope, turn), entry in entries.items():
        if not entry.refused:
            try:
                inbox.put(layer, (scope, turn), noted_label(entry.note or {}, entry.emotion), entry.where)
            except NoPlaceError as error:
                inbox.refuse(entry.where, entry.emotion or "a remark", str(error))


def _meaning(name: str, intervals: Sequence[TimedText], where: str, inbox: Inbox) -> tuple[bool, Scope, str] | None:
    """(whether it holds notes, scope, layer) of a tier; None for one without labels."""
    if match := _NAME.fullmatch(name):
        return match[1] == "notes", Scope(match[2] or Scope.ALL), unescaped(match[3])
    if name == TURNS or name.startswith("words: ") or not intervals:
        return None
    # At least half of a tier of emotions are ones that are known; the others are then slips, worth a line each.
    known = sum(interval.text.strip().lower() in inbox.emotions.labels for interval in intervals)
    if 2 * known >= len(intervals):
        return False, Scope.ALL, name
    inbox.refuse(where, f"{len(intervals)} intervals", "its texts are no emotions of this corpus")
    return None


def _turns(path: Path, tiers: Mapping[str, Sequence[TimedText]], places: Places) -> list[tuple[Span, TurnId]]:
    """The turns of a file by its own tier of ids; without one, those of the dialogue that it is named after."""
    own = [
        ((interval.start, interval.end), turn)
        for interval in tiers.get(TURNS, ())
        if (turn := places.named(interval.text))
    ]
    if own:
        return own
    dialogue = places.dialogue(path)
    return list(zip(spans(dialogue), (turn.id for turn in dialogue.turns), strict=True))


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest / 1000:06.3f}"
