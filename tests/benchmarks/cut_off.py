"""The program is killed outright at random moments of a training's stages; each next start has to offer the run.

    python tests/benchmarks/cut_off.py [KILLS]

The last start is left alone, and has to end with the weights of a run that nobody disturbed.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_model.events import Phase
from telme_model.runs import catalogue
from tests.support.corpora import write_corpus
from tests.support.runs import tensors, walk

STAGES = (Phase.TEACHER, Phase.AUDIO, Phase.VISUAL, Phase.FUSION)
EPOCHS = 100  # a stage
WITHIN = 0.4  # seconds after a stage's first event of a start, at most, until it is killed


def main() -> int:
    """Kill, look, start again; 0 when nothing was lost."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    chance = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ |= {
            "TELME_RUNS": str(place / "runs"),
            "TELME_PREDICTIONS": str(place / "predictions"),
            "TELME_CACHE": str(place / "cache"),
            "QT_QPA_PLATFORM": "offscreen",
            "HF_HUB_OFFLINE": "1",
        }
        corpus, run = write_corpus(place / "corpus"), place / "runs" / "night"
        for number in range(kills):
            stage = STAGES[number * len(STAGES) // kills]
            _kill(corpus, run, stage, chance.uniform(0, WITHIN))
            (offered,) = catalogue.unfinished(catalogue.known_runs())
            print(f"{number + 1:3}  offered: {offered.phase}, after epoch {offered.epoch}", flush=True)
            if not offered.cut_off:
                return 1
        last = _start(corpus, run)
        if last.wait() != 0:
            return 1
        walk(corpus, place / "whole", *_settings(EPOCHS))
        same = tensors(run) == tensors(place / "whole")
        print("the weights are those of the undisturbed run" if same else "the weights DIFFER")
        return int(not same)


def _start(corpus: Path, run: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, __file__, "--train", str(corpus), str(run)])


def _kill(corpus: Path, run: Path, stage: Phase, delay: float) -> None:
    log = run / "events.jsonl"
    known = log.stat().st_size if log.exists() else 0
    program = _start(corpus, run)
    while not _reached(log, known, stage):
        if program.poll() is not None:
            raise SystemExit(f"the program ended by itself before it came to the {stage}")
        time.sleep(0.005)
    time.sleep(delay)
    program.send_signal(signal.SIGKILL)
    program.wait()


def _reached(log: Path, known: int, stage: Phase) -> bool:
    if not log.exists():
        return False
    lines = log.read_bytes()[known:].rpartition(b"\n")[0].splitlines()
    told = (json.loads(line) for line in lines if line.endswith(b"}"))
    return any(event.get("phase") in STAGES[STAGES.index(stage) :] for event in told)


def _settings(epochs: int) -> list[str]:
    return [f"stages.{stage}.epochs={epochs}" for stage in ("teacher", "audio", "visual", "fusion")]


def train(corpus: Path, run: Path, epochs: int = EPOCHS) -> int:
    """The whole window, with every offer taken; it closes when the run has ended."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from telme_gui.app import make_window
    from telme_gui.look.settings import Settings, Theme
    from telme_gui.look.style import Appearance
    from telme_model.runs.plan import Plan
    from telme_model.runs.presets import TOY

    app = QApplication([])
    window = make_window(Settings(), Appearance(app, Theme.LIGHT))
    trainer = window.trainer
    window.resize(1280, 720)
    window.show()
    window.opener.open(corpus)
    trainer.finished.connect(lambda: (window.close(), app.exit(0)))
    trainer.left.connect(lambda: (window.close(), app.exit(1)))
    offers = QTimer(interval=20)
    offers.timeout.connect(lambda: window.unfinished.resume.click() if window.unfinished.runs else None)
    offers.start()
    if run.exists():
        window.unfinished.look()
    else:
        trainer.submit([Plan(config=TOY.with_settings(_settings(epochs)), corpus=corpus, run=run)])
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        sys.exit(train(Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:])))
    sys.exit(main())
