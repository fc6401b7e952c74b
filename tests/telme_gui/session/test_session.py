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


def test_steps_stop_at_the_ends_of_the_dialogue(session: Session) -> None:
    assert session.corpus is not None
    dialogue = next(dialogue for dialogue in session.corpus.dialogues[1:] if len(dialogue.turns) > 2)
    first, *_, before, last = (turn.id for turn in dialogue.turns)
    session.select(before)
    seen = []
    for by in (1, 1, -1, -99, -1):
        session.step(by)
        assert session.current is not None
        seen.append(session.current.id)
    assert seen == [last, last, before, first, first]


def test_what_a_filter_found_is_walked_through_all_dialogues(session: Session) -> None:
    found = [session.turns[place].id for place in (1, 4, len(session.turns) - 1)]
    session.set_filter(Filter(turns=frozenset(found)))
    session.select(session.turns[0].id)
    seen = []
    for by in (1, 1, 1, 1, -1, -1, -1):
        session.step_found(by)
        assert session.current is not None
        seen.append(session.current.id)
    assert seen == [*found, found[2], found[1], found[0], found[0]]
    assert session.found(-1) is None


def test_choosing_the_turn_that_is_chosen_announces_nothing(session: Session) -> None:
    told: list[None] = []
    session.current_changed.connect(lambda: told.append(None))
    session.select(session.turns[0].id)
    assert told == []
    session.select(session.turns[1].id)
    assert len(told) == 1


def test_what_could_bias_is_hidden_of_each_turn_until_it_is_labelled(session: Session) -> None:
    assert session.corpus is not None
    here, there = session.turns[:2]
    assert session.prediction_row() is None  # there is no run
    session.set_predictions(predictions([there, here], session.corpus.labels.labels), None)
    assert (session.prediction_row(), session.prediction_row(there)) == (1, 0)
    session.labels.choose(blind=True)
    assert (session.prediction_row(), session.gold(here)) == (None, None)
    edit(session, 0)
    assert (session.prediction_row(), session.gold(here)) == (1, here.gold)
    assert (session.prediction_row(there), session.gold(there)) == (None, None)


def test_turns_that_were_picked_by_what_is_hidden_now_are_let_go_of(session: Session) -> None:
    picked = Filter(text="o", turns=frozenset({session.turns[0].id}), turns_name="joy taken for fear")
    session.set_filter(picked)
    session.labels.choose(layer="ada")
    assert session.filter == picked
    session.labels.choose(blind=True)
    assert session.filter == Filter(text="o")


def test_a_filter_for_gold_follows_what_is_hidden(session: Session) -> None:
    gold = session.turns[0].gold
    assert gold is not None
    expected = [row for row, turn in enumerate(session.turns) if turn.gold == gold]
    session.set_filter(Filter(emotions=frozenset({gold})))
    assert session.visible.nonzero()[0].tolist() == expected
    session.labels.choose(blind=True)
    assert not session.visible.any()
    edit(session, expected[0])
    assert session.visible.nonzero()[0].tolist() == expected[:1]
    session.labels.choose(blind=False)
    assert session.visible.nonzero()[0].tolist() == expected


def test_the_first_problem_of_a_clip_stays_and_a_filter_follows(session: Session) -> None:
    one, two = session.turns[0].id, session.turns[3].id
    told: list[None] = []
    session.media_problems_changed.connect(lambda: told.append(None))
    session.set_filter(Filter(media_problem=True))
    session.report_media_problems({one: "It is silent."})
    session.report_media_problems({one: "It is dark."})
    assert session.media_problems == {one: "It is silent."}
    assert len(told) == 1
    session.report_media_problems({one: "It is dark.", two: "It is gone."})
    assert session.media_problems == {one: "It is silent.", two: "It is gone."}
    assert session.visible.nonzero()[0].tolist() == [0, 3]


def test_a_film_is_as_long_as_its_clips_turn_out_to_be(session: Session) -> None:
    assert session.dialogue is not None
    turns = session.dialogue.turns
    before = session.turn_starts
    assert (before[0], len(before)) == (0.0, len(turns))
    told: list[None] = []
    session.film_changed.connect(lambda: told.append(None))
    longer = {turns[0].id: session.turn_seconds(turns[0]) + 2.0}
    whole = session.film_seconds
    session.learn_seconds(longer)
    session.learn_seconds(longer)  # no news
    assert len(told) == 1
    assert session.turn_starts == pytest.approx([0.0, *(start + 2.0 for start in before[1:])])
    assert session.film_seconds == pytest.approx(whole + 2.0)


def test_another_corpus_begins_anew(session: Session, tmp_path: Path) -> None:
    assert session.corpus is not None
    session.set_predictions(predictions(session.turns, session.corpus.labels.labels), tmp_path)
    session.judge_against("me")
    session.set_theta(0.5)
    session.set_filter(Filter(text="won"))
    session.report_media_problems({session.turns[0].id: "It is gone."})
    session.select(session.turns[5].id)
    session.set_corpus(open_corpus(write_corpus(tmp_path / "other", clips=False)))
    assert (session.run, session.predictions, session.base, session.theta) == (None, None, None, None)
    assert (session.truth, session.filter, session.media_problems) == ("gold", Filter(), {})
    assert session.current is session.turns[0]
    assert session.visible.all()
    session.set_corpus(None)
    assert not session.turns
    assert session.dialogue is None
    assert session.found(1) is None
