"""Predictions that were computed to be looked at, kept so that nobody waits for them twice."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from telme_model.analysis.evaluation import turn_key
from telme_model.corpus.dialogue import Corpus, Modality
from telme_model.corpus.fingerprint import fingerprint
from telme_model.files import FileError, lines_of
from telme_model.paths import predictions_folder
from telme_model.runs.folder import RunFolder
from telme_model.runs.record_check import check_record
from telme_model.runs.records import Record, jsonl_lines, parse


class StoredPredictions:
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
        self._labels = frozenset(corpus.labels.labels)
        self._turns: dict[tuple[str, str, int], dict[str, Path]] = {}  # with the clips that are there, by modality
        for turn in corpus.turns():
            there = self._turns[str(turn.id.split), turn.id.dialogue, turn.id.utterance] = {}
            for modality, clip in ((Modality.AUDIO, turn.audio), (Modality.VISUAL, turn.video)):
                state = clip and _state(clip.path)
                digest.update(repr(clip and (str(clip.path.absolute()), state)).encode())
                if clip and state:
                    there[modality] = clip.path
        self.path = predictions_folder() / f"{digest.hexdigest()[:24]}.jsonl"

    def read(self) -> list[Record]:
        """The records so far. A line that is not a whole record of this corpus is left out: one that a kill cut off."""
        records: list[Record] = []
        try:
            for line in lines_of(self.path):
                with suppress(ValueError):
                    record = parse(line)
                    check_record(record, self._labels)
                    if turn_key(record) in self._turns:
                        records.append(record)
        except FileError:
            return []
        return records

    def add(self, records: Iterable[Record]) -> None:
        """Append records; those of one call in one write, so that two programs do not mix theirs.

        One without a clip that was there and has gone meanwhile is left out: it may come back.
        """
        lasting = [record for record in records if not self._gone(record)]
        # Begins a line of its own, whatever a kill has left before it.
        text = "\n" + "".join(jsonl_lines(lasting))
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(text.encode(errors="backslashreplace"))

    def _gone(self, record: Record) -> bool:
        clips = self._turns[turn_key(record)]
        return any(modality in clips and _state(clips[modality]) is None for modality in record["missing"])


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
