"""What a card is asked for and what its errors mean, on a machine without one: torch's answers are stood in for."""

import pytest
import torch

from telme_model.errors import MemoryFullError
from telme_model.networks.devices import answered_within_memory, autocast_type, choose_device, memory_full, pass_type
from telme_model.runs.config import ConfigError, PassPrecision, Precision, StageConfig


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((8, 6), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_bf16_is_chosen_where_the_very_card_has_it(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype
) -> None:
    """torch.cuda.is_bf16_supported counts emulation, which cards before Ampere take for it, and asks another card."""
    cards = {torch.device("cuda:0"): (6, 1), torch.device("cuda:1"): capability}
    monkeypatch.setattr(torch.cuda, "get_device_capability", cards.__getitem__)
    assert autocast_type(Precision.AUTO, torch.device("cuda:1")) is expected


@pytest.mark.parametrize(
    ("choice", "stage", "expected"),
    [
        (PassPrecision.STAGE, Precision.FP16, torch.float16),
        (PassPrecision.STAGE, Precision.FP32, None),
        (PassPrecision.FP32, Precision.FP16, None),
        (PassPrecision.FP16, Precision.FP32, torch.float16),
        (PassPrecision.BF16, Precision.FP32, torch.bfloat16),
    ],
)
def test_a_pass_that_learns_nothing_may_have_its_own_precision(
    choice: PassPrecision, stage: Precision, expected: torch.dtype | None
) -> None:
    assert pass_type(choice, StageConfig(precision=stage), torch.device("cuda")) is expected


def test_a_card_whose_driver_is_too_old_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's own library counts it all the same."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="PyTorch can use 0 CUDA GPUs; use cpu"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


@pytest.mark.parametrize(
    ("codes", "capabilities", "used"),
    [
        (["sm_75", "sm_90a", "compute_120"], [(8, 6), (7, 5)], 2),
        (["sm_75", "sm_80"], [(12, 0), (7, 0), (9, 0)], 1),  # numbers stay those of the driver
        (["sm_75", "sm_80"], [(7, 0)], 0),
        (["gfx90a", "gfx942"], [(9, 4)], 1),
    ],
)
def test_cards_too_old_for_pytorch_s_code_are_not_there(
    monkeypatch: pytest.MonkeyPatch, codes: list[str], capabilities: list[tuple[int, int]], used: int
) -> None:
    """A first matrix product there says "no kernel image is available for execution on the device"."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: codes)
    monkeypatch.setattr(torch.cuda, "get_device_capability", capabilities.__getitem__)
    assert choose_device("auto").type == ("cuda" if used else "cpu")
    if used:
        assert choose_device(f"cuda:{used - 1}").index == used - 1
    with pytest.raises(ConfigError, match=f"device cuda:{used} is not here: PyTorch can use {used} CUDA GPUs"):
        choose_device(f"cuda:{used}")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.99 GB, max allowed: 18.13 GB)."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:81] data. DefaultCPUAllocator: not enough memory: 8 bytes"),
    ],
    ids=str,
)
def test_full_memory_is_known_by_every_library_s_words(error: Exception) -> None:
    assert memory_full(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory")]
)
def test_other_errors_are_not_about_memory(error: Exception) -> None:
    assert not memory_full(error)


def test_an_answer_for_which_memory_does_not_suffice_lets_go_of_what_it_held() -> None:
    @answered_within_memory
    def answer(error: Exception) -> None:
        raise error

    with pytest.raises(MemoryFullError, match=r"The device says: CUDA error: out of memory\.") as caught:
        answer(RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"))
    assert caught.value.__context__ is None
    with pytest.raises(RuntimeError, match="shapes"):
        answer(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_memory_that_this_machine_does_not_have() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50, dtype=torch.uint8)
    assert memory_full(caught.value)
