"""Sound is made block by block, and is the same however it is cut and however often it is decoded."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.corpus.dialogue import Clip
from telme_model.media import resampling, waveform
from telme_model.media.decoding import MediaSettings, OverLong, read_waveform
from telme_model.media.resampling import joined, resample, resampled
from tests.support import clips

WHOLE = MediaSettings(over_long=OverLong.WHOLE)


@given(
    rate=st.sampled_from([8_000, 44_100, 48_000]),
    cuts=st.lists(st.integers(0, 30_000), max_size=6).map(sorted),
    seed=st.integers(0, 2**32 - 1),
)
def test_resampling_is_the_same_however_sound_is_cut(rate: int, cuts: list[int], seed: int) -> None:
    sound = np.random.default_rng(seed).uniform(-1, 1, 30_000).astype(np.float32)
    blocks = [sound[start:end] for start, end in pairwise([0, *cuts, len(sound)])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "_ROWS", 7)
        whole = resample(sound, rate, 16_000)
        np.testing.assert_array_equal(joined(resampled(iter(blocks), rate, 16_000)), whole)
    np.testing.assert_allclose(resample(sound, rate, 16_000), whole, atol=5e-6)
    assert len(whole) == -(-30_000 * 16_000 // rate)


@pytest.mark.parametrize("gains", [(1.0, 0.5), (1.0, -1.0)], ids=["mixed", "cancelling"])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "pcm_s16le"])
def test_long_sound_is_decoded_twice_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, gains: tuple[float, float]
) -> None:
    path = clips.write_clip(tmp_path / "clip.mkv", codecs=("libx264", codec), gains=gains, sound_start=0.3)
    at_once = read_waveform(Clip(path), WHOLE)
    monkeypatch.setattr(waveform, "_HELD", 0)
    monkeypatch.setattr(waveform, "_AT_ONCE", 100)
    twice = read_waveform(Clip(path), WHOLE)
    np.testing.assert_allclose(twice, at_once, atol=2e-3 if codec == "aac" else 0)  # whose noise is drawn anew
    assert len(twice) == pytest.approx(2.0 * 16_000, abs=2_000)
    assert np.abs(twice[:4_000]).max() < 0.01 < 0.1 < np.abs(twice[8_000:]).max()
