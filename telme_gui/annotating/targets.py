"""Which layer of the store each layer of a file goes into."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from telme_gui.annotating.form import RowsForm
from telme_gui.look.words import Words, literal
from telme_model.annotations.exchange import Incoming
from telme_model.annotations.exchange.interface import UNNAMED
from telme_model.annotations.labels import GOLD

SEEN = 4  # layers before one has to scroll


class Targets(RowsForm):
    """A line a layer of the file: whether it is imported, and into which layer."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(SEEN, 2, parent)
        self.lines: dict[str, tuple[QCheckBox, QComboBox]] = {}

    @property
    def chosen(self) -> dict[str, str]:
        """The layer of the store by the file's, without those that are not imported."""
        return {name: into.currentText().strip() for name, (box, into) in self.lines.items() if box.isChecked()}

    def offer(self, incoming: Incoming, known: Sequence[str], mine: str) -> None:
        """Show the file's layers: each goes into its namesake, one without a name into `mine`; gold is left out."""
        grid = self.begin()
        self.lines = {}
        for row, (name, labels) in enumerate(incoming.placed.items()):
            box = QCheckBox(literal(f"{name or 'Labels without a name'}  ({len(labels):,})"))
            box.setToolTip("Import the labels of this layer")
            box.setChecked(name != GOLD)
            into = self._combo(name, known, mine)
            into.setEnabled(box.isChecked())
            box.toggled.connect(into.setEnabled)
            box.toggled.connect(self.changed)
            into.currentTextChanged.connect(self.changed)
            self.lines[name] = box, into
            grid.addWidget(box, row, 0)
            grid.addWidget(Words("into the layer"), row, 1)
            grid.addWidget(into, row, 2)
        self.end(grid, len(self.lines))

    def _combo(self, name: str, known: Sequence[str], mine: str) -> QComboBox:
        into = QComboBox()
        into.setEditable(True)
        into.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        into.setAccessibleName(f"Layer for {name or 'labels without a name'}")
        into.setToolTip("A layer that is there, or the name of a new one")
        with QSignalBlocker(into):
            into.addItems(list(dict.fromkeys(known)))
            into.setCurrentText(mine if name == UNNAMED else "imported gold" if name == GOLD else name)
        into.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        into.view().setTextElideMode(Qt.TextElideMode.ElideRight)
        return into
