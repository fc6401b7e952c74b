"""The menus: what every room offers, under the names of the menu bar."""

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from telme_gui.look.actions import Entry


class Menus:
    """Fills a menu bar, a menu for each name; `actions` are all of them, menu by menu."""

    def __init__(self, bar: QMenuBar, entries: Mapping[str, Sequence[Entry]]) -> None:
        named: dict[str, QMenu] = {name: bar.addMenu(f"&{name}") for name in entries}
        for name, menu in named.items():
            for entry in entries[name]:
                menu.addMenu(entry) if isinstance(entry, QMenu) else menu.addAction(entry)
        self.actions = {name: _flat(menu) for name, menu in named.items()}


def _flat(menu: QMenu) -> list[QAction]:
    """The actions of a menu and of the menus in it."""
    actions: list[QAction] = []
    for action in menu.actions():
        inner = action.menu()
        actions += _flat(inner) if isinstance(inner, QMenu) else [action]
    return actions
