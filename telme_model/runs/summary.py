"""What a run came to: its scores with their intervals, what it left out, and the run before it on the same corpus."""

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from telme_model.analysis.models import TITLES
from telme_model.corpus.dialogue import Split
from telme_model.events import Event, Message
from telme_model.runs.comparison import PairedDifference, paired_difference
from telme_model.runs.facts import ModelScore, model_scores
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.history import seconds_logged

# The path that the sentence on a clip begins with: to the name's ending, which a verb follows.
_CLIP = re.compile(r"^(?:/|\\\\|\w:\\).*\.\w+ (?=(?:is|has|does|cannot|holds|announces) )", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """Turns without a modality, or more than one, all for the same reason."""

    modality: str  # "audio", "audio and visual"
    reason: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A finished run at a glance."""

    run: Path
    split: Split  # test, or dev where the corpus has no test
    scores: tuple[ModelScore, ...]
    excluded: tuple[Excluded, ...]
    over_long: int  # turns that were cut or blanked for their length
    seconds: float  # at work
    before: PairedDifference | None  # None where no run came before


def summarise(run: Path, others: Iterable[Path]) -> Generator[Event, None, Summary]:
    """The summary of a finished run; `others` are the runs among which the one before is looked for. Raises RunError.

    To be walked on a thread: the comparison takes a second or two.
    """
    yield Message(text=f"summing up {run.name}")
    folder = RunFolder.open(run)
    facts, tree = folder.facts, folder.read_json("scores.json")
    split = Split.TEST if Split.TEST in tree else Split.DEV
    scores, before = model_scores(tree, split), _before(folder, others)
    return Summary(
        run=run,
        split=split,
        scores=tuple(scores[model] for model in TITLES if model in scores),
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


def _compare(run: Path, before: Path, split: Split) -> PairedDifference | None:
    try:
        return paired_difference(run, before, split)
    except RunError:
        return None  # the run before has lost its predictions: there is nothing to compare
