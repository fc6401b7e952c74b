"""Is one system better than another on the same turns? Paired tests, corrected when there are several.

The bootstrap over dialogues is the one to quote: it tests the paper's metric and respects that turns of a
dialogue depend on one another. McNemar's test, common in the literature, compares accuracies and takes turns
as independent, so its p values are somewhat too small.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from telme_model.analysis.metrics import ClassLabels, Interval, dialogue_confusions, resample, weighted, with_gold

_FEW_DISAGREEMENTS = 25  # below this McNemar's chi-squared approximation is poor and the exact test is used


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Weighted F1 of a system less the baseline's, in points, and its two-sided bootstrap p value."""

    difference: float
    interval: Interval
    p: float
    level: float
    resamples: int


@dataclass(frozen=True, slots=True)
class McNemar:
    """Turns that only one of two systems got right, and the two-sided p value of their imbalance."""

    only_system: int
    only_baseline: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A system against the baseline. The `holm` values are corrected for all the comparisons made together."""

    name: str
    weighted_f1: Difference
    mcnemar: McNemar
    holm_weighted_f1: float
    holm_mcnemar: float


def compare(
    gold: ClassLabels,
    baseline: ClassLabels,
    systems: Mapping[str, ClassLabels],
    dialogues: Sequence[Hashable],
    classes: Sequence[str],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Comparison, ...]:
    """Each of `systems` (predictions by name) against the baseline's predictions of the same turns."""
    differences = {
        name: paired_bootstrap(
            gold, predicted, baseline, dialogues, classes, resamples=resamples, seed=seed, level=level
        )
        for name, predicted in systems.items()
    }
    tests = {name: mcnemar(gold, predicted, baseline, classes) for name, predicted in systems.items()}
    bootstrap_holm = holm({name: found.p for name, found in differences.items()})
    mcnemar_holm = holm({name: found.p for name, found in tests.items()})
    return tuple(
        Comparison(
            name=name,
            weighted_f1=differences[name],
            mcnemar=tests[name],
            holm_weighted_f1=bootstrap_holm[name],
            holm_mcnemar=mcnemar_holm[name],
        )
        for name in systems
    )


def paired_bootstrap(
    gold: ClassLabels,
    system: ClassLabels,
    baseline: ClassLabels,
    dialogues: Sequence[Hashable],
    classes: Sequence[str],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference:
    """The difference in weighted F1 with its percentile interval, both systems on the same drawn dialogues.

    p is twice the smaller share of draws on either side of no difference, the observed data counted as one
    draw, so it is never 0 and agrees with the interval: below 1 - level when that excludes 0, up to
    rounding. Raises ValueError when fewer than two dialogues have gold.
    """
    pair = [dialogue_confusions(gold, predicted, dialogues, classes) for predicted in (system, baseline)]
    matrices = np.stack(pair, axis=1)  # [dialogues, 2, classes, classes]
    scores = weighted(matrices.sum(axis=0))
    drawn = weighted(resample(matrices, resamples, seed))
    differences = drawn[:, 0] - drawn[:, 1]
    low, high = np.percentile(differences, (50 * (1 - level), 50 * (1 + level)))
    side = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return Difference(
        difference=float(scores[0] - scores[1]),
        interval=Interval(float(low), float(high)),
        p=min(1.0, 2 * (side + 1) / (resamples + 1)),
        level=level,
        resamples=resamples,
    )


def mcnemar(gold: ClassLabels, system: ClassLabels, baseline: ClassLabels, classes: Sequence[str]) -> McNemar:
    """McNemar's test on which turns with gold are right.

    Exact (binomial) below 25 disagreements, else chi-squared with continuity correction.
    """
    from statsmodels.stats import contingency_tables  # takes a second to import

    scored = [with_gold(gold, predicted, classes) for predicted in (system, baseline)]
    first, second = (truth == guess for _, truth, guess in scored)
    only_system, only_baseline = int((first & ~second).sum()), int((second & ~first).sum())
    table = [[int((first & second).sum()), only_system], [only_baseline, int((~first & ~second).sum())]]
    found = contingency_tables.mcnemar(table, exact=only_system + only_baseline < _FEW_DISAGREEMENTS)
    return McNemar(only_system, only_baseline, float(found.pvalue))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p values corrected for their number by Holm's step-down method, under the same names."""
    from statsmodels.stats import multitest  # takes a second to import

    if not p_values:
        return {}
    corrected = multitest.multipletests(list(p_values.values()), method="holm")[1]
    return {name: float(p) for name, p in zip(p_values, corrected, strict=True)}
