"""The tensors in a run's folder, weights and embeddings: each file is written whole, and checked when it is read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from telme_model.runs.folder import RunError, RunFolder

_LONGEST = 200  # letters of another library's error that a sentence holds


def save_tensors(run: RunFolder, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Write `name`.safetensors whole. Raises RunError."""
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    run.write(f"{name}.safetensors", lambda place: place.write_bytes(save(plain)))


def load_tensors(run: RunFolder, name: str) -> dict[str, Tensor]:
    """Read `name`.safetensors. Raises RunError when it is missing, damaged or not finite."""
    place = run.path / f"{name}.safetensors"
    with _run_errors(place):
        tensors = load_file(place)
    for key, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise RunError(f"{place} holds values that are not finite in '{key}'; train that stage again")
    return tensors


def check_tensors(run: RunFolder, *names: str) -> None:
    """Raise RunError unless each `name`.safetensors is there and complete. Reads the headers alone."""
    for name in names:
        place = run.path / f"{name}.safetensors"
        with _run_errors(place), safe_open(place, "np"):
            pass


def save_weights(run: RunFolder, name: str, module: nn.Module) -> None:
    """Write a module's weights under weights/. Raises RunError."""
    save_tensors(run, f"weights/{name}", module.state_dict())


def load_weights(run: RunFolder, name: str, module: nn.Module) -> None:
    """Fill `module` from weights/. Raises RunError when they do not fit."""
    tensors = {
        key: value.float() if value.is_floating_point() else value
        for key, value in load_tensors(run, f"weights/{name}").items()
    }
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        reason = shorten(str(error).splitlines()[-1], _LONGEST, placeholder=" …")
        raise RunError(f"weights/{name}.safetensors of {run.path} does not fit its config.toml: {reason}") from error


@contextmanager
def _run_errors(place: Path) -> Iterator[None]:
    """Turn a file of tensors that cannot be read into a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise RunError(f"{place} is missing: the run is not trained that far, or files were removed") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{place} is damaged: {error}") from error
