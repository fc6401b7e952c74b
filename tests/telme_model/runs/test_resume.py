"""Going on with a run: held by one program, with changed settings, from the step at which it was stopped."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from telme_model.commands.main import main
from telme_model.corpus.dialogue import Modality
from telme_model.events import Phase, StepDone
from telme_model.networks.tensors import load_tensors
from telme_model.runs.config import ConfigError
from telme_model.runs.folder import RunError, RunFolder, RunInTrainingError
from telme_model.runs.presets import OFFICIAL_MELD, PAPER_MELD, TOY
from telme_model.runs.remedies import gentler_steps, smaller_batch
from telme_model.training.checkpoint import load_resume
from telme_model.training.pipeline import train
from tests.support.runs import ToyRun, tensors, walk

ONE_EPOCH = tuple(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion"))


def begun(corpus: Path, run: Path, *settings: str, step: int = 3) -> Iterator[Any]:
    """A training of the toy preset that has just told this step of its teacher."""
    events = train(TOY.with_settings(settings), corpus, run)
    for event in events:
        if isinstance(event, StepDone) and event.step == step:
            break
    return events


def close(events: Any) -> None:
    events.close()


# Who trains it


def test_a_run_is_held_while_it_is_trained_and_free_afterwards(corpus: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    events = begun(corpus, run.path)
    assert (run.in_training, run.cut_off) == (True, False)
    for again in (train(TOY, corpus, run.path, resume=True), train(TOY, corpus, run.path)):
        with pytest.raises(RunError, match="already"):
            next(again)
    close(events)
    assert (run.in_training, run.cut_off) == (False, False)
    assert not (run.path / ".training").exists()


def test_another_program_is_kept_out(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = begun(corpus, run)
    code = (
        "import sys; from pathlib import Path; from telme_model.runs.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).hold(): pass"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RunInTrainingError" in done.stderr
    close(events)
    with RunFolder(run).hold():
        pass


def test_what_a_killed_program_held_is_free_and_known_as_cut_off(toy_run: ToyRun, run_copy: Path) -> None:
    (run_copy / ".training").touch()
    run = RunFolder(run_copy)
    assert run.cut_off
    assert not run.in_training
    walk(toy_run.corpus, run_copy, resume=True)
    assert not run.cut_off


def test_a_run_can_be_begun_where_a_kill_left_only_its_beginnings(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in (".training", ".config.toml.new", "config.toml"):
        (run / name).write_text("torn", encoding="utf-8")
    close(begun(corpus, run))
    assert RunFolder.open(run).config == TOY


def test_a_run_that_was_cut_off_is_not_begun_anew(corpus: Path, tmp_path: Path) -> None:
    """Though it has no checkpoint yet: it is offered to be gone on with."""
    run = tmp_path / "run"
    events = train(TOY, corpus, run)
    next(events)
    log = (run / "events.jsonl").read_bytes()
    events.close()  # type: ignore[attr-defined]
    (run / ".training").touch()
    with pytest.raises(RunError, match="already holds files"):
        RunFolder.claim(run)
    assert (run / "events.jsonl").read_bytes() == log


def test_a_run_with_a_finished_stage_is_not_begun_anew(run_copy: Path) -> None:
    """Though its weights were taken away to save room."""
    for part in ("weights", "embeddings", "predictions"):
        shutil.rmtree(run_copy / part)
    (run_copy / "scores.json").unlink()
    with pytest.raises(RunError, match="already holds files"):
        RunFolder.claim(run_copy)


def test_a_file_of_somebody_else_s_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"mine": 1}', encoding="utf-8")
    with pytest.raises(RunError, match="already holds files"):
        RunFolder.claim(tmp_path)


@pytest.mark.slow
def test_an_epoch_whose_turns_have_changed_begins_anew(corpus: Path, tmp_path: Path) -> None:
    """A step of it would skip turns that were not taken yet."""
    moved = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    run, cache = tmp_path / "run", tmp_path / "cache"
    events = train(TOY, moved, run, cache=cache)
    for event in events:
        if isinstance(event, StepDone) and event.phase is Phase.AUDIO and event.step == 3:
            break
    close(events)
    clip = next((moved / "train_splits").glob("dia0_utt0.mp4"))
    clip.rename(tmp_path / "away.mp4")
    events = train(TOY, moved, run, resume=True, cache=cache)
    steps = [event.step for event in events if isinstance(event, StepDone) and event.phase is Phase.AUDIO]
    assert steps[0] == 1


def test_two_holds_of_one_folder_are_one_too_many(tmp_path: Path) -> None:
    run = RunFolder.claim(tmp_path / "run")
    with run.hold(), pytest.raises(RunInTrainingError, match="is being trained already"), run.hold():
        pass


# A folder that goes


def test_nothing_of_a_deleted_run_comes_back(corpus: Path, tmp_path: Path) -> None:
    import shutil

    run = tmp_path / "run"
    events = begun(corpus, run)
    shutil.rmtree(run)
    with pytest.raises(RunError, match="has gone while it was being"):
        list(events)
    assert not run.exists()


def test_a_part_is_not_made_in_a_folder_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has gone"), RunFolder(tmp_path / "gone").whole_folder("encoders/text"):
        pass
    assert not (tmp_path / "gone").exists()


# The step at which it was stopped


def test_ctrl_c_keeps_the_very_step(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are far apart here, and the stop comes in the middle of a step."""
    from telme_model.training import fitting

    rate, calls = fitting.learning_rate, []

    def interrupted(*of: Any) -> float:
        calls.append(of)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return rate(*of)

    monkeypatch.setattr(fitting, "learning_rate", interrupted)
    run = tmp_path / "run"
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    arguments = ["train", str(corpus), "--run", str(run), "--preset", "toy", "--set", "checkpoint_steps=1000"]
    assert main(arguments) == 130
    state = load_resume(RunFolder.open(run), Phase.TEACHER)
    assert state is not None
    assert (state.epoch, state.step) == (0, 4)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


# Settings that change


def test_a_smaller_batch_with_accumulation_can_be_gone_on_with(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    close(begun(corpus, run, *ONE_EPOCH))
    changes = ["--set", "stages.teacher.batch=2", "--set", "stages.teacher.accumulate=2"]
    assert main(["train", str(corpus), "--run", str(run), "--resume", *changes]) == 0
    stage = RunFolder.open(run).config.stages.teacher
    assert (stage.batch, stage.accumulate, stage.epochs) == (2, 2, 1)


@pytest.mark.parametrize("change", ["dim=24", "seed=3", "text.prompt=false", "fusion.theta=0.5"])
def test_what_is_built_already_cannot_be_changed(toy_run: ToyRun, run_copy: Path, change: str) -> None:
    before = (run_copy / "config.toml").read_bytes()
    with pytest.raises(ConfigError, match="only stages"):
        next(train(TOY, toy_run.corpus, run_copy, resume=True, changes=[change]))
    assert (run_copy / "config.toml").read_bytes() == before


def test_remedies_keep_the_turns_of_a_step() -> None:
    assert smaller_batch(PAPER_MELD, Phase.AUDIO) == (
        "stages.audio.batch=2", "stages.audio.accumulate=2", "evaluation_batch=8"
    )  # fmt: skip
    odd = PAPER_MELD.with_settings(["stages.fusion.batch=5", "stages.fusion.accumulate=2", "evaluation_batch=1"])
    assert smaller_batch(odd, Phase.FUSION) == ("stages.fusion.batch=2", "stages.fusion.accumulate=5")
    # In the released code's order, what is scored together is part of the result.
    assert smaller_batch(OFFICIAL_MELD, Phase.AUDIO) == ("stages.audio.batch=2", "stages.audio.accumulate=2")
    assert smaller_batch(odd.with_settings(["stages.fusion.batch=1"]), Phase.FUSION) == ()
    assert smaller_batch(PAPER_MELD, Phase.EVALUATING) == ("evaluation_batch=8",)
    assert gentler_steps(PAPER_MELD, Phase.TEACHER, halved=True) == ("stages.teacher.precision=fp32",)
    assert gentler_steps(PAPER_MELD, Phase.TEACHER, halved=False) == ("stages.teacher.learning_rate=5e-06",)


# Beginning with another run's encoders


def test_a_warm_start_begins_with_the_other_runs_weights(
    toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from telme_model.training import pipeline as training

    begun_with: dict[Modality, dict[str, torch.Tensor]] = {}
    fit = training.Pipeline._fit

    def watched(pipeline: Any, task: Any, modality: Modality | None) -> Any:
        if modality is not None:
            begun_with[modality] = {name: value.clone() for name, value in task.module.state_dict().items()}
        return fit(pipeline, task, modality)

    monkeypatch.setattr(training.Pipeline, "_fit", watched)
    run = tmp_path / "far" / "run"
    list(train(TOY.with_settings(ONE_EPOCH), toy_run.corpus, run, warm_start=toy_run.path))
    assert set(begun_with) == set(Modality)
    for modality, weights in begun_with.items():
        theirs = load_tensors(RunFolder.open(toy_run.path), f"weights/{modality}")
        assert set(weights) == set(theirs)
        assert all(torch.equal(value, theirs[name]) for name, value in weights.items())
    assert (run / RunFolder.open(run).facts["warm_start"]).resolve() == toy_run.path.resolve()


@pytest.mark.slow
def test_a_warm_start_holds_over_a_stop(toy_run: ToyRun, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    settings = TOY.with_settings(ONE_EPOCH)
    list(train(settings, toy_run.corpus, whole, warm_start=toy_run.path))
    events = train(settings, toy_run.corpus, parts, warm_start=toy_run.path)
    for event in events:
        if isinstance(event, StepDone) and event.phase is Phase.AUDIO:
            break
    close(events)
    walk(toy_run.corpus, parts, resume=True)
    assert tensors(parts) == tensors(whole)
    walk(toy_run.corpus, tmp_path / "cold", *ONE_EPOCH)
    assert tensors(tmp_path / "cold") != tensors(whole)


def test_encoders_of_another_shape_are_refused_by_name(toy_run: ToyRun, tmp_path: Path) -> None:
    other = TOY.with_settings([*ONE_EPOCH, "text.speaker_tokens=20"])
    with pytest.raises(RunError, match=r"text encoder of .* is another one: 'backbone.*' is \(\d+, 12\)"):
        list(train(other, toy_run.corpus, tmp_path / "run", warm_start=toy_run.path))


def test_a_run_without_such_an_encoder_is_refused_before_a_folder_is_made(corpus: Path, tmp_path: Path) -> None:
    walk(corpus, tmp_path / "text", *ONE_EPOCH, stages=("teacher",))
    command = ["train", str(corpus), "--run", str(tmp_path / "run"), "--preset", "toy", "--warm-start"]
    assert main([*command, str(tmp_path / "text")]) == 1
    with pytest.raises(RunError, match="has no trained audio encoder to begin with"):
        next(train(TOY, corpus, tmp_path / "run", warm_start=tmp_path / "text"))
    assert not (tmp_path / "run").exists()
