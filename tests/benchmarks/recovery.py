"""How many labels a damaged store gives back: cut at every tenth, and with every bit of its header changed.

python tests/benchmarks/recovery.py [--labels 719]

The labels are synthetic, on the turns of the demo corpus, each a step of its own.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_model.bundled import DEMO_CORPUS
from telme_model.corpus import open_corpus
from tests.support.damage import HEADER, cuts, flipped, tried, write_store

_FIELDS = {  # of the header, by their first byte
    0: "magic", 16: "page size", 18: "versions", 20: "reserved, fractions", 24: "change counter", 28: "pages",
    32: "free pages", 40: "schema cookie", 44: "schema format", 48: "cache size", 52: "largest root", 56: "encoding",
    60: "user version", 64: "incremental vacuum", 68: "application", 72: "unused", 92: "valid for", 96: "library",
}  # fmt: skip


def main() -> None:
    """Print a line a damage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=719)
    options = parser.parse_args()
    corpus = open_corpus(DEMO_CORPUS)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "whole.sqlite"
        labels = write_store(path, corpus, options.labels)
        data, broken = path.read_bytes(), Path(scratch) / "damaged" / path.name
        print(f"{len(labels)} labels, {len(data):,} bytes")
        for name, damaged in cuts(data):
            outcome = tried(broken, corpus, damaged, labels)
            print(f"{name:22}  {outcome.right:4} back, {outcome.wrong} wrong")
        found: Counter[tuple[str, str]] = Counter()
        for bit in range(8 * HEADER):
            field = next(_FIELDS[first] for first in reversed(_FIELDS) if first <= bit // 8)
            outcome = tried(broken, corpus, flipped(data, bit), labels)
            how = "by itself" if outcome.opened else "recovered"
            found[field, f"{outcome.right:4} back, {outcome.wrong} wrong, {how}"] += 1
        for (field, how), times in found.items():
            print(f"{field:22}  {times:3} bits: {how}")


if __name__ == "__main__":
    main()
