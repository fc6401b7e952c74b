"""The film plays real clips through a device made of a thread, and survives what goes wrong with either."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from telme_gui.player import sound
from telme_gui.player.decoder import RATE
from telme_gui.player.film import Film
from telme_gui.player.pictures import Shot
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.corpus.dialogue import Clip, Modality
from tests.support import clips
from tests.support.clips import LEVEL, grey, write_clip
from tests.support.player_fakes import Device, NoDevice, corpus_of


class Watched:
    """A film with what it showed: turn and moment."""

    def __init__(self, qtbot: QtBot, session: Session) -> None:
        self.qtbot, self.session, self.film = qtbot, session, Film(session)
        self.shots: list[Shot] = []
        self.playing: list[bool] = []  # whether it played, when each of them was shown
        self.film.shown.connect(self.shots.append)
        self.film.shown.connect(lambda _shot: self.playing.append(self.film.playing))

    @property
    def turns(self) -> list[int]:
        """The turns shown, each time one begins; where the machine was late, by a picture that is not its first."""
        turns = [shot.segment.turn for shot in self.shots]
        new = [now is not before for before, now in pairwise([None, *turns])]
        return [turn.id.utterance for turn, shot, other in zip(turns, self.shots, new) if shot.opens or other]

    @property
    def level(self) -> int:
        """Grey of the picture shown."""
        image = self.shots[-1].image
        assert image is not None
        return image.pixelColor(image.width() // 2, image.height() // 2).red()

    def open(self, *dialogues: list[Clip | None]) -> None:
        self.session.set_corpus(corpus_of(*dialogues))
        self.qtbot.waitUntil(lambda: bool(self.shots))

    def until_at(self, seconds: float) -> None:
        """Wait for the picture of this moment of its turn."""
        self.qtbot.waitUntil(lambda: abs(self.shots[-1].at - seconds) < 0.01)

    def until_over(self) -> None:
        self.qtbot.waitUntil(lambda: not self.film.playing)


@pytest.fixture
def watched(qtbot: QtBot) -> Iterator[Watched]:
    session = Session(Jobs())
    watched = Watched(qtbot, session)
    yield watched
    watched.film.close()
    session.close()
    assert [thread.name for thread in threading.enumerate() if thread.name in ("pictures", "sound")] == []


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    return device


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> list[Clip | None]:
    """Three clips of 0.4 s."""
    folder = tmp_path_factory.mktemp("clips")
    return [Clip(write_clip(folder / f"{number}.mp4", seconds=0.4)) for number in range(3)]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return Clip(write_clip(tmp_path_factory.mktemp("clips") / "long.mp4", seconds=4.0))


def test_a_chosen_turn_shows_its_first_picture(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.open(short)
    watched.session.step(1)
    watched.qtbot.waitUntil(lambda: watched.turns == [0, 1])
    assert watched.level == pytest.approx(grey(0), abs=3)
    assert not watched.film.playing
    assert device.streams == 0


def test_space_plays_exactly_the_turn(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.open(short)
    watched.film.play_turn()
    watched.until_over()
    assert watched.turns == [0]
    assert watched.shots[-1].at == pytest.approx(9 / 24, abs=0.01)
    assert watched.session.position == pytest.approx(watched.session.turn_starts[1], abs=0.002)
    watched.qtbot.waitUntil(lambda: device.streams == 0)
    played = np.concatenate(device.heard)
    assert not np.isnan(played).any()
    loud = int((np.abs(played).max(axis=1) > 0.2 * LEVEL * 0.64).sum())
    assert loud / RATE == pytest.approx(0.4, abs=0.06)
    watched.film.play_turn()
    watched.until_over()
    assert watched.turns == [0, 0]


def test_playing_on_selects_the_turns_as_they_begin(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.film.set_speed(2.0)
    watched.open(short)
    chosen: list[int] = []
    watched.session.current_changed.connect(
        lambda: chosen.append(watched.session.current.id.utterance) if watched.session.current else None
    )
    watched.film.play_on()
    watched.until_over()
    assert watched.turns == [0, 0, 1, 2]  # shown when it was chosen, and played
    assert chosen == [1, 2]
    assert watched.session.position == pytest.approx(watched.session.film_seconds, abs=0.002)


def test_playing_on_from_a_turn_that_has_ended_begins_with_the_next(
    watched: Watched, short: list[Clip | None], device: Device
) -> None:
    watched.film.set_speed(2.0)
    watched.open(short)
    watched.film.play_turn()
    watched.until_over()
    watched.film.play_on()
    watched.until_over()
    assert watched.turns == [0, 1, 2]


def test_a_loop_goes_round_until_it_is_left(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.film.set_speed(2.0)
    watched.open(short)
    watched.film.set_loop(True)
    watched.film.play_on()
    watched.qtbot.waitUntil(lambda: watched.turns.count(0) > 3)
    assert set(watched.turns) == {0}
    watched.film.set_loop(False)
    watched.until_over()
    assert watched.turns[-2:] == [1, 2]


def test_a_loop_has_no_gap(watched: Watched, long: Clip, device: Device) -> None:
    """Neither in the pictures' times nor in the sound, which an mp4's last packet may leave silent for 20 ms."""
    watched.open([Clip(long.path, 0.5, 0.75)])
    watched.film.set_loop(True)
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.turns.count(0) > 4)
    watched.film.pause()
    begins = sorted({shot.segment.begins for shot in watched.shots})
    assert begins == pytest.approx([0.25 * number for number in range(len(begins))])
    assert len(begins) > 2
    watched.qtbot.waitUntil(lambda: device.streams == 0)
    loud = np.flatnonzero(np.abs(np.concatenate(device.heard)).max(axis=1) > 0.1 * LEVEL)
    assert np.diff(loud).max() < 0.021 * RATE


def test_frames_are_stepped_both_ways(watched: Watched, long: Clip, device: Device) -> None:
    watched.open([long])
    for frame, by in [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (4, -1), (3, -1)]:
        watched.film.step_frame(by)
        watched.until_at(frame / 24)
        assert watched.level == pytest.approx(grey(frame / 24), abs=3)


def test_a_step_back_from_a_turns_first_frame_is_the_last_of_the_turn_before(
    watched: Watched, short: list[Clip | None], device: Device
) -> None:
    watched.open(short)
    with watched.qtbot.waitSignals([watched.film.shown, watched.film.measured]):
        watched.session.step(1)
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.film.step_frame(-1)
    assert watched.session.current is watched.session.turns[0]
    assert watched.level == pytest.approx(grey(9 / 24), abs=3)


def test_a_step_on_from_a_turns_last_frame_is_the_first_of_the_turn_after(
    watched: Watched, short: list[Clip | None], device: Device
) -> None:
    watched.open(short)
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.session.seek(0.39)
    assert watched.level == pytest.approx(grey(9 / 24), abs=3)
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.film.step_frame(1)
    assert watched.session.current is watched.session.turns[1]
    assert watched.level == pytest.approx(grey(0), abs=3)


def test_steps_end_at_the_ends_of_the_dialogue(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.open(short[:1])
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.film.step_frame(-1)
    assert watched.level == pytest.approx(grey(0), abs=3)
    watched.film.play_turn()
    watched.until_over()
    watched.film.step_frame(1)
    assert watched.level == pytest.approx(grey(9 / 24), abs=3)
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.film.step_frame(-1)
    assert watched.level == pytest.approx(grey(8 / 24), abs=3)


def test_seeking_chooses_the_turn_and_the_moment(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.open(short)
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.session.seek(watched.session.turn_starts[2] + 0.26)
    assert watched.session.current is watched.session.turns[2]
    assert watched.level == pytest.approx(grey(6 / 24), abs=3)


def test_dragging_shows_pictures_on_the_way_and_ends_at_the_last_place(
    watched: Watched, long: Clip, device: Device
) -> None:
    with watched.qtbot.waitSignal(watched.session.film_changed):
        watched.open([long])
    for tenth in range(1, 31):
        watched.session.seek(tenth / 10)
    watched.qtbot.waitUntil(lambda: abs(watched.session.position - 3.0) < 1e-6)
    watched.qtbot.waitUntil(lambda: abs(watched.level - grey(3.0)) <= 3)


def test_dragging_while_it_plays_shows_pictures_on_the_way_and_plays_on_from_the_last_place(
    watched: Watched, long: Clip, device: Device
) -> None:
    with watched.qtbot.waitSignal(watched.session.film_changed):
        watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.1)
    seen = len(watched.shots)
    for tenth in range(10, 31):
        watched.session.seek(tenth / 10)
    watched.qtbot.waitUntil(lambda: watched.film.at > 3.1 and watched.shots[-1].at + 1 / 24 >= 3.0)
    assert all(watched.playing[seen:])
    assert watched.shots[seen].at < 3.0
    watched.film.pause()
    watched.qtbot.waitUntil(lambda: device.streams == 0)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_is_that_of_the_sound(watched: Watched, short: list[Clip | None], device: Device, speed: float) -> None:
    watched.open(short)
    watched.film.set_speed(speed)
    watched.film.play_turn()
    watched.until_over()
    watched.qtbot.waitUntil(lambda: device.streams == 0)
    loud = int((np.abs(np.concatenate(device.heard)).max(axis=1) > 0.2 * LEVEL * 0.64).sum())
    assert loud / RATE == pytest.approx(0.4 / speed, abs=0.1 / speed)


def test_a_pause_goes_on_where_it_was(watched: Watched, long: Clip, device: Device) -> None:
    watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.3)
    watched.film.pause()
    stood = watched.film.at
    shown = len(watched.shots)
    watched.film.toggle()
    watched.qtbot.waitUntil(lambda: watched.film.at > stood)
    watched.qtbot.waitUntil(lambda: len(watched.shots) > shown + 2)
    assert all(shot.at >= stood - 1 / 24 for shot in watched.shots[shown:])


def test_muted_is_silent(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.open(short)
    watched.film.set_volume(0.5, muted=True)
    watched.film.play_turn()
    watched.until_over()
    assert not np.concatenate(device.heard).any()


# One modality alone


@pytest.mark.parametrize(
    ("modalities", "seen", "heard"),
    [
        ({Modality.TEXT}, False, False),
        ({Modality.AUDIO}, False, True),
        ({Modality.VISUAL}, True, False),
        ({Modality.TEXT, Modality.AUDIO}, False, True),
    ],
)
def test_only_what_is_presented_is_played(
    watched: Watched,
    short: list[Clip | None],
    device: Device,
    modalities: set[Modality],
    seen: bool,
    heard: bool,
) -> None:
    watched.session.present(frozenset(modalities))
    watched.open(short)
    watched.film.play_turn()
    watched.until_over()
    assert any(shot.image is not None for shot in watched.shots) == seen
    assert bool(device.heard and np.concatenate(device.heard).any()) == heard
    assert watched.session.position == pytest.approx(watched.session.turn_starts[1], abs=0.002)
    assert watched.film.silence == ""


def test_presenting_less_or_more_stays_where_it_is(watched: Watched, long: Clip, device: Device) -> None:
    watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.3)
    watched.session.present(frozenset({Modality.TEXT}))
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.5 and watched.shots[-1].image is None)
    watched.session.present(frozenset(Modality))
    watched.qtbot.waitUntil(lambda: watched.shots[-1].at > 0.6 and watched.shots[-1].image is not None)
    assert watched.level == pytest.approx(grey(watched.shots[-1].at), abs=3)
    assert watched.film.playing


def test_the_picture_comes_back_after_the_end(watched: Watched, short: list[Clip | None], device: Device) -> None:
    watched.session.present(frozenset({Modality.AUDIO}))
    watched.open(short)
    watched.film.play_turn()
    watched.until_over()
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.session.present(frozenset(Modality))
    assert watched.level == pytest.approx(grey(9 / 24), abs=3)
    shown = len(watched.shots)
    watched.film.play_turn()  # which has ended, so it begins anew
    watched.qtbot.waitUntil(lambda: any(shot.at < 0.1 for shot in watched.shots[shown:]))
    watched.until_over()


def test_a_label_that_is_hidden_or_told_leaves_the_film_alone(watched: Watched, long: Clip, device: Device) -> None:
    watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.2)
    begun = watched.turns
    assert watched.session.current is not None
    watched.session.current = replace(watched.session.current, gold=None)
    watched.session.current_changed.emit()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.4)
    assert watched.film.playing
    assert watched.turns == begun


def test_a_label_that_is_told_while_a_picture_is_awaited_leaves_the_film_where_it_goes(
    watched: Watched, short: list[Clip | None], device: Device
) -> None:
    watched.open(short)
    watched.session.seek(watched.session.turn_starts[1] + 0.26)
    assert watched.session.current is not None
    watched.session.current = replace(watched.session.current, gold=None)
    watched.session.current_changed.emit()
    watched.qtbot.waitUntil(lambda: watched.turns[-1] == 1)
    assert watched.level == pytest.approx(grey(6 / 24), abs=3)


# What goes wrong


def test_broken_and_missing_clips_are_said_and_passed(
    watched: Watched, short: list[Clip | None], device: Device, tmp_path: Path
) -> None:
    broken = Clip(clips.no_moov(tmp_path / "broken.mp4"))
    watched.open([short[0], broken, Clip(tmp_path / "gone.mp4"), None, short[1]])
    watched.film.set_speed(2.0)
    said: list[str] = []
    watched.film.shown.connect(
        lambda shot: said.append(watched.film.problem(shot.segment.turn)) if shot.opens else None
    )
    watched.film.play_on()
    watched.until_over()
    assert watched.turns[-4:] == [1, 2, 3, 4]
    assert "broken.mp4 is an mp4 without a usable index" in said[-4]
    assert said[-3:] == ["gone.mp4 does not exist.", "", ""]
    assert watched.session.turn_seconds(watched.session.turns[2]) == pytest.approx(0.5)  # as annotated


def test_sound_alone_is_played(watched: Watched, device: Device, tmp_path: Path) -> None:
    blind = Clip(write_clip(tmp_path / "blind.mp4", seconds=0.4, picture=False))
    watched.open([blind])
    watched.film.play_turn()
    watched.until_over()
    assert np.concatenate(device.heard).any()
    assert watched.shots[-1].image is None
    assert watched.film.problem(watched.session.turns[0]) == "blind.mp4 has no picture."


@pytest.mark.parametrize("module", [None, NoDevice()])  # None: importing fails as without the library
def test_without_a_sound_device_it_plays_by_the_wall_clock(
    watched: Watched, short: list[Clip | None], monkeypatch: pytest.MonkeyPatch, module: Device | None
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    watched.film.set_speed(2.0)
    watched.open(short)
    watched.film.play_on()
    watched.until_over()
    assert watched.turns == [0, 0, 1, 2]
    assert "no output device" in watched.film.silence


def test_a_device_that_vanishes_leaves_the_wall_clock(
    watched: Watched, long: Clip, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "_LOST", 0.15)
    watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.2)
    assert watched.film.silence == ""
    device.dead = True
    watched.qtbot.waitUntil(lambda: "stopped answering" in watched.film.silence)
    stood = watched.film.at
    watched.qtbot.waitUntil(lambda: watched.film.at > stood + 0.2)


def test_a_device_that_is_slow_to_open_holds_up_nothing(
    watched: Watched, short: list[Clip | None], device: Device
) -> None:
    watched.open(short)
    device.ready.clear()
    watched.film.play_turn()
    with watched.qtbot.waitSignal(watched.film.shown):
        watched.session.step(1)
    assert watched.film.playing
    assert not device.heard
    device.ready.set()
    watched.until_over()
    assert watched.session.current is watched.session.turns[1]
    watched.qtbot.waitUntil(lambda: device.streams == 0)


def test_closing_while_playing_leaves_no_thread_and_no_stream(watched: Watched, long: Clip, device: Device) -> None:
    watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.1)
    watched.film.close()
    assert [thread.name for thread in threading.enumerate() if thread.name in ("pictures", "sound")] == []
    assert device.streams == 0


def test_another_corpus_stops_the_film(watched: Watched, long: Clip, short: list[Clip | None], device: Device) -> None:
    watched.open([long])
    watched.film.play_turn()
    watched.qtbot.waitUntil(lambda: watched.film.at > 0.1)
    watched.session.set_corpus(corpus_of(short))
    assert not watched.film.playing
    watched.qtbot.waitUntil(lambda: watched.shots[-1].segment.turn is watched.session.turns[0])
    watched.session.set_corpus(None)
    watched.film.play_on()
    assert not watched.film.playing


def test_the_lengths_of_a_dialogues_clips_are_learned(watched: Watched, short: list[Clip | None], long: Clip) -> None:
    watched.open([long, *short])
    watched.qtbot.waitUntil(lambda: watched.session.turn_starts == pytest.approx((0.0, 4.0, 4.4, 4.8), abs=0.15))
