"""Several channels become one for a network, and the facts about them that tell whether anything is lost on the way."""

from dataclasses import dataclass

import numpy as np

CANCELLING = 0.1  # of the channels' energy that is left in their sum; sounds that are not alike leave about all of it

_BLOCK = 1 << 20  # samples looked at at once


@dataclass(frozen=True, slots=True)
class Levels:
    """How loud sound is, by channel and mixed, in parts of full scale."""

    peaks: tuple[float, ...]  # of each channel
    rms: tuple[float, ...]  # of each channel
    mixed_rms: float  # of the channels' mean
    samples: int

    @property
    def left(self) -> float:
        """The energy of the channels' sum by the sum of their energies; 1 where they have none.

        As many as there are channels where all are alike, 1 where they have nothing in common or all but one are
        silent, 0 where one is another's inverse.
        """
        energy = sum(rms**2 for rms in self.rms)
        return (len(self.rms) * self.mixed_rms) ** 2 / energy if energy > 0 else 1.0

    @property
    def cancelling(self) -> bool:
        """Whether the channels' mean loses what each of them holds: people hear it, a network would not."""
        return self.left < CANCELLING

    @property
    def loudest(self) -> int:
        """The channel of the most energy, the first of several."""
        return int(np.argmax(self.rms))


class Meter:
    """Adds up the levels of sound that comes block by block."""

    def __init__(self) -> None:
        self._peaks = self._energies = np.zeros(0)
        self._mixed, self._samples = 0.0, 0

    def add(self, block: np.ndarray) -> None:
        """Take in float [channels, samples]; a block of other channels than the first is left out."""
        if not self._samples:
            self._peaks = self._energies = np.zeros(len(block))
        if len(block) != len(self._peaks) or not block.shape[1]:
            return
        clean = np.ascontiguousarray(block if np.isfinite(block).all() else np.nan_to_num(block, posinf=0, neginf=0))
        self._peaks = np.maximum(self._peaks, np.maximum(clean.max(axis=1), -clean.min(axis=1)))
        self._energies = self._energies + [float(channel @ channel) for channel in clean]
        mixed = mean(clean)
        self._mixed += float(mixed @ mixed)
        self._samples += block.shape[1]

    @property
    def levels(self) -> Levels:
        """Of all that was added."""
        count = max(self._samples, 1)
        return Levels(
            peaks=tuple(map(float, self._peaks)),
            rms=tuple(map(float, np.sqrt(self._energies / count))),
            mixed_rms=float(np.sqrt(self._mixed / count)),
            samples=self._samples,
        )


def levels(sound: np.ndarray) -> Levels:
    """Of float [channels, samples]."""
    meter = Meter()
    for first in range(0, sound.shape[1], _BLOCK):
        meter.add(sound[:, first : first + _BLOCK])
    return meter.levels


def mean(sound: np.ndarray) -> np.ndarray:
    """float32 [channels, samples] -> [samples]. FFmpeg's own mixing is louder."""
    mixed: np.ndarray = sound.mean(axis=0, dtype=np.float32)
    return mixed


def mono(sound: np.ndarray, found: Levels | None = None) -> np.ndarray:
    """float32 [channels, samples] -> [samples]: the channels' mean, or the loudest channel where that loses the sound.

    One channel of a balanced microphone is the other's inverse: the mean of the two is silence. `found`: of the whole
    that the sound is a part of, if it is.
    """
    if len(sound) > 1 and (found := found or levels(sound)).cancelling:
        loudest: np.ndarray = sound[found.loudest]
        return loudest
    return mean(sound)
