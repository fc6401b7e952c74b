"""The command `runs`, called as a person would: what it prints, what it changes, its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from telme_model import bundled
from telme_model.commands.main import main
from telme_model.runs.folder import RunFolder
from telme_model.runs.queue import Waiting
from tests.support.runs import copied_run, unfinished_run

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def told(capsys: Captured, *words: str) -> str:
    """What the command prints when all goes well."""
    assert main(["runs", *words]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def read(capsys: Captured, *words: str) -> Any:
    return json.loads(told(capsys, *words, "--json"))


def refused(capsys: Captured, *words: str) -> str:
    """The one sentence that it ends with."""
    assert main(["runs", *words]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def test_the_list(runs: Path, capsys: Captured) -> None:
    assert told(capsys, "list") == f"no run yet: those that are trained here, or in {runs}, are listed\n"
    assert read(capsys, "list") == []
    one, half = copied_run(runs, "one"), unfinished_run(runs)
    (runs / "broken").mkdir()
    (runs / "broken" / "run.json").write_text("{", encoding="utf-8")
    told(capsys, "note", "one", "the first\nof many")
    *listed, reason = told(capsys, "list").splitlines()
    assert reason.startswith(f"broken: {runs / 'broken' / 'run.json'} is damaged")
    lines = {line.split()[0]: line for line in listed}
    assert next(iter(lines)) == "run"
    for part in ("finished", "corpus", "demo", "the first ", " 0 ", "57.8 ± 12.1", "58.2 ± 7.3", " 6 min "):
        assert part in lines["one"]
    assert "of many" not in lines["one"]
    assert "unfinished, at visual student" in lines["half"]
    assert "broken" in lines["broken"].removeprefix("broken")
    by_name = {run["name"]: run for run in read(capsys, "list")}
    scores = json.loads((one / "scores.json").read_text(encoding="utf-8"))
    assert by_name["one"]["test"]["fused"]["weighted_f1"] == scores["test"]["fused"]["weighted_f1"]
    assert (by_name["one"]["seed"], by_name["one"]["note"]) == (0, "the first\nof many")
    assert (by_name["half"]["state"], by_name["half"]["at"]) == ("unfinished", "visual student")
    assert by_name["half"]["path"] == str(half)
    assert "run.json is damaged" in by_name["broken"]["reason"]


def test_a_run_is_shown(runs: Path, capsys: Captured) -> None:
    run = copied_run(runs, "one")
    config = (run / "config.toml").read_text(encoding="utf-8")
    (run / "config.toml").write_text(config.replace("theta = 1.0", "theta = 0.5"), encoding="utf-8")
    shown = told(capsys, "show", "one")
    for part in (
        "one: finished",
        str(run),
        "preset demo",
        "changed: fusion.theta=0.5",
        "fusion: best epoch 20",
        "50.9-65.",
    ):
        assert part in shown
    tree = read(capsys, "show", str(run))
    assert tree["settings"] == ["fusion.theta=0.5"]
    assert tree["stages"]["fusion"]["best_epoch"] == 20
    assert tree["scores"] == json.loads((run / "scores.json").read_text(encoding="utf-8"))
    unfinished_run(runs)
    assert "half: unfinished, at visual student" in told(capsys, "show", "half")
    assert told(capsys, "show", "demo").startswith("demo: finished")


def test_runs_are_compared(runs: Path, capsys: Captured) -> None:
    copied_run(runs, "one")
    two = copied_run(runs, "two")
    config = (two / "config.toml").read_text(encoding="utf-8")
    (two / "config.toml").write_text(config.replace("seed = 0", "seed = 1"), encoding="utf-8")
    shown = told(capsys, "compare", "one", "two", "--split", "dev")
    assert [line.split() for line in shown.splitlines() if line.startswith("seed")] == [["seed", "0", "1"]]
    assert "alike but for the seed: one, two: 57.79 ± 0.00" in shown
    assert "  two: +0.00 weighted F1 (95 % +0.00 to +0.00, p = 1.000), 0 of 70 turns changed" in shown
    tree = read(capsys, "compare", "one", "two")
    assert tree["runs"] == [str(runs / "one"), str(two)]
    assert tree["settings"] == {"seed": ["0", "1"]}
    assert (tree["split"], tree["differences"][0]["turns"]) == ("test", 132)
    assert refused(capsys, "compare", "one", "one").endswith("name two or more")


def test_a_run_is_renamed_noted_on_and_put_away(runs: Path, tmp_path: Path, capsys: Captured) -> None:
    copied_run(runs, "one")
    assert told(capsys, "rename", "one", "two") == f"now {runs / 'two'}\n"
    assert told(capsys, "note", "two", "good") == told(capsys, "note", "two") == "good\n"
    assert read(capsys, "note", "two", "") == {"run": str(runs / "two"), "note": ""}
    assert told(capsys, "trash", "two") == f"{runs / 'two'} is in the trash\n"
    assert (tmp_path / "trash" / "two" / "run.json").is_file()
    assert read(capsys, "list") == []


@pytest.mark.parametrize(("words", "sentence"), [
    (["show", "nothing"], "there is no run “nothing”"),
    (["show", "../../etc"], "there is no run “../../etc”"),
    (["compare", "one", "nothing"], "there is no run “nothing”"),
    (["compare", "one", "half"], "scores.json cannot be read"),
    (["rename", "one", "a/b"], "cannot be called “a/b”"),
    (["rename", "one", "half"], "there is a “half” beside it"),
    (["rename", "half", "other"], "is being trained and cannot be renamed"),
    (["rename", "demo", "other"], "the bundled run cannot be renamed"),
    (["note", "demo", "mine"], "the bundled run cannot be given a note"),
    (["trash", "demo"], "the bundled run cannot be deleted"),
    (["trash", "one", "half"], "is being trained and cannot be deleted"),
    (["trash", "one", "nothing"], "there is no run “nothing”"),
    (["show", "broken"], "run.json is damaged"),
    (["queue", "remove", "one"], "no run “one” waits"),
])  # fmt: skip
def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(
    runs: Path, capsys: Captured, words: list[str], sentence: str
) -> None:
    copied_run(runs, "one")
    (runs / "broken").mkdir()
    (runs / "broken" / "run.json").write_text("{", encoding="utf-8")
    with FileLock(unfinished_run(runs) / ".training"):
        line = refused(capsys, *words)
    assert line.startswith("telme-studio: ")
    assert sentence in line
    assert {place.name for place in runs.iterdir() if place.is_dir()} == {"one", "half", "broken"}
    assert bundled.DEMO_RUN.is_dir()


@pytest.mark.parametrize("words", [[], ["fly"], ["compare"], ["rename", "one"], ["trash"], ["queue", "add"]])
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(["runs", *words])
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("usage: telme-studio runs")


def test_the_queue(runs: Path, capsys: Captured) -> None:
    assert told(capsys, "queue") == "no run waits to be trained\n"
    corpus = str(bundled.DEMO_CORPUS)
    told(capsys, "queue", "add", corpus, "--run", str(runs / "one"), "--preset", "demo", "--seed", "4")
    half = unfinished_run(runs)
    queued = told(capsys, "queue", "add", corpus, "--run", str(half), "--resume")
    assert queued == (
        f"one: python main.py train {corpus} --run {runs / 'one'} --preset demo --set seed=4\n"
        f"half (goes on where it stood): python main.py train {corpus} --run {half} --resume\n"
    )
    assert told(capsys, "queue", "list") == queued
    trees = read(capsys, "queue")
    assert trees == read(capsys, "queue", "list")
    assert [(Path(tree["run"]).name, tree["resume"]) for tree in trees] == [("one", False), ("half", True)]
    assert [plan.run.name for plan in _kept()] == ["one", "half"]  # as a window finds it
    assert told(capsys, "queue", "remove", "one").startswith("half ")
    assert told(capsys, "queue", "clear") == "no run waits to be trained\n"
    assert _kept() == []


def test_what_cannot_wait_says_why(runs: Path, tmp_path: Path, capsys: Captured) -> None:
    corpus, add = str(bundled.DEMO_CORPUS), ("queue", "add")
    copied_run(runs, "one")
    assert "already holds files" in refused(capsys, *add, corpus, "--run", str(runs / "one"))
    assert "is not a run" in refused(capsys, *add, corpus, "--run", str(runs / "new"), "--resume")
    assert "lies in the corpus" in refused(capsys, *add, corpus, "--run", f"{corpus}/new")
    assert "there is no preset" in refused(capsys, *add, corpus, "--run", str(runs / "new"), "--preset", "none")
    assert refused(capsys, *add, str(tmp_path / "nowhere"), "--run", str(runs / "new"))
    told(capsys, *add, corpus, "--run", str(runs / "new"))
    assert "waits to be trained already" in refused(capsys, *add, corpus, "--run", str(runs / "new"))
    window = Waiting()
    window.left()
    assert "a window keeps what waits" in refused(capsys, "queue", "clear")
    assert told(capsys, "queue").startswith("new: ")
    window.release()


def test_a_run_that_the_command_line_trains_is_listed(runs: Path, tmp_path: Path, capsys: Captured) -> None:
    """Also where its training ends before it is a run: it is listed once it is one."""
    run = tmp_path / "elsewhere"
    assert main(["train", str(tmp_path / "nowhere"), "--run", str(run)]) == 1
    capsys.readouterr()
    assert read(capsys, "list") == []
    copied_run(tmp_path, "elsewhere")
    assert [found["path"] for found in read(capsys, "list")] == [str(run)]
    assert RunFolder(run).note == ""


def _kept() -> list[Any]:
    window = Waiting()
    try:
        return window.left()
    finally:
        window.release()
