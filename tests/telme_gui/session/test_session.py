"""A session that is closed: nothing begins any more, whatever a timer or a late answer asks for."""

from collections.abc import Iterator

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from telme_gui.session.session import Session
from telme_model.events import Event, Message


def test_a_closed_session_begins_nothing(qtbot: QtBot) -> None:
    session = Session()
    begun: list[str] = []

    def work() -> Iterator[Event]:
        begun.append("work")
        yield Message(text="at work")

    session.close()
    job = session.start(work, "Charts")
    assert session.jobs == []
    QApplication.processEvents()
    assert not job.isRunning()
    assert not job.isFinished()
    assert not begun


def test_closing_is_told_once(qtbot: QtBot) -> None:
    session = Session()
    told: list[bool] = []
    session.closing.connect(lambda: told.append(True))
    session.close()
    session.close()
    assert told == [True]
