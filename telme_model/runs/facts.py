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
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.history import seconds_logged
from telme_model.runs.names import corpus_name, run_name
from telme_model.runs.plan import Plan

Stamp = tuple[int, ...]
_FILES = ("run.json", "config.toml", "scores.json", "events.jsonl")


class RunState(StrEnum):
    """How a run stands."""

    FINISHED = "finished"
    TRAINING = "training"
    UNFINISHED = "unfinished"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Score:
    """A weighted F1 in per cent, and half of its interval where it has one."""

    value: float
    half: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.1f}" if self.half is None else f"{self.value:.1f} ± {self.half:.1f}"


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
    test: Mapping[str, Score] = field(default_factory=dict)  # weighted F1 on test, by model
    seconds: float = 0.0  # at work, pauses left out
    stamp: Stamp = ()  # of its files, by which it is read anew only when they changed

    @property
    def name(self) -> str:
        """How it is called: the folder's name."""
        return run_name(self.path)


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
    return RunFacts(
        path=path,
        state=RunState.FINISHED if finished else _unfinished(folder),
        preset=config.preset,
        seed=config.seed,
        corpus=corpus_name(catalogue.corpus_of(folder))[0],
        created=datetime.strptime(created, "%Y-%m-%dT%H:%M:%S%z") if created else None,
        at=None if finished else (left[0] if left else Phase.EVALUATING),
        test=_scores(folder.read_json("scores.json")) if scored else {},
        seconds=seconds_logged(path),
    )


def _unfinished(folder: RunFolder) -> RunState:
    return RunState.TRAINING if folder.in_training else RunState.UNFINISHED


def _scores(tree: Mapping[str, Any]) -> dict[str, Score]:
    found = {}
    for model, of in tree.get(Split.TEST, {}).items():
        interval = (of.get("intervals") or {}).get("weighted_f1")
        half = (interval["high"] - interval["low"]) / 2 if interval else None
        found[str(model)] = Score(float(of["weighted_f1"]), half)
    return found
