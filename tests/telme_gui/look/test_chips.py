"""Chips, glyphs and strips: legible, told apart, and never outside their place."""

from collections.abc import Iterator
from itertools import combinations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter
from pytestqt.qtbot import QtBot

from telme_gui.look import chips, theme
from telme_gui.look.theme import DARK, EMOTIONS, LIGHT, Palette
from telme_model.corpus.emotions import LABEL_SETS, LabelSet

WIDTH, HEIGHT = 120, 24


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def palette(request: pytest.FixtureRequest, qtbot: QtBot) -> Iterator[Palette]:
    theme.force_palette(request.param)
    yield request.param
    theme.force_palette(None)


def canvas(palette: Palette, scale: int = 1) -> QImage:
    image = QImage(scale * WIDTH, scale * HEIGHT, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(QColor(palette.surface))
    return image


def chip(palette: Palette, emotion: str, width: int, *, faded: bool = False, letter_only: bool = False) -> QImage:
    image = canvas(palette)
    painter = QPainter(image)
    chips.paint_chip(painter, QRect(2, 2, width, 20), emotion, faded=faded, letter_only=letter_only)
    painter.end()
    return image


def painted_columns(image: QImage, palette: Palette) -> list[int]:
    ground = QColor(palette.surface).rgb()
    return [x for x in range(image.width()) if any(image.pixel(x, y) != ground for y in range(image.height()))]


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_name_stands_out_from_its_ground(palette: Palette, emotion: str) -> None:
    scale = 6  # so that a letter's stroke has whole pixels of its ink
    image = canvas(palette, scale)
    painter = QPainter(image)
    chips.paint_chip(painter, QRect(2, 2, 100, 20), emotion)
    painter.end()
    name = range((2 + chips.PAD + chips.GLYPH + chips.GAP) * scale, image.width())
    colours = {image.pixel(x, y) for x in name for y in range(image.height())} - {QColor(palette.surface).rgb()}
    ground = image.pixelColor((2 + chips.PAD // 2) * scale, 12 * scale)
    assert max(chips.contrast(QColor(colour), ground) for colour in colours) >= chips.CONTRAST


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_name_keeps_the_emotions_colour_as_far_as_contrast_lets_it(palette: Palette, emotion: str) -> None:
    inks, colour, text = chips._inks(emotion, palette), theme.emotion_colour(emotion), QColor(palette.text)
    if chips.contrast(colour, inks.ground) >= chips.CONTRAST:
        assert inks.name == colour
    for channel in (QColor.red, QColor.green, QColor.blue):
        ends = channel(colour), channel(text)
        assert min(ends) <= channel(inks.name) <= max(ends)
    assert inks.name != text


def test_contrast_is_that_of_the_standard(qtbot: QtBot) -> None:
    assert chips.contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert chips.contrast(QColor("#767676"), QColor("white")) == pytest.approx(4.54, abs=0.01)  # WCAG's own example


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=LABEL_SETS.keys())
def test_no_two_emotions_of_a_corpus_share_glyph_and_colour(labels: LabelSet) -> None:
    for one, other in combinations(labels.labels, 2):
        assert EMOTIONS[one] != EMOTIONS[other]


@pytest.mark.parametrize("width", [8, 20, 34, 50, 62, 100])
@pytest.mark.parametrize("emotion", ["surprise", "joy", "frustrated"])
def test_a_chip_stays_within_its_place(palette: Palette, emotion: str, width: int) -> None:
    columns = painted_columns(chip(palette, emotion, width), palette)
    assert columns
    assert columns[0] >= 2
    assert columns[-1] < 2 + width


def test_a_chip_has_the_size_that_it_says(palette: Palette) -> None:
    metrics = QFontMetrics(chips.chip_font())
    for letter_only in (False, True):
        size = chips.chip_size("surprise", metrics, letter_only=letter_only)
        columns = painted_columns(chip(palette, "surprise", 110, letter_only=letter_only), palette)
        assert columns[-1] - columns[0] + 1 == size.width()


def test_a_faded_chip_has_no_ground(palette: Palette) -> None:
    assert chip(palette, "anger", 80, faded=True).pixel(3, 12) == QColor(palette.surface).rgb()
    assert chip(palette, "anger", 80).pixel(3, 12) != QColor(palette.surface).rgb()


@pytest.mark.parametrize("count", [1, 8, 33, 200])
def test_a_strip_of_any_length_fits(palette: Palette, count: int) -> None:
    image = canvas(palette)
    painter = QPainter(image)
    chips.paint_strip(painter, QRect(2, 2, 100, 11), ["joy"] * count)
    painter.end()
    assert painted_columns(image, palette)[-1] < 102


def test_a_strip_leaves_its_colour_to_the_turns_that_are_lit(palette: Palette) -> None:
    image = canvas(palette)
    painter = QPainter(image)
    chips.paint_strip(painter, QRect(0, 2, 100, 11), ["joy", "anger", None], lit=[False, True, True])
    painter.end()
    cells = [QColor(image.pixel(place * chips.STEP + 5, 7)) for place in range(3)]
    assert cells == [QColor(palette.line), theme.emotion_colour("anger"), QColor(palette.line)]


def test_an_emotion_of_its_own_has_a_look_of_its_own_and_always_the_same() -> None:
    looks = [theme.emotion_look(name) for name in ("calm", "bored", "curious", "calm")]
    assert looks[0] == looks[3]
    assert len({(look.colour, look.glyph) for look in looks}) == 3
    assert theme.EMOTIONS["neutral"].colour not in [look.colour for look in looks]
