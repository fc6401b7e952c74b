"""Whether training can start: the first thing that stands in its way, as a sentence."""

import os
from collections.abc import Sequence
from pathlib import Path

from telme_gui.training.dialog.reckoner import Answer, CostQuestion, Reckoner
from telme_model.corpus.dialogue import Corpus
from telme_model.runs.config import Config
from telme_model.runs.costs import Costs, Machine
from telme_model.runs.folder import RunError, RunFolder, check_outside, is_free
from telme_model.runs.names import corpus_name
from telme_model.runs.obstacles import clips_gone, disk_too_small, unlabelled
from telme_model.runs.plan import Plan
from telme_model.runs.weights import HubAnswer, Weights

LONGEST = 200  # bytes of a run's name: file systems take 255, and seed and variant are put behind it


def corpus_obstacle(corpus: Corpus | None) -> str:
    """Why nothing can be trained on this corpus with these labels."""
    if corpus is None:
        return "No corpus is open: choose one on the page Run."
    split = unlabelled(corpus)
    if split is None:
        return ""
    needed = "training needs train and dev (the epoch is chosen on dev)"
    return f"{corpus_name(corpus.root)[0]} has no labelled turns in its {split} split; {needed}."


def name_obstacle(name: str, folder: Path) -> str:
    """Why a run in `folder` cannot be called so."""
    if not name:
        return "The run has no name: write one on the page Run."
    if len(os.fsencode(name)) > LONGEST:
        return f"The run's name is too long: {LONGEST} letters at most."
    if name.startswith(".") or any(sign in name for sign in '/\\:*?"<>|'):
        return f"“{name}” cannot be a run's name: write letters, digits, - and _."
    return "" if folder.is_absolute() else "Choose the folder in which the run's folder is made."


def folder_obstacle(plans: Sequence[Plan], waiting: Sequence[Path] = ()) -> str:
    """Why a run's folder cannot be made; `waiting` are those of runs that are queued or under way."""
    for plan in plans:
        run = plan.run
        if run in waiting:
            return f"{run.name} is already being trained, or waits for it: choose another name."
        try:
            if not is_free(run):
                return f"{run} already holds files: choose another name, or resume the run there."
            check_outside(run, plan.corpus)
            parent = next(place for place in run.absolute().parents if place.exists())
        except RunError as error:
            return f"{error}: choose another folder to keep runs in."
        if not parent.is_dir():
            return f"{parent} is a file: choose a folder to keep runs in."
    return ""


def device_obstacle(device: str, machine: Machine) -> str:
    """Why this machine cannot compute on `device`."""
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= len(machine.gpus):
        return f"{device} is not here: this machine has {len(machine.gpus)} CUDA GPUs. Take auto or the processor."
    if device == "mps" and not machine.mps:
        return "mps is not here: this machine has no Apple GPU that PyTorch sees. Take auto or the processor."
    return ""


def weights_obstacle(found: Weights, hub: HubAnswer | None) -> str:
    """Why these weights cannot be had."""
    if found.lacking:
        return f"{found.lacking}: choose another on the page Backbones."
    if found.here:
        return ""
    if hub is None:
        return f"{found.name} is not on this machine: asking the hub whether it can be fetched…"
    if not hub.found:
        return f"{found.name} is neither a folder nor a model on the hub: see the page Backbones."
    if not hub.reached:
        return (
            f"{found.name} is not on this machine and the hub cannot be reached: connect to the network, choose a "
            "folder on the page Backbones, or take the preset Demo, which fetches nothing."
        )
    return ""


def clips_obstacle(corpus: Corpus, cost: Costs, config: Config) -> str:
    """Why a modality cannot be learnt from this corpus: what is missing, and the way on."""
    silent = cost.without_clips(config.modalities)
    if not silent:
        return ""
    _, reason = clips_gone(corpus, cost, silent)
    way = "choose another teacher" if config.teacher in silent else f"leave {' and '.join(silent)} out"
    return f"{reason} Bring the clips there and open the corpus again, or {way} on the page Ablation."


def disk_obstacle(answer: Answer, runs: int) -> str:
    """Why the disk is too small for the cache and so many runs."""
    reason = disk_too_small(answer.costs, answer.weights.values(), runs) if answer.costs else ""
    return f"{reason}. Make room, or train fewer runs." if reason else ""


def warm_start_obstacle(run: Path | None, config: Config, corpus: Corpus | None) -> str:
    """Why the encoders of `run` cannot be begun with."""
    if run is None:
        return ""
    try:
        folder = RunFolder.open(run)
        theirs, facts = folder.config, folder.facts
    except RunError as error:
        return f"{error}: choose another run to begin with, or none."
    if corpus is not None and facts["corpus"]["labels"] != corpus.labels.name:
        theirs_of = facts["corpus"]["labels"]
        return f"{run.name} knows the emotions of {theirs_of}, not {corpus.labels.name}'s: begin with another run."
    if theirs.dim != config.dim:
        return f"{run.name} has features of width {theirs.dim}, this run of {config.dim}: make them alike."
    for modality in config.modalities:
        ours, other = getattr(config, modality).weights, getattr(theirs, modality).weights
        if ours != other and modality in theirs.modalities:
            return f"{run.name} has the {modality} encoder {other}, this run {ours}: make them alike to begin with it."
    return ""


def answer_obstacle(reckoner: Reckoner, question: CostQuestion, plans: Sequence[Plan]) -> str:
    """What the look at machine, weights, clips and disk found in the way; of room, nothing while it is under way."""
    config = question.config
    if reckoner.under_way:
        return "The encoders are being measured: wait until that has ended."
    if reckoner.looked and (reason := device_obstacle(config.device, reckoner.machine)):
        return reason
    answer = reckoner.answer
    if answer is None or answer.question.places() != question.places():
        return "Looking for weights and clips, and at the folder for runs…"
    if answer.refused:
        return answer.refused
    for plan in plans:  # an ablation may need what the run itself does without
        if answer.costs and question.corpus and (reason := clips_obstacle(question.corpus, answer.costs, plan.config)):
            return reason
    for modality in config.modalities:
        found = answer.weights.get(modality)
        if found is None or found.name != getattr(config, modality).weights:
            return "Looking where the encoders’ weights are…"
        if reason := weights_obstacle(found, reckoner.hub.get(found.name)):
            return reason
    return disk_obstacle(answer, len(plans)) if answer.config == config else ""
