"""What long work tells whoever walks it: small frozen events of plain numbers and strings."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """What a run is doing, in order."""

    PREPARING = "preparing"
    CACHING = "caching"
    TEACHER = "teacher"
    AUDIO = "audio student"
    VISUAL = "visual student"
    TEXT = "text student"
    FUSION = "fusion"
    EVALUATING = "evaluating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Anything long work may tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Event):
    """A sentence for the log."""

    text: str
    level: str = "info"  # or "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(Event):
    """A phase begins. `steps` is its length in the unit of the `Progress` or `StepDone` that follow, 0 if unknown."""

    phase: Phase
    steps: int = 0
    epochs: int = 0
    turns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """`done` of `total` units of a phase without optimisation (clips decoded, turns embedded, ...)."""

    phase: Phase
    done: int
    total: int
    unit: str = "turns"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(Event):
    """One optimiser step. `step` counts from 1 over the whole stage; losses are of this batch."""

    phase: Phase
    epoch: int
    step: int
    steps: int
    losses: dict[str, float]  # "total", "cls", and for students "response", "feature"
    learning_rate: float
    turns_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone(Event):
    """One epoch trained and scored on dev. Losses are means over the epoch's turns; scores are in per cent."""

    phase: Phase
    epoch: int
    epochs: int
    losses: dict[str, float]
    learning_rate: float
    turns_per_second: float
    dev_weighted_f1: float
    dev_f1: dict[str, float]  # by emotion
    best: bool
    gpu_memory: int = 0  # bytes at the peak, 0 without a GPU


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved(Event):
    """The run can be resumed from here."""

    phase: Phase
    epoch: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDone(Event):
    """A phase is over; `dev_weighted_f1` is its best, in per cent, where it has one."""

    phase: Phase
    seconds: float
    dev_weighted_f1: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPredicted(Event):
    """One turn's prediction record, as in the JSONL that `predict` writes."""

    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """All stages are done. `scores` is what stands in the run's scores.json."""

    run: str
    scores: dict[str, Any] = field(default_factory=dict)
