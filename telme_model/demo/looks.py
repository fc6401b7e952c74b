"""Who the drawn characters are: skin, hair, clothes and the room behind them."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

Colour = tuple[int, int, int]


class Hair(StrEnum):
    """Hair styles that `telme_model.demo.drawing` knows."""

    BOB = "bob"
    AFRO = "afro"
    WAVES = "waves"
    RECEDING = "receding"
    BRAID = "braid"
    QUIFF = "quiff"
    BUN = "bun"
    BALD = "bald"
    CROP = "crop"
    CURLS = "curls"


class Beard(StrEnum):
    """Facial hair."""

    NONE = "none"
    STUBBLE = "stubble"
    FULL = "full"
    MOUSTACHE = "moustache"


class Top(StrEnum):
    """Clothes, as far as a close-up shows them."""

    CREW = "crew"
    TURTLENECK = "turtleneck"
    SHIRT = "shirt"
    VNECK = "vneck"
    HOODIE = "hoodie"


class Room(StrEnum):
    """Backdrops."""

    HARBOUR = "harbour"
    SHELVES = "shelves"
    KITCHEN = "kitchen"
    PLANTS = "plants"
    CAFE = "cafe"


def rgb(code: str) -> Colour:
    """Colour of six hexadecimal digits, such as 'e0a080'."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One character. Colours are RGB 0..255; `width` and `jaw` scale the face (1 = average)."""

    skin: Colour
    hair: Colour
    hair_style: Hair
    eyes: Colour
    lips: float = 0.35
    """How much redder than the skin the lips are, 0..1."""
    lashes: bool = False
    width: float = 1.0
    jaw: float = 1.0
    brow: float = 1.0
    """Thickness of the eyebrows (1 = average)."""
    nose: float = 1.0
    beard: Beard = Beard.NONE
    glasses: Colour | None = None
    earrings: Colour | None = None
    freckles: bool = False
    top: Top
    cloth: Colour
    inner: Colour = (240, 236, 228)
    """Shirt, hood lining or strings."""
    room: Room
    wall: Colour
    light: Colour
    """Colour of the lamp or the sky that lights the room."""


LOOKS: dict[str, Look] = {
    "Mara": Look(
        skin=rgb("f0c3a0"),
        hair=rgb("4a2a20"),
        hair_style=Hair.BOB,
        eyes=rgb("5b7a4a"),
        lips=0.6,
        lashes=True,
        width=0.97,
        jaw=0.94,
        brow=0.95,
        nose=0.95,
        top=Top.TURTLENECK,
        cloth=rgb("d9952f"),
        room=Room.HARBOUR,
        wall=rgb("37506b"),
        light=rgb("f6c98a"),
    ),
    "Theo": Look(
        skin=rgb("8a5a3c"),
        hair=rgb("231a19"),
        hair_style=Hair.AFRO,
        eyes=rgb("3a2416"),
        lips=0.3,
        width=1.0,
        jaw=1.05,
        brow=1.15,
        nose=1.15,
        beard=Beard.STUBBLE,
        top=Top.CREW,
        cloth=rgb("2f8f86"),
        room=Room.SHELVES,
        wall=rgb("a0694a"),
        light=rgb("ffd89a"),
    ),
    "Ines": Look(
        skin=rgb("dca77c"),
        hair=rgb("2b1b1d"),
        hair_style=Hair.WAVES,
        eyes=rgb("6b4226"),
        lips=0.75,
        lashes=True,
        width=0.96,
        jaw=0.92,
        brow=1.0,
        nose=1.0,
        earrings=rgb("f2c14e"),
        top=Top.VNECK,
        cloth=rgb("a3324a"),
        room=Room.KITCHEN,
        wall=rgb("6f9a8d"),
        light=rgb("ffe0a8"),
    ),
    "Otto": Look(
        skin=rgb("efc4ab"),
        hair=rgb("d5d3cf"),
        hair_style=Hair.RECEDING,
        eyes=rgb("4f7896"),
        lips=0.25,
        width=1.02,
        jaw=1.06,
        brow=1.35,
        nose=1.25,
        beard=Beard.MOUSTACHE,
        glasses=rgb("4a3b35"),
        top=Top.SHIRT,
        cloth=rgb("4c6b4f"),
        inner=rgb("f4ead8"),
        room=Room.SHELVES,
        wall=rgb("4f5a52"),
        light=rgb("ffd28a"),
    ),
    "Priya": Look(
        skin=rgb("b47a52"),
        hair=rgb("1d1519"),
        hair_style=Hair.BRAID,
        eyes=rgb("3d2417"),
        lips=0.6,
        lashes=True,
        width=0.95,
        jaw=0.93,
        brow=1.1,
        nose=0.95,
        earrings=rgb("e8eef2"),
        top=Top.CREW,
        cloth=rgb("7a4aa0"),
        room=Room.PLANTS,
        wall=rgb("d9b48f"),
        light=rgb("fff0d0"),
    ),
    "Jonas": Look(
        skin=rgb("f6cfb4"),
        hair=rgb("c4602b"),
        hair_style=Hair.QUIFF,
        eyes=rgb("4c8a9a"),
        lips=0.3,
        width=0.96,
        jaw=1.0,
        brow=1.0,
        nose=1.05,
        freckles=True,
        top=Top.SHIRT,
        cloth=rgb("2f4a7a"),
        inner=rgb("e9eef5"),
        room=Room.HARBOUR,
        wall=rgb("7d93a0"),
        light=rgb("cfe6ee"),
    ),
    "Lena": Look(
        skin=rgb("f8d3bb"),
        hair=rgb("e3b862"),
        hair_style=Hair.BUN,
        eyes=rgb("4b78b0"),
        lips=0.55,
        lashes=True,
        width=0.98,
        jaw=0.95,
        brow=0.85,
        nose=0.9,
        glasses=rgb("b0475a"),
        top=Top.CREW,
        cloth=rgb("e9806e"),
        room=Room.CAFE,
        wall=rgb("5d4a5e"),
        light=rgb("ffc987"),
    ),
    "Bruno": Look(
        skin=rgb("d39a72"),
        hair=rgb("33241f"),
        hair_style=Hair.BALD,
        eyes=rgb("4a3222"),
        lips=0.35,
        width=1.08,
        jaw=1.1,
        brow=1.4,
        nose=1.2,
        beard=Beard.FULL,
        top=Top.HOODIE,
        cloth=rgb("6a7440"),
        inner=rgb("e6dcc0"),
        room=Room.CAFE,
        wall=rgb("96584a"),
        light=rgb("ffd9a0"),
    ),
}

_SKINS = ("f6cdb6", "f2c6a4", "e8b58f", "d7a077", "c08a5f", "a66f4a", "85573a", "65412e", "f0cbb8")
_HAIRS = ("1c1618", "3a2620", "5e3b26", "8a5a34", "b5793c", "d8b26a", "b04a26", "9c9a98", "d9d6d2", "6b3f52")
_EYES = ("3a2416", "5b3d24", "56743f", "4a7896", "6f8a8c")
_CLOTHS = ("2f6f8f", "b8573f", "3f7d4f", "8a3f6a", "c99a3a", "3d4a6b", "7a7f88", "e2dccb", "26303a", "d36a7a")
_WALLS = ("37506b", "8a6a52", "6f8a7d", "b39a80", "5d5470", "8a9aa8", "a2604e", "c8b8a0", "4a5a4f")
_LIGHTS = ("f6c98a", "ffe0a8", "cfe6ee", "fff0d0", "ffc987")


def random_look(rng: np.random.Generator) -> Look:
    """A character made up by chance, never one of `LOOKS`: whom the encoders are pretrained on."""

    def pick(codes: tuple[str, ...], spread: float = 12.0) -> Colour:
        # Lighter or darker far more than another hue: skin must stay skin.
        noise = rng.normal(0.0, spread) + rng.normal(0.0, spread / 4, 3)
        red, green, blue = np.clip(np.array(rgb(codes[rng.integers(len(codes))])) + noise, 0, 255).astype(int).tolist()
        return red, green, blue

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    masculine = chance(0.5)
    beards = list(Beard) if masculine else [Beard.NONE]
    look = Look(
        skin=pick(_SKINS, 8.0),
        hair=pick(_HAIRS),
        hair_style=list(Hair)[rng.integers(len(Hair))],
        eyes=pick(_EYES),
        lips=rng.uniform(0.2, 0.45) if masculine else rng.uniform(0.4, 0.85),
        lashes=not masculine,
        width=rng.uniform(0.92, 1.1),
        jaw=rng.uniform(0.9, 1.12),
        brow=rng.uniform(0.75, 1.45),
        nose=rng.uniform(0.85, 1.3),
        beard=beards[rng.integers(len(beards))],
        glasses=pick(_HAIRS + _CLOTHS) if chance(0.25) else None,
        earrings=pick(("f2c14e", "e8eef2")) if chance(0.3) else None,
        freckles=chance(0.15),
        top=list(Top)[rng.integers(len(Top))],
        cloth=pick(_CLOTHS),
        inner=pick(("f0ece4", "e6dcc0", "c8d4e0")),
        room=list(Room)[rng.integers(len(Room))],
        wall=pick(_WALLS),
        light=pick(_LIGHTS),
    )
    return random_look(rng) if look in LOOKS.values() else look
