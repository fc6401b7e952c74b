"""The turn table: what its cells say, and that it follows and leads the session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy
from pytestqt.qtbot import QtBot

from telme_gui.browse.turn_model import ROW, TurnColumn, TurnModel
from telme_gui.browse.turns import TurnTable
from telme_gui.look import theme
from telme_gui.session.filter import Filter
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.analysis.models import STANDARD
from telme_model.annotations.labels import Label
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("turns") / "corpus", clips=False))


@pytest.fixture
def session(qtbot: QtBot, corpus: Corpus) -> Iterator[Session]:
    session = Session(Jobs())
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(Split.TRAIN), corpus.labels.labels), Path("run"))
    yield session
    session.close()


@pytest.fixture
def table(session: Session, qtbot: QtBot) -> TurnTable:
    table = TurnTable(session)
    qtbot.addWidget(table)
    table.resize(1000, 200)
    table.show()
    return table


def test_cells_say_what_the_corpus_and_the_models_say(session: Session) -> None:
    model = TurnModel(session)
    assert session.dialogue is not None
    assert session.predictions is not None
    assert model.rowCount() == len(session.dialogue.turns)
    for place, turn in enumerate(session.dialogue.turns):
        cells = [model.index(place, column).data() for column in range(model.columnCount())]
        row = session.predictions.rows[turn.id]
        said = [
            session.predictions.labels[session.predictions.probabilities[name][row].argmax()] for name in STANDARD.keys
        ]
        ratio = session.predictions.shift[row] / (session.predictions.theta * session.predictions.text_norm[row])
        assert cells == [str(place + 1), turn.speaker, turn.text, turn.gold, "", *said, f"{ratio:.0%}"]


def test_disagreement_with_gold_is_said_in_words(session: Session) -> None:
    model = TurnModel(session)
    row = model.index(0, 0).data(ROW)
    for column in model.model_chips:
        said = row.said[column - TurnColumn.GOLD]
        tip = model.index(0, column).data(Qt.ItemDataRole.ToolTipRole)
        assert tip.endswith("as gold" if said == row.turn.gold else f"but gold is {row.turn.gold}")
    assert "θ‖F_T‖" in model.index(0, model.shift).data(Qt.ItemDataRole.ToolTipRole)


def test_a_label_reads_its_own_row_anew_and_no_other(session: Session) -> None:
    model = TurnModel(session)
    before, changed = model._rows[:], QSignalSpy(model.dataChanged)
    turns = session.dialogue.turns if session.dialogue else ()
    session.labels.put(turns[2].id, Label(emotion="fear"), "label fear")
    assert [(changed.at(k)[0].row(), changed.at(k)[1].row()) for k in range(changed.count())] == [(2, 2)]
    assert model.index(2, TurnColumn.LABEL).data() == "fear"
    assert [new is old for new, old in zip(model._rows, before, strict=True)] == [
        place != 2 for place in range(len(turns))
    ]
    other = next(turn for turn in session.turns if session.dialogue_of[turn.id] is not session.dialogue)
    session.labels.put(other.id, Label(emotion="joy"), "label joy")
    assert changed.count() == 1


def test_a_turn_that_is_not_predicted_says_so(session: Session, corpus: Corpus) -> None:
    model = TurnModel(session)
    session.select(next(corpus.turns(Split.DEV)).id)
    assert [model.index(0, column).data() for column in (*model.model_chips, model.shift)] == [""] * 5
    assert model.index(0, model.model_chips[1]).data(Qt.ItemDataRole.ToolTipRole) == "Audio: not predicted"


def test_the_model_keeps_qts_contract_through_every_change(session: Session, corpus: Corpus) -> None:
    model = TurnModel(session)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    session.select(corpus.dialogues[3].turns[1].id)
    session.set_filter(Filter(text="okay"))
    session.report_media_problems({corpus.dialogues[3].turns[0].id: "dia3_utt0.mp4 is missing."})
    session.set_predictions(None, None)
    session.set_corpus(None)
    session.set_corpus(corpus)
    assert tester.model() is model


def test_the_current_turn_is_lit_and_a_click_or_key_chooses_another(
    table: TurnTable, session: Session, qtbot: QtBot, corpus: Corpus
) -> None:
    dialogue = corpus.dialogues[2]
    session.select(dialogue.turns[2].id)
    view = table.view
    assert view.currentIndex().row() == 2
    second = view.visualRect(view.model().index(1, TurnColumn.TEXT)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=second)
    assert session.current is dialogue.turns[1]
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert session.current is dialogue.turns[0]
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert session.current is dialogue.turns[-1]


def test_the_current_turn_is_scrolled_to(table: TurnTable, session: Session, corpus: Corpus) -> None:
    table.resize(1000, 90)
    session.select(corpus.dialogues[2].turns[-1].id)
    view = table.view
    seen = view.visualRect(view.currentIndex()).adjusted(0, 0, 0, -1)  # Qt may leave the last pixel below
    assert view.viewport().rect().contains(seen)


def test_turns_outside_the_filter_are_known_as_such(session: Session) -> None:
    model = TurnModel(session)
    session.set_filter(Filter(emotions=frozenset({"anger"})))
    found = [model.index(row, 0).data(ROW).found for row in range(model.rowCount())]
    assert session.dialogue is not None
    assert found == [turn.gold == "anger" for turn in session.dialogue.turns]


def test_a_media_problem_is_told_where_its_mark_is(table: TurnTable, session: Session) -> None:
    assert session.current is not None
    session.report_media_problems({session.current.id: "dia0_utt0.mp4 has no sound."})
    tip = table.view.model().index(0, TurnColumn.TEXT).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == f"{session.current.text}\ndia0_utt0.mp4 has no sound."


@pytest.mark.parametrize(
    ("width", "hidden"), [(1100, {"Label"}), (640, {"Label"}), (500, {"L"}), (380, {"#", "L", "Shift"})]
)
def test_columns_fold_and_all_fit(table: TurnTable, session: Session, width: int, hidden: set[str]) -> None:
    table.resize(width, 200)
    header, model = table.view.header(), table.view.model()
    columns = range(model.columnCount())
    assert {
        model.headerData(column, Qt.Orientation.Horizontal) for column in columns if header.isSectionHidden(column)
    } == hidden
    assert header.length() == table.view.viewport().width()
    assert header.sectionSize(TurnColumn.TEXT) >= 100


def test_without_a_run_the_models_columns_are_gone(table: TurnTable, session: Session) -> None:
    session.set_predictions(None, None)
    header = table.view.header()
    assert [column for column in range(header.count()) if not header.isSectionHidden(column)] == [
        TurnColumn.NUMBER, TurnColumn.SPEAKER, TurnColumn.TEXT, TurnColumn.GOLD,
    ]  # fmt: skip


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_the_lit_row_is_of_the_palette(
    table: TurnTable, session: Session, palette: theme.Palette, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: theme.force_palette(None))
    theme.force_palette(palette)
    view = table.view
    lit = view.visualRect(view.model().index(0, TurnColumn.TEXT))
    image = view.viewport().grab().toImage()
    assert image.pixelColor(lit.right() - 2, lit.top() + 3).name().upper() == palette.selected


def test_what_a_run_is_computing_is_told_apart_from_what_is_lacking(session: Session, corpus: Corpus) -> None:
    model = TurnModel(session)
    session.set_predictions(predictions([], corpus.labels.labels), Path("night"))
    cell = model.index(0, model.model_chips[0])
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == "Teacher: not predicted"
    told = QSignalSpy(model.dataChanged)
    session.set_predicting((0, 40))
    assert told.count() == 1
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == "Teacher: being predicted"
