"""What-if in the window: a real toy run answers on its thread, and every panel's predictions follow theta."""

import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy
from pytestqt.qtbot import QtBot

from telme_gui.inspector import Inspector
from telme_gui.inspector.what_if import WhatIfQuestion
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.analysis.predictions import Predictions, from_records
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.errors import MemoryFullError
from telme_model.runs.folder import RunError
from telme_model.runs.records import run_records
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions
from tests.support.runs import walk

WAIT = 60_000  # ms; the first answer imports torch


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished toy run, its corpus and its predictions of the test split."""

    run: Path
    corpus: Corpus
    base: Predictions


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("whatif")
    root = write_corpus(folder / "corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELME_CACHE", str(folder / "cache"))
        walk(root, folder / "run", "stages.teacher.epochs=1", "stages.audio.epochs=1", "stages.visual.epochs=1")
    corpus = open_corpus(root)
    return Trained(folder / "run", corpus, from_records(run_records(folder / "run", Split.TEST), corpus.labels.labels))


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def inspector(qtbot: QtBot, session: Session, trained: Trained) -> Inspector:
    """Opened on the trained run, the fourth turn of a dialogue chosen, ready to be asked."""
    inspector = Inspector(session)
    qtbot.addWidget(inspector)
    session.set_corpus(trained.corpus)
    session.set_predictions(trained.base, trained.run)
    session.select(trained.base.ids[3])
    inspector.show()
    qtbot.waitUntil(lambda: not inspector.state.reason, timeout=WAIT)
    return inspector


def answered(qtbot: QtBot, inspector: Inspector) -> Predictions:
    """The newest question's answer."""
    state = inspector.state
    qtbot.waitUntil(lambda: not state.waiting and (state.answer is not None or bool(state.error)), timeout=WAIT)
    assert state.answer is not None, state.error
    return state.answer


def fused(of: Predictions, row: int = 0) -> np.ndarray:
    values: np.ndarray = of.probabilities["fused"][row]
    return values


@pytest.mark.slow
def test_theta_moves_all_turns_and_the_way_back_is_exact(
    qtbot: QtBot, inspector: Inspector, session: Session, trained: Trained
) -> None:
    changed = QSignalSpy(session.predictions_changed)
    inspector.card.theta.setValue(150)  # of 200, which is twice the run's 0.1
    assert session.theta == pytest.approx(0.15)
    answer = answered(qtbot, inspector)
    now = session.predictions
    assert now is not None
    assert now.theta == session.theta
    np.testing.assert_allclose(now.scale, np.minimum(0.15 * now.text_norm / now.h_norm, 1), rtol=1e-4)
    np.testing.assert_allclose(fused(answer), fused(now, 3), atol=1e-6)
    assert np.isfinite(answer.shift_shares["audio"]).all()
    assert changed.count() == 1
    assert session.base is trained.base
    assert inspector.header.notice.text() == "What if: θ = 0.15"
    qtbot.mouseClick(inspector.card.back, Qt.MouseButton.LeftButton)
    assert session.predictions is trained.base
    assert inspector.card.theta.value() == 100
    assert not inspector.state.active
    assert inspector.state.answer is None
    assert inspector.sections[1].own is None


def test_however_fast_the_slider_moves_the_last_theta_stands(
    qtbot: QtBot, inspector: Inspector, session: Session
) -> None:
    for place in [*range(101, 200), 180, 20]:
        inspector.card.theta.setValue(place)
    answered(qtbot, inspector)
    assert session.predictions is not None
    assert session.predictions.theta == pytest.approx(0.02)


def test_a_muted_voice_is_silent_and_stays_so(
    qtbot: QtBot, inspector: Inspector, session: Session, trained: Trained
) -> None:
    qtbot.mouseClick(inspector.card.mutes[Modality.AUDIO], Qt.MouseButton.LeftButton)
    answer = answered(qtbot, inspector)
    assert np.isnan(answer.probabilities["audio"]).all()
    np.testing.assert_allclose(answer.probabilities["teacher"][0], trained.base.probabilities["teacher"][3], atol=1e-6)
    assert session.predictions is trained.base  # one turn was asked
    session.select(trained.base.ids[0])
    answer = answered(qtbot, inspector)
    assert answer.ids[0] == trained.base.ids[0]
    assert np.isnan(answer.probabilities["audio"]).all()
    assert inspector.card.mutes[Modality.AUDIO].isChecked()


def test_other_words_are_read_and_forgotten_with_the_turn(
    qtbot: QtBot, inspector: Inspector, session: Session, trained: Trained
) -> None:
    box = inspector.card.text
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "She left me, all alone.")
    answer = answered(qtbot, inspector)
    assert np.abs(answer.probabilities["teacher"][0] - trained.base.probabilities["teacher"][3]).max() > 1e-4
    session.step(-1)
    assert session.current is not None
    assert (box.text(), inspector.state.active) == (session.current.text, False)
    assert inspector.sections[1].predictions is trained.base


def test_less_context_is_read(qtbot: QtBot, inspector: Inspector, trained: Trained) -> None:
    context = inspector.card.context
    assert (context.maximum(), context.value()) == (3, 3)
    context.setFocus()
    qtbot.keyClick(context, Qt.Key.Key_Home)
    assert inspector.state.context_turns == 0
    answer = answered(qtbot, inspector)
    assert np.abs(answer.probabilities["teacher"][0] - trained.base.probabilities["teacher"][3]).max() > 1e-4
    qtbot.keyClick(context, Qt.Key.Key_End)
    assert not inspector.state.active


def test_without_embeddings_the_card_says_why(
    qtbot: QtBot, inspector: Inspector, session: Session, trained: Trained, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(trained.run, tmp_path / "bare"))
    (run / "embeddings" / "visual.safetensors").unlink()
    session.set_predictions(trained.base, run)
    qtbot.waitUntil(lambda: "visual" in inspector.card.status.text(), timeout=WAIT)
    card = inspector.card
    assert not any(of.isEnabled() for of in (card.theta, card.context, card.text, *card.mutes.values()))


def test_another_corpus_has_no_answers(
    qtbot: QtBot, session: Session, inspector: Inspector, trained: Trained, tmp_path: Path
) -> None:
    other = open_corpus(write_corpus(tmp_path / "renamed", clips=False))
    shutil.rmtree(tmp_path / "renamed")
    session.set_corpus(other)
    assert "No run" in inspector.state.reason
    turns = other.dialogues[0].turns
    session.set_corpus(Corpus(root=other.root, kind=other.kind, labels=other.labels, dialogues=other.dialogues[:2]))
    session.set_predictions(predictions(turns, other.labels.labels), trained.run)
    qtbot.waitUntil(lambda: "trained on" in inspector.card.status.text(), timeout=WAIT)


def test_a_damaged_text_encoder_costs_the_words_alone(
    qtbot: QtBot, session: Session, inspector: Inspector, trained: Trained, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(trained.run, tmp_path / "damaged"))
    (run / "weights" / "text.safetensors").write_bytes(b"nothing")
    session.set_predictions(trained.base, run)
    qtbot.waitUntil(lambda: not inspector.state.reason, timeout=WAIT)
    inspector.state.set_text("Other words.")
    qtbot.waitUntil(lambda: "text.safetensors" in inspector.card.status.text(), timeout=WAIT)
    inspector.state.reset()
    inspector.card.theta.setValue(10)
    assert answered(qtbot, inspector).theta == pytest.approx(0.01)


def test_closing_while_it_answers_ends_the_thread(inspector: Inspector, session: Session) -> None:
    inspector.state.set_text("Anything.")
    session.close()
    assert inspector.state._thread.isFinished()


def test_new_predictions_bring_the_runs_theta_back(session: Session, trained: Trained) -> None:
    session.set_corpus(trained.corpus)
    session.set_predictions(trained.base, trained.run)
    session.set_theta(0.3)
    changed = QSignalSpy(session.theta_changed)
    session.set_predictions(trained.base, trained.run)
    assert (session.theta, changed.count()) == (None, 1)
    session.show_fused_anew(predictions(trained.corpus.turns(), trained.corpus.labels.labels))
    assert session.predictions is trained.base  # an answer that came too late


def test_an_answer_about_earlier_predictions_is_not_shown(
    inspector: Inspector, session: Session, trained: Trained
) -> None:
    """More turns were predicted while it was computed, and theta was tried once more."""
    turn = trained.base.ids[3]
    asked = WhatIfQuestion(run=trained.run, corpus=trained.corpus, turn=turn, theta=0.5, base=trained.base)
    newer = replace(trained.base)
    session.set_predictions(newer, trained.run)
    session.set_theta(0.6)
    inspector.state._thread.fused_anew.emit(asked, replace(trained.base, theta=0.5))
    assert session.predictions is newer


# What goes wrong


def _failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    from telme_model.prediction.what_if import WhatIf

    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(WhatIf, "_answer", fail)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "this needs more memory than there is. The device says: DefaultCPUAllocator: can't allocate memory. "
            + MemoryFullError.remedy,
        ),
        (RunError("there are no weights", "Train the run."), "there are no weights. Train the run."),
        (OSError(errno.EACCES, "Permission denied", "text.safetensors"), "text.safetensors: Permission denied"),
    ],
    ids=["memory", "run", "file"],
)
def test_what_refuses_an_answer_is_said_with_a_way_on(
    qtbot: QtBot, inspector: Inspector, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    _failing(monkeypatch, error)
    inspector.state.set_text("No!")
    qtbot.waitUntil(lambda: inspector.state.error == sentence, timeout=WAIT)
    assert inspector.card.status.text() == f"No answer: {sentence}"
    assert not inspector.state.waiting


def test_a_defect_is_reported_as_such(qtbot: QtBot, inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, ZeroDivisionError())
    with qtbot.capture_exceptions() as caught:
        inspector.state.set_text("No!")
        qtbot.waitUntil(lambda: bool(caught), timeout=WAIT)
    assert [kind for kind, *_ in caught] == [ZeroDivisionError]
    assert not inspector.state.waiting
