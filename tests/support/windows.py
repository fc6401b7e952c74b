"""Films of one colour each, and turns that lie in windows of several of them."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from telme_model.corpus import Clip, Split, Turn, TurnId
from tests.support.clips import write_clip

COLOURS = {"red": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}
Films = dict[str, Path]


def _same(picture: np.ndarray, _time: float) -> np.ndarray:
    return picture


def coloured_films(folder: Path) -> Films:
    """Two seconds of each colour, green without sound, and a sound alone, `wav`."""
    found = {}
    for name, colour in COLOURS.items():
        picture = np.full((32, 48, 3), colour, np.uint8)
        found[name] = write_clip(
            folder / f"{name}.mp4",
            fps=8,
            size=(48, 32),
            channels=0 if name == "green" else 1,
            paint=partial(_same, picture),
        )
    found["wav"] = write_clip(folder / "green.wav", picture=False, channels=1, codecs=("", "pcm_s16le"))
    return found


def turn(video: Clip | None, audio: Clip | None = None) -> Turn:
    return Turn(id=TurnId(Split.TRAIN, "0", 0), speaker="A", text="Hi.", gold="joy", video=video, audio=audio or video)


def joined(films: Films, *windows: tuple[str, float, float]) -> Clip:
    """Windows of films as one clip."""
    first, *others = [Clip(films.get(name, Path(name)), start, end) for name, start, end in windows]
    return replace(first, then=tuple(others))


def levels(wave: np.ndarray | None, *edges: float, rate: int) -> list[bool]:
    """Whether there is sound between each two of the edges (seconds), a little inside of them."""
    assert wave is not None
    inside = [(round((a + 0.05) * rate), round((b - 0.05) * rate)) for a, b in pairwise(edges)]
    return [bool(np.abs(wave[first:last]).mean() > 0.02) for first, last in inside]
