"""The trainer of a test's session."""

import pytest

from telme_gui.session.session import Session
from telme_gui.training.trainer import Trainer


@pytest.fixture
def trainer(session: Session) -> Trainer:
    return Trainer(session.jobs)
