"""Writing a run's log: every event in events.jsonl, and the curves for TensorBoard."""

import json
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch.utils.tensorboard import SummaryWriter

from telme_model.events import EpochDone, Event, Progress, StepDone
from telme_model.files import refusals
from telme_model.runs.folder import RunError, RunGoneError
from telme_model.runs.history import event_to_json

SECONDS_BETWEEN_STEPS = 0.5  # steps and progress in between are told but not logged


class RunLog:
    """Appends to the logs in a run folder; a resumed run goes on after a line that a kill cut short."""

    def __init__(self, folder: Path) -> None:
        """Open the logs."""
        self._path = folder / "events.jsonl"
        with refusals(self._path, "written", RunError):
            torn = self._path.is_file() and not self._path.read_bytes().endswith(b"\n")
            self._file = self._path.open("a", encoding="utf-8")
        if torn:
            self._file.write("\n")
        self._board: Any = SummaryWriter(str(folder / "tensorboard"))
        self._last = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk has been told by then
            self._file.close()
        self._board.close()

    def write(self, event: Event) -> None:
        """Log one event. Raises RunError when the disk does not take it."""
        now = time.time()
        if isinstance(event, StepDone | Progress) and now - self._last < SECONDS_BETWEEN_STEPS:
            return
        self._last = now
        if not self._path.exists():  # an open file takes what is written long after it was deleted
            raise RunGoneError(f"the run folder {self._path.parent} has gone while it was being trained")
        with refusals(self._path, "written", RunError):
            self._file.write(json.dumps(event_to_json(event, now)) + "\n")
            self._file.flush()
        if isinstance(event, StepDone):
            for name, value in event.losses.items():
                self._board.add_scalar(f"{event.phase}/loss/{name}", value, event.step)
            self._board.add_scalar(f"{event.phase}/learning rate", event.learning_rate, event.step)
        elif isinstance(event, EpochDone):
            self._board.add_scalar(f"{event.phase}/dev/weighted F1", event.dev_weighted_f1, event.epoch)
            self._board.add_scalar(f"{event.phase}/turns per second", event.turns_per_second, event.epoch)
            for name, value in event.dev_f1.items():
                self._board.add_scalar(f"{event.phase}/dev/F1 {name}", value, event.epoch)
