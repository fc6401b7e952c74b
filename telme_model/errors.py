"""What went wrong, in a sentence that a person can act on."""

import sys


def expected_errors() -> tuple[type[Exception], ...]:
    """The exceptions whose message is a sentence. The rooms that import torch are asked only once they are loaded."""
    from telme_model.corpus.dialogue import CorpusError
    from telme_model.demo.builder import DemoError
    from telme_model.demo.voices import SpeechError
    from telme_model.media.cache import CacheError
    from telme_model.media.decoding import MediaError
    from telme_model.runs.config import ConfigError

    kinds: list[type[Exception]] = [CacheError, ConfigError, CorpusError, DemoError, SpeechError, MediaError]
    kinds += [OSError, MemoryError]
    for module, name in (
        ("annotations.database", "StoreError"),
        ("annotations.exchange.parcel", "ExchangeError"),
        ("checkpoints", "RunError"),
        ("backbones", "WeightsError"),
        ("fitting", "TrainingError"),
    ):
        loaded = sys.modules.get(f"telme_model.{module}")
        if loaded is not None:
            kinds.append(getattr(loaded, name))
    torch = sys.modules.get("torch")
    if torch is not None:
        kinds.append(torch.OutOfMemoryError)
    return tuple(kinds)


def sentence(error: Exception) -> str:
    """What an expected error says to a person."""
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
        return "the memory is used up; take a smaller batch (--set stages.teacher.batch=2) and accumulate, or a CPU"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
