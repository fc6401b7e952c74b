"""Where a corpus' annotations lie: found by what the corpus says, not by where it is."""

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from telme_model.annotations.backups import copy_to
from telme_model.annotations.sqlite import (
    StoreError,
    UnreadableError,
    check,
    connect,
    look_into,
    store_errors,
    transaction,
)
from telme_model.corpus.dialogue import Corpus, TurnId
from telme_model.files import sync_folder
from telme_model.paths import annotations_folder

_Words = dict[tuple[str, str, int], str]  # digest of a turn's words, by the turn's columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A store of another corpus that is like the open one: perhaps the same before it was changed."""

    path: Path
    root: Path  # where that corpus was last
    turns: int
    matching: int  # turns of the open corpus with the same identity and the same words there
    labels: int


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of taking another corpus' annotations over."""

    path: Path
    labels: int
    left_out: int  # labels of turns that are no longer there, or say something else; they stay in the old store


def identity(corpus: Corpus) -> str:
    """A digest of which turns there are and of their words, in order: not of gold, nor of any place on a disk."""
    digest = hashlib.sha256(repr((corpus.kind, corpus.labels.name)).encode())
    for turn in corpus.turns():
        digest.update(repr((str(turn.id), turn.text)).encode())
    return digest.hexdigest()[:24]


def store_path(corpus: Corpus) -> Path:
    """The file of a corpus' store, whether it exists or not. A corpus that moved keeps it."""
    return annotations_folder() / f"{corpus.kind}-{identity(corpus)}.sqlite"


def candidates(corpus: Corpus) -> tuple[Candidate, ...]:
    """Stores that may belong to this corpus as it was before it changed, those with the most matching turns first.

    To be offered where `store_path` does not exist yet; `adopt` takes one over.
    """
    own, turns = store_path(corpus), _words_of(corpus)
    found = (_candidate(path, corpus, turns) for path in sorted(own.parent.glob("*.sqlite")) if path != own)
    return tuple(sorted((one for one in found if one), key=lambda one: -one.matching))


def _candidate(path: Path, corpus: Corpus, turns: _Words) -> Candidate | None:
    if not path.is_file():
        return None
    try:
        with closing(look_into(path)) as connection:
            about = dict(connection.execute("SELECT name, value FROM about"))
            theirs = _words_in(connection)
            labels = connection.execute("SELECT count(*) FROM label").fetchone()[0]
    except sqlite3.Error:  # damaged, or no store: nothing to offer
        return None
    matching = len(turns.items() & theirs.items())
    root = about.get("root")
    if not matching or not labels or about.get("emotions") != corpus.labels.name or not isinstance(root, str):
        return None
    return Candidate(path=path, root=Path(root), turns=len(theirs), matching=matching, labels=labels)


def adopt(candidate: Path, corpus: Corpus) -> Adopted:
    """Copy another corpus' annotations into this one's store, as far as its turns are there with the same words.

    The other store stays as it is. Raises StoreError, also when this corpus has a store already.
    """
    target = store_path(corpus)
    if target.exists():
        raise StoreError(f"{corpus.root} has annotations of its own already, in {target}")
    scratch = target.with_suffix(".new")
    with store_errors(candidate), closing(look_into(candidate)) as source:
        check(candidate, source)
        copy_to(scratch, source)
    with store_errors(target):
        try:
            with closing(connect(scratch)) as copy, transaction(copy):
                left_out = _fit(copy, corpus)
                labels = copy.execute("SELECT count(*) FROM label").fetchone()[0]
            scratch.replace(target)
            sync_folder(target.parent)
        finally:
            for rest in scratch.parent.glob(f"{scratch.name}*"):
                rest.unlink()
    return Adopted(target, labels, left_out)


def _fit(copy: sqlite3.Connection, corpus: Corpus) -> int:
    """Make the copy this corpus' own; how many labels had to go."""
    turns, theirs = _words_of(corpus), _words_in(copy)
    gone = [turn for turn, words in theirs.items() if turns.get(turn) != words]
    before = copy.total_changes
    copy.executemany("DELETE FROM label WHERE split = ? AND dialogue = ? AND utterance = ?", gone)
    left_out = copy.total_changes - before
    copy.execute("DELETE FROM about")
    copy.execute("DELETE FROM turn")
    _introduce(copy, corpus)
    return left_out


def register(path: Path, connection: sqlite3.Connection, corpus: Corpus) -> None:
    """Make a new store the corpus' own, or see to it that it is; note where the corpus is now. Raises StoreError."""
    about = dict(connection.execute("SELECT name, value FROM about"))
    if not about:
        _introduce(connection, corpus)
    elif not all(isinstance(about.get(name), str) for name in ("identity", "root")):
        raise UnreadableError("it does not say whose labels it holds")
    elif about["identity"] != identity(corpus):
        raise StoreError(f"{path} holds the annotations of another corpus, which was last in {about['root']}")
    elif about["root"] != str(corpus.root.absolute()):
        connection.execute("UPDATE about SET value = ? WHERE name = 'root'", (str(corpus.root.absolute()),))


def _introduce(connection: sqlite3.Connection, corpus: Corpus) -> None:
    about = {
        "identity": identity(corpus),
        "kind": corpus.kind,
        "emotions": corpus.labels.name,
        "root": str(corpus.root.absolute()),
    }
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    rows = ((*turn, words) for turn, words in _words_of(corpus).items())
    connection.executemany("INSERT INTO turn VALUES (?, ?, ?, ?)", rows)


def _words_of(corpus: Corpus) -> _Words:
    return {
        _columns(turn.id): hashlib.sha256(turn.text.encode(errors="surrogatepass")).hexdigest()[:16]
        for turn in corpus.turns()
    }


def _words_in(connection: sqlite3.Connection) -> _Words:
    rows = connection.execute("SELECT split, dialogue, utterance, words FROM turn")
    return {(split, dialogue, utterance): words for split, dialogue, utterance, words in rows}


def _columns(turn: TurnId) -> tuple[str, str, int]:
    return str(turn.split), turn.dialogue, turn.utterance
