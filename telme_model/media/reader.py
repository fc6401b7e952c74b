"""The one place where a clip is opened: its picture and sound found, its packets read, its time and length told."""

import errno
import math
import stat
from collections.abc import Iterator
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
from av.stream import Stream

from telme_model.corpus.dialogue import Clip, Modality
from telme_model.errors import StudioError
from telme_model.media.track import SAME, Track, choices

NAMES = {Modality.VISUAL: "picture", Modality.AUDIO: "sound"}
RUN_UP = 0.5  # seconds before a moment at which reading begins, for the decoders to settle and for reordered pictures

_SHORT_RUN_UP = 0.2  # seconds, where a person waits: for reordered pictures alone
_REACHES = (4.0, 32.0, 256.0)  # seconds before a moment, where that was not enough
_AHEAD = 10.0  # seconds before the file's first stamp: where packets have to be decoded earlier still
_INTERLEAVED = 4.0  # seconds; in no file does sound lie further from the picture that it belongs to


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


@dataclass(frozen=True, slots=True)
class Piece:
    """A packet that can be used; its times are seconds in the clip."""

    track: Track
    packet: "Packet[Stream]"
    time: float  # when it is shown
    decoding_time: float  # when it has to be decoded, earlier where pictures are reordered


class _Head:
    """The first packets after a seek, looked at to tell whether it went back far enough.

    `patient`: whether sound that begins late may do so because of the seek, and not by itself.
    """

    def __init__(self, time: float, tracks: list[Track], *, patient: bool) -> None:
        self.packets: list[Packet[Stream]] = []
        self._time = time
        self._patient = patient
        self._tracks = {track.stream.index: track for track in tracks}
        self._waiting = set(self._tracks)

    def read(self, packets: Iterator["Packet[Stream]"]) -> bool:
        """Take packets until it is clear whether each track can be decoded from `time` on."""
        for packet in packets:
            track = self._tracks[packet.stream_index]
            stamp = track.showing(packet)
            waited_for = packet.stream_index in self._waiting
            if stamp is not None and waited_for:
                late = track.time(stamp) > self._time + SAME
                picture = track.modality is Modality.VISUAL
                if late and (picture or self._patient):
                    return False
                if picture and not packet.is_keyframe:
                    continue  # there is nothing to decode it from
                self._waiting.discard(packet.stream_index)
            self.packets.append(packet)
            # A track that is over is not waited for.
            if not self._waiting or (stamp is not None and track.time(stamp) > self._time + _INTERLEAVED):
                return True
        return bool(self.packets)


class Reader:
    """A clip opened for reading. All times are seconds from its beginning, a window's own where it is one.

    `tracks`: what it has of picture and sound. `window`: its length as a window, infinite when it is a whole file.
    """

    def __init__(self, container: InputContainer, clip: Clip) -> None:
        self._container = container
        self._path = clip.path
        # Late sound or picture is late against the other stream, so time runs from the earliest of all.
        self._file_start = max(container.start_time or 0, 0) / av.time_base
        self._base = self._file_start + (clip.start or 0.0)
        self._begun = False  # whether something was read, so that it has to be gone back for the start
        self.window = math.inf if clip.seconds is None else clip.seconds
        self.tracks: dict[Modality, Track] = {}
        for modality in NAMES:
            if streams := choices(container, modality):
                self.tracks[modality] = Track(modality, streams, self._base, container.format.name)

    def track(self, modality: Modality) -> Track:
        """The clip's picture or sound. Raises MediaError when it has none."""
        if modality not in self.tracks:
            raise MediaError(self._path, f"has no {NAMES[modality]}")
        return self.tracks[modality]

    def reaches(self, time: float = 0.0, shortest: float = RUN_UP) -> Iterator[float]:
        """How many seconds before `time` reading may begin, ever more; at last inf: at the start of the file."""
        for reach in (shortest, *_REACHES):
            if self._base + time - reach > self._file_start:
                yield reach
        yield math.inf

    def pieces(self, *modalities: Modality, reach: float = 0.0) -> Iterator[Piece]:
        """The packets of picture, sound or both, from early enough before the clip to its end.

        `reach`: how many seconds before it at least. The stamps come from the packets because containers count
        wrongly: edit lists, cut files.
        """
        tracks = {track.stream.index: track for m, track in self.tracks.items() if m in modalities}
        running = set(tracks)
        for track in tracks.values():
            track.begin()
        for packet in self._from(0.0, max(reach, RUN_UP), list(tracks.values())):
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
        ends = [self.tracks[modality].end() for modality in modalities if modality in self.tracks]
        return min(max([0.0, *ends]), self.window)

    def length(self, *modalities: Modality) -> float:
        """How long the clip is: until the last of its packets is over. Reads it to the end."""
        for _ in self.pieces(*modalities):
            pass
        return self.seconds(*modalities)

    def frames(self, modality: Modality, start: float = 0.0) -> Iterator[tuple[float, Any]]:
        """The good frames and their times, from `start` or a little before on, as fast as may be, to the clip's end.

        Raises MediaError when it has none of that modality.
        """
        track = self.track(modality)
        track.use_threads()
        for reach in self.reaches(start, _SHORT_RUN_UP):
            track.begin()
            late = modality is Modality.VISUAL and reach < math.inf  # unless the first frame tells otherwise
            for frame in track.frames(self._from(start, reach, [track])):
                time = track.time(frame.pts)
                late = late and time > start + SAME
                if late or time >= self.window - SAME:
                    break
                yield time, frame
            if not late:
                return

    def _from(self, time: float, shortest: float, tracks: list[Track]) -> Iterator["Packet[Stream]"]:
        """The packets of the tracks, from early enough on that what is shown at `time` can be decoded.

        One seek is not enough: the index of a transport stream is guessed from its bytes, and knows no key frames.
        """
        for reach in self.reaches(time, shortest):
            begins = self._file_start - _AHEAD if reach == math.inf else self._base + time - reach
            if (reach < math.inf or self._begun) and not self._seek(begins):
                reach = math.inf  # a format without seeking is read from its start
            self._begun = True
            packets = self._packets(*tracks)
            if reach == math.inf:
                yield from packets
                return
            head = _Head(time, tracks, patient=reach < _INTERLEAVED)
            if head.read(packets):
                yield from head.packets
                yield from packets
                return

    def _seek(self, moment: float) -> bool:
        """Go to the last place in the file before a moment of it from which decoding can begin, by its own word."""
        with suppress(FFmpegError):
            self._container.seek(int(moment * av.time_base))
            return True
        return False

    def _packets(self, *tracks: Track) -> Iterator["Packet[Stream]"]:
        """The packets up to the end of the file or the first place where it cannot be read on."""
        if tracks:
            with suppress(FFmpegError, OSError, ValueError):
                for packet in self._container.demux([track.stream for track in tracks]):
                    if packet.size:
                        yield packet

    def _piece(self, packet: "Packet[Stream]", track: Track) -> Piece | None:
        stamp = track.showing(packet)
        if stamp is None or not packet.time_base or packet.is_corrupt:
            return None
        time = track.time(stamp)
        if not packet.is_discard:
            track.note(packet, stamp)
        return Piece(track, packet, time, time if packet.dts is None else track.time(packet.dts))


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
