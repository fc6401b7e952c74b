"""Writing a run's log: every event in events.jsonl, and the curves for TensorBoard."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch.utils.tensorboard import SummaryWriter

from telme_model.events import EpochDone, Event, Progress, StepDone
from telme_model.files import lines_of, refusals, write_whole
from telme_model.runs.folder import RunError, RunGoneError
from telme_model.runs.history import event_to_json
from telme_model.settings import fault_in

SECONDS_BETWEEN = 0.5  # progress in between is told but not logged; steps are, and left out of TensorBoard alone

_COUNTED = {"StepDone": "step", "EpochDone": "epoch"}  # events that are numbered within their phase
_Place = tuple[str, str]  # a kind of event and its phase


class RunLog:
    """Appends to the logs in a run folder; a resumed run goes on after a line that a kill cut short.

    What a resumed run does again after its last checkpoint stands in events.jsonl once: the later step replaces the
    earlier one and all beyond it.
    """

    def __init__(self, folder: Path) -> None:
        """Open the logs."""
        self._path = folder / "events.jsonl"
        with refusals(self._path, "written", RunError):
            torn = self._path.is_file() and not _ends(self._path)
            self._reached = self._read() if self._path.is_file() else {}
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
        lately = now - self._last < SECONDS_BETWEEN
        if isinstance(event, Progress) and lately:
            return
        if not (isinstance(event, StepDone) and lately):
            self._last = now
        if not self._path.exists():  # an open file takes what is written long after it was deleted
            raise RunGoneError(f"the run folder {self._path.parent} has gone while it was being trained")
        line = event_to_json(event, now)
        with refusals(self._path, "written", RunError):
            if (numbered := _numbered(line)) is not None:
                place, number = numbered
                if number <= self._reached.get(place, 0):
                    self._take_back(place, number)
                self._reached[place] = number
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        if not (isinstance(event, StepDone) and lately):  # five points cost 2.6 ms, a step of the fusion 12
            self._draw(event)

    def _draw(self, event: Event) -> None:
        """Put an event's points on TensorBoard's curves."""
        if isinstance(event, StepDone):
            for name, value in event.losses.items():
                self._board.add_scalar(f"{event.phase}/loss/{name}", value, event.step)
            self._board.add_scalar(f"{event.phase}/learning rate", event.learning_rate, event.step)
        elif isinstance(event, EpochDone):
            self._board.add_scalar(f"{event.phase}/dev/weighted F1", event.dev_weighted_f1, event.epoch)
            self._board.add_scalar(f"{event.phase}/turns per second", event.turns_per_second, event.epoch)
            for name, value in event.dev_f1.items():
                self._board.add_scalar(f"{event.phase}/dev/F1 {name}", value, event.epoch)

    def _read(self) -> dict[_Place, int]:
        """The last step and epoch of every phase that the log holds."""
        reached: dict[_Place, int] = {}
        for line in lines_of(self._path, RunError):
            if (numbered := _parsed(line)) is not None:
                place, number = numbered
                reached[place] = max(number, reached.get(place, 0))
        return reached

    def _take_back(self, place: _Place, number: int) -> None:
        """Leave out what the log holds of `place` from `number` on."""
        self._file.close()
        with self._path.open("rb") as lines:
            kept = [
                line for line in lines if (found := _parsed(line)) is None or found[0] != place or found[1] < number
            ]
        write_whole(self._path, lambda scratch: scratch.write_bytes(b"".join(kept)), RunError)
        self._file = self._path.open("a", encoding="utf-8")


def _ends(path: Path) -> bool:
    """Whether a file ends with a line's end."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _parsed(line: bytes) -> tuple[_Place, int] | None:
    try:
        return _numbered(json.loads(line))
    except (ValueError, RecursionError):
        return None  # cut short by a kill


def _numbered(line: Any) -> tuple[_Place, int] | None:
    """What a line counts, and its number; None where it counts nothing."""
    kind = line.get("event") if isinstance(line, dict) else None
    number = line.get(_COUNTED.get(str(kind), "")) if kind else None
    if number is None or fault_in(int)(number):
        return None
    return (str(kind), str(line.get("phase"))), number
