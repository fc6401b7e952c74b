"""The list of runs reads any folder, says what is wrong with a broken one, and changes only what may be changed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QAbstractItemView, QApplication, QInputDialog, QLineEdit, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from telme_gui.look.style import Appearance
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.runs import Runs
from telme_gui.training.runs.model import SORT, RunColumn, RunsModel
from telme_gui.training.trainer import Trainer
from telme_model import bundled
from telme_model.runs import catalogue
from telme_model.runs import facts as run_facts
from telme_model.runs.facts import RunFacts, RunState, read_run
from telme_model.runs.folder import NOTE, RunFolder
from telme_model.runs.plan import Plan
from tests.support.runs import copied_run, unfinished_run
from tests.telme_gui.conftest import WAIT

Tree = dict[str, Any]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("TELME_RUNS", str(folder))
    return folder


def begun(day: int) -> Callable[[Tree], object]:
    return lambda tree: tree.update(created=f"2026-11-{day}T10:00:00+0000")


def test_the_model_keeps_qts_rules(runs: Path) -> None:
    model = RunsModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    broken = RunFacts(path=runs / "broken", state=RunState.BROKEN, reason="no run.json")
    catalogue.write_note(copied_run(runs, "one"), "the first")
    one = read_run(runs / "one")
    model.show_runs([one, broken])
    model.setData(model.index(0, 0), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert model.ticked_runs == [one]
    assert not model.setData(model.index(1, 0), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert model.data(model.index(1, 0), Qt.ItemDataRole.ToolTipRole) == "no run.json"
    assert model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole) == f"the first\n\n{one.path}"
    keys = [model.data(model.index(row, RunColumn.TEST), SORT) for row in (0, 1)]
    assert keys == [one.test["fused"].weighted_f1, -1.0]
    model.show_runs([broken])
    assert model.ticked_runs == []
    del tester


# -- the panel ----------------------------------------------------------------------------------------------------


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session, trainer: Trainer, appearance: Appearance, runs: Path) -> Runs:
    """The list of two finished runs, one unfinished and one broken."""
    for name, day in (("one", 10), ("two", 11)):
        copied_run(runs, name, begun(day))
    unfinished_run(runs)
    (runs / "broken").mkdir()
    (runs / "broken" / "run.json").write_text("{")
    panel = Runs(session, trainer)
    qtbot.addWidget(panel)
    panel.resize(1280, 400)
    panel.show()
    qtbot.waitUntil(lambda: len(panel.model.runs) == 4, timeout=WAIT)
    return panel


def choose(panel: Runs, name: str) -> None:
    panel.view.choose([facts.name for facts in panel.model.runs].index(name))


def names(panel: Runs) -> set[str]:
    return {facts.name for facts in panel.model.runs}


def test_without_runs_the_list_offers_to_train(qtbot: QtBot, session: Session, trainer: Trainer, runs: Path) -> None:
    panel = Runs(session, trainer)
    qtbot.addWidget(panel)
    panel.show()
    with qtbot.waitSignal(panel.train_wanted):
        panel.train.click()


def test_actions_are_those_that_the_chosen_run_allows(panel: Runs) -> None:
    expected = {
        "one": {"Open", "Compare curves", "Rename", "Note…", "Delete…", "Open folder", "Copy command"},
        "half": {"Open", "Resume", "Compare curves", "Rename", "Note…", "Delete…", "Open folder", "Copy command"},
        "broken": {"Rename", "Delete…", "Open folder"},
    }
    for name, allowed in expected.items():
        choose(panel, name)
        assert {action.text() for action in panel.actions() if action.isEnabled()} == allowed
    assert panel.line.isVisible()
    assert "run.json is damaged" in panel.line.text()
    choose(panel, "one")
    assert not panel.line.isVisible()


def test_a_run_is_opened_resumed_and_its_command_copied(
    qtbot: QtBot, trainer: Trainer, panel: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[Path] = []
    monkeypatch.setattr(trainer, "resume_run", resumed.append)
    choose(panel, "half")
    run = panel.model.runs[panel.view.chosen or 0].path
    with qtbot.waitSignal(panel.open_wanted, check_params_cb=lambda wanted: wanted == run):
        qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    panel.resume.trigger()
    assert resumed == [run]
    panel.copy.trigger()
    assert QApplication.clipboard().text() == Plan.resuming(run).command()
    choose(panel, "one")
    panel.copy.trigger()
    assert "--resume" not in QApplication.clipboard().text()
    assert "--preset demo" in QApplication.clipboard().text()


def test_ticked_runs_are_compared_by_scores_and_by_curves(qtbot: QtBot, panel: Runs) -> None:
    for row, facts in enumerate(panel.model.runs):
        if facts.name in ("one", "half"):
            panel.model.setData(panel.model.index(row, 0), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    heads = [panel.scores.horizontalHeaderItem(column) for column in (1, 2)]
    fused = [panel.scores.item(panel.scores.rowCount() - 1, column) for column in (1, 2)]
    shown = {head.text(): score.text() for head, score in zip(heads, fused) if head and score}
    assert shown == {"one": "58.2 ± 7.3", "half": "–"}
    with qtbot.waitSignal(panel.compare_wanted) as wanted:
        panel.compare.trigger()
    assert {path.name for path in wanted.args[0]} == {"half", "one"}


def test_a_run_is_renamed_in_its_cell(qtbot: QtBot, session: Session, panel: Runs, runs: Path) -> None:
    session.set_predictions(None, runs / "one")
    qtbot.waitUntil(lambda: panel._reading is None and not panel._settled.isActive(), timeout=WAIT)
    choose(panel, "one")
    panel.rename.trigger()
    editor = panel.view.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("harbour-3")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "harbour-3" in names(panel), timeout=WAIT)
    assert session.run == runs / "harbour-3"
    assert "one" not in names(panel)
    panel.model.rename_wanted.emit(runs / "two", "harbour-3")
    assert "“harbour-3” beside it already" in panel.line.text()


def test_a_note_is_written_on_a_run_and_read_where_it_is_chosen(qtbot: QtBot, panel: Runs, runs: Path) -> None:
    def write(text: str) -> None:
        panel.note.trigger()
        dialog = panel.findChildren(QInputDialog)[-1]
        assert dialog.textValue() == RunFolder(runs / "two").note
        dialog.setTextValue(text)
        dialog.accept()

    choose(panel, "two")
    write("lr = 1e-5 <b>overfits</b>\nafter epoch 3")
    assert RunFolder(runs / "two").note == "lr = 1e-5 <b>overfits</b>\nafter epoch 3"
    qtbot.waitUntil(lambda: panel.line.text() == RunFolder(runs / "two").note, timeout=WAIT)
    assert panel.line.isVisible()
    choose(panel, "one")
    assert not panel.line.isVisible()
    choose(panel, "two")
    assert panel.line.isVisible()
    write("")
    qtbot.waitUntil(lambda: not panel.line.isVisible(), timeout=WAIT)
    assert not (runs / "two" / NOTE).exists() or not (runs / "two" / NOTE).read_text()


def test_a_note_that_cannot_be_kept_is_said(panel: Runs, runs: Path) -> None:
    choose(panel, "two")
    (runs / "two" / f".{NOTE}.new").mkdir()  # where it is written
    panel.note.trigger()
    dialog = panel.findChildren(QInputDialog)[-1]
    dialog.setTextValue("too late")
    dialog.accept()
    assert f"{NOTE} cannot be written" in panel.line.text()


def test_a_run_is_deleted_into_the_trash_once_that_is_agreed(qtbot: QtBot, panel: Runs, runs: Path) -> None:
    choose(panel, "two")
    for answer in (QMessageBox.ButtonRole.RejectRole, QMessageBox.ButtonRole.AcceptRole):
        assert (runs / "two").is_dir()
        panel.delete.trigger()
        box = panel.findChildren(QMessageBox)[-1]
        next(button for button in box.buttons() if box.buttonRole(button) is answer).click()
    qtbot.waitUntil(lambda: "two" not in names(panel), timeout=WAIT)
    kept = [path for path in runs.parent.rglob("scores.json") if "two" in str(path.parent)]
    assert len(kept) == 1  # in the trash or beside it: nothing is lost
    assert not (runs / "two").exists()


def test_the_open_run_is_listed_wherever_it_lies(qtbot: QtBot, session: Session, panel: Runs) -> None:
    session.set_predictions(None, bundled.DEMO_RUN)
    qtbot.waitUntil(lambda: "demo" in names(panel), timeout=WAIT)


def test_columns_give_way_where_it_is_narrow(qtbot: QtBot, panel: Runs) -> None:
    assert not any(panel.view.isColumnHidden(column) for column in RunColumn)
    panel.resize(640, 400)
    hidden = {column for column in RunColumn if panel.view.isColumnHidden(column)}
    assert {RunColumn.SEED, RunColumn.PRESET} <= hidden
    assert not {RunColumn.NAME, RunColumn.STATE, RunColumn.TEST} & hidden
    qtbot.waitUntil(lambda: not panel.view.horizontalScrollBar().maximum())


def test_what_did_not_change_is_not_read_again(
    qtbot: QtBot, panel: Runs, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def reading(path: Path) -> RunFacts:
        read.append(path)
        return read_run(path)

    monkeypatch.setattr(run_facts, "read_run", reading)
    (runs / "one" / "events.jsonl").write_text("")
    panel.read()
    qtbot.waitUntil(lambda: panel._reading is None, timeout=WAIT)
    assert read == [runs / "one"]


def test_a_right_click_shows_what_can_be_done_with_the_run(panel: Runs) -> None:
    choose(panel, "one")
    view = panel.view.viewport()
    place = panel.view.visualRect(panel.view.selectionModel().selectedRows()[0]).center()
    QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.mapToGlobal(place)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert menu.actions() == panel.actions()
    menu.close()


def test_the_list_is_one_stop_of_the_tab_key_and_letters_edit_nothing(qtbot: QtBot, panel: Runs) -> None:
    choose(panel, "one")
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_X)
    assert panel.view.state() is not QAbstractItemView.State.EditingState
    row = panel.view.currentIndex()
    qtbot.keyClick(panel.view, Qt.Key.Key_Tab)
    assert panel.view.currentIndex() == row
    panel.view.selectAll()
    assert len(panel.view.selectionModel().selectedRows()) <= 1
