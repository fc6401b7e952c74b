"""Training in the window against training headless: how late the event loop runs, and what the window costs.

    python tests/benchmarks/training_window.py [--short]

Trains the demo corpus twice on this machine's CPU: by `python main.py train`, and from the window, which plays a
dialogue again and again meanwhile, drawn without a screen. A timer of 10 ms in the window's event loop tells how late
it comes. Turns per second are of all stages, from each one's start to its last epoch. `--short` trains one epoch a
stage.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from telme_gui.app import make_window, wait_until
from telme_gui.look.settings import Settings, Theme
from telme_gui.look.style import Appearance
from telme_gui.system.collector import Collector
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model import bundled
from telme_model.runs.plan import Plan
from telme_model.runs.presets import PRESETS

ROOT = Path(__file__).parents[2]
BEAT = 10  # ms
ENDED = (TrainerState.FINISHED, TrainerState.FAILED, TrainerState.STOPPED)
SHORT = [f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")]


class Beats(QObject):
    """Notes how late each beat of a timer comes, in ms, and whether the first step was still to come."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self._trainer = trainer
        self.late: list[tuple[float, bool]] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        loading = not any(stage.steps for stage in self._trainer.history.stages.values())
        self.late.append((max(0.0, (now - self._last) * 1000 - BEAT), loading))
        self._last = now

    def stop(self) -> None:
        self._timer.stop()


def turns_per_second(run: Path) -> float:
    """Turns trained a second over all stages, from the times of its log: each stage's start to its last epoch."""
    started: dict[str, float] = {}
    ended: dict[str, float] = {}
    turns = 0
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "StageStarted" and event["epochs"]:
            turns += event["turns"] * event["epochs"]
            started[event["phase"]] = event["time"]
        if event["event"] == "EpochDone":
            ended[event["phase"]] = event["time"]
    return turns / sum(ended[phase] - started[phase] for phase in started)


def weights(run: Path) -> dict[str, bytes]:
    """The files of weights and embeddings by name."""
    return {str(file.relative_to(run)): file.read_bytes() for file in sorted(run.rglob("*.safetensors"))}


def headless(run: Path, settings: list[str]) -> float:
    """Train by the command."""
    words = [sys.executable, "main.py", "train", str(bundled.DEMO_CORPUS), "--preset", "demo", "--run", str(run)]
    words += [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return turns_per_second(run)


def in_window(run: Path, settings: list[str]) -> tuple[float, list[tuple[float, bool]]]:
    """Train from the window while it plays."""
    app = QApplication([])
    collector = Collector()  # as the program does it
    window = make_window(Settings(), Appearance(app, Theme.DARK))
    session, trainer = window.session, window.trainer
    window.resize(1280, 720)
    window.show()
    window.opener.open(bundled.DEMO_CORPUS, bundled.DEMO_RUN, meet=True)
    wait_until(lambda: not window.opener.busy)
    assert session.dialogue is not None
    first = session.dialogue.turns[0].id
    rounds: list[float] = []

    def play(playing: bool = False) -> None:
        """Play the dialogue from its beginning, each time it has come to its end."""
        if not playing and trainer.state not in ENDED:
            rounds.append(time.monotonic())
            session.select(first)
            window.player.play_on()

    again = QTimer(window, singleShot=True, interval=0)
    again.timeout.connect(play)
    window.player.playing_changed.connect(lambda playing: None if playing else again.start())
    play()
    beats = Beats(trainer)
    config = PRESETS["demo"].with_settings(settings)
    trainer.submit([Plan(config=config, corpus=bundled.DEMO_CORPUS, run=run)])
    while trainer.busy:
        wait_until(lambda: not trainer.busy)
    beats.stop()
    collector.rest()
    problem = trainer.problem
    window.close()
    if problem is not None:
        raise SystemExit(f"{problem.title}: {problem.cause}")
    assert len(rounds) > 1, "the dialogue was not played to its end"
    return turns_per_second(run), beats.late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    settings = SHORT if parser.parse_args().short else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TELME_CACHE"] = str(folder / "cache")
        os.environ["TELME_RUNS"] = str(folder / "runs")
        os.environ["TELME_PREDICTIONS"] = str(folder / "predictions")
        alone = headless(folder / "headless", settings)
        beside, late = in_window(folder / "window", settings)
        same = weights(folder / "headless") == weights(folder / "window") != {}
    trained = np.array([ms for ms, loading in late if not loading])
    loading = np.array([ms for ms, was in late if was])
    whole = np.array([ms for ms, _ in late])
    print(f"headless: {alone:.1f} turns/s; in the window: {beside:.1f} turns/s, {beside / alone:.0%} of it")
    print(f"weights and embeddings of all stages are bit-identical: {same}")
    for text, values in (("whole run", whole), ("while libraries load", loading), ("while it trains", trained)):
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        print(
            f"event loop late, {text} ({len(values)} beats of {BEAT} ms): median {p50:.1f} ms, 95th percentile "
            f"{p95:.1f} ms, 99th {p99:.1f} ms, worst {values.max():.0f} ms"
        )


if __name__ == "__main__":
    main()
