"""The commands `demo` and `make-demo`: the bundled synthetic corpus in the terminal, and more like it."""

import argparse
from pathlib import Path

from telme_model.bundled import DEMO_CORPUS, DEMO_RUN
from telme_model.commands.interface import Add
from telme_model.commands.telling import tell
from telme_model.corpus.dialogue import Split


def add_demo(add: Add) -> None:
    """Add `demo`, where no window takes its place."""
    demo = add("demo", _demo, "Show the bundled demo corpus with its bundled run (synthetic).")
    demo.add_argument("--dialogue", default="", help="which test dialogue, by its number")


def add_make_demo(add: Add) -> None:
    """Add `make-demo`."""
    make = add("make-demo", _make_demo, "Build a synthetic corpus like the demo's, of any size.")
    make.add_argument("folder", type=Path)
    make.add_argument("--dialogues", type=int, default=84, help="split 60 : 8 : 16 (default 84)")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--texts", type=Path, metavar="CSV", help="words and labels of a real MELD annotation file")


def _demo(options: argparse.Namespace) -> int:
    return show_demo(options.dialogue)


def show_demo(dialogue: str = "") -> int:
    """Print a test dialogue of the bundled corpus as its bundled run predicts it, and the run's scores."""
    from telme_model.commands.terminal import dialogue_table, score_table
    from telme_model.corpus import open_corpus
    from telme_model.corpus.dialogue import CorpusError
    from telme_model.runs.records import run_records, score_run

    corpus = open_corpus(DEMO_CORPUS)
    records = run_records(DEMO_RUN, Split.TEST)
    dialogues = [d for d in corpus.dialogues if d.split is Split.TEST]
    chosen = next((d for d in dialogues if d.name == (dialogue or dialogues[0].name)), None)
    if chosen is None:
        names = ", ".join(d.name for d in dialogues)
        raise CorpusError(f"the demo has no test dialogue '{dialogue}'; it has {names}")
    by_utterance = {record["utterance"]: record for record in records if record["dialogue"] == chosen.name}
    tell(f"The bundled demo corpus (synthetic): test dialogue {chosen.name}, predicted by its bundled run\n")
    tell("\n".join(dialogue_table(chosen, by_utterance)))
    tell(f"\nAll {len(records)} test turns\n")
    tell("\n".join(score_table(score_run(DEMO_RUN, Split.TEST))))
    return 0


def _make_demo(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import watched
    from telme_model.demo.builder import make_demo

    for _event in watched(
        make_demo(options.folder, dialogues=options.dialogues, seed=options.seed, texts=options.texts)
    ):
        pass
    tell(f"a synthetic corpus of {options.dialogues} dialogues in {options.folder}", aside=True)
    return 0
