"""What the words, tiers and columns of files mean, where it is not plain: asked below one another."""

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from telme_gui.annotating.form import RowsForm
from telme_gui.look.words import Words
from telme_model.annotations.exchange import Incoming
from telme_model.annotations.exchange.terms import Terms
from telme_model.corpus.dialogue import Corpus

SEEN = 3  # lines before one has to scroll
NOT_SAID, NONE = "–", "no emotion"
ANYBODY = "several, or not known"
_MOST = 60  # lines


class Meanings(RowsForm):
    """A line for each unknown word, for each tier whose speaker may be told, and for the column of a table."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(SEEN, 1, parent)
        self.terms = Terms()
        self.lines: dict[tuple[str, str], QComboBox] = {}  # by field of the terms and name in the file

    def offer(self, incoming: Incoming, corpus: Corpus, terms: Terms) -> None:
        """Ask about what came in; lines that were answered stay."""
        self.terms, self.lines = terms, {}
        grid = self.begin()
        speakers = list(dict.fromkeys(turn.speaker for turn in corpus.turns()))
        for word in list(dict.fromkeys((*terms.emotions, *incoming.words)))[:_MOST]:
            known = terms.emotions.get(word)
            now = NOT_SAID if known is None else known or NONE
            self._add(grid, "emotions", word, f"“{word}” means", [NOT_SAID, *corpus.labels.labels, NONE], now)
        for tier, (_, speaker) in list(incoming.tiers.items())[:_MOST]:
            self._add(grid, "speakers", tier, f"Tier “{tier}” is of", [ANYBODY, *speakers], speaker or ANYBODY)
        if incoming.columns:
            now = terms.columns.get("emotion", NOT_SAID)
            self._add(grid, "columns", "emotion", "Emotions are in the column", [NOT_SAID, *incoming.columns], now)
        self.end(grid, len(self.lines))

    def _add(self, grid: QGridLayout, kind: str, name: str, title: str, answers: list[str], now: str) -> None:
        box = QComboBox()
        box.setAccessibleName(title)
        box.setToolTip("It is remembered for this corpus")
        with QSignalBlocker(box):
            box.addItems(answers)
            box.setCurrentText(now)
        box.currentTextChanged.connect(lambda text: self._answer(kind, name, text))
        self.lines[kind, name] = box
        row = len(self.lines)
        grid.addWidget(Words(title), row, 0)
        grid.addWidget(box, row, 1)

    def _answer(self, kind: str, name: str, text: str) -> None:
        pairs = {key: value for key, value in getattr(self.terms, kind).items() if key != name}
        if text != NOT_SAID:
            pairs[name] = "" if text in (NONE, ANYBODY) else text
        self.terms = replace(self.terms, **{kind: pairs})
        self.changed.emit()
