"""Clips that people have and that were once read wrongly: small ones of the same kinds, with what is right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from telme_gui.player.decoder import RATE, measure, pictures, sound
from telme_gui.timeline import sound as timeline
from telme_model.corpus.dialogue import Clip, Modality, Split, Turn, TurnId
from telme_model.corpus.health import ProblemFound
from telme_model.media import decoding, health
from telme_model.media.decoding import FrameSampling, MediaSettings, read_frames, read_turn, read_waveform
from telme_model.media.mixing import levels, mono
from tests.support import clips
from tests.support.released import REAL

SMALL = MediaSettings(size=64)
RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)


def turn_of(clip: Clip) -> Turn:
    return Turn(id=TurnId(Split.DEV, "1", 2), speaker="A", text="Okay.", video=clip, audio=clip)


def shown(clip: Clip, start: float = 0.0) -> np.ndarray:
    """What the player shows first: RGB [height, width, 3]."""
    image = next(pictures(clip, start, lambda: True)).image(QSize(4000, 4000))
    whole = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(whole.constBits(), np.uint8).reshape(whole.height(), whole.bytesPerLine())
    return rows[:, : 3 * whole.width()].reshape(whole.height(), whole.width(), 3).copy()


def corners(picture: np.ndarray) -> list[tuple[int, ...]]:
    """The colours of the corners, row by row."""
    height, width, _ = picture.shape
    places = [(y, x) for y in (height // 8, -height // 8) for x in (width // 8, -width // 8)]
    return [tuple((255 * (picture[place] > 128)).tolist()) for place in places]


def pitch(wave: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(wave * np.hanning(len(wave))))) * rate / len(wave))


@pytest.mark.parametrize(
    ("matrix", "size", "colours"),
    [
        ((-1, 0, 0, 1), (160, 120), [BLACK, RED, BLACK, BLUE]),  # a front camera
        ((0, 1, -1, 0), (120, 160), [BLUE, RED, BLACK, BLACK]),  # a phone held upright
        ((0, 1, 1, 0), (120, 160), [RED, BLUE, BLACK, BLACK]),  # a front camera held upright
    ],
)
def test_pictures_are_mirrored_and_turned_as_the_file_asks(
    tmp_path: Path, matrix: tuple[int, int, int, int], size: tuple[int, int], colours: list[tuple[int, int, int]]
) -> None:
    clip = Clip(clips.oriented(tmp_path / "clip.mp4", matrix))
    assert shown(clip).shape == (size[1], size[0], 3)
    assert corners(shown(clip)) == corners(read_frames(clip, SMALL)[0]) == colours


def test_a_disc_of_wide_pixels_is_round(tmp_path: Path) -> None:
    clip = Clip(clips.anamorphic(tmp_path / "clip.mp4"))
    for picture in (shown(clip), read_frames(clip, SMALL)[0]):
        inside = picture[..., 0] > 128
        assert inside.any(axis=0).sum() == pytest.approx(inside.any(axis=1).sum(), abs=2)


def test_a_cover_is_no_picture(tmp_path: Path) -> None:
    clip = Clip(clips.cover_only(tmp_path / "clip.mp4"))
    turn = turn_of(clip)
    codes = [event.problem.code for event in health.check_media([turn]) if isinstance(event, ProblemFound)]
    assert codes == ["no-picture"]
    assert list(read_turn(turn, SMALL).missing) == [Modality.VISUAL]
    assert measure(turn).problem == "clip.mp4 has no picture."


def test_a_still_picture_before_motion_makes_a_clip_no_longer(tmp_path: Path) -> None:
    clip = Clip(clips.still_then_motion(tmp_path / "clip.mp4"))
    turn = turn_of(clip)
    lengths = [measure(turn).seconds, read_turn(turn, SMALL).seconds, health.probe(clip.path).seconds]
    assert lengths == pytest.approx([6.0] * 3, abs=0.04)
    bright = [bool(frame.mean() > 128) for frame in read_frames(clip, SMALL)]
    assert bright == [False] * 7 + [True]


def test_a_part_of_a_still_picture_is_all_of_its_length(tmp_path: Path) -> None:
    """The picture began long before the part does."""
    path = clips.still_then_motion(tmp_path / "clip.mp4")
    bright = [bool(frame.mean() > 128) for frame in read_frames(Clip(path, 4.0, 6.0), SMALL)]
    assert bright == [False] * 4 + [True] * 4


def test_a_transport_stream_is_read_from_before_the_moment(tmp_path: Path) -> None:
    path = clips.rare_key_frames(tmp_path / "film.ts")
    for moment in (0.7, 4.8, 6.2, 9.9, 11.2):
        level = float(shown(Clip(path), moment).mean())
        assert level == pytest.approx(clips.grey(moment), abs=6)  # a picture lasts 4 levels
        frames = read_frames(Clip(path, moment, moment + 0.5), SMALL)
        assert float(frames[0].mean()) == pytest.approx(clips.grey(moment), abs=6)


@pytest.mark.parametrize(("default", "suffix"), [(1, ".mkv"), (0, ".mkv"), (None, ".mkv"), (1, ".mp4")])
def test_all_take_the_default_sound_track(tmp_path: Path, default: int | None, suffix: str) -> None:
    clip = Clip(clips.two_sounds(tmp_path / f"clip{suffix}", default))
    tone = clips.OTHER_TONE if default == 1 else clips.TONE
    assert pitch(read_waveform(clip, SMALL), 16_000) == pytest.approx(tone, abs=5)
    played = np.concatenate(list(sound(clip, 0.0, RATE, 1.0)))[:, 0]
    assert pitch(played, RATE) == pytest.approx(tone, abs=5)
    (decoded,) = timeline.decode([turn_of(clip)])
    assert decoded.samples is not None
    assert pitch(decoded.samples, timeline.RATE) == pytest.approx(tone, abs=5)
    reasons = [e.problem.reason for e in health.check_media([turn_of(clip)]) if isinstance(e, ProblemFound)]
    number = 2 if default == 1 else 1
    name = clip.path.name
    note = f"1 file has several sound tracks; the default one is used, else the first: {name} (number {number} of 2)."
    assert note in reasons


@pytest.mark.parametrize("gains", [(1.0, -1.0), (1.0, -0.8), (-0.9, 1.0)])
def test_channels_that_cancel_are_heard_by_a_network(tmp_path: Path, gains: tuple[float, float]) -> None:
    clip = Clip(clips.write_clip(tmp_path / "clip.mp4", gains=gains, seconds=1.0))
    wave = read_waveform(clip, SMALL)
    assert float(np.sqrt(np.mean(wave[1600:-1600] ** 2))) == pytest.approx(clips.LEVEL / np.sqrt(2), rel=0.03)
    released = replace(SMALL, sampling=FrameSampling.COUNTED)  # the released code takes the mean
    assert np.abs(read_waveform(clip, released)[1600:-1600]).max() < 0.2 * clips.LEVEL


def test_sound_that_does_not_cancel_is_the_mean_to_the_bit() -> None:
    generator = np.random.default_rng(3)
    for channels in (1, 2, 6):
        whole = generator.normal(0, 0.1, (channels, 4000)).astype(np.float32)
        alone = whole * np.eye(channels, dtype=np.float32)[0][:, None]
        alike = np.repeat(whole[:1], channels, axis=0)
        one_sided = whole * np.linspace(1, 0.1, channels, dtype=np.float32)[:, None]
        for heard in (whole, alone, alike, one_sided, np.zeros_like(whole)):
            np.testing.assert_array_equal(mono(heard), heard.mean(axis=0, dtype=np.float32))


def test_levels_tell_what_of_the_channels_is_left() -> None:
    tone = (0.5 * np.sin(np.arange(8000) / 7)).astype(np.float32)
    found = levels(np.stack([tone, -tone]))
    assert found.peaks == pytest.approx((0.5, 0.5), abs=0.001)
    assert found.rms == pytest.approx((0.5 / np.sqrt(2),) * 2, rel=0.01)
    assert (found.mixed_rms, found.cancelling, found.samples) == (0.0, True, 8000)
    assert levels(np.stack([tone, tone])).left == pytest.approx(2.0)
    assert levels(np.stack([tone, 0 * tone])).left == pytest.approx(1.0)
    assert levels(np.zeros((2, 10), np.float32)).left == 1.0


def test_what_is_too_large_to_hold_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of a film with few key frames, from the last one to the part."""
    path = clips.rare_key_frames(tmp_path / "film.mp4")
    for clip in (Clip(path), Clip(path, 3.0, 4.5), Clip(path, 8.1, 8.8)):
        held = read_turn(turn_of(clip), SMALL)
        with monkeypatch.context() as patch:
            patch.setattr(decoding, "_HELD", 1000)
            again = read_turn(turn_of(clip), SMALL)
        assert held.frames is not None
        assert again.frames is not None
        np.testing.assert_array_equal(held.frames, again.frames)
        np.testing.assert_array_equal(held.waveform, again.waveform)


def test_a_long_sound_is_drawn_part_by_part_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(clips.write_clip(tmp_path / "clip.mp4", seconds=5.0, channels=1))
    (whole,) = timeline.decode([turn_of(clip)])
    monkeypatch.setattr(timeline, "_PART", 2.0)
    (parts,) = timeline.decode([turn_of(clip)])
    assert whole.samples is not None
    assert parts.samples is not None
    assert len(parts.samples) == pytest.approx(len(whole.samples), abs=400)  # the last packet is longer than it says
    shared = min(len(parts.samples), len(whole.samples))
    differences = np.abs(parts.samples[:shared].astype(int) - whole.samples[:shared])
    assert np.mean(differences > 600) < 0.01  # parts begin at whole samples, and are soft where they meet


@pytest.mark.parametrize("name", ["narration", "one_face", "two_faces_one_speaks"])
def test_real_recordings_are_read_alike(name: str) -> None:
    path = REAL / "real" / f"{name}.mp4"
    if not path.exists():
        pytest.skip("the real recordings are not there")
    turn = turn_of(Clip(path))
    media = read_turn(turn, SMALL)
    assert not media.missing
    assert media.seconds == measure(turn).seconds == health.probe(path).seconds
