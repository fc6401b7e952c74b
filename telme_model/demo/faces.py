"""Clips of drawn faces: an expression that grows, is held, blinks, looks about and speaks."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from telme_model.demo.canvas import Image
from telme_model.demo.drawing import Portrait
from telme_model.demo.expressions import PARAMETERS, Expression, expression_of, random_expression
from telme_model.demo.looks import LOOKS, Look, random_look

__all__ = ["LOOKS", "Expression", "Look", "draw_clip", "expression_of", "random_expression", "random_look"]

_Series = npt.NDArray[np.float64]
_COLUMN = {name: index for index, name in enumerate(PARAMETERS)}
_BLINK = (0.55, 1.0, 0.75, 0.25)


def draw_clip(
    look: Look,
    expression: Expression,
    loudness: npt.NDArray[np.floating],
    *,
    fps: float,
    width: int,
    height: int,
    rng: np.random.Generator,
) -> Iterator[Image]:
    """One RGB frame (uint8 [height, width, 3]) for each entry of `loudness` (0..1, how far speech opens the mouth).

    The expression grows in over the first fifth and is then held with blinks, glances and movements of the head.
    The clip depends on nothing but the arguments and the state of `rng`.
    """
    portrait = Portrait(look, width, height)
    for values in motion(expression, np.asarray(loudness, np.float64), fps, rng):
        yield portrait.draw(Expression.from_values(values))


def motion(expression: Expression, loudness: _Series, fps: float, rng: np.random.Generator) -> _Series:
    """The face in every frame: [frames, parameters] in the order of `PARAMETERS`; movement is worked in as position."""
    frames = len(loudness)
    seconds = np.arange(frames) / fps
    share = np.clip((np.arange(frames) + 1) / max(0.2 * frames, 1.0), 0, 1)
    grown = 0.3 + 0.7 * share**2 * (3 - 2 * share)
    values = expression.values()[None] * grown[:, None]

    def add(name: str, series: _Series) -> None:
        values[:, _COLUMN[name]] += series

    for name, size in (
        ("head_turn", 0.13),
        ("head_nod", 0.1),
        ("head_tilt", 0.1),
        ("lean", 0.08),
        ("brow_raise", 0.07),
        ("mouth_curve", 0.04),
    ):
        add(name, size * _drift(seconds, rng))
    beat = 2 * np.pi * seconds + rng.uniform(0, 2 * np.pi)
    add("head_nod", 0.5 * expression.nod * np.sin(beat * 1.5) + 0.16 * (loudness - loudness.sum() / max(frames, 1)))
    add("head_turn", 0.5 * expression.shake * np.sin(beat * 1.3))
    for name, size in (
        ("head_turn", 0.09),
        ("head_tilt", 0.14),
        ("lean", 0.1),
        ("mouth_width", 0.2),
        ("eye_open", 0.12),
    ):
        add(name, size * expression.tremble * rng.normal(0, 1, frames))
    for name, size in (("gaze_x", 0.3), ("gaze_y", 0.16)):
        add(name, _glances(frames, fps, size, rng))
    speech = 0.75 * loudness**0.8
    column = _COLUMN["mouth_open"]
    values[:, column] = np.maximum(values[:, column] * 0.7, 0) + speech * (1 - 0.35 * values[:, column])
    add("mouth_width", 0.5 * speech * _drift(seconds * 5, rng))
    values[:, _COLUMN["lip_press"]] *= 1 - np.clip(speech * 1.5, 0, 1)
    column = _COLUMN["eye_open"]
    values[:, column] -= (1 + values[:, column]) * _blinks(frames, fps, rng)
    return values


def _drift(seconds: _Series, rng: np.random.Generator) -> _Series:
    """Slow wandering within about -1..1."""
    rates, phases = rng.uniform(0.12, 0.55, 3), rng.uniform(0, 2 * np.pi, 3)
    wander: _Series = np.sin(2 * np.pi * seconds[:, None] * rates + phases).mean(1) * 1.4
    return wander


def _glances(frames: int, fps: float, size: float, rng: np.random.Generator) -> _Series:
    """Where the eyes rest, changing at once every second or so."""
    offsets, frame = np.zeros(frames), 0
    while frame < frames:
        stay = max(1, round(fps * rng.uniform(0.5, 1.8)))
        offsets[frame : frame + stay] = rng.normal(0, size)
        frame += stay
    return offsets


def _blinks(frames: int, fps: float, rng: np.random.Generator) -> _Series:
    """How far the lids are closed: a blink of about a quarter of a second every two to five seconds."""
    closed = np.zeros(frames)
    at = rng.uniform(0.3, 3.0) * fps
    while at < frames:
        for step, share in enumerate(np.repeat(_BLINK, max(1, round(fps / 15)))):
            if int(at) + step < frames:
                closed[int(at) + step] = share
        at += rng.uniform(2.0, 5.0) * fps
    return closed
