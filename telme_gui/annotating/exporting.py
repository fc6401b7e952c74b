"""The dialog that writes labels for other programs."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from telme_gui.annotating.working import WorkDialog
from telme_gui.look import theme
from telme_gui.look.widgets import caption
from telme_gui.look.words import Marked, as_tip, literal, marked
from telme_gui.session.session import Session
from telme_model.annotations.exchange import ExportReport, Format, Layers, export
from telme_model.annotations.exchange.transfer import layers_of
from telme_model.annotations.labels import GOLD, Scope
from telme_model.corpus.dialogue import Corpus
from telme_model.paths import as_written
from telme_model.runs.names import corpus_name

FORMATS = {
    Format.JSONL: ("JSON Lines", "All there is, one line a turn: what you give to a program, or keep."),
    Format.MELD: (
        "MELD CSV",
        "MELD's own tables, one emotion a turn: any code that reads MELD trains on them.",
    ),
    Format.ELAN: ("ELAN", "An .eaf file a dialogue: turns, words and labels as tiers under the film."),
    Format.TEXTGRID: ("Praat", "A .TextGrid file a dialogue: the same as interval tiers under the sound."),
    Format.WEBVTT: ("WebVTT", "Subtitles, a file a dialogue; the first layer colours them, the others are notes."),
}


class ExportDialog(WorkDialog):
    """What, as what, and where to; then what was written and what the format could not hold."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "Export labels", parent)
        self.formats: dict[Format, QRadioButton] = {}
        self.layers: dict[str, QCheckBox] = {}
        self.whole, self.part = QRadioButton("The whole corpus"), QRadioButton()
        self.labelled = QCheckBox("Labelled turns alone")
        self.labelled.setToolTip("Of MELD's tables: without it, turns without a label carry the corpus' own emotion")
        self.place = QLineEdit()
        self.report = Marked()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._choices())
        self._stack.addWidget(self._outcome())
        self.body.addWidget(self._stack)
        self.go.setText("Export")
        self.go.clicked.connect(self._export)
        self.folder = QPushButton("Open the folder")
        self.folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(self.place.text())))
        self.folder.hide()
        self.buttons.insertWidget(0, self.folder)
        self.resize(600, self.sizeHint().height())
        self._enable()

    # -- what is asked ------------------------------------------------------------------------------------------

    def _choices(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.RHYTHM)
        for heading, part in (
            ("Format", self._format_rows()),
            ("Layers", self._layer_boxes()),
            ("Turns", self._extents()),
            ("Into the folder; files of the same names there are replaced", self._place_row()),
        ):
            column.addWidget(caption(heading))
            column.addLayout(part)
            column.addSpacing(theme.RHYTHM // 2)
        column.addStretch(1)
        return page

    def _format_rows(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * theme.RHYTHM)
        grid.setVerticalSpacing(theme.RHYTHM // 2)
        grid.setColumnStretch(1, 1)
        group = QButtonGroup(self)
        for row, (form, (name, sentence)) in enumerate(FORMATS.items()):
            self.formats[form] = button = QRadioButton(name)
            button.setAccessibleDescription(sentence)
            button.setChecked(form is Format.JSONL)
            group.addButton(button)
            grid.addWidget(button, row, 0)
            grid.addWidget(caption(sentence), row, 1)
        return grid

    def _layer_boxes(self) -> QGridLayout:
        session, labels = self._session, self._session.labels
        stored = labels.store.layers() if labels.store else ()
        counts = {name: sum(len(labels.in_layer(name, scope)) for scope in Scope) for name in stored}
        counts[GOLD] = sum(turn.gold is not None for turn in session.turns)
        grid = QGridLayout()
        grid.setVerticalSpacing(theme.RHYTHM // 2)
        for place, (name, count) in enumerate(counts.items()):
            self.layers[name] = box = QCheckBox(literal(f"{name}  ({count:,})"))
            box.setToolTip(as_tip("The corpus' own labels" if name == GOLD else f"{count:,} labels"))
            box.setChecked(name != GOLD or not stored)
            box.toggled.connect(self._enable)
            grid.addWidget(box, place // 3, place % 3)
        return grid

    def _extents(self) -> QHBoxLayout:
        dialogue = self._session.dialogue
        group = QButtonGroup(self)
        row = QHBoxLayout()
        for button in (self.whole, self.part):
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self.whole.setText(f"The whole corpus ({len(self._session.turns):,})")
        self.whole.setChecked(True)
        self.part.setEnabled(dialogue is not None)
        if dialogue is not None:
            self.part.setText(f"This dialogue, {dialogue.split}/{dialogue.name} ({len(dialogue.turns):,})")
        row.addWidget(self.labelled)
        return row

    def _place_row(self) -> QHBoxLayout:
        corpus = self._session.corpus
        name = corpus_name(corpus.root)[0] if corpus else ""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self.place.setText(str(Path(documents or Path.home()) / f"{name} labels"))
        self.place.setAccessibleName("Folder to export into")
        self.place.textChanged.connect(self._enable)
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.setToolTip("Choose the folder")
        choose.clicked.connect(self._ask_place)
        row = QHBoxLayout()
        row.setSpacing(theme.RHYTHM)
        row.addWidget(self.place, 1)
        row.addWidget(choose)
        return row

    def _ask_place(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export into the folder", self.place.text())
        if chosen:
            self.place.setText(chosen)

    @property
    def _folder(self) -> Path:
        return as_written(self.place.text().strip())

    @property
    def chosen(self) -> list[str]:
        """The layers that are ticked."""
        return [name for name, box in self.layers.items() if box.isChecked()]

    def _enable(self) -> None:
        reason = "" if self.chosen else "Tick at least one layer."
        if not self._folder.is_absolute():
            reason = "Choose the folder that the files go into."
        self.say(reason)
        self.go.setEnabled(not reason and self.job is None)

    # -- what is done -------------------------------------------------------------------------------------------

    def _export(self) -> None:
        corpus, dialogue = self._session.corpus, self._session.dialogue
        if corpus is None:
            return
        layers = layers_of(self._session.labels.store, corpus, self.chosen)
        if self.part.isChecked() and dialogue is not None:
            corpus = replace(corpus, dialogues=(dialogue,))
            layers = _within(layers, corpus)
        form = next(form for form, button in self.formats.items() if button.isChecked())
        place, only = self._folder, self.labelled.isChecked()
        self.place.setText(str(place))
        self.work("Exporting labels", lambda: export(form, place, corpus, layers, labelled=only), self._show_report)
        self._stack.setEnabled(False)
        self.go.setEnabled(False)

    def ended(self) -> None:
        """Choose again where it failed."""
        self._stack.setEnabled(True)
        if self._stack.currentIndex() == 0:
            self.go.setEnabled(True)

    # -- what came of it ----------------------------------------------------------------------------------------

    def _outcome(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        self.report.setWordWrap(True)
        self.report.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.report.setAccessibleName("What was exported")
        self.report.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.report, 1)
        return page

    def _show_report(self, report: ExportReport) -> None:
        self.report.setText(report_text(report, self.place.text()))
        self._stack.setCurrentIndex(1)
        self.folder.show()
        self.go.hide()
        self.close_button.setText("Close")
        self.close_button.setDefault(True)
        self.close_button.setFocus()


def report_text(report: ExportReport, place: str) -> str:
    """What was written and what was not, as rich text."""
    files = f"{len(report.files):,} file{'' if len(report.files) == 1 else 's'}"
    labels = f"{report.labels:,} label{'' if report.labels == 1 else 's'}"
    written = marked("<p><b>{} in {}</b></p><p>{}</p>", labels, files, place)
    if not report.left_out:
        return f"{written}<p>Nothing was left out.</p>"
    items = "".join(marked("<li>{}</li>", sentence) for sentence in report.left_out)
    return f"{written}<p>What the format cannot hold:</p><ul>{items}</ul>"


def _within(layers: Layers, corpus: Corpus) -> Layers:
    """The labels of this part of the corpus."""
    turns = {turn.id for turn in corpus.turns()}
    return {
        name: {(scope, turn): label for (scope, turn), label in labels.items() if turn in turns}
        for name, labels in layers.items()
    }
