"""Sound from one sampling rate to another, without loading torch."""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np

_ROWS = 8192  # blocks that are computed at once, over a minute: those of an hour would take gigabytes


def resample(sound: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """float32 [samples] at `rate` Hz -> float32 [ceil(samples * new_rate / rate)] at `new_rate` Hz.

    torchaudio's windowed-sinc resampling with its "kaiser best" kernel, in NumPy: every decoding process would
    otherwise load torch, at a second and 300 MB each. The tests hold it to torchaudio's own result.
    """
    return joined(resampled([sound], rate, new_rate))


def resampled(blocks: Iterable[np.ndarray], rate: int, new_rate: int) -> Iterator[np.ndarray]:
    """As `resample`, of sound that comes block by block, and the same to the bit however it is cut."""
    if rate == new_rate:
        yield from blocks
        return
    ratio = Fraction(new_rate, rate).limit_denominator(1000)  # exact for every usual rate
    block = max(1, 160 // ratio.numerator)  # enough output samples a row for the product below to be worth it
    step, phases = ratio.denominator * block, ratio.numerator * block
    kernel = _resampling_kernel(step, phases)
    margin = (len(kernel) - step) // 2
    taken = made = 0
    held, size = [np.zeros(margin, np.float32)], margin
    enough = (_ROWS - 1) * step + len(kernel)
    for sound in blocks:
        held.append(sound)
        taken, size = taken + len(sound), size + len(sound)
        if size >= enough:
            padded = np.concatenate(held)
            while len(padded) >= enough:
                yield _rows(padded[:enough], kernel, step)
                padded = padded[_ROWS * step :]
                made += _ROWS * phases
            held, size = [padded], len(padded)
    padded = np.concatenate([*held, np.zeros(margin + step, np.float32)])
    yield _rows(padded, kernel, step)[: -(-taken * new_rate // rate) - made]


def joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    """float32 [samples]: the parts one after another, each let go of as it is copied, for together they are large."""
    held = list(parts)
    end = sum(map(len, held))
    whole = np.empty(end, np.float32)
    while held:
        part = held.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def _rows(padded: np.ndarray, kernel: np.ndarray, step: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel))[::step]
    parts = [windows[first : first + _ROWS] for first in range(0, len(windows), _ROWS)]
    return np.concatenate([(np.ascontiguousarray(part) @ kernel).reshape(-1) for part in parts])


@lru_cache(maxsize=8)
def _resampling_kernel(step: int, phases: int) -> np.ndarray:
    """float32 [taps, phases]: column p weighs the input around output sample p of each `step` input samples."""
    zeros, rolloff, beta = 64, 0.9475937167399596, 14.769656459379492  # resampy's "kaiser_best"
    cutoff = min(step, phases) * rolloff
    width = math.ceil(zeros * step / cutoff)
    taps = np.arange(-width, width + step)[:, None] / step
    times = np.clip((taps - np.arange(phases)[None, :] / phases) * cutoff, -zeros, zeros)
    window = np.i0(beta * np.sqrt(1 - (times / zeros) ** 2)) / np.i0(beta)
    kernel: np.ndarray = np.sinc(times) * window * cutoff / step
    return kernel.astype(np.float32)
