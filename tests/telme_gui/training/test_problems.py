"""What ends a training in the window before its time: it is said, and what is offered instead goes on with it."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot
from torch import Tensor

from telme_gui.session.jobs import Jobs
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.events import Phase
from telme_model.runs.folder import RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.problems import RunProblem
from telme_model.training.tasks import EncoderTask
from tests.telme_gui.conftest import WAIT

SETTINGS = tuple(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion"))
TINY = TOY.with_settings(SETTINGS)


@pytest.fixture
def trainer(qtbot: QtBot, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainer]:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))
    jobs = Jobs()
    yield Trainer(jobs)
    jobs.close()


@pytest.fixture
def plan(series: Path, tmp_path: Path) -> Plan:
    return Plan(config=TINY, corpus=series, run=tmp_path / "runs" / "one")


def problem_of(qtbot: QtBot, trainer: Trainer, plan: Plan) -> RunProblem:
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([plan])
    assert trainer.state is TrainerState.FAILED
    assert trainer.problem is not None
    for said in (trainer.problem.cause, trainer.problem.remedy):
        assert said[0] == said[0].upper()
        assert said.endswith(".")
    return trainer.problem


def take_offer(qtbot: QtBot, trainer: Trainer, problem: RunProblem) -> None:
    assert problem.offer is not None
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.submit([problem.offer])


@pytest.mark.slow
def test_memory_that_does_not_hold_a_step(
    qtbot: QtBot, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = EncoderTask.losses

    def hungry(task: EncoderTask, chosen: Sequence[int]) -> dict[str, Tensor]:
        if task.phase is Phase.AUDIO and len(chosen) > 2:
            torch.empty(1 << 50)
        return losses(task, chosen)

    monkeypatch.setattr(EncoderTask, "losses", hungry)
    problem = problem_of(qtbot, trainer, plan)
    assert problem.title == "The memory is used up"
    assert "the phase “audio student” needs more memory" in problem.cause.lower()
    assert "can't allocate memory" in problem.cause
    assert problem.offer_name == "Go on with a batch of 2"
    assert problem.offer is not None
    assert problem.offer.command().endswith(
        "--resume --set stages.audio.batch=2 --set stages.audio.accumulate=2 --set evaluation_batch=8"
    )
    take_offer(qtbot, trainer, problem)
    config = RunFolder.open(plan.run).config
    assert (config.stages.audio.batch, config.stages.audio.accumulate, config.stages.teacher.batch) == (2, 2, 4)
    steps = trainer.history.stages[Phase.AUDIO].steps
    assert steps[-1].steps == 6  # as many as with whole batches


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [False, True])
def test_a_folder_that_goes_while_it_is_trained(qtbot: QtBot, trainer: Trainer, plan: Plan, stopped: bool) -> None:
    trainer.submit([plan])
    qtbot.waitUntil(lambda: Phase.AUDIO in trainer.history.stages, timeout=WAIT)
    trainer.pause()
    qtbot.waitUntil(lambda: RunFolder(plan.run).in_training)
    shutil.rmtree(plan.run)
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        if stopped:
            trainer.stop_and_keep()
        else:
            trainer.resume()
    assert not plan.run.exists()  # no half of a run comes back
    problem = trainer.problem
    if stopped:  # the step in flight may have met it first
        gone = problem is not None and problem.title == "The run’s folder has gone"
        assert gone or trainer.state is TrainerState.STOPPED
        return
    assert problem is not None
    assert problem.title == "The run’s folder has gone"
    assert problem.offer_name == "Train it anew"
    take_offer(qtbot, trainer, problem)
