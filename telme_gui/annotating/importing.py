"""The dialog that takes labels from files of other programs: it shows what they would change, and then changes it."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from telme_gui.annotating.lines import Cells, Lines
from telme_gui.annotating.meanings import Meanings
from telme_gui.annotating.targets import Targets
from telme_gui.annotating.working import WorkDialog
from telme_gui.look import theme
from telme_gui.look.widgets import caption
from telme_gui.look.words import Words
from telme_gui.session.session import Session
from telme_model.annotations.exchange import ENDINGS, ExchangeError, Incoming, take_in
from telme_model.annotations.exchange.terms import remember, remembered
from telme_model.annotations.exchange.transfer import Preview, apply, preview
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.store import Key
from telme_model.annotations.undo import Step
from telme_model.events import Event, Phase, Progress

CHANGED, NEW, REMOVED, UNPLACED = "Changed", "New", "Removed", "Not placed"
PATTERNS = " ".join(f"*{ending} *{ending.upper()}" for ending in ENDINGS) + " *.TextGrid"
# Tables and texts that are dropped may be anything: those of labels are chosen.
DROPPED = [ending for ending in ENDINGS if ending not in (".txt", ".tsv")]
HEADERS = {
    CHANGED: (("Turn", "Layer", "Now", "From the file"), (130, 110, 190)),
    NEW: (("Turn", "Layer", "From the file"), (130, 110)),
    REMOVED: (("Turn", "Layer", "Now, and gone with the import"), (130, 110)),
    UNPLACED: (("Where", "What", "Why it is not imported"), (170, 80)),
}


class ImportDialog(WorkDialog):
    """First asks for files, then shows what they hold against the store. Applying it is one step to undo."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "Import labels", parent)
        self.step: Step | None = None  # what was imported
        self.shown: Preview | None = None
        self.source = ""
        self.incoming: Incoming | None = None
        self.head, self.note = Words(), caption("")
        self.targets, self.meanings = Targets(), Meanings()
        self.replacing = QCheckBox("Remove what the files no longer have")
        self.replacing.setToolTip("Labels of these dialogues and layers that the files have none for are removed")
        self._places: Sequence[Path] = ()
        self.tabs = {name: QToolButton() for name in HEADERS}
        self.lines = Lines("What the files would change")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._chooser())
        self._stack.addWidget(self._preview_page())
        self.body.addWidget(self._stack)
        self.copy = QPushButton("Copy the list")
        self.copy.setToolTip("Copy every row of the list as text")
        self.copy.clicked.connect(self.lines.copy)
        self.buttons.insertWidget(0, self.copy)
        self.copy.hide()
        self.go.setText("Import")
        self.go.clicked.connect(self._apply)
        self.go.setEnabled(False)
        self.setAcceptDrops(True)
        self.resize(760, 560)
        self.targets.changed.connect(self.follow)
        self.meanings.changed.connect(self._read_again)
        self.replacing.toggled.connect(self.follow)

    # -- files --------------------------------------------------------------------------------------------------

    def _chooser(self) -> QWidget:
        page = QWidget()
        title = Words("Drop files or a folder here")
        title.setObjectName("title")
        kinds = caption(
            "ELAN, Praat, tables, JSON, subtitles, Audacity, BORIS, doccano, Label Studio. Nothing changes yet."
        )
        files, folder = QPushButton("Choose files…"), QPushButton("Choose a folder…")
        files.clicked.connect(self._ask_files)
        folder.clicked.connect(self._ask_folder)
        row = QHBoxLayout()
        row.setSpacing(theme.RHYTHM)
        row.addStretch(1)
        for button in (files, folder):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(page)
        column.setSpacing(theme.RHYTHM)
        column.addStretch(1)
        for label in (title, kinds):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addSpacing(theme.RHYTHM)
        column.addLayout(row)
        column.addStretch(1)
        return page

    def _ask_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Import labels from files", "", f"Labels ({PATTERNS})")
        if chosen:
            self.read([Path(name) for name in chosen])

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Import labels from the files of a folder")
        if chosen:
            self.read([Path(chosen)])

    def read(self, places: Sequence[Path]) -> None:
        """Read these files, and those in these folders, and show what they hold."""
        corpus = self._session.corpus
        if corpus is None:
            return
        self.source = ", ".join(place.name for place in places)[:200]
        if places is not self._places:
            self._places, self.meanings.terms = places, remembered(corpus)
        terms = self.meanings.terms

        def work() -> Generator[Event, None, Incoming]:
            yield Progress(phase=Phase.PREPARING, done=0, total=0, unit="files")
            return (yield from take_in(places, corpus, terms))

        self.work("Reading labels", work, self._take)

    def _read_again(self) -> None:
        self.read(self._places)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's
        """Files may be dropped."""
        if dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's
        """Read them."""
        event.acceptProposedAction()
        self.read(dropped(event))

    # -- what they hold -----------------------------------------------------------------------------------------

    def _preview_page(self) -> QWidget:
        page = QWidget()
        self.head.setObjectName("title")
        self.head.setTextFormat(Qt.TextFormat.PlainText)
        self.head.setWordWrap(True)
        tabs, group = QHBoxLayout(), QButtonGroup(self)
        tabs.setSpacing(2)
        for tab in self.tabs.values():
            tab.setObjectName("tab")
            tab.setCheckable(True)
            tab.clicked.connect(self._show_lines)
            group.addButton(tab)
            tabs.addWidget(tab)
        tabs.addStretch(1)
        tabs.addWidget(self.note)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.RHYTHM)
        column.addWidget(self.head)
        column.addWidget(self.targets)
        column.addWidget(self.meanings)
        column.addWidget(self.replacing)
        column.addLayout(tabs)
        column.addWidget(self.lines, 1)
        return page

    def _take(self, incoming: Incoming) -> None:
        self.incoming = incoming
        labels = self._session.labels
        self.head.setText(f"{incoming.labels:,} labels in {self.source}")
        self.targets.offer(incoming, labels.layers, labels.layer)
        if self._session.corpus is not None:
            self.meanings.offer(incoming, self._session.corpus, self.meanings.terms)
        self._stack.setCurrentIndex(1)
        self.copy.show()
        self.follow()
        fullest = next((tab for name, tab in self.tabs.items() if self._rows(name)), self.tabs[NEW])
        fullest.setChecked(True)
        self._show_lines()
        self.go.setFocus()

    def follow(self) -> None:
        """Set what came in against the store as it is now."""
        if self.incoming is None or self.step is not None:
            return
        try:
            self.shown = preview(
                self._session.labels.store, self.incoming, self.targets.chosen, replacing=self.replacing.isChecked()
            )
        except ExchangeError as problem:
            self.shown = None
            self.say(problem.advice)
        else:
            self.say("")
        counts = self._counts()
        for name, tab in self.tabs.items():
            tab.setText(f"{name}  {counts[name]:,}")
        self.tabs[REMOVED].setVisible(self.replacing.isChecked())
        writes = counts[NEW] + counts[CHANGED]
        same = self.shown.same if self.shown else 0
        self.note.setText(f"{same:,} the same, left alone" if same else "")
        self.go.setText(f"Import {writes:,} label{'' if writes == 1 else 's'}" if writes else "Import")
        if counts[REMOVED]:
            self.go.setText(f"{self.go.text()}, remove {counts[REMOVED]:,}")
        self.go.setEnabled(writes + counts[REMOVED] > 0)
        self._show_lines()

    def _counts(self) -> dict[str, int]:
        shown, unplaced = self.shown, len(self.incoming.unplaced) if self.incoming else 0
        if shown is None:
            return {CHANGED: 0, NEW: 0, REMOVED: 0, UNPLACED: unplaced}
        return {CHANGED: len(shown.changed), NEW: len(shown.new), REMOVED: len(shown.removed), UNPLACED: unplaced}

    def _show_lines(self) -> None:
        name = next((name for name, tab in self.tabs.items() if tab.isChecked()), NEW)
        header, widths = HEADERS[name]
        self.lines.fill(header, self._rows(name), widths)

    def _rows(self, name: str) -> list[Cells]:
        if self._session.labels.blind:  # what others say of a turn is not told before it is labelled
            return [("Blind mode hides the list; the counts stand.", *("" for _ in HEADERS[name][0][1:]))]
        if name == UNPLACED:
            return [(one.where, one.what, one.reason) for one in (self.incoming.unplaced if self.incoming else ())]
        if self.shown is None:
            return []
        if name == REMOVED:
            return [(*_place(key), label_words(label)) for key, label in self.shown.removed.items()]
        if name == NEW:
            return [(*_place(key), label_words(label)) for key, label in self.shown.new.items()]
        return [(*_place(key), self._now(key), label_words(label)) for key, label in self.shown.changed.items()]

    def _now(self, key: Key) -> str:
        layer, scope, turn = key
        return label_words(self._session.labels.in_layer(layer, scope).get(turn))

    # -- the import ---------------------------------------------------------------------------------------------

    def _apply(self) -> None:
        shown, source = self.shown, self.source
        if shown is not None:
            self.step = self._session.labels.do(lambda store: apply(store, shown, source))
            if self.step is not None:
                if self._session.corpus is not None:
                    remember(self._session.corpus, self.meanings.terms)
                self.accept()


def dropped(event: QDropEvent) -> list[Path]:
    """The files of a known format that are being dropped, and the folders."""
    places = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [place for place in places if place.suffix.lower() in DROPPED or _is_folder(place)]


def _is_folder(place: Path) -> bool:
    return os.path.isdir(place)  # noqa: PTH112 - Path's raises where one may not look


def label_words(label: Label | None) -> str:
    """A label in a line."""
    if label is None:
        return ""
    marks = [name for name, on in (("unsure", label.unsure), ("flagged", label.flag)) if on]
    comment = " ".join(label.comment.split())
    return " · ".join([label.emotion or "no emotion", *marks, *([f"“{comment}”"] if comment else [])])


def _place(key: Key) -> tuple[str, str]:
    layer, scope, turn = key
    return str(turn) if scope is Scope.ALL else f"{turn} ({scope})", layer
