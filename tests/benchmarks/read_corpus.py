"""Seconds (wall and CPU) to read MELD's annotation files, beside `csv.DictReader` alone over them as the floor.

python tests/benchmarks/read_corpus.py FOLDER_OF_MELD [REPEATS]
"""

import csv
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_model.corpus import open_corpus


def plain(root: Path) -> int:
    """Rows, by the standard library and nothing else."""
    rows = 0
    for path in root.rglob("*_sent_emo.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows += sum(1 for _ in csv.DictReader(file))
    return rows


def whole(root: Path) -> int:
    """Turns, checked, ordered and in dialogues."""
    return sum(1 for _ in open_corpus(root).turns())


def main() -> None:
    """Measure both in turn, so that a busy machine slows both."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/meld")
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    readers: dict[str, Callable[[Path], int]] = {"csv.DictReader": plain, "open_corpus": whole}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    rows: dict[str, int] = {}
    for _ in range(repeats):
        for name, read in readers.items():
            wall, cpu = time.perf_counter(), time.process_time()
            rows[name] = read(root)
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    for name, times in taken.items():
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:>15}: {rows[name]} rows, median of {repeats}: {wall:.3f} s, {cpu:.3f} s of CPU")


if __name__ == "__main__":
    main()
