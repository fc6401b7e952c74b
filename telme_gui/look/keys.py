"""The keys of the window's actions: as they come, and as a person has changed them."""

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence

NATIVE = QKeySequence.SequenceFormat.NativeText
PORTABLE = QKeySequence.SequenceFormat.PortableText
_MOVING = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Tab,
        Qt.Key.Key_Backtab,
        Qt.Key.Key_Return,
        Qt.Key.Key_Enter,
        Qt.Key.Key_Escape,
    }
)
_HOLDERS = frozenset({Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta})


def title(action: QAction) -> str:
    """What an action is called outside its menu; its own name while its text has nothing to say."""
    return action.text().replace("&", "").rstrip("…✓ ") or action.objectName()


def shown(keys: QKeySequence) -> str:
    """Keys as this system writes them."""
    return keys.toString(NATIVE)


def with_keys(tip: str, action: QAction) -> str:
    """A tooltip that ends with the action's keys, where it has any."""
    keys = action.shortcut()
    return tip if keys.isEmpty() else f"{tip} ({shown(keys)})"


def refusal(keys: QKeySequence) -> str:
    """Why these cannot be an action's keys, in a sentence; "" where they can."""
    chord: QKeyCombination = keys[0] if keys.count() == 1 else QKeyCombination(Qt.Key.Key_unknown)  # type: ignore[index]
    if chord.key() in (Qt.Key.Key_unknown, *_HOLDERS):
        return "Press one key, alone or with Ctrl, Alt or Shift."
    plain = chord.keyboardModifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
    if plain and chord.key() in _MOVING:
        return f"{shown(keys)} moves about in lists, fields and dialogs. Take it with Ctrl or Alt, or another key."
    return ""


class Keys(QObject):
    """The actions that have a name (`objectName`, the same in every language and corpus), and their keys.

    No two actions ever have the same keys: who takes another's leaves that one without.
    """

    changed = Signal()

    def __init__(self, groups: Mapping[str, Sequence[QAction]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        named = {name: [action for action in actions if action.objectName()] for name, actions in groups.items()}
        self.groups = {name: actions for name, actions in named.items() if actions}
        self.actions = {action.objectName(): action for actions in self.groups.values() for action in actions}
        self.own = {name: action.shortcut() for name, action in self.actions.items()}  # as they come

    @property
    def chosen(self) -> dict[str, str]:
        """What a person changed: an action's name and its keys, "" for none."""
        now = {name: action.shortcut() for name, action in self.actions.items()}
        return {name: keys.toString(PORTABLE) for name, keys in now.items() if keys != self.own[name]}

    def is_changed(self, action: QAction) -> bool:
        """Whether its keys are not those that it came with."""
        return action.shortcut() != self.own[action.objectName()]

    def restore(self, chosen: Mapping[str, str]) -> None:
        """Take `chosen` as it was; names that are gone, keys that cannot be, and the second of two alike are left out.

        A key that came with an action meanwhile stays with the action for which a person chose it.
        """
        taken: dict[str, QKeySequence] = {}
        for name, text in chosen.items():
            keys = QKeySequence(text, PORTABLE)
            usable = not text or not refusal(keys)
            if name in self.actions and usable and (not text or keys not in taken.values()):
                taken[name] = keys
        for name, keys in self.own.items():
            if name not in taken:
                taken[name] = QKeySequence() if keys in taken.values() else keys
        for name, keys in taken.items():
            self.actions[name].setShortcut(keys)
        self.changed.emit()

    def holder(self, keys: QKeySequence, other_than: QAction) -> QAction | None:
        """The other action that has these keys."""
        others: Iterable[QAction] = (action for action in self.actions.values() if action is not other_than)
        return next((action for action in others if not keys.isEmpty() and action.shortcut() == keys), None)

    def give(self, action: QAction, keys: QKeySequence) -> None:
        """Give an action keys, empty ones for none; another that has them loses them."""
        holder = self.holder(keys, action)
        if holder is not None:
            holder.setShortcut(QKeySequence())
        action.setShortcut(keys)
        self.changed.emit()
