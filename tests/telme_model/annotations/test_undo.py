"""Undo and redo, as a property: any sequence of edits, undos, redos and restarts ends as a plain model says."""

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.annotations.store import Key, Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split, TurnId
from telme_model.corpus.emotions import MELD
from tests.support.corpora import write_corpus
from tests.support.labelling import LAYERS, Plain, all_labels

PLACES = st.tuples(
    st.sampled_from(LAYERS),
    st.sampled_from([Scope.ALL, Scope.TEXT]),
    st.sampled_from([TurnId(Split.TRAIN, "0", 0), TurnId(Split.TRAIN, "1", 1), TurnId(Split.DEV, "0", 0)]),
)
LABELS = st.none() | st.builds(
    Label,
    emotion=st.none() | st.sampled_from(MELD.labels[:3]),
    unsure=st.booleans(),
    comment=st.sampled_from(["", "é\n\x00"]),
    origin=st.sampled_from(Origin),
)


class Annotating(RuleBasedStateMachine):
    """One person at one store, with the program restarted now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.corpus = open_corpus(write_corpus(self.folder / "series", clips=False))
        self.store = self.open()
        self.plain = Plain()

    def open(self) -> Store:
        return Store.open(self.folder / "a.sqlite", self.corpus)

    @rule(changes=st.dictionaries(PLACES, LABELS, min_size=1, max_size=4), name=st.text(max_size=5))
    def edit(self, changes: dict[Key, Label | None], name: str) -> None:
        steps = len(self.plain.past)
        self.plain.edit(name, changes)
        step = self.store.edit(name, changes)
        assert (step is not None) == (len(self.plain.past) > steps)
        if step is not None:
            assert (step.name, step.size) == (name, len(self.plain.past[-1]))
            assert (step.layer, step.turn) in {(layer, turn) for layer, _, turn in changes}

    @rule()
    def undo(self) -> None:
        told = self.store.undoable
        self.plain.undo()
        assert self.store.undo() == told

    @rule()
    def redo(self) -> None:
        told = self.store.redoable
        self.plain.redo()
        assert self.store.redo() == told

    @rule()
    def restart(self) -> None:
        revision = self.store.revision
        self.store.close()
        self.store = self.open()
        assert self.store.revision == revision

    @invariant()
    def as_the_model_says(self) -> None:
        assert all_labels(self.store) == self.plain.labels
        for step, stack in ((self.store.undoable, self.plain.past), (self.store.redoable, self.plain.future)):
            assert (step.size if step else None) == (len(stack[-1]) if stack else None)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


TestAnnotating = Annotating.TestCase
TestAnnotating.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
