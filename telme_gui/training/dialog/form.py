"""A page of settings, generated from the configuration's types: a row each, checked on the spot, with its way back."""

from collections.abc import Callable
from enum import StrEnum
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QStyle,
    QStyleOptionFrame,
    QToolButton,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.words import Words, as_tip
from telme_gui.training.dialog.draft import Draft
from telme_model.settings import Setting

LABEL, EDITOR, RESET = 144, 200, 52  # px

Tell = Callable[[str], None]


class Choice(QComboBox):
    """A list to choose from that the wheel turns only while it has the keyboard, so that pages scroll over it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave it to the page where the keyboard is elsewhere."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def choose(self, data: str) -> None:
        """Show the entry with this data."""
        self.setCurrentIndex(self.findData(data))


class PlaceLine(QLineEdit):
    """A path; one that is too long lacks its middle while nobody writes there."""

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self.setToolTip(as_tip(path))
        self.textChanged.connect(lambda text: self.setToolTip(as_tip(text)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the head and the tail of what does not fit."""
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        room = self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self).adjusted(2, 0, -2, 0)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, room.width())
        if self.hasFocus() or shown == self.text():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelLineEdit, option, painter, self)
        painter.setPen(self.palette().text().color())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)


class Several(QWidget):
    """Checkboxes of which any number may be on."""

    def __init__(self, names: list[str], tell: Tell) -> None:
        super().__init__()
        self.boxes = {name: QCheckBox(shown(name)) for name in names}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.RHYTHM)
        for box in self.boxes.values():
            row.addWidget(box)
            box.toggled.connect(lambda _on: tell(self.text))
        row.addStretch(1)
        self.setFocusProxy(next(iter(self.boxes.values())))

    @property
    def text(self) -> str:
        """The names that are on."""
        return ",".join(name for name, box in self.boxes.items() if box.isChecked())

    def show_text(self, text: str) -> None:
        """Switch on what is named."""
        on = text.split(",")
        for name, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(name in on)
            box.blockSignals(False)


def editor_of(setting: Setting, tell: Tell) -> tuple[QWidget, Tell]:
    """A widget that changes a setting of its type, and how it is made to show a text."""
    inner = get_args(setting.kind)
    if inner:
        several = Several([str(member) for member in inner[0]], tell)
        return several, several.show_text
    if setting.kind is bool:
        box = QCheckBox("On")
        box.toggled.connect(lambda on: tell("true" if on else "false"))
        return box, lambda text: box.setChecked(text == "true")
    if issubclass(setting.kind, StrEnum):
        choice = Choice()
        for member in setting.kind:
            choice.addItem(shown(member), str(member))
        choice.activated.connect(lambda _row: tell(choice.currentData()))
        return choice, choice.choose
    line = QLineEdit()
    line.textEdited.connect(tell)
    return line, lambda text: None if line.text() == text or _same_number(line, text) else line.setText(text)


def _same_number(line: QLineEdit, text: str) -> bool:
    """Whether somebody is writing the same number in another way: it is left as it is written."""
    try:
        return line.hasFocus() and float(line.text()) == float(text)
    except ValueError:
        return False


class FormRow:
    """The widgets of one line of a form: label, editor, way back to the preset, and a sentence."""

    def __init__(self, label: str, editor: QWidget, sentence: str) -> None:
        self.label, self.editor, self.sentence = Words(label), editor, sentence
        self.label.setBuddy(editor.focusProxy() or editor)
        editor.setAccessibleName(label)
        editor.setAccessibleDescription(sentence)
        for part in editor.findChildren(QWidget):
            part.setAccessibleDescription(f"{label}. {sentence}")
        self.reset = QToolButton()
        self.reset.setObjectName("quiet")
        self.reset.setText("Reset")
        self.reset.setAccessibleName(f"Reset {label}")
        self.reset.hide()
        self.note = Words(sentence)
        self.note.setObjectName("caption")
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)

    def say(self, wrong: str = "") -> None:
        """Show what is wrong with it, or else the sentence that explains it."""
        self.note.setText(wrong[:1].upper() + wrong[1:] if wrong else self.sentence)
        dress(self.note, "wrong" if wrong else "caption")

    def mark(self, differs: bool, preset: str) -> None:
        """Show whether it differs from the preset."""
        self.reset.setVisible(differs)
        self.reset.setToolTip(as_tip(f"Take the preset's value again: {shown(preset) or 'none'}"))
        face = theme.font(bold=differs)
        if self.label.font() != face:
            self.label.setFont(face)


class FormPage(QScrollArea):
    """Rows in groups; those of settings follow the draft."""

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft
        self.rows: dict[str, FormRow] = {}  # of settings, by path
        self._shown: dict[str, tuple[str, bool, str]] = {}  # what a row says: what is wrong, that it differs, from what
        self.setObjectName("plain")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        form = QWidget()
        form.setObjectName("form")
        self._grid = QGridLayout(form)
        self._grid.setContentsMargins(3 * theme.RHYTHM, 2 * theme.RHYTHM, 2 * theme.RHYTHM, 2 * theme.RHYTHM)
        self._grid.setHorizontalSpacing(theme.RHYTHM)
        self._grid.setVerticalSpacing(theme.RHYTHM)
        for column, width in ((0, LABEL), (1, EDITOR), (3, RESET)):
            self._grid.setColumnMinimumWidth(column, width)
        self._grid.setColumnStretch(2, 1)
        self.setWidget(form)
        draft.changed.connect(self._follow)

    def lead(self, title: str, sentence: str) -> None:
        """A heading with a sentence under it."""
        heading, said = Words(title), Words(sentence)
        heading.setObjectName("title")
        said.setObjectName("caption")
        said.setWordWrap(True)
        self.wide(heading)
        self.wide(said)

    def group(self, title: str) -> None:
        """A hairline and a caption over the rows that follow."""
        line, caption = QFrame(), Words(title)
        line.setObjectName("hairline")
        line.setFixedHeight(1)
        caption.setObjectName("caption")
        self.wide(line)
        self.wide(caption)

    def setting(self, setting: Setting, *, wide: bool = False) -> FormRow:
        """A row that is generated from a setting; a `wide` one has the room of its sentence for the editor."""
        path = setting.path
        editor, show = editor_of(setting, lambda text: self.draft.set(path, text))
        editor.setToolTip(as_tip(f"It has to {setting.allowed}"))
        row = self.row(setting.title, editor, setting.help)
        row.reset.clicked.connect(lambda: self.draft.reset(path))
        if wide:
            self.widen(row)
        self.rows[path] = row
        show(self.draft.text(path))
        self.draft.changed.connect(lambda: show(self.draft.text(path)))
        self._mark(path, row)
        return row

    def widen(self, row: FormRow, columns: int = 2) -> None:
        """Give the editor the room of its sentence, and of the way back where there is none: 3 columns."""
        place = self._grid.getItemPosition(self._grid.indexOf(row.editor))[0]  # type: ignore[index]  # stub says object
        row.note.hide()
        self._grid.removeWidget(row.note)
        self._grid.addWidget(row.editor, place, 1, 1, columns)

    def row(self, label: str, editor: QWidget, sentence: str) -> FormRow:
        """A row of one's own."""
        made = FormRow(label, editor, sentence)
        place = self._grid.rowCount()
        middle = Qt.AlignmentFlag.AlignVCenter
        self._grid.addWidget(made.label, place, 0, middle)
        self._grid.addWidget(editor, place, 1, middle)
        self._grid.addWidget(made.note, place, 2, middle)
        self._grid.addWidget(made.reset, place, 3, middle)
        return made

    def wide(self, widget: QWidget) -> None:
        """A widget over all columns."""
        self._grid.addWidget(widget, self._grid.rowCount(), 0, 1, 4)

    def beside(self, narrow: QWidget, widget: QWidget) -> None:
        """A widget under the labels, and one in the room beside it."""
        place = self._grid.rowCount()
        self._grid.addWidget(narrow, place, 0)
        self._grid.addWidget(widget, place, 1, 1, 3)

    def fill(self) -> None:
        """Keep the rows together at the top."""
        self._grid.setRowStretch(self._grid.rowCount(), 1)

    @property
    def wrong(self) -> bool:
        """Whether one of its settings cannot be."""
        return any(path in self.draft.errors for path in self.rows)

    def _follow(self) -> None:
        for path, row in self.rows.items():
            self._mark(path, row)

    def _mark(self, path: str, row: FormRow) -> None:
        state = (self.draft.errors.get(path, ""), self.draft.differs(path), self.draft.preset_text(path))
        if state != self._shown.get(path):
            wrong, differs, preset = self._shown[path] = state
            row.say(wrong)
            row.mark(differs, preset)


def dress(widget: QWidget, name: str) -> None:
    """Give a widget another dress of the style sheet."""
    if widget.objectName() != name:
        widget.setObjectName(name)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def shown(value: str) -> str:
    """A setting's value as a person reads it: "weighted sum", "RGB", "fp32"."""
    return {"rgb": "RGB", "bgr": "BGR", "asf": "attention-based shifting"}.get(value, value.replace("_", " "))
