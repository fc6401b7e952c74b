"""A table whose columns nobody knows: the dialog asks, shows what they would make of it, and opens it so."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog
from pytestqt.qtbot import QtBot

from telme_gui.opening.columns import ColumnsDialog
from telme_gui.window.main_window import MainWindow
from telme_model.corpus.reading import Reading
from telme_model.corpus.survey import survey
from tests.telme_gui.conftest import WAIT

TABLE = """gespräch;wer;gesagt;gefühl
a;Ada;Wir haben gewonnen;froh
a;Bo;Na und;neutral
b;Ada;Geh weg;wütend
b;Bo;Was ist das;
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "talk.csv"
    path.parent.mkdir()
    path.write_text(TABLE, encoding="utf-8")
    return path


def asked(qtbot: QtBot, window: MainWindow) -> ColumnsDialog:
    qtbot.waitUntil(lambda: window.findChild(ColumnsDialog) is not None, timeout=WAIT)
    dialog = window.findChild(ColumnsDialog)
    assert dialog is not None
    return dialog


def choose(dialog: ColumnsDialog, **columns: str) -> None:
    for name, column in columns.items():
        dialog.columns[name].setCurrentIndex(dialog.columns[name].findData(column))


def shown(dialog: ColumnsDialog, row: int) -> list[str]:
    cells = [dialog.turns.item(row, column) for column in range(dialog.turns.columnCount())]
    return [cell.text() if cell else "" for cell in cells]


def test_an_unknown_table_is_asked_about_and_opened(qtbot: QtBot, window: MainWindow, table: Path) -> None:
    whole = table.read_bytes()
    window.opener.open(table)
    dialog = asked(qtbot, window)
    goes = dialog.buttons.button(QDialogButtonBox.StandardButton.Open)
    assert not goes.isEnabled()
    assert dialog.fault.text() == "Which column holds the words of the turns? Choose it."
    choose(dialog, text="gesagt", speaker="wer", dialogue="gespräch", emotion="gefühl")
    assert shown(dialog, 0) == ["a", "Ada", "Wir haben gewonnen", "froh"]
    assert set(dialog.labels) == {"froh", "neutral", "wütend"}
    dialog.labels["froh"].setCurrentText("joy")
    dialog.labels["wütend"].setCurrentText("anger")
    assert shown(dialog, 2) == ["b", "Ada", "Geh weg", "anger"]
    assert goes.isEnabled()
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT) as settled:
        goes.click()
    assert settled.args == [True]
    turns = window.session.turns
    assert [(turn.speaker, turn.text, turn.gold) for turn in turns] == [
        ("Ada", "Wir haben gewonnen", "joy"),
        ("Bo", "Na und", "neutral"),
        ("Ada", "Geh weg", "anger"),
        ("Bo", "Was ist das", None),
    ]
    assert (table.read_bytes(), list(table.parent.iterdir())) == (whole, [table])


def test_what_was_told_is_remembered_and_can_be_changed(qtbot: QtBot, window: MainWindow, table: Path) -> None:
    window.opener.open(table)
    dialog = asked(qtbot, window)
    choose(dialog, text="gesagt")
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        dialog.accept()
    assert {turn.speaker for turn in window.session.turns} != {"Ada", "Bo"}
    qtbot.waitUntil(lambda: window.findChild(ColumnsDialog) is None, timeout=WAIT)
    window.opener.ask_columns()
    again = asked(qtbot, window)
    assert again.columns["text"].currentData() == "gesagt"
    choose(again, speaker="wer")
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        again.accept()
    assert {turn.speaker for turn in window.session.turns} == {"Ada", "Bo"}


def test_a_table_is_opened_from_the_menu(
    qtbot: QtBot, window: MainWindow, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    window.opening.ask_table()
    assert asked(qtbot, window).survey.table == table


def test_a_table_may_be_dropped_on_the_window(qtbot: QtBot, window: MainWindow, table: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(table))])
    place, nothing = QPoint(5, 5), Qt.KeyboardModifier.NoModifier
    drag = QDragEnterEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
    window.dragEnterEvent(drag)
    assert drag.isAccepted()
    window.dropEvent(QDropEvent(place.toPointF(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing))
    assert asked(qtbot, window).survey.table == table


def test_a_column_of_many_values_holds_no_emotions(qtbot: QtBot, window: MainWindow, table: Path) -> None:
    table.write_text("wer;gesagt\n" + "".join(f"Ada;Satz {number}\n" for number in range(60)), encoding="utf-8")
    window.opener.open(table)
    dialog = asked(qtbot, window)
    choose(dialog, text="gesagt", emotion="gesagt")
    assert "more than 40 different values" in dialog.fault.text()


def test_a_corpus_whose_columns_are_known_is_not_asked_about(opened: MainWindow) -> None:
    everything = [action for actions in opened.menus.actions.values() for action in actions]
    assert [action.isEnabled() for action in everything if action.text() == "Columns and labels…"] == [False]


def test_the_table_that_is_asked_about_is_the_one_with_the_turns(table: Path) -> None:
    (table.parent / "a note.csv").write_text("when;who\n1;me\n", encoding="utf-8")
    assert survey(table.parent, Reading({"text": "gesagt"})).table == table
