"""The timeline on real clips: what lies where, what a click does, and the sound that is decoded for it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from telme_gui.look import theme
from telme_gui.session.job import Job
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.timeline import Timeline
from telme_gui.timeline.lanes import GAP, Lane, TimeSpan, lanes_of, lay_out, ticks
from telme_gui.timeline.sound import RATE, FilmSound, SoundDecoded, decode
from telme_model.analysis.models import STANDARD, Model, Role
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Clip, Corpus, Dialogue, Split
from telme_model.runs.presets import TOY
from tests.support.clips import TONE, write_clip
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions

FUSED = Model(Role.FUSED)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("timeline") / "corpus"))


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def timeline(qtbot: QtBot, session: Session, corpus: Corpus) -> Timeline:
    """Of a dialogue of four turns, not all of which have sound, with predictions."""
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(), corpus.labels.labels), Path("night"))
    session.select(dialogue_of(corpus).turns[0].id)
    widget = Timeline(session)
    qtbot.addWidget(widget)
    widget.resize(900, 208)
    return widget


def dialogue_of(corpus: Corpus) -> Dialogue:
    return next(dialogue for dialogue in corpus.dialogues if dialogue.split is Split.TEST)


def test_lanes_fold_from_the_least_dear_and_never_overlap() -> None:
    everything = lanes_of(STANDARD)
    assert list(lay_out(400, everything)) == everything
    assert list(lay_out(60, everything)) == [Lane.SPEAKER, Lane.GOLD, Lane.LABEL, FUSED]
    for height in range(20, 500, 7):
        bands = list(lay_out(height, everything).values())
        assert all(one.bottom + GAP <= other.top + 1e-6 for one, other in pairwise(bands))
        assert not bands or bands[-1].bottom <= height + 1e-6


def test_all_lanes_but_the_spectrogram_fit_into_the_usual_height() -> None:
    usual = [lane for lane in lanes_of(STANDARD) if lane is not Lane.SPECTROGRAM]
    assert list(lay_out(200 - 16, usual)) == usual


@given(st.floats(0.3, 4), st.floats(0, 60), st.floats(-100, 100))
def test_the_view_never_leaves_the_film(factor: float, around: float, by: float) -> None:
    view = TimeSpan(0, 60, 800).zoomed(factor, around, 60).moved(by, 60)
    assert -1e-9 <= view.start < view.end <= 60 + 1e-9
    assert view.seconds(view.x(around)) == pytest.approx(around)


def test_zooming_keeps_the_time_under_the_mouse() -> None:
    view = TimeSpan(0, 60, 800).zoomed(4, 20, 60)
    assert view.x(20) == pytest.approx(TimeSpan(0, 60, 800).x(20))


def test_ticks_are_round_and_not_crowded() -> None:
    view = TimeSpan(3.2, 47, 800)
    times = ticks(view)
    assert times == [5, 10, 15, 20, 25, 30, 35, 40, 45]


def test_a_click_chooses_the_turn_and_goes_to_that_time(qtbot: QtBot, session: Session, timeline: Timeline) -> None:
    timeline.show()
    starts = session.turn_starts
    x = round(timeline.view.x((starts[2] + starts[3]) / 2))
    with qtbot.waitSignal(session.seek_requested) as sought:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(x, 40))
    assert session.current is not None
    assert session.current.id.utterance == 2
    assert sought.args == [pytest.approx(timeline.view.seconds(x))]


def test_a_click_beside_the_lanes_changes_nothing(qtbot: QtBot, session: Session, timeline: Timeline) -> None:
    timeline.show()
    before = session.current
    with qtbot.assertNotEmitted(session.seek_requested):
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(10, 40))
    assert session.current is before


def test_wheel_zooms_drag_moves_and_a_key_shows_all_again(qtbot: QtBot, session: Session, timeline: Timeline) -> None:
    timeline.show()
    whole = timeline.view
    wheel(timeline, QPoint(500, 40), 120 * 5)
    near = timeline.view
    assert near.end - near.start == pytest.approx((whole.end - whole.start) / 1.25**5)
    assert near.seconds(500) == pytest.approx(whole.seconds(500))
    with qtbot.assertNotEmitted(session.seek_requested):
        qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=QPoint(500, 40))
        qtbot.mouseMove(timeline, QPoint(560, 40))
        qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=QPoint(560, 40))
    assert timeline.view.seconds(560) == pytest.approx(near.seconds(500))
    timeline.fit.trigger()
    assert timeline.view == whole


def wheel(timeline: Timeline, point: QPoint, turned: int) -> None:
    event = QWheelEvent(
        QPointF(point), QPointF(timeline.mapToGlobal(point)), QPoint(), QPoint(0, turned), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(timeline, event)


def test_the_page_turns_when_the_cursor_leaves_the_view(session: Session, timeline: Timeline) -> None:
    timeline.grab()
    wheel(timeline, QPoint(80, 40), 120 * 6)
    assert timeline.view.start == pytest.approx(0, abs=1e-6)
    end = timeline.view.end
    session.set_position(end + 0.1)
    assert timeline.view.start <= end + 0.1 <= timeline.view.end


def test_a_clip_of_another_length_stretches_the_film(session: Session, timeline: Timeline, corpus: Corpus) -> None:
    before = session.film_seconds
    assert timeline.view.end == pytest.approx(before)
    session.learn_seconds({dialogue_of(corpus).turns[1].id: 4.0})
    assert timeline.view.end == pytest.approx(session.film_seconds) != pytest.approx(before)


def test_segments_have_the_colours_of_what_was_said(session: Session, timeline: Timeline, corpus: Corpus) -> None:
    image = timeline.grab().toImage()
    scene = timeline.scene
    assert scene is not None
    assert session.predictions is not None
    predicted = session.predictions.predicted
    for lane in (Lane.GOLD, *STANDARD):
        for place, turn in enumerate(dialogue_of(corpus).turns):
            row = session.predictions.rows[turn.id]
            said = corpus.labels.labels[predicted[lane.key][row]] if isinstance(lane, Model) else turn.gold
            assert said is not None
            point = QPoint(round(scene.span(place)[1]) - 8, round(scene.lanes[lane].top + 5))
            assert image.pixelColor(point) == theme.emotion_colour(said), (lane, place)


def test_without_a_run_the_models_lanes_give_room(session: Session, timeline: Timeline) -> None:
    session.set_predictions(None, None)
    scene = timeline.scene
    assert scene is not None
    assert list(scene.lanes) == [Lane.SPEAKER, Lane.GOLD, FUSED, Lane.SOUND, Lane.TIME]
    timeline.grab()


def test_nothing_open_is_no_error(qtbot: QtBot, session: Session) -> None:
    timeline = Timeline(session)
    qtbot.addWidget(timeline)
    timeline.grab()
    assert timeline.scene is None
    assert timeline.words_at(QPoint(300, 40)) == ""


def test_words_under_the_mouse(session: Session, timeline: Timeline, corpus: Corpus) -> None:
    scene = timeline.scene
    assert scene is not None
    turn = dialogue_of(corpus).turns[0]
    x = round(timeline.view.x(0.1))
    gold = timeline.words_at(QPoint(x, round(scene.lanes[Lane.GOLD].top) + 2))
    assert gold == f"1 · {turn.speaker}: {turn.text}\ngold: {turn.gold}"
    assert "of at most" in timeline.words_at(QPoint(x, round(scene.lanes[Lane.SHIFT].top) + 2))


def test_sound_is_decoded_in_the_background_and_kept(
    qtbot: QtBot, session: Session, timeline: Timeline, corpus: Corpus
) -> None:
    timeline.show()
    assert film_of(timeline) is None
    qtbot.waitUntil(lambda: film_of(timeline) is not None and not session.jobs.running)
    film = film_of(timeline)
    assert film is not None
    assert np.abs(film.samples[: RATE // 4]).max() > 3000
    timeline.spectrogram.trigger()
    assert timeline.scene is not None
    assert Lane.SPECTROGRAM in timeline.scene.lanes
    timeline.grab()
    silent = timeline.words_at(QPoint(round(timeline.view.x(session.turn_starts[2] + 0.1)), timeline.height() - 60))
    assert "no sound" in silent
    other = corpus.dialogues[0].turns[0].id
    session.select(other)
    qtbot.waitUntil(lambda: film_of(timeline) is not None and not session.jobs.running)
    session.select(dialogue_of(corpus).turns[0].id)
    assert film_of(timeline) is not None  # at once


def film_of(timeline: Timeline) -> FilmSound | None:
    return timeline.scene.film if timeline.scene else None


def test_closing_while_decoding_leaves_no_thread(qtbot: QtBot, session: Session, timeline: Timeline) -> None:
    jobs: list[Job] = list(session.jobs.running)
    session.jobs.changed.connect(lambda: jobs.extend(session.jobs.running))  # one may be over before it is looked for
    timeline.show()
    qtbot.waitUntil(lambda: bool(jobs))
    session.close()
    assert not any(isValid(job) and job.isRunning() for job in jobs)


def test_the_film_puts_each_turn_at_its_place(tmp_path: Path, corpus: Corpus) -> None:
    sounds = {sound.place: sound for sound in decode(dialogue_of(corpus).turns)}
    film = FilmSound(sounds, (0.0, 1.0, 2.0, 3.0, 4.0))
    assert len(film.samples) == 4 * RATE
    for place, sound in sounds.items():
        part = film.samples[place * RATE : (place + 1) * RATE]
        if sound.samples is None:
            assert not part.any()
        else:
            assert np.array_equal(part[: len(sound.samples)], sound.samples)


@pytest.mark.parametrize("view", [TimeSpan(0, 40, 900), TimeSpan(3.1, 3.4, 900)], ids=["coarse", "fine"])
def test_the_envelope_holds_every_sample(view: TimeSpan) -> None:
    samples = np.random.default_rng(0).integers(-9000, 9000, 40 * RATE).astype(np.int16)
    film = FilmSound({0: SoundDecoded(place=0, samples=samples)}, (0.0, 40.0))
    low, high = film.envelope(view, 300)
    assert low.shape == high.shape == (300,)
    part = samples[round(view.start * RATE) : round(view.end * RATE)] / film.loudest
    assert low.min() == pytest.approx(part.min())
    assert high.max() == pytest.approx(part.max())


def test_the_spectrogram_shows_each_tone_when_and_where_it_sounds_and_how_loud() -> None:
    """Three tones, a second each: the rows are mels, the highest first, and 60 dB go from 1 to 0."""
    tones, rows = ((312.5, 1.0), (1500.0, 0.1), (5000.0, 0.01)), 400  # Hz in the middle of a band
    second = np.arange(RATE) / RATE
    samples = np.concatenate([30_000 * level * np.sin(2 * np.pi * hertz * second) for hertz, level in tones])
    film = FilmSound({0: SoundDecoded(place=0, samples=samples.astype(np.int16))}, (0.0, 3.0))
    seen = film.spectrogram(TimeSpan(0.0, 3.0, 300), 30, rows)
    highest, lowest = (2595 * np.log10(1 + hertz / 700) for hertz in (8000.0, 60.0))
    for number, (hertz, level) in enumerate(tones):
        column = seen[:, 10 * number + 5]
        row = (highest - 2595 * np.log10(1 + hertz / 700)) / (highest - lowest) * (rows - 1)
        assert abs(int(column.argmax()) - row) <= 6
        assert column.max() == pytest.approx(1 + 20 * np.log10(level) / 60, abs=0.06)


def test_the_spectrogram_shows_a_click_at_its_moment() -> None:
    samples = np.zeros(3 * RATE, np.int16)
    samples[RATE] = 20_000
    film = FilmSound({0: SoundDecoded(place=0, samples=samples)}, (0.0, 3.0))
    seen = film.spectrogram(TimeSpan(0.5, 2.0, 300), 300, 20)  # columns of 5 ms
    assert abs(int(seen.mean(0).argmax()) - 100) <= 1


def test_the_spectrogram_is_bright_where_the_tone_is(tmp_path: Path, corpus: Corpus) -> None:
    clip = write_clip(tmp_path / "tone.mp4", seconds=2.0, channels=1, picture=False)
    sound = next(decode([replace(dialogue_of(corpus).turns[0], audio=Clip(clip))]))
    film = FilmSound({0: sound}, (0.0, 2.0))
    picture = film.spectrogram(TimeSpan(0.5, 1.5, 100), 50, 80)
    high, low = 2595 * np.log10(1 + np.array([8000.0, 60.0]) / 700)
    mels = np.linspace(high, low, 80)
    hertz = 700 * (10 ** (mels / 2595) - 1)
    assert abs(hertz[picture.mean(1).argmax()] - TONE) < RATE / 512
    assert picture.max() == pytest.approx(1.0)


def test_a_run_without_students_is_drawn_without_a_word(
    session: Session, timeline: Timeline, corpus: Corpus, recwarn: pytest.WarningsRecorder
) -> None:
    """Nothing shifts, so shift and limit are NaN on every turn; also where they are on some."""
    alone = TOY.with_settings(["students="]).models
    shown = predictions(corpus.turns(), corpus.labels.labels)
    nothing = np.full_like(shown.shift, np.nan)
    for told in (
        predictions(corpus.turns(), corpus.labels.labels, models=alone),
        replace(shown, shift=np.where(np.arange(len(nothing)) % 2, nothing, shown.shift)),
    ):
        session.set_predictions(told, Path("alone"))
        assert not timeline.grab().isNull()
    assert not recwarn.list
