"""What the program remembers from one start to the next, in one small file that may be lost without harm."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from telme_model.annotations.labels import Scope
from telme_model.files import write_whole

RECENT = 8  # entries at most


class Theme(StrEnum):
    """Light, dark, or as the system has it."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Recent:
    """A corpus that was open, the run it was seen with ("" for none), the turn where one was, and the work."""

    corpus: str
    run: str = ""
    turn: str = ""
    queue: str = ""  # that was worked through
    filter: dict[str, Any] = field(default_factory=dict)  # what of it was chosen (see `whereabouts.kept`)

    @property
    def there(self) -> bool:
        """Whether the corpus is still where it was; what may not be looked into is not."""
        return os.path.isdir(self.corpus)  # noqa: PTH112 - Path's raises there


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """How the player is set."""

    volume: float = 0.8  # 0 to 1
    muted: bool = False
    speed: float = 1.0  # 0.5 to 2

    def __post_init__(self) -> None:
        if not (0 <= self.volume <= 1 and 0.5 <= self.speed <= 2 and isinstance(self.muted, bool)):
            raise ValueError("volume, muted or speed has a value that cannot be")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTraining:
    """What was chosen last to be trained: a preset, and what differed from it as the command line takes it."""

    preset: str = ""
    settings: list[str] = field(default_factory=list)
    seeds: str = "0"
    folder: str = ""  # in which runs are made
    layer: str = "gold"

    def __post_init__(self) -> None:
        texts = [self.preset, self.seeds, self.folder, self.layer, *self.settings]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("text expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotating:
    """How one annotates."""

    layer: str = "me"  # in which one labels
    shown: bool = False  # the annotation bar, and keys that label
    plays: bool = True  # the turn that labelling goes on to
    scope: Scope = Scope.ALL  # what of a turn one is given
    blind: bool = False

    def __post_init__(self) -> None:
        kinds = [type(value) for value in (self.layer, self.shown, self.plays, self.blind)]
        if kinds != [str, bool, bool, bool] or not self.layer:
            raise ValueError("layer, shown, plays or blind has a value that cannot be")


@dataclass(slots=True, kw_only=True)
class Settings:
    """All of it. Geometry, state and splitter are Qt's own bytes, in base 64."""

    theme: Theme = Theme.SYSTEM
    recent: list[Recent] = field(default_factory=list)  # newest first
    geometry: str = ""
    state: str = ""
    splitter: str = ""
    playback: Playback = Playback()
    training: LastTraining = field(default_factory=LastTraining)
    annotating: Annotating = Annotating()
    keys: dict[str, str] = field(default_factory=dict)  # by an action's name, where they are not its own
    file: Path | None = field(default=None, compare=False)  # that they came from; None: they are kept nowhere

    def keep(self) -> None:
        """Write them now: what was just chosen may be lost in a crash otherwise."""
        if self.file is not None:
            save(self, self.file)

    def remember(self, corpus: Path, run: Path | None, turn: str = "") -> None:
        """Put a corpus with its run and the turn where one is at the head of the recent ones."""
        self._put_first(replace(self.of(corpus), run=str(run.absolute()) if run else "", turn=turn))

    def remember_work(self, corpus: Path, queue: str, filter_: dict[str, Any]) -> None:
        """Put a corpus with what one works on there at the head of the recent ones."""
        self._put_first(replace(self.of(corpus), queue=queue, filter=filter_))

    def of(self, corpus: Path) -> Recent:
        """Where one was in a corpus; nowhere if it was not open lately."""
        path = str(corpus.absolute())
        return next((entry for entry in self.recent if entry.corpus == path), Recent(path))

    def _put_first(self, entry: Recent) -> None:
        others = [old for old in self.recent if old.corpus != entry.corpus]
        self.recent = [entry, *others][:RECENT]


def settings_path() -> Path:
    """Where the settings lie on this machine."""
    return user_config_path("telme-studio") / "settings.json"


def load(path: Path, tell: Callable[[str], object] = lambda _sentence: None) -> Settings:
    """The settings in `path`, the default ones where there is no such file.

    A broken one is renamed out of the way, and `tell` is called with a sentence that says so.
    """
    try:
        return replace(_settings(json.loads(path.read_text(encoding="utf-8"))), file=path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        tell(f"The program begins with its own settings. {_put_aside(path)}")
    return Settings(file=path)


def save(settings: Settings, path: Path) -> bool:
    """Write the settings whole; False when the place cannot be written, which must not keep a window from closing."""
    tree = asdict(replace(settings, file=None))
    del tree["file"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda scratch: scratch.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8"))
    except OSError:
        return False
    return True


def _settings(tree: Mapping[str, Any]) -> Settings:
    recent = [Recent(**entry) for entry in tree["recent"]]
    texts = {name: tree[name] for name in ("geometry", "state", "splitter")}
    playback = Playback(**tree.get("playback", {}))
    training = LastTraining(**tree.get("training", {}))
    labelling = dict(tree.get("annotating", {}))
    annotating = Annotating(**{**labelling, "scope": Scope(labelling.get("scope", Scope.ALL))})
    keys = dict(tree.get("keys", {}))
    places = [part for entry in recent for part in (entry.corpus, entry.run, entry.turn, entry.queue)]
    strings = [*texts.values(), *keys, *keys.values(), *places]
    if not all(isinstance(text, str) for text in strings) or not all(isinstance(of.filter, dict) for of in recent):
        raise TypeError("text expected")
    return Settings(
        theme=Theme(tree["theme"]),
        recent=recent[:RECENT],
        playback=playback,
        training=training,
        annotating=annotating,
        keys=keys,
        **texts,
    )


def _put_aside(path: Path) -> str:
    aside = path.with_name(f"{path.stem}.broken{path.suffix}")
    try:
        path.replace(aside)
    except OSError as error:  # saving will say no as well
        return f"{path} can neither be read nor moved ({error.strerror}): make it a file that you may write."
    return f"The file that could not be read is kept as {aside}."
