"""No label is lost: kills, broken files, backups, older and newer formats."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from telme_model.annotations import backups
from telme_model.annotations import sqlite as database
from telme_model.annotations import store as store_module
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.annotations.recovery import labels_in, recover
from telme_model.annotations.schema import SCRIPTS
from telme_model.annotations.sqlite import StoreDamagedError
from telme_model.annotations.store import Key, Store, StoreError
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split, TurnId
from tests.support.corpora import write_corpus
from tests.support.labelling import Plain, all_labels, killed

FIRST, SECOND = TurnId(Split.TRAIN, "0", 0), TurnId(Split.TRAIN, "0", 1)
JOY, FEAR = Label(emotion="joy", time=1.5), Label(emotion="fear", time=2.5)
ALL = Scope.ALL
PAGE = 4096


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return open_corpus(write_corpus(tmp_path / "series", clips=False))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite"


def write_labels(path: Path, corpus: Corpus, *, comment: str = "", again: int = 1) -> dict[Key, Label]:
    """A store with a label on every turn, each made `again` times over."""
    turns = [turn.id for turn in corpus.turns()]
    with Store.open(path, corpus) as store:
        for number in range(again * len(turns)):
            label = Label(emotion="joy", comment=comment, time=number)
            store.edit("label", {("ada", ALL, turns[number % len(turns)]): label})
        return all_labels(store)


# -- kills ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_acknowledged_labels_survive_kills(path: Path, corpus: Corpus) -> None:
    plain, edits = Plain(), 0
    for seed, count in enumerate((1, 20, 60)):
        plain, acknowledged = killed(corpus.root, corpus, path, plain, seed, count)
        edits += acknowledged
    assert edits >= 81
    assert plain.labels


def test_every_edit_is_synced_before_it_returns(path: Path, corpus: Corpus) -> None:
    """Against power cuts, which no test makes: SQLite syncs its log at every commit, through the drive's own cache."""
    promised = {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1, "foreign_keys": 1}  # 2 is FULL
    with Store.open(path, corpus) as store:
        assert {name: store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in promised} == promised


# -- backups ----------------------------------------------------------------------------------------------------


def test_a_backup_is_made_a_day_and_ten_are_kept(path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = write_labels(path, corpus)
    (path.parent / "backups" / "a@my own copy.sqlite").write_bytes(b"")
    (first,) = backups.backups(path)  # with the first label
    assert labels_in(first) == 1
    with Store.open(path, corpus):
        assert backups.backups(path)[1:] == (first,)
    with Store.open(path, corpus) as store:
        assert len(backups.backups(path)) == 2
        store.edit("label", {("ada", ALL, FIRST): FEAR})
    tomorrow = time.time() + backups.DUE + 60
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    Store.open(path, corpus).close()
    newest, _, oldest = backups.backups(path)
    assert oldest == first
    with Store.open(path, corpus) as store:
        assert len(backups.backups(path)) == 3
        for _ in range(11):
            last = store.back_up()
    kept = backups.backups(path)
    assert len(kept) == backups.KEEP
    assert kept[0] == last
    assert newest not in kept
    with Store.open(last, corpus) as copy:
        assert all_labels(copy) == {**labels, ("ada", ALL, FIRST): FEAR}


def test_a_backup_is_synced_before_it_takes_its_place(
    path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_labels(path, corpus)
    synced = []

    def sync(file: int) -> None:
        synced.append((os.fstat(file).st_ino, backups.backups(path)))

    with Store.open(path, corpus) as store:
        before = backups.backups(path)
        monkeypatch.setattr(os, "fsync", sync)
        backup = store.back_up()
    assert synced == [(backup.stat().st_ino, before), (backup.parent.stat().st_ino, (backup, *before))]


def test_a_store_that_did_not_change_is_not_copied_again(
    path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_labels(path, corpus)
    Store.open(path, corpus).close()
    later = time.time() + 5 * backups.DUE
    monkeypatch.setattr(time, "time", lambda: later)
    Store.open(path, corpus).close()
    assert len(backups.backups(path)) == 2


# -- damage -----------------------------------------------------------------------------------------------------


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("rb+") as file:
        file.seek(start)
        file.write(data)


def pages_of(path: Path, table: str) -> list[int]:
    """The pages of a table that hold rows."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
        return [number for (number,) in connection.execute(query, (table,))]


def test_a_broken_page_costs_no_label_that_the_history_tells(path: Path, corpus: Corpus) -> None:
    labels = write_labels(path, corpus, comment="x" * 400)
    broken = pages_of(path, "label")[1]
    overwrite(path, (broken - 1) * PAGE, os.urandom(PAGE))
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError, match=r"damaged.* its last backup is a@"):
        Store.open(path, corpus)
    recovery = recover(path, corpus)
    assert (recovery.layers, recovery.labels, recovery.backup) == (("ada",), len(labels), None)
    assert recovery.damaged is not None
    assert recovery.damaged.read_bytes() == before
    with Store.open(path, corpus) as store:
        assert all_labels(store) == labels
        undone = store.undo()
        assert undone is not None
        assert undone.name == "recover what can be read of a damaged file"
    assert not list(path.parent.glob(".recover*"))


def test_what_the_history_lost_too_is_told_by_number(path: Path, corpus: Corpus) -> None:
    labels = write_labels(path, corpus, comment="x" * 400)
    for table in ("label", "change"):
        for broken in pages_of(path, table)[1::2]:
            overwrite(path, (broken - 1) * PAGE, bytes(PAGE))
    with pytest.raises(StoreDamagedError):
        Store.open(path, corpus)
    recovery = recover(path, corpus)
    assert 0 < recovery.labels < len(labels)
    with Store.open(path, corpus) as store:
        assert all_labels(store).items() <= labels.items()
        assert len(all_labels(store)) == recovery.labels


@pytest.mark.parametrize(
    "break_", [
        lambda path: path.write_bytes(b"Dear diary,\n" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[: 3 * PAGE]),
        lambda path: path.write_bytes(b""),
        lambda path: overwrite(path, 0, bytes(PAGE)),
        lambda path: path.unlink(),
    ],
    ids=["text", "cut off", "emptied", "no header", "gone"],
)  # fmt: skip
def test_a_backup_takes_the_place_of_a_broken_file(
    path: Path, corpus: Corpus, break_: Callable[[Path], object]
) -> None:
    labels = write_labels(path, corpus)
    with Store.open(path, corpus) as store:
        store.edit("after the backup", {("ada", ALL, FIRST): FEAR})
    break_(path)
    with pytest.raises(StoreDamagedError, match="its last backup is a@") as raised:
        Store.open(path, corpus)
    backup, _ = raised.value.backups
    recovery = recover(path, corpus, backup)
    assert (recovery.backup, recovery.labels) == (backup, len(labels))
    with Store.open(path, corpus) as store:
        assert all_labels(store) == labels
        undone = store.undo()
        assert undone is not None
        assert undone.name == "label"


def test_a_broken_backup_leaves_everything_where_it_was(path: Path, corpus: Corpus) -> None:
    write_labels(path, corpus)
    with Store.open(path, corpus) as store:
        backup = store.back_up()
    overwrite(backup, 2 * PAGE, os.urandom(PAGE))
    path.write_bytes(b"Dear diary,\n" * 1000)
    with pytest.raises(StoreError, match="backups"):
        recover(path, corpus, backup)
    assert path.read_bytes().startswith(b"Dear diary")
    assert not list(path.parent.glob(".*"))


def test_a_file_of_text_without_backups_is_named(path: Path, corpus: Corpus) -> None:
    path.write_bytes(b"Dear diary,\n" * 1000)
    with pytest.raises(StoreDamagedError, match=r"not a database.*no backup"):
        Store.open(path, corpus)
    assert recover(path, corpus).labels == 0


def test_another_programs_database_is_left_alone(path: Path, corpus: Corpus) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (name)")
    with pytest.raises(StoreError, match="a database of another program"):
        Store.open(path, corpus)


# -- formats ----------------------------------------------------------------------------------------------------

VERSION_1 = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE turn (split TEXT, dialogue TEXT, utterance INTEGER, words TEXT NOT NULL,
    PRIMARY KEY (split, dialogue, utterance)) WITHOUT ROWID;
CREATE TABLE layer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE label (id INTEGER PRIMARY KEY, layer INTEGER NOT NULL REFERENCES layer,
    scope TEXT NOT NULL, split TEXT NOT NULL, dialogue TEXT NOT NULL, utterance INTEGER NOT NULL,
    value TEXT NOT NULL, UNIQUE (layer, scope, split, dialogue, utterance));
CREATE TABLE program (id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL, began REAL NOT NULL);
CREATE TABLE step (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, time REAL NOT NULL,
    program INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'undone', 'dropped')),
    size INTEGER NOT NULL, deletes INTEGER REFERENCES layer);
CREATE INDEX stack ON step (program, state, id);
CREATE TABLE change (id INTEGER PRIMARY KEY, step INTEGER NOT NULL REFERENCES step,
    layer INTEGER NOT NULL REFERENCES layer, scope TEXT NOT NULL, split TEXT NOT NULL, dialogue TEXT NOT NULL,
    utterance INTEGER NOT NULL, before TEXT, after TEXT);
CREATE INDEX change_of ON change (step);
CREATE TABLE log (revision INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER REFERENCES step, time REAL NOT NULL);
INSERT INTO about VALUES ('identity', 'IDENTITY'), ('kind', 'meld'), ('emotions', 'meld'), ('root', '/data/series');
INSERT INTO turn VALUES ('train', '0', 0, '0123456789abcdef');
INSERT INTO layer (id, name) VALUES (1, 'ada');
INSERT INTO label (layer, scope, split, dialogue, utterance, value)
    VALUES (1, 'all', 'train', '0', 0, '{"emotion":"joy","flag":true,"origin":"blind","time":1.5}');
INSERT INTO program (pid, began) VALUES (0, 0);
INSERT INTO step (name, time, program, state, size) VALUES ('label joy', 1.5, 1, 'done', 1);
INSERT INTO change (step, layer, scope, split, dialogue, utterance, before, after)
    VALUES (1, 1, 'all', 'train', '0', 0, '{"unsure":true}',
    '{"emotion":"joy","flag":true,"origin":"blind","time":1.5}');
INSERT INTO log (step, time) VALUES (1, 1.5);
PRAGMA application_id = 1415924813;
PRAGMA user_version = 1;
"""


def write_version_1(path: Path, corpus: Corpus) -> None:
    from telme_model.annotations.places import identity

    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.replace("IDENTITY", identity(corpus)))


def test_the_steps_of_an_ended_program_that_had_this_ones_number_are_taken_over(path: Path, corpus: Corpus) -> None:
    write_version_1(path, corpus)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE program SET pid = ?, began = 5.0", (os.getpid(),))  # as after a restart
    with Store.open(path, corpus) as store:
        assert store.undo() is not None


def test_a_file_of_version_1_opens(path: Path, corpus: Corpus) -> None:
    write_version_1(path, corpus)
    with Store.open(path, corpus) as store:
        label = Label(emotion="joy", flag=True, origin=Origin.BLIND, time=1.5)
        assert all_labels(store) == {("ada", ALL, FIRST): label}
        step = store.undo()
        assert step is not None
        assert (step.name, step.time) == ("label joy", 1.5)
        assert all_labels(store) == {("ada", ALL, FIRST): Label(unsure=True)}


def test_an_older_file_is_backed_up_and_brought_up_to_date_whole_or_not_at_all(
    path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version_1(path, corpus)
    monkeypatch.setattr(database, "SCRIPTS", (*SCRIPTS, "ALTER TABLE layer ADD COLUMN colour TEXT;\nSELECT nonsense"))
    monkeypatch.setattr(store_module, "SCRIPTS", (*SCRIPTS, ""))
    with pytest.raises(StoreError, match="nonsense"):
        Store.open(path, corpus)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert "colour" not in [column[1] for column in connection.execute("PRAGMA table_info(layer)")]
    monkeypatch.setattr(database, "SCRIPTS", (*SCRIPTS, "ALTER TABLE layer ADD COLUMN colour TEXT"))
    with Store.open(path, corpus) as store:
        assert store.labels("ada")[FIRST].emotion == "joy"
        assert backups.backups(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"newer TelME Studio \(format 2; this one reads up to 1\)"):
        Store.open(path, corpus)
