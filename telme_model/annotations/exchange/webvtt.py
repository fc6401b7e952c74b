"""WebVTT subtitles, one file a dialogue: a cue a turn, named by its id, with the speaker as its voice.

The emotion of the first layer is the class of the words (`<c.joy>`), so that a style sheet can colour it; all else that
is said of a turn stands in NOTE blocks before its cue. In files made elsewhere a cue's class may be an emotion, and a
cue without a turn's id is placed by its time.
"""

import html
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from webvtt import Caption, WebVTT
from webvtt.errors import MalformedCaptionError, MalformedFileError
from webvtt.models import Timestamp

from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, decoded, dialogue_name, file_names, read_bytes
from telme_model.annotations.exchange.interface import UNNAMED, ExchangeError, Inbox, Layers, NoPlaceError, Planned
from telme_model.annotations.exchange.notes import escaped, note_of, noted_label, one_line, parsed
from telme_model.annotations.exchange.placing import Places, TimedText, by_time, spans
from telme_model.annotations.exchange.tiers import printable
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Corpus, Dialogue, TurnId

_CLASSES = re.compile(r"<c((?:\.[^\s.<>&]+)+)>")


def plan(out: Path, corpus: Corpus, layers: Layers) -> Planned:
    """A file a dialogue."""
    stems = file_names(map(dialogue_name, corpus.dialogues))
    for dialogue in corpus.dialogues:
        write = partial(_write, corpus=corpus, dialogue=dialogue, layers=layers)
        yield out / f"{stems[dialogue_name(dialogue)]}.vtt", write


def read(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of one file. Raises ExchangeError when it is none, NoPlaceError when its dialogue is unknown."""
    try:
        subtitles = WebVTT.from_string(decoded(path, read_bytes(path, LARGEST_DIALOGUE)))
    except (MalformedFileError, MalformedCaptionError) as error:
        raise ExchangeError(f"{path} is not a WebVTT file ({error})") from error
    comments = [*subtitles.header_comments, *(note for cue in subtitles.captions for note in cue.comments)]
    comments += subtitles.footer_comments
    notes, first = _notes(comments, path, inbox)
    emotions = _emotions(subtitles.captions, path, places, inbox)
    for turn, (text, where) in emotions.items():
        key = first, Scope.ALL, escaped(str(turn))
        _take(notes.pop(key, {}) | {"emotion": text}, (first, Scope.ALL, turn), where, inbox)
    for (layer, scope, name), note in notes.items():
        where = f"{path.name}, note of {name[:60]}"
        if found := places.named(name):
            _take(note, (layer, scope, found), where, inbox)
        else:
            inbox.refuse(where, str(note.get("emotion")), "the corpus has no such turn")


def _write(path: Path, *, corpus: Corpus, dialogue: Dialogue, layers: Layers) -> None:
    first = next(iter(layers), UNNAMED)
    subtitles = WebVTT(header_comments=[one_line({"layer": first})])
    for turn, (start, end) in zip(dialogue.turns, spans(dialogue), strict=True):
        label = layers[first].get((Scope.ALL, turn.id)) if first in layers else None
        words = html.escape(printable(turn.text), quote=False)
        if label is not None and label.emotion in corpus.labels.labels:
            words = f"<c.{label.emotion}>{words}</c>"
        speaker = html.escape(printable(turn.speaker), quote=False)
        cue = Caption(_clock(start), _clock(end), f"<v {speaker}>{words}</v>", escaped(str(turn.id)))
        cue.comments = [one_line(note) for note in _label_notes(turn.id, layers, corpus)]
        subtitles.captions.append(cue)
    path.write_text(subtitles.content + "\n", encoding="utf-8", newline="\n")


def _label_notes(turn: TurnId, layers: Layers, corpus: Corpus) -> Iterator[dict[str, Any]]:
    """A note for every label of a turn; the emotion that is the class of the words is not said again."""
    for place, (layer, labels) in enumerate(layers.items()):
        for scope in Scope:
            if label := labels.get((scope, turn)):
                note: dict[str, Any] = {"turn": escaped(str(turn)), "layer": layer}
                if scope is not Scope.ALL:
                    note["scope"] = scope
                if label.emotion and (place or scope is not Scope.ALL or label.emotion not in corpus.labels.labels):
                    note["emotion"] = label.emotion
                yield note | note_of(label)


def _notes(comments: list[str], path: Path, inbox: Inbox) -> tuple[dict[tuple[str, Scope, str], dict[str, Any]], str]:
    """What notes say, by layer, scope and id of the turn; and the layer that the classes of the words are of."""
    notes: dict[tuple[str, Scope, str], dict[str, Any]] = {}
    first = UNNAMED
    for comment in comments:
        if not comment.startswith("{"):
            continue  # a note for people
        try:
            note = parsed(comment)
            layer, scope = note.pop("layer", UNNAMED), note.pop("scope", Scope.ALL)
            if not isinstance(layer, str) or scope not in list(Scope):
                raise NoPlaceError("its layer or scope is none")
        except NoPlaceError as error:
            inbox.refuse(f"{path.name}, a note", comment, str(error))
            continue
        if "turn" in note:
            notes[layer, Scope(scope), str(note.pop("turn"))] = note
        else:
            first = layer
    return notes, first


def _emotions(cues: list[Caption], path: Path, places: Places, inbox: Inbox) -> dict[TurnId, tuple[str, str]]:
    """(text, where) of the emotion that is the class of a turn's words; of cues without an id, by their time."""
    named: dict[TurnId, tuple[str, str]] = {}
    timed = []
    for cue in cues:
        classes = [name for match in _CLASSES.findall(cue.raw_text) for name in match.split(".")[1:]]
        # Of several classes, the one that is an emotion: others may be of a style sheet.
        known = next((name for name in classes if name.lower() in inbox.emotions.labels), None)
        if known is None:
            if classes:
                inbox.refuse(f"{path.name}, cue {cue.start}", ".".join(classes), "no class of its words is an emotion")
        elif turn := places.named(cue.identifier or ""):
            named[turn] = known, f"{path.name}, cue {cue.start}"
        else:
            times = cue.start_time.in_milliseconds(), cue.end_time.in_milliseconds()
            timed.append(TimedText(start=times[0], end=times[1], text=known))
    if timed:
        dialogue = places.dialogue(path)
        turns = list(zip(spans(dialogue), (turn.id for turn in dialogue.turns), strict=True))
        found, unplaced = by_time(timed, turns)
        for interval, reason in unplaced:
            inbox.refuse(f"{path.name}, cue {_clock(interval.start)}", interval.text, reason)
        for turn, interval in found.items():
            named.setdefault(turn, (interval.text, f"{path.name}, cue {_clock(interval.start)}"))
    return named


def _take(note: dict[str, Any], place: tuple[str, Scope, TurnId], where: str, inbox: Inbox) -> None:
    layer, scope, turn = place
    emotion = note.pop("emotion", None)
    try:
        if not isinstance(emotion, (str, type(None))):
            raise NoPlaceError("its emotion is no name")
        inbox.put(layer, (scope, turn), noted_label(note, None if emotion is None else inbox.emotion(emotion)), where)
    except NoPlaceError as error:
        inbox.refuse(where, str(emotion), str(error))


def _clock(milliseconds: int) -> str:
    return str(Timestamp.from_seconds(milliseconds / 1000))
