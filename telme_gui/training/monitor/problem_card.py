"""Why a run ended before its time, what to do, and a button that does it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from telme_gui.look import theme


class ProblemCard(QFrame):
    """Title, cause, remedy; `accepted` when what is offered is wanted."""

    accepted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.title, self.cause, self.remedy = QLabel(), QLabel(), QLabel()
        self.title.setStyleSheet("font-weight: 600")
        self.offer = QPushButton()
        self.offer.setObjectName("primary")
        self.offer.setAccessibleName("What is offered instead")
        self.offer.setToolTip("What is offered instead")
        self.offer.clicked.connect(self.accepted)
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self.title, self.cause, self.remedy):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * theme.RHYTHM, theme.RHYTHM, 2 * theme.RHYTHM, theme.RHYTHM)
        row.setSpacing(2 * theme.RHYTHM)
        row.addLayout(words, 1)
        row.addWidget(self.offer)
        self.hide()

    def say(self, title: str, cause: str, remedy: str, offer: str = "") -> None:
        """Show this; without an offer there is no button."""
        for label, text in ((self.title, title), (self.cause, cause), (self.remedy, remedy)):
            label.setText(text[:1].upper() + text[1:])
            label.setVisible(bool(text))
        self.offer.setText(offer)
        self.offer.setToolTip(f"{offer.removesuffix('…')} instead")
        self.offer.setAccessibleName(offer)
        self.offer.setVisible(bool(offer))
        self.setAccessibleName(f"{title}. {cause} {remedy}")
        self.show()
