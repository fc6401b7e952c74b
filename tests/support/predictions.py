"""Predictions of a corpus' turns that a test can reckon with: random, but the same every time."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from telme_model.analysis.models import FUSED, STANDARD, TEACHER, Models, student_key
from telme_model.analysis.predictions import Predictions, from_records
from telme_model.corpus.dialogue import Corpus, Modality, Split, Turn
from telme_model.corpus.fingerprint import fingerprint
from telme_model.runs.config import Config
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import TOY
from telme_model.runs.records import jsonl_lines

THETA = 0.1


def records(
    turns: Iterable[Turn],
    labels: Sequence[str],
    *,
    seed: int = 0,
    run: str = "night",
    models: Models = STANDARD,
    missing: Collection[Modality] = (),
) -> list[dict[str, Any]]:
    """One record a turn, as a run of these models writes them."""
    generator = np.random.default_rng(seed)

    def by_label(values: np.ndarray) -> dict[str, float]:
        return dict(zip(labels, values.tolist()))

    def said(modality: Modality) -> dict[str, float] | None:
        return None if modality in missing else by_label(generator.dirichlet(np.ones(len(labels))))

    made: list[dict[str, Any]] = []
    for turn in turns:
        text_norm = generator.uniform(5, 10)
        made.append(
            {
                "split": str(turn.id.split),
                "dialogue": turn.id.dialogue,
                "utterance": turn.id.utterance,
                "speaker": turn.speaker,
                "text": turn.text,
                "gold": turn.gold,
                TEACHER: said(models.teacher),
                **{student_key(modality): None for modality in Modality if modality is not Modality.TEXT},
                **{student_key(modality): said(modality) for modality in models.students},
                FUSED: by_label(generator.dirichlet(np.ones(len(labels)))),
                "baseline": dict.fromkeys(labels, 1 / len(labels)),
                "unshifted": by_label(generator.dirichlet(np.ones(len(labels)))) if models.shifts else None,
                "displacement": {
                    "text_norm": text_norm,
                    "h_norm": generator.uniform(1, 3),
                    "lambda": 0.3,
                    "shift": generator.uniform(0, THETA * text_norm),
                    "theta": THETA,
                    "open_gates": 0.5,
                }
                if models.shifts
                else None,
                "shapley": {str(m): by_label(generator.normal(size=len(labels))) for m in models.modalities},
                "shift_shares": {str(m): by_label(generator.normal(size=len(labels))) for m in models.students}
                if models.shifts
                else None,
                "missing": [str(m) for m in models.modalities if m in missing],
                "run": run,
            }
        )
    return made


def predictions(
    turns: Iterable[Turn], labels: Sequence[str], *, seed: int = 0, models: Models = STANDARD
) -> Predictions:
    """The same as columns."""
    return from_records(records(turns, labels, seed=seed, models=models), labels)


def store_run(path: Path, corpus: Corpus, *splits: Split, config: Config = TOY) -> Path:
    """A run folder that keeps made-up predictions of these splits, and nothing to predict with."""
    facts = {"root": str(corpus.root), "labels": corpus.labels.name, "fingerprint": fingerprint(corpus)}
    run = RunFolder.create(path, config, {"corpus": facts})
    for split in splits:
        made = records(corpus.turns(split), corpus.labels.labels, run=path.name, models=config.models)
        run.write_text(f"predictions/{split}.jsonl", "".join(jsonl_lines(made)))
    return path
