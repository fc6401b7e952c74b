"""What is seen and heard in a file, from one pass over it: silence, channels that cancel, pictures that are black.

All sound is decoded, and of the pictures those that need no other, four a second at most: a clip of the bundled demo
takes 20 ms on one core where opening it and reading it through takes 11 (`check` on 120 of them).
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, sqrt

from telme_model.corpus.dialogue import Clip, Modality, Turn
from telme_model.media.mixing import Levels, Meter
from telme_model.media.reader import Piece, channels

BIN = 0.25  # s of sound whose levels are kept together: a film holds many turns
SILENT = 0.002  # of full scale: the loudest sample. The quietest of the real recordings has 0.021, the demo's 0.1
BLACK = 24  # of 255: the brightest spot of a picture of 32x18. Real recordings have 119 and more, the demo's 173
FASTEST = 8.0  # words a second. 7 is very fast speech; of MELD's 13,707 turns 122 of `SAID` words or more have above 8,
SAID = 5  # most of them in 0.15 s: their times are wrong. Fewer words are rounded too coarsely to tell
_SMALL = (32, 18)  # px


@dataclass(slots=True)
class Heard:
    """What one file was found to sound and look like; times are seconds from its beginning."""

    _sound: dict[int, Meter] = field(default_factory=dict)  # by number of the bin
    _times: list[float] = field(default_factory=list)  # of pictures, ascending
    _brightest: list[int] = field(default_factory=list)

    def take(self, piece: Piece) -> bool:
        """Decode a packet and look at what comes out; whether anything did."""
        if piece.track.modality is Modality.VISUAL and self._times:
            soon = 0 <= piece.time - self._times[-1] < BIN
            if soon or not piece.packet.is_keyframe:
                return True
        return self._look(piece.track.modality, piece.track.decode(piece.packet), piece.time)

    def end(self, modality: Modality, frames: list[object]) -> bool:
        """Look at what comes out at the end of a track."""
        return self._look(modality, frames, self._times[-1] if self._times else 0.0)

    def _look(self, modality: Modality, frames: list[object], time: float) -> bool:
        for frame in frames:
            if modality is Modality.AUDIO:
                self._sound.setdefault(int(max(time, 0.0) / BIN), Meter()).add(channels(frame))  # type: ignore[arg-type]
            else:
                small = frame.reformat(width=_SMALL[0], height=_SMALL[1], format="gray")  # type: ignore[attr-defined]
                self._times.append(time)
                self._brightest.append(int(small.to_ndarray().max()))
        return bool(frames)

    @property
    def looked_at(self) -> int:
        """How many pictures were."""
        return len(self._times)

    def levels(self, start: float = 0.0, end: float = inf) -> Levels | None:
        """Of the sound from `start` to `end`; None where there is none."""
        first, last = int(start / BIN), end / BIN
        return _together([meter.levels for number, meter in self._sound.items() if first <= number < last])

    def black(self, start: float = 0.0, end: float = inf) -> bool:
        """Whether every picture that was looked at from `start` to `end`, or the last before that, is black."""
        first = max(bisect_right(self._times, start) - 1, 0)
        seen = [b for time, b in zip(self._times[first:], self._brightest[first:], strict=True) if time < end]
        return bool(seen) and max(seen) < BLACK


def complaints(turn: Turn, clip: Clip, needed: tuple[Modality, ...], heard: Heard, seconds: float) -> Iterator[
    tuple[str, str]
]:  # fmt: skip
    """Code and sentence of everything that is odd in a turn's clip of so many seconds."""
    name = clip.path.name
    start, end = clip.start or 0.0, inf if clip.end is None else clip.end
    levels = heard.levels(start, end) if Modality.AUDIO in needed else None
    if levels is not None and max(levels.peaks) < SILENT:
        yield "silent", f"{turn.id} in {name} is silent: check the recording, or which track or channel it took."
    elif levels is not None and len(levels.rms) > 1 and levels.cancelling:
        said = f"The channels of {name} cancel one another, as where one is inverted: networks hear the louder alone."
        yield "cancelling-channels", f"{said} Invert one of them in the recording to mend it."
    if Modality.VISUAL in needed and heard.black(start, end):
        yield "black-picture", f"{turn.id} in {name} is black: check the recording, or where the turn begins and ends."
    words, lasts = len(turn.text.split()), min(seconds, end) - start
    if needed and words >= SAID and 0 < lasts < words / FASTEST:
        said = f"{turn.id} has {words} words in {lasts:.1f} s of {name}"
        yield "too-many-words", f"{said}, which nobody can speak: check its times and words."


def _together(levels: list[Levels]) -> Levels | None:
    """The levels of several stretches of sound, of those with as many channels as the first."""
    alike = [each for each in levels if len(each.rms) == len(levels[0].rms)]
    samples = sum(each.samples for each in alike)
    if not samples:
        return None
    count = range(len(alike[0].rms))
    return Levels(
        peaks=tuple(max(each.peaks[channel] for each in alike) for channel in count),
        rms=tuple(sqrt(sum(each.samples * each.rms[channel] ** 2 for each in alike) / samples) for channel in count),
        mixed_rms=sqrt(sum(each.samples * each.mixed_rms**2 for each in alike) / samples),
        samples=samples,
    )
