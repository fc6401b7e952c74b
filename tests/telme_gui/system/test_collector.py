"""What is garbage is deleted on the window's thread, whichever thread works."""

import gc
import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from telme_gui.session.job import Job
from telme_gui.system.collector import Collector
from telme_model.events import Event, Message
from tests.telme_gui.conftest import WAIT


class Ring:
    """Holds itself, so that only the collector deletes it."""

    deleted_on: list[threading.Thread]

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        Ring.deleted_on.append(threading.current_thread())


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[Collector]:
    Ring.deleted_on = []
    collector = Collector()
    yield collector
    collector.rest()


def test_garbage_of_a_busy_thread_is_collected_by_the_window(qtbot: QtBot, collector: Collector) -> None:
    def work() -> Iterator[Event]:
        kept: list[list[int]] = []
        Ring()
        while not Ring.deleted_on:
            kept[:] = [[number] for number in range(5000)]  # enough that any collector finds it time
            yield Message(text="made")

    job = Job(work)
    with qtbot.waitSignal(job.done, timeout=WAIT):
        job.start()
    job.wait()
    assert Ring.deleted_on == [threading.main_thread()]
    collector.rest()
    assert gc.isenabled()
