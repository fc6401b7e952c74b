"""The encoder of one modality: a pretrained backbone, the position that is read, a projection and a classifier."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from telme_model.corpus.dialogue import Modality
from telme_model.networks.batching import Batch
from telme_model.runs.config import Config, Pooling


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """`features` [B, dim] (F_T, F_a or F_v) and `logits` [B, classes]."""

    features: Tensor
    logits: Tensor


class Encoder(nn.Module):
    """One modality's network (section 3.2.2): F = the read position of the last hidden state, projected to `dim`."""

    def __init__(self, modality: Modality, backbone: nn.Module, pooling: Pooling, dim: int, classes: int) -> None:
        """Put a projection (where the widths differ) and a linear classifier on `backbone`."""
        super().__init__()
        self.modality = modality
        self.pooling = pooling
        self.backbone = backbone
        width: int = backbone.config.hidden_size  # type: ignore[union-attr, assignment]
        self.projection = nn.Linear(width, dim) if width != dim else nn.Identity()
        self.classifier = nn.Linear(dim, classes)

    def forward(self, batch: Batch) -> EncoderOutput:
        """Features and logits of every turn in the batch; none depends on its batch mates or on padding."""
        if self.modality is Modality.TEXT:
            pooled = self._text(batch)
        elif self.modality is Modality.AUDIO:
            pooled = self._audio(batch)
        else:
            pooled = self._pool(self.backbone(pixel_values=batch.values).last_hidden_state, None)
        features = self.projection(pooled)
        return EncoderOutput(features, self.classifier(features))

    def _text(self, batch: Batch) -> Tensor:
        assert batch.read is not None
        assert batch.mask is not None
        hidden = self.backbone(input_ids=batch.values, attention_mask=batch.mask.long()).last_hidden_state
        rows: Tensor = hidden[torch.arange(len(hidden), device=hidden.device), batch.read]
        return rows

    def _audio(self, batch: Batch) -> Tensor:
        backbone: Any = self.backbone
        # A clip too short for a single frame counts as lengthened with silence.
        shortest = _shortest(backbone.config, self.training)
        lacking = max(shortest - batch.values.shape[1], 0)
        if batch.mask is None:
            return self._pool(backbone(pad(batch.values, (lacking, 0))).last_hidden_state, None)
        values = pad(batch.values, (0, lacking))
        lengths = batch.mask.sum(1).clamp(min=shortest)
        if getattr(backbone.config, "feat_extract_norm", "layer") == "group" and len(lengths) > 1:
            # A group norm mixes all positions of a row, so padding would leak: one clip at a time.
            rows = zip(values, lengths.tolist(), strict=True)
            return torch.cat([self._pool(backbone(row[None, :n]).last_hidden_state, None) for row, n in rows])
        valid = torch.arange(values.shape[1], device=values.device) < lengths.unsqueeze(1)
        frames = _valid_frames(backbone, lengths, values.shape[1])
        with _masked_positions(backbone, frames):
            hidden = backbone(values, attention_mask=valid.long()).last_hidden_state
        return self._pool(hidden, frames)

    def _pool(self, hidden: Tensor, valid: Tensor | None) -> Tensor:
        if self.pooling is Pooling.FIRST:
            return hidden[:, 0]
        if valid is None:
            return hidden.mean(1)
        weights = valid.to(hidden.dtype).unsqueeze(-1)
        return (hidden * weights).sum(1) / weights.sum(1)


def _shortest(config: Any, training: bool) -> int:
    """Fewest samples that give one frame; in training, as many frames as SpecAugment masks at once."""
    masks = training and getattr(config, "apply_spec_augment", True) and config.mask_time_prob > 0
    samples: int = config.mask_time_length if masks else 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


def _valid_frames(backbone: Any, samples: Tensor, width: int) -> Tensor:
    """[B, frames] bool: which frames of the convolutional front end saw no padding."""
    lengths = samples.clone()
    total = width
    for kernel, stride in zip(backbone.config.conv_kernel, backbone.config.conv_stride, strict=True):
        lengths = torch.div(lengths - kernel, stride, rounding_mode="floor") + 1
        total = (total - kernel) // stride + 1
    return torch.arange(total, device=samples.device) < lengths.unsqueeze(1)


@contextmanager
def _masked_positions(backbone: Any, valid: Tensor) -> Iterator[None]:
    """Keep padding at zero between data2vec's stacked position convolutions.

    transformers zeroes padded frames before the first of them only; from the second on they would leak into
    their valid neighbours, and a turn's features would depend on its batch mates.
    """
    embedding = getattr(getattr(backbone, "encoder", None), "pos_conv_embed", None)
    layers = getattr(embedding, "layers", ())
    zero = valid.unsqueeze(1)

    def mask(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        return output * zero.to(output.dtype)

    handles = [layer.register_forward_hook(mask) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def make_encoder(modality: Modality, backbone: nn.Module, config: Config, classes: int) -> Encoder:
    """The encoder of `modality` as `config` wants it."""
    pooling = {Modality.AUDIO: config.audio.pooling, Modality.VISUAL: config.visual.pooling}.get(modality)
    return Encoder(modality, backbone, pooling or Pooling.FIRST, config.dim, classes)
