"""What is known of an earlier run, read from its folder without torch; a broken folder tells why it cannot be read."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from telme_model.corpus.dialogue import Split
from telme_model.events import Event, Phase
from telme_model.runs import catalogue
from telme_model.runs.folder import NOTE, RunError, RunFolder
from telme_model.runs.history import seconds_logged
from telme_model.runs.names import corpus_name, run_name
from telme_model.runs.plan import Plan

Stamp = tuple[int, ...]
_FILES = ("run.json", "config.toml", "scores.json", "events.jsonl", NOTE)


class RunState(StrEnum):
    """How a run stands."""

    FINISHED = "finished"
    TRAINING = "training"
    UNFINISHED = "unfinished"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """One model's scores on a split, in per cent; the bounds are those of the 95 % interval of weighted F1."""

    model: str  # "teacher", "audio", ..., "fused"
    weighted_f1: float
    low: float | None = None
    high: float | None = None
    macro_f1: float
    accuracy: float
    turns: int

    def __str__(self) -> str:
        """Weighted F1, and half of its interval where it has one."""
        half = "" if self.low is None or self.high is None else f" ± {(self.high - self.low) / 2:.1f}"
        return f"{self.weighted_f1:.1f}{half}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run, as the list shows it."""

    path: Path
    state: RunState
    reason: str = ""  # why it is broken
    preset: str = ""
    seed: int | None = None
    corpus: str = ""
    created: datetime | None = None
    at: Phase | None = None  # the phase that an unfinished run is to go on with
    dev: Mapping[str, ModelScore] = field(default_factory=dict)  # by model, as `test`
    test: Mapping[str, ModelScore] = field(default_factory=dict)
    seconds: float = 0.0  # at work, pauses left out
    note: str = ""
    stamp: Stamp = ()  # of its files, by which it is read anew only when they changed

    @property
    def name(self) -> str:
        """How it is called: the folder's name."""
        return run_name(self.path)

    @property
    def standing(self) -> str:
        """How it stands, in words."""
        return f"{self.state}, at {self.at}" if self.at else str(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRead(Event):
    """A run of the list was read."""

    facts: RunFacts


def read_runs(paths: Sequence[Path], known: Mapping[Path, RunFacts]) -> Generator[Event, None, bool]:
    """Read each run, one event a run; True at the end. Those that are known and did not change are told at once."""
    for path in paths:
        facts = known.get(path)
        if facts is None or facts.stamp != stamp_of(path):
            facts = read_run(path)
        elif facts.state in (RunState.TRAINING, RunState.UNFINISHED):
            facts = replace(facts, state=_unfinished(RunFolder(path)))
        yield RunRead(facts=facts)
    return True


def read_run(path: Path) -> RunFacts:
    """A run's facts; whatever is wrong with the folder is its reason."""
    stamp = stamp_of(path)
    try:
        return replace(_read(path), stamp=stamp)
    except (RunError, OSError) as error:
        reason = str(error)
    except (KeyError, TypeError, ValueError, AttributeError):
        reason = f"{path / 'run.json'} or a file beside it is damaged: put a copy back, or delete the run"
    return RunFacts(path=path, state=RunState.BROKEN, reason=reason, stamp=stamp)


def stamp_of(path: Path) -> Stamp:
    """Changes with the run's small files."""
    times = []
    for name in _FILES:
        try:
            times.append((path / name).stat().st_mtime_ns)
        except OSError:
            times.append(0)
    return tuple(times)


def command(facts: RunFacts) -> str:
    """What trains such a run on the command line; what goes on with it, where it is unfinished. Raises RunError."""
    plan = Plan.resuming(facts.path)
    if facts.state is RunState.FINISHED:
        source = RunFolder(facts.path).facts.get("warm_start")
        plan = replace(plan, resume=False, warm_start=(facts.path / str(source)).resolve() if source else None)
    return plan.command()


def _read(path: Path) -> RunFacts:
    folder = RunFolder.open(path)
    config, facts = folder.config, folder.facts
    left = [phase for phase in config.phases if phase not in facts["stages"]]
    scored = (path / "scores.json").is_file()
    finished = scored and not left
    created = str(facts.get("created", ""))
    scores = folder.read_json("scores.json") if scored else {}
    return RunFacts(
        path=path,
        state=RunState.FINISHED if finished else _unfinished(folder),
        preset=config.preset,
        seed=config.seed,
        corpus=corpus_name(catalogue.corpus_of(folder))[0] if facts["corpus"].get("root", ".") else "",
        created=datetime.strptime(created, "%Y-%m-%dT%H:%M:%S%z") if created else None,
        at=None if finished else (left[0] if left else Phase.EVALUATING),
        dev=model_scores(scores, Split.DEV),
        test=model_scores(scores, Split.TEST),
        seconds=seconds_logged(path),
        note=folder.note,
    )


def model_scores(scores: Mapping[str, Any], split: Split) -> dict[str, ModelScore]:
    """What a run's scores.json says of a split, by model; empty where it says nothing."""
    found = {}
    for model, values in scores.get(split, {}).items():
        interval = (values.get("intervals") or {}).get("weighted_f1") or {}
        found[str(model)] = ModelScore(
            model=str(model),
            weighted_f1=float(values["weighted_f1"]),
            low=interval.get("low"),
            high=interval.get("high"),
            macro_f1=values["macro_f1"],
            accuracy=values["accuracy"],
            turns=values["turns"],
        )
    return found


def _unfinished(folder: RunFolder) -> RunState:
    return RunState.TRAINING if folder.in_training else RunState.UNFINISHED
