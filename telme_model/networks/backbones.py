"""Pretrained encoders: found by hub name or folder, or built tiny from scratch; and what rebuilds them from a run."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from telme_model.corpus.dialogue import Modality
from telme_model.errors import StudioError, brief, shortened
from telme_model.files import read_text, reason
from telme_model.networks.devices import memory_full
from telme_model.runs.weights import find_weights, hub_answer, resolve

LARGEST_SETTINGS = 8 << 20  # bytes of a config.json
_MOST_LAYERS = 1000
_LARGER, _SPARE = 4.5, 64 << 20  # times (weights may be stored as bytes), and bytes (what is random at first)
_LONGEST = 300  # characters of a library's sentence
_INPUTS = {Modality.TEXT: "input_ids", Modality.AUDIO: "input_values", Modality.VISUAL: "pixel_values"}


class WeightsError(StudioError):
    """Weights that cannot be used."""

    title = "This encoder cannot be used"
    remedy = "Choose another encoder, or another preset."
    needs_change = True


class MissingWeightsError(WeightsError):
    """Weights that are not on this machine, and could not be fetched."""

    title = "An encoder is not on this machine"
    needs_change = False


def _load_transformers() -> None:
    """Import what every model needs, on a thread of its own.

    The import leaves a cycle that holds the frames it was called from, and in them, until garbage is collected, the
    first network: gigabytes of a graphics card.
    """
    with ThreadPoolExecutor(1) as pool:
        pool.submit(import_module, "transformers.modeling_utils").result()


def check_weights(weights: str, modality: Modality) -> None:
    """Raise WeightsError for weights that are certain not to load: looks at names and headers, and asks the hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    place = resolve(weights)
    folder = Path(place)
    try:
        if not folder.is_dir():
            validate_repo_id(place)
        elif not (folder / "config.json").is_file():
            raise FileNotFoundError(folder / "config.json")
        for file in folder.glob("*.safetensors"):
            with safe_open(file, "np"):
                pass
    except (HFValidationError, OSError, SafetensorError) as error:
        raise _no_weights(weights, place, modality) from error
    found = find_weights(weights, modality)
    if found.lacking:
        raise WeightsError(found.lacking)
    if not found.here and not ((hub := hub_answer(place)).reached and hub.found):
        raise _no_weights(weights, place, modality)


def load_backbone(weights: str, modality: Modality) -> nn.Module:
    """A Hugging Face encoder with its pretrained weights. Raises WeightsError with what to do.

    `toy` builds a few thousand weights from scratch (for the tests); its text vocabulary comes from the tokenizer.
    """
    _load_transformers()
    from transformers import AutoModel

    if weights == "toy":
        return _toy(modality)
    place = resolve(weights)
    with _sound(weights, place, modality):
        if Path(place).is_dir():
            _check_size(_described(place), Path(place))
        # Always float32 here: autocast decides the arithmetic, and half-precision files are only a smaller parcel.
        model: nn.Module = AutoModel.from_pretrained(place, dtype=torch.float32, trust_remote_code=False)
    if getattr(model, "main_input_name", None) != _INPUTS[modality]:
        raise WeightsError(f"{weights} is no {modality} encoder: it does not take {_INPUTS[modality]}")
    return _without_pooler(model)


def load_tokenizer(weights: str, texts: Iterable[str], speaker_tokens: int) -> Any:
    """The tokenizer of a text encoder, grown by `<s1>`..`<sN>`. `toy` makes a word-level one from `texts`."""
    from transformers import AddedToken, AutoTokenizer

    if weights == "toy":
        tokenizer = _toy_tokenizer(texts)
    else:
        place = resolve(weights)
        with _sound(weights, place, Modality.TEXT):
            tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
            tokenizer("one", "two")  # what is damaged in it may show no earlier
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):  # what is made of a folder without one
        raise WeightsError(f"{weights} has no tokenizer (tokenizer.json, or vocab.json and merges.txt)")
    if tokenizer.mask_token_id is None:
        raise WeightsError(f"the tokenizer of {weights} has no mask token, which the prompt needs")
    speakers = [AddedToken(f"<s{i}>", special=True) for i in range(1, speaker_tokens + 1)]
    tokenizer.add_special_tokens({"additional_special_tokens": speakers})
    return tokenizer


def load_description(weights: str, modality: Modality) -> Any:
    """What describes an encoder without its weights (config.json), from a folder or the hub. Raises WeightsError."""
    _load_transformers()
    place = resolve(weights)
    with _sound(weights, place, modality):
        return _described(place)


def build_backbone(description: Any) -> nn.Module:
    """The encoder that is so described, with random weights. Raises what transformers raises."""
    from transformers import AutoModel

    model: nn.Module = AutoModel.from_config(description, trust_remote_code=False)
    return _without_pooler(model)


def rebuild_backbone(folder: Path, weights: Path | None = None) -> nn.Module:
    """The encoder that `config.json` in `folder` describes, with random weights: a run brings its own in `weights`.

    Raises WeightsError, also where it would be far larger than that file or folder.
    """
    _load_transformers()
    if not (folder / "config.json").is_file():
        raise WeightsError(
            f"{folder} has no config.json: the run is not trained that far, or files were removed",
            "Go on with its training, or put the files back.",
        )
    with _refusals(lambda error: WeightsError(f"{folder} does not describe an encoder: {_first_line(error)}")):
        description = _described(str(folder))
        if weights is not None:
            _check_size(description, weights)
        return build_backbone(description)


def _described(place: str) -> Any:
    """What config.json says, in a class of transformers' own: code that a folder brings is never run."""
    from transformers import AutoConfig

    settings = Path(place) / "config.json"
    if settings.is_file():
        for name, value in json.loads(read_text(settings, LARGEST_SETTINGS, WeightsError)).items():
            if isinstance(value, int) and "layer" in name and value > _MOST_LAYERS:
                raise ValueError(f"{name} is {brief(value)}")
    return AutoConfig.from_pretrained(place, trust_remote_code=False)


def _check_size(description: Any, weights: Path) -> None:
    """Raise ValueError where the encoder so described is far larger than the file, or the folder, of its weights."""
    files = weights.glob("*") if weights.is_dir() else [weights]
    there = sum(file.stat().st_size for file in files if file.suffix in (".safetensors", ".bin"))
    with torch.device("meta"):  # the shapes alone; draws no random numbers
        needed = sum(4 * value.numel() for value in build_backbone(deepcopy(description)).state_dict().values())
    if needed > _LARGER * there + _SPARE:
        raise ValueError(f"it needs {needed:,} bytes, and its weights have {there:,}")


def _without_pooler(model: nn.Module) -> nn.Module:
    """Drop BERT-like models' pooler: features are read from the hidden states, and it may come untrained."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """No loading bar, and nothing of what files hold, on the terminal; errors are still raised."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _refusals(refusal: Callable[[BaseException], StudioError]) -> Iterator[None]:
    """Make one error of whatever transformers, tokenizers, safetensors and torch raise about files that are damaged."""
    try:
        with _quiet():
            yield
    except (StudioError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # each library has kinds of its own, and a panic in Rust is no Exception
        if isinstance(error, Exception) and memory_full(error):
            raise
        raise refusal(error) from error


def _sound(weights: str, place: str, modality: Modality) -> AbstractContextManager[None]:
    return _refusals(lambda _error: _no_weights(weights, place, modality))


def _first_line(error: BaseException) -> str:
    return shortened(reason(error) if isinstance(error, Exception) else str(error), _LONGEST)


def _no_weights(weights: str, place: str, modality: Modality) -> WeightsError:
    if Path(place).is_dir():
        needed = "config.json, model.safetensors" + (", tokenizer.json" if modality is Modality.TEXT else "")
        return WeightsError(f"the folder {place} holds no sound {modality} encoder ({needed})")
    return MissingWeightsError(
        f"the {modality} encoder '{weights}' is not on this machine and could not be fetched",
        f"Connect to the network once, set {modality}.weights to a folder that holds it, or choose another preset.",
    )


def _toy(modality: Modality) -> nn.Module:
    from transformers import (
        Data2VecAudioConfig,
        Data2VecAudioModel,
        RobertaConfig,
        RobertaModel,
        TimesformerConfig,
        TimesformerModel,
    )

    shape: dict[str, Any] = {
        "hidden_size": 12,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    model: nn.Module
    if modality is Modality.TEXT:
        model = RobertaModel(RobertaConfig(vocab_size=64, max_position_embeddings=80, **shape))
    elif modality is Modality.AUDIO:
        model = Data2VecAudioModel(
            Data2VecAudioConfig(
                **shape,
                conv_dim=(8, 8, 8),
                conv_kernel=(20, 8, 8),
                conv_stride=(10, 8, 8),
                num_conv_pos_embeddings=2,
                num_conv_pos_embedding_groups=2,
                conv_pos_kernel_size=3,
                mask_time_prob=0.0,
            )
        )
    else:
        model = TimesformerModel(TimesformerConfig(image_size=16, patch_size=8, num_frames=2, **shape))
    return model


def _toy_tokenizer(texts: Iterable[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=500, special_tokens=special)
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
    )
