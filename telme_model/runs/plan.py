"""What to train: the settings of one run, its corpus and its folder, and the command that trains it in a shell."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from telme_model.bundled import PROGRAM
from telme_model.corpus.dialogue import GOLD
from telme_model.runs import catalogue
from telme_model.runs.config import Config, to_dict
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import PAPER_MELD, PRESETS
from telme_model.runs.remedies import changed

STAGES = ("teacher", "students", "fusion")  # that may be trained one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run to be trained, or to be gone on with."""

    config: Config
    corpus: Path
    run: Path  # the folder, new or to resume
    resume: bool = False  # with the settings in the folder, which `config` only tells ...
    changes: tuple[str, ...] = ()  # ... and these from there on: "stages.audio.batch=2"
    warm_start: Path | None = None  # the run whose encoders this one begins with
    layer: str = GOLD  # whose labels are learnt
    store: Path | None = None  # the file that holds the layer, if not the corpus' own

    @classmethod
    def resuming(cls, run: Path) -> Self:
        """Going on with a run, on the corpus that it names. Raises RunError."""
        folder = RunFolder.open(run)
        layer = str(folder.facts.get("layer", GOLD))
        return cls(config=folder.config, corpus=catalogue.corpus_of(folder), run=run, resume=True, layer=layer)

    def going_on(self, changes: tuple[str, ...] = ()) -> Self:
        """The same run from where it stands, with `changes` from there on. Raises ConfigError."""
        return replace(self, config=changed(self.config, changes), resume=True, changes=changes)

    def command(self) -> str:
        """The command that does the same without a window, quoted for a shell."""
        words = [*PROGRAM, "train", str(self.corpus), "--run", str(self.run)]
        if self.resume:
            words += ["--resume", *(word for change in self.changes for word in ("--set", change))]
        else:
            words += ["--preset", base_of(self.config).preset]
            words += [word for setting in differences(self.config) for word in ("--set", setting)]
        if self.warm_start is not None and not self.resume:
            words += ["--warm-start", str(self.warm_start)]
        if self.layer != GOLD and not self.resume:
            words += ["--labels", self.layer]
        return shlex.join(words)


def base_of(config: Config) -> Config:
    """The preset that a configuration is told as a change of."""
    return PRESETS.get(config.preset, PAPER_MELD)


def differences(config: Config) -> list[str]:
    """The settings in which it differs from its preset, as `--set` takes them."""
    plain = flat(to_dict(base_of(config)))
    return [f"{key}={setting_text(value)}" for key, value in flat(to_dict(config)).items() if value != plain[key]]


def flat(tree: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
    """Settings by their full name, such as "stages.teacher.batch"."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        leaves |= flat(value, f"{owner}{name}.") if isinstance(value, Mapping) else {f"{owner}{name}": value}
    return leaves


def setting_text(value: Any) -> str:
    """A setting's value as `--set` takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)
