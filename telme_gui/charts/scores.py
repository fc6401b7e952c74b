"""Scores of a run's models with their intervals, the paper's beside them."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from telme_gui.charts.subset import Subset
from telme_gui.look import theme
from telme_gui.look.figure import CENTRE, LEFT, RIGHT, Figure, half_width, write
from telme_gui.look.table import Table
from telme_gui.look.words import as_tip
from telme_model.analysis import published
from telme_model.analysis.metrics import Interval, Scores, macro_note
from telme_model.analysis.models import FUSED, STANDARD, Model, Models
from telme_model.corpus.dialogue import Corpus, Modality
from telme_model.corpus.emotions import LabelSet

METRICS = {"weighted_f1": "Weighted F1", "macro_f1": "Macro F1", "accuracy": "Accuracy"}
NAMES = 64  # px
ROW = 72.0  # px at most
HEAD = 32  # px
SEPARATOR = " " * 5


class ScoresPage(QWidget):
    """Dots with intervals, the same as a table, and what the literature reports."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dots = _Dots("Scores of the models with intervals", self)
        self._table = Table("Scores of the models", self)
        self._papers = _Papers(self)
        left = QVBoxLayout()
        left.addWidget(self._dots, 1)
        left.addWidget(self._table)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 16)
        row.setSpacing(24)
        row.addLayout(left, 5)
        row.addWidget(self._papers, 3)

    def show_part(self, part: Subset, corpus: Corpus) -> None:
        """Show a part's scores."""
        truth = part.predictions.truth
        nothing = f"No turn of this part has both a label by {truth} and a prediction: nothing to score"
        models = part.predictions.models
        paper = paper_scores(corpus.labels.name, models)
        self._dots.show_scores(models, part.scores, paper, corpus.labels, nothing)
        self._papers.light(corpus.labels.name)
        rows = [[model.short, *_cells(part.scores.get(model.key))] for model in models]
        self._table.fill(("", *METRICS.values(), "turns"), rows)


def paper_scores(label_set: str, models: Models) -> dict[str, float]:
    """The paper's weighted F1 by model on the corpus of this label set, of those models that it reports."""
    if label_set not in ("meld", "iemocap"):
        return {}
    tables = (*published.MODALITIES, *published.TEACHERS, *published.STUDENTS)
    rows = {row.name: getattr(row, label_set) for row in tables}
    names = {model.key: _published_as(model, models) for model in models}
    return {key: rows[name] for key, name in names.items() if name in rows}


def _published_as(model: Model, models: Models) -> str:
    """The name of the model's row in the paper's tables 4 to 7; "" where they have none."""
    teacher = f"{models.teacher} teacher"
    if model.modality is not None:
        return f"{teacher}, {model.modality} student"  # a teacher is one that is taught by itself
    if not models.shifts:
        return ""
    if models.teacher is Modality.TEXT:
        return " + ".join(models.modalities)
    return teacher if len(models.modalities) == len(Modality) else ""


def _cells(scores: Scores | None) -> list[str]:
    if scores is None:
        return ["–"] * 4
    return [*(_score(scores, metric) for metric in METRICS), str(scores.turns)]


def _score(scores: Scores, metric: str) -> str:
    text = f"{getattr(scores, metric):.1f}"
    if scores.intervals is None:
        return text
    interval: Interval = getattr(scores.intervals, metric)
    return f"{text} {half_width(interval.low, interval.high)}"


class _Dots(Figure):
    """A row a model, a column a metric, 0 to 100; a hollow diamond is the paper's."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self._models = STANDARD
        self._scores: Mapping[str, Scores] = {}
        self._paper: Mapping[str, float] = {}
        self._corpus = ""
        self._labels: Sequence[str] = ()
        self.setMinimumHeight(HEAD + len(STANDARD) * 28 + 44)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Rows that breathe."""
        return QSize(560, HEAD + len(STANDARD) * 48 + 48)

    def show_scores(
        self, models: Models, scores: Mapping[str, Scores], paper: Mapping[str, float], labels: LabelSet, nothing: str
    ) -> None:
        """Draw these, by model; `nothing` is said without any."""
        self._models, self._scores, self._paper = models, scores, paper
        self._corpus, self._labels = labels.name.upper(), labels.labels
        self.say("" if scores else nothing)

    def draw(self, painter: QPainter) -> None:
        """The columns, and what the marks are."""
        legend = 32
        row = min(ROW, (self.height() - HEAD - legend - 24) / len(self._models))
        for place, model in enumerate(self._models):
            box = QRectF(0, HEAD + place * row, NAMES, row)
            write(painter, box, model.short, bold=model.key == FUSED, size=theme.BODY)
        gap = 32.0
        width = (self.width() - NAMES - gap * len(METRICS)) / len(METRICS)
        for place, (metric, title) in enumerate(METRICS.items()):
            box = QRectF(NAMES + gap / 2 + place * (width + gap), 0, width, HEAD + row * len(self._models))
            self._column(painter, box, row, metric, title)
        level = next(iter(self._scores.values())).intervals
        words = (
            f"Line: {level.level:.0%} interval, {level.dialogues} dialogues resampled"
            if level
            else "Intervals follow …"
        )
        if self._paper:
            words += f"{SEPARATOR}◇ the paper's score on {self._corpus}'s own test split"
        if note := macro_note([scores.confusion for scores in self._scores.values()], self._labels):
            words += f"{SEPARATOR}{note}"
        below = QRectF(0, box.bottom() + 22, self.width(), legend)
        write(painter, below, words, LEFT | Qt.TextFlag.TextWordWrap, muted=True)

    def _column(self, painter: QPainter, box: QRectF, row: float, metric: str, title: str) -> None:
        palette = theme.active_palette()
        write(painter, QRectF(box.left(), 0, box.width(), 20), title, CENTRE, bold=True)
        for tick in (0, 25, 50, 75, 100):
            x = box.left() + tick / 100 * box.width()
            painter.setPen(QColor(palette.line))
            painter.drawLine(QPointF(x, HEAD), QPointF(x, box.bottom()))
            if tick in (0, 50, 100):
                write(painter, QRectF(x - 20, box.bottom() + 2, 40, 16), str(tick), CENTRE, muted=True)
        for place, model in enumerate(self._models.keys):
            middle = HEAD + (place + 0.6) * row
            if metric == "weighted_f1" and model in self._paper:
                _diamond(painter, QPointF(box.left() + self._paper[model] / 100 * box.width(), middle))
            if model in self._scores:
                self._dot(painter, box, middle, self._scores[model], metric)

    def _dot(self, painter: QPainter, box: QRectF, middle: float, scores: Scores, metric: str) -> None:
        accent = QColor(theme.active_palette().accent)
        value = getattr(scores, metric)
        x = box.left() + value / 100 * box.width()
        if scores.intervals is not None:
            interval: Interval = getattr(scores.intervals, metric)
            ends = (box.left() + edge / 100 * box.width() for edge in (interval.low, interval.high))
            painter.setPen(QPen(accent, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(*(QPointF(end, middle) for end in ends))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(x, middle), 4.5, 4.5)
        left = min(max(x - 30, box.left()), box.right() - 60)
        write(painter, QRectF(left, middle - 21, 60, 16), f"{value:.1f}", CENTRE, bold=True)


def _diamond(painter: QPainter, centre: QPointF) -> None:
    painter.setPen(QPen(QColor(theme.active_palette().muted), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    corners = ((0, -6), (6, 0), (0, 6), (-6, 0))
    painter.drawPolygon(QPolygonF([centre + QPointF(x, y) for x, y in corners]))


class _Papers(QTreeWidget):
    """The published weighted F1 scores, by table."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Published weighted F1 scores")
        self.setHeaderLabels(["Published weighted F1", "MELD", "IEMOCAP"])
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setFont(theme.font(theme.CAPTION, tabular=True))
        self.setIndentation(12)
        self.setMinimumWidth(250)
        self.setToolTip("Reported on the corpora's own test splits; yours are comparable only on the same turns")
        groups = {
            "TelME, this model (table 2)": (published.TELME,),
            "Its modalities (table 4)": published.MODALITIES,
            "Its fusion and distillation (table 3)": published.ABLATION,
            "Other systems (table 2)": published.SYSTEMS,
            "Later": published.LATER,
        }
        for title, rows in groups.items():
            group = QTreeWidgetItem(self, [title])
            group.setFont(0, theme.font(theme.CAPTION, bold=True))
            group.setFirstColumnSpanned(True)
            group.setExpanded(True)
            for row in rows:
                item = QTreeWidgetItem(group, [row.name, _number(row.meld), _number(row.iemocap)])
                item.setToolTip(0, as_tip(row.source))
                for column in (1, 2):
                    item.setTextAlignment(column, RIGHT)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            self.headerItem().setTextAlignment(column, RIGHT)

    def light(self, label_set: str) -> None:
        """Make the column of this corpus bold."""
        for column, name in ((1, "meld"), (2, "iemocap")):
            self.headerItem().setFont(column, theme.font(theme.CAPTION, bold=name == label_set))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
