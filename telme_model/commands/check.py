"""The command `check`: what is wrong with a corpus."""

import argparse

from telme_model.commands.interface import Add, add_corpus, open_named
from telme_model.commands.telling import tell


def add_command(add: Add) -> None:
    """Add `check`."""
    check = add("check", _check, "List every problem of a corpus; exit code 1 when one is fatal.")
    add_corpus(check)
    check.add_argument("--no-media", action="store_true", help="annotations only: leave the clips unopened")
    check.add_argument("--json", action="store_true")


def _check(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import print_json, watched
    from telme_model.corpus.dialogue import Severity
    from telme_model.corpus.health import ProblemFound
    from telme_model.media.health import check
    from telme_model.runs.quantities import counted

    corpus = open_named(options)
    events = watched(check(corpus, media=not options.no_media), quiet=options.json)
    problems = [event.problem for event in events if isinstance(event, ProblemFound)]
    if options.json:
        print_json(
            [
                {
                    "severity": str(p.severity),
                    "code": p.code,
                    "file": str(p.file),
                    "row": p.row,
                    "column": p.column,
                    "turn": str(p.turn) if p.turn else None,
                    "reason": p.reason,
                }
                for p in problems
            ]
        )
    else:
        for problem in problems:
            place = f"{problem.file}" + (f", row {problem.row}" if problem.row else "")
            tell(f"{problem.severity}: {problem.code}: {place}: {problem.reason}")
        count = {severity: sum(p.severity is severity for p in problems) for severity in Severity}
        turns = sum(1 for _ in corpus.turns())
        tell(
            f"{corpus.kind}: {counted(len(corpus.dialogues), 'dialogue')}, {counted(turns, 'turn')}; "
            + ", ".join(f"{number} {severity}" for severity, number in count.items())
        )
    return int(any(p.severity is Severity.FATAL for p in problems))
