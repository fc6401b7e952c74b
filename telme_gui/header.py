"""The strip at the window's top: menus, what is open, and which of the two views fills the middle."""

from enum import IntEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QMenuBar, QSizePolicy, QToolButton, QWidget

from telme_gui import theme

HEIGHT = 36  # px


class View(IntEnum):
    """What fills the middle."""

    DIALOGUE = 0
    CHARTS = 1


class Header(QWidget):
    """Menus at the left, corpus and run beside them, the two views at the right."""

    view_chosen = Signal(int)  # View

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.menus = QMenuBar()
        self.menus.setNativeMenuBar(False)
        self.menus.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self._corpus, self._run = QLabel(), QLabel()
        self._corpus.setAccessibleName("Open corpus")
        self._run.setAccessibleName("Open run")
        for label in (self._corpus, self._run):
            label.setTextFormat(Qt.TextFormat.RichText)
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
        for view, tip in ((View.DIALOGUE, "Film and turns"), (View.CHARTS, "Scores and charts of the whole corpus")):
            button = QToolButton()
            button.setObjectName("tab")
            button.setText(view.name.title())
            button.setToolTip(f"{tip} (Ctrl+{view + 1})")
            button.setAccessibleName(f"{view.name.title()} view")
            button.setCheckable(True)
            self._views.addButton(button, view)
            row.addWidget(button)
        self._views.idClicked.connect(self.view_chosen)

    def show_view(self, view: View) -> None:
        """Mark the view that is shown."""
        self._views.button(view).setChecked(True)

    def show_open(self, corpus: str, about: str, run: str, headline: str) -> None:
        """Say what is open; without a corpus, nothing."""
        muted = theme.active_palette().muted
        self._corpus.setText(f"<b>{corpus}</b> <span style='color:{muted}'>{about}</span>" if corpus else "")
        said = f"<b>{run}</b> <span style='color:{muted}'>{headline}</span>" if run else "no run"
        self._run.setText(f"<span style='color:{muted}'>run</span> {said}" if corpus else "")
        for button in self._views.buttons():
            button.setVisible(bool(corpus))
