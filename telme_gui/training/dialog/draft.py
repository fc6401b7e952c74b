"""The settings that a person is choosing: a preset and what differs from it, checked as a whole at every change."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from telme_model.corpus.dialogue import Modality
from telme_model.runs.config import Config, ConfigError, to_dict
from telme_model.runs.plan import flat, setting_text
from telme_model.runs.presets import PAPER_MELD, PRESETS


class Draft(QObject):
    """A preset, and the text of every setting that differs from it. `config` is None while a setting is wrong."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.base = PAPER_MELD
        self.texts: dict[str, str] = {}  # only what differs
        self.config: Config | None = PAPER_MELD
        self.errors: dict[str, str] = {}  # by path; "" for what is of no single setting
        self._plain = _texts(self.base)

    def load(self, preset: str, settings: Sequence[str] = ()) -> None:
        """Take a preset and changes such as "fusion.theta=0.2"; what is unknown or wrong here is left out.

        So is the seed: each run of a queue has its own.
        """
        self.base = PRESETS.get(preset, PAPER_MELD)
        self._plain = _texts(self.base)
        pairs = (setting.partition("=") for setting in settings)
        known = self._plain.keys() - {"seed"}
        self.texts = {path: text for path, _, text in pairs if path in known and text != self._plain[path]}
        self._check()
        for path in list(self.errors):
            self.texts.pop(path, None)
        self._check()
        if self.config is None:  # they do not go together
            self.texts.clear()
            self._check()
        self.changed.emit()

    def set(self, path: str, text: str) -> None:
        """Change one setting. Another teacher takes its place among the students."""
        self.set_all({path: text})

    def set_all(self, texts: dict[str, str]) -> None:
        """Change several settings at once."""
        if "teacher" in texts and "students" not in texts:
            texts = texts | {"students": self._students_of(texts["teacher"])}
        before = dict(self.texts)
        for path, text in texts.items():
            if self._same(path, text):
                self.texts.pop(path, None)
            else:
                self.texts[path] = text
        if self.texts != before:
            self._check()
            self.changed.emit()

    def reset(self, path: str) -> None:
        """Take the preset's value again."""
        self.set(path, self._plain[path])

    def reset_all(self) -> None:
        """Take the preset as it is."""
        self.texts.clear()
        self._check()
        self.changed.emit()

    def text(self, path: str) -> str:
        """What a setting says."""
        return self.texts.get(path, self._plain[path])

    def number(self, path: str) -> float | None:
        """What a setting says as a number, None where it is none."""
        try:
            return float(self.text(path))
        except ValueError:
            return None

    def preset_text(self, path: str) -> str:
        """What the preset says."""
        return self._plain[path]

    def differs(self, path: str) -> bool:
        """Whether a setting is not the preset's."""
        return path in self.texts

    @property
    def settings(self) -> list[str]:
        """What differs, as the command line takes it."""
        return [f"{path}={text}" for path, text in self.texts.items()]

    def _students_of(self, teacher: str) -> str:
        """The students beside another teacher: the one it was before learns in its place."""
        swapped = {teacher: self.text("teacher")}
        chosen = {swapped.get(name, name) for name in self.text("students").split(",") if name}
        return ",".join(modality for modality in Modality if modality in chosen)

    def _same(self, path: str, text: str) -> bool:
        plain = self._plain[path]
        if text.strip() == plain:
            return True
        try:
            return float(text) == float(plain)
        except ValueError:
            return False

    def _check(self) -> None:
        """Find all that is wrong: the settings that an error names are set aside and the others looked at again."""
        self.errors, texts = {}, dict(self.texts)
        self.config = None
        while True:
            try:
                made = self.base.with_settings(f"{path}={text}" for path, text in texts.items())
            except ConfigError as error:
                self.errors[error.key] = error.advice
                if error.key not in texts:
                    return
                del texts[error.key]
            else:
                self.config = None if self.errors else made
                return


def _texts(config: Config) -> dict[str, str]:
    return {path: setting_text(value) for path, value in flat(to_dict(config)).items()}
