"""The rooms behind the characters: lit from the left, out of focus, the same in every frame."""

import cv2
import numpy as np

from telme_model.demo.canvas import Canvas, Image, Points, ellipse, mix
from telme_model.demo.looks import Colour, Look, Room

_NIGHT: Colour = (24, 20, 40)
_WOOD: Colour = (120, 80, 56)
_BOOKS: tuple[Colour, ...] = (
    (176, 82, 66),
    (214, 168, 92),
    (74, 104, 122),
    (228, 216, 190),
    (92, 120, 92),
    (140, 78, 104),
)


def backdrop(look: Look, width: int, height: int) -> Image:
    """The room of `look`, blurred as by a lens focused on the face: uint8 [height, width, 3], RGB."""
    wide = 100 * width / height
    dark = np.array(mix(look.wall, _NIGHT, 0.42))
    lit = np.array(mix(look.wall, look.light, 0.16))
    across = np.linspace(0, 1, width)[None, :, None] * 0.75 + np.linspace(0, 1, height)[:, None, None] * 0.25
    canvas = Canvas((lit + (dark - lit) * across).astype(np.uint8), height / 100)
    _FURNISH[look.room](canvas, look, wide)
    image = cv2.GaussianBlur(canvas.image, (0, 0), 1.1 * height / 100)
    return image.astype(np.uint8, copy=False)


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array(((left, top), (right, top), (right, bottom), (left, bottom)))


def _glow(canvas: Canvas, x: float, y: float, radius: float, light: Colour) -> None:
    """Light that falls off around a lamp."""
    rows, columns = np.ogrid[: canvas.image.shape[0], : canvas.image.shape[1]]
    squared = ((columns / canvas.scale - x) ** 2 + (rows / canvas.scale - y) ** 2) / radius**2
    share = 0.5 * np.exp(-4 * squared)[..., None]
    canvas.image[:] = canvas.image + (np.array(light) - canvas.image) * share


def _harbour(canvas: Canvas, look: Look, wide: float) -> None:
    frame = mix(look.wall, (250, 244, 232), 0.72)
    left, right = wide * 0.04, wide * 0.96
    canvas.fill(_box(left - 2, 6, right + 2, 78), frame)
    canvas.fill(_box(left, 8, right, 50), mix(look.light, look.wall, 0.35))
    canvas.fill(_box(left, 30, right, 50), mix(look.light, look.wall, 0.15))
    canvas.fill(ellipse(wide * 0.2, 40, 8, 8), mix(look.light, (255, 250, 230), 0.55))
    hills = np.array(
        (
            (left, 50),
            (left, 41),
            (wide * 0.16, 36),
            (wide * 0.3, 44),
            (wide * 0.55, 40),
            (wide * 0.78, 34),
            (right, 42),
            (right, 50),
        )
    )
    canvas.fill(hills, mix(look.wall, _NIGHT, 0.25))
    canvas.fill(_box(left, 49, right, 76), mix(look.wall, look.light, 0.22))
    for y, start, end in ((54, 0.08, 0.3), (59, 0.7, 0.92), (65, 0.1, 0.24), (70, 0.76, 0.9)):
        canvas.fill(_box(wide * start, y, wide * end, y + 1.2), mix(look.wall, look.light, 0.55))
    for x in (0.82, 0.89):
        canvas.fill(np.array(((wide * x, 22), (wide * x + 9, 48), (wide * x, 48))), (240, 234, 222))
        canvas.fill(_box(wide * x - 4, 49, wide * x + 9, 52), (176, 82, 66))
    for x in (0.27, 0.73):
        canvas.fill(_box(wide * x - 1.2, 6, wide * x + 1.2, 78), frame)
    canvas.fill(_box(0, 78, wide, 82), mix(frame, (255, 255, 255), 0.3))


def _shelves(canvas: Canvas, look: Look, wide: float) -> None:
    wood = mix(look.wall, _WOOD, 0.55)
    for row, top in enumerate((4, 32, 60)):
        for left, right in ((3, wide * 0.33), (wide * 0.68, wide - 3)):
            canvas.fill(_box(left, top, right, top + 25), mix(look.wall, _NIGHT, 0.45))
            x, number = left + 2.0, row
            while x < right - 7:
                tall, thick = 15 + 5 * ((number * 7) % 3) / 2, 4 + 1.6 * ((number * 5) % 4) / 3
                if (number + row) % 6 != 5:
                    canvas.fill(
                        _box(x, top + 25 - tall, x + thick - 0.5, top + 25),
                        mix(_BOOKS[(number * 5 + row) % 6], look.wall, 0.3),
                    )
                x, number = x + thick, number + 1
            canvas.fill(_box(left - 2, top + 25, right + 2, top + 27.5), wood)
    _glow(canvas, wide * 0.13, 40, 34, look.light)
    canvas.fill(np.array(((wide * 0.09, 32), (wide * 0.17, 32), (wide * 0.195, 47), (wide * 0.065, 47))), look.light)
    canvas.fill(_box(wide * 0.127, 47, wide * 0.133, 58), wood)


def _kitchen(canvas: Canvas, look: Look, wide: float) -> None:
    tile = mix(look.wall, (255, 255, 255), 0.18)
    for row in range(5):
        for column in range(-1, int(wide / 14) + 1):
            left, top = column * 14 + 7 * (row % 2), 40 + row * 9
            colour = tile if (row + column) % 4 else mix(tile, look.light, 0.3)
            canvas.fill(_box(left + 0.5, top + 0.5, left + 13.5, top + 8.5), colour)
    canvas.fill(_box(0, 34, wide, 37), mix(_WOOD, look.light, 0.25))
    for number, x in enumerate((0.05, 0.11, 0.17, 0.76, 0.83, 0.9, 0.96)):
        jar = mix(_BOOKS[number % 6], look.light, 0.25)
        tall = 9 + 4 * (number % 3)
        canvas.fill(_box(wide * x - 3.4, 34 - tall, wide * x + 3.4, 34), jar)
        canvas.fill(_box(wide * x - 2.6, 32 - tall, wide * x + 2.6, 34 - tall), mix(jar, _NIGHT, 0.3))
    for lamp in (0.22, 0.8):
        _glow(canvas, wide * lamp, 18, 26, look.light)
        canvas.fill(_box(wide * lamp - 0.3, 0, wide * lamp + 0.3, 9), _NIGHT)
        shade = np.array(((wide * lamp - 2, 8), (wide * lamp + 2, 8), (wide * lamp + 8, 17), (wide * lamp - 8, 17)))
        canvas.fill(shade, (196, 120, 70))
        canvas.fill(ellipse(wide * lamp, 17.5, 4, 2.2), (255, 246, 220))


def _plants(canvas: Canvas, look: Look, wide: float) -> None:
    canvas.fill(_box(wide * 0.05, 0, wide * 0.31, 66), mix(look.light, (255, 255, 255), 0.5))
    for x in (0.175,):
        canvas.fill(_box(wide * x - 0.9, 0, wide * x + 0.9, 66), (236, 222, 200))
    canvas.fill(_box(wide * 0.05, 32, wide * 0.31, 33.6), (236, 222, 200))
    canvas.fill(_box(wide * 0.03, 66, wide * 0.33, 70), (244, 234, 216))
    for x, y, hue in ((0.72, 10, 0), (0.86, 16, 2)):
        canvas.fill(_box(wide * x, y, wide * x + 17, y + 23), (244, 236, 222))
        canvas.fill(_box(wide * x + 2, y + 2, wide * x + 15, y + 21), mix(_BOOKS[hue], look.wall, 0.35))
        canvas.fill(ellipse(wide * x + 8.5, y + 12, 4, 5), mix(_BOOKS[hue + 1], look.wall, 0.2))
    for x, pot, size in ((0.12, 68, 1.0), (0.25, 68, 0.75), (0.84, 78, 1.5)):
        for turn in np.linspace(-1.15, 1.15, 7):
            tip = np.array((np.sin(turn), -np.cos(turn))) * 24 * size
            side = np.array((np.cos(turn), np.sin(turn))) * 3.6 * size
            root = np.array((wide * x, pot - 6 * size))
            leaf = np.array((root, root + tip * 0.5 + side, root + tip, root + tip * 0.5 - side))
            canvas.fill(leaf, mix((70, 126, 84), (168, 190, 110), float(0.5 + turn / 3)))
        canvas.fill(_box(wide * x - 5.5 * size, pot - 6 * size, wide * x + 5.5 * size, pot + 6 * size), (196, 108, 76))
    canvas.fill(_box(wide * 0.68, 86, wide, 90), mix(_WOOD, look.light, 0.2))


def _cafe(canvas: Canvas, look: Look, wide: float) -> None:
    canvas.fill(_box(0, 62, wide, 100), mix(look.wall, _NIGHT, 0.35))
    canvas.fill(_box(0, 60, wide, 63), mix(_WOOD, look.light, 0.2))
    canvas.fill(_box(wide * 0.7, 22, wide * 0.95, 52), (44, 40, 46))
    for number, y in enumerate((27, 32, 37, 42, 47)):
        canvas.fill(_box(wide * 0.72, y, wide * (0.9 - 0.03 * (number % 3)), y + 1.4), (206, 198, 186))
    for x, y in ((0.06, 34), (0.17, 48)):
        canvas.fill(_box(0 if x < 0.1 else wide * 0.05, y + 8, wide * 0.28, y + 10), mix(_WOOD, look.light, 0.25))
        for step in range(4):
            cup = wide * x + step * 8
            canvas.fill(_box(cup, y, cup + 5.4, y + 8), mix(_BOOKS[step + 1], look.wall, 0.3))
    for step in range(9):
        x = wide * (0.02 + 0.12 * step)
        y = 8 + 7 * np.sin(np.pi * ((step % 4) + 0.5) / 4)
        _glow(canvas, x, y, 7.5, look.light)
        canvas.fill(ellipse(x, y, 2.2, 2.6), mix(look.light, (255, 255, 255), 0.45))


_FURNISH = {
    Room.HARBOUR: _harbour,
    Room.SHELVES: _shelves,
    Room.KITCHEN: _kitchen,
    Room.PLANTS: _plants,
    Room.CAFE: _cafe,
}
