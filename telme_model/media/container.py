"""A media file opened for reading, or the reason why it cannot be, in words."""

import stat
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream

from telme_model.errors import StudioError


class MediaError(StudioError):
    """A clip whose picture or sound cannot be had; the message is a sentence that names the file.

    `passing`: the reason lies beside the file, in its folder, its permissions, the disk or the memory, and may be gone
    at another time.
    """

    def __init__(self, path: Path, reason: str, *, passing: bool = False) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.passing = passing

    def __str__(self) -> str:
        return f"{self.path} {self.reason}."


def open_container(path: Path) -> InputContainer:
    """The file, ready to be read, to be closed by the caller. Raises MediaError with the reason when it cannot be."""
    try:
        status = path.stat()
    except FileNotFoundError:
        link = path.is_symlink()
        raise MediaError(
            path, "is a link to a file that is not there" if link else "does not exist", passing=True
        ) from None
    except OSError as error:
        raise MediaError(path, f"cannot be opened ({described(error)})", passing=True) from None
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(path, "is a folder, not a clip")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(path, "is not an ordinary file")
    if status.st_size == 0:
        raise MediaError(path, "is empty (zero bytes)")
    try:
        # A playlist passed off as a clip must not make FFmpeg fetch anything. And guessing the frame rate, which
        # nobody asks for here, takes FFmpeg a tenth of all the work unless it looks at the first 0.3 s only.
        options = {"protocol_whitelist": "file", "analyzeduration": "300000"}
        return av.open(str(path.absolute()), options=options, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        raise _unopened(path, error) from None


def _unopened(path: Path, error: Exception) -> MediaError:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as unreadable:
        return MediaError(path, f"cannot be opened ({described(unreadable)})", passing=True)
    if start[4:8] == b"ftyp":
        reason = "is an mp4 without a usable index (moov atom), probably cut off while it was written or copied"
        return MediaError(path, reason)
    return MediaError(path, f"is not a clip that can be read ({described(error)})")


def described(error: Exception) -> str:
    """What went wrong, in the library's own words."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def first_stream(container: InputContainer, kind: str) -> Stream | None:
    """The first stream of a kind that is no cover picture; asking FFmpeg for its best one fails where there is none."""
    streams = (stream for stream in container.streams if stream.type == kind and stream.codec_context is not None)
    return next((stream for stream in streams if not stream.disposition & Disposition.attached_pic), None)
