"""One stage's optimisation: AdamW, linear schedule with warm-up, clipping, selection on dev, exact resuming."""

import math
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from telme_model.analysis.metrics import Scores
from telme_model.errors import StudioError
from telme_model.events import CheckpointSaved, EpochDone, Event, Phase, StageDone, StageStarted, StepDone
from telme_model.networks.batching import shuffled_batches
from telme_model.networks.devices import autocast, autocast_type, random_numbers
from telme_model.networks.tensors import load_weights, save_weights
from telme_model.runs.config import StageConfig, StepCount
from telme_model.runs.folder import RunError, RunFolder
from telme_model.training.checkpoint import ResumeState, load_resume, save_resume

_PHASES = tuple(Phase)
_SHARE = 0.05  # of the time, at most, goes into checkpoints within an epoch that take more than a second to write
_LEAST_SCALE = 1.0  # of the loss in fp16: a gradient that overflows even so is past mending


class TrainingError(StudioError):
    """Training that cannot go on; the message says why and what to change."""


class NotFiniteError(TrainingError):
    """The loss or its gradient is not a number any more; `halved` tells of arithmetic in fewer bits than fp32."""

    title = "The loss is no number any more"

    def __init__(self, message: str, *, halved: bool) -> None:
        gentler = "Arithmetic in fp32 is slower and does not overflow" if halved else "Smaller steps stay within bounds"
        super().__init__(message, f"{gentler}; the run goes on from its last checkpoint.")
        self.halved = halved


class Task(Protocol):
    """What a stage optimises."""

    @property
    def phase(self) -> Phase:
        """The stage."""
        ...

    @property
    def weights(self) -> str:
        """The name of its weights in the run folder."""
        ...

    @property
    def module(self) -> nn.Module:
        """What is trained; parameters that need no gradient stay as they are."""
        ...

    @property
    def lengths(self) -> Sequence[int]:
        """Lengths of the training turns' inputs."""
        ...

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Scalar loss terms of the training turns `rows`; "total" is differentiated."""
        ...

    def evaluate(self) -> Generator[Event, None, Scores]:
        """Scores on dev; events in between let the walker stop."""
        ...


def learning_rate(stage: StageConfig, step: int, steps: int, samples: int) -> float:
    """Rate of the `step`-th (from 0) of `steps` optimiser steps: linear warm-up, then linear to 0.

    Counting samples, as the released code does it, the schedule is planned for `samples` steps and cut short: the
    warm-up lasts four of ten epochs at batch 4, and the last rate is 83 % of the peak.
    """
    total = samples if stage.schedule is StepCount.SAMPLES else steps
    warm = int(total * stage.warmup)
    if step < warm:
        return stage.learning_rate * step / warm
    return stage.learning_rate * (total - step) / max(total - warm, 1)


def adamw(parameters: Iterable[nn.Parameter], stage: StageConfig, device: torch.device) -> torch.optim.AdamW:
    """A stage's optimiser. On CUDA one kernel does all of a step, which is bound by memory: a third of the way."""
    fused = True if device.type == "cuda" else None
    return torch.optim.AdamW(parameters, lr=stage.learning_rate, weight_decay=stage.weight_decay, fused=fused)


class Fit:
    """Optimises one task to the end of its epochs; `run()` walks it and may be closed and gone on with later."""

    def __init__(
        self, run: RunFolder, task: Task, stage: StageConfig, *, seed: int, device: torch.device, checkpoint_steps: int
    ) -> None:
        """Prepare the optimiser and, where the run has one, take up the saved state."""
        self.run_folder, self.task, self.stage, self.seed, self.device = run, task, stage, seed, device
        self.checkpoint_steps = checkpoint_steps
        self.dtype = autocast_type(stage.precision, device)
        self.parameters = [p for p in task.module.parameters() if p.requires_grad]
        self.optimizer = adamw(self.parameters, stage, device)
        self.scaler = torch.GradScaler(device.type, enabled=self.dtype is torch.float16)
        batches = math.ceil(len(task.lengths) / stage.batch)
        self.epoch_steps = math.ceil(batches / stage.accumulate)
        self.steps = self.epoch_steps * stage.epochs
        self.epoch = self.step = self.best_epoch = 0
        self.best_score = -math.inf
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.seconds = 0.0
        self.saved_at = self.saving = 0.0  # when the last checkpoint was written, and how long it took
        state = load_resume(run, task.phase)
        if state is not None:
            self._take_up(state)

    def __iter__(self) -> Iterator[Event]:
        """Train, score each epoch on dev, keep the best weights; on closing, save where it stands."""
        began = time.monotonic()
        task, stage = self.task, self.stage
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        yield StageStarted(phase=task.phase, steps=self.steps, epochs=stage.epochs, turns=len(task.lengths))
        try:
            while self.epoch < stage.epochs and not self._patience_spent():
                yield from self._train_epoch()
                yield from self._score_epoch()
                yield self._save()
        except GeneratorExit:
            # Stopped by whoever walks: keep everything up to the last whole step. If the disk refuses, the last
            # checkpoint stands.
            with suppress(Exception):
                self._save()
            raise
        load_weights(self.run_folder, task.weights, task.module)
        self.run_folder.finish_stage(task.phase, best_epoch=self.best_epoch, dev_weighted_f1=self.best_score)
        seconds = time.monotonic() - began
        yield StageDone(phase=task.phase, seconds=seconds, dev_weighted_f1=self.best_score)

    def _train_epoch(self) -> Iterator[Event]:
        task, stage = self.task, self.stage
        task.module.train()
        seed = (self.seed, _PHASES.index(task.phase), self.epoch)
        batches = shuffled_batches(task.lengths, stage.batch, seed, stage.batches)
        groups = [batches[i : i + stage.accumulate] for i in range(0, len(batches), stage.accumulate)]
        for group in groups[self.step :]:
            done = self.epoch * self.epoch_steps + self.step
            rate = learning_rate(stage, done, self.steps, len(task.lengths) * stage.epochs)
            began = time.perf_counter()
            with random_numbers:
                losses = self._optimise(group, rate, (*seed, self.step))
            spent = time.perf_counter() - began
            turns = sum(map(len, group))
            for name, value in losses.items():
                self.sums[name] += value * turns
            self.sums["turns"] += turns
            self.seconds += spent
            self.step += 1
            yield StepDone(
                phase=task.phase,
                epoch=self.epoch + 1,
                step=done + 1,
                steps=self.steps,
                losses=losses,
                learning_rate=rate,
                turns_per_second=turns / max(spent, 1e-9),
            )
            if self.step % self.checkpoint_steps == 0 and self.step < len(groups) and not self._saved_lately():
                yield self._save()

    def _optimise(self, group: Sequence[Sequence[int]], rate: float, seed: Sequence[int]) -> dict[str, float]:
        """One optimiser step over the group's batches: mean loss terms. Raises TrainingError before a bad step."""
        # Every step draws from its own seed, so that resuming needs no generator's state.
        state = int(np.random.SeedSequence(seed).generate_state(1)[0])
        torch.manual_seed(state)
        np.random.seed(state)  # noqa: NPY002 - transformers masks time steps of audio with the global generator
        names: list[str] = []
        values: list[Tensor] = []
        self.optimizer.zero_grad()
        for rows in group:
            with autocast(self.dtype, self.device):
                losses = self.task.losses(rows)
            self.scaler.scale(losses["total"] / len(group)).backward()
            names += losses
            values += [value.detach() for value in losses.values()]
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = rate
        if not self.stage.clip_scaled:
            self.scaler.unscale_(self.optimizer)
        values.append(torch.nn.utils.clip_grad_norm_(self.parameters, self.stage.clip))
        # Read at once: a GPU goes on only when all that it was asked for is done and read.
        *read, norm = torch.stack(values).tolist()
        totals: defaultdict[str, float] = defaultdict(float)
        for name, value in zip(names, read, strict=True):
            totals[name] += value / len(group)
        self._check_finite("loss", totals["total"])
        # A scaler leaves out steps whose gradient overflows, and scales the loss down for the next ones.
        if not self.scaler.is_enabled() or self.scaler.get_scale() < _LEAST_SCALE:
            self._check_finite("gradient", norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return dict(totals)

    def _check_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise NotFiniteError(
                f"the {what} of the {self.task.phase} became {value} in epoch {self.epoch + 1}, step {self.step + 1}; "
                "the step was not taken",
                halved=self.dtype is not None,
            )

    def _score_epoch(self) -> Iterator[Event]:
        self.task.module.eval()
        scores = yield from self.task.evaluate()
        score = scores.weighted_f1
        best = score > self.best_score
        if best:
            self.best_score, self.best_epoch = score, self.epoch + 1
            save_weights(self.run_folder, self.task.weights, self.task.module)
        turns = self.sums.pop("turns", 0.0)
        losses = {name: value / max(turns, 1) for name, value in self.sums.items()}
        seconds, rate = self.seconds, self.optimizer.param_groups[0]["lr"]
        self.sums, self.seconds, self.step = defaultdict(float), 0.0, 0
        self.epoch += 1
        yield EpochDone(
            phase=self.task.phase,
            epoch=self.epoch,
            epochs=self.stage.epochs,
            losses=losses,
            learning_rate=rate,
            turns_per_second=turns / max(seconds, 1e-9),
            dev_weighted_f1=score,
            dev_f1={label: entry.f1 for label, entry in scores.per_class.items()},
            best=best,
            gpu_memory=torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else 0,
        )

    def _patience_spent(self) -> bool:
        return bool(self.stage.patience) and self.epoch - self.best_epoch >= self.stage.patience and self.epoch > 0

    def _saved_lately(self) -> bool:
        return self.saving > 1 and time.monotonic() - self.saved_at < self.saving / _SHARE

    def _save(self) -> CheckpointSaved:
        began = time.monotonic()
        save_resume(
            self.run_folder,
            ResumeState(
                phase=self.task.phase,
                epoch=self.epoch,
                step=self.step,
                model=self.task.module.state_dict(),
                optimizer=self.optimizer.state_dict(),
                scaler=self.scaler.state_dict(),
                best_score=self.best_score,
                best_epoch=self.best_epoch,
                sums=dict(self.sums),
                seconds=self.seconds,
                turns=len(self.task.lengths),
            ),
        )
        self.saved_at = time.monotonic()
        self.saving = self.saved_at - began
        return CheckpointSaved(phase=self.task.phase, epoch=self.epoch, step=self.step)

    def _take_up(self, state: ResumeState) -> None:
        try:
            self.task.module.load_state_dict(state.model)
            for group in state.optimizer["param_groups"]:
                group["fused"] = self.optimizer.defaults["fused"]  # it may come from another device
            self.optimizer.load_state_dict(state.optimizer)
            if state.scaler:
                self.scaler.load_state_dict(state.scaler)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"resume.pt of {self.run_folder.path} does not fit its config.toml; delete it to train that stage from "
                "its start"
            ) from error
        self.epoch, self.step = state.epoch, state.step
        self.best_score, self.best_epoch = state.best_score, state.best_epoch
        if state.turns == len(self.task.lengths):
            self.sums.update(state.sums)
            self.seconds = state.seconds
        else:  # clips have come or gone: the epoch is another one, and begins anew
            self.step = 0
