"""Queues in the whole window: chosen, searched for, worked through, left in blind mode."""

from collections.abc import Generator, Mapping
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from telme_gui.annotating import queueing
from telme_gui.annotating.annotator import Annotator
from telme_gui.annotating.bar import AnnotationBar
from telme_gui.annotating.queueing import Queues
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.window.main_window import MainWindow
from telme_model import bundled
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label, Scope
from telme_model.annotations.queues import Queue, Sources, turns_of
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, TurnId
from telme_model.events import Phase, Progress
from telme_model.prediction.label_errors import LabelErrors, LabelErrorsError, Suspicion
from tests.support.predictions import predictions
from tests.telme_gui.conftest import WAIT


@pytest.fixture
def annotating(opened: MainWindow) -> MainWindow:
    """The series and a run open, the bar shown, the table with the keyboard."""
    opened.annotating.annotate.trigger()
    opened.annotator.plays = False
    opened.turns.view.setFocus()
    return opened


def suspicions(corpus: Corpus, places: tuple[int, ...]) -> LabelErrors:
    """As a search would return: these turns of the corpus first, and they are about all that is wrong."""
    turns = [turn for dialogue in corpus.dialogues for turn in dialogue.turns]
    found = [
        Suspicion(turn=turns[place].id, label=str(turns[place].gold), quality=0.1, suggested="fear", confidence=0.7)
        for place in places
    ]
    return LabelErrors(tuple(found), len(found))


class Search:
    """Stands for the search, which takes trained encoders: one event, then what it was made with; counts its calls."""

    def __init__(self, *places: int, error: Exception | None = None) -> None:
        self.places, self.error = places, error
        self.asked: list[tuple[Path, dict[TurnId, str]]] = []

    def __call__(
        self, run: Path, corpus: Corpus, labels: Mapping[TurnId, str]
    ) -> Generator[Progress, None, LabelErrors]:
        self.asked.append((run, dict(labels)))
        yield Progress(phase=Phase.EVALUATING, done=1, total=2, unit="folds")
        if self.error is not None:
            raise self.error
        return suspicions(corpus, self.places)


def bar(window: MainWindow) -> AnnotationBar:
    found = window.findChild(AnnotationBar)
    assert found is not None
    return found


def hit(window: MainWindow, *keys: str) -> None:
    for key in keys:
        QTest.keyClicks(window.focusWidget(), key)


def state(window: MainWindow, queue: Queue) -> tuple[bool, str]:
    """Whether the menu offers a queue, and what stands beside it."""
    window.queue_menu.refresh()
    action = window.queue_menu.choices[queue]
    return action.isEnabled(), action.text().partition("\t")[2]


def test_the_menu_counts_each_queue_and_says_what_is_lacking(annotating: MainWindow) -> None:
    session = annotating.session
    turns = [turn.id for turn in session.turns]
    known = Sources(turns=turns, predictions=session.predictions)
    for queue in (Queue.UNLABELLED, Queue.LOW_MARGIN, Queue.LARGE_SHIFT, Queue.CONFLICT, Queue.SAMPLE):
        assert state(annotating, queue) == (True, f"{len(turns_of(queue, known)):,} turns")
    assert state(annotating, Queue.DISAGREEMENT) == (False, "needs the labels of two annotators")
    assert "second layer" in annotating.queue_menu.choices[Queue.DISAGREEMENT].toolTip()
    assert annotating.queue_menu.gold.text().endswith("search …")
    assert not annotating.queue_menu.mine.isEnabled()
    session.set_predictions(None, None)
    assert state(annotating, Queue.CONFLICT) == (False, "needs predictions")
    assert annotating.queue_menu.gold.text().endswith("needs a run")


def test_a_queue_is_chosen_worked_through_and_left(annotating: MainWindow) -> None:
    session = annotating.session
    wanted = annotating.queues.offer(Queue.CONFLICT).turns
    annotating.queue_menu.choices[Queue.CONFLICT].trigger()
    assert session.current is not None
    assert session.current.id == wanted[0]
    hit(annotating, "1", "s", "2")
    assert bar(annotating).progress.text() == f"2 of {len(wanted)} done, 1 skipped"
    assert bar(annotating).which.text() == "Conflict ▾"
    assert annotating.queues.chosen == "teacher and students conflict"
    assert session.current.id == wanted[3]
    QTest.keyClick(annotating.focusWidget(), Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert session.current.id == wanted[2]
    assert state(annotating, Queue.CONFLICT) == (True, f"{len(wanted)} turns, 2 done")
    annotating.queue_menu.everything.trigger()
    assert bar(annotating).which.text() == "All turns ▾"
    assert annotating.annotator.queue == ()


def test_saying_that_one_cannot_tell_is_done_too(annotating: MainWindow) -> None:
    annotating.queues.choose(Queue.SAMPLE)
    size = len(annotating.annotator.queue)
    hit(annotating, "0")
    assert annotating.annotator.left == size - 1


def test_label_errors_are_searched_and_then_begun(
    qtbot: QtBot, annotating: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, search = annotating.session, Search(5, 2)
    monkeypatch.setattr(queueing, "search", search)
    annotating.queue_menu.refresh()
    annotating.queue_menu.gold.trigger()
    assert bar(annotating).which.text() == "Searching … ▾"
    qtbot.waitUntil(lambda: annotating.queues.searching is None)
    assert search.asked == [(session.run, {turn.id: turn.gold for turn in session.turns if turn.gold})]
    assert annotating.annotator.queue == (session.turns[5].id, session.turns[2].id)
    assert session.current is session.turns[5]
    assert annotating.queues.chosen == "likely label error in gold"
    assert bar(annotating).hint.text() == (
        f"gold says {session.turns[5].gold} (10%); similar turns of other dialogues suggest fear (70%)"
    )
    hit(annotating, "1", "1")
    assert annotating.annotator.left == 0
    annotating.queues.choose(None)
    assert bar(annotating).hint.text() == ""
    annotating.queues.choose(Queue.LABEL_ERROR)
    assert len(search.asked) == 1  # gold does not change: what was found holds


def test_own_labels_are_confirmed_one_by_one_and_searched_again_once_changed(
    qtbot: QtBot, annotating: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, labels, search = annotating.session, annotating.session.labels, Search(3, 1)
    monkeypatch.setattr(queueing, "search", search)
    labels.edit("label", {("me", Scope.ALL, turn.id): Label(emotion="joy", time=1.0) for turn in session.turns})
    annotating.queues.choose(Queue.LABEL_ERROR, "me")
    qtbot.waitUntil(lambda: annotating.queues.searching is None)
    assert search.asked[0][1] == {turn.id: "joy" for turn in session.turns}
    assert not annotating.queues.is_stale("me")
    assert annotating.annotator.left == 2
    assert annotating.queues.chosen == "likely label error in me"
    joy = str(1 + session.corpus.labels.labels.index("joy")) if session.corpus else ""
    hit(annotating, joy)  # it stands, and is dealt with
    assert annotating.annotator.left == 1
    assert session.current is session.turns[1]
    assert annotating.queues.is_stale("me")
    annotating.queue_menu.refresh()
    assert annotating.queue_menu.again.isVisible()
    annotating.queue_menu.again.trigger()
    qtbot.waitUntil(lambda: annotating.queues.searching is None)
    assert len(search.asked) == 2
    assert not annotating.queues.is_stale("me")


def test_a_search_that_fails_says_why(qtbot: QtBot, annotating: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "search", Search(error=LabelErrorsError("Label more turns first.")))
    with qtbot.waitSignal(annotating.session.failed) as failed:
        annotating.queues.choose(Queue.LABEL_ERROR)
    qtbot.waitUntil(lambda: annotating.queues.searching is None)
    assert failed.args == ["Label errors were not searched", "Label more turns first."]
    assert annotating.annotator.queue == ()


def test_the_demo_is_searched_with_its_run(qtbot: QtBot) -> None:
    session = Session(Jobs())
    annotator = Annotator(session, lambda: None)
    queues = Queues(session, annotator)
    corpus = open_corpus(bundled.DEMO_CORPUS)
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels), bundled.DEMO_RUN)
    queues.choose(Queue.LABEL_ERROR)
    qtbot.waitUntil(lambda: queues.searching is None, timeout=WAIT)
    found = queues.found(GOLD)
    assert found is not None
    assert {of.turn for of in found.ranked} == {turn.id for turn in session.turns if turn.gold}
    assert annotator.queue == found.suspects
    assert session.current is not None
    assert queues.hint.startswith(f"gold says {session.current.gold} (")
    session.close()


def test_what_is_lacking_is_said(qtbot: QtBot, annotating: MainWindow) -> None:
    with qtbot.waitSignal(annotating.annotator.said) as said:
        annotating.queues.choose(Queue.DISAGREEMENT)
    assert said.args == ["Needs the labels of two annotators: label in a second layer, or import one."]


def test_what_another_corpus_search_finds_is_not_taken(
    qtbot: QtBot, annotating: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = annotating.session
    monkeypatch.setattr(queueing, "search", Search(0, 1))
    annotating.queues.choose(Queue.LABEL_ERROR)
    session.set_corpus(session.corpus)
    qtbot.waitUntil(lambda: not session.jobs.running)
    assert annotating.queues.found(GOLD) is None
    assert annotating.annotator.queue == ()


def test_blind_mode_offers_only_what_tells_nothing(annotating: MainWindow) -> None:
    annotating.queues.choose(Queue.LOW_MARGIN)
    annotating.annotating.blind.trigger()
    assert annotating.annotator.queue == ()
    for queue in annotating.queue_menu.choices:
        assert state(annotating, queue)[0] is queue.blind_safe
    assert not annotating.queue_menu.gold.isEnabled()
    annotating.queues.choose(Queue.SAMPLE)
    hit(annotating, "1")
    assert annotating.annotator.left == len(annotating.session.turns) - 1


def test_adjudicating_labels_in_a_layer_of_its_own(annotating: MainWindow) -> None:
    session, labels = annotating.session, annotating.session.labels
    first, second = session.turns[0].id, session.turns[4].id
    said = {("anna", first): "joy", ("ben", first): "fear", ("anna", second): "joy", ("ben", second): "anger"}
    labels.edit("label", {(who, Scope.ALL, turn): Label(emotion=emotion) for (who, turn), emotion in said.items()})
    annotating.adjudicate((second, first))
    assert (labels.layer, session.current) == (ADJUDICATED, session.turns[4])
    hit(annotating, "1", "2")
    assert annotating.annotator.left == 0
    assert set(labels.in_layer(ADJUDICATED)) == {first, second}
