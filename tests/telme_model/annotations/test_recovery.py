"""A damaged store gives back what stands in it: cut off anywhere, its header changed, rows that cannot be."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import candidates
from telme_model.annotations.recovery import recover
from telme_model.annotations.sqlite import StoreDamagedError
from telme_model.annotations.store import Key, Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus
from tests.support.corpora import write_corpus
from tests.support.damage import HEADER, cuts, flipped, tried, write_store
from tests.support.labelling import all_labels

NUMBER = 120  # labels


@dataclass(frozen=True, slots=True)
class Whole:
    corpus: Corpus
    data: bytes
    labels: dict[Key, Label]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    corpus = open_corpus(write_corpus(folder / "series", clips=False))
    labels = write_store(folder / "a.sqlite", corpus, NUMBER)
    return Whole(corpus, (folder / "a.sqlite").read_bytes(), labels)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "damaged" / "a.sqlite"


def test_a_store_that_is_cut_gives_back_what_is_left(path: Path, whole: Whole) -> None:
    outcomes = [tried(path, whole.corpus, data, whole.labels) for _, data in cuts(whole.data)]
    back = [outcome.right for outcome in outcomes]
    assert not any(outcome.wrong for outcome in outcomes)
    assert back == sorted(back, reverse=True)
    assert back[0] >= 0.9 * NUMBER  # its last page was one of labels at most
    assert back[2] > 0


@pytest.mark.parametrize(
    "bit", [*range(5, 8 * HEADER, 197), 8 * 16 + 4, 8 * 18, 8 * 28 + 7, 8 * 35, 8 * 59, 8 * 63, 8 * 71 + 1]
)
def test_no_bit_of_the_header_costs_a_label(path: Path, whole: Whole, bit: int) -> None:
    outcome = tried(path, whole.corpus, flipped(whole.data, bit), whole.labels)
    assert (outcome.right, outcome.wrong) == (NUMBER, 0)


@pytest.mark.parametrize("size", [HEADER, 4096], ids=["header", "first page"])
def test_neither_the_header_nor_the_schema_is_needed(path: Path, whole: Whole, size: int) -> None:
    outcome = tried(path, whole.corpus, bytes(size) + whole.data[size:], whole.labels)
    assert (outcome.right, outcome.wrong) == (NUMBER, 0)


def test_labels_that_only_the_write_ahead_log_holds_come_back(path: Path, whole: Whole) -> None:
    path.parent.mkdir()
    with Store.open(path, whole.corpus) as store:
        store.edit("label", whole.labels)
        data, log = path.read_bytes(), path.with_name("a.sqlite-wal").read_bytes()
    path.write_bytes(b"\x55" * len(data))
    path.with_name("a.sqlite-wal").write_bytes(log)
    assert recover(path, whole.corpus).labels == NUMBER


def test_what_was_cleared_stays_cleared_though_its_page_is_still_there(path: Path, whole: Whole) -> None:
    path.parent.mkdir()
    path.write_bytes(whole.data)
    with Store.open(path, whole.corpus) as store:
        store.edit("clear", dict.fromkeys(list(whole.labels)[20:]))
        kept = all_labels(store)
    outcome = tried(path, whole.corpus, bytes(16) + path.read_bytes()[16:], kept)
    assert (outcome.right, outcome.wrong) == (20, 0)


def test_long_comments_come_back_whole(path: Path, whole: Whole) -> None:
    key = next(iter(whole.labels))
    label = Label(emotion="joy", comment="so many words, " * 2000)
    path.parent.mkdir()
    with Store.open(path, whole.corpus) as store:
        store.edit("label", {key: label})
    data = path.read_bytes()
    assert tried(path, whole.corpus, bytes(16) + data[16:], {key: label}).right == 1


CANNOT_BE: list[tuple[str, object]] = [
    *(("value", value) for value in (
        "[]", "7", '"joy"', "{", '{"emotion":7}', '{"emotion":"jox"}', '{"unsure":1}', '{"comment":[]}',
        '{"time":"soon"}', '{"time":NaN}', '{"time":1e999}', '{"time":true}', '{"origin":"moon"}', '{"colour":"red"}',
        '{"run":null}', "[" * 20000, '{"time":' + "9" * 400 + "}", '{"time":' + "9" * 5000 + "}", b"\xff\xfe", b"{}",
    )),
    ("scope", "smell"), ("scope", b"all"), ("split", "exam"), ("split", b"train"), ("dialogue", b"0"),
    ("dialogue", "99"), ("utterance", "first"), ("utterance", 0.5), ("utterance", b"\0"),
]  # fmt: skip


def test_rows_that_cannot_be_are_told_and_left_aside(path: Path, whole: Whole) -> None:
    path.parent.mkdir()
    path.write_bytes(whole.data)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM change")  # what the history would tell
        for row, (column, value) in enumerate(CANNOT_BE, 1):
            connection.execute(f"UPDATE label SET {column} = ? WHERE id = ?", (value, row))
    with pytest.raises(StoreDamagedError):
        Store.open(path, whole.corpus)
    done = recover(path, whole.corpus)
    assert (done.labels, done.left_aside) == (NUMBER - len(CANNOT_BE), len(CANNOT_BE))
    Store.open(path, whole.corpus).close()


@pytest.mark.parametrize("value", ['{"emotion":"jox"}', "[" * 20000, '{"time":"soon"}'], ids=["jox", "deep", "soon"])
def test_one_row_that_cannot_be_is_damage(path: Path, whole: Whole, value: str) -> None:
    path.parent.mkdir()
    path.write_bytes(whole.data)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE label SET value = ? WHERE id = 1", (value,))
    with pytest.raises(StoreDamagedError):
        Store.open(path, whole.corpus)
    done = recover(path, whole.corpus)
    assert (done.labels, done.left_aside) == (NUMBER, 0)  # the history tells it


def test_a_layer_whose_name_cannot_be_keeps_its_labels(path: Path, whole: Whole) -> None:
    for name in ("gold", "a\nb", b"\xff"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(whole.data)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DROP INDEX IF EXISTS stack")
            connection.execute("UPDATE OR IGNORE layer SET name = ? WHERE id = 1", (name,))
        assert recover(path, whole.corpus).labels == NUMBER


def test_labels_are_for_the_right_scope(whole: Whole) -> None:
    """The makers of this file label in more than one scope and layer, or it would prove little."""
    assert {scope for _, scope, _ in whole.labels} >= {Scope.ALL, Scope.TEXT}


@pytest.mark.parametrize("written_elsewhere", [False, True])
def test_a_store_is_kept_where_no_memory_is_shared(path: Path, whole: Whole, written_elsewhere: bool) -> None:
    path.parent.mkdir()
    if written_elsewhere:
        path.write_bytes(whole.data)
    path.with_name("a.sqlite-shm").symlink_to(path / "nowhere")  # what a write-ahead log shares cannot be made
    key, label = ("bo", Scope.ALL, next(iter(whole.labels))[2]), Label(emotion="joy")
    with Store.open(path, whole.corpus) as store, Store.open(path, whole.corpus) as other:
        store.edit("label", {key: label})
        assert other.changed_elsewhere()
        assert all_labels(other) == (whole.labels if written_elsewhere else {}) | {key: label}
        other.edit("clear", {key: None})
        assert store.changed_elsewhere()
        assert store.back_up().is_file()


@pytest.mark.parametrize("damage", ["DELETE FROM about WHERE name = 'root'", "UPDATE about SET value = x'00ff'"])
def test_another_corpus_damaged_store_never_keeps_this_one_from_opening(
    path: Path, whole: Whole, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELME_ANNOTATIONS", str(path.parent))
    path.parent.mkdir()
    path.write_bytes(whole.data)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(damage)
    path.with_name("folder.sqlite").mkdir()
    path.with_name("cut.sqlite").write_bytes(whole.data[:5000])
    assert candidates(whole.corpus) == ()
    with pytest.raises(StoreDamagedError):
        Store.open(path, whole.corpus)
