"""Where everything on the timeline lies: the part of the film in view across, the lanes from top to bottom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from telme_model.analysis.models import FUSED, TEACHER, Model

GUTTER = 80  # px for the names of the lanes
GAP = 3  # px between lanes
CLOSEST = 0.25  # seconds across the whole view at most zoom


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The seconds `start` to `end` of a film over `width` pixels, which begin at `left`."""

    start: float
    end: float
    width: float
    left: float = GUTTER

    @property
    def scale(self) -> float:
        """Pixels a second."""
        return self.width / (self.end - self.start)

    def x(self, seconds: float) -> float:
        """Pixel at which a time lies."""
        return self.left + (seconds - self.start) * self.scale

    def seconds(self, x: float) -> float:
        """Time at a pixel."""
        return self.start + (x - self.left) / self.scale

    def zoomed(self, factor: float, around: float, film: float) -> "TimeSpan":
        """`factor` times as close, the time `around` staying where it is as far as the film allows."""
        span = min(max((self.end - self.start) / factor, CLOSEST), film)
        share = (around - self.start) / (self.end - self.start)
        return self._within(around - share * span, span, film)

    def moved(self, seconds: float, film: float) -> "TimeSpan":
        """Shown `seconds` later, never beyond the film."""
        return self._within(self.start + seconds, self.end - self.start, film)

    def _within(self, start: float, span: float, film: float) -> "TimeSpan":
        start = max(0.0, min(start, film - span))
        return TimeSpan(start, start + span, self.width, self.left)


class Lane(StrEnum):
    """What a lane shows, from top to bottom, the run's models after `LABEL`; the value is the name beside it."""

    SPEAKER = "speaker"
    GOLD = "gold"
    LABEL = "label"
    SHIFT = "shift"
    SOUND = "sound"
    SPECTROGRAM = "spectrogram"
    TIME = "time"


AnyLane = Lane | Model
LABELS = (Lane.GOLD, Lane.LABEL)  # lanes of emotions, as a model's are


@dataclass(frozen=True, slots=True)
class Band:
    """The pixels of a lane, from the top of the timeline."""

    top: float
    height: float

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.top + self.height


# px: least height; most height before the rest takes the room; share of what is left then
_EMOTIONS = (12, 16, 0)
_HEIGHTS: Mapping[AnyLane, tuple[int, int, int]] = {
    Lane.SPEAKER: (15, 18, 0),
    Lane.SHIFT: (22, 36, 1),
    Lane.SOUND: (22, 36, 2),
    Lane.SPECTROGRAM: (36, 56, 4),
    Lane.TIME: (15, 15, 0),
}
_DEAREST: tuple[AnyLane | str, ...] = (  # what is kept longest when the timeline is low, before the students
    Lane.GOLD, Lane.LABEL, FUSED, Lane.SPEAKER, Lane.SPECTROGRAM, Lane.SHIFT, Lane.TIME, Lane.SOUND, TEACHER,
)  # fmt: skip


def name(lane: AnyLane) -> str:
    """What stands beside it."""
    return lane.short if isinstance(lane, Model) else lane.value


def lanes_of(models: Iterable[Model]) -> list[AnyLane]:
    """All lanes of a run with these models, from top to bottom."""
    above = (Lane.SPEAKER, *LABELS)
    return [*above, *models, *(lane for lane in Lane if lane not in above)]


def lay_out(height: float, wanted: Sequence[AnyLane]) -> dict[AnyLane, Band]:
    """The bands of as many wanted lanes as fit into `height` pixels, in their order."""
    least, most, share = ({lane: float(_HEIGHTS.get(lane, _EMOTIONS)[place]) for lane in wanted} for place in range(3))
    kept: set[AnyLane] = set()
    room = height + GAP
    for lane in sorted(wanted, key=_dearness):
        if room < least[lane] + GAP:
            break
        room -= least[lane] + GAP
        kept.add(lane)
    lanes = [lane for lane in wanted if lane in kept]
    heights = {lane: least[lane] for lane in lanes}
    asked = sum(most[lane] - least[lane] for lane in lanes)
    for lane in lanes:
        heights[lane] += (most[lane] - least[lane]) * min(1.0, room / asked if asked else 0.0)
    room = max(0.0, room - asked)
    shares = sum(share[lane] for lane in lanes)
    for lane in lanes:
        heights[lane] += room * share[lane] / shares if shares else 0.0
    tops = accumulate((heights[lane] + GAP for lane in lanes), initial=0.0)
    return {lane: Band(top, heights[lane]) for lane, top in zip(lanes, tops, strict=False)}


def _dearness(lane: AnyLane) -> int:
    key = lane.key if isinstance(lane, Model) else lane
    return _DEAREST.index(key) if key in _DEAREST else len(_DEAREST)


def ticks(view: TimeSpan) -> list[float]:
    """Round times in view, far enough apart for their labels, in seconds."""
    apart = 64 / view.scale
    steps = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((step for step in steps if step >= apart), steps[-1])
    first = int(view.start / step + 0.999)
    return [count * step for count in range(first, int(view.end / step) + 1)]
