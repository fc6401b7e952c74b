"""The question before a run's folder goes into the trash, the same wherever it is asked."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from telme_gui.look.words import question
from telme_gui.training.trainer import Trainer

AWAY, KEEP = "Put into the trash", "Keep"


def ask(run: Path, parent: QWidget, agreed: Callable[[], object], *, first: str = "") -> None:
    """Ask whether a run is to go, and call `agreed` where it is; `first` is said before where its folder goes."""
    more = f"{first}Its folder can be taken back from there.\n\n{run}"
    box = question("Discard a run", f"Put “{run.name}” into the trash?", more, parent)
    box.addButton(AWAY, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(KEEP, QMessageBox.ButtonRole.RejectRole))
    box.accepted.connect(agreed)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def ask_in_training(trainer: Trainer, parent: QWidget) -> None:
    """Ask whether the run in hand is to go; another that is in hand by the time of the answer stays."""
    plan = trainer.plan
    if plan is not None:
        first = "Training ends after the step in flight. "
        ask(plan.run, parent, lambda: trainer.discard() if trainer.plan is plan else None, first=first)
