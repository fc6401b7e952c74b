"""A layer in place of gold: in a corpus, in a training, in a run's scores."""

import json
import shutil
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from telme_model.annotations.apply import with_labels
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.sqlite import StoreError
from telme_model.annotations.store import Store
from telme_model.commands.main import main
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split, TurnId
from telme_model.corpus.fingerprint import fingerprint
from telme_model.events import Event, Phase, StepDone
from telme_model.runs.folder import RunError
from telme_model.runs.presets import TOY
from telme_model.training.pipeline import train
from tests.support.runs import ToyRun, tensors

CONFIG = TOY.with_settings(["stages.teacher.epochs=2"])


@pytest.fixture
def labelled(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """The toy corpus with a store: ada says joy of everything but two test turns, bo is sure of nothing."""
    monkeypatch.setenv("TELME_ANNOTATIONS", str(tmp_path / "annotations"))
    opened = open_corpus(corpus)
    turns = [turn.id for turn in opened.turns()]
    last = TurnId(Split.TEST, "2", 1)
    said = {turn: Label(emotion="joy", unsure=turn == last) for turn in turns if turn != TurnId(Split.TEST, "2", 0)}
    with Store.open(store_path(opened), opened) as store:
        store.edit("label", {("ada", Scope.ALL, turn): label for turn, label in said.items()})
        store.edit("label", {("bo", Scope.ALL, turn): Label(emotion="joy", unsure=True) for turn in turns})
    return opened


@pytest.mark.slow
def test_labels_stand_in_for_gold(corpus: Path) -> None:
    opened = open_corpus(corpus)
    golds = {turn.id: turn.gold for turn in opened.turns()}
    first, second, third = list(golds)[:3]
    labels = {
        first: Label(emotion="disgust"),
        second: Label(emotion="disgust", unsure=True),
        third: Label(flag=True, comment="cut off"),
    }
    both = {turn.id: turn.gold for turn in with_labels(opened, labels).turns()}
    assert both == {**golds, first: "disgust"}
    alone = {turn.id: turn.gold for turn in with_labels(opened, labels, fallback=False).turns()}
    assert alone == {**dict.fromkeys(golds), first: "disgust"}
    assert with_labels(opened, {}) == opened


def test_a_run_learns_the_layer_as_it_was_when_it_began(labelled: Corpus, tmp_path: Path) -> None:
    whole, cut, gold = tmp_path / "whole", tmp_path / "cut", tmp_path / "gold"
    list(train(CONFIG, labelled.root, whole, stages=["teacher"], layer="ada"))
    begun = cast("Generator[Event, None, None]", train(CONFIG, labelled.root, cut, stages=["teacher"], layer="ada"))
    with closing(begun) as events:
        next(event for event in events if isinstance(event, StepDone) and event.phase is Phase.TEACHER)
    shutil.rmtree(tmp_path / "annotations")
    list(train(CONFIG, labelled.root, cut, stages=["teacher"], resume=True))
    assert tensors(cut) == tensors(whole)
    list(train(CONFIG, labelled.root, gold, stages=["teacher"]))
    assert tensors(gold) != tensors(whole)
    facts = json.loads((whole / "run.json").read_text(encoding="utf-8"))
    turns = len(list(labelled.turns()))
    assert (facts["layer"], facts["labels"]) == ("ada", turns - 2)
    assert facts["corpus"]["fingerprint"] == fingerprint(labelled)
    assert set(json.loads((whole / "labels.json").read_text(encoding="utf-8"))["emotions"].values()) == {"joy"}
    (cut / "labels.json").write_text('{"layer": "ada", "emotions": {"train/dia0_utt0": "bliss"}}', encoding="utf-8")
    with pytest.raises(RunError, match=r"labels.json is damaged: it does not hold emotions of meld"):
        list(train(CONFIG, labelled.root, cut, resume=True))


def test_a_layer_run_is_scored_on_its_layer_and_predicts_with_gold_beside(labelled: Corpus, tmp_path: Path) -> None:
    settings = [f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")]
    run = tmp_path / "run"
    list(train(TOY.with_settings(settings), labelled.root, run, layer="ada"))
    lines = (run / "predictions" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    golds = {turn.id: turn.gold for turn in labelled.turns(Split.TEST)}
    assert [record["gold"] for record in records] == list(golds.values())
    spared = {TurnId(Split.TEST, "2", 0), TurnId(Split.TEST, "2", 1)}
    learnt = [gold if turn in spared else "joy" for turn, gold in golds.items()]
    said = [max(record["fused"], key=record["fused"].get) for record in records]
    accuracy = sum(a == b for a, b in zip(said, learnt, strict=True)) / len(said)
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert scores["test"]["fused"]["accuracy"] == pytest.approx(100 * accuracy, abs=1e-6)


@pytest.mark.slow
def test_evaluate_scores_against_a_layer(labelled: Corpus, toy_run: ToyRun, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--run", str(toy_run.path), "--json"]
    assert main([*command, "--labels", "ada", "--against", str(toy_run.path)]) == 0
    result = json.loads(capsys.readouterr().out)
    lines = (toy_run.path / "predictions" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    said = [max(record["fused"], key=record["fused"].get) for record in map(json.loads, lines)]
    scored = said[:-2]  # the last two test turns are not labelled, or not surely
    assert result["scores"]["fused"]["accuracy"] == pytest.approx(100 * scored.count("joy") / len(scored), abs=1e-6)
    assert main([*command, "--labels", "bo"]) == 1
    assert "the layer bo labels no turn of test" in capsys.readouterr().err
    assert main([*command, "--labels", "cy"]) == 1
    assert "there is no layer cy; there are: ada, bo" in capsys.readouterr().err


def test_training_without_annotations_says_so(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_ANNOTATIONS", str(tmp_path / "none"))
    with pytest.raises(StoreError, match="has no annotations yet"):
        list(train(CONFIG, corpus, tmp_path / "run", layer="ada"))
    assert not (tmp_path / "run").exists()
