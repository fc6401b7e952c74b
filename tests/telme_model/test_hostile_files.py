"""Files that want to do harm: of any kind, damaged at random, too large, or no files at all; and what ours keep."""

import csv
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from telme_model.annotations.exchange import Format
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.corpus.reading import Reading, remembered
from telme_model.errors import StudioError
from telme_model.files import FileError, as_cell, from_cell, read_bytes
from telme_model.runs.config import read_config
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.history import History, event_from_json
from telme_model.runs.records import read_jsonl, write_records
from telme_model.runs.weights import find_weights
from telme_model.training.released import read_state
from tests.benchmarks.fuzz import try_one
from tests.support.corpora import rows, write_annotations, write_corpus
from tests.support.exchange import take, write
from tests.support.hostile import FOLDERS, Bench
from tests.support.runs import copied_run

INPUTS = 2  # of each kind that needs no network
QUICK = ("table", "exchange", "settings", "readings", "queue", "store", "cache", "checkpoint", "clip")
FORMULAS = ("=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "'=1", "''-1", "'")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good files of every kind but trained runs."""
    folder = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        for name in FOLDERS:
            patch.setenv(f"TELME_{name}", "")
        Bench(folder).make(trained=False)
    return folder


def test_damage_of_any_kind_is_told_or_survived(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeded part of what tests/benchmarks/fuzz.py tries."""
    for name in FOLDERS:
        monkeypatch.setenv(f"TELME_{name}", "")
    faults = [
        f"{name} {number}: {kind}\n{trace}"
        for name, target in Bench(good).targets(trained=False).items()
        if name.startswith(QUICK)
        for number in range(INPUTS)
        for kind, trace in try_one(target, name, number, seed=1)
    ]
    assert not faults


def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(FileError, match="is no ordinary file"):
            read_bytes(path, 100)
    (tmp_path / "large").write_bytes(b"x" * 101)
    with pytest.raises(FileError, match="and such files are read up to"):
        read_bytes(tmp_path / "large", 100)
    assert read_bytes(tmp_path / "large", 101) == b"x" * 101


def test_a_table_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    for split in Split:
        write_annotations(tmp_path, split, list(rows(split)))
    table = tmp_path / "test_sent_emo.csv"
    os.truncate(table, 3 << 30)  # a hole: the file takes no room
    problems = open_corpus(tmp_path).problems
    assert any(p.code == "unreadable-file" and "it is larger than 128 MB" in p.reason for p in problems)


RECORDS: dict[str, Callable[[dict], object]] = {
    "a text for an epoch": lambda tree: tree["stages"]["teacher"].update(best_epoch="last"),
    "a list for a stage": lambda tree: tree["stages"].update(fusion=[]),
    "a number for a date": lambda tree: tree.update(created=5),
    "true for what was left out": lambda tree: tree.update(over_long=True),
    "half of what was left out": lambda tree: tree.update(excluded=[{"turn": "x"}]),
    "a number without end": lambda tree: tree["corpus"]["turns"].update(dev=10**400),
}


@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS)
def test_a_value_of_another_type_is_named(tmp_path: Path, change: Callable[[dict], object]) -> None:
    with pytest.raises(RunError, match=r"run.json is damaged: its \w+"):
        RunFolder.open(copied_run(tmp_path, "run", change))


@pytest.mark.parametrize(
    ("name", "value"),
    [("losses", []), ("losses", {"total": "x"}), ("step", "3"), ("step", 10**400), ("epoch", True), ("time", 10**400),
     ("time", float("nan")), ("phase", "cooking"), ("phase", []), ("learning_rate", None), ("event", [])],
)  # fmt: skip
def test_a_line_of_the_log_that_is_no_event_is_left_out(name: str, value: object) -> None:
    line = {"event": "StepDone", "time": 1.0, "phase": "teacher", "epoch": 1, "step": 1, "steps": 2,
            "losses": {"total": 1.0}, "learning_rate": 0.1, "turns_per_second": 3}  # fmt: skip
    assert event_from_json(line)
    assert event_from_json({**line, name: value}) is None


def test_cells_are_text_for_spreadsheets_and_come_back(tmp_path: Path) -> None:
    table = [dict(row) for row in rows(Split.TEST)]
    for row, formula in zip(table, FORMULAS):
        row["Utterance"], row["Speaker"] = f"{formula}x", f"{formula}y"
    root = tmp_path / "corpus"
    write_corpus(root, clips=False)
    write_annotations(root, Split.TEST, table)
    corpus = open_corpus(root)
    labels = {
        (Scope.ALL, turn.id): Label(emotion="joy", comment=formula)
        for turn, formula in zip(corpus.turns(Split.TEST), FORMULAS)
    }
    write(Format.MELD, tmp_path / "out", corpus, {"=anna": labels})
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.csv")]
    cells = [cell for text in texts for row in csv.reader(text.splitlines()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    back = take(list((tmp_path / "out").glob("*.csv")), corpus)
    assert {key: label.comment for key, label in back.placed["=anna"].items()} == {
        key: label.comment for key, label in labels.items()
    }
    assert all(from_cell(str(as_cell(text))) == text for text in FORMULAS)
    write_records([{"text": "=1", "value": -1.5}], tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[1] == "'=1,-1.5"


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_labels_are_their_owners_alone(tmp_path: Path) -> None:
    corpus: Corpus = open_corpus(write_corpus(tmp_path / "corpus", clips=False))
    path = store_path(corpus)
    before = os.umask(0)
    try:
        with Store.open(path, corpus) as store:
            store.add_layer("anna")
            made = [*path.parent.glob("*.sqlite*"), store.back_up()]
            assert len(made) >= 3
            assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in made)
        path.chmod(0o644)  # as earlier versions left it
        with Store.open(path, corpus):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for read in (read_state, read_config, History.read, read_jsonl):
        with pytest.raises(StudioError, match="is no ordinary file"):
            read(pipe)
    for name in ("config.json", "note.txt", "model.safetensors"):
        os.mkfifo(tmp_path / name)
    assert "no readable config.json" in find_weights(str(tmp_path), Modality.AUDIO).lacking
    assert RunFolder(tmp_path).note == ""
    monkeypatch.setattr("telme_model.corpus.reading._place", lambda _root: pipe)
    assert remembered(tmp_path) == Reading()
