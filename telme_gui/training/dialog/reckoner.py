"""What a run will cost, found out in the background: by a formula first, and measured on demand."""

import os
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import psutil
from PySide6.QtCore import QObject, QTimer, Signal

from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.corpus.dialogue import Corpus, Modality
from telme_model.errors import StudioError
from telme_model.events import Event, Message
from telme_model.files import reason
from telme_model.media.shards import CacheError
from telme_model.networks.libraries import load_torch
from telme_model.paths import media_cache_folder
from telme_model.runs.config import Config
from telme_model.runs.costs import Costs, Machine, MeasurementKey, Speed, costs
from telme_model.runs.weights import HUB_SECONDS, HubAnswer, Weights, ask_hub, find_weights

SETTLE = 250  # ms from the last change to a new reckoning
ASK_AGAIN = 10_000  # ms until a hub that could not be reached is asked again
MEASURING = "Measuring the encoders"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuestion:
    """What is to be reckoned: the corpus with the labels that are learnt, if there is one."""

    config: Config
    corpus: Corpus | None
    run: Path

    def places(self) -> tuple[Corpus | None, Path]:
        """What has to be looked at on the disk."""
        return self.corpus, self.run.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of it."""

    question: CostQuestion
    weights: dict[Modality, Weights]
    costs: Costs | None
    refused: str  # why nothing can be kept where a run and its media go, "" where it can

    @property
    def config(self) -> Config:
        """The settings that were asked about."""
        return self.question.config


class Reckoner(QObject):
    """Finds out in the background what a configuration costs: machine, weights, hub, sizes, and measured speed."""

    changed = Signal()

    def __init__(self, session: Session, ask: Callable[[], CostQuestion | None], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._ask = session, ask
        self.machine = Machine(cores=os.cpu_count() or 1, free=psutil.virtual_memory().available)
        self.looked = False  # whether the machine was looked at
        self.answer: Answer | None = None  # None while nothing is known of what is asked
        self.hub: dict[str, HubAnswer] = {}  # by name, once it has answered or was waited for long enough
        self.measuring = ""  # what is being measured, "" when nothing is
        self.trouble = ""  # why the last measurement ended early
        self._measured: dict[MeasurementKey, Speed] = {}
        self._jobs: list[Job] = []
        self._reckoning: CostQuestion | None = None  # under way
        self._asked: set[str] = set()  # the hub's answer to these is waited for
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self._reckon)
        self._patience = QTimer(self, singleShot=True, interval=round(1000 * HUB_SECONDS))
        self._patience.timeout.connect(self._give_up_the_hub)
        self._again = QTimer(self, singleShot=True, interval=ASK_AGAIN)
        self._again.timeout.connect(self._ask_hub)

    def begin(self) -> None:
        """Look at the machine, once the window had time to show."""
        self._settle.start()
        job = self._start(_look)
        job.done.connect(self._take_machine)
        job.failed.connect(_raise)

    def ask_again(self) -> None:
        """Something changed."""
        self._settle.start()

    def end(self) -> None:
        """Stop whatever is under way."""
        for timer in (self._settle, self._patience, self._again):
            timer.stop()
        for job in self._jobs:
            job.stop()

    def measure(self) -> None:
        """Measure a few steps of every encoder."""
        question = self._ask()
        if question is None or question.corpus is None or self.measuring:
            return
        config, corpus, machine = question.config, question.corpus, self.machine
        self.measuring, self.trouble = "loading the libraries", ""
        job = self._start(lambda: _measure(config, corpus, machine), MEASURING)
        job.reported.connect(self._hear)
        job.done.connect(self._take_speeds)
        job.failed.connect(self._give_up)
        job.finished.connect(self.changed)
        self.changed.emit()

    @property
    def asked(self) -> bool:
        """Whether there is anything to reckon: not while a setting is wrong."""
        return self._ask() is not None

    @property
    def under_way(self) -> bool:
        """Whether a measurement still runs. It draws on the same random numbers as training, so not beside it."""
        return any(job.name == MEASURING for job in self._session.jobs.running)

    def _start(self, work: Callable[[], Generator[Event, None, object]], name: str = "") -> Job:
        self._jobs = [job for job in self._jobs if job in self._session.jobs.running]
        job = self._session.jobs.start(work, name)
        self._jobs.append(job)
        return job

    def _reckon(self) -> None:
        question = self._ask()
        if question is None:
            self.answer = None
            self.changed.emit()
        elif self._reckoning is not None:
            self._settle.start()
        else:
            self._reckoning = question
            machine, measured = self.machine, dict(self._measured)
            job = self._start(lambda: _reckoned(question, machine, measured))
            job.done.connect(self._take_answer)
            job.failed.connect(self._fail)

    def _take_machine(self, machine: Machine | None) -> None:
        if machine is not None:
            self.machine, self.looked = machine, True
            self.changed.emit()
            self._settle.start()

    def _take_answer(self, answer: Answer | None) -> None:
        self._reckoning = None
        if answer is None:
            return
        self.answer = answer if self.asked else None
        self._ask_hub()
        self.changed.emit()

    # -- the hub ------------------------------------------------------------------------------------------------

    def _ask_hub(self) -> None:
        """Ask for what is not here, and again where the hub could not be reached: the network may be back."""
        weights = self.answer.weights.values() if self.answer else ()
        missing = dict.fromkeys(w.name for w in weights if w.name and not w.here and not w.lacking)
        known = {name for name, said in self.hub.items() if said.reached}
        unasked = [name for name in missing if name not in known | self._asked]
        if unasked:
            self._asked |= set(unasked)
            self._patience.start()
            job = self._start(lambda: ask_hub(unasked))
            job.done.connect(self._take_hub)
            job.failed.connect(self._lose_the_hub)

    def _take_hub(self, answers: dict[str, HubAnswer] | None) -> None:
        if answers is not None:
            self._asked -= set(answers)
            self.hub |= answers
            if not all(said.reached for said in answers.values()):
                self._again.start()
            self.changed.emit()

    def _lose_the_hub(self, error: Exception) -> None:
        """It could not even be asked: the next reckoning asks again."""
        self._give_up_the_hub()
        self._asked.clear()
        _raise(error)

    def _give_up_the_hub(self) -> None:
        """Go on as if it could not be reached; what it says after all is taken."""
        self.hub = dict.fromkeys(self._asked, HubAnswer(reached=False)) | self.hub
        self.changed.emit()

    # -- measurements -------------------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if isinstance(event, Message):
            self.measuring = event.text
            if event.level == "warning":
                self.trouble = event.text
            self.changed.emit()

    def _take_speeds(self, speeds: dict[MeasurementKey, Speed] | None) -> None:
        self.measuring = ""
        self._measured |= speeds or {}
        self.changed.emit()
        self._settle.start()

    def _give_up(self, error: Exception) -> None:
        self.measuring = ""
        self.changed.emit()
        if not isinstance(error, StudioError):
            raise error  # a defect: the window's report says so
        self.trouble = error.advice
        self.changed.emit()

    def _fail(self, error: Exception) -> None:
        """Say so in the place of an answer; another setting asks anew."""
        question, self._reckoning = self._reckoning, None
        refused = f"What this needs cannot be found out ({type(error).__name__}: {error}): try another setting."
        if question is not None and self.asked:
            self.answer = Answer(question=question, weights={}, costs=None, refused=refused)
        self.changed.emit()
        _raise(error)


def _raise(error: Exception) -> None:
    raise error  # a defect: nothing of it is expected to fail


def _look() -> Generator[Event, None, Machine]:
    load_torch()
    from telme_model.training.measuring import look_at_machine  # takes seconds; this is the job's thread

    return (yield from look_at_machine())


def _measure(config: Config, corpus: Corpus, machine: Machine) -> Generator[Event, None, dict[MeasurementKey, Speed]]:
    from telme_model.training.measuring import measure

    return (yield from measure(config, corpus, machine))


def _reckoned(
    question: CostQuestion, machine: Machine, measured: dict[MeasurementKey, Speed]
) -> Generator[Event, None, Answer]:
    yield Message(text="reckoning")
    config = question.config
    weights = {modality: find_weights(getattr(config, modality).weights, modality) for modality in config.modalities}
    architectures = {modality: found.architecture for modality, found in weights.items()}
    cache, runs, cost = media_cache_folder(), question.run.parent, None
    if reason := unwritable(runs):
        refused = f"No run can be kept in {runs} ({reason}): choose another folder on the page Run."
    elif config.modalities != (Modality.TEXT,) and (reason := unwritable(cache)):
        refused = f"No decoded clips can be kept in {cache} ({reason}): make it a folder that can be written."
    else:
        refused = ""
    if question.corpus is not None and not refused:
        try:
            cost = costs(question.corpus, config, architectures, machine, cache=cache, run=runs, measured=measured)
        except CacheError as error:
            refused = error.advice
    return Answer(question=question, weights=weights, costs=cost, refused=refused)


def unwritable(folder: Path) -> str:
    """Why nothing can be made in `folder`, found out by making something where it is or would be; "" where it can."""
    try:
        there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryDirectory(prefix=".telme-", dir=there):
            return ""
    except OSError as error:
        return reason(error)
