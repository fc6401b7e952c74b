"""Why a training could not go on, with its cause and a remedy, and with a plan to try where there is one."""

from dataclasses import dataclass, replace

from telme_model.errors import StudioError
from telme_model.runs.folder import RunGoneError
from telme_model.runs.plan import Plan

CHANGE = "Change settings…"  # on the button that asks for other ones
# Where an error brings no remedy of its own.
_GO_ON = "Mend that and go on: what was done is kept."
_GENERAL = {CHANGE: "Change that and train again.", "Try again": "Mend that and try again."}  # by what is offered
_GOING_ON = {  # by the first setting that is changed
    "batch": "with a batch of {}",
    "evaluation_batch": "with an evaluation batch of {}",
    "precision": "in {}",
    "learning_rate": "with a learning rate of {}",
    "alpha": "without distillation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProblem:
    """Why a run ended before its time, and what to do."""

    title: str  # "The memory is used up"
    cause: str  # a sentence
    remedy: str  # a sentence
    offer: Plan | None = None  # what to try instead: `trainer.submit([offer])` ...
    offer_name: str = ""  # ... and what its button says, "Go on with a batch of 2"
    asks: bool = False  # a person is to change its settings first


def explain(error: StudioError, plan: Plan, *, begun: bool) -> RunProblem:
    """The problem behind an error that ended `plan`. `begun` tells whether there is a run to go on with."""
    offer, name = _offer(error, plan, begun)
    return RunProblem(
        title=error.title or f"The training could not {'go on' if begun else 'begin'}",
        cause=_sentence(str(error)),
        remedy=error.remedy or _GENERAL.get(name, _GO_ON),
        offer=offer,
        offer_name=name,
        asks=name == CHANGE,
    )


def defect(error: Exception) -> RunProblem:
    """The problem behind an error that nobody expected."""
    return RunProblem(
        title="The training met an error that nobody expected",
        cause=f"{type(error).__name__}: {error}",
        remedy="Please copy the report into a bug report. What was done up to the last checkpoint is kept.",
    )


def _offer(error: StudioError, plan: Plan, begun: bool) -> tuple[Plan, str]:
    """What to try instead, and what its button says."""
    if error.changes:
        key, _, value = error.changes[0].partition("=")
        words = _GOING_ON[key.rpartition(".")[2]].format(value)
        going_on = plan.going_on(error.changes)
        return going_on if begun else replace(going_on, resume=False, changes=()), f"Go on {words}"
    if isinstance(error, RunGoneError):
        return replace(plan, resume=False, changes=()), "Train it anew"
    if error.needs_change or not (begun or error.title):
        return plan, CHANGE
    return (plan.going_on(), "Resume") if begun else (plan, "Try again")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
