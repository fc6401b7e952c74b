"""Prediction records on disk: JSONL, CSV and Parquet, and the embeddings beside them."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from telme_model.analysis.evaluation import score_records, turn_key
from telme_model.analysis.predictions import Predictions, from_records
from telme_model.corpus.dialogue import Split, Turn
from telme_model.corpus.emotions import label_set
from telme_model.files import as_cell, lines_of, write_whole
from telme_model.runs.folder import RunError, RunFolder, check_outside
from telme_model.runs.names import run_name
from telme_model.runs.record_check import check_record

Record = dict[str, Any]


def jsonl_lines(records: Iterable[Record]) -> Iterator[str]:
    """One record a line."""
    for record in records:
        yield json.dumps(record, ensure_ascii=False) + "\n"


def parse(line: bytes) -> Record:
    """The record of a line. Raises ValueError for anything else."""
    try:
        record = json.loads(line.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(record, dict):
        raise ValueError("it is not an object")
    return record


def read_jsonl(path: Path, check: Callable[[Record], object] = bool) -> list[Record]:
    """The records of a run's file. Raises RunError naming the line that is damaged, or of which `check` says so."""
    records: list[Record] = []
    try:
        for line in lines_of(path, RunError):  # decoded line by line, so that a bad byte is found in its line
            record = parse(line)
            check(record)
            records.append(record)
    except ValueError as error:
        raise RunError(
            f"{path} is damaged in line {len(records) + 1}: {error}; going on with the run (train ... --resume) writes "
            "it anew"
        ) from error
    return records


def flatten(record: Record) -> Record:
    """Nested fields with dots: `teacher.anger`; lists joined by spaces."""

    def walk(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for key, part in value.items():
                yield from walk(f"{prefix}.{key}" if prefix else key, part)
        else:
            yield prefix, " ".join(value) if isinstance(value, list) else value

    return dict(walk("", record))


def write_records(records: Iterable[Record], path: Path) -> None:
    """JSONL, CSV or Parquet, by the file's name, whole. Raises RunError as `check_ending`, and where it cannot."""
    check_ending(path, *_WRITERS)
    write_whole(path, lambda place: _WRITERS[path.suffix](records, place), RunError)


def check_ending(path: Path, *endings: str) -> None:
    """Raise RunError unless the file's name has one of these endings."""
    if path.suffix not in endings:
        *others, last = endings
        raise RunError(f"{path.name} has to end in {', '.join(others)}{' or ' if others else ''}{last}")


def check_place(path: Path, corpus: Path, run: Path) -> None:
    """Raise RunError where a file could not be written, or would lie in the corpus or the run that it tells of."""
    check_outside(path, corpus)
    if path.resolve().is_relative_to(run.resolve()):
        raise RunError(f"{path} lies in the run {run}, which stays as it is: choose a place outside it")
    if path.is_dir():
        raise RunError(f"{path} cannot be written: it is a folder")
    if not path.parent.is_dir():
        raise RunError(f"{path} cannot be written: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise RunError(f"{path} cannot be written: {path.parent} may not be written in; choose another place")


def _write_jsonl(records: Iterable[Record], path: Path) -> None:
    # What is not text in UTF-8 (a folder's name) is written as JSON escapes it.
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(jsonl_lines(records))


def _write_csv(records: Iterable[Record], path: Path) -> None:
    rows = [flatten(record) for record in records]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _columns(rows))
        writer.writeheader()
        writer.writerows({name: as_cell(value) for name, value in row.items()} for row in rows)


def _write_parquet(records: Iterable[Record], path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise RunError("Parquet needs pyarrow: pip install 'telme-studio[parquet]', or write .csv or .jsonl") from None
    rows = [flatten(record) for record in records]
    pyarrow.parquet.write_table(pyarrow.table({c: [row.get(c) for row in rows] for c in _columns(rows)}), path)


def _columns(rows: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


_WRITERS = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
ENDINGS = tuple(_WRITERS)


def run_records(run: Path, split: Split) -> list[Record]:
    """The records a finished run keeps of its own corpus. Raises RunError, naming the line where one is not whole."""
    folder = RunFolder.open(run)
    path = folder.path / "predictions" / f"{split}.jsonl"
    if not path.is_file():
        if "imported" in folder.facts:
            raise RunError(f"{run} was imported, and has no predictions of its own: make some with predict")
        raise RunError(f"{run} has no predictions for {split}: it is not trained to its end, or has no such split")
    labels = frozenset(label_set(folder.facts["corpus"]["labels"]).labels)
    seen = set()

    def check(record: Record) -> None:
        check_record(record, labels)
        if record["split"] != split:
            raise ValueError(f"it is of {record['split']}")
        if (key := turn_key(record)) in seen:
            raise ValueError("it repeats a turn")
        seen.add(key)

    records = read_jsonl(path, check)
    if not records:
        raise RunError(f"{path} is empty; going on with the run (train ... --resume) writes it anew")
    return records


def run_predictions(folder: RunFolder, records: Sequence[Record]) -> Predictions:
    """Records of a run as columns, under its present name; where its config cannot be read, they tell its models."""
    labels = label_set(folder.facts["corpus"]["labels"]).labels
    models = None
    with suppress(RunError):
        models = folder.config.models
    return replace(from_records(records, labels, models), run=run_name(folder.path))


def with_gold(records: Iterable[Record], turns: Iterable[Turn]) -> list[Record]:
    """The records with the turns' gold in place of their own."""
    gold = {(str(turn.id.split), turn.id.dialogue, turn.id.utterance): turn.gold for turn in turns}
    return [{**record, "gold": gold.get(turn_key(record))} for record in records]


def score_run(run: Path, split: Split, turns: Iterable[Turn] | None = None) -> dict[str, Any]:
    """Scores by model, plain for JSON, of a finished run's own predictions: on the gold they hold, or the turns'.

    Raises RunError.
    """
    labels = label_set(RunFolder.open(run).facts["corpus"]["labels"]).labels
    records = run_records(run, split)
    if turns is not None:
        records = with_gold(records, turns)
    return {model: scores.to_dict() for model, scores in score_records(records, labels).items()}
