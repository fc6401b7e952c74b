"""What each stage optimises: an encoder as teacher or student, and the fusion."""

from collections.abc import Generator, Mapping, Sequence

import torch
from torch import Tensor

from telme_model.analysis.metrics import Scores, score
from telme_model.corpus.dialogue import Modality, Split, Turn
from telme_model.corpus.emotions import LabelSet
from telme_model.events import Event, Phase, Progress
from telme_model.networks.batching import Inputs, evaluation_batches
from telme_model.networks.devices import autocast
from telme_model.networks.embedding import Embeddings, FusionInputs, fusion_batches
from telme_model.networks.encoder import Encoder
from telme_model.networks.fusion import Fusion
from telme_model.networks.losses import classification_loss, student_loss
from telme_model.runs.config import DistillationConfig, EvaluationOrder


def labelled_rows(turns: Sequence[Turn], split: Split, present: Sequence[bool] | None = None) -> list[int]:
    """Rows of a split's turns that have gold and, where `present` is given, the modality."""
    return [
        row
        for row, turn in enumerate(turns)
        if turn.id.split is split and turn.gold is not None and (present is None or present[row])
    ]


def gold_indices(turns: Sequence[Turn], rows: Sequence[int], labels: LabelSet) -> Tensor:
    """Gold of `rows` as output units [len(rows)]."""
    return torch.tensor([labels.index(turns[row].gold or "") for row in rows])


class EncoderTask:
    """Train one encoder: as the teacher (cross entropy), or as a student of `teacher`'s outputs (equation 6)."""

    def __init__(
        self,
        phase: Phase,
        encoder: Encoder,
        inputs: Inputs,
        turns: Sequence[Turn],
        present: Sequence[bool],
        labels: LabelSet,
        *,
        device: torch.device,
        dtype: torch.dtype | None,
        batch: int,
        order: EvaluationOrder = EvaluationOrder.LENGTH,
        teacher: Embeddings | None = None,
        distillation: DistillationConfig | None = None,
    ) -> None:
        """`turns` are the whole corpus; those of train with gold, the modality and the teacher's are trained on.

        `dtype`, `batch` and `order` are those of the passes over dev.
        """
        self.phase, self.weights, self.module = phase, str(encoder.modality), encoder
        self.inputs, self.turns, self.labels = inputs, turns, labels
        self.device, self.dtype, self.batch, self.order = device, dtype, batch, order
        self.teacher, self.distillation = teacher, distillation
        if teacher is not None:  # nothing is learnt from a teacher that lacks the turn
            taught = [here and there for here, there in zip(present, teacher.present.tolist(), strict=True)]
        self.rows = labelled_rows(turns, Split.TRAIN, present if teacher is None else taught)
        self.dev = labelled_rows(turns, Split.DEV, present)
        self.gold = gold_indices(turns, self.rows, labels)
        self.lengths = [inputs.length(turns[row]) for row in self.rows]

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Loss terms of the training turns number `rows`."""
        chosen = [self.rows[row] for row in rows]
        gold = self.gold[list(rows)].to(self.device)
        output = self.module(self.inputs.collate([self.turns[row] for row in chosen]).to(self.device))
        if self.teacher is None or self.distillation is None:
            cls = classification_loss(output.logits, gold)
            return {"total": cls, "cls": cls}
        terms = student_loss(
            output.logits,
            output.features,
            gold,
            self.teacher.logits[chosen].to(self.device),
            self.teacher.features[chosen].to(self.device),
            alpha=self.distillation.alpha,
            beta=self.distillation.beta,
            response_tau=self.distillation.tau_response,
            feature_tau=self.distillation.tau_feature,
        )
        return {"total": terms.total, "cls": terms.cls, "response": terms.response, "feature": terms.feature}

    def evaluate(self) -> Generator[Event, None, Scores]:
        """Scores on dev."""
        predicted: dict[int, int] = {}
        for rows in evaluation_batches(self.turns, self.dev, self.batch, self.order, self.inputs.length):
            collated = self.inputs.collate([self.turns[row] for row in rows]).to(self.device)
            with torch.no_grad(), autocast(self.dtype, self.device):
                best = self.module(collated).logits.argmax(-1).tolist()
            predicted |= zip(rows, best, strict=True)
            yield Progress(phase=self.phase, done=len(predicted), total=len(self.dev))
        return _score(self.turns, self.dev, predicted, self.labels)


class FusionTask:
    """Train the fusion on frozen encoders' embeddings."""

    phase = Phase.FUSION
    weights = "fusion"

    def __init__(
        self,
        fusion: Fusion,
        inputs: FusionInputs,
        turns: Sequence[Turn],
        labels: LabelSet,
        *,
        device: torch.device,
        dtype: torch.dtype | None,
        batch: int,
        order: EvaluationOrder = EvaluationOrder.LENGTH,
    ) -> None:
        """`inputs` holds the rows of `turns`, the whole corpus."""
        self.module, self.inputs, self.turns, self.labels = fusion, inputs, turns, labels
        self.device, self.dtype, self.batch, self.order = device, dtype, batch, order
        self.rows = torch.tensor(labelled_rows(turns, Split.TRAIN))
        self.dev = labelled_rows(turns, Split.DEV)
        self.gold = gold_indices(turns, self.rows.tolist(), labels)
        self.lengths = [1] * len(self.rows)

    def losses(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Cross entropy of the training turns number `rows`."""
        output = self.inputs.fuse(self.module, self.rows[list(rows)])
        cls = classification_loss(output.logits, self.gold[list(rows)].to(self.device))
        return {"total": cls, "cls": cls}

    def evaluate(self) -> Generator[Event, None, Scores]:
        """Scores on dev."""
        predicted: dict[int, int] = {}
        for rows in fusion_batches(self.module, self.dev, self.batch, self.turns, self.order):
            with torch.no_grad(), autocast(self.dtype, self.device):
                best = self.inputs.fuse(self.module, rows).logits.argmax(-1).tolist()
            predicted |= zip(rows.tolist(), best, strict=True)
            yield Progress(phase=self.phase, done=len(predicted), total=len(self.dev))
        return _score(self.turns, self.dev, predicted, self.labels)


def _score(turns: Sequence[Turn], rows: Sequence[int], predicted: Mapping[int, int], labels: LabelSet) -> Scores:
    gold = gold_indices(turns, rows, labels).numpy()
    return score(gold, [predicted[row] for row in rows], labels.labels)


def start_stand_ins(fusion: Fusion, embeddings: Mapping[Modality, Embeddings], train: Sequence[int]) -> None:
    """Set each modality's stand-in to the mean of its features over the training turns that have it."""
    for modality, own in embeddings.items():
        present = [row for row in train if own.present[row]]
        if present:
            fusion.stand_in[modality].data.copy_(own.features[present].mean(0))
