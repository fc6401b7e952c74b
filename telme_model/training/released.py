"""The checkpoints that were released with TelME, as a finished run of this program: read, checked, and written anew.

They are dictionaries of tensors in four files. What each tensor is called here follows from its name there.
"""

import re
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor, nn

from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.corpus.emotions import LABEL_SETS
from telme_model.events import Event, Message, Phase, StageDone, StageStarted
from telme_model.files import check_ordinary, reason, refusals
from telme_model.networks.backbones import MissingWeightsError, build_backbone, load_description, load_tokenizer
from telme_model.networks.devices import choose_device, leave_a_core, random_numbers, within_memory
from telme_model.networks.encoder import Encoder, make_encoder
from telme_model.networks.fusion import Fusion
from telme_model.networks.tensors import save_tensors, save_weights
from telme_model.paths import media_cache_folder
from telme_model.prediction.predictor import Embedder
from telme_model.runs.config import Config
from telme_model.runs.folder import RunError, RunFolder, check_outside
from telme_model.runs.presets import OFFICIAL_IEMOCAP, OFFICIAL_MELD
from telme_model.training.pipeline import corpus_facts, environment
from telme_model.training.tasks import start_stand_ins

DATASETS = {"meld": OFFICIAL_MELD, "iemocap": OFFICIAL_IEMOCAP}  # by the name of their emotions too

_FILES = {
    Modality.TEXT: "teacher.bin",
    Modality.AUDIO: "student_audio/total_student.bin",
    Modality.VISUAL: "student_video/total_student.bin",
}
_FUSION = "total_fusion.bin"
_UNUSED = re.compile(r"(text_)?model\.(pooler\..*|embeddings\.position_ids)|.*\.num_batches_tracked")
# The beginnings of names, there and here: W is the teacher's projection, and everywhere else the classifier.
_TEACHER = {"text_model.": "backbone.", "W.": "projection.", "classifier.": "classifier."}
_STUDENT = {"model.": "backbone.", "W.": "classifier."}
_HEAD = {
    "multihead_attn.": "head.attention.",
    "W_hav.": "head.gate.",
    "W_av.": "head.displace.",
    "LayerNorm.": "head.norm_fused.",
    "AV_LayerNorm.": "head.norm_nonverbal.",
    "W.": "head.classifier.",
}

_WHERE = "Connect to the network once, or name a folder that holds text, audio and visual (--encoders)."


class ReleasedError(RunError):
    """Checkpoints that cannot be taken over."""

    title = "These checkpoints cannot be imported"


@within_memory
def import_released(
    folder: Path,
    dataset: str,
    run_path: Path,
    *,
    encoders: Path | None = None,
    corpus_root: Path | None = None,
    cache: Path | None = None,
) -> Generator[Event, None, None]:
    """Make a finished run at `run_path` of the released checkpoints in `folder`, which predicts as the released code.

    `dataset` is meld or iemocap. `encoders` holds the folders text, audio and visual with each encoder's description
    and the tokenizer; without it those of the paper's encoders are asked of the hub. Of the corpus at `corpus_root`
    background turns are embedded, without which predictions have no Shapley shares. Raises ReleasedError, RunError,
    CorpusError, CacheError, WeightsError.
    """
    began = time.monotonic()
    yield StageStarted(phase=Phase.PREPARING)
    config = DATASETS[dataset]
    corpus = None if corpus_root is None else _corpus(corpus_root, dataset)
    if corpus is not None:
        check_outside(run_path, corpus.root)
    if encoders is not None:
        names = {str(modality): str((encoders / modality).resolve()) for modality in Modality}
        config = replace(config, **{m: replace(getattr(config, m), weights=place) for m, place in names.items()})
    device = choose_device(config.device)
    leave_a_core(device)
    parts = _Parts(folder, config, len(LABEL_SETS[dataset]))
    with random_numbers:
        fusion = parts.fusion()
        modules = {**{str(modality): parts.encoder(modality) for modality in _FILES}, "fusion": fusion}
    run = RunFolder.create(run_path, config, _facts(folder, dataset, corpus, run_path, device))
    with run.hold():
        for name, module in modules.items():
            save_weights(run, name, module)
        parts.describe(run)
        save_tensors(run, "weights/background", _no_background(config))
        if corpus is None:
            yield Message(text="no corpus is named: predictions will have no Shapley shares")
        else:
            yield from _background(run, corpus, fusion, device, cache or media_cache_folder())
        run.write_json("scores.json", {})
        run.update(stages={phase: {"imported": True} for phase in config.phases})
    yield StageDone(phase=Phase.PREPARING, seconds=time.monotonic() - began)


def _corpus(root: Path, dataset: str) -> Corpus:
    corpus = open_corpus(root)
    if corpus.labels.name != dataset:
        raise ReleasedError(f"{root} has the emotions of {corpus.labels.name}, not those of {dataset}")
    return corpus


class _Parts:
    """The networks of the released checkpoints, each filled and checked."""

    def __init__(self, folder: Path, config: Config, classes: int) -> None:
        self.folder, self.config, self.classes = folder, config, classes
        self.tokenizer: Any = None
        self.described: dict[Modality, Any] = {}

    def encoder(self, modality: Modality) -> Encoder:
        """An encoder with its released weights."""
        place = self.folder / _FILES[modality]
        tensors = _renamed(read_state(place), _TEACHER if modality is Modality.TEXT else _STUDENT, place)
        weights = getattr(self.config, modality).weights
        try:
            described = self.described[modality] = load_description(weights, modality)
            if modality is Modality.TEXT:
                self.tokenizer = load_tokenizer(weights, (), self.config.text.speaker_tokens)
        except MissingWeightsError as error:
            raise ReleasedError(str(error), _WHERE) from error
        if modality is Modality.TEXT:
            words = tensors.get("backbone.embeddings.word_embeddings.weight")
            if words is None or len(words) < len(self.tokenizer):
                raise ReleasedError(f"{place} has fewer words than the tokenizer of {weights} and its speakers")
            described.vocab_size = len(words)
        if modality is Modality.AUDIO:
            described.mask_time_length = self.config.audio.mask_frames
        encoder = make_encoder(modality, build_backbone(described), self.config, self.classes)
        _fill(encoder, tensors, place, f"the encoder {weights}")
        return encoder

    def fusion(self) -> Fusion:
        """The fusion with its released weights."""
        place, config = self.folder / _FUSION, self.config
        fusion = Fusion(config.fusion, config.students, config.dim, self.classes)
        own = {f"stand_in.{modality}": value.data for modality, value in fusion.stand_in.items()}
        _fill(fusion, own | _renamed(read_state(place), _HEAD, place), place, "the fusion")
        return fusion.eval()

    def describe(self, run: RunFolder) -> None:
        """Write what rebuilds the encoders."""
        for modality, described in self.described.items():
            with run.whole_folder(f"encoders/{modality}") as folder:
                described.save_pretrained(folder)
                if modality is Modality.TEXT:
                    self.tokenizer.save_pretrained(folder)


def read_state(place: Path) -> dict[str, Tensor]:
    """A file of tensors by name, as torch saves them; nothing else in it is run. Raises ReleasedError."""
    try:
        check_ordinary(place, 1 << 62, ReleasedError)
        with refusals(place, "read", ReleasedError), place.open("rb"):
            pass
        if not is_zipfile(place):  # as torch writes them; of any other file it warns before it refuses
            raise ValueError("it is no file of torch's")
        state = torch.load(place, map_location="cpu", weights_only=True)
        if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
            raise ValueError("it holds something other than named tensors")
    except (ReleasedError, MemoryError):
        raise
    except Exception as error:  # each of torch's ways to refuse a file has a kind of its own
        raise ReleasedError(f"{place} is no checkpoint: {reason(error)}", "Unpack the release again.") from error
    names = list(state)
    whole = "module." if names and all(name.startswith("module.") for name in names) else ""  # of several cards
    return {name.removeprefix(whole): value for name, value in state.items()}


def _renamed(state: Mapping[str, Tensor], names: Mapping[str, str], place: Path) -> dict[str, Tensor]:
    renamed = {}
    for name, value in state.items():
        if _UNUSED.fullmatch(name):
            continue
        beginning = next((beginning for beginning in names if name.startswith(beginning)), None)
        if beginning is None:
            raise ReleasedError(f"{place} holds '{name}', which no checkpoint of TelME's has there")
        renamed[names[beginning] + name.removeprefix(beginning)] = value
    return renamed


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], place: Path, what: str) -> None:
    own = module.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        here, there = own.get(name), tensors.get(name)
        if here is None or there is None or here.shape != there.shape:
            shapes = [None if value is None else tuple(value.shape) for value in (there, here)]
            raise ReleasedError(
                f"{place} does not fit {what}: '{name}' has the shape {shapes[0]} there and {shapes[1]} here",
                "Name the corpus (--dataset) and the folder of the encoders (--encoders) that it was trained with.",
            )
        if not there.isfinite().all():
            raise ReleasedError(f"{place} holds values that are not finite in '{name}'", "Unpack the release again.")
    module.load_state_dict({name: value.to(own[name].dtype) for name, value in tensors.items()})


def _facts(folder: Path, dataset: str, corpus: Corpus | None, run: Path, device: torch.device) -> dict[str, Any]:
    unknown = {"root": "", "labels": dataset, "fingerprint": "", "turns": {}}
    return {
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "corpus": unknown if corpus is None else corpus_facts(corpus, run),
        "environment": environment(device),
        "excluded": [],
        "over_long": [],
        "imported": str(folder.resolve()),
    }


def _no_background(config: Config) -> dict[str, Tensor]:
    tensors = {f"{m}.features": torch.zeros(0, config.dim) for m in config.modalities}
    return tensors | {f"{m}.present": torch.zeros(0, dtype=torch.bool) for m in config.modalities}


def _background(
    run: RunFolder, corpus: Corpus, fusion: Fusion, device: torch.device, cache: Path
) -> Generator[Event, None, None]:
    """Embed some training turns: what stands for an absent modality, and, in the mean, for a clip that is missing."""
    check_outside(cache, corpus.root)
    turns = list(corpus.turns(Split.TRAIN)) or list(corpus.turns())
    generator = torch.Generator().manual_seed(run.config.seed)
    drawn = torch.randperm(len(turns), generator=generator)[: run.config.background_turns].tolist()
    embedded = yield from Embedder(run, corpus, device, cache).embed(tuple(turns[row] for row in sorted(drawn)))
    parts = {
        f"{modality}.{part}": getattr(own, part)
        for modality, own in embedded.embeddings.items()
        for part in ("features", "present")
    }
    save_tensors(run, "weights/background", parts)
    start_stand_ins(fusion, embedded.embeddings, range(len(drawn)))
    save_weights(run, "fusion", fusion)
