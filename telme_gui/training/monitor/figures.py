"""The figures of a run in hand, worked out of its history for the monitor's tiles."""

from statistics import median

import psutil

from telme_gui.training.monitor.inks import STAGES
from telme_gui.training.monitor.tiles import KeyFigure
from telme_model.runs.history import History, StageHistory
from telme_model.runs.quantities import duration, size

LATEST = 20  # steps whose speed counts
COUNT = 6  # figures


def figures(history: History) -> tuple[KeyFigure, ...]:
    """Time left, speed, best score, memory and learning rate [COUNT]."""
    return (_run_left(history), _stage_left(history), _speed(history), _best(history), _memory(history), _rate(history))


def _run_left(history: History) -> KeyFigure:
    about = "From the speed of the phases so far, pauses left out"
    if history.result is not None:
        return KeyFigure(duration(history.seconds), "", "at work in all", "How long it worked, pauses left out")
    return KeyFigure(duration(history.eta), "", "left in the run", about)


def _stage_left(history: History) -> KeyFigure:
    stage = history.current
    if stage is None or stage.finished:
        return KeyFigure("–", "", "left in the stage")
    return KeyFigure(duration(stage.eta), "", f"left in {stage.phase}", "From the stage's own speed so far")


def _speed(history: History) -> KeyFigure:
    stage = history.current
    if stage is None or stage.finished:
        return KeyFigure("–", "turns/s", "speed")
    if stage.steps:
        speed = median(step.turns_per_second for step in stage.steps[-LATEST:])
        about = f"Forward and backward, the median of the last {LATEST} steps"
        return KeyFigure(f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}", "turns/s", f"speed, {stage.phase}", about)
    whole = stage.duration
    speed = stage.total / whole if whole else 0.0
    return KeyFigure(f"{speed:,.1f}" if speed else "–", f"{stage.unit}/s", f"speed, {stage.phase}")


def _best(history: History) -> KeyFigure:
    scored = [stage for stage in history.stages.values() if stage.best is not None]
    stage = _latest(scored, history.current)
    if stage is None or stage.best is None:
        return KeyFigure("–", "", "best dev F1", "Weighted F1 on dev, by which the epoch is chosen")
    caption = f"best dev F1 · {STAGES[stage.phase].name}, epoch {stage.best.epoch}"
    about = "Weighted F1 on dev, by which the epoch is chosen"
    return KeyFigure(f"{stage.best.dev_weighted_f1:.1f}", "", caption, about)


def _latest(scored: list[StageHistory], current: StageHistory | None) -> StageHistory | None:
    if current in scored:
        return current
    return scored[-1] if scored else None


def _memory(history: History) -> KeyFigure:
    used, there = psutil.Process().memory_info().rss, psutil.virtual_memory().total
    peak = max((epoch.gpu_memory for stage in history.stages.values() for epoch in stage.epochs), default=0)
    system = f"{size(used)} of {size(there)}"
    if peak:
        about = "The GPU's memory at its peak so far, and the memory of this program in this computer's"
        value, unit = size(peak).split()
        return KeyFigure(value, unit, f"on the GPU · memory {system}", about)
    value, unit = size(used).split()
    return KeyFigure(value, f"{unit} of {size(there)}", "memory", "Memory of this program in this computer's")


def _rate(history: History) -> KeyFigure:
    stage = history.current
    about = "Learning rate of the latest step: linear warm-up, then linear to 0"
    if stage is None or not stage.steps:
        return KeyFigure("–", "", "learning rate", about)
    number, _, power = f"{stage.steps[-1].learning_rate:.1e}".partition("e")
    return KeyFigure(f"{number}e{int(power)}" if float(number) else "0", "", "learning rate", about)
