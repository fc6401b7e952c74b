"""Makes the demo's bundled run: `python -m telme_model.demo.bundle` trains it in place and makes it small.

The encoders' weights are kept in half precision (predictions on the demo corpus come from the stored embeddings and
the fusion, which stay whole), and TensorBoard's files are left out.
"""

import argparse
import json
import logging
import shutil
from pathlib import Path

from telme_model.bundled import DEMO
from telme_model.events import EpochDone
from telme_model.networks.tensors import load_tensors, save_tensors
from telme_model.runs.folder import RunFolder
from telme_model.runs.presets import preset
from telme_model.training.pipeline import train

log = logging.getLogger(__name__)


def bundle(corpus: Path, run: Path) -> None:
    """Train the `demo` preset on `corpus` into the new folder `run`, then make it small."""
    config = preset("demo")
    for event in train(config, corpus, run):
        if isinstance(event, EpochDone):
            log.info("%s %d: dev weighted F1 %.2f", event.phase, event.epoch, event.dev_weighted_f1)
    slim(RunFolder.open(run))


def slim(folder: RunFolder) -> None:
    """Halve a run's encoder weights, and leave out TensorBoard's files and messages, which name places on a disk."""
    for modality in folder.config.modalities:
        tensors = load_tensors(folder, f"weights/{modality}")
        halved = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
        save_tensors(folder, f"weights/{modality}", halved)
    shutil.rmtree(folder.path / "tensorboard", ignore_errors=True)
    lines = (folder.path / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    folder.write_text("events.jsonl", "".join(line for line in lines if json.loads(line)["event"] != "Message"))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=DEMO / "corpus")
    parser.add_argument("--run", type=Path, default=DEMO / "run")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    bundle(options.corpus, options.run)


if __name__ == "__main__":
    main()
