"""Whether the words of a file are those of a turn, and which speaker a name means."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from enum import Enum
from functools import lru_cache

_LONGEST = 300  # letters that are compared one by one; longer texts are the same or are not
_SHORTEST = 3  # letters of a part that says something
_ALIKE = 0.8  # of the letters, where a transcript has slips


class WordMatch(Enum):
    """How the words of an interval and those of a turn are to one another."""

    UNKNOWN = 0  # one of them has none
    SAME = 1
    PART = 2  # one holds the other, or there are slips
    OTHER = 3


def letters(text: str) -> str:
    """Letters and digits alone, in small ones."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=20_000)
def agreement(ours: str, theirs: str) -> WordMatch:
    """Of two texts as `letters` gives them."""
    if not ours or not theirs:
        return WordMatch.UNKNOWN
    if ours == theirs:
        return WordMatch.SAME
    shorter, longer = sorted((ours, theirs), key=len)
    if len(shorter) >= _SHORTEST and shorter in longer:
        return WordMatch.PART
    if len(longer) > _LONGEST or len(shorter) < _ALIKE / 2 * len(longer):
        return WordMatch.OTHER
    ratio = SequenceMatcher(None, ours, theirs, autojunk=False)
    alike = ratio.quick_ratio() >= _ALIKE and ratio.ratio() >= _ALIKE
    return WordMatch.PART if alike else WordMatch.OTHER


def speaker_named(name: str, speakers: Iterable[str]) -> str:
    """The one speaker that is called so, but for case and signs; "" where none or several are."""
    bare = letters(name)
    fits = [speaker for speaker in speakers if bare and letters(speaker) == bare]
    return fits[0] if len(fits) == 1 else ""


def speaker_within(name: str, speakers: Iterable[str]) -> tuple[str, str]:
    """(speaker, rest) of a tier's name such as `emotion@Ann` or `Ann_emotion`; ("", name) where none is in it alone."""
    parts = re.findall(r"[^\W_]+", name)
    folded = [part.casefold() for part in parts]
    found: list[tuple[int, int, str]] = []
    for speaker in speakers:
        wanted = [part.casefold() for part in re.findall(r"[^\W_]+", speaker)]
        size = len(wanted)
        places = [at for at in range(len(folded) - size + 1) if size and folded[at : at + size] == wanted]
        found += [(size, at, speaker) for at in places[:1]]
    found.sort(key=lambda one: -one[0])
    if not found or (len(found) > 1 and found[1][0] == found[0][0]):
        return "", name
    size, at, speaker = found[0]
    return speaker, " ".join((*parts[:at], *parts[at + size :]))
