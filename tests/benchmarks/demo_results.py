"""What the demo corpus (synthetic) shows: three seeds with and without distillation, and who carries which cue.

    python tests/benchmarks/demo_results.py [--seeds 0 1 2] [--out DIR] [--json]

Every run is trained from the bundled encoders with the `demo` preset; the epoch is chosen on dev. Runs already
finished in DIR are not trained again.
"""

import argparse
import csv
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from telme_model.analysis.evaluation import evidence_shares, turn_key
from telme_model.analysis.metrics import weighted_f1
from telme_model.analysis.models import STANDARD
from telme_model.bundled import DEMO_CORPUS
from telme_model.commands.terminal import table
from telme_model.corpus import Split, open_corpus
from telme_model.runs.presets import preset
from telme_model.runs.records import run_records, score_run
from telme_model.training.pipeline import train

MODELS = STANDARD.keys
PLAYERS = ("text", "audio", "visual")
ARMS = {"distilled": (), "not distilled": ("distillation.alpha=0", "distillation.beta=0")}


def trained(corpus: Path, run: Path, settings: Sequence[str], cache: Path) -> float:
    """Train one run unless it is there; the seconds it took, 0 for one that was there."""
    if (run / "scores.json").is_file():
        return 0.0
    began = time.monotonic()
    for _event in train(preset("demo").with_settings(settings), corpus, run, cache=cache):
        pass
    return time.monotonic() - began


def cue_shares(corpus: Path, runs: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Mean share of what speaks for gold (`evidence_shares`) on the test turns of each single cue, over the runs."""
    with (corpus / "cues.csv").open(encoding="utf-8", newline="") as file:
        cues = {(row["split"], row["dialogue"], int(row["utterance"])): row["cue"] for row in csv.DictReader(file)}
    shares: dict[str, dict[str, float]] = {}
    for cue in ("text", "voice", "face"):
        each = []
        for run in runs:
            records = [record for record in run_records(run, Split.TEST) if cues[turn_key(record)] == cue]
            each.append(evidence_shares(records, PLAYERS))
        shares[cue] = {player: mean(of[player] for of in each) for player in PLAYERS}
    return shares


def majority(corpus: Path) -> float:
    """Weighted F1 on test of always saying the commonest emotion of train."""
    turns = open_corpus(corpus)
    common = Counter(turn.gold for turn in turns.turns(Split.TRAIN)).most_common(1)[0][0]
    gold = [turn.gold for turn in turns.turns(Split.TEST)]
    return weighted_f1(gold, [common] * len(gold), turns.labels.labels)


def report(results: dict[str, Any]) -> None:
    """Print the tables."""
    rows = [["test weighted F1", *MODELS, "seconds"]]
    for arm, runs in results["runs"].items():
        for seed, of in runs.items():
            rows.append([f"{arm}, seed {seed}", *(f"{of[m]:.2f}" for m in MODELS), f"{of['seconds']:.0f}"])
        for name, fold in (("mean", mean), ("standard deviation", stdev)):
            if len(runs) > 1:
                rows.append([f"{arm}, {name}", *(f"{fold(of[m] for of in runs.values()):.2f}" for m in MODELS), ""])
    rows.append(["majority class", f"{results['majority']:.2f}", "", "", "", ""])
    print("\n".join(table(rows)))
    rows = [["cue of the turn", *(f"{player} share" for player in PLAYERS)]]
    rows += [[cue, *(f"{of[player]:.3f}" for player in PLAYERS)] for cue, of in results["shares"].items()]
    print("\n" + "\n".join(table(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=DEMO_CORPUS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="where the runs go and stay (default: a folder that is removed)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch)
        results: dict[str, Any] = {"runs": {}, "majority": majority(options.corpus)}
        for arm, settings in ARMS.items():
            results["runs"][arm] = {}
            for seed in options.seeds:
                run = out / f"{arm.replace(' ', '-')}-{seed}"
                seconds = trained(
                    options.corpus, run, [f"seed={seed}", *settings, *options.set], out / f"cache-{arm}-{seed}"
                )
                scores = score_run(run, Split.TEST)
                results["runs"][arm][seed] = {m: scores[m]["weighted_f1"] for m in MODELS} | {"seconds": seconds}
                print(arm, seed, results["runs"][arm][seed], file=sys.stderr)
        results["shares"] = cue_shares(options.corpus, [out / f"distilled-{seed}" for seed in options.seeds])
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        report(results)


if __name__ == "__main__":
    main()
