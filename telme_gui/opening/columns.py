"""The dialog that asks which column of a table is what: columns, the first turns, and the labels' names below."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from telme_gui.look import theme
from telme_gui.look.table import Table
from telme_gui.look.widgets import caption
from telme_gui.look.words import Words
from telme_model.corpus.emotions import MELD
from telme_model.corpus.reading import FIELDS, Reading
from telme_model.corpus.survey import Sketch, Survey, sketch

NONE = "none"
TITLES = {"text": "Words", "utterance": "Turn number", "video": "Video file", "audio": "Sound file"}
ACROSS = 3  # labels beside one another


class ColumnsDialog(QDialog):
    """Accepted, `reading` is what the person said; `survey` is the table that it is of."""

    def __init__(self, found: Survey, reading: Reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.survey, self._before = found, reading
        self.setWindowTitle("Columns and labels")
        self.resize(920, 600)
        self.columns: dict[str, QComboBox] = {}
        self.labels: dict[str, QComboBox] = {}
        self.turns = Table("The first turns", self, words=2)
        self.fault = caption()
        self.fault.setObjectName("fault")
        self._label_grid = QHBoxLayout()
        self._labels_head = Words("Labels")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out(self._column_form())
        self.setStyleSheet(f"#fault {{ color: {theme.active_palette().bad} }}")
        self._follow(new_labels=True)

    @property
    def reading(self) -> Reading:
        """What is chosen: every field's column, and the labels whose emotion has another name."""
        columns = {name: box.currentData() for name, box in self.columns.items()}
        emotions = {name: box.currentText().strip().lower() for name, box in self.labels.items()}
        changed = {name: "" if to == NONE else to for name, to in emotions.items() if to != name}
        return Reading(columns, changed, self._before.realigned)

    def _column_form(self) -> QWidget:
        first = sketch(self.survey, self._before)
        form = QWidget()
        lines = QFormLayout(form)
        lines.setContentsMargins(0, 0, theme.RHYTHM, 0)
        for name in FIELDS:
            box = QComboBox()
            box.setAccessibleName(f"Column of {name}")
            box.addItem(NONE, "")
            joined = [column for column in (first.columns.get(name, ""),) if "+" in column]
            for column in (*joined, *self.survey.header):
                box.addItem(column, column)
            box.setCurrentIndex(max(box.findData(first.columns.get(name, "")), 0))
            box.currentIndexChanged.connect(self._chosen)
            self.columns[name] = box
            lines.addRow(TITLES.get(name, name.capitalize()), box)
        return form

    def _lay_out(self, form: QWidget) -> None:
        scroll = QScrollArea(widgetResizable=True)
        scroll.setWidget(form)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedWidth(300)
        labels = QWidget()
        labels.setLayout(self._label_grid)
        below = QScrollArea(widgetResizable=True)
        below.setWidget(labels)
        below.setFrameShape(QScrollArea.Shape.NoFrame)
        below.setFixedHeight(170)
        right = QVBoxLayout()
        right.setSpacing(theme.RHYTHM)
        right.addWidget(Words("The first turns, as they would be read"))
        right.addWidget(self.turns, 1)
        right.addWidget(self._labels_head)
        right.addWidget(below)
        middle = QHBoxLayout()
        middle.setSpacing(2 * theme.RHYTHM)
        middle.addWidget(scroll)
        middle.addLayout(right, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*4 * [2 * theme.RHYTHM])
        column.setSpacing(theme.RHYTHM)
        about = f"Which column of {self.survey.table.name} is what? It is remembered here; the table stays as it is."
        column.addWidget(Words(about, wordWrap=True))
        column.addLayout(middle, 1)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)

    def _chosen(self) -> None:
        self._follow(new_labels=self.sender() is self.columns["emotion"])

    def _renamed(self) -> None:
        self._follow(new_labels=False)

    def _follow(self, *, new_labels: bool) -> None:
        """Draw what the choice makes of the table."""
        if new_labels:
            chosen = Reading(self.reading.columns, self._before.emotions)
            self._show_labels(sketch(self.survey, chosen))
        found = sketch(self.survey, self.reading)
        self.turns.fill(("Dialogue", "Speaker", "Words", "Emotion"), [list(turn) for turn in found.turns])
        self.fault.setText(found.fault)
        self.buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(not found.fault)

    def _show_labels(self, found: Sketch) -> None:
        self.labels.clear()
        while (item := self._label_grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        head = "Labels, and the emotions they mean" if found.labels else "No labels: the turns have no gold"
        self._labels_head.setText(head)
        forms = [QWidget() for _ in range(min(ACROSS, len(found.labels)))]
        lines = [QFormLayout(form) for form in forms]
        for place, (name, emotion) in enumerate(found.labels.items()):
            box = QComboBox(editable=True)
            box.setAccessibleName(f"Emotion of {name}")
            box.addItems(list(dict.fromkeys((emotion or NONE, name, *MELD.labels, NONE))))
            box.currentTextChanged.connect(self._renamed)
            self.labels[name] = box
            lines[place % len(lines)].addRow(name, box)
        for form in forms:
            self._label_grid.addWidget(form, 0, Qt.AlignmentFlag.AlignTop)
