"""Keys as the system tells them: digits by their place on foreign layouts, and one label however long a key is held."""

import sys

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from pytestqt.qtbot import QtBot

from telme_gui.annotating.hitting import _APPLE, _WINDOWS, _X11
from telme_gui.window.main_window import MainWindow

# What the key of the digit 4 types without Shift; Qt has no name for č.
LAYOUTS = {"us": Qt.Key.Key_4, "fr": Qt.Key.Key_Apostrophe, "cz": 0x10D}


def key(window: MainWindow, kind: QEvent.Type, typed: int, digit: int, time: int, *, again: bool = False) -> bool:
    """Tell the window's handle of a key as its system would; whether it was taken."""
    rows = {"darwin": _APPLE, "win32": _WINDOWS}.get(sys.platform, _X11)
    code = next(code for code, its in rows.items() if its == digit)
    event = QKeyEvent(kind, typed, Qt.KeyboardModifier.NoModifier, code, code, 0, "", again)
    event.setTimestamp(time)
    event.ignore()
    handle = window.windowHandle()
    assert handle is not None
    QCoreApplication.sendEvent(handle, event)
    return event.isAccepted()


def press(window: MainWindow, typed: int, digit: int, time: int, *, again: bool = False) -> bool:
    taken = key(window, QEvent.Type.ShortcutOverride, typed, digit, time, again=again)
    if taken:  # else shortcuts are tried
        key(window, QEvent.Type.KeyPress, typed, digit, time, again=again)
    return taken


@pytest.fixture
def labelled(qtbot: QtBot, opened: MainWindow) -> MainWindow:
    """Annotating, on the first turn."""
    opened.annotating.annotate.trigger()
    opened.annotator.plays = False
    opened.session.select(opened.session.turns[0].id)
    opened.turns.view.setFocus()
    qtbot.waitUntil(lambda: opened.windowHandle() is not None)
    return opened


def mine(window: MainWindow) -> list[str]:
    session = window.session
    return [emotion for turn in session.turns if (emotion := session.labels.emotion(turn.id)) is not None]


@pytest.mark.parametrize("layout", ["fr", "cz"])
def test_the_digit_row_labels_whatever_it_types(labelled: MainWindow, layout: str) -> None:
    assert labelled.session.corpus is not None
    assert press(labelled, LAYOUTS[layout], 4, 1000)
    assert mine(labelled) == [labelled.session.corpus.labels.labels[3]]
    labelled.annotating.annotate.trigger()  # annotating ends: the key is its layout's again
    assert not press(labelled, LAYOUTS[layout], 4, 2000)


def test_a_digit_that_the_layout_types_is_left_to_the_shortcuts(labelled: MainWindow) -> None:
    assert not press(labelled, LAYOUTS["us"], 4, 1000)
    assert mine(labelled) == []


def test_keys_of_the_row_are_letters_where_something_is_written(labelled: MainWindow) -> None:
    labelled.search()
    press(labelled, LAYOUTS["fr"], 4, 1000)
    assert mine(labelled) == []


@pytest.mark.parametrize("known", [True, False], ids=["told by Qt", "taken for hits by Qt"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_held_key_labels_once(labelled: MainWindow, layout: str, known: bool) -> None:
    first = press(labelled, LAYOUTS[layout], 4, 1000)
    before = mine(labelled)
    for time in range(1500, 2000, 40):
        key(labelled, QEvent.Type.KeyRelease, LAYOUTS[layout], 4, time, again=known)
        assert press(labelled, LAYOUTS[layout], 4, time, again=known)
    assert mine(labelled) == before
    key(labelled, QEvent.Type.KeyRelease, LAYOUTS[layout], 4, 3000)
    assert press(labelled, LAYOUTS[layout], 4, 3100) == first  # a hit of its own
    assert len(mine(labelled)) == 2 * len(before)


def test_no_key_of_annotating_repeats(labelled: MainWindow) -> None:
    keyed = [action for action in labelled.annotating.all if not action.isSeparator()]
    assert keyed
    assert not any(action.autoRepeat() for action in keyed)
