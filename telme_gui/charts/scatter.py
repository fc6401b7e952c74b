"""Shift against margin: a dot a turn, coloured by what the fusion did to it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyqtgraph
from numpy.typing import NDArray
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from telme_gui.charts.subset import RowNumbers, Subset
from telme_gui.look import theme
from telme_gui.look.words import Marked, Words
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED
from telme_model.analysis.predictions import Effect

DOT = 7  # px
REST = "the rest"
KINDS = (REST, Effect.RESCUED, Effect.HARMED)  # the later ones above
Floats = NDArray[np.float32]


class ScatterPage(QWidget):
    """Dots that choose their turn; wheel and drag zoom and move."""

    _palette: theme.Palette | None = None  # as last drawn

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._part: Subset | None = None
        self._rows: dict[str, RowNumbers] = {kind: np.zeros(0, np.intp) for kind in KINDS}
        self._plot = pyqtgraph.PlotWidget(self)
        self._plot.setAccessibleName("Shift against margin, a dot a turn")
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._dots = {kind: self._make_dots(kind) for kind in KINDS}
        self._ring = pyqtgraph.ScatterPlotItem(size=DOT + 8, pxMode=True)
        self._plot.addItem(self._ring)
        self._legend = Marked(self)
        self._note = Words("Click a dot to go to its turn, double-click to see all again", self)
        self._note.setObjectName("caption")
        self._still = Words("This run's fusion shifts nothing: there is no shift to set beside the margin")
        self._still.setObjectName("empty")
        self._still.setWordWrap(True)
        head = QHBoxLayout()
        head.addWidget(self._legend)
        head.addStretch(1)
        head.addWidget(self._note)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._plot, 1)
        column.addWidget(self._still, 1)
        self._plot.scene().sigMouseClicked.connect(self._clicked)
        session.current_changed.connect(self._mark)
        self._colour()

    def _make_dots(self, kind: str) -> Any:
        # One item a colour: with a colour a dot, thirteen thousand dots take a second.
        dots = pyqtgraph.ScatterPlotItem(size=DOT, pxMode=True, hoverable=True, hoverSize=DOT + 3, tip=_tip)
        dots.sigClicked.connect(partial(self._choose, kind))
        self._plot.addItem(dots)
        return dots

    def show_part(self, part: Subset) -> None:
        """Show a part's turns of which shift and margin are known."""
        self._part, self._rows = part, _by_kind(part)
        for widget in (self._legend, self._note, self._plot):
            widget.setVisible(part.predictions.models.shifts)
        self._still.setVisible(not part.predictions.models.shifts)
        for kind, rows in self._rows.items():
            margins, shifts = self.points(rows)
            self._dots[kind].setData(x=margins, y=shifts)
        self._mark()
        self._show_all()

    def points(self, rows: RowNumbers | Sequence[int]) -> tuple[Floats, Floats]:
        """Margins and shifts of some rows of the predictions."""
        if self._part is None:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        return self._part.predictions.margin[FUSED][rows], self._part.predictions.shift[rows]

    @property
    def rows(self) -> dict[str, RowNumbers]:
        """Which rows of the predictions are dots of which kind."""
        return self._rows

    def choose(self, kind: str, dot: int) -> None:
        """Make the turn of a dot the current one."""
        if self._part is not None:
            self._session.select(self._part.predictions.ids[self._rows[kind][dot]])

    def _choose(self, kind: str, _item: Any, spots: Any, _event: Any) -> None:
        if len(spots):
            self.choose(kind, int(spots[0].index()))

    def _clicked(self, event: Any) -> None:
        if event.double():
            self._show_all()

    def _show_all(self) -> None:
        _, shifts = self.points(np.concatenate(list(self._rows.values())))
        self._plot.setRange(xRange=(0, 1), yRange=(0, float(shifts.max(initial=0.1))), padding=0.03)

    def _mark(self) -> None:
        """A ring around the current turn."""
        row = self._session.prediction_row()
        shown = row is not None and any(row in rows for rows in self._rows.values())
        margins, shifts = self.points([row] if shown and row is not None else [])
        self._ring.setData(x=margins, y=shifts)

    def _colour(self) -> None:
        palette = self._palette = theme.active_palette()
        self._plot.setBackground(palette.surface)
        for side, title in {"bottom": "margin of the fused prediction", "left": "shift ‖λH‖"}.items():
            axis = self._plot.getAxis(side)
            axis.setPen(palette.line)
            axis.setTextPen(palette.muted)
            axis.setStyle(tickFont=theme.font(theme.CAPTION, tabular=True))
            axis.setLabel(title, color=palette.muted, **{"font-size": f"{theme.CAPTION}px"})
            axis.setSIPrefixEnableRanges(())  # plain numbers; a new label forgets it
            axis.enableAutoSIPrefix(False)
        colours = {REST: palette.muted, Effect.RESCUED: palette.good, Effect.HARMED: palette.bad}
        for kind, name in colours.items():
            colour = QColor(name)
            colour.setAlphaF(0.45 if kind == REST else 0.95)
            self._dots[kind].setPen(None)
            self._dots[kind].setBrush(colour)
        self._ring.setBrush(None)
        self._ring.setPen(pyqtgraph.mkPen(palette.text, width=1.5))
        self._legend.setText(
            "&nbsp; ".join(f'<span style="color:{name}">●</span> {kind}' for kind, name in colours.items())
        )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Other colours."""
        if self._palette is not None and theme.active_palette() is not self._palette:
            self._colour()
        super().changeEvent(event)


def _tip(x: float, y: float, **_: object) -> str:
    return f"margin {x:.2f}, shift ‖λH‖ {y:.2f}"


def _by_kind(part: Subset) -> dict[str, RowNumbers]:
    predictions = part.predictions
    known = ~np.isnan(predictions.margin[FUSED]) & ~np.isnan(predictions.shift)
    rows = part.rows[known[part.rows]]
    rescued, harmed = (predictions.effects[effect][rows] for effect in (Effect.RESCUED, Effect.HARMED))
    return {REST: rows[~rescued & ~harmed], Effect.RESCUED: rows[rescued], Effect.HARMED: rows[harmed]}
