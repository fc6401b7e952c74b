"""From rows to a corpus: what every reader does once it has its turns."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from telme_model.corpus.dialogue import Clip, Corpus, CorpusError, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import LabelSet
from telme_model.corpus.folder import Folder, OutsideError
from telme_model.corpus.tables import TableReport, clock_seconds, whole_number

SOUNDS = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus")  # the endings of files that hold sound alone
NO_LABEL = frozenset({"", "-", "?", "nan", "none", "null", "n/a", "<na>"})  # how tables say that nobody has labelled


class Media(NamedTuple):
    """A turn's picture and sound; the same clip twice where one file holds both."""

    video: Clip | None
    audio: Clip | None


def corpus_of(
    folder: Folder, kind: str, labels: LabelSet, dialogues: Iterable[Dialogue], problems: Iterable[Problem]
) -> Corpus:
    """The corpus of these dialogues. Raises CorpusError with the first fatal reason when there is none."""
    dialogues, problems = tuple(dialogues), tuple(problems)
    if not dialogues:
        fatal = [problem.reason for problem in problems if problem.severity is Severity.FATAL]
        reason = fatal[0] if fatal else "its annotation files hold no rows."
        raise CorpusError(f"Nothing in '{folder.root}' could be read: {reason}")
    return Corpus(root=folder.root, kind=kind, labels=labels, dialogues=dialogues, problems=problems)


def dialogues_of(report: TableReport, turns: Iterable[Turn]) -> Iterator[Dialogue]:
    """Turns of one split as dialogues in order of appearance, each ordered by utterance.

    Of two turns with one id the first is kept.
    """
    seen: dict[TurnId, Turn] = {}
    by_dialogue: dict[str, list[Turn]] = {}
    for turn in turns:
        if first := seen.get(turn.id):
            reason = f"Row {turn.row} repeats {turn.id} of row {first.row}; the first is kept."
            report.add(Severity.FATAL, "duplicate-id", reason, row=turn.row, turn=turn.id)
        else:
            seen[turn.id] = turn
            by_dialogue.setdefault(turn.id.dialogue, []).append(turn)
    if not seen and all(problem.severity is not Severity.FATAL for problem in report.problems):
        reason = f"{report.file.name} holds no turns: restore it from the corpus's download."
        report.add(Severity.FATAL, "no-turns", reason)
    for name, members in by_dialogue.items():
        members.sort(key=lambda turn: turn.id.utterance)
        yield Dialogue(split=members[0].id.split, name=name, turns=tuple(members))


def annotation_file(folder: Folder, split: Split, candidates: list[Path], problems: list[Problem]) -> Path | None:
    """The first of the files that may annotate a split; that there is none, or more than one, becomes a problem."""
    if not candidates:
        reason = f"There is no annotation file of the {split} split; the corpus is read without it."
        if packed := next((path.name for path in folder.archives() if str(split) in path.name.lower()), None):
            reason += f" {packed} is still packed: unpack it here if it holds the file."
        problems.append(Problem(severity=Severity.WARNING, code="missing-split", file=folder.root, reason=reason))
        return None
    first, *others = candidates
    for other in others:
        reason = f"{other.relative_to(folder.root)} is ignored: {first.relative_to(folder.root)} annotates {split} too."
        problems.append(Problem(severity=Severity.NOTE, code="ignored-file", file=other, reason=reason))
    return first


def label_of(report: TableReport, row: int, text: str, labels: LabelSet) -> str | None:
    """The emotion named in a row; None where there is none, and, with a fatal problem, where it is unknown."""
    label = text.lower()
    if label in labels.labels:
        return label
    if label not in NO_LABEL:
        known = ", ".join(labels.labels)
        reason = f"Row {row} names the emotion '{text[:40]}', which is none of {known}: the turn has no emotion."
        report.add(Severity.FATAL, "unknown-emotion", reason, row=row, column="Emotion")
    return None


def numbers_of(report: TableReport, row: int, values: dict[str, str], columns: Iterable[str]) -> list[int] | None:
    """The whole numbers that identify a row, None with a fatal problem when one is not a number: the turn is lost."""
    numbers = []
    for column in columns:
        number = whole_number(values[column])
        if number is None:
            reason = f"Row {row} has '{values[column][:40]}' in column '{column}', not a number. The row is left out."
            report.add(Severity.FATAL, "bad-id", reason, row=row, column=column)
            return None
        numbers.append(number)
    return numbers


def clock_of(report: TableReport, row: int, values: dict[str, str], column: str) -> float | None:
    """The seconds of a time of day in a row; absent is None, unreadable is None with a warning."""
    text = values[column]
    seconds = clock_seconds(text) if text else None
    if text and seconds is None:
        reason = f"Row {row} has '{text[:40]}' in column '{column}', not a time like 00:16:21,731; it is ignored."
        report.add(Severity.WARNING, "bad-time", reason, row=row, column=column)
    return seconds


def path_of(
    report: TableReport,
    folder: Folder,
    row: int,
    values: dict[str, str],
    column: str,
    expected: Path | None = None,
) -> Path | None:
    """The media file that a row names, None where it names none in this folder; one outside is a warning.

    A link may lead outside only to what is `expected` there anyhow: that is the person's, not the table's.
    """
    if not values.get(column):
        return None
    how = "outside the corpus folder"
    try:
        path = folder.locate(values[column])
        if path is None or path == expected or folder.holds(path):
            return path
        how = "which leads out of the corpus folder by a link"
    except (OutsideError, OSError, RuntimeError, ValueError):
        pass
    reason = f"Row {row} has '{values[column][:80]}' in column '{column}', {how}; it is ignored."
    report.add(Severity.WARNING, "path-outside", reason, row=row, column=column)
    return None


def clip_of(path: Path | None) -> Clip | None:
    """A whole file as a clip."""
    return Clip(path) if path else None


def media_of(video: Path | None, sound: Path | None = None) -> Media:
    """Picture and sound of a turn: of a video both, of which a sound beside it is heard where the video has none."""
    if video is not None and video.suffix.lower() in SOUNDS:
        video, sound = None, sound or video
    if video is None:
        return Media(None, clip_of(sound))
    clip = Clip(video, sound=sound)
    return Media(clip, clip)
