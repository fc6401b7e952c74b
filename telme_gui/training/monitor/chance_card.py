"""The question that a teacher at chance raises while its students begin: three ways on, of which waiting is one."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.widgets import Banner, push_button
from telme_gui.training.trainer import Trainer
from telme_model.events import TeacherAtChance
from telme_model.runs import at_chance
from telme_model.runs.config import AtChance
from telme_model.runs.history import History


class ChanceCard(Banner):
    """What was found, and three buttons. The run goes on meanwhile: nobody need be there."""

    answered = Signal()  # the question is no longer to be shown

    def __init__(self, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trainer = trainer
        self._settled: TeacherAtChance | None = None  # what a person has answered
        self.go_on = push_button("Go on", "Students learn from the teacher all the same")
        self.without = push_button(
            "Students without it", "Begin the students anew, without distillation; the teacher is kept", primary=True
        )
        self.stop = push_button("Stop", "Stop after this step; what was done is kept")
        row = QHBoxLayout()
        row.setSpacing(theme.RHYTHM)
        for button in (self.go_on, self.without, self.stop):
            row.addWidget(button)
        row.addStretch(1)
        self.add_under(row)
        self.go_on.clicked.connect(self._settle)
        self.without.clicked.connect(trainer.leave_teacher_out)
        self.without.clicked.connect(self._settle)
        self.stop.clicked.connect(trainer.stop_and_keep)
        self.stop.clicked.connect(self._settle)

    def asks(self, history: History) -> bool:
        """Whether there is something to decide: until the first student is trained."""
        event = history.at_chance
        if event is None or event is self._settled or event.follows != AtChance.DISTIL or not self._trainer.may_choose:
            return False
        self.word(at_chance.TITLE, f"{at_chance.cause(event)} {at_chance.follows(event)}")
        return True

    def _settle(self) -> None:
        self._settled = self._trainer.history.at_chance
        self.answered.emit()
