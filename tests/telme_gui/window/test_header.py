"""The strip at the top: letters are underlined while Alt is held, and what is open is said."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QStyle
from pytestqt.qtbot import QtBot

from telme_gui.window.header import Header, MainView


def test_letters_of_menus_are_underlined_while_alt_is_held(qtbot: QtBot) -> None:
    header = Header()
    qtbot.addWidget(header)
    header.menus.addMenu("&File")
    header.show()

    def underlined() -> bool:
        return bool(header.menus.style().styleHint(QStyle.StyleHint.SH_UnderlineShortcut))

    plain = header.menus.grab().toImage()
    assert not underlined()
    QTest.keyPress(header.windowHandle(), Qt.Key.Key_Alt)
    assert underlined()
    assert header.menus.grab().toImage() != plain
    QTest.keyRelease(header.windowHandle(), Qt.Key.Key_Alt)
    assert not underlined()
    assert header.menus.grab().toImage() == plain


def test_it_says_what_is_open(qtbot: QtBot) -> None:
    header = Header()
    qtbot.addWidget(header)
    header.show_open("MELD", "meld", "", "")
    header.show_view(MainView.DIALOGUE)
    run = next(label for label in header.findChildren(QLabel) if label.accessibleName() == "Open run")
    assert "no run is open" in run.text()
    header.show_open("MELD", "meld", "night", "fused F1 67.4")
    assert "night" in run.text()
    assert "67.4" in run.text()
