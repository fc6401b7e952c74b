"""What went wrong, in sentences that a person can act on: every error that is expected is one of these."""

import re
from typing import Any

# What steers a terminal or turns the direction of writing, line breaks and tabs apart.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_LONGEST = 1500  # characters of a sentence
_LINE = 80  # characters of a value in a sentence


def harmless(text: str) -> str:
    r"""The text with what would steer a terminal written out: an escape sequence's beginning as `\x1b`."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def brief(value: Any) -> str:
    """A value in a sentence: as Python writes it, in one line and not all of it."""
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int) and value.bit_length() > _LINE:  # of which Python may refuse to write all
        return "a number without end"
    return shortened(repr(value[: _LINE + 1] if isinstance(value, str | bytes) else value), _LINE)


def shortened(text: str, most: int) -> str:
    """No more than so many characters, with an ellipsis where there were more."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


class StudioError(Exception):
    """What a person can mend. Its message says what is wrong, `remedy` what to do where the message does not.

    A kind of errors says so for all of them; one of them may bring its own.
    """

    title = ""  # shown above the message: "The disk is full"; "" leaves that to who shows it
    remedy = ""  # a sentence
    changes: tuple[str, ...] = ()  # settings with which a run that has begun could go on: "stages.audio.batch=2"
    needs_change = False  # whether it comes again unless settings are changed

    def __init__(self, message: str, remedy: str = "", changes: tuple[str, ...] = ()) -> None:
        super().__init__(shortened(harmless(message), _LONGEST))
        self.remedy = remedy or self.remedy
        self.changes = changes

    @property
    def advice(self) -> str:
        """What is wrong and what to do, for a place that has room for one text."""
        message = str(self)
        if not self.remedy:
            return message
        return f"{message}{'' if message.endswith(('.', '!', '?')) else '.'} {self.remedy}"


class MemoryFullError(StudioError):
    """A device, or the computer, has not the memory that `what` needs; `reason` is what the device says, if anything.

    Raised at the edge of the rooms that compute, by `networks.devices.within_memory`.
    """

    title = "The memory is used up"
    remedy = "Take smaller batches, or a CPU."
    needs_change = True

    def __init__(
        self, reason: str = "", *, what: str = "this", remedy: str = "", changes: tuple[str, ...] = ()
    ) -> None:
        device = f" The device says: {reason.rstrip('.')}." if reason else ""
        super().__init__(f"{what} needs more memory than there is.{device}", remedy, changes)
        self.reason = reason
