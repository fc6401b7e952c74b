"""How everything looks: the one palette of emotions, light and dark colours, type and spacing."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication

from telme_model.bundled import FONTS

RHYTHM = 8  # px: every gap is a multiple
RADIUS = 7
BODY, CAPTION, TITLE = 13, 11, 15  # px


class Glyph(StrEnum):
    """The shape that always goes with an emotion's colour."""

    TRIANGLE_UP = "triangle up"
    TRIANGLE_DOWN = "triangle down"
    DIAMOND = "diamond"
    FOUR_POINT_STAR = "four-point star"
    STAR = "star"
    DISC = "disc"
    DASH = "dash"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class EmotionLook:
    """Colour and glyph of one emotion."""

    colour: str
    glyph: Glyph


# Okabe-Ito: told apart by colour-blind people. EmoryNLP's and IEMOCAP's labels take related hues.
EMOTIONS = {
    "anger": EmotionLook("#D55E00", Glyph.TRIANGLE_UP),
    "disgust": EmotionLook("#009E73", Glyph.DIAMOND),
    "fear": EmotionLook("#CC79A7", Glyph.FOUR_POINT_STAR),
    "joy": EmotionLook("#E6A700", Glyph.DISC),
    "neutral": EmotionLook("#8A919C", Glyph.DASH),
    "sadness": EmotionLook("#0072B2", Glyph.TRIANGLE_DOWN),
    "surprise": EmotionLook("#56B4E9", Glyph.STAR),
}
EMOTIONS |= {
    "joyful": EMOTIONS["joy"],
    "mad": EMOTIONS["anger"],
    "peaceful": EmotionLook("#4DB6AC", Glyph.SQUARE),
    "powerful": EmotionLook("#B8860B", Glyph.DIAMOND),
    "sad": EMOTIONS["sadness"],
    "scared": EMOTIONS["fear"],
    "angry": EMOTIONS["anger"],
    "excited": EmotionLook("#F0C75E", Glyph.STAR),
    "frustrated": EmotionLook("#A0522D", Glyph.DIAMOND),
    "happy": EMOTIONS["joy"],
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Everything but the emotions: near-neutral surfaces and one accent."""

    window: str  # behind everything
    surface: str  # panels
    raised: str  # fields, rows under the mouse
    line: str  # hairlines
    text: str
    muted: str  # captions
    faint: str  # what cannot be pressed now
    accent: str
    selected: str  # background of the selected row
    good: str
    bad: str


LIGHT = Palette(
    window="#F3F4F6",
    surface="#FFFFFF",
    raised="#F0F2F5",
    line="#DFE2E7",
    text="#1B1F27",
    muted="#5D6675",
    faint="#A9AFB9",
    accent="#3A5BC7",
    selected="#E3E9FA",
    good="#1B7F4C",
    bad="#B3362B",
)
DARK = Palette(
    window="#14171C",
    surface="#1B1F26",
    raised="#252A33",
    line="#303641",
    text="#E7EAEF",
    muted="#98A1B0",
    faint="#5C6573",
    accent="#86A2FF",
    selected="#2A3550",
    good="#5BC98E",
    bad="#F2877B",
)


_forced: Palette | None = None


def force_palette(palette: Palette | None) -> None:
    """Use this palette whatever the system says; None follows the system again."""
    global _forced  # noqa: PLW0603 - the application has one theme
    _forced = palette


def active_palette() -> Palette:
    """The palette in force."""
    if _forced is not None:
        return _forced
    return DARK if QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT


def emotion_look(emotion: str) -> EmotionLook:
    """Colour and glyph of an emotion; one that a corpus brought of its own gets a pair that its name decides."""
    if emotion in EMOTIONS:
        return EMOTIONS[emotion]
    looks = tuple(dict.fromkeys(look for name, look in EMOTIONS.items() if name != "neutral"))
    digest = sha256(emotion.encode(errors="surrogatepass")).digest()
    return EmotionLook(looks[digest[0] % len(looks)].colour, looks[digest[1] % len(looks)].glyph)


def emotion_colour(emotion: str) -> QColor:
    """The emotion's colour."""
    return QColor(emotion_look(emotion).colour)


def load_fonts() -> str:
    """Make the bundled family known and return its name; the system's sans where the files are missing."""
    for path in sorted(FONTS.glob("*.ttf")):
        QFontDatabase.addApplicationFont(str(path))
    return "Inter" if "Inter" in QFontDatabase.families() else QFont().defaultFamily()


def font(size: int = BODY, *, bold: bool = False, tabular: bool = False) -> QFont:
    """The family in `size` px; `tabular` figures wherever numbers change."""
    face = QFont("Inter")
    face.setPixelSize(size)
    face.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if tabular:
        face.setFeature(QFont.Tag("tnum"), 1)
    return face
