"""Why a training could not go on, said with its cause and a remedy, and where there is one with a plan to try."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from telme_model.errors import expected_errors, sentence
from telme_model.events import Phase
from telme_model.runs.plan import Plan
from telme_model.runs.remedies import gentler_steps, smaller_batch, stage_of

CHANGE = "Change settings…"  # on the button that asks for other ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a run ended before its time, and what to do."""

    title: str  # "The memory is used up"
    cause: str  # a sentence
    remedy: str  # a sentence
    offer: Plan | None = None  # what to try instead: `trainer.submit([offer])` ...
    offer_name: str = ""  # ... and what its button says, "Go on with a batch of 2"
    asks: bool = False  # a person is to change its settings first


class TrainingFailed(Exception):  # noqa: N818 - it carries the problem of a run out of its thread
    """A run ended with a problem; `defect` is the error behind it where nobody expected one."""

    def __init__(self, problem: Problem, defect: Exception | None = None) -> None:
        super().__init__(problem.cause)
        self.problem, self.defect = problem, defect


def explain(error: Exception, plan: Plan, phase: Phase, *, begun: bool) -> Problem | None:
    """The problem behind an error that ended `plan` in `phase`; None where nobody expected such an error.

    `begun` tells whether there is a run to go on with. Kinds are told by name: those of the rooms with torch are not to
    be imported for this.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    cause = _sentence(error)
    again, again_name = (plan.going_on(), "Resume") if begun else (plan, "Try again")
    if kinds & {"MemoryFullError", "MemoryError"}:
        return _memory(getattr(error, "reason", ""), plan, phase, begun)
    if "NotFiniteError" in kinds:
        return _not_finite(cause, plan, phase)
    if (plan.resume and not plan.run.exists()) or "has gone while" in cause:
        remedy = "Put the folder back, from the trash perhaps, and resume the run; or train it anew."
        anew = replace(plan, resume=False, changes=())
        return Problem(
            title="The run’s folder has gone", cause=cause, remedy=remedy, offer=anew, offer_name="Train it anew"
        )
    for known in _KINDS:
        if known.kind in kinds and known.said in cause:
            offer, name = (plan, CHANGE) if known.asks else (again, again_name)
            title, remedy, asks = known.title, known.remedy, known.asks
            return Problem(title=title, cause=cause, remedy=remedy, offer=offer, offer_name=name, asks=asks)
    if isinstance(error, expected_errors()):
        if not begun:
            title, remedy = "The training could not begin", "Change that and train again."
            return Problem(title=title, cause=cause, remedy=remedy, offer=plan, offer_name=CHANGE, asks=True)
        remedy = "Mend that and go on: what was done is kept."
        title = "The training could not go on"
        return Problem(title=title, cause=cause, remedy=remedy, offer=again, offer_name=again_name)
    return None


class _Kind(NamedTuple):
    """What is said of a kind of error."""

    kind: str
    title: str
    remedy: str
    said: str = ""  # in the error's sentence
    asks: bool = False  # it would end so again, unless its settings are changed


_KINDS = (
    _Kind(
        "DiskFullError",
        "The disk is full",
        "Make room there and go on: all that was done up to the last checkpoint is kept.",
    ),
    _Kind(
        "WeightsError",
        "An encoder is not on this machine",
        "Connect to the network once and try again, or train with weights from a folder, or with another preset.",
        said="is not on this machine",
    ),
    _Kind("WeightsError", "This encoder cannot be used", "Choose another encoder, or another preset.", asks=True),
    _Kind(
        "CorpusChangedError",
        "The corpus is not the one this run began with",
        "Put the annotations and clips back as they were and resume, or train a new run on the corpus as it is now.",
        asks=True,
    ),
    _Kind("RunInTrainingError", "This run is being trained already", "Wait until that training ends, or stop it."),
    _Kind(
        "NoTurnsError",
        "There is nothing to learn from",
        "See that the clips lie where the corpus has them and can be read, or leave this modality out.",
        asks=True,
    ),
    _Kind(
        "MediaChangedError",
        "The clips of this corpus are gone or changed",
        "Put them back and resume, or train a new run on the corpus as it is now.",
    ),
    _Kind(
        "CacheFullError",
        "The disk is too small for the decoded media",
        "Make room there and go on: what was decoded is kept.",
    ),
    _Kind("CacheDamagedError", "The decoded media are gone or damaged", "Resume decodes them anew and goes on."),
    _Kind("CacheError", "The media cannot be decoded and kept", "Mend this and go on: what was decoded is kept."),
    _Kind("CorpusError", "The corpus cannot be read", "Mend the corpus, or bring it back to its place, and go on."),
    _Kind("ConfigError", "These settings cannot be trained", "Change them and train again.", asks=True),
)


def _memory(reason: str, plan: Plan, phase: Phase, begun: bool) -> Problem:
    title = "The memory is used up"
    cause = f"The phase “{phase}” needs more memory than there is."
    if reason:
        cause += f" The device says: {reason.rstrip('.')}."
    changes = smaller_batch(plan.config, phase)
    if not changes:
        remedy = "The batches are as small as can be: shorten the input (text.max_tokens), or take smaller encoders."
        return Problem(title=title, cause=cause, remedy=remedy)
    smaller = plan.going_on(changes)
    offer = smaller if begun else replace(smaller, resume=False, changes=())
    found = stage_of(offer.config, phase)
    batch = found[1].batch if found else offer.config.evaluation_batch
    remedy = "A smaller batch needs less; accumulated to as many turns a step, it learns the same."
    return Problem(title=title, cause=cause, remedy=remedy, offer=offer, offer_name=f"Go on with a batch of {batch}")


def _not_finite(cause: str, plan: Plan, phase: Phase) -> Problem:
    title = "The loss is no number any more"
    changes = gentler_steps(plan.config, phase, halved=_halved(plan, phase))
    name, _, value = changes[0].rpartition(".")[2].partition("=")
    if name == "precision":
        remedy, said = "Arithmetic in fp32 is slower and does not overflow", "Go on in fp32"
    else:
        remedy, said = "Smaller steps stay within bounds", f"Go on with a learning rate of {value}"
    remedy += "; the run goes on from its last checkpoint."
    return Problem(title=title, cause=cause, remedy=remedy, offer=plan.going_on(changes), offer_name=said)


def _halved(plan: Plan, phase: Phase) -> bool:
    """Whether the phase computes in fewer bits than fp32. The training's thread has imported torch by now."""
    from telme_model.networks.devices import autocast_type, choose_device

    found = stage_of(plan.config, phase)
    return found is not None and autocast_type(found[1].precision, choose_device(plan.config.device)) is not None


def _sentence(error: Exception) -> str:
    text = sentence(error) or type(error).__name__
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
