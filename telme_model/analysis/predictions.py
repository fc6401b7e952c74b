"""All of a run's predictions as columns: what panels filter, sort and draw without walking records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telme_model.analysis.models import FUSED, TEACHER, Models, models_in
from telme_model.corpus.dialogue import Split, TurnId

Floats = NDArray[np.float32]
LOW_MARGIN = 0.1  # chosen, not tuned: between the fused model's two most probable emotions
LARGE_SHIFT = 0.9  # chosen, not tuned: of the limit theta ||F_T||


class Effect(StrEnum):
    """What the fusion did to a turn, and where a person should look."""

    RESCUED = "rescued"  # teacher wrong, fused right
    HARMED = "harmed"  # teacher right, fused wrong
    CONFLICT = "conflict"  # the modalities say different emotions
    LOW_MARGIN = "low margin"
    LARGE_SHIFT = "large shift"


@dataclass(frozen=True)
class Predictions:
    """N turns of one run over C emotions; NaN where a model says nothing of a turn.

    `models` are the run's; `probabilities[key]` is [N, C], by a model's key; `unshifted` [N, C] is the fused head at
    H = 0; `shapley[modality]`, of those that take part, and `shift_shares[modality]`, of the students, are [N, C];
    `gold` [N] is an index of `labels`, -1 where there is none; the norms, `scale` (lambda), `shift` and `open_gates`
    are [N]. What tells of a shift is NaN where `models.shifts` is not.
    """

    run: str
    models: Models
    labels: tuple[str, ...]
    ids: tuple[TurnId, ...]
    gold: NDArray[np.int64]
    probabilities: Mapping[str, Floats]
    unshifted: Floats
    shapley: Mapping[str, Floats]
    shift_shares: Mapping[str, Floats]
    text_norm: Floats
    h_norm: Floats
    scale: Floats
    shift: Floats
    open_gates: Floats
    theta: float
    truth: str = "gold"  # whose labels `gold` holds: the corpus' own, or a layer of annotations

    @cached_property
    def rows(self) -> dict[TurnId, int]:
        """Row of a turn."""
        return {turn: row for row, turn in enumerate(self.ids)}

    @cached_property
    def predicted(self) -> dict[str, NDArray[np.int64]]:
        """Most probable emotion by model [N], -1 where the model says nothing."""
        return {model: _best(values) for model, values in self.probabilities.items()}

    @cached_property
    def margin(self) -> dict[str, Floats]:
        """Probability of the most probable emotion less that of the second [N], by model."""
        return {
            model: np.diff(np.sort(values, axis=1)[:, -2:], axis=1)[:, 0]
            for model, values in self.probabilities.items()
        }

    @cached_property
    def entropy(self) -> dict[str, Floats]:
        """Entropy in bits [N], by model."""
        return {
            model: -(values * np.log2(np.clip(values, 1e-12, 1))).sum(1) for model, values in self.probabilities.items()
        }

    @cached_property
    def limit(self) -> Floats:
        """Theta ||F_T|| [N]: how far the shift may reach at most."""
        return np.float32(self.theta) * self.text_norm

    @cached_property
    def effects(self) -> dict[Effect, NDArray[np.bool_]]:
        """Which turns show which effect [N]."""
        teacher, fused = self.predicted[TEACHER], self.predicted[FUSED]
        known = self.gold >= 0
        sides = np.stack([teacher, *(self.predicted[key] for key in self.models.student_keys)])
        some = sides >= 0
        high = np.where(some, sides, -1).max(0)
        low = np.where(some, sides, len(self.labels)).min(0)
        with np.errstate(invalid="ignore"):
            return {
                Effect.RESCUED: known & (teacher != self.gold) & (fused == self.gold),
                Effect.HARMED: known & (teacher == self.gold) & (fused != self.gold),
                Effect.CONFLICT: some.any(0) & (high != low),
                Effect.LOW_MARGIN: self.margin[FUSED] < LOW_MARGIN,
                Effect.LARGE_SHIFT: (self.shift > 0) & (self.shift >= LARGE_SHIFT * self.limit),
            }

    def judged(self, gold: NDArray[np.int64], truth: str) -> "Predictions":
        """The same predictions against other labels [N], indices of `labels`, -1 where there is none."""
        return self._with(gold=gold, truth=truth)

    def masked(self, hidden: NDArray[np.bool_]) -> "Predictions":
        """The same turns, but nothing is said of the `hidden` ones [N]: neither by a model nor by gold."""

        def blank(values: Floats) -> Floats:
            return np.where(hidden.reshape(-1, *[1] * (values.ndim - 1)), np.float32(np.nan), values)

        def blanks(by_name: Mapping[str, Floats]) -> dict[str, Floats]:
            return {name: blank(values) for name, values in by_name.items()}

        return self._with(
            gold=np.where(hidden, -1, self.gold),
            probabilities=blanks(self.probabilities),
            unshifted=blank(self.unshifted),
            shapley=blanks(self.shapley),
            shift_shares=blanks(self.shift_shares),
            text_norm=blank(self.text_norm),
            h_norm=blank(self.h_norm),
            scale=blank(self.scale),
            shift=blank(self.shift),
            open_gates=blank(self.open_gates),
        )

    def _with(self, **columns: Any) -> "Predictions":
        made = replace(self, **columns)
        made.__dict__["rows"] = self.rows  # of the same turns: not to be made anew with every label
        return made


def from_records(
    records: Sequence[Mapping[str, Any]], labels: Sequence[str], models: Models | None = None
) -> Predictions:
    """Columns of prediction records (`records.read_jsonl`); `models` are the run's (`config.models`), where known."""
    models = models or models_in(records)
    index = {label: place for place, label in enumerate(labels)}

    def matrix(key: str, part: str | None = None) -> Floats:
        values = np.full((len(records), len(labels)), np.nan, np.float32)
        for row, record in enumerate(records):
            named = record.get(key)
            if part is not None and named is not None:
                named = named.get(part)
            if named is not None:
                values[row] = [named[label] for label in labels]
        return values

    def column(name: str) -> Floats:
        return np.array([(record["displacement"] or {}).get(name, np.nan) for record in records], np.float32)

    thetas = [record["displacement"]["theta"] for record in records[:1] if record["displacement"]]
    return Predictions(
        run=str(records[0]["run"]) if records else "",
        models=models,
        labels=tuple(labels),
        ids=tuple(TurnId(Split(r["split"]), r["dialogue"], r["utterance"]) for r in records),
        gold=np.array([index.get(record["gold"], -1) for record in records], np.int64),
        probabilities={key: matrix(key) for key in models.keys},
        unshifted=matrix("unshifted"),
        shapley={part: matrix("shapley", part) for part in models.modalities},
        shift_shares={part: matrix("shift_shares", part) for part in models.students},
        text_norm=column("text_norm"),
        h_norm=column("h_norm"),
        scale=column("lambda"),
        shift=column("shift"),
        open_gates=column("open_gates"),
        theta=thetas[0] if thetas else float("nan"),
    )


def _best(values: Floats) -> NDArray[np.int64]:
    silent = np.isnan(values).any(1)
    return np.where(silent, -1, np.nan_to_num(values).argmax(1))
