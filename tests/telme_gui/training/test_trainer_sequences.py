"""Sequences of start, pause, resume, stop, discard and close at random moments leave nothing behind."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from telme_gui.session.jobs import Jobs
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.runs.folder import RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.training.checkpoint import load_resume
from tests.support.runs import tensors, walk
from tests.telme_gui.conftest import WAIT

SETTINGS = ("students=audio", *(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "fusion")))
MOMENTS = (0, 0, 1, 3, 10, 25)  # events told between two wishes
BUSY = (TrainerState.STARTING, TrainerState.RUNNING, TrainerState.STOPPING)


@pytest.fixture(scope="module")
def whole(trained: Path, series: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The weights of the run that nobody interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    walk(series, run, *SETTINGS)
    return tensors(run)


SEEDS = [seed if seed < 5 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(25)]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_sequence_ends_well(
    qtbot: QtBot,
    seed: int,
    whole: dict[str, bytes],
    series: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))
    run = tmp_path / "runs" / "one"
    chance = random.Random(seed)
    jobs = Jobs()
    trainer, told = Trainer(jobs), [0]
    trainer.advanced.connect(lambda: told.__setitem__(0, told[0] + 1))
    start = _starter(trainer, Plan(config=TOY.with_settings(SETTINGS), corpus=series, run=run))
    wishes = (start, start, trainer.pause, trainer.resume, trainer.resume, trainer.stop_and_keep, trainer.discard)
    start()
    for _ in range(chance.randint(1, 8)):
        until = told[0] + chance.choice(MOMENTS)
        qtbot.waitUntil(partial(_reached, trainer, told, until), timeout=WAIT)
        chance.choice(wishes)()
    jobs.close()

    assert all(thread.isFinished() or not thread.isRunning() for thread in jobs.findChildren(QThread))
    assert jobs.running == []
    assert trainer.problem is None
    for folder in [run] if run.exists() else []:
        left = RunFolder.open(folder)
        assert not left.cut_off
        assert not left.in_training
        assert not list(folder.rglob(".*.new"))
        for phase in left.config.phases:
            load_resume(left, phase)
        if seed % 5 == 0:
            walk(series, folder, resume=True)
            assert tensors(folder) == whole
    assert capfd.readouterr().err == ""


def _reached(trainer: Trainer, told: list[int], until: int) -> bool:
    return told[0] >= until or trainer.state not in BUSY


def _starter(trainer: Trainer, plan: Plan) -> Callable[[], None]:
    def start() -> None:
        if not trainer.busy:
            trainer.submit([plan.going_on() if (plan.run / "run.json").is_file() else plan])

    return start
