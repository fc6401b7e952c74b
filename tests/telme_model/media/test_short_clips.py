"""Clips of few pictures, decoded in another order than they are shown: a network gets those that it should."""

from pathlib import Path

import numpy as np
import pytest

from telme_model.corpus.dialogue import Clip
from telme_model.media.decoding import FrameSampling, MediaSettings, read_frames
from tests.support.clip_set import B_FRAMES, MPEG, OPEN, RUN, X265, Coded, cropped, numbers, picture, write

PYRAMID = {"preset": "medium", "x264-params": "bframes=5:b-adapt=0:b-pyramid=normal:scenecut=0", "crf": "12"}
ENCODERS = {
    "three between": ("libx264", B_FRAMES),
    "a pyramid of five": ("libx264", PYRAMID),
    "open groups": ("libx264", OPEN),
    "hevc": ("libx265", X265),
    "mpeg4": ("mpeg4", MPEG),
}
ALL = "a pyramid of five"
KNOWN = [cropped(picture(number), 48) for number in range(len(RUN))]


def expected(count: int, frames: int, sampling: FrameSampling) -> list[int]:
    """Which of `count` pictures stand for the clip, by the words that describe it."""
    if sampling is FrameSampling.EVEN:
        return [int((place + 0.5) * count / frames) for place in range(frames)]
    step = max(1, count // frames)
    counted = range(step - 1, count, step) if sampling is FrameSampling.COUNTED else range(0, count, step)
    return ([*counted][:frames] + [[*counted][:frames][-1]] * frames)[:frames]


def counts() -> list[tuple[str, list[int]]]:
    """Encoders with numbers of pictures: all of 1 to 30 for one, in three parts, and a few for each of the others."""
    few = {name: [2, 3, 4, 7, 10, 13, 19, 29] for name in ENCODERS if name != ALL}
    return [*((ALL, [*range(first, first + 10)]) for first in (1, 11, 21)), *few.items()]


@pytest.mark.parametrize(("encoder", "lengths"), counts())
def test_every_frame_that_is_wanted_is_there(tmp_path: Path, encoder: str, lengths: list[int]) -> None:
    """Of clips of few pictures, for every way of choosing."""
    codec, options = ENCODERS[encoder]
    for count in lengths:
        path = write(Coded(name=f"{count}.mp4", codec=codec, options=options, times=RUN[:count]), tmp_path)
        for sampling in FrameSampling:
            got = read_frames(Clip(path), MediaSettings(size=48, sampling=sampling))
            seen = numbers([np.asarray(frame.mean(axis=2)) for frame in got], KNOWN[:count])
            assert (count, sampling, seen) == (count, sampling, expected(count, 8, sampling))
