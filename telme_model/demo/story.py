"""The words of the demo corpus: written scenes of an original mini-series, composed into dialogues of labelled turns.

A scene is a piece of script, one turn a line: `Speaker (emotion): text`. One emotion means that the words tell it
(or that there is none: neutral). Several, `Speaker (joy/anger): Okay.`, mark an open line: the words fit each of
them, and composing picks one and whether the voice or the face shows it. `{a|b}` in a text stands for a choice.
"""

import random
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from telme_model.bundled import DEMO
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD

STORY_FOLDER = DEMO / "story"
SERIES_TITLE = "The Late Ferry"
CHARACTERS = ("Mara", "Theo", "Ines", "Otto", "Priya", "Jonas", "Lena", "Bruno")
SHORTEST, LONGEST = 3, 14  # turns of a dialogue

# What open lines are steered towards: the share of each emotion among all turns of a split.
EMOTION_SHARES = {
    "neutral": 0.30,
    "joy": 0.16,
    "surprise": 0.14,
    "anger": 0.13,
    "sadness": 0.12,
    "fear": 0.08,
    "disgust": 0.07,
}

LINE = re.compile(r"(?P<speaker>\w+) \((?P<emotions>[a-z/]+)\): (?P<text>\S.*)")
SLOT = re.compile(r"\{([^{}]*)\}")

T = TypeVar("T", bound=Hashable)


class Cue(StrEnum):
    """Where a turn shows its emotion: in the words, the voice, the face, or in all three."""

    TEXT = "text"
    VOICE = "voice"
    FACE = "face"
    ALL = "all"


# How often each cue is chosen; the words of an open line tell nothing, so its cue lies outside them.
WORDED_CUES = {Cue.TEXT: 0.27, Cue.ALL: 0.21}
OPEN_CUES = {Cue.VOICE: 0.26, Cue.FACE: 0.26}


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    """One turn as the script has it, with the truth of what it shows and where."""

    speaker: str
    text: str
    emotion: str
    cue: Cue


@dataclass(frozen=True, slots=True)
class ScriptDialogue:
    """A composed scene: 3 to 14 turns of one episode."""

    season: int
    episode: int
    turns: tuple[ScriptTurn, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One written line. Several `emotions` make it open: the words fit each of them."""

    speaker: str
    emotions: tuple[str, ...]
    text: str  # may hold {a|b} choices


@dataclass(frozen=True, slots=True)
class Scene:
    """One written scene, from which any number of dialogues are composed."""

    season: int
    episode: int
    title: str
    lines: tuple[Line, ...]


def write_series(dialogues: Mapping[Split, int], seed: int) -> dict[Split, tuple[ScriptDialogue, ...]]:
    """Compose as many dialogues per split as asked for. Same arguments, same series.

    No scene serves two splits, and each split draws on all episodes as soon as it has three dialogues. A split that
    asks for more dialogues than it has scenes reuses them with other choices, emotions and cues.
    Raises ValueError for a negative number of dialogues.
    """
    for split, number in dialogues.items():
        if number < 0:
            raise ValueError(f"The number of {split} dialogues is {number}; it must be 0 or more.")
    deal = random.Random(f"{seed} scenes")
    scenes = _share_scenes(_by_turns_of_episode(read_scenes(), deal), dialogues)
    return {
        split: _compose_split(scenes[split], number, random.Random(f"{seed} {split}"))
        for split, number in dialogues.items()
    }


@cache
def read_scenes(folder: Path = STORY_FOLDER) -> tuple[Scene, ...]:
    """The written scenes, in order of episode. Raises ValueError naming the file and the line that is not script."""
    scenes: list[Scene] = []
    for path in sorted(folder.glob("*.toml")):
        episode = tomllib.loads(path.read_text(encoding="utf-8"))
        for scene in episode["scene"]:
            lines = tuple(_read_line(line, path) for line in scene["script"].strip().splitlines())
            scenes.append(Scene(episode["season"], episode["episode"], scene["title"], lines))
    return tuple(scenes)


def fill_slots(text: str, rng: random.Random) -> str:
    """`text` with each innermost `{a|b|c}` replaced by one of its choices, until none is left."""
    while SLOT.search(text):
        text = SLOT.sub(lambda slot: rng.choice(slot[1].split("|")), text)
    return text


def _read_line(line: str, path: Path) -> Line:
    match = LINE.fullmatch(line.strip())
    if match is None:
        raise ValueError(f"{path.name}: '{line}' is not of the form 'Speaker (emotion): text'.")
    emotions = tuple(match["emotions"].split("/"))
    for emotion in emotions:
        MELD.index(emotion)
    return Line(match["speaker"], emotions, match["text"])


def _by_turns_of_episode(scenes: Sequence[Scene], rng: random.Random) -> list[Scene]:
    """The scenes shuffled within their episode, then one of each episode in turn."""
    episodes: defaultdict[tuple[int, int], list[Scene]] = defaultdict(list)
    for scene in scenes:
        episodes[scene.season, scene.episode].append(scene)
    for group in episodes.values():
        rng.shuffle(group)
    longest = max(map(len, episodes.values()))
    return [group[place] for place in range(longest) for group in episodes.values() if place < len(group)]


def _share_scenes(scenes: Sequence[Scene], dialogues: Mapping[Split, int]) -> dict[Split, Sequence[Scene]]:
    """Disjoint runs of scenes, in proportion to the dialogues asked for; what rounding leaves goes to the largest."""
    total = max(sum(dialogues.values()), len(scenes))
    shares: dict[Split, Sequence[Scene]] = {}
    first = 0
    for split in sorted(dialogues, key=lambda split: (dialogues[split], split)):
        wanted = dialogues[split]
        share = max(min(wanted, 3), len(scenes) * wanted // total)
        if len(shares) == len(dialogues) - 1:
            share = min(wanted, len(scenes) - first)
        shares[split] = scenes[first : first + share]
        first += share
    return shares


def _compose_split(scenes: Sequence[Scene], number: int, rng: random.Random) -> tuple[ScriptDialogue, ...]:
    emotions: Counter[str] = Counter()
    cues: defaultdict[str, Counter[Cue]] = defaultdict(Counter)
    return tuple(_compose(scenes[place % len(scenes)], emotions, cues, rng) for place in range(number))


def _compose(
    scene: Scene, emotions: Counter[str], cues: defaultdict[str, Counter[Cue]], rng: random.Random
) -> ScriptDialogue:
    """One dialogue; `emotions` and `cues` (by emotion) count what the split has so far, and are brought up to date."""
    turns: list[ScriptTurn] = []
    for line in scene.lines:
        emotion = _draw({name: EMOTION_SHARES[name] for name in line.emotions}, emotions, rng)
        cue = Cue.ALL
        if emotion != "neutral":
            cue = _draw(OPEN_CUES if len(line.emotions) > 1 else WORDED_CUES, cues[emotion], rng)
        turns.append(ScriptTurn(line.speaker, fill_slots(line.text, rng), emotion, cue))
    return ScriptDialogue(scene.season, scene.episode, tuple(turns))


def _draw(shares: Mapping[T, float], drawn: Counter[T], rng: random.Random) -> T:
    """One of `shares`, the likelier the further it lies behind its share of what has been `drawn`; counts it."""
    weights = [(share / (drawn[choice] + 1)) ** 3 for choice, share in shares.items()]
    choice = rng.choices(list(shares), weights)[0]
    drawn[choice] += 1
    return choice
