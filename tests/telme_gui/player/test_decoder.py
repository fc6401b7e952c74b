"""Pictures and sound from any moment of a clip on, held to what the clips were written with."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from telme_gui.player.cue import Playlist, Segment
from telme_gui.player.decoder import RATE, Picture, measure, pictures, sound, stretched
from telme_model.corpus.dialogue import Clip, Turn
from telme_model.media.reader import MediaError
from tests.support import clips
from tests.support.clips import LEVEL, TONE, grey, write_clip
from tests.support.player_fakes import corpus_of

LARGE = QSize(4000, 4000)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "two seconds.mp4")


def turn_of(clip: Clip) -> Turn:
    return corpus_of([clip]).dialogues[0].turns[0]


def decoded(clip: Clip, start: float = 0.0, count: int | None = None) -> list[Picture]:
    return list(islice(pictures(clip, start, lambda: True), count))


def level(image: QImage) -> int:
    return image.pixelColor(image.width() // 2, image.height() // 2).red()


def heard(clip: Clip | None, start: float, samples: int, speed: float = 1.0) -> np.ndarray:
    return np.concatenate(list(sound(clip, start, samples, speed)))


def pitch(wave: np.ndarray) -> float:
    """Hz of the loudest tone of [samples]."""
    return float(np.argmax(np.abs(np.fft.rfft(wave * np.hanning(len(wave))))) * RATE / len(wave))


# Picture


@pytest.mark.parametrize("start", [0.0, 0.03, 0.5, 1.26, 1.97, 5.0])
def test_the_first_picture_is_the_one_shown_at_the_start(clip: Path, start: float) -> None:
    first = decoded(Clip(clip), start, 1)[0]
    shown = min(np.floor(start * 24 + 1e-6), 47) / 24
    assert first.time == pytest.approx(shown, abs=1e-3)
    assert level(first.image(LARGE)) == pytest.approx(grey(shown), abs=3)


def test_every_picture_comes_once_in_order_up_to_the_last(clip: Path) -> None:
    times = [picture.time for picture in decoded(Clip(clip))]
    assert times == pytest.approx([index / 24 for index in range(48)], abs=1e-3)


def test_a_window_of_a_file_counts_from_its_own_start(clip: Path) -> None:
    shown = decoded(Clip(clip, 0.5, 1.0))
    assert [picture.time for picture in shown] == pytest.approx([index / 24 for index in range(12)], abs=1e-3)
    assert level(shown[0].image(LARGE)) == pytest.approx(grey(0.5), abs=3)
    assert decoded(Clip(clip, 0.5, 1.0), 0.25, 1)[0].time == pytest.approx(0.25, abs=1e-3)


def test_pictures_are_shrunk_to_fit_and_never_enlarged(clip: Path) -> None:
    picture = decoded(Clip(clip), 0.0, 1)[0]
    assert picture.image(QSize(80, 80)).size() == QSize(80, 60)
    assert picture.image(LARGE).size() == QSize(160, 120)


def test_a_rotated_clip_stands_upright(tmp_path: Path) -> None:
    image = decoded(Clip(clips.rotated(tmp_path / "rotated.mp4")), 0.0, 1)[0].image(LARGE)
    assert image.size() == QSize(120, 160)
    corners = [(5, 5), (115, 5), (5, 155), (115, 155)]
    assert [image.pixelColor(*corner).red() > 128 for corner in corners] == [False, True, False, False]


def test_what_nobody_wants_any_longer_is_not_decoded(clip: Path) -> None:
    assert list(pictures(Clip(clip), 1.5, lambda: False)) == []


BROKEN: list[Callable[[Path], Path]] = [clips.zero_bytes, clips.garbage, clips.text, clips.no_moov]


@pytest.mark.parametrize("write", BROKEN)
def test_a_broken_clip_is_named_with_the_reason(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    broken = Clip(write(tmp_path / "broken.mp4"))
    with pytest.raises(MediaError, match=r"broken\.mp4 is"):
        decoded(broken)
    found = measure(turn_of(broken))
    assert found.seconds == 0
    assert found.problem.startswith("broken.mp4 is")
    assert not heard(broken, 0.0, 1000).any()


@pytest.mark.parametrize("write", [clips.truncated, clips.edit_list, clips.variable_frame_rate])
def test_an_awkward_clip_is_played_as_far_as_it_goes(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    awkward = Clip(write(tmp_path / "awkward.mp4"))
    found = measure(turn_of(awkward))
    assert found.problem == ""
    times = [picture.time for picture in decoded(awkward)]
    assert times == sorted(times)
    assert len(times) > 5
    assert -0.05 <= times[-1] <= found.seconds + 0.05


# Length and sound


def test_the_length_is_that_of_the_packets(clip: Path) -> None:
    assert measure(turn_of(Clip(clip))).seconds == pytest.approx(2.0, abs=0.06)
    assert measure(turn_of(Clip(clip, 0.5, 1.25))).seconds == 0.75
    assert measure(turn_of(Clip(clip, 1.5, 9.0))).seconds == pytest.approx(0.5, abs=0.06)


def test_a_missing_medium_is_said(tmp_path: Path) -> None:
    mute = write_clip(tmp_path / "mute.mp4", seconds=0.5, channels=0)
    blind = write_clip(tmp_path / "blind.mp4", seconds=0.5, picture=False)
    assert measure(turn_of(Clip(mute))).problem == "mute.mp4 has no sound."
    assert measure(turn_of(Clip(blind))).problem == "blind.mp4 has no picture."
    assert measure(turn_of(Clip(tmp_path / "gone.mp4"))).problem == "gone.mp4 does not exist."


@pytest.mark.parametrize("start", [0.0, 0.31, 1.2])
def test_sound_is_what_was_written_from_the_start_on(clip: Path, start: float) -> None:
    samples = heard(Clip(clip), start, RATE // 2)
    assert samples.shape == (RATE // 2, 2)
    time = start + np.arange(len(samples)) / RATE
    tones = LEVEL * np.sin(2 * np.pi * np.outer(time, [TONE, TONE + 110]))
    middle = slice(2000, -2000)
    # The tones' phase tells the place: 0.1 ms would be a tenth of the amplitude at 440 Hz.
    assert np.abs(samples[middle] - tones[middle]).max() < 0.25 * LEVEL


def test_sound_that_begins_late_is_silent_until_then(tmp_path: Path) -> None:
    late = Clip(write_clip(tmp_path / "late.mp4", sound_start=0.5))
    samples = heard(late, 0.0, RATE)
    assert np.abs(samples[: int(0.45 * RATE)]).max() < 0.01
    assert np.abs(samples[int(0.55 * RATE) :]).max() > 0.8 * LEVEL


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.5, 2.0])
def test_another_speed_keeps_the_pitch_and_the_length(clip: Path, speed: float) -> None:
    count = round(2.0 / speed * RATE)
    samples = heard(Clip(clip), 0.0, count, speed)
    assert len(samples) == count
    assert pitch(samples[:, 0]) == pytest.approx(TONE, abs=5)
    assert np.abs(samples[-RATE // 10 : -RATE // 50]).max() > 0.5 * LEVEL  # to the end


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.25, 1.5, 2.0])
def test_another_speed_moves_no_moment(speed: float) -> None:
    """Stretching smears a beep's edges: its onset is heard a little early, its middle a little late."""
    time = np.arange(3 * RATE) / RATE
    beep = np.where(np.abs(time - 1.5) < 0.15, np.sin(2 * np.pi * 1000 * time), 0.0).astype(np.float32)
    blocks = (np.stack([beep, beep], axis=1)[first : first + 1024] for first in range(0, len(beep), 1024))
    wave = np.concatenate(list(stretched(blocks, speed)))[:, 0]
    onset = float(np.argmax(np.abs(wave) > 0.1)) / RATE
    middle = float((wave**2 * np.arange(len(wave))).sum() / (wave**2).sum()) / RATE
    assert -0.027 < onset - 1.35 / speed < 0.01
    assert middle == pytest.approx(1.5 / speed, abs=0.018)


def test_sound_past_the_end_and_without_a_clip_is_silence(clip: Path) -> None:
    assert len(heard(Clip(clip), 1.9, RATE)) == RATE
    assert heard(None, 0.0, 12_345).shape == (12_345, 2)


# Cues


@given(st.floats(0, 1e4), st.floats(0, 1e3), st.sampled_from([0.5, 1.0, 1.25, 2.0]), st.floats(0, 1e3))
def test_due_and_at_are_inverse(begins: float, start: float, speed: float, at: float) -> None:
    segment = Segment(corpus_of([None]).dialogues[0].turns[0], begins, start, speed)
    assert segment.at(segment.due(at)) == pytest.approx(at, abs=1e-6)


def test_turns_follow_one_another_without_a_gap() -> None:
    turns = corpus_of([None] * 3).dialogues[0].turns
    cue = Playlist(turns=turns, start=0.25, speed=0.5)
    assert [segment.begins for segment in cue.segments(lambda _: 1.0)] == [0.0, 1.5, 3.5]
    loop = Playlist(turns=turns[:1], start=0.25, loop=True)
    assert [segment.begins for segment in islice(loop.segments(lambda _: 1.0), 3)] == [0.0, 0.75, 1.75]


def test_sound_and_picture_begin_together(tmp_path: Path) -> None:
    """An encoder's padding before the sound is dropped by the decoder, and what follows it must not move forward."""
    path = write_clip(tmp_path / "padded.mp4", sound_start=0.021)
    samples = heard(Clip(path), 0.0, RATE // 2)
    time = np.arange(len(samples)) / RATE - 0.021
    tones = LEVEL * np.sin(2 * np.pi * np.outer(time, [TONE, TONE + 110]))
    assert np.abs(samples[4000:-2000] - tones[4000:-2000]).max() < 0.25 * LEVEL
