"""Milliseconds to open, filter and walk MELD's turns in the navigator and the turn table, with made-up predictions.

python tests/benchmarks/browse.py FOLDER_OF_MELD [REPEATS]

Each figure runs from the change to the end of painting (offscreen), with both panels shown: wall time, and the
processor's time, which other programs disturb less.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from telme_gui import theme
from telme_gui.navigator import Navigator
from telme_gui.session import Filter, Session
from telme_gui.turns import TurnTable
from telme_model.analysis.predictions import Effect
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from tests.telme_gui.predicted import predictions

Taken = tuple[float, float]  # ms: wall, processor


def filters(session: Session) -> dict[str, Filter]:
    """One of every kind, some together."""
    some = frozenset(turn.id for turn in session.turns[::40])
    return {
        "text 'what'": Filter(text="what"),
        "text 'e' (nearly all)": Filter(text="e"),
        "text 'zebra'": Filter(text="zebra"),
        **{f"effect {effect}": Filter(effects=frozenset({effect})) for effect in Effect},
        "emotion neutral": Filter(emotions=frozenset({"neutral"})),
        "emotion fear": Filter(emotions=frozenset({"fear"})),
        "speaker Joey": Filter(speakers=frozenset({"Joey"})),
        "split dev": Filter(splits=frozenset({Split.DEV})),
        "media problem": Filter(media_problem=True),
        "343 given turns": Filter(turns=some),
        "rescued fear, test": Filter(
            effects=frozenset({Effect.RESCUED}), emotions=frozenset({"fear"}), splits=frozenset({Split.TEST})
        ),
        "none": Filter(),
    }


def main() -> None:
    """Open once, then every change so many times."""
    root, repeats = (
        Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/meld"),
        int(sys.argv[2]) if len(sys.argv) > 2 else 15,
    )
    app = QApplication([])
    theme.load_fonts()
    session = Session()
    window = QWidget()
    layout = QHBoxLayout(window)
    layout.addWidget(Navigator(session), 1)
    layout.addWidget(TurnTable(session), 3)
    window.resize(1280, 720)
    window.show()
    app.processEvents()

    def timed(change: Callable[[], object]) -> Taken:
        wall, processor = time.perf_counter(), time.process_time()
        change()
        app.processEvents()
        return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)

    corpus = open_corpus(root)
    made_up = predictions(corpus.turns(), corpus.labels.labels)
    print(f"{len(made_up.ids):,} turns in {len(corpus.dialogues):,} dialogues, {repeats} times each")
    report("show the corpus", [timed(lambda: session.set_corpus(corpus)) for _ in range(repeats)])
    report("show predictions", [timed(lambda: session.set_predictions(made_up, root)) for _ in range(repeats)])
    session.report_media_problems({turn.id: "The clip is missing." for turn in session.turns[::100]})
    for name, filter_ in filters(session).items():
        taken = []
        for _ in range(repeats):
            timed(lambda: session.set_filter(Filter(text="the")))  # so that the filter is a change, and a large one
            taken.append(timed(lambda: session.set_filter(filter_)))  # noqa: B023 - called at once
        report(f"filter: {name} ({int(session.visible.sum()):,} found)", taken)
    walk = [turn.id for turn in session.turns[5000 : 5000 + 20 * repeats]]
    report("choose the next turn", [timed(lambda: session.select(turn)) for turn in walk])  # noqa: B023
    leaps = [turn.id for turn in random.Random(0).choices(session.turns, k=10 * repeats)]
    report("choose any turn", [timed(lambda: session.select(turn)) for turn in leaps])  # noqa: B023


def report(name: str, taken: list[Taken]) -> None:
    """Median and 95th percentile."""
    columns = []
    for times in zip(*taken, strict=True):
        high = sorted(times)[int(0.95 * (len(times) - 1))]
        columns.append(f"{statistics.median(times):6.1f} ms, p95 {high:6.1f} ms")
    print(f"{name:>45}: {columns[0]}; processor {columns[1]}")


if __name__ == "__main__":
    main()
