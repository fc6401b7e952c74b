"""What a corpus is made of: turns, dialogues, and the problems found while reading them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from telme_model.corpus.emotions import LabelSet
from telme_model.errors import StudioError

GOLD = "gold"  # the layer of the corpus' own labels: read-only, not in any store


class Split(StrEnum):
    """A part of a corpus. Ids repeat across splits, so a split belongs to every identity."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class Modality(StrEnum):
    """What a turn is given as, in the order in which everything lists them."""

    TEXT = "text"
    AUDIO = "audio"
    VISUAL = "visual"


@dataclass(frozen=True, slots=True, order=True)
class TurnId:
    """Identity of a turn: the same dialogue and utterance numbers occur in every split of MELD."""

    split: Split
    dialogue: str
    utterance: int

    def __str__(self) -> str:
        return f"{self.split}/dia{self.dialogue}_utt{self.utterance}"


@dataclass(frozen=True, slots=True)
class Clip:
    """Where a turn's picture or sound lies: a file, or the window of `start` to `end` seconds of one.

    The file need not exist; whoever opens it finds out. `sound` is a file beside it, heard where this one holds none.
    `then` are the windows that go on where this one ends, each a plain one: the turn lies in several files.
    """

    path: Path
    start: float | None = None
    end: float | None = None
    sound: Path | None = None
    then: tuple["Clip", ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it is with what follows; None for one that is open at its end, as a whole file is."""
        lengths = [None if clip.end is None else clip.end - (clip.start or 0.0) for clip in self.windows]
        return None if None in lengths else sum(length for length in lengths if length is not None)

    @property
    def windows(self) -> "tuple[Clip, ...]":
        """It as plain clips, one after another."""
        return (replace(self, then=()), *self.then) if self.then else (self,)

    @property
    def seen(self) -> tuple[Path, ...]:
        """The files that may hold its picture."""
        return tuple(dict.fromkeys(window.path for window in self.windows))

    @property
    def heard(self) -> tuple[Path, ...]:
        """The files that may hold its sound."""
        return tuple(dict.fromkeys(path for one in self.windows for path in (one.path, one.sound) if path is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a dialogue, as its corpus annotates it.

    `start` and `end` are seconds in the episode, as annotated: they may overlap, run backwards or be absent.
    `row` is the line in the annotation file (1 = first line of the file, the header), 0 when there is none.
    `unrepaired` are the words as they stand there, where a wrong encoding damaged them; None where `text` is that.
    """

    id: TurnId
    speaker: str
    text: str
    gold: str | None = None
    sentiment: str | None = None
    season: int | None = None
    episode: int | None = None
    start: float | None = None
    end: float | None = None
    video: Clip | None = None
    audio: Clip | None = None
    row: int = 0
    unrepaired: str | None = None

    @property
    def annotated_seconds(self) -> float | None:
        """From `start` to `end`: below 0 where they run backwards, None where one is absent."""
        return None if self.start is None or self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Turns in the order in which they were said."""

    split: Split
    name: str
    turns: tuple[Turn, ...]

    @property
    def season(self) -> int | None:
        """Season of the first turn."""
        return self.turns[0].season

    @property
    def episode(self) -> int | None:
        """Episode of the first turn."""
        return self.turns[0].episode


class Severity(StrEnum):
    """How much a problem costs: `fatal` loses a split or a turn's labels, `warning` a turn's medium, `note` nothing."""

    FATAL = "fatal"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with a corpus, in one sentence a person can act on."""

    severity: Severity
    code: str  # short and stable, e.g. "missing-clip": what a program filters by
    file: Path
    reason: str
    row: int | None = None
    column: str | None = None
    turn: TurnId | None = None


class CorpusError(StudioError):
    """A folder that cannot be read as a corpus; the message is a sentence for the person who opened it."""

    title = "The corpus cannot be read"
    table: Path | None = None  # where it could be read if a person said which of this table's columns is what


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A folder of dialogues. Read-only: what people add lies elsewhere."""

    root: Path
    kind: str  # "meld", "emorynlp", "iemocap", ...
    labels: LabelSet
    dialogues: tuple[Dialogue, ...]
    problems: tuple[Problem, ...] = ()

    def turns(self, *splits: Split) -> Iterator[Turn]:
        """Every turn of the given splits (of all, when none is given), dialogue by dialogue in corpus order."""
        for dialogue in self.dialogues:
            if not splits or dialogue.split in splits:
                yield from dialogue.turns

    def splits(self) -> tuple[Split, ...]:
        """The splits that have turns."""
        present = {dialogue.split for dialogue in self.dialogues}
        return tuple(split for split in Split if split in present)
