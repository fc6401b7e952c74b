"""The trainer trains real toy runs on its thread: one after another, held, stopped, gone on with, put away."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot
from send2trash import TrashPermissionError

from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.events import Event, Message, Phase
from telme_model.runs import catalogue
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.history import History, StageHistory
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.training.checkpoint import load_resume
from telme_model.training.start import train_plan
from tests.support.runs import tensors, walk
from tests.telme_gui.conftest import WAIT

SETTINGS = tuple(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion"))
TINY = TOY.with_settings(SETTINGS)


@pytest.fixture(autouse=True)
def _own_places(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in the test's folder; decoded media where the trained run left them."""
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def plan(series: Path, tmp_path: Path) -> Plan:
    return Plan(config=TINY, corpus=series, run=tmp_path / "runs" / "one")


def no_trash(_place: Path) -> None:
    """As `send2trash` on a disk that has none."""
    raise TrashPermissionError("/")


def until(qtbot: QtBot, trainer: Trainer, *states: TrainerState) -> None:
    qtbot.waitUntil(lambda: trainer.state in states, timeout=WAIT)


def until_phase(qtbot: QtBot, trainer: Trainer, phase: Phase) -> None:
    qtbot.waitUntil(lambda: bool((stage := trainer.history.stages.get(phase)) and stage.steps), timeout=WAIT)


# What it trains


@pytest.mark.slow
def test_a_run_ends_with_the_weights_of_the_same_run_without_a_window(
    qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path
) -> None:
    walk(plan.corpus, tmp_path / "headless", *SETTINGS)
    states = []
    trainer.changed.connect(lambda: states.append(trainer.state))
    with qtbot.waitSignal(trainer.finished, timeout=WAIT) as finished:
        trainer.submit([plan])
    assert finished.args == [plan.run]
    assert tensors(plan.run) == tensors(tmp_path / "headless")
    assert [state for before, state in zip([None, *states], states, strict=False) if state is not before] == [
        TrainerState.IDLE, TrainerState.STARTING, TrainerState.RUNNING, TrainerState.FINISHED
    ]  # fmt: skip


@pytest.mark.slow
def test_other_networks_built_meanwhile_change_nothing(
    qtbot: QtBot, session: Session, trainer: Trainer, plan: Plan, trained: Path, tmp_path: Path
) -> None:
    """Predicting on another thread builds networks, which draws from the same random numbers."""
    from telme_model.corpus import open_corpus
    from telme_model.corpus.dialogue import Modality
    from telme_model.events import Event, Message
    from telme_model.prediction.predictor import load_encoder, load_fusion

    def build() -> Iterator[Event]:
        run, corpus = RunFolder.open(trained), open_corpus(plan.corpus)
        while True:
            load_encoder(run, Modality.VISUAL, corpus)
            load_fusion(run)
            yield Message(text="built")

    walk(plan.corpus, tmp_path / "headless", *SETTINGS)
    session.jobs.start(build)
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.submit([plan])
    assert tensors(plan.run) == tensors(tmp_path / "headless")


def test_the_history_has_the_whole_run_with_its_fraction(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    fractions: list[float | None] = []
    trainer.advanced.connect(lambda: fractions.append(trainer.history.fraction))
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.submit([plan])
    known = [fraction for fraction in fractions if fraction is not None]
    assert known == sorted(known)
    assert (known[0], known[-1]) == (0.0, 1.0)
    logged = History.read(plan.run / "events.jsonl")
    assert list(trainer.history.stages) == list(logged.stages)
    assert trainer.history.result == logged.result


@pytest.mark.slow
def test_the_queue_goes_on_by_itself_after_a_finish_and_after_a_failure(
    qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(plan, run=tmp_path / "runs" / "broken")

    def fail_at_once(plan: Plan) -> Iterator[Event]:
        if plan.run != broken.run:
            return train_plan(plan)
        return _breaking()

    monkeypatch.setattr("telme_gui.training.trainer.train_plan", fail_at_once)
    last = replace(plan, run=tmp_path / "runs" / "last", config=TINY.with_settings(["seed=1"]))
    dropped = replace(plan, run=tmp_path / "runs" / "dropped")
    ended: list[tuple[str, Path]] = []
    trainer.finished.connect(lambda run: ended.append(("finished", run)))
    trainer.left.connect(lambda run: ended.append(("left", run)))
    trainer.submit([broken, plan, dropped, last])
    assert (trainer.plan, trainer.queue) == (broken, [plan, dropped, last])
    trainer.withdraw(dropped)
    qtbot.waitUntil(lambda: len(ended) == 3, timeout=WAIT)
    assert ended == [("left", broken.run), ("finished", plan.run), ("finished", last.run)]
    assert tensors(plan.run) != tensors(last.run)


def _breaking() -> Iterator[Event]:
    yield Message(text="it has begun")
    raise RunError("and breaks")


def test_a_plan_that_fails_before_its_run_begins_holds_the_queue(
    qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path
) -> None:
    broken = [replace(plan, corpus=tmp_path / "nowhere", run=tmp_path / "runs" / name) for name in ("a", "b")]
    trainer.submit([*broken, plan])
    until(qtbot, trainer, TrainerState.FAILED)
    assert (trainer.plan, trainer.queue) == (broken[0], [broken[1], plan])
    assert trainer.problem is not None
    assert "nowhere" in trainer.problem.cause
    trainer.start_next()
    qtbot.waitUntil(lambda: trainer.plan == broken[1] and trainer.state is TrainerState.FAILED, timeout=WAIT)
    assert trainer.queue == [plan]
    assert not broken[0].run.exists()


def test_a_run_is_queued_once(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    two, three = (replace(plan, run=tmp_path / "runs" / name) for name in ("two", "three"))
    trainer.laid_by = [two, three]
    trainer.submit([plan, two, two])
    assert (trainer.plan, trainer.queue, trainer.laid_by) == (plan, [two], [three])
    trainer.submit([replace(plan, resume=True), replace(two, resume=True)])
    assert trainer.queue == [two]
    trainer.take_up()
    assert (trainer.queue, trainer.laid_by) == ([two, three], [])


def test_without_a_pace_it_trains_all_the_same(
    qtbot: QtBot, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("telme_gui.training.trainer.phase_costs", fail)
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.submit([plan])
    assert trainer.history.plan == {}


# Its control


def test_a_pause_holds_before_the_next_step(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    trainer.submit([plan])
    until_phase(qtbot, trainer, Phase.TEACHER)
    trainer.pause()
    assert trainer.state is TrainerState.PAUSED
    assert trainer.job is not None
    assert not trainer.job.wait(0)
    with qtbot.assertNotEmitted(trainer.finished, wait=200):  # long enough for the whole rest of the run
        pass
    held = (plan.run / "events.jsonl").read_bytes()
    assert b'"RunFinished"' not in held
    trainer.resume()
    until(qtbot, trainer, TrainerState.FINISHED)


@pytest.mark.slow
def test_stopped_at_a_step_it_keeps_that_very_step(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    """The checkpoints are far apart here: what is there to resume from was kept at the stop."""
    settings = [*SETTINGS, "checkpoint_steps=1000", "stages.audio.epochs=6"]
    long = replace(plan, config=TOY.with_settings(settings))
    trainer.submit([long, replace(plan, run=tmp_path / "runs" / "waiting")])
    until_phase(qtbot, trainer, Phase.AUDIO)
    states = []
    trainer.changed.connect(lambda: states.append(trainer.state))
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.stop_and_keep()
        trainer.resume()  # a stop is not taken back
        trainer.pause()
    assert states == [TrainerState.STOPPING, TrainerState.STOPPED]
    assert not trainer.busy
    state = load_resume(RunFolder.open(plan.run), Phase.AUDIO)
    told = trainer.history.stages[Phase.AUDIO].steps[-1].step
    assert state is not None
    assert state.epoch * 6 + state.step in (told, told + 1)  # a step may have been told after the stop was asked
    assert len(trainer.queue) == 1  # a stop holds the queue
    trainer.queue.clear()
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.resume_run(plan.run)
    walk(plan.corpus, tmp_path / "headless", *settings)
    assert tensors(plan.run) == tensors(tmp_path / "headless")
    steps = [step.step for step in trainer.history.stages[Phase.AUDIO].steps]
    assert steps[-1] == 36
    assert steps == sorted(set(steps))
    assert trainer.history.stages[Phase.TEACHER].epochs  # what was told before the stop is there as well


def test_a_discarded_run_is_in_the_trash(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    trainer.submit([plan])
    until_phase(qtbot, trainer, Phase.TEACHER)
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.discard()
    assert trainer.state is TrainerState.STOPPED
    assert not plan.run.exists()
    trashed = tmp_path / "trash" / "one"
    assert RunFolder.open(trashed).config == TINY
    assert not (trashed / ".training").exists()  # nobody held it any more


def test_without_a_trash_a_discarded_run_lies_beside_its_place(
    qtbot: QtBot, session: Session, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("send2trash.send2trash", no_trash)
    trainer.submit([plan])
    until_phase(qtbot, trainer, Phase.TEACHER)
    with qtbot.waitSignal(session.failed, timeout=WAIT) as told, qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.discard()
    assert not plan.run.exists()
    (aside,) = plan.run.parent.glob("one.discarded-*")
    assert (aside / "run.json").is_file()
    assert told.args[0] == "one is discarded"
    assert f"kept in {aside}" in told.args[1]
    assert catalogue.known_runs() == []


def test_a_run_that_cannot_be_put_away_says_so(
    qtbot: QtBot, session: Session, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: Path) -> None:
        raise RunError(f"{plan.run} cannot be moved: Permission denied")

    monkeypatch.setattr(catalogue, "move_to_trash", refuse)
    trainer.submit([plan])
    until_phase(qtbot, trainer, Phase.TEACHER)
    with qtbot.waitSignal(session.failed, timeout=WAIT) as failed:
        trainer.discard()
    assert failed.args == ["one cannot be put into the trash", f"{plan.run} cannot be moved: Permission denied"]


def test_a_run_that_another_window_trains_stays_where_it_is(
    session: Session, trainer: Trainer, trained: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "runs" / "theirs"))
    said: list[str] = []
    session.failed.connect(lambda *words: said.extend(words))
    with RunFolder(run).hold():
        trainer.put_away(run)
    assert said == [
        "theirs cannot be put into the trash", "theirs is being trained and cannot be deleted; stop it first"
    ]  # fmt: skip
    assert (run / "scores.json").is_file()


def test_what_is_no_run_cannot_be_resumed(qtbot: QtBot, session: Session, trainer: Trainer, tmp_path: Path) -> None:
    with qtbot.waitSignal(session.failed) as failed:
        trainer.resume_run(tmp_path)
    assert failed.args == [f"{tmp_path.name} cannot be resumed", f"{tmp_path} is not a run: it has no run.json"]
    assert trainer.state is TrainerState.IDLE


def test_a_stop_from_elsewhere_is_a_stop(qtbot: QtBot, session: Session, trainer: Trainer, plan: Plan) -> None:
    """The status line stops any job by itself."""
    trainer.submit([plan])
    until_phase(qtbot, trainer, Phase.TEACHER)
    session.jobs.running[0].stop()
    until(qtbot, trainer, TrainerState.STOPPED)
    assert session.jobs.running == []


# Closing


@pytest.mark.parametrize(("button", "agreed"), [("Stop and close", True), ("Keep training", False)])
def test_closing_asks_while_something_is_trained(
    qtbot: QtBot, trainer: Trainer, plan: Plan, button: str, agreed: bool
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    assert trainer.may_close(window)
    trainer.submit([plan])
    asked: list[str] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        next(choice for choice in box.buttons() if choice.text() == button).click()

    QTimer.singleShot(0, answer)
    assert trainer.may_close(window) is agreed
    assert asked == ["one is being trained."]


def test_a_run_that_is_discarded_is_put_away_though_the_window_closes_first(
    qtbot: QtBot, session: Session, trainer: Trainer, plan: Plan, tmp_path: Path
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    trainer.submit([plan, replace(plan, run=tmp_path / "runs" / "two")])
    until_phase(qtbot, trainer, Phase.TEACHER)
    trainer.discard()
    asked: list[tuple[str, str]] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append((box.text(), box.informativeText()))
        box.buttons()[0].click()  # Close
        session.close()  # before the window hears that the step has ended

    QTimer.singleShot(0, answer)
    assert trainer.may_close(window)
    told = "After the step in flight it goes into the trash. The one that waits is offered at the next start."
    assert asked == [("one is being discarded.", told)]
    assert not plan.run.exists()
    assert (tmp_path / "trash" / "one" / "run.json").is_file()


def test_jobs_that_close_keep_the_run_and_starts_no_other(
    qtbot: QtBot, series: Path, plan: Plan, tmp_path: Path
) -> None:
    jobs = Jobs()
    trainer = Trainer(jobs)
    trainer.submit([plan, replace(plan, run=tmp_path / "runs" / "two")])
    until_phase(qtbot, trainer, Phase.TEACHER)
    jobs.close()
    assert not trainer.queue
    assert all(thread.isFinished() for thread in jobs.findChildren(QThread))
    (left,) = catalogue.unfinished(catalogue.known_runs())
    assert (left.run, left.phase, left.cut_off) == (plan.run, Phase.TEACHER, False)
    assert load_resume(RunFolder.open(plan.run), Phase.TEACHER) is not None
    assert not (tmp_path / "runs" / "two").exists()


def test_two_trainings_of_one_folder_are_refused(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    others = Jobs()
    other = Trainer(others)
    trainer.submit([plan])
    until_phase(qtbot, trainer, Phase.TEACHER)
    trainer.pause()
    assert RunFolder.open(plan.run).in_training
    assert catalogue.unfinished([plan.run]) == []
    with qtbot.waitSignal(other.left, timeout=WAIT):
        other.resume_run(plan.run)
    problem = other.problem
    assert problem is not None
    assert problem.title == "This run is being trained already"
    assert str(plan.run) in problem.cause
    trainer.resume()
    until(qtbot, trainer, TrainerState.FINISHED)
    others.close()


def test_a_training_that_meets_a_defect_reports_it(
    qtbot: QtBot, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    reported: list[BaseException] = []
    monkeypatch.setattr("telme_model.training.pipeline.estimate", defect)
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: reported.append(error))
    with qtbot.captureExceptions() as raised, qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([plan])
    assert [type(error) for error, *_ in ([(r[1],) for r in raised])] == [ZeroDivisionError]
    assert trainer.state is TrainerState.FAILED
    assert trainer.problem is not None
    assert trainer.problem.cause == "ZeroDivisionError: nobody thought of this"


@pytest.mark.parametrize(
    ("state", "settings", "audio", "may"),
    [
        (TrainerState.RUNNING, [], None, True),
        (TrainerState.PAUSED, [], False, True),  # under way, and begun anew
        (TrainerState.RUNNING, [], True, False),
        (TrainerState.STOPPING, [], None, False),
        (TrainerState.RUNNING, ["distillation.alpha=0", "distillation.beta=0"], None, False),
        (TrainerState.RUNNING, ["distillation.alpha=0"], None, True),
    ],
)
def test_until_a_student_is_trained_it_may_be_told_what_they_learn_from(
    trainer: Trainer, plan: Plan, state: TrainerState, settings: list[str], audio: bool | None, may: bool
) -> None:
    """`audio`: whether that student's stage is finished, None where it has not begun."""
    assert not trainer.may_choose
    trainer.plan, trainer.state = replace(plan, config=plan.config.with_settings(settings)), state
    if audio is not None:
        trainer.history.stages[Phase.AUDIO] = StageHistory(Phase.AUDIO, finished=audio)
    assert trainer.may_choose is may
