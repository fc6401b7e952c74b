"""One stage's optimisation, on a task of a few lines whose dev scores are scripted."""

from collections.abc import Generator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import get_linear_schedule_with_warmup

from telme_model.analysis.metrics import Scores
from telme_model.events import CheckpointSaved, EpochDone, Event, Phase, StageDone, StepDone
from telme_model.networks.tensors import load_tensors
from telme_model.runs.config import Precision, StageConfig, StepCount
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import TOY
from telme_model.training.checkpoint import ResumeState
from telme_model.training.fitting import Fit, NotFiniteError, TrainingError, learning_rate


class Line:
    """Fits a line through N points; dev scores come from a list, one an epoch."""

    phase = Phase.TEACHER
    weights = "line"

    def __init__(self, scores: Sequence[float], points: int = 8) -> None:
        torch.manual_seed(0)
        self.module = nn.Linear(1, 1)
        self.lengths = [1] * points
        self.x = torch.linspace(-1, 1, points).unsqueeze(1)
        self.scores = list(scores)
        self.steps = 0
        self.after_epoch: list[Tensor] = []

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        self.steps += 1
        x = self.x[list(rows)]
        total = (self.module(x) - 3 * x - 1).pow(2).mean()
        return {"total": total, "cls": total}

    def evaluate(self) -> Generator[Event, None, Scores]:
        self.after_epoch.append(self.module.weight.detach().clone())
        yield from ()
        return Scores(
            weighted_f1=self.scores.pop(0), macro_f1=0.0, accuracy=0.0, per_class={}, confusion=(), turns=1,
            without_gold=0,
        )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", TOY, {})


def fit(run: RunFolder, task: Line, stage: StageConfig) -> Fit:
    return Fit(run, task, stage, seed=0, device=torch.device("cpu"), checkpoint_steps=100)


STAGE = StageConfig(epochs=4, batch=2, learning_rate=0.05)


@pytest.mark.parametrize(("scores", "best"), [([10, 30, 20, 5], 2), ([30, 30, 30, 30], 1), ([0, 0, 0, 0.1], 4)])
def test_the_weights_of_the_best_dev_epoch_are_kept_the_first_of_equals(
    run: RunFolder, scores: list[float], best: int
) -> None:
    task = Line(scores)
    events = list(fit(run, task, STAGE))
    assert torch.equal(task.module.weight, task.after_epoch[best - 1])
    assert torch.equal(load_tensors(run, "weights/line")["weight"], task.after_epoch[best - 1])
    assert run.stage_facts(Phase.TEACHER) == {"best_epoch": best, "dev_weighted_f1": scores[best - 1]}
    flags = [event.best for event in events if isinstance(event, EpochDone)]
    assert flags == [score > max([-1.0, *scores[:index]]) for index, score in enumerate(scores)]
    done = events[-1]
    assert isinstance(done, StageDone)
    assert done.dev_weighted_f1 == scores[best - 1]


@pytest.mark.parametrize(("patience", "epochs"), [(0, 6), (1, 3), (2, 4), (3, 6)])
def test_early_stopping_waits_as_many_epochs_as_it_is_told(run: RunFolder, patience: int, epochs: int) -> None:
    task = Line([10, 20, 15, 16, 21, 19])
    events = list(fit(run, task, StageConfig(epochs=6, batch=2, learning_rate=0.05, patience=patience)))
    assert sum(isinstance(event, EpochDone) for event in events) == epochs


def test_patience_is_remembered_over_a_stop(run: RunFolder) -> None:
    stage = StageConfig(epochs=9, batch=2, learning_rate=0.05, patience=2)
    walk = iter(fit(run, Line([20, 10]), stage))
    while not (isinstance(event := next(walk), EpochDone) and event.epoch == 2):
        pass
    walk.close()  # type: ignore[attr-defined]
    events = list(fit(run, Line([5]), stage))
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == [3]
    assert (run.stage_facts(Phase.TEACHER) or {})["best_epoch"] == 1


class Failing(Line):
    """Its third batch gives a loss, or a gradient, that is not finite."""

    def __init__(self, fault: str) -> None:
        super().__init__([1.0])
        self.fault = fault
        self.before: dict[str, Tensor] = {}

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        terms = super().losses(rows)
        if self.steps == 3:
            self.before = {name: value.clone() for name, value in self.module.state_dict().items()}
            zero = (self.module.weight - self.module.weight.detach()).sum()
            terms["total"] = terms["total"] + (zero.abs().sqrt() if self.fault == "gradient" else zero / 0)
        return terms


@pytest.mark.parametrize("fault", ["loss", "gradient"])
def test_what_is_not_finite_stops_before_the_step(run: RunFolder, fault: str) -> None:
    task = Failing(fault)
    with pytest.raises(TrainingError, match=rf"the {fault} of the teacher became .* in epoch 1, step 3; the step was"):
        list(fit(run, task, STAGE))
    assert all(torch.equal(value, task.before[name]) for name, value in task.module.state_dict().items())


class HalfPrecision(Line):
    """Some of its gradients are not finite."""

    def __init__(self, bad: Sequence[int]) -> None:
        super().__init__([1.0], points=40)
        self.bad = bad
        self.seen: list[Tensor] = []

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        self.seen.append(self.module.weight.detach().clone())
        terms = super().losses(rows)
        if self.steps in self.bad:
            zero = (self.module.weight - self.module.weight.detach()).sum()
            terms["total"] = terms["total"] + zero.abs().sqrt()
        return terms


@pytest.fixture
def _fp16(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a card without bf16."""
    monkeypatch.setattr("telme_model.training.fitting.autocast_type", lambda *_: torch.float16)


@pytest.mark.usefixtures("_fp16")
@pytest.mark.parametrize("scaled", [False, True])
def test_in_fp16_a_gradient_that_overflows_leaves_its_step_out(run: RunFolder, scaled: bool) -> None:
    task = HalfPrecision([3])
    stage = StageConfig(epochs=1, batch=2, learning_rate=0.05, warmup=0, clip_scaled=scaled)
    fitted = fit(run, task, stage)
    fitted.scaler = torch.GradScaler("cpu", init_scale=256)  # at the usual 65,536 the first steps overflow, too
    list(fitted)
    moved = [not torch.equal(one, other) for one, other in zip(task.seen, task.seen[1:], strict=False)]
    assert moved == [step != 3 for step in range(1, 20)]
    assert fitted.scaler.get_scale() == 128
    assert all(torch.isfinite(value).all() for value in task.module.state_dict().values())


@pytest.mark.usefixtures("_fp16")
def test_in_fp16_gradients_that_always_overflow_end_the_training(run: RunFolder) -> None:
    """The scale is halved from 65,536 on: after 17 steps it is below 1, and nothing was learnt."""
    task = HalfPrecision(range(1, 100))
    with pytest.raises(
        NotFiniteError, match="the gradient of the teacher became nan in epoch 1, step 18; the step was"
    ):
        list(fit(run, task, StageConfig(epochs=1, batch=2, learning_rate=0.05)))


class Reads(TorchDispatchMode):
    """Counts numbers that are read one by one, at each of which a GPU is waited for."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_a_step_reads_its_losses_and_its_gradient_s_norm_at_once(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = fit(run, Line([1.0]), StageConfig(epochs=1, batch=2, accumulate=2))
    monkeypatch.setattr(fitted.optimizer, "step", lambda: None)  # on a CPU it counts its steps by reading them
    with Reads() as reads:
        losses = fitted._optimise([[0, 1], [2, 3]], 0.1, (0,))
    assert reads.count == 0
    assert losses["total"] == losses["cls"] > 0


def test_accumulated_batches_make_one_step_of_their_mean(run: RunFolder, tmp_path: Path) -> None:
    whole, parts = Line([1, 2]), Line([1, 2])
    other = RunFolder.create(tmp_path / "other", TOY, {})
    list(fit(run, whole, StageConfig(epochs=2, batch=8, learning_rate=0.05, warmup=0)))
    events = list(fit(other, parts, StageConfig(epochs=2, batch=2, accumulate=4, learning_rate=0.05, warmup=0)))
    assert sum(isinstance(event, StepDone) for event in events) == 2
    assert torch.allclose(whole.module.weight, parts.module.weight, atol=1e-6)


def test_the_rates_told_are_those_of_the_schedule(run: RunFolder) -> None:
    events = list(fit(run, Line([1, 2, 3, 4]), STAGE))
    rates = [event.learning_rate for event in events if isinstance(event, StepDone)]
    assert rates == [learning_rate(STAGE, step, 16, 32) for step in range(16)]


@pytest.mark.parametrize(("warmup", "steps"), [(0.1, 40), (0.0, 7), (0.5, 10), (0.1, 5)])
def test_the_schedule_is_transformers_linear_one(warmup: float, steps: int) -> None:
    stage = StageConfig(learning_rate=2e-5, warmup=warmup)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2e-5)
    schedule = get_linear_schedule_with_warmup(optimizer, int(steps * warmup), steps)
    for step in range(steps):
        assert learning_rate(stage, step, steps, 10**6) == pytest.approx(schedule.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        schedule.step()


def test_counting_samples_warms_up_for_four_of_ten_epochs_and_ends_at_83_per_cent() -> None:
    """MELD's 9,989 training turns at batch 4, as the released code counts them."""
    turns, epochs, epoch_steps = 9_989, 10, 2_498
    stage = StageConfig(epochs=epochs, learning_rate=1e-5, schedule=StepCount.SAMPLES)
    steps = epochs * epoch_steps
    rates = [learning_rate(stage, step, steps, turns * epochs) for step in range(steps)]
    assert rates[0] == 0.0
    assert rates.index(max(rates)) == turns  # 3.999 epochs of 2,498 steps
    assert turns / epoch_steps == pytest.approx(4.0, abs=2e-3)
    assert max(rates) == 1e-5
    assert rates[-1] / max(rates) == pytest.approx((99_890 - 24_979) / 89_901)
    assert rates[-1] / max(rates) == pytest.approx(0.833, abs=1e-3)


# --- devices and disks that are not here


def on_a_card(run: RunFolder, task: Line, stage: StageConfig) -> Fit:
    """As on a card, but that all tensors are on the CPU."""
    return Fit(run, task, stage, seed=0, device=torch.device("cuda"), checkpoint_steps=100)


@pytest.mark.parametrize(("first", "then", "fused"), [(fit, on_a_card, True), (on_a_card, fit, None)])
def test_a_run_from_another_device_steps_as_this_one_does(run: RunFolder, first: Any, then: Any, fused: Any) -> None:
    stage = StageConfig(epochs=1, batch=2, learning_rate=0.05, precision=Precision.FP32)
    begun = first(run, Line([1.0]), stage)
    begun._optimise([[0, 1]], 0.05, (0,))
    begun._save()
    gone_on = then(run, Line([1.0]), stage)
    assert [group["fused"] for group in gone_on.optimizer.param_groups] == [fused]
    gone_on._optimise([[2, 3]], 0.05, (1,))
    assert {state["step"].item() for state in gone_on.optimizer.state.values()} == {2.0}


def test_each_stage_tells_its_own_peak_of_memory(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    peak = {"bytes": 9_000_000_000}  # another stage's
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _device: peak.update(bytes=5_000_000))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _device: peak["bytes"])
    stage = StageConfig(epochs=1, batch=2, precision=Precision.FP32)
    told = [event.gpu_memory for event in on_a_card(run, Line([1.0]), stage) if isinstance(event, EpochDone)]
    assert told == [5_000_000]


@pytest.mark.parametrize(("seconds", "saved"), [(0.5, [*range(1, 20)]), (4.0, [1, 9, 17])])
def test_slow_checkpoints_come_less_often(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, seconds: float, saved: list[int]
) -> None:
    """Twenty steps of 10 s. Four seconds of writing are a twentieth of the 80 until the next."""
    clock = SimpleNamespace(now=0.0)
    ticking = SimpleNamespace(monotonic=lambda: clock.now, perf_counter=lambda: clock.now)
    monkeypatch.setattr("telme_model.training.fitting.time", ticking)

    class Slow(Line):
        def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
            clock.now += 10
            return super().losses(rows)

    def slow(_run: RunFolder, _state: ResumeState) -> None:
        clock.now += seconds

    monkeypatch.setattr("telme_model.training.fitting.save_resume", slow)
    fitted = Fit(run, Slow([1.0], points=40), StageConfig(epochs=1, batch=2), seed=0,
                 device=torch.device("cpu"), checkpoint_steps=1)  # fmt: skip
    steps = [event.step for event in fitted if isinstance(event, CheckpointSaved) and event.epoch == 0]
    assert steps == saved
