"""Words and names that are too long for their place, or broken into lines, stay in it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QFontMetrics, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from telme_gui.browse.turn_model import TurnColumn, TurnModel
from telme_gui.inspector import Inspector
from telme_gui.look import theme
from telme_gui.look.wrapping import breakable, one_line, wrapped
from telme_gui.player.view import PictureView
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.timeline import Timeline
from telme_gui.timeline.lanes import Lane
from telme_model.corpus.dialogue import Corpus, Modality, Turn
from tests.support.player_fakes import corpus_of

ENDLESS = "x" * 10_000
SIZE = 15  # px
TEXTS = st.text(st.sampled_from("ab xW\n\tא😱é"), max_size=120)


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    theme.load_fonts()
    session = Session(Jobs())
    yield session
    session.close()


def saying(text: str, speaker: str = "Ada") -> Corpus:
    """A corpus of one turn with these words."""
    corpus = corpus_of([None])
    (dialogue,) = corpus.dialogues
    turn = replace(dialogue.turns[0], text=text, speaker=speaker)
    return replace(corpus, dialogues=(replace(dialogue, turns=(turn,)),))


def turn_of(corpus: Corpus) -> Turn:
    return next(corpus.turns())


@given(text=TEXTS, width=st.integers(60, 400))
def test_lines_are_no_wider_than_their_place_and_no_letter_is_lost(qapp: QApplication, text: str, width: int) -> None:
    assert qapp is QApplication.instance()  # which fonts need
    theme.load_fonts()
    lines = wrapped(text, SIZE, width, 200).split("\n")
    metrics = QFontMetrics(theme.font(SIZE))
    assert all(metrics.horizontalAdvance(line) <= width + 1 for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    few = wrapped(text, SIZE, width, 2).split("\n")
    assert len(few) == min(len(lines), 2)
    assert few[-1].endswith("…") == (len(lines) > 2)
    assert all(metrics.horizontalAdvance(line) <= width + 1 for line in few)


@pytest.mark.usefixtures("session")
def test_words_are_broken_only_where_there_is_no_other_way() -> None:
    assert wrapped("Congratulations on everything", SIZE, 150, 4) == "Congratulations on\neverything"
    assert breakable("Congratulations on everything") == "Congratulations on everything"
    assert breakable(ENDLESS, 800).replace("\u200b", "") == "x" * 800 + "…"
    assert max(map(len, breakable(ENDLESS).split("\u200b"))) <= 21
    assert one_line(" a\nb\u2028c ") == "a b c"


def bright(image: QImage, columns: range) -> int:
    """How many pixels of these columns have letters on them."""
    return sum(image.pixelColor(x, y).lightness() > 100 for x in columns for y in range(image.height()))


@pytest.mark.parametrize(
    "presented", [frozenset(Modality), frozenset({Modality.TEXT})], ids=["subtitle", "words alone"]
)
@pytest.mark.parametrize("speaker", ["Ada", "W" * 300], ids=["a short name", "a long name"])
def test_endless_words_stay_in_the_picture(qtbot: QtBot, speaker: str, presented: frozenset[Modality]) -> None:
    theme.load_fonts()
    view = PictureView()
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.present(presented)
    view.show_turn(turn_of(saying(ENDLESS, speaker)))
    image = view.grab().toImage()
    assert bright(image, range(100, 500)) > 500
    assert bright(image, range(8)) == bright(image, range(592, 600)) == 0
    assert ENDLESS[:1000] in view.toolTip().replace("\u200b", "")
    view.show_turn(turn_of(saying("Okay.")))
    assert view.toolTip() == ""


def test_endless_words_stay_in_the_inspector(qtbot: QtBot, session: Session) -> None:
    inspector = Inspector(session)
    qtbot.addWidget(inspector)
    inspector.resize(300, 500)
    inspector.show()
    session.set_corpus(saying(ENDLESS, "W" * 300))
    header = inspector.header

    def fits() -> bool:
        """The name is cut to the width that the header has."""
        title = header.title
        return title.text().endswith("…") and title.fontMetrics().horizontalAdvance(title.text()) <= title.width()

    qtbot.waitUntil(lambda: header.width() < inspector.viewport().width() and fits())
    assert "W" * 300 in header.title.toolTip().replace("\u200b", "")
    line = header.words.fontMetrics().lineSpacing()
    assert 10 < header.words.heightForWidth(260) / line < 40  # broken, and not without end
    assert ENDLESS[:1000] in header.words.toolTip().replace("\u200b", "")
    session.set_corpus(saying("Okay."))
    assert (header.title.text(), header.title.toolTip(), header.words.toolTip()) == ("Turn 1 · Ada", "", "")


def test_a_broken_name_is_one_line_in_the_table(session: Session) -> None:
    session.set_corpus(saying("tab\tnew\nline", "Ada\nand Bo"))
    model = TurnModel(session)
    cells = [model.index(0, column).data() for column in (TurnColumn.SPEAKER, TurnColumn.TEXT)]
    assert cells == ["Ada and Bo", "tab new line"]


def test_a_broken_name_is_one_line_in_the_timeline(qtbot: QtBot, session: Session) -> None:
    timeline = Timeline(session)
    qtbot.addWidget(timeline)
    timeline.resize(600, 208)

    def lane(speaker: str) -> QImage:
        session.set_corpus(saying("Okay.", speaker))
        assert timeline.scene is not None
        band = timeline.scene.lanes[Lane.SPEAKER]
        return timeline.grab().toImage().copy(0, round(band.top), 600, round(band.height))

    assert lane("Ada\nand Bo") == lane("Ada and Bo") != lane("Ada")
