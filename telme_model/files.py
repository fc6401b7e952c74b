"""Files that are whole or as they were before, whatever happens while they are written; and what the system refuses."""

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG

from telme_model.errors import MemoryFullError, StudioError

LONGEST_LINE = 16 << 20  # bytes
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_LEFT = 3600.0  # seconds after which a temporary file is nobody's
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class FileError(StudioError):
    """A file or folder that the operating system refuses; the message names it."""


class DiskFullError(FileError):
    """A disk, or a quota on it, that takes no more."""

    title = "The disk is full"
    remedy = "Make room there, and do it again."


def write_whole(
    path: Path, write: Callable[[Path], object], kind: type[StudioError] = FileError, remedy: str = ""
) -> None:
    """Have `write` make the file beside its place, then put it there. Raises as `refusals`, and what `write` does."""
    scratch = path.with_name(f".{path.name}.new")
    with refusals(path, "written", kind, remedy):
        try:
            write(scratch)
            with scratch.open("rb+") as file:
                os.fsync(file.fileno())
            scratch.replace(path)
            sync_folder(path.parent)
        finally:
            scratch.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """See to it that a name that was given or taken there outlives a power cut, where a system can."""
    if os.name != "nt":
        with suppress(OSError):  # a disk that cannot; what is in the file is safe
            number = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


def clear_leftovers(folder: Path, *patterns: str) -> None:
    """Remove what a kill has left of files that were being written, an hour after: nobody is at them any more."""
    for pattern in patterns:
        for rest in folder.glob(pattern):
            with suppress(OSError):
                if time.time() - rest.lstat().st_mtime < _LEFT:
                    continue
                if rest.is_dir() and not rest.is_symlink():
                    shutil.rmtree(rest, ignore_errors=True)
                else:
                    rest.unlink()


def read_bytes(path: Path, largest: int, kind: type[StudioError] = FileError, what: str = "") -> bytes:
    """What a file holds: an ordinary one of no more than so many bytes, and never a pipe or a device.

    Raises `kind`, whose sentence names the file; `what` says there what it should be.
    """
    check_ordinary(path, largest, kind, what)
    with refusals(path, "read", kind), path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:  # it has grown, or says nothing of its size
        raise _too_large(path, len(data), largest, kind, what)
    return data


def read_text(path: Path, largest: int, kind: type[StudioError] = FileError) -> str:
    """The same as text in UTF-8."""
    try:
        return read_bytes(path, largest, kind).decode("utf-8")
    except UnicodeDecodeError as error:
        raise kind(f"{path} is not a text file in UTF-8") from error


def lines_of(path: Path, kind: type[StudioError] = FileError) -> Iterator[bytes]:
    """The lines of an ordinary file of any size; one without end comes in pieces of `LONGEST_LINE`. Raises `kind`."""
    check_ordinary(path, 1 << 62, kind)
    with refusals(path, "read", kind), path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            yield line


def check_ordinary(path: Path, largest: int, kind: type[StudioError] = FileError, what: str = "") -> None:
    """Raise `kind` unless an ordinary file of no more than so many bytes lies there."""
    with refusals(path, "read", kind):
        status = path.stat()
    if not S_ISREG(status.st_mode):
        raise kind(f"{path} is no ordinary file")
    if status.st_size > largest:
        raise _too_large(path, status.st_size, largest, kind, what)


def _too_large(path: Path, size: int, largest: int, kind: type[StudioError], what: str) -> StudioError:
    most, of = largest / 2**20, what or "such files are"
    return kind(f"{path} has {size / 2**20:,.1f} MiB, and {of} read up to {most:,.0f}: is it one?")


def as_cell(value: object) -> object:
    """What stands in a table that people open: a text that a spreadsheet would reckon with has an ' before it."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def from_cell(text: str) -> str:
    """The text that `as_cell` wrote."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


@contextmanager
def refusals(
    path: Path, what: str = "written", kind: type[StudioError] = FileError, remedy: str = ""
) -> Iterator[None]:
    """Make of what the operating system refuses a sentence, "... cannot be written: Permission denied".

    Raises `kind` with that and `remedy`; DiskFullError where there is no room.
    """
    try:
        yield
    except OSError as error:
        raise refusal(error, path, what, kind, remedy) from error


def refusal(
    error: OSError, path: Path, what: str = "written", kind: type[StudioError] = FileError, remedy: str = ""
) -> StudioError:
    """The sentence that `refusals` raises."""
    sentence = f"{path} cannot be {what}: {reason(error)}"
    return DiskFullError(sentence) if is_full(error) else kind(sentence, remedy)


def refused(error: OSError | MemoryError) -> StudioError:
    """A refusal that nobody nearer has put into a sentence: for those at the outermost edge, who show it."""
    if isinstance(error, MemoryError):
        return MemoryFullError()
    place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    kind = DiskFullError if is_full(error) else FileError
    return kind(f"{place}{reason(error)}")


def is_full(error: OSError) -> bool:
    """Whether there is no room for it, on the disk or in a quota or limit of its user."""
    return error.errno in _FULL


def reason(error: Exception) -> str:
    """What the system, or a library that speaks like it, says of an error, without the name of the file."""
    return getattr(error, "strerror", None) or (str(error) or repr(error)).splitlines()[0]
