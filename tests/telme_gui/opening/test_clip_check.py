"""Missing and silent clips are found while nothing else is going on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from telme_gui.opening import clip_check
from telme_gui.opening.clip_check import ClipCheck
from telme_gui.session.filter import Filter
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.corpus import open_corpus
from telme_model.events import Event, Message
from tests.support.corpora import MISSING, SILENT


@pytest.fixture
def session(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(clip_check, "AFTER", 0)
    session = Session(Jobs())
    yield session
    session.close()


def test_what_is_wrong_with_clips_is_told_and_can_be_filtered_for(qtbot: QtBot, session: Session, series: Path) -> None:
    ClipCheck(session, session)
    session.set_corpus(open_corpus(series))
    qtbot.waitUntil(lambda: len(session.media_problems) == len(MISSING | SILENT))
    found = {(turn.split, int(turn.dialogue), turn.utterance): said for turn, said in session.media_problems.items()}
    assert set(found) == MISSING | SILENT
    assert all(found[turn].endswith("does not exist.") for turn in MISSING)
    assert all(found[turn].endswith("has no sound.") for turn in SILENT)
    session.set_filter(Filter(media_problem=True))
    assert int(session.visible.sum()) == len(found)
    qtbot.waitUntil(lambda: not session.jobs.running)


def test_it_waits_for_the_player_and_for_work_that_was_asked_for(qtbot: QtBot, session: Session, series: Path) -> None:
    check = ClipCheck(session, session)
    check.set_playing(True)
    session.set_corpus(open_corpus(series))
    qtbot.waitUntil(lambda: bool(session.jobs.running))
    assert session.jobs.running[0].paused
    asked = session.jobs.start(_endless, "Predicting")
    check.set_playing(False)
    assert session.jobs.running[0].paused
    asked.stop()
    qtbot.waitUntil(lambda: not session.jobs.running)
    assert session.media_problems


def _endless() -> Iterator[Event]:
    while True:
        yield Message(text="still at it")
