"""Starting what is planned, from a window's thread or a shell: importing this loads no torch, walking the work does."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from telme_model.events import Event
from telme_model.media.workers import leave_if_not_meant
from telme_model.networks.libraries import load_torch
from telme_model.runs import catalogue
from telme_model.runs.plan import STAGES, Plan


def train_plan(plan: Plan, *, stages: Sequence[str] = STAGES, cache: Path | None = None) -> Iterator[Event]:
    """The training of `plan`, as `pipeline.train` tells and raises it; the list of runs knows of it from here on."""
    leave_if_not_meant()
    catalogue.remember(plan.run)
    load_torch()
    from telme_model.training.pipeline import train

    return train(
        plan.config,
        plan.corpus,
        plan.run,
        stages=stages,
        resume=plan.resume,
        changes=plan.changes,
        warm_start=None if plan.resume else plan.warm_start,
        layer=plan.layer,
        store=plan.store,
        cache=cache,
    )
