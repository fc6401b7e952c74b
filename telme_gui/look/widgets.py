"""The small parts that every panel is made of: buttons, captions, hairlines, rows, and banners over the panels."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.words import Words, as_tip


def push_button(text: str, tip: str, *, primary: bool = False) -> QPushButton:
    """A button that says to everybody what it does."""
    made = QPushButton(text)
    made.setToolTip(as_tip(tip))
    made.setAccessibleName(text.removesuffix("…"))
    made.setObjectName("primary" if primary else "")
    return made


def caption(text: str = "", *, wraps: bool = True) -> QLabel:
    """A remark or a heading in small, muted type."""
    label = Words(text)
    label.setObjectName("caption")
    label.setWordWrap(wraps)
    return label


def hairline(*, upright: bool = False) -> QFrame:
    """What stands between two parts."""
    line = QFrame()
    line.setObjectName("hairline")
    if upright:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line


def row(*widgets: QWidget | None) -> QHBoxLayout:
    """Widgets side by side; None is what room is left."""
    line = QHBoxLayout()
    line.setSpacing(theme.RHYTHM)
    for widget in widgets:
        if widget is None:
            line.addStretch(1)
        else:
            line.addWidget(widget)
    return line


class Banner(QFrame):
    """A title and sentences over or in a panel, with what can be done about it beside or under them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.title = Words()
        self.title.setStyleSheet("font-weight: 600")
        self._words = QVBoxLayout()
        self._words.setSpacing(2)
        self.sentence = Words()
        for label in (self.title, self.sentence):
            self.add_line(label)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(2 * theme.RHYTHM, theme.RHYTHM, theme.RHYTHM, theme.RHYTHM)
        self._row.setSpacing(theme.RHYTHM)
        self._row.addLayout(self._words, 1)
        self.hide()

    def add_line(self, label: QLabel) -> None:
        """One more sentence under the others; a person can copy it."""
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._words.addWidget(label)

    def add_beside(self, widget: QWidget, where: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter) -> None:
        """What can be done, at the right."""
        self._row.addWidget(widget, 0, where)

    def add_under(self, layout: QLayout) -> None:
        """What can be done, under the words."""
        self._words.addSpacing(theme.RHYTHM // 2)
        self._words.addLayout(layout)

    def word(self, title: str, sentence: str) -> None:
        """Set the words, without showing them; an empty sentence takes no room."""
        self.title.setText(title)
        self.sentence.setText(sentence[:1].upper() + sentence[1:])
        self.sentence.setVisible(bool(sentence))
        self.setAccessibleName(f"{title}. {sentence}")

    def say(self, title: str, sentence: str) -> None:
        """Show these words."""
        self.word(title, sentence)
        self.show()
