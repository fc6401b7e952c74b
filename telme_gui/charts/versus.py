"""Two runs on the same turns: their scores, the difference with its interval, and the turns that changed."""

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telme_gui.charts.subset import Subset, dialogues_of
from telme_model.analysis.metrics import weighted_f1
from telme_model.analysis.models import FUSED, Model
from telme_model.analysis.predictions import Predictions
from telme_model.analysis.significance import Difference, paired_bootstrap
from telme_model.corpus.dialogue import Corpus, Split, TurnId
from telme_model.corpus.emotions import label_set
from telme_model.events import Event, Message
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.records import run_predictions, run_records

RESAMPLES = 2000


class TurnChange(StrEnum):
    """What became of a turn whose fused prediction differs, seen from the open run."""

    BETTER = "better"  # right here, wrong there
    WORSE = "worse"  # wrong here, right there
    NEITHER = "neither right"  # or no gold label


@dataclass(frozen=True)
class Versus:
    """A part of the open run beside the same turns of another."""

    part: Subset
    other: Predictions

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that both runs have."""
        theirs = self.other.models.keys
        return tuple(model for model in self.part.predictions.models if model.key in theirs)

    @cached_property
    def pairs(self) -> NDArray[np.intp]:
        """Rows here and there of the turns of which both fused models say something [turns, 2]."""
        here, there = self.part.predictions, self.other
        found = [(row, there.rows[here.ids[row]]) for row in self.part.rows if here.ids[row] in there.rows]
        pairs = np.array(found, np.intp).reshape(-1, 2)
        said = (here.predicted[FUSED][pairs[:, 0]] >= 0) & (there.predicted[FUSED][pairs[:, 1]] >= 0)
        return pairs[said]

    @cached_property
    def difference(self) -> Difference | None:
        """Fused weighted F1 here less there; None with fewer than two dialogues with gold."""
        here = self.part.predictions
        rows, others = self._scored(FUSED)
        dialogues = dialogues_of(here, rows)
        if len(set(dialogues)) < 2:
            return None
        ours, theirs = here.predicted[FUSED][rows], self.other.predicted[FUSED][others]
        return paired_bootstrap(here.gold[rows], ours, theirs, dialogues, here.labels, resamples=RESAMPLES)

    def weighted_f1(self, model: str) -> tuple[float, float] | None:
        """Here and there, on the turns of which both say something; None where there is none."""
        rows, others = self._scored(model)
        if not len(rows):
            return None
        gold, labels = self.part.predictions.gold[rows], self.part.predictions.labels
        ours, theirs = self.part.predictions.predicted[model][rows], self.other.predicted[model][others]
        return weighted_f1(gold, ours, labels), weighted_f1(gold, theirs, labels)

    @cached_property
    def changed(self) -> NDArray[np.intp]:
        """The pairs whose fused predictions differ [changed, 2]."""
        ours = self.part.predictions.predicted[FUSED][self.pairs[:, 0]]
        theirs = self.other.predicted[FUSED][self.pairs[:, 1]]
        return np.compress(ours != theirs, self.pairs, axis=0)

    @cached_property
    def changes(self) -> tuple[TurnChange, ...]:
        """What became of each changed turn [changed]."""
        gold = self.part.predictions.gold[self.changed[:, 0]]
        ours = self.part.predictions.predicted[FUSED][self.changed[:, 0]] == gold
        theirs = self.other.predicted[FUSED][self.changed[:, 1]] == gold
        return tuple(
            TurnChange.BETTER if right else TurnChange.WORSE if was_right else TurnChange.NEITHER
            for right, was_right in zip(ours, theirs, strict=True)
        )

    def _scored(self, model: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        here = self.part.predictions
        rows, others = self.pairs[:, 0], self.pairs[:, 1]
        keep = (here.gold[rows] >= 0) & (here.predicted[model][rows] >= 0) & (self.other.predicted[model][others] >= 0)
        return rows[keep], others[keep]


def read_run(run: Path, corpus: Corpus) -> Generator[Event, None, Predictions]:
    """Read all predictions that a run of this corpus keeps, under its present name; returns `Predictions`.

    Raises RunError, also for a run of another corpus: what bears a turn's name there is another turn.
    """
    folder = RunFolder.open(run)
    labels = corpus.labels.labels
    theirs = label_set(folder.facts["corpus"]["labels"]).labels
    if theirs != labels:
        raise RunError(f"{run} predicts other emotions ({', '.join(theirs)}): choose a run of the same label set")
    yield Message(text=f"Reading the predictions of {folder.name}")
    splits = [split for split in Split if (folder.path / "predictions" / f"{split}.jsonl").is_file()]
    if not splits:
        raise RunError(f"{run} keeps no predictions: train it to its end, or choose another run")
    records = []
    for split in splits:
        records += run_records(run, split)
        yield Message(text=f"Read {split}")
    said = {turn.id: (turn.speaker, turn.text) for turn in corpus.turns()}
    for record in records:
        turn = TurnId(Split(record["split"]), record["dialogue"], record["utterance"])
        if said.get(turn, (record["speaker"], record["text"])) != (record["speaker"], record["text"]):
            raise RunError(
                f"{run} is a run of another corpus: {turn} has other words, or another speaker, there; choose a run of "
                "the open corpus"
            )
    return run_predictions(folder, records)
