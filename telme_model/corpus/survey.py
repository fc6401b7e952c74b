"""What a table holds before anybody has said what its columns are, and what they would make of its first rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from telme_model.corpus.assembly import NO_LABEL
from telme_model.corpus.dialogue import CorpusError
from telme_model.corpus.emotions import labels_for
from telme_model.corpus.folder import look_into
from telme_model.corpus.own import TABLES, TurnsFile, columns_of, table_files
from telme_model.corpus.reading import Reading
from telme_model.corpus.tables import Row, TableReport, plain_id, read_header, read_rows
from telme_model.paths import as_written

_ROWS = 12  # shown
_MOST_LABELS = 40  # different values of a column; one with more holds no labels


@dataclass(frozen=True, slots=True)
class Survey:
    """The first table of a corpus: its columns, its first rows, and the different values of columns that have few."""

    root: Path
    table: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a reading makes of a survey.

    `turns` are dialogue, speaker, words and emotion of the first rows; `labels` are emotions, "" for none, by the
    table's names. `fault` is what stands in the way, in a sentence.
    """

    columns: Mapping[str, str]
    turns: tuple[tuple[str, str, str, str], ...]
    labels: Mapping[str, str]
    fault: str


def survey(root: Path, reading: Reading) -> Survey:
    """Look at a folder's nearest table of turns, as far as the reading tells, or at the table that `root` is.

    Raises CorpusError where there is no table.
    """
    root = as_written(root)
    alone = root.suffix.lower() in TABLES and root.is_file()
    headers = {table: _header(table) for table in ([root.absolute()] if alone else table_files(look_into(root)))}
    tables = [table for table, header in headers.items() if header]
    if not tables:
        kinds = "a .csv, .tsv or .xlsx whose first row has the names of its columns"
        raise CorpusError(f"There is no table of turns in '{root}': one is {kinds}.")
    table = min(tables, key=lambda table: "text" not in columns_of(headers[table], reading))
    header = headers[table]
    rows: list[Row] = []
    values: dict[str, dict[str, None]] = {name: {} for name in header}
    for _, row in read_rows(TableReport(table)):
        if len(rows) < _ROWS:
            rows.append(row)
        for name, found in values.items():
            if len(found) <= _MOST_LABELS:
                found[plain_id(row[name]).lower()] = None
    few = {name: tuple(found) for name, found in values.items() if len(found) <= _MOST_LABELS}
    return Survey(root, table, header, tuple(rows), few)


def _header(table: Path) -> tuple[str, ...]:
    return tuple(name for name in read_header(TableReport(table)) if name)


def sketch(found: Survey, reading: Reading) -> Sketch:
    """What the reading makes of the table's first rows."""
    columns = columns_of(found.header, reading)
    table = TurnsFile(found.table, columns, None)
    names = found.values.get(columns.get("emotion", ""), ())
    labels = {name: _emotion(name, reading) for name in names if name not in NO_LABEL}
    turns = tuple(
        (
            table.value(row, "dialogue") or found.table.stem,
            table.value(row, "speaker") or "?",
            row.get(columns.get("text", ""), ""),
            _emotion(table.value(row, "emotion").lower(), reading),
        )
        for row in found.rows
    )
    return Sketch(columns, turns, labels, _fault(found, columns, labels))


def _emotion(name: str, reading: Reading) -> str:
    label = reading.emotions.get(name, name)
    return "" if label in NO_LABEL else label


def _fault(found: Survey, columns: Mapping[str, str], labels: Mapping[str, str]) -> str:
    if "text" not in columns:
        return "Which column holds the words of the turns? Choose it."
    if not found.rows:
        return f"{found.table.name} has no rows: there is nothing to open."
    if columns.get("emotion", "") and columns["emotion"] not in found.values:
        return f"“{columns['emotion']}” has more than {_MOST_LABELS} different values: it holds no emotions."
    try:
        labels_for(label for label in labels.values() if label)
    except ValueError as error:
        return f"These cannot be emotions: {error}."
    return ""
