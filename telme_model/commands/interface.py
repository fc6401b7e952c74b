"""What a command is to the command line: a function of its options, and how it is added."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telme_model.corpus import Corpus

Command = Callable[[argparse.Namespace], int]  # the result is the exit code
Add = Callable[[str, Command, str], argparse.ArgumentParser]  # name, what it runs, help


def layer_name(text: str) -> str:
    """The name of a layer of labels, as an option takes it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a name is needed, and this one is empty")
    return text


def add_corpus(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the corpus that a command works on, and how its tables are to be read; `open_named` opens it."""
    parser.add_argument("corpus", type=Path, nargs="?" if optional else None, help="its folder, or one table of turns")
    tables = parser.add_argument_group("how its tables are read (told once, remembered; auto: guess again)")
    tables.add_argument(
        "--columns", action="append", metavar="FIELD=COLUMN,...", help="which column is what: text=Said,speaker=Who"
    )
    tables.add_argument(
        "--emotions", action="append", metavar="NAME=EMOTION,...", help="names of labels: happy=joy,angry=anger,x="
    )
    tables.add_argument(
        "--realigned", metavar="CSV", help="MELD-FAIR's table of the windows of clips in which each turn lies"
    )


def remember_reading(options: argparse.Namespace) -> None:
    """Keep what the options say of the corpus' tables, once it could be opened so. Raises CorpusError, FileError."""
    if options.corpus is not None and (options.columns or options.emotions or options.realigned is not None):
        open_named(options)


def open_named(options: argparse.Namespace) -> "Corpus":
    """The corpus that a command is to work on. Raises CorpusError, FileError."""
    from telme_model.corpus import open_corpus
    from telme_model.corpus.reading import remember, remembered

    if not (options.columns or options.emotions or options.realigned is not None):
        return open_corpus(options.corpus)
    reading = remembered(options.corpus).with_words(options.columns or (), options.emotions or (), options.realigned)
    corpus = open_corpus(options.corpus, reading)
    remember(options.corpus, reading)
    return corpus
