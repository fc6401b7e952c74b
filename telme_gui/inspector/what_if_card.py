"""The what-if card: theta, muted students, other words, less context."""

from itertools import pairwise

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QSlider, QToolButton, QVBoxLayout, QWidget

from telme_gui.inspector.probabilities import equation
from telme_gui.inspector.section import HEADING, Section, face, write
from telme_gui.inspector.what_if import LOOKING, WhatIfState
from telme_gui.look import chips, theme
from telme_gui.look.widgets import row
from telme_gui.look.words import Words, as_tip
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED, FUSION, STANDARD, Models
from telme_model.analysis.predictions import Predictions
from telme_model.corpus.dialogue import Modality
from telme_model.runs.config import Config
from telme_model.runs.folder import RunError, RunFolder

STEPS = 200  # of the theta slider: from 0 to twice the run's
MUTES = {
    Modality.TEXT: (
        "mute words",
        "The fusion’s learnt stand-in takes F_t’s place, as for a turn without words (equation 16).",
    ),
    Modality.AUDIO: (
        "mute audio",
        "The fusion’s learnt stand-in takes F_a’s place, as for a clip without sound (equation 16).",
    ),
    Modality.VISUAL: (
        "mute face",
        "The fusion’s learnt stand-in takes F_v’s place, as for one without picture (equation 16).",
    ),
}
THETA_TIP = "θ: how far the shift may reach, λ = min(θ‖{lead}‖ / ‖H‖, 1) (equation 19); all panels follow."
TEXT_TIP = "Other words in place of the turn’s own, read by the text encoder in the same context (equations 1–3)."
CONTEXT_TIP = "How many turns before this one the text encoder reads (equations 1–3)."


class WhatIfCard(QWidget):
    """The controls, and what the fused model says now."""

    def __init__(self, session: Session, state: WhatIfState) -> None:
        super().__init__()
        self.session, self.state = session, state
        self._config: Config | None = None
        self.heading = Words("What if")
        self.heading.setFont(theme.font(bold=True))
        self.status = Words()
        self.status.setObjectName("muted")
        self.status.setFont(theme.font(theme.CAPTION))
        self.status.setWordWrap(True)
        self.back = _button("back to the run", "Undo all that is tried: the run’s θ, words, context and students.")
        self.back.clicked.connect(state.reset)
        self.theta = Slider("theta", "")
        self.theta.setRange(0, STEPS)
        self.theta.valueChanged.connect(self._theta_moved)
        self.theta_value = _value("theta")
        self.mutes = {modality: _button(name, tip) for modality, (name, tip) in MUTES.items()}
        for button in self.mutes.values():
            button.setCheckable(True)
            button.toggled.connect(self._muted)
        self.text = QLineEdit()
        self.text.setAccessibleName("other words for the turn")
        self.text.setToolTip(TEXT_TIP)
        self.text.setFont(theme.font(12))
        self.text.textEdited.connect(self._text_edited)
        self.context = Slider("turns of context", CONTEXT_TIP)
        self.context.valueChanged.connect(self._context_moved)
        self.context_value = _value("turns of context")
        self.outcome = Outcome(state)
        self._lay_out()
        state.changed.connect(self.refresh)
        session.current_changed.connect(self.refresh)
        session.theta_changed.connect(self.refresh)
        session.presented_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.RHYTHM)
        layout.addLayout(row(self.heading, None, self.back))
        layout.addWidget(self.status)
        theta, context, words, students = map(_caption, ("θ", "context", "words", "students"))
        self._of_shift = (theta, self.theta, self.theta_value)
        self._of_words = (context, self.context, self.context_value, words, self.text)
        self._of_students = (students,)
        layout.addLayout(row(theta, self.theta, self.theta_value))
        layout.addLayout(row(context, self.context, self.context_value))
        layout.addLayout(row(words, self.text))
        layout.addLayout(row(students, *self.mutes.values(), None))
        layout.addWidget(self.outcome)
        order = (self.theta, self.context, self.text, *self.mutes.values(), self.back)
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    # -- what the person does -----------------------------------------------------------------------------------

    def _theta_moved(self, place: int) -> None:
        own = self._own_theta()
        self.session.set_theta(None if 2 * place == STEPS else 2 * own * place / STEPS)

    def _muted(self) -> None:
        self.state.set_mute(frozenset(m for m, button in self.mutes.items() if button.isChecked()))

    def _text_edited(self, words: str) -> None:
        turn = self.session.current
        self.state.set_text(None if turn is None or words == turn.text else words)

    def _context_moved(self, turns: int) -> None:
        self.state.set_context(None if turns == self._own_context() else turns)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Load the run while the mouse is on its way to a control."""
        self.state.warm()
        super().enterEvent(event)

    # -- what it shows ------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is tried, and whether it can be."""
        state, config = self.state, self._read_config()
        usable = not state.reason and config is not None
        models = self.session.base.models if self.session.base else STANDARD
        reads = usable and Modality.TEXT in models.modalities
        self._show_what_there_is(models)
        self._show_theta(models, usable and models.shifts)
        self._show_context(reads)
        told, turn = self.session.tells_words, self.session.current
        self.text.setEnabled(reads and told)
        words = state.text if told and state.text is not None else self.session.words(turn) if turn else ""
        if self.text.text() != words:
            self.text.setText(words)
            self.text.setCursorPosition(0)
        for modality, button in self.mutes.items():
            with QSignalBlocker(button):
                button.setChecked(modality in state.mute)
            button.setEnabled(usable)
        self.back.setVisible(state.active)
        # Looking takes a moment: nothing should jump for it.
        status = "" if state.reason == LOOKING else state.reason or (f"No answer: {state.error}" if state.error else "")
        if not models.students and Modality.TEXT not in models.modalities:
            status = f"Of {models.teacher} alone there is nothing to try."
        self.status.setText(status)
        self.status.setVisible(bool(status))
        self.outcome.setVisible(usable)
        self.outcome.show_state(self.session)

    def _show_what_there_is(self, models: Models) -> None:
        """The controls of what the run has."""
        for widgets, there in (
            (self._of_shift, models.shifts),
            (self._of_words, Modality.TEXT in models.modalities),
            (self._of_students, bool(models.students)),
        ):
            for widget in widgets:
                widget.setVisible(there)
        for modality, button in self.mutes.items():
            button.setVisible(modality in models.students)

    def _show_theta(self, models: Models, shifting: bool) -> None:
        own = self._own_theta()
        now = own if self.session.theta is None else self.session.theta
        self.theta.setEnabled(shifting and own > 0)
        self.theta.setToolTip(as_tip(THETA_TIP.format(lead=models.lead) + (f" Run: {own:.3g}." if shifting else "")))
        with QSignalBlocker(self.theta):
            self.theta.setValue(round(STEPS * now / (2 * own)) if own > 0 else 0)
        self.theta_value.setText(f"{now:.3f}" if shifting else "–")

    def _show_context(self, reads: bool) -> None:
        before, own = self._turns_before(), self._own_context()
        now = own if self.state.context_turns is None else self.state.context_turns
        with QSignalBlocker(self.context):
            self.context.setRange(0, max(before, 1))
            self.context.setValue(now)
        self.context.setEnabled(reads and before > 0)
        self.context_value.setText(f"{now} of {before}" if before else "none")

    def _read_config(self) -> Config | None:
        """The run's settings, read once a run."""
        run = self.session.run
        if run is None or self.state.reason:
            self._config = None
        elif self._config is None:
            try:
                self._config = RunFolder(run).config
            except RunError:
                return None
        return self._config

    def _own_theta(self) -> float:
        return self._config.fusion.theta if self._config else 0.0

    def _turns_before(self) -> int:
        turn, dialogue = self.session.current, self.session.dialogue
        return dialogue.turns.index(turn) if turn and dialogue else 0

    def _own_context(self) -> int:
        limit = self._config.text.context_turns if self._config else 0
        return min(limit, self._turns_before()) if limit else self._turns_before()


class Slider(QSlider):
    """A horizontal slider that leaves the wheel to the panel, which scrolls under it."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setAccessibleName(name)
        self.setToolTip(as_tip(tip))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Pass it on."""
        event.ignore()


class Outcome(Section):
    """The fused model's word: the run's, and the one under what is tried."""

    def __init__(self, state: WhatIfState) -> None:
        super().__init__("What the fused model says then", HEADING)
        self.state = state

    def show_state(self, session: Session) -> None:
        """Take the run's row and the answer."""
        row = session.prediction_row()
        if row is not None and session.base is not None:
            self.show_turn(session.base, row, None)
        else:
            self.predictions = None

    def summary(self, predictions: Predictions, row: int) -> str:
        """The outcome in words."""
        own = _best(predictions, row)
        if self.state.answer is None:
            return f"run: {own[0]} {own[1]:.0%}"
        now = _best(self.state.answer, 0)
        return f"run: {own[0]} {own[1]:.0%}; now: {now[0]} {now[1]:.0%}"

    def draw(self, painter: QPainter, predictions: Predictions, row: int) -> None:
        """Chip and probability of the run, an arrow, those of the answer."""
        palette, answer = theme.active_palette(), self.state.answer
        if not self.state.active:
            words = "Move a control: ticks keep the run’s values."
            write(painter, self.rect().toRectF(), words, colour=palette.muted)
            return
        left = self._said(painter, 0, "run", predictions, row)
        if answer is None:
            words = "" if self.state.error else "→  asking …" if self.state.loaded else "→  loading the run …"
            write(painter, self.rect().toRectF().adjusted(left, 0, 0, 0), words, colour=palette.muted)
        else:
            self._said(painter, left, "→", answer, 0)

    def _said(self, painter: QPainter, left: float, name: str, predictions: Predictions, row: int) -> float:
        palette, (label, probability) = theme.active_palette(), _best(predictions, row)
        painter.setFont(face(theme.CAPTION))
        metrics = painter.fontMetrics()
        figure = f"{probability:.0%}"
        width, wide = metrics.horizontalAdvance(name) + 7, metrics.horizontalAdvance(figure) + 12
        box = self.rect().toRectF()
        write(painter, box.adjusted(left, 0, 0, 0), name, colour=palette.muted)
        painter.setFont(chips.chip_font())
        size = chips.chip_size(label, painter.fontMetrics())
        chips.paint_chip(painter, box.adjusted(left + width, 4, 0, -4).toRect(), label)
        after = left + width + size.width() + 5
        write(painter, box.adjusted(after, 0, 0, 0), figure)
        tip = f"Fused, {label}: {probability:.2%} = {equation(FUSION, predictions.models)}."
        self.tip(box.adjusted(left, 0, after + wide - box.width(), 0), tip)
        return after + wide


def _best(predictions: Predictions, row: int) -> tuple[str, float]:
    place = int(predictions.predicted[FUSED][row])
    return predictions.labels[place], float(predictions.probabilities[FUSED][row, place])


def _caption(name: str) -> QLabel:
    label = Words(name)
    label.setObjectName("muted")
    label.setFont(theme.font(theme.CAPTION))
    label.setFixedWidth(48)
    return label


def _value(name: str) -> QLabel:
    label = Words()
    label.setAccessibleName(name)
    label.setFont(theme.font(theme.CAPTION, tabular=True))
    label.setFixedWidth(44)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


def _button(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(name)
    button.setAccessibleName(name)
    button.setToolTip(as_tip(tip))
    button.setFont(theme.font(theme.CAPTION))
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
