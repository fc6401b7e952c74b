"""How runs that were cut off are offered at the next start."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training import discarding
from telme_gui.training.trainer import Trainer
from telme_gui.training.unfinished_runs import UnfinishedRuns, progress_sentence
from telme_model.events import EpochDone, Phase
from telme_model.runs import catalogue
from telme_model.runs.catalogue import Unfinished
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import TOY
from telme_model.training.pipeline import train
from tests.support.runs import tensors, walk
from tests.telme_gui.conftest import WAIT

SETTINGS = tuple(f"stages.{stage}.epochs=2" for stage in ("teacher", "audio", "visual", "fusion"))


@pytest.fixture(autouse=True)
def _own_places(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))


def cut_off(corpus: Path, run: Path) -> Path:
    """A run of which the audio student had one epoch when a kill came."""
    events = train(TOY.with_settings(SETTINGS), corpus, run)
    for event in events:
        if isinstance(event, EpochDone) and event.phase is Phase.AUDIO:
            break
    events.close()  # type: ignore[attr-defined]
    (run / ".training").touch()
    return run


@pytest.fixture(scope="module")
def killed(series: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELME_CACHE", str(trained.parent / "cache"))
        return cut_off(series, tmp_path_factory.mktemp("killed") / "night")


@pytest.fixture
def leftover(killed: Path, series: Path, tmp_path: Path) -> Path:
    """The run among the program's own; it names the corpus by a path from where it lay."""
    run = Path(shutil.copytree(killed, tmp_path / "runs" / "night"))
    folder = RunFolder(run)
    folder.update(corpus={**folder.facts["corpus"], "root": str(series)})
    return run


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.mark.slow
def test_a_run_that_was_cut_off_is_offered_and_ends_as_if_nothing_had_happened(
    qtbot: QtBot, session: Session, trainer: Trainer, leftover: Path, series: Path, tmp_path: Path
) -> None:
    offered = UnfinishedRuns(session, trainer)
    qtbot.addWidget(offered)
    assert offered.isHidden()
    offered.look()
    qtbot.waitUntil(lambda: not offered.isHidden(), timeout=WAIT)
    assert offered.title.text() == "night was cut off while it was trained"
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        qtbot.mouseClick(offered.resume, Qt.MouseButton.LeftButton)
        assert offered.isHidden()
    walk(series, tmp_path / "whole", *SETTINGS)
    assert tensors(leftover) == tensors(tmp_path / "whole")
    assert catalogue.unfinished([leftover]) == []


def test_a_run_that_a_person_stopped_is_not_pressed_on_them(
    qtbot: QtBot, session: Session, trainer: Trainer, leftover: Path
) -> None:
    (leftover / ".training").unlink()
    offered = UnfinishedRuns(session, trainer)
    qtbot.addWidget(offered)
    offered.look()
    qtbot.waitUntil(lambda: not session.jobs.running, timeout=WAIT)
    assert offered.isHidden()


def test_several_are_offered_one_after_another_and_may_wait_or_go(
    qtbot: QtBot, session: Session, trainer: Trainer, leftover: Path, tmp_path: Path
) -> None:
    (night,) = catalogue.unfinished([leftover])
    later = Unfinished(
        run=tmp_path / "later", corpus=night.corpus, phase=Phase.FUSION, epoch=0, epochs=0, cut_off=True, touched=0.0
    )
    offered = UnfinishedRuns(session, trainer)
    qtbot.addWidget(offered)
    offered.offer([later, night])
    assert offered.sentence.text().endswith("What was done is kept. 1 more was cut off.")
    offered.later.click()
    assert offered.title.text().startswith("night ")

    for word in (discarding.KEEP, discarding.AWAY):
        assert leftover.exists()
        assert not offered.isHidden()
        offered.discard.click()
        box = offered.findChildren(QMessageBox)[-1]
        assert box.text() == "Put “night” into the trash?"
        next(button for button in box.buttons() if button.text() == word).click()
    assert not leftover.exists()
    assert offered.isHidden()


def test_how_far_a_run_came_is_told(leftover: Path) -> None:
    (found,) = catalogue.unfinished([leftover])
    words = "In the phase “audio student”, after epoch 1 of 2, 2 hours ago. What was done is kept."
    assert progress_sentence(found, found.touched + 7300) == words
