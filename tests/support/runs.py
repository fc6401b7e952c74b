"""What tests do with runs: walk a toy training, and tell two runs' weights apart to the bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
