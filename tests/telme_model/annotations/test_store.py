"""The annotation store: layers, labels, what it refuses, and several programs on one file."""

import errno
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.annotations import sqlite
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.annotations.places import adopt, candidates, store_path
from telme_model.annotations.sqlite import StoreFullError, label_text, store_errors, stored_label
from telme_model.annotations.store import Step, Store, StoreError
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split, TurnId
from telme_model.files import DiskFullError
from tests.support.corpora import rows, write_annotations, write_corpus
from tests.support.labelling import all_labels

FIRST, SECOND, THIRD = (TurnId(Split.TRAIN, "0", utterance) for utterance in range(3))
JOY, FEAR, SAD = (Label(emotion=name, time=1.5) for name in ("joy", "fear", "sadness"))
ALL = Scope.ALL


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return open_corpus(write_corpus(tmp_path / "series", clips=False))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "user" / "annotations" / "a.sqlite"


@pytest.fixture
def store(path: Path, corpus: Corpus) -> Iterator[Store]:
    with Store.open(path, corpus) as store:
        yield store


# -- labels and layers ------------------------------------------------------------------------------------------


def test_labels_are_there_after_reopening(path: Path, corpus: Corpus) -> None:
    told = Label(
        emotion="anger",
        unsure=True,
        flag=True,
        comment="wirklich?\n\x00\ud800",
        origin=Origin.BLIND,
        run="r1",
        time=9.25,
    )
    with Store.open(path, corpus) as store:
        store.edit("label", {("ada", ALL, FIRST): told, ("ada", Scope.FACE, FIRST): JOY, ("bo", ALL, THIRD): Label()})
        written = store.revision
    with Store.open(path, corpus) as store:
        assert store.layers() == ("ada", "bo")
        assert store.label("ada", FIRST) == told
        assert store.labels("ada", Scope.FACE) == {FIRST: JOY}
        assert store.labels("ada", Scope.TEXT) == {}
        assert store.labels("bo") == {THIRD: Label()}
        assert store.labels("cy") == {}
        assert store.revision == written


@given(
    st.builds(
        Label,
        emotion=st.none() | st.text(),
        unsure=st.booleans(),
        flag=st.booleans(),
        comment=st.text(st.characters(categories=None)),
        origin=st.sampled_from(Origin),
        run=st.text(),
        time=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_a_label_is_stored_exactly(label: Label) -> None:
    assert stored_label(label_text(label)) == label


def test_a_view_of_a_layer_follows_the_edits(store: Store) -> None:
    store.add_layer("ada")
    seen = store.labels("ada")
    store.edit("label", {("ada", ALL, FIRST): JOY})
    assert seen == {FIRST: JOY}
    before = store.revision
    assert store.edit("label", {("ada", ALL, FIRST): JOY}) is None
    assert store.revision == before
    store.edit("clear", {("ada", ALL, FIRST): None})
    assert seen == {}
    assert store.revision > before


def test_a_renamed_layer_keeps_labels_and_history(path: Path, corpus: Corpus, store: Store) -> None:
    store.edit("label", {("ada", ALL, FIRST): JOY})
    store.edit("label", {("ada", ALL, FIRST): FEAR})
    store.rename_layer("ada", "Ada")
    store.rename_layer("Ada", "ada lovelace")
    undone = store.undo()
    assert undone is not None
    assert (undone.layer, undone.turn, undone.name) == ("ada lovelace", FIRST, "label")
    assert all_labels(store) == {("ada lovelace", ALL, FIRST): JOY}


def test_deleting_a_layer_is_one_step_that_an_undo_takes_back(path: Path, corpus: Corpus) -> None:
    with Store.open(path, corpus) as store:
        store.edit("label", {("ada", ALL, FIRST): JOY, ("ada", Scope.TEXT, THIRD): FEAR, ("bo", ALL, FIRST): SAD})
        whole = all_labels(store)
        step = store.delete_layer("ada")
        assert (step.name, step.layer, step.size, step.turn) == ("delete the layer ada", "ada", 2, FIRST)
        assert (store.layers(), all_labels(store)) == (("bo",), {("bo", ALL, FIRST): SAD})
    with Store.open(path, corpus) as store:
        store.undo()
        assert (store.layers(), all_labels(store)) == (("ada", "bo"), whole)
        store.redo()
        assert store.layers() == ("bo",)
        store.add_layer("ada")  # the name is free again; what was deleted stays deleted ...
        assert store.labels("ada") == {}
        store.undo()  # ... until it is undone
        assert all_labels(store) == whole
        store.redo()
        store.rename_layer("bo", "ada")
        store.undo()
        assert store.layers()[1] == "ada"
        assert store.layers()[0].startswith("ada (deleted")


def test_an_empty_layer_can_be_deleted_and_comes_back(store: Store) -> None:
    store.add_layer("ada")
    step = store.delete_layer("ada")
    assert (step.size, step.turn, store.layers()) == (0, None, ())
    assert store.undo() == step
    assert store.layers() == ("ada",)


@pytest.mark.parametrize("name", ["", " ada", "a\nb", "x" * 81, "Gold", "\ud800"])
def test_names_that_no_layer_can_have(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="layer"):
        store.add_layer(name)
    with pytest.raises(StoreError, match="layer"):
        store.edit("label", {(name, ALL, FIRST): JOY})
    assert store.layers() == ()


def test_layers_that_are_taken_or_missing(store: Store) -> None:
    store.add_layer("ada")
    for refused in (
        lambda: store.add_layer("Ada"),
        lambda: store.edit("label", {("ADA", ALL, FIRST): JOY}),
        lambda: store.rename_layer("bo", "cy"),
        lambda: store.delete_layer("bo"),
    ):
        with pytest.raises(StoreError, match=r"there is (a|no) layer"):
            refused()


def test_labels_that_are_not_the_corpus_own(store: Store) -> None:
    with pytest.raises(StoreError, match="'bliss' is not an emotion of meld: anger, "):
        store.edit("label", {("ada", ALL, FIRST): JOY, ("ada", ALL, SECOND): Label(emotion="bliss")})
    with pytest.raises(StoreError, match="train/dia77_utt0 is no turn"):
        store.edit("label", {("ada", ALL, FIRST): JOY, ("ada", ALL, TurnId(Split.TRAIN, "77", 0)): JOY})
    assert all_labels(store) == {}


def walk(move: Callable[[], Step | None]) -> list[Step]:
    """Undo or redo as far as it goes."""
    steps = []
    while (step := move()) is not None:
        steps.append(step)
    return steps


# -- several programs -------------------------------------------------------------------------------------------


def test_programs_see_one_anothers_labels_and_undo_their_own(path: Path, corpus: Corpus, store: Store) -> None:
    store.edit("label", {("ada", ALL, FIRST): JOY})
    with Store.open(path, corpus) as other:
        assert other.undoable is None  # the first program still has its own in hand
        other.edit("label", {("bo", ALL, FIRST): FEAR})
        assert store.labels("bo") == {}
        assert store.changed_elsewhere()
        assert not store.changed_elsewhere()
        assert store.labels("bo") == {FIRST: FEAR}
        assert store.revision == other.revision
        store.undo()
        assert other.changed_elsewhere()
        assert all_labels(other) == all_labels(store) == {("bo", ALL, FIRST): FEAR}
        assert store.undo() is None
        store.rename_layer("bo", "cy")
        assert other.changed_elsewhere()
        assert other.layers() == ("ada", "cy")


def test_an_undo_leaves_what_another_program_wrote_since(path: Path, corpus: Corpus, store: Store) -> None:
    store.edit("first", {("ada", ALL, THIRD): SAD})
    store.edit("both", {("ada", ALL, FIRST): JOY, ("ada", ALL, SECOND): JOY})
    store.edit("over", {("ada", ALL, THIRD): JOY})
    with Store.open(path, corpus) as other:
        other.edit("correct", {("ada", ALL, SECOND): FEAR, ("ada", ALL, THIRD): FEAR})
        undone = store.undo()  # nothing of the last step stands: it is passed over
        assert undone is not None
        assert (undone.name, undone.size, undone.left) == ("both", 2, 1)
        assert store.labels("ada") == {SECOND: FEAR, THIRD: FEAR}
        assert store.changed_elsewhere()  # noticed on the way, but still to be told
        assert store.undo() is None
        other.undo()
        assert store.changed_elsewhere()
        assert store.labels("ada") == {SECOND: JOY, THIRD: JOY}


def test_a_layer_in_which_another_program_labels_stays(path: Path, corpus: Corpus, store: Store) -> None:
    store.edit("label", {("ada", ALL, FIRST): JOY})
    store.delete_layer("ada")
    store.undo()
    with Store.open(path, corpus) as other:
        other.edit("label", {("ada", ALL, SECOND): FEAR})
        redone = store.redo()  # takes the labels that it took before, and no others
        assert redone is not None
        assert (redone.name, redone.left) == ("delete the layer ada", 0)
        assert other.changed_elsewhere()
        for program in (store, other):
            assert program.layers() == ("ada",)
            assert all_labels(program) == {("ada", ALL, SECOND): FEAR}


def test_what_ended_programs_did_is_the_next_ones_to_undo(path: Path, corpus: Corpus) -> None:
    with Store.open(path, corpus) as store:
        store.edit("one", {("ada", ALL, FIRST): JOY})
        store.edit("two", {("ada", ALL, SECOND): JOY})
        store.undo()
        with Store.open(path, corpus) as other:
            other.edit("three", {("bo", ALL, FIRST): FEAR})
    with Store.open(path, corpus) as store:
        assert store.redoable is None  # "three" came after "two" was undone
        assert [step.name for step in walk(store.undo)] == ["three", "one"]
        assert [step.name for step in walk(store.redo)] == ["one", "three"]


@pytest.mark.slow
def test_two_programs_label_at_once(path: Path, corpus: Corpus) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from telme_model.annotations.labels import Label, Scope\n"
        "from telme_model.annotations.store import Store\nfrom telme_model.corpus import open_corpus\n"
        "corpus = open_corpus(Path(sys.argv[1]))\nturns = [turn.id for turn in corpus.turns()]\n"
        "with Store.open(Path(sys.argv[2]), corpus) as store:\n"
        "    store.add_layer(sys.argv[3])\n"
        "    while len(store.layers()) < 2:\n        store.changed_elsewhere()\n"
        "    for number in range(150):\n"
        "        store.edit('label', {(sys.argv[3], Scope.ALL, turns[number % len(turns)]): Label(time=number)})\n"
        "    assert len(list(iter(store.undo, None))) == 150\n"
        "    assert len(list(iter(store.redo, None))) == 150\n"
    )
    command = [sys.executable, "-c", script, str(corpus.root), str(path)]
    both = [subprocess.Popen([*command, layer], cwd=Path(__file__).parents[3]) for layer in ("ada", "bo")]
    try:
        assert [process.wait(timeout=60) for process in both] == [0, 0]
    finally:
        for process in both:  # one waits for the other, which may have failed
            process.kill()
            process.wait()
    turns = [turn.id for turn in corpus.turns()]
    expected = {turns[number % len(turns)]: Label(time=number) for number in range(150)}
    with Store.open(path, corpus) as store:
        assert store.labels("ada") == store.labels("bo") == expected
        assert len(walk(store.undo)) == 300


# -- places -----------------------------------------------------------------------------------------------------


def changed_corpus(corpus: Corpus, folder: Path) -> Corpus:
    """The same corpus with other words in the second training turn, and without the test dialogues but the first."""
    write_corpus(folder, clips=False)
    for split in (Split.TRAIN, Split.TEST):
        table = list(rows(split))
        if split is Split.TRAIN:
            table[1]["Utterance"] = "Something else."
        write_annotations(folder, split, [row for row in table if split is Split.TRAIN or row["Dialogue_ID"] == 0])
    return open_corpus(folder)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELME_ANNOTATIONS", str(tmp_path / "own"))
    return tmp_path / "own"


def test_a_moved_corpus_keeps_its_store(own: Path, corpus: Corpus, tmp_path: Path) -> None:
    with Store.open(store_path(corpus), corpus) as store:
        store.edit("label", {("ada", ALL, FIRST): JOY})
    moved = open_corpus(corpus.root.rename(tmp_path / "elsewhere"))
    assert store_path(moved) == store_path(corpus)
    assert store_path(moved).parent == own
    with Store.open(store_path(moved), moved) as store:
        assert store.labels("ada") == {FIRST: JOY}
    regolded = replace(
        moved, dialogues=tuple(replace(d, turns=tuple(replace(t, gold=None) for t in d.turns)) for d in moved.dialogues)
    )
    assert store_path(regolded) == store_path(corpus)


def test_a_changed_corpus_is_offered_what_it_had(own: Path, corpus: Corpus, tmp_path: Path) -> None:
    last = TurnId(Split.TEST, "2", 0)
    with Store.open(store_path(corpus), corpus) as store:
        store.edit("label", {("ada", ALL, turn): JOY for turn in (FIRST, SECOND, last)})
        store.edit("clear", {("ada", ALL, last): None})
    other = changed_corpus(corpus, tmp_path / "other")
    (own / "notes.sqlite").write_text("not a store")
    (found,) = candidates(other)
    turns = len(list(corpus.turns()))
    assert (found.root, found.turns, found.matching, found.labels) == (corpus.root, turns, turns - 6, 2)
    taken = adopt(found.path, other)
    assert (taken.path, taken.labels, taken.left_out) == (store_path(other), 1, 1)
    with Store.open(taken.path, other) as store:
        assert all_labels(store) == {("ada", ALL, FIRST): JOY}
        undone = store.undo()  # the clearing was of a turn that is gone: passed over
        assert undone is not None
        assert (undone.name, undone.left) == ("label", 2)
    with Store.open(found.path, corpus) as store:
        assert store.labels("ada") == {FIRST: JOY, SECOND: JOY}
    with pytest.raises(StoreError, match="has annotations of its own"):
        adopt(found.path, other)
    with pytest.raises(StoreError, match="of another corpus, which was last in"):
        Store.open(found.path, other)
    assert {entry.name for entry in own.iterdir()} == {found.path.name, taken.path.name, "notes.sqlite", "backups"}


# -- failing disks ----------------------------------------------------------------------------------------------


def test_a_full_disk_refuses_the_edit_and_keeps_the_rest(store: Store) -> None:
    store.edit("label", {("ada", ALL, FIRST): JOY})
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for number in range(1000):
            store.edit("comment", {("ada", ALL, SECOND): Label(comment="x" * 1000, time=number)})

    with pytest.raises(StoreError, match="cannot be written: the disk is full") as refused:
        fill()
    assert isinstance(refused.value, DiskFullError)
    assert refused.value.remedy == DiskFullError.remedy
    kept = all_labels(store)
    assert kept[("ada", ALL, FIRST)] == JOY
    store._db.execute("PRAGMA max_page_count = 100000")
    assert store.edit("label", {("ada", ALL, THIRD): FEAR}) is not None
    assert all_labels(store) == {**kept, ("ada", ALL, THIRD): FEAR}


def test_a_disk_that_is_full_for_another_reason_is_told_from_a_failing_one(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite calls a quota that is used up an input/output error; whether there is room, the disk itself says."""
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    with pytest.raises(StoreError, match="does not answer as it should") as refused, store_errors(path):
        raise failure
    assert not isinstance(refused.value, DiskFullError)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        full = OSError(number, "no room")
        with pytest.raises(StoreFullError), store_errors(path):
            raise full
        monkeypatch.setattr(sqlite, "TemporaryFile", partial(_raise, full))
        with pytest.raises(StoreFullError), store_errors(path):
            raise failure
    with pytest.raises(StoreFullError), store_errors(path):
        raise DiskFullError("the backup cannot be written")


def _raise(error: Exception, **_: object) -> NoReturn:
    raise error


def test_a_program_that_does_not_let_go(path: Path, corpus: Corpus, store: Store) -> None:
    store._db.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program is writing"):
            store.edit("label", {("ada", ALL, FIRST): JOY})
    assert store.edit("label", {("ada", ALL, FIRST): JOY}) is not None


def test_a_folder_that_cannot_be_made(tmp_path: Path, corpus: Corpus) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"annotations in .* cannot be used"):
        Store.open(tmp_path / "file" / "a.sqlite", corpus)


def test_every_field_of_a_label_is_read_back() -> None:
    label = Label(
        emotion="joy", unsure=True, flag=True, comment="c", origin=Origin.IMPORTED, run="r", time=1.5, source="a.eaf"
    )
    assert stored_label(label_text(label)) == label
