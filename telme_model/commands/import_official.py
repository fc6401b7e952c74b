"""The command `import-official`: the checkpoints that were released with TelME become a run."""

import argparse
from pathlib import Path

from telme_model.commands.interface import Add
from telme_model.commands.telling import tell


def add_command(add: Add) -> None:
    """Add `import-official`."""
    parser = add("import-official", _import, "Make a run of the checkpoints that were released with TelME.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where teacher.bin and the others are unpacked")
    parser.add_argument("--dataset", choices=["meld", "iemocap"], required=True, help="what they were trained on")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="the run's folder, new")
    parser.add_argument(
        "--encoders", type=Path, metavar="DIR", help="folders text, audio and visual with each encoder's config.json"
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        metavar="DIR",
        help="the corpus whose turns stand for absent modalities in Shapley shares",
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where decoded media are kept")


def _import(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import watched
    from telme_model.runs import catalogue
    from telme_model.training.released import import_released

    events = import_released(
        options.folder,
        options.dataset,
        options.run,
        encoders=options.encoders,
        corpus_root=options.corpus,
        cache=options.cache,
    )
    for _ in watched(events):
        pass
    catalogue.remember(options.run)
    tell(f"{options.run} predicts as the released code does: predict CORPUS --run {options.run}")
    return 0
