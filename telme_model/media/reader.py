"""The one place where a clip is opened: its picture and sound found, its packets read, its time and length told."""

import errno
import math
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame

from telme_model.corpus.dialogue import Clip, Modality
from telme_model.errors import StudioError

NAMES = {Modality.VISUAL: "picture", Modality.AUDIO: "sound"}
RUN_UP = 0.5  # seconds before a moment at which reading begins, for the decoders to settle and for reordered pictures

_KINDS = {Modality.VISUAL: "video", Modality.AUDIO: "audio"}  # FFmpeg's words
_SHORT_RUN_UP = 0.2  # seconds, where a person waits: for reordered pictures alone
_LARGE = 1280 * 720  # pixels above which a second decoding thread is worth its later first picture


class MediaError(StudioError):
    """A clip whose picture or sound cannot be had; the message is a sentence that names the file.

    `code` is that of a corpus's Problem. `passing`: the reason lies beside the file, in its folder, its permissions,
    the disk or the memory, and may be gone at another time.
    """

    def __init__(self, path: Path, reason: str, *, code: str = "undecodable", passing: bool = False) -> None:
        super().__init__(f"{path} {reason}.")
        self.path = path
        self.reason = reason
        self.code = code
        self.passing = passing


class Track:
    """A clip's picture or sound: the stream that is taken for it."""

    def __init__(self, modality: Modality, stream: Stream, base: float) -> None:
        self.modality = modality
        self.end = 0.0  # seconds in the clip at which the last packet read so far is over
        self.stream: Any = stream  # what decode() takes and gives differs by kind
        self._base = base
        self.stream.codec_context.thread_count = 1  # clips are short and the cache has a process per core

    @property
    def aspect(self) -> float:
        """A pixel's width by its height."""
        return float(self.stream.sample_aspect_ratio or 1)

    @property
    def promised(self) -> float:
        """Seconds that the file claims, rightly or not."""
        return float((self.stream.duration or 0) * (self.stream.time_base or 0))

    def time(self, stamp: int) -> float:
        """Seconds in the clip of a stamp."""
        return float(stamp * self.stream.time_base) - self._base

    def stamp(self, time: float) -> float:
        """The stamp, in parts of one, of a time in the clip."""
        return (time + self._base) / float(self.stream.time_base)

    def decode(self, packet: "Packet[Stream] | None") -> list[Any]:
        """The good frames that come out with a packet, None being the end; a bad packet costs only itself."""
        try:
            frames = self.stream.decode(packet)
        except (FFmpegError, ValueError):
            return []
        return [frame for frame in frames if not frame.is_corrupt and frame.pts is not None]

    def frames(self, packets: Iterable["Packet[Stream]"], wanted: Collection[int] | None = None) -> Iterator[Any]:
        """The good frames of all of `packets`.

        With `wanted` stamps, pictures no other is made from are left undecoded unless wanted.
        """
        for packet in packets:
            if wanted is not None:
                needed = packet.pts is None or packet.pts in wanted
                self.stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            yield from self.decode(packet)
        yield from self.decode(None)

    def use_threads(self) -> None:
        """Take two threads where the pictures are large."""
        context = self.stream.codec_context
        if self.modality is Modality.VISUAL and (context.width or 0) * (context.height or 0) > _LARGE:
            context.thread_type, context.thread_count = "AUTO", 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A packet that can be used; its times are seconds in the clip."""

    track: Track
    packet: "Packet[Stream]"
    stamp: int  # when it is shown, in the stream's own unit
    time: float  # when it is shown
    decoding_time: float  # when it has to be decoded, earlier where pictures are reordered
    shown: bool  # whether it lies in the clip: others are there to decode these from, or hidden by an edit list


class Reader:
    """A clip opened for reading. All times are seconds from its beginning, a window's own where it is one.

    `tracks`: what it has of picture and sound. `window`: its length as a window, infinite when it is a whole file.
    """

    def __init__(self, container: InputContainer, clip: Clip) -> None:
        self._container = container
        self._path = clip.path
        # Late sound or picture is late against the other stream, so time runs from the earliest of all.
        self._base = max(container.start_time or 0, 0) / av.time_base + (clip.start or 0.0)
        self._start = clip.start
        self.window = math.inf if clip.seconds is None else clip.seconds
        streams = {modality: _stream(container, kind) for modality, kind in _KINDS.items()}
        self.tracks = {m: Track(m, stream, self._base) for m, stream in streams.items() if stream is not None}

    def track(self, modality: Modality) -> Track:
        """The clip's picture or sound. Raises MediaError when it has none."""
        if modality not in self.tracks:
            raise MediaError(self._path, f"has no {NAMES[modality]}")
        return self.tracks[modality]

    def pieces(self, *modalities: Modality) -> Iterator[Piece]:
        """The packets of picture, sound or both, from a little before the clip to its end.

        The stamps come from the packets because containers count wrongly: edit lists, cut files.
        """
        tracks = {track.stream.index: track for m, track in self.tracks.items() if m in modalities}
        running = set(tracks)
        if self._start:
            self._seek(0.0, RUN_UP)
        for packet in self._packets(*tracks.values()):
            piece = self._piece(packet, tracks[packet.stream_index])
            if piece is None:
                continue
            yield piece
            if piece.decoding_time >= self.window:
                running.discard(packet.stream_index)
                if not running:
                    return

    def seconds(self, *modalities: Modality) -> float:
        """How long the clip is by what has been read of it so far, 0 when that is nothing."""
        return max((self.tracks[modality].end for modality in modalities if modality in self.tracks), default=0.0)

    def length(self, *modalities: Modality) -> float:
        """How long the clip is: until the last of its packets is over. Reads it to the end."""
        for _ in self.pieces(*modalities):
            pass
        return self.seconds(*modalities)

    def frames(self, modality: Modality, start: float = 0.0) -> Iterator[tuple[float, Any]]:
        """The good frames and their times, from a little before `start` on, as fast as may be, to the clip's end.

        Raises MediaError when it has none of that modality.
        """
        track = self.track(modality)
        track.use_threads()
        if self._base + start > _SHORT_RUN_UP:
            self._seek(start, _SHORT_RUN_UP)
        for frame in track.frames(self._packets(track)):
            time = track.time(frame.pts)
            if time >= self.window:
                return
            yield time, frame

    def _seek(self, time: float, run_up: float) -> None:
        with suppress(FFmpegError):  # a format without seeking is read from its start
            self._container.seek(int(max(self._base + time - run_up, 0.0) * av.time_base))

    def _packets(self, *tracks: Track) -> Iterator["Packet[Stream]"]:
        """The packets up to the end of the file or the first place where it cannot be read on."""
        if tracks:
            with suppress(FFmpegError, OSError, ValueError):
                for packet in self._container.demux([track.stream for track in tracks]):
                    if packet.size:
                        yield packet

    def _piece(self, packet: "Packet[Stream]", track: Track) -> Piece | None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.time_base or packet.is_corrupt:
            return None
        time = float(stamp * packet.time_base) - self._base
        decoding_time = time if packet.dts is None else float(packet.dts * packet.time_base) - self._base
        over = time + float((packet.duration or 0) * packet.time_base)
        shown = over > 0 and time < self.window and not packet.is_discard
        if shown:
            track.end = max(track.end, min(over, self.window))
        return Piece(track, packet, stamp, time, decoding_time, shown)


@contextmanager
def open_clip(clip: Clip) -> Iterator[Reader]:
    """The clip, ready to be read. Raises MediaError with the reason when it cannot be, then or in the `with` block."""
    if clip.start is not None and clip.end is not None and not clip.start < clip.end:
        raise MediaError(clip.path, f"is asked for from {clip.start:g} s to {clip.end:g} s, which holds no time")
    with _opened(clip.path) as container:
        try:
            yield Reader(container, clip)
        except MediaError:
            raise
        except (FFmpegError, OSError, ValueError, MemoryError) as error:
            # FFmpeg has such errors of its own for files that are damaged.
            passing = isinstance(error, OSError | MemoryError) and not isinstance(error, FFmpegError)
            raise MediaError(clip.path, f"cannot be decoded ({_described(error)})", passing=passing) from None


def quarter_turns(picture: VideoFrame) -> int:
    """By how many quarters, counterclockwise, a decoded picture is to be turned to stand upright."""
    return round(picture.rotation / 90) % 4


def channels(frame: AudioFrame) -> np.ndarray:
    """float32 [channels, samples] in -1..1 of decoded sound."""
    samples: np.ndarray = frame.to_ndarray()
    if frame.format.is_packed:
        samples = samples.reshape(frame.samples, -1).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples


def _stream(container: InputContainer, kind: str) -> Stream | None:
    """The first stream of a kind that is no cover picture; asking FFmpeg for its best one fails where there is none."""
    streams = (stream for stream in container.streams if stream.type == kind and stream.codec_context is not None)
    return next((stream for stream in streams if not stream.disposition & Disposition.attached_pic), None)


def _opened(path: Path) -> InputContainer:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unfound(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(path, "is a folder, not a clip", code="not-a-file")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(path, "is not an ordinary file", code="not-a-file")
    if status.st_size == 0:
        raise MediaError(path, "is empty (zero bytes)", code="empty-clip")
    try:
        # A playlist passed off as a clip must not make FFmpeg fetch anything. And guessing the frame rate, which
        # nobody asks for here, takes FFmpeg a tenth of all the work unless it looks at the first 0.3 s only.
        options = {"protocol_whitelist": "file", "analyzeduration": "300000"}
        return av.open(str(path.absolute()), options=options, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        raise _unopened(path, error) from None


def _unfound(path: Path, error: Exception) -> MediaError:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        reason = f"is a link to {path.readlink()}, which does not exist"
        return MediaError(path, reason, code="dangling-link", passing=True)
    if isinstance(error, FileNotFoundError):
        return MediaError(path, "does not exist", code="missing-clip", passing=True)
    if getattr(error, "errno", None) == errno.ELOOP:
        return MediaError(path, "is a link that leads round in a circle", code="dangling-link", passing=True)
    return MediaError(path, f"cannot be opened ({_described(error)})", code="unreadable", passing=True)


def _unopened(path: Path, error: Exception) -> MediaError:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as unreadable:
        return MediaError(path, f"cannot be opened ({_described(unreadable)})", code="unreadable", passing=True)
    if start[4:8] == b"ftyp":
        reason = "is an mp4 without a usable index (moov atom), probably cut off while it was written or copied"
        return MediaError(path, reason)
    return MediaError(path, f"is not a clip that can be read ({_described(error)})")


def _described(error: Exception) -> str:
    """What went wrong, in the library's own words."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
