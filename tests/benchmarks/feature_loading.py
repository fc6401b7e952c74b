"""Feature loading: the cached path against decoding every clip in every epoch, on the same clips, in CPU time.

The plain way does what the released TelME code does for every turn of every epoch: all frames of the clip read through
OpenCV, 8 of them resized, cropped and normalised, and the sound decoded to 22,050 Hz mono twice. Ours builds the cache
once and then reads frames and sound from it as float32. Both take turns in one run, so their ratio does not depend on
what else the machine does.

    python tests/benchmarks/feature_loading.py [--clips 8] [--seconds 3] [--epochs 3] [--json]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that it runs from anywhere

from telme_model.corpus.dialogue import Clip, Split, Turn, TurnId
from telme_model.media.cache import MediaCache, build_cache
from telme_model.media.decoding import MediaSettings
from tests.support.clips import write_clip

WIDTH, HEIGHT = 1280, 720
X264 = {"preset": "medium", "crf": "23"}  # FFmpeg's defaults, with which MELD's clips were cut
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
SETTINGS = MediaSettings()
CACHED_EPOCHS = 20  # one is too short for the clock


def scene(seed: int) -> Callable[[float], np.ndarray]:
    """A picture that moves as filmed ones do: a textured ground that pans, two bodies that sway, and camera noise."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(40, 200, (HEIGHT // 8 + 40, WIDTH // 8 + 40, 3), dtype=np.uint8)
    ground = cv2.GaussianBlur(cv2.resize(coarse, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC), (0, 0), 3)
    noise = generator.normal(0, 3, (8, HEIGHT, WIDTH, 3)).astype(np.int8)

    def paint(moment: float) -> np.ndarray:
        left, top = round(60 + 50 * np.sin(moment)), round(60 + 30 * np.cos(1.3 * moment))
        picture = ground[top : top + HEIGHT, left : left + WIDTH].copy()
        for place, phase in ((WIDTH // 3, 0.0), (2 * WIDTH // 3, 1.7)):
            sway, nod = 60 * np.sin(2 * moment + phase), 20 * np.sin(5 * moment + phase)
            centre = (round(place + sway), round(HEIGHT / 2 + nod))
            cv2.ellipse(picture, centre, (110, 150), 5 * np.sin(3 * moment), 0, 360, (190, 150, 130), -1)
            cv2.ellipse(picture, (centre[0], centre[1] + 70), (40, round(8 + 8 * abs(np.sin(9 * moment)))), 0, 0, 360,
                        (90, 40, 50), -1)  # fmt: skip
        grain = noise[generator.integers(len(noise))]
        return np.asarray(np.clip(picture.astype(np.int16) + grain, 0, 255), np.uint8)

    return paint


def plain_frames(path: Path) -> np.ndarray:
    """All frames read and every (n // 8)-th kept; these resized, cropped and normalised as the video processor does."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        found, frame = capture.read()
        if not found:
            break
        frames.append(frame)
    capture.release()
    processed = []
    for frame in frames[:: max(1, len(frames) // 8)][:8]:
        small = np.asarray(Image.fromarray(frame).resize((398, 224), Image.Resampling.BILINEAR))[:, 87:311]
        processed.append((small.astype(np.float32) / 255 - MEAN) / STD)
    return np.stack(processed)


def plain_sound(path: Path) -> np.ndarray:
    """The whole sound, resampled by FFmpeg to 22,050 Hz mono."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=22_050)
    with av.open(str(path)) as container:
        pieces = [piece.to_ndarray()[0] for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate(pieces)


def plain_epoch(turns: list[Turn]) -> None:
    for turn in turns:
        assert turn.video is not None
        plain_sound(turn.video.path)
        plain_sound(turn.video.path)
        plain_frames(turn.video.path)


def cached_epoch(cache: MediaCache, turns: list[Turn]) -> None:
    for turn in turns:
        frames, waveform = cache.frames(turn), cache.waveform(turn)
        assert frames is not None
        assert waveform is not None
        float(frames.astype(np.float32).sum() + waveform.sum())


def cpu_seconds() -> float:
    """CPU time so far of this process and of those it started that have ended."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def write_clips(folder: Path, count: int, seconds: float) -> list[Turn]:
    turns = []
    for number in range(count):
        path = folder / f"dia{number}_utt0.mp4"
        write_clip(path, seconds=seconds, size=(WIDTH, HEIGHT), paint=scene(number), x264=X264)
        clip = Clip(path)
        turns.append(Turn(id=TurnId(Split.TRAIN, str(number), 0), speaker="A", text="", video=clip, audio=clip))
    return turns


def measure(clips: int, seconds: float, epochs: int, workers: int | None) -> dict[str, float]:
    """CPU seconds per turn of each way, and their ratios: medians over epochs in which the ways take turns."""
    cv2.setNumThreads(1)
    plain: list[float] = []
    built: list[float] = []
    cached: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: the large pictures painted there would leave this one's allocator in a state that
        # neither training nor a cache build finds.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as painter:
            turns = painter.submit(write_clips, Path(folder), clips, seconds).result()
        size = sum(turn.video.path.stat().st_size for turn in turns if turn.video) / clips
        for epoch in range(epochs):
            cache = MediaCache(Path(folder, f"cache{epoch}"), SETTINGS)
            marks = [cpu_seconds()]
            plain_epoch(turns)
            marks.append(cpu_seconds())
            for _ in build_cache(turns, SETTINGS, cache.folder, workers=workers):
                pass
            marks.append(cpu_seconds())
            for _ in range(CACHED_EPOCHS):
                cached_epoch(cache, turns)
            marks.append(cpu_seconds())
            for times, spent in zip((plain, built, cached), np.diff(marks) / clips, strict=True):
                times.append(float(spent))
    per_cached_epoch = np.divide(cached, CACHED_EPOCHS)
    return {
        "clips": clips,
        "clip_megabytes": size / 1e6,
        "plain_seconds_per_turn": float(np.median(plain)),
        "build_seconds_per_turn": float(np.median(built)),
        "cached_seconds_per_turn": float(np.median(per_cached_epoch)),
        "plain_over_cached": float(np.median(np.divide(plain, per_cached_epoch))),
        "build_over_plain": float(np.median(np.divide(built, plain))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of loading features: cached against decoding every epoch.")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None, help="processes of the cache build; 0 for none")
    parser.add_argument("--json", action="store_true", help="print the figures as one line of JSON")
    arguments = parser.parse_args()
    figures = measure(arguments.clips, arguments.seconds, arguments.epochs, arguments.workers)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{figures['clips']:.0f} clips of {arguments.seconds:g} s, {WIDTH}x{HEIGHT}, H.264/AAC, "
          f"{figures['clip_megabytes']:.2f} MB each; CPU seconds a turn")  # fmt: skip
    print(f"  decoding every epoch  {figures['plain_seconds_per_turn']:.4f}")
    print(f"  cache, once           {figures['build_seconds_per_turn']:.4f}")
    print(f"  cache, every epoch    {figures['cached_seconds_per_turn']:.4f}")
    print(f"plain / cached epoch: {figures['plain_over_cached']:.0f} (target: at least 50)")
    print(f"cache build / plain epoch: {figures['build_over_plain']:.2f} (target: at most 0.5)")


if __name__ == "__main__":
    main()
