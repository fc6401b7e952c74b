"""Files of other programs: written whole or not at all, never in the corpus; read within limits, in any encoding."""

import re
from collections.abc import Iterable
from pathlib import Path

from telme_model.annotations.exchange.interface import ExchangeError
from telme_model.corpus.dialogue import Corpus, Dialogue
from telme_model.files import refusals

LARGEST_TABLE = 32 * 2**20  # bytes; all of MELD with labels of three people takes a third of it
LARGEST_DIALOGUE = 8 * 2**20  # bytes; an hour with a dozen tiers takes a third of it
_LONGEST_NAME = 100  # characters


def outside(out: Path, corpus: Corpus) -> None:
    """Raise ExchangeError when `out` lies in the corpus folder, which is never written in."""
    if out.resolve().is_relative_to(corpus.root.resolve()):
        raise ExchangeError(f"{out} lies in the corpus folder, which stays as it is: choose a place outside it")


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name without ending for each of the names: safe on any system, and no two alike on any."""
    taken: set[str] = set()
    stems: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^\w-]", "_", name, flags=re.ASCII)[:_LONGEST_NAME] or "_"
        stem, number = plain, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{plain}_{number}"
        taken.add(stem.lower())
        stems[name] = stem
    return stems


def dialogue_name(dialogue: Dialogue) -> str:
    """What a dialogue is called across splits, e.g. `train_dia3`."""
    return f"{dialogue.split}_dia{dialogue.name}"


def check_size(path: Path, largest: int) -> None:
    """Raise ExchangeError when there is no such file, or it is too large to be what it claims."""
    with refusals(path, "read", ExchangeError):
        if not path.exists():
            raise ExchangeError(f"{path} does not exist: check the path")
        size = path.stat().st_size
        ordinary = path.is_file()
    if not ordinary:
        raise ExchangeError(f"{path} is no ordinary file")
    if size > largest:
        most = largest // 2**20
        raise ExchangeError(f"{path} has {size / 2**20:.1f} MiB, and such files are read up to {most}: is it one?")


def read_bytes(path: Path, largest: int) -> bytes:
    """What a file holds. Raises ExchangeError."""
    check_size(path, largest)
    with refusals(path, "read", ExchangeError):
        return path.read_bytes()


def decoded(path: Path, data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252. Raises ExchangeError."""
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            raise ExchangeError(f"{path} begins as UTF-16 and does not go on so: save it again as UTF-8") from error
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ExchangeError(f"{path} is not a text file (it holds NUL bytes), or UTF-16 without its mark")
    return text
