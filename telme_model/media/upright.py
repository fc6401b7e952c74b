"""How a decoded picture is to be shown: turned and mirrored as its file asks, in pixels of their own shape."""

from typing import Any, NamedTuple

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

_WIDEST = 16.0  # a pixel's width by its height, or the other way round, past which a header is rotten


class Orientation(NamedTuple):
    """The pixel at (x, y) is shown at (`a` x + `c` y, `b` x + `d` y), counted from the middle; each is -1, 0 or 1."""

    a: int = 1
    b: int = 0
    c: int = 0
    d: int = 1

    @property
    def turned(self) -> bool:
        """Whether rows become columns."""
        return self.a == 0

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """The [height, width, ...] of a decoded picture as it is to be shown; a view."""
        shown = pixels.swapaxes(0, 1) if self.turned else pixels
        down, across = (self.b, self.c) if self.turned else (self.d, self.a)
        return shown[::down, ::across]

    def size(self, picture: VideoFrame, aspect: float) -> tuple[int, int]:
        """Width and height, in square pixels, of what is shown; `aspect` is a decoded pixel's width by its height."""
        width, height = max(round(picture.width * aspect), 1), picture.height
        return (height, width) if self.turned else (width, height)


def orientation(picture: VideoFrame) -> Orientation:
    """How the file wants a picture turned and mirrored: the nearest of the eight ways a picture can lie."""
    side_data: Any = picture.side_data
    data = side_data.get(Type.DISPLAYMATRIX)
    matrix = np.frombuffer(bytes(data) if data else b"", np.int32)  # three by three, in the machine's own order
    if len(matrix) < 9:
        return Orientation()
    a, b, c, d = (int(matrix[place]) for place in (0, 1, 3, 4))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(_sign(a), 0, 0, _sign(d))
    return Orientation(0, _sign(b), _sign(c), 0)


def sane_aspect(aspect: float) -> float:
    """A pixel's width by its height; 1 where a file claims what no camera makes."""
    return aspect if 1 / _WIDEST <= aspect <= _WIDEST else 1.0


def _sign(number: int) -> int:
    return -1 if number < 0 else 1
