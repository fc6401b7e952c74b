"""What a command is to the command line: a function of its options, and how it is added."""

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]  # the result is the exit code
Add = Callable[[str, Command, str], argparse.ArgumentParser]  # name, what it runs, help


def layer_name(text: str) -> str:
    """The name of a layer of labels, as an option takes it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a name is needed, and this one is empty")
    return text
