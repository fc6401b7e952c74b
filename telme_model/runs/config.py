"""Every setting of a run, typed and readable: what `config.toml` in a run folder holds."""

import dataclasses
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import tomli_w

from telme_model.analysis.models import Models, models_of
from telme_model.corpus.dialogue import Modality
from telme_model.errors import StudioError
from telme_model.events import Phase
from telme_model.media.decoding import FrameSampling, MediaSettings, OverLong


class ConfigError(StudioError, ValueError):
    """A setting that cannot work; the message says which, why, and what is allowed."""


class Pooling(StrEnum):
    """Which position of an encoder's last hidden state is the turn's feature."""

    FIRST = "first"
    MEAN = "mean"


class SpeakerNumbering(StrEnum):
    """How speakers become <s1>..<sN>: by first appearance in the dialogue, or as the released code does it."""

    DIALOGUE = "dialogue"
    CARRIED = "carried"


class TextLayout(StrEnum):
    """`paper`: <s> context </s> prompt. `official`: no <s>, the last 511 pieces, then the mask, left padding."""

    PAPER = "paper"
    OFFICIAL = "official"


class AudioPadding(StrEnum):
    """`masked`: padding cannot matter. `left`: zeros on the left without a mask, as the released code does it."""

    MASKED = "masked"
    LEFT = "left"


class Channels(StrEnum):
    """Order of the colour channels that the visual encoder sees."""

    RGB = "rgb"
    BGR = "bgr"


class Normalisation(StrEnum):
    """Mean and deviation of pixels: TimeSformer's own (.45, .225), or ImageNet's, as VideoMAE's processor has them."""

    TIMESFORMER = "timesformer"
    IMAGENET = "imagenet"


class FusionKind(StrEnum):
    """How the modalities are joined: attention-based shifting (the paper's), or one of the plain ways."""

    ASF = "asf"
    CONCATENATION = "concatenation"
    PRODUCT = "product"
    WEIGHTED_SUM = "weighted_sum"


class AttentionScope(StrEnum):
    """What the fusion's self-attention ranges over (see `fusion.py`)."""

    TURN = "turn"
    BATCH = "batch"
    MODALITIES = "modalities"
    DIALOGUE = "dialogue"


class StepCount(StrEnum):
    """What the schedule counts: real optimiser steps, or samples, as the released code does it."""

    STEPS = "steps"
    SAMPLES = "samples"


class Precision(StrEnum):
    """Arithmetic of the forward pass; `auto` is bf16 on a GPU that has it, else fp16 on a GPU, fp32 on a CPU.

    In fp32, PyTorch still computes convolutions in TF32 on cards that have it.
    """

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def _positive(owner: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:  # NaN is not, either
            raise ConfigError(f"{owner}.{name} is {value}; it has to be above 0 and finite")


def _not_negative(owner: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ConfigError(f"{owner}.{name} is {value}; it has to be at least 0 and finite")


def _named(owner: str, **values: str) -> None:
    for name, value in values.items():
        if not value.strip():
            raise ConfigError(f"{owner}.{name} is empty; it has to name a folder, or an encoder on the hub")


def _share(owner: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ConfigError(f"{owner}.{name} is {value}; it has to be at least 0 and below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """The text encoder and its input (section 3.2.2, equations 1-3)."""

    weights: str = "roberta-large"
    prompt: bool = True
    context_turns: int = 0  # how many turns before this one are seen at most; 0 = all since the dialogue's start
    speakers: SpeakerNumbering = SpeakerNumbering.DIALOGUE
    layout: TextLayout = TextLayout.PAPER
    max_tokens: int = 512
    speaker_tokens: int = 9

    def __post_init__(self) -> None:
        """Check the ranges."""
        _named("text", weights=self.weights)
        _positive("text", speaker_tokens=self.speaker_tokens)
        _not_negative("text", context_turns=self.context_turns)
        if self.max_tokens < 16:  # the prompt, and a little to feel about
            raise ConfigError(f"text.max_tokens is {self.max_tokens}; it has to be at least 16")


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioConfig:
    """The audio encoder and its input (equation 4)."""

    weights: str = "facebook/data2vec-audio-base-960h"
    pooling: Pooling = Pooling.FIRST
    sample_rate: int = 16_000
    max_seconds: float = 30.0
    padding: AudioPadding = AudioPadding.MASKED

    def __post_init__(self) -> None:
        """Check the ranges."""
        _named("audio", weights=self.weights)
        _positive("audio", sample_rate=self.sample_rate, max_seconds=self.max_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualConfig:
    """The visual encoder and its input (equation 5)."""

    weights: str = "facebook/timesformer-base-finetuned-k400"
    pooling: Pooling = Pooling.FIRST
    frames: int = 8
    size: int = 224
    sampling: FrameSampling = FrameSampling.EVEN
    channels: Channels = Channels.RGB
    normalisation: Normalisation = Normalisation.TIMESFORMER

    def __post_init__(self) -> None:
        """Check the ranges."""
        _named("visual", weights=self.weights)
        _positive("visual", frames=self.frames, size=self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """How one stage is optimised: AdamW, linear schedule with warm-up, clipping."""

    epochs: int = 10
    batch: int = 4
    learning_rate: float = 1e-5
    warmup: float = 0.1
    schedule: StepCount = StepCount.STEPS
    weight_decay: float = 0.01
    clip: float = 10.0
    clip_scaled: bool = False  # clip the gradient before it is unscaled (fp16), as the released code does
    patience: int = 0  # epochs without a better dev score before stopping early; 0 = never
    accumulate: int = 1  # batches a step
    precision: Precision = Precision.AUTO

    def check(self, owner: str) -> None:
        """Check the ranges. Raises ConfigError naming `owner`, which a stage itself does not know."""
        _positive(owner, epochs=self.epochs, batch=self.batch, learning_rate=self.learning_rate, clip=self.clip)
        _positive(owner, accumulate=self.accumulate)
        _not_negative(owner, weight_decay=self.weight_decay, patience=self.patience)
        _share(owner, warmup=self.warmup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The optimisation of each stage; the teacher's holds for whichever modality leads."""

    teacher: StageConfig = field(default_factory=StageConfig)
    text: StageConfig = field(default_factory=StageConfig)
    audio: StageConfig = field(default_factory=StageConfig)
    visual: StageConfig = field(default_factory=StageConfig)
    fusion: StageConfig = field(default_factory=StageConfig)

    def __post_init__(self) -> None:
        """Check the ranges."""
        for stage in dataclasses.fields(self):
            getattr(self, stage.name).check(f"stages.{stage.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationConfig:
    """L_student = L_cls + alpha L_response + beta L_feature (equation 6); 0 switches a term off."""

    alpha: float = 1.0
    beta: float = 1.0
    tau_response: float = 4.0
    tau_feature: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        _positive("distillation", tau_response=self.tau_response, tau_feature=self.tau_feature)
        _not_negative("distillation", alpha=self.alpha, beta=self.beta)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionConfig:
    """The fusion (equations 16-19)."""

    kind: FusionKind = FusionKind.ASF
    theta: float = 0.1
    heads: int = 3
    dropout: float = 0.2
    attention: AttentionScope = AttentionScope.TURN
    normalised: bool = False  # residual, LayerNorms, gate order and epsilon of the released code

    def __post_init__(self) -> None:
        """Check the ranges."""
        _positive("fusion", heads=self.heads)
        _share("fusion", dropout=self.dropout)
        _not_negative("fusion", theta=self.theta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One training of the pipeline."""

    preset: str = "paper-meld"
    dim: int = 768
    teacher: Modality = Modality.TEXT
    students: tuple[Modality, ...] = (Modality.AUDIO, Modality.VISUAL)
    over_long: OverLong = OverLong.CAP
    seed: int = 0
    device: str = "auto"
    evaluation_batch: int = 16
    background_turns: int = 16  # training turns that stand for an absent modality in the Shapley shares
    checkpoint_steps: int = 200  # steps between two states that a killed run resumes from; more if slow
    text: TextConfig = field(default_factory=TextConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    visual: VisualConfig = field(default_factory=VisualConfig)
    stages: Stages = field(default_factory=Stages)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)

    def __post_init__(self) -> None:
        """Check what one setting asks of another."""
        _positive("config", dim=self.dim, evaluation_batch=self.evaluation_batch)
        _positive("config", background_turns=self.background_turns, checkpoint_steps=self.checkpoint_steps)
        if not 0 <= self.seed < 2**63:  # what PyTorch takes
            raise ConfigError(f"config.seed is {self.seed}; it has to be at least 0 and below 2^63")
        if self.teacher in self.students:
            raise ConfigError(f"students names {self.teacher}, which is the teacher and cannot be its own student")
        if len(set(self.students)) != len(self.students):
            raise ConfigError("students names a modality twice")
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", self.device):
            raise ConfigError(f"device is '{self.device}'; it has to be auto, cpu, cuda, cuda:N or mps")
        scope, heads = self.fusion.attention, self.fusion.heads
        width = self.dim * (1 if scope is AttentionScope.MODALITIES else max(len(self.students), 1))
        if self.fusion.kind is FusionKind.ASF and width % heads:
            raise ConfigError(f"fusion.heads is {heads}, which does not divide the attention's width of {width}")

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that take part, in the order in which everything lists them."""
        return self.models.modalities

    @property
    def models(self) -> Models:
        """What this run has models of."""
        return models_of(self.teacher, self.students, shifting=self.fusion.kind is FusionKind.ASF)

    @property
    def media(self) -> MediaSettings:
        """How clips are decoded for this run."""
        return MediaSettings(
            frames=self.visual.frames,
            size=self.visual.size,
            sampling=self.visual.sampling,
            sample_rate=self.audio.sample_rate,
            max_seconds=self.audio.max_seconds,
            over_long=self.over_long,
        )

    def stage(self, modality: Modality) -> StageConfig:
        """The optimisation of `modality`'s encoder, as teacher or as student."""
        chosen: StageConfig = getattr(self.stages, self.models[modality].stage)
        return chosen

    def phase(self, modality: Modality) -> Phase:
        """When `modality`'s encoder is trained, as teacher or as student."""
        return self.models[modality].phase

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that leave something finished in the run, in order."""
        return (*(self.phase(modality) for modality in (self.teacher, *self.students)), Phase.FUSION)

    def with_settings(self, settings: Iterable[str]) -> "Config":
        """A copy with settings such as `fusion.theta=0.2` or `stages.audio.epochs=3`. Raises ConfigError."""
        tree = to_dict(self)
        for setting in settings:
            key, sign, text = setting.partition("=")
            if not sign:
                raise ConfigError(f"'{setting}' is not of the form key=value")
            *path, name = key.strip().split(".")
            branch: Any = tree
            for part in path:
                branch = branch.get(part) if isinstance(branch, dict) else None
            if not isinstance(branch, dict) or name not in branch or isinstance(branch[name], dict):
                raise ConfigError(f"there is no setting '{key}'; config.toml in any run folder lists them all")
            branch[name] = _parse(text.strip(), branch[name], key)
        return from_dict(tree)


def _parse(text: str, current: Any, key: str) -> Any:
    if isinstance(current, str):
        return text
    if isinstance(current, list):
        return [name for part in text.strip("[]").split(",") if (name := part.strip(" '\""))]
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        raise ConfigError(f"{key} cannot be '{text}'; it is {current} now") from None


def to_dict(config: Any) -> dict[str, Any]:
    """Plain dictionaries, lists, strings and numbers, as TOML has them."""
    tree: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            tree[item.name] = to_dict(value)
        elif isinstance(value, tuple):
            tree[item.name] = [str(part) for part in value]
        else:
            tree[item.name] = str(value) if isinstance(value, StrEnum) else value
    return tree


def _convert(kind: Any, value: Any, key: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ConfigError(f"{key} has to be a table of settings, not {value!r}")
        return _build(kind, value, f"{key}.")
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ConfigError(f"{key} is '{value}'; it has to be one of {', '.join(kind)}")
        return kind(value)
    if get_args(kind):  # tuple[Modality, ...]
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{key} has to be a list, not {value!r}")
        return tuple(_convert(get_args(kind)[0], part, key) for part in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{key} is {value!r}; it has to be {_words(kind)}")
    return value


def _words(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotes"}[kind]


def _build(kind: Any, tree: Mapping[str, Any], prefix: str = "") -> Any:
    hints = get_type_hints(kind)
    unknown = [key for key in tree if key not in hints]
    if unknown:
        raise ConfigError(f"there is no setting '{prefix}{unknown[0]}'; known here: {', '.join(hints)}")
    return kind(**{key: _convert(hints[key], value, prefix + key) for key, value in tree.items()})


def from_dict(tree: Mapping[str, Any]) -> Config:
    """The inverse of `to_dict`; absent settings take their defaults. Raises ConfigError naming the setting."""
    config: Config = _build(Config, tree)
    return config


def read_config(path: Path) -> Config:
    """Read a `config.toml`. Raises ConfigError naming the file and the setting."""
    try:
        return from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def to_toml(config: Config) -> str:
    """The text of a `config.toml`."""
    return tomli_w.dumps(to_dict(config))
