"""The text encoder's pretraining on a handful of conversations, and the bundled encoder that it made."""

import hashlib
import random
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from telme_model.bundled import DEMO_ENCODERS
from telme_model.demo import pretrain_text
from telme_model.demo.pretrain_text import SPEAKERS, Example, Masker

BUNDLED = DEMO_ENCODERS / "text"


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.slow
def test_the_same_seed_makes_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain_text, "CONVERSATIONS", 300)
    monkeypatch.setattr(pretrain_text, "HELD_OUT", 20)
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        pretrain_text.pretrain_text(tmp_path / name, steps=4, seed=seed)
    assert digests(tmp_path / "one") == digests(tmp_path / "again")
    assert digests(tmp_path / "one")["model.safetensors"] != digests(tmp_path / "other")["model.safetensors"]


def test_the_bundled_encoder_is_small_and_loads_in_single_precision() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 1.5e6
    model = AutoModel.from_pretrained(BUNDLED, add_pooling_layer=False)
    assert model.config.model_type == "roberta"
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert all(torch.isfinite(weight).all() for weight in model.parameters())


def test_the_bundled_tokenizer_reads_any_text_and_the_prompt() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BUNDLED)
    ids = tokenizer.encode("<s1> Naïve façade, 北京!\N{RIGHT SINGLE QUOTATION MARK} </s> Now <s1> feels <mask>")
    assert tokenizer.unk_token_id not in ids
    assert ids.count(tokenizer.convert_tokens_to_ids("<s1>")) == 2
    assert ids[0] == tokenizer.bos_token_id == tokenizer.cls_token_id == 0
    assert tokenizer.mask_token_id in ids
    assert len(tokenizer) == AutoConfig.from_pretrained(BUNDLED).vocab_size
    before = tokenizer.convert_tokens_to_ids(list(SPEAKERS))
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPEAKERS)})
    assert tokenizer.convert_tokens_to_ids(list(SPEAKERS)) == before == list(range(4, 13))


def test_the_prompt_asks_only_for_what_was_taken_out_of_the_last_turn() -> None:
    example = Example(context=(0, 4, 100, 101, 5, 200, 201, 202, 203), last=range(5, 9), prompt=(2, 90, 5, 91, 13))
    masker = Masker(13, [[Example((0, 4, 50), range(2, 3), ())]])
    batch = masker([example] * 50, random.Random(0))
    taken = batch.labels[:, :9] != pretrain_text.IGNORED
    assert (batch.input_ids[:, :9][taken] == 13).all()
    assert set(batch.answers.tolist()) == {200, 201, 202, 203}
    assert set(batch.ends.tolist()) == {13}
    hidden = {(row, 200 + place) for row in range(50) for place in range(4) if taken[row, 5 + place]}
    assert set(zip(batch.prompts.tolist(), batch.answers.tolist(), strict=True)) == hidden
    assert batch.labels[:, 9:].eq(pretrain_text.IGNORED).all()  # the prompt's own words stay
    first = batch.position_ids[:, :1]
    assert (batch.position_ids == first + torch.arange(14)).all()
    assert first.min() == 2
    assert batch.position_ids.max() < 258
