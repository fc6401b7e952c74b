"""The timeline's widget: keeps the scene in step with the session, and turns mouse and keys into a selection."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QColor,
    QHelpEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from telme_gui.look import theme
from telme_gui.look.words import as_tip
from telme_gui.session.session import Session
from telme_gui.timeline.lanes import GUTTER, AnyLane, Band, Lane, TimeSpan, lanes_of, lay_out, name
from telme_gui.timeline.listening import Listening
from telme_gui.timeline.painting import TimelineScene, paint_cursor, paint_scene
from telme_gui.timeline.tools import Tools
from telme_gui.timeline.words import describe
from telme_model.analysis.models import FUSION
from telme_model.corpus import timing as film_time
from telme_model.corpus.dialogue import Modality

EDGE = theme.RHYTHM  # px around the lanes
STEP = 1.25  # of zoom, a notch of the wheel or a press of a key
CURSOR = 6  # px beside the cursor that it may touch


class Timeline(QWidget):
    """Lanes along the current dialogue's film. A click chooses a turn and goes there, the wheel zooms, a drag moves.

    Its actions (`zoom_in`, `zoom_out`, `fit`, `spectrogram`) work by key while it has the focus; a menu may hold them.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._dialogue = session.dialogue
        self._listening = Listening(session, self)
        self._view = TimeSpan(0.0, 1.0, 1.0)
        self._picture: QPixmap | None = None  # of all that the cursor does not change
        self._scene: TimelineScene | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self.zoom_in = self._action("Zoom in", "+", "Ctrl++", lambda: self._zoom(STEP))
        self.zoom_out = self._action("Zoom out", "−", "Ctrl+-", lambda: self._zoom(1 / STEP))
        self.fit = self._action("Show the whole dialogue", "↔", "Ctrl+0", self._fit)
        self.spectrogram = self._action("Spectrogram", "≈", "Ctrl+G", self._refresh, checkable=True)
        self._tools = Tools((self.zoom_out, self.zoom_in, self.fit, self.spectrogram), self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setAccessibleName("Dialogue timeline")
        self.setMinimumSize(320, 56)
        session.corpus_changed.connect(self._follow)
        session.current_changed.connect(self._follow)
        session.film_changed.connect(self._stretch)
        session.predictions_changed.connect(self._refresh)
        session.labels_changed.connect(self._refresh)
        session.presented_changed.connect(self._refresh)
        session.position_changed.connect(self._move_cursor)
        self._listening.changed.connect(self._refresh)
        self._cursor_at = session.position
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All lanes with room for sound."""
        return QSize(900, 208)

    # -- following the session ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        if self._session.dialogue is not self._dialogue:
            self._dialogue = self._session.dialogue
            self._cursor_at = self._session.position
            if self.isVisible():
                self._listening.follow(self._dialogue)
            self._fit()
        else:
            self.update()  # another turn is lit

    def _stretch(self) -> None:
        """A clip was longer or shorter than expected: what was wholly in view stays so."""
        whole = self._scene is None or self._view.end - self._view.start >= self._scene.edges[-1] - 0.01
        self._fit() if whole else self._look(self._view.moved(0.0, self._film_seconds))

    def _move_cursor(self, seconds: float) -> None:
        before, self._cursor_at = self._cursor_at, seconds
        if not self._view.start <= seconds <= self._view.end and self._pressed is None:
            span = self._view.end - self._view.start  # turn the page
            self._look(self._view.moved(seconds - 0.05 * span - self._view.start, self._film_seconds))
        for time in (before, seconds):
            self.update(QRect(round(self._view.x(time)) - CURSOR, 0, 2 * CURSOR, self.height()))

    def _refresh(self) -> None:
        self._picture = self._scene = None
        self._tools.setVisible(self._dialogue is not None and Lane.TIME in self._lanes)
        self.update()

    # -- what is in view ----------------------------------------------------------------------------------------

    def _fit(self) -> None:
        self._look(TimeSpan(0.0, self._film_seconds, self._lanes_width))

    def _zoom(self, factor: float, around: float | None = None) -> None:
        if around is None:  # the cursor if it is in view, else the middle
            inside = self._view.start <= self._cursor_at <= self._view.end
            around = self._cursor_at if inside else (self._view.start + self._view.end) / 2
        self._look(self._view.zoomed(factor, around, self._film_seconds))

    def _look(self, view: TimeSpan) -> None:
        self._view = view
        self._refresh()

    @property
    def _film_seconds(self) -> float:
        return max(self._session.film_seconds, 0.1)

    @property
    def _lanes_width(self) -> float:
        return max(1.0, float(self.width() - GUTTER - EDGE))

    @property
    def view(self) -> TimeSpan:
        """The part of the film in view."""
        return self._view

    @property
    def scene(self) -> TimelineScene | None:
        """What is drawn now; None while nothing is open."""
        if self._scene is None and self._dialogue is not None:
            self._scene = self._make_scene()
        return self._scene

    def _make_scene(self) -> TimelineScene | None:
        session, dialogue = self._session, self._dialogue
        if dialogue is None:
            return None
        edges = (*session.turn_starts, session.film_seconds)
        mine = tuple(session.labels.emotion(turn.id) for turn in dialogue.turns)
        return TimelineScene(
            turns=dialogue.turns,
            edges=edges,
            said={Lane.GOLD: tuple(map(session.gold, dialogue.turns)), Lane.LABEL: mine},
            rows=tuple(session.prediction_row(turn) for turn in dialogue.turns),
            predictions=session.predictions,
            film=self._listening.film(edges),
            sound_note=self._listening.note,
            view=self._view,
            lanes=self._lanes,
        )

    @property
    def _lanes(self) -> dict[AnyLane, Band]:
        predictions = self._session.predictions
        # Without predictions the fused model's lane says that there are none.
        models = predictions.models if predictions is not None else (FUSION,)
        unwanted: set[AnyLane] = set()
        if predictions is None or not predictions.models.shifts:
            unwanted.add(Lane.SHIFT)
        if not self.spectrogram.isChecked():
            unwanted.add(Lane.SPECTROGRAM)
        if Modality.AUDIO not in self._session.presented:
            unwanted |= {Lane.SOUND, Lane.SPECTROGRAM}  # they show how loud one is
        if not self._session.labels.in_use:
            unwanted.add(Lane.LABEL)
        bands = lay_out(self.height() - 2 * EDGE, [lane for lane in lanes_of(models) if lane not in unwanted])
        return {lane: Band(band.top + EDGE, band.height) for lane, band in bands.items()}

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The kept picture, the current turn lit behind it, and the cursor."""
        painter = QPainter(self)
        palette = theme.active_palette()
        painter.fillRect(event.rect(), QColor(palette.surface))
        scene = self.scene
        if scene is None:
            painter.setPen(QColor(palette.muted))
            painter.setFont(theme.font())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Open a corpus to see its dialogues in time")
            return
        lanes = QRectF(self._view.left - 1, 0, self._view.width + 2, self.height())
        painter.setClipRect(lanes)
        left, right = scene.span(scene.turns.index(self._session.current)) if self._session.current else (0.0, 0.0)
        painter.fillRect(QRectF(left, 0, right - left, self.height()), QColor(palette.selected))
        painter.setClipping(False)
        if self._picture is None:
            self._picture = self._paint_picture(scene, lanes)
        painter.drawPixmap(0, 0, self._picture)
        if self._view.start <= self._cursor_at <= self._view.end:
            paint_cursor(painter, self._view.x(self._cursor_at), self.height())

    def _paint_picture(self, scene: TimelineScene, lanes: QRectF) -> QPixmap:
        picture = QPixmap(self.size() * self.devicePixelRatioF())
        picture.setDevicePixelRatio(self.devicePixelRatioF())
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(theme.active_palette().muted))
        for lane, band in scene.lanes.items():
            if lane is not Lane.TIME:
                box = QRectF(12, band.top, GUTTER - 12, band.height)
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, name(lane))
        painter.setClipRect(lanes)
        paint_scene(painter, scene)
        painter.end()
        return picture

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The same seconds over another width."""
        self._look(TimeSpan(self._view.start, self._view.end, self._lanes_width))
        self._tools.move(EDGE - 1, self.height() - self._tools.height() - 4)
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Other colours."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._refresh()
        super().changeEvent(event)

    # -- mouse and keys -----------------------------------------------------------------------------------------

    def place_at(self, x: float) -> int | None:
        """The place in the dialogue of the turn under a pixel."""
        scene = self.scene
        seconds = self._view.seconds(x)
        if scene is None or x < self._view.left or not 0 <= seconds < scene.edges[-1]:
            return None
        return film_time.turn_at(scene.edges[:-1], seconds)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click or a drag begins."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the view."""
        if self._pressed is None:
            return
        moved = event.position().x() - self._pressed.x()
        if self._dragged or abs(moved) >= QApplication.startDragDistance():
            self._dragged = True
            self._look(self._view.moved(-moved / self._view.scale, self._film_seconds))
            self._pressed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click that was no drag chooses the turn and goes to that time."""
        place = self.place_at(event.position().x())
        if self._pressed is not None and not self._dragged and place is not None and self._dialogue is not None:
            self._session.select(self._dialogue.turns[place].id)
            self._session.seek(self._view.seconds(event.position().x()))
        self._pressed = None

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom around the mouse; sideways, or with Shift, move."""
        turned = event.angleDelta()
        sideways = turned.x() or (turned.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if sideways:
            self._look(self._view.moved(-sideways / self._view.scale, self._film_seconds))
        elif turned.y():
            self._zoom(STEP ** (turned.y() / 120), self._view.seconds(event.position().x()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """What the mouse is over, in words."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), as_tip(self.words_at(event.pos())), self)
            return True
        return super().event(event)

    def words_at(self, point: QPoint) -> str:
        """What lies under a point, in words."""
        scene, place = self.scene, self.place_at(point.x())
        if scene is None or place is None:
            return ""
        lane = next((lane for lane, band in scene.lanes.items() if band.top <= point.y() < band.bottom), None)
        words = self._session.words(scene.turns[place])
        return describe(scene, place, lane, words, self._listening.problem(place))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Sound is decoded only for who looks."""
        self._listening.follow(self._dialogue)
        super().showEvent(event)

    def _action(self, name: str, sign: str, key: str, act: Callable[[], None], *, checkable: bool = False) -> QAction:
        action = QAction(name, self, checkable=checkable)
        action.setObjectName(name)
        action.setIconText(sign)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(act)
        self.addAction(action)
        return action
