"""What a training will cost, before it begins: labelled turns, disk, memory and time of a configuration on a corpus.

Until something was measured (`measuring.py`), time and memory follow from a formula:

- arithmetic of a training turn: 6 x (weights that every token passes) x tokens, and 12 x layers x width x tokens^2 for
  attention; a third of it for a turn that is only scored. Tokens: a quarter of the letters of the turn in its context,
  the audio front end's frames, the patches of all frames; convolutions over samples and pixels are added.
- speed: `CPU_SPEED` a core in use, `GPU_SPEED` a card, in any precision but fp32 three times as much. The bundled
  encoders are too small for that: `BUNDLED` corrects it by what their trainings took.
- memory: 16 bytes a weight (itself, its gradient, AdamW's two moments), 2 more in half precision (its copy there), and
  what the way back needs: so many bytes (`SAVED`) a layer, token and unit of width, and (`SAVED_FRONT_END`) a sample
  and channel of the audio front end; the libraries' own.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, prod
from pathlib import Path
from statistics import fmean

from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.corpus.timing import expected_seconds
from telme_model.events import Phase
from telme_model.media.cache import CacheEstimate, estimate, free_bytes
from telme_model.media.shards import file_size
from telme_model.runs.config import AudioConfig, Config, Precision, StageConfig, TextConfig, VisualConfig
from telme_model.runs.weights import Architecture

CPU_SPEED = 3e10  # float32 operations a second and core
GPU_SPEED = 1e13  # float32 operations a second of a card with 24 GB; assumed, see tests/benchmarks/gpu.py
HALF = 3.0  # times that in half precision
DECODING = 0.15  # seconds a turn and core, at 1280x720: tests/benchmarks/feature_loading.py
SAVED = {Modality.TEXT: (40, 66), Modality.AUDIO: (40, 66), Modality.VISUAL: (72, 106)}  # in half precision, in fp32
SAVED_FRONT_END = (12, 14)  # likewise, of the front end: outputs, norms and activations
LIBRARIES = 900_000_000  # bytes that torch and transformers take by themselves
FUSION_STEP = 0.012  # seconds of a step of the fusion on a CPU core, by the bundled run's log
BUNDLED = {Modality.TEXT: 1.2, Modality.AUDIO: 1.55, Modality.VISUAL: 0.77}  # times the formula's, by the same log
LETTERS = 4.0  # of a token
UNKNOWN = 3600.0  # seconds of a stage where no encoder is known
SPEAKER, PROMPT = 2, 6  # tokens beside a turn's words: speaker and end; the prompt

EncoderConfig = TextConfig | AudioConfig | VisualConfig
MeasurementKey = tuple[EncoderConfig, int, Precision, str]  # what was measured: encoder, batch, precision, device


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One card, in bytes."""

    name: str
    memory: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is to compute on. `mps`: an Apple GPU that shares the memory."""

    cores: int
    free: int  # bytes of memory
    gpus: tuple[Gpu, ...] = ()
    mps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One encoder as it was measured."""

    train: float  # seconds a training turn
    score: float  # seconds a turn that is only scored
    memory: int  # bytes at the peak; 0 where that could not be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """One stage; None where its encoder is not known."""

    phase: Phase
    steps: int
    seconds: float | None
    memory: int | None
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """A run's costs, and what it can learn from.

    `labelled` are the turns with a label, by split; `emotions` those of train, by label. `lacking` are the labelled
    turns whose clip is not there, of audio and visual.
    """

    labelled: Mapping[Split, int]
    emotions: Mapping[str, int]
    lacking: Mapping[Modality, Mapping[Split, int]]
    cache: CacheEstimate
    stages: tuple[StageCost, ...] = field(default=())
    run_bytes: int | None  # of the run's folder when it is finished; None where an encoder is not known
    scratch_bytes: int = 0  # that the folder holds besides while it trains, to resume from
    run_free: int = 0
    one_disk: bool = True  # whether cache and run share theirs

    @property
    def seconds(self) -> float | None:
        """The whole run, decoding included."""
        return self.seconds_of(1)

    def seconds_of(self, runs: int) -> float | None:
        """So many runs like this one, which decode once."""
        spent = [stage.seconds for stage in self.stages]
        return None if None in spent else runs * sum(filter(None, spent)) + DECODING * self.cache.turns

    def bytes_of(self, runs: int) -> int | None:
        """The folders of so many runs like this one, the last of which still trains."""
        return None if self.run_bytes is None else runs * self.run_bytes + self.scratch_bytes

    def without_clips(self, modalities: Sequence[Modality]) -> tuple[Modality, ...]:
        """Those of the modalities that cannot be learnt: no labelled turn of train, or of dev, has its clip."""
        return tuple(
            modality
            for modality, lacking in self.lacking.items()
            if modality in modalities
            and any(0 < self.labelled.get(split, 0) == lacking[split] for split in (Split.TRAIN, Split.DEV))
        )

    @property
    def memory(self) -> int | None:
        """The largest stage's."""
        needed = [stage.memory for stage in self.stages]
        return None if None in needed else max(filter(None, needed), default=0)

    @property
    def measured(self) -> bool:
        """Whether every encoder was."""
        return all(stage.measured for stage in self.stages if stage.phase is not Phase.FUSION)


def key(config: Config, modality: Modality) -> MeasurementKey:
    """What a measurement of this encoder is good for."""
    stage = config.stage(modality)
    return getattr(config, modality), stage.batch, stage.precision, config.device


def costs(
    corpus: Corpus,
    config: Config,
    encoders: Mapping[Modality, Architecture | None],
    machine: Machine | None,
    *,
    cache: Path,
    run: Path,
    measured: Mapping[MeasurementKey, Speed] | None = None,
) -> Costs:
    """What `config` costs on `corpus`; without a `machine` in room alone, and the stages are left out.

    Looks at every clip's size, so not for a window's own thread.
    """
    turns = tuple(corpus.turns())
    labelled = {split: sum(turn.gold is not None for turn in corpus.turns(split)) for split in corpus.splits()}
    media = {Modality.AUDIO, Modality.VISUAL} & set(config.modalities)
    room = CacheEstimate(turns=0, bytes=0, free_bytes=free_bytes(cache))
    found = [architecture for modality in config.modalities if (architecture := encoders.get(modality)) is not None]
    sizes = [architecture.parameters for architecture in found]
    return Costs(
        labelled=labelled,
        emotions=Counter(turn.gold for turn in corpus.turns(Split.TRAIN) if turn.gold is not None),
        lacking=lacking_clips(corpus),
        cache=estimate(turns, config.media, cache) if media else room,
        stages=() if machine is None else stage_costs(corpus, config, encoders, machine, measured),
        run_bytes=4 * (sum(sizes) + len(sizes) * len(turns) * config.dim)
        if len(sizes) == len(config.modalities)
        else None,
        scratch_bytes=24 * max(sizes, default=0),  # weights and AdamW's moments, one copy beside the other
        run_free=free_bytes(run),
        one_disk=_disk(cache) == _disk(run),
    )


def lacking_clips(corpus: Corpus) -> dict[Modality, Counter[Split]]:
    """How many labelled turns of each split have no clip to see or hear them in."""
    size = functools.cache(file_size)  # sound and picture lie in one file, or many turns do
    lacking = {modality: Counter[Split]() for modality in (Modality.AUDIO, Modality.VISUAL)}
    for turn in corpus.turns():
        for modality, count in lacking.items():
            if modality is Modality.AUDIO:
                files = turn.audio.heard if turn.audio else ()
            else:
                files = turn.video.seen if turn.video else ()
            if turn.gold is not None and not any(map(size, files)):
                count[turn.id.split] += 1
    return lacking


def stage_costs(
    corpus: Corpus,
    config: Config,
    encoders: Mapping[Modality, Architecture | None],
    machine: Machine,
    measured: Mapping[MeasurementKey, Speed] | None = None,
) -> tuple[StageCost, ...]:
    """The stages of a run in order, the fusion last."""
    known = measured or {}
    stages = [
        _encoder_cost(corpus, config, modality, encoders.get(modality), machine, known.get(key(config, modality)))
        for modality in (config.teacher, *config.students)
    ]
    steps = _steps(config.stages.fusion, _labelled(corpus))
    return (*stages, StageCost(phase=Phase.FUSION, steps=steps, seconds=steps * FUSION_STEP, memory=0))


def phase_costs(
    corpus: Corpus, config: Config, encoders: Mapping[Modality, Architecture | None], machine: Machine
) -> dict[Phase, float]:
    """What the phases from the teacher on cost against one another, so that a whole run has a bar and a time left.

    An encoder that is not known counts as those that are do on average.
    """
    *stages, fusion = stage_costs(corpus, config, encoders, machine)
    usual = fmean([stage.seconds for stage in stages if stage.seconds is not None] or [UNKNOWN])
    costs = {stage.phase: usual if stage.seconds is None else stage.seconds for stage in stages}
    last = fusion.seconds or 0.0
    return costs | {Phase.FUSION: last, Phase.EVALUATING: last / config.stages.fusion.epochs}


def tokens(corpus: Corpus, config: Config, modality: Modality, architecture: Architecture) -> dict[Split, list[int]]:
    """Tokens of every turn's input, as the formula counts them."""
    if modality is Modality.TEXT:
        return {split: _text_tokens(corpus, config.text, split) for split in corpus.splits()}
    if modality is Modality.VISUAL:
        visual = config.visual
        each = visual.frames * (visual.size // architecture.patch) ** 2 + 1
        return {split: [each] * sum(1 for _ in corpus.turns(split)) for split in corpus.splits()}
    rate = config.audio.sample_rate / prod(stride for _, _, stride in architecture.convolutions)
    longest = config.media.limit
    return {
        split: [max(1, round(min(expected_seconds(turn), longest) * rate)) for turn in corpus.turns(split)]
        for split in corpus.splits()
    }


def operations(architecture: Architecture, config: Config, modality: Modality, length: float) -> float:
    """Floating-point operations of one turn's way forward, of `length` tokens."""
    width, layers = architecture.width, architecture.layers
    body = layers * (4 * width * width + 2 * width * architecture.feedforward)
    seen = length
    if modality is Modality.VISUAL:
        body += layers * 5 * width * width  # attention over time stands beside that over space
        seen = float((config.visual.size // architecture.patch) ** 2)
    front = 2 * length * 3 * architecture.patch**2 * width if modality is Modality.VISUAL else 0.0
    if modality is Modality.AUDIO:
        samples = samples_of(architecture, length)
        entering = 1
        for channels, kernel, stride in architecture.convolutions:
            samples /= stride
            front += 2 * samples * channels * entering * kernel
            entering = channels
    return 2 * body * length + 4 * layers * width * length * seen + front


def _encoder_cost(
    corpus: Corpus,
    config: Config,
    modality: Modality,
    architecture: Architecture | None,
    machine: Machine,
    measured: Speed | None,
) -> StageCost:
    phase, stage = config.phase(modality), config.stage(modality)
    train = _labelled(corpus)
    steps = _steps(stage, train)
    if architecture is None:
        return StageCost(phase=phase, steps=steps, seconds=None, memory=None)
    lengths = tokens(corpus, config, modality, architecture)
    every = [length for split in lengths.values() for length in split]
    mean = sum(every) / max(len(every), 1)
    if measured is None:
        bundled = getattr(config, modality).weights.startswith("bundled:")
        forward = operations(architecture, config, modality, mean) / _speed(stage, config.device, machine)
        forward *= BUNDLED[modality] if bundled else 1
        a_turn, a_scoring = 3 * forward, forward
    else:
        a_turn, a_scoring = measured.train, measured.score
    dev = len(lengths.get(Split.DEV, ()))
    seconds = stage.epochs * (train * a_turn + dev * a_scoring) + len(every) * a_scoring
    needed = (measured and measured.memory) or memory(architecture, corpus, config, modality, machine)
    return StageCost(phase=phase, steps=steps, seconds=seconds, memory=needed, measured=measured is not None)


def _labelled(corpus: Corpus) -> int:
    return sum(turn.gold is not None for turn in corpus.turns(Split.TRAIN))


def _steps(stage: StageConfig, turns: int) -> int:
    return ceil(ceil(turns / stage.batch) / stage.accumulate) * stage.epochs


def card(device: str, machine: Machine) -> Gpu | None:
    """The CUDA card of this machine on which a run with this device setting computes, if there is one."""
    number = int(device.partition(":")[2] or 0)
    wanted = device == "auto" or device.startswith("cuda")
    return machine.gpus[number] if wanted and number < len(machine.gpus) else None


def _half(stage: StageConfig, device: str, machine: Machine) -> bool:
    return stage.precision is not Precision.FP32 and card(device, machine) is not None


def _speed(stage: StageConfig, device: str, machine: Machine) -> float:
    if card(device, machine) is None:
        return CPU_SPEED * max(machine.cores - 1, 1)  # a core is left to the window
    return GPU_SPEED * (HALF if _half(stage, device, machine) else 1)


def memory(architecture: Architecture, corpus: Corpus, config: Config, modality: Modality, machine: Machine) -> int:
    """Bytes that training this encoder takes at its peak, with a batch of the longest turns, by the formula."""
    stage = config.stage(modality)
    half = _half(stage, config.device, machine)
    longest = max((n for split in tokens(corpus, config, modality, architecture).values() for n in split), default=0)
    activations: float = SAVED[modality][not half] * architecture.layers * architecture.width * longest
    if modality is Modality.AUDIO:
        samples = samples_of(architecture, longest)
        for channels, _, stride in architecture.convolutions:
            samples /= stride
            activations += SAVED_FRONT_END[not half] * samples * channels
    return LIBRARIES + (18 if half else 16) * architecture.parameters + round(stage.batch * activations)


def samples_of(architecture: Architecture, frames: float) -> float:
    """Samples of sound from which the front end makes so many frames."""
    return frames * prod(stride for _, _, stride in architecture.convolutions)


def _text_tokens(corpus: Corpus, text: TextConfig, split: Split) -> list[int]:
    counted: list[int] = []
    for dialogue in corpus.dialogues:
        if dialogue.split is split:
            own = [SPEAKER + ceil(len(turn.text) / LETTERS) for turn in dialogue.turns]
            counted += [min(text.max_tokens, seen + PROMPT) for seen in _in_context(own, text.context_turns)]
    return counted


def _in_context(own: Sequence[int], limit: int) -> list[int]:
    """Sums over each turn and those before it: all, or `limit` of them."""
    return [sum(own[max(k - limit, 0) if limit else 0 : k + 1]) for k in range(len(own))]


def _disk(folder: Path) -> int:
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()).stat().st_dev
