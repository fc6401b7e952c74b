"""What tests do with runs: walk a toy training, copy the bundled one's small files, tell two runs' weights apart."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telme_model import bundled
from telme_model.events import Event
from telme_model.runs.plan import STAGES
from telme_model.runs.presets import TOY
from telme_model.training.pipeline import train


@dataclass(frozen=True, slots=True)
class ToyRun:
    """A finished toy run on the toy corpus, and what it told on the way."""

    path: Path
    corpus: Path
    events: tuple[Event, ...]


def walk(
    corpus: Path, run: Path, *settings: str, stages: Sequence[str] = STAGES, resume: bool = False
) -> tuple[Event, ...]:
    """Train the toy preset, changed by `settings`, to the end of `stages`."""
    return tuple(train(TOY.with_settings(settings), corpus, run, stages=stages, resume=resume))


def tensors(run: Path) -> dict[str, bytes]:
    """Every file of weights and embeddings of a run, as bytes."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.glob("*/*.safetensors"))}


def copied_run(folder: Path, name: str, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
    """The bundled run's small files and predictions under another name, its run.json changed."""
    run = folder / name
    run.mkdir(parents=True)
    for file in ("run.json", "config.toml", "scores.json", "events.jsonl"):
        shutil.copy(bundled.DEMO_RUN / file, run)
    shutil.copytree(bundled.DEMO_RUN / "predictions", run / "predictions")
    tree = json.loads((run / "run.json").read_text())
    change(tree)
    (run / "run.json").write_text(json.dumps(tree))
    return run


def unfinished_run(folder: Path, name: str = "half") -> Path:
    """As `copied_run`, with the visual student and the fusion still to be trained."""
    run = copied_run(folder, name, lambda tree: [tree["stages"].pop(phase) for phase in ("visual student", "fusion")])
    (run / "scores.json").unlink()
    return run
