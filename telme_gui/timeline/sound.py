"""How a dialogue sounds: decoded once in the background, drawn as an envelope or a spectrogram of what is in view."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telme_gui.timeline.lanes import TimeSpan
from telme_model.corpus.dialogue import Clip, Modality, Turn
from telme_model.events import Event
from telme_model.media.decoding import MediaSettings, read_waveform
from telme_model.media.mixing import mono
from telme_model.media.reader import MediaError, Reader, channels, open_clip
from telme_model.media.resampling import resample
from telme_model.media.windows import heard_in

RATE = 16_000  # Hz
_SETTINGS = MediaSettings(sample_rate=RATE, max_seconds=24 * 3600.0)
_PART = 60.0  # seconds that are resampled at a time
_SLACK = 0.05  # seconds by which sound stamps may jitter before the difference counts as a gap
_BLOCK = 64  # samples of one entry of the coarse envelope
_WINDOW = 512  # samples of one spectrum
_LOWEST, _HIGHEST = 60.0, 8_000.0  # Hz shown
_RANGE = 60.0  # dB shown below the loudest

Pcm = NDArray[np.int16]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundDecoded(Event):
    """The sound of the dialogue's turn at `place`: int16 [samples] at `RATE`; None, and why, when there is none."""

    place: int
    samples: Pcm | None
    problem: str = ""


def decode(turns: Sequence[Turn]) -> Iterator[SoundDecoded]:
    """The sound of every turn. Bad clips never raise."""
    for place, turn in enumerate(turns):
        if turn.audio is None:
            yield SoundDecoded(place=place, samples=None, problem="The corpus holds no sound for this turn.")
            continue
        try:
            yield SoundDecoded(place=place, samples=_decoded(turn.audio))
        except MediaError as error:
            yield SoundDecoded(place=place, samples=None, problem=error.advice)


def _decoded(clip: Clip) -> Pcm:
    """A clip's sound, a long one part by part: a film must not lie in memory as it is decoded."""
    heard = clip if clip.then else heard_in(clip)
    if clip.then or (clip.seconds or math.inf) <= _PART:
        return _pcm(read_waveform(clip, _SETTINGS))
    with open_clip(heard) as reader:
        reader.track(Modality.AUDIO)
        seconds = reader.length(Modality.AUDIO)
    if seconds <= _PART:
        return _pcm(read_waveform(heard, _SETTINGS))
    samples = np.zeros(round(seconds * RATE), np.int16)
    with open_clip(heard) as reader:
        for start, part in _parts(reader):
            room = samples[max(start, 0) :]
            part = part[max(-start, 0) :][: len(room)]
            room[: len(part)] = part
    return samples


def _parts(reader: Reader) -> Iterator[tuple[int, Pcm]]:
    """The sound, read once from its beginning to its end, in parts of a minute or up to a gap: each with its place."""
    held: list[np.ndarray] = []
    begin = due = 0.0
    rate = 0
    for time, frame in reader.frames(Modality.AUDIO):
        block = channels(frame)
        fits = bool(held) and frame.sample_rate == rate and len(block) == len(held[0])
        follows = fits and abs(time - due) < _SLACK
        if held and (not follows or due - begin >= _PART):
            yield round(begin * RATE), _resampled(held, rate)
            held = []
        if not held:
            begin = due = due if follows else time
        rate = frame.sample_rate
        held.append(block)
        due += block.shape[1] / rate
    if held:
        yield round(begin * RATE), _resampled(held, rate)


def _resampled(blocks: list[np.ndarray], rate: int) -> Pcm:
    return _pcm(resample(mono(np.concatenate(blocks, axis=1)), rate, RATE))


def _pcm(waveform: np.ndarray) -> Pcm:
    return np.round(waveform * 32767).astype(np.int16)


class FilmSound:
    """The turns' sounds one after another, each from its turn's start in the film to the next one's."""

    def __init__(self, sounds: Mapping[int, SoundDecoded], edges: Sequence[float]) -> None:
        """`edges` are seconds: where each turn begins and where the film ends [turns + 1]."""
        places = np.round(np.asarray(edges) * RATE).astype(int)
        self.samples: Pcm = np.zeros(places[-1] if len(places) else 0, np.int16)
        for place, sound in sounds.items():
            if sound.samples is not None and place + 1 < len(places):
                room = self.samples[places[place] : places[place + 1]]
                room[: len(sound.samples)] = sound.samples[: len(room)]
        blocks = self.samples[: len(self.samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
        self._low, self._high = blocks.min(1), blocks.max(1)
        self.loudest = max(1.0, float(np.abs(self._high.astype(int)).max(initial=0)), -float(self._low.min(initial=0)))

    def envelope(self, view: TimeSpan, columns: int) -> tuple[Floats, Floats]:
        """Least and greatest sample of each of `columns` equal parts of the view, -1 to 1 of the film's loudest."""
        coarse = (view.end - view.start) * RATE / columns > 4 * _BLOCK
        low, high = (self._low, self._high) if coarse else (self.samples, self.samples)
        if not len(low) or columns < 1:
            return np.zeros(columns, np.float32), np.zeros(columns, np.float32)
        rate = RATE / _BLOCK if coarse else RATE
        places = (np.linspace(view.start, view.end, columns, endpoint=False) * rate).astype(int)
        places = np.clip(places, 0, len(low) - 1)
        end = min(len(low), max(int(view.end * rate), int(places[-1]) + 1))
        parts = np.minimum.reduceat(low[:end], places), np.maximum.reduceat(high[:end], places)
        return (parts[0] / self.loudest).astype(np.float32), (parts[1] / self.loudest).astype(np.float32)

    def spectrogram(self, view: TimeSpan, columns: int, rows: int) -> Floats:
        """Loudness [rows, columns] of the view, 0 to 1 over 60 dB below the loudest; mel rows, the highest first."""
        quiet = np.zeros((rows, columns), np.float32)
        if len(self.samples) < _WINDOW or columns < 1 or rows < 1:
            return quiet
        middles = (np.linspace(view.start, view.end, columns, endpoint=False) * RATE).astype(int)
        starts = np.clip(middles - _WINDOW // 2, 0, len(self.samples) - _WINDOW)
        windows = self.samples[starts[:, None] + np.arange(_WINDOW)].astype(np.float32) * np.hanning(_WINDOW)
        power = np.abs(np.fft.rfft(windows.astype(np.float32), axis=1)) ** 2
        mels = np.linspace(_mel(_HIGHEST), _mel(_LOWEST), rows)
        bins = np.clip(np.round(_hertz(mels) / RATE * _WINDOW).astype(int), 0, power.shape[1] - 1)
        decibels = 10 * np.log10(power[:, bins].T + 1e-3)
        loudest = float(decibels.max())
        if not power.any():
            return quiet
        return np.clip(1 + (decibels - loudest) / _RANGE, 0, 1).astype(np.float32)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mels / 2595) - 1))
