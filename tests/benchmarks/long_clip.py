"""A clip of two hours: the memory and time of each way in which the program reads one, against its plain sound.

Each is measured in a process of its own. The plain way is the sound of the whole clip in single precision, as it is
decoded: both channels at 48 kHz.

    python tests/benchmarks/long_clip.py [--minutes 120]
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that it runs from anywhere

from telme_gui.timeline.sound import decode
from telme_model.corpus.dialogue import Clip, Split, Turn, TurnId
from telme_model.media.cache import build_cache
from telme_model.media.decoding import FrameSampling, MediaSettings, OverLong, read_turn
from telme_model.media.health import check_media

RATE = 48_000  # Hz
WHOLE = MediaSettings(over_long=OverLong.WHOLE)
OFFICIAL = MediaSettings(over_long=OverLong.WHOLE, sampling=FrameSampling.COUNTED, sample_rate=22_050)


def write(path: Path, minutes: int) -> Turn:
    """A film of one minute over and over: noise that comes and goes in two channels, five small pictures a second."""
    generator = np.random.default_rng(0)
    noise = generator.uniform(-0.3, 0.3, (2, 60 * RATE)).astype(np.float32)
    noise *= np.abs(np.sin(np.arange(60 * RATE) / RATE)).astype(np.float32)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=5, options={"preset": "ultrafast", "g": "50"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio: Any = container.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        for minute in range(minutes):
            for second in range(60):
                for picture in range(5):
                    shown = np.full((240, 320, 3), 40 + (60 * minute + second + picture) % 180, np.uint8)
                    frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
                    frame.pts, frame.time_base = 5 * (60 * minute + second) + picture, Fraction(1, 5)
                    container.mux(video.encode(frame))
                part = noise[:, second * RATE : (second + 1) * RATE]
                packed = np.ascontiguousarray((part * 32767).astype(np.int16).T).reshape(1, -1)
                sound = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
                sound.sample_rate, sound.pts = RATE, (60 * minute + second) * RATE
                container.mux(audio.encode(sound))
        container.mux([*video.encode(None), *audio.encode(None)])
    clip = Clip(path)
    return Turn(id=TurnId(Split.DEV, "0", 0), speaker="A", text="", video=clip, audio=clip)


def cached(turn: Turn, settings: MediaSettings, folder: Path) -> None:
    """Into a cache, decoded by another process."""
    for _ in build_cache([turn], settings, folder, workers=1):
        pass


def checked(turn: Turn) -> None:
    """Listened to and looked at."""
    for _ in check_media([turn]):
        pass


def drawn(turn: Turn) -> None:
    """For the timeline."""
    for _ in decode([turn]):
        pass


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and MB of the largest of this process and those that it starts, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(_measured, work).result()


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    began = time.perf_counter()
    work()
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter() - began, max(peaks)


def main() -> None:
    """Print what each way takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=120)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        turn = write(folder / "film.mkv", minutes)
        plain = minutes * 60 * RATE * 2 * 4 / 2**20
        print(f"{'plain sound of ' + str(minutes) + ' min':>45}: {plain:6.0f} MB")
        ways: dict[str, Callable[[], object]] = {
            "its first 30 s": partial(read_turn, turn, MediaSettings()),
            "whole, channels that may cancel": partial(read_turn, turn, WHOLE),
            "whole, as the released code reads IEMOCAP": partial(read_turn, turn, OFFICIAL),
            "whole, into a cache": partial(cached, turn, OFFICIAL, folder / "cache"),
            "check": partial(checked, turn),
            "the timeline": partial(drawn, turn),
        }
        for title, work in ways.items():
            seconds, peak = measured(work)
            print(f"{title:>45}: {peak:6.0f} MB at most, {peak / plain:5.2f} of the plain sound; {seconds:5.1f} s")


if __name__ == "__main__":
    main()
