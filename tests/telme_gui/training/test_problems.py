"""Everything that ends a training before its time, made to happen: cause, remedy, and an offer that works."""

import resource
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot
from torch import Tensor

from telme_gui.session.jobs import Jobs
from telme_gui.training.trainer import State, Trainer
from telme_model import bundled
from telme_model.corpus import open_corpus
from telme_model.events import Phase
from telme_model.media.cache import CacheError, MediaCache, build_cache
from telme_model.runs.folder import RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.problems import Problem, explain
from telme_model.training.tasks import EncoderTask
from tests.support.corpora import rows, write_annotations, write_corpus
from tests.support.runs import tensors, walk
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


def problem_of(qtbot: QtBot, trainer: Trainer, plan: Plan) -> Problem:
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([plan])
    assert trainer.state is State.FAILED
    assert trainer.problem is not None
    for said in (trainer.problem.cause, trainer.problem.remedy):
        assert said[0] == said[0].upper()
        assert said.endswith(".")
    return trainer.problem


def take_offer(qtbot: QtBot, trainer: Trainer, problem: Problem) -> None:
    assert problem.offer is not None
    with qtbot.waitSignal(trainer.finished, timeout=WAIT):
        trainer.submit([problem.offer])


def _no_room(_rows: Sequence[int]) -> None:
    torch.empty(1 << 50)


def _no_gpu_room(_rows: Sequence[int]) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation")


@pytest.mark.parametrize(("demand", "said"), [(_no_room, "can't allocate memory"), (_no_gpu_room, "2.00 GiB")])
def test_memory_that_does_not_hold_a_step(
    qtbot: QtBot, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch, demand: object, said: str
) -> None:
    losses = EncoderTask.losses

    def hungry(task: EncoderTask, chosen: Sequence[int]) -> dict[str, Tensor]:
        if task.phase is Phase.AUDIO and len(chosen) > 2:
            demand(chosen)  # type: ignore[operator]
        return losses(task, chosen)

    monkeypatch.setattr(EncoderTask, "losses", hungry)
    problem = problem_of(qtbot, trainer, plan)
    assert problem.title == "The memory is used up"
    assert "the phase “audio student” needs more memory" in problem.cause.lower()
    assert said in problem.cause
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


def test_a_full_disk(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    """Files of this process may not grow any more: what a full disk says as well."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        if Phase.TEACHER in trainer.history.stages:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

    trainer.advanced.connect(fill)
    try:
        problem = problem_of(qtbot, trainer, plan)
    finally:
        trainer.advanced.disconnect(fill)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert problem.title == "The disk is full"
    assert str(plan.run) in problem.cause
    assert problem.offer_name == "Resume"
    take_offer(qtbot, trainer, problem)
    walk(plan.corpus, tmp_path / "headless", *SETTINGS)
    assert tensors(plan.run) == tensors(tmp_path / "headless")


def test_weights_that_are_not_here(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    absent = replace(plan, config=TINY.with_settings(["text.weights=nobody/has-this"]))
    problem = problem_of(qtbot, trainer, absent)
    assert problem.title == "An encoder is not on this machine"
    assert "'nobody/has-this' is not on this machine" in problem.cause
    assert "network" in problem.remedy
    assert problem.offer_name == "Resume"


def test_clips_that_are_not_here(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    silent = replace(plan, corpus=write_corpus(tmp_path / "silent", clips=False))
    problem = problem_of(qtbot, trainer, silent)
    assert problem.title == "There is nothing to learn from"
    assert "no labelled turn of the train split has audio" in problem.cause.lower()
    assert (problem.offer, problem.offer_name, problem.asks) == (silent, "Change settings…", True)


@pytest.mark.parametrize(
    ("precision", "offer"),
    [("fp32", ("stages.teacher.learning_rate=5e+29",)), ("bf16", ("stages.teacher.precision=fp32",))],
)
def test_a_loss_that_is_no_number(
    qtbot: QtBot, trainer: Trainer, plan: Plan, precision: str, offer: tuple[str, ...]
) -> None:
    wild = TINY.with_settings(["stages.teacher.learning_rate=1e30", f"stages.teacher.precision={precision}"])
    problem = problem_of(qtbot, trainer, replace(plan, config=wild))
    assert problem.title == "The loss is no number any more"
    assert "in epoch 1, step " in problem.cause
    assert problem.offer is not None
    assert problem.offer.changes == offer


def test_a_corpus_that_changed_under_the_run(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    from telme_model.corpus.dialogue import Split

    corpus = shutil.copytree(plan.corpus, tmp_path / "corpus")
    trainer.submit([replace(plan, corpus=corpus)])
    qtbot.waitUntil(lambda: Phase.TEACHER in trainer.history.stages, timeout=WAIT)
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.stop_and_keep()
    table = list(rows(Split.TRAIN))
    table[0]["Emotion"] = "joy" if table[0]["Emotion"] != "joy" else "fear"
    write_annotations(corpus, Split.TRAIN, table)
    problem = problem_of(qtbot, trainer, Plan.resuming(plan.run))
    assert problem.title == "The corpus is not the one this run began with"
    assert str(corpus) in problem.cause
    assert problem.asks


def test_an_encoder_of_another_kind(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    words = bundled.DEMO_CORPUS.with_name("encoders") / "text"
    problem = problem_of(qtbot, trainer, replace(plan, config=TINY.with_settings([f"audio.weights={words}"])))
    assert problem.title == "This encoder cannot be used"
    assert str(words) in problem.cause
    assert problem.asks


def test_clips_that_go_once_they_are_decoded(plan: Plan, tmp_path: Path) -> None:
    corpus = open_corpus(shutil.copytree(plan.corpus, tmp_path / "corpus"))
    turns, settings = list(corpus.turns())[:3], plan.config.media
    list(build_cache(turns, settings, tmp_path / "cache"))
    for turn in turns:
        assert turn.video is not None
        turn.video.path.unlink()
    with pytest.raises(CacheError) as raised:
        MediaCache(tmp_path / "cache", settings).frames(turns[0])
    problem = explain(raised.value, plan, Phase.AUDIO, begun=True)
    assert problem is not None
    assert problem.title == "The clips of this corpus are gone or changed"
    assert str(turns[0].id) in problem.cause
    assert problem.offer_name == "Resume"


def test_a_disk_too_small_for_the_media(
    qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELME_CACHE", str(tmp_path / "cache"))
    with monkeypatch.context() as patch:
        patch.setattr("telme_model.media.cache.free_bytes", lambda _folder: 1000)
        problem = problem_of(qtbot, trainer, plan)
    assert problem.title == "The disk is too small for the decoded media"
    assert str(tmp_path / "cache") in problem.cause
    take_offer(qtbot, trainer, problem)


def test_decoded_media_that_go_under_the_run(
    qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELME_CACHE", str(tmp_path / "cache"))
    trainer.submit([plan])
    qtbot.waitUntil(lambda: Phase.TEACHER in trainer.history.stages, timeout=WAIT)
    trainer.pause()
    for media in (tmp_path / "cache").rglob("media-*.bin"):
        media.unlink()
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.resume()
    problem = trainer.problem
    assert problem is not None
    assert problem.title == "The decoded media are gone or damaged"
    take_offer(qtbot, trainer, problem)


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
    if stopped:
        assert trainer.state is State.STOPPED
        return
    problem = trainer.problem
    assert problem is not None
    assert problem.title == "The run’s folder has gone"
    assert problem.offer_name == "Train it anew"
    take_offer(qtbot, trainer, problem)


def test_a_corpus_that_is_not_there(qtbot: QtBot, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    problem = problem_of(qtbot, trainer, replace(plan, corpus=tmp_path / "nowhere"))
    assert problem.title == "The corpus cannot be read"
    assert problem.offer_name == "Try again"
    assert not plan.run.exists()


def test_a_device_that_is_not_here(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    problem = problem_of(qtbot, trainer, replace(plan, config=TINY.with_settings(["device=cuda:77"])))
    assert problem.title == "These settings cannot be trained"
    assert "cuda:77 is not here" in problem.cause
    assert problem.asks
    assert not plan.run.exists()


def test_a_folder_that_holds_something_else(qtbot: QtBot, trainer: Trainer, plan: Plan) -> None:
    plan.run.mkdir(parents=True)
    (plan.run / "thesis.tex").write_text("mine", encoding="utf-8")
    problem = problem_of(qtbot, trainer, plan)
    assert problem.title == "The training could not begin"
    assert "already holds files" in problem.cause
    assert (problem.offer_name, problem.asks) == ("Change settings…", True)
    assert [entry.name for entry in plan.run.iterdir()] == ["thesis.tex"]
