"""Clips become frames and waveforms, and every awkward clip is survived."""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
import torchaudio  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telme_model.corpus.dialogue import Clip, Modality, Split, Turn, TurnId
from telme_model.media.decoding import (
    FrameSampling,
    MediaSettings,
    OverLong,
    TurnMedia,
    read_frames,
    read_turn,
    read_waveform,
)
from telme_model.media.reader import MediaError, Reader
from telme_model.media.resampling import resample
from telme_model.media.track import Track
from tests.support import clips

SMALL = MediaSettings(size=64)
OFFICIAL = MediaSettings(size=64, sampling=FrameSampling.OFFICIAL, sample_rate=22_050, over_long=OverLong.BLANK)

COUNTED = replace(OFFICIAL, sampling=FrameSampling.COUNTED, over_long=OverLong.ZERO)


def turn_of(path: Path | None, start: float | None = None, end: float | None = None) -> Turn:
    clip = None if path is None else Clip(path, start, end)
    return Turn(id=TurnId(Split.DEV, "1", 2), speaker="A", text="Okay.", video=clip, audio=clip)


def levels(frames: np.ndarray | None) -> list[int]:
    """The grey level of each frame, whose picture must be even."""
    assert frames is not None
    assert np.ptp(frames.astype(int), axis=(1, 2, 3)).max() <= 4
    return [int(level) for level in np.median(frames, axis=(1, 2, 3))]


def assert_levels(frames: np.ndarray | None, times: list[float], slack: int = 2) -> None:
    assert levels(frames) == pytest.approx([clips.grey(time) for time in times], abs=slack)


def middles(start: float, end: float, fps: float = 24.0, count: int = 8) -> list[float]:
    """When the frames shown at the middle of `count` equal parts began, for frames every 1 / fps from `start`."""
    parts = [(index + 0.5) * (end - start) / count for index in range(count)]
    return [start + math.floor(part * fps + 1e-6) / fps for part in parts]


def rms(error: np.ndarray, inside: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error[inside] ** 2)))


def assert_tone(
    waveform: np.ndarray | None,
    delay: float = 0.0,
    channels: int = 2,
    rate: int = 16_000,
    noise: float = 0.01,
) -> None:
    """The sound is the clip's tones from a little after `delay` to a little before the end; AAC adds a little noise.

    A shift by one millisecond would already be an error of 0.5.
    """
    assert waveform is not None
    time = np.arange(len(waveform)) / rate
    inside = (time > delay + 0.1) & (time < time[-1] - 0.15)
    assert rms(waveform - clips.heard(time - delay, channels), inside) < noise
    assert np.abs(waveform[time < delay - 0.05]).max(initial=0) < 0.01


@pytest.fixture(scope="module")
def normal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.write_clip(tmp_path_factory.mktemp("clips") / "normal.mp4")


def test_ordinary_clip_gives_eight_even_frames_and_its_sound_in_time(normal: Path) -> None:
    media = read_turn(turn_of(normal), SMALL)
    assert media.frames is not None
    assert media.frames.shape == (8, 64, 64, 3)
    assert media.frames.dtype == np.uint8
    assert_levels(media.frames, middles(0, 2))
    assert media.waveform is not None
    assert media.waveform.dtype == np.float32
    assert len(media.waveform) == pytest.approx(32_000, abs=400)  # an AAC packet is 23 ms
    assert_tone(media.waveform)
    assert media.seconds == pytest.approx(2.0, abs=0.03)
    assert (media.over_long, media.missing) == (False, {})


def test_single_readers_agree_with_the_turn(normal: Path) -> None:
    media = read_turn(turn_of(normal), SMALL)
    np.testing.assert_array_equal(read_frames(Clip(normal), SMALL), media.frames)
    np.testing.assert_array_equal(read_waveform(Clip(normal), SMALL), media.waveform)


@pytest.mark.parametrize("encoder", [{"preset": "medium"}, {"preset": "ultrafast"}, {"preset": "fast", "bf": "5"}])
def test_skipping_frames_changes_no_pixel(tmp_path: Path, encoder: dict[str, str]) -> None:
    """Against a plain decode of every frame, full-size conversion, Pillow's resize and then the crop."""
    path = clips.write_clip(tmp_path / "clip.mp4", paint=clips.noise, size=(320, 180), x264=encoder)
    with av.open(str(path)) as container:
        every = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    expected = []
    for time in middles(0, 2):
        small = Image.fromarray(every[round(time * 24)]).resize((113, 64), Image.Resampling.BILINEAR)
        expected.append(np.asarray(small)[:, 24:88])
    np.testing.assert_allclose(read_frames(Clip(path), SMALL).astype(int), np.stack(expected), atol=1)


def test_official_sampling_takes_every_nth_frame(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", seconds=47 / 24)
    assert_levels(read_frames(Clip(path), OFFICIAL), [5 * index / 24 for index in range(8)])
    few = clips.write_clip(tmp_path / "few.mp4", times=[index / 24 for index in range(5)], seconds=5 / 24)
    assert_levels(read_frames(Clip(few), OFFICIAL), [min(index, 4) / 24 for index in range(8)])


@pytest.mark.parametrize("count", [1, 5, 7, 8, 9, 15, 16, 75])
def test_counted_sampling_keeps_every_nth_frame_counted_from_one(tmp_path: Path, count: int) -> None:
    """With 75 frames the ninth, the eighteenth, ..., the seventy-second."""
    path = clips.write_clip(tmp_path / "clip.mp4", seconds=count / 24, x264={"crf": "12", "bf": "0"})
    kept: list[int] = []
    for number in range(1, count + 1):
        if number % max(1, count // 8) == 0 and len(kept) < 8:
            kept.append(number - 1)
    kept += [kept[-1]] * (8 - len(kept))
    if count == 75:
        assert kept == [8, 17, 26, 35, 44, 53, 62, 71]
    assert_levels(read_frames(Clip(path), COUNTED), [index / 24 for index in kept])


def test_sound_of_the_official_profile_is_at_its_own_rate(normal: Path) -> None:
    assert_tone(read_waveform(Clip(normal), OFFICIAL), rate=22_050)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mono_is_the_mean_of_the_channels(tmp_path: Path, channels: int) -> None:
    path = clips.write_clip(tmp_path / "clip.mkv", channels=channels, codecs=("libx264", "pcm_s16le"))
    assert_tone(read_waveform(Clip(path), SMALL), channels=channels)


def test_five_point_one_aac_is_read(tmp_path: Path) -> None:
    waveform = read_waveform(Clip(clips.write_clip(tmp_path / "clip.mp4", channels=6)), SMALL)
    assert 0.05 < np.abs(waveform[3200:-3200]).max() < 0.26  # FFmpeg's own mono would be four times as loud


@pytest.mark.parametrize("fps", [24, 25, Fraction(24_000, 1001)])
def test_frame_rates(tmp_path: Path, fps: Fraction | int) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", fps=fps)
    assert_levels(read_frames(Clip(path), SMALL), middles(0, float(round(2 * fps) / fps), float(fps)))


def test_variable_frame_rate_is_sampled_evenly_in_time(tmp_path: Path) -> None:
    path = clips.variable_frame_rate(tmp_path / "clip.mp4")
    with av.open(str(path)) as container:
        began = [frame.time for frame in container.decode(video=0)]
    assert len(began) == 28
    end = read_turn(replace(turn_of(path), audio=None), SMALL).seconds  # of the picture
    shown = [max(time for time in began if time <= (index + 0.5) * end / 8) for index in range(8)]
    assert_levels(read_frames(Clip(path), SMALL), shown)
    assert sum(time >= 1.0 for time in shown) >= 3  # by number of frames it would be one


def test_late_sound_is_padded(tmp_path: Path) -> None:
    fine = {"movie_timescale": str(clips.RATE)}  # a whole number of samples; by default milliseconds
    path = clips.write_clip(tmp_path / "clip.mp4", sound_start=0.5, options=fine)
    media = read_turn(turn_of(path), SMALL)
    assert_tone(media.waveform, delay=0.5)
    assert_levels(media.frames, middles(0, 2))
    np.testing.assert_array_equal(read_waveform(Clip(path), SMALL), media.waveform)


def test_late_picture(tmp_path: Path) -> None:
    media = read_turn(turn_of(clips.write_clip(tmp_path / "clip.mp4", picture_start=0.5)), SMALL)
    assert_levels(media.frames, middles(0.5, 2))
    assert_tone(media.waveform)


def test_edit_list_hides_what_comes_before(tmp_path: Path) -> None:
    path = clips.edit_list(tmp_path / "clip.mp4")
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 60  # what the container counts, 12 of them hidden
    media = read_turn(turn_of(path), SMALL)
    assert_levels(media.frames, middles(0, 2))
    assert_tone(media.waveform, delay=-0.5)


def test_clip_of_five_frames(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", times=[index / 24 for index in range(5)], seconds=5 / 24)
    assert_levels(read_frames(Clip(path), SMALL), middles(0, 5 / 24))


@pytest.mark.parametrize(("degrees", "corner"), [(0, (0, 0)), (90, (0, 1)), (180, (1, 1)), (270, (1, 0))])
def test_rotation_is_applied(tmp_path: Path, degrees: int, corner: tuple[int, int]) -> None:
    frame = read_frames(Clip(clips.rotated(tmp_path / "clip.mp4", degrees)), SMALL)[0, :, :, 0]
    quarters = frame[4:-4, 4:-4].reshape(2, 28, 2, 28).mean(axis=(1, 3))
    assert np.unravel_index(quarters.argmax(), (2, 2)) == corner


def test_one_medium_alone(tmp_path: Path) -> None:
    silent = read_turn(turn_of(clips.write_clip(tmp_path / "silent.mp4", channels=0)), SMALL)
    assert silent.waveform is None
    assert_levels(silent.frames, middles(0, 2))
    assert list(silent.missing) == [Modality.AUDIO]
    assert silent.missing[Modality.AUDIO].endswith("silent.mp4 has no sound.")
    dark = read_turn(turn_of(clips.write_clip(tmp_path / "dark.mp4", picture=False)), SMALL)
    assert dark.frames is None
    assert_tone(dark.waveform)
    assert dark.missing[Modality.VISUAL].endswith("dark.mp4 has no picture.")


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_dangling_link(path: Path) -> Path:
    path.symlink_to(path.with_name("gone.mp4"))
    return path


def a_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (clips.zero_bytes, "is empty (zero bytes)"),
        (clips.garbage, "is not a clip that can be read"),
        (clips.text, "is not a clip that can be read"),
        (clips.no_moov, "is an mp4 without a usable index (moov atom)"),
        (a_folder, "is a folder, not a clip"),
        (a_dangling_link, "is a link to "),
        (lambda path: path, "does not exist"),
        pytest.param(a_pipe, "is not an ordinary file", marks=pytest.mark.skipif(os.name == "nt", reason="no pipes")),
    ],
)
def test_unreadable_clip_is_missing_with_its_reason(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    path = make(tmp_path / "dia125_utt3.mp4")
    media = read_turn(turn_of(path), SMALL)
    assert (media.frames, media.waveform, media.seconds) == (None, None, 0.0)
    assert set(media.missing) == {Modality.VISUAL, Modality.AUDIO}
    for sentence in media.missing.values():
        assert f"dia125_utt3.mp4 {reason}" in sentence
        assert sentence.endswith(".")
    with pytest.raises(MediaError, match=r"dia125_utt3\.mp4") as caught:
        read_frames(Clip(path), SMALL)
    assert caught.value.path == path
    assert reason in caught.value.reason


def test_turn_without_clips_says_where_to_look() -> None:
    media = read_turn(turn_of(None), SMALL)
    assert media == TurnMedia(missing=media.missing)
    assert "dev split" in media.missing[Modality.VISUAL]
    assert "no sound" in media.missing[Modality.AUDIO]


def test_cut_off_clip_gives_what_is_left(tmp_path: Path) -> None:
    media = read_turn(turn_of(clips.truncated(tmp_path / "clip.mp4")), SMALL)
    assert media.frames is not None
    assert 0.5 < media.seconds < 1.5
    assert_tone(media.waveform)


def test_playlist_passed_off_as_a_clip_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n")
    assert set(read_turn(turn_of(path), SMALL).missing) == {Modality.VISUAL, Modality.AUDIO}


def test_unicode_path(tmp_path: Path, normal: Path) -> None:
    path = tmp_path / "Épisode №1 – 笑.mp4"
    path.write_bytes(normal.read_bytes())
    assert not read_turn(turn_of(path), SMALL).missing


@pytest.mark.slow
@pytest.mark.parametrize("index_too", [False, True])
def test_bit_rot_never_raises(tmp_path: Path, index_too: bool) -> None:
    whole = clips.write_clip(tmp_path / "whole.mp4", seconds=1.0, options={"movflags": "faststart"}).read_bytes()
    read = 0
    for seed in range(40):
        path = tmp_path / "rotten.mp4"
        path.write_bytes(clips.rotten(whole, seed, index_too=index_too))
        media = read_turn(turn_of(path), SMALL)
        read += (media.frames is not None) + (media.waveform is not None)
        for content, modality in ((media.frames, Modality.VISUAL), (media.waveform, Modality.AUDIO)):
            assert (content is None) == (modality in media.missing)
        if media.waveform is not None:
            assert np.isfinite(media.waveform).all()
            assert np.abs(media.waveform).max() <= 1
    assert read >= (5 if index_too else 60)


def test_one_bad_sound_packet_costs_only_itself(tmp_path: Path) -> None:
    """Half a second of packets is overwritten: that is lost, and what follows stays where it belongs."""
    path = clips.write_clip(tmp_path / "clip.mp4", picture=False)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            if packet.size and packet.pts is not None and 0.8 < packet.pts * packet.time_base < 1.3:
                assert packet.pos is not None
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    waveform = read_waveform(Clip(path), SMALL)
    time = np.arange(len(waveform)) / 16_000
    for inside in ((time > 0.1) & (time < 0.7), (time > 1.45) & (time < 1.85)):
        assert rms(waveform - clips.heard(time), inside) < 0.01


@pytest.fixture(scope="module")
def five_minutes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.write_clip(tmp_path_factory.mktemp("clips") / "long.mp4", seconds=300.0, fps=2, channels=1)


@pytest.mark.slow
def test_over_long_clip_is_capped(five_minutes: Path) -> None:
    media = read_turn(turn_of(five_minutes), SMALL)
    assert media.over_long
    assert media.seconds == pytest.approx(300, abs=0.1)
    assert_levels(media.frames, middles(0, 30, 2))
    assert media.waveform is not None
    assert len(media.waveform) == 30 * 16_000


@pytest.mark.slow
@pytest.mark.parametrize("settings", [OFFICIAL, COUNTED], ids=["blank", "zero"])
def test_over_long_clip_is_blank_in_the_official_profile(five_minutes: Path, settings: MediaSettings) -> None:
    media = read_turn(turn_of(five_minutes), settings)
    assert media.over_long
    assert media.frames is not None
    assert media.waveform is not None
    assert not media.frames.any()
    assert media.waveform.shape == (1412,)
    assert not media.waveform.any()


def test_over_long_clip_may_be_used_whole(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4")
    settings = replace(SMALL, over_long=OverLong.WHOLE, max_seconds=0.5)
    media = read_turn(turn_of(path), settings)
    assert not media.over_long
    assert_levels(media.frames, middles(0, 2))
    assert media.waveform is not None
    assert len(media.waveform) == pytest.approx(32_000, abs=1_100)


def test_a_window_may_be_seen_with_a_margin_on_both_sides(tmp_path: Path) -> None:
    """As far as the film goes; the sound stays the window's, and a whole file is what it was."""
    path = clips.write_clip(tmp_path / "film.mp4", seconds=4.0, x264={"crf": "12", "bf": "0"})
    wide = replace(SMALL, margin=1.0)
    media, plain = (read_turn(turn_of(path, 1.5, 2.5), settings) for settings in (wide, SMALL))
    assert_levels(media.frames, [0.5 + time for time in middles(0, 3)])
    assert_levels(plain.frames, [1.5 + time for time in middles(0, 1)])
    assert media.waveform is not None
    assert plain.waveform is not None
    assert np.array_equal(media.waveform, plain.waveform)
    assert_levels(read_turn(turn_of(path, 0.5, 1.0), wide).frames, middles(0, 2))
    assert_levels(read_turn(turn_of(path), wide).frames, middles(0, 4))


@pytest.mark.parametrize(
    ("suffix", "codecs", "noise"),
    [
        (".avi", ("mpeg4", "pcm_s16le"), 0.001),
        (".mp4", ("libx264", "aac"), 0.01),
        (".mkv", ("libx264", "aac"), 0.25),  # its stamps are whole milliseconds
    ],
)
def test_window_of_a_long_file(tmp_path: Path, suffix: str, codecs: tuple[str, str], noise: float) -> None:
    path = clips.write_clip(tmp_path / f"Ses01_impro01{suffix}", seconds=12.0, codecs=codecs)
    media = read_turn(turn_of(path, 6.25, 8.25), SMALL)
    assert_levels(media.frames, middles(6.25, 8.25), slack=6)
    assert media.waveform is not None
    assert len(media.waveform) == pytest.approx(32_000, abs=2)
    assert media.seconds == pytest.approx(2.0, abs=0.05)
    assert_tone(media.waveform, delay=-6.25, noise=noise)


def test_window_decodes_only_its_neighbourhood(five_minutes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in packets demuxed: from the key frame before the window to its end."""
    seen: list[object] = []
    packets = Reader._packets

    def spy(reader: Reader, *tracks: Track) -> Iterator[Any]:
        for packet in packets(reader, *tracks):
            seen.append(packet)
            yield packet

    monkeypatch.setattr(Reader, "_packets", spy)
    read_frames(Clip(five_minutes, 200.0, 202.0), SMALL)
    assert len(seen) < 80  # of 600


def test_window_outside_the_file(normal: Path) -> None:
    beyond = read_turn(turn_of(normal, 100.0, 101.0), SMALL)
    assert "holds no picture from 100 s to 101 s" in beyond.missing[Modality.VISUAL]
    backwards = read_turn(turn_of(normal, 1.0, 1.0), SMALL)
    assert "holds no time" in backwards.missing[Modality.AUDIO]


def test_picture_and_sound_from_two_files(tmp_path: Path, normal: Path) -> None:
    wav = clips.write_clip(tmp_path / "turn.wav", picture=False, codecs=("", "pcm_s16le"))
    turn = Turn(id=TurnId(Split.TEST, "1", 0), speaker="F", text="", video=Clip(normal, 0.5, 1.5), audio=Clip(wav))
    media = read_turn(turn, SMALL)
    assert_tone(media.waveform)
    assert_levels(media.frames, middles(0.5, 1.5))


@pytest.mark.slow
@given(
    rate=st.sampled_from([8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000]),
    new_rate=st.sampled_from([16_000, 22_050]),
    samples=st.integers(1, 5_000),
    seed=st.integers(0, 2**32 - 1),
)
def test_resampling_is_torchaudios_kaiser_best(rate: int, new_rate: int, samples: int, seed: int) -> None:
    sound = np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)
    expected = torchaudio.functional.resample(
        torch.from_numpy(sound).double(), rate, new_rate, lowpass_filter_width=64, rolloff=0.9475937167399596,
        resampling_method="sinc_interp_kaiser", beta=14.769656459379492,
    ).numpy()  # fmt: skip
    np.testing.assert_allclose(resample(sound, rate, new_rate), expected, atol=2e-6)


@pytest.mark.parametrize("name", ["frames", "size", "sample_rate", "max_seconds"])
def test_settings_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"media: {name} must be a positive number, not 0"):
        replace(SMALL, **{name: 0})  # type: ignore[arg-type]
