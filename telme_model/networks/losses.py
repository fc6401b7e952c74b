"""The losses of the distillation stage (section 3.2.3): classification, response (DIST) and feature.

All of them work in float32 (float64 where an input is), whatever the precision of the inputs or of the
surrounding autocast, and give finite values and gradients for finite inputs. The teacher's outputs are
targets: no gradient reaches them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

NO_GOLD = -100
"""The gold index of a turn without a label: it takes part in distillation, not in classification."""

_NO_FEATURE = 1e-12  # a feature vector with no entry above this has no direction


@dataclass(frozen=True, slots=True)
class StudentLoss:
    """The terms of equation 6, each a scalar before its factor; `total` is what to differentiate."""

    cls: Tensor
    response: Tensor
    feature: Tensor
    total: Tensor


def student_loss(
    student_logits: Tensor,
    student_features: Tensor,
    gold: Tensor,
    teacher_logits: Tensor | None = None,
    teacher_features: Tensor | None = None,
    *,
    alpha: float,
    beta: float,
    response_tau: float,
    feature_tau: float,
) -> StudentLoss:
    """L_cls + alpha * L_response + beta * L_feature (equation 6).

    Logits [B, C], features [B, d], gold [B] (indices, `NO_GOLD` where there is none). A term whose factor is 0
    is not computed and reads 0; its teacher outputs may then be absent. Raises ValueError when they are needed.
    """
    cls = classification_loss(student_logits, gold)
    response = feature = cls.new_zeros(())
    total = cls
    if alpha:
        if teacher_logits is None:
            raise ValueError("The response loss needs the teacher's logits: give them, or set alpha to 0.")
        response = response_loss(student_logits, teacher_logits, response_tau)
        total = total + alpha * response
    if beta:
        if teacher_features is None:
            raise ValueError("The feature loss needs the teacher's features: give them, or set beta to 0.")
        feature = feature_loss(student_features, teacher_features, feature_tau)
        total = total + beta * feature
    return StudentLoss(cls, response, feature, total)


def classification_loss(logits: Tensor, gold: Tensor) -> Tensor:
    """L_cls: cross entropy of logits [B, C] with gold [B], mean over the turns that have gold; 0 if none has."""
    entropy = functional.cross_entropy(_widened(logits), gold, ignore_index=NO_GOLD, reduction="sum")
    return entropy / (gold != NO_GOLD).sum().clamp(min=1)


def response_loss(student_logits: Tensor, teacher_logits: Tensor, tau: float) -> Tensor:
    """L_response = L_inter + L_intra (equations 7 to 12), for logits [B, C] and temperature tau > 0.

    Pearson distance of the predictions softened by tau, tau^2 times the mean over the B rows (each turn's
    distribution over classes) plus tau^2 times the mean over the C columns (each class across the batch).

    A row or column without variance, in the student or the teacher, has no ranking to compare: its correlation
    is taken as 0, so it counts with distance 1 and sends no gradient. This is the limit of the usual guard (a
    small number added to the denominator) and it keeps the loss a mean over all rows and all columns. So with a
    batch of one L_intra is the constant tau^2.
    """
    student = functional.log_softmax(_widened(student_logits) / tau, dim=1)
    teacher = functional.log_softmax(_widened(teacher_logits.detach()) / tau, dim=1)
    inter = (1 - _correlation(student, teacher, dim=1)).mean()
    intra = (1 - _correlation(student, teacher, dim=0)).mean()
    return tau**2 * (inter + intra)


def feature_loss(student_features: Tensor, teacher_features: Tensor, tau: float) -> Tensor:
    """L_feature = mean over the batch of KL(P_i || Q_i) (equations 13 to 15), for features [B, d], tau > 0.

    With rows of length 1, P = softmax(F_t F_t^T / tau) and Q = softmax(F_t F_s^T / tau). A batch of one gives
    0. A row of zeros has no direction: it is similar to nothing (0) and stays as it is.
    """
    with torch.autocast(student_features.device.type, enabled=False):  # it would halve the products' precision
        student = _directions(_widened(student_features))
        teacher = _directions(_widened(teacher_features.detach()))
        dtype = torch.promote_types(student.dtype, teacher.dtype)
        student, teacher = student.to(dtype), teacher.to(dtype)
        target = functional.log_softmax(teacher @ teacher.T / tau, dim=1)
        similarity = functional.log_softmax(teacher @ student.T / tau, dim=1)
        return functional.kl_div(similarity, target, reduction="batchmean", log_target=True)


def _widened(tensor: Tensor) -> Tensor:
    """The tensor in float32, or in float64 where it already is."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _correlation(student: Tensor, teacher: Tensor, dim: int) -> Tensor:
    """Pearson correlations along `dim` of probabilities given as logarithms [B, C]; 0 without variance."""
    centred, squares, varies = zip(*(_centred(log, dim) for log in (student, teacher)), strict=True)
    both = varies[0] & varies[1]
    lengths = torch.where(both, squares[0], 1).sqrt() * torch.where(both, squares[1], 1).sqrt()
    return torch.where(both, (centred[0] * centred[1]).sum(dim) / lengths, 0)


def _centred(log: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors along `dim` less their mean, the sum of their squares, and whether they vary at all.

    Each vector is first divided by its largest entry, which a correlation does not notice: a class that is
    improbable in the whole batch then neither underflows nor looks constant.
    """
    limits = torch.finfo(log.dtype)
    log = log.clamp(min=limits.min)  # -inf less -inf would be NaN
    vectors = (log - log.detach().amax(dim, keepdim=True)).exp()
    centred = vectors - vectors.mean(dim, keepdim=True)
    squares = centred.square().sum(dim)
    rounding = 8 * limits.eps  # of entries near 1, with a margin
    return centred, squares, squares > rounding**2 * log.shape[dim]


def _directions(features: Tensor) -> Tensor:
    """Rows of features [B, d] at length 1; rows of zeros as they are."""
    size = features.detach().abs().amax(dim=1, keepdim=True)  # divided out first, so that no square overflows
    present = size > _NO_FEATURE
    rows = features / torch.where(present, size, 1)
    return rows / torch.where(present, rows.norm(dim=1, keepdim=True), 1)
