"""Labels of tools for texts and events: doccano, Label Studio, Audacity, BORIS; and what MELD's tables say."""

import csv
import json
from pathlib import Path

import pytest

from telme_model.annotations.exchange import ExchangeError, Format, export
from telme_model.annotations.exchange.terms import Terms
from telme_model.annotations.labels import Label, Scope
from telme_model.corpus import Corpus, TurnId
from tests.support.exchange import finish, take, write
from tests.telme_model.annotations.test_exchange_placing import IN_ORDER, LINES, emotions, meld, read

TEXTS = [line[1] for line in LINES]
NAMES = list(IN_ORDER.values())


def table(rows: list[list[str]], mark: str = ",") -> str:
    return "\n".join(mark.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)


DOCCANO = [{"id": n, "text": text, "label": [name]} for n, (text, name) in enumerate(zip(TEXTS, NAMES, strict=True))]
SPANS = [one | {"label": [[0, 4, name]]} for one, name in zip(DOCCANO, NAMES, strict=True)]
STUDIO = [
    {
        "id": n,
        "data": {"text": text, "speaker": LINES[n][0]},
        "annotations": [{"result": [{"type": "choices", "from_name": "e", "value": {"choices": [name]}}]}],
    }
    for n, (text, name) in enumerate(zip(TEXTS, NAMES, strict=True))
]
CELLS = [
    ["id", "text", "label"],
    *([str(n), text, name] for n, (text, name) in enumerate(zip(TEXTS, NAMES, strict=True))),
]
CHOICES = [CELLS[0], *([n, text, json.dumps({"choices": [name]})] for n, text, name in CELLS[1:])]
AUDACITY = "0.0\t2.0\tjoy\n\\\t100\t200\n2.0\t3.0\tBen: fear\n3,0\t7,0\t[sadness] I know.\n"
EVENTS = [
    ["Observation id", "Subject", "Behavior", "Behavior type", "Start (s)", "Stop (s)"],
    ["train_dia0", "Ada", "joy", "STATE", "0", "2"],
    ["train_dia0", "Ben", "fear", "STATE", "2", "3"],
    ["train_dia0", "No focal subject", "sadness", "STATE", "3", "7"],
]
STATES = [
    ["Time", "Subject", "Behavior", "Status"],
    *(
        [str(t), "", name, s]
        for name, a, b in zip(NAMES, (0, 2, 3), (2, 3, 7), strict=True)
        for t, s in ((a, "START"), (b, "STOP"))
    ),
]
PROJECT = {
    "behaviors_conf": {str(n): {"code": name, "type": "State event"} for n, name in enumerate(NAMES)},
    "observations": {
        "train_dia0": {
            "events": [
                [t, "", name, "", ""] for name, a, b in zip(NAMES, (0, 2, 3), (2, 3, 7), strict=True) for t in (a, b)
            ]
        }
    },
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("train.jsonl", "\n".join(map(json.dumps, DOCCANO)), id="doccano lines"),
        pytest.param("train.jsonl", "\n".join(map(json.dumps, SPANS)), id="doccano spans"),
        pytest.param("train.json", json.dumps(DOCCANO), id="doccano json"),
        pytest.param("train.csv", table(CELLS), id="doccano csv"),
        pytest.param("train.json", json.dumps(STUDIO), id="label studio json"),
        pytest.param("train.csv", table(CHOICES), id="label studio csv"),
        pytest.param("train_dia0.txt", AUDACITY, id="audacity"),
        pytest.param(
            "events.tsv", "\t".join(("Observation id", "x")) + "\n" + table(EVENTS, "\t").replace('"', ""), id="boris"
        ),
        pytest.param("train_dia0.tsv", table(STATES, "\t").replace('"', ""), id="boris tabular"),
        pytest.param("mine.boris", json.dumps(PROJECT), id="boris project"),
    ],
)
def test_labels_of_other_tools(tmp_path: Path, name: str, text: str) -> None:
    incoming = read(tmp_path, text, meld(), name)
    assert (emotions(incoming, ""), incoming.unplaced) == (IN_ORDER, ())


def test_people_who_labelled_in_label_studio_have_layers(tmp_path: Path) -> None:
    result = [{"type": "choices", "value": {"choices": ["joy"]}}]
    first, second = ({"completed_by": who, "result": result} for who in (7, {"email": "a@b"}))
    incoming = read(tmp_path, json.dumps([STUDIO[0] | {"annotations": [first, second]}]), meld(), "train.json")
    assert list(incoming.placed) == ["annotator 7", "a@b"]


def test_columns_are_as_told_and_a_polarity_is_none(tmp_path: Path) -> None:
    rows = [["Said", "Feels", "label"], *([text, name, "positive"] for text, name in zip(TEXTS, NAMES, strict=True))]
    terms = Terms(columns={"text": "Said", "emotion": "Feels"})
    assert emotions(read(tmp_path, table(rows), meld(), "train.csv", terms), "") == IN_ORDER
    with pytest.raises(ExchangeError, match="column label tells a polarity, no emotion"):
        read(tmp_path, table([["text", "label"], *([text, "positive"] for text in TEXTS)]), meld(), "train.csv")


@pytest.mark.parametrize(
    ("text", "unsure"), [("no", False), ("No", False), ("0", False), ("ja", True), ("yes", True), ("", False)]
)
def test_yes_and_no(tmp_path: Path, text: str, unsure: bool) -> None:
    rows = f"Emotion,Dialogue_ID,Utterance_ID,Unsure\njoy,0,0,{text}\n"
    (label,) = read(tmp_path, rows, meld(), "train.csv").placed[""].values()
    assert label.unsure is unsure


def test_neither_yes_nor_no_is_told(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "Emotion,Dialogue_ID,Utterance_ID,Unsure\njoy,0,0,perhaps\n", meld(), "train.csv").unplaced
    assert one.reason == "its Unsure is 'perhaps', neither yes nor no"


def layer(corpus: Corpus, *emotions: str) -> dict[str, dict[tuple[Scope, TurnId], Label]]:
    return {
        "anna": {
            (Scope.ALL, turn.id): Label(emotion=name) for turn, name in zip(corpus.turns(), emotions, strict=False)
        }
    }


def test_melds_table_begins_with_a_mark_and_the_sentiment_follows(tmp_path: Path) -> None:
    corpus = meld()
    report = write(Format.MELD, tmp_path, corpus, layer(corpus, "joy", "surprise"))
    (path,) = report.files
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["Emotion"], row["Sentiment"]) for row in rows] == [
        ("joy", "positive"),
        ("surprise", ""),
        ("neutral", ""),
    ]
    assert report.labels == 2
    assert report.left_out == (
        "1 rows have the corpus' own emotion, for anna has none there (Emotion_From is gold)",
        "1 labels of anna have no Sentiment: their emotion may be of either",
    )


def test_labelled_turns_alone(tmp_path: Path) -> None:
    corpus = meld()
    report = finish(export(Format.MELD, tmp_path, corpus, layer(corpus, "joy", "anger"), labelled=True))
    with report.files[0].open(encoding="utf-8-sig", newline="") as file:
        assert [row["Emotion"] for row in csv.DictReader(file)] == ["joy", "anger"]
    assert report.left_out == ("1 turns that have no emotion in anna: labelled turns alone were asked for",)
    assert take(report.files, corpus).labels == 2
