"""What the training dialog opens with: the last choice, what a training that failed was asked, or the usual."""

from telme_gui.look.settings import LastTraining
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model import bundled
from telme_model.corpus.dialogue import Corpus
from telme_model.corpus.emotions import IEMOCAP
from telme_model.runs.plan import Plan, differences


def failed_plan(trainer: Trainer, corpus: Corpus | None) -> Plan | None:
    """What was asked of the last training, where that failed on this corpus."""
    plan = trainer.plan if trainer.state is TrainerState.FAILED else None
    return plan if plan and corpus and plan.corpus.resolve() == corpus.root.resolve() else None


def chosen(plan: Plan) -> LastTraining:
    """The choice that leads to this plan."""
    return LastTraining(
        preset=plan.config.preset,
        settings=differences(plan.config),
        seeds=str(plan.config.seed),
        folder=str(plan.run.parent),
        layer=plan.layer,
    )


def usual_preset(corpus: Corpus | None) -> str:
    """What is trained on a corpus where nobody has chosen yet."""
    if corpus is not None and corpus.root.resolve() == bundled.DEMO_CORPUS.resolve():
        return "demo"
    return "paper-iemocap" if corpus is not None and corpus.labels == IEMOCAP else "paper-meld"
