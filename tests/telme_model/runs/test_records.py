"""Prediction records survive their files, and a damaged file names its line."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.corpus.dialogue import Split
from telme_model.runs.folder import RunError
from telme_model.runs.records import (
    ENDINGS,
    Record,
    check_ending,
    flatten,
    jsonl_lines,
    read_jsonl,
    run_records,
    score_run,
    write_records,
)
from tests.support.runs import ToyRun

NAMES = st.text(st.characters(exclude_characters=".", exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.one_of(st.none(), st.text(max_size=20),
                   st.integers(), st.floats(allow_nan=False, allow_infinity=False))  # fmt: skip
RECORDS = st.dictionaries(NAMES, st.one_of(VALUES, st.dictionaries(NAMES, VALUES, min_size=1, max_size=3)), max_size=5)


@given(st.lists(RECORDS, max_size=4))
def test_jsonl_gives_back_what_it_was_given(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.jsonl"
    write_records(records, path)
    assert read_jsonl(path) == records


@given(RECORDS)
def test_flattening_joins_names_with_dots_and_loses_nothing(record: Record) -> None:
    flat = flatten(record)
    rebuilt: Record = {}
    for name, value in flat.items():
        head, dot, tail = name.partition(".")
        if dot:
            rebuilt.setdefault(head, {})[tail] = value
        else:
            rebuilt[name] = value
    assert rebuilt == record


def test_flat_fields_are_named_as_the_window_and_the_readme_name_them(toy_run: ToyRun) -> None:
    record = run_records(toy_run.path, Split.TEST)[5]
    flat = flatten(record)
    assert flat["teacher.anger"] == record["teacher"]["anger"]
    assert flat["displacement.lambda"] == record["displacement"]["lambda"]
    assert flat["shapley.visual.joy"] == record["shapley"]["visual"]["joy"]
    assert flatten({"missing": ["audio", "visual"]}) == {"missing": "audio visual"}
    assert not any(isinstance(value, dict | list) for value in flat.values())


def test_a_csv_holds_every_record_under_one_header(toy_run: ToyRun, tmp_path: Path) -> None:
    records = run_records(toy_run.path, Split.TEST)
    write_records(records, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        flat = flatten(record)
        assert all(row[name] == ("" if value is None else str(value)) for name, value in flat.items())
        assert all(row[name] == "" for name in set(row) - set(flat))
    silent = next(row for row, record in zip(rows, records, strict=True) if record["audio"] is None)
    assert silent["audio.joy"] == ""


def test_parquet_without_its_library_says_what_to_install(
    toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RunError, match=r"Parquet needs pyarrow: pip install 'telme-studio\[parquet\]', or write .csv"):
        write_records(run_records(toy_run.path, Split.TEST), tmp_path / "p.parquet")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_finished_leaves_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_records([{"a": 1}], path)
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_records([{"a": 2}, {"a": object()}], path)
    assert read_jsonl(path) == [{"a": 1}]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow, an optional extra, is not installed")
def test_parquet_holds_the_flat_records(toy_run: ToyRun, tmp_path: Path) -> None:
    import pyarrow.parquet

    records = run_records(toy_run.path, Split.TEST)
    write_records(records, tmp_path / "p.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
    for row, record in zip(rows, records, strict=True):
        flat = flatten(record)
        assert {name: row[name] for name in flat} == flat


@pytest.mark.parametrize("name", ["p.txt", "p", "p.json", "p.JSONL"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(RunError, match=rf"{name} has to end in .jsonl, .csv or .parquet"):
        check_ending(Path(name), *ENDINGS)
    with pytest.raises(RunError, match=rf"{name} has to end in .npz$"):
        check_ending(Path(name), ".npz")


@pytest.mark.parametrize("line", ['{"a": 1', "[1, 2]", "nonsense", "\\xff", "[" * 100_000])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n' + line.encode().replace(b"\\xff", b"\xff") + b"\n")
    with pytest.raises(RunError, match=r"p.jsonl is damaged in line 3: "):
        read_jsonl(path)


@pytest.mark.parametrize("field", ["gold", "fused", "dialogue"])
def test_a_record_that_lacks_a_field_is_named(run_copy: Path, field: str) -> None:
    path = run_copy / "predictions" / "test.jsonl"
    records = read_jsonl(path)
    del records[2][field]
    path.write_text("".join(jsonl_lines(records)), encoding="utf-8")
    with pytest.raises(RunError, match=rf"test.jsonl is damaged in line 3: it has no {field}; going on with the run"):
        score_run(run_copy, Split.TEST)


def test_a_missing_file_and_a_missing_split_say_so(toy_run: ToyRun, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone.jsonl cannot be read: No such file"):
        read_jsonl(tmp_path / "gone.jsonl")
    with pytest.raises(RunError, match=r"has no predictions for train: it is not trained to its end, or has no such"):
        run_records(toy_run.path, Split.TRAIN)


def test_scores_are_those_the_run_wrote(toy_run: ToyRun) -> None:
    written = json.loads((toy_run.path / "scores.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(score_run(toy_run.path, Split.TEST))) == written["test"]
