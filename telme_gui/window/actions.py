"""What is asked of the window itself, each with its keys: how it looks, where one goes, and help."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from telme_gui.look.actions import Entry, gap, window_action
from telme_gui.look.settings import Settings, Theme
from telme_gui.look.style import Appearance
from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_gui.window.docks import Docks
from telme_gui.window.header import MainView


def view_actions(
    window: QWidget, show: Callable[[MainView], None], docks: Docks, timeline: Sequence[QAction], themes: QMenu
) -> list[Entry]:
    """What is shown, in the order of a menu; `show` fills the middle, `timeline` are that panel's own."""
    scale = QMenu("Timeline", window)
    scale.addActions(timeline)
    titles = window_action(window, "Move panels", "", lambda: docks.show_titles(titles.isChecked()))
    full = window_action(window, "Full-screen window", "Ctrl+Shift+F", lambda: _fill_screen(window, full.isChecked()))
    for action in (titles, full):
        action.setCheckable(True)
    return [
        window_action(window, "Dialogue", "Ctrl+1", lambda: show(MainView.DIALOGUE)),
        window_action(window, "Charts", "Ctrl+2", lambda: show(MainView.CHARTS)),
        gap(window),
        *docks.toggles(docks.lasting),
        titles,
        gap(window),
        scale,
        themes,
        gap(window),
        full,
    ]


def theme_menu(window: QWidget, settings: Settings, appearance: Appearance) -> QMenu:
    """The themes; the one that is chosen is taken now and at the next start."""

    def choose(theme: Theme) -> None:
        settings.theme = theme
        appearance.choose(theme)

    menu, group = QMenu("Theme", window), QActionGroup(window)
    for theme in Theme:
        action = window_action(window, theme.value.title(), "", partial(choose, theme))
        action.setCheckable(True)
        action.setChecked(theme is appearance.choice)
        group.addAction(action)
        menu.addAction(action)
    return menu


def go_actions(
    window: QWidget,
    session: Session,
    go_to: Callable[[str], object],
    find: Callable[[], None],
    step_panel: Callable[[int], None],
) -> list[Entry]:
    """Where one goes, in the order of a menu; `go_to` chooses a turn by its name."""

    def ask() -> None:
        name, agreed = QInputDialog.getText(
            window,
            "Go to turn",
            "Turn, such as test/dia3_utt5",
            text=str(session.current.id) if session.current else "",
        )
        if agreed and name.strip():
            go_to(name.strip())

    return [
        window_action(window, "Find…", "Ctrl+F", find),
        window_action(window, "Go to turn…", "Ctrl+L", ask),
        gap(window),
        window_action(window, "Next found turn", "F3", lambda: session.step_found(1)),
        window_action(window, "Previous found turn", "Shift+F3", lambda: session.step_found(-1)),
        window_action(window, "Show all turns", "Ctrl+Shift+A", lambda: session.set_filter(Filter())),
        gap(window),
        window_action(window, "Next panel", "F6", lambda: step_panel(1)),
        window_action(window, "Previous panel", "Shift+F6", lambda: step_panel(-1)),
    ]


def _fill_screen(window: QWidget, filled: bool) -> None:
    if filled:
        window.showFullScreen()
    else:
        window.showNormal()
