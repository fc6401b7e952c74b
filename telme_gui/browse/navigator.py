"""Finding one's way: what the filter found of the corpus, by season, episode and dialogue."""

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QFrame, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView, QVBoxLayout, QWidget

from telme_gui.browse.episodes import NODE, EpisodeModel, Index, Node, turns
from telme_gui.browse.filter_bar import FilterBar
from telme_gui.look import chips, theme
from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_model.corpus.dialogue import Modality

ROW = 36  # px
INDENT = 12  # px a level
UNFOLDED = 60  # dialogues: a result of at most so many is shown whole


class Navigator(QWidget):
    """Search, filter and the tree of dialogues; choosing a dialogue makes its first found turn the current one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._painted = ""
        self.filter_bar = FilterBar(session)
        self.tree = EpisodeTree(session)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        line = QFrame()
        line.setObjectName("hairline")
        line.setFixedHeight(1)
        layout.addWidget(self.filter_bar)
        layout.addWidget(line)
        layout.addWidget(self.tree, 1)
        self.setAccessibleName("Navigator")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._paint_theme()

    def focus_search(self) -> None:
        """Put the keyboard into the search field, its words selected."""
        self.filter_bar.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter_bar.field.selectAll()

    def changeEvent(self, event: QEvent) -> None:  # noqa: D102, N802 - Qt's
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._paint_theme()

    def _paint_theme(self) -> None:
        """Dress the fields; a sheet that is in force already is left, for setting one is itself a change of palette."""
        palette = theme.active_palette()
        sheet = (
            f"Navigator, QTreeView, QListView {{ background: {palette.surface}; color: {palette.text};"
            f" font-size: {theme.BODY}px; }}"
            f"QLabel {{ color: {palette.muted}; }}"
            f"QLineEdit {{ background: {palette.raised}; color: {palette.text}; border: 1px solid {palette.line};"
            f" border-radius: {theme.RADIUS}px; padding: 0 7px; min-height: 28px; font-size: {theme.BODY}px; }}"
            f"QLineEdit:focus {{ border-color: {palette.accent}; }}"
            "QListView::item { height: 24px; }"
            f"SpeakerMenu {{ background: {palette.surface}; border: 1px solid {palette.line}; }}"
        )
        if sheet != self._painted:
            self._painted = sheet
            self.setStyleSheet(sheet)


class EpisodeTree(QTreeView):
    """The tree itself. What was unfolded stays so across filters; the current dialogue is marked and in sight."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._model = EpisodeModel(session, self)
        self._unfolded: set[int] = set()  # numbers of groups
        self.setModel(self._model)
        self.setItemDelegate(RowDelegate(session, self._model, self))
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setAccessibleName("Dialogues")
        self.expanded.connect(lambda index: self._unfolded.add(index.internalId()))
        self.collapsed.connect(lambda index: self._unfolded.discard(index.internalId()))
        self.clicked.connect(self._click)
        session.corpus_changed.connect(self._open)
        session.filter_changed.connect(self._unfold)
        session.current_changed.connect(self._mark)
        session.labels_changed.connect(self.viewport().update)
        session.presented_changed.connect(self.viewport().update)
        self._open()

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: D102, N802 - Qt's
        super().currentChanged(current, previous)
        node = current.data(NODE)
        if node is not None and node.dialogue is not self._session.dialogue:
            self._choose(node)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's
        before = QRect(QPoint(), event.oldSize())
        marked = self.currentIndex()
        seen = marked.isValid() and self.visualRect(marked).intersects(before)
        super().resizeEvent(event)
        if seen:
            self.scrollTo(marked)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's
        super().paintEvent(event)
        if self._model.rowCount() == 0:
            empty = self._session.corpus is None
            text = "No corpus is open: open one, or drop its folder here." if empty else "No turn meets the filter."
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.active_palette().muted))
            painter.setFont(theme.font())
            area = self.viewport().rect().adjusted(24, 32, -24, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, text)

    def _click(self, index: QModelIndex) -> None:
        node = index.data(NODE)
        if node.dialogue is None:
            self.setExpanded(index, not self.isExpanded(index))
        else:
            self._choose(node)

    def _choose(self, node: Node) -> None:
        if node.dialogue is not None:
            self._session.select(node.dialogue.turns[self._model.first_found(node.dialogue)].id)

    def _open(self) -> None:
        self._unfolded.clear()
        self._unfold()

    def _unfold(self) -> None:
        """Restore after a reset what was unfolded; a short result is unfolded whole."""
        whole = self._session.filter != Filter() and self._model.dialogues <= UNFOLDED
        unfolded = set(self._unfolded)
        for node in self._model.groups:
            if whole or node.number in unfolded:
                self.expand(self._model.index_of(node))
        self._unfolded = unfolded  # what was unfolded for the sake of a result is not meant to stay
        self.scrollToTop()
        self._mark()

    def _mark(self) -> None:
        """Show where the current dialogue is."""
        dialogue = self._session.dialogue
        index = self._model.dialogue_index(dialogue) if dialogue is not None else QModelIndex()
        if not index.isValid():
            self.viewport().update()
        elif index != self.currentIndex():
            self.setCurrentIndex(index)
            self.scrollTo(index)  # unfolds its groups
            if not self.viewport().rect().adjusted(0, ROW, 0, -ROW).contains(self.visualRect(index)):
                self.scrollTo(index, QTreeView.ScrollHint.PositionAtCenter)


class RowDelegate(QStyledItemDelegate):
    """Paints groups as quiet headings, dialogues as their opening words over their emotion strip."""

    def __init__(self, session: Session, model: EpisodeModel, tree: QTreeView) -> None:
        super().__init__(tree)
        self._session, self._model, self._tree = session, model, tree
        self._caption, self._body = theme.font(theme.CAPTION, tabular=True), theme.font()
        self._heading = theme.font(theme.CAPTION, bold=True, tabular=True)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, D102, N802 - Qt's
        return QSize(0, ROW)

    def paint(  # noqa: D102 - Qt's
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index
    ) -> None:
        node: Node = index.data(NODE)
        palette = theme.active_palette()
        box: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = node.dialogue is not None and node.dialogue is self._session.dialogue
        ground = palette.selected if current else palette.raised if state & QStyle.StateFlag.State_MouseOver else None
        frame = QRectF(box).adjusted(6, 1, -6, -1)
        if ground is not None and (node.dialogue is not None or not current):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ground))
            painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        if state & QStyle.StateFlag.State_HasFocus and self._tree.hasFocus():
            painter.setPen(QPen(QColor(palette.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if node.dialogue is None:
            self._paint_group(painter, box, node, folded=not state & QStyle.StateFlag.State_Open)
        else:
            self._paint_dialogue(painter, box, node)
        painter.restore()

    def _paint_group(self, painter: QPainter, box: QRect, node: Node, *, folded: bool) -> None:
        palette = theme.active_palette()
        left = 14 + node.level * INDENT
        painter.setPen(QPen(QColor(palette.muted), 1.5))
        middle = QPointF(left + 4, box.center().y() + 0.5)
        arrow = [(-1.5, -3.5), (2, 0), (-1.5, 3.5)] if folded else [(-3.5, -1.5), (0, 2), (3.5, -1.5)]
        painter.drawPolyline(QPolygonF([middle + QPointF(x, y) for x, y in arrow]))
        painter.setFont(self._heading)
        painter.setPen(QColor(palette.muted if node.level else palette.text))
        room = box.adjusted(left + 16, 0, -14, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, node.title)
        painter.setFont(self._caption)
        painter.setPen(QColor(palette.muted))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, turns(node.found))

    def _paint_dialogue(self, painter: QPainter, box: QRect, node: Node) -> None:
        dialogue = node.dialogue
        if dialogue is None:
            return
        palette = theme.active_palette()
        room = box.adjusted(14, 3, -14, -2)
        upper = QRect(room.x(), room.y(), room.width(), 17)
        lower = QRect(room.x(), upper.bottom() + 2, room.width(), 11)
        narrow = self._session.filter != Filter()
        counted = f"{node.found:,} of {len(dialogue.turns)}" if narrow else str(len(dialogue.turns))
        painter.setFont(self._caption)
        painter.setPen(QColor(palette.accent if narrow else palette.muted))
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, counted)
        lower.setRight(lower.right() - max(28, painter.fontMetrics().horizontalAdvance(counted) + 8))
        upper.setRight(upper.right() - self._paint_split(painter, upper, dialogue.split.value) - 6)
        painter.setFont(self._body)
        painter.setPen(QColor(palette.text))
        opening = dialogue.turns[0].text if Modality.TEXT in self._session.presented else node.title
        words = painter.fontMetrics().elidedText(opening, Qt.TextElideMode.ElideRight, upper.width())
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, words)
        lit = self._model.lit(dialogue) if narrow else None
        chips.paint_strip(painter, lower, [self._session.gold(turn) for turn in dialogue.turns], lit=lit)

    def _paint_split(self, painter: QPainter, room: QRect, split: str) -> int:
        """A small chip at the right of `room`; returns its width."""
        palette = theme.active_palette()
        width = painter.fontMetrics().horizontalAdvance(split) + 10
        chip = QRectF(room.right() + 1 - width, room.y() + 1, width, 15)
        painter.setPen(QPen(QColor(palette.line), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(chip.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(QColor(palette.muted))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, split)
        return width
