"""What annotating costs and what it survives: kills while a script labels at full speed, and a long history.

python tests/benchmarks/labels.py [--kills 200] [--edits 100000] [--corpus MELD.Raw]
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.store import Store
from telme_model.bundled import DEMO_CORPUS
from telme_model.corpus import open_corpus
from tests.support.labelling import Plain, killed


def kills(number: int, folder: Path) -> None:
    """Kill a labelling program again and again upon one store; fails at the first label that is lost."""
    corpus = open_corpus(DEMO_CORPUS)
    plain, chance, edits = Plain(), random.Random(0), 0
    for seed in range(number):
        plain, acknowledged = killed(DEMO_CORPUS, corpus, folder / "k.sqlite", plain, seed, chance.randint(1, 100))
        edits += acknowledged
    print(f"{number} kills, {edits} acknowledged edits ({len(plain.labels)} labels stand): none lost, file whole")


def history(edits: int, root: Path, folder: Path) -> None:
    """Time single edits while the history grows, and opening at its end."""
    corpus, path = open_corpus(root), folder / "h.sqlite"
    turns = [turn.id for turn in corpus.turns()]
    chance = random.Random(0)
    emotions = corpus.labels.labels
    with Store.open(path, corpus) as store:
        for part in range(1, 11):
            seconds = []
            for _ in range(edits // 10):
                key = ("ada", Scope.ALL, chance.choice(turns))
                label = Label(emotion=chance.choice(emotions), time=time.time())
                began = time.perf_counter()
                store.edit("label", {key: label})
                seconds.append(1000 * (time.perf_counter() - began))
            print(f"{edits * part // 10:7} edits: {_told(seconds)}")
        seconds = []
        for _ in range(500):
            began = time.perf_counter()
            store.undo()
            seconds.append(1000 * (time.perf_counter() - began))
        print(f"        undo: {_told(seconds)}")
        began = time.perf_counter()
        store.edit("import", {("bo", Scope.ALL, turn): Label(emotion=emotions[0]) for turn in turns})
        print(f"  one step of {len(turns)} labels: {1000 * (time.perf_counter() - began):.0f} ms")
        began = time.perf_counter()
        for _ in range(1000):
            store.changed_elsewhere()
        print(f"  a look for other programs' changes: {time.perf_counter() - began:.3f} ms")
        began = time.perf_counter()
        store.back_up()
        print(f"  a backup: {1000 * (time.perf_counter() - began):.0f} ms of {path.stat().st_size / 1e6:.1f} MB")
    began = time.perf_counter()
    with Store.open(path, corpus):
        print(f"  opening: {1000 * (time.perf_counter() - began):.0f} ms")


def _told(milliseconds: list[float]) -> str:
    median, p95 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[18]
    return f"median {median:.2f} ms, p95 {p95:.2f} ms, longest {max(milliseconds):.1f} ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--edits", type=int, default=100_000)
    parser.add_argument("--corpus", type=Path, default=DEMO_CORPUS, help="for the long history")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kills(options.kills, Path(scratch))
        history(options.edits, options.corpus, Path(scratch))
