"""Generated conversations for pretraining the text encoder: other people and sentences than the demo series.

A conversation walks through situations; in each, people speak in a manner that goes with it, so that words which
belong together stand together. Neither situation nor manner has a name: nothing here carries a label.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from telme_model.bundled import DEMO
from telme_model.demo.story import fill_slots

PHRASES = DEMO / "phrases.toml"
POOL = re.compile(r"\$(\w+)")
LONGEST = 8  # turns of a conversation
STAYING = 0.15  # how often the next turn speaks of the same matter

# What an utterance is put together from: a cry, the matter itself, what it does to the speaker.
SHAPES = (
    ("cry",),
    ("say",),
    ("feel",),
    ("cry", "say"),
    ("cry", "feel"),
    ("say", "feel"),
    ("feel", "say"),
    ("cry", "say", "feel"),
    ("cry", "feel", "feel"),
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One generated turn: who speaks and what is said."""

    speaker: str
    text: str


class Phrases:
    """The phrase grammar of `phrases.toml`."""

    def __init__(self, path: Path = PHRASES) -> None:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        self.names: tuple[str, ...] = tuple(content["names"])
        self._manners: list[list[dict[str, list[str]]]] = [
            [{"cry": manner["cry"], "feel": manner["feel"], **situation} for situation in manner["situation"]]
            for manner in content["manner"]
        ]

    def conversations(self, rng: random.Random) -> Iterator[list[Utterance]]:
        """Conversations of 1 to 8 turns, most of them short, between up to 4 people, without end."""
        while True:
            people = rng.sample(self.names, rng.randint(2, 4))
            situation = self._situation(rng)
            conversation: list[Utterance] = []
            for _ in range(rng.randint(1, rng.randint(1, LONGEST))):
                conversation.append(Utterance(rng.choice(people), self._utter(situation, rng)))
                if rng.random() > STAYING:
                    situation = self._situation(rng)
            yield conversation

    def _situation(self, rng: random.Random) -> Mapping[str, Sequence[str]]:
        return rng.choice(rng.choice(self._manners))

    def _utter(self, pools: Mapping[str, Sequence[str]], rng: random.Random) -> str:
        pieces = dict.fromkeys(_expand(rng.choice(pools[kind]), pools, rng) for kind in rng.choice(SHAPES))
        return " ".join(pieces)


def _expand(text: str, pools: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    """`text` with every `$pool` and `{a|b}` replaced, its first letter a capital."""
    while POOL.search(text):
        text = POOL.sub(lambda place: rng.choice(pools[place[1]]), text)
    text = fill_slots(text, rng)
    return text[0].upper() + text[1:]
