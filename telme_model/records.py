"""Prediction records on disk: JSONL, CSV and Parquet, and the embeddings beside them."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from telme_model.analysis.evaluation import score_records, turn_key
from telme_model.checkpoints import RunError, RunFolder
from telme_model.corpus.dialogue import Split, Turn
from telme_model.emotions import LABEL_SETS

Record = dict[str, Any]


def jsonl_lines(records: Iterable[Record]) -> Iterator[str]:
    """One record a line."""
    for record in records:
        yield json.dumps(record, ensure_ascii=False) + "\n"


def read_jsonl(path: Path) -> list[Record]:
    """The records of a file. Raises RunError naming the line that is damaged."""
    records = []
    try:
        with path.open("rb") as file:  # decoded line by line, so that a bad byte is found in its line
            for line in file:
                record = json.loads(line.decode("utf-8"))
                if not isinstance(record, dict):
                    raise ValueError("not an object")
                records.append(record)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged in line {len(records) + 1}: {error}") from error
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


def write_table(records: Iterable[Record], path: Path) -> None:
    """CSV or Parquet, by the file's name. Raises RunError when Parquet's library is not installed."""
    rows = [flatten(record) for record in records]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if path.suffix == ".parquet":
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise RunError(
                "Parquet needs pyarrow: pip install 'telme-studio[parquet]', or write .csv or .jsonl"
            ) from None
        pyarrow.parquet.write_table(pyarrow.table({c: [row.get(c) for row in rows] for c in columns}), path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def write_records(records: Iterable[Record], path: Path) -> None:
    """JSONL, CSV or Parquet, by the file's name. Raises RunError for another ending and when it cannot be written."""
    check_ending(path)
    try:
        if path.suffix == ".jsonl":
            with path.open("w", encoding="utf-8") as file:
                file.writelines(jsonl_lines(records))
        else:
            write_table(records, path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error


def check_ending(path: Path) -> None:
    """Raise RunError unless `write_records` knows the file's ending."""
    if path.suffix not in (".jsonl", ".csv", ".parquet"):
        raise RunError(f"{path.name} has to end in .jsonl, .csv or .parquet")


def run_records(run: Path, split: Split) -> list[Record]:
    """The records a finished run keeps of its own corpus. Raises RunError."""
    folder = RunFolder.open(run)
    path = folder.path / "predictions" / f"{split}.jsonl"
    if not path.is_file():
        raise RunError(f"{run} has no predictions for {split}: it is not trained to its end, or has no such split")
    records = read_jsonl(path)
    for line, record in enumerate(records, 1):
        for name in ("split", "dialogue", "utterance", "gold", "fused"):
            if name not in record:
                raise RunError(f"{path} is damaged in line {line}: it has no {name}")
    return records


def with_gold(records: Iterable[Record], turns: Iterable[Turn]) -> list[Record]:
    """The records with the turns' gold in place of their own."""
    gold = {(str(turn.id.split), turn.id.dialogue, turn.id.utterance): turn.gold for turn in turns}
    return [{**record, "gold": gold.get(turn_key(record))} for record in records]


def score_run(run: Path, split: Split, turns: Iterable[Turn] | None = None) -> dict[str, Any]:
    """Scores by model, plain for JSON, of a finished run's own predictions: on the gold they hold, or the turns'.

    Raises RunError.
    """
    labels = LABEL_SETS[RunFolder.open(run).facts["corpus"]["labels"]].labels
    records = run_records(run, split)
    if turns is not None:
        records = with_gold(records, turns)
    return {model: of.to_dict() for model, of in score_records(records, labels).items()}
