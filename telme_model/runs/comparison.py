"""Runs set against one another: which settings differ, what the seed alone changes, and what is more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

from telme_model.analysis.evaluation import compare_runs
from telme_model.analysis.models import FUSED
from telme_model.analysis.significance import holm
from telme_model.corpus.dialogue import GOLD, Split
from telme_model.runs.config import to_dict
from telme_model.runs.facts import ModelScore, model_scores
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.plan import flat, setting_text
from telme_model.runs.records import run_records


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The fused predictions of a run less those of another, paired over the dialogues' bootstrap; in points."""

    run: Path
    other: Path
    difference: float  # of weighted F1: above 0 `run` is better
    low: float
    high: float
    p: float
    turns: int  # that both predicted
    changed: int  # that they predict differently
    holm: float | None = None  # p, corrected for all the comparisons made together


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSpread:
    """Runs that differ in nothing but the seed: their fused weighted F1, in per cent."""

    runs: tuple[Path, ...]
    mean: float
    deviation: float  # of the sample


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsComparison:
    """Several runs on the same split."""

    runs: tuple[Path, ...]
    split: Split
    scores: tuple[Mapping[str, ModelScore], ...]  # of each run, by model
    settings: Mapping[str, tuple[str, ...]]  # those that differ: the value in each run
    seeds: tuple[SeedSpread, ...]
    differences: tuple[PairedDifference, ...]  # of each but the first run, to the first


def compare(runs: Sequence[Path], split: Split = Split.TEST) -> RunsComparison:
    """Set finished runs on the same corpus against the first of them. Raises RunError."""
    folders = [RunFolder.open(run) for run in runs]
    scores = [model_scores(folder.read_json("scores.json"), split) for folder in folders]
    for run, found in zip(runs, scores, strict=True):
        if FUSED not in found:
            raise RunError(f"{run} has no scores on {split}: choose a split that it has")
    settings = [{key: setting_text(value) for key, value in _settings(folder).items()} for folder in folders]
    return RunsComparison(
        runs=tuple(runs),
        split=split,
        scores=tuple(scores),
        settings={
            key: values for key in settings[0] if len(set(values := tuple(run.get(key, "") for run in settings))) > 1
        },
        seeds=_seeds(runs, settings, [found[FUSED].weighted_f1 for found in scores]),
        differences=_corrected([paired_difference(run, runs[0], split) for run in runs[1:]]),
    )


def paired_difference(run: Path, other: Path, split: Split) -> PairedDifference:
    """A run's own predictions against another's on the turns of `split` that both predicted. Raises RunError."""
    try:
        found = compare_runs(run_records(run, split), run_records(other, split))
    except ValueError as error:
        raise RunError(f"{run} cannot be set against {other}: {error}") from error
    return PairedDifference(
        run=run,
        other=other,
        difference=found["difference"],
        low=found["interval"]["low"],
        high=found["interval"]["high"],
        p=found["p"],
        turns=found["turns"],
        changed=found["changed"],
    )


def _settings(folder: RunFolder) -> dict[str, object]:
    """All that a run was trained with: its configuration, whose labels, whose encoders, and which corpus."""
    facts = folder.facts
    source = facts.get("warm_start")
    return {
        **flat(to_dict(folder.config)),
        "labels": facts.get("layer", GOLD),
        "warm start": str((folder.path / source).resolve()) if source else "",
        "corpus": facts["corpus"]["fingerprint"][:8],
    }


def _seeds(
    runs: Sequence[Path], settings: Sequence[Mapping[str, str]], scores: Sequence[float]
) -> tuple[SeedSpread, ...]:
    alike: dict[tuple[tuple[str, str], ...], list[tuple[Path, float]]] = {}
    for run, values, score in zip(runs, settings, scores, strict=True):
        others = tuple(sorted((key, value) for key, value in values.items() if key != "seed"))
        alike.setdefault(others, []).append((run, score))
    return tuple(
        SeedSpread(
            runs=tuple(run for run, _ in group),
            mean=fmean(score for _, score in group),
            deviation=stdev(score for _, score in group),
        )
        for group in alike.values()
        if len(group) > 1
    )


def _corrected(differences: Sequence[PairedDifference]) -> tuple[PairedDifference, ...]:
    if len(differences) < 2:
        return tuple(differences)
    corrected = holm({str(number): found.p for number, found in enumerate(differences)})
    return tuple(replace(found, holm=corrected[str(number)]) for number, found in enumerate(differences))
