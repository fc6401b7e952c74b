"""The clips of a table's turns: where its rows say, else by the numbers or the name of the turn or its dialogue."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from telme_model.corpus.assembly import SOUNDS, Media, path_of
from telme_model.corpus.clips import VIDEOS, Found, NumberedClips, media_files, split_in
from telme_model.corpus.dialogue import Clip, Corpus, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.folder import Folder
from telme_model.corpus.tables import Row, TableReport, whole_number


@dataclass(slots=True)
class OwnMedia:
    """What rows say of their clips, gathered row by row; then the clips of all turns at once."""

    folder: Folder
    _named: dict[TurnId, tuple[Path | None, Path | None]] = field(default_factory=dict)
    _files: frozenset[Path] | None = None
    _by_name: dict[str, list[Path]] = field(default_factory=dict)

    def expect(self, turn: TurnId, report: TableReport, row: int, values: Row, columns: Mapping[str, str]) -> None:
        """Take in which files a row names; a path that leads out of the folder is a problem of the table."""
        video, sound = (
            self._file(turn.split, report, row, values, columns[name]) if name in columns else None
            for name in ("video", "audio")
        )
        if video or sound:
            self._named.setdefault(turn, (video, sound))

    def with_clips(self, corpus: Corpus) -> Corpus:
        """The corpus with the clips of its turns. That there are none, or not for all, is told."""
        numbered = NumberedClips(self.folder, one_split=len(corpus.splits()) == 1)
        uses = Counter(path for paths in self._named.values() for path in paths if path is not None)
        dialogues = tuple(
            replace(dialogue, turns=tuple(self._with_clips(turn, numbered, uses) for turn in dialogue.turns))
            for dialogue in corpus.dialogues
        )
        bare = sum(turn.video is turn.audio is None for dialogue in dialogues for turn in dialogue.turns)
        problems = corpus.problems
        if bare:
            problems += (self._lacking(bare, sum(len(dialogue.turns) for dialogue in dialogues)),)
        return replace(corpus, dialogues=dialogues, problems=problems)

    def _with_clips(self, turn: Turn, numbered: NumberedClips, uses: Counter[Path]) -> Turn:
        if turn.id in self._named:
            video, sound = (
                _window(turn, path, shared=path is not None and uses[path] > 1) for path in self._named[turn.id]
            )
            if video is not None and video.path.suffix.lower() in SOUNDS:
                video, sound = None, sound or video
            return replace(turn, video=video, audio=sound or video)
        media = self._by_numbers(turn, numbered) or self._by_names(turn)
        return replace(turn, video=media.video, audio=media.audio) if media else turn

    def _by_numbers(self, turn: Turn, numbered: NumberedClips) -> Media | None:
        dialogue = whole_number(turn.id.dialogue)
        return None if dialogue is None else numbered.of(turn.id.split, dialogue, turn.id.utterance)

    def _by_names(self, turn: Turn) -> Media | None:
        """A clip named after the dialogue and the turn; else the turn's time in a film named after the dialogue."""
        split, dialogue, utterance = turn.id.split, turn.id.dialogue, turn.id.utterance
        for name in (f"{dialogue}_{utterance}", f"{dialogue}-{utterance}"):
            if paths := self._called(split, name):
                return _found(paths).media()
        if paths := self._called(split, dialogue):
            media = _found(paths).media()
            windows = [clip and _window(turn, clip.path, shared=True, sound=clip.sound) for clip in media]
            if any(clip is not None and clip.end is not None for clip in windows):
                return Media(*windows)
        return None

    def _file(self, split: Split, report: TableReport, row: int, values: Row, column: str) -> Path | None:
        """The file that a row names, by its path or by its name alone, wherever that lies."""
        path = path_of(report, self.folder, row, values, column)
        files = self._all()
        if path in files or not values.get(column):
            return path
        name = PurePosixPath(values[column].replace("\\", "/")).name
        stem = name[: -len(PurePosixPath(name).suffix)] if name.lower().endswith((*VIDEOS, *SOUNDS)) else name
        return next(iter(self._called(split, stem)), path)

    def _called(self, split: Split, stem: str) -> list[Path]:
        """The media files of this name; those that lie in a folder of the split where some do."""
        self._all()
        paths = self._by_name.get(stem.lower(), [])
        parts = {path: split_in(path.relative_to(self.folder.root).parts[:-1]) for path in paths}
        return [path for path in paths if parts[path] is split] or [path for path in paths if parts[path] is None]

    def _all(self) -> frozenset[Path]:
        if self._files is None:
            self._files = frozenset(media_files(self.folder))
            for path in sorted(self._files, key=lambda path: (len(path.parts), path)):
                self._by_name.setdefault(path.stem.lower(), []).append(path)
        return self._files

    def _lacking(self, bare: int, turns: int) -> Problem:
        if bare == turns:
            text = "No clip of any turn was found: the turns have text only. Clips are found by a column of paths"
            reason = f"{text} (--columns video=NAME), or by names such as dia3_utt5.mp4."
            return Problem(severity=Severity.WARNING, code="no-clips", file=self.folder.root, reason=reason)
        reason = f"{bare:,} of {turns:,} turns have no clip: of them only the words are known."
        return Problem(severity=Severity.NOTE, code="no-clips", file=self.folder.root, reason=reason)


def _found(paths: list[Path]) -> Found:
    found = Found()
    for path in paths:
        found.add(path)
    return found


def _window(turn: Turn, path: Path | None, *, shared: bool, sound: Path | None = None) -> Clip | None:
    """A file as a turn's clip: its time in it where several turns share the file, else the whole."""
    if path is None:
        return None
    if shared and turn.start is not None and turn.end is not None and turn.start < turn.end:
        return Clip(path, turn.start, turn.end, sound)
    return Clip(path, sound=sound)
