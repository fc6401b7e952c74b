"""What can be done about training, each with its keys: for a menu of the window."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from telme_gui.look.settings import Settings
from telme_gui.session.session import Session
from telme_gui.training.dialog import TrainingDialog
from telme_gui.training.discarding import ask_in_training
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model.annotations.apply import with_labels
from telme_model.corpus.dialogue import GOLD, Corpus
from telme_model.runs.plan import Plan, differences


class TrainingActions(QObject):
    """The actions, in the order of a menu; they follow the trainer. `window` is what dialogs belong to."""

    def __init__(self, session: Session, trainer: Trainer, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._trainer, self._settings, self._window = session, trainer, settings, window
        self.all: list[QAction] = []
        self.train = self._add("Train a run…", "Ctrl+Shift+T", self.open_dialog)
        self.again = self._add("Train again with my labels…", "", self._train_again)
        self.pause = self._add("Pause training", "", self._pause)
        self.stop = self._add("Stop training and keep", "", trainer.stop_and_keep)
        self.discard = self._add("Discard training…", "", lambda: ask_in_training(trainer, window))
        trainer.changed.connect(self._follow)
        session.labels_changed.connect(self._follow)
        session.corpus_changed.connect(self._follow)
        self._follow()

    def _add(self, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        action.setObjectName(text.rstrip("…"))
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: slot())
        self.all.append(action)
        return action

    def open_dialog(self) -> TrainingDialog:
        """Let a person choose what is trained."""
        layers = (GOLD, *self._session.labels.layers)
        dialog = TrainingDialog(
            self._session, self._trainer, self._settings, self._window, layers=layers, relabel=self._relabel
        )
        dialog.open()
        return dialog

    def change(self, plan: Plan) -> None:
        """Let a person change the settings of a plan, and train with them."""
        dialog = self.open_dialog()
        dialog.draft.load(plan.config.preset, differences(plan.config))
        dialog.run_page.seeds.setText(str(plan.config.seed))

    def _relabel(self, corpus: Corpus, layer: str) -> Corpus:
        labels = self._session.labels.in_layer(layer) if layer != GOLD else {}
        return with_labels(corpus, labels)

    def _train_again(self) -> None:
        dialog = self.open_dialog()
        dialog.run_page.layer.choose(self._session.labels.layer)

    def _pause(self) -> None:
        trainer = self._trainer
        if trainer.state is TrainerState.PAUSED:
            trainer.resume()
        else:
            trainer.pause()

    def _follow(self) -> None:
        trainer, labels = self._trainer, self._session.labels
        self.again.setEnabled(self._session.corpus is not None and bool(labels.in_layer(labels.layer)))
        self.pause.setEnabled(trainer.busy and trainer.state is not TrainerState.STOPPING)
        self.pause.setText("Resume training" if trainer.state is TrainerState.PAUSED else "Pause training")
        for action in (self.stop, self.discard):
            action.setEnabled(trainer.busy)
