"""Broken run folders and full disks give a sentence and an exit code through the command line."""

import json
import os
import pickle
import re
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from telme_model.bundled import DEMO_ENCODERS
from telme_model.commands.main import main
from telme_model.corpus.dialogue import Split
from telme_model.networks.tensors import save_tensors
from telme_model.runs.folder import RunFolder
from tests.support.bad_inputs import Bench, Captured, Case, a_file, assert_says, cut_off, not_finite, one_sentence, only
from tests.support.corpora import write_corpus


class Malice:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.path),)


def _plant(run: RunFolder) -> None:
    (run.path / "resume.pt").write_bytes(pickle.dumps(Malice(run.path.parent / "planted")))


def _foreign_state(run: RunFolder) -> None:
    torch.save({"phase": "audio student", "model": {}}, run.path / "resume.pt")


def _state_of_another_shape(run: RunFolder) -> None:
    tree = {
        "phase": "audio student", "epoch": 0, "step": 2, "model": {"w": torch.zeros(2)}, "optimizer": {}, "scaler": {},
        "best_score": 1.0, "best_epoch": 0, "sums": {}, "seconds": 0.0,
    }  # fmt: skip
    torch.save(tree, run.path / "resume.pt")


def _full(name: str) -> Callable[[RunFolder], None]:
    """Where that file is written, the disk is full."""
    return lambda run: (run.path / name).symlink_to("/dev/full")


def _full_log(run: RunFolder) -> None:
    (run.path / "events.jsonl").unlink()
    _full("events.jsonl")(run)


def _full_output(bench: Bench) -> str:
    (bench.tmp / ".p.csv.new").symlink_to("/dev/full")
    return "p.csv"


def _folder(bench: Bench, name: str) -> str:
    (bench.tmp / name).mkdir()
    return name


def _resumed(bench: Bench, change: Callable[[RunFolder], object]) -> list[str]:
    return bench.train("--resume", run=bench.begun(change))


def _used(bench: Bench, change: Callable[[RunFolder], object]) -> list[str]:
    """Predict with the changed run, on a corpus for which its encoders are needed."""
    return bench.predict(bench.run(change), bench.elsewhere())


def _text(name: str, text: str) -> Callable[[RunFolder], object]:
    return lambda run: (run.path / name).write_text(text, encoding="utf-8")


def _fact(**changes: object) -> Callable[[RunFolder], object]:
    """Change what run.json tells of the corpus."""
    return lambda run: run.update(corpus=run.facts["corpus"] | changes)


def _renumbered(run: RunFolder) -> None:
    """The run's predictions, of other dialogues."""
    path = run.path / "predictions" / "test.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"dialogue": "', '"dialogue": "9'), encoding="utf-8")


def _reworded(run: RunFolder) -> None:
    """The run's predictions, of other words."""
    path = run.path / "predictions" / "test.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"text": "', '"text": "So: '), encoding="utf-8")


def _warmly(bench: Bench, change: Callable[[RunFolder], object]) -> list[str]:
    """Begin with the changed run's encoders."""
    return bench.train("--warm-start", bench.run(change), run=str(bench.tmp / "warm"))


def _other_corpus(bench: Bench) -> Path:
    """EmoryNLP's labels."""
    header = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Sr No"
    folder = bench.tmp / "tables"
    folder.mkdir()
    for part in ("train", "dev", "test"):
        text = f"{header}\nHi there,['Ada'],Joyful,1,1,1,1,1\n"
        (folder / f"emorynlp_{part}_final.csv").write_text(text, encoding="utf-8")
    return folder


RUNS: dict[str, Case] = {
    "a run folder in use": (lambda b: b.train(run=str(b.toy.path)), "already holds files; resume the run there, or"),
    "a run of a name that is no text": (
        lambda b: b.train(run=str(b.tmp / "r\udce4")), r"r\\udce4 has a name that is not text in UTF-8; choose"),
    "a file for a run folder": (lambda b: b.train(run=str(a_file(b))), "file already holds files"),
    "a run folder below a file": (lambda b: b.train(run=str(a_file(b) / "r")), "cannot be written: Not a directory"),
    "resuming nothing": (lambda b: b.train("--resume"), "run is not a run: it has no run.json"),
    "resuming another corpus's run": (
        lambda b: b.train("--resume", corpus=b.elsewhere(), run=str(b.toy.path)),
        "is not what .* was trained on: its annotations or clips changed\\. Put .* or train a new run"),
    "a format of another kind": (
        lambda b: _used(b, _text("run.json", '{"format": "1"}')), "has run format '1'; this program reads format 1"),
    "a list for the emotions": (
        lambda b: _used(b, _fact(labels=[])), "run.json is damaged: its corpus.labels is not a text"),
    "a number for the corpus": (
        lambda b: ["evaluate", "--run", b.run(_fact(root=5)), "--labels", "me"], "run.json is damaged"),
    "a run.json without end": (lambda b: _used(b, _text("run.json", "[" * 100_000)), "run.json is damaged: maximum"),
    "predictions of other emotions": (
        lambda b: ["evaluate", "--run", b.run(_fact(labels="emorynlp"))],
        "test.jsonl is damaged in line 1: its gold is not one of joyful, mad"),
    "a newer run": (lambda b: _used(b, _text("run.json", '{"format": 2}')), "has run format 2; this program reads for"),
    "a damaged run.json": (lambda b: _used(b, lambda run: cut_off(run.path / "run.json")), "run.json is damaged: "),
    "an empty run.json": (lambda b: _used(b, _text("run.json", "")), "run.json is damaged: "),
    "a list for run.json": (lambda b: _used(b, _text("run.json", "[]")), "damaged: it does not hold an object"),
    "a run.json that tells nothing": (
        lambda b: _used(b, _text("run.json", '{"format": 1}')), "run.json is damaged: it does not tell the run's corp"),
    "a damaged config.toml": (lambda b: _used(b, _text("config.toml", "= 1")), "config.toml is not valid TOML"),
    "no config.toml": (lambda b: _used(b, lambda run: (run.path / "config.toml").unlink()), "config.toml cannot be re"),
    "weights that are missing": (
        lambda b: _used(b, lambda run: (run.path / "weights/audio.safetensors").unlink()),
        "weights/audio.safetensors is missing: the run is not trained that far, or files were removed"),
    "weights that are cut off": (
        lambda b: _used(b, lambda run: cut_off(run.path / "weights/visual.safetensors")), "visual.safetensors is dam"),
    "weights that are not finite": (
        lambda b: _used(b, lambda run: not_finite(run.path / "weights/fusion.safetensors")),
        "fusion.safetensors holds values that are not finite in '.*'; train that stage again"),
    "a pickle for weights": (
        lambda b: _used(b, lambda run: (run.path / "weights/text.safetensors").write_bytes(pickle.dumps([1]))),
        "text.safetensors is damaged"),
    "weights of another shape": (
        lambda b: _used(b, lambda run: save_tensors(run, "weights/fusion", {"w": torch.zeros(2)})),
        "weights/fusion.safetensors of .* does not fit its config.toml"),
    "weights against the config": (
        lambda b: _used(b, lambda run: run.write_text("config.toml", (run.path / "config.toml").read_text(
            encoding="utf-8").replace("dim = 12", "dim = 24"))),
        "weights/text.safetensors of .* does not fit its config.toml"),
    "stored embeddings cut off": (
        lambda b: b.predict(b.run(lambda run: cut_off(run.path / "embeddings/text.safetensors"))),
        "embeddings/text.safetensors is damaged: .*; delete it, and it is computed again"),
    "weights of another encoder": (
        lambda b: _used(b, lambda run: shutil.copy(
            run.path / "weights/audio.safetensors", run.path / "weights/visual.safetensors")),
        "weights/visual.safetensors of .* does not fit its config.toml: .* …$"),
    "an encoder to begin with that is cut off": (
        lambda b: _warmly(b, lambda run: cut_off(run.path / "weights/visual.safetensors")),
        "^[^ ]*/run/weights/visual.safetensors is damaged"),
    "an encoder to begin with of another size": (
        lambda b: _warmly(b, lambda run: save_tensors(run, "weights/text", {"w": torch.zeros(2)})),
        "the text encoder of /[^.]*/run is another one: '.*' is .* in this run, and that one lacks it"),
    "stored embeddings of other tensors": (
        lambda b: b.predict(b.run(lambda run: save_tensors(run, "embeddings/text", {"w": torch.zeros(2)}))),
        "embeddings/text.safetensors is damaged"),
    "a background of other tensors": (
        lambda b: b.predict(b.run(lambda run: save_tensors(run, "weights/background", {"w": torch.zeros(2)}))),
        "weights/background.safetensors of the run run is damaged; train its fusion again"),
    "an encoder without its config": (
        lambda b: _used(b, lambda run: shutil.rmtree(run.path / "encoders/audio")), "audio has no config.json: the "),
    "an encoder with a damaged config": (
        lambda b: _used(b, lambda run: cut_off(run.path / "encoders/visual/config.json")), "visual does not describe"),
    "an encoder with a config without end": (
        lambda b: _used(b, _text("encoders/visual/config.json", "[" * 100_000)), "visual does not describe an encoder"),
    "a tokenizer whose settings have no end": (
        lambda b: _used(b, _text("encoders/text/tokenizer_config.json", "[" * 100_000)), "text holds no sound text"),
    "a tokenizer that is damaged": (
        lambda b: _used(b, lambda run: cut_off(run.path / "encoders/text/tokenizer.json")), "text holds no sound text"),
    "a resume.pt of noise": (
        lambda b: _resumed(b, lambda run: (run.path / "resume.pt").write_bytes(os.urandom(300))),
        "resume.pt is damaged; delete it to train that stage from its start"),
    "a resume.pt of zero bytes": (
        lambda b: _resumed(b, lambda run: (run.path / "resume.pt").touch()), "resume.pt is damaged"),
    "a foreign resume.pt": (lambda b: _resumed(b, _foreign_state), "resume.pt is damaged"),
    "a resume.pt of another shape": (lambda b: _resumed(b, _state_of_another_shape), "resume.pt of .* does not fit"),
    "a malicious resume.pt": (lambda b: _resumed(b, _plant), "resume.pt is damaged"),
    "another corpus's labels": (
        lambda b: b.predict(b.toy.path, _other_corpus(b)), "was trained on the emotions of meld, but .* has emory"),
    "a split that is not there": (
        lambda b: b.predict(b.toy.path, only(b, Split.TRAIN)), "has no test split; it has train"),
    "predicting with half a run": (
        lambda b: b.predict(b.taught), "is not trained to its end; go on with it first"),
    "evaluating half a run": (
        lambda b: ["evaluate", "--run", str(b.taught)], "has no predictions for test: it is not trained to its end"),
    "evaluating no run": (lambda b: ["evaluate", "--run", str(b.tmp)], "is not a run: it has no run.json"),
    "damaged predictions": (
        lambda b: ["evaluate", "--run", b.run(lambda run: cut_off(run.path / "predictions/test.jsonl"))],
        "test.jsonl is damaged in line \\d: "),
    "runs without a common turn": (
        lambda b: ["evaluate", "--run", str(b.toy.path), "--against", b.run(_renumbered)],
        "cannot be set against .*: the two runs have no turn in common"),
    "an output of unknown kind": (
        lambda b: b.predict(b.toy.path, out="p.xlsx"), "p.xlsx has to end in .jsonl, .csv or .parquet"),
    "predictions of no turn": (
        lambda b: ["evaluate", "--run", b.run(_text("predictions/test.jsonl", ""))], "test.jsonl is empty; going on"),
    "runs of different corpora": (
        lambda b: ["evaluate", "--run", str(b.toy.path), "--against", b.run(_reworded)],
        "cannot be set against .*: they are of different corpora: test/dia0_utt0 has other words, or another speaker"),
    "an output in no folder": (
        lambda b: b.predict(b.toy.path, out="gone/p.csv"), "gone/p.csv cannot be written: there is no folder .*gone$"),
    "an output that is a folder": (
        lambda b: b.predict(b.toy.path, out=_folder(b, "p.jsonl")), "p.jsonl cannot be written: it is a folder"),
    "an output in the run": (
        lambda b: b.predict(b.toy.path, out=str(b.toy.path / "predictions/test.jsonl")),
        "test.jsonl lies in the run .*, which stays as it is: choose a place outside it"),
    "an output in the corpus": (
        lambda b: b.predict(b.toy.path, out=str(b.corpus / "p.csv")),
        "p.csv lies in the corpus folder .*, which stays as it is: choose a place outside it"),
    "embeddings in the corpus": (
        lambda b: b.predict(b.toy.path, None, "--embeddings", str(b.corpus / "e.npz")), "lies in the corpus folder"),
    "a cache in the corpus": (
        lambda b: b.predict(b.toy.path, None, "--cache", str(b.corpus / "cache")), "cache lies in the corpus folder"),
    "a cache of training in the corpus": (
        lambda b: b.train("--cache", str(b.corpus / "cache")), "cache lies in the corpus folder"),
    "a run in the corpus": (lambda b: b.train(run=str(b.corpus / "run")), "run lies in the corpus folder"),
    "embeddings in no folder": (
        lambda b: b.predict(b.toy.path, None, "--embeddings", str(b.tmp / "gone/e.npz")),
        "gone/e.npz cannot be written: there is no folder"),
    "embeddings of another ending": (
        lambda b: b.predict(b.toy.path, None, "--embeddings", str(b.tmp / "e.txt")), "e.txt has to end in .npz$"),
}  # fmt: skip

FULL: dict[str, Case] = {
    "weights": (
        lambda b: _resumed(b, _full("weights/.audio.safetensors.new")), "audio.safetensors cannot be .* No space left"),
    "checkpoint": (lambda b: _resumed(b, _full(".resume.pt.new")), "resume.pt cannot be written: .*"),
    "log": (lambda b: _resumed(b, _full_log), "events.jsonl cannot be written: No space left on device"),
    "output": (
        lambda b: b.predict(b.toy.path, out=_full_output(b)),
        "p.csv cannot be written: No space left on device"),
    "cache": (
        lambda b: b.train("--cache", "/dev/full/cache"), "The media cache /dev/full/cache cannot be written"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), RUNS.values(), ids=RUNS)
def test_a_broken_run(bench: Bench, capsys: Captured, arguments: Callable[[Bench], list[str]], sentence: str) -> None:
    before = _files(bench.corpus)
    with warnings.catch_warnings(record=True) as warned:  # torch's would be lines on the terminal
        warnings.simplefilter("always")
        assert_says(sentence, one_sentence(arguments(bench), capsys))
    assert not warned
    assert not (bench.tmp / "planted").exists()
    assert _files(bench.corpus) == before


def _files(folder: Path) -> dict[Path, int]:
    """Every file in a folder, with the time of its last change."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize(("arguments", "sentence"), FULL.values(), ids=FULL)
def test_a_full_disk(bench: Bench, capsys: Captured, arguments: Callable[[Bench], list[str]], sentence: str) -> None:
    assert_says(sentence, one_sentence(arguments(bench), capsys))


def test_a_run_that_was_killed_while_it_was_made_can_be_started_again(bench: Bench, capsys: Captured) -> None:
    run = bench.tmp / "run"
    run.mkdir()
    for name in ("config.toml", ".run.json.new"):
        (run / name).write_text("half", encoding="utf-8")
    assert main(bench.train("--stage", "teacher")) == 0
    assert RunFolder.open(run).config.preset == "toy"
    capsys.readouterr()


def test_parquet_without_its_library(bench: Bench, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = one_sentence(bench.predict(bench.toy.path, out="p.parquet"), capsys)
    assert said == "Parquet needs pyarrow: pip install 'telme-studio[parquet]', or write .csv or .jsonl"


@pytest.mark.parametrize(
    "mistake",
    [["--set=text.weights=/nowhere"], ["--stage", "fusion"], ["--set=text.weights=nobody/nothing"]],
    ids=["no such folder", "a stage before its time", "no such weights"],
)
def test_a_start_that_failed_leaves_its_folder_to_the_next(bench: Bench, capsys: Captured, mistake: list[str]) -> None:
    run = bench.tmp / "run"
    one_sentence(bench.train(*mistake), capsys)
    assert main(bench.train("--stage", "teacher", "--seed", "3")) == 0
    assert RunFolder.open(run).config.seed == 3
    told = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum(event.get("phase") == "preparing" and "steps" in event for event in told) == 1  # of one start alone
    assert "already holds files" in one_sentence(bench.train("--seed", "4"), capsys)
    assert RunFolder.open(run).config.seed == 3


def test_what_a_person_keeps_under_a_name_of_ours_stays(bench: Bench, capsys: Captured) -> None:
    mine = bench.tmp / "run" / "encoders" / "mine.bin"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"a week's work")
    assert "already holds files" in one_sentence(bench.train(), capsys)
    assert mine.read_bytes() == b"a week's work"


def test_weights_that_are_certain_not_to_load_are_found_before_media_are_decoded(
    bench: Bench, capsys: Captured
) -> None:
    cache = bench.tmp / "cache"
    missing = f"--set=visual.weights={bench.tmp / 'gone'}"
    said = one_sentence(bench.train(missing, "--cache", str(cache)), capsys)
    assert "gone' is not on this machine" in said
    assert not (bench.tmp / "run").exists()
    broken = bench.run(lambda run: cut_off(run.path / "weights/fusion.safetensors"))
    other = bench.elsewhere()
    assert "fusion.safetensors is damaged" in one_sentence(bench.predict(broken, other, "--cache", str(cache)), capsys)
    assert not cache.exists()


def _sound_encoder(bench: Bench) -> str:
    """An audio encoder's folder, by its config.json."""
    folder = bench.tmp / "hubert"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "hubert"}', encoding="utf-8")
    return str(folder)


def _clipless(bench: Bench) -> Path:
    return write_corpus(bench.tmp / "tables", clips=False)


LATE = {  # what once ended a run after its clips were decoded, or after hours
    "an encoder out of reach": (
        lambda b: ["--set=visual.weights=facebook/timesformer-base-finetuned-k400"], None,
        "the visual encoder 'facebook/timesformer-base-finetuned-k400' is not on this machine"),
    "an encoder without weights": (lambda b: [f"--set=visual.weights={_folder(b, 'void')}"], None, "void"),
    "an encoder of another kind": (
        lambda b: [f"--set=visual.weights={_sound_encoder(b)}"], None, "is no visual encoder but an audio one"),
    "an encoder of sound for the picture": (
        lambda b: [f"--set=visual.weights={DEMO_ENCODERS / 'audio'}"], None, "is no visual encoder but an audio one"),
    "no clip at all": (
        lambda b: [], _clipless,
        "there is no folder train_splits.* Bring the clips to their folders, or leave audio and visual out of teacher"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "elsewhere", "sentence"), LATE.values(), ids=LATE)
def test_what_would_end_a_run_is_told_before_anything_is_decoded(
    bench: Bench,
    capsys: Captured,
    settings: Callable[[Bench], list[str]],
    elsewhere: Callable[[Bench], Path] | None,
    sentence: str,
) -> None:
    cache = bench.tmp / "cache"
    where = elsewhere(bench) if elsewhere else bench.corpus
    sentence = f"(?i){sentence}"
    said = one_sentence(bench.train(*settings(bench), "--cache", str(cache), corpus=where), capsys)
    assert re.search(sentence, said), said
    assert not cache.exists()
    assert not (bench.tmp / "run").exists()


def test_a_disk_that_would_be_full_is_told_before_anything_is_decoded(
    bench: Bench, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = bench.tmp / "cache"
    monkeypatch.setattr("telme_model.runs.costs.free_bytes", lambda _place: 100_000)
    assert_says(
        r"^The disk is too small: .* are needed and 100 kB free\. Make room there, or keep the run, or the decoded",
        one_sentence(bench.train("--cache", str(cache)), capsys),
    )
    assert not cache.exists()


def test_damaged_embeddings_of_a_finished_run_are_computed_again(bench: Bench, capsys: Captured) -> None:
    run = Path(bench.run(lambda run: cut_off(run.path / "embeddings/audio.safetensors")))
    assert main(bench.train("--resume", run=str(run))) == 0
    told = capsys.readouterr().err
    assert "warning: embeddings/audio.safetensors is damaged and is computed again" in told
    name = "embeddings/audio.safetensors"
    assert (run / name).read_bytes() == (bench.toy.path / name).read_bytes()


def test_a_corpus_of_a_name_that_is_no_text_is_trained_on(bench: Bench, capsys: Captured) -> None:
    corpus = Path(shutil.copytree(bench.corpus, bench.tmp / "S\udce9rie"))
    assert main(bench.train("--stage", "teacher", corpus=corpus)) == 0
    run = bench.tmp / "run"
    assert (run / RunFolder.open(run).facts["corpus"]["root"]).resolve() == corpus
    capsys.readouterr()
