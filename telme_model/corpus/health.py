"""What is wrong with a corpus's annotations, by themselves; `media/health.py` compares them with the clips."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from telme_model.corpus.dialogue import Corpus, Problem, Severity, Split, Turn
from telme_model.events import Event

LONGEST_TURN = 30.0  # seconds; longer ones are mistakes of annotation or cutting

_EXAMPLES = 3

warning = partial(Problem, severity=Severity.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFound(Event):
    """One thing wrong with the corpus."""

    problem: Problem


def annotation_problems(corpus: Corpus) -> Iterator[Problem]:
    """Turns without text or with impossible lengths, and how many overlap the one before, split by split."""
    for turn in corpus.turns():
        at = partial(warning, file=corpus.root, row=turn.row or None, turn=turn.id)
        if not turn.text.strip():
            yield at(code="empty-text", reason=f"{turn.id} has no text.")
        seconds = turn.annotated_seconds
        if seconds is None:
            continue
        if seconds <= 0:
            yield at(
                code="no-length",
                reason=f"{turn.id} is annotated as {seconds:.3f} s long: it does not end after it starts.",
            )
        elif seconds > LONGEST_TURN:
            yield at(
                code="over-long",
                reason=f"{turn.id} is annotated as {seconds:.1f} s long; turns are under {LONGEST_TURN:g} s.",
            )
    for split in corpus.splits():
        if overlapping := [str(turn.id) for turn in _overlapping(corpus, split)]:
            reason = f"{len(overlapping)} {split} turns start before the one before them ends: {some(overlapping)}."
            yield Problem(severity=Severity.NOTE, code="overlap", file=corpus.root, reason=reason)


def _overlapping(corpus: Corpus, split: Split) -> Iterator[Turn]:
    for dialogue in corpus.dialogues:
        if dialogue.split is split:
            for before, turn in pairwise(dialogue.turns):
                if turn.start is not None and before.end is not None and turn.start < before.end:
                    yield turn


def some(names: list[str]) -> str:
    """The first few of many names."""
    more = ", ..." if len(names) > _EXAMPLES else ""
    return ", ".join(names[:_EXAMPLES]) + more
