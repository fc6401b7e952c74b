"""Checkpoints in the layout of TelME's release, with made-up weights: small networks, the same everywhere.

Each tensor is drawn from a generator that its own name seeds, so the numbers that the released code gave with them may
stand in a test: those of the audio student, whose network is that of the oracle. The other two are cheap ones.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from telme_model.networks.backbones import load_tokenizer

DIM, CLASSES = 768, 7
FILES = {
    "teacher.bin": ("text", "text_model."),
    "student_audio/total_student.bin": ("audio", "model."),
    "student_video/total_student.bin": ("visual", "model."),
}
ENCODERS: dict[str, dict[str, Any]] = {
    "text": {
        "model_type": "roberta",
        "vocab_size": 520,
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
    },
    "audio": {
        "model_type": "data2vec-audio",
        "conv_dim": [32] * 7,
        "hidden_size": DIM,
        "intermediate_size": 256,
        "num_hidden_layers": 1,
        "num_attention_heads": 12,
    },
    "visual": {
        "model_type": "timesformer",
        "hidden_size": DIM,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_frames": 8,
        "image_size": 224,
        "patch_size": 32,
    },
}
_FUSION = {
    "multihead_attn.in_proj_weight": (6 * DIM, 2 * DIM),
    "multihead_attn.in_proj_bias": (6 * DIM,),
    "multihead_attn.out_proj.weight": (2 * DIM, 2 * DIM),
    "multihead_attn.out_proj.bias": (2 * DIM,),
    "W_hav.weight": (DIM, 3 * DIM),
    "W_hav.bias": (DIM,),
    "W_av.weight": (DIM, 2 * DIM),
    "W_av.bias": (DIM,),
    "LayerNorm.weight": (DIM,),
    "LayerNorm.bias": (DIM,),
    "AV_LayerNorm.weight": (2 * DIM,),
    "AV_LayerNorm.bias": (2 * DIM,),
    "W.weight": (CLASSES, DIM),
    "W.bias": (CLASSES,),
}


def write_release(folder: Path, words: list[str], classes: int = CLASSES) -> Path:
    """The four checkpoints; `folder`/encoders describes the encoders and holds a tokenizer of these `words`."""
    for name, settings in ENCODERS.items():
        place = folder / "encoders" / name
        place.mkdir(parents=True)
        (place / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    load_tokenizer("toy", words, 0).save_pretrained(folder / "encoders" / "text")
    for file, (name, beginning) in FILES.items():
        own = _backbone(folder / "encoders" / name).state_dict()
        shapes = {f"{beginning}{key}": tuple(value.shape) for key, value in own.items() if value.is_floating_point()}
        if name == "text":
            width = ENCODERS["text"]["hidden_size"]
            shapes |= {"W.weight": (DIM, width), "W.bias": (DIM,)}
            shapes |= {"classifier.weight": (classes, DIM), "classifier.bias": (classes,)}
        else:
            shapes |= {"W.weight": (classes, DIM), "W.bias": (classes,)}
        _save(folder / file, file, shapes)
    head = {"W.weight": (classes, DIM), "W.bias": (classes,)}
    _save(folder / "total_fusion.bin", "total_fusion.bin", _FUSION | head)
    return folder


def _backbone(folder: Path) -> nn.Module:
    with torch.device("meta"):
        model: nn.Module = AutoModel.from_config(AutoConfig.from_pretrained(folder))
    return model


def _save(path: Path, file: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    path.parent.mkdir(exist_ok=True)
    torch.save({key: _tensor(file, key, shape) for key, shape in shapes.items()}, path)


def _tensor(file: str, key: str, shape: tuple[int, ...]) -> Tensor:
    drawn = np.random.default_rng(zlib.crc32(f"11/{file}/{key}".encode())).standard_normal(shape)
    norms = ("layer_norm.weight", "layernorm_before.weight", "layernorm_after.weight", "temporal_layernorm.weight")
    if "orm.weight" in key or key.endswith(norms):
        drawn = 1 + 0.1 * drawn
    elif len(shape) > 1:
        drawn = 0.3 * drawn if "embeddings" in key else drawn / np.sqrt(np.prod(shape[1:]))
    else:
        drawn = 0.05 * drawn
    return torch.from_numpy(drawn.astype(np.float32))
