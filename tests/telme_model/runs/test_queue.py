"""What is still to be trained is kept on the disk, by one program at a time."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model import bundled
from telme_model.commands.main import main
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.plan import Plan
from telme_model.runs.presets import PRESETS, TOY
from telme_model.runs.queue import Waiting, change, still_to_train, waiting
from tests.support.runs import copied_run

FILE = "waiting.json"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def plans(runs: Path, count: int = 3) -> list[Plan]:
    return [
        Plan(config=TOY.with_settings([f"seed={seed}"]), corpus=bundled.DEMO_CORPUS, run=runs / f"seed-{seed}")
        for seed in range(1, count + 1)
    ]


PATHS = st.text(st.characters(blacklist_characters="\0/"), min_size=1).map(lambda name: Path("/corpora") / name)


@pytest.mark.slow
@given(
    preset=st.sampled_from(sorted(PRESETS)),
    theta=st.floats(0, 10),
    paths=st.tuples(PATHS, PATHS),
    others=st.tuples(st.none() | PATHS, st.none() | PATHS),
    layer=st.text(min_size=1),
)
def test_a_plan_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    preset: str,
    theta: float,
    paths: tuple[Path, Path],
    others: tuple[Path | None, Path | None],
    layer: str,
) -> None:
    config = PRESETS[preset].with_settings([f"fusion.theta={theta}"])
    (corpus, run), (warm, store) = paths, others
    plan = Plan(config=config, corpus=corpus, run=run, warm_start=warm, layer=layer, store=store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELME_RUNS", str(tmp_path_factory.mktemp("runs")))
        first = Waiting()
        assert first.keep([plan, plan])
        first.release()
        assert Waiting().left() == [plan, plan]


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '[{"run": "x"}]', "null"])
def test_a_damaged_file_is_put_aside(runs: Path, text: str) -> None:
    runs.mkdir()
    (runs / FILE).write_text(text, encoding="utf-8")
    assert Waiting().left() == []
    assert text == "{}" or (runs / "waiting.broken.json").read_text(encoding="utf-8") == text


def test_a_second_window_leaves_the_queue_of_the_first_alone(runs: Path) -> None:
    one, two, _ = plans(runs)
    first, second = Waiting(), Waiting()
    assert first.keep([one])
    assert second.left() == []
    assert not second.keep([two])
    first.release()
    assert not second.keep([two])  # it never read what is there
    assert Waiting().left() == [one]


def test_the_first_window_has_the_place_though_nothing_is_kept_there_yet(runs: Path) -> None:
    one, two, _ = plans(runs)
    first, second = Waiting(), Waiting()
    assert first.left() == second.left() == []
    assert not second.keep([two])
    assert first.keep([one])
    first.release()
    assert Waiting().left() == [one]


def test_one_plan_that_cannot_be_read_leaves_the_others(runs: Path) -> None:
    one, two, three = plans(runs)
    first = Waiting()
    first.keep([one, two, three])
    first.release()
    trees = json.loads((runs / FILE).read_text(encoding="utf-8"))
    trees[1]["config"]["dim"] = "wide"
    text = json.dumps(trees)
    (runs / FILE).write_text(text, encoding="utf-8")
    assert Waiting().left() == [one, three]
    assert (runs / "waiting.broken.json").read_text(encoding="utf-8") == text


def test_a_file_that_may_not_be_read_is_neither_renamed_nor_written_over(runs: Path) -> None:
    (runs / FILE).mkdir(parents=True)
    waiting = Waiting()
    assert waiting.left() == []
    assert not waiting.keep(plans(runs))
    assert (runs / FILE).is_dir()
    assert not (runs / "waiting.broken.json").exists()


@pytest.mark.parametrize("name", ["file/runs", "n" * 300])
def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / name))
    waiting = Waiting()
    assert waiting.left() == []
    assert not waiting.keep(plans(tmp_path))


def test_what_is_over_by_now_is_left_out(runs: Path) -> None:
    (plan,) = plans(runs, 1)
    finished = replace(plan, run=copied_run(runs, "trained"))
    gone = replace(plan, run=runs / "gone", resume=True)
    begun = replace(plan, run=runs / "begun")
    copied_run(runs, "begun")
    (begun.run / "scores.json").unlink()
    assert still_to_train([finished, plan, gone, begun]) == [plan, replace(begun, resume=True)]
    (begun.run / ".training").touch()  # a kill's trace: it is offered as such
    assert still_to_train([begun]) == []
    assert RunFolder(begun.run).cut_off


def test_what_waits_is_seen_whoever_keeps_it_and_changed_by_nobody_else(runs: Path) -> None:
    one, two, three = plans(runs)
    assert waiting() == []
    window = Waiting()
    window.keep([one, two])
    assert waiting() == [one, two]
    with pytest.raises(RunError, match="a window keeps what waits"):
        change(lambda left: [*left, three])
    assert waiting() == [one, two]
    window.release()
    assert change(lambda left: [*left, three]) == [one, two, three]
    assert Waiting().left() == [one, two, three]


def test_a_change_that_is_refused_changes_nothing_and_holds_nothing(runs: Path) -> None:
    (one,) = plans(runs, 1)
    change(lambda _left: [one])

    def refuse(_left: list[Plan]) -> list[Plan]:
        raise RunError("no")

    with pytest.raises(RunError, match="no"):
        change(refuse)
    assert Waiting().left() == [one]


def test_looking_puts_no_damaged_file_aside(runs: Path) -> None:
    runs.mkdir()
    (runs / FILE).write_text("[1", encoding="utf-8")
    assert waiting() == []
    assert (runs / FILE).read_text(encoding="utf-8") == "[1"


@pytest.mark.parametrize("ask", [waiting, lambda: change(list)], ids=["look", "change"])
def test_what_cannot_be_read_is_said_with_a_way_on(runs: Path, ask: Callable[[], object]) -> None:
    (runs / FILE).mkdir(parents=True)
    with pytest.raises(RunError, match=r"waiting\.json cannot be read: ") as refused:
        ask()
    assert "TELME_RUNS" in refused.value.remedy


def test_a_change_that_cannot_be_kept_says_so(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(left: list[Plan]) -> list[Plan]:
        (runs / f".{FILE}.new").mkdir()  # where it is written
        return [*left, *plans(runs)]

    with pytest.raises(RunError, match="cannot be written: ") as refused:
        change(refuse)
    assert "TELME_RUNS" in refused.value.remedy
    (tmp_path / "file").touch()
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "file" / "runs"))
    with pytest.raises(RunError, match=r"cannot be (read|written): Not a directory"):
        change(list)


def test_the_command_says_what_cannot_be_read(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / FILE).mkdir(parents=True)
    for command in ("list", "clear"):
        assert main(["runs", "queue", command]) == 1
        assert "waiting.json cannot be read: " in capsys.readouterr().err
