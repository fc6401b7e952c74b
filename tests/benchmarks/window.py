"""How soon the window is there, and how soon it answers: the demo corpus, and MELD's turns with made-up predictions.

python tests/benchmarks/window.py [FOLDER_OF_MELD] [REPEATS]

The start is measured in a process of its own, from its beginning to the end of painting with corpus and run open. The
others run from the change to the end of painting (offscreen), all panels shown, 1280x720: wall time, and the
processor's time, which other programs disturb less.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
from PySide6.QtWidgets import QApplication

from telme_gui.app import wait_until
from telme_gui.main_window import MainWindow
from telme_gui.session import Filter, Session
from telme_gui.settings import Settings, Theme
from telme_gui.style import Appearance
from telme_model import cli
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split
from tests.benchmarks.browse import Taken, filters, report
from tests.telme_gui.predicted import store_run

ROOT = Path(__file__).parents[2]
START = """
import sys, time
from pathlib import Path
import psutil
from telme_gui import app
def painted(window, *_args, **_more):
    app.wait_until(lambda: window.session.predictions is not None)
    window.grab()
    own = psutil.Process()
    print(time.time() - own.create_time(), sum(own.cpu_times()[:2]), 'torch' in sys.modules)
    return 0
app._draw = painted
app.run_window(Path(sys.argv[1]), Path(sys.argv[2]), screenshot=Path('none.png'), offscreen=True, size=(1280, 720))
"""


def start(corpus: Path, run: Path, repeats: int) -> None:
    """From the process's beginning to the window with its run, painted."""
    taken: list[Taken] = []
    for _ in range(repeats + 1):  # the first one warms the caches of the disk
        done = subprocess.run(
            [sys.executable, "-c", START, str(corpus), str(run)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        wall, processor, torch = done.stdout.split()
        taken.append((1000 * float(wall), 1000 * float(processor)))
    report(f"process start to painted (torch loaded: {torch})", taken[1:])


def meld(root: Path, folder: Path, repeats: int) -> None:
    """MELD's annotations with stored predictions of every turn."""
    corpus = open_corpus(root)
    run = store_run(folder / "made-up", corpus, *Split)
    app = QApplication([])
    appearance = Appearance(app, Theme.LIGHT)
    session = Session()
    window = MainWindow(session, Settings(), appearance)
    window.resize(1280, 720)
    window.show()
    app.processEvents()

    def timed(change: Callable[[], object]) -> Taken:
        wall, processor = time.perf_counter(), time.process_time()
        change()
        app.processEvents()
        return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)

    def open_all() -> None:
        window.opener.open(root, run)
        wait_until(lambda: session.predictions is not None and len(session.predictions.ids) == len(session.turns))

    print(f"{sum(1 for _ in corpus.turns()):,} turns in {len(corpus.dialogues):,} dialogues")
    opened = []
    for _ in range(max(3, repeats // 5)):
        window.opener.close()
        app.processEvents()
        opened.append(timed(open_all))
    report("open corpus and run", opened)
    browse(session, corpus, timed, repeats)
    print(f"{'memory':>45}: {psutil.Process().memory_info().rss / 2**20:.0f} MiB")
    window.close()


def browse(session: Session, corpus: Corpus, timed: Callable[[Callable[[], object]], Taken], repeats: int) -> None:
    """Every kind of filter, then the next turn and any turn."""
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


def main() -> None:
    """The demo's start, then MELD where its folder is named."""
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    with TemporaryDirectory() as name:
        run = cli.DEMO_RUN
        if not run.is_dir():
            run = store_run(Path(name) / "demo", open_corpus(cli.DEMO_CORPUS), *Split)
        start(cli.DEMO_CORPUS, run, repeats)
        if len(sys.argv) > 1:
            meld(Path(sys.argv[1]), Path(name), repeats)


if __name__ == "__main__":
    main()
