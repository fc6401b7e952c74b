"""What a person says of a corpus' tables once and is remembered among the user's data: columns, labels, realignment."""

import csv
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from telme_model.corpus.dialogue import CorpusError
from telme_model.files import FileError, read_text, refusals, write_whole
from telme_model.paths import readings_folder

# What a turn is read from, and how tables call it, the likeliest first; letters and digits alone, in small ones.
FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("utterance", "text", "sentence", "transcript", "transcription", "words", "content", "message", "turntext"),
    "speaker": ("speaker", "name", "speakername", "speakerid", "character", "who", "person", "role", "participant"),
    "emotion": ("emotion", "emotionlabel", "emotions", "emo", "label", "gold", "feeling", "mood", "category", "class"),
    "dialogue": (
        "dialogueid", "dialogid", "dialogue", "dialog", "diaid", "dia", "conversationid", "conversation", "convid",
        "sceneid", "scene", "sessionid", "session",
    ),
    "utterance": (
        "utteranceid", "uttid", "utt", "turnid", "turn", "turnnumber", "turnindex", "utteranceindex", "utterancenumber",
        "index", "order",
    ),
    "split": ("split", "set", "subset", "partition"),
    "start": ("starttime", "start", "begin", "begintime", "onset", "from", "tmin", "startsec"),
    "end": ("endtime", "end", "stop", "offset", "to", "tmax", "endsec"),
    "video": ("videopath", "video", "videofile", "clip", "clippath", "file", "filename", "videoname", "media", "path"),
    "audio": ("wavpath", "audiopath", "audio", "wav", "audiofile", "sound"),
    "season": ("season",),
    "episode": ("episode",),
    "sentiment": ("sentiment", "polarity"),
}  # fmt: skip
_LARGEST = 8 << 20  # bytes of what is remembered
AUTO = "auto"  # in place of a mapping: guess again


@dataclass(frozen=True, slots=True)
class Reading:
    """How a corpus is to be read where it is not as this program would.

    `columns` are columns by field, two or more joined by `+` where only together they name a dialogue. `emotions` are
    emotions by the table's own names in small letters, "" for what is no emotion. `realigned` is a table of MELD-FAIR.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    emotions: Mapping[str, str] = field(default_factory=dict)
    realigned: str = ""

    def with_words(
        self, columns: Iterable[str] = (), emotions: Iterable[str] = (), realigned: str | None = None
    ) -> "Reading":
        """It with what a person wrote: `text=Said,speaker=Who`, `happy=joy`, a path; what is not named stays.

        Raises CorpusError with a sentence.
        """
        reading = self
        for words in columns:
            pairs = _pairs(words, "--columns text=Said,speaker=Who")
            if unknown := next((name for name in pairs if name not in FIELDS), None):
                raise CorpusError(f"A turn has no field '{unknown}': the fields are {', '.join(FIELDS)}.")
            reading = replace(reading, columns={} if words == AUTO else {**reading.columns, **pairs})
        for words in emotions:
            pairs = {name.lower(): to.lower() for name, to in _pairs(words, "--emotions happy=joy,angry=anger").items()}
            reading = replace(reading, emotions={} if words == AUTO else {**reading.emotions, **pairs})
        if realigned is not None:
            path = "" if realigned == AUTO else str(Path(realigned).expanduser().absolute())
            reading = replace(reading, realigned=path)
        return reading


def _pairs(words: str, example: str) -> dict[str, str]:
    if words == AUTO:
        return {}
    pairs = {}
    for pair in next(csv.reader([words]), []):
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise CorpusError(f"'{pair[:60]}' names nothing: write it as in {example}, or {AUTO} to guess again.")
        pairs[name.strip()] = value.strip()
    return pairs


def guessed(columns: Sequence[str]) -> dict[str, str]:
    """The column of each field that its name tells."""
    plain = {re.sub(r"[\W_]", "", column.lower()): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for name, names in FIELDS.items():
        free = (plain[known] for known in names if known in plain and plain[known] not in found.values())
        if column := next(free, None):
            found[name] = column
    if {"dialogue", "season", "episode"} <= found.keys() and "scene" in found["dialogue"].lower():
        found["dialogue"] = "+".join(found[name] for name in ("season", "episode", "dialogue"))
    return found


def remembered(root: Path) -> Reading:
    """What was said of the corpus in this place; nothing where nothing was, or it cannot be read any more."""
    try:
        tree = json.loads(read_text(_place(root), _LARGEST))
        reading = Reading(dict(tree["columns"]), dict(tree["emotions"]), str(tree["realigned"]))
        strings = (*reading.columns.items(), *reading.emotions.items())
        return reading if all(isinstance(part, str) for pair in strings for part in pair) else Reading()
    except (FileError, OSError, RuntimeError, ValueError, KeyError, TypeError):
        return Reading()


def remember(root: Path, reading: Reading) -> None:
    """Keep what was said of the corpus in this place, beside the user's data. Raises FileError."""
    place = _place(root)
    with refusals(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"root": os.path.realpath(root), **asdict(reading)}, indent=1, ensure_ascii=False)
    write_whole(place, lambda path: path.write_text(text, encoding="utf-8"))


def _place(root: Path) -> Path:
    digest = sha256(os.path.realpath(root).encode(errors="surrogatepass")).hexdigest()[:24]
    return readings_folder() / f"{digest}.json"
