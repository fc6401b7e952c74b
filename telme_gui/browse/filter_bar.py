"""The search field and the switches that together make the session's filter."""

from collections import Counter
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import chips, theme
from telme_gui.look.words import Words, as_tip, literal
from telme_gui.session.filter import Filter
from telme_gui.session.marks import Mark
from telme_gui.session.session import Session
from telme_model.analysis.predictions import LARGE_SHIFT, LOW_MARGIN, Effect, Predictions
from telme_model.corpus.dialogue import Split

HEIGHT = 26  # px of a switch
EFFECTS = {
    Effect.RESCUED: "The teacher is wrong, the fused model is right",
    Effect.HARMED: "The teacher is right, the fused model is wrong",
    Effect.CONFLICT: "Teacher and students do not say the same emotion",
    Effect.LOW_MARGIN: f"The fused model's two most probable emotions lie less than {LOW_MARGIN} apart",
    Effect.LARGE_SHIFT: f"The shift ‖λH‖ reaches {LARGE_SHIFT:.0%} or more of its limit (equations 18 and 19)",
}

MARKS = {
    Mark.MISSING: "You have not labelled the turn",
    Mark.DIFFERENT: "Your label is not the corpus' gold",
    Mark.DISPUTED: "Two annotators differ, or one is unsure",
    Mark.FLAGGED: "You flagged the turn or wrote a comment",
}


class Pill(QAbstractButton):
    """A switch with a name and, where it is known, a count; with an emotion it shows the emotion's glyph alone."""

    def __init__(
        self, text: str, tip: str, *, emotion: str | None = None, checkable: bool = True, counts: bool = False
    ) -> None:
        super().__init__()
        self.count: int | None = None
        self._counts = counts  # leave room for a count
        self._emotion = emotion
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(as_tip(tip))
        self.setCheckable(checkable)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_count(self, count: int | None) -> None:
        """Show how many turns the switch stands for; None shows nothing."""
        self.count = count
        self.setAccessibleDescription("" if count is None else f"{count:,} turns")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's
        width = HEIGHT if self._emotion else self.fontMetrics().horizontalAdvance(self.text()) + 2 * theme.RHYTHM
        return QSize(width, HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's
        return QSize(HEIGHT, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, D102, N802 - Qt's
        palette = theme.active_palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on, near = self.isChecked(), self.underMouse() and self.isEnabled()
        edge = palette.accent if on or self.hasFocus() else palette.line
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(palette.selected if on else palette.raised if near else palette.surface))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        if self._emotion:
            side = 12
            chips.paint_glyph(
                painter, QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side), self._emotion
            )
            return
        self._write(painter, palette.text if on else palette.muted)

    def _write(self, painter: QPainter, ink: str) -> None:
        painter.setFont(theme.font(theme.CAPTION, tabular=True))
        room = self.rect().adjusted(theme.RHYTHM, 0, -theme.RHYTHM, 0)
        painter.setPen(QColor(ink))
        if self.count is not None:
            number = f"{self.count:,}"
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
            room.setRight(room.right() - painter.fontMetrics().horizontalAdvance(number) - 4)
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        side = Qt.AlignmentFlag.AlignLeft if self._counts else Qt.AlignmentFlag.AlignHCenter
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | side, text)


class FoldButton(QAbstractButton):
    """Three sliders: shows or hides the switches; a dot tells that some are set."""

    def __init__(self) -> None:
        super().__init__()
        self.dotted = False
        self.setCheckable(True)
        self.setChecked(True)
        self.setFixedSize(30, 30)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Filters")
        self.setToolTip("Show or hide the filters")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, D102, N802 - Qt's
        palette = theme.active_palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(palette.accent if self.hasFocus() else palette.line), 1))
        painter.setBrush(QColor(palette.raised if self.underMouse() or self.isChecked() else palette.surface))
        painter.drawRoundedRect(QRectF(0.5, 0.5, 29, 29), theme.RADIUS, theme.RADIUS)
        painter.setPen(QPen(QColor(palette.muted), 1.4))
        painter.setBrush(QColor(palette.surface))
        for y, knob in ((10, 18), (15, 12), (20, 16)):
            painter.drawLine(QPointF(8, y), QPointF(22, y))
            painter.drawEllipse(QPointF(knob, y), 1.8, 1.8)
        if self.dotted:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(palette.accent))
            painter.drawEllipse(QPointF(24.5, 5.5), 3, 3)


class SpeakerMenu(QFrame):
    """A searchable list of speakers with a tick each, the most talkative first."""

    chosen = Signal(frozenset)  # names

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._model = QStandardItemModel(self)
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(self._model)
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._field = QLineEdit(placeholderText="Find a speaker")
        self._field.setAccessibleName("Find a speaker")
        self._field.textChanged.connect(self._found.setFilterFixedString)
        self._field.installEventFilter(self)
        self._list = QListView(uniformItemSizes=True)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.setAccessibleName("Speakers")
        self._list.setModel(self._found)
        self._list.clicked.connect(lambda index: self._toggle(index.row()))
        self._list.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.RHYTHM, theme.RHYTHM, theme.RHYTHM, theme.RHYTHM)
        layout.setSpacing(theme.RHYTHM)
        layout.addWidget(self._field)
        layout.addWidget(self._list)

    def set_speakers(self, turns: Counter[str]) -> None:
        """List these speakers, who have so many turns each."""
        self._model.clear()
        for speaker, count in turns.most_common():
            item = QStandardItem(f"{speaker}  ·  {count:,}")
            item.setData(speaker)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self._model.appendRow(item)

    def tick(self, speakers: frozenset[str]) -> None:
        """Tick exactly these."""
        for row in range(self._model.rowCount()):
            item = self._model.item(row)
            item.setCheckState(Qt.CheckState.Checked if item.data() in speakers else Qt.CheckState.Unchecked)

    def open_below(self, button: QWidget) -> None:
        """Show the menu under a button, ready to type."""
        self._field.clear()
        self._list.scrollToTop()
        self.resize(max(button.width(), 220), 300)
        self.move(button.mapToGlobal(QPoint(0, button.height() + 2)))
        self.show()
        self._field.setFocus()

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: D102, N802 - Qt's
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if watched is self._field and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._list.setFocus()
                self._list.setCurrentIndex(self._found.index(0, 0))
                return True
            if watched is self._list and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._toggle(self._list.currentIndex().row())
                return True
        return super().eventFilter(watched, event)

    def _toggle(self, row: int) -> None:
        item = self._model.itemFromIndex(self._found.mapToSource(self._found.index(row, 0)))
        if item is not None:
            on = item.checkState() is Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)
            items = (self._model.item(place) for place in range(self._model.rowCount()))
            self.chosen.emit(frozenset(item.data() for item in items if item.checkState() is Qt.CheckState.Checked))


class FilterBar(QWidget):
    """Search, switches and the number of turns they find; shows the session's filter whoever set it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.field = QLineEdit(clearButtonEnabled=True)
        self.field.textChanged.connect(lambda text: self._set(text=text))
        self.fold = FoldButton()
        self.effects = {effect: Pill(effect.value, tip, counts=True) for effect, tip in EFFECTS.items()}
        self.problem = Pill(
            "media problem", "The turn's clip is missing, damaged or lacks picture or sound", counts=True
        )
        self.marks = {mark: Pill(mark.value, tip, counts=True) for mark, tip in MARKS.items()}
        self.emotions: dict[str, Pill] = {}
        self.splits = {split: Pill(split.value, f"Turns of the {split} split") for split in Split}
        self.speaker = Pill("any speaker", "Turns of these speakers", checkable=False)
        self.given = Pill("", "Chosen elsewhere; click to show all turns again", checkable=False)
        self.clear = Pill("clear", "Show all turns again", checkable=False)
        keep = QSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        keep.setRetainSizeWhenHidden(True)  # so that a filter moves nothing
        self.clear.setSizePolicy(keep)
        self.found = Words()
        self._menu = SpeakerMenu(self)
        self._lay_out()
        self._follow_clicks()
        session.corpus_changed.connect(self._show_corpus)
        session.predictions_changed.connect(self._count_effects)
        session.theta_changed.connect(self._count_effects)
        session.labels_changed.connect(self._count_marks)
        session.media_problems_changed.connect(self._count_problems)
        session.filter_changed.connect(self._show_filter)
        session.presented_changed.connect(self._name_search)
        self._name_search()
        self._show_corpus()

    # -- layout ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        top = _row(self.field, self.fold, gap=theme.RHYTHM)
        effects = QGridLayout()
        effects.setSpacing(4)
        for place, pill in enumerate([*self.effects.values(), self.problem]):
            effects.addWidget(pill, place // 2, place % 2)
        self._annotated = QWidget()
        marks = QGridLayout(self._annotated)
        marks.setContentsMargins(0, 0, 0, 0)
        marks.setSpacing(4)
        for place, pill in enumerate(self.marks.values()):
            marks.addWidget(pill, place // 2, place % 2)
        self._glyphs = _row()
        self._switches = QWidget()
        inside = QVBoxLayout(self._switches)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(theme.RHYTHM)
        inside.addLayout(effects)
        inside.addWidget(self._annotated)
        inside.addLayout(self._glyphs)
        inside.addLayout(_row(self.speaker, *self.splits.values()))
        self.fold.toggled.connect(self._switches.setVisible)
        result = _row(self.found, gap=theme.RHYTHM)
        result.addStretch(1)
        result.addWidget(self.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.RHYTHM, theme.RHYTHM, theme.RHYTHM, 4)
        layout.setSpacing(theme.RHYTHM)
        layout.addLayout(top)
        layout.addWidget(self._switches)
        layout.addWidget(self.given)
        layout.addLayout(result)
        self.found.setFont(theme.font(theme.CAPTION, tabular=True))
        self.found.setMinimumHeight(HEIGHT)

    def _follow_clicks(self) -> None:
        for pill in (*self.effects.values(), *self.marks.values(), *self.splits.values(), self.problem):
            pill.clicked.connect(self._take_switches)
        self.speaker.clicked.connect(lambda: self._menu.open_below(self.speaker))
        self._menu.chosen.connect(lambda speakers: self._set(speakers=speakers))
        self.given.clicked.connect(lambda: self._set(turns=None, turns_name=""))
        self.clear.clicked.connect(lambda: self._session.set_filter(Filter()))

    # -- what is set ----------------------------------------------------------------------------------------------

    def _take_switches(self) -> None:
        self._set(
            effects=_on(self.effects),
            marks=_on(self.marks),
            emotions=_on(self.emotions),
            splits=_on(self.splits),
            media_problem=self.problem.isChecked(),
        )

    def _set(self, **changes: Any) -> None:
        changed = replace(self._session.filter, **changes)
        if changed != self._session.filter:
            self._session.set_filter(changed)

    # -- what is shown --------------------------------------------------------------------------------------------

    def _show_corpus(self) -> None:
        session = self._session
        for pill in self.emotions.values():
            self._glyphs.removeWidget(pill)
            pill.deleteLater()
        labels = session.corpus.labels.labels if session.corpus else ()
        self.emotions = {label: Pill(label, f"Turns whose gold label is {label}", emotion=label) for label in labels}
        for pill in self.emotions.values():
            self._glyphs.addWidget(pill)
            pill.clicked.connect(self._take_switches)
        splits = session.corpus.splits() if session.corpus else ()
        for split, pill in self.splits.items():
            pill.setVisible(len(splits) > 1 and split in splits)
        self._menu.set_speakers(Counter(turn.speaker for turn in session.turns))
        self.setEnabled(session.corpus is not None)
        self._switches.setVisible(session.corpus is not None and self.fold.isChecked())
        self.found.setVisible(session.corpus is not None)
        self._count_problems()
        self._count_effects()
        self._count_marks()
        self._show_filter()

    def _count_effects(self) -> None:
        predictions = self._session.predictions
        for effect, pill in self.effects.items():
            lacks = _lacking(effect, predictions)
            pill.setEnabled(not lacks)
            pill.set_count(int(predictions.effects[effect].sum()) if predictions and not lacks else None)
            pill.setToolTip(as_tip(f"{EFFECTS[effect]}. {lacks}" if lacks else EFFECTS[effect]))

    def _count_marks(self) -> None:
        self._annotated.setVisible(self._session.labels.in_use)
        if self._session.labels.in_use:
            for mark, pill in self.marks.items():
                pill.set_count(int(self._session.mark_mask(frozenset({mark})).sum()))

    def _count_problems(self) -> None:
        self.problem.set_count(len(self._session.media_problems))

    def _name_search(self) -> None:
        """Words that are hidden are not searched."""
        told = self._session.tells_words
        self.field.setPlaceholderText("Search text, speaker" if told else "Search speaker")
        self.field.setAccessibleName("Search text and speakers" if told else "Search speakers")
        self.field.setToolTip(as_tip(f"Turns whose {'words or speaker contain' if told else 'speaker contains'} this"))

    def _show_filter(self) -> None:
        session, shown = self._session, self._session.filter
        if self.field.text() != shown.text:
            self.field.setText(shown.text)
        for on, pills in (
            (shown.effects, self.effects),
            (shown.marks, self.marks),
            (shown.emotions, self.emotions),
            (shown.splits, self.splits),
        ):
            for key, pill in pills.items():
                pill.setChecked(key in on)
        self.problem.setChecked(shown.media_problem)
        self._menu.tick(shown.speakers)
        self.speaker.setText(literal(_speakers(shown.speakers)))
        self.given.setVisible(shown.turns is not None)
        self.given.setText(literal(f"{shown.turns_name or 'chosen turns'}  ×"))
        self.given.setAccessibleName(f"Show more than {shown.turns_name or 'the chosen turns'}")
        number, found = len(session.turns), int(session.visible.sum())
        self.found.setText(f"{number:,} turns" if shown == Filter() else f"{found:,} of {number:,} turns")
        self.clear.setVisible(shown != Filter())
        self.fold.dotted = shown != Filter(text=shown.text)
        self.fold.update()


def _lacking(effect: Effect, predictions: Predictions | None) -> str:
    """Why no turn can show the effect, in a sentence; "" where one can."""
    if predictions is None:
        return "No run is open: open one or train."
    if effect is Effect.CONFLICT and not predictions.models.students:
        return "This run has no students."
    if effect is Effect.LARGE_SHIFT and not predictions.models.shifts:
        return "This run's fusion shifts nothing."
    return ""


def _on(pills: dict[Any, Pill]) -> frozenset[Any]:
    return frozenset(key for key, pill in pills.items() if pill.isChecked())


def _speakers(names: frozenset[str]) -> str:
    if not names:
        return "any speaker ▾"
    return f"{next(iter(names))} ▾" if len(names) == 1 else f"{len(names)} speakers ▾"


def _row(*widgets: QWidget, gap: int = 4) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(gap)
    for widget in widgets:
        row.addWidget(widget)
    return row
