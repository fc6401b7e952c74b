"""Where an encoder's pretrained weights are: on this machine or only on the hub, how large, and under which licence.

Nothing here loads a network: it reads file names, sizes and headers.
"""

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

from telme_model.bundled import DEMO_ENCODERS
from telme_model.corpus.dialogue import Modality
from telme_model.events import Event, Phase, Progress
from telme_model.files import FileError, check_ordinary, read_text, refusal

TOY = "toy"  # built from scratch, for the tests
_LARGEST = 8 << 20  # bytes of a config.json, or of a model's card
HUB_SECONDS = 6.0  # how long the hub may take to answer

_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "sentencepiece.bpe.model", "spm.model")


# What an encoder is for, by the `model_type` of its config.json; of any other it shows when it is loaded.
_TYPES = {
    Modality.TEXT: "albert bert camembert data2vec-text deberta deberta-v2 distilbert electra modernbert mpnet roberta "
    "roberta-prelayernorm xlm-roberta xlm-roberta-xl xlnet",
    Modality.AUDIO: "audio-spectrogram-transformer data2vec-audio hubert sew sew-d unispeech unispeech-sat wav2vec2 "
    "wav2vec2-bert wav2vec2-conformer wavlm whisper",
    Modality.VISUAL: "beit data2vec-vision deit dinov2 swin timesformer videomae vit vivit",
}
_MADE_FOR = {name: modality for modality, names in _TYPES.items() for name in names.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What an encoder's cost follows from."""

    parameters: int
    layers: int
    width: int
    feedforward: int
    patch: int = 16  # px, of a visual encoder
    convolutions: tuple[tuple[int, int, int], ...] = ()  # channels, kernel, stride of an audio encoder's front end


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What is known of one encoder's weights without the network."""

    name: str
    place: Path | None = None  # the folder that holds them on this machine
    built: bool = False  # made from scratch: there is nothing to fetch
    bytes: int | None = None  # of the file, here or to be fetched
    licence: str = ""  # as its publisher names it; "" where that is unknown
    architecture: Architecture | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # what config.json holds
    lacking: str = ""  # what is there and cannot be used: why

    @property
    def here(self) -> bool:
        """Whether a run can begin with them without a network."""
        return self.built or (self.place is not None and not self.lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """What the hub says of a name: whether it could be reached, has such weights, and how large they are."""

    reached: bool = True
    found: bool = True
    bytes: int | None = None
    licence: str = ""


def _roberta(width: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "model_type": "roberta",
        "vocab_size": 50_265,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
    }


_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3_072}
_DATA2VEC = _BASE | {
    "model_type": "data2vec-audio",
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
}

# The presets' own, so that their cost is known before they are fetched: settings, parameters, licence.
_KNOWN: dict[str, tuple[dict[str, Any], int, str]] = {
    "roberta-large": (_roberta(1024, 24, 16), 355_359_744, "MIT"),
    "distilroberta-base": (_roberta(768, 6, 12), 82_118_400, "Apache 2.0"),
    "facebook/data2vec-audio-base-960h": (_DATA2VEC, 93_164_288, "Apache 2.0"),
    "facebook/timesformer-base-finetuned-k400": (
        _BASE | {"model_type": "timesformer", "patch_size": 16, "image_size": 224, "num_frames": 8},
        121_258_752,
        "CC BY-NC 4.0",
    ),
}
_TOY_SETTINGS = {
    "hidden_size": 12,
    "num_hidden_layers": 1,
    "intermediate_size": 16,
    "patch_size": 8,
    "conv_dim": [8, 8, 8],
    "conv_kernel": [20, 8, 8],
    "conv_stride": [10, 8, 8],
}


def resolve(weights: str) -> str:
    """`bundled:NAME` as its folder; anything else as it is."""
    return str(DEMO_ENCODERS / weights.removeprefix("bundled:")) if weights.startswith("bundled:") else weights


def find_weights(name: str, modality: Modality) -> Weights:
    """What this machine knows of the weights `name`: a folder, `bundled:NAME`, or a name on the hub."""
    found = _find(name, modality)
    made_for = _MADE_FOR.get(str(found.settings.get("model_type")), modality)
    if made_for is modality:
        return found
    kind, one = found.settings["model_type"], "an audio" if made_for is Modality.AUDIO else f"a {made_for}"
    return replace(found, architecture=None, lacking=f"{name} is no {modality} encoder but {one} one ({kind})")


def _find(name: str, modality: Modality) -> Weights:
    if name == TOY:
        return Weights(name=name, built=True, bytes=0, architecture=_architecture(_TOY_SETTINGS, 6_000))
    folder = Path(resolve(name))
    if folder.is_dir():
        return _in_folder(name, folder, modality)
    cached = _cached(name)
    if cached is not None:
        found = _in_folder(name, cached, modality)
        if found.here:
            return found
    if name in _KNOWN:
        settings, parameters, licence = _KNOWN[name]
        architecture = _architecture(settings, parameters)
        return Weights(name=name, bytes=4 * parameters, licence=licence, architecture=architecture, settings=settings)
    return Weights(name=name)


def ask_hub(names: Iterable[str]) -> Generator[Event, None, dict[str, HubAnswer]]:
    """What the hub says of these names; quiet where it cannot be reached. Touches the network, and so takes time."""
    names = list(names)
    answers: dict[str, HubAnswer] = {}
    for done, name in enumerate(names, 1):
        answers[name] = hub_answer(name)
        yield Progress(phase=Phase.PREPARING, done=done, total=len(names), unit="encoders")
    return answers


def hub_answer(name: str) -> HubAnswer:
    """What the hub says of one name."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        info = HfApi().model_info(name, files_metadata=True, timeout=HUB_SECONDS)
    except (HFValidationError, RepositoryNotFoundError):
        return HubAnswer(found=False)
    except Exception:  # noqa: BLE001 - offline by choice, no network, a hub out of order: its client has a kind for each
        return HubAnswer(reached=False)
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    single = next((sizes[file] for file in _FILES if file in sizes and not file.endswith(".json")), None)
    licence = str(info.card_data.get("license") or "") if info.card_data else ""
    return HubAnswer(bytes=single, licence=licence)


def _cached(name: str) -> Path | None:
    """The folder in the hub's cache on this machine."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(config).parent if isinstance(config, str) else None


def _in_folder(name: str, folder: Path, modality: Modality) -> Weights:
    try:
        files = {path.name for path in folder.iterdir()}
    except OSError as error:
        return Weights(name=name, place=folder, lacking=str(refusal(error, folder, "read")))
    file = next((file for file in _FILES if file in files), None)
    try:
        settings = json.loads(read_text(folder / "config.json", _LARGEST))
    except (FileError, ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        return Weights(name=name, place=folder, lacking=f"{folder} has no readable config.json")
    known = Weights(name=name, place=folder, settings=settings)
    if file is None:
        return replace(known, lacking=f"{folder} has no {_FILES[0]} and no {_FILES[2]}")
    if modality is Modality.TEXT and not files & set(_TOKENIZERS):
        return replace(known, lacking=f"{folder} has no tokenizer.json")
    try:
        size = sum(path.stat().st_size for path in folder.glob(f"{file.partition('.')[0]}*") if path.suffix != ".json")
        parameters = _parameters(folder / file, size)
    except (OSError, FileError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return replace(known, lacking=f"{folder / file} cannot be read")
    try:
        architecture = _architecture(settings, parameters)
    except (KeyError, TypeError):  # other words for the same, such as DistilBERT's: what it costs is not known
        if "model_type" not in settings:
            return replace(known, lacking=f"{folder / 'config.json'} does not say which encoder it describes")
        architecture = None
    return replace(known, bytes=size, licence=_licence(name, folder), architecture=architecture)


def _parameters(file: Path, size: int) -> int:
    """Counted in a safetensors file's header; elsewhere from the size, at four bytes each."""
    if file.suffix != ".safetensors":
        return size // 4
    check_ordinary(file, 1 << 62)
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")  # anything, in a file that only bears the name
        header = json.loads(stream.read(min(length, size, _LARGEST)))
    return sum(prod(tensor["shape"]) for key, tensor in header.items() if key != "__metadata__")


def _architecture(settings: Mapping[str, Any], parameters: int) -> Architecture:
    """Raises KeyError where the settings are no transformer's."""
    front = zip(settings.get("conv_dim", ()), settings.get("conv_kernel", ()), settings.get("conv_stride", ()))
    return Architecture(
        parameters=parameters,
        layers=settings["num_hidden_layers"],
        width=settings["hidden_size"],
        feedforward=settings.get("intermediate_size", 4 * settings["hidden_size"]),
        patch=settings.get("patch_size", 16),
        convolutions=tuple((channels, kernel, stride) for channels, kernel, stride in front),
    )


def _licence(name: str, folder: Path) -> str:
    """What the model card's head says; the bundled ones are this program's own."""
    if name.startswith("bundled:"):
        return "MIT"
    if name in _KNOWN:
        return _KNOWN[name][2]
    try:
        head = read_text(folder / "README.md", _LARGEST).split("---")[1]
    except (FileError, IndexError):
        return ""
    lines = (line.partition(":") for line in head.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "license"), "")
