"""The line at the window's bottom: where we are, how much there is, and what works in the background."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QProgressBar, QStatusBar, QToolButton, QWidget

from telme_gui.look.words import Words, as_tip
from telme_gui.session.filter import Filter
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_gui.training.trainer import Trainer
from telme_model.events import Event, Message, Progress, StageStarted, StepDone

TICK = 100  # ms between two looks at the work
SAID = 4000  # ms that a message stays
FINE = 1000  # parts of the bar


class Status(QStatusBar):
    """Follows the session; of several works that have a name the first is shown, and a training after the others."""

    def __init__(self, session: Session, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._trainer = session, trainer
        self._followed: Job | None = None
        self._fraction: float | None = None  # None where nobody knows
        self._phase = ""
        self.place, self.counts = Words(), Words()
        self.place.setAccessibleName("Current turn")
        self.counts.setAccessibleName("Corpus")
        self.work, self.bar = Words(), QProgressBar()
        self.work.setAccessibleName("Background work")
        self.bar.setFixedWidth(120)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the background work")
        self.bar.setToolTip("Progress of the background work")
        self.stop = QToolButton()
        self.stop.setObjectName("quiet")
        self.stop.setText("Stop")
        self.stop.clicked.connect(self.stop_work)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(8, 0, 8, 0)
        self.addWidget(self.place)
        self.addWidget(self.counts, 1)
        for widget in (self.work, self.bar, self.stop):
            self.addPermanentWidget(widget)
        self._clock = QTimer(self, interval=TICK)
        self._clock.timeout.connect(self._show_work)
        session.jobs.changed.connect(self._follow_jobs)
        session.corpus_changed.connect(self._show_place)
        session.current_changed.connect(self._show_place)
        session.filter_changed.connect(self._show_place)
        session.jobs.closing.connect(self._clock.stop)
        self._show_place()
        self._show_work()

    def stop_work(self) -> None:
        """Stop what is shown."""
        if self._followed is not None:
            self._trainer.stop_and_keep() if self._trains else self._followed.stop()
            self.stop.setEnabled(False)

    def say(self, text: str) -> None:
        """Say what was just done, for a while."""
        self.showMessage(text, SAID)

    def _show_place(self) -> None:
        session = self._session
        if session.corpus is None:
            self.place.setText("Nothing is open")
            self.counts.setText("")
            return
        current = session.current
        self.place.setText(f"{current.id}   ·" if current else "")
        found = "" if session.filter == Filter() else f"{int(session.visible.sum()):,} found of "
        self.counts.setText(f"{found}{len(session.turns):,} turns in {len(session.corpus.dialogues):,} dialogues")

    # -- background work ------------------------------------------------------------------------------------------

    def _follow_jobs(self) -> None:
        jobs = [job for job in self._session.jobs.running if job.name]
        jobs.sort(key=lambda job: job is self._trainer.job)  # hours of training hide nothing that is shorter
        named = jobs[0] if jobs else None
        self.work.setToolTip(as_tip("\n".join(job.name for job in jobs)))
        if named is not self._followed:
            if self._followed is not None and self._followed in self._session.jobs.running:
                self._followed.reported.disconnect(self._count)
            self._followed = named
            self._fraction, self._phase = None, ""
            if named is not None:
                named.reported.connect(self._count)
                self.stop.setEnabled(True)
                self.stop.setToolTip(as_tip(f"Stop {named.name[:1].lower()}{named.name[1:]}; what it has done is kept"))
                self.stop.setAccessibleName(f"Stop {named.name[:1].lower()}{named.name[1:]}")
                self._clock.start()
            else:
                self._clock.stop()
            self._show_work()

    def _count(self, event: Event) -> None:
        match event:
            case StageStarted(phase=phase) | StepDone(phase=phase):
                self._fraction, self._phase = None, str(phase)
            case Progress(phase=phase, done=done, total=total):
                self._fraction, self._phase = done / total if total else None, str(phase)
            case Message(level="info", text=text) if self._trains:  # between two phases
                self._phase = text

    @property
    def _trains(self) -> bool:
        return self._followed is self._trainer.job

    def _show_work(self) -> None:
        job = self._followed
        for widget in (self.work, self.bar, self.stop):
            widget.setVisible(job is not None)
        if job is None:
            return
        self.work.setText(f"{job.name}: {self._phase}" if self._phase else job.name)
        fraction = self._trainer.history.fraction if self._trains else self._fraction  # of the whole run
        self.bar.setRange(0, 0 if fraction is None and not job.paused else FINE)
        self.bar.setValue(round((fraction or 0.0) * FINE))
