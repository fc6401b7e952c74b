"""A clip becomes pictures for the screen and sound for the speaker, from any moment on and whatever is broken in it."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from telme_model.corpus.dialogue import Clip, Modality, Turn
from telme_model.media.reader import NAMES, MediaError, open_clip
from telme_model.media.upright import orientation
from telme_model.media.windows import heard_in, placed

RATE = 48_000  # Hz of all sound played
Samples = NDArray[np.float32]  # [samples, 2] in -1..1

_SLACK = 0.05  # seconds by which sound stamps may jitter before the difference counts as a gap
_SAME = 1e-4  # seconds: stamps closer than this are the same moment
# atempo works in windows of 2048 samples at this rate, and blends each into the next. Slowed down, that spreads a
# sudden sound over up to 60 ms: its middle comes a quarter of a window early, its onset over half of one. What is heard
# as its moment lies between.
_EARLY = 2048 * 2 // 5  # samples of the input
_SILENCE = np.zeros((RATE // 10, 2), np.float32)


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a turn's clips are (0 where nothing can be read) and what is wrong with them, in a sentence or two."""

    seconds: float
    problem: str


def measure(turn: Turn) -> Measure:
    """Read the turn's clips through, since cut files and edit lists make containers' own figures wrong."""
    wanted = {Modality.VISUAL: turn.video, Modality.AUDIO: turn.audio or turn.video}
    lengths = [0.0]
    problems: list[str] = []
    for clip in dict.fromkeys(clip for clip in wanted.values() if clip is not None):
        modalities = [modality for modality, its in wanted.items() if its == clip]
        measured = [_length(window, modalities, problems) for window in clip.windows]
        lengths.append(clip.seconds or 0.0 if clip.then and any(measured) else max(measured))
    return Measure(max(lengths), " ".join(dict.fromkeys(problems)))


def _length(clip: Clip, modalities: list[Modality], problems: list[str]) -> float:
    """Seconds of a plain clip, 0 where nothing can be read; what is wrong with it goes to `problems`."""
    heard = heard_in(clip) if Modality.AUDIO in modalities else clip
    if heard != clip:
        modalities = [modality for modality in modalities if modality is not Modality.AUDIO]
    length = 0.0 if heard == clip else _length(heard, [Modality.AUDIO], problems)
    try:
        with open_clip(clip) as reader:
            lacking = [modality for modality in modalities if modality not in reader.tracks]
            problems += [f"{clip.path.name} has no {NAMES[modality]}." for modality in lacking]
            return max(length, reader.length(*modalities))
    except MediaError as error:
        problems.append(f"{error.path.name} {error.reason}.")
        return length


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, shown from `time` seconds in the clip on; `aspect` is its pixels' width by their height."""

    time: float
    frame: VideoFrame
    aspect: float

    def image(self, fit: QSize) -> QImage:
        """It upright, in square pixels and shrunk to `fit`, never enlarged."""
        lies = orientation(self.frame)
        whole = QSize(max(round(self.frame.width * self.aspect), 1), self.frame.height)
        size = whole.scaled(fit.transposed() if lies.turned else fit, Qt.AspectRatioMode.KeepAspectRatio)
        if size.width() > whole.width() or size.isEmpty():
            size = whole
        flat = self.frame.reformat(size.width(), size.height(), "bgra", interpolation="BILINEAR").planes[0]
        pixels = np.frombuffer(flat, np.uint32).reshape(size.height(), -1)[:, : size.width()]  # type: ignore[call-overload]
        shown: Any = np.ascontiguousarray(lies.upright(pixels))
        height, width = shown.shape
        return QImage(memoryview(shown), width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def pictures(clip: Clip, start: float, wanted: Callable[[], bool]) -> Iterator[Picture]:
    """The clip's pictures, the first one being that which is shown at `start` seconds.

    Ends early once `wanted()` is false. Raises MediaError when there are none.
    """
    if not clip.then:
        yield from _pictures(clip, start, wanted)
        return
    fault: MediaError | None = None
    shown = False
    for begins, window in placed(clip):
        if window.seconds is not None and begins + window.seconds <= start and window is not clip.then[-1]:
            continue
        try:
            for picture in _pictures(window, max(start - begins, 0.0), wanted):
                shown = True
                yield Picture(begins + picture.time, picture.frame, picture.aspect)
        except MediaError as error:
            fault = error
    if fault is not None and not shown:
        raise fault


def _pictures(clip: Clip, start: float, wanted: Callable[[], bool]) -> Iterator[Picture]:
    first: Picture | None = None
    begun = False
    with open_clip(clip) as reader:
        track = reader.track(Modality.VISUAL)
        for time, frame in reader.frames(Modality.VISUAL, start):
            picture = Picture(time, frame, track.aspect)
            if not wanted():
                break
            if begun:
                yield picture
            elif first is None or picture.time <= start + _SAME:
                first = picture
            else:
                begun = True
                yield first
                yield picture
        if first is None and wanted():
            raise MediaError(clip.path, "holds no picture that can be decoded")
        if first is not None and not begun:
            yield first


def sound(clip: Clip | None, start: float, samples: int, speed: float) -> Iterator[Samples]:
    """Exactly `samples` samples from `start` seconds in the clip on, played at `speed` with the pitch kept.

    What cannot be decoded is silence.
    """
    left = samples
    if clip is not None:
        heard = _stereo(clip, start)
        blocks = heard if speed == 1.0 else stretched(heard, speed)
        with closing(blocks), suppress(MediaError):
            for block in blocks:
                yield block[:left]
                left -= len(block)
                if left <= 0:
                    return
    while left > 0:
        yield _SILENCE[:left]
        left -= len(_SILENCE)


def _stereo(clip: Clip, start: float) -> Generator[Samples, None, None]:
    """The clip's sound from `start` on, silence where it begins late or packets are lost."""
    if not clip.then:
        yield from _stereo_of(heard_in(clip), start)
        return
    for begins, window in placed(clip):
        skipped = max(start - begins, 0.0)
        yield from sound(window, skipped, max(round(((window.seconds or 0.0) - skipped) * RATE), 0), 1.0)


def _stereo_of(clip: Clip, start: float) -> Generator[Samples, None, None]:
    resampler = AudioResampler("flt", "stereo", RATE)
    rate, due, slack = 0, 0.0, 0.0
    with open_clip(clip) as reader:
        for moment, frame in reader.frames(Modality.AUDIO, start):
            rate = rate or frame.sample_rate
            time = moment - start
            if time + frame.samples / rate <= 0 or frame.sample_rate != rate:
                continue
            if time > due + slack:
                yield np.zeros((round((time - due) * RATE), 2), np.float32)
            slack = _SLACK
            pieces = [np.asarray(piece.to_ndarray(), np.float32).reshape(-1, 2) for piece in resampler.resample(frame)]
            block = np.concatenate([*pieces, _SILENCE[:0]])
            yield np.nan_to_num(block[max(round(-time * RATE), 0) :])
            due = time + frame.samples / rate


def stretched(blocks: Iterable[Samples], speed: float) -> Generator[Samples, None, None]:
    """The same sound in 1/speed of the time (0.5 to 2), at the same pitch."""
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=RATE, layout="stereo", time_base=Fraction(1, RATE))
    graph.link_nodes(
        source, graph.add("atempo", f"{speed:g}"), graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")
    ).configure()
    given = 0
    yield np.zeros((round(_EARLY / speed), 2), np.float32)
    for block in blocks:
        if not len(block):
            continue
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, given, Fraction(1, RATE)
        given += len(block)
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[Samples]:
    while True:
        try:
            frame: Any = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield np.ascontiguousarray(frame.to_ndarray().T, np.float32)
