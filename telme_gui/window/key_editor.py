"""The dialog in which the window's keys are changed."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.keys import Keys, refusal, shown, title
from telme_gui.look.widgets import push_button, row
from telme_gui.look.words import Words, as_tip

NAME = Qt.ItemDataRole.UserRole  # of an action
CHANGED = "•"  # before keys that are not those that an action came with


class KeyField(QKeySequenceEdit):
    """Takes one chord; Escape and Tab go on to where they always go."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMaximumSequenceLength(1)
        self.setAccessibleName("Keys of the chosen action")
        self.setToolTip("Click here, then press the keys; Esc goes back to the list")
        self._line().setPlaceholderText("Press the keys")

    def show_keys(self, keys: QKeySequence) -> None:
        """Show keys that were not pressed here."""
        self.blockSignals(True)
        self.setKeySequence(keys)
        self.blockSignals(False)

    def _line(self) -> QLineEdit:
        return next(iter(self.findChildren(QLineEdit)))

    def event(self, event: QEvent) -> bool:
        """Let the keyboard leave by its own keys."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                self.left.emit()
                return True
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and not event.modifiers() & _CHORD:
                return bool(self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab))
        return bool(super().event(event))


_CHORD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class KeyEditor(QDialog):
    """Every named action, menu by menu; the chosen one's keys are changed below the list and hold at once."""

    def __init__(self, keys: Keys, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = keys
        self._wanted = QKeySequence()  # what another action has
        self._chosen = ""  # name of an action
        self.setWindowTitle("Edit shortcuts")
        self.resize(520, 560)
        self.search = QLineEdit(placeholderText="Find an action or its keys", clearButtonEnabled=True)
        self.search.setAccessibleName("Find an action or its keys")
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(0)
        self.tree.setItemsExpandable(False)
        self.tree.setObjectName("keys")
        self.tree.setAccessibleName("Actions and their keys")
        self.name, self.field, self.verdict = Words(), KeyField(), Words(wordWrap=True)
        self.take = push_button("Take it", "Give the keys to the chosen action; the other is left without")
        self.clear = push_button("Clear", "Leave the action without keys")
        self.reset = push_button("Reset", "Give the action back the keys that it came with")
        self.reset_all = push_button("Reset all", "Give all actions back the keys that they came with")
        self._items = self._fill()
        self._arrange()
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Return in the list begins to record, and presses none of them
        self.search.textChanged.connect(self._find)
        self.tree.currentItemChanged.connect(self._show_chosen)
        self.tree.itemActivated.connect(lambda _item, _column: self.field.setFocus())
        self.search.returnPressed.connect(self.field.setFocus)
        self.field.keySequenceChanged.connect(self._press)
        self.field.left.connect(self._leave_field)
        self.take.clicked.connect(lambda: self._give(self._wanted))
        self.clear.clicked.connect(lambda: self._give(QKeySequence()))
        self.reset.clicked.connect(self._reset)
        self.reset_all.clicked.connect(self._reset_all)
        keys.changed.connect(self._show_keys)
        self._show_keys()
        self.tree.setCurrentItem(next(iter(self._items.values())))

    def _fill(self) -> dict[str, QTreeWidgetItem]:
        """The rows by the names of their actions."""
        items: dict[str, QTreeWidgetItem] = {}
        self._headings: list[QTreeWidgetItem] = []
        for group, actions in self._keys.groups.items():
            heading = QTreeWidgetItem(self.tree, [group])
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            heading.setFont(0, theme.font(theme.CAPTION))
            heading.setForeground(0, QColor(theme.active_palette().muted))
            for action in actions:
                item = items[action.objectName()] = QTreeWidgetItem(heading, [title(action)])
                item.setData(0, NAME, action.objectName())
                item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            heading.setExpanded(True)
            self._headings.append(heading)
        return items

    def _arrange(self) -> None:
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.verdict.setObjectName("caption")
        self.verdict.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.name.setStyleSheet("font-weight: 600")
        close = push_button("Close", "The keys hold already")
        close.clicked.connect(self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(*4 * [2 * theme.RHYTHM])
        column.setSpacing(theme.RHYTHM)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addLayout(row(self.name, None, self.field, self.clear, self.reset))
        below = row(self.verdict, self.take)
        self.verdict.setMinimumHeight(self.take.sizeHint().height())
        column.addLayout(below)
        column.addLayout(row(self.reset_all, None, close))

    @property
    def chosen(self) -> QAction:
        """The action whose keys are changed."""
        return self._keys.actions[self._chosen]

    def choose(self, name: str) -> None:
        """Choose the action of this name."""
        self.tree.setCurrentItem(self._items[name])

    # -- following ----------------------------------------------------------------------------------------------

    def _show_keys(self) -> None:
        for name, item in self._items.items():
            action = self._keys.actions[name]
            changed = self._keys.is_changed(action)
            keys = shown(action.shortcut()) or ("none" if changed else "")
            item.setText(1, f"{CHANGED} {keys}" if changed else keys)
            own = shown(self._keys.own[name])
            item.setToolTip(
                1, as_tip(f"Changed; it came {f'with {own}' if own else 'without keys'}" if changed else "")
            )
        self.reset_all.setEnabled(bool(self._keys.chosen))

    def _show_chosen(self) -> None:
        item = self.tree.currentItem()
        name = item.data(0, NAME) if item is not None else None  # a heading has none
        for widget in (self.field, self.clear, self.reset):
            widget.setEnabled(name is not None)
        if name is None:
            return
        self._chosen = str(name)
        action = self.chosen
        self.name.setText(title(action))
        self.field.show_keys(action.shortcut())
        self.clear.setEnabled(not action.shortcut().isEmpty())
        self.reset.setEnabled(self._keys.is_changed(action))
        self._say("Press Enter, then the new keys.")

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.verdict.setText(text)
        self.verdict.setObjectName("wrong" if wrong else "caption")
        self.verdict.style().polish(self.verdict)
        self.take.hide()

    def _find(self, text: str) -> None:
        """Leave the rows whose action or keys have the words; a heading goes with its last row."""
        words = text.casefold().strip()
        for item in self._items.values():
            item.setHidden(words not in f"{item.text(0)}\n{item.text(1)}".casefold())
        for heading, actions in zip(self._headings, self._keys.groups.values(), strict=True):
            heading.setHidden(all(self._items[action.objectName()].isHidden() for action in actions))
        found = [name for name, item in self._items.items() if not item.isHidden()]
        if found and self._chosen not in found:
            self.choose(found[0])

    # -- changing -----------------------------------------------------------------------------------------------

    def _press(self, keys: QKeySequence) -> None:
        """Keys were pressed: give them to the action, or say why not."""
        if keys.isEmpty():
            return
        action = self.chosen
        reason = refusal(keys)
        holder = self._keys.holder(keys, action)
        if reason:
            self.field.show_keys(action.shortcut())
            self._say(reason, wrong=True)
        elif holder is not None:
            self._wanted = keys
            self._say(f"{shown(keys)} belongs to “{title(holder)}”, which would be left without.", wrong=True)
            self.take.show()
        else:
            self._give(keys)

    def _give(self, keys: QKeySequence) -> None:
        action = self.chosen
        loser = self._keys.holder(keys, action)
        self._keys.give(action, keys)
        self._show_chosen()
        has = f"has {shown(keys)} now" if not keys.isEmpty() else "has no keys now"
        self._say(f"“{title(action)}” {has}" + (f"; “{title(loser)}” has none." if loser else "."))

    def _reset(self) -> None:
        keys = self._keys.own[self.chosen.objectName()]
        self.field.show_keys(keys)
        if keys.isEmpty():
            self._give(keys)
        else:
            self._press(keys)

    def _reset_all(self) -> None:
        self._keys.restore({})
        self._show_chosen()
        self._say("All actions have the keys again that they came with.")

    def _leave_field(self) -> None:
        self._show_chosen()
        self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
