"""A set of clips of every kind that people have, whose pictures tell which they are, which way up, and how wide.

A picture is four by three blocks of grey; six of them hold its number in the clip, the others are always the same and
not alike under any turn or mirroring. What is to be seen at a moment follows from what the clip was written with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from PIL import Image

from tests.support.clips import RATE

SIZE = (64, 48)  # of pictures as they are stored
CLOSE = 14.0  # grey levels that coding and shrinking change on the average
RUN = tuple(index / 25 for index in range(30))

Matrix = tuple[int, int, int, int]  # a, b, c, d of FFmpeg's display matrix

UPRIGHT: Matrix = (1, 0, 0, 1)
MATRICES: dict[str, Matrix] = {
    "upright": UPRIGHT,
    "mirrored": (-1, 0, 0, 1),
    "upside down and mirrored": (1, 0, 0, -1),
    "turned by half": (-1, 0, 0, -1),
    "turned clockwise": (0, 1, -1, 0),
    "turned counterclockwise": (0, -1, 1, 0),
    "transposed": (0, 1, 1, 0),
    "transposed the other way": (0, -1, -1, 0),
}

B_FRAMES = {"preset": "fast", "x264-params": "b-adapt=0:bframes=3:keyint=12:min-keyint=12:scenecut=0", "crf": "12"}
X265 = {"x265-params": "log-level=none:bframes=3:b-adapt=0:keyint=12:pools=none:frame-threads=1", "crf": "12"}
LONG = {"preset": "fast", "x264-params": "b-adapt=0:bframes=2:keyint=250:min-keyint=250:scenecut=0", "crf": "12"}
OPEN = {"preset": "fast", "x264-params": "open-gop=1:bframes=2:b-adapt=0:keyint=8:min-keyint=8:scenecut=0"}
REFRESHED = {"preset": "fast", "x264-params": "intra-refresh=1:bframes=0:keyint=20:scenecut=0"}
GOOD = {"qmin": "1", "qmax": "3"}
MPEG = GOOD | {"bf": "2", "g": "12", "sc_threshold": "1000000000"}
VPX = {"deadline": "realtime", "cpu-used": "8", "crf": "8", "b": "500k", "auto-alt-ref": "1", "lag-in-frames": "10"}
AV1 = {"preset": "8", "crf": "8"}
EDITED = {"use_editlist": "1", "avoid_negative_ts": "disabled"}

_FINE = ("libx264", "libx265", "ffv1", "mjpeg", "libvpx", "libvpx-vp9", "libsvtav1")  # that take times in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """How a clip is written, and so what it holds.

    `times`: when each picture is shown, in seconds. `last`: for how long the last one is. `windows`: parts of the file
    that are turns of their own. `tracks`: how many pictures, of which all but the `default` one have other numbers.
    `hidden`: how many pictures before the beginning an edit list hides. `start`: where the file's own time begins.
    """

    name: str
    codec: str = "libx264"
    options: Mapping[str, str] = field(default_factory=lambda: B_FRAMES)
    times: Sequence[float] = RUN
    last: float = 1 / 25
    pixels: str = "yuv420p"
    matrix: Matrix = UPRIGHT
    aspect: Fraction | None = None
    sound: bool = False
    tracks: int = 1
    default: int = 0
    windows: tuple[tuple[float, float], ...] = ()
    container: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    hidden: int = 0
    start: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.times[-1] + self.last

    def shown(self, time: float) -> int:
        """Which picture is to be seen at a moment."""
        return max(int(np.searchsorted(np.asarray(self.times), time + 1e-6, side="right")) - 1, 0)


def picture(number: int) -> np.ndarray:
    """The grey levels [48, 64] of a picture as it is stored."""
    bits = [(number >> bit) & 1 for bit in range(6)]
    blocks = np.array([[2, bits[0], bits[1], 0], [3, bits[2], bits[3], 1], [0, bits[4], bits[5], 0]])
    return np.kron(np.array([40, 200, 240, 120])[blocks], np.ones((16, 16))).astype(np.uint8)


def as_shown(coded: Coded, number: int) -> np.ndarray:
    """The same as it is to be seen [height, width], in square pixels, by what a display matrix means.

    A stored pixel at (x, y) comes to (a x + c y, b x + d y).
    """
    stored = picture(number)
    wide = round(SIZE[0] * float(coded.aspect or 1))
    stored = stored[:, ((np.arange(wide) + 0.5) * SIZE[0] / wide).astype(int)]
    rows, columns = np.indices(stored.shape)
    a, b, c, d = coded.matrix
    across, down = a * columns + c * rows, b * columns + d * rows
    across, down = across - across.min(), down - down.min()
    seen = np.zeros((down.max() + 1, across.max() + 1), np.uint8)
    seen[down, across] = stored
    return seen


def cropped(shown: np.ndarray, size: int) -> np.ndarray:
    """[height, width] -> [size, size]: the shortest edge at `size`, then the middle."""
    image = Image.fromarray(shown)
    scale = size / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return np.asarray(image)[top : top + size, left : left + size]


def numbers(seen: Sequence[np.ndarray], known: Sequence[np.ndarray]) -> list[int]:
    """Which of the known pictures each of those seen is; each has to be close to it."""
    ours = np.stack(known).astype(np.float32)
    differences = np.stack([np.abs(one.astype(np.float32) - ours).mean(axis=(1, 2)) for one in seen])
    assert differences.min(axis=1).max() < CLOSE
    return [int(place) for place in differences.argmin(axis=1)]


def write(coded: Coded, folder: Path) -> Path:
    """Write the clip."""
    path = folder / coded.name
    with av.open(str(path), "w", format=coded.format, options=dict(coded.container)) as container:
        videos = [_video(container, coded) for _ in range(coded.tracks)]
        if coded.tracks > 1:
            for place, stream in enumerate(videos):
                stream.disposition = Disposition.default if place == coded.default else Disposition(0)
        audio: Any = container.add_stream("aac", rate=RATE, layout="mono") if coded.sound else None
        packets: list[Any] = []
        for place, stream in enumerate(videos):
            packets += _pictures(stream, coded, 0 if place == coded.default else 7)
        if audio is not None:
            packets += _tone(audio, coded)
        for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            container.mux(packet)
    return path


def _video(container: Any, coded: Coded) -> Any:
    stream = container.add_stream(coded.codec, rate=25)
    stream.width, stream.height = SIZE
    stream.pix_fmt = coded.pixels
    stream.options = dict(coded.options)
    stream.codec_context.time_base = (
        Fraction(1, 1000) if coded.codec in _FINE and coded.format != "ogg" else Fraction(1, 25)
    )
    if coded.aspect is not None:
        stream.codec_context.sample_aspect_ratio = coded.aspect
    if coded.matrix != UPRIGHT:
        a, b, c, d = (65536 * number for number in coded.matrix)
        stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
    return stream


def _pictures(stream: Any, coded: Coded, shift: int) -> list[Any]:
    tick = stream.codec_context.time_base
    packets: list[Any] = []
    hidden = [(-place / 25, 63) for place in range(coded.hidden, 0, -1)]
    for time, number in [*hidden, *((time, place + shift) for place, time in enumerate(coded.times))]:
        frame = av.VideoFrame.from_ndarray(np.dstack([picture(number)] * 3), format="rgb24")
        frame.pts, frame.time_base = round((time + coded.start) / tick), tick
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _tone(stream: Any, coded: Coded) -> list[Any]:
    packets: list[Any] = []
    for first in range(0, round(coded.seconds * RATE), 1024):
        wave = 0.1 * np.sin(2 * np.pi * 440 * (first + np.arange(1024)) / RATE)[None].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, first + round(coded.start * RATE)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _made() -> tuple[Coded, ...]:
    gap = (0.0, *(2.0 + index / 25 for index in range(20)))  # a still picture, then motion
    slows = (*(index / 25 for index in range(20)), 1.2, 1.7)  # motion, then ever slower
    jerks = (
        0.0,
        *np.cumsum([0.04, 0.08, 0.02, 0.12, 0.04, 0.04, 0.3, 0.04, 0.06, 0.04, 0.04, 0.2] * 2).round(3).tolist(),
    )
    long = tuple(index / 10 for index in range(60))
    parts = ((2.5, 3.5), (5.03, 5.41), (0.0, 0.7))
    film: dict[str, Any] = {"times": long, "last": 0.1, "windows": parts, "sound": True}
    turned = [Coded(name=f"{name}.mp4", matrix=matrix) for name, matrix in MATRICES.items()]
    wide = {"32 to 27": Fraction(32, 27), "8 to 9": Fraction(8, 9), "2 to 1": Fraction(2)}
    shaped = [Coded(name=f"pixels of {name}.mkv", aspect=aspect) for name, aspect in wide.items()]
    return (
        *turned,
        *shaped,
        Coded(name="turned hevc.mov", codec="libx265", options=X265, matrix=MATRICES["transposed"]),
        Coded(name="turned, of wide pixels.mp4", matrix=MATRICES["turned clockwise"], aspect=Fraction(4, 3)),
        Coded(name="wide pixels told by the codec.ts", codec="mpeg2video", options=MPEG, aspect=Fraction(4, 3)),
        # Codecs in the containers where people have them
        Coded(name="h264.mov", sound=True),
        Coded(name="h264.mkv", sound=True),
        Coded(name="h264.avi", options=B_FRAMES),
        Coded(name="h264.flv", sound=True),
        Coded(name="h264.ts", sound=True),
        Coded(name="ten bits.mkv", pixels="yuv420p10le"),
        Coded(name="open groups.ts", options=OPEN),
        Coded(name="refreshed column by column.ts", options=REFRESHED, **film),
        Coded(name="hevc.mp4", codec="libx265", options=X265),
        Coded(name="hevc.mkv", codec="libx265", options=X265),
        Coded(name="hevc.ts", codec="libx265", options=X265, **film),
        Coded(name="mpeg4.avi", codec="mpeg4", options=MPEG, sound=True),
        Coded(name="mpeg4.mp4", codec="mpeg4", options=MPEG),
        Coded(name="mpeg2.mpg", codec="mpeg2video", options=MPEG),
        Coded(name="mpeg2.mkv", codec="mpeg2video", options=MPEG),
        Coded(name="mpeg1.mpg", codec="mpeg1video", options=MPEG),
        Coded(name="vp8.webm", codec="libvpx", options=VPX),
        Coded(name="vp8.ogv", codec="libvpx", options=VPX, format="ogg"),
        Coded(name="vp9.webm", codec="libvpx-vp9", options=VPX),
        Coded(name="av1.mkv", codec="libsvtav1", options=AV1),
        Coded(name="av1.mp4", codec="libsvtav1", options=AV1),
        Coded(name="mjpeg.avi", codec="mjpeg", options=GOOD, pixels="yuvj420p"),
        Coded(name="mjpeg.mov", codec="mjpeg", options=GOOD, pixels="yuvj420p"),
        Coded(name="ffv1.mkv", codec="ffv1", options={}),
        Coded(name="flv1.flv", codec="flv", options=GOOD),
        Coded(name="prores.mov", codec="prores_ks", options={}, pixels="yuv422p10le"),
        # Time
        Coded(name="still, then motion.mp4", times=gap, windows=((1.0, 2.2), (1.5, 2.8))),
        Coded(name="still, then motion.mkv", times=gap, windows=((1.0, 2.2),)),
        Coded(name="slower and slower.mp4", times=slows, windows=((0.5, 1.6),)),
        Coded(name="jerky.mp4", times=jerks, last=0.04, windows=((0.5, 1.6),)),
        Coded(name="jerky vp9.webm", codec="libvpx-vp9", options=VPX, times=jerks, last=0.04),
        Coded(name="jerky motion jpeg.mov", codec="mjpeg", options=GOOD, pixels="yuvj420p", times=jerks, last=0.04),
        Coded(name="23.976.mp4", times=tuple(index * 1001 / 24_000 for index in range(30)), last=1001 / 24_000),
        Coded(name="50.mkv", times=tuple(index / 50 for index in range(40)), last=1 / 50),
        Coded(name="two a second.mp4", times=(0.0, 0.5, 1.0, 1.5), last=0.5),
        Coded(name="one picture.mp4", times=(0.0,)),
        Coded(name="three pictures.mp4", times=RUN[:3]),
        Coded(name="begins late.mkv", start=5.0, windows=((0.3, 0.9),)),
        Coded(name="hidden beginning.mp4", hidden=6, container=EDITED, windows=((0.3, 0.9),)),
        # Windows of films, and more than one track
        Coded(name="film.ts", options=LONG, **film),
        Coded(name="film mpeg2.ts", codec="mpeg2video", options=MPEG | {"g": "50"}, windows=((0.5, 1.0), (0.83, 1.1))),
        Coded(name="film.mp4", options=LONG, **film),
        Coded(name="film.mkv", options=LONG, **film),
        Coded(name="film.avi", codec="mpeg4", options=MPEG | {"g": "250"}, windows=((0.5, 1.0), (0.83, 1.1))),
        Coded(name="film.m2ts", options=LONG, format="mpegts", container={"mpegts_m2ts_mode": "1"}, **film),
        Coded(name="second picture is the default.mkv", tracks=2, default=1),
        Coded(name="second picture is no default.mkv", tracks=2),
        Coded(name="two pictures.ts", tracks=2),
    )


MADE = _made()
