"""What a command is told of a corpus' tables holds for every later one, and leaves the corpus as it was."""

import json
from pathlib import Path

import pytest

from telme_model.commands.main import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "dados.csv").write_text("frase;quem;humor\nOlá.;Ana;feliz\nTchau.;Bo;bravo\n", encoding="utf-8")
    return folder


SAID = ["--columns", "text=frase,speaker=quem", "--columns", "emotion=humor", "--emotions", "feliz=joy,bravo=anger"]


def problems(corpus: Path, capsys: Captured, *options: str) -> dict[str, str]:
    assert main(["check", str(corpus), "--json", *options]) == 0
    return {problem["code"]: problem["reason"] for problem in json.loads(capsys.readouterr().out)}


def test_columns_are_told_once(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    before = {path: path.read_bytes() for path in corpus.iterdir()}
    assert main(["check", str(corpus)]) == 1
    assert "its columns are frase, quem, humor. Say which is which, as in --columns text=" in capsys.readouterr().err
    first = problems(corpus, capsys, *SAID)
    assert first["columns"].startswith("dados.csv is read with text from 'frase', speaker from 'quem', emotion from")
    assert problems(corpus, capsys) == first
    arguments = ["export", str(corpus), "--layer", "gold", "--format", "jsonl", "--out", str(tmp_path / "gold.jsonl")]
    assert main(arguments) == 0
    lines = (tmp_path / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["gold"] for line in lines] == ["joy", "anger"]
    assert {path: path.read_bytes() for path in corpus.iterdir()} == before
    assert main(["check", str(corpus), "--columns", "auto"]) == 1


def test_what_is_wrong_is_not_remembered(corpus: Path, capsys: Captured) -> None:
    problems(corpus, capsys, *SAID)
    for wrong in (["--columns", "text=said"], ["--columns", "words=frase"], ["--emotions", "feliz"]):
        assert main(["check", str(corpus), *wrong]) == 1
        assert capsys.readouterr().err.startswith("telme-studio: ")
    assert "columns" in problems(corpus, capsys)


def test_training_says_that_a_table_without_splits_cannot_be_learnt(
    corpus: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["train", str(corpus), "--run", str(tmp_path / "run"), "--preset", "toy", *SAID]) == 1
    assert "has no labelled turns in its train split. Training needs train and dev" in (told := capsys.readouterr().err)
    assert "name a column of splits (--columns split=NAME)" in told
    assert "columns" in problems(corpus, capsys)


def test_a_realignment_is_remembered_until_it_is_taken_back(tmp_path: Path, capsys: Captured) -> None:
    corpus = tmp_path / "meld"
    corpus.mkdir()
    (corpus / "train_sent_emo.csv").write_text("Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nHi.,Ada,joy,0,0\n")
    fair = tmp_path / "fair.csv"
    names = "Split,Dialogue ID,Utterance ID,Original Dialogue ID,Original Utterance ID,Start Time,End Time"
    fair.write_text(f"{names}\ntrain,0,0,0,0,0.5,1.5\n")
    assert "realigned" in problems(corpus, capsys, "--realigned", str(fair))
    assert "realigned" in problems(corpus, capsys)
    assert "realigned" not in problems(corpus, capsys, "--realigned", "auto")
