"""How many labels of random dialogues come back to the turn that they were given: `python -m tests.benchmarks.placing`.

Dialogues of several speakers with overlaps, pauses and offsets, as pympi and praatio write them, by seed
(tests/support/dialogues.py). What was not placed is listed by its reason.
"""

import argparse
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from telme_model.annotations.exchange import ExchangeError
from tests.support.dialogues import annotated
from tests.support.exchange import take


def main() -> int:
    """Print the counts; exit code 1 when a label came to another turn."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dialogues", type=int, default=300)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    labels = placed = wrong = 0
    reasons: Counter[str] = Counter()
    for seed in range(chosen.seed, chosen.seed + chosen.dialogues):
        with TemporaryDirectory() as folder:
            made = annotated(seed, Path(folder))
            try:
                incoming = take([made.path], made.corpus)
            except ExchangeError as error:
                reasons[str(error).partition(" ")[2][:60]] += len(made.truth)
                labels += len(made.truth)
                continue
        labels += len(made.truth)
        placed += incoming.labels
        lost = made.wrong(incoming)
        wrong += len(lost)
        print(*lost, sep="\n", end="\n" * bool(lost))
        if len(incoming.unplaced) < len(made.truth) - incoming.labels:
            print("not listed:", made.how, len(made.truth), incoming.labels, incoming.unplaced)
        reasons.update(one.reason for one in incoming.unplaced)
    print(f"{chosen.dialogues} dialogues, {labels} labels: {placed} placed, {wrong} of them on another turn")
    for reason, count in reasons.most_common():
        print(f"  not placed {count:4}: {reason}")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
