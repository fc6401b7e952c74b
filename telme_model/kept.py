"""Predictions that were computed to be looked at, kept so that nobody waits for them twice."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from telme_model.checkpoints import RunFolder
from telme_model.corpus.dialogue import Clip, Corpus
from telme_model.corpus.fingerprint import fingerprint
from telme_model.paths import predictions_folder
from telme_model.records import Record, jsonl_lines


class KeptPredictions:
    """What one run said of one corpus beyond the predictions in the run's own folder: a file in the cache.

    It belongs to these very weights, words and clips: where one of them changes, another file is begun. Losing it
    costs time alone, so a disk that refuses is no error.
    """

    def __init__(self, run: RunFolder, corpus: Corpus) -> None:
        """Find the file's place; the run and the clips are looked at, nothing is made."""
        digest = hashlib.sha256(fingerprint(corpus).encode())
        digest.update((run.path / "run.json").read_bytes())
        for weights in sorted((run.path / "weights").glob("*")):
            digest.update(repr((weights.name, _state(weights))).encode())
        for turn in corpus.turns():
            digest.update(repr([clip and _place(clip) for clip in (turn.video, turn.audio)]).encode())
        self.path = predictions_folder() / f"{digest.hexdigest()[:24]}.jsonl"

    def read(self) -> list[Record]:
        """The records so far. A line that a kill cut off is left out."""
        records: list[Any] = []
        try:
            with self.path.open("rb") as file:
                for line in file:
                    try:
                        records.append(json.loads(line))
                    except ValueError:
                        continue
        except OSError:
            return []
        return [record for record in records if isinstance(record, dict) and "fused" in record]

    def add(self, records: Iterable[Record]) -> None:
        """Append records; those of one call in one write, so that two programs do not mix theirs."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # Begins a line of its own, whatever a kill has left before it.
                file.write(("\n" + "".join(jsonl_lines(records))).encode())
        except OSError:
            return


def _place(clip: Clip) -> tuple[str, tuple[int, int] | None]:
    return str(clip.path.absolute()), _state(clip.path)


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
