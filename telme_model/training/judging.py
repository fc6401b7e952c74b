"""Whether the teacher has anything to teach, and what may still be changed of what it teaches."""

from collections import Counter
from collections.abc import Sequence

from telme_model.analysis.chance import AgainstChance, against_chance
from telme_model.corpus.dialogue import Split, Turn
from telme_model.corpus.emotions import LabelSet
from telme_model.events import TeacherAtChance
from telme_model.networks.embedding import Embeddings
from telme_model.runs.config import AtChance, Config
from telme_model.runs.folder import RESUME, RunError, RunFolder
from telme_model.runs.remedies import WITHOUT_TEACHER
from telme_model.training.checkpoint import load_resume
from telme_model.training.fitting import TrainingError
from telme_model.training.tasks import labelled_rows


class TeacherAtChanceError(TrainingError):
    """The run is to stop where its teacher is no better than a guess."""

    title = "The teacher is no better than a guess"

    def __init__(self) -> None:
        super().__init__(
            "the teacher is at chance on dev, and distillation.at_chance says to stop there",
            "Its students learn better without it: go on so, or set distillation.at_chance=distil.",
            WITHOUT_TEACHER,
        )


def teacher_on_dev(teacher: Embeddings, turns: Sequence[Turn], labels: LabelSet) -> AgainstChance:
    """The teacher's predictions of dev's labelled turns against chance; `teacher` holds the rows of `turns`."""
    train = Counter(turns[row].gold for row in labelled_rows(turns, Split.TRAIN))
    majority = max(labels.labels, key=lambda label: train[label])
    dev = labelled_rows(turns, Split.DEV, teacher.present.tolist())
    return against_chance(
        [turns[row].gold for row in dev],
        teacher.logits[dev].argmax(-1).tolist(),
        [turns[row].id.dialogue for row in dev],
        labels.labels,
        majority,
    )


def at_chance_event(found: AgainstChance, follows: AtChance) -> TeacherAtChance:
    """What is told of a teacher at chance."""
    return TeacherAtChance(
        weighted_f1=found.weighted_f1,
        majority=found.majority,
        majority_f1=found.majority_f1,
        shuffled_f1=found.shuffled_f1,
        turns=found.turns,
        follows=follows,
    )


def check_distillation(run: RunFolder, config: Config) -> None:
    """Raise RunError where `config` changes what students of the run have learnt with already."""
    trained = [m for m in config.students if run.stage_facts(config.phase(m)) is not None]
    if trained and config.distillation != run.config.distillation:
        raise RunError(
            f"the {config.phase(trained[0])} of {run.path} is trained already, with the distillation of its settings; "
            "train a new run for another"
        )


def begin_student_anew(run: RunFolder, config: Config) -> None:
    """Let the student in flight go where `config` changes what it learns from; the teacher's state stays."""
    if config.distillation != run.config.distillation:
        phases = (config.phase(m) for m in config.students)
        if any(load_resume(run, phase) is not None for phase in phases):
            (run.path / RESUME).unlink(missing_ok=True)
