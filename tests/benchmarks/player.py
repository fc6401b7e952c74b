"""The player on 1280x720 24 fps clips: first pictures, late pictures, picture against sound, memory over a loop.

python tests/benchmarks/player.py [--window] [--loop-minutes N] [first] [late] [sync] [memory] [vanish]

With `--window` the player stands in the whole window, all panels following, instead of alone. `sync` (and `late`, for
the device's own clock) wants a sound output that plays in real time; without a sound card a PulseAudio server with a
null sink does (Debian: pulseaudio, libasound2-plugins, libportaudio2), started here when `pulseaudio` is installed.
What its monitor records is compared with when the flash was painted. `vanish` kills that server while it plays.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import av
import numpy as np
import psutil
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from telme_gui.app import make_window
from telme_gui.look.settings import Settings, Theme
from telme_gui.look.style import Appearance
from telme_gui.player import PlayerPanel
from telme_gui.player.pictures import Shot
from telme_gui.player.view import PictureView
from telme_model.corpus.dialogue import Clip, Corpus, Dialogue, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from tests.support.predictions import predictions

FPS, SECONDS, TURNS = 24, 6, 8
SPEEDS = (0.5, 1.0, 2.0)
RECORDED = 48_000  # Hz
FLASH_EVERY = 1.0  # seconds in the clip; the flash is one frame, the beep as long
BEEP = 1000.0  # Hz
_SAMPLE = 5.0  # seconds between two looks at the memory
_KEPT = 5_000  # paintings and beats, so that what is noted of an hour takes no memory of its own


def write_clip(path: Path, seed: int) -> Path:
    """A moving picture of noise (as hard to decode as film) and, each second, one white frame with a beep."""
    generator = np.random.default_rng(seed)
    ground = generator.integers(0, 200, (180, 480, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    rate = 48_000
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        video.options = {"preset": "veryfast", "crf": "25", "g": "250"}
        audio: Any = container.add_stream("aac", rate=rate, layout="stereo")
        moments = np.arange(SECONDS * rate) / rate
        # AAC's first frame is padding, which the decoder drops, so sound and picture both begin at zero.
        beep = np.where(moments % FLASH_EVERY < 1 / FPS, np.sin(2 * np.pi * BEEP * moments) * 0.8, 0.0)
        beep[moments < FLASH_EVERY / 2] = 0.0
        for index in range(SECONDS * FPS):
            picture = np.ascontiguousarray(ground[:, 4 * index % 640 :][:, :1280])
            if index and index % round(FLASH_EVERY * FPS) == 0:
                picture = np.full_like(picture, 255)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for first in range(0, len(beep), 1024):
            block = np.tile(beep[first : first + 1024].astype(np.float32), (2, 1))
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = rate, first
            for packet in audio.encode(frame):
                container.mux(packet)
        for stream in (video, audio):
            for packet in stream.encode(None):
                container.mux(packet)
    return path


def corpus_of(paths: list[Path]) -> Corpus:
    """One dialogue."""
    turns = tuple(
        Turn(
            id=TurnId(Split.TEST, "0", number),
            speaker="Ada",
            text="Look at that, it is moving all the time.",
            gold="joy",
            start=0.0,
            end=float(SECONDS),
            video=Clip(path),
            audio=Clip(path),
        )
        for number, path in enumerate(paths)
    )
    dialogue = Dialogue(split=Split.TEST, name="0", turns=turns)
    return Corpus(root=paths[0].parent, kind="meld", labels=MELD, dialogues=(dialogue,))


class Heart(QTimer):
    """Beats each 10 ms; `late` tells by how many milliseconds the window's thread let each beat wait."""

    def __init__(self) -> None:
        super().__init__(interval=10, timerType=Qt.TimerType.PreciseTimer)
        self.late: deque[float] = deque(maxlen=_KEPT)
        self._before = time.perf_counter()
        self.timeout.connect(self._beat)
        self.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.late.append(max((now - self._before) * 1000 - 10, 0.0))
        self._before = now

    def said(self) -> str:
        """In a few words."""
        self.stop()
        return (
            f"event loop late by {percentile(self.late, 50):.1f} ms (median), {percentile(self.late, 99):.0f} (p99), "
            f"{max(self.late):.0f} (worst)"
        )


class Bench:
    """A shown player, alone or in the whole window, with the moment of each painting."""

    def __init__(self, corpus: Corpus, appearance: Appearance, *, whole: bool) -> None:
        self.widget: QWidget
        if whole:
            self.widget = window = make_window(Settings(), appearance)
            self.session = window.session
            self.panel = window.player
        else:
            self.widget = self.panel = PlayerPanel(self.session)
        self.paints: deque[tuple[float, float, bool]] = deque(maxlen=_KEPT)  # clock, seconds late, whether it flashes
        self._watch()
        self.widget.resize(1920, 1080) if whole else self.widget.resize(900, 560)
        self.widget.show()
        self.session.set_corpus(corpus)
        self.session.set_predictions(predictions(self.session.turns, corpus.labels.labels), None)
        self.wait(2.0)

    def _watch(self) -> None:
        view = self.panel.findChildren(PictureView)[0]
        paint = view.paintEvent
        film = self.panel.film
        shots: list[Shot] = []
        film.shown.connect(shots.append)

        def painted(event: QPaintEvent) -> None:
            paint(event)
            while shots:
                shot = shots.pop(0)
                clock = film._clock
                late = clock.now() - shot.due if clock is not None else 0.0
                white = shot.image is not None and shot.image.pixelColor(5, 5).red() > 235
                self.paints.append((time.time(), late, white))

        view.paintEvent = painted  # type: ignore[method-assign, assignment]

    def wait(self, seconds: float) -> None:
        """Let the window live."""
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def until(self, done: Callable[[], bool], limit: float) -> None:
        """Let the window live until something holds."""
        end = time.perf_counter() + limit
        while not done() and time.perf_counter() < end:
            self.wait(0.001)


def percentile(values: Collection[float], share: float) -> float:
    """Of a few values, by linear interpolation."""
    return float(np.percentile(list(values), share))


def first(bench: Bench, repeats: int = 60) -> None:
    """Milliseconds from choosing a turn to its first picture painted."""
    taken = []
    for number in range(repeats):
        bench.paints.clear()
        began = time.perf_counter()
        bench.session.select(bench.session.turns[(number * 3 + 1) % TURNS].id)
        bench.until(lambda: bool(bench.paints), 2.0)
        taken.append((time.perf_counter() - began) * 1000)
        bench.wait(0.15)
    print(
        f"first picture of a chosen turn: median {statistics.median(taken):.0f} ms, p95 {percentile(taken, 95):.0f} ms"
    )


def late(bench: Bench) -> None:
    """Share of pictures painted more than half a frame late while a dialogue plays, across its clips."""
    bench.session.select(bench.session.turns[0].id)
    bench.wait(0.3)
    bench.paints.clear()
    heart = Heart()
    used, began = time.process_time(), time.perf_counter()
    bench.panel.play_on()
    bench.until(lambda: not bench.panel.playing, SECONDS * TURNS + 10)
    load = (time.process_time() - used) / (time.perf_counter() - began)
    lateness = [value for _, value, _ in list(bench.paints)[1:]]
    share = sum(value > 0.5 / FPS for value in lateness) / len(lateness)
    print(
        f"{len(lateness)} of {SECONDS * TURNS * FPS} pictures painted, {100 * share:.2f} % over half a frame late, "
        f"p95 {percentile(lateness, 95) * 1000:.1f} ms, worst {max(lateness) * 1000:.0f} ms, {load:.2f} of a core; "
        f"{bench.panel.film.silence or 'by the clock of the sound device'}; {heart.said()}"
    )


def sync(bench: Bench) -> None:
    """Milliseconds from the painted flash to the beep that the sink's monitor recorded, at each speed."""
    if shutil.which("parec") is None:
        print("picture against sound: needs PulseAudio's parec")
        return
    for speed in SPEEDS:
        bench.session.select(bench.session.turns[0].id)
        bench.panel.film.set_speed(speed)
        bench.wait(0.5)
        bench.paints.clear()
        with recording() as heard:
            bench.panel.play_turn()
            bench.until(lambda: not bench.panel.playing, SECONDS / speed + 10)
            bench.wait(0.5)
        flashes = [moment for moment, _, white in bench.paints if white]
        beeps = onsets(heard)
        offsets = [1000 * (min(beeps, key=lambda beep: abs(beep - flash)) - flash) for flash in flashes if beeps]
        worst = max(map(abs, offsets), default=float("nan"))
        said = ", ".join(f"{offset:+.0f}" for offset in offsets)
        print(f"{speed:g}x: beep after flash {said} ms; worst {worst:.0f} ms; {bench.panel.film.silence}")
    bench.panel.film.set_speed(1.0)


@contextmanager
def recording() -> Iterator[list[tuple[float, np.ndarray]]]:
    """What the default sink's monitor gives, with the time at which each piece had been read."""
    command = ["parec", "-d", "@DEFAULT_MONITOR@", "--format=s16le", f"--rate={RECORDED}", "--channels=1"]
    recorder = subprocess.Popen([*command, "--latency-msec=5"], stdout=subprocess.PIPE)
    pieces: list[tuple[float, np.ndarray]] = []

    def read() -> None:
        assert recorder.stdout is not None
        while data := os.read(recorder.stdout.fileno(), 4096):
            pieces.append((time.time(), np.frombuffer(data[: len(data) // 2 * 2], np.int16)))

    reader = Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.5)
    try:
        yield pieces
    finally:
        recorder.terminate()
        reader.join()
        recorder.wait()


def onsets(pieces: list[tuple[float, np.ndarray]]) -> list[float]:
    """When each beep began, in the time of the computer."""
    if not pieces:
        return []
    samples = np.concatenate([piece for _, piece in pieces]).astype(float)
    ends = np.cumsum([len(piece) for _, piece in pieces])
    # The reader is late at times but never early, so the earliest reading tells when the recording began.
    began = min(read - end / RECORDED for (read, _), end in zip(pieces, ends))
    loud = np.flatnonzero(np.abs(samples) > 0.1 * np.abs(samples).max())
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-RECORDED) > RECORDED * 0.2)]
    return [began + start / RECORDED for start in starts]


def memory(bench: Bench, minutes: float) -> None:
    """Megabytes, threads and open files of the process while one turn loops."""
    process = psutil.Process()
    bench.session.select(bench.session.turns[1].id)
    bench.panel.film.set_loop(True)
    bench.paints.clear()
    heart = Heart()
    bench.panel.play_turn()
    sizes, others = [], []
    for _ in range(max(round(minutes * 60 / _SAMPLE), 4)):
        bench.wait(_SAMPLE)
        sizes.append(process.memory_info().rss / 2**20)
        others.append((process.num_threads(), process.num_fds()))
    bench.panel.pause()
    bench.panel.film.set_loop(False)
    later = sizes[len(sizes) // 4 :]  # what is reserved once is no growth
    growth = float(np.polyfit(np.arange(len(later)) * _SAMPLE / 3600, later, 1)[0])
    shown = sizes[:: max(len(sizes) // 12, 1)]
    lateness = [value for _, value, _ in list(bench.paints)[1:]]
    print(
        f"looping for {minutes:g} min: {' '.join(f'{size:.0f}' for size in shown)} MB, in the last three quarters "
        f"{min(later):.1f} to {max(later):.1f} MB, {growth:+.1f} MB an hour; threads and files {others[0]}, in the end "
        f"{others[-1]}; of the last {len(lateness)} pictures "
        f"{100 * sum(value > 0.5 / FPS for value in lateness) / len(lateness):.2f} % late; {heart.said()}"
    )


def vanish(bench: Bench, server: subprocess.Popen[bytes] | None) -> None:
    """Seconds from the sound server's death to pictures that go on by the wall clock."""
    if server is None:
        print("a device that vanishes: needs pulseaudio")
        return
    bench.session.select(bench.session.turns[0].id)
    heart = Heart()
    bench.panel.play_on()
    bench.until(lambda: bench.panel.film.at > 1.0, 10)
    began = time.perf_counter()
    server.kill()
    bench.until(lambda: bool(bench.panel.film.silence), 10)
    shown = len(bench.paints)
    bench.until(lambda: len(bench.paints) > shown + 1, 10)
    print(f"pictures go on {time.perf_counter() - began:.1f} s after the sound server was killed; {heart.said()}")
    bench.until(lambda: not bench.panel.playing, SECONDS * TURNS + 10)
    began = time.perf_counter()
    bench.panel.play_turn()
    shown = len(bench.paints)
    bench.until(lambda: len(bench.paints) > shown + 1, 10)
    print(f"played again, it shows the second picture after {time.perf_counter() - began:.1f} s")
    print(bench.panel.film.silence)
    bench.panel.pause()


@contextmanager
def null_sink() -> Iterator[subprocess.Popen[bytes] | None]:
    """A private PulseAudio with a null sink, where it is installed."""
    if shutil.which("pulseaudio") is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as runtime:
        Path(runtime).chmod(0o700)
        (Path(runtime) / "asound.conf").write_text("pcm.!default pulse\nctl.!default pulse\n")
        os.environ["XDG_RUNTIME_DIR"] = runtime
        os.environ["HOME"] = runtime
        (Path(runtime) / ".asoundrc").write_text("pcm.!default pulse\nctl.!default pulse\n")
        sink = "module-null-sink sink_name=nul rate=48000 channels=2 norewinds=1"
        server = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "-L",
                sink,
                "-L",
                "module-native-protocol-unix",
            ],
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1.5)
        try:
            yield server
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    """Run those named, or all."""
    measures = ["first", "late", "sync", "memory", "vanish"]  # the last one leaves no sound
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(measures)}; all by default")
    parser.add_argument("--window", action="store_true", help="in the whole window")
    parser.add_argument("--loop-minutes", type=float, default=1.0, help="how long `memory` loops")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, null_sink() as server:
        app = QApplication([])
        paths = [write_clip(Path(folder) / f"{number}.mp4", number) for number in range(TURNS)]
        bench = Bench(corpus_of(paths), Appearance(app, Theme.DARK), whole=chosen.window)
        runs: dict[str, Callable[[], None]] = {
            "first": partial(first, bench),
            "late": partial(late, bench),
            "sync": partial(sync, bench),
            "memory": partial(memory, bench, chosen.loop_minutes),
            "vanish": partial(vanish, bench, server),
        }
        for name in chosen.measures or measures:
            runs[name]()
        began = time.perf_counter()
        bench.panel.close()
        bench.session.close()
        bench.widget.close()
        print(f"closed within {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
