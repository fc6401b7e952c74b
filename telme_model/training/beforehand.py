"""What is looked at before a training decodes anything: what would end it hours later ends it here, with a way on."""

from pathlib import Path

from telme_model.corpus.dialogue import Corpus, Modality
from telme_model.media.shards import file_size
from telme_model.networks.backbones import check_weights
from telme_model.networks.warm_start import open_source
from telme_model.runs.config import Config
from telme_model.runs.costs import Costs, costs
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.obstacles import clips_gone, disk_too_small, unlabelled
from telme_model.runs.weights import find_weights
from telme_model.training.fitting import TrainingError


class NoTurnsError(TrainingError):
    """A split has no turn that could be learnt from."""

    title = "There is nothing to learn from"
    needs_change = True


class DiskTooSmallError(RunError):
    """Disks that would be full before the run's end."""

    title = "The disk is too small"
    remedy = "Make room there, or keep the run, or the decoded clips (--cache), on another disk."


def check_trainable(learnt: Corpus) -> None:
    """Raise NoTurnsError unless train and dev have labels."""
    if (split := unlabelled(learnt)) is not None:
        way = "label some, or open another corpus."
        if split not in learnt.splits():
            way = "bring a table of it (train.csv, dev.csv), or name a column of splits (--columns split=NAME)."
        raise NoTurnsError(
            f"{learnt.root} has no labelled turns in its {split} split",
            f"Training needs train and dev (the epoch is chosen on dev): {way}",
        )


def check_needs(
    config: Config, learnt: Corpus, run: Path, cache: Path, *, warm_start: Path | None = None, resume: bool = False
) -> Costs:
    """What the run costs, once it is sure that its encoders, its clips and the room for it are there.

    Of a run that goes on only what it has still to train is looked at. Touches the network where an encoder is not on
    this machine. Raises WeightsError, RunError, NoTurnsError, CacheError.
    """
    folder = RunFolder(run)
    left = [m for m in config.modalities if not resume or folder.stage_facts(config.phase(m)) is None]
    for modality in left:
        check_weights(getattr(config, modality).weights, modality)
    if warm_start is not None and left:
        open_source(warm_start, config)
    found = {modality: find_weights(getattr(config, modality).weights, modality) for modality in config.modalities}
    known = {modality: weights.architecture for modality, weights in found.items()}
    cost = costs(learnt, config, known, None, cache=cache, run=run)
    _check_clips(config, learnt, cost, left)
    kept = sum(file_size(file) for file in run.rglob("*")) if resume else 0
    lacking = [found[modality] for modality in left]
    if (not resume or left) and (reason := disk_too_small(cost, lacking, kept=kept)):
        raise DiskTooSmallError(reason)
    return cost


def _check_clips(config: Config, learnt: Corpus, cost: Costs, left: list[Modality]) -> None:
    silent = [modality for modality in cost.without_clips(config.modalities) if modality in left]
    if silent:
        split, why = clips_gone(learnt, cost, silent)
        raise NoTurnsError(
            f"no labelled turn of the {split} split has {silent[0]}: {why[:1].lower()}{why[1:]}",
            f"Bring the clips to their folders, or leave {' and '.join(silent)} out of teacher and students.",
        )
