"""The navigator: the tree of a corpus, the filter's switches, and what choosing does."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLineEdit, QListView
from pytestqt.qtbot import QtBot

from telme_gui.browse.episodes import NODE, EpisodeModel
from telme_gui.browse.filter_bar import FilterBar, Pill, SpeakerMenu
from telme_gui.browse.navigator import EpisodeTree, Navigator
from telme_gui.session.filter import Filter
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.analysis.predictions import Effect
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Dialogue, Split
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("navigator") / "corpus", clips=False))


@pytest.fixture
def session(qtbot: QtBot, corpus: Corpus) -> Iterator[Session]:
    session = Session(Jobs())
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels), Path("run"))
    yield session
    session.close()


@pytest.fixture
def navigator(session: Session, qtbot: QtBot) -> Navigator:
    navigator = Navigator(session)
    qtbot.addWidget(navigator)
    navigator.resize(260, 700)
    navigator.show()
    return navigator


def shown(model: EpisodeModel, parent: QModelIndex | None = None) -> list[Dialogue]:
    """The dialogues below an index, from top to bottom."""
    found: list[Dialogue] = []
    parent = parent or QModelIndex()
    for row in range(model.rowCount(parent)):
        index = model.index(row, 0, parent)
        dialogue = index.data(NODE).dialogue
        found += [dialogue] if dialogue else shown(model, index)
    return found


def click(qtbot: QtBot, tree: EpisodeTree, index: QModelIndex) -> None:
    tree.scrollTo(index)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualRect(index).center())


def test_the_tree_is_in_the_order_of_the_show_across_splits(session: Session, corpus: Corpus) -> None:
    model = EpisodeModel(session)
    order = [(d.season, d.episode, d.turns[0].start) for d in shown(model)]
    assert order == sorted(order)
    assert Counter(d.split for d in shown(model)) == Counter(d.split for d in corpus.dialogues)
    first = model.index(0, 0)
    assert first.data() == "Season 1"
    assert [model.index(row, 0, first).data() for row in range(3)] == ["Episode 1", "Episode 2", "Episode 3"]
    assert first.data(NODE).found == len(session.turns)


def test_a_corpus_without_seasons_is_a_tree_of_splits(session: Session, corpus: Corpus) -> None:
    dialogues = tuple(
        replace(d, turns=tuple(replace(turn, season=None, episode=None) for turn in d.turns)) for d in corpus.dialogues
    )
    session.set_corpus(replace(corpus, dialogues=dialogues))
    model = EpisodeModel(session)
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == ["Train", "Dev", "Test"]
    assert shown(model) == list(dialogues)  # MELD's splits and dialogues come in this order


def test_a_dialogue_without_a_season_comes_last(session: Session, corpus: Corpus) -> None:
    lost = corpus.dialogues[0]
    lost = replace(lost, turns=tuple(replace(turn, season=None, episode=None, start=None) for turn in lost.turns))
    session.set_corpus(replace(corpus, dialogues=(lost, *corpus.dialogues[1:])))
    model = EpisodeModel(session)
    assert shown(model)[-1] is lost
    assert model.index(1, 0).data() == "No season"


def test_the_model_keeps_qts_contract_through_every_change(session: Session, corpus: Corpus) -> None:
    model = EpisodeModel(session)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for filter_ in (Filter(text="okay"), Filter(text="nobody says this"), Filter(splits=frozenset({Split.DEV}))):
        session.set_filter(filter_)
    session.set_corpus(None)
    session.set_corpus(corpus)
    assert tester.model() is model


@pytest.mark.parametrize(
    "filter_",
    [
        Filter(text="WON"),
        Filter(emotions=frozenset({"joy", "fear"})),
        Filter(effects=frozenset({Effect.RESCUED, Effect.HARMED})),
        Filter(speakers=frozenset({"Bo"}), splits=frozenset({Split.TRAIN})),
        Filter(text="nobody says this"),
    ],
    ids=["text", "emotions", "effects", "speaker and split", "nothing"],
)
def test_dialogues_without_a_found_turn_vanish(navigator: Navigator, session: Session, filter_: Filter) -> None:
    session.set_filter(filter_)
    model = navigator.tree.model()
    assert isinstance(model, EpisodeModel)
    found = [turn.id for turn, yes in zip(session.turns, session.visible, strict=True) if yes]
    by_dialogue = Counter(session.dialogue_of[turn].turns[0].id for turn in found)
    assert {d.turns[0].id for d in shown(model)} == set(by_dialogue)
    assert all(model.dialogue_index(d).data(NODE).found == by_dialogue[d.turns[0].id] for d in shown(model))
    assert navigator.filter_bar.found.text() == f"{len(found)} of {len(session.turns)} turns"


def test_a_click_on_a_dialogue_chooses_its_first_found_turn(
    navigator: Navigator, session: Session, qtbot: QtBot
) -> None:
    session.set_filter(Filter(emotions=frozenset({"joy"})))
    model = navigator.tree.model()
    assert isinstance(model, EpisodeModel)
    target = next(d for d in shown(model) if d.turns[0].gold != "joy" and d is not session.dialogue)
    click(qtbot, navigator.tree, model.dialogue_index(target))
    assert session.dialogue is target
    assert session.current is next(turn for turn in target.turns if turn.gold == "joy")


def test_arrow_keys_walk_the_dialogues(navigator: Navigator, session: Session, qtbot: QtBot) -> None:
    tree, model = navigator.tree, navigator.tree.model()
    assert isinstance(model, EpisodeModel)
    tree.expandAll()
    order = shown(model)
    session.select(order[0].turns[0].id)
    tree.setFocus()
    for _ in range(2):  # the third dialogue may lie below a heading, where nothing is chosen
        qtbot.keyClick(tree, Qt.Key.Key_Down)
    assert session.dialogue in order[1:3]


def test_a_turn_chosen_elsewhere_is_marked_unfolded_and_in_sight(navigator: Navigator, session: Session) -> None:
    tree, model = navigator.tree, navigator.tree.model()
    assert isinstance(model, EpisodeModel)
    tree.collapseAll()
    last = shown(model)[-1]
    session.select(last.turns[1].id)
    index = model.dialogue_index(last)
    assert tree.currentIndex() == index
    assert tree.viewport().rect().contains(tree.visualRect(index))
    assert session.current is last.turns[1]  # following changes nothing


def test_what_was_unfolded_is_so_again_after_a_filter(navigator: Navigator, session: Session, qtbot: QtBot) -> None:
    tree, model = navigator.tree, navigator.tree.model()
    assert isinstance(model, EpisodeModel)
    season = model.index(0, 0)
    folded = model.index(4, 0, season)
    assert not tree.isExpanded(folded)
    session.set_filter(Filter(text="won"))
    assert tree.isExpanded(model.index(0, 0, model.index(0, 0)))  # a short result is shown whole
    session.set_filter(Filter())
    assert tree.isExpanded(model.index(0, 0))
    assert not tree.isExpanded(model.index(4, 0, model.index(0, 0)))
    click(qtbot, tree, model.index(4, 0, model.index(0, 0)))
    assert tree.isExpanded(model.index(4, 0, model.index(0, 0)))


def test_a_group_opens_with_each_click_and_not_once_more_for_two(navigator: Navigator, qtbot: QtBot) -> None:
    tree = navigator.tree
    group = tree.model().index(0, 0)
    clicks: list[QModelIndex] = []
    tree.clicked.connect(clicks.append)
    tree.scrollTo(group)
    for _ in range(3):
        before = tree.isExpanded(group)
        clicks.clear()
        qtbot.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualRect(group).center())
        assert (tree.isExpanded(group) != before) == (len(clicks) % 2 == 1)


# -- the filter's switches --------------------------------------------------------------------------------------------


def press(qtbot: QtBot, pill: Pill) -> None:
    qtbot.mouseClick(pill, Qt.MouseButton.LeftButton)


def test_switches_combine_and_are_cleared_together(navigator: Navigator, session: Session, qtbot: QtBot) -> None:
    bar = navigator.filter_bar
    press(qtbot, bar.effects[Effect.CONFLICT])
    press(qtbot, bar.emotions["joy"])
    press(qtbot, bar.emotions["anger"])
    press(qtbot, bar.splits[Split.TRAIN])
    qtbot.keyClicks(bar.field, "o")
    assert session.filter == Filter(
        text="o",
        effects=frozenset({Effect.CONFLICT}),
        emotions=frozenset({"joy", "anger"}),
        splits=frozenset({Split.TRAIN}),
    )
    assert bar.fold.dotted
    press(qtbot, bar.clear)
    assert session.filter == Filter()
    assert bar.field.text() == ""
    assert not any(pill.isChecked() for pill in (*bar.effects.values(), *bar.emotions.values(), *bar.splits.values()))
    assert not bar.clear.isVisible()


def test_switches_are_worked_with_the_keyboard(navigator: Navigator, session: Session, qtbot: QtBot) -> None:
    navigator.focus_search()
    assert navigator.filter_bar.field.hasFocus()
    pill = navigator.filter_bar.effects[Effect.RESCUED]
    pill.setFocus()
    qtbot.keyClick(pill, Qt.Key.Key_Space)
    assert session.filter.effects == {Effect.RESCUED}


def test_effects_wait_for_a_run_and_carry_their_counts(session: Session, qtbot: QtBot, corpus: Corpus) -> None:
    bar = FilterBar(session)
    qtbot.addWidget(bar)
    assert session.predictions is not None
    for effect, pill in bar.effects.items():
        assert pill.isEnabled()
        assert pill.count == session.predictions.effects[effect].sum()
    session.set_corpus(corpus)
    assert not any(pill.isEnabled() or pill.count is not None for pill in bar.effects.values())
    assert "No run is open" in bar.effects[Effect.RESCUED].toolTip()


def test_media_problems_are_counted_and_found(navigator: Navigator, session: Session, qtbot: QtBot) -> None:
    session.report_media_problems({session.turns[3].id: "dia1_utt1.mp4 is missing."})
    assert navigator.filter_bar.problem.count == 1
    press(qtbot, navigator.filter_bar.problem)
    assert session.visible.nonzero()[0].tolist() == [3]
    session.report_media_problems({session.turns[5].id: "dia2_utt0.mp4 has no sound."})  # found while it is shown
    assert session.visible.nonzero()[0].tolist() == [3, 5]


def test_turns_given_by_another_panel_are_named_and_let_go(
    navigator: Navigator, session: Session, qtbot: QtBot
) -> None:
    bar = navigator.filter_bar
    session.set_filter(Filter(turns=frozenset({session.turns[0].id}), turns_name="joy taken for anger"))
    assert bar.given.isVisible()
    assert "joy taken for anger" in bar.given.text()
    press(qtbot, bar.given)
    assert session.filter == Filter()
    assert not bar.given.isVisible()


def test_speakers_are_searched_and_ticked(navigator: Navigator, session: Session, qtbot: QtBot) -> None:
    bar = navigator.filter_bar
    press(qtbot, bar.speaker)
    menu = bar.findChild(SpeakerMenu)
    assert isinstance(menu, SpeakerMenu)
    field, names = menu.findChild(QLineEdit), menu.findChild(QListView)
    assert isinstance(field, QLineEdit)
    assert isinstance(names, QListView)
    assert names.model().rowCount() == 3
    qtbot.keyClicks(field, "bo")
    assert names.model().rowCount() == 1
    qtbot.keyClick(field, Qt.Key.Key_Down)
    qtbot.keyClick(names, Qt.Key.Key_Space)
    assert session.filter.speakers == {"Bo"}
    assert bar.speaker.text().startswith("Bo")
    menu.close()


def test_every_control_says_what_it_is(navigator: Navigator) -> None:
    bar = navigator.filter_bar
    pills = [*bar.effects.values(), *bar.emotions.values(), *bar.splits.values(), bar.problem, bar.speaker, bar.clear]
    for control in (*pills, bar.fold):
        assert control.accessibleName()
        assert control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_nothing_open_and_nothing_found_are_said(session: Session, navigator: Navigator, qtbot: QtBot) -> None:
    session.set_filter(Filter(text="nobody says this"))
    assert navigator.tree.indexAt(QPoint(20, 20)).row() == -1
    navigator.grab()
    session.set_corpus(None)
    navigator.grab()
    assert not navigator.filter_bar.isEnabled()
