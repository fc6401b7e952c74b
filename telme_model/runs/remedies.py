"""What to change in a run that could not go on, as settings that `train --resume` takes."""

import math
from dataclasses import replace

from telme_model.events import Phase
from telme_model.runs.config import Config, ConfigError, EvaluationOrder, Precision, StageConfig


def stage_of(config: Config, phase: Phase) -> tuple[str, StageConfig] | None:
    """The settings of a phase that optimises, and their name; None for the others."""
    name = next((model.stage for model in config.models if model.phase is phase), None)
    return None if name is None else (f"stages.{name}", getattr(config.stages, name))


def smaller_batch(config: Config, phase: Phase) -> tuple[str, ...]:
    """Half the batch, with as many accumulated that a step sees as many turns; empty where nothing can be halved."""
    settings = []
    found = stage_of(config, phase)
    if found is not None and found[1].batch > 1:
        name, stage = found
        half = stage.batch // 2
        settings += [f"{name}.batch={half}", f"{name}.accumulate={math.ceil(stage.accumulate * stage.batch / half)}"]
    if config.evaluation_batch > 1 and config.evaluation_order is EvaluationOrder.LENGTH:  # else it tells
        settings.append(f"evaluation_batch={config.evaluation_batch // 2}")
    return tuple(settings)


def gentler_steps(config: Config, phase: Phase, *, halved: bool) -> tuple[str, ...]:
    """Arithmetic in fp32 where it was `halved` (bf16, fp16), else half the learning rate."""
    found = stage_of(config, phase)
    if found is None:
        return ()
    name, stage = found
    if halved:
        return (f"{name}.precision={Precision.FP32}",)
    return (f"{name}.learning_rate={stage.learning_rate / 2:.3g}",)


WITHOUT_TEACHER = ("distillation.alpha=0", "distillation.beta=0")  # plain students


def changed(config: Config, changes: tuple[str, ...]) -> Config:
    """The settings of a run that goes on with `changes`. Raises ConfigError where they touch what is built already."""
    new = config.with_settings(changes)
    unchanged = replace(
        new,
        stages=config.stages,
        evaluation_batch=config.evaluation_batch,
        device=config.device,
        checkpoint_steps=config.checkpoint_steps,
        distillation=config.distillation,
    )
    if unchanged != config:
        raise ConfigError(
            "in a run that has begun only stages.*, evaluation_batch, device and checkpoint_steps can be changed, and "
            "distillation.* before the first student is trained; train a new run for other settings"
        )
    return new
