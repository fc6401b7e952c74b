"""Who labelled the turn how: all layers one under the other, with what goes with a label."""

from PySide6.QtCore import QEvent, QRect, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from telme_gui.inspector.section import HEADING, LABEL, LEFT, RIGHT, ROW, write
from telme_gui.look import chips, theme
from telme_gui.look.words import as_tip
from telme_gui.session.labels import label_sentence
from telme_gui.session.session import Session
from telme_model.annotations.labels import Label

LINE = ROW + 4  # px: a chip with room about it


class Annotators(QWidget):
    """The labels of the current turn by layer; absent where nobody labelled it, or while it is hidden."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.said: tuple[tuple[str, Label], ...] = ()
        self.setAccessibleName("Annotators")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def refresh(self) -> None:
        """Show the current turn's."""
        turn, labels = self._session.current, self._session.labels
        self.said = ()
        if turn is not None and not self._session.hides(turn):
            found = ((layer, labels.in_layer(layer, labels.scope).get(turn.id)) for layer in labels.layers)
            self.said = tuple((layer, label) for layer, label in found if label is not None)
        self.setVisible(bool(self.said))
        self.setFixedHeight(HEADING + LINE * len(self.said))
        self.setAccessibleDescription("; ".join(f"{layer}: {label_sentence(label)}" for layer, label in self.said))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's
        """A line a layer."""
        palette = theme.active_palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        write(painter, QRectF(0, 0, self.width(), ROW), "Annotators", bold=True, size=theme.BODY)
        for place, (layer, label) in enumerate(self.said):
            top = HEADING + place * LINE
            write(painter, QRectF(0, top, LABEL, LINE), layer, align=LEFT, colour=palette.muted)
            if label.emotion is not None:
                chips.paint_chip(painter, QRect(LABEL, top, 96, LINE), label.emotion)
            marks = [name for name, on in (("unsure", label.unsure), ("flagged", label.flag)) if on]
            note = " · ".join([*marks, label.comment or str(label.origin)])
            room = QRectF(LABEL + 96, top, self.width() - LABEL - 96, LINE)
            elided = painter.fontMetrics().elidedText(note, Qt.TextElideMode.ElideRight, int(room.width()))
            write(painter, room, elided, align=RIGHT, colour=palette.muted)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Say all of a label under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            place = int((event.pos().y() - HEADING) // LINE)
            inside = 0 <= place < len(self.said)
            QToolTip.showText(event.globalPos(), as_tip(label_sentence(self.said[place][1]) if inside else ""), self)
            return True
        return super().event(event)
