"""A clip's sound as a network takes it: one channel at one rate, made block by block, for a film's does not fit."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

import numpy as np
from av.packet import Packet
from av.stream import Stream

from telme_model.media.mixing import Meter, mean, mono
from telme_model.media.reader import channels
from telme_model.media.resampling import joined, resampled
from telme_model.media.track import Track

_HELD = 64 << 20  # bytes of decoded sound that are held, 3 min of a DVD's; where it is more it is decoded twice
_AT_ONCE = 1 << 20  # samples of a gap that are made at once
_SAMPLE_RATES = range(1_000, 1_000_000)  # Hz; anything else is a rotten header
_SLACK = 0.05  # seconds by which sound stamps may jitter before the difference counts as a gap


def waveform(
    track: Track, packets: Callable[[], Iterable["Packet[Stream]"]], limit: float, rate: int, *, always_mean: bool
) -> np.ndarray | None:
    """float32 [samples] at `rate` Hz, -1 to 1, of the clip's first `limit` seconds; None where nothing is decoded.

    `packets` gives the same ones each time it is asked. Where some are lost there is silence. Channels become their
    mean, or the loudest of them where they cancel unless it is `always_mean`.
    """
    sound = _Sound(track, packets, limit)
    blocks = sound.blocks()
    first = next(blocks, None)
    if first is None or sound.rate not in _SAMPLE_RATES:
        return None
    blocks = chain([first], blocks)
    mixed = map(mean, blocks) if always_mean or len(first) == 1 else _mixed(blocks, sound)
    parts = resampled(mixed, sound.rate, rate)
    return joined(np.clip(np.nan_to_num(part), -1.0, 1.0) for part in parts)


class _Sound:
    """A track's sound as it is decoded. `rate`: of its samples in Hz, known from the first block on."""

    def __init__(self, track: Track, packets: Callable[[], Iterable["Packet[Stream]"]], limit: float) -> None:
        self.rate = 0
        self._track, self._packets, self._limit = track, packets, limit

    def blocks(self) -> Iterator[np.ndarray]:
        """float32 [channels, samples] from the clip's start to its end or limit without a gap, the first's channels."""
        self._track.rewind()
        due, count = 0, 0  # the sample that comes next; channels
        position: int | None = None
        for frame in self._track.frames(self._packets()):
            self.rate = self.rate or frame.sample_rate
            if frame.sample_rate != self.rate or frame.samples == 0:
                continue  # rotten headers; the gap stays silent
            start = round(self._track.time(frame.pts) * self.rate)
            if position is not None and start < position + _SLACK * self.rate:
                start = position
            position = start + frame.samples
            samples = channels(frame)
            count = count or len(samples)
            if len(samples) != count:
                samples = np.repeat(samples.mean(axis=0, keepdims=True), count, axis=0)  # rotten headers
            most = math.inf if self._limit == math.inf else math.floor(self._limit * self.rate)
            for first in range(due, int(min(start, most)), _AT_ONCE):
                yield np.zeros((count, int(min(start, most, first + _AT_ONCE)) - first), np.float32)
            block = samples[:, max(-start, 0) :]
            block = block[:, : int(min(max(most - max(start, 0), 0), block.shape[1]))]
            if block.shape[1]:
                yield block
            due = max(due, position)


def _mixed(blocks: Iterable[np.ndarray], sound: _Sound) -> Iterator[np.ndarray]:
    """One channel of several, by the levels of the whole."""
    meter, held, size = Meter(), [], 0
    for block in blocks:
        meter.add(block)
        size += block.nbytes
        if size <= _HELD:
            held.append(block)
        else:
            held.clear()
    return map(partial(mono, found=meter.levels), held if size <= _HELD else sound.blocks())
