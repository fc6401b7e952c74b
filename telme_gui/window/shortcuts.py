"""The overlay that lists every shortcut of the window."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from telme_gui.look import theme
from telme_gui.look.keys import Keys, shown, title
from telme_gui.look.words import Words

COLUMNS = 3


class Shortcuts(QFrame):
    """A sheet over the middle of the window; any key or click puts it away."""

    edit_wanted = Signal()

    def __init__(self, keys: Keys, parent: QWidget) -> None:
        super().__init__(parent)
        self._window, self._keys = parent, keys
        self._before: QWidget | None = None  # had the keyboard before
        self.setObjectName("overlay")
        self.setAccessibleName("Shortcuts")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        heading = Words("Shortcuts")
        heading.setObjectName("title")
        hint = Words("Letters and signs are inert while you type in a field. Any key puts this away.")
        hint.setObjectName("caption")
        self.edit = QPushButton("Edit shortcuts…")
        self.edit.setObjectName("quiet")
        self.edit.setAccessibleName("Edit shortcuts")
        self.edit.setToolTip("Give actions other keys")
        self.edit.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # every key puts the sheet away; the menu Help edits, too
        self.edit.clicked.connect(self._edit)
        head = QHBoxLayout()
        head.addWidget(heading)
        head.addStretch(1)
        head.addWidget(self.edit)
        self._page = QVBoxLayout(self)
        self._page.setContentsMargins(*4 * [3 * theme.RHYTHM])
        self._page.setSpacing(theme.RHYTHM)
        self._page.addLayout(head)
        self._page.addWidget(hint)
        self._page.addSpacing(theme.RHYTHM)
        self._list = QWidget()
        self._page.addWidget(self._list)
        parent.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Show the keys as they are now, and take the keyboard."""
        if not self.isVisible():
            self._before = self._window.focusWidget()
        self._fill()
        self._place()
        self.show()
        self.raise_()
        self.setFocus()

    def _fill(self) -> None:
        """List anew: emotions are the open corpus', and keys can be edited."""
        old, self._list = self._list, QWidget()
        self._page.replaceWidget(old, self._list)
        old.deleteLater()
        row = QHBoxLayout(self._list)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5 * theme.RHYTHM)
        for column in _spread(self._keys.groups):
            stack = QVBoxLayout()
            stack.setSpacing(theme.RHYTHM)
            for name, actions in column:
                stack.addLayout(_group(name, actions))
            stack.addStretch(1)
            row.addLayout(stack)

    def _put_away(self) -> None:
        before = self._before if self._before is not None and isValid(self._before) else self._window
        before.setFocus(Qt.FocusReason.OtherFocusReason)  # first, or hiding hands the keyboard to a neighbour
        self.hide()

    def _edit(self) -> None:
        self._put_away()
        self.edit_wanted.emit()

    def _place(self) -> None:
        self.adjustSize()
        room = self._window.rect()
        self.move(room.center() - self.rect().center())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's
        """Stay in the middle."""
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Keys that are shortcuts elsewhere put this away, too, and do nothing else."""
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's
        """Put it away."""
        if event.key() not in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta):
            self._put_away()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002 - Qt's
        """Put it away."""
        self._put_away()


def _spread(groups: Mapping[str, Sequence[QAction]]) -> list[list[tuple[str, list[QAction]]]]:
    """The groups in columns of about one height, the longest first."""
    columns: list[list[tuple[str, list[QAction]]]] = [[] for _ in range(COLUMNS)]
    heights = [0] * COLUMNS
    with_keys = {
        name: [action for action in actions if action.isVisible() and not action.shortcut().isEmpty()]
        for name, actions in groups.items()
    }
    for name, actions in sorted(with_keys.items(), key=lambda group: -len(group[1])):
        if actions:
            place = heights.index(min(heights))
            columns[place].append((name, actions))
            heights[place] += len(actions) + 2
    return [column for column in columns if column]


def _group(name: str, actions: Sequence[QAction]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(2 * theme.RHYTHM)
    grid.setVerticalSpacing(5)
    heading = Words(name)
    heading.setObjectName("caption")
    grid.addWidget(heading, 0, 0, 1, 2)
    for line, action in enumerate(actions, 1):
        keys = Words(shown(action.shortcut()))
        keys.setObjectName("keys")
        grid.addWidget(Words(title(action)), line, 0)
        grid.addWidget(keys, line, 1, Qt.AlignmentFlag.AlignRight)
    grid.setColumnStretch(0, 1)
    return grid
