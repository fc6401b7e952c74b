"""Files that are whole or as they were before, whatever happens while they are written."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make the file beside its place, then put it there. Raises OSError and what `write` does."""
    scratch = path.with_name(f".{path.name}.new")
    try:
        write(scratch)
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
