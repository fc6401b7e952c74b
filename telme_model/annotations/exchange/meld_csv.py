"""MELD's own tables, `train_sent_emo.csv` and its brothers, so that any code that reads MELD trains on the labels.

The emotion is the layer's, and gold where the layer has none. More columns at the end tell which of the two it is and
what else the annotator said; readers of MELD pass them over. In files made elsewhere every row is a label.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange.files import LARGEST_TABLE, check_size, file_names
from telme_model.annotations.exchange.interface import (
    UNNAMED,
    ExchangeError,
    Inbox,
    Layers,
    NoPlaceError,
    Planned,
    ScopedTurn,
)
from telme_model.annotations.exchange.meanings import is_polarity
from telme_model.annotations.exchange.notes import escaped, note_of, noted_label, unescaped
from telme_model.annotations.exchange.placing import Places, split_named
from telme_model.annotations.exchange.records import cell_emotion, columns_in, turn_of
from telme_model.annotations.labels import GOLD, Label, Scope
from telme_model.corpus.dialogue import Corpus, Severity, Split, Turn, TurnId
from telme_model.corpus.tables import Row, TableReport, plain_id, read_header, read_table, whole_number
from telme_model.files import as_cell, from_cell

COLUMNS = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode",
    "StartTime", "EndTime",
)  # fmt: skip
OURS = ("Layer", "Emotion_From", "Unsure", "Flag", "Comment", "Origin", "Run", "Time", "Source")
_OURS = {
    "emotion": "Emotion", "dialogue": "Dialogue_ID", "utterance": "Utterance_ID", "text": "Utterance",
    "speaker": "Speaker",
}  # fmt: skip
_REQUIRED = ("Emotion", "Dialogue_ID", "Utterance_ID")
_SENTIMENTS = {"neutral": "neutral", "joy": "positive"} | dict.fromkeys(
    ("anger", "disgust", "fear", "sadness"), "negative"
)
# What people and spreadsheets write into a column of yes and no, in the languages of those who use MELD.
_YES = frozenset(("yes", "y", "true", "1", "x", "ja", "oui", "sí", "si", "да", "是", "wahr", "vrai"))
_NO = frozenset(("", "no", "n", "false", "0", "nein", "non", "нет", "否", "falsch", "faux", "-"))
_MOST_FAULTS = 200  # malformed rows; a table with more is none, and looking for the next row in it takes its time


def plan(out: Path, corpus: Corpus, layers: Layers, *, labelled: bool) -> Planned:
    """A file a split; of several layers, a folder each. `labelled` leaves out turns that the layer does not label."""
    folders = file_names(layers)
    for layer, labels in layers.items():
        folder = out / folders[layer] if len(layers) > 1 else out
        for split in corpus.splits():
            write = partial(_write, corpus=corpus, split=split, layer=layer, labels=labels, labelled=labelled)
            yield folder / f"{split}_sent_emo.csv", write


def left_out(corpus: Corpus, layers: Layers, *, labelled: bool) -> Iterator[str]:
    """What these tables cannot hold of the labels."""
    scopes = Counter(scope for labels in layers.values() for scope, _ in labels if scope is not Scope.ALL)
    for scope, count in scopes.items():
        yield f"{count} labels of the {scope} alone: a table of MELD has one label a turn"
    for layer, labels in layers.items():
        named = {turn for (scope, turn), label in labels.items() if scope is Scope.ALL and label.emotion}
        others = sum(turn.id not in named for turn in corpus.turns())
        if others and labelled:
            yield f"{others} turns that have no emotion in {layer}: labelled turns alone were asked for"
        elif others:
            yield f"{others} rows have the corpus' own emotion, for {layer} has none there (Emotion_From is gold)"
        by_id = {turn.id: turn for turn in corpus.turns()}
        changed = [turn for turn in named if turn in by_id and labels[Scope.ALL, turn].emotion != by_id[turn].gold]
        if unknown := sum(sentiment_of(labels[Scope.ALL, turn].emotion) is None for turn in changed):
            yield f"{unknown} labels of {layer} have no Sentiment: their emotion may be of either"
    if bare := not labelled and sum(turn.gold is None for turn in corpus.turns()):
        yield f"{bare} turns have no gold label; where the layer has none either, their Emotion is empty"


def read(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of one file. Raises ExchangeError when it is no such table."""
    check_size(path, LARGEST_TABLE)
    report = _LimitedReport(path, remedy="save it again with the program that made it")
    columns = columns_in(read_header(report), inbox)
    told = {ours: columns[name] for name, ours in _OURS.items() if name in columns and ours not in inbox.columns}
    # Without numbers a row is known by its words.
    by_words = "text" in columns and not {"dialogue", "utterance"} <= columns.keys()
    report.problems.clear()
    required = [told.get(name, name) for name in (("Emotion",) if by_words else _REQUIRED)]
    rows = list(read_table(report, required))
    if is_polarity(required[0], [values[required[0]] for _, values in rows]):
        raise ExchangeError(
            f"{path}: its column {required[0]} tells a polarity, no emotion: name another with --fields"
        )
    for row, values in rows:
        values |= {ours: values[theirs] for ours, theirs in told.items()}
        where = f"{path.name}, row {row}"
        try:
            _take(values, path, places, inbox, where)
        except NoPlaceError as error:
            inbox.refuse(where, values["Emotion"], str(error))
    for problem in report.problems:
        if problem.severity is Severity.FATAL:
            if problem.row in (None, 1):
                raise ExchangeError(f"{path} is no table of labels: {problem.reason}")
            inbox.refuse(f"{path.name}, row {problem.row}", "a row", problem.reason)


@dataclass(slots=True)
class _LimitedReport(TableReport):
    """Ends the reading of a file that has little but faults."""

    def add(self, severity: Severity, code: str, reason: str, **where: Any) -> None:
        """Record one problem."""
        TableReport.add(self, severity, code, reason, **where)
        if len(self.problems) > _MOST_FAULTS:
            raise ExchangeError(f"{self.file} has over {_MOST_FAULTS} malformed rows: it is no table of labels")


def _write(
    path: Path, *, corpus: Corpus, split: Split, layer: str, labels: Mapping[ScopedTurn, Label], labelled: bool
) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # its mark tells Excel what it is
        table = csv.DictWriter(file, COLUMNS + OURS, restval="")
        table.writeheader()
        for number, turn in enumerate(corpus.turns(split), 1):
            label = labels.get((Scope.ALL, turn.id))
            if labelled and (label is None or label.emotion is None):
                continue
            row = _row(number, turn) | _label_columns(turn, layer, label)
            table.writerow({name: as_cell(value) for name, value in row.items()})


def _take(values: Row, path: Path, places: Places, inbox: Inbox, where: str) -> None:
    values = {name: from_cell(value) for name, value in values.items()}
    emotion: str | None = cell_emotion(values["Emotion"])
    turn = _turn(values, path, places)
    if values.get("Emotion_From", "").lower() == GOLD and (emotion or "").lower() == (places.turns[turn].gold or ""):
        emotion = None  # unless someone has changed it in this file, it is the corpus' own
    if not emotion and not values.get("Origin"):
        return  # nobody has labelled the turn
    layer = unescaped(values.get("Layer", UNNAMED))
    label = noted_label(_note(values), inbox.emotion(emotion) if emotion else None)
    inbox.put(layer, (Scope.ALL, turn), label, where)


def _turn(values: Row, path: Path, places: Places) -> TurnId:
    if "Dialogue_ID" not in values or "Utterance_ID" not in values:
        return turn_of({name: values[ours] for name, ours in _OURS.items() if ours in values}, path, places)
    utterance = whole_number(values["Utterance_ID"])
    if utterance is None:
        raise NoPlaceError(f"its Utterance_ID is {values['Utterance_ID'][:40]!r}, not a number")
    turn = places.numbered(split_named(path), plain_id(values["Dialogue_ID"]), utterance)
    places.check_words(turn, values.get("Utterance", ""))
    return turn


def _row(number: int, turn: Turn) -> dict[str, object]:
    return {
        "Sr No.": number,
        "Utterance": turn.text,
        "Speaker": turn.speaker,
        "Emotion": turn.gold or "",
        "Sentiment": turn.sentiment or "",
        "Dialogue_ID": turn.id.dialogue,
        "Utterance_ID": turn.id.utterance,
        "Season": turn.season if turn.season is not None else "",
        "Episode": turn.episode if turn.episode is not None else "",
        "StartTime": _clock(turn.start),
        "EndTime": _clock(turn.end),
    }


def _sentiment(turn: Turn, label: Label) -> str:
    """The polarity of a turn's emotion: gold's where the emotion is gold's."""
    if label.emotion in (None, turn.gold):
        return turn.sentiment or ""
    return sentiment_of(label.emotion) or ""


def sentiment_of(emotion: str | None) -> str | None:
    """The polarity that MELD gives an emotion; None for surprise, which may be of either, and for what it has not."""
    return _SENTIMENTS.get(emotion or "")


def _label_columns(turn: Turn, layer: str, label: Label | None) -> dict[str, object]:
    if label is None:
        return {"Layer": escaped(layer), "Emotion_From": GOLD}
    note = note_of(label)
    return {
        "Emotion": label.emotion or turn.gold or "",
        "Sentiment": _sentiment(turn, label),
        "Layer": escaped(layer),
        "Emotion_From": "layer" if label.emotion else GOLD,
        "Unsure": "yes" if label.unsure else "",
        "Flag": "yes" if label.flag else "",
        "Comment": escaped(label.comment),
        "Origin": note["origin"],
        "Run": escaped(label.run),
        "Time": note["time"],
        "Source": escaped(label.source),
    }


def _note(values: Row) -> dict[str, Any]:
    """The annotator's columns as a note; those that are not there or empty are left out."""
    note: dict[str, Any] = {}
    for name in ("Unsure", "Flag"):
        text = values.get(name, "").strip().lower()
        if text in _YES:
            note[name.lower()] = True
        elif text not in _NO:
            raise NoPlaceError(f"its {name} is {text[:40]!r}, neither yes nor no")
    note |= {name.lower(): unescaped(values[name]) for name in ("Comment", "Run", "Source") if values.get(name)}
    if origin := values.get("Origin"):
        note["origin"] = origin.lower()
    if time := values.get("Time"):
        try:
            note["time"] = float(time)
        except ValueError as error:
            raise NoPlaceError(f"its Time is {time[:40]!r}, no number of seconds") from error
    return note


def _clock(seconds: float | None) -> str:
    """`HH:MM:SS,mmm`, as MELD writes times."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(1000 * seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
