"""Labels as one line of JSON, and text without the characters that one of the formats forbids or takes otherwise."""

import json
import re
from collections.abc import Mapping
from typing import Any

from telme_model.annotations.exchange.interface import NoPlaceError
from telme_model.annotations.labels import Label, Origin

# Control characters, separators of lines, surrogates: XML cannot hold them, CSV and subtitles would break a line.
# The last part keeps "-->" out of subtitles, where it would begin a cue.
_AWKWARD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|(?<=--)>")
_ENDS = re.compile(r"\A\s|\s\Z")  # what readers strip
_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "unsure": (bool, "true or false"),
    "flag": (bool, "true or false"),
    "comment": (str, "a text"),
    "run": (str, "a text"),
    "source": (str, "a text"),
    "time": ((int, float), "a number"),
}
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|\\)")


def one_line(value: object) -> str:
    """JSON in one line that any of the formats can hold."""
    return _AWKWARD.sub(_code, json.dumps(value, ensure_ascii=False))


def escaped(text: str) -> str:
    r"""Text in one line that any of the formats can hold, with `\u....` where it must differ; `unescaped` undoes it."""
    return _ENDS.sub(_code, _AWKWARD.sub(_code, text.replace("\\", "\\\\")))


def unescaped(text: str) -> str:
    """The text that was escaped."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\\", text)


def note_of(label: Label) -> dict[str, Any]:
    """Everything a label says beside its emotion, as far as it says anything."""
    note: dict[str, Any] = {name: True for name in ("unsure", "flag") if getattr(label, name)}
    if label.comment:
        note["comment"] = label.comment
    note["origin"] = str(label.origin)
    if label.run:
        note["run"] = label.run
    if label.source:
        note["source"] = label.source
    note["time"] = label.time
    return note


def noted_label(note: Mapping[str, Any], emotion: str | None) -> Label:
    """The label of a note; what the note leaves out is as in a new label that came from a file.

    Raises NoPlaceError when a value is not of its kind.
    """
    for name, (kinds, meaning) in _KINDS.items():
        if name in note and not isinstance(note[name], kinds):
            raise NoPlaceError(f"its {name} is {str(note[name])[:40]!r}, not {meaning}")
    origin, time = note.get("origin", Origin.IMPORTED), note.get("time", 0)
    if origin not in list(Origin):
        raise NoPlaceError(f"its origin is {str(origin)[:40]!r}, not one of {', '.join(Origin)}")
    if not 0 <= time < 1e11:  # nor NaN
        raise NoPlaceError("its time is no number of seconds since 1970")
    return Label(
        emotion=emotion,
        unsure=note.get("unsure", False),
        flag=note.get("flag", False),
        comment=note.get("comment", ""),
        origin=Origin(origin),
        run=note.get("run", ""),
        source=note.get("source", ""),
        time=float(time),
    )


def parsed(line: str) -> dict[str, Any]:
    """A JSON object. Raises NoPlaceError for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NoPlaceError("it is not valid JSON") from error
    if not isinstance(value, dict):
        raise NoPlaceError("it is no JSON object")
    return value


def _code(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
