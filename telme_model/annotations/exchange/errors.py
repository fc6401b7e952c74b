"""What goes wrong with files of other programs."""

from telme_model.errors import StudioError


class ExchangeError(StudioError):
    """A file that cannot be read or written; the message is a sentence for the person who chose it."""


class NoPlaceError(StudioError):
    """One label of a file that cannot be placed; the message says why."""
