"""How well the queue of likely label errors finds errors that were planted in the demo corpus (synthetic).

    python tests/benchmarks/label_errors.py [--seeds 0 1 2 3 4] [--runs DIR] [--json]

In each seed 10 % of the training labels are replaced by another emotion, drawn at random. Two sources of embeddings:
the bundled pretrained encoders, which never saw a label, and a run whose three stages were trained on the planted
labels (kept in DIR; a few minutes each where they are not there yet). The figure is the share of planted errors in
the first 50 training turns of a ranking: of the queue; of the lowest highest probability, out of fold and of the
run's fused model; and of a random order (the expected share).
"""

import argparse
import csv
import json
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any, TypeVar

import numpy as np
import torch
from scipy.stats import t as student

from telme_model.bundled import DEMO_CORPUS
from telme_model.commands.terminal import table
from telme_model.corpus import Split, open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.events import Event, Phase
from telme_model.media.cache import MediaCache, build_cache
from telme_model.networks.backbones import load_backbone, load_tokenizer
from telme_model.networks.batching import make_inputs
from telme_model.networks.embedding import embed
from telme_model.networks.encoder import make_encoder
from telme_model.networks.text_inputs import TextAssembler
from telme_model.prediction.label_errors import label_errors, side_by_side
from telme_model.prediction.predictor import Embedded, Predictor, embed_corpus
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import DEMO
from telme_model.training.pipeline import train

SHARE = 0.1
FIRST = 50
CSV = "train_sent_emo.csv"
Result = TypeVar("Result")
Emotions = dict[TurnId, str]


def plant(source: Path, target: Path, seed: int) -> Path:
    """A copy of the corpus whose training labels are 10 % wrong; the clips are linked."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.name != CSV and not (target / entry.name).exists():
            (target / entry.name).symlink_to(entry.resolve())
    with (source / CSV).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    generator = np.random.default_rng(seed)
    for row in generator.choice(len(rows), round(SHARE * len(rows)), replace=False):
        others = [label for label in MELD.labels if label != rows[row]["Emotion"]]
        rows[row]["Emotion"] = str(generator.choice(others))
    with (target / CSV).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target


def end(events: Generator[Event, None, Result]) -> Result:
    """What a generator of events returns."""
    while True:
        try:
            next(events)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def pretrained(corpus: Corpus, cache: Path) -> Embedded:
    """The corpus under the bundled encoders as they are before any training on labels."""
    turns = tuple(corpus.turns())
    for _event in build_cache(turns, DEMO.media, cache):
        pass
    media = MediaCache(cache, DEMO.media)
    embeddings = {}
    for modality in DEMO.modalities:
        torch.manual_seed(0)
        weights = getattr(DEMO, modality).weights
        backbone: Any = load_backbone(weights, modality)
        assembler = None
        if modality is Modality.TEXT:
            tokenizer = load_tokenizer(weights, (turn.text for turn in turns), DEMO.text.speaker_tokens)
            backbone.resize_token_embeddings(len(tokenizer), mean_resizing=False)
            assembler = TextAssembler(tokenizer, DEMO.text, corpus.dialogues)
        plain = replace(DEMO, dim=backbone.config.hidden_size)  # no projection, which would be random
        embeddings[modality] = end(
            embed(
                make_encoder(modality, backbone, plain, len(MELD)),
                make_inputs(modality, DEMO, assembler, media),
                turns,
                [modality is Modality.TEXT or modality not in media.missing(turn) for turn in turns],
                batch=16,
                device=torch.device("cpu"),
                dtype=None,
                phase=Phase.EVALUATING,
            )
        )
    return Embedded(turns, embeddings)


def precisions(embedded: Embedded, labels: Emotions, gold: Emotions) -> dict[str, float]:
    """Planted errors among the first 50 of the queue and of the least confident out of fold, in per cent."""
    rows = [row for row, turn in enumerate(embedded.turns) if turn.id in labels]
    turns = [embedded.turns[row].id for row in rows]
    found = end(label_errors(turns, side_by_side(embedded)[rows], labels, MELD.labels))
    confident = sorted(found.ranked, key=lambda of: of.confidence)
    return {
        "queue": _precision([of.turn for of in found.ranked], labels, gold),
        "low confidence": _precision([of.turn for of in confident], labels, gold),
        "suspects": found.expected,
    }


def fused_confidence(run: RunFolder, embedded: Embedded, labels: Emotions, gold: Emotions) -> float:
    """The same of the run's own fused prediction, the least confident first."""
    records = Predictor(run, embedded, torch.device("cpu")).records([Split.TRAIN], contributions=False)
    tops = {TurnId(Split.TRAIN, of["dialogue"], of["utterance"]): max(of["fused"].values()) for of in records}
    return _precision(sorted(tops, key=lambda turn: tops[turn]), labels, gold)


def _precision(ranked: Sequence[TurnId], labels: Emotions, gold: Emotions) -> float:
    return 100 * mean(labels[turn] != gold[turn] for turn in ranked[:FIRST])


def emotions(corpus: Corpus) -> Emotions:
    """The labels of the training turns."""
    return {turn.id: turn.gold for turn in corpus.turns(Split.TRAIN) if turn.gold}


def summary(values: Sequence[float]) -> str:
    """The mean with its 95 % interval (Student's t over the seeds)."""
    if len(values) < 2:
        return f"{values[0]:.1f}"
    reach = student.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.1f} ± {reach:.1f}"


def measure(seeds: Sequence[int], runs: Path) -> dict[str, dict[str, list[float]]]:
    """Every figure by source of embeddings, ranking and seed."""
    clean = open_corpus(DEMO_CORPUS)
    gold, cache = emotions(clean), runs / "cache"
    free = pretrained(clean, cache)
    results: dict[str, dict[str, list[float]]] = {"pretrained encoders": {}, "run on the planted labels": {}}

    def note(source: str, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            results[source].setdefault(name, []).append(value)

    for seed in seeds:
        folder = plant(DEMO_CORPUS, runs / f"planted-{seed}", seed)
        run_path = runs / f"run-{seed}"
        if not (run_path / "scores.json").is_file():
            for _event in train(DEMO, folder, run_path, resume=(run_path / "run.json").is_file(), cache=cache):
                pass
        corpus, run = open_corpus(folder), RunFolder.open(run_path)
        labels = emotions(corpus)
        note("pretrained encoders", precisions(free, labels, gold))
        embedded = end(embed_corpus(run, corpus, (Split.TRAIN,), torch.device("cpu"), cache))
        own = precisions(embedded, labels, gold)
        note("run on the planted labels", own | {"fused confidence": fused_confidence(run, embedded, labels, gold)})
    return results


def report(results: dict[str, dict[str, list[float]]], seeds: Sequence[int]) -> None:
    """Print the table."""
    rows = [["embeddings of", "first 50 of", *(f"seed {seed}" for seed in seeds), "mean, 95 %"]]
    for source, rankings in results.items():
        for name, values in rankings.items():
            rows.append([source, name, *(f"{value:.0f}" for value in values), summary(values)])
    rows.append(["", "a random order", *("10" for _ in seeds), "10"])
    print("\n".join(table(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--runs", type=Path, help="where the runs go and stay (default: a folder that is removed)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        results = measure(options.seeds, options.runs or Path(scratch))
    print(json.dumps(results, indent=1)) if options.json else report(results, options.seeds)


if __name__ == "__main__":
    main()
