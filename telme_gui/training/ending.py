"""What follows when a run ends: it is shown, summed up, and whoever works in another window is told."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QStyle, QSystemTrayIcon, QWidget

from telme_gui.session.session import Session
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.analysis.models import FUSED
from telme_model.corpus.dialogue import Split
from telme_model.events import Event
from telme_model.runs import catalogue
from telme_model.runs.summary import Summary, summarise

SHOWN = 10_000  # ms that a notification stays


class Ending(QObject):
    """Follows the trainer; `open_run` shows a run, `window` is what is told of."""

    summed_up = Signal(object)  # Summary of the run that has just finished

    def __init__(self, session: Session, trainer: Trainer, open_run: Callable[[Path], None], window: QWidget) -> None:
        super().__init__(window)
        self._session, self._trainer, self._open_run, self._window = session, trainer, open_run, window
        self._tray: QSystemTrayIcon | None = None
        trainer.finished.connect(self._finish)
        trainer.left.connect(self._leave)
        session.jobs.closing.connect(self._hide)

    def _finish(self, run: Path) -> None:
        session, plan = self._session, self._trainer.plan
        corpus, shown = session.corpus, session.run
        if corpus is None or (plan is not None and corpus.root.resolve() == plan.corpus.resolve()):
            self._open_run(run)

        def work() -> Generator[Event, None, Summary]:
            return summarise(run, [*catalogue.known_runs(), *([shown] if shown else [])])

        job = session.jobs.start(work, f"Summing up {run.name}")
        job.done.connect(self._tell)
        job.failed.connect(partial(session.jobs.fail, f"{run.name} cannot be summed up"))

    def _leave(self, run: Path) -> None:
        trainer = self._trainer
        if trainer.state is TrainerState.FAILED and trainer.problem is not None:
            self._notify(f"{run.name}: {trainer.problem.title}", trainer.problem.cause)

    def _tell(self, summary: Summary | None) -> None:
        if summary is None:
            return
        fused = next((score for score in summary.scores if score.model == FUSED), None)
        where = "test" if summary.split is Split.TEST else "dev"
        said = f"Fused weighted F1 {fused.weighted_f1:.1f} on {where}." if fused else "It has no fused predictions."
        self._notify(f"{summary.run.name} is trained", said)
        self.summed_up.emit(summary)

    def _notify(self, title: str, text: str) -> None:
        """Tell whoever works in another window."""
        if self._window.isActiveWindow():
            return
        QApplication.alert(self._window)
        if QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            if self._tray is None:
                icon = self._window.windowIcon()
                if icon.isNull():
                    icon = self._window.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxInformation)
                self._tray = QSystemTrayIcon(icon, self)
            self._tray.show()
            self._tray.showMessage(title, text, msecs=SHOWN)
            QTimer.singleShot(SHOWN, self, self._hide)

    def _hide(self) -> None:
        if self._tray is not None:
            self._tray.hide()
