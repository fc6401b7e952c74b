"""What a run under way has told: a history that a test can reckon with."""

from telme_model.events import EpochDone, Phase, StageDone, StageStarted, StepDone
from telme_model.runs.history import History


def step(number: int, **losses: float) -> StepDone:
    losses = losses or {"total": 3.0, "cls": 2.0, "response": 0.5, "feature": 0.25}
    return StepDone(
        phase=Phase.AUDIO, epoch=1, step=number, steps=100, losses=losses, learning_rate=7.4e-6, turns_per_second=412.0
    )


def epoch(number: int, score: float, phase: Phase = Phase.AUDIO) -> EpochDone:
    return EpochDone(
        phase=phase, epoch=number, epochs=8, losses={"cls": 0.61}, learning_rate=1e-5, turns_per_second=400.0,
        dev_weighted_f1=score, dev_f1={}, best=True, gpu_memory=8_200_000_000,
    )  # fmt: skip


def under_way() -> History:
    """The audio student at step 50 of 100, 0.1 s a step, after a teacher."""
    history = History({Phase.TEACHER: 1.0, Phase.AUDIO: 1.0, Phase.VISUAL: 2.0})
    history.add(StageStarted(phase=Phase.TEACHER, steps=10, epochs=1, turns=40), 0.0)
    history.add(epoch(1, 57.3, Phase.TEACHER), 1.0)
    history.add(StageDone(phase=Phase.TEACHER, seconds=10.0, dev_weighted_f1=57.3), 10.0)
    history.add(StageStarted(phase=Phase.AUDIO, steps=100, epochs=8, turns=40), 10.0)
    for number in range(1, 51):
        history.add(step(number), 10.0 + number / 10)
    history.add(epoch(1, 44.0), 15.0)
    history.add(epoch(2, 45.1), 15.0)
    return history
