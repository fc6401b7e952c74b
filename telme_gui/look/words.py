"""Words on the screen as they stand: Qt takes what looks like HTML for HTML, and opens the files that it names."""

import html
from typing import Any

from PySide6 import QtGui
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget

from telme_gui.look.wrapping import breakable

_LONG = 120  # characters of a tooltip's line, from which it is wrapped


class Words(QLabel):
    """A label whose text is text."""

    def __init__(self, text: str = "", parent: QWidget | None = None, **properties: Any) -> None:
        super().__init__(parent, textFormat=Qt.TextFormat.PlainText, **properties)
        self.setText(text)


class Marked(QLabel):
    """A label of words in several inks: it is given what `marked` makes."""

    def __init__(self, parent: QWidget | None = None, **properties: Any) -> None:
        super().__init__(parent, textFormat=Qt.TextFormat.RichText, **properties)


def marked(template: str, *words: object) -> str:
    """Rich text: the words, as they stand, in the places `{}` of a template in HTML."""
    return template.format(*(html.escape(str(part)) for part in words))


def as_tip(text: str) -> str:
    """What a tooltip is given: plain words; as rich text where they are to be wrapped, or could be taken for it."""
    text = text.replace("\0", "\ufffd")
    if QtGui.Qt.mightBeRichText(text) or max(map(len, text.split("\n"))) > _LONG:
        return "<p>{}</p>".format(html.escape(breakable(text)).replace("\n", "<br>"))
    return text


def literal(text: str) -> str:
    """For a button, a tick box or a menu, to which a single & says which letter is its key."""
    return text.replace("&", "&&")


def question(title: str, asked: str, more: str, parent: QWidget | None = None) -> QMessageBox:
    """A box that asks something, without buttons so far; `more` stands below in smaller type."""
    box = QMessageBox(parent, icon=QMessageBox.Icon.Question, textFormat=Qt.TextFormat.PlainText)
    box.setWindowTitle(title)
    box.setText(asked)
    box.setInformativeText(" ")  # which makes the label of which Qt itself sets no format
    for label in box.findChildren(QLabel, "qt_msgbox_informativelabel"):
        label.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(more)
    return box
