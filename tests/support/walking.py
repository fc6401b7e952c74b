"""What a window shows, walked word by word; and which files of a folder are opened meanwhile."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QToolTip, QWidget

IN_OPEN = 0x20
POINTS = 5  # on each side of a widget, on which the mouse rests
ROWS = 40  # of a model that are asked for


@contextmanager
def opened_in(folder: Path) -> Iterator[list[str]]:
    """The names of the files in the folder that anything opens while the block runs, filled at its end."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0
    assert libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_OPEN) >= 0
    found: list[str] = []
    try:
        yield found
    finally:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            data = b""
        os.close(descriptor)
        while data:
            length = struct.unpack_from("iIII", data)[3]
            found.append(data[16 : 16 + length].rstrip(b"\0").decode())
            data = data[16 + length :]


def said(widget: QWidget) -> Iterator[str]:
    """Every text of a widget and of those in it that Qt may take for HTML; the mouse rests on all of them."""
    for part in (widget, *widget.findChildren(QWidget)):
        yield from (part.toolTip(), part.statusTip(), part.whatsThis())
        for action in part.actions():
            yield from (action.toolTip(), action.statusTip(), action.whatsThis())
        if isinstance(part, QLabel):
            part.sizeHint()
            if part.textFormat() is not Qt.TextFormat.PlainText:
                yield part.text()
        elif isinstance(part, QAbstractItemView) and part.model() is not None:
            yield from _cells(part.model())
        yield from _rested(part)


def _cells(model: QAbstractItemModel, parent: QModelIndex | None = None) -> Iterator[str]:
    above = parent or QModelIndex()
    tip = Qt.ItemDataRole.ToolTipRole
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(above)
    for column in range(columns):
        yield str(model.headerData(column, Qt.Orientation.Horizontal, tip) or "")
        for row in range(min(ROWS, model.rowCount(above))):
            index = model.index(row, column, above)
            yield from (str(model.data(index, role) or "") for role in (tip, Qt.ItemDataRole.WhatsThisRole))
            if column == 0 and model.rowCount(index):
                yield from _cells(model, index)


def _rested(widget: QWidget) -> Iterator[str]:
    """What is shown where the mouse rests, at points all over the widget."""
    if not widget.isVisible():
        return
    for place in range(POINTS * POINTS):
        x, y = divmod(place, POINTS)
        point = QPoint((2 * x + 1) * widget.width() // (2 * POINTS), (2 * y + 1) * widget.height() // (2 * POINTS))
        QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, point, widget.mapToGlobal(point)))
        yield QToolTip.text()
    QToolTip.hideText()
