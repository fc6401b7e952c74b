"""What is wrong with a corpus: its annotations, and what its media files hold against them."""

import os
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from telme_model.corpus.dialogue import Clip, Corpus, Modality, Problem, Severity, Turn
from telme_model.corpus.health import LONGEST_TURN, ProblemFound, annotation_problems, some, warning
from telme_model.events import Event, Phase, Progress, drained
from telme_model.media.listening import Heard, complaints
from telme_model.media.reader import NAMES, MediaError, Reader, open_clip

LENGTH_TOLERANCE = 1.0  # seconds by which a clip may differ from its annotation, plus a quarter of it

_MEDIA = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wav", ".flac", ".mp3", ".m4a")
_STRAYS = {"._": "left by macOS archives", "final_videos_test": "of the final_videos_test series"}  # by prefix
_FAR, _FAR_SECONDS = 3.0, 5.0  # a clip so many times and seconds longer or shorter is likely another turn's
_EVERY = 0.2  # seconds of reading a file from one telling to the next
_CUT = 0.5  # seconds that may lack before a file counts as cut off


@dataclass(frozen=True, slots=True)
class Probe:
    """What a media file was found to hold.

    `seconds` is how long it is, `promised` what its header claims. `fault` is why it cannot be opened at all.
    `several`: which track is used, where it has more than one, in words.
    """

    streams: frozenset[Modality] = frozenset()
    decodable: frozenset[Modality] = frozenset()
    seconds: float = 0.0
    promised: float = 0.0
    fault: MediaError | None = None
    several: Mapping[Modality, str] = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)


def check(corpus: Corpus, *, media: bool = True) -> Iterator[Event]:
    """Every problem of a corpus: of reading, of its annotations, then (with `media`) of its files, with progress."""
    for problem in corpus.problems:
        yield ProblemFound(problem=problem)
    for problem in annotation_problems(corpus):
        yield ProblemFound(problem=problem)
    if media:
        expected: dict[Path, set[str]] = defaultdict(set)
        for turn in corpus.turns():
            for path in {path for clip in (turn.video, turn.audio) if clip for path in clip.heard}:
                expected[path.parent].add(path.name)
        yield from check_media(tuple(corpus.turns()))
        for problem in extra_files(corpus.root, expected):
            yield ProblemFound(problem=problem)


def probe(path: Path) -> Probe:
    """Open a media file and read it through to its end: all of its sound, and its key pictures."""
    return drained(_probed(path, Progress(phase=Phase.PREPARING, done=0, total=0)))


def _probed(path: Path, progress: Progress) -> Generator[Event, None, Probe]:
    """As `probe`, telling `progress` again and again on the way: a film takes minutes, and may be stopped in."""
    try:
        with open_clip(Clip(path)) as reader:
            return (yield from _measured(reader, progress))
    except MediaError as error:
        return Probe(fault=error)


def check_media(turns: Sequence[Turn]) -> Iterator[Event]:
    """Every problem of the turns' clips, each file opened once, with progress."""
    with_clips = [turn for turn in turns if turn.video or turn.audio]
    probed: dict[Path, Probe] = {}  # a film holds many turns
    folders: dict[Path, list[str]] = {}
    for done, turn in enumerate(with_clips, start=1):
        before = Progress(phase=Phase.PREPARING, done=done - 1, total=len(with_clips))
        for clip, needed in _clips(turn):
            if clip.path not in probed:
                probed[clip.path] = _with_namesake((yield from _probed(clip.path, before)), clip.path, folders)
            if clip.sound is not None and Modality.AUDIO not in probed[clip.path].decodable:
                needed = tuple(modality for modality in needed if modality is not Modality.AUDIO)
                if clip.sound not in probed:
                    probed[clip.sound] = yield from _probed(clip.sound, before)
                beside = probed[clip.sound]
                for problem in clip_problems(turn, Clip(clip.sound), (Modality.AUDIO,), beside):
                    yield ProblemFound(problem=problem)
            for problem in clip_problems(turn, clip, needed, probed[clip.path]):
                yield ProblemFound(problem=problem)
        yield Progress(phase=Phase.PREPARING, done=done, total=len(with_clips))
    for problem in several_tracks(probed):
        yield ProblemFound(problem=problem)


def several_tracks(probed: Mapping[Path, Probe]) -> Iterator[Problem]:
    """Files with more than one picture or sound, and which of them is used: one note for each kind."""
    for modality, name in NAMES.items():
        files = {path: probe.several[modality] for path, probe in probed.items() if modality in probe.several}
        if files:
            count = "1 file has" if len(files) == 1 else f"{len(files)} files have"
            which = some([f"{path.name} ({used})" for path, used in files.items()])
            reason = f"{count} several {name} tracks; the default one is used, else the first: {which}."
            yield Problem(severity=Severity.NOTE, code="several-tracks", file=min(files).parent, reason=reason)


def clip_problems(turn: Turn, clip: Clip, needed: Sequence[Modality], found: Probe) -> Iterator[Problem]:
    """What is wrong with the clip of a turn that should hold the `needed` modalities."""
    name = clip.path.name
    at = partial(warning, file=clip.path, turn=turn.id, row=turn.row or None)
    if found.fault:
        yield at(code=found.fault.code, reason=f"{name} {found.fault.reason}.")
        return
    for modality in needed:
        what = NAMES[modality]
        if modality not in found.streams:
            yield at(code=f"no-{what}", reason=f"{name} has no {what}.")
        elif modality not in found.decodable:
            yield at(code=f"undecodable-{what}", reason=f"The {what} of {name} cannot be decoded: the file is damaged.")
    if found.seconds + _CUT < found.promised:
        reason = f"{name} breaks off after {found.seconds:.1f} of {found.promised:.1f} s: it is cut off or damaged."
        yield at(code="cut-off", reason=reason)
    yield from _length_problems(turn, clip, found)
    good = tuple(modality for modality in needed if modality in found.decodable)
    for code, reason in complaints(turn, clip, good, found.heard, found.seconds):
        yield at(code=code, reason=reason)


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
            reason = f"{len(members)} {files} {kind}: {some(members)}; ignored."
            yield Problem(severity=Severity.NOTE, code="extra-files", file=root, reason=reason)


def _measured(reader: Reader, progress: Progress) -> Generator[Event, None, Probe]:
    undecoded, heard, told = set(reader.tracks), Heard(), time.monotonic()
    for piece in reader.pieces(*NAMES):
        if heard.take(piece):
            undecoded.discard(piece.track.modality)
        if time.monotonic() >= told + _EVERY:
            yield progress
            told = time.monotonic()
    for modality, track in reader.tracks.items():
        if heard.end(modality, track.decode(None)):  # a single picture
            undecoded.discard(modality)
    return Probe(
        heard=heard,
        streams=frozenset(reader.tracks),
        decodable=frozenset(reader.tracks) - undecoded,
        seconds=reader.seconds(*NAMES),
        promised=max((track.promised for track in reader.tracks.values()), default=0.0),
        several={
            modality: f"number {track.number} of {track.others + 1}"
            for modality, track in reader.tracks.items()
            if track.others
        },
    )


def _with_namesake(found: Probe, path: Path, folders: dict[Path, list[str]]) -> Probe:
    """Where a clip is missing, name the file beside its place that differs in ending or capitals alone."""
    if found.fault is None or found.fault.code != "missing-clip":
        return found
    if path.parent not in folders:
        folders[path.parent] = _media_in(path.parent)
    stem = path.stem.lower()
    namesake = next((name for name in folders[path.parent] if Path(name).stem.lower() == stem), None)
    if namesake is None:
        return found
    how = "rename it" if namesake.lower() == path.name.lower() else "convert it"
    return Probe(fault=MediaError(path, f"does not exist, but {namesake} is there: {how}", code="missing-clip"))


def _media_in(folder: Path) -> list[str]:
    with suppress(OSError):
        return [name for name in sorted(os.listdir(folder)) if name.lower().endswith(_MEDIA)]  # noqa: PTH208 - faster
    return []


def _clips(turn: Turn) -> Iterator[tuple[Clip, tuple[Modality, ...]]]:
    """Every plain clip of a turn, and what it should hold of it."""
    wanted = {Modality.VISUAL: turn.video, Modality.AUDIO: turn.audio}
    for clip in dict.fromkeys(clip for clip in wanted.values() if clip is not None):
        for window in clip.windows:
            yield window, tuple(modality for modality, its in wanted.items() if its == clip)


def _length_problems(turn: Turn, clip: Clip, found: Probe) -> Iterator[Problem]:
    name = clip.path.name
    at = partial(warning, file=clip.path, turn=turn.id, row=turn.row or None)
    if clip.start is not None and clip.end is not None:
        if clip.end > found.seconds + LENGTH_TOLERANCE:
            reason = f"{turn.id} ends at {clip.end:.1f} s of {name}, which is {found.seconds:.1f} s long."
            yield at(code="outside-film", reason=reason)
        return
    if found.seconds > LONGEST_TURN:
        reason = f"{name} is {found.seconds:.1f} s long; clips of a turn are under {LONGEST_TURN:g} s."
        yield at(code="over-long-clip", reason=reason)
    annotated = turn.annotated_seconds
    if annotated is None or annotated <= 0:
        return
    if abs(found.seconds - annotated) > LENGTH_TOLERANCE + annotated / 4:
        reason = f"{name} is {found.seconds:.1f} s long but annotated as {annotated:.1f} s; the clip's length is used."
        shorter, longer = sorted((found.seconds, annotated))
        far = longer > _FAR * shorter and longer - shorter > _FAR_SECONDS
        yield at(severity=Severity.WARNING if far else Severity.NOTE, code="length-differs", reason=reason)
