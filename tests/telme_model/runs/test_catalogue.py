"""What is known of the runs of a machine: where they lie, which are unfinished, and what may be done with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from send2trash import TrashPermissionError

from telme_model import bundled
from telme_model.events import Phase, StageDone
from telme_model.runs import catalogue
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.plan import Plan
from tests.conftest import ROOT
from tests.support.runs import copied_run, unfinished_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A run that does not lie among the program's own."""
    return copied_run(tmp_path, "elsewhere")


@pytest.fixture
def leftover(runs: Path) -> Path:
    """A run of which the visual student had three epochs when a kill came."""
    run = unfinished_run(runs, "night")
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    events = [json.loads(line) for line in lines]
    told = [(event["event"], event.get("phase"), event.get("epoch")) for event in events]
    last = told.index(("EpochDone", "visual student", 3))
    (run / "events.jsonl").write_text("".join(lines[: last + 1]), encoding="utf-8")
    (run / ".training").touch()
    return run


# Where they lie


def test_runs_are_known_by_their_place_or_because_they_were_trained(
    elsewhere: Path, leftover: Path, tmp_path: Path
) -> None:
    assert catalogue.known_runs() == [leftover]
    for _ in range(2):
        catalogue.remember(elsewhere)
        catalogue.remember(leftover)
        catalogue.remember(tmp_path / "never began")
    assert sorted(catalogue.known_runs()) == sorted([leftover, elsewhere])
    assert (tmp_path / "runs" / "elsewhere.txt").read_text(encoding="utf-8").splitlines() == [
        str(elsewhere), str(tmp_path / "never began")
    ]  # fmt: skip


def test_the_latest_written_to_comes_first(runs: Path) -> None:
    made = [copied_run(runs, name) for name in ("one", "two", "three")]
    for run, seconds in zip(made, (30, 10, 20), strict=True):
        for file in run.glob("*.json*"):
            os.utime(file, (seconds, seconds))
    assert [run.name for run in catalogue.known_runs()] == ["one", "three", "two"]


def test_a_place_that_cannot_be_written_is_no_error(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "file"))
    catalogue.remember(elsewhere)
    assert catalogue.known_runs() == []


def test_a_name_that_is_no_text_is_not_remembered(elsewhere: Path) -> None:
    catalogue.remember(elsewhere.with_name("\udcff"))
    catalogue.remember(elsewhere)
    assert catalogue.known_runs() == [elsewhere]


def test_a_place_that_cannot_be_looked_into_hides_no_other(leftover: Path, tmp_path: Path) -> None:
    catalogue.remember(tmp_path / ("long" * 100))
    assert catalogue.known_runs() == [leftover]


def test_a_run_is_found_by_name_or_folder(
    runs: Path, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = copied_run(runs, "one")
    assert catalogue.find("one") == one
    assert catalogue.find("demo") == bundled.DEMO_RUN
    monkeypatch.chdir(tmp_path)
    assert catalogue.find("elsewhere") == elsewhere.resolve()
    monkeypatch.chdir(elsewhere)
    assert catalogue.find(".") == elsewhere.resolve()
    with pytest.raises(RunError, match="there is no run"):
        catalogue.find("")
    assert catalogue.find(str(elsewhere)) == elsewhere
    catalogue.remember(copied_run(tmp_path / "other", "one"))
    with pytest.raises(RunError, match=rf"2 runs are called “one”; name the folder: .*{one}"):
        catalogue.find("one")


@pytest.mark.parametrize("name", ["nothing", "../runs", "", "a\0b", "~nobody/run", "x" * 300, "runs"])
def test_what_is_no_run_is_not_found(runs: Path, name: str) -> None:
    copied_run(runs, "one")
    with pytest.raises(RunError, match="there is no run"):
        catalogue.find(name)


# How far they came


def test_an_unfinished_run_tells_how_far_it_came(leftover: Path) -> None:
    folder = RunFolder(leftover)
    folder.update(corpus={**folder.facts["corpus"], "root": str(bundled.DEMO_CORPUS)})
    (found,) = catalogue.unfinished([leftover])
    assert (found.run, found.corpus) == (leftover, bundled.DEMO_CORPUS.resolve())
    assert (found.phase, found.epoch, found.epochs, found.cut_off) == (Phase.VISUAL, 3, 10, True)
    assert found.touched == (leftover / "run.json").stat().st_mtime


def test_finished_broken_and_held_runs_are_not_unfinished(elsewhere: Path, leftover: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{", encoding="utf-8")
    assert catalogue.unfinished([elsewhere, broken, tmp_path / "nowhere"]) == []
    with RunFolder(leftover).hold():
        assert catalogue.unfinished([leftover]) == []
    (found,) = catalogue.unfinished([leftover])
    assert not found.cut_off  # it was let go of in good order


@pytest.mark.parametrize("root", ["a\0b", "loop"])
def test_a_run_that_names_no_possible_corpus_is_passed_over(leftover: Path, root: str) -> None:
    (leftover / "loop").symlink_to("loop")
    folder = RunFolder(leftover)
    folder.update(corpus={**folder.facts["corpus"], "root": root})
    assert catalogue.unfinished([leftover]) == []
    with pytest.raises(RunError, match="names no place where a corpus can be"):
        Plan.resuming(leftover)


def test_a_run_without_its_scores_is_not_finished(elsewhere: Path) -> None:
    (elsewhere / "scores.json").unlink()
    assert [found.phase for found in catalogue.unfinished([elsewhere])] == [Phase.EVALUATING]


def test_the_log_of_a_stage_that_is_done_is_not_taken_for_the_next(leftover: Path) -> None:
    """The visual student's epochs say nothing of the fusion's."""
    RunFolder(leftover).finish_stage(Phase.VISUAL)
    assert StageDone.__name__ in (leftover / "events.jsonl").read_text(encoding="utf-8")
    (found,) = catalogue.unfinished([leftover])
    assert (found.phase, found.epoch) == (Phase.FUSION, 0)


# What may be done with them


def test_a_run_is_renamed_with_all_it_holds(runs: Path) -> None:
    old = copied_run(runs, "one")
    before = (old / "run.json").read_bytes()
    new = catalogue.rename(old, "Harbour 3 – β")
    assert new == runs / "Harbour 3 – β"
    assert (new / "run.json").read_bytes() == before
    assert not old.exists()


def test_a_renamed_run_that_lies_elsewhere_is_still_known(runs: Path, elsewhere: Path) -> None:
    catalogue.remember(elsewhere)
    new = catalogue.rename(elsewhere, "anywhere")
    assert catalogue.known_runs() == [new]


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "a\0b", "..", ".hidden", "two"])
def test_a_name_that_cannot_be_is_refused(runs: Path, name: str) -> None:
    one, two = copied_run(runs, "one"), copied_run(runs, "two")
    with pytest.raises(RunError, match=r"cannot be called|there is a"):
        catalogue.rename(one, name)
    assert (one / "run.json").is_file()
    assert (two / "run.json").is_file()


def test_a_run_in_training_and_the_bundled_one_stay_as_they_are(runs: Path) -> None:
    run = unfinished_run(runs)
    with FileLock(run / ".training"):
        with pytest.raises(RunError, match="is being trained and cannot be renamed"):
            catalogue.rename(run, "other")
        with pytest.raises(RunError, match="is being trained and cannot be deleted"):
            catalogue.move_to_trash(run)
    with pytest.raises(RunError, match="the bundled run cannot be renamed"):
        catalogue.rename(bundled.DEMO_RUN, "other")
    with pytest.raises(RunError, match="the bundled run cannot be deleted"):
        catalogue.move_to_trash(bundled.DEMO_RUN)
    with pytest.raises(RunError, match="the bundled run cannot be given a note"):
        catalogue.write_note(bundled.DEMO_RUN, "mine")
    assert run.is_dir()
    assert bundled.DEMO_RUN.is_dir()
    assert not (bundled.DEMO_RUN / "note.txt").exists()


def test_a_run_goes_into_the_trash(runs: Path, tmp_path: Path) -> None:
    run = copied_run(runs, "one")
    assert catalogue.move_to_trash(run) is None
    assert not run.exists()
    assert (tmp_path / "trash" / "one" / "run.json").is_file()
    assert catalogue.move_to_trash(run) is None  # which has gone


def test_without_a_trash_a_run_lies_beside_its_place_and_is_listed_no_more(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_trash(_place: Path) -> None:
        raise TrashPermissionError("/")

    monkeypatch.setattr("send2trash.send2trash", no_trash)
    run = copied_run(runs, "one")
    aside = catalogue.move_to_trash(run)
    assert aside is not None
    assert aside.name.startswith("one.discarded-")
    assert (aside / "run.json").is_file()
    assert catalogue.known_runs() == []


@pytest.mark.skipif(sys.platform != "linux", reason="where the trash lies is the desktop standard's word")
def test_it_is_the_systems_trash(runs: Path, tmp_path: Path) -> None:
    """In a program of its own: the library finds the trash once, as it is imported."""
    run = copied_run(runs, "one")
    code = f"from pathlib import Path; from telme_model.runs.catalogue import move_to_trash as m; m(Path({str(run)!r}))"
    places = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **places}, check=True)
    assert (tmp_path / "data" / "Trash" / "files" / "one" / "run.json").is_file()
    assert f"Path={run}" in (tmp_path / "data" / "Trash" / "info" / "one.trashinfo").read_text(encoding="utf-8")


def test_a_note_is_kept_in_the_folder_and_taken_away_again(runs: Path) -> None:
    run = copied_run(runs, "one")
    assert RunFolder(run).note == ""
    catalogue.write_note(run, "  the first – β\nof many\n")
    assert RunFolder(run).note == "the first – β\nof many"
    catalogue.write_note(run, " ")
    assert RunFolder(run).note == ""
    with pytest.raises(RunError, match="is not a run"):
        catalogue.write_note(runs / "nowhere", "x")
    assert not (runs / "nowhere").exists()
