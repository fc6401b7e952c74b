"""The history of a store: every edit in order, and the stack of undo and redo that lies in it.

The stack is one for all layers and dialogues and outlives the program. Where several programs have the file open,
each has a stack of its own steps and undoes those alone; a program that opens the file takes over the steps of all
that have ended. A step that another program has written over since is undone as far as it still stands.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import psutil

from telme_model.annotations.labels import Label
from telme_model.annotations.sqlite import PLACE, Place, label_text, place_columns, stored_label, stored_place
from telme_model.corpus.dialogue import TurnId


class StepState(StrEnum):
    """Where a step stands: in force, taken back, or taken back for good because another edit followed."""

    DONE = "done"
    UNDONE = "undone"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the undo stack: an edit of any size under one name."""

    number: int
    name: str  # what the edit was, e.g. "label joy", "import 13,708 labels"
    time: float  # seconds since the epoch, UTC
    layer: str  # of its first change
    turn: TurnId | None  # of its first change, where to go when it is undone; None for an empty layer's removal
    size: int  # how many labels it changed
    earlier: bool = False  # done before this program opened the file, perhaps by another person
    left: int = 0  # of those, how many an undo or redo left alone, because another program changed them since


@dataclass(frozen=True, slots=True)
class Change:
    """What a step did to one place."""

    place: Place
    before: Label | None
    after: Label | None


class UndoStack:
    """The steps of one store, as one program sees them. Whoever calls holds the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Join the programs that have the file open, and take over the steps of those that have ended."""
        self._db = connection
        me = psutil.Process()
        self._me = self._db.execute(
            "INSERT INTO program (pid, began) VALUES (?, ?)", (me.pid, me.create_time())
        ).lastrowid
        for ended in self._ended():
            self._db.execute("UPDATE step SET program = ? WHERE program = ?", (self._me, ended))
            self._db.execute("DELETE FROM program WHERE id = ?", (ended,))
        # Two stacks became one: what was undone before the newest edit can no longer be redone.
        self._db.execute(
            "UPDATE step SET state = 'dropped' WHERE program = ?1 AND state = 'undone' "
            "AND id < (SELECT max(id) FROM step WHERE program = ?1 AND state = 'done')",
            (self._me,),
        )
        self._before = int(self._db.execute("SELECT ifnull(max(id), 0) FROM step").fetchone()[0])

    def leave(self) -> None:
        """Let another program take over."""
        self._db.execute("UPDATE program SET pid = 0 WHERE id = ?", (self._me,))

    def _ended(self) -> list[int]:
        programs = self._db.execute("SELECT id, pid, began FROM program WHERE id <> ?", (self._me,)).fetchall()
        return [number for number, pid, began in programs if not _alive(pid, began)]

    # -- steps --------------------------------------------------------------------------------------------------

    def add(self, name: str, changes: Sequence[Change], *, deletes: int | None = None) -> Step:
        """Put a step on the stack; what could be redone no longer can. `deletes` is the layer that goes with it."""
        self._db.execute("UPDATE step SET state = 'dropped' WHERE program = ? AND state = 'undone'", (self._me,))
        number = self._db.execute(
            "INSERT INTO step (name, time, program, state, size, deletes) VALUES (?, ?, ?, 'done', ?, ?)",
            (name, time.time(), self._me, len(changes), deletes),
        ).lastrowid
        assert number is not None
        self._db.executemany(
            f"INSERT INTO change (step, {PLACE}, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (number, *place_columns(change.place), label_text(change.before), label_text(change.after))
                for change in changes
            ),
        )
        self.log(number)
        return self.step(number)

    def mark(self, number: int, state: StepState) -> None:
        """Say that a step is done again or undone."""
        self._db.execute("UPDATE step SET state = ? WHERE id = ?", (str(state), number))
        self.log(number)

    def log(self, number: int | None = None) -> None:
        """Note that a step was done, undone or redone, or (None) that the layers changed: the next revision."""
        self._db.execute("INSERT INTO log (step, time) VALUES (?, ?)", (number, time.time()))

    def top(self, state: StepState) -> int | None:
        """The number of the step that is undone (`DONE`) or redone (`UNDONE`) next."""
        order = "DESC" if state is StepState.DONE else "ASC"
        found = self._db.execute(
            f"SELECT id FROM step WHERE program = ? AND state = ? ORDER BY id {order} LIMIT 1", (self._me, str(state))
        ).fetchone()
        return int(found[0]) if found else None

    def deletes(self, number: int) -> int | None:
        """The layer that goes with a step."""
        found: int | None = self._db.execute("SELECT deletes FROM step WHERE id = ?", (number,)).fetchone()[0]
        return found

    def step(self, number: int) -> Step:
        """A step by its number."""
        name, moment, size, deletes = self._db.execute(
            "SELECT name, time, size, deletes FROM step WHERE id = ?", (number,)
        ).fetchone()
        first = self._db.execute(f"SELECT {PLACE} FROM change WHERE step = ? ORDER BY id LIMIT 1", (number,)).fetchone()
        place = stored_place(first) if first else None
        layer = place[0] if place else deletes
        (called,) = self._db.execute("SELECT name FROM layer WHERE id = ?", (layer,)).fetchone()
        turn, earlier = place[2] if place else None, number <= self._before
        return Step(number=number, name=name, time=moment, layer=called, turn=turn, size=size, earlier=earlier)

    def changes(self, number: int) -> list[Change]:
        """All that a step did, in order."""
        rows = self._db.execute(f"SELECT {PLACE}, before, after FROM change WHERE step = ? ORDER BY id", (number,))
        return [Change(stored_place(row[:5]), stored_label(row[5]), stored_label(row[6])) for row in rows]

    def touched_since(self, revision: int) -> dict[Place, Label | None]:
        """What now stands in the places that any step touched after `revision`."""
        columns = ", ".join(f"c.{name}" for name in PLACE.split(", "))
        same = " AND ".join(f"l.{name} = c.{name}" for name in PLACE.split(", "))
        rows = self._db.execute(
            f"SELECT DISTINCT {columns}, l.value FROM log JOIN change c ON c.step = log.step "
            f"LEFT JOIN label l ON {same} WHERE log.revision > ?",
            (revision,),
        )
        return {stored_place(row[:5]): stored_label(row[5]) for row in rows}

    def revision(self) -> int:
        """The number of the last change in the file."""
        return int(self._db.execute("SELECT ifnull(max(revision), 0) FROM log").fetchone()[0])


def _alive(pid: object, began: object) -> bool:
    if not isinstance(pid, int) or not isinstance(began, int | float):  # damaged, and nobody's
        return False
    try:
        return pid > 0 and abs(psutil.Process(pid).create_time() - began) < 1
    except (psutil.NoSuchProcess, OverflowError, ValueError):
        return False
    except psutil.AccessDenied:
        return True
