"""What a run came to: its scores with their intervals, what it left out, and the run before it on the same corpus."""

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telme_model.analysis.evaluation import compare_runs
from telme_model.analysis.models import TITLES
from telme_model.corpus.dialogue import Split
from telme_model.events import Event, Message
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.history import seconds_logged
from telme_model.runs.records import run_records

# The path that the sentence on a clip begins with: to the name's ending, which a verb follows.
_CLIP = re.compile(r"^(?:/|\\\\|\w:\\).*\.\w+ (?=(?:is|has|does|cannot|holds|announces) )", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One model's test scores, in per cent; the bounds are those of the 95 % interval of weighted F1."""

    model: str  # its key in a record
    weighted_f1: float
    low: float | None
    high: float | None
    macro_f1: float
    accuracy: float
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """Turns without a modality, or more than one, all for the same reason."""

    modality: str  # "audio", "audio and visual"
    reason: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The fused predictions against those of the run before, paired over the dialogues' bootstrap."""

    run: Path
    difference: float  # of weighted F1, in points: above 0 the new run is better
    low: float
    high: float
    p: float
    turns: int  # that both predicted
    changed: int  # that they predict differently


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A finished run at a glance."""

    run: Path
    split: Split  # test, or dev where the corpus has no test
    scores: tuple[Score, ...]
    excluded: tuple[Excluded, ...]
    over_long: int  # turns that were cut or blanked for their length
    seconds: float  # at work
    before: Comparison | None  # None where no run came before


def summarise(run: Path, others: Iterable[Path]) -> Generator[Event, None, Summary]:
    """The summary of a finished run; `others` are the runs among which the one before is looked for. Raises RunError.

    To be walked on a thread: the comparison takes a second or two.
    """
    yield Message(text=f"summing up {run.name}")
    folder = RunFolder.open(run)
    facts, tree = folder.facts, folder.read_json("scores.json")
    split = Split.TEST if Split.TEST in tree else Split.DEV
    before = _before(folder, others)
    return Summary(
        run=run,
        split=split,
        scores=tuple(_score(model, tree[split][model]) for model in TITLES if model in tree.get(split, {})),
        excluded=excluded(facts.get("excluded", ())),
        over_long=len(facts.get("over_long", ())),
        seconds=seconds_logged(run),
        before=None if before is None else _compare(run, before, split),
    )


def excluded(entries: Iterable[Mapping[str, str]]) -> tuple[Excluded, ...]:
    """What a run's facts tell of turns that lack a modality, the commonest reason first."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        reason = _CLIP.sub("its clip ", entry["reason"].removesuffix("."))
        lacking.setdefault((entry["turn"], reason), []).append(entry["modality"])
    groups: dict[tuple[str, str], list[str]] = {}
    for (turn, reason), modalities in lacking.items():
        groups.setdefault((" and ".join(modalities), reason), []).append(turn)
    found = [Excluded(modality=m, reason=reason, turns=tuple(turns)) for (m, reason), turns in groups.items()]
    return tuple(sorted(found, key=lambda group: len(group.turns), reverse=True))


def _score(model: str, of: dict[str, Any]) -> Score:
    interval = (of.get("intervals") or {}).get("weighted_f1") or {}
    return Score(
        model=model,
        weighted_f1=of["weighted_f1"],
        low=interval.get("low"),
        high=interval.get("high"),
        macro_f1=of["macro_f1"],
        accuracy=of["accuracy"],
        turns=of["turns"],
    )


def _before(folder: RunFolder, others: Iterable[Path]) -> Path | None:
    """The latest of the finished runs that learnt the same corpus and began before this one."""
    mine = folder.facts
    found = []
    for other in others:
        if other.resolve() == folder.path.resolve() or not (other / "scores.json").is_file():
            continue
        try:
            theirs = RunFolder.open(other).facts
        except RunError:
            continue  # a broken run is no measure
        same = theirs["corpus"]["fingerprint"] == mine["corpus"]["fingerprint"]
        if same and str(theirs.get("created", "")) <= str(mine.get("created", "")):
            found.append((str(theirs.get("created", "")), other))
    return max(found)[1] if found else None


def _compare(run: Path, before: Path, split: Split) -> Comparison | None:
    try:
        found = compare_runs(run_records(run, split), run_records(before, split))
    except (RunError, ValueError):
        return None  # the run before has lost its predictions: there is nothing to compare
    return Comparison(
        run=before,
        difference=found["difference"],
        low=found["interval"]["low"],
        high=found["interval"]["high"],
        p=found["p"],
        turns=found["turns"],
        changed=found["changed"],
    )
