"""A clip becomes a network's input: the frames that stand for it, and its sound. Made to survive broken files."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from PIL import Image

from telme_model.corpus.dialogue import Clip, Modality, Turn
from telme_model.media.reader import NAMES, RUN_UP, MediaError, Piece, Reader, open_clip
from telme_model.media.track import Track
from telme_model.media.upright import orientation
from telme_model.media.waveform import waveform
from telme_model.media.windows import within

BLANK_SAMPLES = 1412  # zero samples the released code gives a clip of over 30 s

_HELD = 64 << 20  # bytes of a track's packets that are held; what is more (pictures of a film with few key frames) ..
# .. is read from the file a second time


class FrameSampling(StrEnum):
    """Which frames stand for a clip."""

    EVEN = "even"  # those shown at the middle of equal parts of the clip's time
    COUNTED = "counted"  # with s = max(1, n // count) of n frames the s-th, 2s-th, ...: as the released code does it
    OFFICIAL = "official"  # the same from the first frame on, which 0.1.0 took for that: its runs go on with it


class OverLong(StrEnum):
    """What becomes of a clip longer than `max_seconds`."""

    CAP = "cap"  # its first max_seconds are used
    ZERO = "zero"  # pixels of 0 where they are normalised, and 1412 zero samples: the released code, for MELD
    BLANK = "blank"  # black frames and 1412 zero samples, which 0.1.0 took for that
    WHOLE = "whole"  # all of it is used: the released code, for IEMOCAP


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """How clips are read. The released code reads sound at 22,050 Hz (and declares it 16 kHz to the network)."""

    frames: int = 8
    size: int = 224  # pixels, both sides
    sampling: FrameSampling = FrameSampling.EVEN
    sample_rate: int = 16_000  # Hz
    max_seconds: float = 30.0
    over_long: OverLong = OverLong.CAP
    margin: float = 0.0  # seconds of a film before and after a turn's window that are shown too

    @property
    def limit(self) -> float:
        """Seconds of a clip that are used."""
        return math.inf if self.over_long is OverLong.WHOLE else self.max_seconds

    @property
    def always_mean(self) -> bool:
        """Whether sound is its channels' mean even where they cancel, as in the released code."""
        return self.sampling is not FrameSampling.EVEN

    def __post_init__(self) -> None:
        for name in ("frames", "size", "sample_rate", "max_seconds"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"media: {name} must be a positive number, not {getattr(self, name)}.")
        if not 0 <= self.margin < math.inf:
            raise ValueError(f"media: margin must be 0 or a positive number, not {self.margin}.")


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
    video = turn.video and _widened(turn.video, settings.margin)
    if video is not None and video == turn.audio:
        readings = [_read(video, settings, Modality.VISUAL, Modality.AUDIO)]
    else:
        clips = ((video, Modality.VISUAL), (turn.audio, Modality.AUDIO))
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
            for modality, name in NAMES.items()
            if not isinstance(contents.get(modality), np.ndarray)
        },
        passing=frozenset(m for m, content in contents.items() if isinstance(content, MediaError) and content.passing),
    )


@dataclass(slots=True)
class _Reading:
    """What one opening of a clip gave: each medium that was asked for, or why it is missing."""

    contents: dict[Modality, np.ndarray | MediaError] = field(default_factory=dict)
    seconds: float = 0.0
    over_long: bool = False


class _Take:
    """One track's packets, in decoding order, as far as the clip's first `limit` seconds need them."""

    def __init__(self, reader: Reader, modality: Modality, limit: float, reach: float) -> None:
        self.track: Track = reader.tracks[modality]
        self.limit = limit
        self.late = False  # whether what was shown first could not be decoded, and can be by going further back
        self.count = 0  # of packets
        self._reader, self._reach = reader, reach
        self._held: list[Packet[Stream]] = []
        self._bytes = 0

    def needs(self, piece: Piece) -> bool:
        """Whether a packet is among them."""
        visual = self.track.modality is Modality.VISUAL
        return piece.decoding_time < self.limit and (visual or piece.time > -RUN_UP)

    def hold(self, packet: "Packet[Stream]") -> None:
        """Keep the next packet, unless they are too many: then they are read again."""
        self.count += 1
        self._bytes += packet.size
        if self._bytes <= _HELD:
            self._held.append(packet)
        else:
            self._held.clear()

    def packets(self) -> Iterable["Packet[Stream]"]:
        """All of them."""
        if self._bytes <= _HELD:
            return self._held
        pieces = self._reader.pieces(self.track.modality, reach=self._reach)
        return (piece.packet for piece in pieces if self.needs(piece))

    def found(self, first_missing: bool) -> None:
        """It was decoded, and what is shown first did not come out or did."""
        self.late = first_missing and self._reach < math.inf


def _widened(clip: Clip, margin: float) -> Clip:
    """A window with so many seconds more on both sides, as far as the film goes; files and several windows stay."""
    if clip.start is None or clip.then or not margin:
        return clip
    end = None if clip.end is None else clip.end + margin
    return replace(clip, start=max(clip.start - margin, 0.0), end=end)


def _found(content: np.ndarray | MediaError) -> np.ndarray:
    if isinstance(content, MediaError):
        raise content
    return content


def _array(content: np.ndarray | MediaError | None) -> np.ndarray | None:
    return content if isinstance(content, np.ndarray) else None


def _read(clip: Clip, settings: MediaSettings, *modalities: Modality) -> _Reading:
    """Open the clip once and take the given media from it; of several windows, each one's, joined."""
    if clip.then:
        return _joined(clip, settings, modalities)
    reading = _read_plain(clip, settings, modalities)
    if clip.sound is not None and isinstance(reading.contents.get(Modality.AUDIO), MediaError):
        beside = _read_plain(Clip(clip.sound, clip.start, clip.end), settings, (Modality.AUDIO,))
        if isinstance(beside.contents[Modality.AUDIO], np.ndarray):
            reading.contents |= beside.contents
            reading.seconds = max(reading.seconds, beside.seconds)
            reading.over_long |= beside.over_long
    return reading


def _joined(clip: Clip, settings: MediaSettings, modalities: tuple[Modality, ...]) -> _Reading:
    """The windows' media one after another, each window given as much of the whole as its length is of the whole's.

    Of a window that cannot be read the picture is its neighbour's and the sound silence.
    """
    seconds = clip.seconds or 0.0
    over_long = seconds > settings.limit
    windows = within(clip, settings.limit)
    lengths = np.array([window.seconds for window in windows])
    middles = (np.arange(settings.frames) + 0.5) * lengths.sum() / settings.frames
    counts = np.bincount(np.searchsorted(np.cumsum(lengths), middles, side="right"), minlength=len(windows))
    parts = [
        _read(window, replace(settings, frames=max(int(count), 1)), *modalities)
        for window, count in zip(windows, counts, strict=True)
    ]
    reading = _Reading(seconds=seconds, over_long=over_long)
    blank = over_long and settings.over_long is not OverLong.CAP
    for modality in modalities:
        contents = [part.contents[modality] for part in parts]
        good = [content for content in contents if isinstance(content, np.ndarray)]
        if not good:
            reading.contents[modality] = contents[0]
        elif modality is Modality.VISUAL:
            reading.contents[modality] = _no_frames(settings) if blank else _joined_frames(contents, counts.tolist())
        else:
            rate = settings.sample_rate
            sound = np.zeros(BLANK_SAMPLES, np.float32) if blank else _joined_sound(contents, lengths, rate)
            reading.contents[modality] = sound
    return reading


def _joined_frames(contents: Sequence[np.ndarray | MediaError], counts: Sequence[int]) -> np.ndarray:
    good = [place for place, content in enumerate(contents) if isinstance(content, np.ndarray)]
    frames = []
    for place, count in enumerate(counts):
        nearest = min(good, key=lambda other: abs(other - place))
        content = _found(contents[nearest])
        edge = content if nearest == place else content[-1:] if nearest < place else content[:1]
        frames.append(np.resize(edge, (count, *edge.shape[1:])))
    return np.concatenate(frames)


def _joined_sound(contents: Sequence[np.ndarray | MediaError], lengths: np.ndarray, rate: int) -> np.ndarray:
    edges = np.round(np.concatenate([[0.0], np.cumsum(lengths)]) * rate).astype(int)
    sound = np.zeros(edges[-1], np.float32)
    for content, start, end in zip(contents, edges[:-1], edges[1:], strict=True):
        if isinstance(content, np.ndarray):
            sound[start:end][: len(content)] = content[: end - start]
    return sound


def _read_plain(clip: Clip, settings: MediaSettings, modalities: tuple[Modality, ...]) -> _Reading:
    try:
        with open_clip(clip) as reader:
            return _read_open(reader, clip, settings, modalities)
    except MediaError as error:
        return _Reading(dict.fromkeys(modalities, error))


def _read_open(reader: Reader, clip: Clip, settings: MediaSettings, modalities: tuple[Modality, ...]) -> _Reading:
    limit = min(reader.window, settings.limit)
    for reach in reader.reaches():
        takes = _taken(reader, modalities, limit, reach)
        seconds = reader.seconds(*modalities)
        reading = _Reading(seconds=seconds, over_long=seconds > settings.limit)
        blank = reading.over_long and settings.over_long is not OverLong.CAP
        for modality in modalities:
            try:
                reader.track(modality)
                reading.contents[modality] = _content(takes[modality], clip, settings, blank)
            except MediaError as error:
                reading.contents[modality] = error
        if not any(take.late for take in takes.values()):
            break
    return reading


def _taken(reader: Reader, modalities: tuple[Modality, ...], limit: float, reach: float) -> Mapping[Modality, _Take]:
    """Every packet that the first `limit` seconds of the clip need; the others are read for its length."""
    takes = {modality: _Take(reader, modality, limit, reach) for modality in modalities if modality in reader.tracks}
    for piece in reader.pieces(*modalities, reach=reach):
        take = takes[piece.track.modality]
        if take.needs(piece):
            take.hold(piece.packet)
    return takes


def _content(take: _Take, clip: Clip, settings: MediaSettings, blank: bool) -> np.ndarray:
    """A modality's frames or waveform. Raises MediaError when the track does not give any."""
    modality = take.track.modality
    stamps = take.track.shown(take.limit)
    if not stamps:
        raise MediaError(clip.path, _nothing(clip, NAMES[modality]))
    if modality is Modality.VISUAL:
        content = _no_frames(settings) if blank else _frames(take, stamps, settings)
    else:
        content = np.zeros(BLANK_SAMPLES, np.float32) if blank else _waveform(take, settings)
    if content is None:
        raise MediaError(clip.path, f"has {take.count} packets of {NAMES[modality]}, none of which can be decoded")
    return content


def _waveform(take: _Take, settings: MediaSettings) -> np.ndarray | None:
    rate, always_mean = settings.sample_rate, settings.always_mean
    return waveform(take.track, take.packets, take.limit, rate, always_mean=always_mean)


def _nothing(clip: Clip, name: str) -> str:
    if clip.start is None:
        return f"announces {name} but holds none"
    return f"holds no {name} from {clip.start:g} s to {'its end' if clip.end is None else f'{clip.end:g} s'}"


# Picture


def _no_frames(settings: MediaSettings) -> np.ndarray:
    return np.zeros((settings.frames, settings.size, settings.size, 3), np.uint8)


def _frames(take: _Take, stamps: list[int], settings: MediaSettings) -> np.ndarray | None:
    track = take.track
    pictures = _pictures(take, _wanted_stamps(stamps, *track.span(stamps, take.limit), settings))
    frames = _no_frames(settings)
    for index, picture in enumerate(pictures):
        repeated = index > 0 and picture is pictures[index - 1]
        frames[index] = frames[index - 1] if repeated else _fit(picture, track.aspect, settings.size)
    return frames if pictures else None


def _wanted_stamps(stamps: list[int], begin: float, end: float, settings: MediaSettings) -> list[int]:
    """Stamps of the `settings.frames` frames to show, ascending, out of all `stamps` (sorted).

    `begin` and `end`, in their unit: of the time in which they are shown.
    """
    count = settings.frames
    if settings.sampling is not FrameSampling.EVEN:
        step = max(1, len(stamps) // count)
        picked = stamps[step - 1 if settings.sampling is FrameSampling.COUNTED else 0 :: step][:count]
        return picked + picked[-1:] * (count - len(picked))
    middles = begin + (np.arange(count) + 0.5) * (max(end, stamps[-1]) - begin) / count
    shown = np.searchsorted(stamps, middles, side="right") - 1
    return [stamps[index] for index in shown]


def _pictures(take: _Take, wanted: list[int]) -> list[VideoFrame]:
    """For each wanted stamp the last good picture up to it (the first good one when there is none before)."""
    pictures: list[VideoFrame] = []
    previous: VideoFrame | None = None
    for picture in take.track.frames(take.packets(), frozenset(wanted)):
        if previous is None:
            take.found(first_missing=picture.pts > wanted[0])
        while previous is not None and len(pictures) < len(wanted) and wanted[len(pictures)] < picture.pts:
            pictures.append(previous)
        previous = picture
        if picture.pts > wanted[-1]:
            break
    if previous is None:
        take.found(first_missing=True)
    else:
        pictures += [previous] * (len(wanted) - len(pictures))
    return pictures


def _fit(picture: VideoFrame, aspect: float, size: int) -> np.ndarray:
    """uint8 [size, size, 3] RGB, upright and in square pixels: shortest edge to `size`, then the centre.

    Converted at full size and shrunk by Pillow: shrinking inside swscale differs by up to 64 grey levels.
    """
    lies = orientation(picture)
    image = Image.fromarray(lies.upright(picture.to_ndarray(format="rgb24")))
    width, height = lies.size(picture, aspect)
    short = min(width, height)
    fitted = (width * size // short, height * size // short)
    left, top = (fitted[0] - size) // 2, (fitted[1] - size) // 2
    across, down = image.width / fitted[0], image.height / fitted[1]
    # The box makes Pillow compute only the pixels that the crop keeps.
    box = (left * across, top * down, (left + size) * across, (top + size) * down)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box=box))
