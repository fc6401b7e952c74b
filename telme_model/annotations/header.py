"""What a store's first bytes and its tables say that it is: a changed bit there is damage, and no other format."""

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from telme_model.annotations.schema import APPLICATION, SCRIPTS

_SIZE = 100  # bytes, https://sqlite.org/fileformat2.html
_APPLICATION = slice(68, 72)
_ALWAYS = {  # what SQLite writes into every store, by place
    0: b"SQLite format 3\0",
    20: bytes((0, 64, 32, 32)),  # nothing reserved, fractions of a page
    52: bytes(4),  # no vacuum by itself
    64: bytes(4),
    72: bytes(20),
}
_IN_USE = {44: (4).to_bytes(4, "big"), 56: (1).to_bytes(4, "big")}  # schema format, UTF-8; 0 before the first table
_VERSIONS = {b"\1\1", b"\2\2"}  # with a journal, with a write-ahead log


def is_damaged(path: Path) -> bool:
    """Whether a store's file, which names itself as one, begins as none can; SQLite takes some of that as it stands."""
    with path.open("rb") as file:
        head = file.read(_SIZE)
    if len(head) < _SIZE or head[_APPLICATION] != APPLICATION.to_bytes(4, "big"):
        return False
    right = all(head.startswith(value, place) for place, value in (_ALWAYS | _IN_USE).items())
    return not right or head[18:20] not in _VERSIONS


def format_of(connection: sqlite3.Connection) -> int | None:
    """The schema version whose tables a file has, whatever its header says; None: those of another program."""
    found = _tables(connection)
    return next((number for number in range(1, len(SCRIPTS) + 1) if _expected(number) == found), None)


@cache
def _expected(number: int) -> frozenset[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in SCRIPTS[:number]:
            connection.executescript(script)
        return _tables(connection)


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    statements = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return frozenset(" ".join(str(sql).split()) for (sql,) in statements)
