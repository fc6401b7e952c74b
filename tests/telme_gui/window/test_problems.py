"""What nobody expected becomes a report that can be copied, and the program goes on."""

import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.window.problems import ProblemBanner, Reporter


@pytest.fixture
def reporter(qtbot: QtBot) -> Iterator[Reporter]:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    reporter = Reporter(window)
    before = sys.excepthook, threading.excepthook
    reporter.install()
    yield reporter
    sys.excepthook, threading.excepthook = before


def fail() -> None:
    raise ValueError("a defect")


def text(reporter: Reporter) -> str:
    assert reporter.dialog is not None
    return reporter.dialog.text.toPlainText()


def test_an_error_in_a_slot_is_reported_and_can_be_copied(qtbot: QtBot, reporter: Reporter) -> None:
    QTimer.singleShot(0, fail)
    qtbot.waitUntil(lambda: reporter.dialog is not None and reporter.dialog.isVisible())
    assert "ValueError: a defect" in text(reporter)
    assert text(reporter).startswith("TelME Studio ")
    assert reporter.dialog is not None
    next(b for b in reporter.dialog.findChildren(QPushButton) if b.text() == "Copy").click()
    assert QGuiApplication.clipboard().text() == text(reporter)
    QTimer.singleShot(0, fail)  # a second one joins the first
    qtbot.waitUntil(lambda: text(reporter).count("ValueError: a defect") == 2)


def test_an_error_on_a_thread_is_reported(qtbot: QtBot, reporter: Reporter) -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: reporter.dialog is not None)
    assert "ValueError: a defect" in text(reporter)


def test_a_banner_says_it_until_dismissed(qtbot: QtBot) -> None:
    banner = ProblemBanner()
    qtbot.addWidget(banner)
    assert not banner.isVisible()
    banner.say("It failed", "the file is <b>gone</b>: look for it")
    assert banner.isVisible()
    assert banner.sentence.text() == "The file is <b>gone</b>: look for it"
    banner.dismiss.click()
    assert not banner.isVisible()
