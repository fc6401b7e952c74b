"""Predictions of a corpus' turns that a test can reckon with: random, but the same every time."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from telme_model.analysis.predictions import MODELS, Predictions, from_records
from telme_model.corpus.dialogue import Corpus, Split, Turn
from telme_model.corpus.fingerprint import fingerprint
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import TOY
from telme_model.runs.records import jsonl_lines

THETA = 0.1


def records(turns: Iterable[Turn], labels: Sequence[str], *, seed: int = 0, run: str = "night") -> list[dict[str, Any]]:
    """One record a turn, as a run writes them."""
    generator = np.random.default_rng(seed)

    def by_label(values: np.ndarray) -> dict[str, float]:
        return dict(zip(labels, values.tolist()))

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
                **{model: by_label(generator.dirichlet(np.ones(len(labels)))) for model in MODELS},
                "baseline": dict.fromkeys(labels, 1 / len(labels)),
                "unshifted": by_label(generator.dirichlet(np.ones(len(labels)))),
                "displacement": {
                    "text_norm": text_norm,
                    "h_norm": generator.uniform(1, 3),
                    "lambda": 0.3,
                    "shift": generator.uniform(0, THETA * text_norm),
                    "theta": THETA,
                    "open_gates": 0.5,
                },
                "shapley": {part: by_label(generator.normal(size=len(labels))) for part in ("text", "audio", "visual")},
                "shift_shares": {part: by_label(generator.normal(size=len(labels))) for part in ("audio", "visual")},
                "missing": [],
                "run": run,
            }
        )
    return made


def predictions(turns: Iterable[Turn], labels: Sequence[str], *, seed: int = 0) -> Predictions:
    """The same as columns."""
    return from_records(records(turns, labels, seed=seed), labels)


def store_run(path: Path, corpus: Corpus, *splits: Split) -> Path:
    """A run folder that keeps made-up predictions of these splits, and nothing to predict with."""
    facts = {"root": str(corpus.root), "labels": corpus.labels.name, "fingerprint": fingerprint(corpus)}
    run = RunFolder.create(path, TOY, {"corpus": facts})
    for split in splits:
        made = records(corpus.turns(split), corpus.labels.labels, run=path.name)
        run.write_text(f"predictions/{split}.jsonl", "".join(jsonl_lines(made)))
    return path
