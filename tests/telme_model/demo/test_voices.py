"""The voices of the demo corpus: safe to feed with any text, never clipped, and acted in what can be measured."""

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from telme_model.corpus.emotions import MELD
from telme_model.demo.voices import (
    OTHER_ACCENTS,
    OTHER_VARIANTS,
    PEAK,
    SAMPLE_RATE,
    VOICES,
    Delivery,
    SpeechError,
    Voice,
    delivery_of,
    random_delivery,
    random_voice,
    speak,
)

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the program espeak-ng is not installed")
pytestmark = pytest.mark.slow  # The synthesiser changes with the demo alone.

LINE = "I told you the train leaves at nine."


def say(delivery: Delivery, speaker: str = "Ines", text: str = LINE) -> NDArray[np.float32]:
    return speak(text, VOICES[speaker], delivery, np.random.default_rng(1))


def median_pitch(wave: NDArray[np.float32]) -> float:
    """Hz, by autocorrelation of the loud stretches."""
    lags = slice(SAMPLE_RATE // 450, SAMPLE_RATE // 60)
    pitches = []
    for start in range(0, len(wave) - 1024, 512):
        part = wave[start : start + 1024] - wave.mean()
        correlation = np.correlate(part, part, "full")[1023:]
        if correlation[lags].max() > 0.5 * correlation[0]:
            pitches.append(SAMPLE_RATE / (lags.start + correlation[lags].argmax()))
    return float(np.median(pitches))


def brightness(wave: NDArray[np.float32]) -> float:
    """Share of the energy above 2 kHz."""
    power = np.abs(np.fft.rfft(wave)) ** 2
    return float(power[np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE) > 2000].sum() / power.sum())


def level(wave: NDArray[np.float32]) -> float:
    """Root mean square in dB."""
    return float(20 * np.log10(np.sqrt(np.mean(wave**2))))


@needs_espeak
def test_each_part_of_a_delivery_does_what_it_says() -> None:
    plain = say(Delivery())
    assert median_pitch(say(Delivery(pitch=0.8))) > 1.2 * median_pitch(plain)
    assert median_pitch(say(Delivery(pitch=-0.8))) < 0.85 * median_pitch(plain)
    assert len(say(Delivery(rate=1.0))) < 0.85 * len(plain) < 0.85**2 * len(say(Delivery(rate=-1.0)))
    assert level(say(Delivery(energy=0.5))) - level(plain) == pytest.approx(4.5, abs=0.1)
    assert brightness(say(Delivery(tilt=-0.8))) < 0.6 * brightness(plain) < 0.4 * brightness(say(Delivery(tilt=0.8)))
    third = len(plain) // 3
    assert median_pitch(say(Delivery(glide=0.9))[-third:]) > 1.1 * median_pitch(say(Delivery(glide=-0.9))[-third:])


@needs_espeak
@pytest.mark.parametrize("speaker", VOICES)
def test_every_character_says_every_emotion_without_clipping(speaker: str) -> None:
    rng = np.random.default_rng(2)
    for emotion in MELD.labels:
        wave = say(delivery_of(emotion, 1.0, rng), speaker)
        assert wave.dtype == np.float32
        assert 0.05 < np.abs(wave).max() <= PEAK
        assert 1.0 < len(wave) / SAMPLE_RATE < 4.0


@needs_espeak
def test_characters_differ_in_pitch_and_women_speak_higher() -> None:
    pitches = {speaker: median_pitch(say(Delivery(), speaker)) for speaker in VOICES}
    women = [pitches[name] for name in ("Mara", "Ines", "Priya", "Lena")]
    assert max(pitches[name] for name in ("Theo", "Otto", "Jonas", "Bruno")) < min(women)


@needs_espeak
def test_the_same_random_numbers_give_the_same_samples() -> None:
    delivery = Delivery(tremor=0.5, roughness=0.5, breath=0.5)
    assert np.array_equal(say(delivery), say(delivery))


@needs_espeak
@pytest.mark.parametrize(
    "text", ["...", "", "<break time='9s'/> & </speak>", "[[h@'l]]", "; rm -rf *", "naïve 🙂 “no”", "-v"]
)
def test_any_text_is_only_spoken(text: str) -> None:
    assert 0.1 < len(say(Delivery(), text=text)) / SAMPLE_RATE < 8.0


@needs_espeak
def test_random_speakers_with_random_deliveries_can_be_heard() -> None:
    rng = np.random.default_rng(3)
    names = {voice.name for voice in VOICES.values()}
    for _ in range(25):
        voice = random_voice(rng)
        assert voice.name not in names
        wave = speak(LINE, voice, random_delivery(rng), rng)
        assert np.isfinite(wave).all()
        assert 0.02 < np.abs(wave).max() <= PEAK


def test_intensity_moves_a_delivery_away_from_plain_and_emotions_overlap() -> None:
    def mean(emotion: str, intensity: float) -> NDArray[np.float64]:
        rng = np.random.default_rng(4)
        drawn = [delivery_of(emotion, intensity, rng) for _ in range(400)]
        parts = np.array([[d.pitch, d.range, d.rate, d.energy, d.tilt, d.glide] for d in drawn])
        return np.asarray(parts.mean(axis=0))

    assert np.abs(mean("neutral", 1.0)).max() < 0.05
    for emotion in set(MELD.labels) - {"neutral"}:
        assert np.linalg.norm(mean(emotion, 1.0)) > 1.5 * np.linalg.norm(mean(emotion, 0.5))
    near, far = (
        np.linalg.norm(mean("anger", 1.0) - mean("joy", 1.0)),
        np.linalg.norm(mean("anger", 1.0) - mean("sadness", 1.0)),
    )
    assert near < 0.5 * far


def test_without_espeak_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpeechError, match=r"apt-get install espeak-ng.*brew.*winget"):
        say(Delivery())


@needs_espeak
@pytest.mark.parametrize(
    "variant", sorted({voice.name.split("+")[1] for voice in VOICES.values()} | set(OTHER_VARIANTS))
)
def test_espeak_knows_every_variant(variant: str) -> None:
    """It passes over one that it does not know, without a word."""
    plain = speak(LINE, Voice("en-us", 50, 170), Delivery(), np.random.default_rng(0))
    varied = speak(LINE, Voice(f"en-us+{variant}", 50, 170), Delivery(), np.random.default_rng(0))
    assert not np.array_equal(plain, varied)


@needs_espeak
@pytest.mark.parametrize("accent", sorted({voice.name.split("+")[0] for voice in VOICES.values()} | set(OTHER_ACCENTS)))
def test_espeak_applies_a_variant_to_every_accent(accent: str) -> None:
    low = speak(LINE, Voice(accent, 50, 170), Delivery(), np.random.default_rng(0))
    high = speak(LINE, Voice(f"{accent}+f4", 50, 170), Delivery(), np.random.default_rng(0))
    assert median_pitch(high) > 1.4 * median_pitch(low)
