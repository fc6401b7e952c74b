"""A clip becomes pictures for the screen and sound for the speaker, from any moment on and whatever is broken in it."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QTransform

from telme_model.corpus.dialogue import Clip, Turn
from telme_model.media.container import MediaError, first_stream, open_container

RATE = 48_000  # Hz of all sound played
Samples = NDArray[np.float32]  # [samples, 2] in -1..1

_ERRORS = (FFmpegError, OSError, ValueError, MemoryError)
_SEEK_MARGIN = 0.2  # seconds: reordered pictures make a key frame's place in the file earlier than its time
_SLACK = 0.05  # seconds by which sound stamps may jitter before the difference counts as a gap
_SAME = 1e-4  # seconds: stamps closer than this are the same moment
_LARGE = 1280 * 720  # pixels above which a second decoding thread is worth its later first picture
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
    """Find out from the packets themselves, since cut files and edit lists make containers' own figures wrong."""
    video, audio = turn.video, turn.audio or turn.video
    ends, problems = [0.0], []
    for clip in dict.fromkeys(clip for clip in (video, audio) if clip is not None):
        kinds = [kind for kind, its in (("video", video), ("audio", audio)) if its == clip]
        try:
            with open_container(clip.path) as container:
                lacking = [kind for kind in kinds if first_stream(container, kind) is None]
                problems += [
                    f"{clip.path.name} has no {'picture' if kind == 'video' else 'sound'}." for kind in lacking
                ]
                ends.append(_end(container, clip, [kind for kind in kinds if kind not in lacking]))
        except MediaError as error:
            problems.append(f"{error.path.name} {error.reason}.")
        except _ERRORS as error:
            problems.append(f"{clip.path.name} cannot be read ({error}).")
    return Measure(max(ends), " ".join(problems))


def _end(container: InputContainer, clip: Clip, kinds: list[str]) -> float:
    """Seconds in the clip at which the last of its packets is over."""
    base, window = _base(container, clip), _window(clip)
    if clip.start:
        _seek(container, base)
    streams = [first_stream(container, kind) for kind in kinds]
    end = 0.0
    with suppress(*_ERRORS):  # cut off: as long as what is there
        for packet in container.demux([stream for stream in streams if stream is not None]):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None or not packet.time_base or not packet.size or packet.is_discard:
                continue
            time = float(stamp * packet.time_base) - base
            if time >= window + 1.0:  # a second more, for the pictures' order
                break
            if time < window:
                end = max(end, time + float((packet.duration or 0) * packet.time_base))
    return min(end, window)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, shown from `time` seconds in the clip on; `aspect` is its pixels' width by their height."""

    time: float
    frame: VideoFrame
    aspect: float

    def image(self, fit: QSize) -> QImage:
        """It upright and shrunk to `fit`, never enlarged."""
        quarter = round(self.frame.rotation / 90) % 4
        whole = QSize(max(round(self.frame.width * self.aspect), 1), self.frame.height)
        size = whole.scaled(fit.transposed() if quarter % 2 else fit, Qt.AspectRatioMode.KeepAspectRatio)
        if size.width() > whole.width() or size.isEmpty():
            size = whole
        flat = self.frame.reformat(size.width(), size.height(), "bgra", interpolation="BILINEAR")
        plane = flat.planes[0]
        image = QImage(memoryview(plane), size.width(), size.height(), plane.line_size, QImage.Format.Format_RGB32)
        return image.transformed(QTransform().rotate(-90 * quarter)) if quarter else image.copy()


def pictures(clip: Clip, start: float, wanted: Callable[[], bool]) -> Iterator[Picture]:
    """The clip's pictures, the first one being that which is shown at `start` seconds.

    Ends early once `wanted()` is false. Raises MediaError when there are none.
    """
    first: Picture | None = None
    begun = False
    with open_container(clip.path) as container:
        base = _base(container, clip)
        stream: Any = first_stream(container, "video")
        aspect = float((stream and stream.sample_aspect_ratio) or 1)
        for moment, frame in _frames(container, clip, "video", base + start):
            picture = Picture(moment - base, frame, aspect)
            if not wanted() or picture.time >= _window(clip):
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
        with closing(blocks), suppress(MediaError, *_ERRORS):
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
    with open_container(clip.path) as container:
        base = _base(container, clip) + start
        resampler = av.AudioResampler("flt", "stereo", RATE)
        rate, due, slack = 0, 0.0, 0.0
        for moment, frame in _frames(container, clip, "audio", base):
            rate = rate or frame.sample_rate
            time = moment - base
            if time >= _window(clip) - start:
                return
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


# Containers


def _base(container: InputContainer, clip: Clip) -> float:
    """Where the clip begins on the container's clock, in seconds; late sound or picture is late against the other."""
    return max(container.start_time or 0, 0) / av.time_base + (clip.start or 0.0)


def _window(clip: Clip) -> float:
    return math.inf if clip.end is None else clip.end - (clip.start or 0.0)


def _seek(container: InputContainer, time: float) -> None:
    with suppress(FFmpegError):  # a format without seeking is read from its start
        container.seek(int(max(time - _SEEK_MARGIN, 0.0) * av.time_base))


def _frames(container: InputContainer, clip: Clip, kind: str, time: float) -> Iterator[tuple[float, Any]]:
    """The good frames of the first stream of a kind with their times, from a little before `time` on.

    A bad packet costs only itself. A frame's own time is NaN when it comes out at the end of the file.
    """
    stream: Any = first_stream(container, kind)
    if stream is None:
        raise MediaError(clip.path, f"has no {'picture' if kind == 'video' else 'sound'}")
    context = stream.codec_context
    if kind == "video" and (context.width or 0) * (context.height or 0) > _LARGE:
        context.thread_type, context.thread_count = "AUTO", 2
    else:
        context.thread_count = 1
    if time > _SEEK_MARGIN:
        _seek(container, time)
    for packet in _packets(container, stream):
        try:
            frames = stream.decode(packet)
        except (FFmpegError, ValueError):
            continue
        for frame in frames:
            if frame.pts is not None and not frame.is_corrupt:
                yield float(frame.pts * stream.time_base), frame


def _packets(container: InputContainer, stream: Any) -> Iterator[Any]:
    with suppress(FFmpegError, OSError, ValueError):
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    yield None
