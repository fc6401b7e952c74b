"""The annotation bar: the emotions with their digits, what else a turn can be given, and in whose name."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from telme_gui.annotating.actions import AnnotatingActions
from telme_gui.annotating.annotator import Annotator
from telme_gui.annotating.queue_menu import QueueMenu
from telme_gui.annotating.queueing import Queues
from telme_gui.look import chips, theme
from telme_gui.look.keys import shown
from telme_gui.look.words import Words, as_tip, literal
from telme_gui.session.session import Session
from telme_model.annotations.labels import ADJUDICATED, Label, Scope
from telme_model.corpus.dialogue import Turn

HEIGHT = 30  # px of an emotion's button
FEW = 3  # characters of keys that leave room for a name
ARROW = " ▾"
LEAST = 72  # px of a chooser's name: it gives way to a tick, or every one would push the docks aside
WHICH, WHO = "Which turns labelling goes through", "In which layer you label, and what of the turn you are given"
SCOPES = {
    Scope.ALL: ("Whole turn", "Label the turn as it is"),
    Scope.TEXT: ("Text only", "Read the words alone; what they say by themselves"),
    Scope.SOUND: ("Sound only", "Hear the voice alone, without picture and words on the screen"),
    Scope.FACE: ("Face only", "See the face alone, without sound and words on the screen"),
}


class EmotionButton(QAbstractButton):
    """A digit, a glyph and a name; lit where the turn is labelled so, ringed where that is the suggestion."""

    def __init__(self, action: QAction) -> None:
        super().__init__()
        self.emotion = ""
        self.suggested = False
        self._action = action
        self.setAccessibleName(action.objectName())
        self.setToolTip(as_tip(action.toolTip()))
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda _checked: action.trigger())
        action.changed.connect(self._tell)

    def show_emotion(self, emotion: str, *, mine: bool, suggested: bool) -> None:
        """Stand for an emotion."""
        self.emotion, self.suggested = emotion, suggested
        self.setChecked(mine)
        self.setEnabled(self._action.isEnabled())
        self.setAccessibleName(f"Label {emotion}")
        self._tell()

    def _tell(self) -> None:
        """The keys may have been edited."""
        self.setToolTip(as_tip(self._action.toolTip() + (", as the fused model suggests" if self.suggested else "")))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's
        return QSize(96, HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's
        return QSize(44, HEIGHT)

    def nextCheckState(self) -> None:  # noqa: N802 - Qt's
        """Only a label lights it."""

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw it."""
        palette = theme.active_palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.isChecked()
        ground = palette.selected if lit else palette.raised if self.underMouse() else palette.surface
        painter.setBrush(QColor(ground))
        painter.setPen(QPen(QColor(palette.accent if lit or self.hasFocus() else palette.line), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        painter.setFont(theme.font(theme.CAPTION, tabular=True))
        painter.setPen(QColor(palette.muted))
        keys = shown(self._action.shortcut())
        keys = keys if len(keys) <= FEW else ""  # the tooltip has them
        left = 11 + max(10, painter.fontMetrics().horizontalAdvance(keys))
        painter.drawText(QRect(8, 0, left, HEIGHT), Qt.AlignmentFlag.AlignVCenter, keys)
        chips.paint_glyph(painter, QRectF(left, HEIGHT / 2 - 5, 10, 10), self.emotion)
        painter.setFont(theme.font(bold=lit))
        painter.setPen(QColor(palette.text))
        room = QRect(left + 15, 0, self.width() - left - 19, HEIGHT)
        whole = painter.fontMetrics().horizontalAdvance(self.emotion) <= room.width()
        name = self.emotion if whole else self.emotion[: chips.SHORT]
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)
        if self.suggested and not lit:
            painter.setBrush(QColor(palette.accent))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QRectF(self.width() - 9, 4, 5, 5))


class ElidedButton(QToolButton):
    """A tool button whose text gives way where there is no room for all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's
        return QSize(min(LEAST, self.sizeHint().width()), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """What of the name fits, and the arrow."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        metrics, name = self.fontMetrics(), self.text().removesuffix(ARROW)
        lacking = max(0, self.sizeHint().width() - self.width())
        room = metrics.horizontalAdvance(name) + 1 - lacking  # the advance is rounded, perhaps down
        option.text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room) + ARROW
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)


class AnnotationBar(QWidget):
    """Two rows: the emotions, and all else; in place of the second a line to write a comment in."""

    def __init__(
        self, session: Session, annotator: Annotator, actions: AnnotatingActions, queues: Queues, menu: QueueMenu
    ) -> None:
        super().__init__()
        self._session, self._annotator, self._actions, self._queues = session, annotator, actions, queues
        self.buttons = [EmotionButton(action) for action in actions.emotions]
        self.who, self.which, self.progress = ElidedButton(), ElidedButton(), Words()
        self.hint = Words()
        self.comment = QLineEdit()
        self._second = QStackedWidget()
        self._before: QWidget | None = None  # had the keyboard before a comment was written
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self.setAccessibleName("Annotation")
        self._arrange(menu)
        self._commented: Turn | None = None  # what the comment is on
        actions.commenting.connect(self._write_comment)
        session.corpus_changed.connect(self._leave_comment)
        self.comment.returnPressed.connect(self._keep_comment)
        self.comment.installEventFilter(self)
        self._menu.aboutToShow.connect(self._fill_menu)
        for changed in (session.corpus_changed, session.current_changed, session.predictions_changed):
            changed.connect(self.follow)
        session.labels_changed.connect(self.follow)
        queues.changed.connect(self.follow)
        self.follow()

    def _arrange(self, queues: QueueMenu) -> None:
        emotions = QHBoxLayout()
        emotions.setSpacing(theme.RHYTHM // 2)
        for button in self.buttons:
            emotions.addWidget(button)
        row = QWidget()
        row.setStyleSheet("QToolButton#quiet { padding: 3px 2px }")  # so that the queue has room at 1280 px
        hands = QHBoxLayout(row)
        hands.setContentsMargins(0, 0, 0, 0)
        hands.setSpacing(2)
        actions = self._actions
        for action in (actions.accept, actions.doubt, actions.flag, actions.comment, actions.clear, actions.skip):
            hands.addWidget(_tool(action))
        hands.addStretch(1)
        self.progress.setObjectName("caption")
        self.progress.setAccessibleName("Progress")
        hands.addWidget(self.progress)
        choosers: tuple[tuple[QToolButton, QMenu], ...] = ((self.which, queues), (self.who, self._menu))
        for chooser, menu in choosers:
            chooser.setObjectName("quiet")
            chooser.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            chooser.setMenu(menu)
            hands.addWidget(chooser)
        self.which.setAccessibleName("Queue")
        self.which.setToolTip(WHICH)
        self.who.setAccessibleName("Layer, scope and blind mode")
        self.who.setToolTip(WHO)
        self.hint.setObjectName("caption")
        self.hint.setAccessibleName("What the search for label errors says")
        self.hint.setToolTip("By regressions on the run's embeddings of other dialogues; in brackets, the probability")
        self.comment.setAccessibleName("Comment on the turn")
        self.comment.setPlaceholderText("Comment on the turn; Enter keeps it, Esc leaves it")
        self._second.addWidget(row)
        self._second.addWidget(self.comment)
        self._second.setFixedHeight(HEIGHT)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.RHYTHM, 6, theme.RHYTHM, 4)
        column.setSpacing(2)
        column.addWidget(self.hint)
        column.addLayout(emotions)
        column.addWidget(self._second)

    # -- following ----------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show what the current turn is labelled, and by whom."""
        session, annotator = self._session, self._annotator
        self.setVisible(session.labels.active and session.corpus is not None)
        if self.isHidden():
            return
        emotions = session.corpus.labels.labels if session.corpus else ()
        mine = session.labels.mine(session.current.id) if session.current else None
        suggested = annotator.suggestion
        for place, button in enumerate(self.buttons):
            button.setVisible(place < len(emotions))
            if place < len(emotions):
                emotion = emotions[place]
                said = mine is not None and mine.emotion == emotion
                button.show_emotion(emotion, mine=said, suggested=emotion == suggested)
        self._actions.doubt.setText("Unsure ✓" if mine and mine.unsure else "Unsure")
        self._actions.flag.setText("Flag ✓" if mine and mine.flag else "Flag")
        self._actions.comment.setText("Comment ✓" if mine and mine.comment else "Comment…")
        self.progress.setText(self._progress())
        self.hint.setText(self._queues.hint)
        self.hint.setVisible(bool(self._queues.hint))
        self.which.setText(self._queue_name() + ARROW)
        self.which.setToolTip(as_tip(self._queues.meaning or WHICH))
        who = self._who()
        self.who.setText(who + ARROW)
        self.who.setToolTip(as_tip(f"{who}: in which layer you label, what of the turn you are given, and blind mode"))

    def _progress(self) -> str:
        annotator, labels = self._annotator, self._session.labels
        if annotator.queue:
            of = annotator.progress
            skipped = f", {of.skipped:,} skipped" if of.skipped else ""
            return f"{of.done:,} of {len(annotator.queue):,} done{skipped}"
        done = sum(label.emotion is not None for label in labels.in_layer(labels.layer, labels.scope).values())
        return f"{done:,} of {len(self._session.turns):,} labelled"

    def _queue_name(self) -> str:
        if self._queues.searching is not None:
            return "Searching …"
        return self._queues.short_name.capitalize()

    def _who(self) -> str:
        labels = self._session.labels
        parts = [labels.layer]
        if labels.scope is not Scope.ALL:
            parts.append(labels.scope)  # short, or nothing of it is seen at 1280 px
        if labels.blind:
            parts.append("blind")
        return " · ".join(parts)

    # -- layer and scope ----------------------------------------------------------------------------------------

    def _fill_menu(self) -> None:
        menu, labels = self._menu, self._session.labels
        menu.clear()
        menu.addAction("Layer").setEnabled(False)
        group = QActionGroup(menu)
        for layer in dict.fromkeys((*labels.layers, ADJUDICATED)):
            choice = group.addAction(menu.addAction(literal(layer)))
            choice.setCheckable(True)
            choice.setChecked(layer == labels.layer)
            choice.triggered.connect(lambda _checked, layer=layer: labels.choose(layer=layer))
        menu.addAction("New layer…").triggered.connect(lambda _checked: self._ask_layer())
        rename = menu.addAction(literal(f"Rename “{labels.layer}”…"))
        rename.setEnabled(labels.layer != ADJUDICATED)
        rename.triggered.connect(lambda _checked: self._ask_name())
        menu.addSeparator()
        menu.addAction("What you are given").setEnabled(False)
        scopes = QActionGroup(menu)
        for scope, (name, tip) in SCOPES.items():
            choice = scopes.addAction(menu.addAction(name))
            choice.setToolTip(as_tip(tip))
            choice.setCheckable(True)
            choice.setChecked(scope is labels.scope)
            choice.triggered.connect(lambda _checked, scope=scope: labels.choose(scope=scope))
        menu.addSeparator()
        menu.addAction(self._actions.blind)
        menu.addAction(self._actions.plays)

    def _ask_layer(self) -> None:
        name, agreed = QInputDialog.getText(self, "New layer", "Name of the annotator, as it stands in exports")
        if agreed and name.strip():
            self._session.labels.choose(layer=name.strip())

    def _ask_name(self) -> None:
        old = self._session.labels.layer
        name, agreed = QInputDialog.getText(self, "Rename the layer", "Name of the annotator", text=old)
        if agreed and name.strip() and name.strip() != old:
            self._session.labels.rename(old, name.strip())

    # -- comment ------------------------------------------------------------------------------------------------

    def _write_comment(self) -> None:
        session = self._session
        self._commented = session.current  # the film may go on meanwhile
        mine = (session.labels.mine(session.current.id) if session.current else None) or Label()
        self.comment.setText(mine.comment)
        self._before = self.window().focusWidget()
        self._second.setCurrentWidget(self.comment)
        self.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _keep_comment(self) -> None:
        self._annotator.comment(self.comment.text(), self._commented)
        self._leave_comment()

    def _leave_comment(self) -> None:
        if self._second.currentWidget() is self.comment:
            self._second.setCurrentIndex(0)
            before = self._before if self._before is not None and isValid(self._before) else self.window()
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]  # noqa: N802
        """Leave the comment on Esc."""
        if watched is self.comment and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.KeyPress:
                self._leave_comment()
            event.accept()
            return True
        return super().eventFilter(watched, event)


def _tool(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setObjectName("quiet")
    button.setDefaultAction(action)
    button.setAccessibleName(action.text())
    return button
