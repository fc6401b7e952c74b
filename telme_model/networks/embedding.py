"""Features and logits of every turn, computed once: what students learn from and what the fusion works on."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from telme_model.corpus.dialogue import Modality, Turn
from telme_model.events import Event, Phase, Progress
from telme_model.networks.batching import Inputs, evaluation_batches, table_batches
from telme_model.networks.devices import autocast
from telme_model.networks.encoder import Encoder
from telme_model.networks.fusion import Fusion, FusionOutput
from telme_model.runs.config import AttentionScope, EvaluationOrder


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One encoder's outputs for N turns: `features` [N, dim], `logits` [N, classes], `present` [N] bool.

    Rows of turns that lack the modality are zero.
    """

    features: Tensor
    logits: Tensor
    present: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """What goes into a safetensors file."""
        return {"features": self.features, "logits": self.logits, "present": self.present}


def embed(
    encoder: Encoder,
    inputs: Inputs,
    turns: Sequence[Turn],
    present: Sequence[bool],
    *,
    batch: int,
    order: EvaluationOrder = EvaluationOrder.LENGTH,
    device: torch.device,
    dtype: torch.dtype | None,
    phase: Phase,
) -> Generator[Event, None, Embeddings]:
    """Run `encoder` over all `turns` that are `present`; rows come back in the order of `turns`, on the CPU."""
    encoder.eval()
    dim, classes = encoder.classifier.in_features, encoder.classifier.out_features
    features, logits = torch.zeros(len(turns), dim), torch.zeros(len(turns), classes)
    rows = [row for row, there in enumerate(present) if there]
    done = 0
    for chosen in evaluation_batches(turns, rows, batch, order, inputs.length):
        collated = inputs.collate([turns[row] for row in chosen]).to(device)
        with torch.no_grad(), autocast(dtype, device):
            output = encoder(collated)
        features[chosen] = output.features.float().cpu()
        logits[chosen] = output.logits.float().cpu()
        done += len(chosen)
        yield Progress(phase=phase, done=done, total=len(rows))
    return Embeddings(features, logits, torch.tensor(present, dtype=torch.bool))


class FusionInputs:
    """The embeddings of all modalities, row by row, as the fusion takes them."""

    def __init__(self, embeddings: Mapping[Modality, Embeddings], turns: Sequence[Turn], teacher: Modality) -> None:
        """`turns` are the rows, dialogue by dialogue: a turn's past is the rows before it in its dialogue."""
        self.embeddings = dict(embeddings)
        self.teacher = teacher
        starts: list[int] = []
        for row, turn in enumerate(turns):
            last = turns[row - 1].id if row else None
            same = last is not None and (last.split, last.dialogue) == (turn.id.split, turn.id.dialogue)
            starts.append(starts[-1] if same else row)
        self.starts = torch.tensor(starts)

    def features(self, fusion: Fusion, rows: Tensor) -> dict[Modality, Tensor]:
        """Features [..., dim] of each modality at `rows` [...], stand-ins filled in, on the fusion's device."""
        device = next(fusion.parameters()).device
        filled = {}
        for modality, own in self.embeddings.items():
            filled[modality] = fusion.fill(modality, own.features[rows].to(device), own.present[rows].to(device))
        return filled

    def fuse(
        self,
        fusion: Fusion,
        rows: Tensor,
        features: Mapping[Modality, Tensor] | None = None,
        theta: float | None = None,
    ) -> FusionOutput:
        """Fuse the turns at `rows` [B]; `features` replaces their own (not their past's)."""
        own = self.features(fusion, rows) if features is None else features
        past = mask = None
        if fusion.scope is AttentionScope.DIALOGUE:
            past, mask = self._past(fusion, rows)
        fused: FusionOutput = fusion(own[self.teacher], own, past=past, past_mask=mask, theta=theta)
        return fused

    def _past(self, fusion: Fusion, rows: Tensor) -> tuple[Tensor, Tensor]:
        starts = self.starts[rows]
        length = int((rows - starts).max())
        places = starts.unsqueeze(1) + torch.arange(length)
        mask = places < rows.unsqueeze(1)
        features = self.features(fusion, torch.where(mask, places, starts.unsqueeze(1)))
        past = torch.cat([features[m] for m in fusion.slots], -1)
        return past, mask.to(past.device)


def fusion_batches(
    fusion: Fusion,
    rows: Sequence[int],
    batch: int,
    turns: Sequence[Turn] = (),
    order: EvaluationOrder = EvaluationOrder.LENGTH,
) -> list[Tensor]:
    """`rows` in batches for inference: in the released code's scope of `batch` turns, else as large as is cheap.

    There they come as they are, or in the order of the table of `turns`, all of which are then needed.
    """
    if fusion.scope is AttentionScope.BATCH and order is EvaluationOrder.TABLE:
        wanted = set(rows)
        batches = ([row for row in members if row in wanted] for members in table_batches(turns, batch))
        return [torch.tensor(members) for members in batches if members]
    size = batch if fusion.scope is AttentionScope.BATCH else 256
    return [torch.tensor(rows[i : i + size]) for i in range(0, len(rows), size)]
