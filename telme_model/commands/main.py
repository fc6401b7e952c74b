"""The command line: everything the program does without a window."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from telme_model import __version__
from telme_model.commands import check, demo, doctor, evaluate, import_official, labels, predict, runs, train
from telme_model.commands.interface import Add, Command
from telme_model.commands.telling import tell
from telme_model.errors import StudioError
from telme_model.files import refused


def main(arguments: Sequence[str] | None = None, *, more: Callable[[Add], None] | None = None) -> int:
    """Run one command; the result is the exit code: 0 done, 1 failed or problems found, 2 wrong usage, 130 stopped.

    `more` adds the commands of who stands above this package, at the head of the list and in place of `demo`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # none without a terminal
            stream.reconfigure(errors="backslashreplace")
    # One clear sentence for whatever a person can mend; anything else is a defect and may show its traceback.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # or it tells every attempt at a hub that is out of reach
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        options = _parser(more).parse_args(arguments)
        command: Command = options.command
        return command(options)
    except KeyboardInterrupt:
        tell("stopped; what was done is kept", aside=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except StudioError as error:
        return _say(error)
    except (OSError, MemoryError) as error:
        return _say(refused(error))


def _say(error: StudioError) -> int:
    """One line of what is wrong and what to do."""
    going_on = f" ({' '.join(('--resume', *(f'--set {change}' for change in error.changes)))})" if error.changes else ""
    tell(f"telme-studio: {error.advice}{going_on}", aside=True)
    return 1


def _parser(more: Callable[[Add], None] | None = None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="telme-studio", description="Annotate and analyse emotion in conversation, around TelME."
    )
    parser.add_argument("--version", action="version", version=f"TelME Studio {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    (more or demo.add_demo)(add)
    for command in (check, train, predict, evaluate, import_official, runs, labels):
        command.add_command(add)
    demo.add_make_demo(add)
    doctor.add_command(add)
    return parser
