"""Pretrained encoders: found by hub name or folder, or built tiny from scratch; and what rebuilds them from a run."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from telme_model.corpus.dialogue import Modality
from telme_model.errors import StudioError
from telme_model.files import reason
from telme_model.runs.weights import find_weights, hub_answer, resolve

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
    try:
        # Always float32 here: autocast decides the arithmetic, and half-precision files are only a smaller parcel.
        with _quiet():
            model: nn.Module = AutoModel.from_pretrained(place, dtype=torch.float32)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _no_weights(weights, place, modality) from error
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
        try:
            tokenizer = AutoTokenizer.from_pretrained(place)
        except (OSError, ValueError, KeyError, RecursionError) as error:
            raise _no_weights(weights, place, Modality.TEXT) from error
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
    from transformers import AutoConfig

    place = resolve(weights)
    try:
        return AutoConfig.from_pretrained(place)
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise _no_weights(weights, place, modality) from error


def build_backbone(description: Any) -> nn.Module:
    """The encoder that is so described, with random weights. Raises what transformers raises."""
    from transformers import AutoModel

    model: nn.Module = AutoModel.from_config(description)
    return _without_pooler(model)


def rebuild_backbone(folder: Path) -> nn.Module:
    """The encoder that `config.json` in `folder` describes, with random weights: a run brings its own."""
    _load_transformers()
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise WeightsError(
            f"{folder} has no config.json: the run is not trained that far, or files were removed",
            "Go on with its training, or put the files back.",
        )
    try:
        return build_backbone(AutoConfig.from_pretrained(folder))
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise WeightsError(f"{folder} does not describe an encoder: {reason(error)}") from error


def _without_pooler(model: nn.Module) -> nn.Module:
    """Drop BERT-like models' pooler: features are read from the hidden states, and it may come untrained."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """No loading bar and no report of unused heads on the terminal; errors are still raised."""
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
