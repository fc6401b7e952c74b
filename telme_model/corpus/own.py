"""Any table as a corpus: its columns are known by their names, or were told (`reading.py`); a row is a turn."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from telme_model.corpus.assembly import NO_LABEL, corpus_of, dialogues_of
from telme_model.corpus.clips import split_in, split_named
from telme_model.corpus.dialogue import Corpus, CorpusError, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import LabelSet, labels_for
from telme_model.corpus.folder import Folder
from telme_model.corpus.own_media import OwnMedia
from telme_model.corpus.reading import FIELDS, Reading, guessed
from telme_model.corpus.sheets import SHEETS
from telme_model.corpus.tables import Row, TableReport, any_seconds, plain_id, read_header, read_rows, whole_number

KIND = "table"
TABLES = (".csv", ".tsv", ".tab", *SHEETS)

_REMEDY = "save it again with the program that made it"
_LONGEST_NAME = 80  # letters of a dialogue's


@dataclass(frozen=True, slots=True)
class TurnsFile:
    """A table of a corpus: `columns` by field, and the split that its name or folder tells."""

    path: Path
    columns: dict[str, str]
    split: Split | None

    def value(self, values: Row, name: str) -> str:
        """What a row has of a field; "" where it has nothing."""
        parts = (values.get(column, "") for column in self.columns.get(name, "").split("+"))
        return "-".join(filter(None, map(plain_id, parts)))


@dataclass(slots=True)
class _Rows:
    """The rows of one dialogue, and whether each has a number of its own."""

    rows: list[tuple[int, Row]] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)


def tables_in(folder: Folder, reading: Reading) -> list[TurnsFile]:
    """The tables of turns nearest to the root: those in which the words are known."""
    found: list[TurnsFile] = []
    for path in table_files(folder):
        if found and folder.depth(path) > folder.depth(found[0].path):
            break
        columns = columns_of(header_of(path), reading)
        if "text" in columns:
            parts = path.relative_to(folder.root).with_suffix("").parts
            found.append(TurnsFile(path, columns, split_in(parts)))
    return found


def one_table(path: Path, reading: Reading) -> list[TurnsFile]:
    """The table at this place alone. Raises CorpusError where its words are not known."""
    header = header_of(path)
    columns = columns_of(header, reading)
    if header and "text" not in columns:
        raise unknown_columns(path, header, reading)
    return [TurnsFile(path, {"text": "", **columns}, split_in([path.stem]))]


def header_of(path: Path) -> list[str]:
    """The names of a table's columns, none where it cannot be read."""
    return read_header(TableReport(path))


def unknown_columns(path: Path, header: Sequence[str], reading: Reading) -> CorpusError:
    """That the words of a table are not known: its columns, and how to say which they are in."""
    named = reading.columns.get("text")
    what = f"no column '{named}'" if named else "no column that is known to hold the words of the turns"
    shown = ", ".join(header)[:200]
    error = CorpusError(
        f"{path.name} has {what}: its columns are {shown}. Say which is which, as in --columns text=Said,speaker=Who "
        f"(fields: {', '.join(FIELDS)})."
    )
    error.table = path
    return error


def table_files(folder: Folder) -> Iterator[Path]:
    """Every file that may be a table, nearest to the root first."""
    for path, _ in folder.matching(re.compile(r"[^.~].*")):
        if path.suffix.lower() in TABLES:
            yield path


def columns_of(header: Sequence[str], reading: Reading) -> dict[str, str]:
    """Columns by field in a table with this header: as told, else as their names tell."""
    told = {name: column for name, column in reading.columns.items() if _all_in(column, header)}
    free = [column for column in header if not any(column in told_one.split("+") for told_one in told.values())]
    chosen = {name: column for name, column in guessed(free).items() if name not in reading.columns} | told
    return {name: column for name, column in chosen.items() if column}


def _all_in(column: str, header: Sequence[str]) -> bool:
    return not column or all(part in header for part in column.split("+"))


def read(folder: Folder, reading: Reading, tables: Sequence[TurnsFile]) -> Corpus:
    """The corpus of these tables. Raises CorpusError when no turn can be read, or no label can be an emotion."""
    problems: list[Problem] = []
    tables = _told_apart(folder, tables, problems)
    _check_told(reading, tables)
    media = OwnMedia(folder)
    dialogues: list[Dialogue] = []
    names: dict[tuple[Split, str], str] = {}
    for table in tables:
        report = TableReport(table.path, remedy=_REMEDY)
        dialogues += _dialogues(table, reading, media, report, names)
        problems += report.problems
        problems.append(_columns_note(table))
        if reading.emotions and "emotion" not in table.columns:
            reason = f"No column of {table.path.name} is known to hold the labels: name it, --columns emotion=COLUMN."
            problems.append(Problem(severity=Severity.WARNING, code="no-labels", file=table.path, reason=reason))
    labels = _labels(tables, dialogues)
    _tell_splits(folder, dialogues, problems)
    dialogues.sort(key=lambda dialogue: list(Split).index(dialogue.split))
    return media.with_clips(corpus_of(folder, KIND, labels, dialogues, problems))


def _told_apart(folder: Folder, tables: Sequence[TurnsFile], problems: list[Problem]) -> list[TurnsFile]:
    """The tables that count: where some tell their split by name, one that tells none is of something else."""
    kept = [table for table in tables if table.split is not None or "split" in table.columns]
    for table in tables:
        if kept and table not in kept:
            reason = f"{table.path.relative_to(folder.root)} is ignored: nothing tells its split, as of others."
            problems.append(Problem(severity=Severity.NOTE, code="ignored-file", file=table.path, reason=reason))
    return kept or list(tables)


def _check_told(reading: Reading, tables: Sequence[TurnsFile]) -> None:
    for name, column in reading.columns.items():
        if column and not any(table.columns.get(name) == column for table in tables):
            header = ", ".join(header_of(tables[0].path))[:200]
            error = CorpusError(f"{tables[0].path.name} has no column '{column}' for {name}: its columns are {header}.")
            error.table = tables[0].path
            raise error


def _dialogues(
    table: TurnsFile, reading: Reading, media: OwnMedia, report: TableReport, names: dict[tuple[Split, str], str]
) -> Iterator[Dialogue]:
    groups: dict[tuple[Split, str], _Rows] = {}
    for row, values in read_rows(report):
        raw = table.value(values, "dialogue") if "dialogue" in table.columns else table.path.stem
        if not raw:
            reason = f"Row {row} names no dialogue in column '{table.columns['dialogue']}'. The row is left out."
            report.add(Severity.FATAL, "bad-id", reason, row=row, column=table.columns["dialogue"])
            continue
        split = _split(table, report, row, values)
        group = groups.setdefault((split, _name(split, raw, table, names)), _Rows())
        group.rows.append((row, values))
        group.numbers.append(whole_number(table.value(values, "utterance")))
    turns = [turn for key, group in groups.items() for turn in _turns(table, reading, media, report, key, group)]
    for split in dict.fromkeys(turn.id.split for turn in turns):
        yield from dialogues_of(report, (turn for turn in turns if turn.id.split is split))
    if not turns:
        yield from dialogues_of(report, ())


def _turns(
    table: TurnsFile, reading: Reading, media: OwnMedia, report: TableReport, key: tuple[Split, str], group: _Rows
) -> Iterator[Turn]:
    """The turns of a dialogue; they count in the order of their rows unless each has a number."""
    numbers = [number for number in group.numbers if number is not None]
    if len(numbers) < len(group.rows):
        numbers = list(range(len(group.rows)))
    for number, (row, values) in zip(numbers, group.rows, strict=True):
        identity = TurnId(key[0], key[1], number)
        media.expect(identity, report, row, values, table.columns)
        yield Turn(
            id=identity,
            speaker=table.value(values, "speaker") or "?",
            text=values[table.columns["text"]],
            gold=_emotion(table.value(values, "emotion"), reading),
            sentiment=table.value(values, "sentiment").lower() or None,
            season=whole_number(table.value(values, "season")),
            episode=whole_number(table.value(values, "episode")),
            start=_seconds(table, report, row, values, "start"),
            end=_seconds(table, report, row, values, "end"),
            row=row,
        )


def _split(table: TurnsFile, report: TableReport, row: int, values: Row) -> Split:
    if "split" not in table.columns:
        return table.split or Split.TEST
    text = table.value(values, "split")
    split = split_named(text)
    if split is None:
        column = table.columns["split"]
        reason = f"Row {row} has '{text[:40]}' in column '{column}', none of train, dev and test: it counts as test."
        if not any(problem.code == "unknown-split" for problem in report.problems):  # the first tells of all
            report.add(Severity.WARNING, "unknown-split", reason, row=row, column=column)
    return split or Split.TEST


def _name(split: Split, raw: str, table: TurnsFile, names: dict[tuple[Split, str], str]) -> str:
    """A dialogue's name: what its table calls it, in signs that a file's name can have; no two of a split are alike."""
    plain = re.sub(r"[^\w.-]+", "_", raw)[:_LONGEST_NAME]
    name, number, whose = plain, 2, f"{table.path}\0{raw}"
    while names.setdefault((split, name), whose) != whose:
        name, number = f"{plain}_{number}", number + 1
    return name


def _emotion(text: str, reading: Reading) -> str | None:
    label = reading.emotions.get(text.lower(), text.lower())
    return None if label in NO_LABEL else label


def _seconds(table: TurnsFile, report: TableReport, row: int, values: Row, name: str) -> float | None:
    text = values.get(table.columns.get(name, ""), "")
    seconds = any_seconds(text)
    if text and seconds is None:
        column = table.columns[name]
        reason = f"Row {row} has '{text[:40]}' in column '{column}', no time like 00:16:21.7 or 981.7; it is ignored."
        report.add(Severity.WARNING, "bad-time", reason, row=row, column=column)
    return seconds


def _labels(tables: Sequence[TurnsFile], dialogues: Sequence[Dialogue]) -> LabelSet:
    found = Counter(turn.gold for dialogue in dialogues for turn in dialogue.turns if turn.gold is not None)
    try:
        return labels_for(found)
    except ValueError as error:
        column = next(table.columns["emotion"] for table in tables if "emotion" in table.columns)
        way = "name the column of the emotions (--columns emotion=NAME), or none (--columns emotion=)"
        raise CorpusError(
            f"The column '{column}' of {tables[0].path.name} does not hold emotions: {error}; {way}."
        ) from error


def _columns_note(table: TurnsFile) -> Problem:
    parts = ", ".join(f"{name} from '{table.columns[name]}'" for name in FIELDS if name in table.columns)
    reason = f"{table.path.name} is read with {parts}; --columns says it otherwise."
    return Problem(severity=Severity.NOTE, code="columns", file=table.path, reason=reason)


def _tell_splits(folder: Folder, dialogues: Sequence[Dialogue], problems: list[Problem]) -> None:
    if {dialogue.split for dialogue in dialogues} == {Split.TEST}:
        reason = (
            "Every turn counts as test: it is predicted, and scored where it has a label. To train, name a column of "
            "splits (--columns split=NAME), or keep a table for each (train.csv, dev.csv, test.csv)."
        )
        problems.append(Problem(severity=Severity.NOTE, code="one-split", file=folder.root, reason=reason))
