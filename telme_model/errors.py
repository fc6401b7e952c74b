"""What went wrong, in sentences that a person can act on: every error that is expected is one of these."""


class StudioError(Exception):
    """What a person can mend. Its message says what is wrong, `remedy` what to do where the message does not.

    A kind of errors says so for all of them; one of them may bring its own.
    """

    title = ""  # shown above the message: "The disk is full"; "" leaves that to who shows it
    remedy = ""  # a sentence
    changes: tuple[str, ...] = ()  # settings with which a run that has begun could go on: "stages.audio.batch=2"
    needs_change = False  # whether it comes again unless settings are changed

    def __init__(self, message: str, remedy: str = "", changes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
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
