"""The command `runs`: the runs of this machine, listed, compared, renamed, noted on, put away, and those that wait."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telme_model.analysis.models import FUSED
from telme_model.commands.interface import Add, Command
from telme_model.commands.telling import tell
from telme_model.commands.train import add_plan_arguments, plan_of
from telme_model.corpus.dialogue import Split
from telme_model.runs.quantities import counted, duration

if TYPE_CHECKING:
    from telme_model.runs.comparison import RunsComparison
    from telme_model.runs.facts import RunFacts
    from telme_model.runs.plan import Plan


def add_command(add: Add) -> None:
    """Add `runs` and what can be done with them."""
    runs = add("runs", _list, "Look after the runs of this machine, and what waits to be trained.")
    runs.set_defaults(json=False)
    parts = runs.add_subparsers(required=True, metavar="WHAT")

    def part(name: str, command: Command, text: str, *, among: Any = parts) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = among.add_parser(name, help=text, description=text)
        parser.set_defaults(command=command)
        parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
        return parser

    part("list", _list, "List the runs, the latest first.")
    show = part("show", _show, "Show a run's settings, scores, stages and note.")
    compare = part("compare", _compare, "Set finished runs on one corpus against the first of them.")
    compare.add_argument("runs", nargs="+", metavar="RUN")
    compare.add_argument("--split", choices=["dev", "test"], default="test")
    rename = part("rename", _rename, "Give a run's folder another name.")
    note = part("note", _note, "Write a note on a run, or read it; an empty one takes it away.")
    for parser in (show, rename, note):
        parser.add_argument("run", metavar="RUN", help="a run's name, or its folder")
    rename.add_argument("name", metavar="NAME")
    note.add_argument("text", nargs="?", metavar="TEXT")
    trash = part("trash", _trash, "Put runs into the system's trash.")
    trash.add_argument("runs", nargs="+", metavar="RUN")
    _add_queue(part("queue", _queue, "List what waits to be trained; the window trains it."), part)


def _add_queue(queue: argparse.ArgumentParser, part: Any) -> None:
    parts = queue.add_subparsers(metavar="WHAT")
    part("list", _queue, "List what waits to be trained.", among=parts)
    add_plan_arguments(part("add", _queue_add, "Let a run wait to be trained.", among=parts))
    remove = part("remove", _queue_remove, "Let runs wait no longer.", among=parts)
    remove.add_argument("runs", nargs="+", metavar="RUN", help="by the name of its folder")
    part("clear", _queue_clear, "Let no run wait any longer.", among=parts)


# -- looking -------------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import print_json, table
    from telme_model.paths import runs_folder
    from telme_model.runs import catalogue
    from telme_model.runs.facts import read_run

    found = [read_run(path) for path in catalogue.known_runs()]
    if options.json:
        print_json([_plain(facts) for facts in found])
    elif not found:
        tell(f"no run yet: those that are trained here, or in {runs_folder()}, are listed")
    else:
        head = ("run", "state", "corpus", "preset", "begun", "note", "seed", "dev F1", "test F1", "time")
        tell("\n".join(table([head, *map(_row, found)], left=6)))
        for facts in found:
            if facts.reason:
                tell(f"{facts.name}: {facts.reason}")
    return 0


def _row(facts: "RunFacts") -> tuple[str, ...]:
    scores = [str(models.get(FUSED, "-")) for models in (facts.dev, facts.test)]
    first = facts.note.partition("\n")[0]
    return (
        facts.name,
        facts.standing,
        facts.corpus or "-",
        facts.preset or "-",
        f"{facts.created.astimezone():%Y-%m-%d %H:%M}" if facts.created else "-",
        first if len(first) <= 40 else f"{first[:39]}…",
        "-" if facts.seed is None else str(facts.seed),
        *scores,
        duration(facts.seconds or None),
    )


def _show(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import print_json, score_table
    from telme_model.runs import catalogue
    from telme_model.runs.facts import RunState, read_run
    from telme_model.runs.folder import RunError, RunFolder
    from telme_model.runs.plan import differences

    path = catalogue.find(options.run)
    facts = read_run(path)
    if facts.state is RunState.BROKEN:
        raise RunError(facts.reason)
    folder = RunFolder(path)
    changed, stages = differences(folder.config), folder.facts["stages"]
    scores = folder.read_json("scores.json") if facts.dev or facts.test else {}
    if options.json:
        tree = _plain(facts) | {"settings": changed, "stages": stages, "scores": scores}
        print_json(tree | {"environment": folder.facts.get("environment", {})})
        return 0
    tell(f"{facts.name}: {facts.standing}\n{path.resolve()}")
    tell(f"trained on {facts.corpus}, preset {facts.preset}, {duration(facts.seconds or None)} at work")
    tell(f"changed: {'  '.join(changed)}" if changed else "no setting differs from the preset")
    for phase, stage in stages.items():
        trained = "best_epoch" in stage
        score = f"best epoch {stage['best_epoch']}, dev weighted F1 {stage['dev_weighted_f1']:.2f}" if trained else ""
        tell(f"  {phase}: {score or 'imported'}")
    for split, found in scores.items():
        tell(f"\n{split}")
        tell("\n".join(score_table(found)))
    if facts.note:
        tell(f"\n{facts.note}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import print_json
    from telme_model.runs import catalogue
    from telme_model.runs.comparison import compare
    from telme_model.runs.folder import RunError

    runs = list(dict.fromkeys(catalogue.find(name) for name in options.runs))
    if len(runs) < 2:
        raise RunError("a run is compared with others: name two or more")
    found = compare(runs, Split(options.split))
    if options.json:
        print_json(_stringed(asdict(found)))
    else:
        tell("\n".join(_comparison_lines(found)))
    return 0


def _comparison_lines(found: "RunsComparison") -> Iterator[str]:
    from telme_model.commands.terminal import table
    from telme_model.runs.names import run_name

    scores = [str(models[FUSED]) for models in found.scores]
    rows = [["", *map(run_name, found.runs)], [f"fused weighted F1 on {found.split}", *scores]]
    yield from table([*rows, *([key, *values] for key, values in found.settings.items())])
    for group in found.seeds:
        yield (
            f"\nalike but for the seed: {', '.join(map(run_name, group.runs))}: {group.mean:.2f} ± "
            f"{group.deviation:.2f} (mean and deviation)"
        )
    yield f"\nagainst {run_name(found.runs[0])} (paired bootstrap over dialogues)"
    for one in found.differences:
        corrected = "" if one.holm is None else f", {one.holm:.3f} after Holm"
        yield (
            f"  {run_name(one.run)}: {one.difference:+.2f} weighted F1 (95 % {one.low:+.2f} to {one.high:+.2f}, "
            f"p = {one.p:.3f}{corrected}), {one.changed} of {counted(one.turns, 'turn')} changed"
        )


# -- changing ------------------------------------------------------------------------------------------------------


def _rename(options: argparse.Namespace) -> int:
    from telme_model.runs import catalogue

    new = catalogue.rename(catalogue.find(options.run), options.name)
    return _done(options, {"run": str(new)}, f"now {new}")


def _note(options: argparse.Namespace) -> int:
    from telme_model.runs import catalogue
    from telme_model.runs.folder import RunFolder

    run = catalogue.find(options.run)
    if options.text is not None:
        catalogue.write_note(run, options.text)
    note = RunFolder(run).note
    return _done(options, {"run": str(run), "note": note}, note)


def _trash(options: argparse.Namespace) -> int:
    from telme_model.runs import catalogue

    runs = list(dict.fromkeys(catalogue.find(name) for name in options.runs))
    for run in runs:  # all or none, as far as can be seen
        catalogue.check_free(run, "deleted")
    places = {str(run): catalogue.move_to_trash(run) for run in runs}
    lines = [
        f"{run} is in the trash" if aside is None else f"there is no trash where {run} lay: it is kept in {aside}"
        for run, aside in places.items()
    ]
    tree = [{"run": run, "kept": None if aside is None else str(aside)} for run, aside in places.items()]
    return _done(options, tree, "\n".join(lines))


# -- what waits ----------------------------------------------------------------------------------------------------


def _queue(options: argparse.Namespace) -> int:
    from telme_model.runs.queue import waiting

    return _print_queue(options, waiting())


def _queue_add(options: argparse.Namespace) -> int:
    from telme_model.corpus import open_corpus
    from telme_model.runs.folder import RunError, check_outside, is_free
    from telme_model.runs.queue import change

    plan = plan_of(options)
    open_corpus(plan.corpus)
    check_outside(plan.run, plan.corpus)
    if not plan.resume and not is_free(plan.run):
        raise RunError(f"{plan.run} already holds files; resume the run there, or choose an empty folder")

    def add(plans: list["Plan"]) -> list["Plan"]:
        if any(other.run.absolute() == plan.run.absolute() for other in plans):
            raise RunError(f"{plan.run} waits to be trained already")
        return [*plans, plan]

    return _print_queue(options, change(add))


def _queue_remove(options: argparse.Namespace) -> int:
    from telme_model.runs.folder import RunError
    from telme_model.runs.queue import change

    def remove(plans: list["Plan"]) -> list["Plan"]:
        for name in options.runs:
            if not any(_is_named(plan, name) for plan in plans):
                raise RunError(f"no run “{name}” waits to be trained")
        return [plan for plan in plans if not any(_is_named(plan, name) for name in options.runs)]

    return _print_queue(options, change(remove))


def _queue_clear(options: argparse.Namespace) -> int:
    from telme_model.runs.queue import change

    return _print_queue(options, change(lambda _plans: []))


def _is_named(plan: "Plan", name: str) -> bool:
    return name in (plan.run.name, str(plan.run)) or Path(name).absolute() == plan.run.absolute()


def _print_queue(options: argparse.Namespace, plans: list["Plan"]) -> int:
    tree = [
        {"run": str(plan.run), "corpus": str(plan.corpus), "resume": plan.resume, "command": plan.command()}
        for plan in plans
    ]
    lines = [f"{plan.run.name}{' (goes on where it stood)' if plan.resume else ''}: {plan.command()}" for plan in plans]
    return _done(options, tree, "\n".join(lines) or "no run waits to be trained")


# -- telling -------------------------------------------------------------------------------------------------------


def _done(options: argparse.Namespace, tree: object, line: str) -> int:
    from telme_model.commands.terminal import print_json

    if options.json:
        print_json(tree)
    else:
        tell(line)
    return 0


def _plain(facts: "RunFacts") -> dict[str, Any]:
    """What a program reads of a run in the list."""
    tree = asdict(facts)
    del tree["stamp"]
    return {"name": facts.name, **_stringed(tree)}


def _stringed(tree: Any) -> Any:
    """Paths and times as text."""
    if isinstance(tree, dict):
        return {str(key): _stringed(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_stringed(value) for value in tree]
    return tree if isinstance(tree, str | int | float | None) else str(tree)
