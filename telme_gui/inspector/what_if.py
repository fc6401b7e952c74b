"""What-if questions of the window: one thread that keeps the run's fusion loaded and answers the newest question."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from telme_gui.session.session import Session
from telme_model.analysis.predictions import Predictions, from_records
from telme_model.corpus.dialogue import Corpus, Modality, TurnId
from telme_model.corpus.fingerprint import fingerprint
from telme_model.errors import StudioError
from telme_model.files import refused
from telme_model.networks.libraries import load_torch
from telme_model.runs.folder import RunError, RunFolder

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from telme_model.prediction.what_if import WhatIf

NO_RUN = "No run is open: open one, or train."
LOOKING = "Looking into the run …"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfQuestion:
    """All that is tried at once, so that the newest question stands for those before it. None: as in the run."""

    run: Path
    corpus: Corpus
    turn: TurnId
    theta: float | None = None
    base: Predictions | None = None  # all turns, to be fused anew with `theta`; None where they are already
    mute: frozenset[Modality] = frozenset()
    text: str | None = None
    context_turns: int | None = None


class WhatIfThread(QThread):
    """Answers on its own thread; of questions that wait, only the newest is answered."""

    checked = Signal(str)  # why the run cannot answer, "" where it can
    fused_anew = Signal(object, object)  # Question, Predictions of all turns
    answered = Signal(object, object)  # Question, record of its turn
    failed = Signal(object, object)  # Question, StudioError; any other exception is a defect

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._news = Condition()
        self._over = False
        self._unchecked: tuple[Path, Corpus] | None = None
        self._question: WhatIfQuestion | None = None
        self._whatif: tuple[Path, Corpus, WhatIf] | None = None

    def check(self, run: Path, corpus: Corpus) -> None:
        """Find out whether the run can answer about this corpus; needs no torch."""
        with self._news:
            self._unchecked = run, corpus
            self._news.notify()

    def ask(self, question: WhatIfQuestion) -> None:
        """Answer this one next, in place of any that waits."""
        with self._news:
            self._question = question
            self._news.notify()

    def stop(self) -> None:
        """End after the answer in progress; `wait()` for it."""
        with self._news:
            self._over = True
            self._news.notify()

    def run(self) -> None:
        """Answer until stopped."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._over or self._unchecked or self._question)
                if self._over:
                    return
                unchecked, self._unchecked = self._unchecked, None
                question, self._question = self._question, None
            if unchecked:
                self.checked.emit(why_not(*unchecked))
            if question:
                self._answer(question)

    def _answer(self, question: WhatIfQuestion) -> None:
        try:
            whatif = self._open(question)
            if question.theta is not None and question.base is not None:
                self.fused_anew.emit(question, whatif.fuse_anew(question.theta, question.base))
            record = whatif.ask(
                question.turn,
                theta=question.theta,
                mute=question.mute,
                text=question.text,
                context_turns=question.context_turns,
            )
        except (OSError, MemoryError) as error:
            self.failed.emit(question, refused(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the window says it
            self.failed.emit(question, error)
        else:
            self.answered.emit(question, record)

    def _open(self, question: WhatIfQuestion) -> "WhatIf":
        load_torch()
        from telme_model.prediction.what_if import WhatIf

        if self._whatif is None or self._whatif[0] != question.run or self._whatif[1] is not question.corpus:
            self._whatif = question.run, question.corpus, WhatIf(question.run, question.corpus)
        return self._whatif[2]


def why_not(run_path: Path, corpus: Corpus) -> str:
    """Why a run cannot answer what-if questions about a corpus, in a sentence; "" where it can."""
    try:
        run = RunFolder.open(run_path)
        facts, config = run.facts, run.config
    except RunError as error:
        return error.advice
    if facts["corpus"]["fingerprint"] != fingerprint(corpus):
        return f"What-if needs stored embeddings, and {run.name} keeps those of the corpus it was trained on."
    lost = [str(m) for m in config.modalities if not (run.path / "embeddings" / f"{m}.safetensors").is_file()]
    if lost:
        return f"What-if needs stored embeddings, and {run.name} has none for {', '.join(lost)}."
    return ""


class WhatIfState(QObject):
    """What is tried of the current turn and what the run answers: the what-if card's state, followed by the sections.

    Theta is the session's, for all turns. Muted modalities stay so from turn to turn; other words and another
    context are of one turn.
    """

    changed = Signal()  # what is tried, the answer, or whether it can be asked

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.mute: frozenset[Modality] = frozenset()
        self.text: str | None = None
        self.context_turns: int | None = None
        self.answer: Predictions | None = None  # of the current turn alone: one row
        self.reason = NO_RUN  # why nothing can be asked; "" where it can
        self.error = ""  # why the newest question has no answer
        self.waiting = False
        self.loaded = False  # whether the run has answered once, so that the next answer is a matter of moments
        self._subject: tuple[Path | None, Corpus | None] = (None, None)
        self._thread = WhatIfThread(self)
        self._thread.checked.connect(self._take_check)
        self._thread.fused_anew.connect(self._take_fused)
        self._thread.answered.connect(self._take_answer)
        self._thread.failed.connect(self._take_failure)
        session.corpus_changed.connect(self._follow_run)
        session.predictions_changed.connect(self._follow_run)
        session.current_changed.connect(self._follow_turn)
        session.theta_changed.connect(self._ask)
        session.jobs.closing.connect(self.close)
        self._follow_run()

    @property
    def active(self) -> bool:
        """Whether anything is other than in the run."""
        changed = self.text is not None or self.context_turns is not None
        return changed or bool(self.mute) or self.session.theta is not None

    @property
    def tried(self) -> str:
        """What is other than in the run, in a few words."""
        theta = self.session.theta
        parts = [f"θ = {theta:.3g}"] if theta is not None else []
        parts += [f"no {modality}" for modality in Modality if modality in self.mute]
        parts += ["other words"] if self.text is not None else []
        parts += [f"context {self.context_turns}"] if self.context_turns is not None else []
        return ", ".join(parts)

    def set_mute(self, mute: frozenset[Modality]) -> None:
        """Take these modalities' stand-ins in place of their features."""
        self.mute = mute
        self._ask()

    def set_text(self, text: str | None) -> None:
        """Try other words; None: the turn's own."""
        self.text = text
        self._ask()

    def set_context(self, turns: int | None) -> None:
        """Let the text encoder read this many turns before the current one; None: as in the run."""
        self.context_turns = turns
        self._ask()

    def reset(self) -> None:
        """Back to the run."""
        self.mute, self.text, self.context_turns = frozenset(), None, None
        self.session.set_theta(None)
        self._ask()

    def warm(self) -> None:
        """Load the run, so that the first question need not wait for it."""
        if not self.reason and not self.active:
            self._send()

    def close(self) -> None:
        """End the thread."""
        self._thread.stop()
        self._thread.wait()

    def _follow_run(self) -> None:
        subject = self.session.run, self.session.corpus
        if subject == self._subject:
            return
        self._subject = subject
        self.mute, self.text, self.context_turns, self.answer, self.waiting = frozenset(), None, None, None, False
        self.loaded = False
        self.reason = NO_RUN
        run, corpus = subject
        if run is not None and corpus is not None:
            self.reason = LOOKING
            self._thread.check(run, corpus)
            self._thread.start()
        self.changed.emit()

    def _follow_turn(self) -> None:
        self.text = self.context_turns = None
        self._ask()

    def _ask(self) -> None:
        self.error, self.waiting = "", False
        current = self.session.current
        if not self.active or (self.answer is not None and current and self.answer.ids[0] != current.id):
            self.answer = None
        if self.active and not self.reason:
            self.waiting = self._send()
        self.changed.emit()

    def _send(self) -> bool:
        session = self.session
        if session.run is None or session.corpus is None or session.predictions is None or session.current is None:
            return False
        fused = session.theta is None or session.predictions.theta == session.theta
        self._thread.ask(
            WhatIfQuestion(
                run=session.run,
                corpus=session.corpus,
                turn=session.current.id,
                theta=session.theta,
                base=None if fused else session.base,
                mute=self.mute,
                text=self.text,
                context_turns=self.context_turns,
            )
        )
        return True

    @Slot(str)
    def _take_check(self, reason: str) -> None:
        self.reason = reason
        self.changed.emit()

    @Slot(object, object)
    def _take_fused(self, question: WhatIfQuestion, predictions: Predictions) -> None:
        if question.base is self.session.base:
            self.session.show_fused_anew(predictions)
            if question.theta != self.session.theta and self.active:  # shown on the way to a newer theta
                self._send()

    @Slot(object, object)
    def _take_answer(self, question: WhatIfQuestion, record: Mapping[str, Any]) -> None:
        self.loaded = self._is_newest_run(question)
        current = self.session.current
        if self.active and current is not None and current.id == question.turn and self._is_newest_run(question):
            base = self.session.base
            self.answer = from_records([record], question.corpus.labels.labels, base.models if base else None)
            self.waiting = self.waiting and not self._is_newest(question)
            self.changed.emit()

    @Slot(object, object)
    def _take_failure(self, question: WhatIfQuestion, error: Exception) -> None:
        if self._is_newest(question):
            self.answer, self.waiting = None, False
            self.error = error.advice if isinstance(error, StudioError) else "the report of the error says why."
            self.changed.emit()
        if not isinstance(error, StudioError):
            raise error  # a defect: the window's report says so

    def _is_newest_run(self, question: WhatIfQuestion) -> bool:
        return question.run == self.session.run and question.corpus is self.session.corpus

    def _is_newest(self, question: WhatIfQuestion) -> bool:
        asked = question.theta, question.mute, question.text, question.context_turns
        return self._is_newest_run(question) and asked == (
            self.session.theta,
            self.mute,
            self.text,
            self.context_turns,
        )
