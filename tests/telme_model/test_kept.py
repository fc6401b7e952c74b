"""Kept predictions: there again for the same weights, words and clips, and for no others."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from telme_model.browsing import predict_as_wanted
from telme_model.checkpoints import RunFolder
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.events import TurnPredicted
from telme_model.kept import KeptPredictions
from telme_model.records import Record
from tests.corpora import rows, write_annotations, write_corpus
from tests.runs import ToyRun


@pytest.fixture
def run(toy_run: ToyRun, tmp_path: Path) -> RunFolder:
    """A copy, to be changed."""
    return RunFolder.open(shutil.copytree(toy_run.path, tmp_path / "run"))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def record(utterance: int) -> Record:
    return {"split": "test", "dialogue": "0", "utterance": utterance, "fused": {"joy": 1.0}}


def test_what_is_predicted_is_kept_as_it_was_told(toy_run: ToyRun) -> None:
    corpus = open_corpus(toy_run.corpus)
    known = {turn.id for turn in corpus.turns() if turn.id.split is not Split.TEST}
    told = [
        event.record
        for event in predict_as_wanted(toy_run.path, corpus, known, lambda: None)
        if isinstance(event, TurnPredicted)
    ]
    assert len(told) == len(list(corpus.turns(Split.TEST)))
    assert KeptPredictions(RunFolder.open(toy_run.path), corpus).read() == told


def test_a_line_that_a_kill_cut_off_costs_itself_alone(run: RunFolder, clips: Path) -> None:
    kept = KeptPredictions(run, open_corpus(clips))
    assert kept.read() == []
    kept.add([record(0), record(1)])
    whole = kept.path.read_bytes()
    kept.path.write_bytes(whole[:-9])
    kept.add([record(2)])
    assert kept.read() == [record(0), record(2)]


def retrain(run: RunFolder, _clips: Path) -> None:
    os.utime(run.path / "weights" / "fusion.safetensors", ns=(1, 1))


def mend_words(_run: RunFolder, clips: Path) -> None:
    write_annotations(clips, Split.TEST, [{**row, "Utterance": "Other words."} for row in rows(Split.TEST)])


def replace_clip(_run: RunFolder, clips: Path) -> None:
    next(clips.rglob("*.mp4")).write_bytes(b"another film")


@pytest.mark.parametrize("change", [retrain, mend_words, replace_clip])
def test_they_belong_to_these_weights_words_and_clips(
    run: RunFolder, clips: Path, change: Callable[[RunFolder, Path], None]
) -> None:
    KeptPredictions(run, open_corpus(clips)).add([record(0)])
    assert KeptPredictions(run, open_corpus(clips)).read() == [record(0)]
    change(run, clips)
    assert KeptPredictions(run, open_corpus(clips)).read() == []


def test_a_place_that_cannot_be_written_is_no_error(
    run: RunFolder, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TELME_PREDICTIONS", str(tmp_path / "file" / "predictions"))
    kept = KeptPredictions(run, open_corpus(clips))
    kept.add([record(0)])
    assert kept.read() == []
