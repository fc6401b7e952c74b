"""Agreement and adjudication in the charts: numbers, cells, disputes, and what predictions are judged by."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QComboBox, QPushButton, QToolButton
from pytestqt.qtbot import QtBot
from sklearn.metrics import cohen_kappa_score

from telme_gui.charts.agreement import HIDDEN, LONELY, NO_GOLD, OR_GOLD, PART, STRANGERS, AgreementPage
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label, Scope
from telme_model.annotations.queues import Queue
from telme_model.corpus.dialogue import TurnId

ANNA = ("joy", "joy", "fear", "anger", "joy", "fear", "joy", "anger", "joy", "fear")
BEN = ("joy", "fear", "fear", "anger", "joy", "joy", "joy", "joy", "joy", "fear")


@pytest.fixture
def page(qtbot: QtBot, opened: MainWindow) -> Iterator[AgreementPage]:
    """The page in view, with nobody's labels."""
    opened.show_view(MainView.CHARTS)
    found = opened.charts.page("Agreement")
    assert isinstance(found, AgreementPage)
    yield found
    qtbot.waitUntil(lambda: not opened.session.jobs.running)


def label(window: MainWindow, layer: str, emotions: tuple[str, ...], *, unsure: int | None = None) -> list[TurnId]:
    """Label the first turns, one of them with doubt; which they are."""
    turns = [turn.id for turn in window.session.turns[: len(emotions)]]
    window.session.labels.edit(
        "label",
        {
            (layer, Scope.ALL, turn): Label(emotion=emotion, unsure=place == unsure)
            for place, (turn, emotion) in enumerate(zip(turns, emotions, strict=True))
        },
    )
    return turns


def settled(qtbot: QtBot, page: AgreementPage) -> None:
    """Wait until what is shown is of the newest labels."""
    qtbot.waitUntil(lambda: page.is_current)


def test_the_coefficients_are_scikit_learns(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    label(opened, "anna", ANNA)
    label(opened, "ben", BEN)
    settled(qtbot, page)
    assert page.findings is not None
    (pair,) = page.findings.agreement.pairs
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(ANNA, BEN))
    cells = [page.coefficients.pairs.item(0, column) for column in range(4)]
    said = [cell.text() for cell in cells if cell is not None]
    assert said[0] == "anna · ben"
    assert said[1].startswith(f"{cohen_kappa_score(ANNA, BEN):.2f} ±")
    assert said[2].startswith("70 ±")
    assert said[3] == "10"
    assert not page.grab().isNull()


def test_a_cell_filters_its_turns(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    turns = label(opened, "anna", ANNA)
    label(opened, "ben", BEN)
    settled(qtbot, page)
    assert opened.session.corpus is not None
    emotions = opened.session.corpus.labels.labels
    matrix = page.coefficients.matrix
    at = matrix.cell(emotions.index("joy"), emotions.index("fear")).center().toPoint()
    assert matrix.words_at(at) == "1 of the 5 turns that anna calls joy: ben says fear"
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=at)
    assert opened.session.filter.turns == frozenset({turns[1]})
    assert opened.session.filter.turns_name == "anna joy, ben fear"


def test_gold_may_be_one_of_them(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    label(opened, "anna", ANNA)
    settled(qtbot, page)
    assert page.chosen == (GOLD, "anna")
    label(opened, "ben", BEN)
    settled(qtbot, page)
    assert page.chosen == ("anna", "ben")
    page.choose((GOLD, "anna", "ben"))
    settled(qtbot, page)
    assert page.findings is not None
    golds = [str(turn.gold) for turn in opened.session.turns[: len(ANNA)]]
    kappas = {(pair.first, pair.second): pair.kappa.value for pair in page.findings.agreement.pairs}
    assert kappas[GOLD, "anna"] == pytest.approx(cohen_kappa_score(golds, ANNA))
    assert page.findings.people == ("anna", "ben")


def test_of_an_unlabelled_corpus_annotators_alone_are_compared(
    qtbot: QtBot, opened: MainWindow, page: AgreementPage
) -> None:
    corpus = opened.session.corpus
    assert corpus is not None
    bare = [
        replace(dialogue, turns=tuple(replace(turn, gold=None) for turn in dialogue.turns))
        for dialogue in corpus.dialogues
    ]
    opened.session.set_corpus(replace(corpus, dialogues=tuple(bare)))
    assert page.empty.text() == LONELY + NO_GOLD
    label(opened, "anna", ANNA)
    assert (page.available, page.empty.text()) == (("anna",), LONELY + NO_GOLD)
    label(opened, "ben", BEN)
    settled(qtbot, page)
    assert page.findings is not None
    assert page.findings.agreement.pairs[0].kappa.value == pytest.approx(cohen_kappa_score(ANNA, BEN))
    opened.queue_menu.refresh()
    assert not opened.queue_menu.gold.isEnabled()
    offers = {queue: opened.queues.offer(queue) for queue in Queue}
    assert [len(offers[queue].turns) for queue in (Queue.UNLABELLED, Queue.DISAGREEMENT)] == [
        len(opened.session.turns), sum(a != b for a, b in zip(ANNA, BEN, strict=True)),
    ]  # fmt: skip


def test_why_there_is_nothing_is_said(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    assert page.empty.isVisible()
    assert page.empty.text() == LONELY + OR_GOLD
    first, last = opened.session.turns[0].id, opened.session.turns[-1].id
    opened.session.labels.edit("label", {("anna", Scope.ALL, first): Label(emotion="joy")})
    opened.session.labels.edit("label", {("ben", Scope.ALL, last): Label(emotion="joy")})
    settled(qtbot, page)
    assert page.empty.text() == STRANGERS
    opened.annotating.annotate.trigger()
    opened.session.labels.choose(scope=Scope.SOUND)
    assert page.empty.text() == f"{LONELY}{OR_GOLD}. While you are given the sound alone, {PART}"
    opened.annotating.blind.trigger()
    assert page.empty.isVisible()
    assert page.empty.text() == HIDDEN


def test_labels_are_followed(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    label(opened, "anna", ANNA)
    label(opened, "ben", BEN)
    settled(qtbot, page)
    label(opened, "ben", ANNA)
    settled(qtbot, page)
    assert page.findings is not None
    assert page.findings.agreement.raw.value == 1.0
    opened.session.labels.undo()
    settled(qtbot, page)
    assert page.findings.agreement.raw.value == pytest.approx(0.7)


def test_each_control_has_a_name_and_says_what_it_does(page: AgreementPage) -> None:
    controls = [*page.findChildren(QPushButton), *page.findChildren(QToolButton), *page.findChildren(QComboBox)]
    assert len(controls) == 7
    assert all(of.accessibleName() and of.toolTip() for of in controls)


# adjudication


def test_disputes_stand_side_by_side_and_are_settled(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    session = opened.session
    turns = label(opened, "anna", ANNA)
    label(opened, "ben", BEN, unsure=3)
    page.show_disputes()
    settled(qtbot, page)
    model = page.disputes.model
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    assert model.turns == (turns[1], turns[5], turns[7], turns[3])  # the most divided first
    row = [model.index(0, column).data() for column in range(model.columnCount())]
    assert row[0] == str(turns[1])
    assert row[2:] == ["joy", "fear", "", ""]
    assert [model.index(3, column).data() for column in (2, 3, 4)] == ["anger", "anger", "anger"]
    assert "unsure" in model.index(3, 3).data(Qt.ItemDataRole.ToolTipRole)
    at = page.disputes.list.visualRect(model.index(2, 0)).center()
    qtbot.mouseClick(page.disputes.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert session.current is not None
    assert session.current.id == turns[7]
    qtbot.mouseClick(page.disputes.settle, Qt.MouseButton.LeftButton)
    assert session.labels.layer == ADJUDICATED
    assert session.labels.active
    assert opened.annotator.queue == model.turns
    assert session.current.id == turns[1]
    assert opened.turns.isVisible()
    opened.annotator.label("fear")
    opened.show_view(MainView.CHARTS)
    settled(qtbot, page)
    assert model.index(0, 5).data() == "fear"
    assert page.disputes.words.text() == "1 of 4 settled"


def test_what_all_agree_on_is_taken_as_one_step(qtbot: QtBot, opened: MainWindow, page: AgreementPage) -> None:
    labels = opened.session.labels
    turns = label(opened, "anna", ANNA)
    label(opened, "ben", BEN, unsure=3)
    labels.edit("label", {(ADJUDICATED, Scope.ALL, turns[0]): Label(emotion="disgust")})
    page.show_disputes()
    settled(qtbot, page)
    agreed = {turns[place]: ANNA[place] for place in (2, 4, 6, 8, 9)}  # without what is settled, or doubted
    assert page.disputes.take.text() == "Take the 5 all agree on"
    qtbot.mouseClick(page.disputes.take, Qt.MouseButton.LeftButton)
    taken = {turn: said.emotion for turn, said in labels.in_layer(ADJUDICATED).items()}
    assert taken == {**agreed, turns[0]: "disgust"}
    settled(qtbot, page)
    assert not page.disputes.take.isEnabled()
    labels.undo()
    assert set(labels.in_layer(ADJUDICATED)) == {turns[0]}


# what predictions are judged by


def test_charts_are_judged_by_a_layer(opened: MainWindow) -> None:
    session = opened.session
    opened.show_view(MainView.CHARTS)
    opened.charts.page("Confusion")
    chooser = next(box for box in opened.charts.findChildren(QComboBox) if box.accessibleName() == "Judged by")
    assert not chooser.isVisible()
    turns = label(opened, "anna", ANNA)
    assert chooser.isVisible()
    assert [chooser.itemData(place) for place in range(chooser.count())] == [GOLD, "anna"]
    chooser.setCurrentIndex(1)
    assert session.predictions is not None
    assert session.predictions.truth == session.truth == "anna"
    judged = {session.predictions.ids[row] for row in (session.predictions.gold >= 0).nonzero()[0]}
    assert judged == set(turns)
    session.labels.rename("anna", "Anna")
    assert session.truth == GOLD
    assert chooser.currentData() == GOLD
