"""Random edits upon a store and upon a plain model of it, and a program that does them until it is killed.

    python -m tests.support.labelling CORPUS STORE SEED

writes the number of each edit to its output once the store has acknowledged it.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Protocol

from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.store import Key, Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, TurnId
from telme_model.corpus.emotions import MELD

LAYERS = ("ada", "bo")


class Edited(Protocol):
    """What a store and its plain model have in common."""

    def edit(self, name: str, changes: Mapping[Key, Label | None], /) -> object: ...
    def undo(self) -> object: ...
    def redo(self) -> object: ...


Deed = Callable[[Edited], object]


class Plain:
    """What a store should do, as plainly as it can be said: each step is what it changed, before and after."""

    def __init__(self) -> None:
        self.labels: dict[Key, Label] = {}
        self.past: list[dict[Key, tuple[Label | None, Label | None]]] = []
        self.future: list[dict[Key, tuple[Label | None, Label | None]]] = []

    def edit(self, name: str, changes: Mapping[Key, Label | None]) -> None:
        step = {key: (self.labels.get(key), label) for key, label in changes.items() if self.labels.get(key) != label}
        if step:
            self.past.append(step)
            self.future = []
            self._put({key: after for key, (_, after) in step.items()})

    def undo(self) -> None:
        if self.past:
            self.future.append(self.past.pop())
            self._put({key: before for key, (before, _) in self.future[-1].items()})

    def redo(self) -> None:
        if self.future:
            self.past.append(self.future.pop())
            self._put({key: after for key, (_, after) in self.past[-1].items()})

    def copy(self) -> "Plain":
        other = Plain()
        other.labels, other.past, other.future = dict(self.labels), list(self.past), list(self.future)
        return other

    def _put(self, labels: Mapping[Key, Label | None]) -> None:
        for key, label in labels.items():
            if label is None:
                self.labels.pop(key)
            else:
                self.labels[key] = label


def all_labels(store: Store) -> dict[Key, Label]:
    """Everything in a store."""
    return {
        (layer, scope, turn): label
        for layer in store.layers()
        for scope in Scope
        for turn, label in store.labels(layer, scope).items()
    }


def deeds(seed: int, turns: Sequence[TurnId]) -> Iterator[Deed]:
    """Random edits, mostly of one label, without end."""
    chance = random.Random(seed)

    def place() -> Key:
        return chance.choice(LAYERS), chance.choice(tuple(Scope)), chance.choice(turns)

    while True:
        number = chance.random()  # also the label's time, so that no two labels are equal
        labels: dict[Key, Label | None] = {
            place(): Label(emotion=chance.choice(MELD.labels), comment="\x00é\n" * chance.randrange(3), time=number)
            for _ in range(200 if number < 0.02 else 1)
        }
        if number < 0.15:
            yield lambda edited: edited.undo()
        elif number < 0.2:
            yield lambda edited: edited.redo()
        elif number < 0.3:
            yield lambda edited, keys=tuple(labels): edited.edit("clear", dict.fromkeys(keys))  # type: ignore[misc]
        else:
            yield lambda edited, labels=labels: edited.edit("label", labels)  # type: ignore[misc]


def killed(root: Path, corpus: Corpus, path: Path, plain: Plain, seed: int, edits: int) -> tuple[Plain, int]:
    """Let a program label, kill it once it has told of so many `edits`, and look at what it left.

    Gives the model as it now stands, and how many edits were acknowledged. Fails when an acknowledged edit is not
    in the store, when anything else is, or when the file is not whole.
    """
    command = [sys.executable, "-m", "tests.support.labelling", str(root), str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(edits)]
        assert all(first), "it ended by itself"
        process.kill()
        said = b"".join(first) + process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    acknowledged = said.count(b"\n")
    following = deeds(seed, [turn.id for turn in corpus.turns()])
    for deed in islice(following, acknowledged):
        deed(plain)
    ahead = plain.copy()
    next(following)(ahead)  # in flight: on disk or not, but whole
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Store.open(path, corpus) as store:
        found = all_labels(store)
    assert found in (plain.labels, ahead.labels)
    return (plain if found == plain.labels else ahead), acknowledged


def main(root: str, path: str, seed: str) -> None:
    """Edit until killed."""
    corpus = open_corpus(Path(root))
    with Store.open(Path(path), corpus) as store:
        for number, deed in enumerate(deeds(int(seed), [turn.id for turn in corpus.turns()])):
            deed(store)
            os.write(1, b"%d\n" % number)


if __name__ == "__main__":
    main(*sys.argv[1:])
