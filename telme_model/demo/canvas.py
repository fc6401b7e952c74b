"""Antialiased filled shapes on an RGB image, in units that do not depend on its size."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from telme_model.demo.looks import Colour

Points = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
_SUBPIXEL_BITS = 4
_STEPS = 5
_t = np.arange(_STEPS)[:, None] / _STEPS
_CATMULL_ROM = 0.5 * np.hstack(
    (-_t + 2 * _t**2 - _t**3, 2 - 5 * _t**2 + 3 * _t**3, _t + 4 * _t**2 - 3 * _t**3, -(_t**2) + _t**3)
)


def smooth(points: Points) -> Points:
    """A closed Catmull-Rom curve through `points` [n, 2], as a polygon [5 n, 2]."""
    around = np.stack((np.roll(points, 1, 0), points, np.roll(points, -1, 0), np.roll(points, -2, 0)))
    curve: Points = np.einsum("sk,knd->nsd", _CATMULL_ROM, around).reshape(-1, 2)
    return curve


def ellipse(x: float, y: float, rx: float, ry: float, corners: int = 24) -> Points:
    """A polygon [corners, 2]."""
    return _circle(corners) * (rx, ry) + (x, y)


@cache
def _circle(corners: int) -> Points:
    angle = np.linspace(0.0, 2 * np.pi, corners, endpoint=False)
    return np.stack((np.cos(angle), np.sin(angle)), 1)


def ribbon(line: Points, width: float | Points) -> Points:
    """The polygon of a stroke along `line` [n, 2]; `width` is one number or one for each point."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    normal = along[:, ::-1] * (-1, 1) / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    offset = normal * (np.full(len(line), width) / 2)[:, None]
    return np.concatenate((line + offset, (line - offset)[::-1]))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour `share` of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


class Canvas:
    """An image drawn on in units: `scale` pixels each, the image's corner at `origin` (pixels)."""

    def __init__(self, image: Image, scale: float, origin: tuple[int, int] = (0, 0)) -> None:
        self.image = image
        self.scale = scale
        self._origin = origin

    def fill(self, polygon: Points, colour: Colour, alpha: float = 1.0) -> None:
        """Fill a polygon [n, 2], opaque or let through."""
        if alpha < 1.0:
            with self.clipped(polygon, alpha) as inner:
                inner.image[:] = colour
            return
        cv2.fillPoly(self.image, [self._pixels(polygon)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    @contextmanager
    def clipped(self, polygon: Points, alpha: float = 1.0) -> Iterator["Canvas"]:
        """A canvas of which only what falls inside `polygon` comes back to this one."""
        corner = np.array(self._origin)
        low = np.maximum(np.floor(polygon.min(0) * self.scale).astype(int) - 1 - corner, 0)
        high = np.minimum(np.ceil(polygon.max(0) * self.scale).astype(int) + 2 - corner, self.image.shape[1::-1])
        if (high <= low).any():
            yield Canvas(np.zeros((1, 1, 3), np.uint8), self.scale)
            return
        region = self.image[low[1] : high[1], low[0] : high[0]]
        left, top = (low + corner).tolist()
        inner = Canvas(region.copy(), self.scale, (left, top))
        yield inner
        mask = np.zeros(region.shape[:2], np.uint8)
        cv2.fillPoly(mask, [inner._pixels(polygon)], (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
        weight = mask.astype(np.float32) * np.float32(alpha / 255)
        region[:] = cv2.blendLinear(inner.image, region, weight, 1 - weight)

    def _pixels(self, polygon: Points) -> npt.NDArray[np.int32]:
        return np.rint((polygon * self.scale - self._origin) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
