"""Milliseconds to fuse a split anew with another theta, to answer one turn's what-if, and to see it in every panel.

python tests/benchmarks/theta.py [RUN CORPUS [SPLIT [REPEATS]]]

The last figures are of the whole window (1280x720, without a screen): from a move of the slider until all turns are
fused anew, every panel shows it, and all painting is done; once beside the dialogue, once beside charts.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_gui.app import wait_until
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_model.analysis.predictions import from_records
from telme_model.bundled import DEMO_CORPUS, DEMO_RUN
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Modality, Split
from telme_model.prediction.what_if import WhatIf
from telme_model.runs.records import run_records
from tests.benchmarks._measuring import opened, painted, report, settle, shown_window


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
        f"{len(base.ids)} turns, theta": lambda k: whatif.fuse_anew(thetas[k], base),
        "one turn, theta": lambda k: whatif.ask(turns[k], theta=thetas[k]),
        "one turn, muted": lambda k: whatif.ask(turns[k], mute=mute),
        "one turn, other words": lambda k: whatif.ask(turns[k], text="Did you hear that?"),
    }
    for name, answer in answers.items():
        taken = [milliseconds(answer, k) for k in range(repeats)]
        late = sorted(taken[1:])[int(0.95 * (repeats - 1))]
        print(f"{name:>24}: first {taken[0]:.1f} ms, then median {statistics.median(taken[1:]):.1f}, 95 % {late:.1f}")
    with shown_window() as window:
        opened(window, root, run)
        in_the_window(window, repeats)


def in_the_window(window: MainWindow, repeats: int) -> None:
    """Move the slider, and wait for everything."""
    session = window.session
    slider = window.inspector.card.theta
    window.inspector.state.warm()
    wait_until(lambda: window.inspector.state.loaded or slider.isEnabled())
    settle()

    def move(k: int) -> None:
        slider.setValue(1 + (37 * k) % (slider.maximum() - 1))
        wait_until(lambda: session.predictions is not None and session.predictions.theta == session.theta)

    move(0)  # loads the run
    settle()
    for page in ("", "Scores", "Confusion", "Shift"):
        if page:
            window.show_view(MainView.CHARTS)
            window.charts.page(page)
            settle()
        taken = [painted(lambda: move(k)) for k in range(1, repeats)]  # noqa: B023 - called at once
        report(f"slider, all panels, {page or 'dialogue'}", taken)


if __name__ == "__main__":
    main()
