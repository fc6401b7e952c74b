"""The command `evaluate`: a run scored, and set against another."""

import argparse
from pathlib import Path
from typing import Any

from telme_model.commands.interface import Add, layer_name
from telme_model.commands.telling import tell
from telme_model.corpus.dialogue import Split


def add_command(add: Add) -> None:
    """Add `evaluate`."""
    evaluate = add("evaluate", _evaluate, "Score a run, and set it against another.")
    evaluate.add_argument("--run", type=Path, required=True, metavar="DIR")
    evaluate.add_argument("--split", choices=["dev", "test"], default="test")
    evaluate.add_argument("--against", type=Path, metavar="DIR", help="another run on the same corpus")
    evaluate.add_argument(
        "--labels", type=layer_name, metavar="LAYER", help="score against this layer's labels instead of gold"
    )
    evaluate.add_argument("--json", action="store_true")


def _evaluate(options: argparse.Namespace) -> int:
    from telme_model.analysis.evaluation import compare_runs
    from telme_model.commands.terminal import print_json, score_table
    from telme_model.runs.folder import RunError
    from telme_model.runs.quantities import counted
    from telme_model.runs.records import run_records, score_run, with_gold

    turns = _labelled_turns(options.run, options.labels) if options.labels else None
    scores = score_run(options.run, Split(options.split), turns)
    if turns and not scores:
        raise RunError(f"the layer {options.labels} labels no turn of {options.split}: nothing can be scored")
    result: dict[str, Any] = {"run": str(options.run), "split": options.split, "scores": scores}
    if options.against:
        ours, theirs = (run_records(run, Split(options.split)) for run in (options.run, options.against))
        if turns is not None:
            ours = with_gold(ours, turns)
        try:
            result["against"] = compare_runs(ours, theirs)
        except ValueError as error:
            raise RunError(f"{options.run} cannot be set against {options.against}: {error}") from error
    if options.json:
        print_json(result)
        return 0
    tell("\n".join(score_table(scores)))
    if options.against:
        paired = result["against"]
        low, high = paired["interval"]["low"], paired["interval"]["high"]
        tell(
            f"\nfused against {options.against}: {paired['difference']:+.2f} weighted F1 "
            f"(95 % {low:+.2f} to {high:+.2f}, p = {paired['p']:.3f}, paired bootstrap over dialogues), "
            f"{paired['changed']} of {counted(paired['turns'], 'turn')} changed"
        )
    return 0


def _labelled_turns(run: Path, layer: str) -> tuple[Any, ...]:
    """The turns of a run's corpus with a layer's labels as their gold, and none where it says nothing."""
    from telme_model.annotations.apply import layer_labels, with_labels
    from telme_model.corpus import open_corpus
    from telme_model.runs.folder import RunFolder

    root = RunFolder.open(run).facts["corpus"].get("root", "")
    corpus = open_corpus((run / root).resolve())
    return tuple(with_labels(corpus, layer_labels(corpus, layer), fallback=False).turns())
