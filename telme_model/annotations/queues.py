"""Where to look: the turns worth a person's time, in working order, and how far one is through them."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from telme_model.analysis.models import FUSED, TEACHER
from telme_model.analysis.predictions import Effect, Predictions
from telme_model.annotations.adjudication import disputes
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label, LayerLabels
from telme_model.corpus.dialogue import TurnId

SAMPLE = 200  # turns of a random sample


class Queue(StrEnum):
    """A reason to look at a turn."""

    UNLABELLED = "unlabelled"
    LOW_MARGIN = "low margin"
    LARGE_SHIFT = "large shift"
    CONFLICT = "teacher and students conflict"
    LABEL_ERROR = "likely label error"
    DISAGREEMENT = "annotators disagree"
    SAMPLE = "random sample"

    @property
    def meaning(self) -> str:
        """What is in it and in which order, in one sentence."""
        return _MEANINGS[self]

    @property
    def blind_safe(self) -> bool:
        """Whether being led to a turn tells nothing of what a model or another annotator says of it."""
        return self in (Queue.UNLABELLED, Queue.SAMPLE)


_MEANINGS = {
    Queue.UNLABELLED: "Turns without a label of yours, in the order of the corpus.",
    Queue.LOW_MARGIN: "The fused model is torn between two emotions; the most torn first.",
    Queue.LARGE_SHIFT: "The students moved the teacher nearly as far as they may; the most changed prediction first.",
    Queue.CONFLICT: "A student says another emotion than the teacher; the surest conflicts first.",
    Queue.LABEL_ERROR: "Similar turns of other dialogues are labelled otherwise; the most doubtful label first.",
    Queue.DISAGREEMENT: "Annotators chose different emotions, or one is unsure; the most divided first.",
    Queue.SAMPLE: "Turns drawn at random, the same for everybody: what annotators should share to measure agreement.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What queues are made of: the turns in corpus order (of the corpus, or a part of it), and what is known of them.

    `own` is the layer that is worked on, `layers` are all annotators' (those of the corpus and the adjudicated one may
    be among them and do not count as annotators). `suspects` are the likely label errors, the likeliest first.
    """

    turns: Sequence[TurnId]
    own: LayerLabels = field(default_factory=dict)
    layers: Mapping[str, LayerLabels] = field(default_factory=dict)
    predictions: Predictions | None = None
    suspects: Sequence[TurnId] | None = None
    sample: int = SAMPLE
    seed: int = 0

    @property
    def annotators(self) -> dict[str, LayerLabels]:
        """The layers of people, without empty ones."""
        return {name: labels for name, labels in self.layers.items() if labels and name not in (GOLD, ADJUDICATED)}


def lacking(queue: Queue, sources: Sources) -> str:
    """What the queue needs and is not there, as a sentence that says what to do; nothing where it can be made."""
    if queue in (Queue.LOW_MARGIN, Queue.LARGE_SHIFT, Queue.CONFLICT):
        if sources.predictions is None:
            return "Needs predictions: open a run, or train one."
        models = sources.predictions.models
        if queue is Queue.LARGE_SHIFT and not models.shifts:
            return "Needs a run whose students shift the teacher: one with students, fused by attention-based shifting."
        if queue is Queue.CONFLICT and not models.students:
            return "Needs a run with students: open one, or train one."
    if queue is Queue.LABEL_ERROR and sources.suspects is None:
        return "Needs a search for label errors first: start it here."
    if queue is Queue.DISAGREEMENT and len(sources.annotators) < 2:
        return "Needs the labels of two annotators: label in a second layer, or import one."
    return ""


def turns_of(queue: Queue, sources: Sources) -> tuple[TurnId, ...]:
    """The turns of a queue in working order; none while something is `lacking`."""
    if lacking(queue, sources):
        return ()
    match queue:
        case Queue.UNLABELLED:
            return tuple(turn for turn in sources.turns if not is_done(sources.own.get(turn)))
        case Queue.SAMPLE:
            return random_sample(sources.turns, sources.sample, sources.seed)
        case Queue.DISAGREEMENT:
            return _disagreements(sources)
        case Queue.LABEL_ERROR:
            assert sources.suspects is not None
            wanted = set(sources.turns)
            return tuple(turn for turn in sources.suspects if turn in wanted)
        case _:
            assert sources.predictions is not None
            return _predicted(queue, sources.predictions, sources.turns)


def random_sample(turns: Sequence[TurnId], size: int, seed: int = 0) -> tuple[TurnId, ...]:
    """`size` turns drawn at random.

    A turn's place depends on nothing but itself and the seed, so everybody draws the same turns in the same order,
    on any machine, and a larger sample begins with the smaller one. It is not stratified: coefficients of agreement
    depend on how common each emotion is, and a sample that evens this out would tell of another corpus.
    """
    return tuple(sorted(turns, key=lambda turn: hashlib.sha256(f"{seed} {turn}".encode()).digest())[:size])


def _disagreements(sources: Sources) -> tuple[TurnId, ...]:
    found = disputes(sources.annotators, sources.turns, {})
    return tuple(one.turn for one in sorted(found, key=lambda one: _unity([count for _, count in one.votes])))


def _unity(votes: Sequence[int]) -> float:
    """The chance that two votes drawn with replacement are alike; 1 for none."""
    return sum(count * count for count in votes) / sum(votes) ** 2 if votes else 1.0


def _predicted(queue: Queue, predictions: Predictions, turns: Sequence[TurnId]) -> tuple[TurnId, ...]:
    match queue:
        case Queue.LOW_MARGIN:
            chosen, urgency = predictions.effects[Effect.LOW_MARGIN], -predictions.margin[FUSED]
        case Queue.LARGE_SHIFT:
            # The shift itself does not order: on many turns it reaches its limit exactly.
            moved = np.abs(predictions.probabilities[FUSED] - predictions.unshifted).sum(1)
            chosen, urgency = predictions.effects[Effect.LARGE_SHIFT], moved
        case _:
            urgency = _conflict(predictions)
            chosen = urgency > 0
    rows = [row for turn in turns if (row := predictions.rows.get(turn)) is not None and chosen[row]]
    return tuple(predictions.ids[row] for row in sorted(rows, key=lambda row: -urgency[row]))


def _conflict(predictions: Predictions) -> NDArray[np.float32]:
    """How surely teacher and a student say different emotions [N]: the product of their probabilities, else 0."""
    teacher = predictions.predicted[TEACHER]
    surest = np.zeros(len(predictions.ids), np.float32)
    for student in predictions.models.student_keys:
        chosen = predictions.predicted[student]
        both = (chosen >= 0) & (teacher >= 0) & (chosen != teacher)
        together = predictions.probabilities[TEACHER].max(1) * predictions.probabilities[student].max(1)
        surest = np.where(both, np.fmax(surest, together), surest)
    return surest


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far a queue is worked through, in turns; skipped ones are left for later and not among `left`."""

    done: int
    skipped: int
    left: int


def is_done(label: Label | None, since: float = 0.0) -> bool:
    """Whether a turn was dealt with: it has an emotion, or someone says that they cannot tell, not before `since`."""
    return label is not None and (label.emotion is not None or label.unsure) and label.time >= since


def progress(
    queue: Sequence[TurnId], own: LayerLabels, *, skipped: Collection[TurnId] = (), since: float = 0.0
) -> QueueProgress:
    """How far the queue is worked through.

    `since` (seconds since the epoch) is when the work began: a label given before is one to look at again.
    """
    done = sum(is_done(own.get(turn), since) for turn in queue)
    passed = sum(turn in skipped and not is_done(own.get(turn), since) for turn in queue)
    return QueueProgress(done=done, skipped=passed, left=len(queue) - done - passed)
