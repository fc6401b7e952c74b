"""Turns that lie in windows of several clips, or whose sound lies beside their picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from telme_model.corpus import Clip, Corpus, Dialogue, Modality, Split, Turn
from telme_model.corpus.emotions import MELD
from telme_model.corpus.health import ProblemFound
from telme_model.media.cache import MediaCache, build_cache
from telme_model.media.decoding import MediaSettings, OverLong, read_turn
from telme_model.media.health import check
from telme_model.media.windows import heard_in, placed, within
from tests.support.windows import Films, coloured_films, joined, levels, turn

SETTINGS = MediaSettings(frames=8, size=16, sample_rate=8000)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return coloured_films(tmp_path_factory.mktemp("films"))


def colours(frames: np.ndarray | None) -> str:
    """The first letter of each frame's colour."""
    assert frames is not None
    return "".join("rgb"[int(frame.reshape(-1, 3).mean(0).argmax())] for frame in frames)


def test_a_turn_of_windows_has_the_pictures_and_the_sound_of_each(films: Films) -> None:
    media = read_turn(turn(joined(films, ("red", 0.5, 1.5), ("green", 0.0, 1.0), ("blue", 0.0, 2.0))), SETTINGS)
    assert colours(media.frames) == "rrggbbbb"
    assert levels(media.waveform, 0.0, 1.0, 2.0, 4.0, rate=8000) == [True, False, True]
    assert media.waveform is not None
    assert (len(media.waveform), media.seconds) == (4 * 8000, 4.0)


def test_windows_of_one_clip_may_skip_some_of_it(films: Films) -> None:
    media = read_turn(turn(joined(films, ("red", 0.0, 0.5), ("blue", 0.3, 0.4), ("red", 1.0, 1.4))), SETTINGS)
    assert colours(media.frames) == "rrrrbrrr"
    assert media.seconds == pytest.approx(1.0)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_of_a_window_that_is_gone_the_picture_is_its_neighbours_and_the_sound_silence(films: Films, gone: int) -> None:
    windows = [("red", 0.0, 1.0), ("red", 1.0, 2.0), ("red", 0.0, 2.0)]
    windows[gone] = ("gone.mp4", *windows[gone][1:])
    media = read_turn(turn(joined(films, *windows)), SETTINGS)
    assert colours(media.frames) == "rrrrrrrr"
    assert levels(media.waveform, 0.0, 1.0, 2.0, 4.0, rate=8000) == [place != gone for place in range(3)]
    assert media.missing == {}


def test_windows_none_of_which_is_there_are_missing(films: Films) -> None:
    media = read_turn(turn(joined(films, ("gone.mp4", 0.0, 1.0), ("lost.mp4", 0.0, 1.0))), SETTINGS)
    assert set(media.missing) == {Modality.AUDIO, Modality.VISUAL}
    assert "gone.mp4 does not exist" in media.missing[Modality.VISUAL]


def test_windows_are_capped_together(films: Films) -> None:
    windows = turn(joined(films, ("red", 0.0, 2.0), ("blue", 0.0, 2.0), ("green", 0.0, 2.0)))
    media = read_turn(windows, replace(SETTINGS, max_seconds=3.0))
    assert colours(media.frames) == "rrrrrbbb"
    assert media.waveform is not None
    assert (len(media.waveform), media.over_long, media.seconds) == (3 * 8000, True, 6.0)
    blank = read_turn(windows, replace(SETTINGS, max_seconds=3.0, over_long=OverLong.BLANK))
    assert blank.frames is not None
    assert not blank.frames.any()


def test_where_windows_lie_in_the_whole(films: Films) -> None:
    clip = joined(films, ("red", 0.5, 1.5), ("blue", 0.25, 1.0))
    assert [begins for begins, _ in placed(clip)] == [0.0, 1.0]
    assert within(clip, 1.25) == (Clip(films["red"], 0.5, 1.5), Clip(films["blue"], 0.25, 0.5))
    assert within(clip, 9.0) == clip.windows
    assert within(clip, 0.5) == (Clip(films["red"], 0.5, 1.0),)
    assert within(Clip(films["red"]), 0.5) == (Clip(films["red"], None, 0.5),)


def test_the_sound_beside_is_heard_only_where_the_video_has_none(films: Films) -> None:
    silent, whole = Clip(films["green"], sound=films["wav"]), Clip(films["red"], sound=films["wav"])
    assert heard_in(silent) == Clip(films["wav"])
    assert heard_in(whole) is whole
    for clip in (silent, Clip(Path("gone.mp4"), sound=films["wav"])):
        media = read_turn(turn(clip), SETTINGS)
        assert levels(media.waveform, 0.0, 2.0, rate=8000) == [True]
    assert colours(read_turn(turn(silent), SETTINGS).frames) == "gggggggg"
    plain = read_turn(turn(Clip(films["red"])), SETTINGS).waveform
    assert np.array_equal(read_turn(turn(whole), SETTINGS).waveform, plain)  # type: ignore[arg-type]


def corpus(root: Path, one: Turn) -> Corpus:
    dialogue = Dialogue(split=Split.TRAIN, name="0", turns=(one,))
    return Corpus(root=root, kind="meld", labels=MELD, dialogues=(dialogue,))


def problems(root: Path, one: Turn) -> list[tuple[str, str]]:
    events = check(corpus(root, one))
    return [(event.problem.code, event.problem.file.name) for event in events if isinstance(event, ProblemFound)]


def test_the_check_looks_at_every_window_and_every_sound(films: Films) -> None:
    root = films["red"].parent
    windows = joined(films, ("red", 0.0, 1.0), ("gone.mp4", 0.0, 1.0), ("blue", 0.0, 9.0), ("green", 0.0, 1.0))
    assert problems(root, turn(windows)) == [
        ("missing-clip", "gone.mp4"),
        ("outside-film", "blue.mp4"),
        ("no-sound", "green.mp4"),
        ("extra-files", root.name),
    ]
    assert problems(root, turn(Clip(films["green"], sound=films["wav"]))) == [("extra-files", root.name)]
    assert problems(root, turn(Clip(films["green"], sound=films["blue"].with_suffix(".wav")))) == [
        ("missing-clip", "blue.wav"),
        ("extra-files", root.name),
    ]


def test_the_cache_keeps_windows_apart(films: Films, tmp_path: Path) -> None:
    clips = [
        joined(films, ("red", 0.0, 1.0), ("blue", 0.0, 1.0)),
        joined(films, ("red", 0.0, 1.0), ("blue", 1.0, 2.0)),
        joined(films, ("red", 0.0, 1.0), ("green", 0.0, 1.0)),
        Clip(films["red"], 0.0, 1.0),
    ]
    turns = [turn(clip) for clip in clips]
    list(build_cache(turns, SETTINGS, tmp_path, workers=0))
    cache = MediaCache(tmp_path, SETTINGS)
    assert [colours(cache.frames(one)) for one in turns] == ["rrrrbbbb", "rrrrbbbb", "rrrrgggg", "rrrrrrrr"]
    assert len(cache._rows) == 4
