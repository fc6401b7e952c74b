"""The command `predict`: one record a turn, as a file."""

import argparse
from pathlib import Path
from typing import Any

from telme_model.commands.interface import Add, add_corpus, open_named
from telme_model.commands.telling import tell
from telme_model.corpus.dialogue import Split
from telme_model.events import TurnPredicted


def add_command(add: Add) -> None:
    """Add `predict`."""
    predict = add("predict", _predict, "Predict every turn of a split with a finished run.")
    add_corpus(predict)
    predict.add_argument("--run", type=Path, required=True, metavar="DIR")
    predict.add_argument("--split", choices=[str(split) for split in Split], default="test")
    predict.add_argument("--out", type=Path, required=True, metavar="FILE", help=".jsonl, .csv or .parquet")
    predict.add_argument("--embeddings", type=Path, metavar="FILE.npz", help="also write F_T, F_a, F_v and H")
    predict.add_argument("--no-contributions", action="store_true", help="leave the Shapley shares out")
    predict.add_argument("--cache", type=Path, metavar="DIR", help="where decoded media are kept")


def _predict(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import Returned, watched
    from telme_model.prediction.predictor import predict, write_embeddings
    from telme_model.runs.folder import check_outside
    from telme_model.runs.quantities import counted
    from telme_model.runs.records import ENDINGS, check_ending, check_place, write_records

    check_ending(options.out, *ENDINGS)
    if options.embeddings:
        check_ending(options.embeddings, ".npz")
    corpus = open_named(options)
    for place in filter(None, (options.out, options.embeddings)):
        check_place(place, corpus.root, options.run)
    if options.cache:
        check_outside(options.cache, corpus.root)
    split = _split_of(corpus, options.split)
    embedding = Returned(
        predict(options.run, corpus, [split], cache=options.cache, contributions=not options.no_contributions)
    )
    records = [event.record for event in watched(iter(embedding)) if isinstance(event, TurnPredicted)]
    write_records(records, options.out)
    tell(f"{counted(len(records), 'turn')} of {split} in {options.out}", aside=True)
    if options.embeddings:
        write_embeddings(options.run, embedding.value, split, options.embeddings)
    return 0


def _split_of(corpus: Any, name: str) -> Split:
    from telme_model.corpus.dialogue import CorpusError

    split = Split(name)
    if split not in corpus.splits():
        raise CorpusError(f"{corpus.root} has no {split} split; it has {', '.join(corpus.splits())}")
    return split
