"""Rows and records of tools for labelling texts: doccano, Label Studio, one's own. Each is a turn with a label.

A record names its turn by numbers, or by its words where they stand in one turn alone. Its emotion is under `emotion`,
`label` or `labels`, in a list of one, or in Label Studio's `annotations`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange.errors import ExchangeError, NoPlaceError
from telme_model.annotations.exchange.files import LARGEST_TABLE, decoded, read_bytes
from telme_model.annotations.exchange.interface import UNNAMED, Inbox
from telme_model.annotations.exchange.notes import noted_label
from telme_model.annotations.exchange.placing import Places, split_named
from telme_model.annotations.exchange.words import letters
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Split, TurnId
from telme_model.corpus.reading import guessed
from telme_model.corpus.tables import plain_id, whole_number

_MOST_VALUES = 200  # keys of a record
_KEYS = ("emotion", "labels", "label", "choice")


def columns_in(names: list[str], inbox: Inbox) -> dict[str, str]:
    """The column or key of each field: as told, else as its name tells."""
    inbox.columns |= dict.fromkeys(names)
    known = {name: column for name, column in inbox.terms.columns.items() if column in names}
    free = [name for name in names if name not in known.values()]
    found = {name: column for name, column in guessed(free).items() if name not in inbox.terms.columns} | known
    if "emotion" not in found and (key := next((key for key in _KEYS if key in free), None)):
        found["emotion"] = key
    return found


def read_json(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of a file that is one list of records. Raises ExchangeError when it is none."""
    try:
        tree = json.loads(decoded(path, read_bytes(path, LARGEST_TABLE)))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"{path} is not valid JSON: export it again") from error
    records = tree if isinstance(tree, list) else [tree]
    if not all(isinstance(record, dict) for record in records):
        raise ExchangeError(f"{path} is no list of records, as doccano and Label Studio write them")
    for number, record in enumerate(records, 1):
        take_record(record, path, places, inbox, f"{path.name}, record {number}")


def take_record(record: Mapping[str, Any], path: Path, places: Places, inbox: Inbox, where: str) -> None:
    """Put the labels of one record into the inbox, or refuse them."""
    try:
        flat = _flat(record)
        columns = columns_in(list(flat)[:_MOST_VALUES], inbox)
        given = list(_given(record, flat, columns))
        if not given:
            if "emotion" not in columns and "annotations" not in record:
                raise NoPlaceError("it names no dialogue and utterance, and has no label")
            return  # nobody has labelled it
        turn = turn_of({name: flat[column] for name, column in columns.items() if column in flat}, path, places)
    except NoPlaceError as error:
        inbox.refuse(where, json.dumps(record, ensure_ascii=False, default=str)[:200], str(error))
        return
    for layer, text in given:
        try:
            if emotion := inbox.emotion(text):
                inbox.put(layer, (Scope.ALL, turn), noted_label({}, emotion), where)
        except NoPlaceError as error:
            inbox.refuse(where, text, str(error))


def turn_of(values: Mapping[str, Any], path: Path, places: Places) -> TurnId:
    """The turn of a row by its numbers, else by its words. Raises NoPlaceError."""
    text, speaker = str(values.get("text") or ""), str(values.get("speaker") or "")
    dialogue, utterance = (plain_id(str(values.get(name, ""))) for name in ("dialogue", "utterance"))
    split = next((one for one in Split if str(values.get("split", "")).lower() == one), None) or split_named(path)
    number = whole_number(utterance)
    if dialogue and number is not None:
        turn = places.numbered(split, dialogue, number)
        places.check_words(turn, text)
        return turn
    bare = letters(text)
    if not bare:
        raise NoPlaceError("it has neither the numbers of a dialogue and a turn nor words")
    fits = [
        turn.id
        for turn in places.turns.values()
        if letters(turn.text) == bare
        and (split is None or turn.id.split is split)
        and (not speaker or letters(turn.speaker) == letters(speaker))
        and (not dialogue or turn.id.dialogue == dialogue)
    ]
    if len(fits) != 1:
        many = f"its words stand in {len(fits)} turns: it needs a dialogue and a number of the turn"
        raise NoPlaceError(many if fits else "the corpus has no turn with its words")
    return fits[0]


def cell_emotion(text: str) -> str:
    """The emotion in a cell, also where Label Studio writes `{"choices": ["joy"]}` or doccano `["joy"]`."""
    if not text.startswith(("{", "[")):
        return text
    try:
        found = list(_names(json.loads(text)))
    except (ValueError, RecursionError):
        return text
    return found[0] if len(found) == 1 else text


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's values with those of `data`, `meta` and `metadata`, where tools keep what they were given."""
    flat: dict[str, Any] = {}
    for name in ("meta", "metadata", "data"):
        if isinstance(inner := record.get(name), Mapping):
            flat |= {str(key): value for key, value in inner.items()}
    return flat | {str(key): value for key, value in record.items() if not isinstance(value, Mapping)}


def _given(record: Mapping[str, Any], flat: Mapping[str, Any], columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(layer, emotion's text) of all that was said of a record. Raises NoPlaceError for several of one person."""
    annotations = record.get("annotations")
    if isinstance(annotations, list):
        for one in annotations:
            given = one.get("result", one.get("label")) if isinstance(one, Mapping) else None
            names = list(_names(given))
            if names and not one.get("was_cancelled"):
                yield _layer(one.get("completed_by", one.get("user"))), _one(names)
        return
    names = list(_names(flat.get(columns.get("emotion", ""))))
    if names:
        yield _layer(record.get("annotator")), _one(names)


def _layer(who: Any) -> str:
    if isinstance(who, Mapping):
        who = who.get("email", who.get("username", who.get("id")))
    return f"annotator {who}" if isinstance(who, int) else str(who) if who else UNNAMED


def _one(names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    if len(different) > 1:
        raise NoPlaceError(f"it has several labels ({', '.join(different[:5])}), and a turn has one")
    return different[0]


def _names(value: Any, depth: int = 0) -> Iterator[str]:
    """The names in a label: a text, a list of texts or of spans (begin, end, name), or choices."""
    if depth > 5:
        return
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list):
        for inner in value[:_MOST_VALUES]:
            yield from _names(inner, depth + 1)
    elif isinstance(value, Mapping):
        for name in ("value", "choices", "labels", "label", "taxonomy"):
            if name in value:
                yield from _names(value[name], depth + 1)
