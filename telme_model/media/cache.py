"""The media of a corpus, decoded once by several processes and read back from memory-mapped files.

A cache folder holds one sub-folder per media settings. What is in there, and why a kill does no harm: `shards.py`.
"""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from telme_model.corpus.dialogue import Clip, Modality, Split, Turn
from telme_model.corpus.timing import expected_seconds
from telme_model.events import Event, Message, Phase, Progress, StageDone, StageStarted
from telme_model.files import is_full
from telme_model.media.decoding import MediaSettings, TurnMedia, read_turn
from telme_model.media.shards import (
    CacheDamagedError,
    CacheError,
    CacheFullError,
    MediaChangedError,
    ShardEntry,
    ShardIndex,
    Writer,
    file_size,
    shard_path,
    stored,
)
from telme_model.media.workers import leave_if_not_meant, without_guard

__all__ = ["CacheError", "CacheEstimate", "MediaCache", "build_cache", "estimate"]

# Part of every settings folder's name: raised when the bytes or their meaning change. 3: pictures are mirrored and in
# square pixels, frames wanted late in decoding order are there, lengths follow what is shown, sound is the default
# track's. What of a clip an earlier version read otherwise cannot be told without decoding it.
_FORMAT = 3
_LATER = {"margin": 0.0}  # settings that came after the format, with what they were before: then they name no folder
_WAIT_SECONDS = 0.5  # between two looks at another builder
_TURNS_PER_WORKER = 32  # starting a process costs as much as decoding four turns


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEstimate:
    """What is still to be decoded, the bytes it will take, and the bytes free on the disk."""

    turns: int
    bytes: int
    free_bytes: int


def estimate(turns: Sequence[Turn], settings: MediaSettings, folder: Path) -> CacheEstimate:
    """What `build_cache` would add to `folder`, from file sizes and annotated times alone: nothing is decoded."""
    pending = _pending(_keyed(turns), ShardIndex(_settings_folder(folder, settings)).read())
    size = sum(_expected_bytes(turn, settings) for turn in pending.values())
    return CacheEstimate(turns=len(pending), bytes=size, free_bytes=free_bytes(folder))


def build_cache(
    turns: Sequence[Turn], settings: MediaSettings, folder: Path, *, workers: int | None = None
) -> Iterator[Event]:
    """Decode the turns that the cache lacks (those whose clips changed on disk included) and keep them.

    `workers` is the number of processes, by default one per core where there is work for them; 0 decodes in this one.
    A second builder on the same folder waits for the first and then adds what is still lacking. Closing the iterator
    stops the processes and keeps what was done. Raises CacheError, above all when the disk is too small or gets full.
    """
    leave_if_not_meant()
    began = time.monotonic()
    place = _settings_folder(folder, settings)
    keyed = _keyed(turns)
    yield StageStarted(phase=Phase.CACHING, steps=len(keyed), turns=len(turns))
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / "building.lock", thread_local=False)
        yield from _acquire(lock, keyed, ShardIndex(place))
        try:
            yield from _build(keyed, settings, place, workers)
        finally:
            lock.release()
    except (OSError, sqlite3.Error) as error:
        raise _disk_error(error, turns, settings, folder) from error
    yield StageDone(phase=Phase.CACHING, seconds=time.monotonic() - began)


def _acquire(lock: FileLock, keyed: Mapping[str, Turn], index: ShardIndex) -> Iterator[Event]:
    """Take the lock; while another builder has it, tell how far that one is."""
    announced = False
    while True:
        try:
            lock.acquire(timeout=_WAIT_SECONDS if announced else 0)
            return
        except Timeout:
            if not announced:
                yield Message(text="Another program is building this media cache; waiting for it.")
            announced = True
            lacking = len(_pending(keyed, index.read()))
            yield Progress(phase=Phase.CACHING, done=len(keyed) - lacking, total=len(keyed))


def _build(keyed: dict[str, Turn], settings: MediaSettings, place: Path, workers: int | None) -> Iterator[Event]:
    index = ShardIndex(place)
    rows = index.sound_rows()
    pending = _pending(keyed, rows)
    needed, free = sum(_expected_bytes(turn, settings) for turn in pending.values()), free_bytes(place)
    if needed > free:
        raise CacheFullError(_too_small(place, needed, free))
    if workers is None:
        workers = min(_cores(), len(pending) // _TURNS_PER_WORKER)
    if pending and not rows and (earlier := _earlier(place.parent, settings)) is not None:
        yield Message(
            text=f"The decoded media in {earlier} are of an earlier version, which showed mirrored, wide and short "
            "clips wrongly: they are decoded anew, and that folder may be deleted."
        )
    decoded = _decode_there(pending, settings, workers) if workers else _decode_here(pending, settings)
    already = len(keyed) - len(pending)
    yield Progress(phase=Phase.CACHING, done=already, total=len(keyed))
    changed: dict[str, Turn] = {}
    with closing(decoded), Writer(index, rows) as writer:
        for done, (key, media) in enumerate(decoded, start=already + 1):
            turn = pending[key]
            if (now := _key(turn)) != key:
                changed[now] = turn  # while it was read, so what was read is nobody's
            elif key not in rows or media.missing != rows[key].missing:  # another look may have shown nothing new
                writer.add(key, media, again=_passing(turn, media))
            yield Progress(phase=Phase.CACHING, done=done, total=len(keyed))
        for key, media in _decode_here(changed, settings):
            if _key(changed[key]) == key:  # else it changes on and on: the next builder's
                writer.add(key, media, again=_passing(changed[key], media))


class MediaCache:
    """The decoded media of a corpus, as `build_cache` left them. Cheap to make, to pickle and to share by threads."""

    def __init__(self, folder: Path, settings: MediaSettings) -> None:
        self.folder = folder
        self.settings = settings
        self._index = ShardIndex(_settings_folder(folder, settings))
        self._rows: dict[str, ShardEntry] = {}
        self._found: dict[tuple[Split, Clip | None, Clip | None], ShardEntry] = {}
        self._maps: dict[int, np.ndarray] = {}

    def __reduce__(self) -> tuple[type["MediaCache"], tuple[Path, MediaSettings]]:
        return MediaCache, (self.folder, self.settings)

    def frames(self, turn: Turn) -> np.ndarray | None:
        """uint8 [frames, size, size, 3] RGB, read-only and memory-mapped; None when the picture is missing."""
        row = self._row(turn)
        if row.length == 2 * row.samples:
            return None
        size = self.settings.size
        return self._bytes(row)[: row.length - 2 * row.samples].reshape(self.settings.frames, size, size, 3)

    def waveform(self, turn: Turn) -> np.ndarray | None:
        """float32 [samples] in -1..1 at the settings' rate; None when the sound is missing."""
        row = self._row(turn)
        if not row.samples:
            return None
        sound = self._bytes(row)[-2 * row.samples :].view("<i2").astype(np.float32)
        sound /= np.float32(32768)
        return sound

    def seconds(self, turn: Turn) -> float:
        """Length of the turn's media, before any cap; 0 when nothing is readable."""
        return self._row(turn).seconds

    def missing(self, turn: Turn) -> Mapping[Modality, str]:
        """Why audio or visual is missing, in a sentence each; empty when both are there."""
        return self._row(turn).missing

    def again(self, turn: Turn) -> bool:
        """Whether what is missing is so for a passing reason: at another time the turn may be whole."""
        return self._row(turn).again

    def over_long(self, turn: Turn) -> bool:
        """Whether the turn was longer than the settings' `max_seconds` and so capped or blanked."""
        return self._row(turn).over_long

    def _row(self, turn: Turn) -> ShardEntry:
        """The turn's entry. Its files are looked at once, so what a run has read stays the same to its end."""
        clips = (turn.id.split, turn.video, turn.audio)
        row = self._found.get(clips)
        if row is None:
            key = _key(turn)
            if key not in self._rows:
                self._rows = self._index.read()
            if key not in self._rows:
                raise MediaChangedError(
                    f"The turn {turn.id} is not in the cache {self.folder}: its clips have changed or gone since that "
                    "was built."
                )
            row = self._found[clips] = self._rows[key]
        return row

    def _bytes(self, row: ShardEntry) -> np.ndarray:
        """The row's bytes: frames, then sound."""
        end = row.offset + row.length
        shard = self._maps.get(row.shard)
        if shard is None or len(shard) < end:  # not opened yet, or grown since
            path = shard_path(self._index.folder, row.shard)
            try:
                shard = np.memmap(path, np.uint8, mode="r")
            except (OSError, ValueError) as error:
                text = f"The cache file {path} cannot be read ({error})."
                raise CacheDamagedError(text) from None
            if len(shard) < end:
                raise CacheDamagedError(f"The cache file {path} is shorter than its index says.")
            self._maps[row.shard] = shard
        return shard[row.offset : end]


# What a turn is filed under


def _settings_folder(folder: Path, settings: MediaSettings, number: int = _FORMAT) -> Path:
    """Named for people by the settings that matter most, and for safety by a hash of all and the format's number."""
    named = {name: value for name, value in asdict(settings).items() if name not in _LATER or value != _LATER[name]}
    text = json.dumps({"format": number, **named}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return folder / f"{settings.frames}x{settings.size}px-{settings.sample_rate}Hz-{digest}"


def _earlier(folder: Path, settings: MediaSettings) -> Path | None:
    """Where an earlier version kept media decoded by the same settings, if it did."""
    places = (_settings_folder(folder, settings, number) for number in range(_FORMAT - 1, 0, -1))
    return next((place for place in places if ShardIndex(place).path.exists()), None)


def _key(turn: Turn) -> str:
    """Identity of the turn's clips: path, size, time of change and window of each. A missing file has one too."""
    clips = [None if clip is None else _identity(clip) for clip in (turn.video, turn.audio)]
    # Without a clip the sentence about it names the split, so the split is part of the identity.
    text = json.dumps([clips, None if all(clips) else turn.id.split])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _passing(turn: Turn, media: TurnMedia) -> bool:
    """Whether the next builder had better look again. A file that is not there has a key that says so."""
    clips = {Modality.VISUAL: turn.video, Modality.AUDIO: turn.audio}
    there = {modality for modality, clip in clips.items() if clip is not None and _identity(clip)[1] != -1}
    return bool(media.passing & there)


def _identity(clip: Clip) -> list[Any]:
    more = [] if clip.sound is None else [_identity(Clip(clip.sound))]  # a plain clip's is as it was in 0.1.0
    more += [_identity(window) for window in clip.then]
    try:
        status = clip.path.stat()
        size, changed = status.st_size, status.st_mtime_ns
    except OSError:
        size, changed = -1, -1
    return [str(clip.path.absolute()), size, changed, clip.start, clip.end, *more]


def _keyed(turns: Iterable[Turn]) -> dict[str, Turn]:
    """Turns by key; those that share their clips count once."""
    return {_key(turn): turn for turn in turns}


def _pending(keyed: Mapping[str, Turn], rows: Mapping[str, ShardEntry]) -> dict[str, Turn]:
    return {key: turn for key, turn in keyed.items() if key not in rows or rows[key].again}


# Decoding, here or in processes


def _read(turn: Turn, settings: MediaSettings) -> TurnMedia:
    return stored(read_turn(turn, settings))


def _decode_here(pending: Mapping[str, Turn], settings: MediaSettings) -> Generator[tuple[str, TurnMedia], None, None]:
    for key, turn in pending.items():
        yield key, _read(turn, settings)


def _decode_there(
    pending: Mapping[str, Turn], settings: MediaSettings, workers: int
) -> Generator[tuple[str, TurnMedia], None, None]:
    """Decode in `workers` processes, a few turns ahead of whoever asks. Order is that of completion."""
    context = multiprocessing.get_context("spawn")
    read_end, write_end = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(read_end,))
    waiting = iter(pending.items())
    running: dict[Future[TurnMedia], tuple[str, Turn]] = {}
    processes = executor._processes  # it lets go of them when one has died
    try:
        while True:
            for key, turn in islice(waiting, 2 * workers - len(running)):
                running[executor.submit(_read, turn, settings)] = (key, turn)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                media = future.result()
                yield running.pop(future)[0], media
    except BrokenProcessPool:
        if why := without_guard(processes.values()):
            raise CacheError(why) from None
        names = ", ".join(str(turn.id) for _, turn in running.values())
        raise CacheError(
            f"A decoding process died while reading one of these turns: {names}. What was decoded before is kept. "
            "If memory ran out, build again with fewer workers; otherwise move the clip that does it away."
        ) from None
    finally:
        if running:
            write_end.close()
        executor.shutdown(cancel_futures=True)
        write_end.close()
        read_end.close()


def _start_worker(read_end: Connection) -> None:
    """Leave Ctrl-C to the builder, and end at once when it closes its end, on purpose or by being killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_builder() -> None:
        with suppress(EOFError, OSError):
            read_end.recv()
        os._exit(1)

    threading.Thread(target=end_with_builder, daemon=True).start()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Room on the disk


def _expected_bytes(turn: Turn, settings: MediaSettings) -> int:
    picture = settings.frames * settings.size**2 * 3 if _holds_bytes(turn.video) else 0
    if not _holds_bytes(turn.audio, heard=True):
        return picture
    seconds = min(expected_seconds(turn), settings.limit)
    return picture + 2 * round(seconds * settings.sample_rate)


def _holds_bytes(clip: Clip | None, *, heard: bool = False) -> bool:
    return clip is not None and any(file_size(path) > 0 for path in (clip.heard if heard else clip.seen))


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk that `folder` lies on, or would."""
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(existing).free


def _disk_error(error: Exception, turns: Sequence[Turn], settings: MediaSettings, folder: Path) -> CacheError:
    full = isinstance(error, OSError) and is_full(error)
    if full or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        left = estimate(turns, settings, folder)
        return CacheFullError(_too_small(folder, left.bytes, left.free_bytes))
    return CacheError(
        f"The media cache {folder} cannot be written ({error}): choose a folder that can, or mend this one."
    )


def _too_small(folder: Path, needed: int, free: int) -> str:
    return f"The media cache needs about {needed / 1e6:,.1f} MB more in {folder} and {free / 1e6:,.1f} MB are free."
