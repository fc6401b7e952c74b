"""The turns of the current dialogue as Qt's model: what each cell shows and says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import isnan
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from telme_gui.look.words import as_tip
from telme_gui.look.wrapping import one_line
from telme_gui.session.labels import Touched, label_sentence
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED, STANDARD, Models
from telme_model.analysis.predictions import Predictions
from telme_model.annotations.labels import Label
from telme_model.corpus.dialogue import Turn

ROW = Qt.ItemDataRole.UserRole  # the `Row` of a turn
Index = QModelIndex | QPersistentModelIndex


class TurnColumn(IntEnum):
    """From left to right; the run's models and the shift follow (`TurnModel.models`, `.shift`)."""

    NUMBER = 0
    SPEAKER = 1
    TEXT = 2
    GOLD = 3
    LABEL = 4


FIRST_MODEL = len(TurnColumn)
HEADERS = {
    TurnColumn.NUMBER: ("#", "Place of the turn in its dialogue"),
    TurnColumn.SPEAKER: ("Speaker", "Who speaks"),
    TurnColumn.TEXT: ("Words", "What is said"),
    TurnColumn.GOLD: ("Gold", "The corpus' label"),
    TurnColumn.LABEL: ("Label", "What the chosen annotator says; marked where it is not gold"),
}
SHIFT = "How far the fusion moved the turn: ‖λH‖ of its limit θ‖{lead}‖ (equations 18 and 19)"


def headers(models: Models) -> list[tuple[str, str]]:
    """Name and meaning of every column, from left to right."""
    said = "What the {} says; marked where it is not gold"
    titles = ("fused model" if model.key == FUSED else model.title for model in models)
    names = (model.short.capitalize() for model in models)
    return [
        *HEADERS.values(),
        *zip(names, map(said.format, titles), strict=True),
        ("Shift", SHIFT.format(lead=models.lead)),
    ]


def initials(names: Sequence[str]) -> list[str]:
    """Each name's first letter, or as many as tell it from the others."""

    def shorten(name: str) -> str:
        starts = (name[:length] for length in range(1, len(name)))
        return next((start for start in starts if sum(other.startswith(start) for other in names) == 1), name)

    return [shorten(name) for name in names]


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn as the table shows it."""

    turn: Turn
    words: str
    said: tuple[str | None, ...]  # gold, the annotator, then the run's models; None where there is nothing
    label: Label | None  # the annotator's
    sure: tuple[float, ...]  # probability of what each model said; NaN where it said nothing
    shift: float  # of its limit, 0 to 1; NaN where there is none
    shift_text: str
    found: bool
    problem: str | None
    awaited: bool  # not predicted, but a run is at it


class TurnModel(QAbstractTableModel):
    """The turns of the session's current dialogue."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._dialogue = session.dialogue
        self.models = _models(session)
        self._headers = headers(self.models)
        self._rows = self._read()
        self._initials = False
        session.corpus_changed.connect(self._reset)
        session.current_changed.connect(self._follow)
        for changed in (
            session.predictions_changed,
            session.theta_changed,
            session.filter_changed,
            session.media_problems_changed,
            session.predicting_changed,
            session.labels_changed,
            session.presented_changed,
        ):
            changed.connect(self._refresh)

    @property
    def shift(self) -> int:
        """The last column: how far the fusion moved a turn."""
        return FIRST_MODEL + len(self.models)

    @property
    def chips(self) -> range:
        """The columns of emotions."""
        return range(TurnColumn.GOLD, self.shift)

    @property
    def model_chips(self) -> range:
        """Those of the run's models, in their order."""
        return range(FIRST_MODEL, self.shift)

    def place(self, turn: Turn) -> int:
        """Row of a turn of the current dialogue."""
        return next(place for place, row in enumerate(self._rows) if row.turn is turn)

    def turn(self, place: int) -> Turn:
        """The turn in a row."""
        return self._rows[place].turn

    def head_with_initials(self, on: bool) -> None:
        """Shorten the headings of the chips to one letter, or give them back their names."""
        if on != self._initials:
            self._initials = on
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, TurnColumn.GOLD, self.shift - 1)

    def _follow(self) -> None:
        if self._session.dialogue is not self._dialogue:
            self._reset()

    def _reset(self) -> None:
        self.beginResetModel()
        self._dialogue = self._session.dialogue
        self.models = _models(self._session)
        self._headers = headers(self.models)
        self._rows = self._read()
        self.endResetModel()

    def _refresh(self, touched: Touched = None) -> None:
        """What these turns show is another (None: what all do)."""
        if _models(self._session) != self.models:
            self._reset()
        elif self._dialogue is not None and self._dialogue is self._session.dialogue:
            turns = self._dialogue.turns
            places = [place for place, turn in enumerate(turns) if touched is None or turn.id in touched]
            for place in places:
                self._rows[place] = self._row(turns[place], self._session.predictions)
            if places:
                self.dataChanged.emit(self.index(places[0], 0), self.index(places[-1], self.shift))

    def _read(self) -> list[TurnRow]:
        session = self._session
        return [self._row(turn, session.predictions) for turn in session.dialogue.turns] if session.dialogue else []

    def _row(self, turn: Turn, predictions: Predictions | None) -> TurnRow:
        session = self._session
        label = session.labels.mine(turn.id)
        said: list[str | None] = [session.gold(turn), label.emotion if label else None, *[None] * len(self.models)]
        sure = [float("nan")] * len(said)
        shift, shift_text = float("nan"), ""
        place = session.prediction_row(turn)
        if predictions is not None and place is not None:
            for column, model in enumerate(self.models.keys, start=2):
                best = int(predictions.predicted[model][place])
                if best >= 0:
                    said[column] = predictions.labels[best]
                    sure[column] = float(predictions.probabilities[model][place, best])
            limit, length = float(predictions.limit[place]), float(predictions.shift[place])
            if limit > 0:
                shift = length / limit
                shift_text = f"‖λH‖ = {length:.3g}, {shift:.0%} of its limit θ‖{self.models.lead}‖ = {limit:.3g}"
        return TurnRow(
            turn=turn,
            words=session.words(turn),
            said=tuple(said),
            label=label,
            sure=tuple(sure),
            shift=shift,
            shift_text=shift_text,
            found=bool(session.visible[session.rows[turn.id]]),
            problem=session.media_problems.get(turn.id),
            awaited=place is None and session.predicting is not None and not session.hides(turn),
        )

    # -- Qt's view of it ------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102, N802 - Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102, N802 - Qt's
        return 0 if parent.isValid() else self.shift + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102, N802 - Qt's
        if orientation is Qt.Orientation.Vertical:
            return None
        name, tip = self._headers[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._initial(section) if self._initials and section in self.chips else name
            case Qt.ItemDataRole.ToolTipRole:
                return f"{name}: {tip[0].lower()}{tip[1:]}" if section in self.chips else tip
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if section == TurnColumn.NUMBER else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102 - Qt's
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._shown(row, column, index.row())
            case Qt.ItemDataRole.UserRole:
                return row
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                said = self._sentence(row, column) or self._shown(row, column, index.row())
                return as_tip(said) if role == Qt.ItemDataRole.ToolTipRole else said
        return None

    def _shown(self, row: TurnRow, column: int, place: int) -> str:
        """The words of a cell."""
        match column:
            case TurnColumn.NUMBER:
                return str(place + 1)
            case TurnColumn.SPEAKER:
                return one_line(row.turn.speaker)
            case TurnColumn.TEXT:
                return one_line(row.words)
            case self.shift:
                return "" if isnan(row.shift) else f"{row.shift:.0%}"
        return row.said[column - TurnColumn.GOLD] or ""

    def _sentence(self, row: TurnRow, column: int) -> str:
        """What a cell means, for a tooltip and a screen reader; empty where its words say all."""
        match column:
            case TurnColumn.GOLD:
                return f"Gold: {row.said[0]}" if row.said[0] else "No gold label to show"
            case TurnColumn.LABEL:
                return label_sentence(row.label)
            case TurnColumn.TEXT:
                return f"{row.words}\n{row.problem}" if row.problem else ""
            case self.shift:
                return row.shift_text
        return self._said(row, column) if column in self.model_chips else ""

    def _said(self, row: TurnRow, column: int) -> str:
        """What a model says, in words."""
        name, said, gold = self._headers[column][0], row.said[column - TurnColumn.GOLD], row.said[0]
        if said is None:
            return f"{name}: {'being predicted' if row.awaited else 'not predicted'}"
        agrees = "" if gold is None else ", as gold" if said == gold else f", but gold is {gold}"
        return f"{name}: {said}, {row.sure[column - TurnColumn.GOLD]:.0%}{agrees}"

    def _initial(self, column: int) -> str:
        """The heading of a chip in short."""
        return initials([name for name, _ in self._headers[TurnColumn.GOLD : self.shift]])[column - TurnColumn.GOLD]


def _models(session: Session) -> Models:
    return session.predictions.models if session.predictions is not None else STANDARD
