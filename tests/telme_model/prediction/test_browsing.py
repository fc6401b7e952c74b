"""Predicting while a person looks on: the dialogue that is looked at comes next, and the numbers stay the same."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Dialogue, Split, TurnId
from telme_model.events import Progress, TurnPredicted
from telme_model.prediction.browsing import predict_as_wanted
from telme_model.prediction.predictor import predict
from telme_model.runs.folder import RunError
from telme_model.runs.records import Record
from tests.support.runs import ToyRun


class Person:
    """Looks at one dialogue after another: the next one after every so many questions."""

    def __init__(self, dialogues: list[Dialogue], questions: int) -> None:
        self.dialogues, self.questions, self.asked = dialogues, questions, 0

    def __call__(self) -> Dialogue:
        place = min(self.asked // self.questions, len(self.dialogues) - 1)
        self.asked += 1
        return self.dialogues[place]


@pytest.fixture(params=["own corpus", "another corpus"])
def opened(request: pytest.FixtureRequest, toy_run: ToyRun) -> Corpus:
    """The run's, with stored embeddings; or one turn shorter, so that everything is embedded anew."""
    whole = open_corpus(toy_run.corpus)
    if request.param == "own corpus":
        return whole
    last = whole.dialogues[-1]
    return replace(whole, dialogues=(*whole.dialogues[:-1], replace(last, turns=last.turns[:-1])))


def order_of(run: Path, corpus: Corpus, known: Collection[TurnId], person: Person) -> tuple[list[Record], list[int]]:
    records, done = [], []
    for event in predict_as_wanted(run, corpus, known, person):
        match event:
            case TurnPredicted():
                records.append(event.record)
            case Progress():
                done.append(event.done)
                assert event.total == sum(turn.id not in known for turn in corpus.turns())
    return records, done


def test_what_is_looked_at_comes_next_and_nothing_twice(toy_run: ToyRun, opened: Corpus) -> None:
    test = [dialogue for dialogue in opened.dialogues if dialogue.split is Split.TEST]
    person = Person([test[2], test[1]], 2)  # asked for the order and for the first, then for all that follows
    known = {opened.dialogues[0].turns[0].id}
    records, done = order_of(toy_run.path, opened, known, person)
    seen = list(dict.fromkeys((record["split"], record["dialogue"]) for record in records))
    assert seen[:2] == [("test", test[2].name), ("test", test[1].name)]
    assert len({key(record) for record in records}) == len(records) == done[-1]
    assert {key(record) for record in records} == {
        (str(turn.id.split), turn.id.dialogue, turn.id.utterance) for turn in opened.turns() if turn.id not in known
    }
    assert done == sorted(done)


def test_it_says_what_predict_says(toy_run: ToyRun, opened: Corpus) -> None:
    test = [dialogue for dialogue in opened.dialogues if dialogue.split is Split.TEST]
    expected = {
        key(event.record): event.record
        for event in predict(toy_run.path, opened, list(Split))
        if isinstance(event, TurnPredicted)
    }
    records, _ = order_of(toy_run.path, opened, (), Person([test[1]], 1))
    assert len(records) == len(expected)
    for record in records:
        theirs = expected[key(record)]
        assert record["fused"] == pytest.approx(theirs["fused"], abs=1e-5)
        assert record["missing"] == theirs["missing"]
        for part in record["shapley"]:
            assert record["shapley"][part] == pytest.approx(theirs["shapley"][part], abs=1e-5)


def key(record: Record) -> tuple[str, str, int]:
    return record["split"], record["dialogue"], record["utterance"]


def test_no_media_are_kept_in_the_corpus_folder(toy_run: ToyRun) -> None:
    work = predict_as_wanted(toy_run.path, open_corpus(toy_run.corpus), (), lambda: None, cache=toy_run.corpus / "new")
    with pytest.raises(RunError, match=r"lies in the corpus folder .* choose a place outside it"):
        list(work)
    assert not (toy_run.corpus / "new").exists()
