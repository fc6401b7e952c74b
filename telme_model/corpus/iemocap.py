"""IEMOCAP (Busso et al. 2008): turns are windows of a dialogue's film, each with a WAV of its own.

Read from the CSVs prepared for TelME where there are any, else from the release itself (transcriptions and
EmoEvaluation). The release numbers the turns of its two speakers apart, so `utterance` is a turn's place in its
dialogue, from 0. Emotions outside the six of the paper (`xxx`, `sur`, ...) leave a turn as context without gold.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from telme_model.corpus.assembly import NO_LABEL, annotation_file, clip_of, corpus_of, dialogues_of, path_of
from telme_model.corpus.dialogue import Clip, Corpus, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import IEMOCAP
from telme_model.corpus.folder import Folder
from telme_model.corpus.tables import AS_IT_STANDS, Row, TableReport, plain_seconds, read_table, read_text

GOLD = {"ang": "angry", "exc": "excited", "fru": "frustrated", "hap": "happy", "neu": "neutral", "sad": "sad"}
DEV_DIALOGUES = 12  # as many of sessions 1 to 4 as TelME's split has

_OTHER_EMOTIONS = ("xxx", "oth", "sur", "fea", "dis")  # of the release, in no use here
_ANNOTATIONS = re.compile(r"iemocap_(train|dev|test)\.csv", re.IGNORECASE)
_REQUIRED = ("Utterance", "Speaker", "Dialogue_ID")
_OPTIONAL = ("Emotion", "Start_Time", "End_Time", "Wav_Path", "Video_Path")
_TURN_NAME = re.compile(r"(Ses0([1-5])[FM]_\w+)_([FM])\w*\d+", re.ASCII)
_DIALOGUE_NAME = re.compile(r"[\w-]{1,80}", re.ASCII)
_UTTERANCE = re.compile(r"(\w+)\s*\[([\d.]+)\s*-\s*([\d.]+)\]\s*:?\s*(.*)", re.ASCII)
_EVALUATED = re.compile(r"\[[^\]]*\]\s+(\w+)\s+(\w+)\s+\[", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Media:
    """The media folders of one session, None where there are none."""

    films: Path | None
    sounds: Path | None


def recognise(folder: Folder) -> Path | None:
    """A CSV or a session folder with transcriptions, the one nearest to the root; None when this is no IEMOCAP."""
    return folder.nearest(_ANNOTATIONS) or next(iter(_transcribed(folder)), None)


def read(folder: Folder) -> Corpus:
    """IEMOCAP in this folder. Raises CorpusError when no turn can be read."""
    problems: list[Problem] = []
    media = _media(folder, problems)
    read_form = _read_tables if folder.nearest(_ANNOTATIONS) else _read_release
    dialogues = list(read_form(folder, media, problems))  # before the problems, which grow on the way
    return corpus_of(folder, "iemocap", IEMOCAP, dialogues, problems)


def _transcribed(folder: Folder) -> list[Path]:
    sessions = (path for path in folder.folders if re.fullmatch(r"Session[1-5]", path.name))
    return [path for path in sessions if (path / "dialog" / "transcriptions").is_dir()]


def _media(folder: Folder, problems: list[Problem]) -> dict[int, _Media]:
    media = {}
    for number in range(1, 6):
        session = folder.named(f"Session{number}") or folder.root / f"Session{number}"
        # Session 5 spells DivX otherwise in some copies.
        films = next((path for path in session.glob("dialog/avi/*") if path.name.lower() == "divx"), None)
        sounds = next((path for path in session.glob("sentences/wav") if path.is_dir()), None)
        media[number] = _Media(films, sounds)
        for found, place, lost in ((films, "dialog/avi/DivX", "picture"), (sounds, "sentences/wav", "sound")):
            if found is None:
                reason = f"There is no folder {place} in {session.name}: the turns of session {number} have no {lost}."
                problems.append(Problem(severity=Severity.WARNING, code="no-clips", file=session, reason=reason))
    return media


def _read_tables(folder: Folder, media: dict[int, _Media], problems: list[Problem]) -> Iterator[Dialogue]:
    for split in Split:
        candidates = [path for path, match in folder.matching(_ANNOTATIONS) if match[1].lower() == split]
        file = annotation_file(folder, split, candidates, problems)
        if file:
            report = TableReport(file)
            yield from dialogues_of(report, _turns_of_table(folder, split, media, report))
            problems += report.problems


def _turns_of_table(folder: Folder, split: Split, media: dict[int, _Media], report: TableReport) -> Iterator[Turn]:
    places: dict[str, int] = {}
    named: dict[str, int] = {}  # row by turn name
    for row, values in read_table(report, _REQUIRED, _OPTIONAL):
        dialogue = values["Dialogue_ID"]
        if not _DIALOGUE_NAME.fullmatch(dialogue):
            reason = f"Row {row} has '{dialogue[:40]}' in column 'Dialogue_ID', not a name. The row is left out."
            report.add(Severity.FATAL, "bad-id", reason, row=row, column="Dialogue_ID")
            continue
        name = re.split(r"[/\\]", values["Wav_Path"])[-1].removesuffix(".wav")
        if name and named.setdefault(name, row) != row:
            reason = f"Row {row} repeats the turn {name} of row {named[name]}; the first is kept."
            report.add(Severity.FATAL, "duplicate-id", reason, row=row, column="Wav_Path")
            continue
        place = places[dialogue] = places.get(dialogue, -1) + 1
        yield _turn_of_row(folder, TurnId(split, dialogue, place), name, media, report, row, values)


def _turn_of_row(
    folder: Folder, identity: TurnId, name: str, media: dict[int, _Media], report: TableReport, row: int, values: Row
) -> Turn:
    start, end = (_seconds(report, row, column, values[column]) for column in ("Start_Time", "End_Time"))
    film, sound = _expected(name, media)
    film = path_of(report, folder, row, values, "Video_Path") or film
    sound = path_of(report, folder, row, values, "Wav_Path") or sound
    match = _TURN_NAME.fullmatch(name)
    return Turn(
        id=identity,
        speaker=match[3] if match else values["Speaker"],
        text=values["Utterance"],
        unrepaired=values.get(f"{AS_IT_STANDS}Utterance"),
        gold=_gold(report, row, values["Emotion"]),
        start=start,
        end=end,
        video=_window(report, row, film, start, end),
        audio=clip_of(sound),
        row=row,
    )


def _read_release(folder: Folder, media: dict[int, _Media], problems: list[Problem]) -> Iterator[Dialogue]:
    files = [
        (session, file)
        for session in sorted(_transcribed(folder), key=lambda path: path.name)
        for file in sorted((session / "dialog" / "transcriptions").glob("Ses*.txt"))
    ]
    learned = [file.stem for session, file in files if session.name != "Session5"]
    # By hash: the same dialogues whatever else the folder holds, in every version of Python.
    dev = sorted(learned, key=lambda name: sha256(name.encode()).digest())[: min(DEV_DIALOGUES, len(learned) // 2)]
    reason = (
        f"IEMOCAP's release has no splits: test is session 5, dev a fixed choice of {len(dev)} dialogues of sessions "
        f"1 to 4 ({', '.join(sorted(dev))}), train the others."
    )
    problems.append(Problem(severity=Severity.NOTE, code="splits-chosen", file=folder.root, reason=reason))
    for session, file in files:
        split = Split.TEST if session.name == "Session5" else Split.DEV if file.stem in dev else Split.TRAIN
        report = TableReport(file)
        labels = TableReport(session / "dialog" / "EmoEvaluation" / file.name)
        yield from dialogues_of(report, _turns_of_transcription(split, media, report, labels))
        problems += labels.problems + report.problems


def _turns_of_transcription(
    split: Split, media: dict[int, _Media], report: TableReport, labels: TableReport
) -> Iterator[Turn]:
    emotions = _evaluations(labels)
    dialogue = report.file.stem
    named: set[str] = set()
    place = 0
    for row, line in enumerate((read_text(report) or "").splitlines(), start=1):
        match = _UTTERANCE.fullmatch(line.strip())
        who = match and _TURN_NAME.fullmatch(match[1])
        if match is None or who is None or match[1] in named:
            _report_line(report, row, line, named)
            continue
        named.add(match[1])
        start, end = (_seconds(report, row, "time", text) for text in (match[2], match[3]))
        film, sound = _expected(match[1], media)
        label_row, label = emotions.get(match[1], (0, "xxx"))
        yield Turn(
            id=TurnId(split, dialogue, place),
            speaker=who[3],
            text=match[4].strip(),
            gold=_gold(labels, label_row, label),
            start=start,
            end=end,
            video=_window(report, row, film, start, end),
            audio=clip_of(sound),
            row=row,
        )
        place += 1


def _report_line(report: TableReport, row: int, line: str, named: set[str]) -> None:
    """Say why a line of a transcription is no turn: it is blank, repeats one, or has no times (an aside)."""
    if (name := line.split(maxsplit=1)[0] if line.strip() else "") in named:
        reason = f"Row {row} repeats the turn {name}; the first is kept."
        report.add(Severity.FATAL, "duplicate-id", reason, row=row)
    elif name:
        reason = f"Row {row} is no turn with a name and times ('{line.strip()[:40]}'); it is left out."
        report.add(Severity.NOTE, "untimed-line", reason, row=row)


def _evaluations(report: TableReport) -> dict[str, tuple[int, str]]:
    """Line and emotion of every turn in an EmoEvaluation file."""
    if not report.file.exists():
        reason = f"{report.file.name} is missing in EmoEvaluation: the turns of {report.file.stem} have no emotions."
        report.add(Severity.FATAL, "missing-labels", reason)
        return {}
    lines = enumerate((read_text(report) or "").splitlines(), start=1)
    return {match[1]: (row, match[2]) for row, line in lines if (match := _EVALUATED.match(line))}


def _expected(name: str, media: dict[int, _Media]) -> tuple[Path | None, Path | None]:
    """Film and sound of the turn with this name in the release."""
    match = _TURN_NAME.fullmatch(name)
    if match is None:
        return None, None
    place = media[int(match[2])]
    film = place.films / f"{match[1]}.avi" if place.films else None
    sound = place.sounds / match[1] / f"{name}.wav" if place.sounds else None
    return film, sound


def _window(report: TableReport, row: int, film: Path | None, start: float | None, end: float | None) -> Clip | None:
    if film is None or start is None or end is None:
        return None
    if end <= start:
        reason = f"Row {row} ends at {end:g} s, not after its start at {start:g} s: the turn has no picture."
        report.add(Severity.WARNING, "bad-time", reason, row=row)
        return None
    return Clip(film, start, end)


def _gold(report: TableReport, row: int, text: str) -> str | None:
    if text not in GOLD and text not in _OTHER_EMOTIONS and text.lower() not in NO_LABEL:
        reason = f"Row {row} names the emotion '{text[:40]}', which IEMOCAP does not have: the turn has no emotion."
        report.add(Severity.FATAL, "unknown-emotion", reason, row=row, column="Emotion")
    return GOLD.get(text)


def _seconds(report: TableReport, row: int, column: str, text: str) -> float | None:
    seconds = plain_seconds(text)
    if text and seconds is None:
        reason = f"Row {row} has '{text[:40]}' for '{column}', not seconds; the turn has no picture."
        report.add(Severity.WARNING, "bad-time", reason, row=row, column=column)
    return seconds
