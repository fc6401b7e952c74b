"""Annotation tables as people have them: CSV files in any encoding, read row by row without giving up on a bad one."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice
from pathlib import Path

from telme_model.corpus.dialogue import Problem, Severity, TurnId
from telme_model.corpus.sheets import SHEETS, SheetError, sheet_rows
from telme_model.files import reason as reason_of

Row = dict[str, str]  # stripped values by column name
AS_IT_STANDS = "\0"  # before the name of a column: its value unrepaired, where that is another

_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[,.](\d{1,6}))?", re.ASCII)
_SECONDS = re.compile(r"(\d{1,7})(?:[.,](\d{1,9}))?", re.ASCII)
_NUMBER = re.compile(r"(\d{1,9})(?:[.,]0{1,9})?", re.ASCII)  # a spreadsheet, or pandas, writes 1.0 or 1,0
_SEPARATORS = ";\t|"  # of spreadsheets in other languages
_NAMED_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
_LARGEST = 2**27  # bytes, which take some seven times as much memory: a hundred times MELD's largest table
_BINARY_SHARE = 0.05  # of control characters in the first kilobyte, above which a file is no text

# Windows-1252 decoded as Latin-1 leaves its punctuation as C1 control characters; five of the 32 stand for nothing.
_C1_REPAIR = {
    code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_C1 = re.compile("[" + "".join(map(chr, _C1_REPAIR)) + "]")


@dataclass(slots=True)
class TableReport:
    """The problems found while one file is read."""

    file: Path
    problems: list[Problem] = field(default_factory=list)
    remedy: str = "restore it from the corpus's download"  # where the whole file is of no use

    def add(
        self,
        severity: Severity,
        code: str,
        reason: str,
        *,
        row: int | None = None,
        column: str | None = None,
        turn: TurnId | None = None,
    ) -> None:
        """Record one problem of this file."""
        self.problems.append(
            Problem(severity=severity, code=code, file=self.file, reason=reason, row=row, column=column, turn=turn)
        )


def read_table(report: TableReport, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, Row]]:
    """Rows of the CSV file `report.file` with the line each starts on (1 = header); bad ones go to `report`.

    Without one of the `required` columns there are no rows; a missing `optional` column is a warning, and its values
    are empty. Columns named in neither are passed through. Values are repaired as `read_text` does it; one that was
    damaged also comes as it stands in the file, under `AS_IT_STANDS` and its column's name.
    """
    records = _read_records(report)
    first = next(records, None)
    if first is None:
        return
    _, header, broken = first
    columns = [name.translate(_C1_REPAIR).strip() for name in header]
    if broken or not _has_columns(report, columns, required, optional):
        if broken:
            report.add(Severity.FATAL, "malformed-csv", f"The header is malformed: {broken}.", row=1)
        return
    blank = dict.fromkeys(optional, "")
    for line, values, broken in records:
        if broken:
            column = columns[min(len(values), len(columns) - 1)]
            reason = f"Row {line} is malformed in column '{column}': {broken}. The row is left out."
            report.add(Severity.FATAL, "malformed-csv", reason, row=line, column=column)
        elif any(values) and _fits(report, line, columns, values):
            named = list(zip(columns, values, strict=False))
            standing = {f"{AS_IT_STANDS}{name}": value.strip() for name, value in named if _C1.search(value)}
            yield line, blank | {name: value.translate(_C1_REPAIR).strip() for name, value in named} | standing


def read_header(report: TableReport) -> list[str]:
    """The names of a table's columns, none where it cannot be read."""
    first = next(_read_records(report), None)
    return [] if first is None or first[2] else [name.translate(_C1_REPAIR).strip() for name in first[1]]


def read_rows(report: TableReport) -> Iterator[tuple[int, Row]]:
    """As `read_table`, of a table of which any column may be wanted."""
    return read_table(report, ())


def _read_records(report: TableReport) -> Iterator[tuple[int, list[str], str]]:
    """(line, values, fault) of the header and every row of a table."""
    if report.file.suffix.lower() in SHEETS:
        try:
            for line, values in sheet_rows(report.file):
                yield line, values, ""
        except SheetError as error:
            report.add(Severity.FATAL, error.code, f"{report.file.name} {error}.")
    elif text := read_text(report, repair=False):
        lines = list(StringIO(text, newline=""))
        named = _NAMED_SEPARATOR.fullmatch(lines[0].rstrip("\r\n"))  # Excel's own way to say it
        first = next((line for line in lines[bool(named) :] if line.strip()), "")
        records = _records(lines, named[1] if named else separator(first))
        begun = False  # blank lines before the header are none
        for record in records:
            begun = begun or (bool(record[2] or any(record[1])) and not (named and record[0] == 1))
            if begun:
                yield record


def read_text(report: TableReport, *, repair: bool = True) -> str | None:
    """The text of `report.file`, None where it has none: UTF-8 (with or without mark), UTF-16 with one, Windows-1252.

    Windows-1252 punctuation that an earlier program turned into the control characters U+0080-9F is told and, unless
    whoever calls does that, repaired.
    """
    name = report.file.name
    try:
        if not report.file.is_file() and report.file.exists():  # a pipe would keep one waiting for ever
            raise OSError(0, "it is no ordinary file")
        if report.file.stat().st_size > _LARGEST:
            raise OSError(0, f"it is larger than {_LARGEST >> 20} MB")
        data = report.file.read_bytes()
    except (OSError, ValueError) as error:  # a name that no file can have is the latter
        reason = f"{name} cannot be read ({reason_of(error)}): check that it is a file you may open."
        report.add(Severity.FATAL, "unreadable-file", reason)
        return None
    text = _decoded(report, data)
    if text is not None and not text.strip():
        report.add(Severity.FATAL, "empty-file", f"{name} is empty: {report.remedy}.")
        return None
    if text is None or _looks_binary(text[:1024]):
        reason = f"{name} is not a text file (it holds binary data): {report.remedy}."
        report.add(Severity.FATAL, "not-text", reason)
        return None
    if damage := len(_C1.findall(text)):
        reason = f"{name} has {damage} characters damaged by a wrong encoding (U+0080-9F): read as Windows-1252."
        report.add(Severity.NOTE, "encoding-repaired", reason)
        text = text.translate(_C1_REPAIR) if repair else text
    return text


def separator(header: str) -> str:
    """What parts the columns of a table with this first line: the sign that occurs most outside quotation marks."""
    bare = re.sub(r'"[^"]*"', "", header)
    counts = {sign: bare.count(sign) for sign in (",", *_SEPARATORS)}
    most: str = max(counts, key=counts.__getitem__)  # the first of equals: a single column has a comma
    return most


def clock_seconds(text: str) -> float | None:
    """Seconds of `H:MM:SS,mmm` or `HH:MM:SS.mmm`, None for anything else.

    The digits after the mark are a decimal fraction, however many there are: three of MELD's times have two.
    """
    match = _CLOCK.fullmatch(text)
    if match is None or int(match[2]) > 59 or int(match[3]) > 59:
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + float(f"0.{match[4] or 0}")


def plain_seconds(text: str) -> float | None:
    """Seconds of a plain decimal number, with point or comma; None for anything else, negative and NaN included."""
    match = _SECONDS.fullmatch(text)
    return float(f"{match[1]}.{match[2] or 0}") if match else None


def any_seconds(text: str) -> float | None:
    """Seconds of a time of day, of minutes and seconds (`1:02.5`), or of a plain number; None for anything else."""
    clock = f"0:{text}" if text.count(":") == 1 else text
    return clock_seconds(clock) if ":" in text else plain_seconds(text)


def whole_number(text: str) -> int | None:
    """A whole number in plain digits, `1.0` included, None for anything else (int() would take '1_0' and '-1')."""
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def plain_id(text: str) -> str:
    """A name or number that identifies something: `1.0` is 1, anything else stays as it is."""
    match = _NUMBER.fullmatch(text)
    return str(int(match[1])) if match and match[1] != text else text


def _decoded(report: TableReport, data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        text = data.decode("latin-1")
        if not _looks_binary(text[:1024]):
            reason = f"{report.file.name} is not UTF-8 (first in row {row}): read as Windows-1252."
            report.add(Severity.NOTE, "encoding", reason, row=row)
        return text.translate(_C1_REPAIR)


def _looks_binary(head: str) -> bool:
    controls = sum(character < " " and character not in "\t\r\n" for character in head)
    return controls > len(head) * _BINARY_SHARE


def _records(lines: list[str], mark: str) -> Iterator[tuple[int, list[str], str]]:
    """(line, values, fault) for every record; after a malformed one, reading resumes on the line after its first."""
    start = 0
    while start < len(lines):
        reader = csv.reader(islice(lines, start, None), delimiter=mark, strict=True)
        first = start
        try:
            for values in reader:
                yield first + 1, values, ""
                first = start + reader.line_num
            return
        except csv.Error:
            yield first + 1, *_fault(lines[first], mark)
            start = first + 1


def _fault(line: str, mark: str) -> tuple[list[str], str]:
    """The values before the one that breaks the record beginning with `line`, and what is wrong with that one."""
    values: list[str] = []
    rest = line.rstrip("\r\n")
    longest = csv.field_size_limit()
    end = re.escape(mark)
    while match := re.match(rf'(?:"((?:[^"]|"")*)"|([^"{end}][^{end}]*|))(?:{end}|$)', rest):
        last = match.end() == len(rest) and not rest.endswith(mark)
        if match.end() > longest:
            return values, f"it is longer than {longest:,} characters"
        if last:
            break
        values.append(match[1] or match[2] or "")
        rest = rest[match.end() :]
    if re.match(r'"(?:[^"]|"")*"', rest):
        return values, "something follows its closing quotation mark"
    if rest.startswith('"'):
        return values, "its quotation mark is never closed"
    return values, f"it is longer than {longest:,} characters"


def _has_columns(report: TableReport, columns: list[str], required: Sequence[str], optional: Sequence[str]) -> bool:
    name = report.file.name
    if twice := next((column for column in (*required, *optional) if columns.count(column) > 1), None):
        reason = f"{name} has two columns '{twice}': rename or remove one of them."
        report.add(Severity.FATAL, "duplicate-column", reason, row=1, column=twice)
        return False
    found = ", ".join(columns)[:120]
    for column in required:
        if column not in columns:
            reason = f"{name} has no column '{column}' (its first row reads: {found}); it is not read."
            report.add(Severity.FATAL, "missing-column", reason, row=1, column=column)
    for column in optional:
        if column not in columns:
            reason = f"{name} has no column '{column}'; its rows are read without it."
            report.add(Severity.WARNING, "missing-column", reason, row=1, column=column)
    return all(column in columns for column in required)


def _fits(report: TableReport, line: int, columns: list[str], values: list[str]) -> bool:
    if len(values) < len(columns):
        column = columns[len(values)]
        reason = f"Row {line} ends before column '{column}' ({len(values)} of {len(columns)} values)"
    elif any(values[len(columns) :]):
        column = columns[-1]
        reason = f"Row {line} has {len(values)} values for {len(columns)} columns; quote values that hold a comma"
    elif any("\0" in value for value in values):
        column = next(name for name, value in zip(columns, values, strict=False) if "\0" in value)
        reason = f"Row {line} has a NUL byte in column '{column}'"
    else:
        return True
    report.add(Severity.FATAL, "bad-row", f"{reason}. The row is left out.", row=line, column=column)
    return False
