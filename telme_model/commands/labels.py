"""The commands `export` and `import`: labels as files of other programs, without a window."""

import argparse
from pathlib import Path
from typing import Any

from telme_model.commands.interface import Add, add_corpus, open_named
from telme_model.commands.telling import tell


def add_command(add: Add) -> None:
    """Add both."""
    out = add("export", _export, "Write layers of labels for other programs.")
    add_corpus(out)
    out.add_argument("--layer", action="append", metavar="NAME", help="may be repeated (default: every layer but gold)")
    out.add_argument("--format", required=True, choices=["meld", "jsonl", "elan", "textgrid", "webvtt"])
    out.add_argument(
        "--turns",
        choices=["all", "labelled"],
        default="all",
        help="of MELD's tables: all, with gold where there is no label",
    )
    out.add_argument("--out", type=Path, required=True, metavar="PATH", help="a folder, or the file for jsonl")

    take = add("import", _import, "Take labels from files of other programs; exit code 1 when one found no place.")
    add_corpus(take)
    take.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="files of other programs (see README), or folders of them"
    )
    take.add_argument("--layer", default="", metavar="NAME", help="for labels whose layer is not told, or all of one")
    again = "; remembered, auto forgets"
    pairs: dict[str, Any] = {"action": "append", "default": [], "metavar": "PAIRS"}
    take.add_argument("--words", **pairs, help=f"emotions by the files' words, happy=joy,angry=anger{again}")
    take.add_argument(
        "--tiers", **pairs, help=f"layers by tier, 'Coder 1=anna,comments='; nothing leaves one out{again}"
    )
    take.add_argument("--speakers", **pairs, help=f"speakers by tier, participant or voice, p1=Ada{again}")
    take.add_argument("--fields", **pairs, help=f"columns of tables by field, emotion=Label,dialogue=Scene{again}")
    take.add_argument(
        "--replace", action="store_true", help="also remove labels of these dialogues that the files no longer have"
    )
    take.add_argument("--dry-run", action="store_true", help="only tell what would change")
    take.add_argument("--json", action="store_true")


def _export(options: argparse.Namespace) -> int:
    from telme_model.annotations.exchange import ExchangeError, Format, export
    from telme_model.annotations.exchange.transfer import layers_of
    from telme_model.annotations.places import store_path
    from telme_model.annotations.store import Store
    from telme_model.commands.terminal import Returned, watched
    from telme_model.runs.quantities import counted

    corpus = open_named(options)
    with Store.open(store_path(corpus), corpus) as store:
        names = options.layer or store.layers()
        if not names:
            raise ExchangeError(f"{corpus.root} has no layer of labels yet; --layer gold exports its own")
        layers = layers_of(store, corpus, names)
    work = Returned(export(Format(options.format), options.out, corpus, layers, labelled=options.turns == "labelled"))
    for _event in watched(iter(work)):
        pass
    written = f"{counted(work.value.labels, 'label')} in {counted(len(work.value.files), 'file')}"
    tell(f"{written} in {options.out}", aside=True)
    for sentence in work.value.left_out:
        tell(f"not written: {sentence}", aside=True)
    return 0


def _import(options: argparse.Namespace) -> int:
    from telme_model.annotations.exchange import take_in
    from telme_model.annotations.exchange.terms import remember, remembered
    from telme_model.annotations.exchange.transfer import apply, preview, targets
    from telme_model.annotations.places import store_path
    from telme_model.annotations.store import Store
    from telme_model.commands.terminal import Returned, print_json, watched

    corpus = open_named(options)
    terms = remembered(corpus).with_words(
        emotions=options.words, layers=options.tiers, speakers=options.speakers, columns=options.fields
    )
    work = Returned(take_in(options.files, corpus, terms))
    for _event in watched(iter(work), quiet=options.json):
        pass
    with Store.open(store_path(corpus), corpus) as store:
        shown = preview(store, work.value, targets(work.value, options.layer), replacing=options.replace)
        if not options.dry_run:
            remember(corpus, terms)
            apply(store, shown, ", ".join(place.name for place in options.files)[:200])
    if options.json:
        print_json(shown.data() | {"imported": not options.dry_run})
    else:
        for one in shown.unplaced:
            tell(f"not placed: {one.where}: {one.what}: {one.reason}")
        for (layer, _, turn), label in shown.removed.items():
            tell(f"{'would remove' if options.dry_run else 'removed'}: {layer}: {turn}: {label.emotion or 'a remark'}")
        tell(shown.summary())
    return int(bool(shown.unplaced))
