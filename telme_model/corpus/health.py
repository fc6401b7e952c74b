"""What is wrong with a corpus: its annotations compared with themselves and with what its media files hold."""

import errno
import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from telme_model.corpus.dialogue import Clip, Corpus, Modality, Problem, Severity, Split, Turn
from telme_model.events import Event, Phase, Progress

LONGEST_TURN = 30.0  # seconds; longer ones are mistakes of annotation or cutting
LENGTH_TOLERANCE = 1.0  # seconds by which a clip may differ from its annotation, plus a quarter of it

_MEDIA = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wav", ".flac", ".mp3", ".m4a")
_STRAYS = {"._": "left by macOS archives", "final_videos_test": "of the final_videos_test series"}  # by prefix
_EXAMPLES = 3
_WHAT = {Modality.VISUAL: "picture", Modality.AUDIO: "sound"}
_CUT = 0.5  # seconds that may lack before a file counts as cut off

_warning = partial(Problem, severity=Severity.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFound(Event):
    """One thing wrong with the corpus."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Probe:
    """What a media file was found to hold.

    `seconds` is the length of its longer stream, `promised` what the container claims. `fault` is the problem's code
    and the end of its sentence where the file cannot be opened at all.
    """

    streams: frozenset[Modality] = frozenset()
    decodable: frozenset[Modality] = frozenset()
    seconds: float = 0.0
    promised: float = 0.0
    fault: tuple[str, str] | None = None


def check(corpus: Corpus, *, media: bool = True) -> Iterator[Event]:
    """Every problem of a corpus: of reading, of its annotations, then (with `media`) of its files, with progress."""
    for problem in corpus.problems:
        yield ProblemFound(problem=problem)
    for problem in annotation_problems(corpus):
        yield ProblemFound(problem=problem)
    if media:
        expected: dict[Path, set[str]] = defaultdict(set)
        for turn in corpus.turns():
            for clip, _ in _clips(turn):
                expected[clip.path.parent].add(clip.path.name)
        yield from check_media(tuple(corpus.turns()))
        for problem in extra_files(corpus.root, expected):
            yield ProblemFound(problem=problem)


def annotation_problems(corpus: Corpus) -> Iterator[Problem]:
    """Turns without text or with impossible lengths, and how many overlap the one before, split by split."""
    for turn in corpus.turns():
        at = partial(_warning, file=corpus.root, row=turn.row or None, turn=turn.id)
        if not turn.text.strip():
            yield at(code="empty-text", reason=f"{turn.id} has no text.")
        if turn.start is None or turn.end is None:
            continue
        seconds = turn.end - turn.start
        if seconds <= 0:
            yield at(
                code="no-length",
                reason=f"{turn.id} is annotated as {seconds:.3f} s long: it does not end after it starts.",
            )
        elif seconds > LONGEST_TURN:
            yield at(
                code="over-long",
                reason=f"{turn.id} is annotated as {seconds:.1f} s long; turns are under {LONGEST_TURN:g} s.",
            )
    for split in corpus.splits():
        if overlapping := [str(turn.id) for turn in _overlapping(corpus, split)]:
            reason = f"{len(overlapping)} {split} turns start before the one before them ends: {_some(overlapping)}."
            yield Problem(severity=Severity.NOTE, code="overlap", file=corpus.root, reason=reason)


def probe(path: Path) -> Probe:
    """Open a media file, decode the first picture and sound of it and read it through to its end."""
    if fault := _unreadable(path):
        return Probe(fault=fault)
    try:
        with av.open(str(path)) as container:
            return _measure(container)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Probe(fault=("undecodable", f"cannot be decoded ({reason}): it is damaged or no media file"))


def _overlapping(corpus: Corpus, split: Split) -> Iterator[Turn]:
    for dialogue in corpus.dialogues:
        if dialogue.split is split:
            for before, turn in pairwise(dialogue.turns):
                if turn.start is not None and before.end is not None and turn.start < before.end:
                    yield turn


def check_media(turns: Sequence[Turn], *, largest: float = math.inf) -> Iterator[Event]:
    """Every problem of the turns' clips, each file opened once, with progress; files of more bytes are left out."""
    with_clips = [turn for turn in turns if turn.video or turn.audio]
    probed: dict[Path, Probe] = {}  # a film holds many turns
    folders: dict[Path, list[str]] = {}
    for done, turn in enumerate(with_clips, start=1):
        for clip, needed in _clips(turn):
            if _size(clip.path) > largest:
                continue
            if clip.path not in probed:
                probed[clip.path] = _with_namesake(probe(clip.path), clip.path, folders)
            for problem in clip_problems(turn, clip, needed, probed[clip.path]):
                yield ProblemFound(problem=problem)
        yield Progress(phase=Phase.PREPARING, done=done, total=len(with_clips))


def _with_namesake(found: Probe, path: Path, folders: dict[Path, list[str]]) -> Probe:
    """Where a clip is missing, name the file beside its place that differs in ending or capitals alone."""
    if found.fault is None or found.fault[0] != "missing-clip":
        return found
    if path.parent not in folders:
        folders[path.parent] = _media_in(path.parent)
    stem = path.stem.lower()
    namesake = next((name for name in folders[path.parent] if Path(name).stem.lower() == stem), None)
    if namesake is None:
        return found
    how = "rename it" if namesake.lower() == path.name.lower() else "convert it"
    return Probe(fault=("missing-clip", f"is missing, but {namesake} is there: {how}"))


def _media_in(folder: Path) -> list[str]:
    with suppress(OSError):
        return [name for name in sorted(os.listdir(folder)) if name.lower().endswith(_MEDIA)]  # noqa: PTH208 - faster
    return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0  # opening it tells what is wrong


def _clips(turn: Turn) -> Iterator[tuple[Clip, tuple[Modality, ...]]]:
    if turn.video and turn.video == turn.audio:
        yield turn.video, (Modality.VISUAL, Modality.AUDIO)
        return
    if turn.video:
        yield turn.video, (Modality.VISUAL,)
    if turn.audio:
        yield turn.audio, (Modality.AUDIO,)


def clip_problems(turn: Turn, clip: Clip, needed: Iterable[Modality], found: Probe) -> Iterator[Problem]:
    """What is wrong with the clip of a turn that should hold the `needed` modalities."""
    name = clip.path.name
    at = partial(_warning, file=clip.path, turn=turn.id, row=turn.row or None)
    if found.fault:
        code, reason = found.fault
        yield at(code=code, reason=f"{name} {reason}.")
        return
    for modality in needed:
        what = _WHAT[modality]
        if modality not in found.streams:
            yield at(code=f"no-{what}", reason=f"{name} has no {what}.")
        elif modality not in found.decodable:
            yield at(code=f"undecodable-{what}", reason=f"The {what} of {name} cannot be decoded: the file is damaged.")
    if found.seconds + _CUT < found.promised:
        reason = f"{name} breaks off after {found.seconds:.1f} of {found.promised:.1f} s: it is cut off or damaged."
        yield at(code="cut-off", reason=reason)
    yield from _length_problems(turn, clip, found)


def _length_problems(turn: Turn, clip: Clip, found: Probe) -> Iterator[Problem]:
    name = clip.path.name
    at = partial(_warning, file=clip.path, turn=turn.id, row=turn.row or None)
    if clip.start is not None and clip.end is not None:
        if clip.end > found.seconds + LENGTH_TOLERANCE:
            reason = f"{turn.id} ends at {clip.end:.1f} s of {name}, which is {found.seconds:.1f} s long."
            yield at(code="outside-film", reason=reason)
        return
    if found.seconds > LONGEST_TURN:
        reason = f"{name} is {found.seconds:.1f} s long; clips of a turn are under {LONGEST_TURN:g} s."
        yield at(code="over-long-clip", reason=reason)
    if turn.start is None or turn.end is None or turn.end <= turn.start:
        return
    annotated = turn.end - turn.start
    if abs(found.seconds - annotated) > LENGTH_TOLERANCE + annotated / 4:
        reason = f"{name} is {found.seconds:.1f} s long but annotated as {annotated:.1f} s; the clip's length is used."
        yield at(severity=Severity.NOTE, code="length-differs", reason=reason)


def extra_files(root: Path, expected: Mapping[Path, set[str]]) -> Iterator[Problem]:
    """Media files in the folders of clips that no row names: one note for each kind. `expected` is names by folder."""
    kinds: dict[str, list[str]] = {"without a row in the annotations": [], **{kind: [] for kind in _STRAYS.values()}}
    for folder, names in sorted(expected.items()):
        with suppress(OSError):  # of a folder that is not there, every clip has been reported missing
            for name in sorted(set(os.listdir(folder)) - names):  # noqa: PTH208 - ten times as fast as iterdir
                stray = next((kind for prefix, kind in _STRAYS.items() if name.startswith(prefix)), None)
                if stray or name.lower().endswith(_MEDIA):
                    kinds[stray or "without a row in the annotations"].append(f"{folder.name}/{name}")
    for kind, members in kinds.items():
        if members:
            files = "file" if len(members) == 1 else "files"
            reason = f"{len(members)} {files} {kind}: {_some(members)}; ignored."
            yield Problem(severity=Severity.NOTE, code="extra-files", file=root, reason=reason)


def _unreadable(path: Path) -> tuple[str, str] | None:
    try:
        if path.is_dir():
            return "not-a-file", "is a folder where a clip should be"
        size = path.stat().st_size
    except FileNotFoundError:
        if path.is_symlink():
            return "dangling-link", f"is a link to {path.readlink()}, which does not exist"
        return "missing-clip", "is missing"
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            return "dangling-link", "is a link that leads round in a circle"
        return "unreadable", f"cannot be read ({getattr(error, 'strerror', None) or error})"
    if not path.is_file():
        return "not-a-file", "is not an ordinary file"
    if not os.access(path, os.R_OK):
        return "unreadable", "cannot be read: see to it that you may open it"
    return None if size else ("empty-clip", "is empty (0 bytes)")


def _measure(container: InputContainer) -> Probe:
    first = {Modality.VISUAL: container.streams.video[:1], Modality.AUDIO: container.streams.audio[:1]}
    modalities = {stream.index: modality for modality, found in first.items() for stream in found}
    wanted = [stream for found in first.values() for stream in found]
    decodable: set[Modality] = set()
    begin, end = math.inf, 0.0
    with suppress(av.FFmpegError):  # where the file breaks off, what was read so far is its length
        for packet in container.demux(wanted) if wanted else ():
            modality = modalities[packet.stream.index]
            if modality not in decodable and _decodes(packet):
                decodable.add(modality)
            time = packet.dts if packet.pts is None else packet.pts  # AVI has no presentation times
            if time is not None and packet.time_base:
                begin = min(begin, float(time * packet.time_base))
                end = max(end, float((time + (packet.duration or 0)) * packet.time_base))
    return Probe(
        streams=frozenset(modalities.values()),
        decodable=frozenset(decodable),
        seconds=max(end - begin, 0.0),
        promised=max((float(s.duration * s.time_base) for s in wanted if s.duration and s.time_base), default=0.0),
    )


def _decodes(packet: "av.Packet[Any]") -> bool:
    try:
        return bool(packet.decode())
    except av.FFmpegError:
        return False


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > _EXAMPLES else ""
    return ", ".join(names[:_EXAMPLES]) + more
