"""What annotators disagree on, side by side, and what most of them say: the work of settling it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telme_model.annotations.labels import Label, LayerLabels
from telme_model.corpus.dialogue import TurnId


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A turn to settle: its annotators chose different emotions, or one of them is unsure."""

    turn: TurnId
    labels: dict[str, Label]  # by annotator, of those who said anything of the turn
    votes: tuple[tuple[str, int], ...]  # emotions and how many chose them, the most chosen first
    suggestion: str | None  # what most chose; None where that is a tie
    settled: Label | None  # the adjudicated label, where it has an emotion


def disputes(
    layers: Mapping[str, LayerLabels], turns: Sequence[TurnId], adjudicated: LayerLabels
) -> tuple[Dispute, ...]:
    """The turns to settle among the annotators of `layers`, settled ones included, in the order of `turns`."""
    found = []
    for turn in turns:
        labels = {name: label for name, layer in layers.items() if (label := layer.get(turn)) is not None}
        votes = Counter(label.emotion for label in labels.values() if label.emotion is not None)
        if len(votes) > 1 or any(label.unsure for label in labels.values()):
            settled = adjudicated.get(turn)
            found.append(
                Dispute(
                    turn=turn,
                    labels=labels,
                    votes=tuple(votes.most_common()),
                    suggestion=_most_chosen(labels),
                    settled=settled if settled is not None and settled.emotion is not None else None,
                )
            )
    return tuple(found)


def unanimous(layers: Mapping[str, LayerLabels], turns: Sequence[TurnId]) -> dict[TurnId, str]:
    """The emotion of every turn that two annotators or more labelled, all alike and none unsure: nothing to settle."""
    agreed = {}
    for turn in turns:
        labels = [label for layer in layers.values() if (label := layer.get(turn)) is not None]
        emotions = [label.emotion for label in labels if label.emotion is not None]
        if len(emotions) > 1 and len(set(emotions)) == 1 and not any(label.unsure for label in labels):
            agreed[turn] = emotions[0]
    return agreed


def _most_chosen(labels: Mapping[str, Label]) -> str | None:
    """The emotion with the most votes; among equals that of the most votes without doubt; None in a tie."""
    votes: Counter[str] = Counter()
    sure: Counter[str] = Counter()
    for label in labels.values():
        if label.emotion is not None:
            votes[label.emotion] += 1
            sure[label.emotion] += not label.unsure
    ranked = sorted(votes, key=lambda emotion: (votes[emotion], sure[emotion]), reverse=True)
    if not ranked or (len(ranked) > 1 and all(counts[ranked[0]] == counts[ranked[1]] for counts in (votes, sure))):
        return None
    return ranked[0]
