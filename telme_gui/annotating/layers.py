"""The dialog that keeps the layers: who labelled how much, new names, and what goes."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from telme_gui.annotating.working import LabelsDialog
from telme_gui.look import theme
from telme_gui.look.widgets import caption
from telme_gui.look.words import as_tip, question
from telme_gui.session.session import Session
from telme_model.annotations.labels import ADJUDICATED, GOLD, Scope

COLUMNS = {Scope.ALL: "Whole turn", Scope.TEXT: "Text only", Scope.SOUND: "Sound only", Scope.FACE: "Face only"}
NOTES = {GOLD: "The corpus' own labels; read-only", ADJUDICATED: "Settles what the annotators disagree on"}
ROW = 28  # px
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LayersDialog(LabelsDialog):
    """A row a layer, with how many labels it has of what; names are changed in place."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "Layers of labels", parent)
        self.table, self.name = QTableWidget(), QLineEdit()
        self.add, self.delete = QPushButton("Add"), QPushButton("Delete…")
        self.rename, self.use = QPushButton("Rename"), QPushButton("Label in it")
        self._arrange()
        self.table.itemChanged.connect(self._take_name)
        self.table.itemSelectionChanged.connect(self._enable)
        self.name.returnPressed.connect(self._add)
        self.name.textChanged.connect(self._enable)
        self.add.clicked.connect(self._add)
        self.rename.clicked.connect(lambda: self.table.edit(self.table.model().index(self.table.currentRow(), 0)))
        self.use.clicked.connect(lambda: session.labels.choose(layer=self.chosen))
        self.delete.clicked.connect(self._ask_delete)
        self.follow()

    def _arrange(self) -> None:
        table = self.table
        table.setObjectName("lines")
        table.setAccessibleName("Layers")
        table.setColumnCount(1 + len(COLUMNS))
        for place, text in enumerate(["Layer", *COLUMNS.values()]):
            heading = QTableWidgetItem(text)
            heading.setTextAlignment(RIGHT if place else LEFT)
            table.setHorizontalHeaderItem(place, heading)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        begins = QAbstractItemView.EditTrigger
        table.setEditTriggers(begins.DoubleClicked | begins.EditKeyPressed)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setFrameShape(QTableWidget.Shape.NoFrame)
        table.setFont(theme.font(tabular=True))
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.name.setPlaceholderText("Name of a new layer: the annotator's")
        self.name.setAccessibleName("Name of a new layer")
        self.rename.setToolTip("Change the name of the layer in place (F2)")
        self.use.setToolTip("Label turns in this layer")
        self.delete.setToolTip("Delete the layer with its labels, after a question; Undo brings it back")
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        fresh, row = QHBoxLayout(), QHBoxLayout()
        for layout in (fresh, row):
            layout.setSpacing(theme.RHYTHM)
        fresh.addWidget(self.name, 1)
        fresh.addWidget(self.add)
        for button in (self.use, self.rename, self.delete):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(close)
        for button in (self.add, self.use, self.rename, self.delete, close):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(*4 * [2 * theme.RHYTHM])
        column.setSpacing(theme.RHYTHM)
        column.addWidget(
            caption("Each annotator labels in a layer of their own; files and charts know it by its name.")
        )
        column.addWidget(table, 1)
        column.addLayout(fresh)
        column.addWidget(self.problem)
        column.addLayout(row)
        self.resize(620, 360)

    # -- what is there ------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> str:
        """The layer whose row is selected, "" for none."""
        row = self.table.currentRow()
        item = self.table.item(row, 0) if row >= 0 else None
        return str(item.data(Qt.ItemDataRole.UserRole)) if item else ""

    def follow(self) -> None:
        """Show the layers as they are now."""
        labels, before = self._session.labels, self.chosen
        self.table.blockSignals(True)
        names = (*labels.layers, GOLD)
        self.table.setRowCount(len(names))
        for row, name in enumerate(names):
            self._show_row(row, name)
        self.table.setCurrentCell(names.index(before) if before in names else names.index(labels.layer), 0)
        self.table.blockSignals(False)
        self.say("")
        self._enable()

    def _show_row(self, row: int, name: str) -> None:
        labels = self._session.labels
        first = QTableWidgetItem(name)
        first.setData(Qt.ItemDataRole.UserRole, name)
        first.setToolTip(as_tip(NOTES.get(name, "You label in it" if name == labels.layer else "An annotator's")))
        font = theme.font(bold=name == labels.layer)
        first.setFont(font)
        if not self._is_own(name):
            first.setFlags(first.flags() & ~Qt.ItemFlag.ItemIsEditable)
        self.table.setItem(row, 0, first)
        for column, scope in enumerate(COLUMNS, 1):
            item = QTableWidgetItem(self._count(name, scope))
            item.setTextAlignment(RIGHT)
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.table.setItem(row, column, item)

    def _count(self, name: str, scope: Scope) -> str:
        if name != GOLD:
            count = len(self._session.labels.in_layer(name, scope))
        else:
            count = sum(turn.gold is not None for turn in self._session.turns) if scope is Scope.ALL else 0
        return f"{count:,}" if count else "–"

    def _is_own(self, name: str) -> bool:
        """Whether the name may be changed: other parts of the program know the others by theirs."""
        return name not in (GOLD, ADJUDICATED)

    def _enable(self) -> None:
        labels, name = self._session.labels, self.chosen
        self.add.setEnabled(bool(self.name.text().strip()))
        self.rename.setEnabled(bool(name) and self._is_own(name))
        self.use.setEnabled(bool(name) and name not in (GOLD, labels.layer))
        self.delete.setEnabled(labels.store is not None and name in labels.store.layers())

    # -- what is done -------------------------------------------------------------------------------------------

    def _add(self) -> None:
        name = self.name.text().strip()
        if name and self._session.labels.add_layer(name):
            self.name.clear()
            self._select(name)

    def _select(self, name: str) -> None:
        for row in range(self.table.rowCount()):
            item = self.table.item(row, 0)
            if item is not None and item.data(Qt.ItemDataRole.UserRole) == name:
                self.table.setCurrentCell(row, 0)

    def _take_name(self, item: QTableWidgetItem) -> None:
        old, new = str(item.data(Qt.ItemDataRole.UserRole)), item.text().strip()
        if old == new:
            return
        if new in self._session.labels.layers:
            self.follow()
            self.say(f"there is a layer {new} already; take another name")
            return
        self._session.labels.rename(old, new)
        problem = self.problem.text()
        self.follow()  # the old name, where the new one was refused
        self.say(problem)
        self._select(new)

    def _ask_delete(self) -> None:
        name = self.chosen
        count = sum(len(self._session.labels.in_layer(name, scope)) for scope in Scope)
        more = f"Its {count:,} labels go with it. Undo brings them back."
        box = question("Delete the layer", f"Delete “{name}”?", more, self)
        box.addButton("Delete", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton("Keep", QMessageBox.ButtonRole.RejectRole))
        box.accepted.connect(lambda: self._session.labels.delete_layer(name))
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()
