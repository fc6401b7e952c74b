"""A plan says in a shell's words what it trains."""

from pathlib import Path

from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY


def test_the_command_of_a_plan_says_what_differs_from_the_preset() -> None:
    config = TOY.with_settings(["seed=3", "text.prompt=false", "students=audio"])
    plan = Plan(config=config, corpus=Path("my corpus"), run=Path("runs/a"), warm_start=Path("runs/b"), layer="Ada")
    assert plan.command() == (
        "python main.py train 'my corpus' --run runs/a --preset toy --set students=audio --set seed=3 "
        "--set text.prompt=false --warm-start runs/b --labels Ada"
    )
    going_on = plan.going_on(("stages.audio.batch=2",))
    assert going_on.command() == "python main.py train 'my corpus' --run runs/a --resume --set stages.audio.batch=2"
    assert going_on.config.stages.audio.batch == 2
