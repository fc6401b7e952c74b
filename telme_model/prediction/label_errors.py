"""Which labels are likely wrong: what similar turns of other dialogues suggest, against what the label says."""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from telme_model.corpus.dialogue import Corpus, TurnId
from telme_model.errors import StudioError
from telme_model.events import Event, Phase, Progress, StageDone, StageStarted

if TYPE_CHECKING:  # torch takes seconds to import
    from telme_model.prediction.predictor import Embedded

Floats = NDArray[np.float32]
FOLDS = 5
REPEATS = 3  # with other folds each time: their mean ranks steadier than one
_STRENGTH = 0.01  # inverse of the regression's penalty; set on planted errors, see tests/benchmarks/label_errors.py


class LabelErrorsError(StudioError):
    """Too few labels to tell; the message says how many are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A label, and what the other dialogues suggest in its place."""

    turn: TurnId
    label: str
    quality: float  # the label's probability
    suggested: str  # the most probable emotion, which may be the label
    confidence: float  # its probability


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Every label, the most doubtful first, and about how many of them are wrong by cleanlab's estimate."""

    ranked: tuple[Suspicion, ...]
    expected: int

    @property
    def suspects(self) -> tuple[TurnId, ...]:
        """The turns to look at, the likeliest error first."""
        return tuple(suspicion.turn for suspicion in self.ranked[: self.expected])


def search(
    run_path: Path,
    corpus: Corpus,
    labels: Mapping[TurnId, str],
    *,
    device: str | None = None,
    cache: Path | None = None,
) -> Generator[Event, None, LabelErrors]:
    """Search `labels` (gold, or a layer's emotions) for errors with the embeddings of a run.

    Those stored in the run serve where the corpus is its own, else clips are decoded and embedded. The run's encoders
    have seen the labels of its training turns, if it was trained on these: what they learned by heart is found less
    easily there than in dev and test. Raises RunError, CacheError, LabelErrorsError.
    """
    from telme_model.networks.devices import choose_device
    from telme_model.paths import media_cache_folder
    from telme_model.prediction.predictor import embed_corpus
    from telme_model.runs.folder import RunFolder

    run = RunFolder.open(run_path)
    place = choose_device(device or run.config.device)
    splits = tuple(dict.fromkeys(turn.split for turn in labels))
    embedded = yield from embed_corpus(run, corpus, splits, place, cache or media_cache_folder())
    turns = [turn.id for turn in embedded.turns]
    return (yield from label_errors(turns, side_by_side(embedded), labels, corpus.labels.labels))


def side_by_side(embedded: "Embedded") -> Floats:
    """All modalities of every turn in one row [N, sum of their widths]; a missing one is the mean of the others'."""
    parts = []
    for own in embedded.embeddings.values():
        features, present = own.features.numpy().copy(), own.present.numpy()
        if present.any():
            features[~present] = features[present].mean(0)
        parts.append(features)
    return np.concatenate(parts, axis=1)


def label_errors(
    turns: Sequence[TurnId],
    features: Floats,
    labels: Mapping[TurnId, str],
    classes: Sequence[str],
    *,
    seed: int = 0,
) -> Generator[Event, None, LabelErrors]:
    """Rank the labels of `turns` by what a regression on `features` [N, D] of other dialogues says of them.

    A label's quality is its own out-of-fold probability, and the number of errors is estimated, as Northcutt et al.
    do (Confident Learning, 2021). Turns without a label take no part. Raises LabelErrorsError.
    """
    from cleanlab.count import num_label_issues  # both take seconds to import
    from cleanlab.rank import get_label_quality_scores

    began = time.monotonic()
    rows = [row for row, turn in enumerate(turns) if turn in labels]
    known = [turns[row] for row in rows]
    index = {name: place for place, name in enumerate(classes)}
    given = np.array([index[labels[turn]] for turn in known], np.int64)
    yield StageStarted(phase=Phase.EVALUATING, steps=FOLDS * REPEATS, turns=len(rows))
    probabilities = yield from _out_of_fold(features[rows], given, known, len(classes), seed)
    used = np.unique(given)  # cleanlab takes no emotion that nothing is labelled with
    compact = np.searchsorted(used, given)
    shares = probabilities[:, used] / probabilities[:, used].sum(1, keepdims=True)
    quality = get_label_quality_scores(compact, shares, method="self_confidence")
    expected = int(num_label_issues(compact, shares))
    best = shares.argmax(1)
    ranked = tuple(
        Suspicion(
            turn=known[row],
            label=classes[given[row]],
            quality=float(quality[row]),
            suggested=classes[used[best[row]]],
            confidence=float(shares[row, best[row]]),
        )
        for row in np.argsort(quality, kind="stable")
    )
    yield StageDone(phase=Phase.EVALUATING, seconds=time.monotonic() - began)
    return LabelErrors(ranked, expected)


def _out_of_fold(
    features: Floats, given: NDArray[np.int64], turns: Sequence[TurnId], classes: int, seed: int
) -> Generator[Event, None, NDArray[np.float64]]:
    """Probabilities [N, classes] of each turn by regressions that saw nothing of its dialogue, mean of the repeats."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    dialogues = [f"{turn.split} {turn.dialogue}" for turn in turns]
    if len(set(dialogues)) < FOLDS or len(np.unique(given)) < 2:
        raise LabelErrorsError(
            f"The search needs labels in {FOLDS} dialogues or more and of two emotions at least; there are "
            f"{len(set(dialogues))} with labels. Label more turns first."
        )
    total = np.zeros((len(turns), classes))
    done = 0
    for repeat in range(REPEATS):
        folds = GroupKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for others, held_out in folds.split(features, given, dialogues):
            seen = np.unique(given[others])
            if len(seen) == 1:
                total[held_out, seen[0]] += 1
            else:
                model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=500))
                model.fit(features[others], given[others])
                total[np.ix_(held_out, seen)] += model.predict_proba(features[held_out])
            done += 1
            yield Progress(phase=Phase.EVALUATING, done=done, total=FOLDS * REPEATS, unit="folds")
    return total / REPEATS
