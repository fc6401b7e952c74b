"""What `check` hears and sees in a clip, and that it raises no alarm over sound recordings."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from telme_model.bundled import DEMO_CORPUS
from telme_model.corpus import Clip, Severity, Split, Turn, TurnId, open_corpus
from telme_model.corpus.health import ProblemFound
from telme_model.events import Progress
from telme_model.media import health
from telme_model.media.health import check_media
from telme_model.media.listening import BIN
from tests.conftest import ROOT
from tests.support import clips

REAL = ROOT.parent / "shared" / "data" / "real"
SIX = "Well I never said that once."


def turn(clip: Clip, text: str = "Okay.", *, sound: bool = True, picture: bool = True, number: int = 0) -> Turn:
    return Turn(
        id=TurnId(Split.DEV, "0", number), speaker="Ada", text=text, gold="joy", start=None, end=None, row=2,
        video=clip if picture else None, audio=clip if sound else None,
    )  # fmt: skip


def codes(*turns: Turn) -> list[str]:
    found = [event.problem for event in check_media(turns) if isinstance(event, ProblemFound)]
    assert all(problem.reason.endswith(".") for problem in found)
    return [problem.code for problem in found]


def dark(_time: float) -> np.ndarray:
    return np.full((120, 160, 3), 6, np.uint8)


def dawn(time: float) -> np.ndarray:
    return np.full((120, 160, 3), 6 if time < 1 else 120, np.uint8)


MADE: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "silent": (lambda path: clips.write_clip(path, gains=(0.0, 0.0)), ["silent"]),
    "cancels": (lambda path: clips.write_clip(path, gains=(1.0, -1.0)), ["cancelling-channels"]),
    "cancels, one softer": (lambda path: clips.write_clip(path, gains=(1.0, -0.8)), ["cancelling-channels"]),
    "black": (lambda path: clips.write_clip(path, paint=dark), ["black-picture"]),
    "one channel is silent": (lambda path: clips.write_clip(path, gains=(1.0, 0.0)), []),
    "quiet": (lambda path: clips.write_clip(path, gains=(0.05, 0.05)), []),
    "begins in the dark": (lambda path: clips.write_clip(path, paint=dawn, x264={"g": "12", "bf": "2"}), []),
    "as usual": (clips.write_clip, []),
    "no sound": (lambda path: clips.write_clip(path, channels=0), ["no-sound"]),
}


@pytest.mark.parametrize(("make", "expected"), MADE.values(), ids=MADE)
def test_a_clip_is_listened_to_and_looked_at(tmp_path: Path, make: Callable[[Path], Path], expected: list[str]) -> None:
    assert codes(turn(Clip(make(tmp_path / "clip.mp4")))) == expected


@pytest.mark.parametrize(("seconds", "text", "expected"), [
    (0.5, SIX, ["too-many-words"]), (2.0, SIX, []), (0.5, "No no no.", []), (0.5, "", []),
])  # fmt: skip
def test_words_that_nobody_can_speak(tmp_path: Path, seconds: float, text: str, expected: list[str]) -> None:
    assert codes(turn(Clip(clips.write_clip(tmp_path / "clip.mp4", seconds=seconds)), text)) == expected


def test_of_a_film_each_turn_is_told_by_itself(tmp_path: Path) -> None:
    """Sound begins after two seconds, and it grows light after one; what was never asked for is not missed."""
    film = clips.write_clip(
        tmp_path / "film.mp4", seconds=4.0, sound_start=2.0, paint=dawn, x264={"g": "12", "bf": "0"}
    )
    first, second = Clip(film, start=0.0, end=0.9), Clip(film, start=2.2, end=3.8)
    assert codes(turn(first), turn(second, number=1)) == ["black-picture"]  # the gap before sound holds none at all
    assert codes(turn(first, picture=False)) == []
    spoken = [replace(turn(second), text=SIX * times) for times in (1, 3)]
    assert [codes(each) for each in spoken] == [[], ["too-many-words"]]


def test_a_long_film_can_be_stopped_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_EVERY", 0.0)
    work = check_media([turn(Clip(clips.write_clip(tmp_path / "film.mp4")))])
    told = list(islice(work, 3))
    assert all(isinstance(event, Progress) and (event.done, event.total) == (0, 1) for event in told)
    work.close()  # type: ignore[attr-defined]


def test_a_film_whose_every_picture_is_a_key_is_looked_at_now_and_then(tmp_path: Path) -> None:
    film = clips.write_clip(tmp_path / "film.mp4", seconds=4.0, paint=dawn, x264={"g": "1"})
    seen = health.probe(film).heard
    assert 4 / BIN - 1 <= seen.looked_at <= 4 / BIN + 1  # of 100
    assert (seen.black(0.0, 0.9), seen.black(1.5, 3.0)) == (True, False)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real recordings are not beside the project")
def test_real_recordings_raise_no_alarm() -> None:
    found = codes(*(turn(Clip(path), SIX) for path in sorted(REAL.glob("*.mp4"))))
    assert set(found) <= {"several-tracks"}  # a note


def test_the_demo_raises_no_alarm() -> None:
    turns = list(open_corpus(DEMO_CORPUS).turns())[::24]
    found = [e.problem for e in check_media(turns) if isinstance(e, ProblemFound)]
    assert not [problem for problem in found if problem.severity is not Severity.NOTE]
