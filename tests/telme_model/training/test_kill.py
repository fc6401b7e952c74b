"""A training that is killed outright, again and again, ends with the weights it would have had."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telme_model.events import Phase
from tests.support.runs import tensors, walk

MAIN = Path(__file__).parents[3] / "main.py"
EPOCHS = 8
SETTINGS = tuple(f"stages.{stage}.epochs={EPOCHS}" for stage in ("teacher", "audio", "visual", "fusion"))

Logged = list[dict[str, Any]]  # the lines of events.jsonl that this start has added


def after(event: str, phase: Phase, epoch: int = 0) -> Callable[[Logged], bool]:
    """Whether `event` of `phase` has been logged, of that epoch at least."""

    def reached(lines: Logged) -> bool:
        return any(
            line["event"] == event and line["phase"] == phase and line.get("epoch", 0) >= epoch for line in lines
        )

    return reached


def start(corpus: Path, run: Path, cache: Path) -> "subprocess.Popen[bytes]":
    """Train, or go on with the run, as a person would; in a process group of its own."""
    begun = (run / "run.json").exists()
    new = ["--preset", "toy", *(f"--set={setting}" for setting in SETTINGS)]
    command = [sys.executable, str(MAIN), "train", str(corpus), "--run", str(run), "--cache", str(cache)]
    with (cache.parent / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [*command, *(["--resume"] if begun else new)], stdout=said, stderr=said, start_new_session=True
        )


def kill_when(process: "subprocess.Popen[bytes]", run: Path, moment: Callable[[Logged], bool], delay: float) -> None:
    """SIGKILL the whole group `delay` seconds after the moment came. Fails if the process ends by itself."""
    log = run / "events.jsonl"
    began = time.time()
    try:
        while not moment(_lines(log, began)):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        time.sleep(delay)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL


def _lines(log: Path, began: float) -> Logged:
    if not log.exists():
        return []
    whole = log.read_bytes().rpartition(b"\n")[0]
    lines = [json.loads(line) for line in whole.splitlines() if line.strip().endswith(b"}")]
    return [line for line in lines if line["time"] >= began]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="process groups and SIGKILL are POSIX's")
def test_kills_in_every_stage_leave_no_trace_in_the_weights(corpus: Path, tmp_path: Path) -> None:
    whole, run, cache = tmp_path / "whole", tmp_path / "run", tmp_path / "cache"
    cache.mkdir()
    walk(corpus, whole, *SETTINGS)
    moments = random.Random(7)
    plan = [
        (after("StageStarted", Phase.CACHING), 0.0),
        (after("EpochDone", Phase.AUDIO, moments.randint(2, 5)), moments.uniform(0, 0.2)),
        (after("EpochDone", Phase.VISUAL, EPOCHS), moments.uniform(0, 0.05)),
        (after("EpochDone", Phase.FUSION, moments.randint(2, 4)), moments.uniform(0, 0.03)),
        (after("StageStarted", Phase.EVALUATING), 0.0),
    ]
    for moment, delay in plan:
        kill_when(start(corpus, run, cache), run, moment, delay)
        assert not (run / "scores.json").exists()
    last = start(corpus, run, cache)
    assert last.wait() == 0, (tmp_path / "said.txt").read_text(encoding="utf-8", errors="replace")
    assert tensors(run) == tensors(whole)
    for name in ("scores.json", "predictions/dev.jsonl", "predictions/test.jsonl"):
        ours, theirs = ((folder / name).read_text(encoding="utf-8") for folder in (run, whole))
        assert ours.replace('"run": "run"', '"run": "whole"') == theirs
    assert not list(run.rglob(".*.new"))
