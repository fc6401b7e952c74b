"""Turns that lie in windows of several clips, or whose sound lies beside their picture: seen and heard as one."""

from collections.abc import Iterator

import numpy as np
import pytest

from telme_gui.player.decoder import RATE, Picture, measure, pictures, sound
from telme_model.corpus import Clip
from telme_model.media.reader import MediaError
from tests.support.windows import Films, coloured_films, joined, levels, turn


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return coloured_films(tmp_path_factory.mktemp("films"))


def test_the_player_shows_window_after_window(films: Films) -> None:
    clip = joined(films, ("red", 0.5, 1.5), ("green", 0.0, 1.0), ("blue", 0.0, 2.0))
    found = [(p.time, "rgb"[int(p.frame.to_ndarray(format="rgb24").mean((0, 1)).argmax())]) for p in _all(clip, 0.0)]
    assert [time for time, _ in found] == pytest.approx(np.arange(32) / 8)
    assert "".join(colour for _, colour in found) == "r" * 8 + "g" * 8 + "b" * 16
    later = list(_all(clip, 1.5))
    assert later[0].time == pytest.approx(1.5)
    assert len(later) == 20
    heard = np.concatenate(list(sound(clip, 0.5, round(3.5 * RATE), 1.0)))
    assert len(heard) == round(3.5 * RATE)
    assert levels(heard[:, 0], 0.0, 0.5, 1.5, 3.5, rate=RATE) == [True, False, True]
    assert measure(turn(clip)).seconds == 4.0
    assert measure(turn(clip)).problem == "green.mp4 has no sound."


def _all(clip: Clip, start: float) -> Iterator[Picture]:
    return pictures(clip, start, lambda: True)


def test_the_player_leaves_a_window_out_that_is_gone(films: Films) -> None:
    clip = joined(films, ("red", 0.0, 1.0), ("gone.mp4", 0.0, 1.0), ("blue", 0.0, 1.0))
    assert [round(picture.time) for picture in pictures(clip, 0.9, lambda: True)][::8] == [1, 3]
    lost = joined(films, ("gone.mp4", 0.0, 1.0), ("gone.mp4", 0.0, 1.0))
    with pytest.raises(MediaError, match="does not exist"):
        list(pictures(lost, 0.0, lambda: True))


def test_the_player_hears_what_lies_beside(films: Films) -> None:
    clip = Clip(films["green"], sound=films["wav"])
    heard = np.concatenate(list(sound(clip, 0.5, RATE, 1.0)))
    assert levels(heard[:, 0], 0.0, 1.0, rate=RATE) == [True]
    assert measure(turn(clip)).problem == ""
