"""Excel's tables as rows of text, numbers and times as they would stand in a CSV file."""

import datetime
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

SHEETS = (".xlsx", ".xlsm")
_LARGEST_UNPACKED = 2**28  # bytes; every word of a table is held at once
_LARGEST = 2**27  # bytes: a table of a hundred thousand turns has a tenth of that


class SheetError(Exception):
    """A file that is no table of Excel; `code` is that of a Problem, the message a sentence without its name."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, values) of every row that is not empty of the first sheet that has any. Raises SheetError."""
    import openpyxl  # takes a while, and few need it

    try:
        _check_size(path)
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
            for sheet in book.worksheets:
                width = 0  # of the header
                for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                    values = [_text(cell) for cell in cells]
                    while values and not values[-1]:
                        values.pop()
                    if values:
                        width = width or len(values)
                        yield line, values + [""] * (width - len(values))
                if width:
                    return
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}): check that it is a file you may open"
        raise SheetError("unreadable-file", reason) from error
    except Exception as error:
        reason = "is no Excel table that can be read: save it again as .xlsx, or as CSV"
        raise SheetError("not-text", reason) from error
    raise SheetError("empty-file", "is empty: write a row of names into it, and a turn a row")


def _check_size(path: Path) -> None:
    """Raise OSError with a reason for what is no ordinary file, or holds too much."""
    if not path.is_file() and path.exists():
        raise OSError(0, "it is no ordinary file")
    if path.stat().st_size > _LARGEST:
        raise OSError(0, f"it is larger than {_LARGEST >> 20} MB")
    with ZipFile(path) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > _LARGEST_UNPACKED:
        raise OSError(0, f"it unpacks to {size >> 20:,} MB")


def _text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime.datetime():
            return _clock(cell.time())
        case datetime.time():
            return _clock(cell)
        case datetime.timedelta():
            return f"{cell.total_seconds():g}"
        case _:
            return str(cell)


def _clock(time: datetime.time) -> str:
    """`HH:MM:SS.mmm`: what Excel makes of a time it knows."""
    return time.isoformat("milliseconds")
