"""Milliseconds to open MELD's 13,708 turns with stored predictions, to filter them and to walk through them.

python tests/benchmarks/browse.py [FOLDER_OF_MELD] [REPEATS]

The whole window is shown (1280x720, without a screen), each figure runs from the change to the end of painting: wall
time, and the processor's time, which other programs disturb less. The predictions are made up, the annotations real.
"""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
from PySide6.QtWidgets import QApplication

from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_gui.window.main_window import MainWindow
from telme_model.analysis.predictions import Effect
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from tests.benchmarks._measuring import opened, painted, report, settle, shown_window
from tests.support.predictions import store_run


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


def measure_opening(window: MainWindow, root: Path, run: Path, repeats: int) -> None:
    """From the wish to the painted window."""
    taken = []
    for _ in range(repeats):
        window.opener.close()
        QApplication.processEvents()
        taken.append(painted(lambda: opened(window, root, run)))
    report("open corpus and run", taken)


def measure_filters(session: Session, repeats: int) -> None:
    """Every kind of filter, each time as a change from a large one."""
    session.report_media_problems({turn.id: "The clip is missing." for turn in session.turns[::100]})
    for name, filter_ in filters(session).items():
        taken = []
        for _ in range(repeats):
            painted(lambda: session.set_filter(Filter(text="the")))
            taken.append(painted(lambda: session.set_filter(filter_)))  # noqa: B023 - called at once
        report(f"filter: {name} ({int(session.visible.sum()):,} found)", taken)


def measure_walking(session: Session, repeats: int) -> None:
    """The next turn, and any turn, mostly of another dialogue."""
    walk = [turn.id for turn in session.turns[5000 : 5000 + 20 * repeats]]
    report("choose the next turn", [painted(lambda: session.select(turn)) for turn in walk])  # noqa: B023
    leaps = [turn.id for turn in random.Random(0).choices(session.turns, k=10 * repeats)]
    report("choose any turn", [painted(lambda: session.select(turn)) for turn in leaps])  # noqa: B023


def main() -> None:
    """Open, filter, walk, and count the memory."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/meld")
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    with TemporaryDirectory() as folder:
        run = store_run(Path(folder) / "made-up", open_corpus(root), *Split)
        with shown_window() as window:
            measure_opening(window, root, run, max(3, repeats // 5))
            settle()
            measure_filters(window.session, repeats)
            measure_walking(window.session, repeats)
            print(f"{'memory':>45}: {psutil.Process().memory_info().rss / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
