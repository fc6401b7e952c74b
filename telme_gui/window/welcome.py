"""What stands in the window while nothing is open: what can be opened, and how to get a run."""

from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from telme_gui.look import chips, theme
from telme_gui.look.settings import Recent
from telme_gui.look.widgets import push_button
from telme_gui.look.words import Words, as_tip, literal
from telme_model.corpus.emotions import MELD
from telme_model.runs.names import corpus_name, run_name

WIDTH = 640  # px of the column
SHOWN = 5  # recent entries


class Welcome(QWidget):
    """A column in the middle: title, the ways to begin, what was open lately."""

    corpus_wanted = Signal()
    demo_wanted = Signal()
    train_wanted = Signal()
    recent_wanted = Signal(object)  # Recent

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Welcome")
        title = Words("TelME Studio")
        title.setObjectName("heading")
        lead = Words(
            "Watch a conversation turn by turn, see what words, voice and face each said of its emotion, and how far "
            "the voice and the face moved the words."
        )
        lead.setObjectName("muted")
        lead.setWordWrap(True)
        self.demo = push_button("Open the demo", "The bundled synthetic corpus with its trained run", primary=True)
        self.corpus = push_button("Open a corpus…", "A folder of MELD, EmoryNLP or IEMOCAP")
        self.train = push_button("Train a run…", "How a run is trained on a corpus")
        self.demo.clicked.connect(self.demo_wanted)
        self.corpus.clicked.connect(self.corpus_wanted)
        self.train.clicked.connect(self.train_wanted)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        drop = Words("Or drop the folder of a corpus, or of a run, anywhere in this window.")
        drop.setObjectName("caption")
        row = QHBoxLayout()
        row.setSpacing(theme.RHYTHM)
        for button in (self.demo, self.corpus, self.train):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(2 * theme.RHYTHM)
        for part in (_Glyphs(), title, lead):
            column.addWidget(part)
        column.addSpacing(theme.RHYTHM)
        column.addLayout(row)
        column.addWidget(drop)
        column.addSpacing(theme.RHYTHM)
        column.addLayout(self._recent)
        middle = QFrame()
        middle.setFixedWidth(WIDTH)
        middle.setLayout(column)
        across = QHBoxLayout()  # an alignment would forget that the lead's height follows its width
        across.addStretch(1)
        across.addWidget(middle)
        across.addStretch(1)
        page = QVBoxLayout(self)
        page.addStretch(2)
        page.addLayout(across)
        page.addStretch(3)

    def show_recent(self, recent: list[Recent]) -> None:
        """List what was open lately; what is not there any more is left out."""
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        there = [entry for entry in recent if entry.there][:SHOWN]
        if there:
            heading = Words("Recent")
            heading.setObjectName("caption")
            self._recent.addWidget(heading)
        for entry in there:
            corpus, run = Path(entry.corpus), Path(entry.run) if entry.run else None
            name = " · ".join([corpus_name(corpus)[0], *([f"run {run_name(run)}"] if run else [])])
            line = RecentEntry(name, str(corpus.parent))
            line.setToolTip(as_tip(f"Open {corpus}{f' with the run {run}' if run else ''}"))
            line.setAccessibleName(f"Open {name}")
            line.clicked.connect(lambda _checked=False, entry=entry: self.recent_wanted.emit(entry))
            self._recent.addWidget(line)


class RecentEntry(QPushButton):
    """A name, and in pale letters where it lies."""

    def __init__(self, name: str, place: str) -> None:
        super().__init__(literal(name))
        self.setObjectName("recent")
        where = Words(place)
        where.setObjectName("muted")
        where.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(self.fontMetrics().horizontalAdvance(name) + 4 * theme.RHYTHM, 0, theme.RHYTHM, 0)
        row.addWidget(where)


class _Glyphs(QWidget):
    """The seven emotions, as everywhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(20)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's
        """In a row."""
        painter = QPainter(self)
        for place, emotion in enumerate(MELD.labels):
            chips.paint_glyph(painter, QRectF(32 * place, 1, 18, 18), emotion)
        painter.end()
