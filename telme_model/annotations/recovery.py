"""A broken store made whole: from one of its backups, or row by row from what can still be read."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telme_model.annotations.backups import copy_to
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.sqlite import (
    PLACE,
    Place,
    UnreadableError,
    check,
    look_into,
    store_errors,
    stored_label,
    stored_place,
)
from telme_model.annotations.store import Store, is_name
from telme_model.corpus.dialogue import Corpus

_BESIDE = ("", "-wal", "-shm")  # the files of one database
_LEAST_ROW = 16  # bytes; more rows than that the file cannot hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What came back."""

    damaged: Path | None  # the file as it was, under its new name; None where it was missing
    backup: Path | None  # what was taken in its place; None: what could be read of the file itself
    layers: tuple[str, ...]
    labels: int


def labels_in(backup: Path) -> int | None:
    """How many labels a backup holds; None where it cannot be read."""
    try:
        with closing(look_into(backup)) as source:
            return int(source.execute("SELECT count(*) FROM label").fetchone()[0])
    except sqlite3.Error:
        return None


def recover(path: Path, corpus: Corpus, backup: Path | None = None) -> Recovery:
    """Make the store at `path` whole; the damaged file stays beside it under another name.

    With `backup`, the store is that backup again, its undo history included. Without, every label that can be read
    row by row comes back, and those that cannot as the history last tells them; that store begins a new history.
    No program should have the store open. Raises StoreError, and then the damaged file stands where it stood.
    """
    with store_errors(path):
        scratch = Path(tempfile.mkdtemp(prefix=".recover-", dir=path.parent))
        try:
            whole = scratch / path.name
            if backup is None:
                _salvage(path, whole, corpus, scratch)
            else:
                with store_errors(backup), closing(look_into(backup)) as source:
                    check(backup, source)
                    copy_to(whole, source)
            with Store.open(whole, corpus) as store:
                layers = store.layers()
                labels = sum(len(store.labels(layer, scope)) for layer in layers for scope in Scope)
            damaged = _set_aside(path) if path.exists() else None
            whole.replace(path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Recovery(damaged=damaged, backup=backup, layers=layers, labels=labels)


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.broken")
    for end in reversed(_BESIDE):  # the main file last, so that none is ever without its -wal
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    return aside


def _salvage(path: Path, whole: Path, corpus: Corpus, scratch: Path) -> None:
    """Write a new store with all that a copy of the damaged one still tells."""
    copy = scratch / "damaged"
    for end in ("", "-wal"):  # -shm only says what -wal holds, and is made anew
        beside = path.with_name(path.name + end)
        if beside.exists():
            shutil.copyfile(beside, scratch / f"damaged{end}")
    names: dict[int, str] = {}
    labels: dict[Place, Label] = {}
    if copy.exists():
        with closing(sqlite3.connect(copy)) as connection:
            names = {
                number: name
                for number, name, deleted in _rows(connection, "layer", "id, name, deleted")
                if not deleted and is_name(name)
            }
            labels = _labels(connection)
    turns = {turn.id for turn in corpus.turns()}
    with Store.open(whole, corpus) as store:
        for name in names.values():
            store.add_layer(name)
        changes = {
            (names.get(layer, f"recovered {layer}"), scope, turn): label
            for (layer, scope, turn), label in labels.items()
            if turn in turns and (label.emotion is None or label.emotion in corpus.labels.labels)
        }
        store.edit("recover what can be read of a damaged file", changes)


def _labels(connection: sqlite3.Connection) -> dict[Place, Label]:
    """Labels from their own table; those that are missing there as the last step in force left them."""
    states = dict(_rows(connection, "step", "id, state"))
    last: dict[Place, Label | None] = {}
    for step, *place, after in _rows(connection, "change", f"step, {PLACE}, after"):
        if states.get(step, "done") == "done":
            _add_readable(last, tuple(place), after)
    for *place, value in _rows(connection, "label", f"{PLACE}, value"):
        _add_readable(last, tuple(place), value)
    return {place: label for place, label in last.items() if label is not None}


def _add_readable(labels: dict[Place, Label | None], place: tuple[Any, ...], value: str | None) -> None:
    try:
        labels[stored_place(place)] = stored_label(value)
    except UnreadableError:
        return


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table that can be read, one by one, in order."""
    try:
        (last,) = connection.execute(f"SELECT ifnull(max(rowid), 0) FROM {table}").fetchone()
        last = min(last, _most_rows(connection))  # a damaged number would keep one waiting for ever
    except sqlite3.Error:
        last = _most_rows(connection)
    for row in range(1, last + 1):
        try:
            found = connection.execute(f"SELECT {columns} FROM {table} WHERE rowid = ?", (row,)).fetchone()
        except sqlite3.Error:
            continue
        if found:
            yield found


def _most_rows(connection: sqlite3.Connection) -> int:
    try:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    except sqlite3.Error:  # not even the header
        return 0
    return int(pages * size // _LEAST_ROW)
