"""A layer's labels in place of the corpus' own: what is trained on, and scored against."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from telme_model.annotations.labels import Label
from telme_model.annotations.places import store_path
from telme_model.annotations.sqlite import StoreError
from telme_model.annotations.store import Store
from telme_model.corpus.dialogue import Corpus, Turn, TurnId
from telme_model.runs.folder import RunError, RunFolder

LEARNT = "labels.json"  # in the folder of a run that learnt a layer: what stood in it when the run began


def with_labels(corpus: Corpus, labels: Mapping[TurnId, Label], *, fallback: bool = True) -> Corpus:
    """The corpus with the labels' emotions as its gold.

    A label that is unsure or names no emotion counts as none. Where there is none, the corpus' own gold stays
    (`fallback`), or the turn has no gold and is neither trained on nor scored.
    """
    return _with_emotions(corpus, _emotions(labels), fallback)


def layer_labels(corpus: Corpus, layer: str, store: Path | None = None) -> dict[TurnId, Label]:
    """A layer's labels of whole turns, from the corpus' own store or the one named. Raises StoreError."""
    path = store or store_path(corpus)
    if not path.is_file():
        raise StoreError(f"{corpus.root} has no annotations yet ({path} does not exist); label some turns first")
    with Store.open(path, corpus) as opened:
        if layer not in opened.layers():
            raise StoreError(f"there is no layer {layer}; there are: {', '.join(opened.layers()) or 'none'}")
        return dict(opened.labels(layer))


def write_labels(run: RunFolder, layer: str, labels: Mapping[TurnId, Label]) -> dict[str, Any]:
    """Write what a run is to learn into its folder, where it stays whatever becomes of the store; facts of it."""
    emotions = _emotions(labels)
    run.write_json(LEARNT, {"layer": layer, "emotions": {str(turn): name for turn, name in emotions.items()}})
    return {"layer": layer, "labels": len(emotions)}


def with_run_labels(run: RunFolder, corpus: Corpus) -> Corpus:
    """The corpus as the run learns it: with the labels kept in its folder, or as it is. Raises RunError."""
    if "layer" not in run.facts:
        return corpus
    stored = run.read_json(LEARNT).get("emotions")
    if not isinstance(stored, dict) or not set(stored.values()) <= set(corpus.labels.labels):
        raise RunError(f"{run.path / LEARNT} is damaged: it does not hold emotions of {corpus.labels.name}")
    emotions = {turn.id: stored[str(turn.id)] for turn in corpus.turns() if str(turn.id) in stored}
    return _with_emotions(corpus, emotions, fallback=True)


def _emotions(labels: Mapping[TurnId, Label]) -> dict[TurnId, str]:
    return {turn: label.emotion for turn, label in labels.items() if label.emotion is not None and not label.unsure}


def _with_emotions(corpus: Corpus, emotions: Mapping[TurnId, str], fallback: bool) -> Corpus:
    def relabelled(turn: Turn) -> Turn:
        gold = emotions.get(turn.id, turn.gold if fallback else None)
        return turn if gold == turn.gold else replace(turn, gold=gold)

    return replace(corpus, dialogues=tuple(replace(d, turns=tuple(map(relabelled, d.turns))) for d in corpus.dialogues))
