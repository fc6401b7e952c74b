"""Keys that label: digits by where they are on the keyboard, and one label a hit, however long a key is held."""

import sys
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QWindow
from PySide6.QtWidgets import QApplication, QWidget

# The digits of the row above the letters, by what the systems call its keys: X11's and Wayland's key codes, Windows'
# scan codes, Apple's virtual keys. On French and Czech layouts that row types something else unless Shift is held.
_X11 = {10 + place: (place + 1) % 10 for place in range(10)}
_WINDOWS = {2 + place: (place + 1) % 10 for place in range(10)}
_APPLE = {18: 1, 19: 2, 20: 3, 21: 4, 23: 5, 22: 6, 26: 7, 28: 8, 25: 9, 29: 0}
# ms from letting go of a key to hitting it again that no finger manages. X11 tells a key that is held as let go of and
# hit at the same moment, and now and then (1 in 20 on a busy Xvfb) Qt does not see through it.
_AT_ONCE = 10


class Hitting(QObject):
    """Sees to it that `actions` are triggered by hits. Where something is being written, keys are left alone."""

    def __init__(self, actions: Sequence[QAction], parent: QObject) -> None:
        super().__init__(parent)
        self._actions = actions
        self._released = (-1, 0)  # the key that was let go of last, and when

    def watch(self, widget: QWidget) -> None:
        """Follow the keys of a widget's window, whenever it is one."""
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take keys before shortcuts and lists do."""
        kind = event.type()
        if kind is QEvent.Type.Show and isinstance(watched, QWidget):
            handle = watched.windowHandle()  # another one each time that it becomes a window
            if handle is not None:
                handle.installEventFilter(self)
        elif isinstance(event, QKeyEvent) and isinstance(watched, QWindow):
            if kind is QEvent.Type.KeyRelease:
                self._released = (_place(event), event.timestamp())
            elif kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) and self._takes(event):
                event.accept()
                return True
        return super().eventFilter(watched, event)

    def _takes(self, event: QKeyEvent) -> bool:
        focus = QApplication.focusWidget()
        if focus is not None and focus.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
            return False
        held = event.isAutoRepeat() or (
            self._released[0] == _place(event) and 0 <= event.timestamp() - self._released[1] < _AT_ONCE
        )
        digit = _digit(event)
        if digit is not None and (action := self._bound(QKeySequence(str(digit)))) is not None:
            if event.type() is QEvent.Type.KeyPress and not held:
                action.trigger()
            return True
        return held and self._bound(QKeySequence(event.keyCombination())) is not None

    def _bound(self, keys: QKeySequence) -> QAction | None:
        return next((action for action in self._actions if action.isEnabled() and action.shortcut() == keys), None)


def _place(event: QKeyEvent) -> int:
    """Which key it is, whatever it types."""
    return event.nativeVirtualKey() if sys.platform == "darwin" else event.nativeScanCode()


def _digit(event: QKeyEvent) -> int | None:
    """The digit that stands on a key which types none; None for all others."""
    if event.modifiers() != Qt.KeyboardModifier.NoModifier or Qt.Key.Key_0 <= event.key() <= Qt.Key.Key_9:
        return None
    row = {"darwin": _APPLE, "win32": _WINDOWS}.get(sys.platform, _X11)
    return row.get(_place(event))
