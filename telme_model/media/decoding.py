"""A clip becomes frames and a waveform: one decoder (PyAV) for picture and sound, made to survive broken files."""

import math
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from PIL import Image

from telme_model.corpus.dialogue import Clip, Modality, Turn
from telme_model.media.container import MediaError as MediaError  # what everything here raises
from telme_model.media.container import described, first_stream, open_container
from telme_model.media.resampling import resample

BLANK_SAMPLES = 1412  # zero samples the released code gives a clip of over 30 s

_KINDS = {Modality.VISUAL: "video", Modality.AUDIO: "audio"}  # FFmpeg's words
_NAMES = {Modality.VISUAL: "picture", Modality.AUDIO: "sound"}  # ours

_SEEK_MARGIN = 0.5  # seconds before a window, for the decoders to settle and for reordered pictures
_SAMPLE_RATES = range(1_000, 1_000_000)  # Hz; anything else is a rotten header
_SLACK = 0.05  # seconds by which sound stamps may jitter before the difference counts as a gap


class FrameSampling(StrEnum):
    """Which frames stand for a clip."""

    EVEN = "even"  # those shown at the middle of equal parts of the clip's time
    OFFICIAL = "official"  # every (n // count)-th of n frames, the first count of them, the last repeated


class OverLong(StrEnum):
    """What becomes of a clip longer than `max_seconds`."""

    CAP = "cap"  # its first max_seconds are used
    BLANK = "blank"  # black frames and 1412 zero samples, as in the released code


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """How clips are read. The released code reads sound at 22,050 Hz (and declares it 16 kHz to the network)."""

    frames: int = 8
    size: int = 224  # pixels, both sides
    sampling: FrameSampling = FrameSampling.EVEN
    sample_rate: int = 16_000  # Hz
    max_seconds: float = 30.0
    over_long: OverLong = OverLong.CAP

    def __post_init__(self) -> None:
        for name in ("frames", "size", "sample_rate", "max_seconds"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"media: {name} must be a positive number, not {getattr(self, name)}.")


@dataclass(slots=True)
class TurnMedia:
    """What a turn's clips gave.

    frames: uint8 [frames, size, size, 3] RGB, waveform: float32 [samples] in -1..1; None when missing, and then
    `missing` says why in a sentence. `seconds` is the length of the media before any cap, 0 when nothing is readable.
    `passing`: what is missing for a reason that may be gone at another time.
    """

    frames: np.ndarray | None = None
    waveform: np.ndarray | None = None
    seconds: float = 0.0
    over_long: bool = False
    missing: dict[Modality, str] = field(default_factory=dict)
    passing: frozenset[Modality] = frozenset()


def read_frames(clip: Clip, settings: MediaSettings) -> np.ndarray:
    """The clip's picture: uint8 [frames, size, size, 3] RGB, shortest edge at `size`, centre crop.

    Raises MediaError when there is none.
    """
    return _found(_read(clip, settings, Modality.VISUAL).contents[Modality.VISUAL])


def read_waveform(clip: Clip, settings: MediaSettings) -> np.ndarray:
    """The clip's sound: float32 [samples] at `sample_rate`, the mean of its channels, silence where packets are lost.

    Raises MediaError when there is none.
    """
    return _found(_read(clip, settings, Modality.AUDIO).contents[Modality.AUDIO])


def read_turn(turn: Turn, settings: MediaSettings) -> TurnMedia:
    """Picture and sound of a turn; a container that holds both is opened once. Bad media never raise."""
    if turn.video is not None and turn.video == turn.audio:
        readings = [_read(turn.video, settings, Modality.VISUAL, Modality.AUDIO)]
    else:
        clips = ((turn.video, Modality.VISUAL), (turn.audio, Modality.AUDIO))
        readings = [_read(clip, settings, modality) for clip, modality in clips if clip is not None]
    contents = {modality: content for reading in readings for modality, content in reading.contents.items()}
    return TurnMedia(
        frames=_array(contents.get(Modality.VISUAL)),
        waveform=_array(contents.get(Modality.AUDIO)),
        seconds=max((reading.seconds for reading in readings), default=0.0),
        over_long=any(reading.over_long for reading in readings),
        missing={
            modality: str(
                contents.get(modality, f"The corpus holds no {name} for this turn of its {turn.id.split} split.")
            )
            for modality, name in _NAMES.items()
            if not isinstance(contents.get(modality), np.ndarray)
        },
        passing=frozenset(m for m, of in contents.items() if isinstance(of, MediaError) and of.passing),
    )


@dataclass(slots=True)
class _Reading:
    """What one opening of a clip gave: each medium that was asked for, or why it is missing."""

    contents: dict[Modality, np.ndarray | MediaError] = field(default_factory=dict)
    seconds: float = 0.0
    over_long: bool = False


@dataclass(slots=True)
class _Track:
    """One stream's packets, in decoding order, as far as the clip needs them."""

    stream: Any  # a VideoStream or an AudioStream: what decode() takes and gives differs by kind
    packets: list["Packet[Stream]"] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)  # presentation times within the clip, in the stream's time base
    end: float = 0.0  # seconds in the clip at which the last packet is over, capped or not


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a container that a clip stands for, in seconds: `base` on the container's clock."""

    base: float
    length: float  # of the clip, infinite when it is the whole file
    limit: float  # how much of it is used


def _found(content: np.ndarray | MediaError) -> np.ndarray:
    if isinstance(content, MediaError):
        raise content
    return content


def _array(content: np.ndarray | MediaError | None) -> np.ndarray | None:
    return content if isinstance(content, np.ndarray) else None


def _read(clip: Clip, settings: MediaSettings, *modalities: Modality) -> _Reading:
    """Open the clip once and take the given media from it."""
    try:
        if clip.start is not None and clip.end is not None and not clip.start < clip.end:
            raise MediaError(clip.path, f"is asked for from {clip.start:g} s to {clip.end:g} s, which holds no time")
        with open_container(clip.path) as container:
            return _read_open(container, clip, settings, modalities)
    except MediaError as error:
        return _Reading(dict.fromkeys(modalities, error))
    except (FFmpegError, OSError, ValueError, MemoryError) as error:
        # FFmpeg has such errors of its own for files that are damaged.
        passing = isinstance(error, OSError | MemoryError) and not isinstance(error, FFmpegError)
        failure = MediaError(clip.path, f"cannot be decoded ({described(error)})", passing=passing)
        return _Reading(dict.fromkeys(modalities, failure))


def _read_open(
    container: InputContainer, clip: Clip, settings: MediaSettings, modalities: tuple[Modality, ...]
) -> _Reading:
    # Late sound or picture is late against the other stream, so time runs from the earliest of all.
    base = max(container.start_time or 0, 0) / av.time_base + (clip.start or 0.0)
    length = math.inf if clip.end is None else clip.end - (clip.start or 0.0)
    window = _Window(base, length, min(length, settings.max_seconds))
    if clip.start:
        with suppress(FFmpegError):  # a format without seeking is read from its start
            container.seek(int(max(base - _SEEK_MARGIN, 0.0) * av.time_base))
    streams = {modality: first_stream(container, _KINDS[modality]) for modality in modalities}
    tracks = {modality: _Track(stream) for modality, stream in streams.items() if stream is not None}
    _demux(container, list(tracks.values()), window)
    seconds = max((track.end for track in tracks.values()), default=0.0)
    reading = _Reading(seconds=seconds, over_long=seconds > settings.max_seconds)
    blank = reading.over_long and settings.over_long is OverLong.BLANK
    for modality in modalities:
        try:
            reading.contents[modality] = _content(modality, tracks.get(modality), clip, window, settings, blank)
        except MediaError as error:
            reading.contents[modality] = error
    return reading


def _content(
    modality: Modality, track: _Track | None, clip: Clip, window: _Window, settings: MediaSettings, blank: bool
) -> np.ndarray:
    """A modality's frames or waveform. Raises MediaError when the track does not give any."""
    if track is None:
        raise MediaError(clip.path, f"has no {_NAMES[modality]}")
    if not track.stamps:
        raise MediaError(clip.path, _nothing(clip, _NAMES[modality]))
    if modality is Modality.VISUAL:
        content = _no_frames(settings) if blank else _frames(track, window, settings)
    else:
        content = np.zeros(BLANK_SAMPLES, np.float32) if blank else _waveform(track, window, settings)
    if content is None:
        count = len(track.packets)
        raise MediaError(clip.path, f"has {count} packets of {_NAMES[modality]}, none of which can be decoded")
    return content


def _nothing(clip: Clip, name: str) -> str:
    if clip.start is None:
        return f"announces {name} but holds none"
    return f"holds no {name} from {clip.start:g} s to {'its end' if clip.end is None else f'{clip.end:g} s'}"


# Demuxing


def _demux(container: InputContainer, tracks: list[_Track], window: _Window) -> None:
    """Fill the tracks with every packet that the used part of the window needs, and find out where they end.

    The stamps come from the packets because containers count wrongly: edit lists, cut files.
    """
    by_index = {track.stream.index: track for track in tracks}
    running = set(by_index)
    for packet in _packets(container, [track.stream for track in tracks]):
        track = by_index.get(packet.stream_index)
        stamp = packet.pts if packet.pts is not None else packet.dts
        if track is None or stamp is None or not packet.time_base or not packet.size or packet.is_corrupt:
            continue
        time = float(stamp * packet.time_base) - window.base
        decoding_time = time if packet.dts is None else float(packet.dts * packet.time_base) - window.base
        over = time + float((packet.duration or 0) * packet.time_base)
        if decoding_time < window.limit and (track.stream.type == "video" or time > -_SEEK_MARGIN):
            track.packets.append(packet)
        if over > 0 and time < window.length and not packet.is_discard:
            track.end = max(track.end, min(over, window.length))
            if time < window.limit:
                track.stamps.append(stamp)
        if decoding_time >= window.length:
            running.discard(packet.stream_index)
            if not running:
                return


def _packets(container: InputContainer, streams: list[Stream]) -> Iterator["Packet[Stream]"]:
    """The packets up to the end of the file or the first place where it cannot be read on."""
    if streams:
        try:
            yield from container.demux(streams)
        except (FFmpegError, OSError, ValueError):
            return


def _decoded(track: _Track, packets: list["Packet[Stream]"], wanted: Collection[int] | None = None) -> Iterator[Any]:
    """The sound frames of `packets`; a packet that cannot be decoded costs only itself.

    With `wanted` stamps, pictures no other is made from are left undecoded unless wanted.
    """
    context = track.stream.codec_context
    context.thread_count = 1  # clips are short and the cache has a process per core
    for packet in [*packets, None]:
        if wanted is not None and packet is not None:
            context.skip_frame = "DEFAULT" if packet.pts in wanted or packet.pts is None else "NONREF"
        try:
            frames = track.stream.decode(packet)
        except (FFmpegError, ValueError):
            continue
        yield from (frame for frame in frames if not frame.is_corrupt and frame.pts is not None)


# Picture


def _no_frames(settings: MediaSettings) -> np.ndarray:
    return np.zeros((settings.frames, settings.size, settings.size, 3), np.uint8)


def _frames(track: _Track, window: _Window, settings: MediaSettings) -> np.ndarray | None:
    end = (min(track.end, window.limit) + window.base) / float(track.stream.time_base)
    pictures = _pictures(track, _wanted_stamps(sorted(track.stamps), end, settings))
    frames = _no_frames(settings)
    for index, picture in enumerate(pictures):
        repeated = index > 0 and picture is pictures[index - 1]
        frames[index] = frames[index - 1] if repeated else _fit(picture, settings.size)
    return frames if pictures else None


def _wanted_stamps(stamps: list[int], end: float, settings: MediaSettings) -> list[int]:
    """Stamps of the `settings.frames` frames to show, ascending, out of all `stamps` (sorted); `end` in their unit."""
    count = settings.frames
    if settings.sampling is FrameSampling.OFFICIAL:
        picked = stamps[:: max(1, len(stamps) // count)][:count]
        return picked + picked[-1:] * (count - len(picked))
    middles = stamps[0] + (np.arange(count) + 0.5) * (max(end, stamps[-1]) - stamps[0]) / count
    shown = np.searchsorted(stamps, middles, side="right") - 1
    return [stamps[index] for index in shown]


def _pictures(track: _Track, wanted: list[int]) -> list[VideoFrame]:
    """For each wanted stamp the last good picture up to it (the first good one when there is none before)."""
    last = max(index for index, packet in enumerate(track.packets) if packet.pts in (None, wanted[-1]) or index == 0)
    pictures: list[VideoFrame] = []
    previous: VideoFrame | None = None
    for picture in _decoded(track, track.packets[: last + 1], frozenset(wanted)):
        while previous is not None and len(pictures) < len(wanted) and wanted[len(pictures)] < picture.pts:
            pictures.append(previous)
        previous = picture
    if previous is not None:
        pictures += [previous] * (len(wanted) - len(pictures))
    return pictures


def _fit(picture: VideoFrame, size: int) -> np.ndarray:
    """uint8 [size, size, 3] RGB, upright: shortest edge to `size`, then the centre.

    Converted at full size and shrunk by Pillow: shrinking inside swscale differs by up to 64 grey levels.
    """
    image = Image.fromarray(np.rot90(picture.to_ndarray(format="rgb24"), round(picture.rotation / 90) % 4))
    width, height = image.size
    short = min(width, height)
    fitted = (width * size // short, height * size // short)
    left, top = (fitted[0] - size) // 2, (fitted[1] - size) // 2
    across, down = width / fitted[0], height / fitted[1]
    # The box makes Pillow compute only the pixels that the crop keeps.
    box = (left * across, top * down, (left + size) * across, (top + size) * down)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box=box))


# Sound


def _waveform(track: _Track, window: _Window, settings: MediaSettings) -> np.ndarray | None:
    pieces: list[tuple[int, np.ndarray]] = []
    rate, position = 0, None
    for frame in _decoded(track, track.packets):
        rate = rate or frame.sample_rate
        if frame.sample_rate != rate or frame.samples == 0:
            continue  # rotten headers; the gap stays silent
        start = round((frame.time - window.base) * rate)
        if position is not None and start < position + _SLACK * rate:
            start = position
        pieces.append((start, _mono(frame)))
        position = start + frame.samples
    length = min(position or 0, math.floor(window.limit * rate))
    if length <= 0 or rate not in _SAMPLE_RATES:
        return None
    sound = np.zeros(length, np.float32)
    for start, samples in pieces:
        kept = samples[max(-start, 0) : max(length - start, 0)]
        sound[max(start, 0) : max(start, 0) + len(kept)] = kept
    clean: np.ndarray = np.clip(np.nan_to_num(resample(sound, rate, settings.sample_rate)), -1.0, 1.0)
    return clean


def _mono(frame: AudioFrame) -> np.ndarray:
    """float32 [samples], the mean of the channels: FFmpeg's own mono is 3 dB louder, and four times on 5.1."""
    samples: np.ndarray = frame.to_ndarray()
    if frame.format.is_packed:
        samples = samples.reshape(frame.samples, -1).T
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.float32) - 128) / 128
    elif np.issubdtype(samples.dtype, np.integer):
        samples = samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    mean: np.ndarray = samples.mean(axis=0, dtype=np.float32)
    return mean
