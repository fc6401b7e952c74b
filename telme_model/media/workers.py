"""Processes that a script may have started without meaning to: one that has no main guard is told so, once.

A worker begins by importing the script that it was started from. Where the work is asked for at the top of that script,
the worker asks for it again, and would be refused with a traceback, each of them; here it ends without a word, and the
process that waits for it says what is to be done.
"""

import multiprocessing
import os
import sys
from collections.abc import Iterable
from multiprocessing.process import BaseProcess

_NOT_MEANT = 86  # the exit code of such a worker
_PATIENCE = 5.0  # seconds that the end of a worker is waited for


def leave_if_not_meant() -> None:
    """End this process where it is a worker that still imports the script it was started from.

    At the head of whatever starts workers sooner or later.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # as multiprocessing itself finds it out
        sys.stdout.flush()
        os._exit(_NOT_MEANT)


def without_guard(workers: Iterable[BaseProcess]) -> str:
    """Why workers that have ended could not begin, where it is for want of a main guard; else ""."""
    for worker in workers:
        worker.join(_PATIENCE)
        if worker.exitcode == _NOT_MEANT:
            script = getattr(sys.modules.get("__main__"), "__file__", None) or "the script"
            return (
                f"{script} asks for this work at its top, where each worker process that it needs would ask for it "
                'again: put it under `if __name__ == "__main__":`.'
            )
    return ""
