"""Which emotions a model takes for which: a matrix whose cells choose turns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolTip, QVBoxLayout, QWidget

from telme_gui.charts.subset import Subset
from telme_gui.look import chips, theme
from telme_gui.look.figure import CENTRE, RIGHT, Figure, mixed, write
from telme_gui.look.words import Words, as_tip
from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED, Models

NAMES, HEAD, TOTALS = 104, 56, 56  # px
GAP = 2  # px
ROOM_FOR_BODY = 36  # px of a cell's width; below, its share is small and without the sign
ROOM_FOR_TWO = 38  # px of a cell that shows its count below its share
_KEYS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


class ConfusionPage(QWidget):
    """The matrix of the chosen model; a click on a cell shows its turns alone."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._part: Subset | None = None
        self._matrix = Matrix(self)
        self._matrix.chosen.connect(self._filter)
        self._model = QComboBox(self)
        self._model.setAccessibleName("Model")
        self._model.setToolTip("Whose predictions the matrix counts")
        self._model.activated.connect(self._draw)
        hint = Words("Click a cell to see its turns")
        hint.setObjectName("caption")
        head = QHBoxLayout()
        head.addWidget(Words("Model"))
        head.addWidget(self._model)
        head.addStretch(1)
        head.addWidget(hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._matrix, 1)

    @property
    def matrix(self) -> "Matrix":
        """The drawn matrix."""
        return self._matrix

    def show_part(self, part: Subset) -> None:
        """Show a part's matrix."""
        self._part = part
        self._offer(part.predictions.models)
        self._draw()

    def _offer(self, models: Models) -> None:
        """Let one choose among these; the choice stays where it can, and is the fused model at first."""
        chosen = self._model.currentData()
        if [self._model.itemData(place) for place in range(self._model.count())] == list(models.keys):
            return
        self._model.clear()
        for model in models:
            self._model.addItem(model.short, model.key)
        self._model.setCurrentIndex(self._model.findData(chosen if chosen in models.keys else FUSED))

    def _draw(self) -> None:
        if self._part is not None:
            truth, labels = self._part.predictions.truth, self._part.predictions.labels
            nothing = f"This model predicted no turn with a label by {truth}"
            counts = self._part.confusion(self._model.currentData())
            self._matrix.show_counts(labels, counts, rows=truth, columns=self._model.currentText(), nothing=nothing)

    def _filter(self, gold: int, predicted: int) -> None:
        if self._part is None:
            return
        model, labels = self._model.currentData(), self._part.predictions.labels
        name = f"{self._part.predictions.truth} {labels[gold]}, {self._model.currentText()} {labels[predicted]}"
        if self._part.split is not None:
            name = f"{self._part.split}: {name}"
        self._session.set_filter(Filter(turns=self._part.turns_in_cell(model, gold, predicted), turns_name=name))


class Matrix(Figure):
    """Two who label the same turns, each row's shares shaded; arrows and Enter do what the mouse does.

    As a rule gold has the rows and a model the columns.
    """

    chosen = Signal(int, int)  # row and column, as places in the labels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Confusion matrix", parent)
        self._labels: Sequence[str] = ()
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._rows = self._columns = ""
        self._at: tuple[int, int] | None = None  # under the mouse or the keys
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Cells that hold two lines."""
        return QSize(NAMES + 7 * 72 + TOTALS, HEAD + 7 * 48)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Cells that hold a number."""
        return QSize(NAMES + 7 * 40 + TOTALS, HEAD + 7 * 24)

    def show_counts(
        self, labels: Sequence[str], counts: NDArray[np.int64], *, rows: str, columns: str, nothing: str = ""
    ) -> None:
        """Draw this matrix [C, C] of whom `rows` and `columns` name; `nothing` is said of an empty one."""
        self._labels, self._counts, self._at = labels, counts, None
        self._rows, self._columns = rows, columns
        self.say("" if counts.any() else nothing)

    def cell(self, gold: int, predicted: int) -> QRectF:
        """Where a cell lies."""
        width, height = self._cell_size
        return QRectF(NAMES + predicted * width, HEAD + gold * height, width - GAP, height - GAP)

    @property
    def _cell_size(self) -> tuple[float, float]:
        count = max(1, len(self._labels))
        return min(104.0, (self.width() - NAMES - TOTALS) / count), min(64.0, (self.height() - HEAD) / count)

    def draw(self, painter: QPainter) -> None:
        """Names, cells and the number of turns of every row."""
        width, height = self._cell_size
        write(painter, QRectF(NAMES, 0, width * len(self._labels), 20), self._columns, CENTRE, muted=True)
        name = painter.fontMetrics().elidedText(self._rows, Qt.TextElideMode.ElideRight, NAMES - 12)
        write(painter, QRectF(0, 28, NAMES - 12, 20), name, muted=True)
        totals = self._counts.sum(1)
        for place, label in enumerate(self._labels):
            chips.paint_chip(painter, QRect(0, round(HEAD + place * height), NAMES - 8, round(height - GAP)), label)
            self._head(painter, QRectF(NAMES + place * width, 28, width - GAP, 20), label)
            right = QRectF(NAMES + width * len(self._labels), HEAD + place * height, TOTALS - 8, height - GAP)
            write(painter, right, f"{totals[place]:,}", RIGHT, muted=True)
        write(painter, QRectF(NAMES + width * len(self._labels), 28, TOTALS - 8, 20), "turns", RIGHT, muted=True)
        for gold in range(len(self._labels)):
            for predicted in range(len(self._labels)):
                self._cell(painter, gold, predicted, int(totals[gold]))

    def _head(self, painter: QPainter, box: QRectF, label: str) -> None:
        metrics = painter.fontMetrics()
        needed = chips.chip_size(label, metrics, letter_only=True).width()
        left = box.left() + max(0.0, (box.width() - needed) / 2)
        chips.paint_chip(painter, QRectF(left, box.top(), box.width(), 20).toRect(), label, letter_only=True)

    def _cell(self, painter: QPainter, gold: int, predicted: int, total: int) -> None:
        palette = theme.active_palette()
        count = int(self._counts[gold, predicted])
        share = count / total if total else 0.0
        box = self.cell(gold, predicted)
        ground = mixed(QColor(palette.raised), QColor(palette.accent), share)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 4, 4)
        if gold == predicted or self._at == (gold, predicted):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            outline = palette.text if self._at == (gold, predicted) else palette.accent
            painter.setPen(QPen(QColor(outline), 1.5))
            painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
        if not count:
            return
        ink = max((QColor(palette.text), QColor(palette.surface)), key=lambda ink: chips.contrast(ink, ground))
        two = box.height() >= ROOM_FOR_TWO
        wide = box.width() >= ROOM_FOR_BODY
        size, said = (theme.BODY, f"{share:.0%}") if wide else (theme.CAPTION, f"{100 * share:.0f}")
        painter.setFont(theme.font(size, bold=gold == predicted, tabular=True))
        painter.setPen(ink)
        painter.drawText(box.adjusted(0, 0, 0, -box.height() / 2.6 if two else 0), CENTRE, said)
        if two:
            painter.setFont(theme.font(theme.CAPTION, tabular=True))
            painter.drawText(box.adjusted(0, box.height() / 2.4, 0, 0), CENTRE, f"{count:,}")

    # -- mouse and keys -----------------------------------------------------------------------------------------

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """The cell under a point, as gold and predicted."""
        width, height = self._cell_size
        column, row = int((point.x() - NAMES) // width), int((point.y() - HEAD) // height)
        count = len(self._labels)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def words_at(self, point: QPoint) -> str:
        """What a cell counts, in a sentence."""
        at = self.cell_at(QPointF(point))
        if at is None or not self._counts.any():
            return ""
        row, column = (self._labels[place] for place in at)
        of = f"{self._counts[at]:,} of the {int(self._counts[at[0]].sum()):,} turns"
        return f"{of} that {self._rows} calls {row}: {self._columns} says {column}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Outline the cell."""
        self._point_at(self.cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """No cell."""
        self._point_at(None)
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Choose the cell."""
        at = self.cell_at(event.position())
        if at is not None and event.button() is Qt.MouseButton.LeftButton and self._counts.any():
            self.chosen.emit(*at)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Walk the cells and choose one."""
        key = Qt.Key(event.key())
        if key in _KEYS and self._labels:
            row, column = self._at or (0, 0)
            down, right = _KEYS[key] if self._at else (0, 0)
            last = len(self._labels) - 1
            self._point_at((min(max(row + down, 0), last), min(max(column + right, 0), last)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._at and self._counts.any():
            self.chosen.emit(*self._at)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """What the cell counts."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), as_tip(self.words_at(event.pos())), self)
            return True
        return super().event(event)

    def _point_at(self, at: tuple[int, int] | None) -> None:
        if at != self._at:
            self._at = at
            self.setCursor(Qt.CursorShape.PointingHandCursor if at else Qt.CursorShape.ArrowCursor)
            self.update()
