"""The dialog's page of ablations: the switches of the method, and a queue of runs that each leave something out."""

from typing import NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.words import as_tip
from telme_gui.training.dialog.draft import Draft
from telme_gui.training.dialog.form import FormPage
from telme_model.runs.config import SETTINGS, Config, ConfigError

SWITCHES = {
    "distillation.alpha": ("L_response", "Students follow the teacher's probabilities (equations 7 to 12)."),
    "distillation.beta": ("L_feature", "Students follow the teacher's features (equations 13 to 15)."),
}
COLUMNS = 3  # of variants
PARTS = ("teacher", "students", "text.prompt", "fusion.kind")


class Variant(NamedTuple):
    """One ablation: its name (also the end of its run's), what it is, and the settings that it changes."""

    name: str
    words: str
    settings: tuple[str, ...]  # as the command line takes them


VARIANTS = (
    Variant("no-prompt", "Without the prompt", ("text.prompt=false",)),
    Variant("no-response", "Without L_response", ("distillation.alpha=0",)),
    Variant("no-feature", "Without L_feature", ("distillation.beta=0",)),
    Variant("no-kd", "Without distillation", ("distillation.alpha=0", "distillation.beta=0")),
    Variant("concatenation", "Fused by concatenation", ("fusion.kind=concatenation",)),
    Variant("product", "Fused by product", ("fusion.kind=product",)),
    Variant("weighted-sum", "Fused by weighted sum", ("fusion.kind=weighted_sum",)),
    Variant("audio-teacher", "Audio teaches", ("teacher=audio", "students=text,visual")),
    Variant("visual-teacher", "Picture teaches", ("teacher=visual", "students=text,audio")),
    Variant("audio-only", "Audio student alone", ("students=audio",)),
    Variant("visual-only", "Visual student alone", ("students=visual",)),
)


class AblationPage(FormPage):
    """Switches that change the run itself, and boxes that add further runs."""

    variants_changed = Signal()

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft)
        self.lead("Ablation", "What the method is made of, to be left out or changed.")
        for path, (name, sentence) in SWITCHES.items():
            self._switch(path, name, sentence)
        for path in PARTS:
            self.setting(SETTINGS[path])
        self.group("Train these as well, one after another, each with one change to the run")
        self.boxes = {variant: QCheckBox(variant.words) for variant in VARIANTS}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(theme.RHYTHM)
        for number, box in enumerate(self.boxes.values()):
            box.toggled.connect(self.variants_changed)
            grid.addWidget(box, number // COLUMNS, number % COLUMNS)
        both = QWidget()
        both.setLayout(grid)
        self.wide(both)
        self.fill()
        draft.changed.connect(self._offer)

    @property
    def variants(self) -> list[Variant]:
        """The further runs that are wanted."""
        return [variant for variant, box in self.boxes.items() if box.isChecked() and not self._problem(variant)]

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Offer what can be had by now."""
        super().showEvent(event)
        self._offer()

    def _switch(self, path: str, name: str, sentence: str) -> None:
        box = QCheckBox("On")
        row = self.row(name, box, sentence)

        def show() -> None:
            box.blockSignals(True)
            box.setChecked(self.draft.number(path) != 0)
            box.blockSignals(False)
            row.mark(self.draft.differs(path), self.draft.preset_text(path))

        box.toggled.connect(lambda on: self.draft.set(path, self._on(path) if on else "0"))
        row.reset.clicked.connect(lambda: self.draft.reset(path))
        self.draft.changed.connect(show)
        show()

    def _on(self, path: str) -> str:
        """The weight that switches a loss on: the preset's, or the paper's 1 where that is 0."""
        plain = self.draft.preset_text(path)
        return "1.0" if float(plain) == 0 else plain

    def _offer(self) -> None:
        """A variant that would change nothing, or cannot be, is not on offer. Looked at only while it is seen."""
        if not self.isVisible():
            return
        for variant, box in self.boxes.items():
            problem = self._problem(variant)
            box.setEnabled(not problem)
            box.setToolTip(as_tip(problem or ", ".join(variant.settings)))

    def _problem(self, variant: Variant) -> str:
        config = self.draft.config
        return "Set the run itself right first" if config is None else hindrance(config, variant)


def varied(config: Config, variant: Variant) -> Config:
    """The configuration with a variant's change. Raises ConfigError where the two do not go together."""
    return config.with_settings(variant.settings)


def hindrance(config: Config, variant: Variant) -> str:
    """Why a variant is not on offer, "" where it is."""
    try:
        return "The run is like this already" if varied(config, variant) == config else ""
    except ConfigError as error:
        return error.advice
