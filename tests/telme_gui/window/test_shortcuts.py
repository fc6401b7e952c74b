"""Keys can be changed: conflicts are named at once, what was chosen comes back, and tooltips and the sheet follow."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.app import make_window
from telme_gui.look.keys import Keys, refusal
from telme_gui.look.settings import Settings
from telme_gui.look.style import Appearance
from telme_gui.player.view import PictureView
from telme_gui.window.key_editor import KeyEditor
from telme_gui.window.main_window import MainWindow

Key = Qt.Key


def named(**keys: str) -> Keys:
    """Actions by these names, with these keys."""
    actions = []
    for name, text in keys.items():
        action = QAction(name)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(text))
        actions.append(action)
    return Keys({"All": actions})


def now(keys: Keys) -> dict[str, str]:
    return {name: action.shortcut().toString() for name, action in keys.actions.items()}


# what keys there are


def test_who_takes_keys_leaves_the_other_without(qapp: QApplication) -> None:
    keys = named(accept="A", flag="F", charts="")
    assert keys.chosen == {}
    keys.give(keys.actions["flag"], QKeySequence("A"))
    assert now(keys) == {"accept": "", "flag": "A", "charts": ""}
    assert keys.chosen == {"accept": "", "flag": "A"}
    keys.restore({})
    assert now(keys) == {"accept": "A", "flag": "F", "charts": ""}


def test_two_actions_that_changed_keys_get_them_back(qapp: QApplication) -> None:
    keys = named(accept="A", flag="F")
    keys.restore({"accept": "F", "flag": "A"})
    assert now(keys) == {"accept": "F", "flag": "A"}


def test_what_cannot_be_is_left_out(qapp: QApplication) -> None:
    keys = named(accept="A", flag="F", clear="Backspace")
    keys.restore({"accept": "Up", "gone": "Ctrl+9", "flag": "rubbish", "clear": "Ctrl+K, Ctrl+K"})
    assert now(keys) == {"accept": "A", "flag": "F", "clear": "Backspace"}
    keys.restore({"accept": "X", "flag": "X"})
    assert now(keys) == {"accept": "X", "flag": "F", "clear": "Backspace"}


def test_a_chosen_key_is_stronger_than_one_that_an_action_came_with(qapp: QApplication) -> None:
    keys = named(accept="A", new="N")
    keys.restore({"accept": "N"})
    assert now(keys) == {"accept": "N", "new": ""}


NAMES = st.sampled_from(["accept", "flag", "clear", "charts", "gone"])
TEXTS = st.sampled_from(["", "A", "F", "X", "Ctrl+1", "Shift+S", "F5", "Up", "Esc", "?"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=st.dictionaries(NAMES, TEXTS), steps=st.lists(st.tuples(NAMES, TEXTS), max_size=6))
def test_no_two_actions_ever_have_the_same_keys_and_all_of_them_come_back(
    qapp: QApplication, chosen: dict[str, str], steps: list[tuple[str, str]]
) -> None:
    own = {"accept": "A", "flag": "F", "clear": "Backspace", "charts": "Ctrl+1"}
    keys = named(**own)
    keys.restore(chosen)
    for name, text in steps:
        if name in keys.actions and not (text and refusal(QKeySequence(text))):
            keys.give(keys.actions[name], QKeySequence(text))
            assert now(keys)[name] == text
    held = [text for text in now(keys).values() if text]
    assert len(set(held)) == len(held)
    again = named(**own)
    again.restore(keys.chosen)
    assert now(again) == now(keys)


@pytest.mark.parametrize("text", ["Up", "Left", "Shift+Down", "Tab", "Shift+Tab", "Return", "Enter", "Esc", "Home", ""])
def test_keys_that_lists_and_fields_need_are_refused(qapp: QApplication, text: str) -> None:
    assert refusal(QKeySequence(text))


@pytest.mark.parametrize("text", ["A", "Shift+A", "Ctrl+Up", "Alt+Return", "Space", "Backspace", "F5", "?", "7"])
def test_others_are_not(qapp: QApplication, text: str) -> None:
    assert not refusal(QKeySequence(text))


# the editor


@pytest.fixture
def editor(qtbot: QtBot, opened: MainWindow) -> KeyEditor:
    """Over a window with a corpus and a run, annotating."""
    opened.annotating.annotate.trigger()
    opened.annotator.plays = False
    editor = opened.edit_shortcuts()
    qtbot.waitUntil(editor.isActiveWindow)
    return editor


def record(editor: KeyEditor, name: str, key: Key, *, ctrl: bool = False) -> None:
    """Choose an action and press keys for it."""
    editor.choose(name)
    editor.tree.setFocus()
    QTest.keyClick(editor.tree, Key.Key_Return)
    assert editor.field.hasFocus()
    modifiers = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(editor.field, key, modifiers)


def test_every_action_of_every_menu_has_one_name(opened: MainWindow) -> None:
    static = [action for actions in opened.keys.groups.values() for action in actions]
    assert len(static) > 50
    assert len({action.objectName() for action in static}) == len(static)
    with_keys = {id(of) for actions in opened.menus.actions.values() for of in actions if not of.shortcut().isEmpty()}
    assert with_keys <= {id(action) for action in static}


def test_recorded_keys_work_at_once_and_the_old_ones_no_longer(
    qtbot: QtBot, opened: MainWindow, editor: KeyEditor
) -> None:
    record(editor, "Accept", Key.Key_X)
    assert "X" in editor.verdict.text()
    assert opened.annotating.accept.toolTip().endswith("(X)")
    assert opened.settings.keys == {"Accept": "X"}
    editor.close()
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    opened.turns.view.setFocus()
    session = opened.session
    first = session.current
    assert first is not None
    QTest.keyClick(opened.turns.view, Key.Key_A)
    assert session.current is first
    QTest.keyClick(opened.turns.view, Key.Key_X)
    assert session.labels.emotion(first.id)
    assert session.current is not first


def test_keys_of_another_action_are_named_and_can_be_taken(opened: MainWindow, editor: KeyEditor) -> None:
    record(editor, "Flag", Key.Key_S)
    assert "“Skip”" in editor.verdict.text()
    assert opened.annotating.skip.shortcut().toString() == "S"
    assert opened.annotating.flag.shortcut().toString() == "F"
    assert editor.take.isVisible()
    QTest.mouseClick(editor.take, Qt.MouseButton.LeftButton)
    assert opened.annotating.flag.shortcut().toString() == "S"
    assert opened.annotating.skip.shortcut().isEmpty()
    assert "(" not in opened.annotating.skip.toolTip()
    assert editor.take.isHidden()


def test_leaving_the_field_takes_nothing(opened: MainWindow, editor: KeyEditor) -> None:
    record(editor, "Flag", Key.Key_S)
    QTest.keyClick(editor.field, Key.Key_Escape)
    assert editor.isVisible()
    assert editor.tree.hasFocus()
    assert editor.take.isHidden()
    assert editor.field.keySequence() == QKeySequence("F")
    assert opened.keys.chosen == {}
    QTest.keyClick(editor.tree, Key.Key_Escape)
    assert not editor.isVisible()


def test_a_refused_key_is_explained_and_the_old_one_stays(opened: MainWindow, editor: KeyEditor) -> None:
    record(editor, "Flag", Key.Key_Up)
    assert "Up" in editor.verdict.text()
    assert editor.field.keySequence() == QKeySequence("F")
    record(editor, "Flag", Key.Key_Up, ctrl=True)
    assert "“Louder”" in editor.verdict.text()
    assert opened.keys.chosen == {}


def test_clear_reset_and_reset_all(opened: MainWindow, editor: KeyEditor) -> None:
    record(editor, "Flag", Key.Key_G)
    QTest.mouseClick(editor.clear, Qt.MouseButton.LeftButton)
    assert opened.keys.chosen == {"Flag": ""}
    assert not editor.clear.isEnabled()
    record(editor, "Skip", Key.Key_F)
    editor.choose("Flag")
    QTest.mouseClick(editor.reset, Qt.MouseButton.LeftButton)
    assert "“Skip”" in editor.verdict.text()
    assert editor.take.isVisible()
    QTest.mouseClick(editor.take, Qt.MouseButton.LeftButton)
    assert opened.keys.chosen == {"Skip": ""}
    QTest.mouseClick(editor.reset_all, Qt.MouseButton.LeftButton)
    assert opened.keys.chosen == {}
    assert opened.annotating.skip.shortcut().toString() == "S"
    assert not editor.reset_all.isEnabled()


def test_the_search_finds_actions_and_keys(editor: KeyEditor) -> None:
    def found() -> list[str]:
        return [name for name, item in editor._items.items() if not item.isHidden()]

    editor.search.setText("flag")
    assert found() == ["Flag"]
    assert editor.chosen.objectName() == "Flag"
    editor.search.setText("shift+space")
    assert found() == ["Play on"]
    editor.search.setText("zebra")
    assert found() == []
    editor.search.setText("")
    assert len(found()) == len(editor._items)


# the window


def test_chosen_keys_hold_from_the_start(qtbot: QtBot, appearance: Appearance) -> None:
    window = make_window(Settings(keys={"Charts": "Ctrl+7", "Label 1": "Q", "no more": "W"}), appearance)
    qtbot.addWidget(window)
    assert window.keys.actions["Charts"].shortcut() == QKeySequence("Ctrl+7")
    assert window.annotating.emotions[0].shortcut() == QKeySequence("Q")
    window.close()
    assert window.settings.keys == {"Charts": "Ctrl+7", "Label 1": "Q"}


def test_the_sheet_and_all_tooltips_tell_the_changed_keys(opened: MainWindow) -> None:
    opened.annotating.annotate.trigger()
    opened.keys.restore({"Label 1": "Q", "Play turn": "P", "Charts": "Ctrl+7", "Zoom in": "Ctrl+8"})
    opened.open_shortcuts()
    said = {label.text() for label in opened.shortcuts.findChildren(QLabel)}
    emotion = opened.annotating.emotions[0].text()
    assert {"Q", "P", "Ctrl+7", "Ctrl+8", emotion} <= said
    assert not {"1", "Space", "Ctrl+2", "Label 8"} & said
    told = {widget.toolTip() for widget in opened.findChildren(QWidget) if widget.toolTip()}
    assert {"Play turn (P)", "Scores and charts of the whole corpus (Ctrl+7)", "Zoom in (Ctrl+8)"} <= told


def test_the_sheet_leads_to_the_editor(qtbot: QtBot, opened: MainWindow) -> None:
    opened.open_shortcuts()
    QTest.mouseClick(opened.shortcuts.edit, Qt.MouseButton.LeftButton)
    assert not opened.shortcuts.isVisible()
    assert [editor for editor in opened.findChildren(KeyEditor) if editor.isVisible()]


def test_keys_label_on_the_full_screen_and_a_comment_returns_from_it(qtbot: QtBot, opened: MainWindow) -> None:
    opened.annotating.annotate.trigger()
    opened.annotator.plays = False
    first = opened.session.current
    assert first is not None
    opened.player.toggle_full_screen()
    stage = opened.findChildren(PictureView)[0]
    assert stage.window() is not opened
    stage.window().activateWindow()
    qtbot.waitUntil(stage.window().isActiveWindow)
    QTest.keyClick(stage, Key.Key_1)
    assert opened.session.labels.emotion(first.id)
    assert stage.window() is not opened
    QTest.keyClick(stage, Key.Key_C)
    assert not opened.player.is_full_screen
    assert opened.focusWidget().accessibleName() == "Comment on the turn"
