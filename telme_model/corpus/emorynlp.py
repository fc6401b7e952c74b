"""EmoryNLP (Zahiri and Choi 2018): one CSV a split, dialogues named by season, episode and scene, clips below."""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from telme_model.corpus.assembly import (
    annotation_file,
    clock_of,
    corpus_of,
    dialogues_of,
    label_of,
    media_of,
    numbers_of,
)
from telme_model.corpus.clips import Found, media_files
from telme_model.corpus.dialogue import Corpus, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import EMORYNLP
from telme_model.corpus.folder import Folder
from telme_model.corpus.tables import AS_IT_STANDS, TableReport, read_table

_ANNOTATIONS = re.compile(r"emorynlp_(train|dev|test)(?:_final)?\.csv", re.IGNORECASE)
_CLIP = re.compile(r"sea0*(\d+)_ep0*(\d+)_sc0*(\d+)_utt0*(\d+)", re.IGNORECASE | re.ASCII)
_IDS = ("Season", "Episode", "Scene_ID", "Utterance_ID")
_REQUIRED = ("Utterance", "Speaker", *_IDS)
_OPTIONAL = ("Emotion", "Start_Time", "End_Time")
_LONGEST_SPEAKERS = 500  # characters; the longest real list has 60


def recognise(folder: Folder) -> Path | None:
    """The annotation file nearest to the root, None when this is no EmoryNLP."""
    return folder.nearest(_ANNOTATIONS)


def read(folder: Folder) -> Corpus:
    """EmoryNLP in this folder. Raises CorpusError when no turn can be read."""
    dialogues: list[Dialogue] = []
    problems: list[Problem] = []
    clips: dict[tuple[int, ...], Found] = {}
    for path in media_files(folder):
        if match := _CLIP.fullmatch(path.stem):
            clips.setdefault(tuple(map(int, match.groups())), Found()).add(path)
    if not clips:
        reason = "There are no clips named like sea1_ep2_sc3_utt4.mp4 in this folder: the turns have text only."
        problems.append(Problem(severity=Severity.WARNING, code="no-clips", file=folder.root, reason=reason))
    for split in Split:
        candidates = [path for path, match in folder.matching(_ANNOTATIONS) if match[1].lower() == split]
        file = annotation_file(folder, split, candidates, problems)
        if file:
            report = TableReport(file)
            dialogues += dialogues_of(report, _turns(split, clips, report))
            problems += report.problems
    return corpus_of(folder, "emorynlp", EMORYNLP, dialogues, problems)


def _turns(split: Split, clips: Mapping[tuple[int, ...], Found], report: TableReport) -> Iterator[Turn]:
    somewhere = next((found.place for found in clips.values()), None)  # where a missing clip would most likely lie
    for row, values in read_table(report, _REQUIRED, _OPTIONAL):
        numbers = numbers_of(report, row, values, _IDS)
        if numbers is None:
            continue
        season, episode, scene, utterance = numbers
        name = f"sea{season}_ep{episode}_sc{scene}_utt{utterance}.mp4"
        found = clips.get((season, episode, scene, utterance))
        media = found.media() if found else media_of(somewhere / name if somewhere else None)
        yield Turn(
            id=TurnId(split, f"{season}x{episode:02}-{scene}", utterance),
            speaker=_speaker(report, row, values["Speaker"]),
            text=values["Utterance"],
            unrepaired=values.get(f"{AS_IT_STANDS}Utterance"),
            gold=label_of(report, row, values["Emotion"], EMORYNLP),
            season=season,
            episode=episode,
            start=clock_of(report, row, values, "Start_Time"),
            end=clock_of(report, row, values, "End_Time"),
            video=media.video,
            audio=media.audio,
            row=row,
        )


def _speaker(report: TableReport, row: int, text: str) -> str:
    names = _names(text) if text.startswith("[") else (text,)
    if names is None:
        reason = f"Row {row} has '{text[:60]}' in column 'Speaker', not a list of names; it is taken as one name."
        report.add(Severity.WARNING, "bad-speaker", reason, row=row, column="Speaker")
        return text
    return " and ".join(names)


@lru_cache(maxsize=4096)
def _names(text: str) -> tuple[str, ...] | None:
    """The names in a Python list of strings, None for anything else. The text is untrusted: short literals only."""
    if len(text) > _LONGEST_SPEAKERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a name may hold what Python takes for an invalid escape
            names = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return None
    return tuple(name.strip() for name in names)
