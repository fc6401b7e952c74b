"""Training in the whole window: from the menu to the run that is shown, stopped, closed, killed and gone on with."""

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QScrollArea
from pytestqt.qtbot import QtBot

from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.dialog import TrainingDialog
from telme_gui.training.monitor.head import MonitorPart
from telme_gui.training.trainer import Trainer, TrainerState
from telme_gui.training.unfinished_runs import UnfinishedRuns
from telme_gui.window.main_window import TURNS, MainWindow
from telme_model.annotations.apply import LEARNT
from telme_model.annotations.labels import Label
from telme_model.corpus.dialogue import Split
from telme_model.events import Event, Message, Phase
from telme_model.runs import catalogue
from telme_model.runs.facts import RunState, command, read_run
from telme_model.runs.folder import RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.records import run_records
from tests.conftest import ROOT
from tests.support.runs import tensors
from tests.telme_gui.conftest import WAIT

TINY = ("students=audio", *(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "fusion")))
LONGER = ("students=audio", *(f"stages.{stage}.epochs=4" for stage in ("teacher", "audio", "fusion")))


@pytest.fixture(autouse=True)
def _own_places(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))


@pytest.fixture
def plan(series: Path, tmp_path: Path) -> Plan:
    return Plan(config=TOY.with_settings(LONGER), corpus=series, run=tmp_path / "runs" / "one")


def until(qtbot: QtBot, met: Callable[[], bool]) -> None:
    qtbot.waitUntil(met, timeout=WAIT)


def start(qtbot: QtBot, window: MainWindow, plan: Plan) -> None:
    """Train until the first step, and hold there."""
    trainer = window.trainer

    def hold() -> None:
        if Phase.TEACHER in trainer.history.stages:
            trainer.pause()

    trainer.advanced.connect(hold)
    trainer.submit([plan])
    until(qtbot, lambda: trainer.state is TrainerState.PAUSED)
    trainer.advanced.disconnect(hold)


def chosen_dialog(qtbot: QtBot, window: MainWindow, *settings: str, seeds: str = "0") -> TrainingDialog:
    """The dialog that is open, with the toy preset chosen, and everything it looks into known."""
    dialog = window.findChild(TrainingDialog)
    assert isinstance(dialog, TrainingDialog)
    dialog.draft.load("toy", settings)
    dialog.run_page.name.setText("one")
    dialog.run_page.seeds.setText(seeds)

    def known() -> bool:
        answer = dialog.reckoner.answer
        return dialog.reckoner.looked and answer is not None and answer.config == dialog.draft.config

    until(qtbot, known)
    assert dialog.obstacle() == ""
    return dialog


def answer(button: str) -> None:
    """Press a button of the question that is asked next."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        next(b for b in box.buttons() if b.text() == button).click()

    QTimer.singleShot(0, press)


@pytest.mark.slow
@pytest.mark.dressed
def test_a_run_from_the_menu_is_followed_shown_and_summed_up(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    opened.training.train.trigger()
    dialog = chosen_dialog(qtbot, opened, *TINY)
    assert not opened.monitor.isVisible()
    with qtbot.waitSignal(opened.ending.summed_up, timeout=WAIT):
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
        assert opened.monitor.isVisible()
        assert opened.monitor.head.name.text() == "one"
    run = tmp_path / "runs" / "one"
    monitor, session = opened.monitor, opened.session
    assert opened.trainer.state is TrainerState.FINISHED
    assert monitor.summary.lead.text().startswith("“one” finished after")
    until(qtbot, monitor.summary.isVisible)
    until(qtbot, lambda: session.run == run and session.predictions is not None)
    assert session.predictions is not None
    records = run_records(run, Split.TEST)
    rows = {str(turn): row for turn, row in session.predictions.rows.items()}
    for record in records:
        row = rows[f"test/dia{record['dialogue']}_utt{record['utterance']}"]
        fused = dict(zip(session.predictions.labels, session.predictions.probabilities["fused"][row], strict=True))
        assert fused == pytest.approx(record["fused"], abs=1e-6)
    monitor.head.switch.choose(MonitorPart.CURVES)
    curves = monitor.curves
    assert curves is not None
    until(qtbot, lambda: curves.isVisible() and curves.losses.view.height() >= 110)
    until(qtbot, lambda: not monitor.log.isVisible())


def test_charts_of_a_run_are_shown_though_nothing_is_open(qtbot: QtBot, window: MainWindow, night: Path) -> None:
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.monitor.charts_wanted.emit(night)
    assert window.session.run == night
    assert window.charts.isVisible()


def test_charts_that_something_else_took_the_place_of_are_not_shown(
    qtbot: QtBot, window: MainWindow, series: Path, night: Path, tmp_path: Path
) -> None:
    window.monitor.charts_wanted.emit(night)
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.opener.open(series)
    assert window.turns.isVisible()
    window.session.failed.disconnect(window.banner.say)
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.monitor.charts_wanted.emit(tmp_path / "nowhere")
    assert window.turns.isVisible()


@pytest.mark.dressed
def test_bringing_a_panel_forward_leaves_room_for_the_dialogue(qtbot: QtBot, opened: MainWindow, plan: Plan) -> None:
    start(qtbot, opened, plan)
    until(qtbot, lambda: opened.monitor.curves is not None and opened.monitor.curves.losses.view.height() >= 110)
    until(qtbot, lambda: opened.turns.height() >= TURNS)
    until(qtbot, lambda: opened.player.height() >= opened.player.minimumSizeHint().height())
    until(qtbot, opened.monitor.tiles.isHidden)
    assert "memory" in opened.monitor.head.figures.text()
    opened.resize(1280, 1300)
    opened.resizeDocks([opened.docks.named["Training"]], [700], Qt.Orientation.Vertical)
    until(qtbot, opened.monitor.tiles.isVisible)
    until(qtbot, opened.monitor.log.isVisible)
    until(qtbot, lambda: not opened.monitor.head.switch.isVisible())


@pytest.mark.slow
@pytest.mark.dressed
def test_curves_need_no_scrolling_in_a_small_window_that_annotates(
    qtbot: QtBot, opened: MainWindow, plan: Plan
) -> None:
    opened.session.labels.set_active(True)
    start(qtbot, opened, plan)
    monitor = opened.monitor
    until(qtbot, lambda: monitor.curves is not None and monitor.curves.isVisible())
    curves = monitor.curves
    assert curves is not None
    (scroll,) = monitor.findChildren(QScrollArea)

    def whole() -> bool:
        """All at once, however often a line of text that comes or goes moves the rest."""
        fits = scroll.verticalScrollBar().maximum() == 0
        return fits and curves.smoothing.isVisible() and curves.losses.view.height() >= 110

    until(qtbot, whole)
    assert opened.size().toTuple() == (1280, 720)
    opened.resize(1280, 690)  # within its frame on such a screen
    opened.docks.bring("Training")
    with qtbot.waitSignal(opened.ending.summed_up, timeout=WAIT):
        opened.trainer.resume()
    for part, shown in ((MonitorPart.CURVES, curves), (MonitorPart.OUTCOME, monitor.summary)):
        monitor.head.switch.choose(part)
        until(qtbot, lambda shown=shown: shown.isVisible() and scroll.verticalScrollBar().maximum() == 0)  # type: ignore[misc]
    until(qtbot, lambda: opened.player.height() >= opened.player.minimumSizeHint().height())


@pytest.mark.slow
def test_a_run_that_was_stopped_is_gone_on_with_from_the_list(qtbot: QtBot, opened: MainWindow, plan: Plan) -> None:
    runs = opened.runs
    start(qtbot, opened, plan)
    with qtbot.waitSignal(opened.trainer.left, timeout=WAIT):
        opened.monitor.head.stop.click()
    opened.docks.bring("Runs")
    until(qtbot, lambda: {f.name: f.state for f in runs.model.runs}.get("one") is RunState.UNFINISHED)
    listed = {facts.name: row for row, facts in enumerate(runs.model.runs)}
    runs.view.choose(listed["one"])
    with qtbot.waitSignal(opened.trainer.finished, timeout=WAIT):
        runs.resume.trigger()
    assert opened.monitor.isVisible()
    opened.docks.bring("Runs")
    until(qtbot, lambda: {f.name: f.state for f in runs.model.runs}.get("one") is RunState.FINISHED)


def test_discarding_from_the_menu_asks_and_puts_the_run_away(
    qtbot: QtBot, opened: MainWindow, plan: Plan, tmp_path: Path
) -> None:
    start(qtbot, opened, plan)
    for button, kept in (("Keep", True), ("Put into the trash", False)):
        opened.training.discard.trigger()
        answer(button)
        until(qtbot, lambda: QApplication.activeModalWidget() is None)
        assert opened.trainer.busy or not kept
    until(qtbot, lambda: opened.trainer.state is TrainerState.STOPPED)
    assert not plan.run.exists()
    assert (tmp_path / "trash" / "one" / "run.json").is_file()
    assert opened.monitor.head.state.text().startswith("Discarded")


@pytest.mark.slow
def test_closing_asks_and_keeps_what_was_trained(qtbot: QtBot, opened: MainWindow, plan: Plan) -> None:
    start(qtbot, opened, plan)
    answer("Keep training")
    assert not opened.close()
    assert opened.trainer.busy
    answer("Stop and close")
    assert opened.close()
    assert opened.session.jobs.running == []
    (left,) = catalogue.unfinished(catalogue.known_runs())
    assert (left.run, left.phase, left.cut_off) == (plan.run, Phase.TEACHER, False)
    later = Session(Jobs())
    trainer = Trainer(later.jobs)
    offered = UnfinishedRuns(later, trainer)
    qtbot.addWidget(offered)
    offered.look()
    until(qtbot, lambda: not offered.isHidden())
    assert offered.title.text() == "A run is still to be trained"
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        offered.resume.click()
    assert catalogue.unfinished(catalogue.known_runs()) == []
    later.close()


def test_settings_that_cannot_be_trained_are_changed_in_the_dialog(
    qtbot: QtBot, opened: MainWindow, plan: Plan
) -> None:
    trainer = opened.trainer
    wrong = replace(plan, config=plan.config.with_settings(["device=cuda:77", "seed=5", "fusion.theta=0.3"]))
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([wrong])
    until(qtbot, opened.monitor.problem.isVisible)
    opened.monitor.problem.offer.click()
    dialog = opened.findChild(TrainingDialog)
    assert isinstance(dialog, TrainingDialog)
    assert dialog.draft.config is not None
    assert replace(dialog.draft.config, seed=5) == wrong.config
    assert dialog.run_page.seeds.text() == "5"
    dialog.reject()


@pytest.mark.slow
def test_a_run_that_a_crash_cut_off_is_offered_at_the_next_start(
    qtbot: QtBot, window: MainWindow, series: Path, plan: Plan
) -> None:
    program = ROOT / "tests" / "benchmarks" / "cut_off.py"
    with subprocess.Popen([sys.executable, program, "--train", series, plan.run, "12"]) as process:
        log = plan.run / "events.jsonl"
        until(qtbot, lambda: log.is_file() and '"audio student"' in log.read_text(encoding="utf-8"))
        process.send_signal(signal.SIGKILL)
    window.opener.open(series)
    window.unfinished.look()
    until(qtbot, lambda: window.unfinished.isVisible())
    assert window.unfinished.title.text() == "one was cut off while it was trained"
    (offered,) = window.unfinished.runs
    assert offered.phase is Phase.AUDIO
    window.unfinished.resume.click()
    assert not window.unfinished.isVisible()
    with qtbot.waitSignal(window.trainer.finished, timeout=WAIT):
        window.trainer.resume()
    assert catalogue.unfinished(catalogue.known_runs()) == []


@pytest.mark.slow
def test_training_again_with_my_labels_learns_them(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    session = opened.session
    assert not opened.training.again.isEnabled()
    turns = [turn for turn in session.turns if turn.id.split is Split.TRAIN][:5]
    for turn in turns:
        session.labels.put(turn.id, Label(emotion="joy"), "label")
    opened.training.again.trigger()
    dialog = chosen_dialog(qtbot, opened, *TINY)
    with qtbot.waitSignal(opened.trainer.finished, timeout=WAIT):
        dialog.start.click()
    folder = RunFolder.open(tmp_path / "runs" / "one")
    assert (folder.facts["layer"], folder.facts["labels"]) == (session.labels.layer, 5)
    assert folder.read_json(LEARNT)["emotions"] == {str(turn.id): "joy" for turn in turns}
    assert command(read_run(folder.path)).endswith(f"--labels {shlex.quote(session.labels.layer)}")
    assert f"labels: {session.labels.layer}" in opened.monitor.head.about.text()


@pytest.mark.slow
def test_two_seeds_are_trained_while_a_person_labels_and_browses(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    session = opened.session
    ended: list[Path] = []
    opened.trainer.finished.connect(ended.append)
    opened.training.train.trigger()
    dialog = chosen_dialog(qtbot, opened, *TINY, seeds="0, 1")
    assert dialog.start.text() == "Start 2 runs"
    dialog.start.click()
    labelled = 0

    def work() -> bool:
        nonlocal labelled
        turn = session.turns[labelled % len(session.turns)]
        session.select(turn.id)
        session.labels.put(turn.id, Label(emotion="anger"), "label")
        labelled += 1
        return len(ended) == 2

    until(qtbot, work)
    runs = [tmp_path / "runs" / f"one-seed{seed}" for seed in (0, 1)]
    assert ended == runs
    assert tensors(runs[0]) != tensors(runs[1])
    assert "layer" not in RunFolder(runs[1]).facts
    labels = session.labels.in_layer(session.labels.layer)
    assert len(labels) == min(labelled, len(session.turns))


def test_the_status_line_tells_what_is_between_two_phases(qtbot: QtBot, opened: MainWindow, plan: Plan) -> None:
    status, said = opened.status, list[str]()

    def read() -> None:
        status._show_work()  # as its clock does now and then
        said.append(status.work.text())

    opened.trainer.advanced.connect(read)
    start(qtbot, opened, plan)
    loading = said.index("Training one: loading the weights of the teacher")
    assert said[loading - 1] != "Training one: teacher"
    until(qtbot, lambda: status.work.text() == "Training one: teacher")  # the trainer hears of it first


@pytest.mark.slow
def test_the_status_line_shows_how_far_the_run_is(qtbot: QtBot, opened: MainWindow, plan: Plan) -> None:
    """Of the run as a whole, as the monitor does, also of one that is gone on with."""
    status, trainer, seen = opened.status, opened.trainer, list[tuple[Phase, float]]()

    def read() -> None:
        status._show_work()  # as its clock does now and then
        current = trainer.history.current
        if current is not None:
            seen.append((current.phase, status.bar.value() / status.bar.maximum()))

    def stop() -> None:
        if Phase.AUDIO in trainer.history.stages and len(trainer.history.stages[Phase.AUDIO].steps) == 5:
            trainer.stop_and_keep()

    trainer.advanced.connect(read)
    trainer.advanced.connect(stop)
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([plan])
    trainer.advanced.disconnect(stop)
    shown = [value for _, value in seen]
    assert shown == sorted(shown)
    for phase in (Phase.TEACHER, Phase.AUDIO):
        assert len({value for at, value in seen if at is phase}) > 1
    seen.clear()
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.resume_run(plan.run)
    assert 0 < seen[0][1] < 0.9
    assert seen[-1][1] == 1


def test_shorter_work_is_shown_before_a_training_and_stopped_alone(
    qtbot: QtBot, opened: MainWindow, plan: Plan
) -> None:
    session, status, enough = opened.session, opened.status, Flag()
    start(qtbot, opened, plan)
    assert status.work.text().startswith("Training one")

    def predict() -> Iterator[Event]:
        while not enough.wait(0.001):
            yield Message(text="predicting")

    job = session.jobs.start(predict, "Predicting 5 turns")
    until(qtbot, lambda: status.work.text().startswith("Predicting 5 turns"))
    assert status.stop.toolTip().startswith("Stop predicting 5 turns;")
    with qtbot.waitSignal(job.finished, timeout=WAIT):
        status.stop.click()
    until(qtbot, lambda: status.work.text().startswith("Training one"))
    assert opened.trainer.state is TrainerState.PAUSED
    status.stop.click()
    until(qtbot, lambda: opened.trainer.state is TrainerState.STOPPED)
