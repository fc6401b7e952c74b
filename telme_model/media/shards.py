"""The files of the media cache: large files of raw bytes, and an SQLite index that says where each turn's lie.

`media-0000.bin`, `media-0001.bin`, ... hold each turn's frames (uint8) followed by its sound (int16, little-endian).
An index entry is committed only after its bytes are on the disk: a builder killed at any moment leaves a valid cache.
"""

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from telme_model.corpus.dialogue import Modality
from telme_model.errors import StudioError
from telme_model.media.decoding import TurnMedia
from telme_model.settings import fault_in

_SHARD_BYTES = 1 << 30  # a file is closed when it has grown past this
_AT_ONCE = 1 << 20  # samples that are rounded at once: a film's would take gigabytes on the way
_SOUND = np.dtype("<i2")
_AGAIN = "again"  # beside the reasons why media are missing
_COMMIT_SECONDS = 1.0  # at most so much decoding is lost to a kill

_SCHEMA = """CREATE TABLE IF NOT EXISTS turns (
    key TEXT PRIMARY KEY, shard INTEGER, offset INTEGER, length INTEGER, samples INTEGER,
    seconds REAL, over_long INTEGER, missing TEXT)"""


class CacheError(StudioError):
    """A cache that cannot be built or read; the message is a sentence with what to do."""

    title = "The media cannot be decoded and kept"


class CacheFullError(CacheError):
    """The disk has no room for the media."""

    title = "The disk is too small for the decoded media"
    remedy = "Make room there and go on, or choose another cache folder: what was decoded is kept."


class CacheDamagedError(CacheError):
    """Files of the cache are gone or damaged; building it again mends that."""

    title = "The decoded media are gone or damaged"
    remedy = "Build the cache again: resuming a run does, and goes on."


class MediaChangedError(CacheError):
    """A clip is not what it was when the cache was built."""

    title = "The clips of this corpus are gone or changed"
    remedy = "Put them back as they were and go on, or build the cache again for a new run."


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """Where a turn's bytes lie (`length` of them, the last 2 * `samples` its sound), and what is known of its media.

    `again`: something is missing for a passing reason, so the next builder looks again.
    """

    shard: int
    offset: int
    length: int
    samples: int
    seconds: float
    over_long: bool
    missing: dict[Modality, str]
    again: bool


def shard_path(folder: Path, number: int) -> Path:
    """The file of that number in a settings folder."""
    return folder / f"media-{number:04}.bin"


class ShardIndex:
    """The SQLite file that says where each turn's media lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "index.sqlite"

    def connect(self) -> sqlite3.Connection:
        """Open it, for any thread: an iterator may be closed on another one than it was walked on."""
        return sqlite3.connect(self.path, timeout=30, check_same_thread=False)

    def read(self) -> dict[str, ShardEntry]:
        """Every entry by key; none when nothing was built yet."""
        if not self.path.exists():
            return {}
        try:
            with closing(self.connect()) as connection:
                tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'turns'").fetchall()
                rows = connection.execute("SELECT * FROM turns").fetchall() if tables else []
            return {key: _entry(*row) for key, *row in rows}
        except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
            raise CacheError(
                f"The cache index {self.path} cannot be read ({error}): delete the folder {self.folder}, "
                "and the cache will be built again."
            ) from None

    def sound_rows(self) -> dict[str, ShardEntry]:
        """The entries whose bytes are there; the others (a file was deleted or cut) are struck from the index."""
        rows = self.read()
        ends = {shard: file_size(shard_path(self.folder, shard)) for shard in {row.shard for row in rows.values()}}
        damaged = {key for key, row in rows.items() if row.offset + row.length > ends[row.shard]}
        if damaged:
            with closing(self.connect()) as connection, connection:
                connection.executemany("DELETE FROM turns WHERE key = ?", [(key,) for key in damaged])
        return {key: row for key, row in rows.items() if key not in damaged}


def _entry(
    shard: int, offset: int, length: int, samples: int, seconds: float, over_long: int, missing: str
) -> ShardEntry:
    """A row of the index. Raises ValueError where it is none."""
    whole = (shard, offset, length, samples, over_long)
    if any(map(fault_in(int), whole)) or min(whole) < 0 or 2 * samples > length or fault_in(float)(seconds):
        raise ValueError("a row is damaged")
    return ShardEntry(shard, offset, length, samples, seconds, bool(over_long), *_reasons(missing))


def _reasons(text: str) -> tuple[dict[Modality, str], bool]:
    tree = json.loads(text)
    if fault := fault_in(dict[str, Any])(tree):
        raise ValueError(f"what is missing{fault}")
    again = bool(tree.pop(_AGAIN, False))
    return {Modality(name): reason for name, reason in tree.items()}, again


def stored(media: TurnMedia) -> TurnMedia:
    """A turn's media with their sound as it lies in the files, int16: half as much to send from process to process."""
    if media.waveform is None:
        return media
    sound = np.empty(len(media.waveform), _SOUND)
    for first in range(0, len(sound), _AT_ONCE):
        part = media.waveform[first : first + _AT_ONCE]
        sound[first : first + _AT_ONCE] = np.clip(np.round(part * 32768), -32768, 32767)
    return replace(media, waveform=sound)


def file_size(path: Path) -> int:
    """Bytes in a file, 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


class Writer:
    """Appends media to the last file; commits every second and at the end, always bytes first, then the index."""

    def __init__(self, index: ShardIndex, rows: Mapping[str, ShardEntry]) -> None:
        self._index = index
        self._number, self._end = max(((row.shard, row.offset + row.length) for row in rows.values()), default=(0, 0))
        self._uncommitted: list[tuple[str | int | float, ...]] = []
        self._committed_at = time.monotonic()

    def __enter__(self) -> "Writer":
        self._connection = self._index.connect()
        with self._connection:
            self._connection.execute(_SCHEMA)
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with closing(self._connection), self._file:
            with suppress(OSError):  # a system that refuses to cut a mapped file loses nothing but room
                self._file.truncate(self._end)  # the half-written turn, which a full disk needs for the index
            if error is None:
                self._commit()
            else:
                with suppress(OSError, sqlite3.Error):
                    self._commit()

    def add(self, key: str, media: TurnMedia, *, again: bool = False) -> None:
        """Append a turn's media, as `stored`. Raises OSError or sqlite3.Error when the disk does not take them."""
        frames = b"" if media.frames is None else media.frames.tobytes()
        samples = np.empty(0, _SOUND) if media.waveform is None else media.waveform
        if self._end > _SHARD_BYTES:
            self._commit()
            self._file.close()
            self._number, self._end = self._number + 1, 0
            self._open()
        self._write(frames)
        self._write(samples.view(np.uint8).data)
        length = len(frames) + samples.nbytes
        reasons = json.dumps({**media.missing, _AGAIN: True} if again else media.missing)
        self._uncommitted.append(
            (key, self._number, self._end, length, len(samples), media.seconds, media.over_long, reasons)
        )
        self._end += length
        if time.monotonic() - self._committed_at > _COMMIT_SECONDS:
            self._commit()

    def _open(self) -> None:
        """Open the file where its last committed turn ends: what a killed builder left after that is overwritten."""
        path = shard_path(self._index.folder, self._number)
        path.touch()
        self._file = path.open("r+b", buffering=0)
        self._file.seek(self._end)

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _commit(self) -> None:
        os.fsync(self._file.fileno())
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO turns VALUES (?,?,?,?,?,?,?,?)", self._uncommitted)
        self._uncommitted.clear()
        self._committed_at = time.monotonic()
