"""Measuring on a card, on a machine without one: torch's answers are stood in for."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality
from telme_model.events import Message
from telme_model.networks.encoder import Encoder, EncoderOutput
from telme_model.runs.costs import Gpu, Machine, Speed, key
from telme_model.runs.presets import TOY
from telme_model.runs.weights import find_weights
from telme_model.training import measuring
from telme_model.training.measuring import look_at_machine, measure

MACHINE = Machine(cores=2, free=8 * 10**9)


@pytest.fixture(scope="module")
def toy(corpus: Path) -> Corpus:
    return open_corpus(corpus)


def told(work: Any) -> tuple[list[str], Any]:
    """The warnings of an iterator, and what it returns."""
    warnings: list[str] = []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return warnings, end.value
        if isinstance(event, Message) and event.level == "warning":
            warnings.append(event.text)


def test_what_torch_keeps_of_a_card_is_free_and_a_full_card_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def free(card: int) -> tuple[int, int]:
        if card == 1:
            raise RuntimeError("CUDA error: out of memory")
        return 10, 24

    monkeypatch.setattr(measuring, "cards", lambda: 2)
    stood_in = {
        "get_device_properties": lambda card: SimpleNamespace(name=f"card {card}", total_memory=24),
        "mem_get_info": free,
        "memory_reserved": lambda _card: 8,
        "memory_allocated": lambda _card: 2,
    }
    for name, answer in stood_in.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    _, machine = told(look_at_machine())
    assert machine.gpus == (Gpu(name="card 0", memory=24, free=16), Gpu(name="card 1", memory=24, free=0))


def test_an_encoder_too_large_for_the_memory_is_left_out_with_a_word(
    toy: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Encoder.forward

    def too_large(self: Encoder, batch: Any) -> EncoderOutput:
        if self.modality is Modality.AUDIO:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(self, batch)

    monkeypatch.setattr(Encoder, "forward", too_large)
    config = TOY.with_settings(["device=cpu"])
    warnings, speeds = told(measure(config, toy, MACHINE))
    assert warnings == ["the audio student is not measured: a batch of 4 turns does not fit into the free memory"]
    assert set(speeds) == {key(config, Modality.TEXT), key(config, Modality.VISUAL)}


def test_the_peak_is_that_of_the_longest_turns_beside_adamw_s_moments_alone(
    toy: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step makes the moments, so it is not the largest; what was there before is not the encoder's."""
    weights = find_weights(TOY.text.weights, Modality.TEXT)
    trial = measuring._Trial(TOY, toy, Modality.TEXT, weights, torch.device("cpu"))
    assert trial.longest > trial.mean
    trial.device, trial.before = torch.device("cuda"), 100
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _device: 350)
    taken: list[tuple[str, float]] = []

    def step(length: float) -> float:
        taken.append(("step", length))
        return 2.0

    def scoring(length: float) -> float:
        taken.append(("score", length))
        return 0.5

    monkeypatch.setattr(trial, "_step", step)
    monkeypatch.setattr(trial, "_score", scoring)
    _, speed = told(trial.run())
    assert speed == Speed(train=0.5, score=0.5, memory=250)
    mean = [("step", trial.mean)] * 2  # 4 s tell enough
    assert taken == [*[("step", trial.longest)] * 2, ("score", trial.longest), *mean, ("score", trial.mean)]


COUNTED = """
import gc, sys, weakref
from pathlib import Path
from telme_model.networks.encoder import Encoder

made, make = weakref.WeakSet(), Encoder.__init__
def remembered(self, *what):
    make(self, *what)
    made.add(self)
Encoder.__init__ = remembered
gc.disable()
"""
MEASURED = """
from telme_model.training import measuring
from telme_model.corpus import open_corpus
from telme_model.runs.costs import Machine
from telme_model.runs.presets import TOY

corpus = open_corpus(Path(sys.argv[1]))
for event in measuring.measure(TOY.with_settings(["device=cpu"]), corpus, Machine(cores=2, free=8 * 10**9)):
    print(len(made), getattr(event, "text", ""))
print(len(made), "at the end")
"""
TRAINED = """
from telme_model.events import StageStarted
from telme_model.runs.presets import TOY
from telme_model.training.pipeline import train

once = [f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")]
corpus, run, cache = map(Path, sys.argv[1:])
for event in train(TOY.with_settings(["device=cpu", *once]), corpus, run, cache=cache):
    if isinstance(event, StageStarted) and event.epochs:
        print(len(made), "in the phase", event.phase)
print(len(made), "at the end")
"""


def lines_of(script: str, *places: Path) -> list[str]:
    """What a fresh program prints that collects no garbage."""
    words = [sys.executable, "-c", COUNTED + script, *map(str, places)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_no_encoder_outlives_its_measurement(corpus: Path) -> None:
    """Not even until a collection of garbage, which a training after it on the card would wait for in vain."""
    lines = lines_of(MEASURED, corpus)
    assert [line for line in lines if "measuring" in line] == [
        f"0 measuring the {phase}" for phase in ("teacher", "audio student", "visual student")
    ]
    assert lines[-1] == "0 at the end"


@pytest.mark.slow
def test_no_encoder_outlives_its_stage(corpus: Path, tmp_path: Path) -> None:
    assert lines_of(TRAINED, corpus, tmp_path / "run", tmp_path / "cache") == [
        "1 in the phase teacher",
        "1 in the phase audio student",
        "1 in the phase visual student",
        "0 in the phase fusion",
        "0 at the end",
    ]
