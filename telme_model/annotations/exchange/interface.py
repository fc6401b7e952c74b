"""What goes out and what comes in: the report of an export, and the labels of a file with those that found no place."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from telme_model.annotations.labels import Label, Scope
from telme_model.corpus.dialogue import TurnId
from telme_model.corpus.emotions import LabelSet
from telme_model.errors import StudioError

ScopedTurn = tuple[Scope, TurnId]  # what holds one label of a layer
Layers = Mapping[str, Mapping[ScopedTurn, Label]]
Planned = Iterator[tuple[Path, Callable[[Path], object]]]  # a file to be, and what writes it where it is told
MOST_UNPLACED = 20_000  # with more, a file is of another corpus or no labels at all
UNNAMED = ""  # the layer of a file that names none


class ExchangeError(StudioError):
    """A file that cannot be read or written; the message is a sentence for the person who chose it."""


class NoPlaceError(StudioError):
    """One label of a file that cannot be placed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export wrote, and in sentences what the format cannot hold."""

    files: tuple[Path, ...]
    labels: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Something of a file that is not imported."""

    where: str  # file and row, tier or cue
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What one or more files say of a corpus. Labels of a file that names no layer are those of `UNNAMED`."""

    placed: Layers
    unplaced: tuple[Unplaced, ...]

    @property
    def labels(self) -> int:
        """How many labels found their turn."""
        return sum(map(len, self.placed.values()))


@dataclass(slots=True)
class Inbox:
    """Gathers what files say; of two labels for one place the first is kept."""

    emotions: LabelSet
    placed: dict[str, dict[ScopedTurn, Label]] = field(default_factory=dict)
    unplaced: list[Unplaced] = field(default_factory=list)

    def put(self, layer: str, place: ScopedTurn, label: Label, where: str) -> None:
        """Take a label whose turn is known."""
        labels = self.placed.setdefault(layer, {})
        first = labels.setdefault(place, label)
        if first != label:
            scope, turn = place
            name = f"{turn} ({scope})" if scope is not Scope.ALL else f"{turn}"
            self.refuse(
                where, label.emotion or "a remark", f"{name} is labelled already: {first.emotion or 'a remark'}"
            )

    def refuse(self, where: str, what: str, reason: str) -> None:
        """Report a label that has no place. Raises ExchangeError when there are too many."""
        if len(self.unplaced) == MOST_UNPLACED:
            raise ExchangeError(f"{where}: over {MOST_UNPLACED:,} labels find no place: are they of this corpus?")
        self.unplaced.append(Unplaced(where=where, what=what[:80], reason=reason))

    def emotion(self, text: str) -> str:
        """The emotion that `text` names, in any case. Raises NoPlaceError: what is unknown is not guessed."""
        name = text.strip().lower()
        if name not in self.emotions.labels:
            known = ", ".join(self.emotions.labels)
            raise NoPlaceError(f"'{text.strip()[:40]}' is not an emotion of {self.emotions.name}: {known}")
        return name

    def done(self) -> Incoming:
        """All of it."""
        return Incoming(placed=self.placed, unplaced=tuple(self.unplaced))
