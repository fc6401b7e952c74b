"""The strip at the window's top: menus, what is open, and which of the two views fills the middle."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QMenuBar,
    QProxyStyle,
    QSizePolicy,
    QStyle,
    QToolButton,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.keys import with_keys
from telme_gui.look.words import Marked, as_tip, marked

HEIGHT = 36  # px


class MainView(IntEnum):
    """What fills the middle."""

    DIALOGUE = 0
    CHARTS = 1


TIPS = {MainView.DIALOGUE: "Film and turns", MainView.CHARTS: "Scores and charts of the whole corpus"}


class MenuBar(QMenuBar):
    """Menus whose letters are underlined only while Alt is held, and until a menu was chosen by one."""

    def __init__(self) -> None:
        super().__init__()
        self._underline = Underline("Fusion")
        self._underline.setParent(self)
        self.setStyle(self._underline)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's
        """Look at what the system sends the window: a filter on the program would see every event of every widget."""
        handle = self.window().windowHandle()
        if handle is not None:
            handle.installEventFilter(self)
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's
        """Follow the Alt key, wherever in the window the keyboard is."""
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) and isinstance(event, QKeyEvent):
            held = event.type() is QEvent.Type.KeyPress
            if event.key() == Qt.Key.Key_Alt and held is not self._underline.shown:
                self._underline.shown = held
                self.update()
        return super().eventFilter(watched, event)


class Underline(QProxyStyle):
    """A style that underlines the letters of menus or not."""

    shown = False

    def styleHint(self, hint: QStyle.StyleHint, *rest: Any) -> int:  # noqa: D102, N802 - Qt's
        if hint is QStyle.StyleHint.SH_UnderlineShortcut:
            return int(self.shown)
        return super().styleHint(hint, *rest)


class Header(QWidget):
    """Menus at the left, corpus and run beside them, the two views at the right."""

    view_chosen = Signal(int)  # View

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.menus = MenuBar()
        self.menus.setNativeMenuBar(False)
        self.menus.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self._corpus, self._run = Marked(), Marked()
        self._corpus.setAccessibleName("Open corpus")
        self._run.setAccessibleName("Open run")
        for label in (self._corpus, self._run):
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._views = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.RHYTHM, 0, theme.RHYTHM, 0)
        row.setSpacing(4)
        row.addWidget(self.menus, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        row.addWidget(self._corpus)
        row.addSpacing(2 * theme.RHYTHM)
        row.addWidget(self._run)
        row.addStretch(1)
        for view, tip in TIPS.items():
            button = QToolButton()
            button.setObjectName("tab")
            button.setText(view.name.title())
            button.setToolTip(as_tip(tip))
            button.setAccessibleName(f"{view.name.title()} view")
            button.setCheckable(True)
            self._views.addButton(button, view)
            row.addWidget(button)
        self._views.idClicked.connect(self.view_chosen)

    def show_keys(self, actions: Mapping[MainView, QAction]) -> None:
        """Tell which keys each view has."""
        for view, action in actions.items():
            self._views.button(view).setToolTip(as_tip(with_keys(TIPS[view], action)))

    def show_view(self, view: MainView) -> None:
        """Mark the view that is shown."""
        self._views.button(view).setChecked(True)

    def show_open(self, corpus: str, about: str, run: str, headline: str) -> None:
        """Say what is open; without a corpus, nothing."""
        muted = theme.active_palette().muted
        pale = f"<span style='color:{muted}'>{{}}</span>"
        self._corpus.setText(marked(f"<b>{{}}</b> {pale}", corpus, about) if corpus else "")
        said = marked(f"{pale} <b>{{}}</b> {pale}", "run", run, headline) if run else marked(pale, "no run is open")
        self._run.setText(said if corpus else "")
        for button in self._views.buttons():
            button.setVisible(bool(corpus))
