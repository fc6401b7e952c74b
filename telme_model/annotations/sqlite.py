"""The SQLite file beneath a store: how it is opened, what its tables are, and what its failures say to a person."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from math import isfinite
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from telme_model.annotations.backups import backups
from telme_model.annotations.header import format_of, is_damaged
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.annotations.schema import APPLICATION, SCRIPTS
from telme_model.corpus.dialogue import Split, TurnId
from telme_model.errors import StudioError, brief
from telme_model.files import DiskFullError, FileError, is_full, reason

WAIT = 5.0  # seconds until another program's edit counts as stuck

_REASONS = {  # by SQLite's primary error codes
    sqlite3.SQLITE_BUSY: "another program is writing to it and does not end; try again in a moment",
    sqlite3.SQLITE_CANTOPEN: "its folder cannot be written to; name another with TELME_ANNOTATIONS",
    sqlite3.SQLITE_IOERR: "the disk does not answer as it should; name another folder with TELME_ANNOTATIONS",
    sqlite3.SQLITE_PERM: "the permission is missing",
    sqlite3.SQLITE_READONLY: "it is read-only; name another folder with TELME_ANNOTATIONS",
}
_PROBE = 1 << 20  # bytes that fit wherever a store can grow
_NO_LOG = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL}  # said where no memory is shared
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class StoreError(StudioError):
    """A store that cannot be opened, read or written; the message says why and what to do."""


class StoreFullError(DiskFullError, StoreError):
    """A store whose disk takes no more: what was to be written is not, and all that was before it stands."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the annotations in {path} cannot be written: the disk is full, or your share of it")


class UnreadableError(sqlite3.DatabaseError):
    """A row that SQLite finds whole, and that says nothing: a bit of its text has changed."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class StoreDamagedError(StoreError):
    """A store whose file is broken; `recovery.recover` makes a whole one from it or from one of its backups."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason, self.backups = path, reason, backups(path)
        remedy = f"its last backup is {self.backups[0].name}" if self.backups else "it has no backup"
        super().__init__(f"the annotations in {path} are damaged ({reason}); {remedy}. What is readable can be saved.")


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into StoreError, StoreFullError or StoreDamagedError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _BROKEN:
            raise StoreDamagedError(path, str(error)) from error
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not _has_room(path.parent)):
            raise StoreFullError(path) from error
        raise StoreError(f"the annotations in {path} cannot be used: {_REASONS.get(code, str(error))}") from error
    except (OSError, FileError) as error:
        if isinstance(error, DiskFullError) or (isinstance(error, OSError) and is_full(error)):
            raise StoreFullError(path) from error
        raise StoreError(
            f"the annotations in {path} cannot be used: {reason(error)}; name another folder with TELME_ANNOTATIONS"
        ) from error


def _has_room(folder: Path) -> bool:
    """Whether the disk still takes something: for SQLite, a quota that is used up is an error like any other."""
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE))
    except OSError as error:
        return not is_full(error)
    return True


def connect(path: Path) -> sqlite3.Connection:
    """Open a file such that what is committed survives a kill and a power cut; it is made where there is none.

    Raises StoreError where something else lies in its place.
    """
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is no file, but the annotations belong there; move it away, and a new one is made")
    if path.exists() and is_damaged(path):
        raise StoreDamagedError(path, "its header is not as it was written")
    _keep_from_others(path)
    try:
        return _opened(path, _write_ahead)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NO_LOG:
            raise
        return _opened(path, _keep_journal)


def _opened(path: Path, log: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    # A store may be opened on a job's thread and handed to the window's: one thread at a time, but not the same.
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    try:
        log(connection)
        for pragma in ("fullfsync=1", "foreign_keys=1"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _keep_from_others(path: Path) -> None:
    """Make a file, and those that SQLite keeps beside it, its owner's alone: it tells what people think of others."""
    with suppress(OSError):  # a disk that knows no owners, or a file of somebody else's
        if not path.exists():
            path.touch(mode=0o600)
        for end in ("", "-wal", "-shm"):
            beside = path.with_name(path.name + end)
            if beside.exists() and beside.stat().st_mode & 0o077:
                beside.chmod(0o600)


def _keep_journal(connection: sqlite3.Connection) -> None:
    """Keep a journal beside the file, for disks that share no memory between programs, as a write-ahead log needs.

    A file that was written with a log elsewhere is taken over by locking it whole for a moment, which needs none.
    """
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # lets go of the lock
    connection.execute("PRAGMA synchronous=EXTRA")  # its folder, too, once the journal is gone


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log. SQLite does not wait by itself where another program makes the file at this moment."""
    until = time.monotonic() + WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            break
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # what the disk refuses, it refuses here


def look_into(path: Path) -> sqlite3.Connection:
    """Open a file that exists, to read it alone."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT, isolation_level=None)
    connection.text_factory = _text
    return connection


def _text(data: bytes) -> str:
    """Text that is none is damage, for which sqlite3 itself has no code."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"a text does not read: {error}") from error


def version(connection: sqlite3.Connection) -> int:
    """The schema version of a file, 0 where it has no schema yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(path: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreDamagedError unless the file is whole, StoreError when it is no store of this or an older program."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreDamagedError(path, str(found).splitlines()[-1])
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and (application, version(connection)) != (APPLICATION, len(SCRIPTS)):
        known = format_of(connection)
        if known is not None and (application, version(connection)) != (APPLICATION, known):
            raise StoreDamagedError(path, "its header is not as it was written")
    if application != APPLICATION and tables:
        raise StoreError(f"{path} is a database of another program; move it away, and a new store is made")
    if not tables and backups(path):
        raise StoreDamagedError(path, "it is empty")
    if version(connection) > len(SCRIPTS):
        raise StoreError(
            f"{path} was written by a newer TelME Studio (format {version(connection)}; this one reads up to "
            f"{len(SCRIPTS)}); update the program"
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to the newest version, whole or not at all."""
    with transaction(connection):
        for script in SCRIPTS[version(connection) :]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(SCRIPTS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Write as the only program, or read one state (`DEFERRED`); on disk when the block ends well, else undone."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk rolls back by itself
            connection.execute("ROLLBACK")
        raise


# -- values -----------------------------------------------------------------------------------------------------

PLACE = "layer, scope, split, dialogue, utterance"  # the columns of what holds one label
Place = tuple[int, Scope, TurnId]  # the same as a value


def place_columns(place: Place) -> tuple[int, str, str, str, int]:
    """Values of the columns `PLACE`."""
    layer, scope, turn = place
    return layer, str(scope), str(turn.split), turn.dialogue, turn.utterance


def stored_place(columns: tuple[Any, ...]) -> Place:
    """The place that the columns `PLACE` tell. Raises UnreadableError."""
    layer, scope, split, dialogue, utterance = columns
    if not (isinstance(layer, int) and isinstance(dialogue, str) and isinstance(utterance, int)):
        raise UnreadableError(f"a label's place does not read: {brief(columns)}")
    try:
        return layer, Scope(scope), TurnId(Split(split), dialogue, utterance)
    except ValueError as error:
        raise UnreadableError(f"a label's place does not read: {error}") from error


def label_text(label: Label | None) -> str | None:
    """A label as stored: JSON of what differs from an empty label; None stays None."""
    if label is None:
        return None
    given = {field.name: getattr(label, field.name) for field in fields(Label)}
    return json.dumps({name: value for name, value in given.items() if value != _EMPTY[name]}, separators=(",", ":"))


def stored_label(text: object) -> Label | None:
    """The label that `label_text` wrote. Raises UnreadableError."""
    if text is None:
        return None
    try:
        tree = json.loads(text) if isinstance(text, str) else text
        if not isinstance(tree, dict):
            raise UnreadableError(f"a label does not read: {brief(tree)}")
        for name, value in tree.items():
            if not isinstance(value, _TYPES[name]) or isinstance(value, bool) is not (_TYPES[name] is bool):
                raise UnreadableError(f"a label does not read: its {name} is {brief(value)}")
        if "origin" in tree:
            tree["origin"] = Origin(tree["origin"])
        label = Label(**tree)
        if not isfinite(label.time):
            raise UnreadableError(f"a label does not read: its time is {label.time}")
    except (ValueError, KeyError, RecursionError, OverflowError) as error:
        raise UnreadableError(f"a label does not read: {error}") from error
    return label


_EMPTY = {field.name: field.default for field in fields(Label)}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "emotion": str, "unsure": bool, "flag": bool, "comment": str, "origin": str, "run": str, "time": (int, float),
    "source": str,
}  # fmt: skip
assert _TYPES.keys() == _EMPTY.keys()  # or labels that were written could not be read
