"""The small buttons below the lanes' names."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from telme_gui.look import theme
from telme_gui.look.keys import with_keys
from telme_gui.look.words import as_tip

SIDE = 17  # px of a button


class Tools(QWidget):
    """One button an action, showing its icon text."""

    _palette: theme.Palette | None = None  # as last styled

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for action in actions:
            button = QToolButton(self)
            button.setDefaultAction(action)
            action.changed.connect(partial(_tell, button))  # its keys can be edited
            _tell(button)
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setFixedSize(SIDE, SIDE)
            row.addWidget(button)
        self._colour()
        self.adjustSize()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Other colours."""
        if theme.active_palette() is not self._palette:
            self._colour()
        super().changeEvent(event)

    def _colour(self) -> None:
        palette = self._palette = theme.active_palette()  # first: a new style sheet is a change, too
        self.setStyleSheet(
            f"QToolButton {{ border: none; border-radius: 4px; color: {palette.muted}; background: transparent;"
            f" font-family: Inter; font-size: {theme.BODY}px; padding: 0 }}"
            f"QToolButton:hover, QToolButton:focus {{ background: {palette.raised}; color: {palette.text} }}"
            f"QToolButton:checked {{ color: {palette.accent} }}"
        )


def _tell(button: QToolButton) -> None:
    action = button.defaultAction()
    button.setToolTip(as_tip(with_keys(action.text(), action)))
