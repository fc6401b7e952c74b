"""The run monitor: a run followed from its start to its end, its curves read, its buttons pressed."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from telme_gui.look.style import Appearance
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.monitor import Monitor
from telme_gui.training.monitor.log import LogPane
from telme_gui.training.monitor.phases import PhaseState
from telme_gui.training.monitor.summary_view import left_out, versus
from telme_gui.training.trainer import RunProblem, Trainer, TrainerState
from telme_model import bundled
from telme_model.corpus.dialogue import Split
from telme_model.events import Phase, StageDone
from telme_model.runs.comparison import PairedDifference
from telme_model.runs.facts import ModelScore
from telme_model.runs.history import History
from telme_model.runs.plan import Plan
from telme_model.runs.presets import DEMO, TOY
from telme_model.runs.summary import Excluded, Summary
from tests.support.telling import step, under_way
from tests.telme_gui.conftest import WAIT

LOG = bundled.DEMO_RUN / "events.jsonl"


def test_the_log_follows_its_end_unless_it_is_read_further_up(qtbot: QtBot) -> None:
    pane = LogPane()
    qtbot.addWidget(pane)
    pane.resize(400, 160)
    pane.show()
    bar = pane.text.verticalScrollBar()
    pane.add((0.0, f"line {number}") for number in range(50))
    assert 0 < bar.maximum() == bar.value()
    before = bar.maximum()
    pane.resize(400, 120)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum() > before)
    bar.setValue(3)
    pane.add([(0.0, "more")])
    assert bar.value() == 3
    pane.copy.click()
    assert QApplication.clipboard().text().endswith("more")


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def monitor(qtbot: QtBot, session: Session, trainer: Trainer, appearance: Appearance) -> Monitor:
    monitor = Monitor(session, trainer)
    qtbot.addWidget(monitor)
    monitor.resize(1280, 720)
    monitor.show()
    return monitor


def put(trainer: Trainer, state: TrainerState, history: History, problem: RunProblem | None = None) -> Plan:
    """The trainer as it stands in the midst of a run of the demo's."""
    trainer.plan = Plan(config=DEMO, corpus=bundled.DEMO_CORPUS, run=bundled.DEMO_RUN)
    trainer.state, trainer.history, trainer.problem = state, history, problem
    trainer.changed.emit()
    return trainer.plan


def test_nothing_trained_yet_offers_to_train(qtbot: QtBot, monitor: Monitor) -> None:
    assert monitor.empty.isVisible()
    assert monitor.curves is None  # nothing to draw: pyqtgraph is not imported at the start
    with qtbot.waitSignal(monitor.train_wanted):
        monitor.empty.train.click()


BUTTONS = {
    TrainerState.STARTING: ("Pause", {"stop", "discard"}),
    TrainerState.RUNNING: ("Pause", {"stop", "discard"}),
    TrainerState.PAUSED: ("Resume", {"stop", "discard"}),
    TrainerState.STOPPING: ("Pause", {"stop", "discard"}),
    TrainerState.STOPPED: ("Resume", {"train"}),
    TrainerState.FAILED: ("Resume", {"train"}),
    TrainerState.FINISHED: (None, {"train"}),
}


def test_buttons_are_those_that_the_state_allows(trainer: Trainer, monitor: Monitor) -> None:
    head = monitor.head
    for state, (pause, others) in BUTTONS.items():
        put(trainer, state, under_way())
        assert (head.pause.text() if head.pause.isVisible() else None) == pause
        assert {name for name in ("stop", "discard", "train") if getattr(head, name).isVisible()} == others
        assert head.pause.isEnabled() == (state is not TrainerState.STOPPING)
    trainer.plan = replace(put(trainer, TrainerState.FAILED, History()), run=Path("nowhere"))
    trainer.changed.emit()
    assert not head.pause.isVisible()  # no folder was made


def test_the_panel_says_what_runs_and_how_far_it_is(trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.RUNNING, under_way())
    head = monitor.head
    assert head.name.text() == bundled.DEMO_RUN.name
    assert head.about.text() == "demo preset  ·  seed 0  ·  labels: gold  ·  on the CPU"
    assert head.state.text() == "Training   ·   38%, 25 s left"  # (1 + 0.5) of 4
    assert head.bar.value() == 375


def test_no_bar_moves_once_nothing_runs(trainer: Trainer, monitor: Monitor) -> None:
    """A bar without a range moves for ever."""
    bar = monitor.head.bar
    put(trainer, TrainerState.RUNNING, History())
    assert bar.maximum() == 0
    for state in (TrainerState.PAUSED, TrainerState.FAILED, TrainerState.STOPPED):
        put(trainer, state, History())
        assert (bar.maximum() > 0, bar.value()) == (True, 0)


def test_plots_show_the_stage_under_way_or_the_chosen_one(trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.RUNNING, under_way())
    curves = monitor.curves
    assert curves is not None
    assert [line.ink.name for line in curves.losses.lines] == ["L_cls", "L_response", "L_feature"]
    assert curves.losses.title.text() == "Loss, audio student"
    assert [line.best for line in curves.scores.lines] == [(1.0, 57.3), (2.0, 45.1)]
    curves.stage.setCurrentText("teacher")
    assert curves.losses.lines == ()
    assert "teacher has not taken a step" in curves.losses._empty.text()


def test_curves_wait_until_the_training_has_loaded_what_they_need(trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.STARTING, History())
    assert monitor.curves is None
    put(trainer, TrainerState.RUNNING, History())
    assert monitor.curves is not None


def test_the_legend_reads_values_out(qtbot: QtBot, trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.RUNNING, under_way())
    curves = monitor.curves
    assert curves is not None
    plot = curves.scores
    assert "<b>57.3</b>" in plot.legend.text()  # the best, where nobody points
    assert "<b>45.1</b>" in plot.legend.text()
    qtbot.keyClick(plot.view, Qt.Key.Key_Right)  # at the end
    qtbot.keyClick(plot.view, Qt.Key.Key_Left)
    assert plot.legend.text().startswith("epoch 1 ")
    assert "<b>44.0</b>" in plot.legend.text()
    box = curves.losses.view.getViewBox()

    aside = cycle((0, 1))

    def read() -> bool:
        """Point at the middle, once the plot has its place; a mouse that does not move is not heard."""
        middle = box.mapViewToScene(box.viewRect().center()).toPoint()
        qtbot.mouseMove(curves.losses.view.viewport(), middle + QPoint(next(aside), 0))
        return curves.losses.legend.text().startswith("step ")

    qtbot.waitUntil(read, timeout=WAIT)
    assert "L_response <b>0.500</b>" in curves.losses.legend.text()
    qtbot.keyClick(plot.view, Qt.Key.Key_Escape)
    assert "epoch" not in plot.legend.text()


def test_smoothing_log_scale_and_window_change_what_is_drawn(trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.RUNNING, history := under_way())
    for number in range(51, 301):
        history.add(step(number), 15.0 + number / 10)
    curves = monitor.curves
    assert curves is not None
    curves.log.setChecked(False)
    assert curves.losses._range == (0.0, 300.0, 0.0, 2.0)
    curves.log.setChecked(True)
    assert curves.losses._range[2:] == (math.floor(math.log10(0.25) * 5) / 5, math.ceil(math.log10(2) * 5) / 5)
    curves.span.setCurrentIndex(1)
    assert curves.losses._range[:2] == (200.0, 300.0)
    assert curves.losses.lines[0].behind is None
    curves.smoothing.setValue(90)
    assert curves.losses.lines[0].behind is not None


def test_a_hidden_panel_draws_nothing(qtbot: QtBot, trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.RUNNING, history := under_way())
    curves = monitor.curves
    assert curves is not None
    assert monitor._fast.isActive()
    monitor.hide()
    assert not monitor._fast.isActive()
    assert not monitor._slow.isActive()
    history.add(step(51), 16.0)
    trainer.advanced.emit()
    trainer.changed.emit()
    assert len(curves.losses.lines[0].x) == 50
    monitor.show()
    assert len(curves.losses.lines[0].x) == 51


def test_a_problem_is_told_with_its_remedy_and_what_is_offered(
    qtbot: QtBot, trainer: Trainer, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[Plan] = []
    monkeypatch.setattr(trainer, "submit", submitted.extend)
    offer = Plan(config=DEMO, corpus=bundled.DEMO_CORPUS, run=bundled.DEMO_RUN, resume=True)
    told = RunProblem(title="The memory is used up", cause="the stage needs more.", remedy="Take a smaller batch.")
    put(trainer, TrainerState.FAILED, under_way(), replace(told, offer=offer, offer_name="Go on with a batch of 2"))
    assert monitor.problem.sentence.text() == "The stage needs more."
    assert monitor.problem.offer.text() == "Go on with a batch of 2"
    monitor.problem.offer.click()
    assert submitted == [offer]
    put(trainer, TrainerState.FAILED, under_way(), told)
    assert not monitor.problem.offer.isVisible()
    put(trainer, TrainerState.FAILED, under_way(), replace(told, offer=offer, offer_name="Change settings…", asks=True))
    with qtbot.waitSignal(monitor.change_wanted, check_params_cb=lambda plan: plan is offer):
        monitor.problem.offer.click()
    assert submitted == [offer]
    put(trainer, TrainerState.RUNNING, under_way())
    assert not monitor.problem.isVisible()


def test_discarding_asks_first(
    qtbot: QtBot, trainer: Trainer, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    discarded: list[bool] = []
    monkeypatch.setattr(trainer, "discard", lambda: discarded.append(True))
    put(trainer, TrainerState.RUNNING, under_way())
    for answer, expected in ((QMessageBox.ButtonRole.RejectRole, []), (QMessageBox.ButtonRole.AcceptRole, [True])):
        monitor.head.discard.click()
        box = monitor.findChildren(QMessageBox)[-1]
        next(b for b in box.buttons() if box.buttonRole(b) is answer).click()
        assert discarded == expected
    monitor.head.discard.click()
    box = monitor.findChildren(QMessageBox)[-1]
    put(trainer, TrainerState.RUNNING, under_way())  # the next run has begun while the question stands
    box.accept()
    assert discarded == [True]


def test_scores_are_drawn_over_the_epochs_that_are_planned(trainer: Trainer, monitor: Monitor) -> None:
    put(trainer, TrainerState.RUNNING, under_way())
    curves = monitor.curves
    assert curves is not None
    (first, last), _ = curves.scores.view.viewRange()
    assert (first, last) == (0.5, 8.5)  # the audio student's; the teacher has had its one
    history = under_way()
    history.add(StageDone(phase=Phase.AUDIO, seconds=5.0, dev_weighted_f1=45.1), 20.0)  # out of patience
    put(trainer, TrainerState.RUNNING, history)
    assert curves.scores.view.viewRange()[0][1] == 2.5
    curves.compare([("demo", History.read(LOG))])
    curves.stage.setCurrentText("fusion")
    assert curves.scores.view.viewRange()[0][1] == 20.5


def test_waiting_runs_can_be_taken_out(trainer: Trainer, monitor: Monitor) -> None:
    plan = put(trainer, TrainerState.RUNNING, under_way())
    waiting = replace(plan, run=plan.run.with_name("seed-2"))
    trainer.queue = [waiting]
    trainer.changed.emit()
    assert monitor.head.waiting.text() == "1 waiting ▾"
    monitor.head.waiting.menu().actions()[0].trigger()
    assert trainer.queue == []
    assert not monitor.head.waiting.isVisible()


def test_earlier_runs_are_laid_over_one_another(qtbot: QtBot, monitor: Monitor, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "events.jsonl").write_text("".join(LOG.read_text().splitlines(keepends=True)[:300]))
    monitor.compare([bundled.DEMO_RUN, other])
    qtbot.waitUntil(lambda: monitor.curves is not None and len(monitor.curves.others) == 2, timeout=WAIT)
    curves = monitor.curves
    assert curves is not None
    curves.stage.setCurrentText("teacher")
    assert [line.ink.name for line in curves.losses.lines] == ["demo", "other"]
    assert curves.losses.title.text() == "L_cls, teacher"
    expected = History.read(LOG).stages[Phase.TEACHER].curve("cls")
    assert curves.losses.lines[0].y.tolist() == expected[1]
    curves.end.click()
    assert monitor.empty.isVisible()


def test_the_run_in_hand_is_not_laid_over_itself(
    qtbot: QtBot, trainer: Trainer, monitor: Monitor, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(LOG, other)
    plan = put(trainer, TrainerState.RUNNING, History.read(LOG))
    curves = monitor.curves
    assert curves is not None
    monitor.compare([plan.run.parent / "." / plan.run.name, other])
    qtbot.waitUntil(lambda: bool(curves.others), timeout=WAIT)
    curves.stage.setCurrentText("teacher")
    assert [line.ink.name for line in curves.losses.lines] == [plan.run.name, "other"]
    trainer.plan = replace(plan, run=other)
    trainer.history = History.read(LOG)
    trainer.changed.emit()  # one of those that are compared goes on
    assert [line.ink.name for line in curves.losses.lines] == ["other", "demo"]


def test_a_log_that_is_not_there_is_a_sentence(qtbot: QtBot, session: Session, monitor: Monitor) -> None:
    with qtbot.waitSignal(session.failed, timeout=WAIT) as failed:
        monitor.compare([Path("nowhere")])
    assert "nowhere" in str(failed.args)


def test_a_run_is_followed_from_its_start_to_its_end(
    qtbot: QtBot, trainer: Trainer, monitor: Monitor, series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELME_CACHE", str(tmp_path / "cache"))
    trainer.submit([Plan(config=TOY, corpus=series, run=tmp_path / "runs" / "toy")])
    assert monitor.head.state.text().startswith("Starting")
    monitor.head.pause.click()
    assert trainer.state is TrainerState.PAUSED
    monitor.head.pause.click()
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        pass
    assert {s.progress for s in monitor.strip.steps} == {PhaseState.DONE}
    text = monitor.log.text.toPlainText()
    assert "teacher: epoch 1 of 2, L_cls" in text
    assert text.endswith("all stages are done")
    curves = monitor.curves
    assert curves is not None
    curves.stage.setCurrentText("visual")
    steps = trainer.history.stages[Phase.VISUAL].steps
    assert curves.losses.lines[0].y.tolist() == [s.losses["cls"] for s in steps]


def test_a_summary_is_shown_until_it_is_dismissed(qtbot: QtBot, trainer: Trainer, monitor: Monitor) -> None:
    run = Path("runs/harbour-3")
    fused = ModelScore(model="fused", weighted_f1=58.2, low=50.9, high=65.5, macro_f1=50.0, accuracy=59.0, turns=132)
    before = PairedDifference(
        run=Path("one"), other=Path("harbour-2"), difference=2.1, low=0.2, high=5.0, p=0.031, turns=132, changed=31
    )
    missing = (Excluded(modality="visual", reason="no moov atom", turns=("train/dia0_utt3",)),)
    summary = Summary(
        run=run, split=Split.TEST, scores=(fused,), excluded=missing, over_long=0, seconds=261.0, before=before
    )
    monitor.compare([])
    monitor.show_summary(summary)
    view = monitor.summary
    assert view.lead.text() == "“harbour-3” finished after 4 min 21 s: weighted F1 on 132 turns of test"
    assert versus(before).startswith("Against “harbour-2”: +2.1 points (+0.2 to +5.0, p = 0.031), which is more than")
    assert "chance" not in versus(replace(before, low=-1.0))
    assert versus(None).startswith("No earlier run")
    assert left_out(summary) == "Turns that lacked a modality: 1 without visual (no moov atom)."
    assert view.excluded.toolTip() == "Without visual: train/dia0_utt3"
    with qtbot.waitSignal(view.charts_wanted, check_params_cb=lambda wanted: wanted == run):
        view.charts.click()
    problem = RunProblem(title="The disk is full", cause="No room.", remedy="Make room.")
    put(trainer, TrainerState.FAILED, under_way(), problem)
    assert monitor.problem.isVisible()
    assert not view.isVisible()  # it is of another run
    put(trainer, TrainerState.RUNNING, under_way())
    assert view.isVisible()
    view.dismiss.click()
    assert view.isHidden()
