"""JSON Lines: one turn a line with all its labels of every layer. The one format that leaves nothing out.

    {"split": "train", "dialogue": "3", "utterance": 5, "speaker": "Mara", "text": "Okay.", "gold": "sadness",
     "labels": [{"layer": "anna", "scope": "all", "emotion": "joy", "comment": "", ..., "time": 1795174612.25}]}

In files made elsewhere a line may have `emotion` in place of `labels`, and the split may be told by the file's name.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange.files import LARGEST_TABLE, decoded, read_bytes
from telme_model.annotations.exchange.interface import UNNAMED, Inbox, Layers, NoPlaceError, Planned
from telme_model.annotations.exchange.notes import note_of, noted_label, one_line, parsed
from telme_model.annotations.exchange.placing import Places, split_named
from telme_model.annotations.exchange.records import take_record
from telme_model.annotations.labels import Label, Scope
from telme_model.corpus.dialogue import Corpus, Split, Turn, TurnId
from telme_model.corpus.tables import plain_id


def plan(out: Path, corpus: Corpus, layers: Layers) -> Planned:
    """One file: `out` itself when it has an ending, else `labels.jsonl` in it."""
    yield out if out.suffix else out / "labels.jsonl", partial(_write, corpus=corpus, layers=layers)


def read(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of one file, line by line. Raises ExchangeError when it is no text."""
    for number, line in enumerate(decoded(path, read_bytes(path, LARGEST_TABLE)).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}, row {number}"
        try:
            record = parsed(line)
            if "dialogue" not in record or not {"emotion", "labels"} & record.keys():  # not one of ours
                take_record(record, path, places, inbox, where)
                continue
            turn = _turn(record, path, places)
            labels = record.get("labels", [record] if record.get("emotion") else [])
            if not isinstance(labels, list) or not all(isinstance(entry, dict) for entry in labels):
                raise NoPlaceError("its labels are no list of objects")
        except NoPlaceError as error:
            inbox.refuse(where, line, str(error))
            continue
        for entry in labels:
            try:
                _take(entry, turn, inbox, where)
            except NoPlaceError as error:
                inbox.refuse(where, str(entry.get("emotion")), str(error))


def _write(path: Path, *, corpus: Corpus, layers: Layers) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{one_line(_record(turn, layers))}\n" for turn in corpus.turns())


def _record(turn: Turn, layers: Layers) -> dict[str, Any]:
    record: dict[str, Any] = {
        "split": turn.id.split,
        "dialogue": turn.id.dialogue,
        "utterance": turn.id.utterance,
    }
    for name in ("speaker", "text", "gold", "sentiment", "season", "episode", "start", "end"):
        record[name] = getattr(turn, name)
    return record | {"labels": list(_labels(turn.id, layers))}


def _labels(turn: TurnId, layers: Layers) -> Iterator[dict[str, Any]]:
    for layer, labels in layers.items():
        for scope in Scope:
            if label := labels.get((scope, turn)):
                yield {"layer": layer, "scope": scope, "emotion": label.emotion} | _whole_note(label)


def _whole_note(label: Label) -> dict[str, Any]:
    """A note with every key, so that a table made of the lines has every column."""
    return {"unsure": False, "flag": False, "comment": "", "run": "", "source": ""} | note_of(label)


def _turn(record: dict[str, Any], path: Path, places: Places) -> TurnId:
    split, dialogue, utterance = (_whole(record.get(name)) for name in ("split", "dialogue", "utterance"))
    if split is not None and split not in list(Split):
        raise NoPlaceError(f"its split is {str(split)[:40]!r}, not one of {', '.join(Split)}")
    if not isinstance(dialogue, (str, int)) or not isinstance(utterance, int) or isinstance(utterance, bool):
        raise NoPlaceError("it names no dialogue and utterance")
    turn = places.numbered(Split(split) if split else split_named(path), plain_id(str(dialogue)), utterance)
    places.check_words(turn, str(record.get("text") or ""))
    return turn


def _whole(value: Any) -> Any:
    """A number as pandas writes it once its column had an empty cell, 1.0, as the whole one that it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _take(entry: dict[str, Any], turn: TurnId, inbox: Inbox, where: str) -> None:
    layer, scope, emotion = entry.get("layer", UNNAMED), entry.get("scope", Scope.ALL), entry.get("emotion")
    if not isinstance(layer, str) or scope not in list(Scope) or not isinstance(emotion, (str, type(None))):
        raise NoPlaceError("its layer, scope or emotion is none")
    label = noted_label(entry, None if emotion is None else inbox.emotion(emotion))
    inbox.put(layer, (Scope(scope), turn), label, where)
