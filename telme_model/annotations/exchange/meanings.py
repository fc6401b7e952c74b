"""What a tier of a file made elsewhere holds: labels of a layer, words, or neither; and whose it is."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from telme_model.annotations.exchange.interface import UNNAMED, Inbox, TimedText
from telme_model.annotations.exchange.words import WordMatch, agreement, letters, speaker_within
from telme_model.corpus.dialogue import Dialogue

_POLARITY = frozenset(
    ("positive", "negative", "pos", "neg", "mixed", "+", "-", "positiv", "negativ", "positif", "négatif")
)
_POLAR_NAME = re.compile(r"sentiment|polarit|valence|valenz", re.IGNORECASE)
_MOST_WORDS = 40  # different texts of a tier that may be emotions under other names
_LONGEST_WORD = 40  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTier:
    """A tier of a file. `participant`, `annotator` and `parent` are ELAN's; "" where there is none."""

    intervals: Sequence[TimedText]
    participant: str = ""
    annotator: str = ""
    parent: str = ""


def speakers_of(tiers: Mapping[str, HeldTier], dialogue: Dialogue, inbox: Inbox) -> dict[str, str]:
    """Whose each tier is: as told, by its participant, its name, or the tier it hangs on; "" where nothing tells."""
    turns: dict[str, int] = {}
    for turn in dialogue.turns:
        turns[turn.speaker] = turns.get(turn.speaker, 0) + 1
    found: dict[str, str] = {}
    for name, tier in tiers.items():
        named, _ = speaker_within(name, turns)
        if named and len([one for one in tier.intervals if one.text.strip()]) > turns[named]:
            named = ""  # more than that speaker ever says: the name is somebody else's
        found[name] = inbox.speaker(name, turns) or inbox.speaker(tier.participant, turns) or named
    for name in tiers:
        up, steps = name, 0
        while not found[up] and tiers[up].parent in tiers and steps < len(tiers):
            up, steps = tiers[up].parent, steps + 1
        found[name] = found[up]
    return found


def layer_of(name: str, tier: HeldTier, speaker: str, annotators: Collection[str]) -> str:
    """The layer of a tier of emotions: its annotator, else its name without the speaker's."""
    rest = speaker_within(name, [speaker])[1] if speaker else name
    if tier.annotator and (speaker or list(annotators).count(tier.annotator) == 1):
        return tier.annotator
    return rest.strip() or UNNAMED


def holds_emotions(name: str, texts: Sequence[str], inbox: Inbox) -> bool:
    """Whether at least half of the texts are emotions: the others are then slips, worth a line each.

    A tier or column of polarity has MELD's "neutral" in it, too, and is none.
    """
    known = [text for text in texts if inbox.knows(text)]
    if 2 * len(known) < len(texts) or not texts:
        return False
    return not is_polarity(name, texts)


def is_polarity(name: str, texts: Sequence[str]) -> bool:
    """Whether texts tell the polarity of what is said, and not its emotion."""
    small = {text.strip().lower() for text in texts}
    polar = small & _POLARITY
    return bool(polar and small <= _POLARITY | {"neutral", "neu", ""}) or bool(
        _POLAR_NAME.search(name) and small <= _POLARITY | {"neutral", ""}
    )


def holds_words(intervals: Sequence[TimedText], dialogue: Dialogue) -> bool:
    """Whether at least half of the texts are words of the dialogue's turns."""
    ours = [letters(turn.text) for turn in dialogue.turns]
    exact = set(ours) - {""}
    hits = 0
    for interval in intervals:
        bare = letters(interval.text)
        hits += bare in exact or any(agreement(bare, one) in (WordMatch.SAME, WordMatch.PART) for one in ours)
    return bool(intervals) and 2 * hits >= len(intervals)


def other_words(texts: Sequence[str]) -> tuple[str, ...]:
    """The different texts of a tier or column if they may be emotions under other names, else none."""
    different = tuple(dict.fromkeys(text.strip().lower() for text in texts if text.strip()))
    short = all(len(text) <= _LONGEST_WORD for text in different)
    return different if short and len(different) <= _MOST_WORDS else ()
