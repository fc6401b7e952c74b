"""Where the program keeps what it makes on this machine."""

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def media_cache_folder() -> Path:
    """The folder of decoded media: the user's cache, or what TELME_CACHE names."""
    named = os.environ.get("TELME_CACHE")
    return Path(named) if named else user_cache_path("telme-studio") / "media"


def predictions_folder() -> Path:
    """The folder of predictions that were computed to be looked at: the user's cache, or TELME_PREDICTIONS."""
    named = os.environ.get("TELME_PREDICTIONS")
    return Path(named) if named else user_cache_path("telme-studio") / "predictions"


def runs_folder() -> Path:
    """The folder of the runs that the window trains: the user's data, or what TELME_RUNS names."""
    named = os.environ.get("TELME_RUNS")
    return Path(named) if named else user_data_path("telme-studio") / "runs"


def annotations_folder() -> Path:
    """The folder of all annotation stores: the user's data, or what TELME_ANNOTATIONS names."""
    named = os.environ.get("TELME_ANNOTATIONS")
    return Path(named) if named else user_data_path("telme-studio") / "annotations"


def readings_folder() -> Path:
    """The folder of what people said of their corpora's tables: the user's data, or what TELME_READINGS names."""
    named = os.environ.get("TELME_READINGS")
    return Path(named) if named else user_data_path("telme-studio") / "readings"


def as_written(text: str | Path) -> Path:
    """A path as a person writes it, with ~ for the home; the ~ of nobody known is a name like any other."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
