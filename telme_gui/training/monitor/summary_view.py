"""What a finished run came to: its four scores with their intervals, what it left out, and the run before it."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.figure import LEFT, RIGHT, Figure, half_width, write
from telme_gui.look.words import Words, as_tip
from telme_gui.training.monitor.inks import STAGES, Ink
from telme_model.analysis.models import FUSED, MODELS
from telme_model.runs.comparison import PairedDifference
from telme_model.runs.facts import ModelScore
from telme_model.runs.names import run_name
from telme_model.runs.quantities import duration
from telme_model.runs.summary import Excluded, Summary

ROW = 22  # px
NAMES, NUMBERS = 64, 92  # px beside the bars
MOST, NAMED = 3, 12  # reasons that are told, and turns of one
_INKS = {model.key: STAGES[model.phase] for model in MODELS}


class SummaryView(QFrame):
    """Bars of the scores at the left, sentences at the right; `charts_wanted` with the run of the button."""

    charts_wanted = Signal(object)  # Path
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary: Summary | None = None  # None once it was dismissed
        self.setObjectName("card")
        self.bars = _Bars("Weighted F1 of the run's models, with 95 % intervals")
        self.lead, self.versus, self.excluded = Words(), Words(), Words()
        self.lead.setStyleSheet("font-weight: 600")
        self.excluded.setObjectName("muted")
        self.charts = QPushButton("Show its charts")
        self.charts.setAccessibleName("Show its charts")
        self.charts.setToolTip("Open the run and its charts")
        self.charts.clicked.connect(self._show_charts)
        words = QVBoxLayout()
        words.setSpacing(theme.RHYTHM // 2)
        for label in (self.lead, self.versus, self.excluded):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.addWidget(label)
        words.addStretch(1)
        self.dismiss = QPushButton("Dismiss")
        self.dismiss.setObjectName("quiet")
        self.dismiss.setAccessibleName("Dismiss the summary")
        self.dismiss.setToolTip("Hide this summary")
        self.dismiss.clicked.connect(self._dismiss)
        buttons = QHBoxLayout()
        buttons.addWidget(self.charts)
        buttons.addWidget(self.dismiss)
        buttons.addStretch(1)
        words.addLayout(buttons)
        self._row = row = QHBoxLayout(self)
        row.setSpacing(3 * theme.RHYTHM)
        row.addWidget(self.bars, 1)
        row.addLayout(words, 1)
        self.flatten(False)
        self.hide()

    def flatten(self, flat: bool) -> None:
        """Do with little height."""
        side = 3 * theme.RHYTHM // 2
        edge = theme.RHYTHM // 2 if flat else side
        self._row.setContentsMargins(side, edge, side, edge)

    def _dismiss(self) -> None:
        self.summary = None
        self.hide()
        self.dismissed.emit()

    def _show_charts(self) -> None:
        if self.summary is not None:
            self.charts_wanted.emit(self.summary.run)

    def show_summary(self, summary: Summary) -> None:
        """Show a run's summary."""
        self.summary = summary
        self.bars.show_scores(summary.scores)
        turns = max((score.turns for score in summary.scores), default=0)
        after = f"“{summary.run.name}” finished after {duration(summary.seconds)}"
        self.lead.setText(f"{after}: weighted F1 on {turns:,} turns of {summary.split}")
        self.versus.setText(versus(summary.before))
        self.excluded.setText(left_out(summary))
        self.excluded.setToolTip(as_tip("\n".join(map(_turns, summary.excluded))))
        self.show()


def versus(before: PairedDifference | None) -> str:
    """How a run stands to the one before, in a sentence."""
    if before is None:
        return "No earlier run of this corpus to compare it with."
    sure = "" if before.low <= 0 <= before.high else ", which is more than chance"
    return (
        f"Against “{run_name(before.other)}”: {before.difference:+.1f} points "
        f"({before.low:+.1f} to {before.high:+.1f}, p = {before.p:.2g}){sure}; "
        f"{before.changed:,} of {before.turns:,} turns are predicted differently."
    )


def left_out(summary: Summary) -> str:
    """What the run did without, in a sentence or two."""
    said = [f"{len(part.turns):,} without {part.modality} ({part.reason})" for part in summary.excluded[:MOST]]
    if len(summary.excluded) > MOST:
        said.append(f"{sum(len(part.turns) for part in summary.excluded[MOST:]):,} for other reasons")
    words = f"Turns that lacked a modality: {'; '.join(said)}." if said else "Every turn had all its modalities."
    return f"{words} {summary.over_long:,} were over-long and shortened." if summary.over_long else words


def _turns(part: Excluded) -> str:
    """Which turns those are, the first of them where there are many."""
    more = f" and {len(part.turns) - NAMED:,} more" if len(part.turns) > NAMED else ""
    return f"Without {part.modality}: {', '.join(part.turns[:NAMED])}{more}"


class _Bars(Figure):
    """A row a model: its bar from 0 to 100, its interval on it, its number."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._scores: tuple[ModelScore, ...] = ()

    def show_scores(self, scores: tuple[ModelScore, ...]) -> None:
        """Draw these."""
        self._scores = scores
        said = ", ".join(f"{_INKS[score.model].name} {score.weighted_f1:.1f}" for score in scores)
        self.setAccessibleDescription(said)
        self.setMinimumHeight(ROW * max(1, len(scores)))
        self.say("" if scores else "No turn of test or dev has a label: there is nothing to score")

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Names, numbers, and bars that can be told apart."""
        return QSize(NAMES + NUMBERS + 60, ROW * max(1, len(self._scores)))

    def draw(self, painter: QPainter) -> None:
        """All rows, in the middle of the height."""
        painter.fillRect(self.rect(), QColor(theme.active_palette().raised))  # the card's ground
        top = (self.height() - ROW * len(self._scores)) / 2
        for place, score in enumerate(self._scores):
            self._row(painter, score, _INKS[score.model], QRectF(0, top + place * ROW, self.width(), ROW))

    @staticmethod
    def _row(painter: QPainter, score: ModelScore, ink: Ink, box: QRectF) -> None:
        palette = theme.active_palette()
        fused = score.model == FUSED
        write(painter, QRectF(0, box.top(), NAMES, ROW), ink.name, LEFT, bold=fused, size=theme.BODY)
        bar = QRectF(NAMES, box.center().y() - 5, box.width() - NAMES - NUMBERS, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.line))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(QColor(ink.colour))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * score.weighted_f1 / 100, 10), 3, 3)
        number = f"{score.weighted_f1:.1f}"
        if score.low is not None and score.high is not None:
            ends = [
                QPointF(bar.left() + edge / 100 * bar.width(), bar.center().y()) for edge in (score.low, score.high)
            ]
            painter.setPen(QPen(QColor(palette.text), 1.25))
            painter.drawLine(*ends)
            for end in ends:
                painter.drawLine(end - QPointF(0, 3), end + QPointF(0, 3))
            number = f"{number} {half_width(score.low, score.high)}"
        write(
            painter, QRectF(box.right() - NUMBERS, box.top(), NUMBERS, ROW), number, RIGHT, bold=fused, size=theme.BODY
        )
