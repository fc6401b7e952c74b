"""How far annotators agree on the turns they share: Cohen, Fleiss and Krippendorff, by emotion, with intervals.

Everything is computed from tables [classes, classes] of pairs of labels, so one formula serves all three
coefficients and every resample. 1 is full agreement and 0 what chance would give; intervals come from resampling
whole dialogues, since turns of a dialogue depend on one another.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from telme_model.annotations.labels import LayerLabels
from telme_model.corpus.dialogue import TurnId

Doubles = NDArray[np.float64]
Codes = NDArray[np.int64]
_NONE = -1  # the code of no label


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient with its percentile interval.

    None where it is not defined: for the value without a shared turn or with one emotion alone on them, for the
    interval with fewer than two dialogues.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two annotators on the `turns` that both labelled; `cells[a, b]` are those called a by one and b by the other."""

    first: str
    second: str
    turns: int
    raw: Coefficient  # the share of turns with the same emotion
    kappa: Coefficient  # Cohen's
    kappa_by_class: dict[str, Coefficient]  # of the emotion against all others
    cells: dict[tuple[str, str], tuple[TurnId, ...]]

    def counts(self, classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """How many turns lie in each cell, rows the first annotator's emotion."""
        return tuple(tuple(len(self.cells.get((a, b), ())) for b in classes) for a in classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Several annotators together, and pair by pair."""

    annotators: tuple[str, ...]
    classes: tuple[str, ...]
    shared: int  # turns with two labels or more: what `raw` and Krippendorff's alpha are of
    complete: int  # turns that everyone labelled: what Fleiss' kappa is of
    raw: Coefficient  # the share of pairs of labels of a turn that are the same emotion
    fleiss: Coefficient
    alpha: Coefficient  # Krippendorff's, nominal
    alpha_by_class: dict[str, Coefficient]  # of the emotion against all others
    pairs: tuple[Pair, ...]
    disagreeing: tuple[TurnId, ...]  # shared turns with different emotions, in the order of the turns


def agreement(
    layers: Mapping[str, LayerLabels],
    turns: Sequence[TurnId],
    classes: Sequence[str],
    *,
    unsure: bool = True,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Agreement:
    """The agreement of the annotators of `layers` on `turns` (a whole corpus, or a part of it).

    A turn need not be labelled by everyone. With `unsure` off, a label marked as unsure counts as none. Raises
    ValueError with fewer than two layers, or for an emotion that is not one of `classes`.
    """
    if len(layers) < 2:
        raise ValueError("Agreement needs the labels of two annotators or more.")
    coded = {name: _codes(labels, turns, classes, unsure) for name, labels in layers.items()}
    tables = _Tables(turns, len(classes), resamples, seed, level)
    codes = np.stack(list(coded.values()))
    given = (codes != _NONE).sum(0)
    all_pairs = tables.coincidences(codes)
    complete = np.where(given == len(layers), codes, _NONE)
    different = np.where(codes == _NONE, len(classes), codes).min(0) != codes.max(0)
    return Agreement(
        annotators=tuple(layers),
        classes=tuple(classes),
        shared=int((given > 1).sum()),
        complete=int((given == len(layers)).sum()),
        raw=tables.measure(all_pairs, _raw),
        fleiss=tables.measure(tables.coincidences(complete), _kappa),
        alpha=tables.measure(all_pairs, _alpha),
        alpha_by_class=_by_class(tables, all_pairs, _alpha, classes),
        pairs=tuple(_pair(tables, coded, names, turns, classes) for names in combinations(layers, 2)),
        disagreeing=tuple(turns[row] for row in np.flatnonzero((given > 1) & different).tolist()),
    )


def _pair(
    tables: "_Tables",
    coded: Mapping[str, Codes],
    names: tuple[str, str],
    turns: Sequence[TurnId],
    classes: Sequence[str],
) -> Pair:
    first, second = coded[names[0]], coded[names[1]]
    confusion = tables.confusion(first, second)
    rows = np.flatnonzero((first != _NONE) & (second != _NONE))
    cells = defaultdict(list)
    for row, a, b in zip(rows.tolist(), first[rows].tolist(), second[rows].tolist(), strict=True):
        cells[classes[a], classes[b]].append(turns[row])
    return Pair(
        first=names[0],
        second=names[1],
        turns=len(rows),
        raw=tables.measure(confusion, _raw),
        kappa=tables.measure(confusion, _kappa),
        kappa_by_class=_by_class(tables, confusion, _kappa, classes),
        cells={cell: tuple(members) for cell, members in cells.items()},
    )


class _Tables:
    """Pairs of labels, counted dialogue by dialogue so that dialogues can be drawn again."""

    def __init__(self, turns: Sequence[TurnId], classes: int, resamples: int, seed: int, level: float) -> None:
        places: dict[tuple[str, str], int] = {}
        numbers = [places.setdefault((turn.split, turn.dialogue), len(places)) for turn in turns]
        self.dialogue = np.array(numbers, np.int64)
        self.shape = (len(places), classes, classes)
        self.resamples, self.seed = resamples, seed
        self.edges = (50 * (1 - level), 50 * (1 + level))
        self.drawn: dict[int, Doubles] = {}

    def confusion(self, first: Codes, second: Codes, weights: Doubles | None = None) -> Doubles:
        """Turns by the emotions of two annotators [dialogues, classes, classes]."""
        both = (first != _NONE) & (second != _NONE)
        cells = np.ravel_multi_index((self.dialogue[both], first[both], second[both]), self.shape)
        weighted = None if weights is None else weights[both]
        counted = np.bincount(cells, weighted, minlength=int(np.prod(self.shape)))
        return counted.reshape(self.shape).astype(np.float64)

    def coincidences(self, codes: Codes) -> Doubles:
        """Krippendorff's coincidences [dialogues, classes, classes] of `codes` [annotators, turns].

        Every ordered pair of labels of a turn with m labels counts 1 / (m - 1), so that the turn counts m.
        """
        weights = 1 / np.maximum((codes != _NONE).sum(0) - 1, 1)
        total = np.zeros(self.shape)
        for first, second in combinations(codes, 2):
            counted = self.confusion(first, second, weights)
            total += counted + counted.swapaxes(1, 2)
        return total

    def measure(self, tables: Doubles, formula: Callable[[Doubles], Doubles]) -> Coefficient:
        """One coefficient of tables [dialogues, k, k], its interval from those dialogues that have pairs."""
        (coefficient,) = self.measures(tables[:, None], formula)
        return coefficient

    def measures(self, tables: Doubles, formula: Callable[[Doubles], Doubles]) -> list[Coefficient]:
        """A coefficient for each of the tables [dialogues, tables, k, k]."""
        filled = tables[tables.any(axis=(1, 2, 3))]
        count = len(filled)
        values = formula(filled.sum(0))
        if count < 2:
            return [Coefficient(_defined(value)) for value in values]
        sums = self._draws(count) @ filled.reshape(count, -1)
        drawn = formula(sums.reshape(self.resamples, *tables.shape[1:]))
        return [
            Coefficient(_defined(value), *self._interval(drawn[:, k])) if np.isfinite(value) else Coefficient(None)
            for k, value in enumerate(values)
        ]

    def _draws(self, count: int) -> Doubles:
        """How often each of `count` dialogues is in each resample [resamples, count]; drawn once, it takes a while."""
        if count not in self.drawn:
            generator = np.random.default_rng(self.seed)
            draws = generator.multinomial(count, np.full(count, 1 / count), size=self.resamples)
            self.drawn[count] = draws.astype(np.float64)  # for the BLAS, which products of integers do not use
        return self.drawn[count]

    def _interval(self, drawn: Doubles) -> tuple[float, float]:
        """Draws in which the coefficient is not defined are left out; some always are not."""
        low, high = np.percentile(drawn[np.isfinite(drawn)], self.edges)
        return float(low), float(high)


def _by_class(
    tables: _Tables, counted: Doubles, formula: Callable[[Doubles], Doubles], classes: Sequence[str]
) -> dict[str, Coefficient]:
    """A coefficient of every emotion against all others."""
    return dict(zip(classes, tables.measures(_one_against_rest(counted), formula), strict=True))


def _one_against_rest(tables: Doubles) -> Doubles:
    """Tables [..., classes, 2, 2] of each class and the rest, of tables [..., classes, classes]."""
    both = np.diagonal(tables, axis1=-2, axis2=-1)
    first, second = tables.sum(-1) - both, tables.sum(-2) - both
    neither = tables.sum((-2, -1))[..., None] - both - first - second
    return np.stack([np.stack([both, first], -1), np.stack([second, neither], -1)], -2)


def _raw(tables: Doubles) -> Doubles:
    """The share of pairs on the diagonal [...]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Doubles = np.trace(tables, axis1=-2, axis2=-1) / tables.sum((-2, -1))
    return shares


def _kappa(tables: Doubles) -> Doubles:
    """Cohen's kappa of confusions, which is Fleiss' kappa of the coincidences of complete turns [...]."""
    total = tables.sum((-2, -1))
    return _beyond_chance(_raw(tables), (tables.sum(-1) * tables.sum(-2)).sum(-1), total * total)


def _alpha(tables: Doubles) -> Doubles:
    """Krippendorff's nominal alpha of coincidences [...]."""
    uses, total = tables.sum(-1), tables.sum((-2, -1))
    return _beyond_chance(_raw(tables), (uses * (uses - 1)).sum(-1), total * (total - 1))


def _beyond_chance(observed: Doubles, chance: Doubles, total: Doubles) -> Doubles:
    """(observed - expected) / (1 - expected), the expected agreement being chance / total; NaN where that is 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = chance / total
        corrected: Doubles = np.where(chance < total, (observed - expected) / (1 - expected), np.nan)
    return corrected


def _codes(labels: LayerLabels, turns: Sequence[TurnId], classes: Sequence[str], unsure: bool) -> Codes:
    """Every turn's emotion as its index of `classes` [turns]."""
    index = {name: place for place, name in enumerate(classes)}
    codes = np.full(len(turns), _NONE, np.int64)
    for row, turn in enumerate(turns):
        label = labels.get(turn)
        if label is not None and label.emotion is not None and (unsure or not label.unsure):
            if label.emotion not in index:
                raise ValueError(f"{turn} is labelled '{label.emotion}', which is not one of {', '.join(classes)}.")
            codes[row] = index[label.emotion]
    return codes


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
