"""The inspector itself: its parts in reading order, and what stands there while there is nothing to read."""

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from telme_gui.inspector.annotators import Annotators
from telme_gui.inspector.displacement import HowFar, WhatMoved
from telme_gui.inspector.outcome import GoldLine, TurnHeader
from telme_gui.inspector.probabilities import Said
from telme_gui.inspector.section import Section
from telme_gui.inspector.what_if import WhatIfState
from telme_gui.inspector.what_if_card import WhatIfCard
from telme_gui.look import chips, theme
from telme_gui.look.theme import Palette
from telme_gui.look.widgets import hairline
from telme_gui.look.words import Words
from telme_gui.session.session import Session
from telme_model.analysis.models import Models
from telme_model.corpus.emotions import MELD

MARGIN = 2 * theme.RHYTHM

SHEET = """
#inspectorPage {{ background: {p.surface}; border: none; }}
#inspectorPage QLabel {{ color: {p.text}; background: transparent; }}
#inspectorPage QLabel#muted {{ color: {p.muted}; }}
#inspectorPage QLabel#notice {{ color: {p.accent}; }}
#inspectorPage QFrame#hairline {{ background: {p.line}; border: none; }}
#inspectorPage QToolButton {{
    color: {p.text}; background: transparent; border: 1px solid {p.line}; border-radius: 6px; padding: 3px 8px;
}}
#inspectorPage QToolButton:hover {{ background: {p.raised}; }}
#inspectorPage QToolButton:focus {{ border-color: {p.accent}; }}
#inspectorPage QToolButton:checked {{ background: {p.selected}; border-color: {p.accent}; }}
#inspectorPage QToolButton:disabled {{ color: {p.muted}; }}
#inspectorPage QLineEdit {{
    color: {p.text}; background: {p.raised}; border: 1px solid {p.line}; border-radius: 6px; padding: 3px 6px;
    selection-background-color: {p.accent}; selection-color: {p.surface};
}}
#inspectorPage QLineEdit:focus {{ border-color: {p.accent}; }}
#inspectorPage QLineEdit:disabled {{ color: {p.muted}; }}
#inspectorPage QSlider {{ min-height: 18px; }}
#inspectorPage QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {p.line}; }}
#inspectorPage QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {p.accent}; }}
#inspectorPage QSlider::sub-page:horizontal:disabled {{ background: {p.line}; }}
#inspectorPage QSlider::handle:horizontal {{
    width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: {p.accent};
}}
#inspectorPage QSlider::handle:horizontal:focus {{
    width: 10px; height: 10px; border: 2px solid {p.accent}; background: {p.surface};
}}
#inspectorPage QSlider::handle:horizontal:disabled {{ background: {p.muted}; }}
"""

FRAME = """
#inspector {{ background: {p.surface}; border: none; }}
#inspector QScrollBar:vertical {{ width: 8px; background: transparent; margin: 0; }}
#inspector QScrollBar::handle:vertical {{ background: {p.line}; border-radius: 3px; min-height: 32px; margin: 1px; }}
#inspector QScrollBar::add-line:vertical, #inspector QScrollBar::sub-line:vertical {{ height: 0; }}
#inspector QScrollBar::add-page:vertical, #inspector QScrollBar::sub-page:vertical {{
    background: transparent;
}}
"""


class Inspector(QScrollArea):
    """What happened, what each said, how far it was moved, what moved it, what if: of the current turn."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.state = WhatIfState(session, self)
        self.header = TurnHeader(session)
        self.annotators = Annotators(session)
        self.empty = NothingToInspect()
        self.sections: tuple[Section, ...] = ()
        self.card = WhatIfCard(session, self.state)
        self._lines: list[QFrame] = []
        self._shown: tuple[int, Models] | None = None  # how many emotions, of which models
        self._palette: Palette | None = None
        self.setObjectName("inspector")
        self.setAccessibleName("Inspector")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(300)
        self._page = QWidget()
        self._page.setObjectName("inspectorPage")
        self._layout = QVBoxLayout(self._page)
        self._layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self._layout.setSpacing(theme.RHYTHM)
        self.setWidget(self._page)
        for widget in (self.header, self.annotators, self.empty, self.card):
            self._layout.addWidget(widget)
        self._layout.addStretch(1)
        self._restyle()
        session.corpus_changed.connect(self.refresh)
        session.predictions_changed.connect(self.refresh)
        session.current_changed.connect(self.refresh)
        session.labels_changed.connect(self.refresh)
        session.presented_changed.connect(self.refresh)
        session.predicting_changed.connect(self._show_progress)
        self.state.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the current turn, under what is tried of it."""
        session = self.session
        row = session.prediction_row()
        shown = row is not None and session.predictions is not None
        self.header.setVisible(session.current is not None)
        self.header.refresh(self.state.tried if shown else "")
        self.annotators.refresh()
        self.empty.setVisible(not shown)
        self._show_progress()
        if row is not None and session.predictions is not None and session.base is not None:
            self._build(len(session.predictions.labels), session.predictions.models)
            own = (session.base, row) if self.state.active else None
            predictions, place = (session.predictions, row) if self.state.answer is None else (self.state.answer, 0)
            for section in self.sections:
                section.show_turn(predictions, place, own)
        for widget in (*self.sections, *self._lines, self.card):
            widget.setVisible(shown)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._restyle()

    def _build(self, classes: int, models: Models) -> None:
        """The parts for this many emotions and these models, divided by hairlines; those there are, where they do."""
        if self._shown == (classes, models):
            return
        self._shown = classes, models
        for old in (*self.sections, *self._lines):
            self._layout.removeWidget(old)
            old.deleteLater()
        self.sections = (GoldLine(), Said(classes), HowFar(models), WhatMoved(classes, models))
        self._lines = [hairline() for _ in self.sections]
        place = self._layout.indexOf(self.card)
        for section, line in zip(self.sections, self._lines):
            self._layout.insertWidget(place, section)
            self._layout.insertWidget(place + 1, line)
            place += 2

    def _show_progress(self) -> None:
        self.empty.say(*self._why_empty(), self._awaited)

    @property
    def _awaited(self) -> tuple[int, int] | None:
        session = self.session
        return session.predicting if session.current and not session.hides(session.current) else None

    def _why_empty(self) -> tuple[str, str]:
        session = self.session
        if session.current is None:
            return "No turn to inspect", "Open a corpus and choose a turn: what each model says of it stands here."
        if session.hides(session.current):
            return "Hidden", "Blind mode: what the models and other annotators say is shown once you have labelled it."
        if session.predictions is None:
            return "No run is open", "Open a run, or train one: what each model says of this turn stands here."
        name = session.predictions.run or (session.run.name if session.run else "The run")
        if session.predicting is None:
            return "Not predicted", f"{name} has not predicted this turn: File > Predict the remaining turns does it."
        done, total = session.predicting
        if not done:
            return "Predicting …", f"{name} is being loaded; this dialogue comes first."
        return "Predicting …", f"{done:,} of {total:,} turns are there; this dialogue comes next."

    def _restyle(self) -> None:
        palette = theme.active_palette()
        if palette is not self._palette:
            self._palette = palette
            self._page.setStyleSheet(SHEET.format(p=palette))
            self.setStyleSheet(FRAME.format(p=palette))


class NothingToInspect(QWidget):
    """Why there is nothing to read, under the pale faces of what would be."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.sentence = Words(), Words()
        self.title.setFont(theme.font(theme.TITLE, bold=True))
        self.sentence.setObjectName("muted")
        self.sentence.setFont(theme.font())
        self.sentence.setWordWrap(True)
        for label in (self.title, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setAccessibleName("Predicted turns")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 11 * theme.RHYTHM, MARGIN, MARGIN)
        layout.setSpacing(theme.RHYTHM)
        layout.addWidget(self.title)
        layout.addWidget(self.sentence)
        layout.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignHCenter)

    def say(self, title: str, sentence: str, progress: tuple[int, int] | None = None) -> None:
        """What is missing, and what to do; or how far the computing of it is."""
        self.title.setText(title)
        self.sentence.setText(sentence)
        self.bar.setVisible(progress is not None)
        if progress is not None:
            done, total = progress
            self.bar.setRange(0, total if done else 0)  # busy while nothing has arrived
            self.bar.setValue(done)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's
        """The glyphs of the emotions, pale, in a row."""
        painter = QPainter(self)
        painter.setOpacity(0.45)
        side, step = 14, 28
        left = (self.width() - step * (len(MELD) - 1) - side) / 2
        for place, emotion in enumerate(MELD.labels):
            chips.paint_glyph(painter, QRectF(left + step * place, 6 * theme.RHYTHM, side, side), emotion)
        painter.end()
