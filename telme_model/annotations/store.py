"""The annotation store: layers of labels for one corpus in one SQLite file, every edit on disk before it returns."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from telme_model.annotations import backups
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label, Scope
from telme_model.annotations.places import register
from telme_model.annotations.schema import SCRIPTS
from telme_model.annotations.sqlite import (
    PLACE,
    Place,
    StoreDamagedError,
    StoreError,
    UnreadableError,
    check,
    connect,
    label_text,
    migrate,
    place_columns,
    store_errors,
    stored_label,
    stored_place,
    transaction,
    version,
)
from telme_model.annotations.undo import Change, Step, StepState, UndoStack
from telme_model.corpus.dialogue import Corpus, TurnId
from telme_model.errors import brief
from telme_model.files import clear_leftovers

__all__ = ["Change", "Key", "Step", "Store", "StoreDamagedError", "StoreError"]

Key = tuple[str, Scope, TurnId]  # layer, scope, turn: what holds one label
NAME_LENGTH = 80


class Store:
    """All labels of one corpus, in memory for reading and in the file for good.

    Used by one thread at a time. Several programs may have the file open: each takes in the others' changes with
    `changed_elsewhere` and before each of its own edits, and undoes its own steps alone (see `undo`). The layer
    `gold` is the corpus' own and never in a store.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, corpus: Corpus) -> None:
        """Read a file that was checked; `open` does both."""
        self.path = path
        self._db = connection
        self._emotions = corpus.labels
        self._turns = frozenset(turn.id for turn in corpus.turns())
        self._labels: dict[tuple[int, Scope], dict[TurnId, Label]] = {}
        self._changed = False
        self._backed_up = bool(backups.backups(path))
        with transaction(self._db):
            register(path, self._db, corpus)
            self._history = UndoStack(self._db)
            self._revision = self._history.revision()
            self._layers = self._read_layers()
            emotions = {None, *self._emotions.labels}
            for *place, value in self._db.execute(f"SELECT {PLACE}, value FROM label"):
                label = stored_label(value)
                if label is not None and label.emotion not in emotions:
                    raise UnreadableError(f"a label gives the emotion {brief(label.emotion)}")
                self._remember(stored_place(place), label)

    @classmethod
    def open(cls, path: Path, corpus: Corpus) -> "Store":
        """Open the store, which is made where there is none; see `places.store_path` for where.

        A backup is made with the first label, where the last is older than a day, and before the file's format is
        brought up to date.
        Raises StoreDamagedError when the file fails its check (see `recovery`), StoreError when it cannot be used.
        """
        with store_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(path.parent, ".recover-*", f"{path.stem}.new*", f"backups/.{path.stem}@*.new*")
            connection = connect(path)
            try:
                check(path, connection)
                if version(connection) < len(SCRIPTS):
                    if version(connection):
                        backups.back_up(path, connection)
                    migrate(connection)
                store = cls(path, connection, corpus)
                if backups.is_due(path, store._last_change()):
                    store.back_up()
            except BaseException:
                connection.close()
                raise
            return store

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):  # whoever comes next finds out by itself that this program has ended
            self._history.leave()
        with store_errors(self.path):
            self._db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- layers -------------------------------------------------------------------------------------------------

    def layers(self) -> tuple[str, ...]:
        """Names of the layers, oldest first; gold is not among them."""
        return tuple(self._layers.values())

    def add_layer(self, name: str) -> None:
        """Add an empty layer. Raises StoreError when the name is taken or cannot be one."""
        with self._writing():
            self._check_free(name)
            self._layer(name)

    def rename_layer(self, name: str, new: str) -> None:
        """Call a layer something else; its labels and their history go with it. Raises StoreError."""
        check_rename(name, new)
        with self._writing():
            layer = self._known(name)
            if new.casefold() != name.casefold():
                self._check_free(new)
                aside = "UPDATE layer SET name = name || ' (deleted ' || id || ')' WHERE name = ?"
                self._db.execute(aside, (new,))
            self._db.execute("UPDATE layer SET name = ? WHERE id = ?", (new, layer))
            self._history.log()

    def delete_layer(self, name: str) -> Step:
        """Remove a layer with all its labels: one step, which an undo takes back. Raises StoreError."""
        with self._writing() as done:
            layer = self._known(name)
            for scope in Scope:
                labels = self._labels.get((layer, scope), {})
                done += [Change((layer, scope, turn), label, None) for turn, label in labels.items()]
            step = self._history.add(f"delete the layer {name}", done, deletes=layer)
            self._write(done)
            self._set_deleted(layer)
        return step

    # -- labels -------------------------------------------------------------------------------------------------

    def labels(self, layer: str, scope: Scope = Scope.ALL) -> Mapping[TurnId, Label]:
        """The labels of a layer, a live read-only view; empty for a layer that does not exist."""
        number = next((number for number, name in self._layers.items() if name == layer), None)
        return MappingProxyType({} if number is None else self._labels.setdefault((number, scope), {}))

    def label(self, layer: str, turn: TurnId, scope: Scope = Scope.ALL) -> Label | None:
        """One label."""
        return self.labels(layer, scope).get(turn)

    def edit(self, name: str, changes: Mapping[Key, Label | None]) -> Step | None:
        """Set labels, or clear them with None, as one step of the undo stack; layers that are new are added.

        When this returns the edit is on disk. None where nothing changes. What could be redone no longer can.
        Raises StoreError when an emotion or a turn is not the corpus', or the file cannot be written: then nothing
        has changed.
        """
        self._check(changes)
        with self._writing() as done:
            layers = {layer: self._layer(layer) for layer in dict.fromkeys(layer for layer, _, _ in changes)}
            for (layer, scope, turn), label in changes.items():
                place = (layers[layer], scope, turn)
                if (before := self._at(place)) != label:
                    done.append(Change(place, before, label))
            if not done:
                return None
            self._write(done)
            step = self._history.add(name, done)
        if not self._backed_up:
            self._backed_up = True
            with suppress(StoreError):  # the labels are on disk; the next opening makes one
                self.back_up()
        return step

    # -- undo ---------------------------------------------------------------------------------------------------

    @property
    def undoable(self) -> Step | None:
        """What `undo` would take back."""
        return self._top(StepState.DONE)

    @property
    def redoable(self) -> Step | None:
        """What `redo` would do again."""
        return self._top(StepState.UNDONE)

    def undo(self) -> Step | None:
        """Take back the last step that still stands in part; None where there is none.

        Steps are those of all earlier sessions and of this program, not those of another that has the file open.
        """
        return self._move(StepState.DONE, StepState.UNDONE)

    def redo(self) -> Step | None:
        """Do the last step that was undone again; None where there is none."""
        return self._move(StepState.UNDONE, StepState.DONE)

    def _top(self, state: StepState) -> Step | None:
        with store_errors(self.path):
            top = self._history.top(state)
            return self._history.step(top) if top else None

    def _move(self, from_: StepState, to: StepState) -> Step | None:
        with self._writing() as done:
            while number := self._history.top(from_):
                step, changes = self._history.step(number), self._history.changes(number)
                if to is StepState.UNDONE:
                    changes = [Change(change.place, change.after, change.before) for change in changes]
                free = [
                    change
                    for change in changes
                    if change.place[2] in self._turns and self._at(change.place) == change.before
                ]
                self._history.mark(number, to)
                if changes and not free:
                    continue  # another program wrote over all of it: go on with the next
                done += free
                self._write(done)
                if (layer := self._history.deletes(number)) is not None:
                    self._set_deleted(layer, to is StepState.DONE)
                return replace(step, left=len(changes) - len(free))
        return None

    # -- the file -----------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Grows with every change of a label or a layer, by whichever program: equal revisions, equal labels."""
        return self._revision

    def changed_elsewhere(self) -> bool:
        """Take in what other programs wrote since the last look; whether there was anything. Cheap enough to poll."""
        with store_errors(self.path), transaction(self._db, "DEFERRED"):
            self._take_in()
        changed, self._changed = self._changed, False
        return changed

    def back_up(self) -> Path:
        """Write a backup now, beside the store; the oldest of more than ten goes."""
        with store_errors(self.path):
            return backups.back_up(self.path, self._db)

    # -- inside -------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[list[Change]]:
        """A transaction upon the newest state; what stands in the list at its end is what memory takes in."""
        done: list[Change] = []
        with store_errors(self.path):
            with transaction(self._db):
                self._take_in()
                yield done
                revision, layers = self._history.revision(), self._read_layers()
            self._revision, self._layers = revision, layers
            for change in done:
                self._remember(change.place, change.after)

    def _take_in(self) -> None:
        """Bring memory up to what other programs have committed."""
        revision = self._history.revision()
        if revision == self._revision:
            return
        for place, label in self._history.touched_since(self._revision).items():
            self._remember(place, label)
        self._layers = self._read_layers()
        self._revision, self._changed = revision, True

    def _write(self, changes: list[Change]) -> None:
        """Put the changes into the tables."""
        set_ = [
            (*place_columns(change.place), label_text(change.after)) for change in changes if change.after is not None
        ]
        self._db.executemany(
            f"INSERT INTO label ({PLACE}, value) VALUES (?, ?, ?, ?, ?, ?) "
            f"ON CONFLICT ({PLACE}) DO UPDATE SET value = excluded.value",
            set_,
        )
        where = " AND ".join(f"{column} = ?" for column in PLACE.split(", "))
        cleared = [place_columns(change.place) for change in changes if change.after is None]
        self._db.executemany(f"DELETE FROM label WHERE {where}", cleared)
        for layer in {change.place[0] for change in changes if change.after is not None} - self._layers.keys():
            self._db.execute("UPDATE layer SET deleted = 0 WHERE id = ?", (layer,))  # an undo may bring one back

    def _remember(self, place: Place, label: Label | None) -> None:
        layer, scope, turn = place
        labels = self._labels.setdefault((layer, scope), {})
        if label is None:
            labels.pop(turn, None)
        else:
            labels[turn] = label

    def _at(self, place: Place) -> Label | None:
        layer, scope, turn = place
        return self._labels.get((layer, scope), {}).get(turn)

    def _read_layers(self) -> dict[int, str]:
        layers = dict(self._db.execute("SELECT id, name FROM layer WHERE NOT deleted ORDER BY id"))
        if unnamed := next((name for name in layers.values() if not isinstance(name, str)), None):
            raise UnreadableError(f"a layer is called {brief(unnamed)}")
        return layers

    def _set_deleted(self, layer: int, deleted: bool = True) -> None:
        """Hide a layer, unless another program labels in it; or show it again."""
        used = deleted and self._db.execute("SELECT 1 FROM label WHERE layer = ? LIMIT 1", (layer,)).fetchone()
        if not used:
            self._db.execute("UPDATE layer SET deleted = ? WHERE id = ?", (int(deleted), layer))

    def _layer(self, name: str) -> int:
        """The number of a layer, which is added where there is none; one that was deleted comes back empty."""
        for number, known in self._layers.items():
            if known == name:
                return number
        self._check_free(name)
        self._history.log()
        self._db.execute(
            "INSERT INTO layer (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = excluded.name, deleted = 0",
            (name,),
        )
        return int(self._db.execute("SELECT id FROM layer WHERE name = ?", (name,)).fetchone()[0])

    def _known(self, name: str) -> int:
        for number, known in self._layers.items():
            if known == name:
                return number
        raise StoreError(f"there is no layer {name}; there are: {', '.join(self.layers()) or 'none'}")

    def _check_free(self, name: str) -> None:
        check_name(name)
        if taken := [known for known in self.layers() if known.casefold() == name.casefold()]:
            raise StoreError(f"there is a layer {taken[0]} already; take another name")

    def _check(self, changes: Mapping[Key, Label | None]) -> None:
        for (_, _, turn), label in changes.items():
            if turn not in self._turns:
                raise StoreError(f"{turn} is no turn of the corpus that {self.path.name} belongs to")
            if label is not None and label.emotion is not None and label.emotion not in self._emotions.labels:
                known = ", ".join(self._emotions.labels)
                raise StoreError(f"'{label.emotion}' is not an emotion of {self._emotions.name}: {known}")

    def _last_change(self) -> float:
        return float(self._db.execute("SELECT ifnull(max(CAST(time AS REAL)), 0) FROM log").fetchone()[0])


def is_name(name: object) -> bool:
    """Whether a layer could be called so."""
    known = isinstance(name, str) and name == name.strip() and name.isprintable()
    return known and 0 < len(str(name)) <= NAME_LENGTH


def check_name(name: str) -> str:
    """The same name. Raises StoreError where it cannot be a layer's."""
    if not is_name(name):
        raise StoreError(f"a layer's name is 1 to {NAME_LENGTH} printable characters; {brief(name)} is not")
    if name.casefold() == GOLD:
        raise StoreError("gold is the corpus' own layer and cannot be changed; label in a layer of your own")
    return name


def check_rename(name: str, new: str) -> None:
    """Raises StoreError where the new name cannot be a layer's, or one of the two is known to the program."""
    check_name(new)
    if ADJUDICATED in (name, new.casefold()):
        raise StoreError(f"{ADJUDICATED} is where disagreements are settled, and known by that name; it stays with it")
