"""What went wrong, in a sentence that a person can act on."""

import sys


class StudioError(Exception):
    """What a person can mend; its message is a sentence that says what is wrong."""


def expected_errors() -> tuple[type[Exception], ...]:
    """The exceptions that `sentence` can say; torch's is asked for only once torch is loaded."""
    torch = sys.modules.get("torch")
    return (StudioError, OSError, MemoryError, *((torch.OutOfMemoryError,) if torch is not None else ()))


def sentence(error: Exception) -> str:
    """What an expected error says to a person."""
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
        return "the memory is used up; take a smaller batch (--set stages.teacher.batch=2) and accumulate, or a CPU"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
