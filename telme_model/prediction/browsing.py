"""Predicting for a person who looks on: the dialogue that is looked at comes next."""

from collections.abc import Callable, Collection, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from telme_model.corpus.dialogue import Corpus, Dialogue, Split, TurnId
from telme_model.events import Event, Phase, Progress, TurnPredicted
from telme_model.networks.devices import choose_device, leave_a_core, within_memory
from telme_model.paths import media_cache_folder
from telme_model.prediction.predictor import Embedder, Predictor, open_trained, stored_embeddings
from telme_model.prediction.stored import StoredPredictions
from telme_model.runs.config import AttentionScope, EvaluationOrder
from telme_model.runs.folder import check_outside

Pending = dict[tuple[Split, str], Dialogue]  # in the order in which they come when nobody asks for one
Result = TypeVar("Result")


@within_memory
def predict_as_wanted(
    run_path: Path,
    corpus: Corpus,
    known: Collection[TurnId],
    wanted: Callable[[], Dialogue | None],
    *,
    cache: Path | None = None,
) -> Generator[Event, None, None]:
    """Predict the turns that are not `known`: a TurnPredicted each, and the progress over all of them.

    `wanted` is asked again and again; its dialogue comes before all others. What is predicted is what `predict` says,
    to rounding, and is kept (`StoredPredictions`). Raises RunError, CacheError, WeightsError.
    """
    run = open_trained(run_path)
    cache = cache or media_cache_folder()
    check_outside(cache, corpus.root)
    file = StoredPredictions(run, corpus)
    device = choose_device(run.config.device)
    leave_a_core(device)
    stored = stored_embeddings(run, corpus)
    predictor = Predictor(run, stored, device) if stored else None
    embedder = Embedder(run, corpus, device, cache)
    config = run.config  # in these, what comes together tells
    whole_splits = AttentionScope.BATCH is config.fusion.attention or EvaluationOrder.TABLE is config.evaluation_order
    waiting = _waiting(corpus, known, wanted(), whole_splits)
    total, done = sum(turn.id not in known for dialogue in waiting.values() for turn in dialogue.turns), 0
    while waiting:
        chunk = _take(waiting, wanted(), None if whole_splits else config.evaluation_batch)
        turns = tuple(turn for dialogue in chunk for turn in dialogue.turns)
        if not stored:
            progress = Progress(phase=Phase.EVALUATING, done=done, total=total)
            predictor = Predictor(run, (yield from _with_progress(embedder.embed(turns), progress)), device)
        assert predictor is not None
        rows = {turn.id: row for row, turn in enumerate(predictor.turns)}
        records = zip(turns, predictor.records_of([rows[turn.id] for turn in turns]))
        predicted = [(turn, record) for turn, record in records if turn.id not in known]
        file.add([record for turn, record in predicted if embedder.lasting(turn)])
        for _, record in predicted:
            done += 1
            yield TurnPredicted(record=record)
            yield Progress(phase=Phase.EVALUATING, done=done, total=total)


def _waiting(corpus: Corpus, known: Collection[TurnId], first: Dialogue | None, whole_splits: bool) -> Pending:
    """The dialogues to predict, those of the first one's split before the others."""
    lacking = {(d.split, d.name): d for d in corpus.dialogues if any(turn.id not in known for turn in d.turns)}
    splits = sorted(corpus.splits(), key=lambda split: first is None or split is not first.split)
    if whole_splits:
        incomplete = {split for split, _ in lacking}
        lacking = {(d.split, d.name): d for d in corpus.dialogues if d.split in incomplete}
    return {key: d for split in splits for key, d in lacking.items() if d.split is split}


def _take(waiting: Pending, wanted: Dialogue | None, turns: int | None) -> list[Dialogue]:
    """Take out what comes next: the wanted dialogue alone, or those at the head, of one split, up to so many turns.

    Without a limit, all of a split.
    """
    if wanted is None or (wanted.split, wanted.name) not in waiting:
        wanted, split = None, next(iter(waiting))[0]
    else:
        split = wanted.split
    if wanted is not None and turns is not None:
        return [waiting.pop((split, wanted.name))]
    taken: list[Dialogue] = []
    for key, dialogue in list(waiting.items()):
        if dialogue.split is split and (turns is None or sum(len(d.turns) for d in taken) < turns):
            taken.append(waiting.pop(key))
    return taken


def _with_progress(work: Generator[Event, None, Result], progress: Progress) -> Generator[Event, None, Result]:
    """Walk `work`, and at each of its events tell the progress of the whole instead."""
    with closing(work):
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            yield progress
