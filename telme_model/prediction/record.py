"""A turn's prediction record: made here alone, whoever predicts (fields: see the README's "prediction record")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from telme_model.analysis.contributions import coalitions, shapley
from telme_model.analysis.models import FUSED, TEACHER, student_key
from telme_model.corpus.dialogue import Modality, Turn
from telme_model.networks.fusion import Displacement, FusionOutput
from telme_model.runs.config import Config
from telme_model.runs.records import Record

Shares = dict[Modality, np.ndarray]
DIGITS = 7  # decimals of what stands in a record
# In every record, whatever the run; the field of a text student is in its run's alone.
_ALWAYS = tuple(student_key(modality) for modality in Modality if modality is not Modality.TEXT)


@dataclass(frozen=True, kw_only=True)
class Fused:
    """What a run's fusion says of B turns.

    `unshifted` [B, classes] are the probabilities at H = 0, NaN for a plain fusion; `values` are those of every
    coalition of modalities [B, classes], None where no contributions are asked for; `theta` is what was fused with.
    """

    config: Config
    output: FusionOutput
    unshifted: np.ndarray
    values: Mapping[frozenset[Modality], np.ndarray] | None
    theta: float

    @cached_property
    def probabilities(self) -> np.ndarray:
        """[B, classes] float64."""
        return softmax(self.output.logits)

    @cached_property
    def shares(self) -> Shares | None:
        """What each modality did to the probabilities: from the background turns to the turn's own features."""
        return shapley(self.values) if self.values else None

    @cached_property
    def shift_shares(self) -> Shares | None:
        """What each student did to the probabilities: from H = 0 to H, the teacher's embedding kept."""
        if not self.values or self.output.displacement is None:
            return None
        teacher, students = self.config.teacher, coalitions(self.config.students)
        return shapley({s: self.values[s | {teacher}] if s else self.unshifted for s in students})


@dataclass(frozen=True, slots=True)
class RecordMaker:
    """Makes the records of a run called `run` over the emotions `labels`."""

    run: str
    labels: Sequence[str]

    def record(self, turn: Turn, logits: Mapping[Modality, Tensor | None], fused: Fused, place: int) -> Record:
        """The record of the turn at `place` among those fused.

        `logits` [classes] are each encoder's, None where the turn lacks the modality.
        """
        config, moved = fused.config, fused.output.displacement
        named = {m: None if own is None else self._named(softmax(own)) for m, own in logits.items()}
        return {
            "split": str(turn.id.split),
            "dialogue": turn.id.dialogue,
            "utterance": turn.id.utterance,
            "speaker": turn.speaker,
            "text": turn.text,
            "gold": turn.gold,
            TEACHER: named[config.teacher],
            **dict.fromkeys(_ALWAYS),
            **{student_key(modality): named[modality] for modality in config.students},
            FUSED: self._named(fused.probabilities[place]),
            "displacement": _displacement(moved, place, fused.theta) if moved else None,
            "unshifted": self._named(fused.unshifted[place]) if moved else None,
            "shapley": self._shares(fused.shares, place),
            "baseline": self._named(fused.values[frozenset()][place]) if fused.values else None,
            "shift_shares": self._shares(fused.shift_shares, place),
            "missing": [str(modality) for modality, values in named.items() if values is None],
            "run": self.run,
        }

    def _shares(self, shares: Shares | None, place: int) -> dict[str, dict[str, float]] | None:
        return {str(m): self._named(values[place]) for m, values in shares.items()} if shares else None

    def _named(self, values: np.ndarray) -> dict[str, float]:
        return {label: round(float(value), DIGITS) for label, value in zip(self.labels, values, strict=True)}


def softmax(logits: Tensor) -> np.ndarray:
    """Probabilities [..., classes] float64 of logits on any device."""
    probabilities: np.ndarray = logits.cpu().double().softmax(-1).numpy()  # Apple's GPUs have no float64
    return probabilities


def _displacement(moved: Displacement, place: int, theta: float) -> dict[str, float]:
    return {
        "text_norm": _number(moved.text_norm[place]),
        "h_norm": _number(moved.h_norm[place]),
        "lambda": _number(moved.scale[place]),
        "shift": _number(moved.shift[place]),
        "theta": theta,
        "open_gates": _number(moved.open_gates[place]),
    }


def _number(value: Tensor) -> float:
    return round(float(value), DIGITS)
