"""Whose labels can be learnt: the layers that have any of a corpus, and how many."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from telme_model.corpus.dialogue import GOLD, Corpus, Split

Relabel = Callable[[Corpus, str], Corpus]  # the corpus with a layer's labels


def count_labels(corpus: Corpus, layers: Iterable[str], relabel: Relabel) -> dict[str, Counter[Split]]:
    """How many labels each layer has, by split; those that have none are left out, and gold."""
    bare = replace(
        corpus,
        dialogues=tuple(
            replace(d, turns=tuple(replace(turn, gold=None) for turn in d.turns)) for d in corpus.dialogues
        ),
    )
    counts = {
        layer: Counter(turn.id.split for turn in relabel(bare, layer).turns() if turn.gold is not None)
        for layer in layers
        if layer != GOLD
    }
    return {layer: count for layer, count in counts.items() if count}


def labels_sentence(corpus: Corpus, count: Counter[Split]) -> str:
    """How much of what is learnt is the layer's own: "1 label among 24 train turns, none among 9 dev; …"."""
    parts: list[str] = []
    for split in (Split.TRAIN, Split.DEV):
        turns, own = sum(1 for _ in corpus.turns(split)), count[split]
        labels = f"{own:,} label{'s' * (own != 1)}" if own else "none" if parts else "no label"
        parts.append(f"{labels} among {turns:,} {split} turn{'s' * (turns != 1)}")
    return f"{', '.join(parts)}; gold elsewhere."
