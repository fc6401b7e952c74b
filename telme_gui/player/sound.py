"""Sound through the system's default device, and the clocks that playing follows: the device's, or the wall's."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from typing import Any, Protocol

import numpy as np

from telme_gui.player.cue import Playlist
from telme_gui.player.decoder import RATE, Samples, sound
from telme_model.corpus.dialogue import Turn

LATENCY = 0.1  # seconds; what PortAudio calls low underflows whenever Python is busy (tests/benchmarks/player.py sync)
_AHEAD = RATE  # samples decoded ahead: enough to open the next clip at twice the speed
_LOST = 1.0  # seconds without a callback after which the device is given up
_STARTING = 4.0  # seconds that a device may take to open

_portaudio = Lock()  # it must not open and close streams at the same time
_rescan = False  # the list of devices is as old as the library's start; after a failure it is read anew


class Clock(Protocol):
    """Seconds of playing."""

    def now(self) -> float:
        """What is to be seen and heard at this moment."""
        ...


class WallClock:
    """Time itself, from `origin` on: what is left when there is no sound."""

    def __init__(self, origin: float) -> None:
        self._zero = time.perf_counter() - origin

    def now(self) -> float:
        """Seconds of playing."""
        return time.perf_counter() - self._zero


@dataclass(slots=True)
class Volume:
    """How loud, 0 to 1; read by the device's own thread."""

    level: float = 0.8
    muted: bool = False

    @property
    def gain(self) -> float:
        """What samples are multiplied with: the level squared is how loudness is felt."""
        return 0.0 if self.muted else self.level**2


@dataclass(frozen=True, slots=True)
class _Mark:
    """The last callback that took samples: `given` were handed out before it, and its first is heard at `heard_at`."""

    given: int
    heard_at: float


class SoundThread(Thread):
    """Decodes a cue's sound from `origin` seconds of playing on, plays it, and is the clock.

    The clock stands still until sound is heard, and whenever none is ready. `failed` says why there is no sound.
    """

    def __init__(self, cue: Playlist, origin: float, seconds: Callable[[Turn], float], volume: Volume) -> None:
        super().__init__(name="sound", daemon=True)
        self._cue, self._origin, self._seconds, self._volume = cue, origin, seconds, volume
        self._blocks: deque[Samples] = deque()
        self._changed = Condition()
        self._waiting = 0  # samples in the queue
        self._given = 0  # samples handed to the device
        self._mark: _Mark | None = None
        self._called_at: float | None = None
        self._latest = origin
        self._began = time.perf_counter()
        self._stopped = False
        self.failed = ""

    def now(self) -> float:
        """Seconds of playing that are being heard; never runs backwards."""
        mark = self._mark
        if mark is not None:
            heard = mark.given / RATE + time.perf_counter() - mark.heard_at
            self._latest = max(self._latest, self._origin + min(heard, self._given / RATE))
        return self._latest

    @property
    def heard(self) -> bool:
        """Whether the device plays."""
        return self._called_at is not None

    @property
    def lost(self) -> bool:
        """Whether the device does not open or has stopped asking for sound, which no library reports."""
        called_at, now = self._called_at, time.perf_counter()
        return now - self._began > _STARTING if called_at is None else now - called_at > _LOST

    def stop(self) -> None:
        """Be silent at once; the thread is over after `join()`."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def run(self) -> None:
        """Play to the end of the cue or until stopped."""
        global _rescan  # noqa: PLW0603 - PortAudio's list of devices is the process's
        blocks = self._sound()
        self._fill(blocks, RATE // 4)
        if self._stopped:
            return
        try:
            stream = self._open()
        except Exception as error:  # noqa: BLE001 - OSError without the library, PortAudioError without a device, ...
            _rescan = True
            self.failed = f"No sound: no output device can be opened ({error})."
            return
        if stream is None:
            return
        try:
            while not self._stopped:
                more = self._fill(blocks, _AHEAD)
                with self._changed:
                    self._changed.wait_for(self._low if more else self._over)
        finally:
            _rescan |= self.lost
            with _portaudio, suppress(Exception):
                stream.abort()
                stream.close()

    def _open(self) -> Any:
        global _rescan  # noqa: PLW0603
        if not _portaudio.acquire(timeout=_LOST):
            raise OSError("the sound device does not answer")
        try:
            if self._stopped:  # while it waited for its turn: dragging makes many such threads
                return None
            import sounddevice  # OSError where the system has no PortAudio: only who plays needs it

            if _rescan:
                sounddevice._terminate()
                sounddevice._initialize()
                _rescan = False
            stream = sounddevice.OutputStream(
                samplerate=RATE, channels=2, dtype="float32", latency=LATENCY, callback=self._callback
            )
            stream.start()
        finally:
            _portaudio.release()
        return stream

    def _sound(self) -> Iterator[Samples]:
        """All blocks of the cue; each turn is given exactly the samples up to where the next one begins."""
        for segment in self._cue.segments(self._seconds):
            ends = segment.due(self._seconds(segment.turn))
            begins = max(segment.begins, self._origin)
            samples = round(ends * RATE) - round(begins * RATE)
            if samples > 0:
                clip = segment.turn.audio or segment.turn.video
                yield from sound(clip, segment.at(begins), samples, segment.speed)

    def _over(self) -> bool:
        return self._stopped

    def _low(self) -> bool:
        return self._stopped or self._waiting < _AHEAD // 2

    def _fill(self, blocks: Iterator[Samples], samples: int) -> bool:
        """Queue blocks until `samples` wait; False when there are no more."""
        while self._waiting < samples and not self._stopped:
            block = next(blocks, None)
            if block is None:
                return False
            with self._changed:
                self._blocks.append(block)
                self._waiting += len(block)
        return True

    def _callback(self, out: np.ndarray, frames: int, when: Any, _status: object) -> None:
        """Hand the device what it asks for (float32 [frames, 2]); called on its own thread."""
        self._called_at = called_at = time.perf_counter()
        delay = when.outputBufferDacTime - when.currentTime
        before, filled = self._given, 0
        with self._changed:
            while filled < frames and self._blocks and not self._stopped:
                block = self._blocks.popleft()
                part = block[: frames - filled]
                out[filled : filled + len(part)] = part
                filled += len(part)
                if len(part) < len(block):
                    self._blocks.appendleft(block[len(part) :])
            self._waiting -= filled
            self._changed.notify()
        out[filled:] = 0.0
        out *= self._volume.gain
        if filled:  # a mark set while nothing is heard would hold the clock back by the latency
            self._mark = _Mark(before, called_at + (delay if 0 < delay < 2 else LATENCY))
            self._given = before + filled
