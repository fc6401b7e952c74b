"""The strip under the picture: buttons, the film's bar, time, speed and volume."""

from PySide6.QtCore import QRectF, QSignalBlocker, Qt
from PySide6.QtGui import QAction, QActionGroup, QColor, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QSlider, QToolButton, QWidget

from telme_gui.look import theme
from telme_gui.look.words import Words, as_tip
from telme_gui.player.actions import SPEEDS, PlayerActions
from telme_gui.player.film import Film
from telme_gui.session.session import Session
from telme_model.runs.quantities import clock

HEIGHT = 40  # px
_BAR, _GAP, _KNOB = 4, 2, 5  # px: the bar's thickness, the gap between turns, the knob's radius

_SHEET = """
#transport {{ background: {p.surface}; border-bottom: 1px solid {p.line}; }}
QToolButton {{ border: none; border-radius: 6px; padding: 5px; color: {p.text}; background: transparent; }}
QToolButton:hover {{ background: {p.raised}; }}
QToolButton:checked {{ background: {p.selected}; }}
QToolButton:focus {{ background: {p.raised}; outline: none; }}
QToolButton::menu-indicator {{ image: none; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {p.line}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {p.muted}; }}
QSlider::handle:horizontal {{ width: 10px; height: 10px; margin: -3px 0; border-radius: 5px; background: {p.muted}; }}
QSlider::handle:horizontal:focus, QSlider::handle:horizontal:hover {{ background: {p.text}; }}
QLabel {{ color: {p.muted}; background: transparent; }}
"""


class FilmBar(QSlider):
    """The dialogue's film: one piece a turn, the current one lit. A click or a drag goes there."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._session = session
        self.setAccessibleName("Position in the dialogue")
        self.setToolTip("Position in the dialogue")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT - 2 * theme.RHYTHM)
        self.setMinimumWidth(80)
        self.setSingleStep(500)  # ms
        self.setPageStep(5000)
        self.valueChanged.connect(lambda value: session.seek(value / 1000))
        session.position_changed.connect(self.follow)
        session.film_changed.connect(self.follow)

    def follow(self) -> None:
        """Take length and position from the session."""
        with QSignalBlocker(self):
            self.setRange(0, max(round(self._session.film_seconds * 1000), 1))
            self.setValue(round(self._session.position * 1000))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """A hairline of turns, filled up to the position."""
        palette = theme.active_palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        session, dialogue = self._session, self._session.dialogue
        if dialogue is not None and session.film_seconds > 0:
            reached = self._x(session.position)
            edges = [self._x(start) for start in (*session.turn_starts, session.film_seconds)]
            top = self.height() / 2 - _BAR / 2
            for turn, left, right in zip(dialogue.turns, edges, edges[1:]):
                piece = QRectF(left, top, max(right - left - _GAP, 1.0), _BAR)
                painter.setBrush(QColor(palette.muted if turn is session.current else palette.line))
                painter.drawRoundedRect(piece, 2, 2)
                if left < reached:
                    piece.setRight(min(piece.right(), reached))
                    painter.setBrush(QColor(palette.accent))
                    painter.drawRoundedRect(piece, 2, 2)
            radius = _KNOB + (1 if self.hasFocus() else 0)
            painter.setBrush(QColor(palette.text if self.hasFocus() else palette.accent))
            painter.drawEllipse(QRectF(reached - radius, self.height() / 2 - radius, 2 * radius, 2 * radius))
        painter.end()

    def _x(self, seconds: float) -> float:
        share = seconds / max(self._session.film_seconds, 1e-3)
        return _KNOB + min(max(share, 0.0), 1.0) * (self.width() - 2 * _KNOB)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go to the place of the click."""
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go along with the mouse."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Nothing is left to do."""
        event.accept()

    def _go(self, event: QMouseEvent) -> None:
        share = (event.position().x() - _KNOB) / max(self.width() - 2 * _KNOB, 1)
        self._session.seek(min(max(share, 0.0), 1.0) * self._session.film_seconds)
        event.accept()


class Transport(QWidget):
    """Buttons of the actions around the film's bar."""

    def __init__(self, session: Session, film: Film, actions: PlayerActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._film, self._actions = session, film, actions
        self._sheet = ""
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._time = Words(parent=self)
        self._time.setFont(theme.font(tabular=True))
        self._time.setAccessibleName("Time in the dialogue")
        self._time.setToolTip("Time in the dialogue and its length")
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        # Fixed, since a label that grows makes Qt lay out the whole window anew, many times a second.
        self._time.setFixedWidth(self._time.fontMetrics().horizontalAdvance("00:00.0 / 00:00.0"))
        self._speed = self._speed_button()
        self._volume = QSlider(Qt.Orientation.Horizontal, self)
        self._volume.setRange(0, 100)
        self._volume.setFixedWidth(64)
        self._volume.setAccessibleName("Volume")
        self._volume.valueChanged.connect(lambda value: film.set_volume(value / 100))
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.RHYTHM, 0, theme.RHYTHM, 0)
        row.setSpacing(2)
        left = (actions.previous, actions.play, actions.next, actions.play_on, actions.loop)
        for action in (*left, actions.frame_back, actions.frame_on):
            row.addWidget(self._button(action))
        row.addSpacing(theme.RHYTHM)
        row.addWidget(FilmBar(session, self), 1)
        row.addSpacing(theme.RHYTHM)
        row.addWidget(self._time)
        row.addSpacing(theme.RHYTHM)
        row.addWidget(self._speed)
        row.addWidget(self._button(actions.mute))
        row.addWidget(self._volume)
        row.addWidget(self._button(actions.full_screen))
        session.position_changed.connect(self._follow_time)
        session.film_changed.connect(self._follow_time)
        film.settings_changed.connect(self.follow)
        self._follow_time()
        self.follow()

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAccessibleName(action.text())
        action.changed.connect(lambda: button.setAccessibleName(action.text()))
        return button

    def _speed_button(self) -> QToolButton:
        button = QToolButton(self)
        button.setFont(theme.font(tabular=True))
        button.setToolTip("Speed, with the pitch kept (< and >)")
        button.setAccessibleName("Speed")
        button.setFixedWidth(48)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu, group = QMenu(button), QActionGroup(button)
        for speed in SPEEDS:
            action = menu.addAction(f"{speed:g}×", QKeySequence())
            action.setCheckable(True)
            action.triggered.connect(lambda _checked=False, speed=speed: self._film.set_speed(speed))
            group.addAction(action)
        button.setMenu(menu)
        return button

    def follow(self) -> None:
        """Take speed, volume and colours from the film and the theme."""
        sheet = _SHEET.format(p=theme.active_palette())
        if sheet != self._sheet:
            self._sheet = sheet
            self.setStyleSheet(sheet)
        self._speed.setText(f"{self._film.speed:g}×")
        for action in self._speed.menu().actions():
            action.setChecked(action.text() == self._speed.text())
        with QSignalBlocker(self._volume):
            self._volume.setValue(0 if self._film.volume.muted else round(self._film.volume.level * 100))
        self._volume.setToolTip(as_tip(self._film.silence or f"Volume {self._volume.value()} %"))

    def _follow_time(self) -> None:
        self._time.setText(f"{clock(self._session.position)} / {clock(self._session.film_seconds)}")
