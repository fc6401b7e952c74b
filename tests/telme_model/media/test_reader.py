"""Whoever reads a clip reads the same one: network, cache, player and health check stand on one reader."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from telme_gui.player.decoder import RATE, measure, pictures, sound
from telme_model.corpus.dialogue import Clip, Modality, Split, Turn, TurnId
from telme_model.media import health
from telme_model.media.cache import MediaCache, build_cache
from telme_model.media.decoding import FrameSampling, MediaSettings, read_turn
from telme_model.media.reader import NAMES, MediaError, channels, open_clip
from telme_model.media.upright import orientation
from tests.support import clips
from tests.support.clips import write_clip

ROOT = Path(__file__).parents[3]
BOTH = frozenset(NAMES)
PICTURE, SOUND = frozenset({Modality.VISUAL}), frozenset({Modality.AUDIO})
SETTINGS = MediaSettings(size=60, sampling=FrameSampling.OFFICIAL, sample_rate=RATE)  # whose first frame is the clip's


@dataclass(frozen=True, slots=True)
class Made:
    """A clip, and what it was made with."""

    make: Callable[[Path], Path]
    seconds: float = 2.0
    streams: frozenset[Modality] = BOTH
    name: str = "clip.mp4"


MADE = {
    "ordinary": Made(write_clip),
    "23.976 frames a second": Made(lambda path: write_clip(path, fps=Fraction(24_000, 1001))),
    "many reordered pictures": Made(lambda path: write_clip(path, x264={"preset": "fast", "bf": "5"})),
    "late sound": Made(lambda path: write_clip(path, sound_start=0.5)),
    "late picture": Made(lambda path: write_clip(path, picture_start=0.5)),
    "five frames": Made(lambda path: write_clip(path, seconds=5 / 24), 5 / 24),
    "one frame": Made(lambda path: write_clip(path, seconds=1 / 24), 1 / 24),
    "mono": Made(lambda path: write_clip(path, channels=1)),
    "5.1": Made(lambda path: write_clip(path, channels=6)),
    "no sound": Made(lambda path: write_clip(path, channels=0), streams=PICTURE),
    "no picture": Made(lambda path: write_clip(path, picture=False), streams=SOUND),
    "edit list": Made(clips.edit_list),
    "turned by a quarter": Made(clips.rotated, streams=PICTURE),
    "turned by half": Made(lambda path: clips.rotated(path, 180), streams=PICTURE),
    "turned by three quarters": Made(lambda path: clips.rotated(path, 270), streams=PICTURE),
    "avi": Made(lambda path: write_clip(path, codecs=("mpeg4", "pcm_s16le")), name="clip.avi"),
    "mkv": Made(write_clip, name="clip.mkv"),
    "transport stream": Made(write_clip, name="clip.ts"),
    "wav": Made(lambda path: write_clip(path, picture=False, codecs=("", "pcm_s16le")), 2.0, SOUND, "clip.wav"),
    "36 seconds": Made(lambda path: write_clip(path, seconds=36.0, fps=2), 36.0),
}


def turn_of(clip: Clip) -> Turn:
    return Turn(id=TurnId(Split.DEV, "1", 2), speaker="A", text="Okay.", video=clip, audio=clip)


def cropped(picture: np.ndarray) -> np.ndarray:
    """RGB [height, width, 3] -> the middle square, at the settings' size."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    square = image.crop((left, top, left + short, top + short))
    return np.asarray(square.resize((SETTINGS.size, SETTINGS.size), Image.Resampling.BILINEAR)).astype(int)


def pixels(image: QImage) -> np.ndarray:
    whole = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(whole.constBits(), np.uint8).reshape(whole.height(), whole.bytesPerLine())
    return rows[:, : 3 * whole.width()].reshape(whole.height(), whole.width(), 3).copy()  # it lies in `whole`


def first_picture(clip: Clip) -> np.ndarray:
    """What the reader gives, upright: RGB [height, width, 3]."""
    with open_clip(clip) as reader:
        frame = next(frame for time, frame in reader.frames(Modality.VISUAL) if time > -1e-3)
        return orientation(frame).upright(frame.to_ndarray(format="rgb24"))


def sound_ends(clip: Clip) -> float:
    """When the last sample that the reader gives is over."""
    with open_clip(clip) as reader:
        *_, (time, frame) = reader.frames(Modality.AUDIO)
        return float(time + channels(frame).shape[1] / frame.sample_rate)


def heard_until(clip: Clip, about: float) -> float:
    """When the last sample that is no silence is played; looked for in the second before and after `about`."""
    start = max(about - 1.0, 0.0)
    samples = np.concatenate(list(sound(clip, start, 2 * RATE, 1.0)))
    return start + float(np.flatnonzero(np.abs(samples).max(axis=1) > 0.02)[-1]) / RATE


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_all_agree_on_length_streams_first_frame_and_number_of_samples(tmp_path: Path, made: Made) -> None:
    clip = Clip(made.make(tmp_path / made.name))
    turn = turn_of(clip)
    list(build_cache([turn], SETTINGS, tmp_path / "cache", workers=0))
    cache = MediaCache(tmp_path / "cache", SETTINGS)
    media, played, probed = read_turn(turn, SETTINGS), measure(turn), health.probe(clip.path)

    with open_clip(clip) as reader:
        assert reader.length(*NAMES) == pytest.approx(made.seconds, abs=0.06)  # an AAC packet is 23 ms
        assert cache.seconds(turn) == media.seconds == played.seconds == probed.seconds == reader.seconds(*NAMES)
        assert made.streams == frozenset(reader.tracks) == probed.streams == probed.decodable
    assert set(cache.missing(turn)) == set(media.missing) == BOTH - made.streams
    assert played.problem == " ".join(f"{made.name} has no {NAMES[m]}." for m in NAMES if m not in made.streams)

    frames, waveform = cache.frames(turn), cache.waveform(turn)
    assert (frames is not None, waveform is not None) == tuple(modality in made.streams for modality in NAMES)
    if frames is not None:
        shown = next(pictures(clip, 0.0, lambda: True)).image(QSize(4000, 4000))
        for picture in (pixels(shown), first_picture(clip)):
            np.testing.assert_allclose(cropped(picture), frames[0].astype(int), atol=6)
    if waveform is not None:
        ends = sound_ends(clip)
        assert len(waveform) == pytest.approx(min(ends, SETTINGS.max_seconds) * RATE, abs=48)  # mkv: whole milliseconds
        assert ends == pytest.approx(made.seconds, abs=0.06)
        assert heard_until(clip, made.seconds) == pytest.approx(ends, abs=0.06)


def test_a_window_has_its_own_length_and_time(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "film.mp4", seconds=6.0)
    for start, end, seconds in ((1.5, 3.0, 1.5), (5.5, 9.0, 0.5), (None, 2.0, 2.0), (4.0, None, 2.0)):
        turn = turn_of(clip := Clip(path, start, end))
        with open_clip(clip) as reader:
            length = reader.length(*NAMES)
        assert length == pytest.approx(seconds, abs=0.06)
        assert length == measure(turn).seconds == read_turn(turn, SETTINGS).seconds
        first = next(pictures(clip, 0.0, lambda: True))
        assert first.time == pytest.approx(0.0, abs=1e-3)


def test_a_window_without_time_and_a_stranger_s_protocol_are_errors_for_all(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", seconds=0.5)
    list_ = tmp_path / "list.mp4"
    list_.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n")
    for clip, reason in ((Clip(path, 1.0, 1.0), "holds no time"), (Clip(list_), "is not a clip that can be read")):
        with pytest.raises(MediaError, match=reason), open_clip(clip):
            pass
        assert reason in measure(turn_of(clip)).problem
        assert set(read_turn(turn_of(clip), SETTINGS).missing) == BOTH
    fault = health.probe(list_).fault
    assert fault is not None
    assert fault.code == "undecodable"


def test_what_fails_while_a_clip_is_read_names_it(tmp_path: Path) -> None:
    clip = Clip(write_clip(tmp_path / "clip.mp4", seconds=0.5))
    for error, passing in ((ValueError("odd"), False), (MemoryError(), True)):
        with pytest.raises(MediaError, match=r"clip\.mp4 cannot be decoded") as caught, open_clip(clip):
            raise error
        assert caught.value.passing is passing


def test_clips_are_opened_in_one_place_alone() -> None:
    """By PyAV, for reading: the demo's maker writes its own."""
    opened = {}
    for package in ("telme_model", "telme_gui"):
        for file in sorted((ROOT / package).rglob("*.py")):
            code = file.read_text("utf-8")
            if "import av" not in code and "from av" not in code:
                continue
            calls = [call for call in ast.walk(ast.parse(code)) if isinstance(call, ast.Call)]
            opening = [call for call in calls if ast.unparse(call.func) in ("av.open", "av.container.open")]
            reading = [call for call in opening if [ast.unparse(argument) for argument in call.args[1:]] != ["'w'"]]
            if reading:
                opened[file.relative_to(ROOT).as_posix()] = len(reading)
    assert opened == {"telme_model/media/reader.py": 1}
