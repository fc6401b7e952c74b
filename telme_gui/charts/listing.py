"""A list of turns with emotions in it: how it looks, and an emotion as its chip."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from telme_gui.look import chips, theme

Index = QModelIndex | QPersistentModelIndex
ROW = 26  # px
UNSURE = Qt.ItemDataRole.UserRole  # whether a question mark goes with the emotion


class Chips(QStyledItemDelegate):
    """Paints an emotion as its chip."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Ground as the style has it, then the chip."""
        box: QRect = option.rect
        emotion = index.data()
        option.text = ""
        super().paint(painter, option, index.sibling(-1, -1))
        room = box.adjusted(4, 0, -4, 0)
        if emotion:
            chips.paint_chip(painter, room.adjusted(0, 0, -12, 0), emotion)
        if index.data(UNSURE):
            painter.setPen(QColor(theme.active_palette().muted))
            painter.setFont(theme.font(bold=True))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, "?")

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """The chip's."""
        return chips.chip_size(index.data() or "neutral", option.fontMetrics)


def turn_list(name: str, model: QAbstractItemModel, parent: QWidget) -> QTableView:
    """A table whose rows are turns, one of which is chosen."""
    view = QTableView(parent)
    view.setAccessibleName(name)
    view.setModel(model)
    view.setShowGrid(False)
    view.setFrameShape(QTableView.Shape.NoFrame)
    view.setFont(theme.font(theme.CAPTION))
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(ROW)
    view.horizontalHeader().setHighlightSections(False)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return view


def set_columns(view: QTableView, widths: Sequence[int], emotions: Collection[int]) -> None:
    """Give columns their widths in px, 0 what is left over; those of `emotions` show chips."""
    for column, width in enumerate(widths):
        view.setItemDelegateForColumn(column, Chips(view) if column in emotions else QStyledItemDelegate(view))
        if width:
            view.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            view.setColumnWidth(column, width)
        else:
            view.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
