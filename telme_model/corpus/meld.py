"""MELD (Poria et al. 2019): one CSV a split and a clip a turn, as released, as in its repository and as in TelME's.

TelME's `train_meld_emo.csv` takes the place of `train_sent_emo.csv`; its `Video_Path` column names the clips.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from telme_model.corpus.assembly import (
    annotation_file,
    clip_of,
    clock_of,
    corpus_of,
    dialogues_of,
    label_of,
    numbers_of,
    path_of,
)
from telme_model.corpus.dialogue import Corpus, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.corpus.folder import Folder
from telme_model.corpus.tables import TableReport, read_table, whole_number

CLIP_FOLDERS = {
    Split.TRAIN: "train_splits",
    Split.DEV: "dev_splits_complete",
    Split.TEST: "output_repeated_splits_test",
}
_ANNOTATIONS = re.compile(r"(train|dev|test)_(?:sent|meld)_emo\.csv", re.IGNORECASE)
_REQUIRED = ("Utterance", "Speaker", "Dialogue_ID", "Utterance_ID")
_OPTIONAL = ("Emotion", "Sentiment", "Season", "Episode", "StartTime", "EndTime")


def recognise(folder: Folder) -> Path | None:
    """The annotation file nearest to the root, None when this is no MELD."""
    return folder.nearest(_ANNOTATIONS)


def read(folder: Folder) -> Corpus:
    """MELD in this folder. Raises CorpusError when no turn can be read."""
    dialogues: list[Dialogue] = []
    problems: list[Problem] = []
    for split in Split:
        file = annotation_file(folder, split, _candidates(folder, split), problems)
        if file:
            report = TableReport(file)
            clips = _clip_folder(folder, split, report)
            dialogues += dialogues_of(report, _turns(folder, split, clips, report))
            problems += report.problems
    return corpus_of(folder, "meld", MELD, dialogues, problems)


def _candidates(folder: Folder, split: Split) -> list[Path]:
    paths = [path for path, match in folder.matching(_ANNOTATIONS) if match[1].lower() == split]
    # The original has the better encoding of two that lie side by side.
    return sorted(paths, key=lambda path: (folder.depth(path), "_meld_" in path.name.lower()))


def _clip_folder(folder: Folder, split: Split, report: TableReport) -> Path | None:
    name = CLIP_FOLDERS[split]
    if found := folder.named(name):
        return found
    reason = f"There is no folder {name}: the {split} turns have text only."
    for archive in folder.archives():
        if archive.name.lower().startswith((str(split), "meld")):
            reason += f" {archive.relative_to(folder.root)} is still packed: unpack it where it lies."
            break
    report.add(Severity.WARNING, "no-clips", reason)
    return None


def _turns(folder: Folder, split: Split, clips: Path | None, report: TableReport) -> Iterator[Turn]:
    for row, values in read_table(report, _REQUIRED, _OPTIONAL):
        numbers = numbers_of(report, row, values, ("Dialogue_ID", "Utterance_ID"))
        if numbers is None:
            continue
        dialogue, utterance = numbers
        expected = clips / f"dia{dialogue}_utt{utterance}.mp4" if clips else None
        clip = clip_of(path_of(report, folder, row, values, "Video_Path") or expected)
        yield Turn(
            id=TurnId(split, str(dialogue), utterance),
            speaker=values["Speaker"],
            text=values["Utterance"],
            gold=label_of(report, row, values["Emotion"], MELD),
            sentiment=values["Sentiment"].lower() or None,
            season=whole_number(values["Season"]),
            episode=whole_number(values["Episode"]),
            start=clock_of(report, row, values, "StartTime"),
            end=clock_of(report, row, values, "EndTime"),
            video=clip,
            audio=clip,
            row=row,
        )
