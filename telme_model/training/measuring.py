"""What this machine is, and a few real steps of every encoder on it: from them follows what a training costs.

Encoders get random weights of their architecture and random inputs, so nothing is fetched and nothing is kept.
"""

import json
import os
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn

from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.errors import MemoryFullError
from telme_model.events import Event, Message, Progress
from telme_model.networks.backbones import load_backbone, rebuild_backbone
from telme_model.networks.batching import Batch
from telme_model.networks.devices import (
    autocast,
    autocast_type,
    cards,
    choose_device,
    leave_a_core,
    random_numbers,
    within_memory,
)
from telme_model.networks.encoder import Encoder, make_encoder
from telme_model.networks.losses import classification_loss
from telme_model.runs.config import AudioPadding, Config
from telme_model.runs.costs import Gpu, Machine, MeasurementKey, Speed, key, memory, samples_of, tokens
from telme_model.runs.weights import TOY, Weights, find_weights
from telme_model.training.fitting import adamw

STEPS = 3  # timed at most
ENOUGH = 4.0  # seconds of steps that tell enough


def look_at_machine() -> Generator[Event, None, Machine]:
    """Cores, memory and cards. Takes the seconds that importing torch takes."""
    yield Message(text="looking at this machine")
    return this_machine()


def this_machine() -> Machine:
    """Cores, memory and cards."""
    gpus = []
    for number in range(cards()):
        card = torch.cuda.get_device_properties(number)
        gpus.append(Gpu(name=card.name, memory=card.total_memory, free=_free(number)))
    return Machine(
        cores=os.cpu_count() or 1,
        free=psutil.virtual_memory().available,
        gpus=tuple(gpus),
        mps=torch.backends.mps.is_available(),
    )


def _free(card: int) -> int:
    """Bytes of a card that a training could have: what torch keeps there for later counts, too."""
    try:
        free, _ = torch.cuda.mem_get_info(card)
    except RuntimeError:  # other programs have filled it to the brim
        return 0
    return int(free) + torch.cuda.memory_reserved(card) - torch.cuda.memory_allocated(card)


def measure(config: Config, corpus: Corpus, machine: Machine) -> Generator[Event, None, dict[MeasurementKey, Speed]]:
    """Train each encoder for a few steps. One whose architecture is unknown, or too large, is left out with a word."""
    device = choose_device(config.device)
    leave_a_core(device)
    measured: dict[MeasurementKey, Speed] = {}
    for done, modality in enumerate(config.modalities):
        phase = config.phase(modality)
        weights = find_weights(getattr(config, modality).weights, modality)
        if weights.architecture is None:
            yield Message(text=f"the {phase} is not measured: {weights.name} is not on this machine", level="warning")
            continue
        needed = memory(weights.architecture, corpus, config, modality, machine)
        if device.type == "cpu" and needed > psutil.virtual_memory().available:
            text = f"the {phase} is not measured: it needs about {needed / 1e9:.0f} GB of memory, more than is free"
            yield Message(text=text, level="warning")
            continue
        yield Message(text=f"measuring the {phase}")
        try:
            measured[key(config, modality)] = yield from _tried(config, corpus, modality, weights, device)
        except MemoryFullError:
            batch = config.stage(modality).batch
            text = f"the {phase} is not measured: a batch of {batch} turns does not fit into the free memory"
            yield Message(text=text, level="warning")
        if device.type == "cuda":
            torch.cuda.empty_cache()
        yield Progress(phase=phase, done=done + 1, total=len(config.modalities), unit="encoders")
    return measured


@within_memory
def _tried(
    config: Config, corpus: Corpus, modality: Modality, weights: Weights, device: torch.device
) -> Generator[Event, None, Speed]:
    return (yield from _Trial(config, corpus, modality, weights, device).run())


class _Trial:
    """One encoder, its optimiser, and made-up batches of the corpus' lengths."""

    def __init__(
        self, config: Config, corpus: Corpus, modality: Modality, weights: Weights, device: torch.device
    ) -> None:
        architecture = weights.architecture
        assert architecture is not None
        self.config, self.modality, self.device, self.architecture = config, modality, device, architecture
        self.stage = config.stage(modality)
        self.dtype = autocast_type(self.stage.precision, device)
        self.classes = len(corpus.labels)
        self.generator = torch.Generator().manual_seed(0)
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self.before = torch.cuda.memory_reserved(device)  # of a window's predictions, say
        lengths = tokens(corpus, config, modality, architecture).get(Split.TRAIN, [1])
        self.mean, self.longest = sum(lengths) / len(lengths), max(lengths)
        with random_numbers:
            backbone = random_backbone(weights, modality)
            # Always float32, as in training: autocast decides the arithmetic.
            self.encoder: Encoder = make_encoder(modality, backbone, config, self.classes).float().to(device)
        self.optimizer = adamw(self.encoder.parameters(), self.stage, device)

    def run(self) -> Generator[Event, None, Speed]:
        """On a card the longest turns come first, for the memory's peak. The fastest step counts."""
        cuda = self.device.type == "cuda"
        if cuda:
            for _ in range(2):  # AdamW's moments are there from the second step on
                self._step(self.longest)
            self._score(self.longest)
        seconds: list[float] = []
        while len(seconds) < STEPS and sum(seconds) < ENOUGH:
            seconds.append(self._step(self.mean))
            yield Message(text=f"one step took {seconds[-1]:.2f} s")
        scoring = self._score(self.mean)
        peak = torch.cuda.max_memory_reserved(self.device) - self.before if cuda else 0
        return Speed(train=min(seconds) / self.stage.batch, score=scoring, memory=peak)

    def _step(self, length: float) -> float:
        batch = self._batch(self.stage.batch, length).to(self.device)
        gold = torch.randint(self.classes, (self.stage.batch,), generator=self.generator).to(self.device)
        self.encoder.train()
        with random_numbers:  # of dropout
            began = self._now()
            self.optimizer.zero_grad()
            with autocast(self.dtype, self.device):
                loss = classification_loss(self.encoder(batch).logits, gold)
            loss.backward()
            nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
            self.optimizer.step()
            return self._now() - began

    def _score(self, length: float) -> float:
        batch = self._batch(self.config.evaluation_batch, length).to(self.device)
        self.encoder.eval()
        began = self._now()
        with torch.no_grad(), autocast(self.dtype, self.device):
            self.encoder(batch)
        return (self._now() - began) / self.config.evaluation_batch

    def _now(self) -> float:
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        return time.perf_counter()

    def _batch(self, size: int, length: float) -> Batch:
        if self.modality is Modality.VISUAL:
            visual = self.config.visual
            shape = (size, visual.frames, 3, visual.size, visual.size)
            return Batch(torch.randn(shape, generator=self.generator))
        if self.modality is Modality.AUDIO:
            samples = round(samples_of(self.architecture, length))
            values = torch.randn((size, samples), generator=self.generator)
            left = self.config.audio.padding is AudioPadding.LEFT
            return Batch(values, None if left else torch.ones((size, samples), dtype=torch.bool))
        width = round(length)
        backbone: Any = self.encoder.backbone
        values = torch.randint(5, backbone.config.vocab_size, (size, width), generator=self.generator)
        return Batch(values, torch.ones((size, width), dtype=torch.bool), torch.full((size,), width - 1))


def random_backbone(weights: Weights, modality: Modality) -> nn.Module:
    """An encoder of the architecture that these weights have, or would have once fetched, with random ones."""
    if weights.name == TOY:
        return load_backbone(TOY, modality)
    if weights.place is not None:
        return rebuild_backbone(weights.place, weights.place)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(dict(weights.settings)), encoding="utf-8")
        return rebuild_backbone(Path(folder))
