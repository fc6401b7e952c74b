"""A broken store made whole: from one of its backups, or from what can still be read."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telme_model.annotations.backups import copy_to
from telme_model.annotations.labels import Scope
from telme_model.annotations.salvage import salvage
from telme_model.annotations.sqlite import check, look_into, store_errors
from telme_model.annotations.store import Store, is_name
from telme_model.corpus.dialogue import Corpus
from telme_model.files import sync_folder

_BESIDE = ("", "-wal", "-shm")  # the files of one database


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What came back."""

    damaged: Path | None  # the file as it was, under its new name; None where it was missing
    backup: Path | None  # what was taken in its place; None: what could be read of the file itself
    layers: tuple[str, ...]
    labels: int
    left_aside: int = 0  # labels that stand in the damaged file, and cannot be: their emotion, turn or text is none


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
    comes back (see `salvage`); that store begins a new history.
    No program should have the store open. Raises StoreError, and then the damaged file stands where it stood.
    """
    with store_errors(path):
        scratch = Path(tempfile.mkdtemp(prefix=".recover-", dir=path.parent))
        try:
            whole, left = scratch / path.name, 0
            if backup is None:
                left = _salvage(path, whole, corpus)
            else:
                with store_errors(backup), closing(look_into(backup)) as source:
                    check(backup, source)
                    copy_to(whole, source)
            with Store.open(whole, corpus) as store:
                layers = store.layers()
                labels = sum(len(store.labels(layer, scope)) for layer in layers for scope in Scope)
            damaged = _set_aside(path) if path.exists() else None
            whole.replace(path)
            sync_folder(path.parent)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Recovery(damaged=damaged, backup=backup, layers=layers, labels=labels, left_aside=left)


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.broken")
    for end in reversed(_BESIDE):  # the main file last, so that none is ever without its -wal
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    return aside


def _salvage(path: Path, whole: Path, corpus: Corpus) -> int:
    """Write a new store with all that the damaged one still tells; how many labels cannot be."""
    log = path.with_name(f"{path.name}-wal")
    data, logged = (one.read_bytes() if one.is_file() else b"" for one in (path, log))
    found = salvage(data, logged, corpus.labels.labels, is_name)
    turns = {turn.id for turn in corpus.turns()}
    fitting = {place: label for place, label in found.labels.items() if place[2] in turns}
    with Store.open(whole, corpus) as store:
        for name in found.layers.values():
            store.add_layer(name)
        changes = {
            (found.layers.get(layer) or f"recovered {layer}", scope, turn): label
            for (layer, scope, turn), label in fitting.items()
        }
        store.edit("recover what can be read of a damaged file", changes)
    return found.unreadable + len(found.labels) - len(fitting)
