"""What a person can ask for by menu or key: how such an action is made."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

Entry = QAction | QMenu  # of a menu


def window_action(window: QWidget, text: str, keys: str, slot: Callable[[], object]) -> QAction:
    """An action whose keys hold in the whole window, also while its menu has never been shown.

    Its name (see `Keys`) is its text as it is now.
    """
    action = QAction(text, window)
    action.setObjectName(text.rstrip("…"))
    if keys:
        action.setShortcut(QKeySequence(keys))
    action.triggered.connect(lambda _checked=False: slot())
    window.addAction(action)
    return action


def gap(parent: QObject) -> QAction:
    """A line between two groups of actions."""
    line = QAction(parent)
    line.setSeparator(True)
    return line
