"""What a run says of a turn adds up, whatever the batches, wherever the corpus lies, and whatever is missing."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from telme_model.commands.main import main
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from telme_model.events import TurnPredicted
from telme_model.prediction.predictor import predict
from telme_model.prediction.record import softmax
from telme_model.runs.records import Record, run_records
from tests.support.corpora import LENGTHS, MISSING, SILENT
from tests.support.runs import ToyRun, walk

# The fields that the README promises, in their order.
FIELDS = [
    "split", "dialogue", "utterance", "speaker", "text", "gold", "teacher", "audio", "visual", "fused", "displacement",
    "unshifted", "shapley", "baseline", "shift_shares", "missing", "run",
]  # fmt: skip
DISPLACEMENT = ["text_norm", "h_norm", "lambda", "shift", "theta", "open_gates"]


def predicted(run: Path, corpus: Path, *splits: Split, contributions: bool = True) -> list[Record]:
    events = predict(run, open_corpus(corpus), splits or [Split.TEST], contributions=contributions)
    return [event.record for event in events if isinstance(event, TurnPredicted)]


def recomputed(run: Path, corpus: Path, *splits: Split) -> list[Record]:
    """Predictions with embeddings that are computed anew."""
    shutil.rmtree(run / "embeddings", ignore_errors=True)
    return predicted(run, corpus, *splits)


def assert_alike(ours: Sequence[Record], theirs: Sequence[Record], within: float = 1e-5) -> None:
    assert [key(record) for record in ours] == [key(record) for record in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert_close(one, other, within)


def assert_close(one: object, other: object, within: float) -> None:
    if isinstance(one, dict):
        assert isinstance(other, dict)
        assert list(one) == list(other)
        for name in one:
            if name != "run":
                assert_close(one[name], other[name], within)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=within)
    else:
        assert one == other


def key(record: Record) -> tuple[str, str, int]:
    return record["split"], record["dialogue"], record["utterance"]


@pytest.fixture(scope="module")
def records(toy_run: ToyRun) -> list[Record]:
    return predicted(toy_run.path, toy_run.corpus, Split.DEV, Split.TEST)


@pytest.fixture(scope="module")
def voice_run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without text: the voice teaches the face."""
    run = tmp_path_factory.mktemp("voice") / "run"
    walk(corpus, run, "teacher=audio", "students=visual")
    return run


def test_a_record_has_the_fields_that_are_promised(records: list[Record]) -> None:
    assert all(list(record) == FIELDS for record in records)
    assert all(list(record["displacement"]) == DISPLACEMENT for record in records)
    assert all(list(record["shapley"]) == ["text", "audio", "visual"] for record in records)
    assert all(list(record["shift_shares"]) == ["audio", "visual"] for record in records)
    turns = [(str(s), str(d), u) for s in (Split.DEV, Split.TEST) for d, n in enumerate(LENGTHS[s]) for u in range(n)]
    assert [key(record) for record in records] == turns
    assert records[0] | {"speaker": "Ada", "text": "Get out, now!", "gold": "anger", "run": "toy"} == records[0]


def test_probabilities_sum_to_one(records: list[Record]) -> None:
    for record in records:
        for model in ("teacher", "audio", "visual", "fused", "unshifted", "baseline"):
            if record[model] is not None:
                assert list(record[model]) == list(MELD.labels)
                assert sum(record[model].values()) == pytest.approx(1, abs=1e-6)
                assert min(record[model].values()) >= 0


def test_the_shares_sum_to_what_they_share_out(records: list[Record], voice_run: Path) -> None:
    """Of every class: three modalities from the background to the prediction, the students from H = 0 to H."""
    for record in [*records, *run_records(voice_run, Split.TEST)]:
        for shares, start in (("shapley", "baseline"), ("shift_shares", "unshifted")):
            for label in MELD.labels:
                total = sum(of[label] for of in record[shares].values())
                assert total == pytest.approx(record["fused"][label] - record[start][label], abs=1e-5)


def test_the_shift_is_what_its_parts_say(records: list[Record]) -> None:
    for moved in (record["displacement"] for record in records):
        assert moved["theta"] == 0.1
        assert moved["lambda"] == pytest.approx(min(0.1 * moved["text_norm"] / moved["h_norm"], 1), rel=1e-4)
        assert moved["shift"] == pytest.approx(moved["lambda"] * moved["h_norm"], rel=1e-4)
        assert 0 <= moved["open_gates"] <= 1


def test_the_background_is_the_same_for_every_turn(records: list[Record]) -> None:
    assert all(record["baseline"] == records[0]["baseline"] for record in records)


def test_missing_modalities_are_named_and_null(records: list[Record]) -> None:
    for record in records:
        turn = Split(record["split"]), int(record["dialogue"]), record["utterance"]
        missing = ["audio", "visual"] if turn in MISSING else ["audio"] if turn in SILENT else []
        assert record["missing"] == missing
        assert [name for name in ("teacher", "audio", "visual") if record[name] is None] == missing
        assert record["fused"] is not None


def test_what_training_wrote_is_what_predict_says(toy_run: ToyRun, records: list[Record]) -> None:
    assert_alike(records, [*run_records(toy_run.path, Split.DEV), *run_records(toy_run.path, Split.TEST)], within=0)


def test_a_copy_elsewhere_is_the_same_corpus(toy_run: ToyRun, run_copy: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(toy_run.corpus, tmp_path / "moved"))
    stored = predicted(run_copy, moved)
    assert stored == predicted(run_copy, toy_run.corpus)
    assert_alike(stored, recomputed(run_copy, moved))


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_the_batch_size_does_not_matter(toy_run: ToyRun, run_copy: Path, records: list[Record], batch: int) -> None:
    config = run_copy / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("evaluation_batch = 16", f"evaluation_batch = {batch}"), encoding="utf-8")
    assert_alike(recomputed(run_copy, toy_run.corpus, Split.DEV, Split.TEST), records)


def test_the_order_does_not_matter(toy_run: ToyRun, run_copy: Path, records: list[Record]) -> None:
    """The splits the other way round, and a corpus whose dialogues stand in another order."""
    backwards = recomputed(run_copy, toy_run.corpus, Split.TEST, Split.DEV)
    assert_alike(sorted(backwards, key=key), sorted(records, key=key))


def test_dialogues_in_another_order_are_predicted_alike(
    toy_run: ToyRun, run_copy: Path, records: list[Record], tmp_path: Path
) -> None:
    shuffled = Path(shutil.copytree(toy_run.corpus, tmp_path / "shuffled"))
    table = shuffled / "test_sent_emo.csv"
    header, *lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([header, *reversed(lines), ""]), encoding="utf-8")
    ours = predicted(run_copy, shuffled)
    assert [record["dialogue"] for record in ours[:2]] == ["2", "2"]
    assert_alike(sorted(ours, key=key), [record for record in records if record["split"] == "test"])


def test_other_words_change_their_dialogue_alone(
    toy_run: ToyRun, run_copy: Path, records: list[Record], tmp_path: Path
) -> None:
    edited = Path(shutil.copytree(toy_run.corpus, tmp_path / "edited"))
    table = edited / "test_sent_emo.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("Okay.", "Now now.", 1), encoding="utf-8")
    pairs = list(zip(predicted(run_copy, edited), [r for r in records if r["split"] == "test"], strict=True))
    told = {one["dialogue"] for one, other in pairs if one["text"] != other["text"]}
    moved = {
        one["dialogue"]
        for one, other in pairs
        if max(abs(one["teacher"][label] - other["teacher"][label]) for label in MELD.labels) > 1e-5
    }
    assert len(told) == 1
    assert moved == told


def test_a_run_without_text_stands_in_for_a_teacher_that_is_missing(voice_run: Path) -> None:
    for record in run_records(voice_run, Split.TEST):
        turn = Split(record["split"]), int(record["dialogue"]), record["utterance"]
        assert record["audio"] is None  # the teacher, which is told as such, is no student
        assert (record["teacher"] is None) == (turn in MISSING | SILENT)
        assert (record["visual"] is None) == (turn in MISSING)
        assert list(record["shapley"]) == ["audio", "visual"]
        assert list(record["shift_shares"]) == ["visual"]
        assert sum(record["fused"].values()) == pytest.approx(1, abs=1e-6)


def test_contributions_can_be_left_out(toy_run: ToyRun, records: list[Record]) -> None:
    plain = predicted(toy_run.path, toy_run.corpus, contributions=False)
    full = [record for record in records if record["split"] == "test"]
    none = dict.fromkeys(("shapley", "baseline", "shift_shares"))
    assert plain == [record | none for record in full]


def test_embeddings_are_written_in_the_order_of_the_records(
    toy_run: ToyRun, records: list[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--run",
        str(toy_run.path),
        "--out",
        str(tmp_path / "p.jsonl"),
        "--embeddings",
        str(tmp_path / "e.npz"),
    ]
    assert main(["predict", str(toy_run.corpus), *arguments]) == 0
    test = [record for record in records if record["split"] == "test"]
    with np.load(tmp_path / "e.npz") as arrays:
        ids = list(zip(arrays["split"], arrays["dialogue"], arrays["utterance"], strict=True))
        assert ids == [key(record) for record in test]
        for name in ("F_T", "F_a", "F_v", "H"):
            assert arrays[name].shape == (len(test), 12)
        told = [record["displacement"] for record in test]
        assert np.linalg.norm(arrays["H"], axis=1) == pytest.approx([of["h_norm"] for of in told], abs=1e-5)
        assert np.linalg.norm(arrays["F_T"], axis=1) == pytest.approx([of["text_norm"] for of in told], abs=1e-5)
    capsys.readouterr()


class OnAnApple:
    """Logits on Apple's GPU, which has no float64."""

    def cpu(self) -> torch.Tensor:
        return torch.tensor([[0.0, 1.0]])

    def double(self) -> torch.Tensor:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")


def test_probabilities_of_a_device_without_float64() -> None:
    logits: Any = OnAnApple()
    np.testing.assert_allclose(softmax(logits), [[1 / (1 + np.e), np.e / (1 + np.e)]], rtol=1e-15)
