"""Praat TextGrid files, one a dialogue, of interval tiers: turns, words by speaker, emotions and notes by layer.

praatio writes them. Its reader searches the whole text for words of the format ("intervals [", "xmin =") and so
stumbles over comments; here they are read as Praat itself does: free-standing strings and numbers count, all else is
decoration, and a number ends where it is none any more ("7.", "+2", "7s"). That makes the long and the short form one.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from praatio.data_classes.interval_tier import IntervalTier
from praatio.data_classes.textgrid import Textgrid

from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, decoded, dialogue_name, file_names, read_bytes
from telme_model.annotations.exchange.interface import ExchangeError, Inbox, Layers, Planned, TimedText
from telme_model.annotations.exchange.meanings import HeldTier
from telme_model.annotations.exchange.placing import Places, spans
from telme_model.annotations.exchange.tiers import take_tiers, tiers_of
from telme_model.corpus.dialogue import Corpus, Dialogue

_TOKEN = re.compile(
    r'"(?P<string>[^"]*(?:""[^"]*)*)"|![^\n]*|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?P<percent>%)?[^\s"]*|<(?P<flag>\w+)>'
)
_LONGEST = 10**7  # seconds


def plan(out: Path, corpus: Corpus, layers: Layers) -> Planned:
    """A file a dialogue."""
    stems = file_names(map(dialogue_name, corpus.dialogues))
    for dialogue in corpus.dialogues:
        write = partial(_write, dialogue=dialogue, layers=layers)
        yield out / f"{stems[dialogue_name(dialogue)]}.TextGrid", write


def read(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of one file. Raises ExchangeError when it is none, NoPlaceError when its dialogue is unknown."""
    data = read_bytes(path, LARGEST_DIALOGUE)
    binary = data.startswith(b"ooBinaryFile")
    text = "" if binary else decoded(path, data)
    if binary or text.startswith('"Praat chronological TextGrid'):
        form = "binary" if binary else "chronological"
        raise ExchangeError(f"{path} is a {form} TextGrid: in Praat, save it with “Save as text file”")
    tokens = _tokens(text)
    try:
        if next(tokens) not in ("ooTextFile", "ooTextFile short") or next(tokens) != "TextGrid":
            raise ExchangeError(f"{path} is not a TextGrid of Praat")
        tiers = _tiers(tokens)
    except (StopIteration, ValueError, TypeError, OverflowError) as error:
        raise ExchangeError(f"{path} is not a whole TextGrid: open it in Praat and save it again") from error
    held = {name: HeldTier(intervals=intervals) for name, intervals in tiers.items()}
    take_tiers(path, held, places, inbox)


def _write(path: Path, *, dialogue: Dialogue, layers: Layers) -> None:
    times = spans(dialogue)
    end = max(end for _, end in times) / 1000
    grid = Textgrid(0, end)
    for tier in tiers_of(dialogue, layers, times):
        intervals = [(times[place][0] / 1000, times[place][1] / 1000, text) for place, text in tier.texts.items()]
        grid.addTier(IntervalTier(tier.name, intervals, 0, end))
    # Without a least length, for praatio drops shorter intervals.
    grid.save(str(path), "long_textgrid", includeBlankSpaces=True, minimumIntervalLength=None)


def _tokens(text: str) -> Iterator[str | float]:
    """Strings as str, numbers as float; flags say nothing that numbers do not."""
    for match in _TOKEN.finditer(text):
        if match["string"] is not None:
            yield match["string"].replace('""', '"')
        elif match["number"]:
            yield float(match["number"]) / (100 if match["percent"] else 1)


def _tiers(tokens: Iterator[str | float]) -> dict[str, list[TimedText]]:
    """The intervals of every tier by its name, one that repeats with a number; a point is an interval of no length."""
    _, _, count = next(tokens), next(tokens), int(next(tokens))
    tiers: dict[str, list[TimedText]] = {}
    for number in range(count):
        kind, given = next(tokens), next(tokens)
        _, _, size = next(tokens), next(tokens), int(next(tokens))
        name = str(given) if given not in tiers else f"{given} ({number + 1})"
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(kind)
        tiers[name] = [_interval(tokens, point=kind == "TextTier") for _ in range(size)]
    return tiers


def _interval(tokens: Iterator[str | float], *, point: bool) -> TimedText:
    start = _milliseconds(next(tokens))
    end = start if point else _milliseconds(next(tokens))
    text = next(tokens)
    if not isinstance(text, str):
        raise TypeError(text)
    return TimedText(start=start, end=end, text=text)


def _milliseconds(seconds: str | float) -> int:
    if not isinstance(seconds, float) or not abs(seconds) < _LONGEST:
        raise TypeError(seconds)
    return round(1000 * seconds)
