"""Labels out to other programs and back: MELD's tables, JSON Lines, ELAN, Praat and WebVTT, one format a file.

    report = yield from export(Format.ELAN, Path("for-elan"), corpus, {"anna": labels})
    incoming = yield from read([Path("for-elan/train_dia3.eaf")], corpus)

The formats know nothing of the store: `transfer` shows what a file would change there, and applies it as one step.
"""

import os
from collections.abc import Generator, Sequence
from enum import StrEnum
from pathlib import Path

from telme_model.annotations.exchange import elan, events, jsonl, meld_csv, records, textgrid, webvtt
from telme_model.annotations.exchange.files import LARGEST_TABLE, check_size, outside
from telme_model.annotations.exchange.interface import (
    ExchangeError,
    ExportReport,
    Inbox,
    Incoming,
    Layers,
    NoPlaceError,
    ScopedTurn,
    Unplaced,
)
from telme_model.annotations.exchange.placing import Places
from telme_model.annotations.exchange.terms import Terms
from telme_model.annotations.exchange.tiers import printable
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Corpus
from telme_model.events import Phase, Progress
from telme_model.files import refusals, write_whole

__all__ = [
    "ENDINGS",
    "ExchangeError",
    "ExportReport",
    "Format",
    "Incoming",
    "Layers",
    "ScopedTurn",
    "Unplaced",
    "export",
    "found_in",
    "read",
    "take_in",
]

_ELSEWHERE = "Choose another place."


class Format(StrEnum):
    """How labels are exchanged."""

    MELD = "meld"
    JSONL = "jsonl"
    ELAN = "elan"
    TEXTGRID = "textgrid"
    WEBVTT = "webvtt"


_READERS = {  # by ending; a .tsv may also be a table of labels
    ".csv": meld_csv.read,
    ".jsonl": jsonl.read,
    ".eaf": elan.read,
    ".textgrid": textgrid.read,
    ".vtt": webvtt.read,
    ".srt": webvtt.read,
    ".json": records.read_json,
    ".tsv": events.read_boris_table,
    ".boris": events.read_boris_project,
    ".txt": events.read_audacity,
}
ENDINGS = tuple(_READERS)
_FORMATS = {
    Format.JSONL: jsonl,
    Format.ELAN: elan,
    Format.TEXTGRID: textgrid,
    Format.WEBVTT: webvtt,
}
_LOOKED_IN = {  # where an emotion may stand
    ".csv": "the column Emotion of a .csv",
    ".jsonl": "“emotion” or “labels” of a line of a .jsonl",
    ".eaf": "tiers of an .eaf whose texts are emotions",
    ".textgrid": "tiers of a .TextGrid whose texts are emotions",
    ".vtt": "the class of the words of a .vtt, as in <c.joy>",
    ".srt": "marks of the words of a .srt, as in [joy]",
    ".json": "“label”, “emotion” or “annotations” of the records of a .json",
    ".tsv": "the column Behavior of a .tsv",
    ".boris": "the codes of a BORIS project",
    ".txt": "the labels of a .txt that Audacity wrote",
}
_ON_A_TIMELINE = (Format.ELAN, Format.TEXTGRID, Format.WEBVTT)


def export(
    form: Format, out: Path, corpus: Corpus, layers: Layers, *, labelled: bool = False
) -> Generator[Progress, None, ExportReport]:
    """Write labels for another program into the folder `out` (JSON Lines: the file of that name, if it has an ending).

    `labelled` leaves turns without a label of the layer out of MELD's tables; elsewhere all turns are there. Files that
    are there are replaced, each in one go. Raises ExchangeError when `out` lies in the corpus, or cannot be
    written.
    """
    outside(out, corpus)
    if form is not Format.JSONL and os.path.isfile(out):  # noqa: PTH113 - Path's raises where one may not look
        raise ExchangeError(f"{out} is a file: choose a folder, which is made where there is none")
    if form is Format.MELD:
        files = list(meld_csv.plan(out, corpus, layers, labelled=labelled))
    else:
        files = list(_FORMATS[form].plan(out, corpus, layers))
    for done, (path, write) in enumerate(files, 1):
        with refusals(path, "written", ExchangeError, _ELSEWHERE):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write, ExchangeError, _ELSEWHERE)
        yield Progress(phase=Phase.PREPARING, done=done, total=len(files), unit="files")
    return ExportReport(
        files=tuple(path for path, _ in files),
        labels=sum(scope is Scope.ALL or form is not Format.MELD for labels in layers.values() for scope, _ in labels),
        left_out=tuple(_left_out(form, corpus, layers, labelled=labelled)),
    )


def take_in(places: Sequence[Path], corpus: Corpus, terms: Terms | None = None) -> Generator[Progress, None, Incoming]:
    """What these files, and those in these folders, say of the corpus, in the terms that a person told.

    Raises ExchangeError as `read` does, and when they do not say anything.
    """
    files = [file for place in places for file in found_in(place)]
    incoming = yield from read(files, corpus, terms)
    if not incoming.labels and not incoming.unplaced:
        endings = dict.fromkeys(map(_ending_of, files))
        names = ", ".join(place.name for place in places)[:200]
        raise ExchangeError(
            f"no emotion was found in {names}; looked for in {'; '.join(_LOOKED_IN[one] for one in endings)}"
        )
    return incoming


def read(files: Sequence[Path], corpus: Corpus, terms: Terms | None = None) -> Generator[Progress, None, Incoming]:
    """What files say of the corpus, each read as its ending tells. Nothing is changed.

    A file that cannot be read is reported beside the labels of the others; when it is the only one, raises
    ExchangeError.
    """
    places, inbox = Places(corpus), Inbox(corpus.labels, (terms or Terms()).checked(corpus))
    for done, path in enumerate(files, 1):
        try:
            _READERS[_ending_of(path)](path, places, inbox)
        except ExchangeError as error:
            if len(files) == 1:
                raise
            inbox.refuse(str(path), "the whole file", str(error))
        except NoPlaceError as error:
            inbox.refuse(path.name, "the whole file", str(error))
        yield Progress(phase=Phase.PREPARING, done=done, total=len(files), unit="files")
    return inbox.done()


def found_in(place: Path) -> tuple[Path, ...]:
    """The file itself, or every file of a known format in a folder and the folders in it."""
    if not place.is_dir():
        return (place,)
    files = sorted(path for path in place.rglob("*") if _is_taken(path))
    if not files:
        raise ExchangeError(f"{place} holds no file to import ({', '.join(ENDINGS)})")
    return tuple(files)


def _is_taken(path: Path) -> bool:
    """Whether a file of a folder is read: texts alone that are labels, for most are notes."""
    ending = path.suffix.lower()
    return ending in ENDINGS and path.is_file() and (ending != ".txt" or events.looks_like_audacity(path))


def _ending_of(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        check_size(path, LARGEST_TABLE)  # that it is there comes first
        known = ", ".join(ENDINGS)
        if not ending:
            raise ExchangeError(f"{path} has no ending: rename it after its format ({known})")
        raise ExchangeError(f"{path} is of a format that is not read ({ending}): save it as one of {known}")
    return ending


def _left_out(form: Format, corpus: Corpus, layers: Layers, *, labelled: bool) -> list[str]:
    """What the format cannot hold, in sentences."""
    sentences: list[str] = []
    if form is Format.MELD:
        sentences += meld_csv.left_out(corpus, layers, labelled=labelled)
    if form in _ON_A_TIMELINE:
        sentences.append(
            "Times are those of the dialogue's one media file, or of its clips played one after another; gold labels "
            "(unless exported as a layer), sentiment, season, episode and times in the episode are not written"
        )
        if broken := sum(printable(turn.text) != turn.text for turn in corpus.turns()):
            sentences.append(f"Control characters in the words of {broken} turns are written as spaces")
    if empty := [layer for layer, labels in layers.items() if not labels]:
        sentences.append(f"Layers without a label leave no trace: {', '.join(empty)}")
    return sentences
