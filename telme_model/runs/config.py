"""Every setting of a run, typed and readable: what `config.toml` in a run folder holds."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import tomli_w

from telme_model.analysis.models import Models, models_of
from telme_model.corpus.dialogue import Modality
from telme_model.errors import brief
from telme_model.events import Phase
from telme_model.files import read_text
from telme_model.media.decoding import FrameSampling, MediaSettings, OverLong
from telme_model.settings import ConfigError as ConfigError  # what everything here raises
from telme_model.settings import SettingsSection, read, setting, settings_of
from telme_model.settings import to_dict as to_dict


class Pooling(StrEnum):
    """Which position of an encoder's last hidden state is the turn's feature."""

    FIRST = "first"
    MEAN = "mean"


class SpeakerNumbering(StrEnum):
    """How speakers become <s1>..<sN>: by first appearance in the dialogue, or as the released code does it.

    `carried` is what it does for MELD. `turn`: the same where every turn counts as a speaker of its own, as it does
    for IEMOCAP, whose column of speakers holds the turns' names there.
    """

    DIALOGUE = "dialogue"
    CARRIED = "carried"
    TURN = "turn"


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


class EvaluationOrder(StrEnum):
    """Which turns are scored and embedded together: those of like length, or neighbours in the corpus' table."""

    LENGTH = "length"
    TABLE = "table"


class TrainingBatches(StrEnum):
    """Which turns are learnt from together: those of like length, or any."""

    LENGTH = "length"
    RANDOM = "random"


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


class PassPrecision(StrEnum):
    """Arithmetic of a pass that learns nothing: that of the encoder's stage, or one of its own."""

    STAGE = "stage"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


_WEIGHTS = "A name on the Hugging Face hub, or a folder."
_FOLDER = "name a folder, or an encoder on the hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig(SettingsSection):
    """The text encoder and its input (section 3.2.2, equations 1-3)."""

    weights: str = setting("roberta-large", "Text encoder", _WEIGHTS, must=_FOLDER, pattern=r".*\S.*")
    prompt: bool = setting(
        True, "Prompt", "Ends the input with “Now <speaker> feels <mask>” and reads F_T at the mask (equation 2)."
    )
    context_turns: int = setting(
        0, "Turns of context", "Turns before this one that are read; 0 reads all.", "turns", at_least=0
    )
    speakers: SpeakerNumbering = setting(
        SpeakerNumbering.DIALOGUE,
        "Speaker numbers",
        "Counted within each dialogue, or as the released code does: carried over, or every turn another.",
    )
    repaired: bool = setting(
        True,
        "Repaired words",
        "Mends apostrophes and dashes that a wrong encoding damaged; the released code reads them as they are.",
    )
    layout: TextLayout = setting(
        TextLayout.PAPER, "Text layout", "The paper's input, or the released code's: left padding, no first token."
    )
    # 16: the prompt, and a little to feel about
    max_tokens: int = setting(512, "Longest input", "Tokens; the oldest are left out beyond it.", "tokens", at_least=16)
    speaker_tokens: int = setting(
        9, "Speaker tokens", "How many speakers of a dialogue have a token of their own.", above=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioConfig(SettingsSection):
    """The audio encoder and its input (equation 4)."""

    weights: str = setting(
        "facebook/data2vec-audio-base-960h", "Audio encoder", _WEIGHTS, must=_FOLDER, pattern=r".*\S.*"
    )
    pooling: Pooling = setting(
        Pooling.FIRST, "Audio feature", "F_a is read at the first frame, or as the mean over frames (equation 4)."
    )
    sample_rate: int = setting(
        16_000, "Sample rate", "Samples a second that the encoder hears; its weights expect 16000.", "Hz", above=0
    )
    max_seconds: float = setting(30.0, "Longest sound", "Seconds of a turn's sound at most.", "seconds", above=0)
    padding: AudioPadding = setting(
        AudioPadding.MASKED,
        "Audio padding",
        "Masked, so that it changes nothing, or plain zeros on the left (released code).",
    )
    mask_frames: int = setting(
        0,
        "Masked at once",
        "Frames that SpecAugment hides together in training; 0 leaves it to the encoder, the released code takes 3.",
        "frames",
        at_least=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualConfig(SettingsSection):
    """The visual encoder and its input (equation 5)."""

    weights: str = setting(
        "facebook/timesformer-base-finetuned-k400", "Visual encoder", _WEIGHTS, must=_FOLDER, pattern=r".*\S.*"
    )
    pooling: Pooling = setting(
        Pooling.FIRST, "Visual feature", "F_v is read at the first position, or as the mean (equation 5)."
    )
    frames: int = setting(8, "Frames", "Pictures of a turn that the encoder sees; its weights expect 8.", above=0)
    size: int = setting(224, "Picture size", "Pixels a side; the encoder's weights expect 224.", "pixels", above=0)
    sampling: FrameSampling = setting(
        FrameSampling.EVEN,
        "Frame choice",
        "Evenly over the turn, or counted as the released code does; official is what 0.1.0 took for that.",
    )
    margin: float = setting(
        0.0, "Margin", "Seconds before and after a turn's window of a film that are seen too.", "seconds", at_least=0
    )
    channels: Channels = setting(
        Channels.RGB, "Colour order", "RGB, as the weights were trained, or BGR as the released code feeds them."
    )
    normalisation: Normalisation = setting(
        Normalisation.TIMESFORMER,
        "Pixel scale",
        "Mean and deviation: TimeSformer's own, or ImageNet's (released code).",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig(SettingsSection):
    """How one stage is optimised: AdamW, linear schedule with warm-up, clipping."""

    epochs: int = setting(10, "Epochs", "Passes over the training turns; the best on dev is kept.", above=0)
    batch: int = setting(4, "Batch", "Turns at once: what memory grows with.", "turns", above=0)
    learning_rate: float = setting(1e-5, "Learning rate", "AdamW's rate at its peak.", above=0)
    warmup: float = setting(0.1, "Warm-up", "Share of the steps over which the rate rises from 0.", at_least=0, below=1)
    schedule: StepCount = setting(
        StepCount.STEPS, "Schedule counts", "Optimiser steps, or samples as the released code does."
    )
    batches: TrainingBatches = setting(
        TrainingBatches.LENGTH,
        "Batches of",
        "Turns of like length, which saves padding, or any at random (released code).",
    )
    weight_decay: float = setting(0.01, "Weight decay", "How strongly AdamW pulls weights towards 0.", at_least=0)
    clip: float = setting(10.0, "Gradient clip", "The gradient's norm is cut to this.", above=0)
    clip_scaled: bool = setting(
        False, "Clip before unscaling", "Clips the fp16 gradient while it is still scaled (released code)."
    )
    patience: int = setting(
        0, "Patience", "Epochs without a better dev score before the stage ends; 0 runs them all.", "epochs", at_least=0
    )
    accumulate: int = setting(
        1, "Accumulate", "Batches to a step: a larger batch without its memory.", "batches", above=0
    )
    precision: Precision = setting(
        Precision.AUTO, "Precision", "auto is bf16 on a GPU that has it, else fp16; fp32 on a processor."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The optimisation of each stage; the teacher's holds for whichever modality leads."""

    teacher: StageConfig = StageConfig()
    text: StageConfig = StageConfig()
    audio: StageConfig = StageConfig()
    visual: StageConfig = StageConfig()
    fusion: StageConfig = StageConfig()


class AtChance(StrEnum):
    """What follows where the teacher is at chance on dev (`analysis/chance.py`)."""

    DISTIL = "distil"
    PLAIN = "plain"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationConfig(SettingsSection):
    """L_student = L_cls + alpha L_response + beta L_feature (equation 6); 0 switches a term off."""

    alpha: float = setting(
        1.0,
        "Weight of L_response",
        "How much students follow the teacher's probabilities; 0 is off (equation 6).",
        at_least=0,
    )
    beta: float = setting(
        1.0,
        "Weight of L_feature",
        "How much students follow the teacher's features; 0 is off (equation 6).",
        at_least=0,
    )
    tau_response: float = setting(
        4.0, "Response temperature", "Softens the probabilities that are compared (equations 7 to 12).", above=0
    )
    tau_feature: float = setting(
        1.0, "Feature temperature", "Softens the similarities that are compared (equations 13 to 15).", above=0
    )
    teacher_precision: PassPrecision = setting(
        PassPrecision.STAGE,
        "Teacher's precision",
        "Arithmetic of the outputs that students learn from: the teacher's own, or fp16 (released code).",
    )
    at_chance: AtChance = setting(
        AtChance.DISTIL,
        "A teacher at chance",
        "Where the teacher is no better than a guess on dev: distil all the same, train plain students without it, or "
        "stop.",
    )

    @property
    def off(self) -> bool:
        """Whether students learn nothing from the teacher."""
        return self.alpha == self.beta == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionConfig(SettingsSection):
    """The fusion (equations 16-19)."""

    kind: FusionKind = setting(FusionKind.ASF, "Fusion", "Attention-based shifting, as in the paper, or a plainer way.")
    theta: float = setting(
        0.1, "Theta", "The shift is at most theta times the teacher's norm (equation 19).", at_least=0
    )
    heads: int = setting(3, "Attention heads", "Of the fusion's self-attention; they divide its width.", above=0)
    dropout: float = setting(
        0.2, "Dropout", "Share of the attention's weights that is left out in training.", at_least=0, below=1
    )
    attention: AttentionScope = setting(
        AttentionScope.TURN, "Attention over", "What the self-attention ranges over; the released code's is the batch."
    )
    normalised: bool = setting(
        False, "Residual and norms", "Adds the released code's residual, LayerNorms and gate order."
    )
    swapped: bool = setting(
        False,
        "Swapped students",
        "Takes the students in reverse order except in training, as the released code does for IEMOCAP.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(SettingsSection):
    """One training of the pipeline."""

    preset: str = setting(
        "paper-meld", "Preset", "The named configuration that everything else is a change of.", must="be a name"
    )
    dim: int = setting(
        768, "Feature width", "Size of F_T, F_a and F_v; an encoder of another width gets a projection.", above=0
    )
    teacher: Modality = setting(
        Modality.TEXT, "Teacher", "The modality that teaches the others and leads the fusion; the paper's is text."
    )
    students: tuple[Modality, ...] = setting(
        (Modality.AUDIO, Modality.VISUAL),
        "Students",
        "The modalities that learn from the teacher and shift its features.",
    )
    over_long: OverLong = setting(
        OverLong.CAP,
        "Over-long clips",
        "A clip beyond the longest sound is cut there, becomes black or zero pixels (released code), or is used whole.",
    )
    seed: int = setting(
        0,
        "Seed",
        "What everything random begins with.",
        at_least=0,
        below=2**63,  # what PyTorch takes
    )
    device: str = setting(
        "auto",
        "Device",
        "Where it computes: auto is the first GPU, else the processor.",
        must="be auto, cpu, cuda, cuda:N or mps",
        pattern=r"auto|cpu|mps|cuda(:\d+)?",
    )
    evaluation_batch: int = setting(
        16,
        "Scoring batch",
        "Turns that are scored at once; changes speed and memory only, unless they are taken in the table's order.",
        "turns",
        above=0,
    )
    evaluation_order: EvaluationOrder = setting(
        EvaluationOrder.LENGTH,
        "Scored together",
        "Turns of like length, or neighbours in the corpus' table, which tells with padding on the left.",
    )
    evaluation_precision: PassPrecision = setting(
        PassPrecision.STAGE,
        "Scoring precision",
        "Arithmetic in which turns are scored and embedded: the stage's, or fp32 (released code).",
    )
    background_turns: int = setting(
        16, "Background turns", "Training turns that stand for an absent modality in Shapley shares.", "turns", above=0
    )
    checkpoint_steps: int = setting(
        200,
        "Steps to a checkpoint",
        "What a killed run loses, in steps; more where a checkpoint takes seconds to write.",
        "steps",
        above=0,
    )
    text: TextConfig = TextConfig()
    audio: AudioConfig = AudioConfig()
    visual: VisualConfig = VisualConfig()
    stages: Stages = Stages()
    distillation: DistillationConfig = DistillationConfig()
    fusion: FusionConfig = FusionConfig()

    def __post_init__(self) -> None:
        """Check the ranges, and what one setting asks of another."""
        SettingsSection.__post_init__(self)
        if self.teacher in self.students:
            sentence = f"students names {self.teacher}, which is the teacher and cannot be its own student"
            raise ConfigError(sentence, key="students")
        if len(set(self.students)) != len(self.students):
            raise ConfigError("students names a modality twice", key="students")
        scope, heads = self.fusion.attention, self.fusion.heads
        width = self.dim * (1 if scope is AttentionScope.MODALITIES else max(len(self.students), 1))
        if self.fusion.kind is FusionKind.ASF and width % heads:
            sentence = f"fusion.heads is {heads}, which does not divide the attention's width of {width}"
            raise ConfigError(sentence, key="fusion.heads")

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
            margin=self.visual.margin,
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
        for text in settings:
            path, sign, value = text.partition("=")
            key = path.strip()
            if not sign:
                raise ConfigError(f"'{text}' is not of the form key=value")
            if key not in SETTINGS:
                raise ConfigError(f"there is no setting '{key}'; train --help-settings lists them all")
            branch: Any = tree
            *path_, name = key.split(".")
            for part in path_:
                branch = branch[part]
            branch[name] = _parse(value.strip(), branch[name], key)
        return from_dict(tree)


SETTINGS = {found.path: found for found in settings_of(Config)}  # as they are described, by their full name


def _parse(text: str, current: Any, key: str) -> Any:
    if isinstance(current, str):
        return text
    if isinstance(current, list):
        return [name for part in text.strip("[]").split(",") if (name := part.strip(" '\""))]
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (ValueError, RecursionError):
        raise ConfigError(f"{key} cannot be {brief(text)}; it is {current} now", key=key) from None


LARGEST = 1 << 20  # bytes of a config.toml


def from_dict(tree: Mapping[str, Any]) -> Config:
    """The inverse of `to_dict`; absent settings take their defaults. Raises ConfigError naming the setting."""
    return read(Config, tree)


def read_config(path: Path) -> Config:
    """Read a `config.toml`. Raises ConfigError naming the file and the setting."""
    text = read_text(path, LARGEST, ConfigError)
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    try:
        return from_dict(tree)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def to_toml(config: Config) -> str:
    """The text of a `config.toml`."""
    return tomli_w.dumps(to_dict(config))
