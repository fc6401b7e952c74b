"""Kept predictions: there again for the same weights, words and clips, and for no others."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import EMORYNLP, MELD
from telme_model.corpus.meld import CLIP_FOLDERS
from telme_model.events import TurnPredicted
from telme_model.media.cache import MediaCache
from telme_model.prediction.browsing import predict_as_wanted
from telme_model.prediction.stored import StoredPredictions
from telme_model.runs.folder import RunFolder
from telme_model.runs.records import Record
from tests.support.corpora import rows, write_annotations, write_corpus
from tests.support.runs import ToyRun


@pytest.fixture
def run(toy_run: ToyRun, tmp_path: Path) -> RunFolder:
    """A copy, to be changed."""
    return RunFolder.open(shutil.copytree(toy_run.path, tmp_path / "run"))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def record(utterance: int) -> Record:
    """Of a turn, by a run of the text alone."""
    certain = {label: float(label == "joy") for label in MELD.labels}
    turn = {"split": "test", "dialogue": "0", "utterance": utterance, "speaker": "Ada", "text": "Hi", "gold": "joy"}
    nothing = ("audio", "visual", "displacement", "unshifted", "shapley", "baseline", "shift_shares")
    said = {"teacher": certain, "fused": certain, "missing": [], "run": "toy"}
    return {**turn, **dict.fromkeys(nothing), **said}


def test_what_is_predicted_is_kept_as_it_was_told(toy_run: ToyRun) -> None:
    corpus = open_corpus(toy_run.corpus)
    known = {turn.id for turn in corpus.turns() if turn.id.split is not Split.TEST}
    told = [
        event.record
        for event in predict_as_wanted(toy_run.path, corpus, known, lambda: None)
        if isinstance(event, TurnPredicted)
    ]
    assert len(told) == len(list(corpus.turns(Split.TEST)))
    assert StoredPredictions(RunFolder.open(toy_run.path), corpus).read() == told


def test_what_was_predicted_without_a_clip_that_has_gone_is_not_kept(run: RunFolder, clips: Path) -> None:
    """It may come back. A turn whose clip was not there at all is kept: another digest belongs to its coming."""
    kept = StoredPredictions(run, open_corpus(clips))
    (clips / CLIP_FOLDERS[Split.TEST] / "dia1_utt1.mp4").unlink()
    blind = {"dialogue": "1", "missing": ["visual"]}
    kept.add([{**record(number), **blind} for number in range(3)])
    assert [one["utterance"] for one in kept.read()] == [0, 2]


def test_what_was_predicted_while_a_clip_could_not_be_read_is_not_kept(
    run: RunFolder, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MediaCache, "again", lambda _cache, turn: turn.id.utterance == 1)
    corpus = open_corpus(clips)
    list(predict_as_wanted(run.path, replace(corpus, dialogues=corpus.dialogues[:2]), (), lambda: None, cache=tmp_path))
    kept = StoredPredictions(run, replace(corpus, dialogues=corpus.dialogues[:2])).read()
    assert {one["utterance"] for one in kept} == {0, 2}


def test_a_run_s_name_that_is_no_text_harms_nothing(run: RunFolder, clips: Path) -> None:
    kept = StoredPredictions(run, open_corpus(clips))
    kept.add([{**record(0), "run": "n\udcffme"}])
    assert [one["run"] for one in kept.read()] == ["n\udcffme"]


def test_a_line_that_a_kill_cut_off_costs_itself_alone(run: RunFolder, clips: Path) -> None:
    kept = StoredPredictions(run, open_corpus(clips))
    assert kept.read() == []
    kept.add([record(0), record(1)])
    whole = kept.path.read_bytes()
    kept.path.write_bytes(whole[:-9])
    kept.add([record(2)])
    assert kept.read() == [record(0), record(2)]


OTHERS = dict.fromkeys(EMORYNLP.labels, 1 / 7)
DAMAGED = {
    "a number for probabilities": b'{"fused": 1}',
    "null for probabilities": b'{"fused": null}',
    "a depth without end": b"[" * 100_000,
    "a list": b"[]",
    "no text": b"\xff",
    "a number in a whole record": json.dumps(record(3) | {"fused": 5}).encode(),
    "a list for a name": json.dumps(record(3) | {"dialogue": []}).encode(),
    "a turn that the corpus has not": json.dumps(record(3) | {"dialogue": "99"}).encode(),
    "other emotions": json.dumps(record(3) | {"fused": OTHERS, "teacher": OTHERS, "gold": "sad"}).encode(),
    "no displacement": json.dumps({k: v for k, v in record(3).items() if k != "displacement"}).encode(),
}


@pytest.mark.parametrize("line", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_whole_record_of_this_corpus_is_left_out(run: RunFolder, clips: Path, line: bytes) -> None:
    kept = StoredPredictions(run, open_corpus(clips))
    kept.add([record(0)])
    with kept.path.open("ab") as file:
        file.write(line + b"\n")
    kept.add([record(1)])
    assert kept.read() == [record(0), record(1)]


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
    StoredPredictions(run, open_corpus(clips)).add([record(0)])
    assert StoredPredictions(run, open_corpus(clips)).read() == [record(0)]
    change(run, clips)
    assert StoredPredictions(run, open_corpus(clips)).read() == []


def test_a_place_that_cannot_be_written_is_no_error(
    run: RunFolder, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TELME_PREDICTIONS", str(tmp_path / "file" / "predictions"))
    kept = StoredPredictions(run, open_corpus(clips))
    kept.add([record(0)])
    assert kept.read() == []
