"""What is said of a teacher that is no better than a guess, in the terminal and in the monitor alike."""

from telme_model.events import TeacherAtChance
from telme_model.runs.config import AtChance
from telme_model.runs.remedies import WITHOUT_TEACHER

TITLE = "The teacher is no better than a guess"
_FOLLOWS = {
    AtChance.DISTIL: "Its students learn from it all the same, as the settings say; without it they may learn more.",
    AtChance.PLAIN: "Its students are trained without it, as the settings say.",
    AtChance.STOP: "The run stops here, as the settings say.",
}


def cause(event: TeacherAtChance) -> str:
    """How it was found out, a sentence."""
    return (
        f"On {event.turns:,} turns of dev it has {event.weighted_f1:.1f} weighted F1; saying {event.majority} always "
        f"gives {event.majority_f1:.1f}, its own answers dealt out at random {event.shuffled_f1:.1f}, and the interval "
        "of the difference does not lie above 0."
    )


def follows(event: TeacherAtChance) -> str:
    """What happens now, a sentence."""
    return _FOLLOWS[AtChance(event.follows)]


def way_on() -> str:
    """What can be done in a terminal."""
    changes = " ".join(f"--set {change}" for change in WITHOUT_TEACHER)
    return f"To train them without it, stop and go on with --resume {changes}; or set distillation.at_chance."
