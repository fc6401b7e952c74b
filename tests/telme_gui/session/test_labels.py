"""The annotation store as the window sees it: layers, choices, edits, and what is said where the disk refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from telme_gui.session import labels as labels_module
from telme_gui.session.labels import ANNOTATOR, Labels, Touched, is_disputed, label_sentence
from telme_model.annotations.labels import ADJUDICATED, Label, Origin, Scope
from telme_model.annotations.store import Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus
from tests.support.corpora import write_corpus

JOY, FEAR = Label(emotion="joy"), Label(emotion="fear")


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return open_corpus(write_corpus(tmp_path / "series", clips=False))


@pytest.fixture
def labels(qtbot: QtBot, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Labels]:
    monkeypatch.setattr(labels_module, "LOOK", 1)
    labels = Labels()
    labels.open(corpus)
    yield labels
    labels.close()


@pytest.fixture
def said(labels: Labels) -> list[str]:
    """Titles of what went wrong."""
    titles: list[str] = []
    labels.failed.connect(lambda title, _sentence: titles.append(title))
    return titles


@pytest.fixture
def changes(labels: Labels) -> list[Touched]:
    touched: list[Touched] = []
    labels.changed.connect(touched.append)
    return touched


def test_looking_on_leaves_no_file(labels: Labels, corpus: Corpus) -> None:
    turn = next(corpus.turns()).id
    assert (labels.layers, labels.mine(turn), labels.undoable, labels.back_up()) == ((ANNOTATOR,), None, None, None)
    assert labels.delete_layer(ANNOTATOR) is None
    assert labels.path is not None
    assert not labels.path.exists()
    assert labels.put(turn, JOY, "label joy") is not None
    assert labels.path.is_file()
    assert (labels.emotion(turn), labels.is_labelled(turn)) == ("joy", True)


def test_layers_are_those_of_people_and_then_what_settles_them(labels: Labels) -> None:
    for layer in (ADJUDICATED, "bo", "ada"):
        assert labels.add_layer(layer)
    assert labels.layers == ("bo", "ada", ANNOTATOR, ADJUDICATED)  # the chosen one, though it is empty
    assert labels.annotators == ("bo", "ada", ANNOTATOR)


def test_names_that_cannot_be_are_said_and_change_nothing(
    labels: Labels, said: list[str], changes: list[Touched]
) -> None:
    labels.choose(layer=" ")
    labels.rename(ANNOTATOR, "gold")
    assert not labels.add_layer("gold")
    assert said == ["There can be no such layer", "The layer keeps its name", "The layer is not added"]
    assert (labels.layer, changes) == (ANNOTATOR, [])


def test_a_layer_that_is_renamed_stays_the_chosen_one(labels: Labels, corpus: Corpus) -> None:
    turn = next(corpus.turns()).id
    labels.rename(ANNOTATOR, "ada")  # there is no store yet
    assert labels.layer == "ada"
    labels.put(turn, JOY, "label joy")
    labels.add_layer("bo")
    labels.rename("bo", "cy")
    assert (labels.layer, labels.layers) == ("ada", ("ada", "cy"))
    labels.rename("ada", "Ada")
    assert (labels.layer, labels.emotion(turn)) == ("Ada", "joy")


def test_one_labels_on_in_another_layer_where_ones_own_is_deleted(labels: Labels, corpus: Corpus) -> None:
    turn = next(corpus.turns()).id
    labels.add_layer("bo")
    labels.put(turn, JOY, "label joy")
    assert labels.delete_layer("bo") is not None
    assert labels.layer == ANNOTATOR
    labels.undo()
    assert labels.delete_layer(ANNOTATOR) is not None
    assert labels.layer == "bo"
    assert labels.delete_layer("bo") is not None
    assert labels.layer == ANNOTATOR


def test_choices_are_announced_once_and_end_with_annotating(labels: Labels, changes: list[Touched]) -> None:
    labels.set_active(True)
    labels.choose(scope=Scope.FACE, blind=True)
    labels.choose(scope=Scope.FACE, blind=True)
    labels.set_active(True)
    assert (labels.in_use, changes) == (True, [None, None])
    labels.set_active(False)
    assert (labels.scope, labels.blind, labels.in_use, len(changes)) == (Scope.ALL, False, False, 3)


def test_undo_and_redo_are_offered_as_far_as_there_are_any(labels: Labels, corpus: Corpus) -> None:
    turn = next(corpus.turns()).id
    step = labels.put(turn, JOY, "label joy")
    assert labels.put(turn, JOY, "label joy") is None
    assert (labels.undoable, labels.redoable) == (step, None)
    labels.undo()
    assert (labels.undoable, labels.redoable) == (None, step)
    labels.redo()
    assert (labels.undoable, labels.emotion(turn)) == (step, "joy")


def test_what_other_programs_label_appears(qtbot: QtBot, labels: Labels, corpus: Corpus) -> None:
    first, second = (turn.id for turn in list(corpus.turns())[:2])
    labels.put(first, JOY, "label joy")
    assert labels.path is not None
    with Store.open(labels.path, corpus) as other, qtbot.waitSignal(labels.changed) as heard:
        other.edit("label", {(ANNOTATOR, Scope.ALL, second): FEAR})
    assert heard.args == [None]
    assert labels.emotion(second) == "fear"


def test_while_a_store_is_made_anew_nothing_is_labelled(labels: Labels, corpus: Corpus, said: list[str]) -> None:
    turn = next(corpus.turns()).id
    labels.put(turn, JOY, "label joy")
    assert labels.path is not None
    labels.hold(labels.path.with_name("another.sqlite"))
    assert labels.emotion(turn) == "joy"
    labels.hold(labels.path)
    assert (labels.store, labels.put(turn, FEAR, "label fear")) == (None, None)
    assert said == ["The labels are being recovered"]
    labels.release()
    assert labels.emotion(turn) == "joy"
    assert labels.put(turn, FEAR, "label fear") is not None


def test_no_step_is_told_where_the_corpus_has_no_such_label(labels: Labels, corpus: Corpus, said: list[str]) -> None:
    assert labels.put(next(corpus.turns()).id, Label(emotion="bliss"), "label bliss") is None
    assert said == ["The label is not kept"]


def test_a_full_disk_is_said_in_a_sentence_and_the_labels_stay(labels: Labels, corpus: Corpus) -> None:
    first, second = (turn.id for turn in list(corpus.turns())[:2])
    labels.put(first, JOY, "label joy")
    assert labels.store is not None
    database = labels.store._db
    sentences: list[tuple[str, str]] = []
    labels.failed.connect(lambda *parts: sentences.append(parts))
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    assert labels.put(second, Label(comment="x" * 100_000), "comment") is None
    remedy = "Make room there, and do it again."
    assert sentences == [
        (
            "The label is not kept",
            f"the annotations in {labels.path} cannot be written: the disk is full, or your share of it. {remedy}",
        )
    ]
    assert (labels.emotion(first), labels.mine(second)) == ("joy", None)
    database.execute("PRAGMA max_page_count = 100000")
    assert labels.put(second, FEAR, "label fear") is not None
    assert (labels.emotion(first), labels.emotion(second)) == ("joy", "fear")


@pytest.mark.parametrize(
    ("given", "disputed"),
    [
        ([], False),
        ([JOY], False),
        ([JOY, JOY], False),
        ([JOY, Label(flag=True)], False),  # who says no emotion disputes none
        ([JOY, FEAR], True),
        ([Label(emotion="joy", unsure=True)], True),
    ],
)
def test_turns_are_disputed_where_two_differ_or_one_is_unsure(given: list[Label], disputed: bool) -> None:
    assert is_disputed(given) is disputed


def test_a_label_is_said_in_a_sentence() -> None:
    assert label_sentence(None) == "Not labelled"
    label = Label(emotion="joy", unsure=True, flag=True, comment="So?", origin=Origin.BLIND)
    assert label_sentence(label) == f"joy, unsure, flagged, {Origin.BLIND}\nSo?"
    assert label_sentence(Label(flag=True)) == f"no emotion, flagged, {Label().origin}"
