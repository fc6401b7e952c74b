"""The inspector's parts: what they say of a turn, in words, in tooltips and in pixels, and when there is nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from telme_gui.inspector import Inspector
from telme_gui.inspector.displacement import HowFar, WhatMoved, angle
from telme_gui.inspector.outcome import GoldLine, verdict
from telme_gui.inspector.probabilities import Said
from telme_gui.inspector.section import Section, signed
from telme_gui.look import theme
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.analysis.models import STANDARD, Model, Role
from telme_model.analysis.predictions import Predictions, from_records
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.corpus.emotions import IEMOCAP
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions, records


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("inspector") / "corpus", clips=False))


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def inspector(qtbot: QtBot, session: Session) -> Inspector:
    theme.load_fonts()
    inspector = Inspector(session)
    qtbot.addWidget(inspector)
    inspector.resize(320, 1000)
    inspector.show()
    qtbot.waitExposed(inspector)
    return inspector


@pytest.fixture
def predicted(session: Session, corpus: Corpus, inspector: Inspector) -> Predictions:
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(Split.TEST), corpus.labels.labels), Path("run"))
    assert session.predictions is not None
    session.select(session.predictions.ids[2])
    return session.predictions


Part = TypeVar("Part", bound=Section)


def part(inspector: Inspector, kind: type[Part]) -> Part:
    return next(section for section in inspector.sections if isinstance(section, kind))


def test_a_chosen_turn_becomes_bars(inspector: Inspector, predicted: Predictions, session: Session) -> None:
    """The fused bar of the most probable emotion is as long as its probability, in its colour."""
    turn = predicted.ids[4]
    session.select(turn)
    row = predicted.rows[turn]
    said = part(inspector, Said)
    best = int(predicted.predicted["fused"][row])
    column = said._columns(STANDARD)[Model(Role.FUSED)]
    picture = said.grab().toImage()
    colour = theme.emotion_colour(predicted.labels[best])
    middle = next(y for y in range(picture.height()) if picture.pixelColor(int(column.x()) + 2, y) == colour) + 4
    length = sum(picture.pixelColor(x, middle) == colour for x in range(int(column.x()), said.width()))
    assert length == pytest.approx((column.width() - 18) * predicted.probabilities["fused"][row, best], abs=2.5)
    assert f"Fused: {predicted.labels[best]}" in said.accessibleDescription()


def test_the_header_names_the_turn(inspector: Inspector, predicted: Predictions, session: Session) -> None:
    session.select(predicted.ids[1])
    assert session.current is not None
    assert inspector.header.title.text() == f"Turn 2 · {session.current.speaker}"
    assert inspector.header.words.text() == f"“{session.current.text}”"
    assert inspector.header.notice.isHidden()


def test_every_number_is_explained(inspector: Inspector, predicted: Predictions) -> None:
    """No painted number is without a tooltip; those of the paper name their equation."""
    inspector.grab()
    said, far, moved = part(inspector, Said), part(inspector, HowFar), part(inspector, WhatMoved)
    assert "equation 18" in said.tip_at(QPointF(said.width() - 5, 60))
    tips = [far.tip_at(QPointF(far.width() * (k + 0.5) / 4, 40)) for k in range(4)]
    assert [tip.split(":")[0] for tip in tips] == ["‖F_T‖", "‖H‖", "λ", "‖λH‖"]
    assert all("equation" in tip for tip in tips)
    assert "Shapley" in moved.tip_at(QPointF(moved.width() - 5, moved.height() - 10))
    assert moved.tip_at(QPointF(moved.width() - 100, 80)).startswith("Δp")


def test_the_verdicts(corpus: Corpus) -> None:
    labels = corpus.labels.labels
    base = predictions(corpus.turns(Split.TEST), labels)

    def of(gold: int, teacher: int, fused: int) -> str:
        one = np.eye(len(labels), dtype=np.float32)
        probabilities = {**base.probabilities, "teacher": one[[teacher]], "fused": one[[fused]]}
        return verdict(replace(base, gold=np.array([gold]), probabilities=probabilities), 0)

    assert of(1, 0, 1) == "rescued"
    assert of(0, 0, 1) == "harmed"
    assert of(0, 0, 0) == "both right"
    assert of(2, 0, 0) == "both wrong"
    assert of(2, 0, 1) == "changed, still wrong"
    assert of(-1, 0, 1) == ""


def test_a_missing_modality_leaves_a_dash(qtbot: QtBot, inspector: Inspector, session: Session, corpus: Corpus) -> None:
    made = records(corpus.turns(Split.TEST), corpus.labels.labels)
    for record in made:
        record |= {"audio": None, "displacement": None, "unshifted": None, "shapley": None, "shift_shares": None}
    session.set_corpus(corpus)
    session.set_predictions(from_records(made, corpus.labels.labels, STANDARD), Path("run"))
    assert session.predictions is not None
    session.select(session.predictions.ids[0])
    inspector.grab()
    said, far = part(inspector, Said), part(inspector, HowFar)
    assert "Audio: nothing" in said.accessibleDescription()
    assert "missing" in said.tip_at(said._columns(STANDARD)[STANDARD[Modality.AUDIO]].topLeft() + QPointF(5, 60))
    assert far.accessibleDescription() == "What moved this turn is not known."


def test_six_emotions_have_six_rows(inspector: Inspector, predicted: Predictions, session: Session) -> None:
    seven = part(inspector, Said).height()
    turns = list(session.turns)
    session.set_predictions(predictions(turns, IEMOCAP.labels), Path("other"))
    assert part(inspector, Said).height() < seven
    assert "frustrated" in part(inspector, Said).accessibleDescription()


def test_what_is_missing_is_said(inspector: Inspector, session: Session, corpus: Corpus) -> None:
    def shown() -> tuple[str, bool]:
        return inspector.empty.title.text(), all(section.isHidden() for section in inspector.sections)

    assert shown() == ("No turn to inspect", True)
    session.set_corpus(corpus)
    assert shown() == ("No run is open", True)
    assert inspector.header.isVisible()
    session.set_predictions(predictions(corpus.turns(Split.TEST), corpus.labels.labels), Path("run"))
    assert shown() == ("Not predicted", True)  # the first turn is of the train split
    assert session.predictions is not None
    session.select(session.predictions.ids[0])
    assert not inspector.empty.isVisible()
    assert all(section.isVisible() for section in inspector.sections)
    session.set_corpus(None)
    assert shown() == ("No turn to inspect", True)


@pytest.mark.parametrize("width", [300, 320, 420])
def test_nothing_is_wider_than_the_panel(inspector: Inspector, predicted: Predictions, width: int) -> None:
    inspector.resize(width, 700)
    inspector.grab()
    assert inspector._page.width() <= inspector.viewport().width()


def test_it_follows_light_and_dark(inspector: Inspector, predicted: Predictions) -> None:
    seen = []
    for palette in (theme.LIGHT, theme.DARK):
        theme.force_palette(palette)
        try:
            inspector.setPalette(inspector.palette())
            inspector._restyle()
            seen.append(inspector.grab().toImage().pixelColor(QPoint(3, 3)).name().upper())
        finally:
            theme.force_palette(None)
    assert seen == [theme.LIGHT.surface, theme.DARK.surface]


def test_every_control_has_a_name_and_a_tooltip(inspector: Inspector, predicted: Predictions) -> None:
    card = inspector.card
    for control in (card.theta, card.context, card.text, card.back, *card.mutes.values()):
        assert control.accessibleName()
        assert control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_figures_are_short_and_signed() -> None:
    assert [signed(value) for value in (0.124, -0.031, 0.0, -0.001, 1.0, float("nan"))] == [
        "+.12", "−.03", ".00", ".00", "+1.00", "–",
    ]  # fmt: skip
    assert [angle(ratio) for ratio in (0.1, 0.0, 1.0, 2.0)] == ["5.7°", "0.0°", "any angle", "any angle"]


def test_the_gold_line_tells_what_became_of_the_teachers_word(inspector: Inspector, predicted: Predictions) -> None:
    line = part(inspector, GoldLine)
    row = line.row
    teacher = predicted.labels[predicted.predicted["teacher"][row]]
    assert f"teacher {teacher}" in line.accessibleDescription()
    assert verdict(predicted, row) in line.accessibleDescription()


def test_while_predictions_are_computed_it_says_how_far_that_is(
    inspector: Inspector, session: Session, corpus: Corpus
) -> None:
    session.set_corpus(corpus)
    session.set_predictions(predictions([], corpus.labels.labels), Path("night"))
    assert inspector.empty.title.text() == "Not predicted"
    assert not inspector.empty.bar.isVisible()
    session.set_predicting((0, 40))
    assert inspector.empty.title.text() == "Predicting …"
    assert inspector.empty.sentence.text() == "night is being loaded; this dialogue comes first."
    session.set_predicting((12, 40))
    assert inspector.empty.sentence.text().startswith("12 of 40 turns")
    assert inspector.empty.bar.isVisible()
    assert (inspector.empty.bar.value(), inspector.empty.bar.maximum()) == (12, 40)
    session.set_predicting(None)
    assert inspector.empty.title.text() == "Not predicted"
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels), Path("night"))
    assert not inspector.empty.isVisible()
