"""The training dialog: a preset, pages of settings, what they cost, and a reason wherever training cannot start."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.settings import LastTraining, Settings
from telme_gui.look.widgets import hairline
from telme_gui.look.words import Words
from telme_gui.session.session import Session
from telme_gui.training.dialog import layers as layers_of
from telme_gui.training.dialog import ready
from telme_gui.training.dialog.ablation_page import AblationPage, varied
from telme_gui.training.dialog.choice import chosen, failed_plan, usual_preset
from telme_gui.training.dialog.costs import CostsPanel
from telme_gui.training.dialog.draft import Draft
from telme_gui.training.dialog.encoders_page import EncodersPage
from telme_gui.training.dialog.form import Choice, FormPage, dress
from telme_gui.training.dialog.reckoner import CostQuestion, Reckoner
from telme_gui.training.dialog.run_page import RunPage, parse_seeds
from telme_gui.training.trainer import Trainer
from telme_model.analysis.models import ENCODERS, FUSION, Role
from telme_model.corpus.dialogue import GOLD, Corpus, Modality, Split
from telme_model.errors import StudioError
from telme_model.paths import runs_folder
from telme_model.runs.config import SETTINGS, ConfigError
from telme_model.runs.plan import Plan
from telme_model.runs.presets import DESCRIPTIONS
from telme_model.runs.quantities import estimate, size
from telme_model.settings import Setting

PAGES = 136  # px, the list of pages
SIZE = (1120, 640)  # px
OPTIMISATION = "AdamW, a linear schedule with warm-up, and the epoch that is best on dev."
PURPOSES = {Role.TEACHER: "The encoder that teaches the others.", Role.STUDENT: "Learns from the teacher."}


class TrainingDialog(QDialog):
    """Chooses what is trained; Start hands it to the trainer. `settings` keep the choice for the next time.

    It opens with what was chosen last, and after a training that failed with what was asked of that.
    """

    def __init__(
        self,
        session: Session,
        trainer: Trainer,
        settings: Settings,
        parent: QWidget | None = None,
        *,
        layers: Sequence[str] = (GOLD,),
        relabel: layers_of.Relabel = lambda corpus, _layer: corpus,
    ) -> None:
        super().__init__(parent)
        self._session, self._trainer, self._settings = session, trainer, settings
        self._layers, self._relabel = layers, relabel
        failed = failed_plan(trainer, session.corpus)
        last = chosen(failed) if failed else settings.training
        self.draft = Draft(self)
        self.draft.load(last.preset or usual_preset(session.corpus), last.settings)
        self.reckoner = Reckoner(session, self._question, self)
        self.setWindowTitle("Train a run")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.run_page = RunPage(session, self.draft, Path(last.folder) if last.folder else runs_folder())
        self.run_page.seeds.setText(last.seeds)
        if failed:
            self.run_page.ask_for(failed)
        self.ablation = AblationPage(self.draft)
        self._wanted = last.layer
        self._labels: dict[str, Counter[Split]] = {}  # how many the layers have of the corpus
        self._corpus: Corpus | None = None  # with the labels that are learnt
        self._place()
        self._follow()
        self._take_corpus()
        self.reckoner.begin()

    # -- places -------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        self._stack, self.pages = QStackedWidget(), QListWidget()
        self.pages.setObjectName("pages")
        self.pages.setFixedWidth(PAGES)
        self.pages.setAccessibleName("Pages of settings")
        for title, page in self._pages():
            self.pages.addItem(title)
            self._stack.addWidget(page)
        self.pages.currentRowChanged.connect(self._stack.setCurrentIndex)
        self.pages.setCurrentRow(0)
        left = QVBoxLayout()
        left.setContentsMargins(theme.RHYTHM, 2 * theme.RHYTHM, theme.RHYTHM, theme.RHYTHM)
        left.addWidget(self.pages)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(left)
        middle.addWidget(hairline(upright=True))
        middle.addWidget(self._stack, 1)
        middle.addWidget(hairline(upright=True))
        self.costs = CostsPanel(self.reckoner, lambda: self._trainer.busy, self._count)
        middle.addWidget(self.costs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addWidget(hairline())
        column.addLayout(middle, 1)
        column.addWidget(hairline())
        column.addLayout(self._foot())
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Return in a field must not press what begins hours of work
        self.resize(*SIZE)

    def _head(self) -> QHBoxLayout:
        self.preset = Choice()
        for name, words in DESCRIPTIONS.items():
            self.preset.addItem(words.title, name)
        self.preset.setAccessibleName("Preset")
        self.preset.setMinimumWidth(208)
        caption = Words("&Preset")
        caption.setBuddy(self.preset)
        self._about = Words()
        self._about.setObjectName("caption")
        self._about.setWordWrap(True)
        self.reset = QPushButton("Reset all")
        self.reset.setObjectName("quiet")
        row = QHBoxLayout()
        row.setContentsMargins(2 * theme.RHYTHM, theme.RHYTHM, 2 * theme.RHYTHM, theme.RHYTHM)
        row.setSpacing(theme.RHYTHM)
        row.addWidget(caption)
        row.addWidget(self.preset)
        row.addWidget(self._about, 1)
        row.addWidget(self.reset)
        return row

    def _foot(self) -> QHBoxLayout:
        self.reason = Words()
        self.reason.setWordWrap(True)
        self.reason.setTextFormat(Qt.TextFormat.PlainText)
        self.copy, cancel, self.start = QPushButton("Copy command"), QPushButton("Cancel"), QPushButton("Start")
        self.leave_out = QPushButton()
        self.leave_out.setToolTip("Take these out of the students: as unticked on the page Ablation")
        self.copy.setToolTip("Copy the command that does the same without a window")
        self.start.setObjectName("primary")
        self.start.setShortcut(QKeySequence("Ctrl+Return"))
        self.start.setToolTip("Ctrl+Return")
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setContentsMargins(2 * theme.RHYTHM, theme.RHYTHM, 2 * theme.RHYTHM, theme.RHYTHM)
        row.setSpacing(theme.RHYTHM)
        row.addWidget(self.reason, 1)
        for button in (self.leave_out, self.copy, cancel, self.start):
            row.addWidget(button)
        return row

    def _pages(self) -> list[tuple[str, FormPage]]:
        self._students: dict[Modality, int] = {}  # rows of the list
        pages: list[tuple[str, FormPage]] = [("Run", self.run_page)]
        for model in ENCODERS:
            if model.modality is not None:
                self._students[model.modality] = len(pages)
            title, about = model.title.capitalize(), f"{PURPOSES[model.role]} {OPTIMISATION}"
            pages.append((title, self._page(title, about, {"": f"stages.{model.stage}."})))
        about = "L_student = L_cls + α L_response + β L_feature (equation 6)."
        pages.append(("Distillation", self._page("Distillation", about, {"": "distillation."})))
        about = "Shifts the teacher's features by what the students saw (equations 16 to 19)."
        groups = {"": "fusion.", "Optimisation": f"stages.{FUSION.stage}."}
        pages.append(("Fusion", self._page("Fusion", about, groups)))
        inputs = {modality.capitalize(): f"{modality}." for modality in Modality}
        pages.append(("Inputs", self._page("Inputs", "What the encoders are given of a turn.", inputs)))
        return [*pages, ("Backbones", EncodersPage(self.draft, self.reckoner)), ("Ablation", self.ablation)]

    def _page(self, title: str, sentence: str, groups: dict[str, str]) -> FormPage:
        """A page of the settings whose names begin as each group's do; weights have a page of their own."""
        page = FormPage(self.draft)
        page.lead(title, sentence)
        for name, owner in groups.items():
            if name:
                page.group(name)
            for setting in _owned(owner):
                page.setting(setting)
        page.fill()
        return page

    def take_preset(self, name: str) -> None:
        """Begin with another preset; the device stays as it was chosen."""
        kept = [f"device={self.draft.text('device')}"] if self.draft.differs("device") else []
        self.draft.load(name, kept)

    # -- following ----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        self.preset.activated.connect(lambda _row: self.take_preset(self.preset.currentData()))
        self.reset.clicked.connect(self.draft.reset_all)
        self.draft.changed.connect(self._changed)
        self.run_page.changed.connect(self._changed)
        self.run_page.corpus_changed.connect(self._take_corpus)
        self.run_page.layer_changed.connect(self._want_layer)
        self.ablation.variants_changed.connect(self._refresh)
        self.reckoner.changed.connect(self._heard)
        self._trainer.changed.connect(self._refresh)
        self.leave_out.clicked.connect(self._leave_silent_out)
        self.copy.clicked.connect(self.copy_command)
        self.start.clicked.connect(self.submit)
        self.finished.connect(self._leave)

    def _take_corpus(self) -> None:
        """Offer the layers that have labels of it; those that are known are of the open corpus."""
        corpus, opened = self.run_page.corpus, self._session.corpus
        known = self._layers if corpus and opened and corpus.root == opened.root else ()
        self._labels = layers_of.count_labels(corpus, known, self._relabel) if corpus else {}
        self.run_page.show_layers(self._labels, self._wanted)
        self._take_layer()

    def _want_layer(self) -> None:
        self._wanted = self.run_page.learnt
        self._take_layer()

    def _take_layer(self) -> None:
        corpus, layer = self.run_page.corpus, self.run_page.learnt
        self._corpus = self._relabel(corpus, layer) if corpus and layer != GOLD else corpus
        if self._corpus is not None:
            own = layers_of.labels_sentence(self._corpus, self._labels[layer]) if layer != GOLD else ""
            self.run_page.show_counts(self._corpus, own)
        self._changed()

    def _changed(self) -> None:
        self.reckoner.ask_again()
        self._refresh()

    def _heard(self) -> None:
        if self.reckoner.looked and self.run_page.machine is None:
            self.run_page.show_machine(self.reckoner.machine)
        self._refresh()

    def _refresh(self) -> None:
        """Show preset, pages, reason and buttons as they are now."""
        draft = self.draft
        self.preset.choose(draft.base.preset)
        count = len(draft.texts)
        changes = f" {count} setting{'s' * (count != 1)} changed." if count else ""
        known = DESCRIPTIONS.get(draft.base.preset)
        self._about.setText((known.help if known else "") + changes)
        self.reset.setVisible(bool(count))
        students = draft.text("students").split(",")
        for modality, row in self._students.items():
            self.pages.setRowHidden(row, modality not in students)
        reason = self.obstacle()
        self.reason.setText(reason or self._outlook())
        dress(self.reason, "wrong" if reason and not reason.endswith("…") else "caption")  # … passes by itself
        self.start.setEnabled(not reason)
        silent = self._silent()
        self.leave_out.setText(f"Leave {' and '.join(silent)} out")
        self.leave_out.setVisible(bool(silent) and draft.text("teacher") not in silent)
        count = self._count()
        self.copy.setEnabled(count > 0)
        self.costs.refresh()
        verb = "Queue" if self._trainer.busy else "Start"
        self.start.setText(f"{verb} {count} runs" if count > 1 else verb)

    def _silent(self) -> tuple[Modality, ...]:
        """The modalities of the run that have no clips to learn from, as far as that is known of this corpus."""
        answer, config = self.reckoner.answer, self.draft.config
        if config is None or answer is None or answer.costs is None or answer.question.corpus is not self._corpus:
            return ()
        return answer.costs.without_clips(config.modalities)

    def _leave_silent_out(self) -> None:
        kept = [name for name in self.draft.text("students").split(",") if name not in self._silent()]
        self.draft.set("students", ",".join(kept))

    def _question(self) -> CostQuestion | None:
        config = self.draft.config
        return None if config is None else CostQuestion(config=config, corpus=self._corpus, run=self.run_page.place)

    # -- what is chosen -----------------------------------------------------------------------------------------

    def plans(self) -> list[Plan]:
        """The runs that are chosen, in order. Raises StudioError."""
        page, config, corpus = self.run_page, self.draft.config, self.run_page.corpus
        if config is None:
            raise ConfigError(next(iter(self.draft.errors.values())))
        if corpus is None:
            return []
        configs = [("", config)] + [(f"-{v.name}", varied(config, v)) for v in self.ablation.variants]
        seeds = parse_seeds(page.seeds.text())
        plan = Plan(
            config=config,
            corpus=corpus.root,
            run=page.place,
            warm_start=page.begin_with,
            layer=page.learnt,
        )
        return [
            replace(
                plan,
                config=replace(changed, seed=seed),
                run=plan.run.with_name(f"{plan.run.name}{suffix}" + (f"-seed{seed}" if len(seeds) > 1 else "")),
            )
            for (suffix, changed), seed in product(configs, seeds)
        ]

    def obstacle(self) -> str:
        """Why training cannot start, in a sentence; "" where it can."""
        if reason := next(iter(self.draft.errors.values()), "") or ready.corpus_obstacle(self._corpus):
            return reason[:1].upper() + reason[1:]
        if reason := ready.name_obstacle(self.run_page.name.text().strip(), self.run_page.place.parent):
            return reason
        try:
            plans = self.plans()
        except StudioError as error:
            return error.advice
        question, trainer = self._question(), self._trainer
        assert question is not None  # there are plans
        waiting = [plan.run for plan in trainer.queue + trainer.laid_by]
        waiting += [trainer.plan.run] if trainer.busy and trainer.plan else []
        return (
            ready.folder_obstacle(plans, waiting)
            or ready.warm_start_obstacle(self.run_page.begin_with, question.config, self._corpus)
            or ready.answer_obstacle(self.reckoner, question, plans)
        )

    def copy_command(self) -> None:
        """Put the commands that do the same without a window into the clipboard, a line each."""
        QGuiApplication.clipboard().setText("\n".join(plan.command() for plan in self.plans()))
        self._remember()

    def submit(self) -> None:
        """Hand what is chosen to the trainer, and close."""
        if not self.obstacle():
            self._remember()
            self._trainer.submit(self.plans())
            self.accept()

    def _count(self) -> int:
        try:
            return len(self.plans())
        except (StudioError, ValueError):
            return 0

    def _outlook(self) -> str:
        answer = self.reckoner.answer
        if answer is None or answer.costs is None or answer.config != self.draft.config:
            return "Reckoning what it costs…"
        fetched = sum(found.bytes or 0 for found in answer.weights.values() if not found.here)
        downloads = f"{size(fetched)} are downloaded first. " if fetched else ""
        count = self._count()
        seconds = answer.costs.seconds_of(count)
        all_ = f"{count} runs take about {estimate(seconds)}. " if count > 1 and seconds is not None else ""
        return f"{downloads}{all_}The window stays usable while it trains."

    def _remember(self) -> None:
        page = self.run_page
        self._settings.training = LastTraining(
            preset=self.draft.base.preset,
            settings=self.draft.settings,
            seeds=page.seeds.text(),
            folder=page.folder.text(),
            layer=page.learnt,
        )
        self._settings.keep()

    def _leave(self) -> None:
        self.reckoner.end()


def _owned(owner: str) -> list[Setting]:
    """The settings whose names begin so, weights left out."""
    return [s for s in SETTINGS.values() if s.path.startswith(owner) and not s.path.endswith(".weights")]
