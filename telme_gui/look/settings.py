"""What the program remembers from one start to the next, in one small file that may be lost without harm."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from telme_model.annotations.labels import Scope
from telme_model.errors import StudioError
from telme_model.files import reason, refusals, write_whole
from telme_model.settings import SettingsSection, read, setting, to_dict

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
    filter: dict[str, Any] = field(default_factory=dict)  # what of it was chosen (see `last_place.filter_settings`)

    @property
    def there(self) -> bool:
        """Whether the corpus is still where it was; what may not be looked into is not."""
        return os.path.isdir(self.corpus)  # noqa: PTH112 - Path's raises there


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback(SettingsSection):
    """How the player is set."""

    volume: float = setting(0.8, "Volume", "How loud a turn is played.", at_least=0, at_most=1)
    muted: bool = False
    speed: float = setting(1.0, "Speed", "How fast a turn is played.", "times its own", at_least=0.5, at_most=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTraining:
    """What was chosen last to be trained: a preset, and what differed from it as the command line takes it."""

    preset: str = ""
    settings: list[str] = field(default_factory=list)
    seeds: str = "0"
    folder: str = ""  # in which runs are made
    layer: str = "gold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotating(SettingsSection):
    """How one annotates."""

    layer: str = setting("me", "Layer", "In which one labels.", must="name a layer", pattern=".+")
    shown: bool = False  # the annotation bar, and keys that label
    plays: bool = True  # the turn that labelling goes on to
    scope: Scope = Scope.ALL  # what of a turn one is given
    blind: bool = False


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
    file: Path | None = field(default=None, init=False, compare=False)  # that they are kept in; None: nowhere

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

    What cannot be is left out; a file that cannot be read at all is renamed out of the way. Either way `tell` is called
    with a sentence that says so.
    """
    settings, wrong = Settings(), list[str]()
    try:
        settings = read(Settings, json.loads(path.read_text(encoding="utf-8")), drop=wrong.append)
        settings.recent = settings.recent[:RECENT]
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError):
        tell(f"The program begins with its own settings. {_put_aside(path)}")
    if wrong:
        tell(f"The other settings are as they were. Left out: {'. '.join(wrong)}.")
    settings.file = path
    return settings


def save(settings: Settings, path: Path) -> bool:
    """Write the settings whole; False when the place cannot be written, which must not keep a window from closing."""
    text = json.dumps(to_dict(settings), indent=1) + "\n"
    try:
        with refusals(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda scratch: scratch.write_text(text, encoding="utf-8"))
    except StudioError:
        return False
    return True


def _put_aside(path: Path) -> str:
    aside = path.with_name(f"{path.stem}.broken{path.suffix}")
    try:
        path.replace(aside)
    except OSError as error:  # saving will say no as well
        return f"{path} can neither be read nor moved ({reason(error)}): make it a file that you may write."
    return f"The file that could not be read is kept as {aside}."
