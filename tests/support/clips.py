"""Writes the clips that tests decode: ordinary ones, and one of every kind that the product must survive.

Picture: every frame is one grey level, `grey(time)`, so that a decoded frame tells when it was shown. Sound: a sine
per channel. All of it is small and made with PyAV.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 44_100
TONE = 440.0  # Hz, first channel; the others follow in steps of 110
LEVEL = 0.25  # amplitude of each channel

Paint = Callable[[float], np.ndarray]  # time in seconds -> RGB uint8 [height, width, 3]

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
_TICK = Fraction(1, 120_000)  # fine enough for 24, 25 and 23.976 frames a second


def grey(time: float) -> int:
    """Grey level of the frame shown at `time` seconds: 40 levels a second, starting again every 5 s."""
    return round(20 + 40 * (time % 5.0))


def write_clip(
    path: Path,
    *,
    seconds: float = 2.0,
    fps: Fraction | int = 24,
    times: Sequence[float] | None = None,
    size: tuple[int, int] = (160, 120),
    picture: bool = True,
    picture_start: float = 0.0,
    channels: int = 2,
    sound_start: float = 0.0,
    paint: Paint | None = None,
    codecs: tuple[str, str] = ("libx264", "aac"),
    x264: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip; `channels` 0 gives no sound, `times` the frames' own times, `options` go to the container."""
    if times is None:
        times = [index / float(fps) for index in range(round((seconds - picture_start) * float(fps)))]
    with av.open(str(path), "w", options=options or {}) as container:
        packets: list[Any] = []
        video: Any = None
        audio: Any = None
        if picture:
            video = container.add_stream(codecs[0], rate=Fraction(fps).limit_denominator(1001))
            video.width, video.height = size
            video.pix_fmt = "yuv420p"
            video.codec_context.time_base = 1 / Fraction(fps)
            if codecs[0] == "libx264":
                video.codec_context.time_base = _TICK
                video.options = x264 or {"preset": "ultrafast", "crf": "12", "bf": "2", "g": "48"}
        if channels:
            audio = container.add_stream(codecs[1], rate=RATE, layout=_LAYOUTS[channels])
        if video is not None:
            packets += _pictures(video, times, picture_start, size, paint)
        if audio is not None:
            packets += _sounds(audio, round((seconds - sound_start) * RATE), channels, sound_start)
        for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            container.mux(packet)
    return path


def _pictures(
    stream: Any, times: Sequence[float], start: float, size: tuple[int, int], paint: Paint | None
) -> list[Any]:
    tick = stream.codec_context.time_base
    packets: list[Any] = []
    for time in times:
        shown = start + time
        picture = np.full((size[1], size[0], 3), grey(shown), np.uint8) if paint is None else paint(shown)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = round(shown / tick), tick
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _sounds(stream: Any, samples: int, channels: int, start: float) -> list[Any]:
    time = np.arange(samples) / RATE
    waves = np.stack([LEVEL * np.sin(2 * math.pi * (TONE + 110 * channel) * time) for channel in range(channels)])
    planar = stream.codec_context.format.is_planar
    packets: list[Any] = []
    for first in range(0, samples, 1024):
        block = waves[:, first : first + 1024].astype(np.float32)
        if planar:
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=_LAYOUTS[channels])
        else:
            data = np.round(block.T.reshape(1, -1) * 32768).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format="s16", layout=_LAYOUTS[channels])
        frame.sample_rate, frame.pts = RATE, first + round(start * RATE)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def heard(time: np.ndarray, channels: int = 2) -> np.ndarray:
    """The mean of a clip's channels at `time` seconds after its sound began."""
    waves = [LEVEL * np.sin(2 * math.pi * (TONE + 110 * channel) * time) for channel in range(channels)]
    return np.asarray(np.mean(waves, axis=0))


# The awkward ones


def zero_bytes(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def garbage(path: Path) -> Path:
    path.write_bytes(np.random.default_rng(7).bytes(60_000))
    return path


def text(path: Path) -> Path:
    path.write_text("Sr No.,Utterance,Speaker\n1,Okay.,Nobody\n" * 40, encoding="utf-8")
    return path


def no_moov(path: Path) -> Path:
    """The index stands at the end and the file was cut before it."""
    data = write_clip(path).read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    return path


def truncated(path: Path, keep: float = 0.5) -> Path:
    """The index stands in front and the file was cut after it."""
    data = write_clip(path, paint=noise, options={"movflags": "faststart"}).read_bytes()
    path.write_bytes(data[: round(len(data) * keep)])
    return path


def rotten(clip: bytes, seed: int, changes: int = 60, *, index_too: bool = False) -> bytes:
    """A fast-start mp4 with random bytes changed: in the media only, or anywhere after the first eight."""
    data = bytearray(clip)
    generator = np.random.default_rng(seed)
    start = 8 if index_too else clip.index(b"mdat") + 4
    for place in generator.integers(start, len(data), changes):
        data[place] = generator.integers(256)
    return bytes(data)


def edit_list(path: Path, hidden: float = 0.5) -> Path:
    """The first `hidden` seconds are in the file but an edit list hides them."""
    write_clip(path, options={"use_editlist": "1", "avoid_negative_ts": "disabled"}, picture_start=-hidden,
               sound_start=-hidden)  # fmt: skip
    return path


def variable_frame_rate(path: Path) -> Path:
    """24 frames in the first second, 4 in the next."""
    return write_clip(path, times=[i / 24 for i in range(24)] + [1 + i / 4 for i in range(4)])


def rotated(path: Path, degrees: int = 90) -> Path:
    """A clip with a white top left quarter whose header asks for a turn by `degrees` clockwise."""
    data = bytearray(write_clip(path, paint=_corner, channels=0).read_bytes())
    cosine, sine = round(math.cos(math.radians(degrees))), round(math.sin(math.radians(degrees)))
    matrix = np.array([cosine, sine, 0, -sine, cosine, 0, 0, 0, 1], ">i4") * np.array([65536] * 8 + [1 << 30], ">i4")
    place = data.index(b"tkhd") + 44  # of the display matrix in a version 0 track header
    data[place : place + 36] = matrix.astype(">i4").tobytes()
    path.write_bytes(data)
    return path


def _corner(time: float) -> np.ndarray:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:60, :80] = 255
    return picture


def noise(time: float) -> np.ndarray:
    coarse = np.random.default_rng(round(time * 1000)).integers(0, 256, (30, 40, 3), np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)
