"""Ctrl+C and a request to end: noted at any moment, obeyed when the window can close in good order."""

import signal
from types import FrameType

TICK = 300  # ms between two looks at whether one was asked to end


class Interruption:
    """Takes both signals from the moment it is made; Python's own answer to Ctrl+C would break into the midst of Qt."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:  # where the window does not close, the next one of its kind ends the program
            signal.signal(number, signal.SIG_DFL)
        self.asked = True
