"""Where the program keeps what it makes on this machine."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def media_cache_folder() -> Path:
    """The folder of decoded media: the user's cache, or what TELME_CACHE names."""
    named = os.environ.get("TELME_CACHE")
    return Path(named) if named else user_cache_path("telme-studio") / "media"
