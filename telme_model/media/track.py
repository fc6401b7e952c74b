"""A clip's picture or sound: when its parts are shown, how long it is, and what its packets decode to."""

import heapq
from array import array
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream

from telme_model.corpus.dialogue import Modality
from telme_model.media.upright import sane_aspect

KINDS = {Modality.VISUAL: "video", Modality.AUDIO: "audio"}  # FFmpeg's words

SAME = 1e-4  # seconds: stamps closer than this are the same moment

_NO_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails  # covers and chapters' thumbnails
_LARGE = 1280 * 720  # pixels above which a second decoding thread is worth its later first picture
# Decoders that can be told before each packet whether its picture may be left out; dav1d (AV1) loses wanted ones then.
_CHOOSY = ("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vp8", "vp9")
_USUAL = 1.5  # times the usual distance of pictures, past which a packet's duration belongs to another picture


def choices(container: InputContainer, modality: Modality) -> list[Stream]:
    """The streams that may be taken for a clip's picture or sound, the one that is taken first.

    That is the first that the file marks as its default, as players do; where none is, its first.
    """
    kind = KINDS[modality]
    streams = [stream for stream in container.streams if stream.type == kind and stream.codec_context is not None]
    usable = [stream for stream in streams if not stream.disposition & _NO_PICTURE]
    return sorted(usable, key=lambda stream: not stream.disposition & Disposition.default)  # stable: file order


class Track:
    """A clip's picture or sound. Times are seconds in the clip, stamps the stream's own unit.

    `others`: how many more streams of its kind the file has, which are not taken. `number`: which one of its kind is,
    counted from 1.
    """

    def __init__(self, modality: Modality, streams: list[Stream], base: float, container: str) -> None:
        self.modality = modality
        self.stream: Any = streams[0]  # what decode() takes and gives differs by kind
        self.others = len(streams) - 1
        self.number = 1 + sum(stream.index < self.stream.index for stream in streams)
        self._base = base
        # An AVI file has no stamps for showing, and FFmpeg's guesses are wrong for these codecs. But pictures come out
        # in the order in which they are shown: each has the earliest stamp of those put in that none has had yet.
        self._ordered = container == "avi" and self.stream.codec_context.name in ("h264", "hevc")
        self._fed: list[int] = []
        self._coded_aspect = getattr(self.stream.codec_context, "sample_aspect_ratio", None)
        self.stream.codec_context.thread_count = 1  # clips are short and the cache has a process per core
        self.begin()

    def begin(self) -> None:
        """Forget what was read: it is read anew."""
        self._fed.clear()
        self._stamps = array("q")  # of what has been read and is not hidden
        self._over = 0  # when the last of it is over, by the packets' own durations
        self._last, self._last_duration = 0, 0  # the one that is shown last
        self._delay: int | None = None  # from decoding to showing
        self._steady = True  # whether that is always the same

    @property
    def aspect(self) -> float:
        """A pixel's width by its height: the container's word, else that of the pictures decoded last."""
        claimed, coded = self.stream.sample_aspect_ratio, self.stream.codec_context.sample_aspect_ratio
        return sane_aspect(float((coded if claimed == self._coded_aspect else claimed) or 1))

    @property
    def promised(self) -> float:
        """Seconds that the file claims, rightly or not."""
        return float((self.stream.duration or 0) * (self.stream.time_base or 0))

    def time(self, stamp: float) -> float:
        """Seconds in the clip of a stamp."""
        return float(stamp * self.stream.time_base) - self._base

    def stamp(self, time: float) -> float:
        """The stamp, in parts of one, of a time in the clip."""
        return (time + self._base) / float(self.stream.time_base)

    def showing(self, packet: "Packet[Stream]") -> int | None:
        """The stamp at which a packet is to be shown."""
        return packet.dts if packet.pts is None or self._ordered else packet.pts

    def note(self, packet: "Packet[Stream]", stamp: int) -> None:
        """A packet was read that is to be shown at `stamp`."""
        duration = packet.duration or 0
        self._stamps.append(stamp)
        first = len(self._stamps) == 1
        self._over = stamp + duration if first else max(self._over, stamp + duration)
        if first or stamp >= self._last:
            self._last, self._last_duration = stamp, duration
        delay = stamp - (stamp if packet.dts is None else packet.dts)
        self._steady &= self._delay in (None, delay)
        self._delay = delay

    def over(self) -> float:
        """The stamp at which the last of what was read is over; what was read must not be nothing.

        A packet's duration is that of its picture only where pictures are decoded in the order in which they are
        shown. Elsewhere, and where the file gives none, the last picture stays for as long as pictures usually do.
        """
        if self.modality is Modality.AUDIO:
            return self._over
        usual = self._usual_distance()
        its = self._last_duration
        believed = its > 0 if self._steady else usual / _USUAL <= its <= usual * _USUAL
        return self._over if self._steady and believed else self._last + (its if believed else usual)

    def end(self) -> float:
        """When the last of what was read is over; 0 when that is nothing."""
        return self.time(self.over()) if self._stamps else 0.0

    def shown(self, limit: float) -> list[int]:
        """Stamps of what was read and is shown in the clip's first `limit` seconds, ascending.

        What began before the clip is shown until the next one is.
        """
        if self.end() <= 0:
            return []
        stamps = np.unique(np.frombuffer(self._stamps, np.int64))
        first = max(int(np.searchsorted(stamps, self.stamp(SAME), side="right")) - 1, 0)
        last = int(np.searchsorted(stamps, self.stamp(limit - SAME), side="left"))
        return [int(stamp) for stamp in stamps[first:last]]

    def span(self, stamps: list[int], limit: float) -> tuple[float, float]:
        """Between which stamps those `shown` in the first `limit` seconds are to be seen."""
        begins = stamps[0] if self.time(stamps[0]) > -SAME else self.stamp(0.0)
        return begins, min(self.over(), self.stamp(limit))

    def decode(self, packet: "Packet[Stream] | None") -> list[Any]:
        """The good frames that come out with a packet, None being the end; a bad packet costs only itself."""
        stamp = None if packet is None else self.showing(packet)
        if self._ordered and stamp is not None:
            heapq.heappush(self._fed, stamp)
        try:
            frames = self.stream.decode(packet)
        except (FFmpegError, ValueError):
            if self._ordered and stamp in self._fed:
                self._fed.remove(stamp)
                heapq.heapify(self._fed)
            return []
        if self._ordered:
            for frame in frames:
                frame.pts = heapq.heappop(self._fed) if self._fed else None
        return [frame for frame in frames if not frame.is_corrupt and frame.pts is not None]

    def frames(self, packets: Iterable["Packet[Stream]"], wanted: Collection[int] | None = None) -> Iterator[Any]:
        """The good frames of all of `packets`.

        With `wanted` stamps, pictures no other is made from are left undecoded unless wanted, and so is what comes
        after all of them. A wanted picture may come later in the file than one that is shown after it.
        """
        context = self.stream.codec_context
        choosy = wanted is not None and not self._ordered and context.codec.name in _CHOOSY
        left = set(wanted or ())
        for packet in packets:
            if choosy:
                needed = packet.pts is None or packet.pts in left
                context.skip_frame = "DEFAULT" if needed else "NONREF"
            yield from self.decode(packet)
            left.discard(packet.pts)
            if choosy and not left:
                break
        yield from self.decode(None)

    def rewind(self) -> None:
        """Packets that were decoded before are decoded again."""
        self.stream.codec_context.flush_buffers()

    def use_threads(self) -> None:
        """Take two threads where the pictures are large."""
        context = self.stream.codec_context
        if self.modality is Modality.VISUAL and (context.width or 0) * (context.height or 0) > _LARGE:
            context.thread_type, context.thread_count = "AUTO", 2

    def _usual_distance(self) -> float:
        """Between one picture and the next, in the stream's unit."""
        stamps = np.unique(np.frombuffer(self._stamps, np.int64))
        return float(np.median(np.diff(stamps))) if len(stamps) > 1 else float(self._last_duration)
