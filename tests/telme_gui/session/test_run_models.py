"""Whoever teaches, learns and fuses: every panel shows the run's own models and no others, nothing is empty."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.annotating.annotator import Annotator
from telme_gui.annotating.queueing import Queues
from telme_gui.browse.filter_bar import FilterBar
from telme_gui.browse.turn_model import TurnColumn, headers
from telme_gui.browse.turns import TurnTable
from telme_gui.charts import Charts
from telme_gui.charts.bars import EmotionBars
from telme_gui.charts.compare import ComparePage
from telme_gui.charts.contributions import by_emotion
from telme_gui.charts.scatter import ScatterPage
from telme_gui.inspector import Inspector
from telme_gui.look.table import Table
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.timeline import Timeline
from telme_gui.timeline.lanes import Lane
from telme_gui.window.main_window import MainWindow
from telme_model.analysis.models import STANDARD, Model, Models, models_of
from telme_model.analysis.predictions import Effect, Predictions
from telme_model.annotations.queues import Queue
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.runs.presets import TOY
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions, store_run

WAIT = 60_000  # ms
Switch = Callable[[], Predictions]
TEXT, AUDIO, VISUAL = Modality
RUNS = {
    "voice teaches words and face": models_of(AUDIO, (TEXT, VISUAL)),
    "words teach the voice": models_of(TEXT, (AUDIO,)),
    "words alone": models_of(TEXT, ()),
    "the face alone": models_of(VISUAL, ()),
    "a plain fusion": models_of(TEXT, (AUDIO, VISUAL), shifting=False),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("models") / "corpus", clips=False))


@pytest.fixture(params=RUNS)
def models(request: pytest.FixtureRequest) -> Models:
    return RUNS[request.param]


@pytest.fixture
def session(corpus: Corpus) -> Iterator[Session]:
    """With a standard run open."""
    session = Session(Jobs())
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels), Path("standard"))
    session.select(next(corpus.turns(Split.TEST)).id)
    yield session
    session.close()


@pytest.fixture
def switch(session: Session, corpus: Corpus, models: Models) -> Switch:
    """Opens the run of these models in place of the standard one, and returns what is shown of it."""

    def to_the_run() -> Predictions:
        made = predictions(corpus.turns(), corpus.labels.labels, models=models)
        session.set_predictions(made, Path("run"))
        assert session.predictions is not None
        return session.predictions

    return to_the_run


def named(models: Models) -> list[str]:
    return [model.short.capitalize() for model in models]


def tables(page: QWidget) -> list[list[list[str]]]:
    """What the tables of a page say, the header first."""
    found = []
    for table in page.findChildren(Table):
        model = table.model()
        columns = range(model.columnCount())
        head = [str(model.headerData(column, Qt.Orientation.Horizontal)) for column in columns]
        rows = [[str(model.index(row, column).data()) for column in columns] for row in range(model.rowCount())]
        found.append([head, *rows])
    return found


def headings(table: TurnTable) -> list[str]:
    model, header = table.view.model(), table.view.header()
    columns = (column for column in range(model.columnCount()) if not header.isSectionHidden(column))
    return [model.headerData(column, Qt.Orientation.Horizontal) for column in columns]


def test_the_turn_table(qtbot: QtBot, session: Session, switch: Switch, models: Models) -> None:
    table = TurnTable(session)
    qtbot.addWidget(table)
    table.resize(1000, 200)
    table.show()
    shown = switch()
    model = table.view.model()
    assert len(set(headings(table))) == len(headings(table))
    assert headings(table) == ["#", "Speaker", "Words", "Gold", *named(models), *(["Shift"] if models.shifts else [])]
    assert table.view.header().length() == table.view.viewport().width()
    assert table.view.currentIndex().row() == 0
    assert session.dialogue is not None
    for place, turn in enumerate(session.dialogue.turns):
        row = shown.rows[turn.id]
        cells = [model.index(place, len(TurnColumn) + number).data() for number in range(len(models))]
        assert cells == [shown.labels[shown.predicted[key][row]] for key in models.keys]


def test_few_letters_tell_the_models_apart(qtbot: QtBot, session: Session, switch: Switch, models: Models) -> None:
    table = TurnTable(session)
    qtbot.addWidget(table)
    table.resize(500, 200)
    table.show()
    switch()
    chips = headings(table)[3 : 4 + len(models)]
    assert len(set(chips)) == len(models) + 1
    room = table.view.columnWidth(TurnColumn.GOLD) - 12  # its padding
    assert max(map(table.view.header().fontMetrics().horizontalAdvance, chips)) <= room


def test_the_timeline(qtbot: QtBot, session: Session, switch: Switch, models: Models) -> None:
    timeline = Timeline(session)
    qtbot.addWidget(timeline)
    timeline.resize(1200, 260)
    shown = switch()
    scene = timeline.scene
    assert scene is not None
    assert [lane for lane in scene.lanes if isinstance(lane, Model)] == list(models)
    assert (Lane.SHIFT in scene.lanes) is models.shifts
    for model in models:
        said = shown.labels[shown.predicted[model.key][shown.rows[scene.turns[1].id]]]
        assert scene.emotion(model, 1) == said
        point = QPoint(round(scene.span(1)[0]) + 3, round(scene.lanes[model].top) + 2)
        assert f"\n{model.title}: {said}, " in timeline.words_at(point)
    assert not timeline.grab().isNull()


@pytest.fixture
def inspector(qtbot: QtBot, session: Session, switch: Switch) -> Inspector:
    inspector = Inspector(session)
    qtbot.addWidget(inspector)
    inspector.show()
    switch()
    return inspector


def test_the_inspector(inspector: Inspector, models: Models) -> None:
    _, said, far, moved = (section.accessibleDescription() for section in inspector.sections)
    assert [part.split(":")[0] for part in said.split("; ")] == named(models)
    assert "nothing" not in said
    if models.shifts:
        assert "of its limit" in far
        assert moved.startswith("Change by the shift")
    else:
        assert far == moved
        assert ("no students" in far) == (not models.students)
    parts = inspector.sections[3]
    parts.grab()
    told = {tip.split("’s part")[0] for _, tip in parts._tips if "’s part of Δp" in tip}
    assert told == ({student.capitalize() for student in models.students} if models.shifts else set())
    (shapley,) = [tip for _, tip in parts._tips if tip.startswith("Exact Shapley")]
    assert f"of {('two', 'four', 'eight')[len(models.modalities) - 1]} coalitions" in shapley
    assert max(box.bottom() for box, _ in parts._tips) <= parts.height()  # every row has its place


def test_the_teachers_embedding_has_the_letter_of_what_it_sees(inspector: Inspector, models: Models) -> None:
    inspector.grab()
    words = [inspector.card.theta.toolTip(), headers(models)[-1][1]]
    for section in (*inspector.sections, inspector.card.outcome):
        words += [section.accessibleDescription(), *(tip for _, tip in section._tips)]
    letters = set(re.findall(r"F_[A-Z]", " ".join(words)))
    assert letters == {{TEXT: "F_T", AUDIO: "F_A", VISUAL: "F_V"}[models.teacher]}
    fused = [word for word in words if "fused model’s" in word]
    assert bool(fused)
    assert all(("λH" in word) is models.shifts for word in fused)


def test_what_can_be_tried(inspector: Inspector, models: Models) -> None:
    card = inspector.card
    assert {m for m, button in card.mutes.items() if not button.isHidden()} == set(models.students)
    assert card.theta.isHidden() is not models.shifts
    assert card.text.isHidden() is (Modality.TEXT not in models.modalities)


def test_filters_and_queues(qtbot: QtBot, session: Session, switch: Switch, models: Models) -> None:
    bar = FilterBar(session)
    qtbot.addWidget(bar)
    queues = Queues(session, Annotator(session, lambda: None, session), session)
    switch()
    lacking = {effect for effect, pill in bar.effects.items() if not pill.isEnabled()}
    there = {Effect.CONFLICT: bool(models.students), Effect.LARGE_SHIFT: models.shifts}
    assert lacking == {effect for effect, some in there.items() if not some}
    assert bool(queues.offer(Queue.CONFLICT).lacks) is (Effect.CONFLICT in lacking)
    assert bool(queues.offer(Queue.LARGE_SHIFT).lacks) is (Effect.LARGE_SHIFT in lacking)


@pytest.fixture
def charts(qtbot: QtBot, session: Session, switch: Switch) -> Charts:
    charts = Charts(session)
    qtbot.addWidget(charts)
    charts.resize(1000, 620)
    charts.show()
    for name in charts.names:
        charts.page(name)
    switch()
    qtbot.waitUntil(lambda: charts.part is not None and charts.part.predictions is session.predictions)
    return charts


def test_the_charts(charts: Charts, models: Models) -> None:
    names = [model.short for model in models]
    (scores,), (classes,) = (tables(charts.page(name)) for name in ("Scores", "By emotion"))
    assert [row[0] for row in scores[1:]] == names
    assert "–" not in {cell for row in scores for cell in row}
    assert classes[0] == ["", *(f"{name}\n{measure}" for name in names for measure in ("P", "R", "F1")), "turns"]
    confusion = charts.page("Confusion").findChild(QComboBox)
    assert confusion is not None
    assert [confusion.itemText(place) for place in range(confusion.count())] == names
    assert confusion.currentText() == "fused"
    assert charts.part is not None
    assert {len(group.shares) for group in by_emotion(charts.part)} == {len(models.modalities)}
    for name in charts.names:
        charts.page(name)
        assert not charts.grab().isNull()


def test_the_papers_scores_by_emotion_are_its_full_models(
    qtbot: QtBot, charts: Charts, session: Session, corpus: Corpus
) -> None:
    (bars,) = charts.page("By emotion").findChildren(EmotionBars)

    def marked() -> list[bool]:
        return [any(mark is not None for mark in column.marks or ()) for column in bars._columns]

    assert not any(marked())
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels), Path("standard"))
    qtbot.waitUntil(lambda: charts.part is not None and charts.part.predictions is session.predictions)
    charts.page("By emotion")
    assert marked() == [False, False, False, True]


def test_a_run_that_shifts_nothing_says_so_where_the_shift_is_drawn(charts: Charts, models: Models) -> None:
    page = charts.page("Shift")
    assert isinstance(page, ScatterPage)
    said = [label for label in page.findChildren(QLabel) if "shifts nothing" in label.text()]
    assert [label.isVisible() for label in said] == [not models.shifts]


def test_two_runs_are_compared_by_the_models_that_both_have(
    qtbot: QtBot, session: Session, charts: Charts, corpus: Corpus, models: Models, tmp_path: Path
) -> None:
    page = charts.page("Two runs")
    assert isinstance(page, ComparePage)
    page.compare_with(store_run(tmp_path / "standard", corpus, *Split))
    qtbot.waitUntil(lambda: page.versus is not None and not session.jobs.running)
    both = [model.short for model in models if model.key in STANDARD.keys]
    assert [row[0] for row in tables(page)[0][1:]] == both


def test_the_window_takes_them_from_the_runs_settings(
    qtbot: QtBot, opened: MainWindow, series: Path, tmp_path: Path
) -> None:
    config = TOY.with_settings(["teacher=audio", "students=text,visual"])
    run = store_run(tmp_path / "run", open_corpus(series), *Split, config=config)
    with qtbot.waitSignal(opened.opener.settled, timeout=WAIT):
        opened.opener.open(series, run, "test/dia0_utt0")
    assert "Audio" not in headings(opened.turns)
    assert {"Words", "Text"} <= set(headings(opened.turns))  # what is said, and who learnt from it
