"""Broken corpora, clips, settings and weights give a sentence and an exit code through the command line."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from telme_model.commands.main import main
from telme_model.corpus.dialogue import Modality, Split
from telme_model.networks.backbones import load_backbone
from telme_model.runs.folder import RunFolder
from tests.support import clips
from tests.support.bad_inputs import Bench, Captured, Case, a_file, assert_says, cut_off, not_finite, one_sentence, only
from tests.support.corpora import rows, write_corpus

# Corpora


def _two(bench: Bench) -> Path:
    folder = bench.tables()
    shutil.copy(folder / "train_sent_emo.csv", folder / "emorynlp_train_final.csv")
    return folder


CORPORA: dict[str, Case] = {
    "missing folder": (lambda b: ["check", str(b.tmp / "gone")], "There is no folder '.*gone': check the path"),
    "file for a folder": (lambda b: ["check", str(a_file(b))], "'.*file' is a file: give the folder that holds"),
    "empty folder": (lambda b: ["check", str(b.tmp)], "No corpus was found in '.*' or two levels below. Looked for"),
    "empty tables": (lambda b: ["check", str(b.tables(lambda _: ""))], "could be read: .*_sent_emo.csv is empty"),
    "binary tables": (
        lambda b: ["check", str(b.tables(lambda _: "\0\1\2" * 500))], "is not a text file \\(it holds binary data\\)"),
    "no emotions": (
        lambda b: b.train(corpus=b.tables(lambda text: text.replace("Emotion", "Weather"))),
        "has no labelled turns in its train split. Training needs .*: label some, or open another corpus"),
    "two corpora": (lambda b: ["check", str(_two(b))], "holds more than one corpus"),
    "only a test split": (
        lambda b: b.train(corpus=only(b, Split.TEST)), "has no labelled turns in its train split. Training needs"),
    "no dev split": (lambda b: b.train(corpus=only(b, Split.TRAIN)), "has no labelled turns in its dev split"),
    "no folder of clips": (
        lambda b: b.train(corpus=b.tables()), "train split has audio: there is no folder train_splits"),
    "all clips of zero bytes": (
        lambda b: b.train(corpus=b.clips(clips.zero_bytes)), "no labelled turn of the train split has audio"),
    "all clips cut off": (
        lambda b: b.train(corpus=b.clips(lambda path: path.write_bytes(b"\0\0\0 ftypisom" + bytes(2000)))),
        "no labelled turn of the train split has audio"),
    "no sound anywhere": (
        lambda b: b.train(corpus=b.clips(_silent)), "no labelled turn of the train split has audio"),
    "no picture anywhere": (
        lambda b: b.train("--set=students=visual", corpus=b.clips(_dark)),
        "no labelled turn of the train split has visual"),
}  # fmt: skip


def _silent(path: Path) -> None:
    clips.write_clip(path, seconds=0.3, fps=8, size=(32, 32), channels=0)


def _dark(path: Path) -> None:
    clips.write_clip(path, seconds=0.3, picture=False)


# Settings

SETTINGS: dict[str, Case] = {
    "unknown preset": (lambda b: b.train("--preset", "papper"), "there is no preset 'papper'; there are paper-meld, "),
    "unknown key": (lambda b: b.train("--set=fusion.tetha=1"), "there is no setting 'fusion.tetha'; train --help-se"),
    "a table for a key": (lambda b: b.train("--set=fusion=1"), "there is no setting 'fusion'"),
    "no value": (lambda b: b.train("--set=seed"), "'seed' is not of the form key=value"),
    "no number": (lambda b: b.train("--set=seed=lucky"), "seed cannot be 'lucky'; it is 0 now"),
    "wrong type": (lambda b: b.train("--set=text.prompt=3"), "text.prompt is 3; it has to be true or false"),
    "half an epoch": (lambda b: b.train("--set=stages.audio.epochs=0.5"), "epochs is 0.5; it has to be a whole number"),
    "an endless seed": (
        lambda b: b.train("--set=seed=99999999999999999999999"), "seed is 9+; it has to be at least 0 and below 2.63"),
    "weights without a name": (lambda b: b.train("--set=text.weights="), "text.weights is empty; it has to name a fol"),
    "out of range": (lambda b: b.train("--set=stages.audio.epochs=0"), "epochs is 0; it has to be above 0"),
    "warm-up beyond the end": (lambda b: b.train("--set=stages.text.warmup=1.5"), "warmup is 1.5; it has to be at le"),
    "not a number at all": (lambda b: b.train("--set=fusion.theta=nan"), "fusion.theta is nan"),
    "heads that do not divide": (
        lambda b: b.train("--set=fusion.heads=5"), "fusion.heads is 5, which does not divide the attention's width"),
    "its own student": (lambda b: b.train("--set=teacher=audio"), "students names audio, which is the teacher"),
    "a modality twice": (lambda b: b.train("--set=students=audio,audio"), "students names a modality twice"),
    "unknown modality": (lambda b: b.train("--set=students=smell"), "it has to be one of text, audio, visual"),
    "unknown device": (lambda b: b.train("--set=device=abacus"), "device is 'abacus'; it has to be auto, cpu, cuda"),
    "a GPU that is not there": (lambda b: b.train("--set=device=cuda:99"), "cuda:99 is not here: PyTorch can use"),
    "no TOML": (lambda b: b.config("teacher = text"), "c.toml is not valid TOML: "),
    "TOML with wrong types": (lambda b: b.config("fusion = 3"), "c.toml: fusion has to be a table of settings, not 3"),
    "TOML with another type": (lambda b: b.config('seed = "one"'), "c.toml: seed is 'one'; it has to be a whole num"),
    "TOML with unknown keys": (lambda b: b.config("[audio]\npooled = 1"), "there is no setting 'audio.pooled'; known"),
    "binary TOML": (lambda b: b.config(b"\xff\xfe\0"), "c.toml is not a text file in UTF-8"),
    "missing TOML": (lambda b: b.train("--config", str(b.tmp / "no.toml")), "no.toml cannot be read: No such file"),
    "settings on resuming": (
        lambda b: b.train("--resume", "--set=seed=1", run=str(b.toy.path)), "in a run that has begun only stages"),
    "a rate that explodes": (
        lambda b: b.train("--set=stages.teacher.learning_rate=1e30"),
        "of the teacher became .*; the step was not taken. Smaller steps .*--set stages.teacher.learning_rate=5e.29"),
}  # fmt: skip


# Pretrained weights


def _hub(bench: Bench, modality: Modality, change: Callable[[Path], object]) -> str:
    """A local folder with a tiny encoder, changed."""
    folder = bench.tmp / "hub"
    backbone = load_backbone("toy", modality)
    backbone.save_pretrained(folder)  # type: ignore[operator]
    change(folder)
    return str(folder)


def _weights(bench: Bench, own: Modality, used: Modality, change: Callable[[Path], object] = bool) -> list[str]:
    others = [m for m in Modality if m is not used]
    chosen = f"--set={used}.weights={_hub(bench, own, change)}"
    return bench.train(f"--set=teacher={used}", f"--set=students={others[0]}", chosen)


WEIGHTS: dict[str, Case] = {
    "no folder of weights": (
        lambda b: b.train(f"--set=text.weights={b.tmp / 'gone'}"), "the text encoder '.*gone' is not on this machine"),
    "a hub name without network": (
        lambda b: b.train("--set=text.weights=nobody/nothing"), "'nobody/nothing' is not on this machine and could no"),
    "no hub name at all": (lambda b: b.train("--set=text.weights=a b/c?d"), "'a b/c\\?d' is not on this machine"),
    "bundled weights that are not": (lambda b: b.train("--set=text.weights=bundled:x"), "'bundled:x' is not on this"),
    "a folder without a model": (
        lambda b: b.train(f"--set=text.weights={b.tmp}"), "the folder .* holds no sound text encoder \\(config.json"),
    "weights cut off": (
        lambda b: _weights(b, Modality.VISUAL, Modality.VISUAL, lambda f: cut_off(f / "model.safetensors")),
        "holds no sound visual encoder"),
    "weights of zero bytes": (
        lambda b: _weights(b, Modality.AUDIO, Modality.AUDIO, lambda f: cut_off(f / "model.safetensors", 0)),
        "holds no sound audio encoder"),
    "a config that is no JSON": (
        lambda b: _weights(b, Modality.AUDIO, Modality.AUDIO, lambda f: cut_off(f / "config.json")),
        "hub has no readable config.json"),
    "an unknown architecture": (
        lambda b: _weights(b, Modality.AUDIO, Modality.AUDIO, lambda f: (f / "config.json").write_text("{}")),
        "config.json does not say which encoder it describes"),
    "an encoder of pictures for sound": (
        lambda b: _weights(b, Modality.VISUAL, Modality.AUDIO), "is no audio encoder but a visual one \\(timesf"),
    "an encoder of sound for pictures": (
        lambda b: _weights(b, Modality.AUDIO, Modality.VISUAL), "is no visual encoder but an audio one \\(data"),
    "an encoder without its tokenizer": (
        lambda b: _weights(b, Modality.TEXT, Modality.TEXT), "hub has no tokenizer.json"),
    "pretrained weights that are not finite": (
        lambda b: _weights(b, Modality.VISUAL, Modality.VISUAL, lambda f: not_finite(f / "model.safetensors")),
        "the loss of the teacher became nan"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), CORPORA.values(), ids=CORPORA)
def test_a_broken_corpus(
    bench: Bench, capsys: Captured, arguments: Callable[[Bench], list[str]], sentence: str
) -> None:
    assert_says(sentence, one_sentence(arguments(bench), capsys))


@pytest.mark.parametrize(("arguments", "sentence"), SETTINGS.values(), ids=SETTINGS)
def test_a_broken_setting(
    bench: Bench, capsys: Captured, arguments: Callable[[Bench], list[str]], sentence: str
) -> None:
    assert_says(sentence, one_sentence(arguments(bench), capsys))


@pytest.mark.parametrize(("arguments", "sentence"), WEIGHTS.values(), ids=WEIGHTS)
def test_broken_weights(bench: Bench, capsys: Captured, arguments: Callable[[Bench], list[str]], sentence: str) -> None:
    assert_says(sentence, one_sentence(arguments(bench), capsys))


# What is only partly broken goes on and is told

BROKEN: dict[str, Callable[[Path], object]] = {
    "is empty (zero bytes)": clips.zero_bytes,
    "is not a clip that can be read": clips.garbage,
    "is not a clip that can be read (invalid data": clips.text,
    "is a folder, not a clip": Path.mkdir,
    "is a link to": lambda path: path.symlink_to("gone.mp4"),
    "has no sound": _silent,
    "has no picture": _dark,
    "does not exist": lambda path: None,
}


@pytest.mark.slow
def test_broken_clips_are_listed_and_cost_their_turns_alone(bench: Bench, capsys: Captured) -> None:
    corpus = Path(shutil.copytree(bench.corpus, bench.tmp / "corpus"))
    victims = sorted((corpus / "train_splits").glob("*.mp4"))[: len(BROKEN)]
    for (reason, damage), clip in zip(BROKEN.items(), victims, strict=True):
        clip.unlink()
        damage(clip)
        assert main(["check", str(corpus)]) == 0
        told = capsys.readouterr()
        assert any(reason in line for line in told.out.splitlines() if clip.name in line and str(clip.parent) in line)
    settings = [f"--set=stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")]
    assert main(bench.train(*settings, corpus=corpus)) == 0
    excluded = RunFolder.open(bench.tmp / "run").facts["excluded"]
    assert {f"train/{clip.stem}" for clip in victims} <= {entry["turn"] for entry in excluded}
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "encoding", "code", "says"),
    [
        (str, "utf-16", 0, "0 fatal"),
        (lambda text: text.replace("Okay.", "It’s okay."), "cp1252", 0, "encoding"),
        (lambda text: text.replace("Okay.", "Ok\0ay.", 1), "utf-8", 1, "has a NUL byte in column 'Utterance'"),
        (lambda text: text.replace(",Bo,", f",{'o' * 200_000},", 1), "utf-8", 1, "it is longer than 131,072 char"),
        (lambda text: text + text.splitlines()[1] + "\n", "utf-8", 1, "repeats train/dia0_utt0 of row 2; the first is"),
        (lambda text: text + "99,Oh\n", "utf-8", 1, "ends before column 'Speaker' \\(2 of 11 values\\)"),
        (lambda text: text.replace("00:00:00,000", "noon"), "utf-8", 0, "in column 'StartTime', not a time like"),
    ],
    ids=["UTF-16", "Windows-1252", "NUL", "endless field", "duplicate id", "short row", "bad time"],
)
def test_odd_tables_are_read_as_far_as_they_go(
    bench: Bench, capsys: Captured, change: Callable[[str], str], encoding: str, code: int, says: str
) -> None:
    assert main(["check", str(bench.tables(change, encoding=encoding)), "--no-media"]) == code
    assert re.search(says, capsys.readouterr().out)


def test_a_variable_frame_rate_is_no_problem(bench: Bench, capsys: Captured) -> None:
    corpus = write_corpus(bench.tmp / "corpus", clips=False)
    (corpus / "train_splits").mkdir()
    for row in list(rows(Split.TRAIN))[:2]:
        clips.variable_frame_rate(corpus / "train_splits" / f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4")
    assert main(["check", str(corpus), "--json"]) == 0
    problems = json.loads(capsys.readouterr().out)
    assert not [p for p in problems if p["turn"] in ("train/dia0_utt0", "train/dia0_utt1") and p["severity"] != "note"]


# The others


@pytest.mark.slow
def test_a_demo_corpus_needs_the_synthesiser(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    said = one_sentence(["make-demo", str(tmp_path / "demo"), "--dialogues", "3"], capsys)
    assert "espeak-ng, which speaks the demo corpus, is not installed: 'apt-get install espeak-ng' on Debian" in said


@pytest.mark.parametrize("dialogues", ["-1", "0", "2"])
def test_a_demo_corpus_needs_three_dialogues(tmp_path: Path, capsys: Captured, dialogues: str) -> None:
    said = one_sentence(["make-demo", str(tmp_path / "demo"), f"--dialogues={dialogues}"], capsys)
    assert f"needs at least 3 dialogues, one a split; {dialogues} were asked for" in said
    assert not (tmp_path / "demo").exists()


def test_a_demo_corpus_is_not_made_among_other_files(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "thesis.doc").touch()
    said = one_sentence(["make-demo", str(tmp_path), "--dialogues", "3"], capsys)
    assert "is not empty; choose a new folder" in said


@pytest.mark.parametrize(("text", "says"), [("a,b\n1,2\n", "lacks the column"), ("", "lacks the column|holds no MELD")])
def test_a_demo_corpus_needs_melds_texts(tmp_path: Path, capsys: Captured, text: str, says: str) -> None:
    (tmp_path / "train_sent_emo.csv").write_text(text, encoding="utf-8")
    arguments = ["make-demo", str(tmp_path / "demo"), "--texts", str(tmp_path / "train_sent_emo.csv")]
    assert_says(says, one_sentence(arguments, capsys))


def test_a_demo_that_is_not_bundled(bench: Bench, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telme_model.commands.demo.DEMO_CORPUS", bench.tmp / "gone")
    assert_says("There is no folder '.*gone': check the path", one_sentence(["demo"], capsys))
