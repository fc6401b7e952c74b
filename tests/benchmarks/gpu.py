"""Training on a graphics card at the encoders' real sizes: turns a second, share of the card's peak, memory.

    python tests/benchmarks/gpu.py [--preset paper-meld] [--batches 4 8 16 32 64 128] [--seconds 6] [--json FILE]

Every stage is optimised by the program's own code on made-up turns of MELD's lengths: token ids, noise and random
frames, through encoders with random weights, so that nothing is fetched. Beside it stands the released code's way:
the teacher in fp32, batches of 4 in random order, the teacher's forward pass in every step of the students, and all
three encoders' in every step of the fusion. Operations are those of a turn's own tokens, not of padding (three times
the forward pass for a step, once where nothing is learnt); the peak is that of a large matrix product in the same
arithmetic. From the rates follows what ten epochs on MELD take, scoring on dev and embedding every turn included;
decoding the clips is `feature_loading.py`'s. On a CPU (`--device cpu --preset toy`) it only shows that it runs.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from telme_model.corpus.dialogue import Modality, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.events import Phase, StepDone
from telme_model.networks.batching import Inputs, TextInputs, make_inputs
from telme_model.networks.devices import autocast_type, choose_device, memory_full
from telme_model.networks.embedding import Embeddings, FusionInputs, embed
from telme_model.networks.encoder import Encoder, make_encoder
from telme_model.networks.fusion import Fusion
from telme_model.networks.losses import classification_loss, student_loss
from telme_model.runs.config import Config, Precision, StageConfig
from telme_model.runs.costs import operations
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import PRESETS
from telme_model.runs.weights import Architecture, find_weights
from telme_model.training.fitting import Fit, Task
from telme_model.training.measuring import random_backbone
from telme_model.training.tasks import EncoderTask, FusionTask

TRAIN, DEV, TURNS = 9_989, 1_109, 13_708  # MELD's
EPOCHS = 10
RELEASED_BATCH = 4
WARM_UP = 3  # steps that do not count
SCORED = 512  # turns for the rate of a pass without learning

# MELD's train split by quantiles: tokens of a turn in its context with the prompt, and seconds of its speech.
QUANTILES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1)
TOKENS = (9, 22, 35, 49, 64, 81, 100, 122, 150, 191, 223, 285, 367, 455)
SECONDS = (0.1, 1.0, 1.4, 1.7, 2.1, 2.5, 2.9, 3.5, 4.5, 6.3, 7.9, 11.8, 17.8, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stage in one way: what was measured."""

    stage: str
    way: str
    precision: str
    batch: int
    turns_per_second: float
    operations: float  # floating-point operations a second
    peak: float  # share of the card's, 0 to 1
    memory: int  # bytes at most


class EnoughError(Exception):
    """Thrown into a stage to end it without a checkpoint."""


class MadeUpWords:
    """Stands for the assembler of token ids."""

    def __init__(self, config: Config, vocabulary: int, lengths: Sequence[int]) -> None:
        self.config, self.tokenizer, self.pad_token_id = config.text, self, 1
        self._tokens: list[int] = np.random.default_rng(0).integers(5, vocabulary, max(lengths)).tolist()
        self._lengths = lengths

    def __call__(self, turn: TurnId) -> list[int]:
        return self._tokens[: self._lengths[turn.utterance]]


class MadeUpMedia:
    """Stands for the cache of decoded media: random frames in bytes, and noise."""

    def __init__(self, config: Config, seconds: Sequence[float]) -> None:
        generator, visual = np.random.default_rng(0), config.visual
        shape = (16, visual.frames, visual.size, visual.size, 3)
        self._frames: list[np.ndarray] = list(generator.integers(0, 256, shape, dtype=np.uint8))
        self._rate, self._seconds = config.audio.sample_rate, [min(s, config.audio.max_seconds) for s in seconds]
        self._noise = generator.normal(0, 0.1, round(max(self._seconds) * self._rate)).astype(np.float32)

    def frames(self, turn: Turn) -> np.ndarray:
        return self._frames[turn.id.utterance % len(self._frames)]

    def waveform(self, turn: Turn) -> np.ndarray:
        return self._noise[: round(self.seconds(turn) * self._rate)]

    def seconds(self, turn: Turn) -> float:
        return self._seconds[turn.id.utterance]


class Released:
    """A task with what the released code adds to each of its steps: frozen encoders, run once more, and no sorting."""

    def __init__(self, task: EncoderTask | FusionTask, frozen: Sequence[tuple[Encoder, Inputs]]) -> None:
        self.phase, self.weights, self.module, self.evaluate = task.phase, task.weights, task.module, task.evaluate
        self.lengths = [1] * len(task.lengths)
        self._task, self._frozen = task, frozen

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """The task's own, with the frozen encoders' outputs made anew."""
        task = self._task
        if not self._frozen:
            return task.losses(rows)
        turns = [task.turns[int(task.rows[row])] for row in rows]
        gold = task.gold[list(rows)].to(task.device)
        with torch.no_grad():
            made = {of.modality: of(inputs.collate(turns).to(task.device)) for of, inputs in self._frozen}
        if isinstance(task, FusionTask):
            features = {modality: output.features for modality, output in made.items()}
            total = classification_loss(task.module(features[Modality.TEXT], features).logits, gold)
            return {"total": total}
        assert task.distillation is not None
        (teacher,), d = made.values(), task.distillation
        output = task.module(task.inputs.collate(turns).to(task.device))
        terms = student_loss(output.logits, output.features, gold, teacher.logits, teacher.features, alpha=d.alpha,
                             beta=d.beta, response_tau=d.tau_response, feature_tau=d.tau_feature)  # fmt: skip
        return {"total": terms.total}


class Bench:
    """A preset's encoders with random weights, made-up turns of MELD's lengths, and a card."""

    def __init__(self, config: Config, device: torch.device, seconds: float, turns: int) -> None:
        self.config, self.device, self.seconds = config, device, seconds
        generator = np.random.default_rng(0)
        tokens = np.interp(generator.random(turns), QUANTILES, TOKENS).astype(int)
        self.tokens = np.minimum(tokens, config.text.max_tokens).tolist()
        self.spoken = np.interp(generator.random(turns), QUANTILES, SECONDS).tolist()
        labels = MELD.labels
        self.turns = tuple(
            Turn(id=TurnId(Split.TRAIN, "0", row), speaker="A", text="", gold=labels[row % len(labels)])
            for row in range(turns)
        )
        self.media = MadeUpMedia(config, self.spoken)
        self.architectures = {m: self._architecture(m) for m in config.modalities}
        self.peaks = {p: self._peak(p) for p in (Precision.FP32, Precision.BF16, Precision.FP16)}

    # -- what is measured ---------------------------------------------------------------------------------------

    def encoder(self, modality: Modality, precision: Precision, batch: int, *, released: bool = False) -> Row:
        """The stage of one encoder: our own, or as the released code steps."""
        config = self.config
        encoder, inputs = self._encoder(modality)
        distils = modality is not config.teacher
        task = EncoderTask(
            config.phase(modality), encoder, inputs, self.turns, [True] * len(self.turns), MELD, device=self.device,
            dtype=None, batch=batch, teacher=self._embeddings() if distils else None,
            distillation=config.distillation,
        )  # fmt: skip
        stage = replace(config.stage(modality), precision=precision, batch=batch)
        cost = 3 * self._forward(modality)
        if not released:
            return self._row("ours", task, stage, cost)
        frozen = [self._frozen(config.teacher)] if distils else []
        return self._row("released", Released(task, frozen), stage, cost + distils * self._forward(config.teacher))

    def fusion(self, precision: Precision, batch: int, *, released: bool = False) -> Row:
        """The fusion on stored embeddings, or with every encoder run in every step."""
        config = self.config
        fusion = Fusion(config.fusion, config.students, config.dim, len(MELD.labels)).to(self.device)
        inputs = FusionInputs({m: self._embeddings() for m in config.modalities}, self.turns, config.teacher)
        task = FusionTask(fusion, inputs, self.turns, MELD, device=self.device, dtype=None, batch=batch)
        stage = replace(config.stages.fusion, precision=precision, batch=batch)
        cost = 6.0 * sum(parameter.numel() for parameter in fusion.parameters())
        if not released:
            return self._row("ours", task, stage, cost)
        frozen = [self._frozen(modality) for modality in config.modalities]
        cost += sum(map(self._forward, config.modalities))
        return self._row("released", Released(task, frozen), stage, cost)

    def scoring(self, modality: Modality, precision: Precision, batch: int) -> float:
        """Turns a second of a pass without learning."""
        encoder, inputs = self._encoder(modality)
        turns = self.turns[:SCORED]
        began = self._now()
        for _ in embed(encoder, inputs, turns, [True] * len(turns), batch=batch, device=self.device,
                       dtype=autocast_type(precision, self.device), phase=Phase.EVALUATING):  # fmt: skip
            pass
        return len(turns) / (self._now() - began)

    # -- how ----------------------------------------------------------------------------------------------------

    def _row(self, way: str, task: Task, stage: StageConfig, cost: float) -> Row:
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        with tempfile.TemporaryDirectory() as folder:
            fit = Fit(RunFolder(Path(folder)), task, stage, seed=0, device=self.device, checkpoint_steps=10**9)
            rate = self._walk(fit)
        return Row(
            stage=str(task.phase),
            way=way,
            precision=str(stage.precision),
            batch=stage.batch,
            turns_per_second=rate,
            operations=rate * cost,
            peak=rate * cost / self.peaks[stage.precision],
            memory=torch.cuda.max_memory_allocated(self.device) if cuda else 0,
        )

    def _walk(self, fit: Fit) -> float:
        """Turns a second of the steps after the first few, until there was time enough or the epoch nears its end."""
        events: Any = iter(fit)
        steps, began = 0, self._now()
        for event in events:
            steps += isinstance(event, StepDone)
            if steps == WARM_UP:
                began = self._now()
            elif steps == fit.epoch_steps - 1 or (steps > WARM_UP and time.perf_counter() - began > self.seconds):
                break
        spent = self._now() - began
        with suppress(EnoughError):
            events.throw(EnoughError())  # closing would write a checkpoint
        if steps <= WARM_UP:
            raise SystemExit(f"too few turns for batches of {fit.stage.batch}: give more --turns, or smaller --batches")
        return (steps - WARM_UP) * fit.stage.batch / spent

    def _encoder(self, modality: Modality) -> tuple[Encoder, Inputs]:
        torch.manual_seed(0)
        backbone = random_backbone(find_weights(getattr(self.config, modality).weights, modality), modality)
        encoder = make_encoder(modality, backbone, self.config, len(MELD.labels)).float().to(self.device)
        if modality is Modality.TEXT:
            settings: Any = backbone.config
            words: Any = MadeUpWords(self.config, settings.vocab_size, self.tokens)
            return encoder, TextInputs(words)
        media: Any = self.media
        return encoder, make_inputs(modality, self.config, None, media)

    def _frozen(self, modality: Modality) -> tuple[Encoder, Inputs]:
        encoder, inputs = self._encoder(modality)
        return encoder.eval().requires_grad_(False), inputs

    def _embeddings(self) -> Embeddings:
        count, classes = len(self.turns), len(MELD.labels)
        return Embeddings(
            torch.randn(count, self.config.dim), torch.randn(count, classes), torch.ones(count, dtype=torch.bool)
        )

    def _architecture(self, modality: Modality) -> Architecture:
        architecture = find_weights(getattr(self.config, modality).weights, modality).architecture
        if architecture is None:
            raise SystemExit(f"the architecture of the {modality} encoder is not known here; take another preset")
        return architecture

    def _forward(self, modality: Modality) -> float:
        """Operations of a turn's way through an encoder, in the mean."""
        of = self.architectures[modality]
        lengths = self.tokens
        if modality is Modality.VISUAL:
            visual = self.config.visual
            lengths = [visual.frames * (visual.size // of.patch) ** 2 + 1]
        elif modality is Modality.AUDIO:
            rate = self.config.audio.sample_rate / prod(stride for _, _, stride in of.convolutions)
            lengths = [max(1, round(s * rate)) for s in self.spoken]
        return float(np.mean([operations(of, self.config, modality, length) for length in lengths]))

    def _peak(self, precision: Precision) -> float:
        """Operations a second of a large matrix product in the stage's arithmetic."""
        dtype = autocast_type(precision, self.device) or torch.float32
        size = 8192 if self.device.type == "cuda" else 1024
        one, other = (torch.randn(size, size, device=self.device).to(dtype) for _ in range(2))
        for _ in range(WARM_UP):
            one @ other
        began = self._now()
        for _ in range(10):
            one @ other
        return 10 * 2 * size**3 / (self._now() - began)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def fastest(bench: Bench, modality: Modality, batches: Sequence[int]) -> list[Row]:
    """The stage in bf16 at every batch that the memory holds; the fastest one again in fp32, and so the first."""
    rows = [row for batch in batches if (row := tried(bench.encoder, modality, Precision.BF16, batch)) is not None]
    if not rows:
        raise SystemExit(f"the memory holds no batch of {batches[0]} turns")
    best = max(rows, key=lambda row: row.turns_per_second)
    compared = dict.fromkeys((rows[0].batch, best.batch))
    plain = [tried(bench.encoder, modality, Precision.FP32, batch) for batch in compared]
    return [*rows, *(row for row in plain if row is not None)]


def tried(measure: Callable[..., Row], *what: Any, **how: Any) -> Row | None:
    """What `measure` says, told at once; None where the memory does not hold it."""
    try:
        row = measure(*what, **how)
    except (MemoryError, RuntimeError) as error:
        if not memory_full(error):
            raise
        print(f"| {' | '.join(map(str, what))} | memory full |", flush=True)
        return None
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    memory = f"{row.memory / 2**30:.1f} GiB" if row.memory else "-"
    cells = (
        row.stage,
        row.way,
        row.precision,
        row.batch,
        f"{row.turns_per_second:,.1f}",
        f"{row.operations / 1e12:.2f}",
    )
    print("|", " | ".join(map(str, (*cells, f"{row.peak:.0%}", memory))), "|", flush=True)
    return row


def training_seconds(rows: Sequence[Row], scoring: Mapping[Phase, float], *, released: bool) -> float:
    """Ten epochs of every stage of `rows` on MELD, scored on dev; and, in our way, every turn embedded once."""
    seconds = EPOCHS * sum(TRAIN / row.turns_per_second for row in rows)
    encoding = {stage: 1 / rate for stage, rate in scoring.items()}
    seconds += EPOCHS * DEV * sum(encoding.values())
    # Stored embeddings spare the fusion its encoders: dev is scored through them in each of its epochs, too.
    return seconds + (EPOCHS * DEV if released else TURNS) * sum(encoding.values())


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="paper-meld", choices=PRESETS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 8, 16, 32, 64, 128])
    parser.add_argument("--seconds", type=float, default=6.0, help="timed for each row")
    parser.add_argument("--turns", type=int, default=TRAIN, help="made up")
    parser.add_argument("--json", type=Path, help="also write the rows there")
    given = parser.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print("PyTorch sees no CUDA card here, so there is nothing to measure; --device cpu --preset toy tries it out")
        return
    device = choose_device(given.device)
    bench = Bench(PRESETS[given.preset], device, given.seconds, given.turns)
    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else f"{torch.get_num_threads()} processor cores"
    print(f"{name}; torch {torch.__version__}; {given.preset} with random weights, {given.turns:,} turns")
    print("peak:", ", ".join(f"{p} {rate / 1e12:.1f} TFLOP/s" for p, rate in bench.peaks.items()))
    print("\n| stage | way | precision | batch | turns/s | TFLOP/s | of the peak | memory |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    config = bench.config
    ours: dict[str, list[Row]] = {}
    released: list[Row] = []
    for modality in (config.teacher, *config.students):
        ours[config.phase(modality)] = fastest(bench, modality, given.batches)
        precision = Precision.FP32 if modality is config.teacher else Precision.FP16
        released += filter(None, [tried(bench.encoder, modality, precision, RELEASED_BATCH, released=True)])
    fusions = [tried(bench.fusion, Precision.BF16, batch) for batch in given.batches]
    ours[Phase.FUSION] = [row for row in fusions if row is not None]
    released += filter(None, [tried(bench.fusion, Precision.FP16, RELEASED_BATCH, released=True)])
    scoring = {config.phase(m): bench.scoring(m, Precision.BF16, config.evaluation_batch) for m in config.modalities}
    plain = {config.phase(m): bench.scoring(m, Precision.FP32, RELEASED_BATCH) for m in config.modalities}

    if len(released) < len(ours) or not ours[Phase.FUSION]:
        print("\nThe memory did not hold every stage, so there is no whole training to compare.")
    else:
        theirs = training_seconds(released, plain, released=True)
        first = [rows[0] for rows in ours.values()]
        best = [max(rows, key=lambda row: row.turns_per_second) for rows in ours.values()]
        print(f"\n{EPOCHS} epochs of all stages on MELD, without decoding:")
        for words, rows in ((f"batch {first[0].batch}, bf16", first), ("the fastest batches", best)):
            seconds = training_seconds(rows, scoring, released=False)
            print(f"  ours, {words}: {seconds / 60:.1f} min, {theirs / seconds:.1f} times as fast as the released way")
        print(f"  the released way: {theirs / 60:.1f} min")
    if given.json is not None:
        rows = [row for stage in ours.values() for row in stage] + released
        tree = {"device": name, "peaks": bench.peaks, "scoring": scoring, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(tree, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
