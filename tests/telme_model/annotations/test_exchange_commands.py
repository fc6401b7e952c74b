"""Export and import on the command line, and what an import does to the store."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from telme_model.annotations.backups import backups
from telme_model.annotations.exchange import ExchangeError, Format
from telme_model.annotations.exchange.transfer import apply, layers_of, preview, targets
from telme_model.annotations.labels import GOLD, Label, Origin, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.commands.main import main
from telme_model.corpus import Corpus, TurnId, open_corpus
from tests.support.corpora import write_corpus
from tests.support.exchange import labelled, take, write

Captured = pytest.CaptureFixture[str]
FORMATS = ["meld", "jsonl", "elan", "textgrid", "webvtt"]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus of its own whose store is of its own."""
    monkeypatch.setenv("TELME_ANNOTATIONS", str(tmp_path / "annotations"))
    return open_corpus(write_corpus(tmp_path / "corpus", clips=False))


def turns(corpus: Corpus) -> list[TurnId]:
    return [turn.id for turn in corpus.turns()]


def told(capsys: Captured) -> str:
    """What was printed, without the bars of work under way."""
    return capsys.readouterr().out


def test_what_is_exported_can_be_imported(corpus: Corpus, tmp_path: Path, capsys: Captured) -> None:
    layers = labelled(corpus, "anna", "bo")
    with Store.open(store_path(corpus), corpus) as store:
        store.edit(
            "fill", {(name, *place): label for name, labels in layers.items() for place, label in labels.items()}
        )
    out = tmp_path / "out"
    assert main(["export", str(corpus.root), "--format", "elan", "--out", str(out)]) == 0
    count = sum(map(len, layers.values()))
    assert f"{count} labels in 14 files in {out}" in capsys.readouterr().err
    with Store.open(store_path(corpus), corpus) as store:
        store.undo()
        assert store.labels("anna") == {}
    assert main(["import", str(corpus.root), str(out)]) == 0
    assert told(capsys) == f"{count} new, 0 changed, 0 the same, 0 not placed; layers: anna, bo\n"
    with Store.open(store_path(corpus), corpus) as store:
        assert layers_of(store, corpus, ["anna", "bo"]) == layers
        assert store.undoable is not None
        assert store.undoable.name == f"import {count} labels from out"
        store.undo()
        assert (store.labels("anna"), store.labels("bo", Scope.FACE)) == ({}, {})


def test_a_dry_run_changes_nothing_and_tells_all(corpus: Corpus, tmp_path: Path, capsys: Captured) -> None:
    table = tmp_path / "train_labels.csv"
    table.write_text("Emotion,Dialogue_ID,Utterance_ID\njoy,0,0\nbliss,0,1\n")
    arguments = ["import", str(corpus.root), str(table), "--layer", "anna"]
    assert main([*arguments, "--dry-run", "--json"]) == 1
    answer = json.loads(told(capsys))
    (unplaced,) = answer.pop("unplaced")
    assert answer == {"layers": ["anna"], "new": 1, "changed": 0, "same": 0, "removed": [], "imported": False}
    assert unplaced["where"] == "train_labels.csv, row 3"
    assert unplaced["what"] == "bliss"
    with Store.open(store_path(corpus), corpus) as store:
        assert store.layers() == ()
    assert main(arguments) == 1  # something found no place
    first, last = told(capsys).splitlines()
    assert first.startswith("not placed: train_labels.csv, row 3: bliss: 'bliss' is not an emotion of meld")
    assert last == "1 new, 0 changed, 0 the same, 1 not placed; layers: anna"
    with Store.open(store_path(corpus), corpus) as store:
        label = store.label("anna", turns(corpus)[0])
    assert label is not None
    assert (label.emotion, label.origin, label.time > 1.7e9) == ("joy", Origin.IMPORTED, True)


@pytest.mark.parametrize("form", FORMATS)
def test_gold_can_be_exported_in_every_format(corpus: Corpus, tmp_path: Path, form: str) -> None:
    assert main(["export", str(corpus.root), "--layer", "gold", "--format", form, "--out", str(tmp_path / "out")]) == 0
    assert set(FORMATS) == set(Format)
    incoming = take(sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file()), corpus)
    given = {turn: label.emotion for (_, turn), label in incoming.placed[GOLD].items()}
    assert given == {turn.id: turn.gold for turn in corpus.turns()}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export", "CORPUS", "--format", "meld", "--out", "OUT"], "has no layer of labels yet; --layer gold exports"),
        (
            ["export", "CORPUS", "--format", "meld", "--out", "OUT", "--layer", "bo"],
            "there is no layer bo; there are: gold",
        ),
        (["export", "CORPUS", "--format", "meld", "--out", "CORPUS", "--layer", "gold"], "choose a place outside it"),
        (["export", "CORPUS", "--format", "elan", "--out", "TABLE", "--layer", "gold"], "is a file: choose a folder"),
        (["export", "CORPUS", "--format", "meld", "--out", "TABLE/x", "--layer", "gold"], ". Choose another place."),
        (["import", "CORPUS", "none.eaf"], "none.eaf does not exist: check the path"),
        (["import", "CORPUS", "TABLE"], "labels do not say whose they are (1): name a layer for them (--layer)"),
        (["import", "CORPUS", "TABLE", "--layer", "gold"], "gold labels are the corpus' own and stay as they are"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    corpus: Corpus, tmp_path: Path, capsys: Captured, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "train.csv").write_text("Emotion,Dialogue_ID,Utterance_ID\njoy,0,0\n")
    places = {"CORPUS": str(corpus.root), "OUT": str(tmp_path / "out"), "TABLE": str(tmp_path / "train.csv")}
    places["TABLE/x"] = str(tmp_path / "train.csv" / "x")
    assert main([places.get(argument, argument) for argument in arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("telme-studio: ")
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.jsonl", "", "found in empty.jsonl; looked for in “emotion” or “labels” of a line of a .jsonl"),
        (
            "train_dia0.vtt",
            "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n",
            "the class of the words of a .vtt, as in <c.joy>",
        ),
        ("train.csv", "Emotion,Dialogue_ID,Utterance_ID\n,0,0\n", "looked for in the column Emotion of a .csv"),
    ],
)
def test_a_file_that_says_nothing_is_told_where_it_was_searched(
    corpus: Corpus, tmp_path: Path, capsys: Captured, name: str, content: str, sentence: str
) -> None:
    (tmp_path / name).write_text(content)
    assert main(["import", str(corpus.root), str(tmp_path / name)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("telme-studio: no emotion was found in ")
    assert sentence in said


def test_a_line_without_a_layer_does_not_keep_the_others_out(corpus: Corpus, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "train.jsonl"
    lines = ({"layer": "anna", "emotion": "joy"}, {"layer": "bo", "emotion": "fear"}, {"emotion": "anger"})
    rows = (json.dumps({"dialogue": 0, "utterance": place} | line) for place, line in enumerate(lines))
    path.write_text("\n".join(rows))
    assert main(["import", str(corpus.root), str(path)]) == 1
    assert "labels do not say whose they are (1): name a layer" in capsys.readouterr().err
    assert main(["import", str(corpus.root), str(path), "--layer", "cy"]) == 0
    assert told(capsys) == "3 new, 0 changed, 0 the same, 0 not placed; layers: anna, bo, cy\n"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_lies_where_the_store_should_be_is_told(
    corpus: Corpus, capsys: Captured, make: Callable[[Path], object]
) -> None:
    path = store_path(corpus)
    path.parent.mkdir()
    make(path)
    assert main(["export", str(corpus.root), "--format", "meld", "--out", "out"]) == 1
    assert f"{path} is no file, but the annotations belong there; move it away" in capsys.readouterr().err


def test_a_file_where_the_stores_folder_should_be_is_told_with_a_way_on(corpus: Corpus, capsys: Captured) -> None:
    store_path(corpus).parent.touch()
    assert main(["export", str(corpus.root), "--format", "meld", "--out", "out"]) == 1
    assert "cannot be used: File exists; name another folder with TELME_ANNOTATIONS" in capsys.readouterr().err


# the preview


def test_a_preview_counts_what_is_new_changed_and_the_same(corpus: Corpus, tmp_path: Path) -> None:
    first, second, third = turns(corpus)[:3]
    ours = {
        ("anna", Scope.ALL, first): Label(emotion="joy", comment="loud", time=5.0),
        ("anna", Scope.ALL, second): Label(emotion="joy", flag=True, comment="listen again", unsure=True, time=5.0),
    }
    table = tmp_path / "train.csv"
    table.write_text("Emotion,Dialogue_ID,Utterance_ID\njoy,0,0\nfear,0,1\nanger,0,2\n")
    with Store.open(store_path(corpus), corpus) as store:
        store.edit("label", ours)
        shown = preview(store, take([table], corpus), {"": "anna"})
        assert shown.new == {("anna", Scope.ALL, third): Label(emotion="anger", origin=Origin.IMPORTED)}
        # A table of emotions has no room for remarks, so those of the store stay; the doubt was about another emotion.
        changed = Label(emotion="fear", flag=True, comment="listen again", origin=Origin.IMPORTED)
        assert shown.changed == {("anna", Scope.ALL, second): changed}
        assert (shown.same, shown.layers, shown.unplaced) == (1, ("anna",), ())
        step = apply(store, shown, "train.csv")
        assert step is not None
        assert (step.name, step.size) == ("import 2 labels from train.csv", 2)
        assert store.label("anna", first) == ours["anna", Scope.ALL, first]
        store.undo()
        assert store.labels("anna") == {first: ours["anna", Scope.ALL, first], second: ours["anna", Scope.ALL, second]}


def test_labels_of_one_layer_can_go_into_another(corpus: Corpus, tmp_path: Path) -> None:
    layers = labelled(corpus, "anna")
    incoming = take(write(Format.WEBVTT, tmp_path / "out", corpus, layers).files, corpus)
    with Store.open(store_path(corpus), corpus) as store:
        assert preview(store, incoming, targets(incoming)).layers == ("anna",)
        assert apply(store, preview(store, incoming, targets(incoming, "bo")), "out") is not None
        assert layers_of(store, corpus, ["bo"]) == {"bo": layers["anna"]}
        assert store.layers() == ("bo",)


def test_several_layers_go_under_their_own_names_alone(corpus: Corpus, tmp_path: Path) -> None:
    incoming = take(write(Format.JSONL, tmp_path / "out", corpus, labelled(corpus, "anna", "bo")).files, corpus)
    with pytest.raises(ExchangeError, match=r"several layers \(anna, bo\): leave --layer out"):
        targets(incoming, "cy")
    with Store.open(store_path(corpus), corpus) as store:
        assert preview(store, incoming, targets(incoming)).layers == ("anna", "bo")
        assert preview(store, incoming, {"bo": "cy"}).layers == ("cy",)
        with pytest.raises(ExchangeError, match="two layers of a file cannot go into one"):
            preview(store, incoming, {"anna": "cy", "bo": "cy"})


# what an import keeps


def test_what_a_file_does_not_say_removes_nothing_unless_asked(corpus: Corpus, tmp_path: Path) -> None:
    """A tier of emotions under another name leaves notes without emotions, and a table may have lost rows."""
    first, second, third = turns(corpus)[:3]
    ours = {
        ("anna", Scope.ALL, turn): Label(emotion="joy", comment="loud", origin=Origin.BLIND, time=5.0)
        for turn in (first, second)
    }
    path = tmp_path / "train.jsonl"
    rows = ((first, {"emotion": None, "flag": True, "time": 9.0}), (third, {"emotion": "fear"}))
    path.write_text(
        "\n".join(
            json.dumps({"dialogue": turn.dialogue, "utterance": turn.utterance, "labels": [{"layer": "anna", **label}]})
            for turn, label in rows
        )
    )
    with Store.open(store_path(corpus), corpus) as store:
        store.edit("label", ours)
        before = len(backups(store.path))
        incoming = take([path], corpus)
        kept = preview(store, incoming, {"anna": "anna"})
        assert (kept.removed, kept.cleared) == ({}, ())
        replacing = preview(store, incoming, {"anna": "anna"}, replacing=True)
        assert replacing.removed == {("anna", Scope.ALL, second): ours["anna", Scope.ALL, second]}
        assert replacing.cleared == (("anna", Scope.ALL, first),)
        assert "1 removed, 1 without an emotion now" in replacing.summary()
        apply(store, kept, "train.jsonl")
        assert len(backups(store.path)) == before + 1
        label = store.label("anna", first)
        assert label is not None
        assert (label.emotion, label.comment, label.flag) == ("joy", "loud", True)
        assert (label.origin, label.source, label.time > 1.7e9) == (Origin.IMPORTED, "train.jsonl", True)
        assert store.label("anna", second) == ours["anna", Scope.ALL, second]
        store.undo()
        apply(store, replacing, "train.jsonl")
        assert store.label("anna", second) is None
        store.undo()
        assert store.labels("anna") == {turn: label for (_, _, turn), label in ours.items()}


def test_removal_is_asked_for_and_told_and_words_are_remembered(
    corpus: Corpus, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "train.csv"
    path.write_text("Emotion,Dialogue_ID,Utterance_ID\nhappy,0,0\nanger,0,1\n")
    command = ["import", str(corpus.root), str(path), "--layer", "anna"]
    assert main([*command, "--words", "happy=joy"]) == 0
    path.write_text("Emotion,Dialogue_ID,Utterance_ID\nhappy,0,0\n")
    assert main(command) == 0
    assert told(capsys).splitlines()[-1] == "0 new, 0 changed, 1 the same, 0 not placed"
    assert main([*command, "--replace", "--dry-run"]) == 0
    assert told(capsys).splitlines()[0] == "would remove: anna: train/dia0_utt1: anger"
    assert main([*command, "--replace"]) == 0
    with Store.open(store_path(corpus), corpus) as store:
        assert [str(turn) for turn in store.labels("anna")] == ["train/dia0_utt0"]
    assert main([*command, "--words", "happy=bliss"]) == 1
    assert "happy=bliss: 'bliss' is not an emotion of meld" in capsys.readouterr().err
