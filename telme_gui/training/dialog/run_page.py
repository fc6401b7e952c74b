"""The dialog's first page: the name of the run, its corpus, labels, seeds, device and beginning."""

import re
from collections.abc import Collection, Generator
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from telme_gui.look import theme
from telme_gui.look.words import Words, as_tip
from telme_gui.session.session import Session
from telme_gui.training.dialog.draft import Draft
from telme_gui.training.dialog.form import Choice, FormPage, PlaceLine, shown
from telme_model.analysis.models import MODELS
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import GOLD, Corpus, Split
from telme_model.errors import StudioError
from telme_model.events import Event, Message
from telme_model.paths import as_written
from telme_model.runs.config import SETTINGS, Precision
from telme_model.runs.costs import Machine
from telme_model.runs.folder import is_free
from telme_model.runs.names import corpus_name
from telme_model.runs.plan import Plan

MOST_SEEDS = 100
NAME = 108  # px for the corpus' name
DETAILS = (
    "over_long",
    "evaluation_batch",
    "evaluation_order",
    "evaluation_precision",
    "background_turns",
    "checkpoint_steps",
)
PRECISIONS = tuple(f"stages.{model.stage}.precision" for model in MODELS)


class SeedsError(StudioError):
    """Seeds that cannot be read; the message is a sentence."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds of "0", "0-4" or "0, 7, 12", each once. Raises SeedsError."""
    seeds: dict[int, None] = {}
    for part in text.split(","):
        bounds = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part)
        if bounds is None:
            raise SeedsError(f"“{text.strip()}” names no seeds: write 0, or several such as 0-4 or 0, 7, 12.")
        first, last = int(bounds[1]), int(bounds[2] or bounds[1])
        if last < first or last - first >= MOST_SEEDS:
            raise SeedsError(f"{part.strip()} is no range of seeds: write the smaller first, {MOST_SEEDS} at most.")
        seeds |= dict.fromkeys(range(first, last + 1))
    return tuple(seeds)


class RunPage(FormPage):
    """Everything that is not in the configuration, with its device and the few settings of no stage."""

    corpus_changed = Signal()
    layer_changed = Signal()  # by a person
    changed = Signal()  # anything else on this page that is not in the draft

    def __init__(self, session: Session, draft: Draft, folder: Path) -> None:
        super().__init__(draft)
        self._session = session
        self.corpus = session.corpus
        self.machine: Machine | None = None  # once it was looked at
        self._named = False  # whether the person has named the run
        self.lead("Run", "A run is a folder of its own: settings, weights, scores and log.")
        self.name, self.folder = QLineEdit(), PlaceLine(str(folder))
        self.row("Name", self.name, "Of the run's folder.")
        self._place("Folder", self.folder, "Where the run's folder is made.", "Choose where runs are kept")
        self.group("Data")
        self._corpus_name, other = Words(), QPushButton("Other…")
        other.setAccessibleName("Choose another corpus")
        other.clicked.connect(self._ask_corpus)
        self._counts = self.row("Corpus", _beside(self._corpus_name, other), "")
        self.layer = Choice()
        self._layer_row = self.row("Labels", self.layer, "Whose labels are learnt; where a layer has none, gold's are.")
        self.show_layers((), GOLD)
        self.group("Computing")
        self.seeds = QLineEdit()
        self._seeds_row = self.row("Seeds", self.seeds, "One run for each: 0, or several such as 0-4 or 0, 7, 12.")
        self._add_device()
        self._add_precision()
        self.warm_start = PlaceLine()
        self.warm_start.setPlaceholderText("Pretrained weights, or another run's folder")
        sentence = "Another run's folder: its encoders are what this one begins with."
        self._place("Begin with", self.warm_start, sentence, "Choose the run to begin with")
        self.group("Details")
        for path in DETAILS:
            self.setting(SETTINGS[path])
        self.fill()
        self.name.textEdited.connect(self._take_name)
        for line in (self.name, self.folder, self.seeds, self.warm_start):
            line.textChanged.connect(self.changed)
        self.seeds.textChanged.connect(self._check_seeds)
        self.layer.currentIndexChanged.connect(self.layer_changed)
        draft.changed.connect(self._suggest_name)
        self.show_corpus(self.corpus)

    # -- rows ---------------------------------------------------------------------------------------------------

    def _place(self, label: str, line: QLineEdit, sentence: str, title: str) -> None:
        """A row with a folder and a button to choose it."""
        browse = QPushButton("Browse…")
        browse.setAccessibleName(title)

        def choose() -> None:
            chosen = QFileDialog.getExistingDirectory(self, title, line.text())
            if chosen:
                line.setText(chosen)

        browse.clicked.connect(choose)
        self.widen(self.row(label, _beside(line, browse), sentence), columns=3)
        line.setAccessibleName(label)
        line.setAccessibleDescription(sentence)

    def _add_device(self) -> None:
        self.device = Choice()
        self._device_row = self.row(SETTINGS["device"].title, self.device, SETTINGS["device"].help)
        self.device.activated.connect(lambda _row: self.draft.set("device", self.device.currentData()))
        self._device_row.reset.clicked.connect(lambda: self.draft.reset("device"))
        self.rows["device"] = self._device_row
        self.show_machine(None)
        self.draft.changed.connect(self._show_device)

    def _add_precision(self) -> None:
        self.precision = Choice()
        self.precision.addItem("as each stage has it", "")
        for precision in Precision:
            self.precision.addItem(shown(precision), str(precision))
        words = SETTINGS[PRECISIONS[0]]
        self.row(words.title, self.precision, words.help)
        self.precision.activated.connect(lambda _row: self._set_precision(self.precision.currentData()))
        self.draft.changed.connect(self._show_precision)
        self._show_precision()

    # -- what it says -------------------------------------------------------------------------------------------

    @property
    def learnt(self) -> str:
        """The layer whose labels are learnt."""
        return self.layer.currentData() or GOLD

    @property
    def place(self) -> Path:
        """The run's folder; of several runs, what all their names begin with."""
        return as_written(self.folder.text()) / self.name.text().strip()

    @property
    def begin_with(self) -> Path | None:
        """The run whose encoders this one begins with."""
        text = self.warm_start.text().strip()
        return as_written(text) if text else None

    def ask_for(self, plan: Plan) -> None:
        """Show name and beginning of a run that was asked for; the name only where it is still free."""
        self.warm_start.setText(str(plan.warm_start or ""))
        with suppress(StudioError):  # what cannot be looked into is not free
            if is_free(plan.run):
                self.name.setText(plan.run.name)
                self._named = True

    def show_machine(self, machine: Machine | None) -> None:
        """List the devices of this machine; before it was looked at, those that every machine has."""
        self.machine = machine
        self.device.clear()
        self.device.addItem("auto", "auto")
        self.device.addItem("processor" + (f" · {machine.cores} cores" if machine else ""), "cpu")
        for number, gpu in enumerate(machine.gpus if machine else ()):
            self.device.addItem(f"{gpu.name} · {gpu.free / 1e9:.0f} GB free", f"cuda:{number}")
        if machine and machine.mps:
            self.device.addItem("Apple GPU", "mps")
        self._show_device()

    def show_corpus(self, corpus: Corpus | None) -> None:
        """Show another corpus."""
        self.corpus = corpus
        name = corpus_name(corpus.root)[0] if corpus else "none"
        self._corpus_name.setText(self._corpus_name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, NAME))
        self._corpus_name.setToolTip(as_tip(str(corpus.root) if corpus else ""))
        self._suggest_name()
        self.corpus_changed.emit()

    def show_layers(self, layers: Collection[str], wanted: str) -> None:
        """Offer gold and these layers, and show the one that is wanted if it is there."""
        self.layer.blockSignals(True)
        self.layer.clear()
        self.layer.addItem("gold, the corpus' own", GOLD)
        for layer in layers:
            self.layer.addItem(layer, layer)
        self.layer.choose(wanted if wanted in layers else GOLD)
        self.layer.blockSignals(False)

    def show_counts(self, corpus: Corpus, own: str) -> None:
        """Say how many turns of each split have a label, and how many of them are the layer's `own`."""
        said = []
        for split in Split:
            turns = [turn.gold for turn in corpus.turns(split)]
            labelled = sum(gold is not None for gold in turns)
            of = f" of {len(turns):,}" if labelled < len(turns) else ""
            said.append(f"{split} {labelled:,}{of}" if turns else f"no {split}")
        self._counts.sentence = "Labelled: " + " · ".join(said)
        self._counts.say()
        self._layer_row.sentence = own or "Whose labels are learnt; where a layer has none, gold's are."
        self._layer_row.say()

    # -- following ----------------------------------------------------------------------------------------------

    def _show_device(self) -> None:
        wanted = self.draft.text("device")
        if self.device.findData(wanted) < 0:
            self.device.addItem(wanted, wanted)
        self.device.choose(wanted)

    def _set_precision(self, precision: str) -> None:
        if precision:
            self.draft.set_all(dict.fromkeys(PRECISIONS, precision))

    def _show_precision(self) -> None:
        said = set(map(self.draft.text, PRECISIONS))
        self.precision.choose(said.pop() if len(said) == 1 else "")

    def _check_seeds(self, text: str) -> None:
        try:
            parse_seeds(text)
        except SeedsError as error:
            self._seeds_row.say(error.advice)
        else:
            self._seeds_row.say()

    def _take_name(self, text: str) -> None:
        self._named = bool(text)

    def _suggest_name(self) -> None:
        """Name the run after corpus and preset, as long as nobody else has."""
        if self._named or self.corpus is None:
            return
        corpus = re.sub(r"[^\w.]+", "-", corpus_name(self.corpus.root)[0]).strip("-").lower()
        base, folder = "-".join(dict.fromkeys((corpus, self.draft.base.preset))), as_written(self.folder.text())
        taken: set[str] = set()
        with suppress(OSError, StudioError):  # not there yet, or not to be looked into, which is said elsewhere
            taken = {path.name for path in folder.iterdir() if not is_free(path)}
        names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
        self.name.setText(next(name for name in names if not any(f"{old}-".startswith(f"{name}-") for old in taken)))

    def _ask_corpus(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose the folder of a corpus")
        if chosen:
            self.read_corpus(Path(chosen))

    def read_corpus(self, root: Path) -> None:
        """Read a corpus in the background, and show it."""

        def read() -> Generator[Event, None, Corpus]:
            yield Message(text=f"reading {root}")
            return open_corpus(root)

        job = self._session.jobs.start(read)
        job.done.connect(self._take_corpus)
        job.failed.connect(self._refuse_corpus)

    def _take_corpus(self, corpus: Corpus | None) -> None:
        if corpus is not None:
            self.show_corpus(corpus)

    def _refuse_corpus(self, error: Exception) -> None:
        if not isinstance(error, StudioError):
            raise error  # a defect: the window's report says so
        self._counts.say(error.advice)


def _beside(wide: QWidget, narrow: QWidget) -> QWidget:
    """Two widgets in one place, the first as wide as it can be."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.RHYTHM)
    row.addWidget(wide, 1)
    row.addWidget(narrow)
    both.setFocusProxy(wide if isinstance(wide, QLineEdit) else narrow)
    return both
