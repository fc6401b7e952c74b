"""MELD (Poria et al. 2019): one CSV a split and a clip a turn, as released, as in its repository and as in TelME's.

TelME's `train_meld_emo.csv` takes the place of `train_sent_emo.csv`; its `Video_Path` column names the clips.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from telme_model.corpus.assembly import (
    Media,
    annotation_file,
    clock_of,
    corpus_of,
    dialogues_of,
    label_of,
    media_of,
    numbers_of,
    path_of,
)
from telme_model.corpus.clips import NumberedClips
from telme_model.corpus.dialogue import Clip, Corpus, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.corpus.folder import Folder
from telme_model.corpus.tables import AS_IT_STANDS, TableReport, read_table, whole_number

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
    files = {split: annotation_file(folder, split, _candidates(folder, split), problems) for split in Split}
    named = {split: folder.named(name) for split, name in CLIP_FOLDERS.items()}
    one_split = sum(file is not None for file in files.values()) == 1
    clips = NumberedClips(folder, one_split=one_split, first=filter(None, named.values()))
    for split, file in files.items():
        if file:
            report = TableReport(file)
            place = named[split] or clips.place(split)
            turns = list(_turns(folder, split, clips, place, report))
            if place is None and any(turn.video is turn.audio is None for turn in turns):
                _tell_no_clips(folder, split, clips, report, all(turn.video is turn.audio is None for turn in turns))
            dialogues += dialogues_of(report, turns)
            problems += report.problems
    return corpus_of(folder, "meld", MELD, dialogues, problems)


def _candidates(folder: Folder, split: Split) -> list[Path]:
    paths = [path for path, match in folder.matching(_ANNOTATIONS) if match[1].lower() == split]
    # The original has the better encoding of two that lie side by side.
    return sorted(paths, key=lambda path: (folder.depth(path), "_meld_" in path.name.lower()))


def _tell_no_clips(folder: Folder, split: Split, clips: NumberedClips, report: TableReport, every: bool) -> None:
    if every:
        reason = f"There is no folder {CLIP_FOLDERS[split]}: the {split} turns have text only."
    else:
        reason = f"There is no folder {CLIP_FOLDERS[split]}: {split} turns whose row names no clip have text only."
    if clips.undivided:
        reason += " Clips whose split nothing tells are left out: put them into folders train, dev and test."
    for archive in folder.archives():
        if archive.name.lower().startswith((str(split), "meld")):
            reason += f" {archive.relative_to(folder.root)} is still packed: unpack it where it lies."
            break
    report.add(Severity.WARNING, "no-clips", reason)


def _turns(
    folder: Folder, split: Split, clips: NumberedClips, place: Path | None, report: TableReport
) -> Iterator[Turn]:
    for row, values in read_table(report, _REQUIRED, _OPTIONAL):
        numbers = numbers_of(report, row, values, ("Dialogue_ID", "Utterance_ID"))
        if numbers is None:
            continue
        dialogue, utterance = numbers
        expected = place / f"dia{dialogue}_utt{utterance}.mp4" if place else None
        found = clips.of(split, dialogue, utterance) or media_of(expected)
        video, sound = (
            path_of(report, folder, row, values, column, found.video.path if found.video else None)
            for column in ("Video_Path", "Wav_Path")
        )
        media = media_of(video) if video else found
        if sound:  # named, not only lying there
            media = Media(media.video, Clip(sound))
        yield Turn(
            id=TurnId(split, str(dialogue), utterance),
            speaker=values["Speaker"],
            text=values["Utterance"],
            unrepaired=values.get(f"{AS_IT_STANDS}Utterance"),
            gold=label_of(report, row, values["Emotion"], MELD),
            sentiment=values["Sentiment"].lower() or None,
            season=whole_number(values["Season"]),
            episode=whole_number(values["Episode"]),
            start=clock_of(report, row, values, "StartTime"),
            end=clock_of(report, row, values, "EndTime"),
            video=media.video,
            audio=media.audio,
            row=row,
        )
