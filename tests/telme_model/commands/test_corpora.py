"""Corpora as people have them: opened and checked; trained on, predicted, annotated and exported."""

import json
from pathlib import Path

import pytest

from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.commands.main import main
from telme_model.corpus import Corpus, Severity, Split, open_corpus
from telme_model.corpus.health import ProblemFound
from telme_model.corpus.reading import remember
from telme_model.media.health import check
from tests.support.corpora import LENGTHS, MISSING
from tests.support.layouts import KINDS, Kind
from tests.support.runs import ToyRun

SMALL = ["stages.teacher.epochs=1", "stages.audio.epochs=1", "stages.fusion.epochs=1", "students=audio"]
TURNS = sum(map(sum, LENGTHS.values()))

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def root(corpus: Path, tmp_path: Path) -> Path:
    place = tmp_path / "mine"
    place.mkdir()
    return place


def opened(kind: Kind, toy: Path, root: Path) -> Corpus:
    kind.make(toy, root)
    if kind.reading is not None:
        remember(root, kind.reading)
    return open_corpus(root)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_it_opens_and_its_check_finds_nothing_but_what_lacks(corpus: Path, root: Path, kind: Kind) -> None:
    found = opened(kind, corpus, root)
    turns = list(found.turns())
    assert found.labels.name == kind.labels
    assert sum(turn.gold is None for turn in turns) == kind.unlabelled
    if kind.trainable:
        assert len(turns) == TURNS
        assert found.splits() == tuple(Split)
        toy = {str(turn.id): (turn.speaker, turn.text) for turn in open_corpus(corpus).turns()}
        assert {str(turn.id): (turn.speaker, turn.text) for turn in turns} == toy
    problems = [event.problem for event in check(found) if isinstance(event, ProblemFound)]
    assert not [problem for problem in problems if problem.severity is Severity.FATAL]
    if kind.clips:
        lost = {problem.turn for problem in problems if problem.code == "missing-clip"}
        assert len(lost) in (0, len(MISSING))
        assert not [problem for problem in problems if problem.code == "extra-files"]
        assert not [p for p in problems if p.code == "no-clips" and p.severity is Severity.WARNING]


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS.values() if kind.trainable],
    ids=[name for name, kind in KINDS.items() if kind.trainable],
)
def test_it_is_trained_predicted_annotated_and_exported(
    corpus: Path, root: Path, tmp_path: Path, kind: Kind, capsys: Captured
) -> None:
    found = opened(kind, corpus, root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    settings = SMALL if kind.clips else ["stages.teacher.epochs=1", "stages.fusion.epochs=1", "students="]
    run = tmp_path / "run"
    options = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", str(root), "--run", str(run), "--preset", "toy", "--json", *options]) == 0
    scored = json.loads(capsys.readouterr().out)["scores"]["test"]["fused"]
    test = list(found.turns(Split.TEST))
    assert scored["turns"] == sum(turn.gold is not None for turn in test)
    records = predicted(root, run, tmp_path / "p.jsonl")
    assert records == [(turn.id.dialogue, turn.id.utterance, turn.gold) for turn in test]
    annotated_and_exported(found, root, tmp_path)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS.values() if not kind.trainable],
    ids=[name for name, kind in KINDS.items() if not kind.trainable],
)
def test_without_a_label_it_is_refused_for_training_and_predicted_by_another_run(
    corpus: Path, root: Path, tmp_path: Path, kind: Kind, toy_run: ToyRun, capsys: Captured
) -> None:
    found = opened(kind, corpus, root)
    assert main(["train", str(root), "--run", str(tmp_path / "run"), "--preset", "toy"]) == 1
    assert "has no labelled turns in its train split. Training needs train and dev" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    records = predicted(root, toy_run.path, tmp_path / "p.jsonl")
    assert records == [(turn.id.dialogue, turn.id.utterance, None) for turn in found.turns(Split.TEST)]
    annotated_and_exported(found, root, tmp_path)


def predicted(root: Path, run: Path, out: Path) -> list[tuple[str, int, str | None]]:
    assert main(["predict", str(root), "--run", str(run), "--out", str(out), "--no-contributions"]) == 0
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [(record["dialogue"], record["utterance"], record["gold"]) for record in records]


def annotated_and_exported(found: Corpus, root: Path, tmp_path: Path) -> None:
    """The first turn is labelled; all formats take it, and MELD's brings it back."""
    turn = next(found.turns(Split.TEST)).id
    label = Label(emotion=found.labels.labels[0])
    with Store.open(store_path(found), found) as store:
        store.add_layer("anna")
        store.edit("label", {("anna", Scope.ALL, turn): label})
    for form in ("meld", "jsonl", "elan", "textgrid", "webvtt"):
        out = tmp_path / (f"{form}.jsonl" if form == "jsonl" else form)
        assert main(["export", str(root), "--layer", "anna", "--format", form, "--out", str(out)]) == 0
    assert main(["import", str(root), str(tmp_path / "meld" / "test_sent_emo.csv"), "--layer", "bo"]) == 0
    with Store.open(store_path(found), found) as store:
        assert {key: value.emotion for key, value in store.labels("bo").items()} == {turn: label.emotion}
