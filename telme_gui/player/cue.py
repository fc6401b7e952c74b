"""What is to be played, and when each moment of it is due."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

from telme_model.corpus.dialogue import Modality, Turn


@dataclass(frozen=True, slots=True)
class Segment:
    """One turn of a cue; `begins` and `due` are seconds of playing, `start` and `at` seconds in the turn."""

    turn: Turn
    begins: float
    start: float
    speed: float

    def due(self, at: float) -> float:
        """When the moment `at` is to be seen and heard."""
        return self.begins + (at - self.start) / self.speed

    def at(self, due: float) -> float:
        """The moment that is seen and heard at `due`."""
        return self.start + (due - self.begins) * self.speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """Turns to play one after another without a gap, the first from `start` seconds on, again and again if `loop`.

    Without Modality.VISUAL nothing is to be seen, without Modality.AUDIO nothing to be heard.
    """

    turns: tuple[Turn, ...]
    start: float = 0.0
    speed: float = 1.0
    loop: bool = False
    presented: frozenset[Modality] = frozenset(Modality)

    def segments(self, seconds: Callable[[Turn], float]) -> Iterator[Segment]:
        """The turns in playing order. A turn's length (`seconds`, above 0) is asked for only to begin the next one."""
        begins, start = 0.0, self.start
        for turn in cycle(self.turns) if self.loop else self.turns:
            segment = Segment(turn, begins, start, self.speed)
            yield segment
            begins, start = max(begins, segment.due(seconds(turn))), 0.0
