"""Scores of predictions against gold labels, with intervals from resampling whole dialogues.

Everything is computed from confusion matrices [classes, classes], rows gold and columns predicted, and every
score is in per cent. A class that is neither in gold nor predicted has precision, recall and F1 of 0, and takes no
part in the averages, as scikit-learn has it where no `labels` are given: on turns among which nobody is disgusted, and
of which nobody was said to be, macro F1 is that of the other six. Scores that version 0.1.0 wrote counted such a
class as 0; they stand as they were written.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

ClassLabels: TypeAlias = Sequence[str | int | None] | NDArray[Any]
Counts: TypeAlias = NDArray[np.int64]
Doubles: TypeAlias = NDArray[np.float64]
NO_GOLD = -1


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One emotion's precision, recall and F1 in per cent, and how many turns have it as gold."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a score lies with the stated confidence, in per cent."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Bootstrap percentile intervals of a set of scores; `f1` by emotion."""

    weighted_f1: Interval
    macro_f1: Interval
    accuracy: Interval
    f1: dict[str, Interval]
    level: float
    resamples: int
    dialogues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a set of predictions is worth. Scores in per cent; `confusion[i][j]` turns of gold i predicted as j."""

    weighted_f1: float
    macro_f1: float
    accuracy: float
    per_class: dict[str, ClassScore]
    confusion: tuple[tuple[int, ...], ...]
    turns: int  # with gold: what the scores are of
    without_gold: int
    intervals: Intervals | None = None  # None with fewer than two dialogues

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, ready for JSON."""
        plain = asdict(self)
        plain["confusion"] = [list(row) for row in self.confusion]
        return plain


def score(
    gold: ClassLabels,
    predicted: ClassLabels,
    classes: Sequence[str],
    *,
    dialogues: Sequence[Hashable] | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Scores:
    """All scores of N turns; with `dialogues` (which dialogue each turn belongs to) also their intervals.

    Labels are names or indices of `classes`; gold None or -1 means that the turn has none: it is left out and
    counted. Raises ValueError for unknown labels, unequal lengths, and when no turn has gold.
    """
    matrix = confusion(gold, predicted, classes)
    turns = int(matrix.sum())
    intervals = None
    if dialogues is not None and len(dialogue_confusions(gold, predicted, dialogues, classes)) > 1:
        intervals = dialogue_bootstrap(gold, predicted, dialogues, classes, resamples=resamples, seed=seed, level=level)
    return Scores(
        weighted_f1=float(weighted(matrix)),
        macro_f1=float(macro(matrix)),
        accuracy=float(hits(matrix)),
        per_class=_class_scores(matrix, classes),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
        turns=turns,
        without_gold=len(gold) - turns,
        intervals=intervals,
    )


def weighted_f1(gold: ClassLabels, predicted: ClassLabels, classes: Sequence[str]) -> float:
    """F1 averaged over classes by their number of gold turns, in per cent: the paper's metric."""
    return float(weighted(confusion(gold, predicted, classes)))


def macro_f1(gold: ClassLabels, predicted: ClassLabels, classes: Sequence[str]) -> float:
    """F1 averaged alike over those of `classes` that occur, in gold or predicted, in per cent."""
    return float(macro(confusion(gold, predicted, classes)))


def per_class(gold: ClassLabels, predicted: ClassLabels, classes: Sequence[str]) -> dict[str, ClassScore]:
    """Precision, recall, F1 (per cent) and support of every class, by name."""
    return _class_scores(confusion(gold, predicted, classes), classes)


def confusion(gold: ClassLabels, predicted: ClassLabels, classes: Sequence[str]) -> Counts:
    """Turns by gold and predicted class [classes, classes]; turns without gold are left out."""
    matrix: Counts = dialogue_confusions(gold, predicted, [0] * len(gold), classes)[0]
    return matrix


def dialogue_bootstrap(
    gold: ClassLabels,
    predicted: ClassLabels,
    dialogues: Sequence[Hashable],
    classes: Sequence[str],
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Intervals:
    """Percentile intervals of all scores over `resamples` draws of whole dialogues with replacement.

    Turns of a dialogue depend on one another, so resampling single turns would give intervals that are too
    narrow. Raises ValueError when fewer than two dialogues have gold.
    """
    matrices = dialogue_confusions(gold, predicted, dialogues, classes)
    drawn = resample(matrices, resamples, seed)
    edges = 50 * (1 - level), 50 * (1 + level)

    def interval(values: Doubles) -> Interval:
        low, high = np.percentile(values, edges)
        return Interval(float(low), float(high))

    f1 = class_f1(drawn)
    return Intervals(
        weighted_f1=interval(weighted(drawn)),
        macro_f1=interval(macro(drawn)),
        accuracy=interval(hits(drawn)),
        f1={name: interval(f1[:, index]) for index, name in enumerate(classes)},
        level=level,
        resamples=resamples,
        dialogues=len(matrices),
    )


def dialogue_confusions(
    gold: ClassLabels, predicted: ClassLabels, dialogues: Sequence[Hashable], classes: Sequence[str]
) -> Counts:
    """One confusion matrix per dialogue that has gold [dialogues, classes, classes], by first appearance."""
    labelled, truth, guess = with_gold(gold, predicted, classes)
    if len(dialogues) != len(labelled):
        raise ValueError(f"There are {len(labelled)} turns but {len(dialogues)} dialogue names: each turn needs one.")
    codes: dict[Hashable, int] = {}
    where = np.array(
        [codes.setdefault(name, len(codes)) for name, keep in zip(dialogues, labelled, strict=True) if keep]
    )
    size = len(classes)
    cells = (where * size + truth) * size + guess
    return np.bincount(cells, minlength=len(codes) * size * size).reshape(-1, size, size)


def with_gold(
    gold: ClassLabels, predicted: ClassLabels, classes: Sequence[str]
) -> tuple[NDArray[np.bool_], Counts, Counts]:
    """Which turns have gold [turns], and their gold and predicted class indices [turns with gold].

    Raises ValueError when the two are not of the same turns, a turn with gold has no prediction, or none has gold.
    """
    truth, guess = encode(gold, classes), encode(predicted, classes)
    if len(truth) != len(guess):
        raise ValueError(f"There are {len(truth)} gold labels but {len(guess)} predictions: give one per turn.")
    labelled = truth != NO_GOLD
    if not labelled.any():
        raise ValueError("No turn has a gold label, so there is nothing to score.")
    missing = np.flatnonzero(labelled & (guess == NO_GOLD))
    if len(missing):
        raise ValueError(f"Turn number {missing[0] + 1} has a gold label but no prediction: predict it first.")
    return labelled, truth[labelled], guess[labelled]


def resample(matrices: Counts, resamples: int, seed: int) -> Counts:
    """Sums of as many dialogues as there are, drawn with replacement [resamples, ..., classes, classes].

    `matrices` [dialogues, ..., classes, classes]. Raises ValueError for fewer than two dialogues.
    """
    count = len(matrices)
    if count < 2:
        raise ValueError("Intervals come from resampling dialogues, so at least two dialogues need gold labels.")
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    # products in float64 (exact for counts) run on the BLAS, integer ones do not
    sums = draws.astype(np.float64) @ matrices.reshape(count, -1).astype(np.float64)
    return sums.astype(np.int64).reshape(resamples, *matrices.shape[1:])


def encode(labels: ClassLabels, classes: Sequence[str]) -> Counts:
    """Indices into `classes` [turns] of names or indices; None and -1 become -1. Raises ValueError otherwise."""
    indices: dict[Any, int] = {name: index for index, name in enumerate(classes)}
    indices |= {index: index for index in range(NO_GOLD, len(classes))} | {None: NO_GOLD}
    values: Iterable[Any] = labels.tolist() if isinstance(labels, np.ndarray) else labels
    try:
        return np.array([indices[label] for label in values], dtype=np.int64)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is not one of the emotions {', '.join(classes)}.") from None


def class_f1(matrices: Counts) -> Doubles:
    """F1 of every class in per cent [..., classes], of confusion matrices [..., classes, classes]."""
    true = np.diagonal(matrices, axis1=-2, axis2=-1)
    return _per_cent(2 * true, matrices.sum(axis=-1) + matrices.sum(axis=-2))


def weighted(matrices: Counts) -> Doubles:
    """Weighted F1 in per cent [...], of confusion matrices [..., classes, classes]."""
    support = matrices.sum(axis=-1)
    average: Doubles = (class_f1(matrices) * support).sum(axis=-1) / support.sum(axis=-1)
    return average


def macro(matrices: Counts) -> Doubles:
    """Macro F1 in per cent [...], of confusion matrices [..., classes, classes]: over the classes that occur."""
    occurring = (matrices.sum(axis=-1) + matrices.sum(axis=-2) > 0).sum(axis=-1)
    average: Doubles = class_f1(matrices).sum(axis=-1) / occurring
    return average


def macro_note(confusions: Iterable[Counts | Sequence[Sequence[int]]], classes: Sequence[str]) -> str:
    """What is to be said beside macro F1 of models' confusion matrices: which classes it is not over, "" if none."""
    seen = sum(np.array(matrix).sum(axis=0) + np.array(matrix).sum(axis=1) for matrix in confusions)
    absent = [name for name, count in zip(classes, np.broadcast_to(seen, len(classes)), strict=True) if not count]
    if not absent:
        return ""
    names = " and ".join(filter(None, (", ".join(absent[:-1]), absent[-1])))
    return f"Macro F1 is over the emotions that occur, without {names}: no label and no prediction."


def hits(matrices: Counts) -> Doubles:
    """Accuracy in per cent [...], of confusion matrices [..., classes, classes]."""
    return _per_cent(np.trace(matrices, axis1=-2, axis2=-1), matrices.sum(axis=(-2, -1)))


def _class_scores(matrix: Counts, classes: Sequence[str]) -> dict[str, ClassScore]:
    true, support = np.diagonal(matrix), matrix.sum(axis=1)
    columns = _per_cent(true, matrix.sum(axis=0)), _per_cent(true, support), class_f1(matrix), support
    return {
        name: ClassScore(float(precision), float(recall), float(f1), int(count))
        for name, precision, recall, f1, count in zip(classes, *columns, strict=True)
    }


def _per_cent(part: Any, whole: Any) -> Doubles:
    """100 * part / whole, 0 where whole is 0."""
    shares: Doubles = np.divide(100.0 * part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
    return shares
