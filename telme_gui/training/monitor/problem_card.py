"""Why a run ended before its time, what to do, and a button that does it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from telme_gui.look.widgets import Banner, push_button
from telme_gui.look.words import Words, as_tip


class ProblemCard(Banner):
    """Title, cause, remedy; `accepted` when what is offered is wanted."""

    accepted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.remedy = Words()
        self.add_line(self.remedy)
        self.offer = push_button("", "What is offered instead", primary=True)
        self.offer.setAccessibleName("What is offered instead")  # until it says itself what
        self.offer.clicked.connect(self.accepted)
        self.add_beside(self.offer)

    def explain(self, title: str, cause: str, remedy: str, offer: str = "") -> None:
        """Show this; without an offer there is no button."""
        self.remedy.setText(remedy[:1].upper() + remedy[1:])
        self.remedy.setVisible(bool(remedy))
        self.offer.setText(offer)
        self.offer.setToolTip(as_tip(f"{offer.removesuffix('…')} instead"))
        self.offer.setAccessibleName(offer)
        self.offer.setVisible(bool(offer))
        self.word(title, cause)
        self.setAccessibleName(f"{title}. {cause} {remedy}")
        self.show()
