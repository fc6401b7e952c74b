"""The command line with the window's commands; nothing of Qt is loaded until one of them runs."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from telme_gui.system.interruption import Interruption
from telme_gui.system.screen import LIBRARIES, why_no_screen
from telme_model.bundled import DEMO_CORPUS, DEMO_RUN
from telme_model.commands.demo import show_demo
from telme_model.commands.interface import Add, add_corpus, remember_reading
from telme_model.commands.main import main as run_command
from telme_model.commands.telling import tell
from telme_model.errors import StudioError

SCREENSHOT = "telme-demo.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; without one, open the window. The result is the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return run_command(words or ["open"], more=_add)


def _add(add: Add) -> None:
    demo = add("demo", _demo, "Open the bundled demo corpus with its bundled run (synthetic).")
    demo.add_argument("--text", action="store_true", help="print a dialogue and the scores instead")
    demo.add_argument("--dialogue", default="", help="with --text: which test dialogue, by its number")
    window = add("open", _open, "Open the window: a corpus, with a run if you name one, or nothing yet.")
    add_corpus(window, optional=True)
    window.add_argument("--run", type=Path, metavar="DIR", help="the run whose predictions are shown")
    for command in (demo, window):
        command.add_argument("--turn", default="", help="the turn to begin at, such as dia3_utt5 or test/dia3_utt5")
        command.add_argument("--offscreen", action="store_true", help="draw without a screen")
        command.add_argument("--screenshot", type=Path, metavar="FILE.png", help="draw the window into a file, leave")
        command.add_argument("--size", type=_size, metavar="WxH", help="of the window, such as 1280x720")
        command.add_argument("--theme", choices=["system", "light", "dark"], help="instead of the one in the settings")
        command.add_argument("--charts", metavar="PAGE", default="", help="show this page of the charts: Scores, say")


def _demo(options: argparse.Namespace) -> int:
    if options.text:
        return show_demo(options.dialogue)
    reason = "" if options.offscreen else why_no_screen()
    if not reason:
        return _run(options, DEMO_CORPUS, DEMO_RUN)
    tell(f"{reason[:1].upper()}{reason[1:]}.\nSo the window is drawn into a file; the text shows the same run.\n")
    code = show_demo(options.dialogue)
    options.offscreen = True
    options.screenshot = options.screenshot or _writable() / SCREENSHOT
    code = code or _run(options, DEMO_CORPUS, DEMO_RUN)
    if code == 0:
        tell(f"\nThe window: {options.screenshot.absolute()}")
    return code


def _open(options: argparse.Namespace) -> int:
    reason = "" if options.offscreen else why_no_screen()
    if reason:
        raise StudioError(f"{reason}. Add --offscreen --screenshot FILE.png to draw the window into a file")
    remember_reading(options)
    return _run(options, options.corpus, options.run)


def _run(options: argparse.Namespace, corpus: Path | None, run: Path | None) -> int:
    if options.offscreen and options.screenshot is None:
        raise StudioError("--offscreen shows nothing by itself: add --screenshot FILE.png")
    stop = Interruption()  # before Qt is loaded, which swallows one that comes in its midst
    try:
        from telme_gui.app import run_window
        from telme_gui.look.settings import Theme
    except ImportError as error:
        raise StudioError(_what_is_missing(error)) from error
    return run_window(
        corpus,
        run,
        options.turn,
        stop=stop,
        theme=Theme(options.theme) if options.theme else None,
        size=options.size,
        screenshot=options.screenshot,
        offscreen=options.offscreen,
        charts=options.charts,
    )


def _what_is_missing(error: ImportError) -> str:
    if error.name and error.name.partition(".")[0] in ("telme_gui", "telme_model"):
        return f"the program is not whole ({error}): install it anew, in a clone: make setup"
    if isinstance(error, ModuleNotFoundError):
        return f"the window needs {error.name}, which is not installed: install it anew, in a clone: make setup"
    return f"the window needs a library that this system lacks ({error}); on Debian: apt install {LIBRARIES}"


def _writable() -> Path:
    here = Path.cwd()
    return here if os.access(here, os.W_OK) else Path(tempfile.mkdtemp(prefix="telme-"))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 320 and int(height) >= 240):
        raise argparse.ArgumentTypeError(f"{text} is no size; write width x height in pixels, such as 1280x720")
    return int(width), int(height)
