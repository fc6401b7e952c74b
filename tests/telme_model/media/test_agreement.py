"""Network, cache, player, timeline and `check` see the same in every clip of a set: what it was written with."""

from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from telme_gui.player.decoder import Picture, measure, pictures, sound
from telme_gui.timeline import sound as timeline
from telme_model.corpus.dialogue import Clip, Split, Turn, TurnId
from telme_model.media import decoding, health
from telme_model.media.decoding import FrameSampling, MediaSettings, read_frames, read_turn, read_waveform
from telme_model.media.reader import NAMES, open_clip
from tests.support.clip_set import MADE, SIZE, Coded, as_shown, cropped, numbers, picture, write

EVEN = MediaSettings(size=48)
LARGE = QSize(4000, 4000)
ROUNDED = 0.003  # seconds: some formats count whole milliseconds


@dataclass(frozen=True, slots=True)
class Written:
    """A clip, what it was written with, and what FFmpeg alone, decoding all of it in a row, makes of it."""

    coded: Coded
    path: Path
    decoded: list[np.ndarray]  # grey levels [48, 64] as they are stored
    late: float  # seconds from the beginning of the file to its first picture: sound is padded in front

    def shown_around(self, time: float) -> set[int]:
        """Which pictures may be seen at a moment of the file."""
        return {self.coded.shown(time - self.late + off) for off in (-ROUNDED, ROUNDED)}

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.coded.seconds + self.late


pytestmark = pytest.mark.slow  # sixty clips


@pytest.fixture(scope="module", params=MADE, ids=lambda coded: coded.name)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    coded: Coded = request.param
    path = write(coded, tmp_path_factory.mktemp("made"))
    with av.open(str(path)) as container:
        stream = container.streams.video[coded.default]
        frames = list(container.decode(stream))
        times = [frame.time for frame in frames]
        late = 0.0 if coded.name == "h264.avi" else min(times) - max(container.start_time or 0, 0) / av.time_base
    return Written(coded, path, [frame.to_ndarray(format="gray") for frame in frames], late)


def turn_of(clip: Clip) -> Turn:
    return Turn(id=TurnId(Split.DEV, "1", 2), speaker="A", text="Okay.", video=clip, audio=clip)


def grey(image: QImage) -> np.ndarray:
    whole = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(whole.constBits(), np.uint8).reshape(whole.height(), whole.bytesPerLine())
    return rows[:, : whole.width()].copy()  # it lies in `whole`


def test_the_file_holds_what_it_was_written_with(made: Written) -> None:
    count = len(made.coded.times)
    assert numbers(made.decoded, [picture(number) for number in range(count)]) == [*range(count)]
    assert 0 <= made.late < 0.05


def test_all_agree_on_its_length(made: Written) -> None:
    coded, path = made.coded, made.path
    turn = turn_of(Clip(path))
    with open_clip(Clip(path)) as reader:
        seconds = reader.length(*NAMES)
    assert seconds == read_turn(turn, EVEN).seconds == measure(turn).seconds == health.probe(path).seconds
    assert seconds == pytest.approx(made.seconds, abs=max(coded.last, 0.05) + ROUNDED)
    for begin, end in coded.windows:
        turn = turn_of(Clip(path, begin, end))
        length = min(end, made.seconds) - begin
        assert read_turn(turn, EVEN).seconds == measure(turn).seconds == pytest.approx(length, abs=0.05)


def test_a_network_gets_the_pictures_in_the_middle_of_equal_parts(made: Written) -> None:
    coded, path = made.coded, made.path
    known = [cropped(as_shown(coded, number), EVEN.size) for number in range(len(coded.times))]
    for begin, end in ((None, None), *coded.windows):
        frames = read_frames(Clip(path, begin, end), EVEN)
        seen = numbers([frame.mean(axis=2) for frame in frames], known)
        first, last = max(begin or 0.0, made.late), min(end or made.seconds, made.seconds)
        for place, number in enumerate(seen):
            assert number in made.shown_around(first + (place + 0.5) * (last - first) / 8)


@pytest.mark.parametrize("sampling", [FrameSampling.COUNTED, FrameSampling.OFFICIAL])
def test_a_network_gets_the_pictures_that_are_counted_off(made: Written, sampling: FrameSampling) -> None:
    count = len(made.coded.times)
    known = [cropped(as_shown(made.coded, number), EVEN.size) for number in range(count)]
    settings = replace(EVEN, sampling=sampling)
    frames = read_frames(Clip(made.path), settings)
    picked = decoding._wanted_stamps([*range(count)], 0.0, float(count), settings)
    assert numbers([frame.mean(axis=2) for frame in frames], known) == picked


def test_the_sound_of_a_part_is_there_from_its_beginning_to_its_end(made: Written) -> None:
    coded = made.coded
    if not coded.sound:
        return
    for begin, end in ((None, None), *coded.windows):
        clip = Clip(made.path, begin, end)
        waveform = read_waveform(clip, EVEN)
        length = (min(end or coded.seconds, coded.seconds) - (begin or 0.0)) * 16_000
        assert len(waveform) == pytest.approx(length, abs=1600)
        played = np.concatenate(list(sound(clip, 0.0, round(length * 3), 1.0)))
        (drawn,) = timeline.decode([turn_of(clip)])
        assert drawn.samples is not None
        assert len(drawn.samples) == pytest.approx(length, abs=1600)
        for wave, rate in ((waveform, 16_000), (played[:, 0], 48_000), (drawn.samples / 2**15, timeline.RATE)):
            parts = wave[: len(wave) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)[2:-5]  # of 20 ms
            assert np.abs(parts).max(axis=1).min() > 0.05


def test_the_player_shows_every_picture_from_any_moment_on(made: Written) -> None:
    coded, path = made.coded, made.path
    known = [as_shown(coded, number) for number in range(len(coded.times))]

    def seen(clip: Clip, start: float, count: int | None = None) -> tuple[list[int], list[Picture]]:
        shown = [picture for picture, _ in zip(pictures(clip, start, lambda: True), range(count or 99), strict=False)]
        assert {QSize(known[0].shape[1], known[0].shape[0])} == {picture.image(LARGE).size() for picture in shown}
        return numbers([grey(picture.image(LARGE)) for picture in shown], known), shown

    every, shown = seen(Clip(path), 0.0)
    assert every == [*range(len(coded.times))]
    assert [picture.time - made.late for picture in shown] == pytest.approx(coded.times, abs=ROUNDED)
    for moment in (0.1, 0.37, 0.63, 0.99):
        time = moment * coded.seconds
        assert seen(Clip(path), time, 1)[0][0] in made.shown_around(time)
    for begin, end in coded.windows:
        every, _ = seen(Clip(path, begin, end), 0.0)
        assert every[0] in made.shown_around(begin)
        assert every[-1] in made.shown_around(min(end, made.seconds) - 2 * ROUNDED)
        assert every == [*range(every[0], every[-1] + 1)]


def test_the_set_is_as_large_and_as_small_as_it_should_be() -> None:
    assert len(MADE) >= 40
    assert len({coded.name for coded in MADE}) == len(MADE)
    assert SIZE == (64, 48)
