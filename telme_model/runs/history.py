"""A run's past, folded from its events once for the plot, the log and the command line alike.

Times are seconds on the caller's clock: any zero will do, and no clock is read here.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from telme_model import events
from telme_model.events import EpochDone, Event, Phase, StepDone
from telme_model.files import lines_of
from telme_model.runs.folder import RunError
from telme_model.settings import fault_in

_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}

# A gap between two events is a pause, and says nothing about speed, when it exceeds both of these (chosen, not tuned).
_PAUSE_SECONDS = 60.0
_PAUSE_GAPS = 50.0  # times the mean gap so far


@dataclass(slots=True)
class StageHistory:
    """One phase: its curves (`steps` and `epochs`, in order), how far it is and at what speed."""

    phase: Phase
    total: int = 0  # units (steps, or what Progress counts); 0 if unknown
    done: int = 0
    unit: str = "steps"
    planned_epochs: int = 0
    turns: int = 0
    started: float | None = None
    finished: bool = False
    seconds: float = 0.0  # seen at work: pauses and interruptions left out
    steps: list[StepDone] = field(default_factory=list)
    epochs: list[EpochDone] = field(default_factory=list)
    _units: int = 0  # done in `seconds`
    _gaps: int = 0  # between events, in `seconds`
    _last: float | None = None  # time of the latest event since the phase began or went on

    @property
    def best(self) -> EpochDone | None:
        """The epoch with the highest weighted F1 on dev, the earlier of two alike."""
        return max(self.epochs, key=attrgetter("dev_weighted_f1"), default=None)

    @property
    def fraction(self) -> float | None:
        """How much of the phase is done, from 0 to 1; None if unknown."""
        if self.finished:
            return 1.0
        return min(1.0, self.done / self.total) if self.total > 0 else None

    @property
    def eta(self) -> float | None:
        """Seconds from the latest event to the end of the phase; None before its speed is known."""
        if self.finished:
            return 0.0
        duration, fraction = self.duration, self.fraction
        return None if duration is None or fraction is None else duration * (1 - fraction)

    @property
    def duration(self) -> float | None:
        """Seconds that the whole phase takes at its speed so far; None before that is known."""
        if self._units and self.total > 0:
            return self.seconds / self._units * self.total
        return self.seconds if self.finished else None

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """Steps and values of a loss term ("total", "cls", ...), "learning_rate" or "turns_per_second"."""
        if name in ("learning_rate", "turns_per_second"):
            return [step.step for step in self.steps], [getattr(step, name) for step in self.steps]
        points = [(step.step, step.losses[name]) for step in self.steps if name in step.losses]
        return [x for x, _ in points], [y for _, y in points]

    def epoch_curve(self, name: str) -> tuple[list[int], list[float]]:
        """Epochs and values of "dev_weighted_f1", a loss term's mean over the epoch, or an emotion's F1 on dev."""
        points = [
            (epoch.epoch, {"dev_weighted_f1": epoch.dev_weighted_f1, **epoch.losses, **epoch.dev_f1})
            for epoch in self.epochs
        ]
        return [x for x, y in points if name in y], [y[name] for _, y in points if name in y]

    def start(self, event: events.StageStarted, time: float) -> None:
        """Begin, or go on after an interruption.

        Speed is measured from the first step or unit that follows, which may be any: a resumed run does not
        begin at 1.
        """
        self.total, self.planned_epochs, self.turns = event.steps, event.epochs, event.turns
        self.started = time if self.started is None else self.started
        self.finished, self._last = False, None

    def step(self, event: StepDone, time: float) -> None:
        """A step again after a resume replaces what lay beyond it, so that curves never run backwards."""
        del self.steps[bisect_left(self.steps, event.step, key=attrgetter("step")) :]
        self.steps.append(event)
        self._advance(event.step, event.steps, "steps", time)

    def epoch(self, event: EpochDone, time: float) -> None:
        """As `step`: an epoch again replaces the former one and all later."""
        del self.epochs[bisect_left(self.epochs, event.epoch, key=attrgetter("epoch")) :]
        self.epochs.append(event)
        self._spend(time, 0)  # scoring dev is part of the time that a step takes on average

    def progress(self, event: events.Progress, time: float) -> None:
        """Advance a phase without optimisation; within one that has steps it is not the measure."""
        if self.steps:
            self._spend(time, 0)
        else:
            self._advance(event.done, event.total, event.unit, time)

    def finish(self, event: events.StageDone) -> None:
        """The phase is over; its own seconds count only where no speed was seen."""
        self.finished = True
        if not self._units:
            self.seconds = event.seconds

    def _advance(self, done: int, total: int, unit: str, time: float) -> None:
        self._spend(time, max(0, done - self.done))
        self.done, self.total, self.unit = done, total, unit

    def _spend(self, time: float, units: int) -> None:
        if self._last is not None:
            gap = max(0.0, time - self._last)
            usual = self.seconds / self._gaps if self._gaps else gap
            if gap <= max(_PAUSE_SECONDS, _PAUSE_GAPS * usual):
                self.seconds += gap
                self._units += units
                self._gaps += 1
        self._last = time


class History:
    """Everything a run has told, by phase.

    `plan` gives the phases that the run will go through and their expected cost, in any one unit: with it the
    whole run has a fraction and an ETA, and phases outside it do not count. A planned phase that has not begun
    when a later one has was skipped (what it makes was there already). To follow a resumed run, begin with what
    `read` finds.
    """

    def __init__(self, plan: Mapping[Phase, float] | None = None) -> None:
        self.plan = dict(plan or {})
        self.stages: dict[Phase, StageHistory] = {}
        self.current: StageHistory | None = None
        self.messages: list[tuple[float, events.Message]] = []
        self.checkpoint: events.CheckpointSaved | None = None
        self.result: events.RunFinished | None = None
        self.at_chance: events.TeacherAtChance | None = None
        self.time: float | None = None  # of the latest event

    @classmethod
    def read(cls, path: Path, plan: Mapping[Phase, float] | None = None) -> Self:
        """The history in an events.jsonl. Lines that were cut short by a kill, and unknown events, are skipped."""
        history = cls(plan)
        for line in lines_of(path, RunError):
            try:
                found = event_from_json(json.loads(line))
            except (ValueError, RecursionError):
                continue
            if found is not None:
                history.add(*found)
        return history

    def add(self, event: Event, time: float) -> None:
        """Fold in one event, told at `time`. Events that say nothing about the past are ignored."""
        self.time = time
        match event:
            case events.Message():
                self.messages.append((time, event))
            case events.StageStarted(phase=phase):
                self.current = self._stage(phase)
                self.current.start(event, time)
                self.result = None
            case events.Progress(phase=phase):
                self._stage(phase).progress(event, time)
            case StepDone(phase=phase):
                self._stage(phase).step(event, time)
            case EpochDone(phase=phase):
                self._stage(phase).epoch(event, time)
            case events.StageDone(phase=phase):
                self._stage(phase).finish(event)
            case events.TeacherAtChance():
                self.at_chance = event
            case events.CheckpointSaved():
                self.checkpoint = event
            case events.RunFinished():
                self.result = event

    @property
    def fraction(self) -> float | None:
        """How much of the run's planned cost is done, from 0 to 1; None without a plan."""
        if self.result is not None:
            return 1.0
        cost = sum(self.plan.values())
        return sum(self.plan[phase] * self._done(phase) for phase in self.plan) / cost if cost > 0 else None

    @property
    def eta(self) -> float | None:
        """Seconds from the latest event to the end of the run; None without a plan or before speed is known.

        A phase under way is judged by its own speed, those to come by the seconds that a unit of cost takes in
        the phases seen so far.
        """
        if self.result is not None:
            return 0.0
        durations = {phase: self.stages[phase].duration for phase in self.plan if phase in self.stages}
        known = {phase: seconds for phase, seconds in durations.items() if seconds is not None}
        cost = sum(self.plan[phase] for phase in known)
        if cost <= 0:
            return None
        expected = {phase: seconds * sum(known.values()) / cost for phase, seconds in self.plan.items()} | known
        return sum(expected[phase] * (1 - self._done(phase)) for phase in self.plan)

    @property
    def seconds(self) -> float:
        """How long the run has worked, pauses left out. Caching is within reading and counts once."""
        return sum(stage.seconds for stage in self.stages.values() if stage.total or stage.epochs)

    def _stage(self, phase: Phase) -> StageHistory:
        return self.stages.setdefault(phase, StageHistory(phase))

    def _done(self, phase: Phase) -> float:
        """How much of a planned phase is done, from 0 to 1."""
        if phase in self.stages:
            return self.stages[phase].fraction or 0.0
        order = list(self.plan)
        return float(any(later in self.stages for later in order[order.index(phase) :]))


def seconds_logged(run: Path) -> float:
    """How long the run in this folder has worked, by its log."""
    log = run / "events.jsonl"
    return History.read(log).seconds if log.is_file() else 0.0


def event_to_json(event: Event, time: float) -> dict[str, Any]:
    """One line of events.jsonl: the event's name, its time and its fields."""
    return {"event": type(event).__name__, "time": time, **asdict(event)}


def event_from_json(line: Any) -> tuple[Event, float] | None:
    """The event and time that `event_to_json` wrote; None if it is no event, incomplete, or of an unknown kind.

    Fields that this version does not know are left out.
    """
    name = line.get("event") if isinstance(line, dict) else None
    kind: Any = _EVENTS.get(name) if isinstance(name, str) else None
    if kind is None or fault_in(kind)(line) or fault_in(float)(line.get("time")) or not isfinite(line["time"]):
        return None
    values = {known.name: line[known.name] for known in fields(kind) if known.name in line}
    if "phase" in values:
        values["phase"] = Phase(values["phase"])
    event: Event = kind(**values)
    return event, float(line["time"])
