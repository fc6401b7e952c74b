"""What is found in annotations: in made-up ones, and in released ones."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from telme_model.corpus import Corpus, Dialogue, Severity, Split, Turn, TurnId, open_corpus
from telme_model.corpus.emotions import MELD
from telme_model.corpus.health import annotation_problems
from tests.support.released import Meld


def turn(utterance: int = 0, *, start: float | None = None, end: float | None = None) -> Turn:
    return Turn(
        id=TurnId(Split.DEV, "0", utterance), speaker="Ada", text="Okay.", gold="joy", start=start, end=end, row=2
    )


def corpus(*turns: Turn) -> Corpus:
    dialogue = Dialogue(split=Split.DEV, name="0", turns=turns)
    return Corpus(root=Path("meld"), kind="meld", labels=MELD, dialogues=(dialogue,))


@pytest.mark.parametrize(
    ("start", "end", "code", "sentence"),
    [
        (5.0, 5.0, "no-length", "dev/dia0_utt0 is annotated as 0.000 s long: it does not end after it starts."),
        (5.0, 4.5, "no-length", "dev/dia0_utt0 is annotated as -0.500 s long: it does not end after it starts."),
        (5.0, 65.0, "over-long", "dev/dia0_utt0 is annotated as 60.0 s long; turns are under 30 s."),
    ],
)
def test_impossible_lengths_are_warnings(start: float, end: float, code: str, sentence: str) -> None:
    [problem] = annotation_problems(corpus(turn(start=start, end=end)))
    assert (problem.code, problem.severity, problem.reason, problem.row) == (code, "warning", sentence, 2)


def test_a_turn_without_text_is_a_warning() -> None:
    [problem] = annotation_problems(corpus(replace(turn(), text=" ")))
    assert (problem.code, problem.severity, problem.reason) == ("empty-text", "warning", "dev/dia0_utt0 has no text.")


def test_overlaps_are_one_note_a_split() -> None:
    times = [(0.0, 2.0), (1.0, 3.0), (0.5, 0.9), (3.0, 4.0), (4.0, 5.0)]
    turns = [turn(place, start=start, end=end) for place, (start, end) in enumerate(times)]
    [problem] = annotation_problems(corpus(*turns))
    assert problem.severity is Severity.NOTE
    assert problem.reason == "2 dev turns start before the one before them ends: dev/dia0_utt1, dev/dia0_utt2."


def test_the_released_annotations_have_their_known_faults(meld: Meld) -> None:
    problems = list(annotation_problems(open_corpus(meld.root)))
    overlaps = [problem.reason.split()[0] for problem in problems if problem.code == "overlap"]
    assert overlaps == [str(count) for count in meld.overlapping if count]
    found = Counter(problem.code for problem in problems)
    assert found == {"over-long": len(meld.over_long), "no-length": 1, "overlap": len(overlaps)}
    assert [str(problem.turn) for problem in problems if problem.code == "over-long"] == list(meld.over_long)
