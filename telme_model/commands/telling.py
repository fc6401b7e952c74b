"""A line on the terminal: the only way that a command says something, so that nothing from a file can steer it."""

import sys

from telme_model.errors import harmless


def tell(text: str = "", *, aside: bool = False) -> None:
    """Say it; `aside` on standard error, where it is no part of what was asked for."""
    print(harmless(text), file=sys.stderr if aside else sys.stdout, flush=True)
