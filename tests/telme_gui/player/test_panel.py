"""The panel by its keys and its mouse, and what it says."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QSlider, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.app import make_window
from telme_gui.look import theme
from telme_gui.look.settings import Playback, Settings
from telme_gui.look.style import Appearance
from telme_gui.player import PlayerPanel
from telme_gui.player.transport import FilmBar
from telme_gui.player.view import PictureView
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.corpus.dialogue import Clip, Modality
from tests.support.clips import write_clip
from tests.support.player_fakes import Device, corpus_of
from tests.support.predictions import predictions


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> list[Clip | None]:
    folder = tmp_path_factory.mktemp("clips")
    return [Clip(write_clip(folder / f"{number}.mp4", seconds=0.4)) for number in range(3)]


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayerPanel]:
    """A panel in a window beside a text field."""
    monkeypatch.setitem(sys.modules, "sounddevice", Device())
    window = QWidget()
    qtbot.addWidget(window)
    panel = PlayerPanel(session)
    column = QVBoxLayout(window)
    column.addWidget(QLineEdit())
    column.addWidget(panel)
    window.resize(800, 500)
    window.show()
    qtbot.waitActive(window)
    panel.findChildren(PictureView)[0].setFocus()
    yield panel
    panel.close()


def press(qtbot: QtBot, panel: PlayerPanel, keys: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    qtbot.keyClick(panel.window().focusWidget(), keys, modifier or Qt.KeyboardModifier.NoModifier)


def test_it_plays_by_the_keyboard_alone(
    qtbot: QtBot, panel: PlayerPanel, session: Session, short: list[Clip | None]
) -> None:
    session.set_corpus(corpus_of(short, short[:1]))
    with qtbot.waitSignal(panel.playing_changed):
        press(qtbot, panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not panel.playing)
    assert session.current is session.turns[0]
    press(qtbot, panel, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert panel.playing
    qtbot.waitUntil(lambda: not panel.playing)
    assert session.current is session.turns[2]
    press(qtbot, panel, Qt.Key.Key_K)
    assert session.current is session.turns[1]
    press(qtbot, panel, Qt.Key.Key_Down)
    assert session.current is session.turns[2]
    press(qtbot, panel, Qt.Key.Key_BracketRight)
    assert session.current is session.turns[3]
    press(qtbot, panel, Qt.Key.Key_R)
    assert panel.film.loop
    press(qtbot, panel, Qt.Key.Key_M)
    assert panel.film.volume.muted
    press(qtbot, panel, Qt.Key.Key_Greater)
    assert panel.film.speed == 1.25


def test_the_keys_are_letters_in_a_text_field(
    qtbot: QtBot, panel: PlayerPanel, session: Session, short: list[Clip | None]
) -> None:
    session.set_corpus(corpus_of(short))
    field = panel.window().findChildren(QLineEdit)[0]
    field.setFocus()
    qtbot.keyClicks(field, "R j,m")
    assert field.text() == "R j,m"
    assert not panel.playing
    assert not panel.film.loop
    assert session.current is session.turns[0]


def test_no_two_actions_share_a_key_and_each_control_has_a_name_and_a_tooltip(panel: PlayerPanel) -> None:
    keys = [action.shortcut().toString() for action in panel.controls.all]
    assert "" not in keys
    assert len(set(keys)) == len(keys)
    controls: list[QWidget] = [*panel.findChildren(QAbstractButton), *panel.findChildren(QSlider)]
    assert len(controls) > 10
    assert [control for control in controls if not control.accessibleName() or not control.toolTip()] == []


def test_a_click_on_the_bar_goes_there(
    qtbot: QtBot, panel: PlayerPanel, session: Session, short: list[Clip | None]
) -> None:
    with qtbot.waitSignal(session.film_changed):
        session.set_corpus(corpus_of(short))
    bar = panel.findChildren(FilmBar)[0]
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 2, bar.height() // 2))
    qtbot.waitUntil(lambda: session.current is session.turns[1])
    qtbot.waitUntil(lambda: session.position == pytest.approx(session.film_seconds / 2, rel=0.05))


def test_the_view_says_what_is_said_and_what_is_wrong(
    qtbot: QtBot, panel: PlayerPanel, session: Session, tmp_path: Path
) -> None:
    view = panel.findChildren(PictureView)[0]
    with qtbot.waitSignal(panel.film.shown):
        session.set_corpus(corpus_of([Clip(tmp_path / "gone.mp4"), None]))
    assert view.accessibleDescription() == "Ada: Turn 0."
    assert view.toolTip() == "gone.mp4 does not exist."
    with qtbot.waitSignal(panel.film.shown):
        session.step(1)
    assert view.toolTip() == ""
    session.set_corpus(None)
    assert view.accessibleDescription() == ""
    view.grab()


def corner(view: PictureView) -> set[int]:
    """The colours at the top right, where the chip is."""
    image = view.grab().toImage()
    return {image.pixel(x, y) for x in range(image.width() - 60, image.width()) for y in range(40)}


def test_the_chip_is_the_label_of_the_turn_and_of_nothing_else(
    qtbot: QtBot, panel: PlayerPanel, session: Session
) -> None:
    """A hidden label is shown neither itself nor as what a run says."""
    view = panel.findChildren(PictureView)[0]
    corpus = corpus_of([None])
    unlabelled = replace(corpus.dialogues[0].turns[0], gold=None)
    with qtbot.waitSignal(panel.film.shown):
        session.set_corpus(corpus)
    assert len(corner(view)) > 2
    session.set_predictions(predictions(session.turns, corpus.labels.labels), None)
    session.labels.choose(blind=True)
    assert len(corner(view)) == 1
    session.labels.choose(blind=False)
    assert len(corner(view)) > 2
    session.set_corpus(replace(corpus, dialogues=(replace(corpus.dialogues[0], turns=(unlabelled,)),)))
    session.set_predictions(predictions(session.turns, corpus.labels.labels), None)
    assert len(corner(view)) == 1


def test_the_view_gives_only_what_is_presented(
    qtbot: QtBot, panel: PlayerPanel, session: Session, short: list[Clip | None]
) -> None:
    view = panel.findChildren(PictureView)[0]

    def has_picture() -> bool:
        """The ground's red is 10, the picture's 20."""
        return view.grab().toImage().pixelColor(view.width() // 2, view.height() // 4).red() > 15

    with qtbot.waitSignal(panel.film.shown):
        session.set_corpus(corpus_of(short))
    qtbot.waitUntil(has_picture)
    session.present(frozenset({Modality.TEXT}))
    assert not has_picture()  # at once, before anything is decoded anew
    assert view.accessibleDescription() == "Ada: Turn 0."
    session.present(frozenset({Modality.AUDIO}))
    assert not has_picture()
    assert view.accessibleDescription() == ""
    session.present(frozenset({Modality.VISUAL}))
    qtbot.waitUntil(has_picture)
    assert view.accessibleDescription() == ""


def test_full_screen_and_back(qtbot: QtBot, panel: PlayerPanel, session: Session, short: list[Clip | None]) -> None:
    session.set_corpus(corpus_of(short))
    full: QAction = panel.controls.full_screen
    full.trigger()
    view = panel.findChildren(PictureView)[0]
    assert view.window() is not panel.window()
    qtbot.waitUntil(view.hasFocus)
    with qtbot.waitSignal(panel.playing_changed):
        qtbot.keyClick(view, Qt.Key.Key_Space)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not panel.is_full_screen
    assert view.isVisible()
    assert view.window() is panel.window()


def test_after_the_full_screen_the_keyboard_is_where_it_was(qtbot: QtBot, panel: PlayerPanel) -> None:
    bar = panel.findChildren(FilmBar)[0]
    bar.setFocus()
    panel.toggle_full_screen()
    view = panel.findChildren(PictureView)[0]
    qtbot.waitUntil(view.hasFocus)
    view.window().close()  # as a window manager does
    assert not panel.is_full_screen
    assert panel.window().focusWidget() is bar
    assert view.isVisible()


def test_closing_leaves_no_full_screen(qtbot: QtBot, panel: PlayerPanel) -> None:
    panel.toggle_full_screen()
    panel.shut_down()
    assert panel.findChildren(PictureView)[0].window() is panel.window()


def test_a_window_remembers_volume_and_speed(
    qtbot: QtBot, appearance: Appearance, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(playback=Playback(volume=0.3, muted=True, speed=1.5))
    window = make_window(settings, appearance)
    qtbot.addWidget(window)
    assert window.player.playback == settings.playback
    window.player.film.set_volume(0.6)
    window.player.film.set_speed(0.75)
    window.close()
    assert settings.playback == Playback(volume=0.6, muted=False, speed=0.75)


def test_it_takes_the_colours_of_another_theme(panel: PlayerPanel, session: Session) -> None:
    dark = panel.controls.play.icon().cacheKey()
    try:
        theme.force_palette(theme.LIGHT)
        panel.setPalette(panel.window().palette())
        panel.controls.follow()
        assert panel.controls.play.icon().cacheKey() != dark
    finally:
        theme.force_palette(None)
