"""What goes out and what comes in: the report of an export, and the labels of a file with those that found no place."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from telme_model.annotations.exchange.errors import ExchangeError, NoPlaceError
from telme_model.annotations.exchange.terms import Terms
from telme_model.annotations.exchange.words import speaker_named
from telme_model.annotations.labels import Label, Scope
from telme_model.corpus.dialogue import TurnId
from telme_model.corpus.emotions import LabelSet

__all__ = [
    "MOST_UNPLACED", "UNNAMED", "ExchangeError", "ExportReport", "Inbox", "Incoming", "Layers", "NoPlaceError",
    "Planned", "ScopedTurn", "Span", "TimedText", "Unplaced",
]  # fmt: skip

ScopedTurn = tuple[Scope, TurnId]  # what holds one label of a layer
Layers = Mapping[str, Mapping[ScopedTurn, Label]]
Planned = Iterator[tuple[Path, Callable[[Path], object]]]  # a file to be, and what writes it where it is told
Span = tuple[int, int]  # start and end in milliseconds
MOST_UNPLACED = 20_000  # with more, a file is of another corpus or no labels at all
_LONGEST_WORD = 40  # characters
UNNAMED = ""  # the layer of a file that names none


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedText:
    """One interval of a file: a stretch of time with a text."""

    start: int  # milliseconds
    end: int
    text: str
    speaker: str = ""  # of the corpus, whose it is; "" where nothing tells
    words: str = ""  # what is said there, as far as the file says
    turn: TurnId | None = None  # that it hangs on by its id


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
    words: Mapping[str, int] = field(default_factory=dict)  # that are no emotions of the corpus, and how often they are
    tiers: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)  # layer (None: words), speaker of each
    columns: tuple[str, ...] = ()  # of the tables

    @property
    def labels(self) -> int:
        """How many labels found their turn."""
        return sum(map(len, self.placed.values()))


@dataclass(slots=True)
class Inbox:
    """Gathers what files say; of two labels for one place the first is kept. `terms` are what a person said of them."""

    emotions: LabelSet
    terms: Terms = field(default_factory=Terms)
    placed: dict[str, dict[ScopedTurn, Label]] = field(default_factory=dict)
    unplaced: list[Unplaced] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    tiers: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)

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

    def emotion(self, text: str) -> str | None:
        """The emotion that `text` names, in any case; None for a word that was said to be none.

        Raises NoPlaceError: what is unknown is not guessed.
        """
        name = text.strip().lower()
        name = self.terms.emotions.get(name, name)
        if name and name not in self.emotions.labels:
            known = ", ".join(self.emotions.labels)
            self.words[name[:_LONGEST_WORD]] += 1
            raise NoPlaceError(f"'{text.strip()[:40]}' is not an emotion of {self.emotions.name}: {known}")
        return name or None

    def knows(self, text: str) -> bool:
        """Whether a text is an emotion, or was said to be one or none."""
        name = text.strip().lower()
        return name in self.emotions.labels or name in self.terms.emotions

    def speaker(self, name: str, speakers: Iterable[str]) -> str:
        """The speaker that a name in a file means, as was said or by the name itself; "" where nothing tells."""
        known = tuple(speakers)
        meant = self.terms.speakers.get(name.strip())
        if meant is None:
            return speaker_named(name, known)
        return meant if meant in known else ""

    def meet_tier(self, name: str, layer: str | None, speaker: str) -> None:
        """Note how a tier is taken, for a person to say it otherwise."""
        self.tiers.setdefault(name, (layer, speaker))

    def hint(self, words: Sequence[str]) -> str:
        """How to say what unknown words mean, and a note of them."""
        self.words.update(words)
        if not words:
            return ""
        return f" ({', '.join(words[:5])}{', …' * (len(words) > 5)}): say what they mean, as in --words happy=joy"

    def done(self) -> Incoming:
        """All of it."""
        return Incoming(
            placed=self.placed,
            unplaced=tuple(self.unplaced),
            words=dict(self.words),
            tiers=self.tiers,
            columns=tuple(self.columns),
        )
