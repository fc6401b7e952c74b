"""Released checkpoints become a run that says what the released code says, from the clip to the probability."""

import csv
import json
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from telme_model import bundled
from telme_model.commands.main import main
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Modality, Split
from telme_model.corpus.emotions import MELD
from telme_model.events import Message, TurnPredicted
from telme_model.networks.embedding import Embeddings
from telme_model.networks.text_inputs import TextAssembler
from telme_model.prediction.predictor import Embedded, Predictor, load_encoder, predict
from telme_model.runs.catalogue import corpus_of
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.plan import differences
from telme_model.runs.records import run_records
from telme_model.training.released import ReleasedError, import_released, read_state
from tests.conftest import ROOT
from tests.support.corpora import write_corpus
from tests.support.released_weights import write_release

ORACLE = ROOT.parent / "shared" / "data" / "official"
TURNS = 4  # one batch
# What the released code gave for the first batch of the demo's dev split with the made-up weights.
AUDIO = [
    [0.17522, 0.23109, 0.28424, 0.03231, 0.10218, 0.12646, 0.04850],
    [0.15216, 0.16761, 0.33665, 0.03760, 0.12151, 0.12203, 0.06243],
    [0.07916, 0.24783, 0.39852, 0.02332, 0.11307, 0.08545, 0.05264],
    [0.06934, 0.25854, 0.40457, 0.02088, 0.10824, 0.08364, 0.05478],
]


def probabilities(records: list[dict[str, dict[str, float]]], model: str) -> NDArray[np.float64]:
    return np.array([[record[model][label] for label in MELD.labels] for record in records])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = "I count one hundred and nineteen lifejackets . There should be twenty Now feels"
    return write_release(tmp_path_factory.mktemp("release"), [words])


@pytest.fixture(scope="module")
def imported(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("imported") / "run"
    told = list(import_released(release, "meld", run, encoders=release / "encoders"))
    assert [event.text for event in told if isinstance(event, Message)] == [
        "no corpus is named: predictions will have no Shapley shares"
    ]
    return run


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """The first turns of the demo's dev split."""
    place, source = tmp_path / "few", bundled.DEMO_CORPUS
    (place / "dev_splits_complete").mkdir(parents=True)
    with (source / "dev_sent_emo.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[: TURNS + 1]
    with (place / "dev_sent_emo.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    for turn in open_corpus(place).turns():
        assert turn.video is not None
        shutil.copy(source / turn.video.path.relative_to(place), turn.video.path)
    return place


@pytest.mark.slow
def test_clips_become_the_released_code_s_probabilities(imported: Path, few: Path, tmp_path: Path) -> None:
    events = predict(imported, open_corpus(few), [Split.DEV], cache=tmp_path / "cache")
    records = [event.record for event in events if isinstance(event, TurnPredicted)]
    assert len(records) == TURNS
    np.testing.assert_allclose(probabilities(records, "audio"), AUDIO, atol=2e-4)
    assert all(record["shapley"] is None and record["displacement"] is not None for record in records)


def test_an_imported_run_is_a_finished_run_of_the_official_profile(
    imported: Path, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder.open(imported)
    assert {difference.partition("=")[0] for difference in differences(folder.config)} == {
        "text.weights",
        "audio.weights",
        "visual.weights",
    }
    assert folder.config.preset == "official-meld"
    assert folder.facts["imported"] == str(release.resolve())
    assert main(["runs", "show", str(imported)]) == 0
    told = capsys.readouterr().out
    assert "run: finished" in told
    assert "fusion: imported" in told
    described = json.loads((imported / "encoders" / "audio" / "config.json").read_text(encoding="utf-8"))
    assert described["mask_time_length"] == 3


@pytest.mark.slow  # 16 clips
def test_with_a_corpus_there_are_background_turns_and_stand_ins(release: Path, tmp_path: Path) -> None:
    """Of the corpus' training turns, or of what it has: with them the shares sum up."""
    corpus, run = write_corpus(tmp_path / "corpus"), tmp_path / "run"
    cache = tmp_path / "cache"
    for _ in import_released(release, "meld", run, encoders=release / "encoders", corpus_root=corpus, cache=cache):
        pass
    kept = RunFolder.open(run)
    assert kept.facts["corpus"]["root"] == "../corpus"
    background = Predictor(kept, Embedded((), {}), torch.device("cpu")).background
    assert {len(features) for features in background.values()} == {kept.config.background_turns}


def test_iemocap_s_checkpoints_have_six_emotions_and_their_own_profile(release: Path, tmp_path: Path) -> None:
    folder, run = Path(shutil.copytree(release, tmp_path / "release")), tmp_path / "run"
    for place in folder.rglob("*.bin"):
        name = "classifier" if place.name == "teacher.bin" else "W"
        state = read_state(place)
        torch.save(state | {f"{name}.{part}": state[f"{name}.{part}"][:6] for part in ("weight", "bias")}, place)
    import_to(folder, run, "iemocap")
    config = RunFolder.open(run).config
    assert (config.preset, config.fusion.swapped, config.visual.margin) == ("official-iemocap", True, 1.0)
    with pytest.raises(RunError, match="imported without a corpus: open the corpus first"):
        corpus_of(RunFolder.open(run))
    with pytest.raises(RunError, match="make some with predict"):
        run_records(run, Split.TEST)


def test_without_the_encoders_it_says_where_they_may_be(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleasedError) as caught:
        for _ in import_released(release, "meld", tmp_path / "run"):
            pass
    assert "roberta-large" in str(caught.value)
    assert "--encoders" in caught.value.remedy


# --- what cannot be imported


def broken(release: Path, folder: Path, file: str) -> Path:
    shutil.copytree(release, folder)
    return folder / file


def import_to(folder: Path, run: Path, dataset: str = "meld", **options: Path) -> None:
    for _ in import_released(folder, dataset, run, encoders=folder / "encoders", **options):
        pass


@pytest.mark.parametrize("file", ["teacher.bin", "student_video/total_student.bin", "total_fusion.bin"])
def test_files_that_are_no_checkpoints_are_named(release: Path, tmp_path: Path, file: str) -> None:
    place = broken(release, tmp_path / "release", file)
    place.write_bytes(b"<html>not found</html>")
    with pytest.raises(RunError, match=f"{file} is no checkpoint"):
        import_to(tmp_path / "release", tmp_path / "run")
    place.unlink()
    with pytest.raises(RunError, match=f"{file} cannot be read: No such file or directory"):
        import_to(tmp_path / "release", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda state: state | {"W.bias": state["W.bias"][:5]}, r"'head.classifier.bias' has the shape \(5,\) there"),
        (lambda state: {key: value for key, value in state.items() if key != "W_av.bias"}, "'head.displace.bias' has"),
        (lambda state: state | {"other": torch.zeros(1)}, "holds 'other', which no checkpoint of TelME's has"),
        (lambda state: state | {"W.bias": torch.full((7,), torch.nan)}, "not finite in 'head.classifier.bias'"),
        (lambda state: {"state": state}, "something other than named tensors"),
    ],
)
def test_tensors_that_do_not_fit_are_named(release: Path, tmp_path: Path, change: object, sentence: str) -> None:
    place = broken(release, tmp_path / "release", "total_fusion.bin")
    assert callable(change)
    torch.save(change(read_state(place)), place)
    with pytest.raises(RunError, match=sentence):
        import_to(tmp_path / "release", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_checkpoints_of_several_cards_and_old_versions_are_the_same(release: Path, tmp_path: Path) -> None:
    place = broken(release, tmp_path / "release", "teacher.bin")
    state = read_state(place)
    old = {"text_model.embeddings.position_ids": torch.arange(514)[None]}
    torch.save({f"module.{key}": value for key, value in (state | old).items()}, place)
    assert set(read_state(place)) == {*state, *old}
    import_to(tmp_path / "release", tmp_path / "run")
    assert RunFolder.open(tmp_path / "run").facts["stages"]


def test_checkpoints_of_another_dataset_are_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"does not fit the fusion: 'head\.classifier\.bias' has"):
        import_to(release, tmp_path / "run", "iemocap")
    corpus = write_corpus(tmp_path / "corpus", clips=False)
    with pytest.raises(RunError, match="has the emotions of meld, not those of iemocap"):
        import_to(release, tmp_path / "run", "iemocap", corpus_root=corpus)
    with pytest.raises(RunError, match="lies in the corpus folder"):
        import_to(release, corpus / "run", corpus_root=corpus)


# --- the whole split, where the oracle is


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the command line made: the run, and predictions and embeddings of the demo's dev split."""
    if not ORACLE.is_dir():
        pytest.skip("the oracle of the official profile (shared/data/official) is not here")
    folder = tmp_path_factory.mktemp("oracle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELME_RUNS", str(folder / "runs"))
        patch.setattr("sys.argv", ["make_weights.py", str(folder / "weights")])
        runpy.run_path(str(ORACLE / "make_weights.py"), run_name="__main__")
    run, cache = str(folder / "run"), str(folder / "cache")
    encoders = str(ORACLE / "encoders")
    release = str(folder / "weights")
    assert main(["import-official", release, "--dataset", "meld", "--run", run, "--encoders", encoders]) == 0
    files = ["--out", str(folder / "dev.jsonl"), "--embeddings", str(folder / "dev.npz")]
    assert main(["predict", str(bundled.DEMO_CORPUS), "--run", run, "--split", "dev", "--cache", cache, *files]) == 0
    yield folder
    shutil.rmtree(folder)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    raised = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(-1, keepdims=True)
    return shares


@pytest.mark.slow  # 70 clips through networks of the real width
def test_the_released_code_s_dev_split(predicted: Path) -> None:
    """Tolerances: what decoding and resampling by other libraries costs."""
    reference = np.load(ORACLE / "reference.npz")
    records = [json.loads(line) for line in (predicted / "dev.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["dialogue"] for record in records] == reference["dialogue"].tolist()
    assert [record["utterance"] for record in records] == reference["utterance"].tolist()
    for model, tolerance in {"teacher": 5e-7, "audio": 3e-4, "visual": 6e-4, "fused": 6e-5}.items():
        found, expected = probabilities(records, model), softmax(reference[model])
        np.testing.assert_allclose(found, expected, atol=tolerance, err_msg=model)
        assert (found.argmax(1) == expected.argmax(1)).all(), model


@pytest.mark.slow
def test_the_released_code_s_inputs_and_its_fusion_of_single_turns(predicted: Path) -> None:
    reference = np.load(ORACLE / "reference.npz")
    run, corpus = RunFolder.open(predicted / "run"), open_corpus(bundled.DEMO_CORPUS)
    turns = tuple(corpus.turns(Split.DEV))
    _, assembler = load_encoder(run, Modality.TEXT, corpus)
    assert isinstance(assembler, TextAssembler)
    for turn, ids in zip(turns, reference["ids"], strict=True):
        assert assembler(turn.id) == ids[ids >= 0].tolist()
    kept = np.load(predicted / "dev.npz")
    there, none = torch.ones(len(turns), dtype=torch.bool), torch.zeros(len(turns), len(MELD))
    own = {
        modality: Embeddings(torch.from_numpy(kept[name]), none, there)
        for modality, name in {Modality.TEXT: "F_T", Modality.AUDIO: "F_a", Modality.VISUAL: "F_v"}.items()
    }
    predictor = Predictor(run, Embedded(turns, own), torch.device("cpu"))
    alone = np.concatenate([predictor.probabilities(torch.tensor([row])) for row in range(len(turns))])
    np.testing.assert_allclose(alone, softmax(reference["fused_alone"]), atol=6e-5)
    together = softmax(reference["fused"])
    assert np.abs(alone - together).max() > 1e-3, "a turn's company is part of what the released code computes"
