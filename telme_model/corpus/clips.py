"""Where the clips of a corpus lie: found by the numbers in their names and folders, in whatever layout people have."""

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from telme_model.corpus.assembly import SOUNDS, Media, media_of
from telme_model.corpus.dialogue import Split
from telme_model.corpus.folder import Folder

VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv")

_SPLITS = {
    **dict.fromkeys(("train", "training"), Split.TRAIN),
    **dict.fromkeys(("dev", "val", "valid", "validation", "development"), Split.DEV),
    **dict.fromkeys(("test", "testing"), Split.TEST),
}
_SPLIT_WORD = "|".join(_SPLITS)
_DIALOGUE = r"(?:dia|dialog|dialogue)[ _-]?0*(\d{1,9})"
_UTTERANCE = r"(?:utt|utterance|turn)[ _-]?0*(\d{1,9})"
_WHOLE = re.compile(rf"(?:({_SPLIT_WORD})[ _-]?)?{_DIALOGUE}[ _-]?{_UTTERANCE}", re.IGNORECASE | re.ASCII)
_HALF = re.compile(rf"(?:({_SPLIT_WORD})[ _-]?)?{_UTTERANCE}", re.IGNORECASE | re.ASCII)
_FOLDER = re.compile(rf"(?:({_SPLIT_WORD})[ _-]?)?{_DIALOGUE}", re.IGNORECASE | re.ASCII)


@dataclass(slots=True)
class Found:
    """The files of one turn, in the order in which they were found."""

    videos: list[Path] = field(default_factory=list)
    sounds: list[Path] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Take a file in."""
        (self.sounds if path.suffix.lower() in SOUNDS else self.videos).append(path)

    @property
    def place(self) -> Path:
        """The folder of the first of them."""
        return (self.videos + self.sounds)[0].parent

    def media(self) -> Media:
        """Picture and sound: of two videos the first; of a sound see `media_of`."""
        return media_of(next(iter(self.videos), None), next(iter(self.sounds), None))


def media_files(folder: Folder) -> Iterator[Path]:
    """Every video and sound in the folder, nearest first; what programs leave behind (`._a.mp4`) is none."""
    endings = (*VIDEOS, *SOUNDS)
    for place, names in folder.everything():
        for name in names:
            if name.lower().endswith(endings) and not name.startswith("."):
                yield place / name


def split_in(parts: Iterable[str]) -> Split | None:
    """The split that folders are named after, the last of them first: `train_splits`, `clips/val`."""
    for part in reversed(list(parts)):
        words = re.split(r"[^a-z]+", part.lower())
        if found := next((_SPLITS[word] for word in words if word in _SPLITS), None):
            return found
    return None


def split_named(text: str) -> Split | None:
    """The split that a value of a table means: `Train`, `val`, `validation`, ...; None for any other word."""
    return _SPLITS.get(text.strip().lower())


class NumberedClips:
    """Clips by split, dialogue and utterance: `train/dia0/utt0.mp4`, `dia18utt1.MP4`, `train_dia018_utt01.mkv`, ..."""

    def __init__(self, folder: Folder, *, one_split: bool, first: Iterable[Path] = ()) -> None:
        """`one_split`: clips of which nothing says their split are its. Of two for a turn those in `first` count."""
        self._one_split = one_split
        self._found: dict[Hashable, Found] = {}
        places = tuple(first)
        paths = sorted(media_files(folder), key=lambda path: path.parent not in places)
        for path in paths:
            if key := _key(path.relative_to(folder.root)):
                self._found.setdefault(key, Found()).add(path)

    def of(self, split: Split, dialogue: int, utterance: int) -> Media | None:
        """Picture and sound of a turn; None where neither is there."""
        found = self._found.get((split, dialogue, utterance))
        if found is None and self._one_split:
            found = self._found.get((None, dialogue, utterance))
        return found.media() if found else None

    def place(self, split: Split) -> Path | None:
        """The folder in which a split's clips lie, by the first of them; None where none is there."""
        splits = (split, None) if self._one_split else (split,)
        keys = (key for key in self._found if isinstance(key, tuple) and key[0] in splits)
        found = next((self._found[key] for key in keys), None)
        return found.place if found else None

    @property
    def undivided(self) -> bool:
        """Whether there are clips of which nothing says their split, though the corpus has several."""
        return not self._one_split and any(isinstance(key, tuple) and key[0] is None for key in self._found)


def _key(path: Path) -> tuple[Split | None, int, int] | None:
    """Split, dialogue and utterance of a clip by its path below the corpus' folder."""
    above = path.parts[:-1]
    if match := _WHOLE.fullmatch(path.stem):
        split, dialogue, utterance = match.groups()
    elif above and (match := _HALF.fullmatch(path.stem)) and (parent := _FOLDER.fullmatch(above[-1])):
        split, dialogue, utterance = match[1] or parent[1], parent[2], match[2]
    else:
        return None
    return (_SPLITS[split.lower()] if split else split_in(above)), int(dialogue), int(utterance)
