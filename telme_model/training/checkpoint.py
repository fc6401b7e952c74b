"""What a stage in flight is gone on with: saved in the run's folder at a step's end, so that no step is another one."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor

from telme_model.events import Phase
from telme_model.files import reason
from telme_model.runs.folder import RESUME, RunError, RunFolder

_BLOCK = 1 << 20  # bytes


@dataclass(slots=True)
class ResumeState:
    """All that the stage in flight needs to go on: taken at a step's end, so a resumed run repeats no other way."""

    phase: Phase
    epoch: int  # epochs finished
    step: int  # steps done in the epoch in flight
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    best_score: float
    best_epoch: int
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    turns: int = 0  # that are trained on


def save_resume(run: RunFolder, state: ResumeState) -> None:
    """Write the state of the stage in flight. Raises RunError."""
    tree = {name: getattr(state, name) for name in ResumeState.__slots__}
    tree["phase"] = str(state.phase)

    def write(place: Path) -> None:
        try:
            torch.save(tree, place)
        except RuntimeError as error:  # says in words alone that the disk takes no more: asked again, it says why
            with place.open("ab") as file:
                file.write(bytes(_BLOCK))
                file.flush()
                os.fsync(file.fileno())
            raise RunError(f"{place} cannot be written: {reason(error)}") from error

    run.write(RESUME, write)


def load_resume(run: RunFolder, phase: Phase) -> ResumeState | None:
    """The state of `phase`, None when there is none. Raises RunError when it is damaged."""
    place = run.path / RESUME
    if not place.is_file():
        return None
    try:
        if not is_zipfile(place):  # as torch writes them; of any other file it warns before it refuses
            raise ValueError("not a file of torch's")
        tree = torch.load(place, map_location="cpu", weights_only=True)
        state = ResumeState(**{**tree, "phase": Phase(tree["phase"])})
    except Exception as error:
        raise RunError(f"{place} is damaged; delete it to train that stage from its start") from error
    return state if state.phase is phase else None
