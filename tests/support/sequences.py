"""Random sequences of import, undo, redo, edit and export of a store, beside a plain model of it."""

import json
import random
from pathlib import Path

from telme_model.annotations.exchange import Format
from telme_model.annotations.exchange.transfer import apply, layers_of, preview
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.store import Store
from telme_model.corpus import Corpus, TurnId
from tests.support.exchange import take, write

_Model = dict[TurnId, str]


def run_sequence(seed: int, store: Store, corpus: Corpus, folder: Path, steps: int = 8) -> None:
    """Do as many random things, and compare after each. Raises AssertionError where the store is not as the model."""
    rng = random.Random(seed)
    turns = [turn.id for turn in corpus.turns()]
    layer = f"layer {seed}"
    now: _Model = {}
    done: list[_Model] = []
    undone: list[_Model] = []
    for step in range(steps):
        before = dict(now)
        kind = rng.choice(["edit", "import", "replace", "export", "undo", "redo"])
        if kind == "undo" and done:
            store.undo()
            undone.append(now)
            now = done.pop()
        elif kind == "redo" and undone:
            store.redo()
            done.append(now)
            now = undone.pop()
        elif kind == "export" and now:
            report = write(
                rng.choice(list(Format)),
                folder / f"{seed}-{step}",
                corpus,
                layers_of(store, corpus, [layer]),
            )
            shown = preview(store, take(report.files, corpus), {layer: layer})
            assert (shown.new, shown.changed, shown.removed) == ({}, {}, {}), (seed, step, report.files)
        elif kind in ("edit", "import", "replace"):
            given = {turn: rng.choice(corpus.labels.labels) for turn in rng.sample(turns, rng.randint(1, 6))}
            gone: set[TurnId] = set()
            if kind == "edit":
                stepped = store.edit(
                    "edit", {(layer, Scope.ALL, turn): Label(emotion=name) for turn, name in given.items()}
                )
            else:
                if kind == "replace":
                    dialogues = {(turn.split, turn.dialogue) for turn in given}
                    gone = {turn for turn in now if (turn.split, turn.dialogue) in dialogues and turn not in given}
                shown = preview(store, take([_file(folder, given)], corpus), {"": layer}, replacing=kind == "replace")
                assert {turn for _, _, turn in shown.removed} == gone, (seed, step)
                stepped = apply(store, shown, "file")
            now = {turn: name for turn, name in (now | given).items() if turn not in gone}
            if stepped is not None:  # also where only the origin of a label changes
                done.append(before)
                undone.clear()
        stored = {turn: label.emotion for turn, label in store.labels(layer).items()}
        assert stored == now, (seed, step, kind)


def _file(folder: Path, given: _Model) -> Path:
    path = folder / "given.jsonl"
    rows = (
        {"split": t.split, "dialogue": t.dialogue, "utterance": t.utterance, "emotion": e} for t, e in given.items()
    )
    path.write_text("\n".join(map(json.dumps, rows)))
    return path
