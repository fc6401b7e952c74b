"""A teacher at chance: the monitor asks, the run goes on meanwhile, and what is answered is done."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.monitor.panel import Monitor
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.events import Event, TeacherAtChance
from telme_model.runs.folder import RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.remedies import WITHOUT_TEACHER
from tests.support.runs import tensors, walk
from tests.telme_gui.conftest import WAIT

SETTINGS = (*(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "fusion")), "students=audio")


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def monitor(
    qtbot: QtBot, session: Session, trainer: Trainer, series: Path, trained: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Monitor:  # fmt: skip
    """Of a run that is held where its teacher was found to be at chance."""
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))
    monitor = Monitor(session, trainer)
    qtbot.addWidget(monitor)
    monitor.resize(900, 700)
    monitor.show()
    trainer.submit([Plan(config=TOY.with_settings(SETTINGS), corpus=series, run=tmp_path / "runs" / "one")])
    job = trainer.job
    assert job is not None

    def hold(event: Event) -> None:
        if isinstance(event, TeacherAtChance):
            job.pause()  # on the job's own thread: no step follows

    job.reported.connect(hold, Qt.ConnectionType.DirectConnection)
    qtbot.waitUntil(monitor.chance.isVisible, timeout=WAIT)
    return monitor


@pytest.mark.slow
def test_the_question_can_be_left_to_itself(qtbot: QtBot, monitor: Monitor, trainer: Trainer) -> None:
    assert "weighted F1; saying" in monitor.chance.sentence.text()
    assert trainer.plan is not None
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        assert trainer.job is not None
        trainer.job.resume()
    assert not monitor.chance.isVisible()
    assert not RunFolder.open(trainer.plan.run).config.distillation.off


@pytest.mark.slow
def test_students_begin_anew_without_the_teacher(
    qtbot: QtBot, monitor: Monitor, trainer: Trainer, tmp_path: Path
) -> None:
    assert trainer.plan is not None
    waits = replace(trainer.plan, run=tmp_path / "runs" / "two")
    trainer.submit([waits])
    with qtbot.waitSignal(trainer.finished, timeout=WAIT) as ended:
        monitor.chance.without.click()
        assert not monitor.chance.isVisible()
    assert ended.args == [tmp_path / "runs" / "one"]  # before the one that waits
    walk(trainer.plan.corpus, tmp_path / "plain", *SETTINGS, *WITHOUT_TEACHER)
    assert tensors(tmp_path / "runs" / "one") == tensors(tmp_path / "plain")
    assert RunFolder.open(tmp_path / "runs" / "one").config.distillation.off


def test_stopping_keeps_the_teacher(qtbot: QtBot, monitor: Monitor, trainer: Trainer) -> None:
    monitor.chance.stop.click()
    qtbot.waitUntil(lambda: trainer.state is TrainerState.STOPPED, timeout=WAIT)
    assert trainer.plan is not None
    assert list(RunFolder.open(trainer.plan.run).facts["stages"]) == ["teacher"]
    assert not monitor.chance.isVisible()


def test_going_on_takes_the_question_away(qtbot: QtBot, monitor: Monitor, trainer: Trainer) -> None:
    monitor.chance.go_on.click()
    assert not monitor.chance.isVisible()
    assert trainer.state is TrainerState.RUNNING
