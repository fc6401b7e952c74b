"""Random dialogues with overlaps, pauses and offsets, annotated in files as pympi and praatio write them."""

import random
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from praatio.data_classes.interval_tier import IntervalTier
from praatio.data_classes.textgrid import Textgrid
from pympi import Elan

from telme_model.annotations.exchange import Incoming
from telme_model.corpus import Corpus, Dialogue, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD

_WORDS = tuple(
    "I you know think where keys home late never again really sorry what no yes please door coffee him".split()  # noqa: SIM905 - reads better
)
_SPEAKERS = ("Ada", "Ben", "Cleo van Dyk", "Ada's mother", "D'Arcy", "Anna")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """A file, the corpus that it is of, and the emotion that each labelled turn got."""

    path: Path
    corpus: Corpus
    truth: dict[TurnId, str]
    how: str  # what stands in the file

    def wrong(self, incoming: Incoming) -> list[str]:
        """Labels that came to a turn which was not given them."""
        placed = [(turn, label.emotion) for of in incoming.placed.values() for (_, turn), label in of.items()]
        return [
            f"{self.how}: {turn} is {name}, was {self.truth.get(turn)}"
            for turn, name in placed
            if self.truth.get(turn) != name
        ]


def annotated(seed: int, folder: Path) -> Annotated:
    """A dialogue of 1 to 14 turns of up to four speakers, written as ELAN or Praat would hold it.

    Each turn has a label of its own by chance; of some files the words are left out, of some the speakers, of some the
    times are those of the clips one after another, of some they are a person's, up to 250 ms off; some words have
    slips, and some corpora know no times.
    """
    rng = random.Random(seed)
    turns, times = _dialogue(rng)
    clock = rng.choice(["episode", "cut", "offset", "offset", "clips"])
    overlap = any(one[1] > other[0] for one, other in pairwise(times))
    if clock == "clips":
        times, overlap = _one_after_another(times), False
    move = {"episode": 0, "clips": 0, "cut": -min(start for start, _ in times)}.get(clock)
    move = rng.randrange(-times[0][0], 60_000) if move is None else move
    jitter = rng.choice([0, 0, 20, 50, 250])
    held = [
        (max(0, start + move + rng.randint(-jitter, jitter)), end + move + rng.randint(-jitter, jitter))
        for start, end in times
    ]
    held = [(start, max(end, start + 20)) for start, end in held]
    by_speaker = rng.random() < (0.8 if overlap else 0.5)
    words = rng.random() < 0.6
    share = rng.choice([1.0, 1.0, 0.7, 0.3])
    truth = {turn.id: rng.choice(MELD.labels) for turn in turns if rng.random() < share}
    if rng.random() < 0.1:
        turns = [replace(turn, start=None, end=None) for turn in turns]
    dialogue = Dialogue(split=Split.TRAIN, name="0", turns=tuple(turns))
    corpus = Corpus(root=Path("/nowhere"), kind="meld", labels=MELD, dialogues=(dialogue,))
    shape = "by speaker" if by_speaker else "tiers that are nobody's"
    how = f"seed {seed}, {clock}, {shape}, words {words}, {len(truth)} of {len(turns)}, ±{jitter}"
    tiers = _tiers(rng, turns, held, truth, by_speaker=by_speaker, words=words)
    path = folder / rng.choice(["train_dia0.eaf", "train_dia0.TextGrid"])
    (_elan if path.suffix == ".eaf" else _praat)(path, tiers, max(end for _, end in held) + 1000)
    return Annotated(path=path, corpus=corpus, truth=truth, how=f"{path.suffix}, {how}")


def _dialogue(rng: random.Random) -> tuple[list[Turn], list[tuple[int, int]]]:
    speakers = rng.sample(_SPEAKERS, rng.randint(1, 4))
    now = rng.randrange(0, 900_000)
    free = dict.fromkeys(speakers, now)  # nobody speaks over himself
    turns: list[Turn] = []
    times: list[tuple[int, int]] = []
    for number in range(rng.randint(1, 14)):
        speaker = rng.choice(speakers)
        start = max(
            now + rng.choice([0, 0, rng.randint(0, 6000), -rng.randint(0, 1500)]),
            free[speaker],
            times[-1][0] if times else 0,
        )
        end = start + (rng.choice([1000, 2000, 3000]) if rng.random() < 0.4 else rng.randint(300, 7000))
        text = "Oh." if rng.random() < 0.15 else " ".join(rng.choices(_WORDS, k=rng.randint(1, 9))).capitalize() + "."
        identity = TurnId(Split.TRAIN, "0", number)
        turns.append(Turn(id=identity, speaker=speaker, text=text, gold="neutral", start=start / 1000, end=end / 1000))
        times.append((start, end))
        now = free[speaker] = end
    return turns, times


def _one_after_another(times: list[tuple[int, int]]) -> list[tuple[int, int]]:
    now, found = 0, []
    for start, end in times:
        found.append((now, now + end - start))
        now += end - start
    return found


_Tiers = dict[str, tuple[str, str, list[tuple[int, int, str]]]]  # participant, annotator and intervals by name


def _tiers(
    rng: random.Random,
    turns: list[Turn],
    times: list[tuple[int, int]],
    truth: dict[TurnId, str],
    *,
    by_speaker: bool,
    words: bool,
) -> _Tiers:
    style = rng.choice(["{who}_emotion", "emotion@{who}", "emotion {who}", "{who}-emo"])
    tiers: _Tiers = {}
    lanes: list[int] = []  # ends of the last turn in tiers that are nobody's
    for turn, (start, end) in zip(turns, times, strict=True):
        who = turn.speaker if by_speaker else ""
        lane = next((lane for lane, last in enumerate(lanes) if last <= start), len(lanes))
        lanes[lane : lane + 1] = [end]
        if words:
            text = turn.text if rng.random() < 0.8 else turn.text.replace("e", "", 1)
            tiers.setdefault(who or f"words {lane}", (who, "", []))[2].append((start, end, text))
        if turn.id in truth:
            name = style.format(who=who) if by_speaker else f"coder 1 {lane}"
            tiers.setdefault(name, (who, "coder 1", []))[2].append((start, end, truth[turn.id]))
    return tiers or {"empty": ("", "", [])}


def _elan(path: Path, tiers: _Tiers, end: int) -> None:
    document = Elan.Eaf(author="somebody")
    for name, (participant, annotator, intervals) in tiers.items():
        document.add_tier(name, part=participant or None, ann=annotator or None)
        for start, stop, text in sorted(_tiled(intervals)):
            document.add_annotation(name, start, stop, text)
    document.to_file(str(path))


def _praat(path: Path, tiers: _Tiers, end: int) -> None:
    grid = Textgrid(0, end / 1000)
    for name, (_, _, intervals) in tiers.items():
        entries = [(start / 1000, stop / 1000, text) for start, stop, text in _tiled(intervals)]
        grid.addTier(IntervalTier(name, entries, 0, end / 1000))
    grid.save(str(path), "long_textgrid", includeBlankSpaces=True, minimumIntervalLength=None)


def _tiled(intervals: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """A tier's intervals do not overlap: where a hand was off, one begins where the other ends."""
    found: list[tuple[int, int, str]] = []
    for start, end, text in sorted(intervals):
        begin = max(start, found[-1][1]) if found else start
        found.append((begin, max(end, begin + 1), text))
    return found
