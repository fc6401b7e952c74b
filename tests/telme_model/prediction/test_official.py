"""A run whose turns keep the company of the table, as in the released code: whoever predicts says the same."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split, TurnId
from telme_model.events import TurnPredicted
from telme_model.media.cache import MediaCache
from telme_model.networks.batching import Batch
from telme_model.networks.tensors import load_tensors
from telme_model.paths import media_cache_folder
from telme_model.prediction.browsing import predict_as_wanted
from telme_model.prediction.predictor import load_encoder, predict
from telme_model.prediction.what_if import WhatIf
from telme_model.runs.folder import RunFolder
from telme_model.runs.records import Record, run_records
from tests.support.runs import ToyRun, walk

SWITCHES = (
    "text.speakers=carried", "text.layout=official", "audio.padding=left", "audio.mask_frames=3",
    "visual.sampling=counted", "visual.channels=bgr", "visual.normalisation=imagenet", "over_long=zero",
    "evaluation_batch=4", "evaluation_order=table", "evaluation_precision=fp32",
    "distillation.teacher_precision=bf16",  # fp16 is of cards alone
    "fusion.attention=batch", "fusion.normalised=true", "fusion.swapped=true",
    *(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")),
    *(f"stages.{stage}.batches=random" for stage in ("teacher", "audio", "visual", "fusion")),
    *(f"stages.{stage}.schedule=samples" for stage in ("teacher", "audio", "visual", "fusion")),
)  # fmt: skip


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> ToyRun:
    """The toy corpus with its dialogues in pieces: the first turn of each, the second of each, ..."""
    root = Path(shutil.copytree(corpus, tmp_path_factory.mktemp("interleaved") / "corpus", copy_function=shutil.copy2))
    for table in root.glob("*_sent_emo.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        place = header.index("Utterance_ID")
        with table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *sorted(rows, key=lambda row: int(row[place]))])
    path = tmp_path_factory.mktemp("runs") / "official"
    return ToyRun(path, root, walk(root, path, *SWITCHES))


@pytest.fixture(scope="module")
def own(run: ToyRun) -> Corpus:
    return open_corpus(run.corpus)


@pytest.fixture(scope="module")
def records(run: ToyRun) -> dict[TurnId, Record]:
    """What was written when the run was trained."""
    return {
        TurnId(split, record["dialogue"], record["utterance"]): record
        for split in (Split.DEV, Split.TEST)
        for record in run_records(run.path, split)
    }


@pytest.mark.slow
def test_turns_are_embedded_four_at_once_from_the_table_and_padded_on_the_left(run: ToyRun, own: Corpus) -> None:
    """Against plain loops over the lines of the tables; a turn without sound leaves a gap."""
    folder = RunFolder.open(run.path)
    encoder, _ = load_encoder(folder, Modality.AUDIO, own)
    cache = MediaCache(media_cache_folder(), folder.config.media)
    turns = list(own.turns())
    kept = load_tensors(folder, "embeddings/audio")["features"]
    for split in Split:
        lines = sorted((turn for turn in turns if turn.id.split is split), key=lambda turn: turn.row)
        assert [turn.row for turn in lines] == list(range(2, len(lines) + 2))
        for first in range(0, len(lines), 4):
            sounds = {turn: cache.waveform(turn) for turn in lines[first : first + 4]}
            heard = {turn: sound for turn, sound in sounds.items() if sound is not None}
            width = max(map(len, heard.values()))
            rows = []
            for sound in heard.values():
                scaled = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
                rows.append(np.concatenate([np.zeros(width - len(sound)), scaled]))
            with torch.no_grad():
                features = encoder(Batch(torch.tensor(np.stack(rows), dtype=torch.float32))).features
            for turn, expected in zip(heard, features, strict=True):
                np.testing.assert_allclose(kept[turns.index(turn)], expected, atol=1e-5)


def assert_alike(found: Record, record: Record) -> None:
    for name in ("teacher", "audio", "visual", "fused", "displacement", "unshifted"):
        assert found[name] == (record[name] and pytest.approx(record[name], abs=2e-5)), name


def test_predicting_anew_says_the_same_in_the_order_of_the_dialogues(
    run: ToyRun, own: Corpus, records: dict[TurnId, Record], tmp_path: Path
) -> None:
    bare = Path(shutil.copytree(run.path, tmp_path / "run"))
    shutil.rmtree(bare / "embeddings")
    for split in (Split.DEV, Split.TEST):  # one without the other
        found = [event.record for event in predict(bare, own, [split]) if isinstance(event, TurnPredicted)]
        assert [TurnId(split, r["dialogue"], r["utterance"]) for r in found] == [turn.id for turn in own.turns(split)]
        for turn, record in zip(own.turns(split), found, strict=True):
            assert_alike(record, records[turn.id])


def test_what_if_nothing_were_changed(run: ToyRun, own: Corpus, records: dict[TurnId, Record]) -> None:
    whatif = WhatIf(run.path, own)
    for turn, record in records.items():
        assert_alike(whatif.ask(turn), record)


def test_looking_on_says_the_same(run: ToyRun, own: Corpus, records: dict[TurnId, Record], tmp_path: Path) -> None:
    """With an attention of one turn, too, an encoder's batch is what comes together."""
    bare = Path(shutil.copytree(run.path, tmp_path / "run"))
    shutil.rmtree(bare / "embeddings")
    wanted = own.dialogues[-1]
    train = {turn.id for turn in own.turns(Split.TRAIN)}
    events = predict_as_wanted(bare, own, train, lambda: wanted)
    found = [event.record for event in events if isinstance(event, TurnPredicted)]
    assert len(found) == len(records)
    for record in found:
        assert_alike(record, records[TurnId(Split(record["split"]), record["dialogue"], record["utterance"])])


def test_spec_augment_hides_as_many_frames_as_the_run_says(run: ToyRun, toy_run: ToyRun) -> None:
    lengths = [
        json.loads((place / "encoders" / "audio" / "config.json").read_text(encoding="utf-8"))["mask_time_length"]
        for place in (run.path, toy_run.path)
    ]
    assert lengths == [3, 10]  # ten is the architecture's


def test_students_learn_from_outputs_of_another_precision(run: ToyRun, own: Corpus, toy_run: ToyRun) -> None:
    """Those of the training turns; dev and test are scored, and the fusion works, on the plain ones."""
    taught, plain = (load_file(run.path / "embeddings" / f"{name}.safetensors") for name in ("taught", "text"))
    train = torch.tensor([turn.id.split is Split.TRAIN for turn in own.turns()])
    assert torch.equal(taught["present"], train)
    difference = (taught["features"] - plain["features"])[train].abs()
    assert 1e-5 < difference.max() < 0.05 * plain["features"].abs().max()  # eight bits
    assert not taught["features"][~train].any()
    assert not (toy_run.path / "embeddings" / "taught.safetensors").exists()
