"""The command line, called as a person would: what it prints, what it writes, its exit codes."""

import csv
import json
import shutil
import signal
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from telme_model import __version__
from telme_model.commands import demo, doctor
from telme_model.commands.main import main
from telme_model.commands.terminal import Watcher
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from telme_model.events import EpochDone, Event, Phase, StepDone
from telme_model.runs.config import SETTINGS
from telme_model.runs.folder import RunFolder
from telme_model.runs.records import flatten, run_records, write_records
from tests.support.corpora import write_corpus
from tests.support.runs import ToyRun, tensors

Captured = pytest.CaptureFixture[str]
COMMANDS = ["demo", "check", "train", "predict", "evaluate", "runs", "export", "import", "make-demo", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"usage: telme-studio {command}")
    assert told.err == ""


def test_the_help_on_settings_is_what_the_configuration_says_of_itself(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(["train", "--help-settings", "demo"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert "\nfusion.theta=1.0\n" in told
    assert "\nstudents=audio,visual\n" in told
    keys = [line.partition("=")[0] for line in told.splitlines() if not line.startswith(" ")]
    assert keys == list(SETTINGS)
    words = " ".join(told.split())
    for setting in SETTINGS.values():
        assert f"{setting.title}: {setting.help} It has to {setting.allowed}." in words


def test_the_help_on_settings_knows_the_presets(capsys: Captured) -> None:
    assert main(["train", "--help-settings", "papr"]) == 1
    assert capsys.readouterr().err.startswith("telme-studio: there is no preset 'papr'; there are paper-meld, ")


def test_the_overview_names_every_command(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    told = [
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ") and line.strip()
    ]
    assert [name for name in told if name in COMMANDS] == COMMANDS


def test_the_version_is_told(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"TelME Studio {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train"], ["check"], ["predict", "c", "--run", "r"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("usage: telme-studio")


# check


def test_check_lists_a_problem_a_line_and_sums_up(corpus: Path, capsys: Captured) -> None:
    assert main(["check", str(corpus)]) == 0  # a clip that lacks costs its turn's sound and picture, nothing more
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == "meld: 14 dialogues, 42 turns; 0 fatal, 4 warning, 0 note"
    assert lines[0].startswith(f"warning: missing-clip: {corpus / 'train_splits' / 'dia1_utt1.mp4'}, row 6: ")
    assert sum("no-sound" in line for line in lines) == 2


def test_check_tells_a_program_the_same(corpus: Path, capsys: Captured) -> None:
    assert main(["check", str(corpus), "--json"]) == 0
    told = capsys.readouterr()
    problems = json.loads(told.out)
    assert [problem["code"] for problem in problems].count("missing-clip") == 2
    assert set(problems[0]) == {"severity", "code", "file", "row", "column", "turn", "reason"}
    assert told.err == ""


def test_check_without_media_leaves_the_clips_alone(corpus: Path, capsys: Captured) -> None:
    assert main(["check", str(corpus), "--no-media", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_check_ends_with_1_when_a_problem_is_fatal(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    shutil.copy(corpus / "train_sent_emo.csv", tmp_path)
    table = tmp_path / "train_sent_emo.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",joy,", ",bliss,", 1), encoding="utf-8")
    assert main(["check", str(tmp_path), "--no-media"]) == 1
    assert "fatal: unknown-emotion: " in capsys.readouterr().out


# train


def test_train_tells_its_progress_and_ends_with_the_scores(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    settings = [f"--set=stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")]
    run = tmp_path / "run"
    assert main(["train", str(corpus), "--preset", "toy", "--run", str(run), "--seed", "5", *settings]) == 0
    told = capsys.readouterr()
    for line in ("teacher (24 turns, 1 epoch)", "audio student (22 turns, 1 epoch)", "fusion (24 turns, 1 epoch)"):
        assert line in told.err.splitlines()
    assert "  epoch 1/1  cls " in told.err
    tables = told.out.split("\n\n")
    assert [table.strip().splitlines()[0] for table in tables] == ["dev", "test"]
    assert "weighted F1" in told.out
    assert RunFolder.open(run).config.seed == 5
    assert RunFolder.open(run).config.stages.audio.epochs == 1


@pytest.mark.slow
def test_train_reads_a_config_file_and_prints_json_alone(toy_run: ToyRun, tmp_path: Path, capsys: Captured) -> None:
    config = toy_run.path / "config.toml"
    arguments = ["--config", str(config), "--run", str(tmp_path / "run"), "--json"]
    assert main(["train", str(toy_run.corpus), *arguments]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    answer = json.loads(told.out)
    assert answer["scores"] == json.loads((toy_run.path / "scores.json").read_text(encoding="utf-8"))
    assert tensors(tmp_path / "run") == tensors(toy_run.path)


@pytest.mark.slow
def test_stages_can_be_trained_one_by_one(toy_run: ToyRun, tmp_path: Path, capsys: Captured) -> None:
    arguments = ["train", str(toy_run.corpus), "--run", str(tmp_path / "run")]
    assert main([*arguments, "--preset", "toy", "--stage", "teacher"]) == 0
    assert capsys.readouterr().out == ""
    assert main([*arguments, "--resume", "--stage", "students"]) == 0
    assert main([*arguments, "--resume", "--stage", "fusion"]) == 0
    assert tensors(tmp_path / "run") == tensors(toy_run.path)
    capsys.readouterr()


def _stop_between_events(monkeypatch: pytest.MonkeyPatch) -> None:
    show = Watcher.show

    def shown(self: Watcher, event: Event) -> None:
        show(self, event)
        if isinstance(event, StepDone) and event.phase is Phase.AUDIO and event.step == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "show", shown)


def _stop_within_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from telme_model.training import fitting

    rate, calls = fitting.learning_rate, []

    def interrupted(*of: Any) -> float:
        calls.append(of)
        if len(calls) == 21:
            signal.raise_signal(signal.SIGINT)
        return rate(*of)

    monkeypatch.setattr(fitting, "learning_rate", interrupted)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [_stop_between_events, _stop_within_a_step])
def test_ctrl_c_is_exit_code_130_and_the_run_goes_on_later(
    toy_run: ToyRun, tmp_path: Path, capsys: Captured, stop: Any
) -> None:
    arguments = ["train", str(toy_run.corpus), "--run", str(tmp_path / "run")]
    with pytest.MonkeyPatch.context() as patch:
        stop(patch)
        assert main([*arguments, "--preset", "toy"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "stopped; what was done is kept"
    assert main([*arguments, "--resume"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  epoch")]
    assert told[0].startswith("  epoch 2/2")  # the first is not trained again
    assert tensors(tmp_path / "run") == tensors(toy_run.path)


# predict and evaluate


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_predict_writes_a_record_a_turn(toy_run: ToyRun, tmp_path: Path, capsys: Captured, ending: str) -> None:
    out = tmp_path / f"p.{ending}"
    assert main(["predict", str(toy_run.corpus), "--run", str(toy_run.path), "--split", "dev", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert f"9 turns of dev in {out}" in told.err
    records = run_records(toy_run.path, Split.DEV)
    if ending == "jsonl":
        assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == records
    else:
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["fused.joy"] for row in rows] == [str(flatten(record)["fused.joy"]) for record in records]


def test_evaluate_prints_the_scores_of_a_run(toy_run: ToyRun, capsys: Captured) -> None:
    assert main(["evaluate", "--run", str(toy_run.path)]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[-7:] == list(MELD.labels)
    assert [line[:14].strip() for line in lines] == ["teacher", "audio student", "visual student", "fused"]


def test_evaluate_tells_a_program_the_same(toy_run: ToyRun, capsys: Captured) -> None:
    assert main(["evaluate", "--run", str(toy_run.path), "--split", "dev", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    written = json.loads((toy_run.path / "scores.json").read_text(encoding="utf-8"))
    assert answer == {"run": str(toy_run.path), "split": "dev", "scores": written["dev"]}
    best = [e.dev_weighted_f1 for e in toy_run.events if isinstance(e, EpochDone) and e.phase is Phase.FUSION]
    assert answer["scores"]["fused"]["weighted_f1"] == pytest.approx(max(best))


def test_a_run_can_be_set_against_another(toy_run: ToyRun, run_copy: Path, capsys: Captured) -> None:
    path = run_copy / "predictions" / "test.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:  # the other run is always right
        line["fused"] = {label: float(label == line["gold"]) for label in MELD.labels}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    arguments = ["evaluate", "--run", str(run_copy), "--against", str(toy_run.path)]
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    ours = answer["scores"]["fused"]["weighted_f1"]
    theirs = json.loads((toy_run.path / "scores.json").read_text(encoding="utf-8"))["test"]["fused"]["weighted_f1"]
    assert ours == 100
    assert answer["against"]["difference"] == pytest.approx(ours - theirs)
    assert answer["against"]["turns"] == 9
    assert main(arguments) == 0
    assert f"fused against {toy_run.path}: +" in capsys.readouterr().out


# the others


def test_demo_shows_a_dialogue_and_the_scores(
    toy_run: ToyRun, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "DEMO_CORPUS", toy_run.corpus)
    monkeypatch.setattr(demo, "DEMO_RUN", toy_run.path)
    assert main(["demo", "--dialogue", "1"]) == 0
    told = capsys.readouterr().out
    assert "(synthetic): test dialogue 1, " in told
    assert sum(line.split()[:1] in (["Ada"], ["Bo"], ["Cy"]) for line in told.splitlines()) == 3
    assert "All 9 test turns" in told


def test_demo_knows_which_dialogues_it_has(toy_run: ToyRun, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DEMO_CORPUS", toy_run.corpus)
    monkeypatch.setattr(demo, "DEMO_RUN", toy_run.path)
    assert main(["demo", "--dialogue", "999"]) == 1
    told = capsys.readouterr()
    assert told.err == "telme-studio: the demo has no test dialogue '999'; it has 0, 1, 2\n"
    assert told.out == ""


@pytest.mark.parametrize("command", [["train", "corpus", "--run", "run"], ["evaluate", "--run", "run"]])
def test_a_layer_has_a_name(command: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "--labels", " "])
    assert left.value.code == 2
    assert "argument --labels: a name is needed, and this one is empty" in capsys.readouterr().err


def test_a_terminal_that_has_few_letters_gets_all_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "Séri\udce9", clips=False)  # a name with a byte that is no UTF-8

    def said(*options: str) -> str:
        told = TextIOWrapper(BytesIO(), encoding="ascii", errors="strict")
        monkeypatch.setattr("sys.stdout", told)
        assert main(["check", str(corpus), *options]) == 0
        told.seek(0)
        return told.read()

    assert "S\\xe9ri\\udce9" in said()
    assert Path(json.loads(said("--json"))[0]["file"]).is_relative_to(corpus)


def test_a_split_that_nobody_labelled_is_no_table(toy_run: ToyRun, run_copy: Path, capsys: Captured) -> None:
    records = [record | {"gold": None} for record in run_records(toy_run.path, Split.TEST)]
    write_records(records, run_copy / "predictions" / "test.jsonl")
    assert main(["evaluate", "--run", str(run_copy)]) == 0
    assert capsys.readouterr().out == "no turn has a label to score against\n"


def test_doctor_reports(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_ask", lambda code: {})  # which starts an interpreter for each part
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["system"]["TelME Studio"] == __version__
    assert main(["doctor"]) == 0
    assert f"  TelME Studio: {__version__}" in capsys.readouterr().out.splitlines()


def test_a_defect_is_not_disguised_as_a_sentence(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    monkeypatch.setattr("telme_model.corpus.open_corpus", lambda root: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["check", str(corpus)])


def test_memory_that_is_used_up_says_what_to_change(
    monkeypatch: pytest.MonkeyPatch, corpus: Path, tmp_path: Path, capsys: Captured
) -> None:
    def used_up(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("telme_model.training.fitting.shuffled_batches", used_up)
    assert main(["train", str(corpus), "--preset", "toy", "--run", str(tmp_path / "run")]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("telme-studio: the phase “teacher” needs more memory than there is. A smaller batch")
    assert "(--resume --set stages.teacher.batch=2 --set stages.teacher.accumulate=2 --set evaluation_batch=8)" in last
