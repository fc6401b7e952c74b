"""Encoders from folders: what Python they bring is never run, and whatever is damaged in them is one error of ours."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from telme_model.bundled import DEMO_ENCODERS
from telme_model.corpus.dialogue import Modality
from telme_model.networks.backbones import (
    WeightsError,
    load_backbone,
    load_description,
    load_tokenizer,
    rebuild_backbone,
)

Change = Callable[[Path], object]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Modality], Path]:
    return lambda modality: Path(shutil.copytree(DEMO_ENCODERS / modality, tmp_path / modality))


def said_of(use: Callable[[], object]) -> str | None:
    """The sentence of its error, None where it goes well."""
    try:
        use()
    except WeightsError as error:
        return str(error)
    return None


def _set(file: str, **values: Any) -> Change:
    def change(folder: Path) -> None:
        tree = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**tree, **values}))

    return change


def _planted(folder: Path, model_type: str) -> Path:
    """Python in an encoder's folder, which leaves a file where it is run."""
    mark = folder / "ran"
    code = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
    code += "from transformers import PreTrainedConfig as C, PreTrainedModel as M, PreTrainedTokenizerFast as T\n"
    (folder / "own.py").write_text(code)
    _set("config.json", model_type=model_type, auto_map={"AutoConfig": "own.C", "AutoModel": "own.M"})(folder)
    if (folder / "tokenizer_config.json").exists():
        both = {"AutoTokenizer": [None, "own.T"]}
        _set("tokenizer_config.json", auto_map=both, tokenizer_class="OwnTokenizer")(folder)
    return mark


@pytest.mark.parametrize("model_type", ["own", "roberta"])
def test_python_in_a_folder_is_never_run(
    copied: Callable[[Modality], Path], model_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> str:
        pytest.fail("it asks on the terminal")

    monkeypatch.setattr("builtins.input", asked)
    folder = copied(Modality.TEXT)
    mark = _planted(folder, model_type)
    uses: list[Callable[[], object]] = [
        lambda: load_backbone(str(folder), Modality.TEXT),
        lambda: load_tokenizer(str(folder), (), 2),
        lambda: load_description(str(folder), Modality.TEXT),
        lambda: rebuild_backbone(folder),
    ]
    for use in uses:
        assert str(folder) in (said_of(use) or str(folder))
    assert not mark.exists()


DAMAGES: dict[str, tuple[Modality, Change]] = {
    "no activation": (Modality.TEXT, _set("config.json", hidden_act="no-such")),
    "a number for an activation": (Modality.VISUAL, _set("config.json", hidden_act=5)),
    "a text for a width": (Modality.TEXT, _set("config.json", hidden_size="wide")),
    "a list for layers": (Modality.AUDIO, _set("config.json", num_hidden_layers=[1])),
    "no number for layers": (Modality.AUDIO, _set("config.json", num_hidden_layers=float("nan"))),
    "layers by the million": (Modality.TEXT, _set("config.json", num_hidden_layers=10**7)),
    "widths by the million": (Modality.VISUAL, _set("config.json", hidden_size=10**6 * 2, num_attention_heads=2)),
    "words by the billion": (Modality.TEXT, _set("config.json", vocab_size=10**9)),
    "a number of 400 digits": (Modality.TEXT, _set("config.json", vocab_size=10**400)),
    "no words": (Modality.TEXT, _set("config.json", vocab_size=-1)),
    "no heads": (Modality.AUDIO, _set("config.json", num_attention_heads=0)),
    "a type that is none": (Modality.AUDIO, _set("config.json", model_type=[])),
    "another precision": (Modality.AUDIO, _set("config.json", dtype="float4711")),
    "a quantization": (Modality.TEXT, _set("config.json", quantization_config={"quant_method": "x"})),
    "a list of settings": (Modality.TEXT, lambda folder: (folder / "config.json").write_text("[1]")),
    "another attention": (Modality.TEXT, _set("config.json", attn_implementation="nobody/kernel")),
}


@pytest.mark.parametrize(("modality", "change"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_description_is_one_error(
    copied: Callable[[Modality], Path], modality: Modality, change: Change
) -> None:
    folder = copied(modality)
    change(folder)
    for use in (lambda: load_backbone(str(folder), modality), lambda: rebuild_backbone(folder, folder)):
        sentence = said_of(use)
        assert sentence is None or (str(folder) in sentence and len(sentence) < 700)


TOKENIZERS: dict[str, Change] = {
    "no object": lambda folder: (folder / "tokenizer.json").write_text("[]"),
    "no model": _set("tokenizer.json", model=None),
    "another model": _set("tokenizer.json", model={"type": "BPE", "vocab": {"a": -1}, "merges": ["a b"]}),
    "words without numbers": _set("tokenizer.json", model={"type": "WordLevel", "vocab": {"a": "b"}, "unk_token": "x"}),
    "no special words": _set("tokenizer_config.json", mask_token=5, bos_token={"a": 1}),
    "another class": _set("tokenizer_config.json", tokenizer_class="NoSuchTokenizer"),
    "a class that is none": _set("tokenizer_config.json", tokenizer_class=[1]),
    "a decoder of a kind that is none": _set("tokenizer.json", added_tokens=[{"id": "x"}]),
}


@pytest.mark.parametrize("change", TOKENIZERS.values(), ids=TOKENIZERS)
def test_a_damaged_tokenizer_is_one_error(copied: Callable[[Modality], Path], change: Change) -> None:
    folder = copied(Modality.TEXT)
    change(folder)
    assert str(folder) in (said_of(lambda: load_tokenizer(str(folder), (), 2)) or str(folder))


def test_to_look_at_an_encoders_size_draws_no_random_numbers(copied: Callable[[Modality], Path]) -> None:
    """A run that was begun before there was such a look goes on to the same weights."""
    for modality in Modality:
        folder = copied(modality)
        torch.manual_seed(5)
        one = rebuild_backbone(folder).state_dict()
        after = torch.get_rng_state()
        torch.manual_seed(5)
        other = rebuild_backbone(folder, folder).state_dict()
        assert torch.equal(after, torch.get_rng_state())
        assert all(torch.equal(one[name], other[name]) for name in one)
