"""The voices of the demo corpus: eSpeak NG speaks the words, signal processing adds the acting.

eSpeak NG (a program of the system, needed only while a demo corpus is built) sets pitch, pitch range and rate; what
a formant synthesiser cannot do (glides, tremor, breath, roughness, brightness, loudness) is done to its output here.
"""

import re
import subprocess
from dataclasses import dataclass, fields
from html import escape

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, uniform_filter1d

from telme_model.errors import StudioError

SAMPLE_RATE = 22_050  # Hz, eSpeak NG's own
PLAIN_RMS = 0.05  # level of a turn said plainly, of full scale
PEAK = 0.95  # no sample goes above
SPEAKING_LIMIT = 30.0  # seconds eSpeak NG may take for one turn; it needs some 0.02

Waveform = NDArray[np.float32]


class SpeechError(StudioError):
    """eSpeak NG is missing or failed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker: an eSpeak NG voice and variant ("en-us+f3"), its `pitch` (0 to 99) and `rate` (words a minute)."""

    name: str
    pitch: int
    rate: int


VOICES = {
    "Mara": Voice("en-us+f2", 46, 172),
    "Theo": Voice("en-us+m3", 52, 168),
    "Ines": Voice("en-us+f5", 58, 180),
    "Otto": Voice("en+m1", 36, 156),
    "Priya": Voice("en+linda", 50, 176),
    "Jonas": Voice("en-us+m7", 60, 182),
    "Lena": Voice("en-us+f3", 44, 160),
    "Bruno": Voice("en-gb-scotland+m4", 44, 166),
}

OTHER_VARIANTS = ("f1", "f4", "belinda", "steph", "aunty", "shelby", "Annie", "Alicia",
                   "m2", "m5", "m6", "m8", "adam", "edward", "Denis", "victor", "Alex", "klatt4")  # fmt: skip
OTHER_ACCENTS = ("en-us", "en", "en-gb-x-rp", "en-us-nyc", "en-029")


def random_voice(rng: np.random.Generator) -> Voice:
    """A speaker who is none of the demo's characters."""
    name = f"{rng.choice(OTHER_ACCENTS)}+{rng.choice(OTHER_VARIANTS)}"
    return Voice(name, int(rng.integers(35, 66)), int(rng.integers(150, 191)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a turn is said, relative to its speaker. 0 everywhere is plain speech.

    Signed, -1 to 1: `pitch`, `range` (of the pitch), `rate`, `energy` (loudness), `tilt` (dull to bright) and `glide`
    (the pitch falls or rises towards the end). One-sided, 0 to 1: `breath`, `roughness`, `tremor`.
    """

    pitch: float = 0.0
    range: float = 0.0
    rate: float = 0.0
    energy: float = 0.0
    tilt: float = 0.0
    glide: float = 0.0
    breath: float = 0.0
    roughness: float = 0.0
    tremor: float = 0.0


ONE_SIDED = frozenset({"breath", "roughness", "tremor"})

_ACTED = {
    "neutral": Delivery(),
    "anger": Delivery(pitch=0.3, range=0.6, rate=0.5, energy=0.9, tilt=1.0, glide=-0.2, roughness=1.0),
    "disgust": Delivery(pitch=-0.6, range=0.3, rate=-0.7, energy=0.1, tilt=0.2, glide=-1.0, roughness=0.6),
    "fear": Delivery(pitch=0.7, range=-0.5, rate=0.8, energy=-0.3, breath=0.8, tremor=1.0),
    "joy": Delivery(pitch=0.6, range=1.0, rate=0.3, energy=0.6, tilt=0.5, glide=0.1, breath=0.1),
    "sadness": Delivery(pitch=-0.5, range=-0.9, rate=-0.8, energy=-0.7, tilt=-1.0, glide=-0.2, breath=0.5, tremor=0.2),
    "surprise": Delivery(pitch=1.0, range=0.9, energy=0.4, tilt=0.2, glide=1.0, breath=0.2),
}
_SPREAD = 0.13  # standard deviation of every part from one turn to the next: no two turns are acted alike


def _delivery(values: dict[str, float]) -> Delivery:
    return Delivery(**{name: float(np.clip(v, 0.0 if name in ONE_SIDED else -1.0, 1.0)) for name, v in values.items()})


def delivery_of(emotion: str, intensity: float, rng: np.random.Generator) -> Delivery:
    """How `emotion` sounds at `intensity` (0 plain, 1 full), the same for every speaker up to chance.

    Neighbours overlap as they do in life: anger and joy are both loud and fast, weak sadness is nearly neutral.
    """
    acted = _ACTED[emotion]
    noise = rng.normal(0.0, _SPREAD, len(fields(Delivery)))
    return _delivery({f.name: intensity * getattr(acted, f.name) + n for f, n in zip(fields(Delivery), noise)})


def random_delivery(rng: np.random.Generator) -> Delivery:
    """Any way of speaking: every part is drawn on its own, a third of them left near plain."""
    parts = rng.uniform(-1.0, 1.0, len(fields(Delivery))) * np.where(rng.random(len(fields(Delivery))) < 0.33, 0.1, 1.0)
    return _delivery({f.name: abs(v) if f.name in ONE_SIDED else v for f, v in zip(fields(Delivery), parts)})


def speak(text: str, voice: Voice, delivery: Delivery, rng: np.random.Generator) -> Waveform:
    """`text` said by `voice`: mono at `SAMPLE_RATE`, without silence around it, peak at most `PEAK`.

    Louder and softer deliveries stay louder and softer. Raises SpeechError where eSpeak NG is missing or fails.
    """
    wave = _trim(_synthesise(text, voice, delivery))
    wave = _bend_pitch(wave, delivery, rng)
    wave = _roughen(wave, delivery.roughness, rng)
    wave = _breathe(_brighten(wave, delivery.tilt), delivery.breath, rng)
    wave *= PLAIN_RMS * 10 ** (0.45 * delivery.energy) / max(float(np.sqrt(np.mean(wave**2))), 1e-6)  # +-9 dB
    wave *= min(1.0, PEAK / max(float(np.abs(wave).max()), 1e-6))
    return wave.astype(np.float32)


def _synthesise(text: str, voice: Voice, delivery: Delivery) -> NDArray[np.float64]:
    # Brackets would be read as phoneme codes; a turn of punctuation alone would be silent.
    words = re.sub(r"[\[\]\x00-\x1f]+", " ", text)
    words = words if re.search(r"\w", words) else "Hmm."
    pitch = int(np.clip(voice.pitch + 38 * delivery.pitch, 0, 99))
    rate = int(np.clip(voice.rate * 1.38**delivery.rate, 80, 260))
    span = int(100 + 90 * delivery.range)  # eSpeak NG reads 0 to 200 %
    ssml = f'<speak><prosody range="{span}%">{escape(words)}</prosody></speak>'
    command = ["espeak-ng", "-v", voice.name, "-p", str(pitch), "-s", str(rate), "-z", "-m", "--stdin", "--stdout"]
    try:
        done = subprocess.run(command, check=False, input=ssml.encode(), capture_output=True, timeout=SPEAKING_LIMIT)
    except FileNotFoundError:
        raise SpeechError(
            "The program espeak-ng, which speaks the demo corpus, is not installed: 'apt-get install espeak-ng' on "
            "Debian, 'brew install espeak-ng' on macOS, 'winget install eSpeak-NG.eSpeak-NG' on Windows."
        ) from None
    except subprocess.TimeoutExpired:
        raise SpeechError(f"espeak-ng did not finish saying '{text[:60]}' in {SPEAKING_LIMIT:.0f} seconds.") from None
    start = done.stdout.find(b"data") + 8  # what streams has no lengths in its WAV header
    samples = np.frombuffer(done.stdout[start : start + (len(done.stdout) - start) // 2 * 2], dtype="<i2")
    if done.returncode != 0 or start < 8 or not samples.any():
        reason = done.stderr.decode(errors="replace").strip() or "no sound came out"
        raise SpeechError(f"espeak-ng could not say '{text[:60]}' with the voice {voice.name}: {reason}")
    return samples / 32768.0


def _trim(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    loud = np.flatnonzero(np.abs(wave) > 0.01 * np.abs(wave).max())
    margin = SAMPLE_RATE // 50
    return wave[max(loud[0] - margin, 0) : loud[-1] + margin].copy()


def _envelope(wave: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(uniform_filter1d(wave**2, max(int(seconds * SAMPLE_RATE), 1), mode="constant").clip(0.0)))


def _bend_pitch(wave: NDArray[np.float64], delivery: Delivery, rng: np.random.Generator) -> NDArray[np.float64]:
    """Glide and tremor: the wave is read at a speed that changes, as a tape is."""
    at = np.arange(len(wave)) / SAMPLE_RATE
    late = np.clip((at / at[-1] - 0.45) / 0.55, 0.0, 1.0)
    shake = np.sin(2 * np.pi * rng.uniform(5.5, 7.5) * at + rng.uniform(0, 2 * np.pi))
    speed = 2 ** ((6.0 * delivery.glide * late**1.5 + 1.1 * delivery.tremor * shake) / 12)
    played = np.cumsum(1.0 / speed)  # when, in samples of the result, each sample is read
    source = np.interp(np.arange(int(played[-1])), played, np.arange(len(wave)))
    return np.asarray(map_coordinates(wave * (1.0 + 0.45 * delivery.tremor * shake), [source], order=3))


def _roughen(wave: NDArray[np.float64], roughness: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A growl: the level flutters irregularly some 40 to 70 times a second, and the loud parts saturate."""
    if roughness <= 0.0:
        return wave
    rate = rng.uniform(40.0, 70.0) * np.exp(0.25 * rng.standard_normal(len(wave) // 256 + 2))
    phase = 2 * np.pi * np.cumsum(np.interp(np.arange(len(wave)), np.arange(len(rate)) * 256, rate)) / SAMPLE_RATE
    drive = 4.0 * roughness / max(float(np.abs(wave).max()), 1e-6)
    return np.asarray(np.tanh(drive * wave) / drive * (1.0 - 0.7 * roughness * (0.5 + 0.5 * np.sin(phase))))


def _brighten(wave: NDArray[np.float64], tilt: float) -> NDArray[np.float64]:
    """Tilt the spectrum by up to 5 dB an octave about 800 Hz."""
    octaves = np.log2(np.clip(np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE), 100.0, 6400.0) / 800.0)
    return np.fft.irfft(np.fft.rfft(wave) * 10 ** (5.0 * tilt * octaves / 20), len(wave))


def _breathe(wave: NDArray[np.float64], breath: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Air: noise above 1.5 kHz that follows the voice."""
    spectrum = np.fft.rfft(rng.standard_normal(len(wave)))
    spectrum *= np.clip(np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE) / 1500.0, 0.0, 1.0) ** 2
    return np.asarray(wave + 0.45 * breath * _envelope(wave, 0.04) * np.fft.irfft(spectrum, len(wave)))
