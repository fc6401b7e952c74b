"""The overlay that lists every shortcut of the window."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from telme_gui import theme

COLUMNS = 3
NATIVE = QKeySequence.SequenceFormat.NativeText


class Shortcuts(QFrame):
    """A sheet over the middle of the window; any key or click puts it away."""

    def __init__(self, groups: Mapping[str, Sequence[QAction]], parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("overlay")
        self.setAccessibleName("Shortcuts")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        title = QLabel("Shortcuts")
        title.setObjectName("title")
        hint = QLabel("Letters and signs are inert while you type in a field. Any key puts this away.")
        hint.setObjectName("caption")
        row = QHBoxLayout()
        row.setSpacing(5 * theme.RHYTHM)
        for column in _spread(groups):
            stack = QVBoxLayout()
            stack.setSpacing(theme.RHYTHM)
            for name, actions in column:
                stack.addLayout(_group(name, actions))
            stack.addStretch(1)
            row.addLayout(stack)
        page = QVBoxLayout(self)
        page.setContentsMargins(*4 * [3 * theme.RHYTHM])
        page.setSpacing(theme.RHYTHM)
        page.addWidget(title)
        page.addWidget(hint)
        page.addSpacing(theme.RHYTHM)
        page.addLayout(row)
        parent.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Show it, and take the keyboard."""
        self._place()
        self.show()
        self.raise_()
        self.setFocus()

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
            self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002 - Qt's
        """Put it away."""
        self.hide()


def _spread(groups: Mapping[str, Sequence[QAction]]) -> list[list[tuple[str, list[QAction]]]]:
    """The groups in columns of about one height, the longest first."""
    columns: list[list[tuple[str, list[QAction]]]] = [[] for _ in range(COLUMNS)]
    heights = [0] * COLUMNS
    with_keys = {name: [of for of in actions if not of.shortcut().isEmpty()] for name, actions in groups.items()}
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
    heading = QLabel(name)
    heading.setObjectName("caption")
    grid.addWidget(heading, 0, 0, 1, 2)
    for line, action in enumerate(actions, 1):
        keys = QLabel(action.shortcut().toString(NATIVE))
        keys.setObjectName("keys")
        grid.addWidget(QLabel(action.text().replace("&", "").rstrip("…")), line, 0)
        grid.addWidget(keys, line, 1, Qt.AlignmentFlag.AlignRight)
    grid.setColumnStretch(0, 1)
    return grid
