"""What the program knows of its runs: where they lie, which were cut off, and how they are offered again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from telme_gui.session.session import Session
from telme_gui.training import discarding
from telme_gui.training.unfinished_runs import Leftovers, told
from telme_model.events import EpochDone, Phase, StageDone
from telme_model.runs import catalogue
from telme_model.runs.catalogue import Unfinished
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.plan import Plan
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
    session = Session()
    yield session
    session.close()


# What is known


def test_runs_are_known_by_their_place_or_because_they_were_trained(
    trained: Path, leftover: Path, tmp_path: Path
) -> None:
    assert catalogue.known_runs() == [leftover]
    for _ in range(2):
        catalogue.remember(trained)
        catalogue.remember(leftover)
        catalogue.remember(tmp_path / "never began")
    assert sorted(catalogue.known_runs()) == sorted([leftover, trained])
    assert (tmp_path / "runs" / "elsewhere.txt").read_text(encoding="utf-8").splitlines() == [
        str(trained), str(tmp_path / "never began")
    ]  # fmt: skip


def test_a_place_that_cannot_be_written_is_no_error(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "file"))
    catalogue.remember(trained)
    assert catalogue.known_runs() == []


def test_a_name_that_is_no_text_is_not_remembered(trained: Path) -> None:
    catalogue.remember(trained.with_name("\udcff"))
    catalogue.remember(trained)
    assert catalogue.known_runs() == [trained]


def test_a_place_that_cannot_be_looked_into_hides_no_other(leftover: Path, tmp_path: Path) -> None:
    catalogue.remember(tmp_path / ("long" * 100))
    assert catalogue.known_runs() == [leftover]


def test_an_unfinished_run_tells_how_far_it_came(leftover: Path, series: Path) -> None:
    (found,) = catalogue.unfinished([leftover])
    assert (found.run, found.corpus) == (leftover, series.resolve())
    assert (found.phase, found.epoch, found.epochs, found.cut_off) == (Phase.AUDIO, 1, 2, True)
    said = told(found, found.touched + 7300)
    assert said == "In the phase “audio student”, after epoch 1 of 2, 2 hours ago. What was done is kept."


def test_finished_broken_and_held_runs_are_not_unfinished(trained: Path, leftover: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{", encoding="utf-8")
    assert catalogue.unfinished([trained, broken, tmp_path / "nowhere"]) == []
    with RunFolder(leftover).hold():
        assert catalogue.unfinished([leftover]) == []
    (found,) = catalogue.unfinished([leftover])
    assert not found.cut_off  # it was let go of in good order


@pytest.mark.parametrize("root", ["a\0b", "loop"])
def test_a_run_that_names_no_possible_corpus_is_passed_over(qtbot: QtBot, leftover: Path, root: str) -> None:
    (leftover / "loop").symlink_to("loop")
    folder = RunFolder(leftover)
    folder.update(corpus={**folder.facts["corpus"], "root": root})
    assert catalogue.unfinished([leftover]) == []
    with pytest.raises(RunError, match="names no place where a corpus can be"):
        Plan.resuming(leftover)


def test_a_run_without_its_scores_is_not_finished(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / "scores.json").unlink()
    assert [found.phase for found in catalogue.unfinished([run])] == [Phase.EVALUATING]


# How it is offered


def test_a_run_that_was_cut_off_is_offered_and_ends_as_if_nothing_had_happened(
    qtbot: QtBot, session: Session, leftover: Path, series: Path, tmp_path: Path
) -> None:
    offered = Leftovers(session)
    qtbot.addWidget(offered)
    assert offered.isHidden()
    offered.look()
    qtbot.waitUntil(lambda: not offered.isHidden(), timeout=WAIT)
    assert offered.title.text() == "night was cut off while it was trained"
    with qtbot.waitSignal(session.trainer.finished, timeout=WAIT):
        qtbot.mouseClick(offered.resume, Qt.MouseButton.LeftButton)
        assert offered.isHidden()
    walk(series, tmp_path / "whole", *SETTINGS)
    assert tensors(leftover) == tensors(tmp_path / "whole")
    assert catalogue.unfinished([leftover]) == []


def test_a_run_that_a_person_stopped_is_not_pressed_on_them(qtbot: QtBot, session: Session, leftover: Path) -> None:
    (leftover / ".training").unlink()
    offered = Leftovers(session)
    qtbot.addWidget(offered)
    offered.look()
    qtbot.waitUntil(lambda: not session.jobs, timeout=WAIT)
    assert offered.isHidden()


def test_several_are_offered_one_after_another_and_may_wait_or_go(
    qtbot: QtBot, session: Session, leftover: Path, tmp_path: Path
) -> None:
    (night,) = catalogue.unfinished([leftover])
    later = Unfinished(
        run=tmp_path / "later", corpus=night.corpus, phase=Phase.FUSION, epoch=0, epochs=0, cut_off=True, touched=0.0
    )
    offered = Leftovers(session)
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


def test_the_log_of_a_stage_that_is_done_is_not_taken_for_the_next(leftover: Path) -> None:
    """The audio student's epochs say nothing of the visual one's."""
    folder = RunFolder(leftover)
    folder.finish_stage(Phase.AUDIO)
    assert StageDone.__name__ in (leftover / "events.jsonl").read_text(encoding="utf-8")
    (found,) = catalogue.unfinished([leftover])
    assert (found.phase, found.epoch) == (Phase.VISUAL, 0)
