"""What is open and chosen follows labels, theta and what may be seen, and says what has changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from telme_gui.session.filter import Filter
from telme_gui.session.jobs import Jobs
from telme_gui.session.labels import Touched
from telme_gui.session.marks import Mark
from telme_gui.session.session import Session
from telme_model.annotations.labels import Label, Scope
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Modality, TurnId
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session(Jobs())
    session.set_corpus(open_corpus(write_corpus(tmp_path / "series", clips=False)))
    yield session
    session.close()


def edit(session: Session, *places: int, label: Label | None = Label(emotion="joy")) -> frozenset[TurnId]:  # noqa: B008
    """Label these turns in one step."""
    turns = frozenset(session.turns[place].id for place in places)
    assert session.labels.edit("label", {("me", Scope.ALL, turn): label for turn in turns})
    return turns


def bearing(session: Session, mark: Mark) -> list[int]:
    return session.mark_mask({mark}).nonzero()[0].tolist()


def test_an_edit_announces_the_turns_that_it_changes(session: Session) -> None:
    told: list[Touched] = []
    session.labels_changed.connect(told.append)
    one, many = edit(session, 0), edit(session, 1, 2, 5)
    assert told == [one, many]
    session.labels.undo()  # of three
    session.labels.undo()  # of one
    assert told[2:] == [None, one]
    session.labels.choose(blind=True)
    assert told[4:] == [None]


def test_marks_follow_one_label_and_many(session: Session) -> None:
    count = len(session.turns)
    assert bearing(session, Mark.MISSING) == list(range(count))
    edit(session, 0)
    assert bearing(session, Mark.MISSING) == list(range(1, count))
    edit(session, 1, 2, 5, label=Label(emotion="joy", flag=True))
    assert bearing(session, Mark.MISSING) == [3, 4, *range(6, count)]
    assert bearing(session, Mark.FLAGGED) == [1, 2, 5]
    session.labels.undo()
    assert bearing(session, Mark.MISSING) == list(range(1, count))
    assert bearing(session, Mark.FLAGGED) == []


def test_a_filter_for_marks_follows_a_bulk_edit(session: Session) -> None:
    session.set_filter(Filter(marks=frozenset({Mark.MISSING})))
    edit(session, *range(len(session.turns) - 1))
    assert session.visible.nonzero()[0].tolist() == [len(session.turns) - 1]


def test_predictions_that_a_layer_judges_follow_a_bulk_edit(session: Session) -> None:
    assert session.corpus is not None
    session.set_predictions(predictions(session.turns, session.corpus.labels.labels), None)
    told: list[Touched] = []
    session.judge_against("me")
    session.predictions_changed.connect(told.append)
    turns = edit(session, 1, 2)
    assert told == [turns]
    assert session.predictions is not None
    assert (session.predictions.gold >= 0).nonzero()[0].tolist() == [1, 2]


def test_a_label_leaves_predictions_that_gold_judges_alone(session: Session) -> None:
    assert session.corpus is not None
    session.set_predictions(predictions(session.turns, session.corpus.labels.labels), None)
    told: list[Touched] = []
    session.predictions_changed.connect(told.append)
    edit(session, 0)
    assert told == []


def test_a_theta_that_comes_late_is_not_shown(session: Session) -> None:
    assert session.corpus is not None
    labels = session.corpus.labels.labels
    base, answer = predictions(session.turns, labels), predictions(session.turns, labels, seed=1)
    session.set_predictions(base, None)
    session.set_theta(0.5)
    assert session.predictions is base
    session.show_fused_anew(answer)
    assert session.predictions is answer
    session.set_theta(None)
    assert session.predictions is base
    told: list[Touched] = []
    session.predictions_changed.connect(told.append)
    session.show_fused_anew(answer)
    assert session.predictions is base
    assert told == []
    session.set_theta(0.6)  # until its own answer comes, nothing is shown of an earlier one
    assert session.predictions is base


def test_a_search_forgets_words_that_are_hidden_and_finds_them_again(session: Session) -> None:
    session.set_filter(Filter(text="won"))
    told = session.visible.nonzero()[0].tolist()
    assert told
    session.present(frozenset({Modality.AUDIO}))
    assert not session.visible.any()
    session.present(frozenset(Modality))
    assert session.visible.nonzero()[0].tolist() == told
