"""Shapes of hair and clothes, as control points of smooth outlines in head units.

Head units: one hundredth of the picture's height, (0, 0) between the eyes, x to the right, y down; the chin is at
y = 34, the top of the skull at y = -33.
"""

import numpy as np

from telme_model.demo.canvas import Points, ellipse, ribbon, smooth
from telme_model.demo.looks import Hair

_Half = tuple[tuple[float, float], ...]


def mirrored(half: _Half) -> Points:
    """A symmetrical outline from its right half, listed from top to bottom."""
    right = np.array(half)
    left = (right * (-1, 1))[::-1]
    return np.concatenate((right, left[left[:, 0] < 0]))


def _flipped(shape: Points) -> Points:
    return (shape * (-1, 1))[::-1]


def _bumpy(outer: float, height: float, bumps: int, depth: float, low: float, hairline: _Half) -> Points:
    """Hair of curls: an arch of round bumps over the skull, closed along the hairline (right to left)."""
    angle = np.linspace(np.pi + low, 2 * np.pi - low, 120)
    radius = 1 + depth * np.abs(np.sin(angle * bumps / 2))
    arch = np.stack((outer * radius * np.cos(angle), -14 + height * radius * np.sin(angle)), 1)
    return np.concatenate((arch, smooth(np.array(hairline))[: 5 * len(hairline) - 4]))


_BACK: dict[Hair, _Half] = {
    Hair.BOB: ((0, -38), (16, -35.5), (26, -25), (30.5, -8), (31.5, 10), (31, 24), (26, 30), (10, 30)),
    Hair.WAVES: ((0, -38), (17, -36), (28, -25), (32, -6), (33, 14), (37, 28), (38, 46), (34, 62), (10, 62)),
    Hair.BRAID: ((0, -36), (20, -31), (26.5, -15), (27, 5), (25, 22), (14, 30)),
    Hair.BUN: ((0, -36), (18, -32), (25.5, -15), (25.5, 5), (21, 20), (10, 24)),
    Hair.CURLS: ((0, -34), (20, -32), (31, -14), (33, 4), (30, 18), (20, 22)),
}

_CURTAIN: Points = np.array(
    (
        (0, -37.5),
        (12, -36.3),
        (22, -29),
        (27, -16),
        (27.5, 0),
        (26.2, 15),
        (23.4, 11),
        (23.2, -2),
        (20.5, -14),
        (12, -25),
        (0, -32),
    )
)
_BANGS: Points = np.array(
    (
        (-1, -37),
        (12, -36.5),
        (23, -28),
        (27, -12),
        (27.2, 2),
        (26.2, 16),
        (24.2, 9),
        (22.8, -3),
        (17.5, -12),
        (8, -19),
        (-1, -28),
    )
)

_FRONT: dict[Hair, tuple[Points, ...]] = {
    Hair.BOB: (
        np.array(
            (
                (-28, 27),
                (-30.6, 20),
                (-31, 5),
                (-29, -14),
                (-21, -31),
                (0, -38),
                (21, -31),
                (29, -14),
                (31, 5),
                (30.6, 20),
                (28, 27),
                (23.6, 24),
                (22.2, 12),
                (22.6, -1),
                (21.4, -11.5),
                (11, -15),
                (3, -14.6),
                (-8, -15.8),
                (-21.4, -11.5),
                (-22.6, -1),
                (-22.2, 12),
                (-23.6, 24),
            )
        ),
    ),
    Hair.AFRO: (),
    Hair.CURLS: (),
    Hair.WAVES: (
        np.array(
            (
                (-8, -37),
                (8, -37.5),
                (23, -29),
                (31, -11),
                (32.5, 8),
                (34, 24),
                (38, 38),
                (35, 56),
                (27, 60),
                (29, 40),
                (25.5, 22),
                (24, 6),
                (22.5, -7),
                (15, -18),
                (3, -26),
                (-8, -31),
            )
        ),
        np.array(
            (
                (-8, -37),
                (-20, -32.5),
                (-29, -18),
                (-32, 0),
                (-33, 18),
                (-37.5, 36),
                (-35, 54),
                (-27, 60),
                (-28.5, 40),
                (-25, 20),
                (-23.8, 2),
                (-21.5, -11),
                (-16, -21),
                (-8, -31),
            )
        ),
    ),
    Hair.RECEDING: (
        np.array(((21, -22), (26.4, -16), (28.8, -5), (28, 6), (25, 9), (23.4, 2), (22.6, -8))),
        np.array(((-21, -22), (-26.4, -16), (-28.8, -5), (-28, 6), (-25, 9), (-23.4, 2), (-22.6, -8))),
        np.array(
            ((-21, -22), (-15, -31), (-3, -36.5), (10, -35.5), (20, -27), (21, -22), (14, -28), (2, -31.5), (-10, -29))
        ),
    ),
    Hair.BRAID: (_CURTAIN, _flipped(_CURTAIN)),
    Hair.BUN: (_BANGS, _flipped(_BANGS)),
    Hair.QUIFF: (
        np.array(
            (
                (-25, -3),
                (-26.4, -15),
                (-24, -27),
                (-18, -35),
                (-7, -40.5),
                (7, -42),
                (18, -39.5),
                (24.5, -31),
                (26.6, -15),
                (25, -3),
                (22.9, -9),
                (20.5, -18),
                (12, -22.5),
                (3, -22),
                (-6, -25),
                (-14, -22),
                (-20.5, -17),
                (-22.9, -9),
            )
        ),
    ),
    Hair.CROP: (
        np.array(
            (
                (-25, -2),
                (-26.2, -14),
                (-22, -29),
                (-10, -36),
                (2, -37.5),
                (14, -35.5),
                (23, -28),
                (26.2, -14),
                (25, -2),
                (22.9, -8),
                (21, -17),
                (12, -20),
                (0, -18.5),
                (-12, -20.5),
                (-21, -17),
                (-22.9, -8),
            )
        ),
    ),
    Hair.BALD: (),
}

_HAIRLINE = (
    (24.6, -4.6),
    (22.9, -6),
    (21.2, -15),
    (13, -20),
    (0, -21),
    (-13, -20),
    (-21.2, -15),
    (-22.9, -6),
    (-24.6, -4.6),
)
_CURLY_FRINGE = (
    (28, 6),
    (23.4, 4),
    (22.6, -8),
    (18, -15),
    (11, -13.5),
    (4, -17),
    (-5, -14),
    (-13, -17),
    (-21, -12),
    (-23, -2),
    (-23.4, 4),
    (-28, 6),
)


def hair_back(style: Hair) -> list[Points]:
    """Outlines of the hair behind the head, in drawing order."""
    shapes = [smooth(mirrored(_BACK[style]))] if style in _BACK else []
    return [ellipse(7, -36.5, 9.5, 7.8), *shapes] if style is Hair.BUN else shapes


def hair_front(style: Hair) -> list[Points]:
    """Outlines of the hair before the forehead and the temples, in drawing order."""
    if style is Hair.AFRO:
        return [_bumpy(26.2, 23.2, 30, 0.04, -0.36, _HAIRLINE)]
    if style is Hair.CURLS:
        return [_bumpy(29, 22.5, 13, 0.09, -0.62, _CURLY_FRINGE)]
    return [smooth(shape) for shape in _FRONT[style]]


def hair_shine(style: Hair) -> list[Points]:
    """Where the light falls on the hair."""
    if style is Hair.BALD:
        return []
    if style in (Hair.AFRO, Hair.CURLS):
        return [_streak(((-20, -24), (-15, -30), (-7, -33.5)), 1.8)]
    if style is Hair.QUIFF:
        return [_streak(((-17, -27), (-9, -34), (5, -37)), 1.8), _streak(((-2, -28.5), (8, -32), (16, -32)), 1.2)]
    if style is Hair.RECEDING:
        return [_streak(((-13, -29.6), (-3, -33.6), (9, -33)), 0.8)]
    return [_streak(((-23.5, -17), (-19.5, -26), (-12, -32)), 1.9), _streak(((12, -31), (19, -25), (22, -17)), 0.9)]


def braid() -> list[Points]:
    """The strands of a braid over the right shoulder, from the top down."""
    strands = []
    for step in range(8):
        x, y, side = 25.5 - 0.25 * step, 20 + 4.6 * step, 1 if step % 2 else -1
        strands.append(
            smooth(
                np.array(
                    (
                        (x - 4.6 * side, y - 2.4),
                        (x + 1.5 * side, y - 1.2),
                        (x + 4.2 * side, y + 3.6),
                        (x + 2.6 * side, y + 6.2),
                        (x - 2.6 * side, y + 3.4),
                    )
                )
            )
        )
    return strands


def _streak(points: _Half, width: float) -> Points:
    ends = np.array(points)
    line = smooth(np.concatenate((ends, ends[-2:0:-1])))[: 5 * (len(points) - 1) + 1]
    return ribbon(line, width * np.sin(np.linspace(0.05, np.pi - 0.05, len(line))))


NECK: Points = np.array(((-10.5, 18), (10.5, 18), (10.2, 34), (12, 40), (18, 46), (-18, 46), (-12, 40), (-10.2, 34)))
NECK_SHADOW: Points = smooth(
    np.array(((-10.8, 26), (10.8, 26), (10.6, 34), (10.6, 38.5), (4, 41), (-4, 39.5), (-10, 34.5)))
)
SHOULDERS: Points = smooth(mirrored(((0, 40), (11, 39.2), (18, 41.6), (33, 45.2), (45, 50), (51, 64), (20, 70))))
SHOULDER_SHADE: Points = smooth(
    np.array(((27, 43.6), (35, 45.8), (45, 50), (51, 64), (45, 70), (42, 60), (38.5, 52), (33, 47)))
)
ROLL: Points = smooth(np.array(((-11.5, 33), (0, 37), (11.5, 33), (13.5, 43), (0, 47), (-13.5, 43))))
ROLL_FRONT: Points = smooth(np.array(((-12, 37), (0, 41), (12, 37), (13.5, 43), (0, 47), (-13.5, 43))))
RIM: Points = smooth(np.array(((3.4, -4.8), (10.5, -6.0), (17.6, -4.8), (18, 1.5), (14.8, 6.6), (8, 6.8), (3.6, 2.5))))
