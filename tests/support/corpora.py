"""A corpus in MELD's layout, small enough to train on in seconds: real annotation files, real clips."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from telme_model.corpus.meld import CLIP_FOLDERS
from tests.support.clips import Paint, write_clip

COLUMNS = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode",
    "StartTime", "EndTime",
)  # fmt: skip
LENGTHS = {Split.TRAIN: (3, 2, 4, 3, 2, 3, 4, 3), Split.DEV: (3, 2, 4), Split.TEST: (4, 3, 2)}  # turns by dialogue
MISSING = {(Split.TRAIN, 1, 1), (Split.TEST, 1, 0)}  # turns whose clip is not there
SILENT = {(Split.TRAIN, 2, 0), (Split.TEST, 0, 2)}  # turns whose clip has no sound
WORDS = {
    "anger": "Get out, now!", "disgust": "That smells awful.", "fear": "Did you hear that?", "joy": "We won, we won!",
    "neutral": "Okay.", "sadness": "She left me.", "surprise": "You are here?",
}  # fmt: skip
SPEAKERS = ("Ada", "Bo", "Cy")


def write_corpus(root: Path, *, clips: bool = True) -> Path:
    """Write the corpus into `root`, which is made; without `clips`, the annotation files alone."""
    root.mkdir(parents=True, exist_ok=True)
    for split in Split:
        write_annotations(root, split, list(rows(split)))
        if clips:
            _write_clips(root / CLIP_FOLDERS[split], split)
    return root


def write_annotations(root: Path, split: Split, table: list[dict[str, object]]) -> Path:
    """Write one split's CSV file."""
    path = root / f"{split}_sent_emo.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(table)
    return path


def rows(split: Split) -> Iterator[dict[str, object]]:
    """The rows of one split's CSV file; emotions follow one another so that every split has several of all."""
    number = 0
    for dialogue, turns in enumerate(LENGTHS[split]):
        for utterance in range(turns):
            emotion = MELD.labels[(3 * dialogue + utterance) % len(MELD)]
            yield {
                "Sr No.": number + 1,
                "Utterance": WORDS[emotion],
                "Speaker": SPEAKERS[(dialogue + utterance) % len(SPEAKERS)],
                "Emotion": emotion,
                "Sentiment": "neutral",
                "Dialogue_ID": dialogue,
                "Utterance_ID": utterance,
                "Season": 1,
                "Episode": 1 + dialogue,
                "StartTime": f"00:00:{utterance:02},000",
                "EndTime": f"00:00:{utterance:02},500",
            }
            number += 1


def _write_clips(folder: Path, split: Split) -> None:
    folder.mkdir(exist_ok=True)
    for row in rows(split):
        dialogue, utterance = int(str(row["Dialogue_ID"])), int(str(row["Utterance_ID"]))
        turn = (split, dialogue, utterance)
        if turn not in MISSING:
            channels = 0 if turn in SILENT else 1 + dialogue % 2
            clip = _clip(MELD.index(str(row["Emotion"])), dialogue, utterance, channels)
            (folder / f"dia{dialogue}_utt{utterance}.mp4").write_bytes(clip)


@cache
def _clip(emotion: int, dialogue: int, utterance: int, channels: int) -> bytes:
    """A turn's clip, encoded once in a process."""
    with TemporaryDirectory() as folder:
        path = write_clip(
            Path(folder, "clip.mp4"),
            seconds=0.5 + 0.1 * utterance,
            fps=8,
            size=(48, 32),
            channels=channels,
            paint=_painted(emotion, dialogue),
        )
        return path.read_bytes()


def _painted(emotion: int, dialogue: int) -> Paint:
    """Pictures whose bright column tells the emotion, over a ground that differs from dialogue to dialogue."""

    def paint(time: float) -> np.ndarray:
        picture = np.full((32, 48, 3), 20 + 10 * dialogue, np.uint8)
        picture[:, 6 * emotion : 6 * emotion + 6] = 255 - round(40 * time)
        return picture

    return paint
