"""The current dialogue turn by turn: what was said, what was meant, and what each model took it for."""

from math import isnan

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from telme_gui.browse.turn_model import ROW, Index, TurnColumn, TurnModel, TurnRow
from telme_gui.look import chips, theme
from telme_gui.look.wrapping import one_line
from telme_gui.session.session import Session
from telme_model.annotations.labels import Label

HEIGHT = 28  # px of a row
DIMMED = 0.4  # opacity of a turn that the filter did not find
CHIP_WIDE, CHIP, CHIP_NARROW = 92, 62, 34  # px of a column: a name, three letters, a glyph
WIDE, NARROW, TIGHT = 980, 560, 420  # px: whole names on chips; glyphs alone below; no number, no shift below


class TurnTable(QWidget):
    """A row a turn; the current one is lit, kept in sight, and chosen by mouse or arrow keys."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = TurnView(session)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view)


class TurnView(QTreeView):
    """A tree view without a tree: it lights and underlines whole rows, which a table view does cell by cell."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._model = TurnModel(session, self)
        self._painted = ""
        self._hovered = -1  # row
        self.setModel(self._model)
        self.setItemDelegate(TurnDelegate(session, self._model, self))
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setItemsExpandable(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setAccessibleName("Turns of the dialogue")
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(24)
        header.setFixedHeight(HEIGHT)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(TurnColumn.TEXT, QHeaderView.ResizeMode.Stretch)
        self.entered.connect(self._hover)
        session.corpus_changed.connect(self._show_corpus)
        self._model.modelReset.connect(self._light)  # it forgets which turn was lit
        session.current_changed.connect(self._light)
        session.predictions_changed.connect(self._fold)
        session.labels_changed.connect(self._fold)
        self._paint_theme()
        self._show_corpus()

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: D102, N802 - Qt's
        super().currentChanged(current, previous)
        if current.isValid():
            self._session.select(self._model.turn(current.row()).id)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's
        marked = self.currentIndex()
        seen = marked.isValid() and self.visualRect(marked).intersects(QRect(QPoint(), event.oldSize()))
        self._fold()
        super().resizeEvent(event)
        if seen:
            self.scrollTo(marked)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: D102, N802 - Qt's
        self._hovered = -1
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: D102, N802 - Qt's
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._paint_theme()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's
        super().paintEvent(event)
        if self._model.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.active_palette().muted))
            painter.setFont(theme.font())
            text = "No corpus is open: its dialogues' turns appear here."
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, text)

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: D102, N802 - Qt's
        palette = theme.active_palette()
        box = QRect(0, option.rect.y(), self.viewport().width(), option.rect.height())
        current = self._model.turn(index.row()) is self._session.current
        if current or index.row() == self._hovered:
            painter.fillRect(box, QColor(palette.selected if current else palette.raised))
        painter.fillRect(box.x(), box.bottom(), box.width(), 1, QColor(palette.line))
        if current:
            painter.fillRect(
                box.x(), box.y(), 3, box.height(), QColor(palette.accent if self.hasFocus() else palette.muted)
            )
        super().drawRow(painter, option, index)

    def _hover(self, index: QModelIndex) -> None:
        self._hovered = index.row()
        self.viewport().update()

    def _show_corpus(self) -> None:
        self._fold()
        self._light()

    def _light(self) -> None:
        """Make the session's turn the view's, and bring it into sight."""
        turn = self._session.current
        if turn is not None:
            index = self._model.index(self._model.place(turn), 0)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def _fold(self) -> None:
        """Give the columns the room there is: names become three letters, then glyphs; then number and shift go."""
        width = self.viewport().width()
        metrics = self.fontMetrics()
        turns = self._session.dialogue.turns if self._session.dialogue else ()
        speakers = {one_line(turn.speaker) for turn in turns}
        widest = max((metrics.horizontalAdvance(name) for name in speakers), default=0)
        room = 104 if width >= WIDE else 84 if width >= NARROW else 64
        chip = CHIP_WIDE if width >= WIDE else CHIP if width >= NARROW else CHIP_NARROW
        self.setColumnWidth(TurnColumn.NUMBER, 36)
        self.setColumnWidth(TurnColumn.SPEAKER, max(56, min(room, widest + 20)))
        for column in self._model.chips:
            self.setColumnWidth(column, chip)
            self.setColumnHidden(column, False)
        shift, predictions = self._model.shift, self._session.predictions
        self.setColumnWidth(shift, 88 if width >= WIDE else 64)
        for column in self._model.model_chips:
            self.setColumnHidden(column, predictions is None)
        self.setColumnHidden(TurnColumn.LABEL, not self._session.labels.in_use)
        self._model.head_with_initials(width < NARROW)
        self.setColumnHidden(TurnColumn.NUMBER, width < TIGHT)
        shifts = predictions is not None and predictions.models.shifts
        self.setColumnHidden(shift, width < TIGHT or not shifts)

    def _paint_theme(self) -> None:
        """Dress the view; a sheet that is in force already is left, for setting one is itself a change of palette."""
        palette = theme.active_palette()
        sheet = (
            f"QTreeView {{ background: {palette.surface}; border: none; outline: 0;"
            f" selection-background-color: transparent; font-size: {theme.BODY}px; }}"
            "QTreeView::item, QTreeView::item:selected, QTreeView::branch { background: transparent; }"
            f"QHeaderView {{ background: {palette.surface}; border: none; }}"
            f"QHeaderView::section {{ background: {palette.surface}; color: {palette.muted}; border: none;"
            f" border-bottom: 1px solid {palette.line}; padding: 0 6px; font-size: {theme.CAPTION}px; }}"
        )
        if sheet != self._painted:
            self._painted = sheet
            self.setStyleSheet(sheet)


class TurnDelegate(QStyledItemDelegate):
    """Paints a cell: words, an emotion chip or the shift's bar."""

    def __init__(self, session: Session, model: TurnModel, view: QTreeView) -> None:
        super().__init__(view)
        self._session, self._model = session, model
        self._body, self._name = theme.font(), theme.font(bold=True)
        self._number = theme.font(theme.CAPTION, tabular=True)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, D102, N802 - Qt's
        return QSize(24, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: D102 - Qt's
        row: TurnRow = index.data(ROW)
        column = index.column()
        box = option.rect.adjusted(6, 0, -6, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1 if row.found or row.turn is self._session.current else DIMMED)
        if column in self._model.chips:
            self._paint_chip(painter, box.adjusted(-4, 0, 4, 0), row, column)
        elif column == self._model.shift:
            self._paint_shift(painter, box, row)
        else:
            self._paint_words(painter, box, row, index)
        painter.restore()

    def _paint_words(self, painter: QPainter, box: QRect, row: TurnRow, index: Index) -> None:
        palette, column = theme.active_palette(), index.column()
        if column == TurnColumn.TEXT and row.problem:
            _paint_warning(painter, QRectF(box.right() - 13, box.center().y() - 6, 13, 12))
            box.setRight(box.right() - 20)
        number = column == TurnColumn.NUMBER
        painter.setFont(self._number if number else self._name if column == TurnColumn.SPEAKER else self._body)
        painter.setPen(QColor(palette.muted if number else palette.text))
        text = painter.fontMetrics().elidedText(index.data(), Qt.TextElideMode.ElideRight, box.width())
        side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_chip(self, painter: QPainter, box: QRect, row: TurnRow, column: int) -> None:
        said, gold = row.said[column - TurnColumn.GOLD], row.said[0]
        if said is None and row.awaited and column in self._model.model_chips:  # a pale chip where one will be
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.active_palette().raised))
            painter.drawRoundedRect(box.adjusted(4, 5, -4, -5), 4, 4)
        elif said is None:
            painter.setPen(QColor(theme.active_palette().muted))
            painter.drawText(box.adjusted(chips.PAD, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, "·")
        else:
            agrees = column in self._model.model_chips and said == gold
            chips.paint_chip(painter, box, said, faded=agrees, letter_only=box.width() < CHIP_WIDE - 8)
        if column == TurnColumn.LABEL and row.label is not None:
            _paint_marks(painter, box, row.label)

    def _paint_shift(self, painter: QPainter, box: QRect, row: TurnRow) -> None:
        if isnan(row.shift):
            return
        palette = theme.active_palette()
        track = QRectF(box.x(), box.center().y() - 2, box.width(), 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.line))
        painter.drawRoundedRect(track, 2.5, 2.5)
        track.setWidth(max(5.0, track.width() * min(row.shift, 1.0)))
        painter.setBrush(QColor(palette.accent))
        painter.drawRoundedRect(track, 2.5, 2.5)


def _paint_marks(painter: QPainter, box: QRect, label: Label) -> None:
    """What goes with a label, at its right: a query for unsure, a flag, a dot for a comment."""
    marks = "".join(mark for mark, on in (("?", label.unsure), ("⚑", label.flag), ("•", bool(label.comment))) if on)
    painter.setFont(theme.font(theme.CAPTION, bold=True))
    painter.setPen(QColor(theme.active_palette().accent))
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, marks)


def _paint_warning(painter: QPainter, box: QRectF) -> None:
    """A triangle with an exclamation mark."""
    ink = QColor(theme.active_palette().bad)
    painter.setPen(QPen(ink, 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    middle = box.center().x()
    painter.drawPolygon(QPolygonF([QPointF(middle, box.top()), box.bottomRight(), box.bottomLeft()]))
    painter.drawLine(QPointF(middle, box.top() + 4.5), QPointF(middle, box.top() + 7.5))
    painter.drawPoint(QPointF(middle, box.top() + 9.7))
