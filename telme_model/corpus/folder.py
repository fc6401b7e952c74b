"""What lies in a corpus folder: a look at its files two levels down, and paths that must not leave it."""

import errno
import os
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from telme_model.corpus.dialogue import CorpusError
from telme_model.paths import as_written

_DEPTH = 2  # levels below the root whose files are listed
_DEEPEST = 5  # levels below the root at which clips are looked for
_MOST_FOLDERS = 20_000  # beyond the first levels: a folder of clips for each dialogue, not a whole disk
_ARCHIVE = re.compile(r"[^.].*\.(?:tar\.(?:gz|bz2|xz)|tgz|tar|zip)", re.IGNORECASE)


class OutsideError(ValueError):
    """A path in an annotation file that leads out of the corpus folder."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was when opened: `files` are names by folder, `folders` all that were seen, nearest first."""

    root: Path
    files: dict[Path, tuple[str, ...]]
    folders: tuple[Path, ...]
    _places: dict[PurePosixPath, Path | None] = field(default_factory=dict, repr=False, compare=False)
    _inside: dict[Path, bool] = field(default_factory=dict, repr=False, compare=False)

    def matching(self, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
        """Files whose whole name matches, nearest to the root first."""
        for folder, names in self.files.items():
            for name in names:
                if match := pattern.fullmatch(name):
                    yield folder / name, match

    def nearest(self, pattern: re.Pattern[str]) -> Path | None:
        """The first of the matching files."""
        return next((path for path, _ in self.matching(pattern)), None)

    def depth(self, path: Path) -> int:
        """How many folders lie between the root and `path`."""
        return len(path.relative_to(self.root).parts) - 1

    def named(self, name: str) -> Path | None:
        """The folder of this name nearest to the root."""
        return next((folder for folder in self.folders if folder.name == name), None)

    def everything(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """Every folder with the names of its files, nearest first, deeper than `files` goes."""
        yield from self.files.items()
        waiting = deque((folder, _DEPTH + 1) for folder in self.folders if folder not in self.files)
        for _ in range(_MOST_FOLDERS):
            if not waiting:
                return
            folder, depth = waiting.popleft()
            with suppress(OSError, ValueError):  # a locked corner
                names, below = _listing(folder)
                yield folder, names
                if depth < _DEEPEST:
                    waiting.extend((child, depth + 1) for child in below)

    def holds(self, path: Path) -> bool:
        """Whether a path within the folder stays in it when links are followed."""
        if path.parent not in self._inside:
            self._inside[path.parent] = path.parent.resolve().is_relative_to(self.root.resolve())
        if not self._inside[path.parent]:
            return False
        return not path.is_symlink() or path.resolve().is_relative_to(self.root.resolve())

    def archives(self) -> tuple[Path, ...]:
        """Archives that nobody has unpacked, or has left beside what came out of them."""
        return tuple(path for path, _ in self.matching(_ARCHIVE))

    def locate(self, text: str) -> Path | None:
        """The file inside this folder that a path in an annotation file means; None when its folder does not exist.

        Such paths start where the corpus was prepared (`./dataset/MELD.Raw/train_splits/dia0_utt0.mp4`), so leading
        folders are dropped until the rest exists below the root. The file itself is not looked at. Raises OutsideError
        for an absolute path elsewhere and for one with `..` in it.
        """
        path = PurePosixPath(text.replace("\\", "/"))
        if path.is_absolute() and path.is_relative_to(self.root.as_posix()):
            path = path.relative_to(self.root.as_posix())
        if path.is_absolute() or PureWindowsPath(path).drive or ".." in path.parts or "\0" in text:
            raise OutsideError(text)
        if path.parent not in self._places:
            self._places[path.parent] = self._place(path.parent)
        place = self._places[path.parent]
        return place / path.name if place and path.name else None

    def _place(self, parent: PurePosixPath) -> Path | None:
        if not parent.parts:
            return self.root
        candidates = (self.root.joinpath(*parent.parts[skip:]) for skip in range(len(parent.parts)))
        return next((candidate for candidate in candidates if candidate.is_dir()), None)


def look_into(root: Path) -> Folder:
    """List `root` two levels down. Raises CorpusError when it is missing, not a folder or unreadable."""
    root = as_written(root).absolute()
    files: dict[Path, tuple[str, ...]] = {}
    folders = [root]
    waiting = deque([(root, 0)])
    while waiting:
        folder, depth = waiting.popleft()
        try:
            names, below = _listing(folder)
        except (OSError, ValueError) as error:
            if folder is root:
                raise CorpusError(_why_closed(root, error)) from error
            continue  # a locked corner does not close the corpus
        files[folder] = names
        folders += below
        if depth < _DEPTH:
            waiting.extend((child, depth + 1) for child in below)
    return Folder(root, files, tuple(folders))


def _listing(folder: Path) -> tuple[tuple[str, ...], list[Path]]:
    names, below = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() and _leads_back(folder, entry.name):
                continue  # the corpus would be found in itself
            if not entry.is_dir():
                names.append(entry.name)
            elif not entry.name.startswith("."):
                below.append(folder / entry.name)
    return tuple(sorted(names)), sorted(below)


def _leads_back(folder: Path, link: str) -> bool:
    """Whether a link in a folder leads to that folder, to one around it, or nowhere but to itself."""
    try:
        return folder.resolve().is_relative_to((folder / link).resolve(strict=True))
    except RuntimeError:  # Python's own word for a circle of links
        return True
    except OSError as error:
        return error.errno == errno.ELOOP


def _why_closed(root: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no folder '{root}': check the path."
    if isinstance(error, NotADirectoryError):
        return f"'{root}' is a file: give the folder that holds the corpus's annotation files."
    reason = error.strerror if isinstance(error, OSError) else error
    return f"The folder '{root}' cannot be read ({reason}): check the path and that you may open it."
