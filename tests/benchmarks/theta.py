"""Milliseconds to fuse a split anew with another theta, and to answer one turn's what-if, from a run's embeddings.

python tests/benchmarks/theta.py RUN CORPUS [SPLIT] [REPEATS]
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_model.analysis.predictions import from_records
from telme_model.cli import DEMO_CORPUS, DEMO_RUN
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Modality, Split
from telme_model.records import run_records
from telme_model.whatif import WhatIf


def milliseconds(answer: Callable[[int], object], k: int) -> float:
    """How long the k-th answer takes."""
    start = time.perf_counter()
    answer(k)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Measure the first and the later answers."""
    run, root = (Path(sys.argv[1]), Path(sys.argv[2])) if len(sys.argv) > 2 else (DEMO_RUN, DEMO_CORPUS)
    corpus = open_corpus(root)
    split = Split(sys.argv[3]) if len(sys.argv) > 3 else Split.TEST
    repeats = int(sys.argv[4]) if len(sys.argv) > 4 else 50
    base = from_records(run_records(run, split), corpus.labels.labels)
    start = time.perf_counter()
    whatif = WhatIf(run, corpus)
    print(f"{'run loaded':>24}: {1000 * (time.perf_counter() - start):.0f} ms")
    thetas = [2 * base.theta * (k + 1) / repeats for k in range(repeats)]
    turns = [base.ids[k * len(base.ids) // repeats] for k in range(repeats)]
    mute = frozenset({Modality.AUDIO})
    answers: dict[str, Callable[[int], object]] = {
        f"{len(base.ids)} turns, theta": lambda k: whatif.refuse(thetas[k], base),
        "one turn, theta": lambda k: whatif.ask(turns[k], theta=thetas[k]),
        "one turn, muted": lambda k: whatif.ask(turns[k], mute=mute),
        "one turn, other words": lambda k: whatif.ask(turns[k], text="Did you hear that?"),
    }
    for name, answer in answers.items():
        taken = [milliseconds(answer, k) for k in range(repeats)]
        late = sorted(taken[1:])[int(0.95 * (repeats - 1))]
        print(f"{name:>24}: first {taken[0]:.1f} ms, then median {statistics.median(taken[1:]):.1f}, 95 % {late:.1f}")


if __name__ == "__main__":
    main()
