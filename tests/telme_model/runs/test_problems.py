"""Everything that ends a training before its time, made to happen: cause, remedy, and an offer that works."""

import resource
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from telme_model import bundled
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.errors import StudioError
from telme_model.events import Phase, StageStarted
from telme_model.files import DiskFullError
from telme_model.media.cache import MediaCache, build_cache
from telme_model.media.shards import MediaChangedError
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.problems import CHANGE, RunProblem, explain
from telme_model.training.start import train_plan
from telme_model.training.tasks import EncoderTask
from tests.support.corpora import rows, write_annotations, write_corpus
from tests.support.runs import tensors, walk

SETTINGS = tuple(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion"))
TINY = TOY.with_settings(SETTINGS)


@pytest.fixture
def plan(corpus: Path, tmp_path: Path) -> Plan:
    return Plan(config=TINY, corpus=corpus, run=tmp_path / "runs" / "one")


def begin(plan: Plan, phase: Phase) -> Iterator[object]:
    """The training, walked up to the beginning of a phase."""
    events = train_plan(plan)
    for event in events:
        if isinstance(event, StageStarted) and event.phase is phase:
            return events
    raise AssertionError(phase)


def problem_of(plan: Plan, events: Iterator[object] | None = None) -> RunProblem:
    """What ends the training of `plan`, or the rest of it."""
    begun = plan.resume or events is not None
    with pytest.raises(StudioError) as caught:  # noqa: PT012 - it may end anywhere
        for _ in events or train_plan(plan):
            begun = True
    problem = explain(caught.value, plan, begun=begun)
    for text in (problem.cause, problem.remedy):
        assert text[0] == text[0].upper()
        assert text.endswith(".")
    return problem


def take_offer(problem: RunProblem) -> None:
    assert problem.offer is not None
    for _ in train_plan(problem.offer):
        pass


def _no_room() -> None:
    torch.empty(1 << 50)


def _no_gpu_room() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation")


@pytest.mark.slow
@pytest.mark.parametrize(("demand", "words"), [(_no_room, "can't allocate memory"), (_no_gpu_room, "2.00 GiB")])
def test_memory_that_does_not_hold_a_step(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, demand: object, words: str
) -> None:
    losses = EncoderTask.losses

    def hungry(task: EncoderTask, chosen: Sequence[int]) -> dict[str, Tensor]:
        if task.phase is Phase.AUDIO and len(chosen) > 2:
            demand()  # type: ignore[operator]
        return losses(task, chosen)

    monkeypatch.setattr(EncoderTask, "losses", hungry)
    problem = problem_of(plan)
    assert problem.title == "The memory is used up"
    assert "The phase “audio student” needs more memory" in problem.cause
    assert words in problem.cause
    assert (problem.offer_name, problem.asks) == ("Go on with a batch of 2", False)
    assert problem.offer is not None
    assert problem.offer.resume
    assert problem.offer.changes == ("stages.audio.batch=2", "stages.audio.accumulate=2", "evaluation_batch=8")
    take_offer(problem)
    config = RunFolder.open(plan.run).config
    assert (config.stages.audio.batch, config.stages.audio.accumulate, config.stages.teacher.batch) == (2, 2, 4)


def test_memory_that_holds_no_batch_at_all(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(_task: EncoderTask, _chosen: Sequence[int]) -> dict[str, Tensor]:
        raise MemoryError

    monkeypatch.setattr(EncoderTask, "losses", hungry)
    settings = ["stages.teacher.batch=1", "evaluation_batch=1"]
    problem = problem_of(replace(plan, config=TINY.with_settings(settings)))
    assert "take smaller encoders" in problem.remedy
    assert (problem.offer_name, problem.asks) == (CHANGE, True)


def test_a_full_disk(plan: Plan, tmp_path: Path) -> None:
    """Files of this process may not grow any more: what a full disk says as well, here to torch.save."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    events = begin(plan, Phase.TEACHER)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        problem = problem_of(plan, events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert problem.title == "The disk is full"
    assert str(plan.run) in problem.cause
    assert problem.offer_name == "Resume"
    take_offer(problem)
    walk(plan.corpus, tmp_path / "headless", *SETTINGS)
    assert tensors(plan.run) == tensors(tmp_path / "headless")


def test_weights_that_are_not_here(plan: Plan) -> None:
    problem = problem_of(replace(plan, config=TINY.with_settings(["text.weights=nobody/has-this"])))
    assert problem.title == "An encoder is not on this machine"
    assert "'nobody/has-this' is not on this machine" in problem.cause
    assert "network" in problem.remedy
    assert (problem.offer_name, problem.asks) == ("Try again", False)  # there is no run yet


def test_clips_that_are_not_here(plan: Plan, tmp_path: Path) -> None:
    silent = replace(plan, corpus=write_corpus(tmp_path / "silent", clips=False))
    problem = problem_of(silent)
    assert problem.title == "There is nothing to learn from"
    assert "no labelled turn of the train split has audio" in problem.cause.lower()
    assert (problem.offer, problem.offer_name, problem.asks) == (silent, CHANGE, True)


@pytest.mark.parametrize(
    ("precision", "offer", "name"),
    [
        ("fp32", "stages.teacher.learning_rate=5e+29", "Go on with a learning rate of 5e+29"),
        ("bf16", "stages.teacher.precision=fp32", "Go on in fp32"),
    ],
)
def test_a_loss_that_is_no_number(plan: Plan, precision: str, offer: str, name: str) -> None:
    wild = TINY.with_settings(["stages.teacher.learning_rate=1e30", f"stages.teacher.precision={precision}"])
    problem = problem_of(replace(plan, config=wild))
    assert problem.title == "The loss is no number any more"
    assert "in epoch 1, step " in problem.cause
    assert problem.offer is not None
    assert (problem.offer.changes, problem.offer_name) == ((offer,), name)


def test_a_small_learning_rate_is_named_whole(plan: Plan) -> None:
    error = StudioError("no number", changes=("stages.teacher.learning_rate=0.00015",))
    assert explain(error, plan, begun=True).offer_name == "Go on with a learning rate of 0.00015"


def test_a_corpus_that_changed_under_the_run(plan: Plan, tmp_path: Path) -> None:
    corpus = shutil.copytree(plan.corpus, tmp_path / "corpus")
    begin(replace(plan, corpus=corpus), Phase.PREPARING)
    table = list(rows(Split.TRAIN))
    table[0]["Emotion"] = "joy" if table[0]["Emotion"] != "joy" else "fear"
    write_annotations(corpus, Split.TRAIN, table)
    problem = problem_of(Plan.resuming(plan.run))
    assert problem.title == "The corpus is not the one this run began with"
    assert str(corpus) in problem.cause
    assert problem.asks


def test_an_encoder_of_another_kind(plan: Plan) -> None:
    words = bundled.DEMO_CORPUS.with_name("encoders") / "text"
    problem = problem_of(replace(plan, config=TINY.with_settings([f"audio.weights={words}"])))
    assert problem.title == "This encoder cannot be used"
    assert str(words) in problem.cause
    assert problem.asks


def test_clips_that_go_once_they_are_decoded(plan: Plan, tmp_path: Path) -> None:
    corpus = open_corpus(shutil.copytree(plan.corpus, tmp_path / "corpus"))
    turns, settings = list(corpus.turns())[:3], plan.config.media
    list(build_cache(turns, settings, tmp_path / "cache", workers=0))
    for turn in turns:
        assert turn.video is not None
        turn.video.path.unlink()
    with pytest.raises(MediaChangedError) as raised:
        MediaCache(tmp_path / "cache", settings).frames(turns[0])
    problem = explain(raised.value, plan, begun=True)
    assert problem.title == "The clips of this corpus are gone or changed"
    assert str(turns[0].id) in problem.cause
    assert problem.offer_name == "Resume"


def test_a_disk_too_small_for_the_media(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("telme_model.media.cache.free_bytes", lambda _folder: 1000)
    problem = problem_of(plan)
    assert problem.title == "The disk is too small for the decoded media"
    assert str(tmp_path / "cache") in problem.cause
    assert problem.offer_name == "Resume"


@pytest.mark.slow
def test_decoded_media_that_go_under_the_run(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_CACHE", str(tmp_path / "cache"))
    events = begin(plan, Phase.TEACHER)
    for media in (tmp_path / "cache").rglob("media-*.bin"):
        media.unlink()
    problem = problem_of(plan, events)
    assert problem.title == "The decoded media are gone or damaged"
    take_offer(problem)


@pytest.mark.slow
def test_a_folder_that_goes_while_it_is_trained(plan: Plan) -> None:
    events = begin(plan, Phase.AUDIO)
    shutil.rmtree(plan.run)
    problem = problem_of(plan, events)
    assert not plan.run.exists()  # no half of a run comes back
    assert problem.title == "The run’s folder has gone"
    assert problem.offer_name == "Train it anew"
    take_offer(problem)


def test_a_folder_that_has_gone_since(plan: Plan) -> None:
    problem = problem_of(replace(plan, resume=True))
    assert problem.title == "The run’s folder has gone"
    assert problem.offer is not None
    assert not problem.offer.resume


def test_a_corpus_that_is_not_there(plan: Plan, tmp_path: Path) -> None:
    problem = problem_of(replace(plan, corpus=tmp_path / "nowhere"))
    assert problem.title == "The corpus cannot be read"
    assert problem.offer_name == "Try again"
    assert not plan.run.exists()


def test_a_device_that_is_not_here(plan: Plan) -> None:
    problem = problem_of(replace(plan, config=TINY.with_settings(["device=cuda:77"])))
    assert problem.title == "These settings cannot be trained"
    assert "cuda:77 is not here" in problem.cause
    assert problem.asks
    assert not plan.run.exists()


def test_a_folder_that_holds_something_else(plan: Plan) -> None:
    plan.run.mkdir(parents=True)
    (plan.run / "thesis.tex").write_text("mine", encoding="utf-8")
    problem = problem_of(plan)
    assert problem.title == "The training could not begin"
    assert "already holds files" in problem.cause
    assert (problem.offer_name, problem.asks) == (CHANGE, True)
    assert [entry.name for entry in plan.run.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("kind", [RunError, DiskFullError])
def test_what_nothing_else_is_known_of_is_gone_on_with(plan: Plan, kind: type[StudioError]) -> None:
    problem = explain(kind("x cannot be written: Permission denied"), plan, begun=True)
    assert (problem.offer_name, problem.asks) == ("Resume", False)
    assert problem.remedy == (kind.remedy or "Mend that and go on: what was done is kept.")
