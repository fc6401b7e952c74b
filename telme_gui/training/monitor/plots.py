"""The monitor's two plots: loss terms by step, scores on dev by epoch; the legend reads out values under the mouse."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QGraphicsItem, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.words import Marked, Words, marked
from telme_gui.training.monitor.inks import Ink
from telme_gui.training.monitor.series import Doubles, thinned

FAINT = 0.3  # opacity of values behind their smoothed curve
MARK = 7  # px
LEAST, FLAT = 150, 100  # px of height: usually, and where there is little
_NICE = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve to be drawn: points in order, what lies faintly behind it, and the point to be ringed."""

    ink: Ink
    x: Doubles
    y: Doubles
    behind: Doubles | None = None
    best: tuple[float, float] | None = None


class Plot(QWidget):
    """A title, a legend and a plot. Arrows move the reading line where the plot has the keyboard."""

    _palette: theme.Palette | None = None  # as last drawn

    def __init__(self, name: str, unit: str, *, marks: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.unit, self._marks, self._log = unit, marks, False
        self.lines: tuple[Curve, ...] = ()
        self._items: list[_Items] = []
        self._read: float | None = None  # where the reading line stands
        self._range: tuple[float, ...] = ()
        self._last: float = math.inf  # only so many of the latest x
        self._planned = 0.0  # the last x to come
        self.title, self.legend = Words(), Marked()
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.legend.setWordWrap(True)
        self.legend.setFont(theme.font(theme.CAPTION, tabular=True))
        self.view = _View(self)
        self.view.setAccessibleName(name)
        self.view.pointed.connect(self._point)
        self.view.stepped.connect(self._step)
        self._cursor = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self.view.addItem(self._cursor, ignoreBounds=True)
        self._empty = Words(parent=self.view)
        self._empty.setObjectName("muted")
        self._lay_out()
        self._colour()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(self.legend, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        self.title.setStyleSheet("font-weight: 600")
        self.setMinimumHeight(LEAST)

    def flatten(self, flat: bool) -> None:
        """Do with little height."""
        self.setMinimumHeight(FLAT if flat else LEAST)

    # -- what is drawn ------------------------------------------------------------------------------------------

    def show_lines(
        self,
        title: str,
        lines: Sequence[Curve],
        *,
        log: bool = False,
        last: float = math.inf,
        planned: float = 0.0,
        empty: str = "",
    ) -> None:
        """Draw these in place of the former ones; `last` keeps to so many of the latest x, `planned` are to come."""
        self.title.setText(title)
        self.lines, self._last, self._planned = tuple(line for line in lines if len(line.x)), last, planned
        if log != self._log:
            self._log = log
            self.view.getAxis("left").setLogMode(y=log)
        self._empty.setText("" if self.lines else empty)
        for side in ("bottom", "left"):
            self.view.getAxis(side).setVisible(bool(self.lines))
        self._place_empty()
        while len(self._items) < len(self.lines):
            self._items.append(_Items(self.view, marks=self._marks))
        first, end = self._span()
        shown: list[Doubles] = []
        for place, items in enumerate(self._items):
            line = self.lines[place] if place < len(self.lines) else None
            shown += items.show(line, first, log=log)
        self._frame(first, end, shown)
        self._tell()

    def _span(self) -> tuple[float, float]:
        """The first and the last x to be shown; the last in coarse steps, so that axes are not drawn at each point."""
        end = max((float(line.x[-1]) for line in self.lines), default=1.0)
        if self._marks:
            return 0.5, max(end, self._planned) + 0.5
        if math.isinf(self._last):
            return 0.0, nice(end)
        stride = max(self._last / 20, 1.0)
        end = math.ceil(end / stride) * stride
        return max(0.0, end - self._last), max(end, min(self._last, nice(end)))

    def _frame(self, first: float, end: float, shown: Sequence[Doubles]) -> None:
        finite = [values[np.isfinite(values)] for values in shown]
        finite = [values for values in finite if len(values)]
        low, high = (min(v.min() for v in finite), max(v.max() for v in finite)) if finite else (0.0, 1.0)
        if self._log:
            low, high = math.floor(low * 5) / 5, math.ceil(high * 5 + 1e-9) / 5
            high = max(high, low + 0.2)
        else:
            # Scores lie close together: tens around them. Losses are seen against 0.
            low, high = _tens(low, high) if self._marks else (min(low, 0.0), nice(high))
        wanted = (first, end, low, high)
        if wanted != self._range:
            self._range = wanted
            if self._marks:  # epochs are whole
                self.view.getAxis("bottom").setTickSpacing(max(1, math.ceil(end / 16)), 1)
            self.view.setRange(xRange=(first, end), yRange=(low, high), padding=0, disableAutoRange=True)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Keep the words in the middle."""
        super().resizeEvent(event)
        self._place_empty()

    def _place_empty(self) -> None:
        self._empty.setVisible(bool(self._empty.text()))
        self._empty.adjustSize()
        self._empty.move(
            (self.view.width() - self._empty.width()) // 2, (self.view.height() - self._empty.height()) // 2
        )

    # -- reading ------------------------------------------------------------------------------------------------

    def _point(self, x: float) -> None:
        self._read = None if math.isnan(x) else x
        self._tell()

    def _step(self, by: int) -> None:
        """Move the reading line by points of the longest curve."""
        if self.lines:
            x = max((line.x for line in self.lines), key=len)
            here = len(x) - 1 if self._read is None else int(np.searchsorted(x, self._read)) + by
            self._read = float(x[min(max(here, 0), len(x) - 1)])
            self._tell()

    def _tell(self) -> None:
        """The legend: names; under the reading line, each curve's value there; otherwise its best where it has one."""
        parts, at = [], None
        for line in self.lines:
            value = line.best[1] if line.best else None
            if self._read is not None:
                place = nearest(line.x, self._read)
                at = float(line.x[place]) if at is None else at
                value = float(line.y[place])
            number = "" if value is None else f" <b>{value:.1f}</b>" if self._marks else f" <b>{value:.3f}</b>"
            ink = line.ink
            parts.append(marked('<span style="color:{}">{}</span> {}', ink.colour, ink.glyph, ink.name) + number)
        if at is not None:
            parts.insert(0, f"{self.unit} {at:.0f}")
            self._cursor.setPos(at)
        self._cursor.setVisible(at is not None)
        words = " &nbsp; ".join(parts)
        if words != self.legend.text():
            self.legend.setText(words)

    # -- colours ------------------------------------------------------------------------------------------------

    def _colour(self) -> None:
        palette = self._palette = theme.active_palette()
        self.view.setBackground(palette.surface)
        for side in ("bottom", "left"):
            axis = self.view.getAxis(side)
            axis.setPen(palette.line)
            axis.setTextPen(palette.muted)
            axis.setStyle(tickFont=theme.font(theme.CAPTION, tabular=True), tickLength=0, maxTickLevel=0)
            axis.enableAutoSIPrefix(False)
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)  # their text takes longer than the curves
        self._cursor.setPen(pyqtgraph.mkPen(palette.muted, width=1))
        for items in self._items:
            items.forget()
        if self.lines:
            self.show_lines(self.title.text(), self.lines, log=self._log, last=self._last, planned=self._planned)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Other colours."""
        if self._palette is not None and theme.active_palette() is not self._palette:
            self._colour()
        super().changeEvent(event)


class _Axis(pyqtgraph.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """Plain numbers on a logarithmic axis as well."""

    def logTickStrings(self, values: Sequence[float], _scale: float, _spacing: float) -> list[str]:  # noqa: N802
        """0.01, 0.1, 1, 10 ...; within a decade only 2 and 5 times that, for the others stand too close."""
        return [f"{10.0**value:g}" if f"{10.0**value:.0e}"[0] in "125" else "" for value in values]


class _View(pyqtgraph.PlotWidget):  # type: ignore[misc]  # pyqtgraph has no types
    """pyqtgraph's plot without its menu and its mouse; tells where it is pointed at."""

    pointed = Signal(float)  # x; NaN where the mouse left
    stepped = Signal(int)  # by so many points, by key

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, axisItems={"left": _Axis("left")})
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(False, False)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)  # it would ask for 480 px of height
        self.setToolTip("Point at the curves, or move with the arrows, to read their values above")
        self.getPlotItem().setContentsMargins(0, 4, 8, 0)
        self.getAxis("left").setWidth(40)
        self.showGrid(y=True, alpha=0.7)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's names, here and below
        """Read there."""
        super().mouseMoveEvent(event)
        box = self.getViewBox()
        if box.sceneBoundingRect().contains(event.position()):
            self.pointed.emit(float(box.mapSceneToView(event.position()).x()))

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        """Leave it to what scrolls the page."""
        event.ignore()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Read nothing any more."""
        super().leaveEvent(event)
        self.pointed.emit(math.nan)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows read on, Escape reads nothing."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps:
            self.stepped.emit(steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Escape:
            self.pointed.emit(math.nan)
        else:
            event.ignore()


class _Items:
    """What draws one line: the curve, what is behind it, its marks and its ring."""

    def __init__(self, view: _View, *, marks: bool) -> None:
        self.behind = pyqtgraph.PlotCurveItem(connect="finite")
        self.curve = pyqtgraph.PlotCurveItem(connect="finite", antialias=True)
        self.marks = pyqtgraph.ScatterPlotItem(size=MARK, pen=None) if marks else None
        self.ring = pyqtgraph.ScatterPlotItem(size=MARK + 7, brush=None) if marks else None
        self._dipped: tuple[Ink, float] | None = None
        for item in (self.behind, self.curve, self.marks, self.ring):
            if item is not None:
                view.addItem(item, ignoreBounds=True)

    def forget(self) -> None:
        """Take the ink anew."""
        self._dipped = None

    def show(self, line: Curve | None, first: float, *, log: bool) -> list[Doubles]:
        """Draw a line, or nothing; what was drawn, as it lies on the y axis."""
        x, y, behind = np.zeros(0), np.zeros(0), None
        if line is not None:
            # A wide pen is slow on a jagged curve, and fast on few points.
            self._dip(line.ink, 1.5 if self.marks is not None or line.behind is not None else 1.0)
            x, y = thinned(line.x, line.y, first, smooth=line.behind is not None)
            behind = None if line.behind is None else thinned(line.x, line.behind, first)
        y = _scaled(y, log)
        self.curve.setData(x, y)
        if behind is not None:
            self.behind.setData(behind[0], _scaled(behind[1], log))
        self.behind.setVisible(behind is not None)
        if self.marks is not None and self.ring is not None:
            best = line.best if line else None
            self.marks.setData(x, y)
            self.ring.setData([best[0]] if best else [], _scaled(np.array([best[1]]), log) if best else [])
        return [y] if behind is None else [y, _scaled(behind[1], log)]

    def _dip(self, ink: Ink, width: float) -> None:
        if (ink, width) == self._dipped:
            return
        self._dipped = (ink, width)
        faint = QColor(ink.colour)
        faint.setAlphaF(FAINT)
        self.curve.setPen(pyqtgraph.mkPen(ink.colour, width=width))
        self.behind.setPen(pyqtgraph.mkPen(faint, width=1))
        if self.marks is not None and self.ring is not None:
            self.marks.setSymbol(ink.mark)
            self.marks.setBrush(ink.colour)
            self.ring.setPen(pyqtgraph.mkPen(ink.colour, width=1.5))


def _tens(low: float, high: float) -> tuple[float, float]:
    low = math.floor(low / 10) * 10.0
    return low, max(math.ceil((high + 1.5) / 10) * 10.0, low + 10)  # room for the ring around the best


def _scaled(values: Doubles, log: bool) -> Doubles:
    """The logarithm where the axis is logarithmic; of 0 there is none."""
    return np.log10(np.where(values > 0, values, np.nan)) if log else values


def nearest(x: Doubles, wanted: float) -> int:
    """The place of the x next to the wanted one."""
    place = int(np.searchsorted(x, wanted))
    if place and (place == len(x) or wanted - x[place - 1] <= x[place] - wanted):
        place -= 1
    return place


def nice(value: float) -> float:
    """The next round number that is not below."""
    if not value > 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return next((step * decade for step in _NICE if step * decade >= value * (1 - 1e-9)), 10 * decade)
