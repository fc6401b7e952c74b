"""Milliseconds from a label's key to the next of MELD's 13,708 turns shown, playing, with all panels painted.

python -m tests.benchmarks.annotate [FOLDER_OF_MELD] [LABELS] [EDITS]

The whole window is shown (1280x720, without a screen) and given real key presses; each figure runs from the press to
the end of painting, the label on disk by then: plainly, in blind mode, along a queue, and with EDITS earlier edits in
the history. The plain way beside it is the commit alone, without a window. The predictions are made up, the
annotations real, and there are no clips: the player plays its placeholder.
"""

import itertools
import os
import random
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from telme_gui.window.main_window import MainWindow
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split
from tests.benchmarks._measuring import Taken, opened, painted, report, settle, shown_window
from tests.support.predictions import store_run

LABELLED = 10_000  # turns at the corpus' head with a long history; the others are labelled while it is measured


def label_keys(window: MainWindow, count: int) -> list[Taken]:
    """One digit a turn, each painted before the next; fails where a key did not label, go on and play."""
    session, taken = window.session, list[Taken]()
    emotions = session.corpus.labels.labels if session.corpus else ()
    places = itertools.cycle([2, 0, 1, 4, 3, 5, 6])
    for _ in range(count):
        turn = session.current
        assert turn is not None
        before = session.labels.emotion(turn.id)
        place = next(place for place in places if emotions[place] != before)
        widget, key = window.focusWidget(), Qt.Key(Qt.Key.Key_1 + place)
        taken.append(painted(lambda: QTest.keyClick(widget, key)))  # noqa: B023 - called at once
        assert session.labels.emotion(turn.id) == emotions[place]
        assert session.current is not turn
        assert window.player.playing
        window.player.pause()
    return taken


def measure(window: MainWindow, count: int, suffix: str = "") -> None:
    """The three ways of going on, each through turns without a label."""
    session, annotator, actions = window.session, window.annotator, window.annotating
    fresh = session.turns[LABELLED:]
    session.select(fresh[0].id)
    settle(500)
    report(f"one key, one turn{suffix}", label_keys(window, count))
    actions.blind.trigger()
    settle(500)
    report(f"in blind mode{suffix}", label_keys(window, count))
    actions.blind.trigger()
    annotator.work_through(
        "sample", tuple(random.Random(1).sample([turn.id for turn in fresh[2 * count :]], 2 * count))
    )
    settle(500)
    report(f"along a queue, any dialogue{suffix}", label_keys(window, count))
    annotator.work_through("", ())


def fill(path: Path, corpus: Corpus, layer: str, edits: int) -> None:
    """A history of single edits in a layer: made in memory where the system has such a folder, then copied."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        made = Path(folder) / path.name
        edit(made, corpus, layer, edits)
        shutil.copy(made, path)
    taken = edit(path, corpus, layer, 300)
    report(f"the commit alone, after {edits:,} edits", taken)


def edit(path: Path, corpus: Corpus, layer: str, edits: int) -> list[Taken]:
    """Single edits, and what each takes without a window."""
    chance, emotions = random.Random(edits), corpus.labels.labels
    turns = [turn.id for turn in corpus.turns()][:LABELLED]
    taken = []
    with Store.open(path, corpus) as store:
        for _ in range(edits):
            label = Label(emotion=chance.choice(emotions), time=time.time())
            key = (layer, Scope.ALL, chance.choice(turns))
            began, processor = time.perf_counter(), time.process_time()
            store.edit("label", {key: label})
            taken.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - processor)))
    return taken


def measure_open(path: Path, corpus: Corpus) -> None:
    """The long history's store, opened."""
    taken = []
    for _ in range(5):
        began, processor = time.perf_counter(), time.process_time()
        with Store.open(path, corpus):
            taken.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - processor)))
    report("open the store", taken)


def main() -> None:
    """With an empty history, then with a long one."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/meld")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    edits = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
    with TemporaryDirectory() as folder:
        os.environ["TELME_ANNOTATIONS"] = str(Path(folder) / "annotations")
        corpus = open_corpus(root)
        run = store_run(Path(folder) / "made-up", corpus, *Split)
        with shown_window() as window:
            opened(window, root, run)
            window.annotating.annotate.trigger()
            window.turns.view.setFocus()
            measure(window, count)
            window.opener.close()
            fill(store_path(corpus), corpus, "ada", edits)
            measure_open(store_path(corpus), corpus)
            opened(window, root, run)
            window.session.labels.choose(layer="ada")
            window.turns.view.setFocus()
            measure(window, count, f", {edits:,} edits")


if __name__ == "__main__":
    main()
