"""Joining the modalities: attention-based modality shifting fusion (section 3.2.4), and the plain ways beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from telme_model.corpus.dialogue import Modality
from telme_model.runs.config import AttentionScope, FusionConfig, FusionKind

OFFICIAL_EPSILON = 1e-6  # in lambda's denominator, as in the released code


@dataclass(frozen=True, slots=True)
class Displacement:
    """What ASF did to the teacher's embedding, per turn.

    `vector` is H [B, dim]; `text_norm` ||F_T||, `h_norm` ||H||, `scale` lambda, `shift` ||lambda H|| and
    `open_gates`, the fraction of gates above zero, are [B].
    """

    vector: Tensor
    text_norm: Tensor
    h_norm: Tensor
    scale: Tensor
    shift: Tensor
    open_gates: Tensor


@dataclass(frozen=True, slots=True)
class FusionOutput:
    """`logits` [B, classes] and, for ASF, the displacement."""

    logits: Tensor
    displacement: Displacement | None


def shift(lead: Tensor, displacement: Tensor, theta: float, epsilon: float = 0.0) -> tuple[Tensor, Tensor]:
    """Z = F + lambda H (eq 18) and lambda = min(theta ||F|| / ||H||, 1) (eq 19): [B, dim] each -> [B, dim], [B].

    ||H|| = 0 counts as 1, so lambda H is 0 and its gradient finite.
    """
    square = displacement.pow(2).sum(-1)
    # The inner where keeps sqrt away from 0, whose gradient is infinite.
    h_norm = torch.where(square == 0, 1.0, torch.where(square == 0, 1.0, square).sqrt())
    scale = (theta * lead.norm(dim=-1) / (h_norm + epsilon)).clamp(max=1.0)
    return lead + scale.unsqueeze(-1) * displacement, scale


class Fusion(nn.Module):
    """The fusion's shared part: a stand-in for each student whose clip is missing, and the entry point.

    `stand_in` starts as the mean of the training features and learns with the rest.
    """

    def __init__(self, config: FusionConfig, students: tuple[Modality, ...], dim: int, classes: int) -> None:
        """Make the module that `config.kind` names."""
        super().__init__()
        self.students = students
        self.swapped = config.swapped
        self.scope = config.attention
        self.stand_in = nn.ParameterDict({m: nn.Parameter(torch.zeros(dim)) for m in Modality})
        head = AttentionShifting if config.kind is FusionKind.ASF and students else PlainFusion
        self.head: AttentionShifting | PlainFusion = head(config, len(students), dim, classes)

    @property
    def slots(self) -> tuple[Modality, ...]:
        """The students in the order in which they are taken now: the released code's for IEMOCAP is not one alone."""
        return self.students[::-1] if self.swapped and not self.training else self.students

    def fill(self, modality: Modality, features: Tensor, present: Tensor) -> Tensor:
        """`features` [..., dim] with the stand-in wherever `present` [...] is False."""
        return torch.where(present.unsqueeze(-1), features, self.stand_in[modality].to(features.dtype))

    def forward(
        self,
        lead: Tensor,
        students: Mapping[Modality, Tensor],
        *,
        past: Tensor | None = None,
        past_mask: Tensor | None = None,
        theta: float | None = None,
    ) -> FusionOutput:
        """Fuse the teacher's features `lead` [B, dim] with each student's [B, dim] (stand-ins filled in).

        `past` [B, P, students * dim] holds the non-verbal features of the dialogue's earlier turns and `past_mask`
        [B, P] marks the real ones (scope `dialogue` only). `theta` overrides the config's.
        """
        others = [students[m] for m in self.slots]
        fused: FusionOutput = self.head(lead, others, past=past, past_mask=past_mask, theta=theta)
        return fused

    def unshifted(self, lead: Tensor) -> Tensor:
        """Logits [B, classes] of the same head with H = 0; for a plain fusion, NaN."""
        return self.head.unshifted(lead)


class AttentionShifting(nn.Module):
    """Equations 16-19. What the self-attention ranges over is a choice.

    `turn`: the turn's concatenated features are one token (attention weights are identically 1).
    `batch`: over the batch axis, as the released code does it. `modalities`: one token a student.
    `dialogue`: the turn attends to itself and to the dialogue's earlier turns.
    """

    def __init__(self, config: FusionConfig, students: int, dim: int, classes: int) -> None:
        """`students` feature vectors of `dim` shift one of `dim`."""
        super().__init__()
        self.config = config
        width = dim * students
        token = dim if config.attention is AttentionScope.MODALITIES else width
        self.attention = nn.MultiheadAttention(token, config.heads, batch_first=True)
        self.gate = nn.Linear(dim + width, dim)  # W1, b1
        self.displace = nn.Linear(width, dim)  # W2, b2
        self.classifier = nn.Linear(dim, classes)
        self.dropout = nn.Dropout(config.dropout)
        self.norm_nonverbal = nn.LayerNorm(width) if config.normalised else nn.Identity()
        self.norm_fused = nn.LayerNorm(dim) if config.normalised else nn.Identity()

    def forward(
        self,
        lead: Tensor,
        others: list[Tensor],
        *,
        past: Tensor | None = None,
        past_mask: Tensor | None = None,
        theta: float | None = None,
    ) -> FusionOutput:
        """Equations 16-19: see `Fusion.forward`."""
        nonverbal = torch.cat(others, -1)
        attended = self._attend(nonverbal, others, past, past_mask)
        if self.config.normalised:
            attended = self.dropout(self.norm_nonverbal(attended + nonverbal))
        order = (attended, lead) if self.config.normalised else (lead, attended)
        gate = torch.relu(self.gate(torch.cat(order, -1)))
        vector = gate * self.displace(attended)
        epsilon = OFFICIAL_EPSILON if self.config.normalised else 0.0
        fused, scale = shift(lead, vector, self.config.theta if theta is None else theta, epsilon)
        h_norm = vector.norm(dim=-1)
        displacement = Displacement(
            vector=vector,
            text_norm=lead.norm(dim=-1),
            h_norm=h_norm,
            scale=scale,
            shift=scale * h_norm,
            open_gates=(gate > 0).float().mean(-1),
        )
        return FusionOutput(self._classify(fused), displacement)

    def unshifted(self, lead: Tensor) -> Tensor:
        """The head's logits [B, classes] for H = 0."""
        return self._classify(lead)

    def _classify(self, fused: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.dropout(self.norm_fused(fused)))
        return logits

    def _attend(self, nonverbal: Tensor, others: list[Tensor], past: Tensor | None, past_mask: Tensor | None) -> Tensor:
        scope = self.config.attention
        if scope is AttentionScope.BATCH:
            attended: Tensor = self.attention(nonverbal, nonverbal, nonverbal, need_weights=False)[0]
            return attended
        if scope is AttentionScope.MODALITIES:
            tokens = torch.stack(others, 1)
            attended = self.attention(tokens, tokens, tokens, need_weights=False)[0]
            return attended.flatten(1)
        own = nonverbal.unsqueeze(1)
        if scope is AttentionScope.DIALOGUE and past is not None and past_mask is not None:
            keys = torch.cat([past, own], 1)
            hidden = torch.cat([~past_mask, past_mask.new_zeros(len(past_mask), 1)], 1)
            attended = self.attention(own, keys, keys, key_padding_mask=hidden, need_weights=False)[0]
        else:
            attended = self.attention(own, own, own, need_weights=False)[0]
        return attended.squeeze(1)


class PlainFusion(nn.Module):
    """Concatenation, product or learned weighted sum of the features, then a classifier: the ablations."""

    def __init__(self, config: FusionConfig, students: int, dim: int, classes: int) -> None:
        """Join the teacher's and `students` feature vectors of `dim`."""
        super().__init__()
        self.kind = config.kind
        joined = dim * (students + 1) if config.kind is FusionKind.CONCATENATION else dim
        self.projections = nn.ModuleList(nn.Linear(dim, dim) for _ in range(students + 1))
        self.weights = nn.Parameter(torch.zeros(students + 1))
        self.classifier = nn.Linear(joined, classes)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        lead: Tensor,
        others: list[Tensor],
        **_shifting: Tensor | float | None,
    ) -> FusionOutput:
        """Logits of the joined features; there is no displacement."""
        features = [lead, *others]
        if self.kind is FusionKind.CONCATENATION:
            joined = torch.cat(features, -1)
        else:
            projected = torch.stack([p(f) for p, f in zip(self.projections, features, strict=True)])
            if self.kind is FusionKind.PRODUCT:
                joined = projected.tanh().prod(0)
            else:
                joined = (self.weights.softmax(0).view(-1, 1, 1) * projected).sum(0)
        return FusionOutput(self.classifier(self.dropout(joined)), None)

    def unshifted(self, lead: Tensor) -> Tensor:
        """NaN [B, classes]: there is no head for the teacher alone."""
        return lead.new_full((len(lead), self.classifier.out_features), torch.nan)
