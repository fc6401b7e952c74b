"""The command `train`: the three stages, in the terminal."""

import argparse
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telme_model.commands.interface import Add, add_corpus, layer_name, remember_reading
from telme_model.commands.telling import tell

if TYPE_CHECKING:
    from telme_model.runs.plan import Plan

_INDENT = " " * 4


def add_command(add: Add) -> None:
    """Add `train`."""
    train = add("train", _train, "Train the three stages: teacher, students by distillation, fusion.")
    add_plan_arguments(train)
    train.add_argument("--stage", choices=["teacher", "students", "fusion"], help="one stage only")
    train.add_argument("--cache", type=Path, metavar="DIR", help="where decoded media are kept")
    train.add_argument("--json", action="store_true", help="print only the final scores, as JSON")


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which run is trained on what; `plan_of` reads it."""
    add_corpus(parser)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="the run's folder, new or to resume")
    parser.add_argument("--preset", help="paper-meld (default), paper-iemocap, official-..., compact, demo, toy")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a config.toml instead of a preset")
    parser.add_argument(
        "--set",
        action="append",
        metavar="KEY=VALUE",
        help="change one setting; may be repeated; with --resume, of the stages only",
    )
    parser.add_argument(
        "--help-settings",
        action=_HelpSettings,
        nargs="?",
        metavar="PRESET",
        help="tell every KEY, what it does and may be, and its value in a preset",
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped or killed")
    parser.add_argument("--warm-start", type=Path, metavar="RUN", help="begin with this run's encoders")
    parser.add_argument(
        "--labels", type=layer_name, metavar="LAYER", help="learn this layer's labels, gold where it has none"
    )


class _HelpSettings(argparse.Action):
    """Prints every setting, and ends; what else the command asks for is not asked."""

    def __call__(self, parser: argparse.ArgumentParser, _namespace: Any, name: Any, _option: str | None = None) -> None:
        """Print them as they are in the preset that is named, paper-meld by default. Raises ConfigError."""
        from telme_model.runs.config import SETTINGS, to_dict
        from telme_model.runs.plan import flat, setting_text
        from telme_model.runs.presets import preset

        values = flat(to_dict(preset(name or "paper-meld")))
        width = shutil.get_terminal_size().columns
        lines = []
        for path, setting in SETTINGS.items():
            words = f"{setting.title}: {setting.help} It has to {setting.allowed}."
            lines += [f"{path}={setting_text(values[path])}"]
            lines += textwrap.wrap(
                words, width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
            )
        tell("\n".join(lines))
        parser.exit()


def plan_of(options: argparse.Namespace) -> "Plan":
    """The run that the options ask for. Raises ConfigError, RunError."""
    from telme_model.corpus.dialogue import GOLD
    from telme_model.runs.config import read_config
    from telme_model.runs.folder import RunError, RunFolder
    from telme_model.runs.plan import Plan
    from telme_model.runs.presets import preset

    remember_reading(options)
    if options.resume:
        if options.preset or options.config or options.warm_start or options.labels or options.seed is not None:
            raise RunError(
                "--resume goes on with the run's own settings; leave --preset, --config, --seed, --warm-start and "
                "--labels out (--set may change how its stages are optimised)"
            )
        config = RunFolder.open(options.run).config
    else:
        config = read_config(options.config) if options.config else preset(options.preset or "paper-meld")
        settings = list(options.set or ()) + ([] if options.seed is None else [f"seed={options.seed}"])
        config = config.with_settings(settings)
    return Plan(
        config=config,
        corpus=options.corpus,
        run=options.run,
        resume=options.resume,
        changes=tuple(options.set or ()) if options.resume else (),
        warm_start=options.warm_start,
        layer=options.labels or GOLD,
    )


def _train(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import print_json, score_table, stopping_between_events, watched
    from telme_model.events import RunFinished
    from telme_model.runs.plan import STAGES
    from telme_model.training.start import train_plan

    events = train_plan(plan_of(options), stages=(options.stage,) if options.stage else STAGES, cache=options.cache)
    with stopping_between_events() as asked:
        for event in watched(events, quiet=options.json, asked=asked):
            if isinstance(event, RunFinished):
                if options.json:
                    print_json({"run": str(options.run), "scores": event.scores})
                    continue
                for split, scores in event.scores.items():
                    tell(f"\n{split}")
                    tell("\n".join(score_table(scores)))
    return 0
