"""Background work: it is announced, shown where it has a name, and nothing begins once it is closed."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from telme_gui.session.job import Job
from telme_gui.session.jobs import Jobs
from telme_model.events import Event, Message
from telme_model.files import DiskFullError


def endless() -> Iterator[Event]:
    while True:
        yield Message(text="at work")


def once() -> Iterator[Event]:
    yield Message(text="at work")


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


def test_a_job_is_announced_when_it_begins_advances_and_ends(qtbot: QtBot, jobs: Jobs) -> None:
    seen: list[int] = []
    jobs.changed.connect(lambda: seen.append(len(jobs.running)))
    jobs.start(once)
    qtbot.waitUntil(lambda: not jobs.running)
    assert seen == [1, 1, 0]


def test_a_job_that_is_begun_announces_no_event(qtbot: QtBot, jobs: Jobs) -> None:
    seen: list[int] = []
    jobs.changed.connect(lambda: seen.append(len(jobs.running)))
    jobs.begin(Job(once, jobs))
    qtbot.waitUntil(lambda: not jobs.running)
    assert seen == [1, 0]


def test_only_named_work_is_shown(jobs: Jobs) -> None:
    assert not jobs.busy
    jobs.start(endless)
    assert not jobs.busy
    jobs.start(endless, "Predicting")
    assert jobs.busy


def test_closing_stops_what_runs_and_is_told_once(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[str] = []
    jobs.closing.connect(lambda: told.append("closing"))
    jobs.closed.connect(lambda: told.append("closed"))
    job = jobs.start(endless)
    qtbot.waitUntil(job.isRunning)
    jobs.closing.connect(lambda: told.append(f"running: {job.isRunning()}"))
    jobs.closed.connect(lambda: told.append(f"running: {job.isRunning()}"))
    jobs.close()
    jobs.close()
    assert told == ["closing", "running: True", "closed", "running: False"]
    assert jobs.running == []


def test_what_went_wrong_is_said_with_what_to_do_and_a_defect_is_raised(jobs: Jobs) -> None:
    told: list[tuple[str, str]] = []
    jobs.failed.connect(lambda *parts: told.append(parts))
    jobs.fail("No run is kept", DiskFullError("no room in /runs"))
    assert told == [("No run is kept", f"no room in /runs. {DiskFullError.remedy}")]
    with pytest.raises(ZeroDivisionError):
        jobs.fail("No run is kept", ZeroDivisionError())
    assert len(told) == 1


def test_nothing_begins_once_it_is_closed(jobs: Jobs) -> None:
    """Whatever a timer or a late answer asks for."""
    begun: list[str] = []

    def work() -> Iterator[Event]:
        begun.append("work")
        yield Message(text="at work")

    jobs.close()
    job = jobs.start(work, "Charts")
    assert jobs.running == []
    QApplication.processEvents()
    assert not job.isRunning()
    assert not job.isFinished()
    assert not begun
