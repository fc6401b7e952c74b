"""Labelling in the whole window: one key a turn, blind mode, undo, queues."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from telme_gui.annotating.annotator import SEEN
from telme_gui.annotating.bar import AnnotationBar
from telme_gui.browse.turn_model import TurnColumn
from telme_gui.charts.bars import EmotionBars
from telme_gui.session.filter import Filter
from telme_gui.session.marks import Mark
from telme_gui.timeline.lanes import Lane
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_model.analysis.models import FUSED
from telme_model.analysis.predictions import Effect
from telme_model.annotations.labels import ADJUDICATED, Label, Origin, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.queues import Queue
from telme_model.annotations.store import Store
from telme_model.corpus.dialogue import Modality


@pytest.fixture
def annotating(opened: MainWindow) -> MainWindow:
    """The series and a run open, the bar shown, the table with the keyboard."""
    opened.annotating.annotate.trigger()
    opened.annotator.plays = False
    opened.turns.view.setFocus()
    return opened


def hit(
    window: MainWindow, *keys: str | Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    for key in keys:
        widget = window.focusWidget()
        QTest.keyClick(widget, Qt.Key(ord(key.upper())) if isinstance(key, str) else key, modifiers)


def mine(window: MainWindow) -> list[str | None]:
    """The emotions of all turns in corpus order."""
    session = window.session
    return [session.labels.emotion(turn.id) for turn in session.turns]


def test_a_digit_labels_the_turn_and_goes_on_across_dialogues(annotating: MainWindow) -> None:
    session = annotating.session
    assert session.corpus is not None
    emotions = session.corpus.labels.labels
    session.select(session.turns[0].id)
    for place in range(len(session.turns) - 1):
        hit(annotating, str(1 + place % len(emotions)))
        assert session.current is session.turns[place + 1]
    hit(annotating, Qt.Key.Key_1, modifiers=Qt.KeyboardModifier.KeypadModifier)
    wanted = [emotions[place % len(emotions)] for place in range(len(session.turns) - 1)]
    assert mine(annotating) == [*wanted, emotions[0]]
    assert session.labels.store is not None
    assert session.labels.store.path == store_path(session.corpus)


def test_nothing_is_labelled_and_no_file_made_until_annotating_begins(opened: MainWindow) -> None:
    opened.turns.view.setFocus()
    hit(opened, "1", "a", "0", "f", Qt.Key.Key_Backspace)
    assert opened.session.corpus is not None
    assert not store_path(opened.session.corpus).exists()
    assert not opened.session.labels.in_use
    assert opened.turns.view.isColumnHidden(TurnColumn.LABEL)


def test_keys_are_inert_in_text_fields(annotating: MainWindow) -> None:
    hit(annotating, "c")
    assert annotating.focusWidget() is not None
    hit(annotating, "1", "a", "0")
    assert annotating.session.current is not None
    hit(annotating, Qt.Key.Key_Return)
    label = annotating.session.labels.mine(annotating.session.current.id)
    assert label is not None
    assert (label.comment, label.emotion, label.unsure) == ("1a0", None, False)
    assert annotating.focusWidget() is annotating.turns.view
    annotating.navigator.focus_search()
    hit(annotating, "2")
    assert annotating.session.filter.text == "2"
    assert not any(mine(annotating))


def test_a_comment_is_on_the_turn_at_which_it_was_begun(annotating: MainWindow) -> None:
    session, labels = annotating.session, annotating.session.labels
    first, second = session.turns[:2]
    session.select(first.id)
    hit(annotating, "c", "x")
    session.select(second.id)  # as the film does that plays on
    hit(annotating, Qt.Key.Key_Return)
    commented = labels.mine(first.id)
    assert commented is not None
    assert commented.comment == "x"
    assert labels.mine(second.id) is None
    assert session.current is second


def test_a_name_that_can_be_no_layers_is_refused(annotating: MainWindow, qtbot: QtBot) -> None:
    labels = annotating.session.labels
    for refused in ("", "gold", "two\nlines", "x" * 81):
        with qtbot.waitSignal(labels.failed):
            labels.rename("me", refused)
        with qtbot.waitSignal(labels.failed):
            labels.choose(layer=refused)
        assert labels.layer == "me"


@pytest.mark.parametrize("filled", [False, True])
def test_the_adjudicated_layer_keeps_its_name_and_no_other_takes_it(
    annotating: MainWindow, qtbot: QtBot, filled: bool
) -> None:
    session, labels = annotating.session, annotating.session.labels
    bar = annotating.findChild(AnnotationBar)
    assert bar is not None

    def rename(layer: str) -> QAction:
        labels.choose(layer=layer)
        if filled:
            labels.put(session.turns[0].id, Label(emotion="joy"), "label joy")
        bar.who.menu().aboutToShow.emit()
        return next(action for action in bar.who.menu().actions() if action.text() == f"Rename “{layer}”…")

    assert rename("me").isEnabled()
    with qtbot.waitSignal(labels.failed) as refused:
        labels.rename("me", "Adjudicated")
    assert refused.args is not None
    assert "adjudicated is where disagreements are settled" in refused.args[1]
    assert labels.layer == "me"
    assert not rename(ADJUDICATED).isEnabled()
    with qtbot.waitSignal(labels.failed):
        labels.rename(ADJUDICATED, "settled")
    assert labels.layer == ADJUDICATED
    assert labels.layers == (("me", ADJUDICATED) if filled else (ADJUDICATED,))


def test_accept_doubt_flag_and_clear(annotating: MainWindow) -> None:
    session, labels = annotating.session, annotating.session.labels
    first = session.current
    assert first is not None
    suggestion = annotating.annotator.suggestion
    hit(annotating, "a")
    accepted = labels.mine(first.id)
    assert accepted is not None
    assert accepted.emotion == suggestion
    assert (accepted.origin, accepted.run) == (Origin.ASSISTED, "night")
    assert session.current is not first
    session.select(first.id)
    hit(annotating, "0", "f")
    marked = labels.mine(first.id)
    assert marked is not None
    assert (marked.emotion, marked.unsure, marked.flag) == (suggestion, True, True)
    assert session.current is first
    hit(annotating, Qt.Key.Key_Backspace)
    assert labels.mine(first.id) is None


def test_undo_goes_to_what_it_undid_and_says_it(annotating: MainWindow) -> None:
    session = annotating.session
    first, second = session.turns[:2]
    session.select(first.id)
    hit(annotating, "1", "2")
    session.select(session.turns[-1].id)
    hit(annotating, Qt.Key.Key_Z, modifiers=Qt.KeyboardModifier.ControlModifier)
    assert session.current is second
    assert str(second.id) in annotating.status.currentMessage()
    assert session.labels.emotion(first.id)
    assert not session.labels.emotion(second.id)
    hit(annotating, Qt.Key.Key_Z, modifiers=Qt.KeyboardModifier.ControlModifier)
    hit(annotating, Qt.Key.Key_Z, modifiers=Qt.KeyboardModifier.ControlModifier)
    assert annotating.status.currentMessage() == "There is nothing to undo"
    assert not any(mine(annotating))
    redo = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    hit(annotating, Qt.Key.Key_Z, modifiers=redo)
    assert session.labels.emotion(first.id)


def test_what_another_did_in_an_earlier_sitting_is_announced_before_it_is_undone(annotating: MainWindow) -> None:
    session, labels, said = annotating.session, annotating.session.labels, annotating.status.currentMessage
    corpus, undo, redo = session.corpus, annotating.annotating.undo, annotating.annotating.redo
    assert corpus is not None
    session.set_corpus(None)
    first, second = list(corpus.turns())[:2]
    with Store.open(store_path(corpus), corpus) as store:  # an import in a terminal, say
        store.edit("import bo.csv", {("bo", Scope.ALL, turn.id): Label(emotion="joy") for turn in (first, second)})
    session.set_corpus(corpus)
    hit(annotating, "1")
    undo.trigger()
    assert not labels.is_labelled(first.id)  # one's own, at once
    undo.trigger()
    assert said() == "Not of this sitting: import bo.csv, 2 labels in “bo”. Press again to take it back."
    assert len(labels.in_layer("bo")) == 2
    hit(annotating, "2")
    undo.trigger()
    annotating.annotating.blind.trigger()
    undo.trigger()
    assert said() == "Not of this sitting: an edit, 2 labels in “bo”. Press again to take it back."
    assert len(labels.in_layer("bo")) == 2
    undo.trigger()
    assert said() == "Undone: an edit, 2 labels in “bo”"
    assert not labels.in_layer("bo")
    session.set_corpus(None)
    session.set_corpus(corpus)
    redo.trigger()
    assert said().endswith("Press again to do it again.")
    labels.choose(layer="bo")
    redo.trigger()
    assert len(labels.in_layer("bo")) == 2  # in its own layer it is no surprise
    undo.trigger()
    assert not labels.in_layer("bo")


def test_labels_are_there_when_the_corpus_is_opened_again(qtbot: QtBot, annotating: MainWindow) -> None:
    session = annotating.session
    session.select(session.turns[0].id)
    hit(annotating, "3")
    before, corpus = mine(annotating), session.corpus
    session.set_corpus(None)
    assert not session.labels.in_use or session.labels.store is None
    session.set_corpus(corpus)
    assert mine(annotating) == before


# blind mode


def told(window: MainWindow) -> str:
    """All that the window says in words of its turns: cells, tooltips, accessible names."""
    model = window.turns.view.model()
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    cells = [
        str(model.index(row, column).data(role))
        for row in range(model.rowCount())
        for column in range(TurnColumn.GOLD, model.columnCount())
        for role in roles
    ]
    scene = window.timeline.scene
    assert scene is not None
    lanes = [str(scene.emotion(lane, place)) for lane in scene.lanes if lane in scene.said for place in range(3)]
    shown = [pill.toolTip() for pill in window.findChildren(QAbstractButton) if "suggests" in pill.toolTip()]
    return "\n".join([*cells, *lanes, *shown])


def test_blind_mode_tells_nothing_of_a_turn_until_it_is_labelled(annotating: MainWindow) -> None:
    session, labels = annotating.session, annotating.session.labels
    assert session.corpus is not None
    emotions = session.corpus.labels.labels
    session.select(session.turns[0].id)
    assert any(emotion in told(annotating) for emotion in emotions)
    annotating.annotating.blind.trigger()
    labels.choose(layer="ben")  # who has seen nothing
    assert not any(emotion in told(annotating) for emotion in emotions)
    assert annotating.annotator.suggestion is None
    assert annotating.inspector.empty.isVisible()
    assert not annotating.inspector.card.isVisible()
    assert not annotating.annotating.accept.isEnabled()
    assert session.predictions is not None
    assert all((session.predictions.predicted[model] == -1).all() for model in session.predictions.predicted)
    session.set_filter(Filter(emotions=frozenset(emotions)))
    assert not session.visible.any()
    session.set_filter(Filter())
    first = session.current
    assert first is not None
    hit(annotating, "1")
    label = labels.mine(first.id)
    assert label is not None
    assert (label.origin, label.run) == (Origin.BLIND, "")
    session.select(first.id)
    hit(annotating, "f")  # a remark, once everything is shown
    flagged = labels.mine(first.id)
    assert flagged is not None
    assert (flagged.flag, flagged.origin, flagged.run) == (True, Origin.BLIND, "")
    session.step(1)
    assert session.gold(first) == first.gold
    assert session.prediction_row(first) is not None
    assert session.current is not None
    assert session.gold(session.current) is None


def origins(window: MainWindow) -> list[Origin]:
    """How each label came about, in corpus order."""
    session = window.session
    found = [session.labels.mine(turn.id) for turn in session.turns]
    return [label.origin for label in found if label is not None]


def test_blind_is_never_said_of_what_was_seen(annotating: MainWindow) -> None:
    session, labels = annotating.session, annotating.session.labels
    session.select(session.turns[0].id)
    annotating.annotating.blind.trigger()
    hit(annotating, "1")
    assert origins(annotating) == [Origin.ASSISTED]
    assert SEEN in annotating.status.currentMessage()
    label = labels.mine(session.turns[0].id)
    assert label is not None
    assert session.run is not None
    assert label.run == session.run.name
    labels.undo()
    labels.choose(layer="ben")  # who has seen nothing yet
    session.select(session.turns[0].id)
    hit(annotating, "1")
    assert origins(annotating) == [Origin.BLIND]
    labels.undo()  # but by now has seen what the label let him see
    session.select(session.turns[0].id)
    hit(annotating, "2")
    assert origins(annotating) == [Origin.ASSISTED]


def test_what_shows_nothing_leaves_blind_mode_blind(annotating: MainWindow) -> None:
    session = annotating.session
    assert session.corpus is not None
    bare = [
        replace(dialogue, turns=tuple(replace(turn, gold=None) for turn in dialogue.turns))
        for dialogue in session.corpus.dialogues
    ]
    session.set_corpus(replace(session.corpus, dialogues=tuple(bare)))
    session.select(session.turns[0].id)
    annotating.annotating.blind.trigger()
    hit(annotating, "1")
    assert origins(annotating) == [Origin.BLIND]


def test_suggestions_and_queues_are_the_runs_whatever_is_tried(annotating: MainWindow) -> None:
    session = annotating.session
    own = session.base
    assert own is not None
    row = own.rows[session.turns[0].id]
    session.select(session.turns[0].id)
    suggested, offered = annotating.annotator.suggestion, annotating.queues.offer(Queue.CONFLICT).turns
    session.set_theta(0.5)
    turned = {model: np.roll(values, 1, axis=1) for model, values in own.probabilities.items()}
    session.show_fused_anew(replace(own, probabilities=turned))
    assert session.predictions is not None
    assert session.predictions.predicted[FUSED][row] != own.predicted[FUSED][row]
    assert annotating.annotator.suggestion == suggested == own.labels[own.predicted[FUSED][row]]
    assert annotating.queues.offer(Queue.CONFLICT).turns == offered
    hit(annotating, "a")
    assert session.labels.emotion(session.turns[0].id) == suggested


@pytest.mark.parametrize("along", ["the corpus", "a filter", "a queue"])
def test_the_end_overwrites_nothing(annotating: MainWindow, along: str) -> None:
    session = annotating.session
    last = session.turns[-1]
    if along == "a filter":
        last = session.turns[3]
        session.set_filter(Filter(turns=frozenset({last.id})))
    elif along == "a queue":
        last = session.turns[2]
        annotating.annotator.work_through("low margin", (last.id,))
    session.select(last.id)
    hit(annotating, "1")
    first = session.labels.emotion(last.id)
    said = annotating.status.currentMessage()
    assert said in (
        f"{last.id} is the last turn of the corpus", f"{last.id} is the last turn that the filter found",
        "All of “low margin” is labelled",
    )  # fmt: skip
    hit(annotating, "2", "2", "3")
    assert session.labels.emotion(last.id) == first
    assert annotating.status.currentMessage().startswith(f"{last.id} was the last and stays {first}")
    session.select(session.turns[0].id)
    session.select(last.id)
    hit(annotating, "2")
    assert session.labels.emotion(last.id) != first


def test_blind_mode_lets_go_of_turns_that_were_picked_by_what_it_hides(annotating: MainWindow) -> None:
    session = annotating.session
    session.set_filter(Filter(text="o", turns=frozenset({session.turns[0].id}), turns_name="gold joy, fused anger"))
    annotating.annotating.blind.trigger()
    assert session.filter == Filter(text="o")
    assert not annotating.navigator.filter_bar.given.isVisible()
    picked = Filter(turns=frozenset({session.turns[1].id}), turns_name="picked since")
    session.set_filter(picked)
    session.labels.put(session.turns[1].id, Label(emotion="joy"), "label joy")
    assert session.filter == picked
    session.labels.choose(layer="another")  # in which less is labelled
    assert session.filter == Filter()


def test_a_filter_by_gold_is_whole_again_after_blind_mode(annotating: MainWindow) -> None:
    session = annotating.session
    session.set_filter(Filter(emotions=frozenset({"joy", "neutral"}), effects=frozenset({Effect.CONFLICT})))
    before = session.visible.copy()
    assert before.any()
    annotating.annotating.blind.trigger()
    assert not session.visible.any()
    annotating.annotating.blind.trigger()
    assert (session.visible == before).all()


def test_blind_mode_recounts_the_labels_without_a_run(annotating: MainWindow) -> None:
    annotating.session.set_predictions(None, None)
    annotating.show_view(MainView.CHARTS)
    annotating.charts.page("Counts")
    bars = annotating.charts.findChild(EmotionBars)
    assert isinstance(bars, EmotionBars)
    counted = bars.grab().toImage()
    annotating.annotating.blind.trigger()
    assert bars.grab().toImage() != counted


def test_ending_to_annotate_ends_blind_mode(annotating: MainWindow) -> None:
    annotating.annotating.blind.trigger()
    annotating.annotating.annotate.trigger()
    assert not annotating.session.labels.blind
    assert annotating.session.current is not None
    assert annotating.session.gold(annotating.session.current) == annotating.session.current.gold


# layers, scopes, filters, queues


def test_words_are_nowhere_while_sound_or_face_alone_is_labelled(annotating: MainWindow) -> None:
    session, table = annotating.session, annotating.turns.view.model()
    turn = session.turns[0]
    session.select(turn.id)
    cell = table.index(0, TurnColumn.TEXT)
    annotating.inspector.state.text = f"{turn.text} Really?"  # tried in place of what was said
    middle = annotating.timeline.rect().center()
    for scope in (Scope.SOUND, Scope.FACE):
        session.labels.choose(scope=scope)
        shown = (cell.data(), annotating.inspector.header.words.text(), annotating.inspector.card.text.text())
        assert shown == ("…", "“…”", "…")
        assert annotating.timeline.words_at(middle).splitlines()[0].endswith(": …")
        assert annotating.timeline.scene is not None
        assert (Lane.SOUND in annotating.timeline.scene.lanes) is (scope is Scope.SOUND)  # how loud one is tells, too
    session.labels.choose(scope=Scope.TEXT)
    assert cell.data() == turn.text
    assert annotating.inspector.header.words.text() == f"“{turn.text}”"


@pytest.mark.dressed
def test_the_turn_stays_in_sight_when_the_table_shrinks(qtbot: QtBot, annotating: MainWindow) -> None:
    view = annotating.turns.view
    annotating.turns.setMinimumHeight(0)
    last = view.model().index(view.model().rowCount() - 1, 0)
    view.setCurrentIndex(last)
    view.setFixedHeight(view.header().height() + 40)
    assert view.viewport().rect().contains(view.visualRect(last).center())
    view.setFixedHeight(view.header().height() + 30)
    assert view.viewport().rect().contains(view.visualRect(last).center())


@pytest.mark.dressed
def test_neither_a_tick_nor_a_long_name_pushes_a_panel_aside(annotating: MainWindow) -> None:
    bar = annotating.findChild(AnnotationBar)
    assert isinstance(bar, AnnotationBar)
    annotating.session.labels.choose(layer="a second annotator", scope=Scope.SOUND)
    hit(annotating, "f", "0")
    annotating.session.step(-1)
    annotating.annotator.comment("why?")
    texts = [action.text() for action in (annotating.annotating.doubt, annotating.annotating.flag)]
    assert [*texts, annotating.annotating.comment.text()] == ["Unsure ✓", "Flag ✓", "Comment ✓"]
    assert bar.minimumSizeHint().width() <= bar.width()


def test_each_layer_and_scope_has_labels_of_its_own(annotating: MainWindow) -> None:
    session, labels = annotating.session, annotating.session.labels
    first = session.current
    assert first is not None
    hit(annotating, "1")
    session.select(first.id)
    labels.choose(layer="anna")
    assert labels.emotion(first.id) is None
    hit(annotating, "2")
    labels.choose(scope=Scope.SOUND)
    assert session.presented == {Modality.AUDIO}
    assert labels.emotion(first.id) is None
    labels.choose(scope=Scope.ALL)
    assert session.presented == frozenset(Modality)
    assert labels.layers == ("me", "anna")
    assert session.mark_mask(frozenset({Mark.DISPUTED})).nonzero()[0].tolist() == [session.rows[first.id]]


def test_marks_filter_the_turns(annotating: MainWindow) -> None:
    session = annotating.session
    session.select(session.turns[0].id)
    assert session.corpus is not None
    emotions = session.corpus.labels.labels
    other = next(place for place, emotion in enumerate(emotions) if emotion != session.turns[0].gold)
    hit(annotating, str(other + 1))
    hit(annotating, "f")

    def found(mark: Mark) -> list[int]:
        session.set_filter(Filter(marks=frozenset({mark})))
        return session.visible.nonzero()[0].tolist()

    assert found(Mark.MISSING) == list(range(1, len(session.turns)))
    assert found(Mark.DIFFERENT) == [0]
    assert found(Mark.FLAGGED) == [1]
    assert found(Mark.DISPUTED) == []


def test_labelling_goes_on_along_the_filter(annotating: MainWindow) -> None:
    session = annotating.session
    wanted = session.turns[0], session.turns[3]
    session.select(wanted[0].id)
    session.set_filter(Filter(turns=frozenset(turn.id for turn in wanted)))
    hit(annotating, "1")
    assert session.current is wanted[1]


def test_a_queue_is_worked_through_in_its_order(annotating: MainWindow) -> None:
    session, annotator = annotating.session, annotating.annotator
    order = tuple(session.turns[place].id for place in (4, 1, 3))
    annotator.work_through("low margin", order)
    seen = []
    for _ in order:
        assert session.current is not None
        seen.append(session.current.id)
        hit(annotating, "1")
    assert tuple(seen) == order
    assert annotator.left == 0
    assert annotating.status.currentMessage() == "All of “low margin” is labelled"


def test_skipped_turns_come_again_at_the_end_of_the_queue(annotating: MainWindow) -> None:
    session, annotator = annotating.session, annotating.annotator
    order = tuple(session.turns[place].id for place in (4, 1))
    annotator.work_through("low margin", order)
    hit(annotating, "s")
    assert annotator.left == 2  # also what is skipped is still to be done
    hit(annotating, "1")
    assert session.current is not None
    assert session.current.id == order[0]
    assert annotator.left == 1


def test_predictions_are_judged_by_the_chosen_layer(annotating: MainWindow) -> None:
    session = annotating.session
    assert session.corpus is not None
    emotions = session.corpus.labels.labels
    labels = {("me", Scope.ALL, turn.id): Label(emotion=emotions[0]) for turn in session.turns[:3]}
    session.labels.edit("label", labels)
    session.judge_against("me")
    assert session.predictions is not None
    judged = {session.predictions.ids[row] for row in (session.predictions.gold == 0).nonzero()[0]}
    assert judged == {turn.id for turn in session.turns[:3]}
    assert (session.predictions.gold >= 0).sum() == 3
