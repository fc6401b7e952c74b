"""Sequences of import, undo, edit and export against a plain model, and imports that are killed.

`python -m tests.benchmarks.imports --sequences 1000 --kills 30`. A killed import leaves the store as it was or as it
had to become, with a backup, and never between.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.corpus import Corpus, open_corpus
from tests.support.corpora import write_corpus
from tests.support.sequences import run_sequence

_IMPORT = """
import sys
from pathlib import Path
from telme_model.annotations.exchange import take_in
from telme_model.annotations.exchange.transfer import apply, preview
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.corpus import open_corpus
corpus = open_corpus(Path(sys.argv[1]))
work = take_in([Path(sys.argv[2])], corpus)
try:
    while True:
        next(work)
except StopIteration as end:
    incoming = end.value
with Store.open(store_path(corpus), corpus) as store:
    shown = preview(store, incoming, {"": "anna"})
    print("begun", flush=True)
    apply(store, shown, "labels.jsonl")
"""


def killed_import(corpus: Corpus, path: Path, delay: float) -> str:
    """Import in a process that is killed `delay` seconds after it began to write; "before", "after" or "between"."""
    process = subprocess.Popen([sys.executable, "-c", _IMPORT, corpus.root, path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store.open(store_path(corpus), corpus) as store:
        labels = [str(label.emotion) for label in store.labels("anna").values()]
        state = {"joy": "before", "fear": "after"}.get("+".join(dict.fromkeys(labels)), "between")
        whole = len(labels) == sum(1 for _ in corpus.turns())
        store.edit("before", {("anna", Scope.ALL, turn.id): Label(emotion="joy") for turn in corpus.turns()})
    return state if whole else "between"


def all_afraid(corpus: Corpus, path: Path) -> Path:
    """A file in which every turn is fear; in the store each is joy."""
    rows = ({"split": t.id.split, "dialogue": t.id.dialogue, "utterance": t.id.utterance} for t in corpus.turns())
    path.write_text("\n".join(json.dumps(row | {"emotion": "fear"}) for row in rows))
    with Store.open(store_path(corpus), corpus) as store:
        store.edit("before", {("anna", Scope.ALL, turn.id): Label(emotion="joy") for turn in corpus.turns()})
    return path


def main() -> int:
    """Print what came of it; exit code 1 when anything is between."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sequences", type=int, default=1000)
    options.add_argument("--kills", type=int, default=30)
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["TELME_ANNOTATIONS"] = str(Path(folder) / "annotations")
        corpus = open_corpus(write_corpus(Path(folder) / "corpus", clips=False))
        for seed in range(chosen.sequences):
            with Store.open(Path(folder) / f"store {seed % 50}.sqlite", corpus) as store:
                run_sequence(seed, store, corpus, Path(folder))
        print(f"{chosen.sequences} sequences as the model has them")
        path, rng = all_afraid(corpus, Path(folder) / "labels.jsonl"), random.Random(0)
        states = [killed_import(corpus, path, rng.uniform(0, 0.03)) for _ in range(chosen.kills)]
    print(f"{chosen.kills} kills: " + ", ".join(f"{states.count(s)} {s}" for s in ("before", "after", "between")))
    return int("between" in states)


if __name__ == "__main__":
    raise SystemExit(main())
