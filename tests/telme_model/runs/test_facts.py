"""What is known of a run is read from any folder, and a broken one says what is wrong with it."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from telme_model import bundled
from telme_model.events import Phase
from telme_model.runs.facts import RunFacts, RunState, command, read_run, read_runs
from telme_model.runs.plan import Plan
from tests.support.runs import copied_run, unfinished_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_a_finished_run_is_read(runs: Path) -> None:
    facts = read_run(copied_run(runs, "one"))
    scores = json.loads((bundled.DEMO_RUN / "scores.json").read_text())["test"]
    interval = scores["fused"]["intervals"]["weighted_f1"]
    assert (facts.state, facts.preset, facts.seed, facts.corpus) == (RunState.FINISHED, "demo", 0, "corpus")
    assert {model: score.weighted_f1 for model, score in facts.test.items()} == {
        model: scores[model]["weighted_f1"] for model in ("teacher", "audio", "visual", "fused")
    }
    half = (interval["high"] - interval["low"]) / 2
    assert str(facts.test["fused"]) == f"{scores['fused']['weighted_f1']:.1f} ± {half:.1f}"
    assert facts.dev["fused"].turns == 70
    # From the first event to the last, but for the seconds in which nothing of the pipeline was at work.
    times = [json.loads(line)["time"] for line in (bundled.DEMO_RUN / "events.jsonl").read_text().splitlines()]
    assert 0.8 * (times[-1] - times[0]) < facts.seconds <= times[-1] - times[0]


def test_an_unfinished_run_tells_where_it_goes_on(runs: Path) -> None:
    facts = read_run(unfinished_run(runs))
    assert (facts.state, facts.at, facts.test) == (RunState.UNFINISHED, Phase.VISUAL, {})
    assert facts.standing == "unfinished, at visual student"
    with FileLock(facts.path / ".training"):
        assert read_run(facts.path).state is RunState.TRAINING


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("run.json", "{", "run.json is damaged"),
        ("run.json", '{"format": 99}', "format 99"),
        ("run.json", '{"format": 1, "corpus": [], "stages": {}}', "run.json is damaged"),
        ("config.toml", "dim = 'wide'", "dim"),
        ("config.toml", None, "config.toml cannot be read"),
        ("scores.json", "[]", "scores.json is damaged"),
        ("scores.json", '{"test": {"fused": {}}}', "damaged"),
        ("scores.json", '{"test": []}', "damaged"),
    ],
)
def test_a_broken_folder_is_listed_with_its_reason(runs: Path, file: str, content: str | None, named: str) -> None:
    run = copied_run(runs, "broken")
    (run / file).unlink()
    if content is not None:
        (run / file).write_text(content)
    facts = read_run(run)
    assert facts.state is RunState.BROKEN
    assert named in facts.reason
    assert str(run) in facts.reason


def test_a_torn_log_costs_nothing_but_its_last_line(runs: Path) -> None:
    run = copied_run(runs, "torn")
    text = (run / "events.jsonl").read_text()
    (run / "events.jsonl").write_text(text[: len(text) // 2])
    assert 0 < read_run(run).seconds < read_run(copied_run(runs, "whole")).seconds


def test_runs_that_did_not_change_are_not_read_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = copied_run(runs, "one"), unfinished_run(runs, "two")
    known = {path: read_run(path) for path in (one, two)}
    (one / "note.txt").write_text("the first", encoding="utf-8")
    read: list[Path] = []

    def reading(path: Path) -> RunFacts:
        read.append(path)
        return read_run(path)

    monkeypatch.setattr("telme_model.runs.facts.read_run", reading)
    with FileLock(two / ".training"):
        first, second = (event.facts for event in read_runs([one, two], known))  # type: ignore[attr-defined]
    assert read == [one]
    assert first.note == "the first"
    assert second.state is RunState.TRAINING  # which changes no file


def test_the_command_of_a_run_trains_its_like_or_goes_on_with_it(runs: Path) -> None:
    finished = copied_run(runs, "one", lambda tree: tree.update(warm_start="../zero"))
    assert command(read_run(finished)).endswith(
        f"--run {finished} --preset demo --warm-start {runs.resolve() / 'zero'}"
    )
    half = unfinished_run(runs)
    assert command(read_run(half)) == Plan.resuming(half).command()
    assert command(read_run(half)).endswith("--resume")
