"""Attention-based modality shifting fusion in float64 NumPy, written from equations 16 to 19 in plain loops.

The reference for the `turn` scope: each turn's non-verbal vector is a sequence of one token, so nothing depends
on the other turns of the batch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of ASF as PyTorch lays them out: a linear layer is [out, in]; n is the width of nv (2d).

    `in_proj_weight` [3n, n] (queries, keys, values), `in_proj_bias` [3n], `out_proj_weight` [n, n],
    `out_proj_bias` [n] are those of torch.nn.MultiheadAttention; `w1` [d, d + n], `b1` [d] make the gate from
    (F_T, F_att) in this order; `w2` [d, n], `b2` [d] the displacement.
    """

    in_proj_weight: Array
    in_proj_bias: Array
    out_proj_weight: Array
    out_proj_bias: Array
    w1: Array
    b1: Array
    w2: Array
    b2: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """What each step gives, by turn: F_att [B, n], g and H [B, d], lambda [B], Z [B, d]."""

    attention: Array
    gate: Array
    displacement: Array
    lambda_: Array
    fused: Array


def self_attention(tokens: Array, weights: Weights, heads: int) -> Array:
    """Multi-head self-attention of one sequence of tokens [L, n]."""
    length, width = tokens.shape
    size = width // heads
    projected = [weights.in_proj_weight @ token + weights.in_proj_bias for token in tokens]
    queries, keys, values = ([row[part * width : (part + 1) * width] for row in projected] for part in range(3))
    mixed = np.zeros((length, width))
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        for i in range(length):
            scores = [float(queries[i][own] @ keys[j][own]) / sqrt(size) for j in range(length)]
            powers = [exp(score - max(scores)) for score in scores]
            for j in range(length):
                mixed[i, own] += powers[j] / sum(powers) * values[j][own]
    return np.array([weights.out_proj_weight @ row + weights.out_proj_bias for row in mixed])


def asf(teacher: Array, non_verbal: Array, weights: Weights, *, heads: int, theta: float) -> Fused:
    """Fusion of F_T [B, d] and nv [B, n], turn by turn; ||H|| = 0 counts as 1, so that Z = F_T."""
    turns = []
    for text, nv in zip(teacher, non_verbal, strict=True):
        attention = self_attention(nv[None], weights, heads)[0]
        gate = np.array([max(0.0, value) for value in weights.w1 @ np.concatenate([text, attention]) + weights.b1])
        displacement = gate * (weights.w2 @ attention + weights.b2)
        length = sqrt(sum(value**2 for value in displacement)) or 1.0
        scale = min(theta * sqrt(sum(value**2 for value in text)) / length, 1.0)
        turns.append((attention, gate, displacement, np.array(scale), text + scale * displacement))
    columns = [np.array(column) for column in zip(*turns, strict=True)]
    return Fused(attention=columns[0], gate=columns[1], displacement=columns[2], lambda_=columns[3], fused=columns[4])


def gradients(
    loss: Callable[[Mapping[str, Array]], float], inputs: Mapping[str, Array], step: float = 1e-6
) -> dict[str, Array]:
    """Central differences of a scalar function of named arrays with respect to every entry of each."""
    found = {}
    for name, array in inputs.items():
        slope = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            nudge = np.zeros_like(array)
            nudge[index] = step
            there, back = (loss({**inputs, name: array + sign * nudge}) for sign in (1, -1))
            slope[index] = (there - back) / (2 * step)
        found[name] = slope
    return found


def random_problem(seed: int, *, batch: int, width: int, heads: int) -> dict[str, Array]:
    """Named float64 inputs: "teacher" [B, d], "non_verbal" [B, 2d] and the fields of `Weights`.

    2 * width must be a multiple of heads.
    """
    rng = np.random.default_rng(seed)
    n = 2 * width
    if n % heads:
        raise ValueError(f"{heads} heads do not divide a vector of {n}.")
    shapes = {
        "teacher": (batch, width),
        "non_verbal": (batch, n),
        "in_proj_weight": (3 * n, n),
        "in_proj_bias": (3 * n,),
        "out_proj_weight": (n, n),
        "out_proj_bias": (n,),
        "w1": (width, width + n),
        "b1": (width,),
        "w2": (width, n),
        "b2": (width,),
    }
    return {name: rng.normal(0, 1 if len(shape) == 1 else 1 / sqrt(shape[1]), shape) for name, shape in shapes.items()}
