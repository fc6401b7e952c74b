"""What happened: the turn, who said it, its gold label, and what became of the teacher's word."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from telme_gui.inspector.probabilities import equation
from telme_gui.inspector.section import RIGHT, ROW, Section, face, write
from telme_gui.look import chips, theme
from telme_gui.look.words import Words, as_tip
from telme_gui.look.wrapping import breakable, one_line
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED, FUSION, TEACHER
from telme_model.analysis.predictions import Predictions
from telme_model.annotations.labels import GOLD

CHIP = 24  # px of a line with a chip
MOST = 600  # characters of a turn's words
TEACHER_TIP = "The teacher’s most probable emotion, argmax of {equation}."
FUSED_TIP = "The fused model’s most probable emotion, argmax of {equation}."
VERDICTS = {
    "rescued": "Rescued: the teacher is wrong and the fused model right.",
    "harmed": "Harmed: the teacher is right and the fused model wrong.",
    "both right": "Teacher and fused model both name the gold emotion.",
    "both wrong": "Teacher and fused model name the same emotion, which is not gold.",
    "changed, still wrong": "Teacher and fused model differ, and neither names the gold emotion.",
}


def verdict(predictions: Predictions, row: int) -> str:
    """What the fusion did to the turn, in two words; "" where gold or a prediction is missing."""
    gold, teacher, fused = (
        int(of[row]) for of in (predictions.gold, predictions.predicted[TEACHER], predictions.predicted[FUSED])
    )
    if min(gold, teacher, fused) < 0:
        return ""
    if teacher == fused:
        return "both right" if fused == gold else "both wrong"
    return "rescued" if fused == gold else "harmed" if teacher == gold else "changed, still wrong"


class TurnHeader(QWidget):
    """Number, speaker and words of the current turn."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._said = ""
        self.title = Words()
        self.title.setFont(theme.font(theme.TITLE, bold=True))
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name = Words()
        self.name.setObjectName("muted")
        self.name.setFont(theme.font(theme.CAPTION, tabular=True))
        self.name.setToolTip("The turn's name: split, dialogue and utterance.")
        self.words = Words()
        self.words.setFont(theme.font())
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAccessibleName("Words of the turn")
        line = QHBoxLayout()
        line.setSpacing(theme.RHYTHM)
        line.addWidget(self.title, 1)
        line.addWidget(self.name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.RHYTHM // 2)
        layout.addLayout(line)
        layout.addWidget(self.words)
        self.notice = Words()
        self.notice.setObjectName("notice")
        self.notice.setFont(theme.font(theme.CAPTION, bold=True))
        self.notice.setToolTip("What stands below is the answer to the what-if card, not what the run predicted.")
        layout.addWidget(self.notice)

    def refresh(self, tried: str = "") -> None:
        """Show the current turn; `tried` says what is other than in the run."""
        self.notice.setText(f"What if: {tried}")
        self.notice.setVisible(bool(tried))
        turn, dialogue = self.session.current, self.session.dialogue
        if turn is None or dialogue is None:
            return
        self._said = f"Turn {dialogue.turns.index(turn) + 1} · {one_line(turn.speaker)}"
        self.name.setText(str(turn.id))
        words = self.session.words(turn)
        self.words.setText(f"“{breakable(words, MOST)}”")
        self.words.setToolTip(as_tip(words) if len(words) > MOST else "")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's
        """Elide the speaker anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As much of the title as there is room for beside the turn's name."""
        room = self.width() - self.name.sizeHint().width() - theme.RHYTHM
        shown = self.title.fontMetrics().elidedText(self._said, Qt.TextElideMode.ElideRight, room)
        self.title.setText(shown)
        self.title.setAccessibleName(self._said)
        self.title.setToolTip(as_tip(self._said) if shown != self._said else "")


class GoldLine(Section):
    """The gold label, and the teacher's and the fused model's word with the verdict."""

    def __init__(self) -> None:
        super().__init__("What happened", 2 * CHIP)

    def summary(self, predictions: Predictions, row: int) -> str:
        """The line in words."""
        teacher, fused, gold = self._named(predictions, row)
        return f"{predictions.truth} {gold}, teacher {teacher}, fused {fused}: {verdict(predictions, row)}"

    def draw(self, painter: QPainter, predictions: Predictions, row: int) -> None:
        """Gold and verdict above, teacher and fused below."""
        palette = theme.active_palette()
        teacher, fused, gold = self._named(predictions, row)
        said = verdict(predictions, row)
        whose = (
            "The label the corpus gives the turn."
            if predictions.truth == GOLD
            else f"The label of {predictions.truth}."
        )
        left = self._labelled(painter, 0, 0, predictions.truth, gold, whose)
        colours = {"rescued": palette.good, "harmed": palette.bad}
        right, models = QRectF(left, 0, self.width() - left, CHIP), predictions.models
        write(painter, right, said, align=RIGHT, bold=said in colours, colour=colours.get(said, palette.muted), size=12)
        self.tip(right, VERDICTS.get(said, ""))
        left = self._labelled(
            painter, 0, CHIP, "teacher", teacher, TEACHER_TIP.format(equation=equation(models[models.teacher], models))
        )
        self._labelled(painter, left + 4, CHIP, "→  fused", fused, FUSED_TIP.format(equation=equation(FUSION, models)))

    def _labelled(self, painter: QPainter, left: float, top: float, label: str, emotion: str, tip: str) -> float:
        painter.setFont(face(theme.CAPTION))
        width = painter.fontMetrics().horizontalAdvance(label) + 7
        write(painter, QRectF(left, top, width, CHIP), label, colour=theme.active_palette().muted)
        if not emotion:
            write(painter, QRectF(left + width, top, ROW, CHIP), "–", colour=theme.active_palette().muted)
            return left + width + ROW
        painter.setFont(chips.chip_font())
        size = chips.chip_size(emotion, painter.fontMetrics())
        box = QRect(int(left + width), int(top + 2), size.width(), CHIP - 4)
        chips.paint_chip(painter, box, emotion)
        self.tip(QRectF(left, top, width + size.width(), CHIP), tip)
        return left + width + size.width() + 8

    def _named(self, predictions: Predictions, row: int) -> tuple[str, str, str]:
        places = (predictions.predicted[TEACHER], predictions.predicted[FUSED], predictions.gold)
        teacher, fused, gold = (predictions.labels[of[row]] if of[row] >= 0 else "" for of in places)
        return teacher, fused, gold
