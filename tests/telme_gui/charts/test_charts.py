"""The charts: their numbers against scikit-learn and the model's own analysis, and what a click on them chooses."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QStackedWidget, QTabBar
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from sklearn.metrics import confusion_matrix, f1_score

from telme_gui.charts import Charts
from telme_gui.charts.compare import ASK, ChangedTurns, ComparePage
from telme_gui.charts.confusion import ConfusionPage, Matrix
from telme_gui.charts.contributions import ContributionsPage, by_emotion, by_speaker
from telme_gui.charts.counts import CountsPage
from telme_gui.charts.scatter import REST, ScatterPage
from telme_gui.charts.scores import ScoresPage, paper_scores
from telme_gui.charts.subset import Subset
from telme_gui.charts.versus import TurnChange, Versus
from telme_gui.look.table import Table
from telme_gui.session.job import Job
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_model.analysis.evaluation import compare_runs, mean_shares
from telme_model.analysis.models import STANDARD
from telme_model.analysis.predictions import Effect, from_records
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label, Scope
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions, records

T = TypeVar("T", bound=QObject)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("charts") / "corpus", clips=False))


@pytest.fixture
def session(corpus: Corpus) -> Iterator[Session]:
    session = Session(Jobs())
    session.set_corpus(corpus)
    yield session
    session.close()


@pytest.fixture
def charts(qtbot: QtBot, session: Session, corpus: Corpus) -> Charts:
    """Of dev and test."""
    turns = corpus.turns(Split.DEV, Split.TEST)
    session.set_predictions(predictions(turns, corpus.labels.labels), Path("night"))
    widget = Charts(session)
    qtbot.addWidget(widget)
    widget.resize(1000, 620)
    widget.show()
    return widget


@pytest.fixture
def part(corpus: Corpus) -> Subset:
    return Subset(predictions(corpus.turns(), corpus.labels.labels), Split.TEST)


def the(kind: type[T], parent: QObject) -> T:
    """The only child of a kind."""
    (child,) = parent.findChildren(kind)
    return child


def truth_and_guess(part: Subset, model: str = "fused") -> tuple[list[str], list[str]]:
    labels, rows = part.predictions.labels, part.scored(model)
    guesses = part.predictions.predicted[model][rows]
    return [labels[i] for i in part.predictions.gold[rows]], [labels[i] for i in guesses]


def test_scores_are_scikit_learns(part: Subset) -> None:
    truth, guess = truth_and_guess(part)
    labels = list(part.predictions.labels)
    expected = 100 * f1_score(truth, guess, labels=labels, average="weighted", zero_division=0)
    assert part.scores["fused"].weighted_f1 == pytest.approx(expected)
    assert np.array_equal(part.confusion("fused"), confusion_matrix(truth, guess, labels=labels))


def test_shares_are_the_models_own(corpus: Corpus) -> None:
    turns = list(corpus.turns(Split.TEST))
    rows = records(turns, corpus.labels.labels)
    part = Subset(from_records(rows, corpus.labels.labels))
    groups = by_emotion(part)
    expected = mean_shares(rows, tuple(Modality))
    assert groups[0].name == "all"
    assert groups[0].shares == pytest.approx([expected[name] for name in Modality], rel=1e-5)
    ada = [row for row in rows if row["speaker"] == "Ada"]
    spoken = {group.name: group for group in by_speaker(part, {turn.id: turn for turn in turns})}
    assert spoken["Ada"].turns == len(ada)
    assert spoken["Ada"].shares == pytest.approx(list(mean_shares(ada, tuple(Modality)).values()), rel=1e-5)


def test_turns_without_audio_have_no_share_of_it(corpus: Corpus) -> None:
    rows = records(corpus.turns(Split.TEST), corpus.labels.labels)
    rows = [{**row, "audio": None, "shapley": {**row["shapley"], "audio": None}} for row in rows]
    part = Subset(from_records(rows, corpus.labels.labels, STANDARD))
    assert "audio" not in part.scores
    assert by_emotion(part)[0].shares[1] == 0


def test_papers_numbers_are_given_for_its_corpora_only() -> None:
    assert paper_scores("meld", STANDARD) == {"teacher": 66.57, "audio": 46.60, "visual": 36.72, "fused": 67.37}
    assert paper_scores("emorynlp", STANDARD) == {}


def test_the_scores_table_says_what_is_computed(qtbot: QtBot, session: Session, charts: Charts) -> None:
    page = charts.page("Scores")
    assert isinstance(page, ScoresPage)
    assert charts.part is not None
    assert charts.part.split is Split.TEST
    table = the(Table, page)
    qtbot.waitUntil(lambda: "±" in str(table.model().index(3, 1).data()))
    scores = charts.part.scores["fused"]
    assert scores.intervals is not None
    half = (scores.intervals.weighted_f1.high - scores.intervals.weighted_f1.low) / 2
    assert table.model().index(3, 1).data() == f"{scores.weighted_f1:.1f} ± {half:.1f}"
    table.selectRow(3)
    QApplication.clipboard().clear()
    QTest.keySequence(table, "Ctrl+C")
    assert QApplication.clipboard().text().startswith(f"fused\t{scores.weighted_f1:.1f}")


@pytest.mark.parametrize("page", ["Scores", "By emotion", "Confusion", "Shift", "Contributions", "Counts"])
@pytest.mark.parametrize("size", [(1280, 700), (640, 420)])
def test_every_page_paints(charts: Charts, page: str, size: tuple[int, int]) -> None:
    charts.resize(*size)
    charts.page(page)
    assert not charts.grab().isNull()


def test_a_cell_filters_the_turns(qtbot: QtBot, session: Session, charts: Charts) -> None:
    page = charts.page("Confusion")
    assert isinstance(page, ConfusionPage)
    assert charts.part is not None
    counts = charts.part.confusion("fused")
    gold, predicted = (int(i) for i in np.unravel_index(counts.argmax(), counts.shape))
    labels = charts.part.predictions.labels
    with qtbot.waitSignal(session.filter_changed):
        middle = page.matrix.cell(gold, predicted).center().toPoint()
        qtbot.mouseClick(page.matrix, Qt.MouseButton.LeftButton, pos=middle)
    assert session.visible.sum() == counts[gold, predicted]
    assert session.filter.turns_name == f"test: gold {labels[gold]}, fused {labels[predicted]}"
    assert f"{counts[gold, predicted]} of" in page.matrix.words_at(middle)


def test_the_matrix_is_walked_by_key(qtbot: QtBot) -> None:
    matrix = Matrix()
    qtbot.addWidget(matrix)
    matrix.resize(600, 400)
    matrix.show_counts(("joy", "anger"), np.array([[3, 1], [0, 2]]), rows="gold", columns="fused")
    with qtbot.waitSignal(matrix.chosen) as chosen:
        for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
            qtbot.keyClick(matrix, key)
    assert chosen.args == [0, 1]
    assert matrix.cell_at(matrix.cell(1, 0).center()) == (1, 0)
    assert matrix.words_at(QPoint(2, 2)) == ""


def test_a_dot_chooses_its_turn(session: Session, charts: Charts) -> None:
    page = charts.page("Shift")
    assert isinstance(page, ScatterPage)
    assert charts.part is not None
    assert sorted(np.concatenate(list(page.rows.values()))) == list(charts.part.rows)
    effects = charts.part.predictions.effects
    for kind, rows in page.rows.items():
        for dot, row in enumerate(rows):
            assert kind == REST or effects[Effect(kind)][row]
            page.choose(kind, dot)
            assert session.current is not None
            assert session.current.id == charts.part.predictions.ids[row]


def test_the_split_chooser_changes_what_is_shown(session: Session, charts: Charts, corpus: Corpus) -> None:
    chooser = next(box for box in charts.findChildren(QComboBox) if box.accessibleName() == "Split")
    assert [chooser.itemText(i) for i in range(chooser.count())] == ["dev", "test", "all"]
    for place, splits in enumerate(((Split.DEV,), (Split.TEST,), (Split.DEV, Split.TEST))):
        chooser.setCurrentIndex(place)
        assert charts.part is not None
        assert len(charts.part.rows) == len(list(corpus.turns(*splits)))


def test_the_chosen_split_stays_when_theta_moves(qtbot: QtBot, session: Session, charts: Charts) -> None:
    chooser = next(box for box in charts.findChildren(QComboBox) if box.accessibleName() == "Split")
    assert session.predictions is not None
    for place, split in enumerate((Split.DEV, Split.TEST, None)):
        chooser.setCurrentIndex(place)
        moved = dataclasses.replace(session.predictions, theta=0.2 + place)
        session.set_theta(0.2 + place)
        session.show_fused_anew(moved)
        qtbot.waitUntil(lambda: charts.part is not None and charts.part.predictions is session.predictions)
        assert session.predictions is moved
        assert charts.part is not None
        assert charts.part.split is split


def test_a_window_that_closes_takes_the_intervals_along(
    qtbot: QtBot, session: Session, charts: Charts, corpus: Corpus
) -> None:
    jobs: list[Job] = []
    session.jobs.changed.connect(lambda: jobs.extend(job for job in session.jobs.running if job not in jobs))
    charts.page("Scores")
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels, seed=9), Path("night"))
    qtbot.waitUntil(lambda: bool(jobs))
    session.close()
    assert not any(isValid(job) and job.isRunning() for job in jobs)


def test_more_predictions_are_shown_once_they_rest(
    qtbot: QtBot, session: Session, charts: Charts, corpus: Corpus
) -> None:
    charts.page("Scores")
    for seed in (3, 4, 5):
        session.set_predictions(predictions(corpus.turns(), corpus.labels.labels, seed=seed), Path("night"))
    qtbot.waitUntil(lambda: charts.part is not None and charts.part.predictions is session.predictions)


def test_without_run_or_corpus_a_sentence_is_shown(qtbot: QtBot, corpus: Corpus) -> None:
    session = Session(Jobs())
    charts = Charts(session)
    qtbot.addWidget(charts)
    charts.show()
    assert words(charts).startswith("Open a corpus")
    session.set_corpus(corpus)
    assert words(charts).startswith("No run is open")
    assert isinstance(charts.page("Counts"), CountsPage)


def words(charts: Charts) -> str:
    shown = the(QStackedWidget, charts).currentWidget()
    assert isinstance(shown, QLabel)
    return shown.text()


def test_turns_without_gold_are_no_scores(charts: Charts, session: Session, corpus: Corpus) -> None:
    rows = [{**row, "gold": None} for row in records(corpus.turns(Split.TEST), corpus.labels.labels)]
    session.set_predictions(None, None)
    session.set_predictions(from_records(rows, corpus.labels.labels), Path("own"))
    for name in ("Scores", "By emotion", "Confusion", "Shift"):
        charts.page(name)
        charts.grab()
    assert charts.part is not None
    assert charts.part.scores == {}
    assert isinstance(charts.page("Contributions"), ContributionsPage)


# Two runs


def write_run(folder: Path, corpus: Corpus, seed: int) -> Path:
    """What a finished run keeps, as far as another is compared with it."""
    (folder / "predictions").mkdir(parents=True)
    facts = {"format": 1, "corpus": {"fingerprint": "", "labels": corpus.labels.name}, "stages": {}}
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    for split in (Split.DEV, Split.TEST):
        rows = records(corpus.turns(split), corpus.labels.labels, seed=seed, run=folder.name)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "predictions" / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_the_difference_is_the_models_own(corpus: Corpus) -> None:
    here, there = (records(corpus.turns(Split.TEST), corpus.labels.labels, seed=seed) for seed in (0, 9))
    labels = corpus.labels.labels
    versus = Versus(Subset(from_records(here, labels)), from_records(there, labels))
    expected = compare_runs(here, there)
    assert versus.difference is not None
    assert versus.difference.difference == pytest.approx(expected["difference"])
    assert len(versus.changed) == expected["changed"] == len(versus.changes)
    right = [row["gold"] == max(row["fused"], key=row["fused"].get) for row in here]
    was = [row["gold"] == max(row["fused"], key=row["fused"].get) for row in there]
    assert versus.changes.count(TurnChange.BETTER) == sum(a and not b for a, b in zip(right, was, strict=True))
    assert versus.changes.count(TurnChange.WORSE) == sum(b and not a for a, b in zip(right, was, strict=True))


def test_a_run_of_another_corpus_is_refused(
    qtbot: QtBot, session: Session, charts: Charts, corpus: Corpus, tmp_path: Path
) -> None:
    page = charts.page("Two runs")
    assert isinstance(page, ComparePage)
    other = write_run(tmp_path / "other", corpus, seed=9)
    path = other / "predictions" / "test.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"text": "', '"text": "So: ', 1), encoding="utf-8")
    page.compare_with(other)
    qtbot.waitUntil(lambda: not session.jobs.running)
    first = next(corpus.turns(Split.TEST))
    assert f"is a run of another corpus: {first.id} has other words, or another speaker, there" in page.words
    assert first.text not in page.words  # which may be hidden
    assert page.versus is None


def test_another_run_is_read_and_its_changes_filter(
    qtbot: QtBot, session: Session, charts: Charts, corpus: Corpus, tmp_path: Path
) -> None:
    page = charts.page("Two runs")
    assert isinstance(page, ComparePage)
    assert page.words == ASK
    page.compare_with(write_run(tmp_path / "first", corpus, seed=9).rename(tmp_path / "other"))  # is called so now
    qtbot.waitUntil(lambda: page.versus is not None and not session.jobs.running)
    charts.grab()
    assert page.versus is not None
    assert "points against other" in page.words
    assert "of test" in page.words
    model = the(ChangedTurns, page)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    button = next(button for button in page.findChildren(QPushButton) if button.text().startswith("changed"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert session.visible.sum() == len(page.versus.changes) == model.rowCount()
    assert session.filter.turns_name == "changed against other"


@pytest.mark.parametrize("broken", ["nothing", "other emotions", "no predictions"])
def test_a_run_that_cannot_be_compared_says_why(
    qtbot: QtBot, session: Session, charts: Charts, corpus: Corpus, tmp_path: Path, broken: str
) -> None:
    run = tmp_path / "run"
    if broken != "nothing":
        write_run(run, corpus, seed=1)
    if broken == "other emotions":
        facts = {"format": 1, "corpus": {"fingerprint": "", "labels": "iemocap"}, "stages": {}}
        (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    if broken == "no predictions":
        for file in (run / "predictions").iterdir():
            file.unlink()
    page = charts.page("Two runs")
    assert isinstance(page, ComparePage)
    page.compare_with(run)
    qtbot.waitUntil(lambda: not session.jobs.running)
    expected = {"nothing": "is not a run", "other emotions": "other emotions", "no predictions": "keeps no predictions"}
    qtbot.waitUntil(lambda: expected[broken] in page.words)


@pytest.mark.parametrize("judge", [GOLD, ADJUDICATED])
@pytest.mark.dressed
def test_every_page_has_its_whole_name_at_the_least_width(qtbot: QtBot, opened: MainWindow, judge: str) -> None:
    session = opened.session
    session.labels.edit("label", {(ADJUDICATED, Scope.ALL, session.turns[0].id): Label(emotion="joy")})
    opened.show_view(MainView.CHARTS)
    session.judge_against(judge)
    tabs = opened.charts.findChild(QTabBar)
    assert tabs is not None
    assert opened.width() == 1280
    for name in opened.charts.names:
        opened.charts.page(name)
        qtbot.waitUntil(lambda: tabs.width() >= tabs.sizeHint().width())  # or names are cut
        assert tabs.rect().contains(tabs.tabRect(tabs.currentIndex()))
