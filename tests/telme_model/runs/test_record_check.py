"""What is let through as a prediction record can be scored and drawn; what is not, names its fault."""

import json
import math
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.analysis.evaluation import score_records
from telme_model.analysis.predictions import from_records
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import EMORYNLP, MELD
from telme_model.runs.folder import RunError
from telme_model.runs.record_check import check_record
from telme_model.runs.records import Record, flatten, jsonl_lines, parse, read_jsonl, run_records
from tests.support.runs import ToyRun

LABELS = frozenset(MELD.labels)
EMOTIONS = "anger, disgust, fear, joy, neutral, sadness, surprise"
EVEN = dict.fromkeys(MELD.labels, 1 / 7)
OTHERS = dict.fromkeys(EMORYNLP.labels, 1 / 7)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.sampled_from([*MELD.labels, "audio", "theta"]), parts, max_size=8)
    ),
    max_leaves=10,
)
WHOLE: Record = {
    "split": "test",
    "dialogue": "0",
    "utterance": 0,
    "speaker": "Ada",
    "text": "We won!",
    "gold": "joy",
    **dict.fromkeys(("teacher", "audio", "fused", "unshifted", "baseline"), EVEN),
    "visual": None,
    "displacement": dict.fromkeys(("text_norm", "h_norm", "lambda", "shift", "theta", "open_gates"), 0.5),
    "shapley": {"text": EVEN, "audio": EVEN, "visual": EVEN},
    "shift_shares": {"audio": EVEN, "visual": EVEN},
    "missing": ["visual"],
    "run": "toy",
}


def _with(**changes: object) -> Callable[[Record], None]:
    return lambda record: record.update(changes)


def _without(name: str) -> Callable[[Record], None]:
    return lambda record: record.__delitem__(name)


DAMAGES: dict[str, tuple[Callable[[Record], None], str]] = {
    "a number for probabilities": (_with(fused=5), f"its fused is not the probabilities of {EMOTIONS}"),
    "null for the fused ones": (_with(fused=None), "its fused is not the probabilities of"),
    "other emotions": (_with(fused=OTHERS), "its fused is not the probabilities of"),
    "one emotion too many": (_with(teacher=EVEN | {"awe": 0.0}), "its teacher is not the probabilities of"),
    "not a number": (_with(fused=EVEN | {"joy": math.nan}), "its fused is not"),
    "no end": (_with(unshifted=EVEN | {"joy": math.inf}), "its unshifted is not"),
    "below nothing": (_with(audio=EVEN | {"joy": -0.5, "anger": 0.5 + 2 / 7}), "its audio is not"),
    "more than all": (_with(baseline=EVEN | {"joy": 0.9}), "its baseline is not"),
    "words for numbers": (_with(fused=dict.fromkeys(MELD.labels, "much")), "its fused is not"),
    "a student of text": (_with(text_student=5), "its text_student is not the probabilities of"),
    "no displacement": (_without("displacement"), "it has no displacement"),
    "a word for a displacement": (_with(displacement="far"), "its displacement is not the numbers of a displacement"),
    "half a displacement": (_with(displacement={"shift": 1.0}), "its displacement is not the numbers of"),
    "no shares": (_without("shapley"), "it has no shapley"),
    "shares of smell": (_with(shapley={"smell": EVEN}), "its shapley is not shares of the modalities in anger, disg"),
    "shares that are none": (_with(shift_shares={"audio": [1]}), "its shift_shares is not shares"),
    "no teacher": (_without("teacher"), "it has no teacher"),
    "no run": (_without("run"), "it has no run"),
    "no such split": (_with(split="x"), "its split is not one of train, dev, test"),
    "another split": (_with(split="dev"), "it is of dev"),
    "a list for a dialogue": (_with(dialogue=[]), "its dialogue is not a text"),
    "a word for an utterance": (_with(utterance="x"), "its utterance is not a whole number"),
    "an unknown emotion": (_with(gold="bored"), f"its gold is not one of {EMOTIONS}"),
    "a list for an emotion": (_with(gold=[]), "its gold is not one of"),
    "a list of what is no modality": (_with(missing=[1]), "its missing is not a list of modalities"),
}


@pytest.mark.parametrize(("damage", "fault"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_is_named_with_its_line(run_copy: Path, damage: Callable[[Record], None], fault: str) -> None:
    path = run_copy / "predictions" / "test.jsonl"
    records = read_jsonl(path)
    damage(records[2])
    path.write_text("".join(jsonl_lines(records)), encoding="utf-8")
    with pytest.raises(RunError, match=rf"test.jsonl is damaged in line 3: {fault}"):
        run_records(run_copy, Split.TEST)


def test_a_turn_that_is_there_twice_is_told(run_copy: Path) -> None:
    path = run_copy / "predictions" / "test.jsonl"
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(RunError, match=r"test.jsonl is damaged in line 10: it repeats a turn"):
        run_records(run_copy, Split.TEST)


def test_what_runs_write_is_whole(toy_run: ToyRun) -> None:
    for split in (Split.DEV, Split.TEST):
        assert run_records(toy_run.path, split)


@given(st.sampled_from(sorted([*WHOLE, "text_student"])), st.none() | st.sampled_from(["audio", "joy", "theta"]), JSON)
def test_what_is_let_through_can_be_scored_and_drawn(field: str, part: str | None, value: Any) -> None:
    record = deepcopy(WHOLE)
    if part is None or not isinstance(record.get(field), dict):
        record[field] = value
    else:
        record[field][part] = value
    record = parse(json.dumps(record).encode())
    try:
        check_record(record, LABELS)
    except ValueError:
        return
    from_records([record, WHOLE], MELD.labels).effects  # noqa: B018
    score_records([record, WHOLE], MELD.labels)
    flatten(record)
