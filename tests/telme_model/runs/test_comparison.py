"""Runs are set against one another: their settings, their seeds, and their predictions turn by turn."""

import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from telme_model.corpus.dialogue import Split
from telme_model.runs.comparison import compare, paired_difference
from telme_model.runs.config import read_config, to_toml
from telme_model.runs.folder import RunError
from tests.support.runs import copied_run, unfinished_run


def run_with(runs: Path, name: str, *settings: str, score: float = 50.0) -> Path:
    """The bundled run with other settings and another weighted F1 on test."""
    run = copied_run(runs, name)
    config = read_config(run / "config.toml").with_settings(settings)
    (run / "config.toml").write_text(to_toml(config), encoding="utf-8")
    change_json(run / "scores.json", lambda tree: tree["test"]["fused"].update(weighted_f1=score))
    return run


def change_json(file: Path, change: Any) -> None:
    tree = json.loads(file.read_text(encoding="utf-8"))
    change(tree)
    file.write_text(json.dumps(tree), encoding="utf-8")


def mistaken(run: Path, turns: int) -> None:
    """Have the run's fused model call the first `turns` of test by the emotion that is least likely."""
    file = run / "predictions" / "test.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for record in records[:turns]:
        fused = record["fused"]
        most, least = max(fused, key=fused.get), min(fused, key=fused.get)
        fused[most], fused[least] = fused[least], fused[most]
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")


def test_the_settings_that_differ_are_told_and_no_others(tmp_path: Path) -> None:
    one, two = run_with(tmp_path, "one"), run_with(tmp_path, "two", "fusion.theta=0.5", "students=audio", "seed=4")
    found = compare([one, two])
    assert found.settings == {
        "students": ("audio,visual", "audio"), "seed": ("0", "4"), "fusion.theta": ("1.0", "0.5")
    }  # fmt: skip
    assert [scores["fused"].weighted_f1 for scores in found.scores] == [50.0, 50.0]


def test_runs_alike_but_for_the_seed_have_a_mean_and_a_deviation(tmp_path: Path) -> None:
    scores = {"a": 50.0, "b": 53.0, "c": 58.0}
    seeds = [run_with(tmp_path, name, f"seed={n}", score=scores[name]) for n, name in enumerate(scores)]
    other = run_with(tmp_path, "other", "seed=9", "fusion.theta=0.1", score=10.0)
    (group,) = compare([other, *seeds]).seeds
    assert group.runs == tuple(seeds)
    assert group.mean == pytest.approx(fmean(scores.values()))
    assert group.deviation == pytest.approx(stdev(scores.values()))


@pytest.mark.parametrize("change", [
    lambda tree: tree.update(layer="Ada"),
    lambda tree: tree.update(warm_start="../zero"),
    lambda tree: tree["corpus"].update(fingerprint="0" * 64),
])  # fmt: skip
def test_other_labels_encoders_or_turns_are_no_matter_of_the_seed(tmp_path: Path, change: Any) -> None:
    one, two = run_with(tmp_path, "one"), run_with(tmp_path, "two", "seed=1")
    change_json(two / "run.json", change)
    found = compare([one, two])
    assert found.seeds == ()
    assert len(found.settings) == 2


def test_the_difference_is_that_of_the_turns_that_changed(tmp_path: Path) -> None:
    one, worse, same = (run_with(tmp_path, name) for name in ("one", "worse", "same"))
    mistaken(worse, 60)
    to_worse, to_same = compare([one, worse, same]).differences
    assert (to_worse.run, to_worse.other, to_worse.turns, to_worse.changed) == (worse, one, 132, 60)
    assert to_worse.difference < to_worse.high < 0
    assert to_worse.p < 0.05
    assert to_worse.holm == pytest.approx(2 * to_worse.p)
    assert (to_same.difference, to_same.changed, to_same.p, to_same.holm) == (0, 0, 1, 1)
    (alone,) = compare([one, worse]).differences
    assert alone.holm is None  # one comparison needs no correction


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    one, half = run_with(tmp_path, "one"), unfinished_run(tmp_path)
    with pytest.raises(RunError, match=r"scores.json cannot be read"):
        compare([one, half])
    with pytest.raises(RunError, match="has no scores on train"):
        compare([one, one], Split.TRAIN)
    other = run_with(tmp_path, "other")
    file = other / "predictions" / "test.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("".join(f"{json.dumps({**record, 'text': 'else'})}\n" for record in records), encoding="utf-8")
    with pytest.raises(RunError, match=r"cannot be set against .* of different corpora"):
        paired_difference(other, one, Split.TEST)
