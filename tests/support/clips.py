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
from av.stream import Disposition

RATE = 44_100
TONE = 440.0  # Hz, first channel; the others follow in steps of 110
OTHER_TONE = 2000.0  # Hz, of a second sound track
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
    aspect: Fraction | None = None,
    gains: Sequence[float] | None = None,
) -> Path:
    """Write a clip; `channels` 0 gives no sound, `times` the frames' own times, `options` go to the container.

    `aspect` is a pixel's width by its height. With `gains` each channel is the first one's tone, so much louder.
    """
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
            if aspect is not None:
                video.codec_context.sample_aspect_ratio = aspect
            if codecs[0] == "libx264":
                video.codec_context.time_base = _TICK
                video.options = x264 or {"preset": "ultrafast", "crf": "12", "bf": "2", "g": "48"}
        if channels:
            audio = container.add_stream(codecs[1], rate=RATE, layout=_LAYOUTS[channels])
        if video is not None:
            packets += _pictures(video, times, picture_start, size, paint)
        if audio is not None:
            packets += _sounds(audio, _waves(round((seconds - sound_start) * RATE), channels, gains), sound_start)
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


def _waves(samples: int, channels: int, gains: Sequence[float] | None = None) -> np.ndarray:
    """The clip's sound [channels, samples]."""
    time = np.arange(samples) / RATE
    tones = [TONE + 110 * channel for channel in range(channels)] if gains is None else [TONE] * channels
    waves = np.stack([LEVEL * np.sin(2 * math.pi * tone * time) for tone in tones])
    return waves if gains is None else waves * np.array(gains)[:, None]


def _sounds(stream: Any, waves: np.ndarray, start: float) -> list[Any]:
    channels, samples = waves.shape
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
    cosine, sine = round(math.cos(math.radians(degrees))), round(math.sin(math.radians(degrees)))
    return oriented(path, (cosine, sine, -sine, cosine), _corner)


def oriented(path: Path, matrix: tuple[int, int, int, int], paint: Paint | None = None) -> Path:
    """A clip, red top left and blue bottom left, whose header has the display matrix (a, b, c, d)."""
    data = bytearray(write_clip(path, paint=paint or _red_and_blue, channels=0).read_bytes())
    a, b, c, d = matrix
    whole = np.array([a, b, 0, c, d, 0, 0, 0, 1], ">i4") * np.array([65536] * 8 + [1 << 30], ">i4")
    place = data.index(b"tkhd") + 44  # of the display matrix in a version 0 track header
    data[place : place + 36] = whole.astype(">i4").tobytes()
    path.write_bytes(data)
    return path


def anamorphic(path: Path) -> Path:
    """A disc that is round where pixels are 32 wide by 27 high."""
    return write_clip(path, size=(180, 120), paint=_disc, aspect=Fraction(32, 27), seconds=0.5, channels=0)


def still_then_motion(path: Path, seconds: float = 5.0) -> Path:
    """A dark picture for so long, then a second of motion, in another order than it is shown."""
    times = [0.0, *(seconds + index / 24 for index in range(24))]
    fast = {"preset": "fast", "crf": "12", "x264-params": "bframes=3:b-adapt=0:scenecut=0"}
    return write_clip(path, times=times, seconds=seconds + 1, x264=fast, paint=lambda time: _even(time >= seconds))


def rare_key_frames(path: Path, seconds: float = 12.0) -> Path:
    """A film of 10 pictures a second with a key frame every 5 s."""
    x264 = {"preset": "fast", "crf": "12", "x264-params": "keyint=50:min-keyint=50:scenecut=0:bframes=2"}
    return write_clip(path, seconds=seconds, fps=10, size=(64, 48), x264=x264, channels=1)


def cover_only(path: Path) -> Path:
    """Sound with a cover picture."""
    with av.open(str(path), "w") as container:
        audio: Any = container.add_stream("aac", rate=RATE, layout="mono")
        cover: Any = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        frame.pts = 0
        for packet in [*cover.encode(frame), *cover.encode(None), *_sounds(audio, _waves(RATE, 1), 0.0)]:
            container.mux(packet)
    return path


def two_sounds(path: Path, default: int | None) -> Path:
    """Two sound tracks, of `TONE` and of `OTHER_TONE` Hz; that of the number `default` is marked as such."""
    with av.open(str(path), "w", options={"default_mode": "passthrough"} if path.suffix == ".mkv" else {}) as container:
        tracks: list[Any] = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(2)]
        packets: list[Any] = []
        for place, track in enumerate(tracks):
            track.disposition = Disposition.default if place == default else Disposition(0)
            time = np.arange(RATE) / RATE
            wave = LEVEL * np.sin(2 * math.pi * (OTHER_TONE if place else TONE) * time)
            packets += _sounds(track, wave[None], 0.0)
        for packet in sorted(packets, key=lambda packet: float(packet.dts * packet.time_base)):
            container.mux(packet)
    return path


def _red_and_blue(time: float) -> np.ndarray:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:60, :80] = (255, 0, 0)
    picture[60:, :80] = (0, 0, 255)
    return picture


def _disc(time: float) -> np.ndarray:
    down, across = np.mgrid[:120, :180]
    inside = ((across - 90) * 32 / 27) ** 2 + (down - 60) ** 2 < 50**2
    return np.repeat(np.where(inside, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


def _even(bright: bool) -> np.ndarray:
    return np.full((120, 160, 3), 220 if bright else 30, np.uint8)


def _corner(time: float) -> np.ndarray:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:60, :80] = 255
    return picture


def noise(time: float) -> np.ndarray:
    coarse = np.random.default_rng(round(time * 1000)).integers(0, 256, (30, 40, 3), np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)
