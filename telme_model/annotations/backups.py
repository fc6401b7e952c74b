"""Backups of a store: whole copies beside it, the newest ten."""

import re
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from telme_model.files import write_whole

KEEP = 10
DUE = 24 * 3600.0  # seconds after which opening a store makes the next one
_STAMP = "%Y%m%dT%H%M%S.%f"


def backups(path: Path) -> tuple[Path, ...]:
    """The backups of a store, newest first."""
    name = re.compile(re.escape(path.stem) + r"@\d{8}T\d{6}\.\d{6}\.sqlite")
    return tuple(sorted((one for one in _folder(path).glob("*.sqlite") if name.fullmatch(one.name)), reverse=True))


def taken(backup: Path) -> datetime:
    """When a backup was made, UTC."""
    return datetime.strptime(backup.stem.rpartition("@")[2], _STAMP).replace(tzinfo=UTC)


def is_due(path: Path, changed: float) -> bool:
    """Whether the store was changed (at `changed`, seconds) since the last backup, and a day has passed since then.

    The first is made with the first label and holds hardly more; the second waits for no day.
    """
    made = backups(path)
    last = taken(made[0]).timestamp() if made else 0.0
    return changed > last and (len(made) < 2 or time.time() - last > DUE)


def back_up(path: Path, connection: sqlite3.Connection) -> Path:
    """Copy the store as it is now, synced and renamed to its place; then the oldest of more than ten goes."""
    folder = _folder(path)
    folder.mkdir(exist_ok=True)
    target = folder / f"{path.stem}@{datetime.now(UTC).strftime(_STAMP)}.sqlite"
    copy_to(target, connection)
    for old in backups(path)[KEEP:]:
        old.unlink(missing_ok=True)  # another program may be at the same
    return target


def copy_to(target: Path, connection: sqlite3.Connection) -> None:
    """Write what `connection` reads as a single file that is there whole or not at all."""

    def write(scratch: Path) -> None:
        scratch.unlink(missing_ok=True)  # what a kill has left
        scratch.touch(mode=0o600)  # its owner's alone, as the store
        with closing(sqlite3.connect(scratch)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm beside it
            with copy:
                copy.execute("UPDATE program SET pid = 0")  # no program has the copy open

    write_whole(target, write)


def _folder(path: Path) -> Path:
    return path.parent / "backups"
