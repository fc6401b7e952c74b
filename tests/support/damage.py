"""A store of synthetic labels, damaged in every way that a disk damages files, and how many of its labels come back."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.recovery import recover
from telme_model.annotations.store import Key, Store, StoreDamagedError, StoreError
from telme_model.corpus.dialogue import Corpus
from tests.support.labelling import all_labels

HEADER = 100  # bytes
LABELS = 719


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back of a damaged store."""

    right: int  # labels as they were
    wrong: int  # labels that nobody gave
    opened: bool  # without a recovery


def write_store(path: Path, corpus: Corpus, number: int = LABELS) -> dict[Key, Label]:
    """A closed store of as many labels, each a step of its own, as annotators make them."""
    keys = [(f"annotator {layer}", scope, turn.id) for layer in range(99) for scope in Scope for turn in corpus.turns()]
    emotions = cycle(corpus.labels.labels)
    with Store.open(path, corpus) as store:
        for time, (key, emotion) in enumerate(zip(islice(keys, number), emotions, strict=False)):
            store.edit(f"label {emotion}", {key: Label(emotion=emotion, comment="", time=1e9 + time)})
        return all_labels(store)


def tried(path: Path, corpus: Corpus, data: bytes, labels: dict[Key, Label]) -> Outcome:
    """Open a store of these bytes in a folder of its own; recover it where it does not open, as the window offers."""
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    path.write_bytes(data)
    opened = True
    try:
        Store.open(path, corpus).close()
    except StoreDamagedError:
        opened = False
        recover(path, corpus)
    except StoreError:
        return Outcome(0, 0, False)  # nothing is offered
    with Store.open(path, corpus) as store:
        back = all_labels(store).items()
    right = len(back & labels.items())
    return Outcome(right, len(back) - right, opened)


def cuts(data: bytes, page: int = 4096) -> Iterator[tuple[str, bytes]]:
    """The file without its last page, and cut at every tenth."""
    yield "without its last page", data[:-page]
    for tenths in range(9, 0, -1):
        yield f"cut at {tenths} tenths", data[: len(data) * tenths // 10]


def flipped(data: bytes, bit: int) -> bytes:
    """The file with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
