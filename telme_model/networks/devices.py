"""Where and in which arithmetic a run computes."""

import os
import re
import threading
from collections.abc import Callable, Generator
from functools import wraps
from itertools import takewhile
from typing import ParamSpec, TypeVar

import torch

from telme_model.errors import MemoryFullError
from telme_model.runs.config import ConfigError, PassPrecision, Precision, StageConfig

# The generators of random numbers, and torch.nn.init while transformers rebuilds a model, belong to the whole process.
# Whoever takes a training step or builds a network holds this, so that a run ends the same whatever else is computed.
random_numbers = threading.RLock()

Arguments = ParamSpec("Arguments")
Yielded = TypeVar("Yielded")
Result = TypeVar("Result")

# How those say it that raise a plain RuntimeError: the CPU's allocator (the second on Windows), the libraries of CUDA,
# and its driver and Metal. The only place that knows errors by their words, for these have nothing else.
_MEMORY_FULL = ("can't allocate memory", "DefaultCPUAllocator: not enough memory", "ALLOC_FAILED", "out of memory")
_LONGEST = 200  # characters of what a device says


def choose_device(name: str) -> torch.device:
    """`auto` is the first CUDA GPU, else the CPU. Raises ConfigError when the named device is not there."""
    if name == "auto":
        return torch.device("cuda" if cards() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= cards():
        raise ConfigError(f"device {name} is not here: PyTorch can use {cards()} CUDA GPUs; use cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device mps is not here: this machine has no Apple GPU that PyTorch sees; use cpu")
    return device


def cards() -> int:
    """How many CUDA GPUs, from the first on, can be used.

    Those that a driver too old for PyTorch counts cannot, nor those too old for PyTorch's own code.
    """
    there = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    return sum(1 for _ in takewhile(_served, there))


def _served(card: int) -> bool:
    """Whether PyTorch brings code for a card of this capability or an older one."""
    codes = [int(digits[1]) for name in torch.cuda.get_arch_list() if (digits := re.match(r"sm_(\d+)", name))]
    major, minor = torch.cuda.get_device_capability(card)
    return not codes or 10 * major + minor >= min(codes)  # none: AMD's cards, which are named otherwise


def leave_a_core(device: torch.device) -> None:
    """On a CPU, compute on all cores but one, unless OMP_NUM_THREADS says otherwise.

    The last core is the window's and everybody else's: with a thread on every core, each waits at the end of every
    small operation for the one that something else has put off, and a run gets many times slower.
    """
    if device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max((os.cpu_count() or 1) - 1, 1))


def autocast_type(precision: Precision, device: torch.device) -> torch.dtype | None:
    """The type of the forward pass under autocast, None for plain float32.

    fp16 needs a GPU: on a CPU such a run computes in float32.
    """
    if precision is Precision.BF16:
        return torch.bfloat16
    if precision is Precision.FP32 or device.type != "cuda":
        return None
    if precision is Precision.FP16:
        return torch.float16
    # Of this card, and not by emulation, which is slower than fp32: what torch.cuda.is_bf16_supported does not tell.
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def pass_type(choice: PassPrecision, stage: StageConfig, device: torch.device) -> torch.dtype | None:
    """The type of a pass that learns nothing with a network of `stage`, None for plain float32."""
    precision = stage.precision if choice is PassPrecision.STAGE else Precision(str(choice))
    return autocast_type(precision, device)


def memory_full(error: Exception) -> bool:
    """Whether the device's memory, or the computer's, did not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_FULL)


def within_memory(
    work: Callable[Arguments, Generator[Yielded, None, Result]],
) -> Callable[Arguments, Generator[Yielded, None, Result]]:
    """The same work, which raises MemoryFullError where memory does not suffice, and lets go of what it held."""

    @wraps(work)
    def walk(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Generator[Yielded, None, Result]:
        try:
            return (yield from work(*args, **kwargs))
        except (MemoryError, RuntimeError) as error:
            reason = _lack(error)
        # Outside the block above, so that the error lets go of the memory that its frames hold.
        raise MemoryFullError(reason)

    return walk


def answered_within_memory(answer: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The same for what is no work but an answer: a function."""

    @wraps(answer)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return answer(*args, **kwargs)
        except (MemoryError, RuntimeError) as error:
            reason = _lack(error)
        raise MemoryFullError(reason)  # as above

    return call


def _lack(error: Exception) -> str:
    """What the device says of the memory that did not suffice. Raises any other error again."""
    if not memory_full(error):
        raise error
    return str(error).partition("\n")[0][:_LONGEST]


def autocast(dtype: torch.dtype | None, device: torch.device) -> torch.autocast:
    """The context of the forward pass; does nothing where `dtype` is None."""
    return torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)
