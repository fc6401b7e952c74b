"""Subtitles as they are found: WebVTT and SubRip, with blank lines in cues, commas in times, arrows in the words."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_BLOCK = re.compile(r"(NOTE|STYLE|REGION)(?:\s|$)")
_CLASSES = re.compile(r"<c((?:\.[^\s.<>&]+)+)>")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?[A-Za-z0-9][^<>]*>|\{\\[^{}]*\}")
_MARK = re.compile(r"\s*[\[({](?P<word>[^\[\](){}]{1,40})[\])}]\s*")
_SPEAKER = re.compile(r"\s*(?:-\s*)?(?P<name>[^:\[\](){}<>\n]{1,40}):(?=\s|$)")


@dataclass(frozen=True, slots=True)
class SubtitleCue:
    """One cue: times in milliseconds, what stands above it, and its words with their marks."""

    start: int
    end: int
    name: str
    raw: str

    @property
    def classes(self) -> list[str]:
        """Classes of its words, as in `<c.joy>`."""
        return [name for match in _CLASSES.findall(self.raw) for name in match.split(".")[1:]]

    @property
    def voice(self) -> str:
        """Who speaks, as in `<v Ann>`; "" where nobody is named."""
        found = _VOICE.search(self.raw)
        return html.unescape(found[1]).strip() if found else ""

    @property
    def text(self) -> str:
        """The words without marks."""
        return " ".join(html.unescape(_TAG.sub("", self.raw)).split())


def parsed_cues(text: str) -> tuple[list[SubtitleCue], list[str]]:
    """The cues of a file, and the texts of its notes. Whatever is neither is passed over.

    A cue ends where the next begins or a block of notes does, not at a blank line: some programs put one before the
    words. Only a line that is a timing from its first sign on begins a cue: an arrow may stand in the words.
    """
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    timings = [place for place, line in enumerate(lines) if "-->" in line and _TIMING.fullmatch(line)]
    heads = [_head(lines, place, timings[index - 1] if index else -1) for index, place in enumerate(timings)]
    cues: list[SubtitleCue] = []
    notes = list(_notes(lines[: heads[0] if heads else len(lines)]))
    for index, place in enumerate(timings):
        following = heads[index + 1] if index + 1 < len(heads) else len(lines)
        body = lines[place + 1 : following]
        block = next(
            (at for at, line in enumerate(body) if _BLOCK.match(line) and (not at or not body[at - 1].strip())), None
        )
        notes += _notes(body[block:] if block is not None else ())
        words = [line.strip() for line in body[:block] if line.strip()]
        match = _TIMING.fullmatch(lines[place])
        assert match is not None
        name = lines[heads[index]].strip() if heads[index] < place else ""
        cues.append(
            SubtitleCue(_milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:]), name, "\n".join(words))
        )
    return cues, notes


def _head(lines: list[str], timing: int, former: int) -> int:
    """Where a cue begins: at its name, the line above its times, if it has one."""
    above = timing - 1
    if above <= former or not lines[above].strip() or lines[above].startswith("WEBVTT"):
        return timing
    alone = above - 1 <= former or not lines[above - 1].strip()
    return above if (alone and above - 1 != former) or lines[above].strip().isdigit() else timing


def _notes(lines: "list[str] | tuple[()]") -> Iterator[str]:
    note: list[str] | None = None
    for line in lines:
        if not line.strip():
            if note:
                yield "\n".join(note).strip()
            note = None
        elif note is not None:
            note.append(line)
        elif match := re.match(r"NOTE(?:\s+|$)", line):
            note = [line[match.end() :]]
    if note:
        yield "\n".join(note).strip()


def _milliseconds(hours: str | None, minutes: str, seconds: str, rest: str) -> int:
    whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return 1000 * whole + int(rest.ljust(3, "0"))


def marked(text: str) -> tuple[list[str], str, str]:
    """(what stands in brackets at either end, who speaks, the other words) of a line such as `[joy] Ann: Hello.`."""
    marks: list[str] = []
    while match := _MARK.match(text):
        marks.append(match["word"].strip())
        text = text[match.end() :]
    speaker = ""
    if match := _SPEAKER.match(text):
        speaker, text = match["name"].strip(), text[match.end() :]
        while match := _MARK.match(text):
            marks.append(match["word"].strip())
            text = text[match.end() :]
    while match := re.search(_MARK.pattern + r"\Z", text):
        marks.append(match["word"].strip())
        text = text[: match.start()]
    return marks, speaker, text.strip()
