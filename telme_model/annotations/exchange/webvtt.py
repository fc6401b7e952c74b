"""WebVTT subtitles, one file a dialogue: a cue a turn, named by its id, with the speaker as its voice.

The emotion of the first layer is the class of the words (`<c.joy>`), so that a style sheet can colour it; all else that
is said of a turn stands in NOTE blocks before its cue. In files made elsewhere, SubRip's among them, a cue's class, a
mark such as `[joy]` or its whole text may be an emotion, and one without an id is placed by speaker, words and time.
"""

import html
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from webvtt import Caption, WebVTT
from webvtt.models import Timestamp

from telme_model.annotations.exchange.cues import SubtitleCue, parsed_cues
from telme_model.annotations.exchange.cues import marked as marked_line
from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, decoded, dialogue_name, file_names, read_bytes
from telme_model.annotations.exchange.interface import (
    UNNAMED,
    ExchangeError,
    Inbox,
    Layers,
    NoPlaceError,
    Planned,
)
from telme_model.annotations.exchange.notes import escaped, note_of, noted_label, one_line, parsed
from telme_model.annotations.exchange.placing import Places, spans
from telme_model.annotations.exchange.tiers import printable
from telme_model.annotations.exchange.timed import TimedLine, emotion_among, place_lines
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Corpus, Dialogue, TurnId


def plan(out: Path, corpus: Corpus, layers: Layers) -> Planned:
    """A file a dialogue."""
    stems = file_names(map(dialogue_name, corpus.dialogues))
    for dialogue in corpus.dialogues:
        write = partial(_write, corpus=corpus, dialogue=dialogue, layers=layers)
        yield out / f"{stems[dialogue_name(dialogue)]}.vtt", write


def read(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of one file. Raises ExchangeError when it is none, NoPlaceError when its dialogue is unknown."""
    text = decoded(path, read_bytes(path, LARGEST_DIALOGUE))
    if path.suffix.lower() == ".vtt" and not text.lstrip().startswith("WEBVTT"):
        raise ExchangeError(
            f"{path} is not a WebVTT file (it does not begin with WEBVTT); name subtitles of SubRip .srt"
        )
    cues, comments = parsed_cues(text)
    notes, first = _notes(comments, path, inbox)
    emotions = _emotions(cues, path, places, inbox)
    for turn, (emotion, where) in emotions.items():
        key = first, Scope.ALL, escaped(str(turn))
        _take(notes.pop(key, {}) | {"emotion": emotion}, (first, Scope.ALL, turn), where, inbox)
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


def _emotions(cues: list[SubtitleCue], path: Path, places: Places, inbox: Inbox) -> dict[TurnId, tuple[str, str]]:
    """(text, where) of the emotion of a turn's words; of cues without an id, by speaker, words and time."""
    named: dict[TurnId, tuple[str, str]] = {}
    lines: list[TimedLine] = []
    for cue in cues:
        where = f"{path.name}, cue {_clock(cue.start)}"
        turn = places.named(cue.name)
        # Of several classes, the one that is an emotion: others may be of a style sheet.
        known = next((name for name in cue.classes if inbox.knows(name)), "")
        marks, speaker, words = ([], "", cue.text) if turn is not None or cue.voice else marked_line(cue.text)
        if not known and turn is None:
            known, words = emotion_among(marks, words, inbox)
        if turn is not None:
            if known:
                named[turn] = known, where
            elif cue.classes:
                inbox.refuse(where, ".".join(cue.classes), "no class of its words is an emotion")
            continue
        if not known and cue.classes:
            inbox.refuse(where, ".".join(cue.classes), "no class of its words is an emotion")
        lines.append(
            TimedLine(
                where=where, start=cue.start, end=cue.end, emotion=known, speaker=cue.voice or speaker, words=words
            )
        )
    if any(line.emotion for line in lines):
        for turn, found in place_lines(lines, places.dialogue(path), inbox).items():
            named.setdefault(turn, found)
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
