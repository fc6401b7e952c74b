"""The panels around the middle: where they stand, and how they are shown, hidden and moved."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

NAVIGATOR, INSPECTOR, TIMELINE = 264, 336, 204  # px at the first start
TRAINING = 340  # px of height at least, for a panel that is asked for
LAYOUT = 2  # raised when the docks change, so that an older layout is not restored


class DockPlace(NamedTuple):
    """Where a panel stands, and what shows and hides it."""

    name: str
    area: Qt.DockWidgetArea
    panel: QWidget
    keys: str
    on_demand: bool = False  # beside the timeline, and not shown until it is asked for


class Docks(QObject):
    """The window's docks, `named`. While nothing is open they are hidden, and come back as they were."""

    def __init__(self, window: QMainWindow, places: Sequence[DockPlace], layout: QByteArray) -> None:
        """`layout` is that of an earlier window, empty for none."""
        super().__init__(window)
        self._window = window
        self._layout = layout  # while they are hidden
        self._unfolded = True
        self.named: dict[str, QDockWidget] = {}
        self.on_demand = tuple(place.name for place in places if place.on_demand)
        self.lasting = tuple(place.name for place in places if not place.on_demand)
        window.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks)
        for place in places:
            self._add(place)
        for name in self.on_demand:
            window.tabifyDockWidget(self.named["Timeline"], self.named[name])
            self.named[name].hide()
        self.show_titles(False)

    def _add(self, place: DockPlace) -> None:
        dock = self.named[place.name] = QDockWidget(place.name)
        dock.setObjectName(place.name)
        dock.setWidget(place.panel)
        dock.toggleViewAction().setObjectName(place.name)
        dock.toggleViewAction().setShortcut(QKeySequence(place.keys))
        self._window.addDockWidget(place.area, dock)

    def toggles(self, names: Sequence[str]) -> list[QAction]:
        """The actions that show and hide these panels."""
        return [self.named[name].toggleViewAction() for name in names]

    @property
    def layout(self) -> QByteArray:
        """Where they stand, or stood when they were hidden."""
        return self._window.saveState(LAYOUT) if self._unfolded else self._layout

    def show_titles(self, shown: bool) -> None:
        """Title bars are what panels are moved by; while they stay where they are, the room is better used."""
        for dock in self.named.values():
            old = dock.titleBarWidget()
            dock.setTitleBarWidget(None if shown else QWidget())  # type: ignore[arg-type]  # None is Qt's own bar
            if old is not None:
                old.deleteLater()

    def unfold(self, unfolded: bool) -> None:
        """Hide the docks while nothing is open, and bring them back as they were."""
        if unfolded == self._unfolded:
            return
        self._unfolded = unfolded
        if not unfolded:
            if self._window.isVisible():
                self._layout = self._window.saveState(LAYOUT)
            for name in self.lasting:
                self.named[name].hide()
        elif self._layout.isEmpty() or not self._window.restoreState(self._layout, LAYOUT):
            for name in self.lasting:
                self.named[name].show()
            sides = [self.named["Navigator"], self.named["Inspector"]]
            self._window.resizeDocks(sides, [NAVIGATOR, INSPECTOR], Qt.Orientation.Horizontal)
            self._window.resizeDocks([self.named["Timeline"]], [TIMELINE], Qt.Orientation.Vertical)

    def bring(self, name: str) -> None:
        """Show a panel that stands beside the timeline, with room to be read."""
        dock = self.named[name]
        dock.show()
        dock.raise_()
        if dock.height() < TRAINING and not dock.isFloating():
            self._window.resizeDocks([dock], [TRAINING], Qt.Orientation.Vertical)
