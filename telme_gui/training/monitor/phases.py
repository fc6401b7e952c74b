"""The run's phases in a row, from reading to evaluating: what is done, what is under way, what is to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from telme_gui.look import theme
from telme_gui.look.words import as_tip
from telme_model.events import Phase
from telme_model.runs.config import Config
from telme_model.runs.history import History, StageHistory

HEIGHT, DISC, BAR = 48, 20, 4  # px
FLAT = 24  # px of height where there is little
LEAST = 76  # px of a phase
GAP = 16  # px
SCORE = "dev F1 "  # before a score, where there is room
NAMES = {
    Phase.PREPARING: "Read",
    Phase.CACHING: "Cache",
    Phase.TEACHER: "Teacher",
    Phase.TEXT: "Text",
    Phase.AUDIO: "Audio",
    Phase.VISUAL: "Visual",
    Phase.FUSION: "Fusion",
    Phase.EVALUATING: "Evaluate",
}
ENCODERS = (Phase.TEACHER, Phase.TEXT, Phase.AUDIO, Phase.VISUAL)


class PhaseState(Enum):
    """How far a phase is."""

    WAITING = auto()
    ACTIVE = auto()
    DONE = auto()
    BROKEN = auto()  # the run ended in it


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPhase:
    """A phase as it is shown."""

    name: str
    caption: str
    progress: PhaseState
    fraction: float | None  # 0 to 1; None where it is unknown


def phases_of(config: Config) -> tuple[Phase, ...]:
    """What a run of this configuration goes through, in order."""
    encoders = (config.phase(modality) for modality in (config.teacher, *config.students))
    return (Phase.PREPARING, Phase.CACHING, *encoders, Phase.FUSION, Phase.EVALUATING)


def steps_of(
    history: History,
    phases: Sequence[Phase],
    *,
    alive: bool,
    broken: bool = False,
    busy: tuple[Phase, str] | None = None,
) -> list[ShownPhase]:
    """The phases as the history knows them.

    `alive`: the run goes on; `broken`: it failed where it stands; `busy`: what goes on in a phase that is trained.
    """
    here = phases.index(busy[0]) if busy and busy[0] in phases else place_of(history, phases)
    steps = []
    fraction: float | None
    for place, phase in enumerate(phases):
        stage = history.stages.get(phase)
        if place < here or (stage is not None and stage.finished and not (busy and place == here)):
            caption, progress, fraction = _done(stage), PhaseState.DONE, 1.0
        elif place == here and (alive or broken):
            progress = PhaseState.BROKEN if broken else PhaseState.ACTIVE
            caption = "failed" if broken else busy[1] if busy else _active(phase, stage)
            fraction = stage.fraction if stage else None
        else:
            stopped = place == here and stage is not None
            caption, progress = "stopped here" if stopped else "waiting", PhaseState.WAITING
            fraction = (stage.fraction if stage else None) or 0.0
        steps.append(ShownPhase(name=NAMES[phase], caption=caption, progress=progress, fraction=fraction))
    return steps


def place_of(history: History, phases: Sequence[Phase]) -> int:
    """Which phase is under way: the current one, or the first after it that is not finished; all are behind the end."""
    if history.result is not None:
        return len(phases)
    current = history.current
    if current is None or current.phase not in phases:
        return 0
    place = phases.index(current.phase)
    if not current.finished:
        return place
    if current.phase is Phase.PREPARING:  # clips are cached within it
        place = phases.index(Phase.CACHING)
    later = range(place + 1, len(phases))
    open_ = (n for n in later if phases[n] not in history.stages or not history.stages[phases[n]].finished)
    return next(open_, len(phases) - 1)


def _done(stage: StageHistory | None) -> str:
    if stage is None:
        return "was there"
    return "done" if stage.best is None else f"{SCORE}{stage.best.dev_weighted_f1:.1f}"


def _active(phase: Phase, stage: StageHistory | None) -> str:
    if stage is None:
        return "loading weights" if phase in ENCODERS else "starting"
    if stage.planned_epochs:
        best = f" · {stage.best.dev_weighted_f1:.1f}" if stage.best else ""
        return f"epoch {min(len(stage.epochs) + 1, stage.planned_epochs)} of {stage.planned_epochs}{best}"
    return f"{stage.done:,} of {stage.total:,}" if stage.total else "under way"


class PhaseStrip(QWidget):
    """The phases side by side; each with its name, a word on it, and a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps: tuple[ShownPhase, ...] = ()
        self._flat = False
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Phases of the run")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def flatten(self, flat: bool) -> None:
        """A phase's word beside its name instead of under it, and no numbers."""
        if flat != self._flat:
            self._flat = flat
            self.setFixedHeight(FLAT if flat else HEIGHT)
            self.update()

    def show_steps(self, steps: Sequence[ShownPhase]) -> None:
        """Show these; nothing is drawn where they are the same."""
        if tuple(steps) != self.steps:
            self.steps = tuple(steps)
            words = ", ".join(f"{step.name}: {step.caption}" for step in steps)
            self.setAccessibleDescription(words)
            self.setToolTip(as_tip("\n".join(f"{step.name}: {step.caption}" for step in steps)))
            self.update()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Names alone."""
        return QSize(LEAST * 4, self.height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """All phases, each in its share of the width."""
        if not self.steps:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = (self.width() + GAP) / len(self.steps)
        for place, step in enumerate(self.steps):
            box = QRectF(place * width, 0, width - GAP, self.height())
            if self._flat:
                self._paint_flat(painter, step, box)
            else:
                self._paint(painter, step, place, box)
        painter.end()

    def _paint(self, painter: QPainter, step: ShownPhase, place: int, box: QRectF) -> None:
        ink = _ink(step.progress)
        roomy = box.width() >= LEAST + DISC
        left = box.left()
        if roomy:
            self._disc(painter, QRectF(left, 3, DISC, DISC), step.progress, place, ink)
            left += DISC + 8
        room = box.right() - left
        caption = step.caption if roomy else step.caption.removeprefix(SCORE)
        self._write(painter, QRectF(left, 0, room, 18), step.name, theme.BODY, step)
        self._write(painter, QRectF(left, 18, room, 18), caption, theme.CAPTION)
        self._bar(painter, QRectF(left, HEIGHT - 8, room, BAR), step, ink)

    def _paint_flat(self, painter: QPainter, step: ShownPhase, box: QRectF) -> None:
        room = QRectF(box.left(), 0, box.width(), FLAT - BAR - 2)
        shift = self._write(painter, room, step.name, theme.CAPTION, step) + 6
        self._write(painter, room.adjusted(shift, 0, 0, 0), step.caption.removeprefix(SCORE), theme.CAPTION)
        self._bar(painter, QRectF(box.left(), FLAT - BAR, box.width(), BAR), step, _ink(step.progress))

    @staticmethod
    def _write(painter: QPainter, box: QRectF, text: str, size: int, named: ShownPhase | None = None) -> float:
        """A phase's name, or a word on it; how wide it is."""
        palette = theme.active_palette()
        font = theme.font(size, bold=named is not None, tabular=True)
        metrics = QFontMetricsF(font)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        strong = named is not None and named.progress is not PhaseState.WAITING
        painter.setFont(font)
        painter.setPen(QColor(palette.text if strong else palette.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
        return metrics.horizontalAdvance(text)

    @staticmethod
    def _disc(painter: QPainter, box: QRectF, progress: PhaseState, place: int, ink: QColor) -> None:
        palette = theme.active_palette()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.raised) if progress is PhaseState.WAITING else ink)
        painter.drawEllipse(box)
        painter.setPen(QPen(QColor(palette.surface), 1.75))
        if progress is PhaseState.DONE:
            tick = [box.topLeft() + QPointF(x, y) for x, y in ((5.5, 10.5), (8.7, 13.5), (14.5, 7))]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF(tick))
            return
        painter.setFont(theme.font(theme.CAPTION, bold=True, tabular=True))
        painter.setPen(QColor(palette.muted if progress is PhaseState.WAITING else palette.surface))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "!" if progress is PhaseState.BROKEN else str(place + 1))

    @staticmethod
    def _bar(painter: QPainter, box: QRectF, step: ShownPhase, ink: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.active_palette().line))
        painter.drawRoundedRect(box, BAR / 2, BAR / 2)
        if step.fraction is None:  # under way, nobody knows how far: a faint bar
            ink = QColor(ink)
            ink.setAlphaF(0.45)
        fraction = 1.0 if step.fraction is None else step.fraction
        painter.setBrush(ink)
        painter.drawRoundedRect(QRectF(box.left(), box.top(), box.width() * fraction, BAR), BAR / 2, BAR / 2)


def _ink(progress: PhaseState) -> QColor:
    palette = theme.active_palette()
    inks = {PhaseState.DONE: palette.good, PhaseState.ACTIVE: palette.accent, PhaseState.BROKEN: palette.bad}
    return QColor(inks.get(progress, palette.muted))
