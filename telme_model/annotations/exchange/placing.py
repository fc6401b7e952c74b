"""Which turn a label of a file belongs to: by its id where the file has one, else by time within its dialogue."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from telme_model.annotations.exchange.files import dialogue_name, file_names
from telme_model.annotations.exchange.interface import NoPlaceError, Span, TimedText
from telme_model.annotations.exchange.notes import escaped
from telme_model.corpus.dialogue import Corpus, Dialogue, Split, TurnId
from telme_model.corpus.timing import expected_seconds

COVERED = 0.5  # of the shorter of turn and interval must lie in the other


def spans(dialogue: Dialogue, lengths: Sequence[float] | None = None) -> tuple[Span, ...]:
    """When each turn is on, in milliseconds.

    In a dialogue that lies in one media file they are that file's times, and turns may overlap. Otherwise a clip a turn
    is played one after another, each as long as `lengths` says (seconds), else as annotated, else by its words.
    """
    in_one_file = media_file(dialogue) is not None and lengths is None
    found: list[Span] = []
    now = 0
    for place, turn in enumerate(dialogue.turns):
        clip = turn.video or turn.audio
        if in_one_file and clip is not None:
            start, end = round(1000 * (clip.start or 0.0)), round(1000 * (clip.end or 0.0))
        else:
            start, end = now, now + round(1000 * (lengths[place] if lengths else expected_seconds(turn)))
        now = max(end, start + 1)
        found.append((start, now))
    return tuple(found)


def media_file(dialogue: Dialogue) -> Path | None:
    """The one file in which every turn is a window; None for a dialogue of one clip a turn."""
    clips = [turn.video or turn.audio for turn in dialogue.turns]
    paths = {clip.path if clip is not None and clip.end is not None and not clip.then else None for clip in clips}
    return paths.pop() if len(paths) == 1 else None


class Places:
    """The turns of a corpus by whatever a file may call them."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.turns = {turn.id: turn for turn in corpus.turns()}
        self._by_id = {escaped(str(turn)): turn for turn in self.turns}
        self._splits: dict[tuple[str, int], list[Split]] = {}
        for turn in self.turns:
            self._splits.setdefault((turn.dialogue, turn.utterance), []).append(turn.split)
        stems = file_names(map(dialogue_name, corpus.dialogues))
        self._dialogues = {stems[dialogue_name(dialogue)].lower(): dialogue for dialogue in corpus.dialogues}
        self._stems = {(of.split, of.name): stem for stem, of in self._dialogues.items()}

    def named(self, text: str) -> TurnId | None:
        """The turn of an id as this program writes it."""
        return self._by_id.get(text.strip())

    def numbered(self, split: Split | None, dialogue: str, utterance: int) -> TurnId:
        """The turn of these numbers. Raises NoPlaceError where there is none, or several for want of a split."""
        if split is not None:
            turn = TurnId(split, dialogue, utterance)
            if turn in self.turns:
                return turn
            raise NoPlaceError(f"the corpus has no turn {turn}")
        splits = self._splits.get((dialogue, utterance), [])
        if not splits:
            raise NoPlaceError(f"the corpus has no turn dia{dialogue}_utt{utterance}")
        if len(splits) > 1:
            names = " and ".join(splits)
            raise NoPlaceError(f"dia{dialogue}_utt{utterance} is in {names}: name the file after one, as train_...")
        return TurnId(splits[0], dialogue, utterance)

    def dialogue(self, path: Path) -> Dialogue:
        """The dialogue that a file is named after, with or without its split. Raises NoPlaceError."""
        stem = path.stem.lower()
        if found := self._dialogues.get(stem):
            return found
        fits = [dialogue for name, dialogue in self._dialogues.items() if name.partition("_")[2] == stem]
        if len(fits) == 1:
            return fits[0]
        if fits:
            names = " and ".join(dialogue_name(dialogue) for dialogue in fits)
            raise NoPlaceError(f"its file may be {names}: name it so")
        example = dialogue_name(self.corpus.dialogues[0])
        raise NoPlaceError(f"it has no turn ids, and its file is not named after a dialogue, as {example}{path.suffix}")

    def dialogue_of(self, turn: TurnId) -> Dialogue:
        """The dialogue of a turn of the corpus."""
        return self._dialogues[self._stems[turn.split, turn.dialogue]]

    def check_words(self, turn: TurnId, text: str) -> None:
        """Raise NoPlaceError when a file has other words for a turn than the corpus: it is of another corpus."""
        ours, theirs = _letters(self.turns[turn].text), _letters(text)
        if ours and theirs and ours != theirs:
            raise NoPlaceError(f"{turn} has other words in this corpus: '{self.turns[turn].text[:60]}'")


def split_named(path: Path) -> Split | None:
    """The split that a file's name begins with."""
    match = re.match(rf"({'|'.join(Split)})(?![a-z])", path.name, re.IGNORECASE)
    return Split(match[1].lower()) if match else None


def by_time(
    intervals: Sequence[TimedText], turns: Sequence[tuple[Span, TurnId]]
) -> tuple[dict[TurnId, TimedText], list[tuple[TimedText, str]]]:
    """The interval of each turn, and those that have none with the reason.

    An interval belongs to every turn it shares at least half of the shorter of the two with; of several for one turn,
    the one that shares most. Intervals and turns are taken one after another: what overlaps the one before is cut.
    """
    stretches = _one_by_one([span for span, _ in turns])
    order = [(span, turns[place][1]) for place, span in stretches]
    starts = [span[0] for span, _ in order]
    best: dict[TurnId, tuple[int, TimedText]] = {}
    unplaced: list[tuple[TimedText, str]] = []
    cut = dict(_one_by_one([(interval.start, interval.end) for interval in intervals]))
    for place, interval in enumerate(intervals):
        if place not in cut:
            unplaced.append((interval, "it overlaps the one before"))
            continue
        start, end = cut[place]
        found = False
        for (first, last), turn in order[max(bisect_right(starts, start) - 1, 0) : bisect_right(starts, end)]:
            shared = min(end, last) - max(start, first)
            if shared < 0 or shared < COVERED * min(end - start, last - first) or start == last:
                continue
            found = True
            if turn not in best or shared > best[turn][0]:
                if turn in best:
                    unplaced.append((best[turn][1], f"{turn} lies more in another interval"))
                best[turn] = shared, interval
            elif best[turn][1].text != interval.text:
                unplaced.append((interval, f"{turn} lies more in another interval"))
        if not found:
            unplaced.append((interval, "no turn lies there, or none by half"))
    return {turn: interval for turn, (_, interval) in best.items()}, unplaced


def _one_by_one(stretches: Sequence[Span]) -> list[tuple[int, Span]]:
    """(place, span) in order of time, each beginning at the end of the one before at the earliest; none left empty."""
    now = -1
    placed = []
    for place in sorted(range(len(stretches)), key=lambda place: stretches[place]):
        start, end = stretches[place]
        if max(start, now) <= end and (end > now):
            placed.append((place, (max(start, now), end)))
            now = end
    return placed


def _letters(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())
