"""What holds in every test: one thread, no network, no screen, and no log record that nobody expects."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Set before anything imports torch, transformers or Qt; processes that tests start inherit them.
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    QT_QPA_PLATFORM="offscreen",
)

# A busy machine is no bug (no deadline), and a test that fails here fails everywhere (derandomised). 40 examples are
# the same ones each time; more, and others: pytest --hypothesis-profile=thorough.
settings.register_profile(
    "telme", deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("telme"), derandomize=False, max_examples=1000)
settings.load_profile("telme")

pytest_plugins = ["pytester"]  # for test_guards.py

ROOT = Path(__file__).parents[1]


class _Warnings(logging.Handler):
    """Keeps what is logged at WARNING or above, each record once however many loggers it passes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record not in self.records:
            self.records.append(record)


@pytest.fixture(autouse=True)
def _no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs at WARNING or above, except what its `expects_log` marker describes.

    Each pattern of the marker must be met, and each record must meet one.
    """
    handler = _Warnings()
    # transformers keeps its records from the root logger, except where the variable CI is set.
    loggers = [logging.getLogger(), logging.getLogger("transformers")]
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)
    patterns = [pattern for marker in request.node.iter_markers("expects_log") for pattern in marker.args]
    logged = [f"{record.levelname} {record.name}: {record.getMessage()}" for record in handler.records]
    unexpected = [line for line in logged if not any(re.search(pattern, line) for pattern in patterns)]
    unmet = [pattern for pattern in patterns if not any(re.search(pattern, line) for line in logged)]
    if unexpected:
        pytest.fail("logged unexpectedly:\n" + "\n".join(unexpected))
    if unmet:
        pytest.fail("expected, but not logged: " + ", ".join(unmet))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a test makes apart from what others make, and from what whoever runs the tests has."""
    monkeypatch.setenv("TELME_PREDICTIONS", str(tmp_path / "predictions"))
    monkeypatch.setenv("TELME_ANNOTATIONS", str(tmp_path / "annotations"))
    monkeypatch.setenv("TELME_READINGS", str(tmp_path / "readings"))
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "default runs"))

    def to_trash(place: Path) -> None:
        (tmp_path / "trash").mkdir(exist_ok=True)
        shutil.move(place, tmp_path / "trash")

    monkeypatch.setattr("send2trash.send2trash", to_trash)
