"""The pipeline trains, stops, goes on and ends with the same weights, whatever happens on the way."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Modality, Split
from telme_model.corpus.emotions import MELD
from telme_model.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    Phase,
    Progress,
    RunFinished,
    StageDone,
    StageStarted,
    StepDone,
    TurnPredicted,
)
from telme_model.networks.backbones import load_backbone, load_tokenizer
from telme_model.prediction.predictor import predict
from telme_model.runs.config import to_toml
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.history import History
from telme_model.runs.presets import TOY
from telme_model.runs.records import Record, run_records
from telme_model.training.checkpoint import load_resume
from telme_model.training.fitting import TrainingError
from telme_model.training.pipeline import train
from tests.support.corpora import MISSING, SILENT, write_annotations
from tests.support.corpora import rows as corpus_rows
from tests.support.runs import ToyRun, tensors, walk

STAGE_PHASES = (Phase.TEACHER, Phase.AUDIO, Phase.VISUAL, Phase.FUSION)
ONE_EPOCH = tuple(f"stages.{stage}.epochs=1" for stage in ("teacher", "text", "audio", "visual", "fusion"))


def told(events: tuple[Event, ...], phase: Phase) -> list[str]:
    """The kinds of a phase's events, each series once."""
    kinds = (type(event).__name__ for event in events if getattr(event, "phase", None) is phase)
    return [kind for kind, _ in groupby(kinds)]


def phases(events: tuple[Event, ...]) -> list[Phase]:
    return [event.phase for event in events if isinstance(event, StageStarted)]


# What it tells and what it leaves


def test_the_stages_come_in_order_and_each_tells_its_steps_and_epochs(toy_run: ToyRun) -> None:
    assert phases(toy_run.events) == [Phase.PREPARING, Phase.CACHING, *STAGE_PHASES, Phase.EVALUATING]
    epoch = ["StepDone", "CheckpointSaved"] * 2 + ["StepDone", "Progress", "EpochDone", "CheckpointSaved"]
    for phase in STAGE_PHASES:
        embedding = [] if phase is Phase.FUSION else ["Progress"]
        assert told(toy_run.events, phase) == ["StageStarted", *epoch, *epoch, "StageDone", *embedding]
    assert isinstance(toy_run.events[-1], RunFinished)


def test_steps_count_through_the_stage_and_epochs_average_their_turns(toy_run: ToyRun) -> None:
    for phase, names in zip(STAGE_PHASES, [{"total", "cls"}] + [{"total", "cls", "response", "feature"}] * 2 + [
        {"total", "cls"}
    ], strict=True):  # fmt: skip
        steps = [e for e in toy_run.events if isinstance(e, StepDone) and e.phase is phase]
        epochs = [e for e in toy_run.events if isinstance(e, EpochDone) and e.phase is phase]
        started = next(e for e in toy_run.events if isinstance(e, StageStarted) and e.phase is phase)
        assert [step.step for step in steps] == list(range(1, started.steps + 1))
        assert [(epoch.epoch, epoch.epochs) for epoch in epochs] == [(1, 2), (2, 2)]
        assert all(set(step.losses) == names for step in steps)
        for epoch in epochs:
            mine = [step.losses["total"] for step in steps if step.epoch == epoch.epoch]
            assert min(mine) <= epoch.losses["total"] <= max(mine)
            assert set(epoch.dev_f1) == set(MELD.labels)
            assert 0 <= epoch.dev_weighted_f1 <= 100


def test_the_run_folder_holds_all_there_is_to_know(toy_run: ToyRun) -> None:
    run = RunFolder.open(toy_run.path)
    assert run.config == TOY
    facts = run.facts
    assert (toy_run.path / facts["corpus"]["root"]).resolve() == toy_run.corpus.resolve()
    assert facts["corpus"]["turns"] == {"train": 24, "dev": 9, "test": 9}
    assert set(facts["stages"]) == set(STAGE_PHASES)
    assert {"telme", "python", "torch", "transformers", "system", "gpu"} <= set(facts["environment"])
    assert not (toy_run.path / "resume.pt").exists()
    finished = toy_run.events[-1]
    assert isinstance(finished, RunFinished)
    assert json.loads((toy_run.path / "scores.json").read_text(encoding="utf-8")) == finished.scores
    assert list(finished.scores) == ["dev", "test"]
    assert list(finished.scores["test"]) == ["teacher", "audio", "visual", "fused"]
    assert not list(toy_run.path.rglob(".*.new"))


def test_turns_without_sound_or_picture_are_recorded_with_the_reason(toy_run: ToyRun) -> None:
    excluded = RunFolder.open(toy_run.path).facts["excluded"]
    expected = {(f"{s}/dia{d}_utt{u}", m) for s, d, u in MISSING for m in ("audio", "visual")}
    expected |= {(f"{s}/dia{d}_utt{u}", "audio") for s, d, u in SILENT}
    assert {(entry["turn"], entry["modality"]) for entry in excluded} == expected
    assert all(len(entry["reason"].split()) > 2 for entry in excluded)


def test_events_are_logged_for_people_and_for_tensorboard(toy_run: ToyRun) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    lines = (toy_run.path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    logged = [json.loads(line)["event"] for line in lines]
    assert logged.count("EpochDone") == 8
    assert logged[-1] == "RunFinished"
    board = EventAccumulator(str(toy_run.path / "tensorboard"))
    board.Reload()
    assert {f"{phase}/dev/weighted F1" for phase in STAGE_PHASES} <= set(board.Tags()["scalars"])
    told = [e.dev_weighted_f1 for e in toy_run.events if isinstance(e, EpochDone) and e.phase is Phase.TEACHER]
    assert [e.value for e in board.Scalars("teacher/dev/weighted F1")] == pytest.approx(told)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(toy_run: ToyRun, tmp_path: Path) -> None:
    walk(toy_run.corpus, tmp_path / "same")
    walk(toy_run.corpus, tmp_path / "other", "seed=1", *ONE_EPOCH)
    assert tensors(tmp_path / "same") == tensors(toy_run.path)
    assert all(tensors(tmp_path / "other")[name] != data for name, data in tensors(toy_run.path).items())


@pytest.mark.slow
def test_a_run_needs_neither_its_backbones_nor_its_corpus_any_more(
    corpus: Path, toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = list(ONE_EPOCH)
    for modality in Modality:
        folder = tmp_path / "hub" / modality
        torch.manual_seed(3)
        backbone = load_backbone("toy", modality)
        if modality is Modality.TEXT:
            load_tokenizer(str(toy_run.path / "encoders" / "text"), (), 9).save_pretrained(folder)
        backbone.save_pretrained(folder)  # type: ignore[operator]
        settings.append(f"{modality}.weights={folder}")
    walk(corpus, tmp_path / "run", *settings)
    before = run_records(tmp_path / "run", Split.TEST)

    shutil.rmtree(tmp_path / "hub")
    moved = Path(shutil.copytree(corpus, tmp_path / "elsewhere" / "corpus"))
    (tmp_path / "run").rename(tmp_path / "elsewhere" / "run")
    monkeypatch.setattr("telme_model.networks.backbones.load_backbone", _forbidden)
    shutil.rmtree(tmp_path / "elsewhere" / "run" / "embeddings")
    events = predict(tmp_path / "elsewhere" / "run", open_corpus(moved), [Split.TEST])
    records = [event.record for event in events if isinstance(event, TurnPredicted)]
    assert [record["dialogue"] for record in records] == [record["dialogue"] for record in before]
    for record, stored in zip(records, before, strict=True):
        assert record["fused"] == pytest.approx(stored["fused"], abs=1e-5)


def _forbidden(*_: object) -> None:
    raise AssertionError("a run rebuilds its encoders from its own folder")


# Stopping and going on


@pytest.mark.slow
def test_stages_one_after_another_end_as_all_at_once_do(toy_run: ToyRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = walk(toy_run.corpus, run, stages=("teacher",))
    assert phases(first) == [Phase.PREPARING, Phase.CACHING, Phase.TEACHER]
    assert not isinstance(first[-1], RunFinished)
    second = walk(toy_run.corpus, run, stages=("students",), resume=True)
    assert phases(second) == [Phase.PREPARING, Phase.CACHING, Phase.AUDIO, Phase.VISUAL]
    third = walk(toy_run.corpus, run, stages=("fusion",), resume=True)
    assert phases(third) == [Phase.PREPARING, Phase.CACHING, Phase.FUSION, Phase.EVALUATING]
    assert tensors(run) == tensors(toy_run.path)


@pytest.mark.parametrize(("stage", "lacking"), [("students", "teacher"), ("fusion", "teacher")])
def test_a_stage_before_its_turn_says_what_lacks(corpus: Path, tmp_path: Path, stage: str, lacking: str) -> None:
    with pytest.raises(RunError, match=rf"the {lacking} of .* is not trained yet; train that stage first"):
        walk(corpus, tmp_path / "run", stages=(stage,))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_stopping_again_and_again_changes_nothing(toy_run: ToyRun, tmp_path: Path, seed: int) -> None:
    """Closed some events after each start (the first six of which only prepare), until a walk comes to its end."""
    moments = random.Random(seed)
    stopped: set[tuple[Phase | None, str]] = set()
    run = tmp_path / "run"
    while True:
        events = train(TOY, toy_run.corpus, run, resume=run.exists())
        count = moments.randint(7, 15)
        walked = [event for event, _ in zip(events, range(count), strict=False)]
        if isinstance(walked[-1], RunFinished):
            break
        close(events)
        stopped.add((getattr(walked[-1], "phase", None), type(walked[-1]).__name__))
    assert {phase for phase, _ in stopped} >= set(STAGE_PHASES)
    assert {"StepDone", "CheckpointSaved"} <= {kind for _, kind in stopped}
    assert tensors(run) == tensors(toy_run.path)


MOMENTS: dict[str, Callable[[Event], bool]] = {
    "first step": lambda e: isinstance(e, StepDone) and e.step == 1,
    "between checkpoints": lambda e: isinstance(e, StepDone) and e.step == 9,
    "scoring on dev": lambda e: isinstance(e, Progress) and e.total == 9,
    "epoch done": lambda e: isinstance(e, EpochDone) and e.epoch == 1,
    "last epoch done": lambda e: isinstance(e, EpochDone) and e.epoch == 2,
    "last checkpoint": lambda e: isinstance(e, CheckpointSaved) and e.epoch == 2,
    "stage done": lambda e: isinstance(e, StageDone),
    "embedding": lambda e: isinstance(e, Progress) and e.total > 9,
}


ALWAYS = ("between checkpoints", "embedding")
MARKED = [pytest.param(moment, marks=() if moment in ALWAYS else pytest.mark.slow) for moment in MOMENTS]


@pytest.mark.parametrize("moment", MARKED)
def test_each_kind_of_moment_can_be_stopped_at_in_every_stage(toy_run: ToyRun, tmp_path: Path, moment: str) -> None:
    run = tmp_path / "run"
    for phase in STAGE_PHASES:
        events = train(TOY, toy_run.corpus, run, resume=run.exists())
        for event in events:
            if getattr(event, "phase", None) is phase and MOMENTS[moment](event):
                break
        close(events)
    walk(toy_run.corpus, run, resume=True)
    assert tensors(run) == tensors(toy_run.path)


def close(events: Iterator[Event]) -> None:
    events.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_pause_in_which_others_draw_random_numbers_changes_nothing(toy_run: ToyRun, tmp_path: Path) -> None:
    for _ in train(TOY, toy_run.corpus, tmp_path / "run"):
        torch.rand(3)
        np.random.rand()  # noqa: NPY002 - the global generator is the point
    assert tensors(tmp_path / "run") == tensors(toy_run.path)


def test_resuming_a_finished_run_scores_it_again_and_trains_nothing(toy_run: ToyRun, run_copy: Path) -> None:
    events = walk(toy_run.corpus, run_copy, resume=True)
    assert phases(events) == [Phase.PREPARING, Phase.CACHING, Phase.EVALUATING]
    assert tensors(run_copy) == tensors(toy_run.path)


def test_deleted_embeddings_are_computed_again(toy_run: ToyRun, run_copy: Path) -> None:
    shutil.rmtree(run_copy / "embeddings")
    walk(toy_run.corpus, run_copy, resume=True)
    assert tensors(run_copy) == tensors(toy_run.path)


def test_a_full_disk_while_stopping_leaves_the_last_checkpoint(
    toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = train(TOY, toy_run.corpus, tmp_path / "run")
    for event in events:
        if isinstance(event, StepDone) and event.step == 9:
            break
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", _no_space)
        close(events)
    walk(toy_run.corpus, tmp_path / "run", resume=True)
    assert tensors(tmp_path / "run") == tensors(toy_run.path)


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_the_log_goes_on_after_a_line_that_a_kill_cut_short(toy_run: ToyRun, run_copy: Path) -> None:
    log = run_copy / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    walk(toy_run.corpus, run_copy, resume=True)
    lines = log.read_bytes().decode().splitlines()
    assert json.loads(lines[-1])["event"] == "RunFinished"
    assert sum(not line.endswith("}") for line in lines) == 1


def logged(run: Path, phase: Phase) -> tuple[list[int], list[int]]:
    """The steps and epochs of a phase that the log holds."""
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    mine = [line for line in lines if line.get("phase") == phase]
    steps = [line["step"] for line in mine if line["event"] == "StepDone"]
    return steps, [line["epoch"] for line in mine if line["event"] == "EpochDone"]


def test_every_step_of_every_stage_stays_on_disk(toy_run: ToyRun) -> None:
    for phase in STAGE_PHASES:
        started = next(e for e in toy_run.events if isinstance(e, StageStarted) and e.phase is phase)
        assert logged(toy_run.path, phase) == (list(range(1, started.steps + 1)), [1, 2])
    curve = History.read(toy_run.path / "events.jsonl").stages[Phase.FUSION].curve("total")
    assert curve[1] == [
        e.losses["total"] for e in toy_run.events if isinstance(e, StepDone) and e.phase is Phase.FUSION
    ]


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_step_that_is_taken_again_stands_in_the_log_once(toy_run: ToyRun, tmp_path: Path, killed: bool) -> None:
    """A kill is played by the state of the last checkpoint, put back after some steps more."""
    run, early = tmp_path / "run", tmp_path / "early.pt"
    events = train(TOY, toy_run.corpus, run, stages=("teacher",))
    for event in events:
        if isinstance(event, CheckpointSaved) and not early.exists():
            shutil.copy(run / "resume.pt", early)
        if isinstance(event, StepDone) and event.epoch == 2:
            break
    close(events)
    if killed:
        shutil.copy(early, run / "resume.pt")
    rest = walk(toy_run.corpus, run, stages=("teacher",), resume=True)
    assert any(isinstance(event, EpochDone) and event.epoch == 1 for event in rest) == killed
    assert logged(run, Phase.TEACHER) == logged(toy_run.path, Phase.TEACHER)


# Who teaches whom, and how they are joined


@pytest.mark.parametrize(
    ("teacher", "students", "expected"),
    [
        ("audio", "text,visual", [Phase.TEACHER, Phase.TEXT, Phase.VISUAL, Phase.FUSION]),
        ("visual", "audio", [Phase.TEACHER, Phase.AUDIO, Phase.FUSION]),
        ("text", "visual", [Phase.TEACHER, Phase.VISUAL, Phase.FUSION]),
        ("text", "", [Phase.TEACHER, Phase.FUSION]),
    ],
)
def test_any_modality_teaches_any_of_the_others(
    corpus: Path, tmp_path: Path, teacher: str, students: str, expected: list[Phase]
) -> None:
    events = walk(corpus, tmp_path / "run", *ONE_EPOCH, f"teacher={teacher}", f"students={students}")
    assert [phase for phase in phases(events) if phase in (*STAGE_PHASES, Phase.TEXT)] == expected
    names = {"text_student" if name == "text" else name for name in students.split(",") if name}
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert set(finished.scores["test"]) == {"teacher", "fused"} | names


def test_a_text_only_run_never_opens_a_clip(corpus: Path, tmp_path: Path) -> None:
    events = walk(corpus, tmp_path / "run", *ONE_EPOCH, "students=")
    assert Phase.CACHING not in phases(events)
    assert RunFolder.open(tmp_path / "run").facts["excluded"] == []


@pytest.fixture(scope="module")
def encoded(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose encoders are trained, for one epoch, and whose fusion is not."""
    run = tmp_path_factory.mktemp("encoded") / "run"
    walk(corpus, run, *ONE_EPOCH, stages=("teacher", "students"))
    return run


@pytest.mark.parametrize("kind", ["concatenation", "product", "weighted_sum"])
def test_plain_fusions_train_and_have_no_displacement(corpus: Path, encoded: Path, tmp_path: Path, kind: str) -> None:
    records = fused(corpus, encoded, tmp_path, f"fusion.kind={kind}")
    assert all(record["displacement"] is None and record["unshifted"] is None for record in records)
    assert all(record["shift_shares"] is None for record in records)


@pytest.mark.parametrize("attention", ["turn", "batch", "modalities", "dialogue"])
@pytest.mark.parametrize("normalised", ["true", "false"])
def test_every_scope_of_the_attention_trains(
    corpus: Path, encoded: Path, tmp_path: Path, attention: str, normalised: str
) -> None:
    settings = f"fusion.attention={attention}", f"fusion.normalised={normalised}"
    for record in fused(corpus, encoded, tmp_path, *settings):
        moved = record["displacement"]
        assert moved["shift"] <= moved["theta"] * moved["text_norm"] + 1e-5
        assert 0 <= moved["lambda"] <= 1


def fused(corpus: Path, encoded: Path, tmp_path: Path, *settings: str) -> list[Record]:
    """Records of a run whose encoders are those of `encoded` and whose fusion is set up anew."""
    run = RunFolder(Path(shutil.copytree(encoded, tmp_path / "run")))
    run.write_text("config.toml", to_toml(run.config.with_settings(settings)))
    walk(corpus, run.path, stages=("fusion",), resume=True)
    return run_records(run.path, Split.TEST)


def test_students_learn_from_the_teachers_outputs_unless_distillation_is_off(corpus: Path, tmp_path: Path) -> None:
    taught = tmp_path / "taught"
    walk(corpus, taught, *ONE_EPOCH, "students=visual", stages=("teacher",))
    off = RunFolder(Path(shutil.copytree(taught, tmp_path / "off")))
    text = (off.path / "config.toml").read_text(encoding="utf-8")
    off.write_text("config.toml", text.replace("alpha = 1.0", "alpha = 0.0").replace("beta = 1.0", "beta = 0.0"))
    students = {}
    for run in (taught, off.path):
        forged = Path(shutil.copytree(run, tmp_path / f"{run.name} forged"))
        stored = load_file(forged / "embeddings" / "text.safetensors")
        stored["logits"], stored["features"] = stored["logits"].flip(0), stored["features"].flip(0)
        save_file(stored, forged / "embeddings" / "text.safetensors")
        for place in (run, forged):
            events = walk(corpus, place, stages=("students",), resume=True)
            students[place.name] = tensors(place)["weights/visual.safetensors"]
            for step in (event for event in events if isinstance(event, StepDone)):
                terms = step.losses["response"] + step.losses["feature"] if run is taught else 0.0
                assert step.losses["total"] == pytest.approx(step.losses["cls"] + terms, rel=1e-5)
    assert students["off"] == students["off forged"]
    assert len({students["taught"], students["taught forged"], students["off"]}) == 3


# What cannot be trained


def test_a_corpus_without_dev_is_refused_before_a_folder_is_made(corpus: Path, tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    write_annotations(root, Split.TRAIN, list(corpus_rows(Split.TRAIN)))
    with pytest.raises(TrainingError, match=r"no labelled turns in its dev split$") as caught:
        walk(root, tmp_path / "run")
    assert caught.value.remedy.startswith("Training needs train and dev")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_stops_with_a_sentence_and_keeps_what_was(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"of the teacher .* epoch 1, step \d+; the step was not taken$"):
        walk(corpus, tmp_path / "run", "stages.teacher.learning_rate=1e30")
    state = load_resume(RunFolder.open(tmp_path / "run"), Phase.TEACHER)
    assert state is not None
    assert all(value.isfinite().all() for value in state.model.values())


def test_media_that_nobody_can_decode_name_the_modality(corpus: Path, tmp_path: Path) -> None:
    for table in corpus.glob("*.csv"):
        (tmp_path / "corpus").mkdir(exist_ok=True)
        shutil.copy(table, tmp_path / "corpus")
    with pytest.raises(TrainingError, match=r"no labelled turn of the train split has audio: ") as caught:
        walk(tmp_path / "corpus", tmp_path / "run", *ONE_EPOCH)
    assert caught.value.remedy.startswith("Bring the clips to their folders")
    assert not (tmp_path / "run").exists()
