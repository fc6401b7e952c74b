"""What annotators disagree on, side by side, and the ways to settle it."""

import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from telme_gui.charts.listing import UNSURE, Index, set_columns, turn_list
from telme_gui.look.widgets import push_button
from telme_gui.look.words import Words, as_tip
from telme_gui.session.filter import Filter
from telme_gui.session.labels import label_sentence
from telme_gui.session.session import Session
from telme_model.annotations.adjudication import Dispute
from telme_model.annotations.labels import ADJUDICATED, Label, Scope
from telme_model.corpus.dialogue import TurnId

TURN, WORDS = 100, 120  # px of the columns, words at least
CHIP, NARROW = 96, 48  # px of a chip's column: with the whole name, with its first letters


class DisputesView(QWidget):
    """The table, how much of it is settled, and buttons that settle the rest."""

    adjudicate = Signal(object)  # tuple[TurnId, ...]: settle these, in this order

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._agreed: dict[TurnId, str] = {}
        self._scope = Scope.ALL
        self.model = Disputes(session, self)
        self.list = turn_list("Turns on which annotators disagree", self.model, self)
        self.list.clicked.connect(self._go)
        self.list.activated.connect(self._go)
        self.words = Words(parent=self)
        self.words.setObjectName("caption")
        self.settle = push_button("Adjudicate", "Label what is not settled yet in the adjudicated layer, one by one")
        self.settle.clicked.connect(lambda: self.adjudicate.emit(self.model.turns))
        self.take = push_button(
            "Take what all agree on", "Copy what annotators agree on into the adjudicated layer, as one edit"
        )
        self.take.clicked.connect(self.take_agreed)
        self.show_alone = push_button("Show alone", "Show these turns alone in all panels")
        self.show_alone.clicked.connect(self._filter)
        head = QHBoxLayout()
        head.setSpacing(8)
        for button in (self.settle, self.take, self.show_alone):
            head.addWidget(button)
        head.addStretch(1)
        head.addWidget(self.words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        session.current_changed.connect(self._follow)
        session.presented_changed.connect(self.list.viewport().update)

    def show_disputes(
        self, annotators: Sequence[str], disputes: Sequence[Dispute], agreed: dict[TurnId, str], scope: Scope
    ) -> None:
        """List these disputes; `agreed` are the emotions of what all agree on and nobody has settled yet."""
        self._agreed, self._scope = agreed, scope
        if annotators != self.model.annotators:
            self.model.show_disputes(annotators, disputes)
            emotions = range(2, self.model.columnCount())
            set_columns(self.list, (TURN, 0, *(CHIP for _ in emotions)), emotions)
            self._fit()
        else:
            self.model.show_disputes(annotators, disputes)
        settled = sum(of.settled is not None for of in disputes)
        self.words.setText(f"{settled:,} of {len(disputes):,} settled" if disputes else "Nothing to settle")
        self.settle.setEnabled(settled < len(disputes))
        self.show_alone.setEnabled(bool(disputes))
        self.take.setText(f"Take the {len(agreed):,} all agree on" if agreed else "Agreed ones are taken")
        self.take.setEnabled(bool(agreed))
        self._follow()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the words some room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        emotions = range(2, self.model.columnCount())
        room = (self.width() - TURN - WORDS) // len(emotions)
        for column in emotions:
            self.list.setColumnWidth(column, min(CHIP, max(NARROW, room)))

    def take_agreed(self) -> None:
        """Settle all that needs no settling, as one step of the undo stack."""
        now = time.time()
        labels = {turn: Label(emotion=emotion, time=now) for turn, emotion in self._agreed.items()}
        changes = {(ADJUDICATED, self._scope, turn): label for turn, label in labels.items()}
        self._session.labels.edit("take what all agree on", changes)

    def _filter(self) -> None:
        self._session.set_filter(Filter(turns=frozenset(self.model.turns), turns_name="annotators disagree"))

    def _go(self, index: QModelIndex) -> None:
        self._session.select(self.model.turns[index.row()])

    def _follow(self) -> None:
        """Choose the row of the current turn."""
        turn = self._session.current
        row = self.model.row_of(turn.id) if turn else None
        if row is None:
            self.list.clearSelection()
        else:
            self.list.selectRow(row)


class Disputes(QAbstractTableModel):
    """A row a turn: who says what of it, what most say, and what is settled."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._disputes: tuple[Dispute, ...] = ()
        self._rows: dict[TurnId, int] = {}
        self.annotators: tuple[str, ...] = ()

    def show_disputes(self, annotators: Sequence[str], disputes: Sequence[Dispute]) -> None:
        """List these, in this order."""
        self.beginResetModel()
        self.annotators, self._disputes = tuple(annotators), tuple(disputes)
        self._rows = {of.turn: row for row, of in enumerate(disputes)}
        self.endResetModel()

    @property
    def turns(self) -> tuple[TurnId, ...]:
        """The turns row by row."""
        return tuple(self._rows)

    def row_of(self, turn: TurnId) -> int | None:
        """Where a turn is listed."""
        return self._rows.get(turn)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's name and default
        """Disputes."""
        return 0 if parent.isValid() else len(self._disputes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """As the header has."""
        return 0 if parent.isValid() else len(self._header)

    @property
    def _header(self) -> tuple[str, ...]:
        return ("Turn", "Words", *self.annotators, "Most say", "Settled")

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """The names of the columns."""
        if role == Qt.ItemDataRole.DisplayRole and side is Qt.Orientation.Horizontal:
            return self._header[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words; emotions by name; a label in full as tooltip."""
        of, column = self._disputes[index.row()], index.column()
        label = self._label(of, column)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(of, column, label)
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                said = label_sentence(label) if label else self._text(of, column, None)
                return as_tip(said) if role == Qt.ItemDataRole.ToolTipRole else said
            case _ if role == UNSURE:
                return label is not None and label.unsure
            case _:
                return None

    def _label(self, of: Dispute, column: int) -> Label | None:
        place = column - 2
        if 0 <= place < len(self.annotators):
            return of.labels.get(self.annotators[place])
        return of.settled if column == len(self._header) - 1 else None

    def _text(self, of: Dispute, column: int, label: Label | None) -> str:
        turn = self._session.turns[self._session.rows[of.turn]]
        match column:
            case 0:
                return str(of.turn)
            case 1:
                return f"{turn.speaker}: {self._session.words(turn)}"
            case _ if column == len(self._header) - 2:
                return of.suggestion or ""
            case _:
                return (label.emotion or "") if label else ""
