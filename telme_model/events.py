"""What long work tells whoever walks it: small frozen events of plain numbers and strings."""

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

Result = TypeVar("Result")


def drained(work: "Generator[Event, None, Result]") -> Result:
    """Walk work whose events nobody asks for, to what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


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
class TeacherAtChance(Event):
    """The teacher is no better on dev than a guess, before anything is distilled from it. Scores are in per cent."""

    weighted_f1: float
    majority: str  # the emotion of train that is most frequent
    majority_f1: float  # of saying that always
    shuffled_f1: float  # of the teacher's own answers, dealt out to other turns
    turns: int
    follows: str  # what does: "distil", "plain", "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPredicted(Event):
    """One turn's prediction record, as in the JSONL that `predict` writes."""

    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """All stages are done. `scores` is what stands in the run's scores.json."""

    run: str
    scores: dict[str, Any] = field(default_factory=dict)
