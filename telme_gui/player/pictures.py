"""The thread that decodes a cue's pictures a little ahead of when they are due."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition, Thread

from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from telme_gui.player.cue import Playlist, Segment
from telme_gui.player.decoder import Measure, measure, pictures
from telme_model.corpus import timing as film_time
from telme_model.corpus.dialogue import Clip, Modality, Turn
from telme_model.media.reader import MediaError

_AHEAD = 10  # pictures in the queue: 0.4 s, which covers opening the next clip; 37 MB at 1280x720
_TOO_LATE = 0.25  # seconds after which a picture is not worth converting ...
_SKIP = 8  # ... but one in so many, to have something to show where decoding is too slow for ever


@dataclass(frozen=True, slots=True)
class Shot:
    """What is to be seen from `due` seconds of playing on: the moment `at` of a segment. No image: the last one stays.

    `opens` tells the first shot of a segment, whose image is None where the turn has no picture.
    """

    due: float
    segment: Segment
    at: float
    image: QImage | None = None
    opens: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more is to be seen after `due`."""

    due: float


class Measures:
    """How long turns are and what is wrong with their clips; whoever asks first, on any thread, opens the file."""

    def __init__(self) -> None:
        self._known: dict[tuple[Clip | None, Clip | None], Measure] = {}  # by the clips: labels come and go

    def __getitem__(self, turn: Turn) -> Measure:
        known = self.get(turn)
        return self._known.setdefault((turn.video, turn.audio), measure(turn)) if known is None else known

    def get(self, turn: Turn) -> Measure | None:
        """What is known already; opens nothing."""
        return self._known.get((turn.video, turn.audio))

    def seconds(self, turn: Turn) -> float:
        """The turn's length in the film; above 0."""
        return self[turn].seconds or film_time.expected_seconds(turn)

    def forget(self) -> None:
        """Open the files anew: a corpus was opened."""
        self._known = {}


class Pictures(Thread):
    """Fills a short queue with the shots of the latest cue; a new cue empties it."""

    def __init__(
        self, measures: Measures, arrived: Callable[[], None], measured: Callable[[list[tuple[Turn, float]]], None]
    ) -> None:
        super().__init__(name="pictures", daemon=True)
        self._measures = measures
        self._arrived, self._measured = arrived, measured  # called on this thread
        self._changed = Condition()
        self._cue: Playlist | None = None
        self._unmeasured: tuple[Turn, ...] = ()
        self._queue: deque[Shot | End] = deque()
        self._closed = False
        self.fit = QSize(1280, 720)
        self.now = -math.inf  # seconds of playing, set by the window: what is long over is not converted

    def play(self, cue: Playlist | None, film: tuple[Turn, ...] = ()) -> None:
        """Decode this from now on; `film` are the turns whose length is wanted when there is nothing else to do."""
        with self._changed:
            self._cue, self._unmeasured = cue, film
            self._queue.clear()
            self.now = -math.inf
            self._changed.notify()

    def next(self) -> Shot | End | None:
        """What comes next, left where it is; None while it is being decoded."""
        with self._changed:
            return self._queue[0] if self._queue else None

    def take(self) -> Shot | End | None:
        """What comes next, taken out."""
        with self._changed:
            self._changed.notify()
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """End the thread; it is over after `join()`."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify()

    def run(self) -> None:
        """Decode cue after cue."""
        done: Playlist | None = None
        while True:
            with self._changed:
                while self._cue is done and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                cue = done = self._cue
            if cue is not None:
                for item in self._items(cue):
                    if not self._put(cue, item):
                        break
                self._measure(cue)

    def _wanted(self, cue: Playlist) -> bool:
        return self._cue is cue and not self._closed

    def _put(self, cue: Playlist, item: Shot | End) -> bool:
        """Add to the queue once there is room; False when the cue is no longer wanted."""
        with self._changed:
            if not self._wanted(cue):
                return False
            self._queue.append(item)
            first = len(self._queue) == 1
        if first:
            self._arrived()
        while True:
            with self._changed:
                if not self._unmeasured:
                    self._changed.wait_for(lambda: len(self._queue) < _AHEAD or not self._wanted(cue))
                if len(self._queue) < _AHEAD or not self._wanted(cue):
                    return self._wanted(cue)
            self._measure(cue)

    def _measure(self, cue: Playlist) -> None:
        """Find out how long the film's turns are, once for a cue."""
        with self._changed:
            if not self._wanted(cue):
                return
            turns, self._unmeasured = self._unmeasured, ()
        if turns:
            self._measured([(turn, self._measures.seconds(turn)) for turn in turns if self._wanted(cue)])

    def _items(self, cue: Playlist) -> Iterator[Shot | End]:
        end = 0.0
        for segment in cue.segments(self._measures.seconds):
            yield from self._shots(cue, segment)
            end = max(end, segment.due(self._measures.seconds(segment.turn)))
        yield End(end)

    def _shots(self, cue: Playlist, segment: Segment) -> Iterator[Shot]:
        turn, opens, problem = segment.turn, True, ""
        skipped = 0
        if turn.video is not None and Modality.VISUAL in cue.presented:
            try:
                for picture in pictures(turn.video, segment.start, lambda: self._wanted(cue)):
                    due = segment.begins if opens else segment.due(picture.time)
                    if not opens and due < self.now - _TOO_LATE and skipped < _SKIP:
                        skipped += 1
                        continue
                    yield Shot(due, segment, max(picture.time, 0.0), picture.image(self.fit), opens)
                    opens, skipped = False, 0
            except MediaError as error:
                problem = f"{error.path.name} {error.reason}."
            except Exception as error:  # noqa: BLE001 - a broken file must not end the thread
                problem = f"{turn.video.path.name} cannot be decoded ({error})."
        if opens:
            yield Shot(segment.begins, segment, segment.start, None, opens, problem)
