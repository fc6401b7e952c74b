"""What stands in the way of a training before anything is decoded: for the dialog and the command line alike.

Each function gives a reason without a way on, "" where there is none: the way is the dialog's page, or an option.
"""

from collections.abc import Iterable, Sequence

from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.runs.costs import Costs
from telme_model.runs.names import corpus_name
from telme_model.runs.quantities import size
from telme_model.runs.weights import Weights


def unlabelled(corpus: Corpus) -> Split | None:
    """The split without a label, where nothing can be learnt or no epoch chosen; None where train and dev have some."""
    labelled = {turn.id.split for turn in corpus.turns() if turn.gold is not None}
    return next((split for split in (Split.TRAIN, Split.DEV) if split not in labelled), None)


def clips_gone(corpus: Corpus, cost: Costs, silent: Sequence[Modality]) -> tuple[Split, str]:
    """The split whose turns lack all clips of the `silent` modalities (`cost.without_clips`), and why, a sentence."""
    empty = cost.lacking[silent[0]][Split.TRAIN] == cost.labelled[Split.TRAIN]
    split = Split.TRAIN if empty else Split.DEV
    told = [problem.reason for problem in corpus.problems if problem.code == "no-clips"]
    reason = next((reason for reason in told if split in reason), next(iter(told), ""))
    return split, reason or f"No clip of the {split} split is where {corpus_name(corpus.root)[0]} has it."


def disk_too_small(cost: Costs, weights: Iterable[Weights], runs: int = 1, *, kept: int = 0) -> str:
    """Why the disk does not hold the cache and so many runs, of which `kept` bytes are there already."""
    cache, run = cost.cache.bytes, max((cost.bytes_of(runs) or cost.scratch_bytes) - kept, 0)
    fetched = sum(found.bytes or 0 for found in weights if not found.here)
    needed, free = (cache + run + fetched, cost.run_free) if cost.one_disk else (run, cost.run_free)
    if not cost.one_disk and cache + fetched > cost.cache.free_bytes:
        needed, free = cache + fetched, cost.cache.free_bytes
    return f"The disk is too small: {size(needed)} are needed and {size(free)} free" if needed > free else ""
