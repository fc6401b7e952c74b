"""The curves of a run, live or past, alone or laid over those of others, and how they are looked at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QPushButton, QSlider, QToolButton, QWidget

from telme_gui.look import theme
from telme_gui.look.widgets import caption
from telme_gui.look.words import as_tip
from telme_gui.training.monitor.inks import STAGES, TERMS, Ink, run_ink
from telme_gui.training.monitor.plots import Curve, Plot
from telme_gui.training.monitor.series import Doubles, StageSeries
from telme_model.events import Phase
from telme_model.runs.history import History, StageHistory

PLOT, FLAT = 176, 104  # px of height at least: usually, and where there is little
FOLDS = 760  # px of width below which the plots stand one under the other
WINDOWS = (100, 500, 2000)  # steps
SMOOTHEST = 99  # of 100: the share of the past that stays
FOLLOW = "stage under way"


@dataclass(slots=True)
class Told:
    """A run whose curves are shown."""

    name: str
    history: History
    series: dict[Phase, StageSeries] = field(default_factory=dict)

    def of(self, phase: Phase, smoothing: float) -> StageSeries | None:
        """A stage's steps, with what is new; None where it has none."""
        stage = self.history.stages.get(phase)
        if stage is None or not stage.steps:
            return None
        series = self.series.setdefault(phase, StageSeries(TERMS, smoothing))
        series.smoothen(smoothing)
        series.follow(stage)
        return series


class Curves(QWidget):
    """Loss terms of one stage by step and dev scores of all stages by epoch; of several runs, one term of one stage."""

    ended = Signal()  # the comparison is to end

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run: Told | None = None
        self.others: tuple[Told, ...] = ()
        self.losses = Plot("Loss terms by step", "step", marks=False)
        self.scores = Plot("Weighted F1 on dev by epoch", "epoch", marks=True)
        self.stage, self.term, self.span = QComboBox(), QComboBox(), QComboBox()
        self.log = QToolButton()
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.end = QPushButton("End comparison")
        self._drawn_epochs: object = None
        self._flat = self._folded = False
        self._fill_controls()
        self._plots = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._plots.setSpacing(3 * theme.RHYTHM)
        self._plots.addWidget(self.losses, 1)
        self._plots.addWidget(self.scores, 1)
        self._captions = caption("Losses of", wraps=False), caption("Smoothing", wraps=False)
        self._which = _row(self._captions[0], self.stage, self.term, self.span)
        self._controls = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._controls.setSpacing(theme.RHYTHM)
        self._controls.addLayout(self._which)
        self._controls.addLayout(_row(self.log, self._captions[1], self.smoothing))
        self._controls.addStretch(1)
        self._controls.addWidget(self.end)
        self._whole = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(theme.RHYTHM)
        self._whole.addLayout(self._controls)
        self._whole.addLayout(self._plots, 1)

    def _fill_controls(self) -> None:
        self.stage.addItem(FOLLOW, None)
        for phase, ink in STAGES.items():
            self.stage.addItem("fusion" if phase is Phase.FUSION else ink.name, phase)
        for term, ink in TERMS.items():
            self.term.addItem(ink.name, term)
        self.span.addItem("all steps", math.inf)
        for steps in WINDOWS:
            self.span.addItem(f"last {steps:,} steps", float(steps))
        self.smoothing.setRange(0, SMOOTHEST)
        self.smoothing.setFixedWidth(88)
        for control, name, tip in (
            (self.stage, "Stage shown", "Whose loss terms are shown"),
            (self.term, "Loss term compared", "Which term of the loss is compared (equation 6)"),
            (self.span, "Steps shown", "How far back the loss curves go"),
            (self.log, "Logarithmic loss axis", "Draw losses on a logarithmic axis"),
            (self.smoothing, "Smoothing", "Exponential mean of the losses; their values stay faintly behind it"),
            (self.end, "End comparison", "Show the run alone again"),
        ):
            control.setAccessibleName(name)
            control.setToolTip(as_tip(tip))
        self.log.setCheckable(True)
        self.log.setChecked(True)  # the terms are far from alike in size
        for combo in (self.stage, self.term, self.span):
            combo.currentIndexChanged.connect(self.redraw)
        self.log.toggled.connect(self.redraw)
        self.smoothing.valueChanged.connect(self.redraw)
        self.log.setObjectName("tab")
        self.log.setText("Log scale")
        self.end.setObjectName("quiet")
        self.end.clicked.connect(self.ended)

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_run(self, name: str, history: History | None) -> None:
        """Follow another run; None for none."""
        self.run = None if history is None else Told(name, history)
        self.redraw()

    def compare(self, others: Sequence[tuple[str, History]]) -> None:
        """Lay these runs over the one that is followed; none ends the comparison."""
        self.others = tuple(Told(name, history) for name, history in others)
        self.redraw()

    @property
    def phase(self) -> Phase | None:
        """The stage whose losses are shown: the chosen one, or the last that has any."""
        chosen = self.stage.currentData()
        if chosen is not None:
            return Phase(chosen)
        told = self.run or next(iter(self.others), None)
        stages = told.history.stages if told else {}
        current = told.history.current if told else None
        if current is not None and current.steps:
            return current.phase
        return next((phase for phase in reversed(STAGES) if phase in stages and stages[phase].steps), None)

    def redraw(self) -> None:
        """Draw everything anew."""
        self._drawn_epochs = None
        comparing = bool(self.others)
        self.term.setVisible(comparing)
        self.end.setVisible(comparing)
        self.refresh()

    def refresh(self) -> None:
        """Draw what is new."""
        phase = self.phase
        title, lines = self._compared_losses(phase) if self.others else self._losses(phase)
        words = "Loss curves begin with the first step" if phase is None else f"The {phase} has not taken a step"
        self.losses.show_lines(title, lines, log=self.log.isChecked(), last=float(self.span.currentData()), empty=words)
        told = [t for t in (self.run, *self.others) if t is not None]
        stages = [stage for t in told for stage in t.history.stages.values()]
        epochs = [(stage.phase, len(stage.epochs), planned(stage)) for stage in stages]
        seen = (phase if self.others else None, epochs)
        if seen != self._drawn_epochs:
            self._drawn_epochs = seen
            title, lines = self._compared_scores(phase) if self.others else self._scores()
            last = max((planned(stage) for stage in stages if not self.others or stage.phase is phase), default=0)
            self.scores.show_lines(title, lines, planned=last, empty="A score follows each epoch")

    # -- lines --------------------------------------------------------------------------------------------------

    def _losses(self, phase: Phase | None) -> tuple[str, list[Curve]]:
        series = self.run.of(phase, self._share) if self.run and phase else None
        lines = [self._loss(ink, series, term) for term, ink in TERMS.items() if series and term in series.terms]
        return "Loss" if phase is None else f"Loss, {phase}", lines

    def _compared_losses(self, phase: Phase | None) -> tuple[str, list[Curve]]:
        term = str(self.term.currentData())
        lines = []
        for ink, told in self._runs():
            series = told.of(phase, self._share) if phase else None
            if series is not None and term in series.terms:
                lines.append(self._loss(ink, series, term))
        return f"{TERMS[term].name}, {phase}" if phase else "Loss", lines

    def _loss(self, ink: Ink, series: StageSeries, term: str) -> Curve:
        if not self._share:
            return Curve(ink=ink, x=series.steps, y=series.raw(term))
        behind = None if self.others else series.raw(term)
        return Curve(ink=ink, x=series.steps, y=series.smooth(term), behind=behind)

    def _scores(self) -> tuple[str, list[Curve]]:
        stages = self.run.history.stages if self.run else {}
        lines = [score_line(ink, stages[phase]) for phase, ink in STAGES.items() if phase in stages]
        return "Weighted F1 on dev", lines

    def _compared_scores(self, phase: Phase | None) -> tuple[str, list[Curve]]:
        stages = [(ink, told.history.stages.get(phase) if phase else None) for ink, told in self._runs()]
        return f"Weighted F1 on dev, {phase}", [score_line(ink, stage) for ink, stage in stages if stage is not None]

    def _runs(self) -> list[tuple[Ink, Told]]:
        told = [t for t in (self.run, *self.others) if t is not None]
        return [(run_ink(t.name, place), t) for place, t in enumerate(told)]

    @property
    def _share(self) -> float:
        return self.smoothing.value() / 100

    # -- Qt's own -----------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fold where it is narrow."""
        super().resizeEvent(event)
        self._folded = self.width() < FOLDS
        self._fold()

    def flatten(self, flat: bool) -> None:
        """Do with little height: the controls stand beside the plots."""
        self._flat = flat
        for plot in (self.losses, self.scores):
            plot.flatten(flat)
        self._fold()

    def _fold(self) -> None:
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        beside = self._flat and not self._folded
        self._plots.setDirection(down if self._folded else across)
        self._controls.setDirection(down if self._folded or beside else across)
        self._which.setDirection(down if beside else across)
        self._whole.setDirection(QBoxLayout.Direction.RightToLeft if beside else down)
        self._whole.setSpacing((3 if beside else 1) * theme.RHYTHM)
        for label in self._captions:
            label.setHidden(beside)
        plot = FLAT if self._flat else PLOT
        self.setMinimumHeight(2 * plot + 80 if self._folded else plot + (0 if beside else 40))


def planned(stage: StageHistory) -> int:
    """How many epochs a stage is to have: those it had, once it is over."""
    return len(stage.epochs) if stage.finished else stage.planned_epochs


def score_line(ink: Ink, stage: StageHistory) -> Curve:
    """A stage's scores on dev by epoch, the best one ringed."""
    x, y = stage.epoch_curve("dev_weighted_f1")
    best = stage.best
    return Curve(
        ink=ink,
        x=_floats(x),
        y=_floats(y),
        best=(float(best.epoch), best.dev_weighted_f1) if best else None,
    )


def _floats(values: Sequence[float]) -> Doubles:
    return np.array(values, float)


def _row(*parts: QWidget) -> QBoxLayout:
    """Widgets side by side."""
    row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
    row.setSpacing(theme.RHYTHM)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return row
