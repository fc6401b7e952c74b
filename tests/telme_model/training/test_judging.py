"""A teacher at chance is told before it distils, and what follows is what the settings say."""

from pathlib import Path

import pytest

from telme_model.commands.main import main
from telme_model.events import EpochDone, Phase, StageStarted, TeacherAtChance
from telme_model.runs.config import ConfigError
from telme_model.runs.folder import RunFolder
from telme_model.runs.history import History
from telme_model.training.judging import TeacherAtChanceError
from tests.support.bad_inputs import Captured
from tests.support.runs import ToyRun, tensors, walk

QUICK = (*(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "fusion")), "students=audio")
OFF = ("distillation.alpha=0", "distillation.beta=0")


@pytest.fixture(scope="module")
def plain(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tensors of a run whose student had no teacher."""
    run = tmp_path_factory.mktemp("plain") / "run"
    told = walk(corpus, run, *QUICK, *OFF)
    assert not any(isinstance(event, TeacherAtChance) for event in told)  # nothing is distilled
    assert RunFolder.open(run).facts["teacher_on_dev"]["at_chance"]
    return tensors(run)


def test_a_teacher_at_chance_is_told_once_and_kept(toy_run: ToyRun) -> None:
    told = [event for event in toy_run.events if isinstance(event, TeacherAtChance | StageStarted)]
    at = next(place for place, event in enumerate(told) if isinstance(event, TeacherAtChance))
    assert isinstance(before := told[at - 1], StageStarted)
    assert isinstance(after := told[at + 1], StageStarted)
    assert (before.phase, after.phase) == (Phase.TEACHER, Phase.AUDIO)
    assert isinstance(event := told[at], TeacherAtChance)
    best = max(e.dev_weighted_f1 for e in toy_run.events if isinstance(e, EpochDone) and e.phase is Phase.TEACHER)
    facts = RunFolder.open(toy_run.path).facts["teacher_on_dev"]
    assert facts["at_chance"]
    assert facts["weighted_f1"] == pytest.approx(event.weighted_f1) == pytest.approx(best)
    assert (event.turns, event.follows) == (9, "distil")
    assert History.read(toy_run.path / "events.jsonl").at_chance == event


@pytest.mark.slow
def test_students_without_it_learn_as_without_distillation(
    corpus: Path, tmp_path: Path, plain: dict[str, bytes]
) -> None:
    walk(corpus, tmp_path / "run", *QUICK, "distillation.at_chance=plain")
    assert tensors(tmp_path / "run") == plain


@pytest.mark.slow
def test_it_stops_and_goes_on_without_the_teacher(
    corpus: Path, tmp_path: Path, plain: dict[str, bytes], capsys: Captured
) -> None:
    run = tmp_path / "run"
    with pytest.raises(TeacherAtChanceError) as caught:
        walk(corpus, run, *QUICK, "distillation.at_chance=stop")
    assert caught.value.changes == OFF
    assert list(RunFolder.open(run).facts["stages"]) == [Phase.TEACHER]
    again = ["train", str(corpus), "--run", str(run), "--resume"]
    assert main(again) == 1
    assert "(--resume --set distillation.alpha=0 --set distillation.beta=0)" in capsys.readouterr().err
    assert main([*again, *(word for change in OFF for word in ("--set", change))]) == 0
    assert tensors(run) == plain
    assert main([*again, "--set", "distillation.alpha=1"]) == 1
    assert "the audio student of" in capsys.readouterr().err


def test_the_terminal_says_what_can_be_done(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    words = ["train", str(corpus), "--run", str(tmp_path / "run"), "--preset", "toy", "--stage", "teacher"]
    assert main([*words, "--set", "stages.teacher.epochs=1"]) == 0
    told = capsys.readouterr().err
    assert "warning: The teacher is no better than a guess. On 9 turns of dev" in told
    assert "--resume --set distillation.alpha=0 --set distillation.beta=0; or set distillation.at_chance" in told


def test_other_settings_of_a_begun_run_stay(toy_run: ToyRun) -> None:
    from telme_model.runs.remedies import changed

    config = RunFolder.open(toy_run.path).config
    assert changed(config, OFF).distillation.off
    with pytest.raises(ConfigError, match="before the first student"):
        changed(config, ("fusion.theta=0.5",))
