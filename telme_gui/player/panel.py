"""The player as one panel: the picture over the transport strip, following the session."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget
from shiboken6 import isValid

from telme_gui.look.settings import Playback
from telme_gui.player.actions import PlayerActions
from telme_gui.player.film import Film
from telme_gui.player.pictures import Shot
from telme_gui.player.transport import Transport
from telme_gui.player.view import PictureView
from telme_gui.session.session import Session

_SETTLED = 150  # ms after the last change of size until pictures are decoded for it


class PlayerPanel(QWidget):
    """Plays the session's current dialogue and shows its current turn."""

    playing_changed = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.film = Film(session, self)
        self.controls = PlayerActions(session, self.film, self.toggle_full_screen, self)
        self._stage = QWidget(self)  # what goes to the full screen
        self._stage.installEventFilter(self)
        self._focus: QWidget | None = None  # what had the keyboard before the full screen
        self._view = PictureView(self._stage)
        self._transport = Transport(session, self.film, self.controls, self._stage)
        self._arrange()
        self._size = self._view.size()
        self._settle = QTimer(self, singleShot=True, interval=_SETTLED)
        self._settle.timeout.connect(lambda: self.film.set_fit(self._size))
        self._view.resized.connect(self._on_resized)
        self._view.clicked.connect(self.film.toggle)
        self._view.double_clicked.connect(self.toggle_full_screen)
        self.film.shown.connect(self._on_shown)
        self.film.measured.connect(self._follow_problem)
        self.film.silence_changed.connect(self._on_silence)
        self.film.playing_changed.connect(self.playing_changed)
        session.corpus_changed.connect(self._follow)
        session.current_changed.connect(self._follow)
        session.labels_changed.connect(self._follow)
        session.presented_changed.connect(self._follow_presented)
        self._follow()

    def _arrange(self) -> None:
        inner = QVBoxLayout(self._stage)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(self._view, 1)
        inner.addWidget(self._transport)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stage)
        # On the full screen the stage is a window of its own, so the keys must belong to it.
        self._stage.addActions(self.controls.all)
        for keys, by in (("Up", -1), ("Down", 1)):  # here alone: lists and trees need these keys themselves
            shortcut = QShortcut(QKeySequence(keys), self._stage)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda by=by: self._session.step(by))
        leave = QShortcut(QKeySequence("Escape"), self._stage)
        leave.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        leave.activated.connect(self.leave_full_screen)
        self._view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    # -- playing ------------------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self.film.playing

    def play_turn(self) -> None:
        """Play to the end of the current turn."""
        self.film.play_turn()

    def play_on(self) -> None:
        """Play on to the end of the dialogue."""
        self.film.play_on()

    def pause(self) -> None:
        """Stand still."""
        self.film.pause()

    def toggle(self) -> None:
        """Pause, or play the current turn."""
        self.film.toggle()

    def stop(self) -> None:
        """Stand still at the beginning of the current turn."""
        self.film.stop()

    @property
    def playback(self) -> Playback:
        """Volume and speed, to be remembered."""
        volume = self.film.volume
        return Playback(volume=volume.level, muted=volume.muted, speed=self.film.speed)

    def set_playback(self, playback: Playback) -> None:
        """Take volume and speed as they were."""
        self.film.set_volume(playback.volume, muted=playback.muted)
        self.film.set_speed(playback.speed)

    def shut_down(self) -> None:
        """Stop and wait for the threads; the panel is of no use afterwards."""
        self._settle.stop()
        self.leave_full_screen()  # a window of its own would outlive the program's
        self.film.close()

    # -- full screen --------------------------------------------------------------------------------------------

    @property
    def is_full_screen(self) -> bool:
        """Whether the picture fills the screen."""
        return self._stage.isWindow()

    def toggle_full_screen(self) -> None:
        """Fill the screen with picture and transport, or return them into the panel."""
        if self.is_full_screen:
            self.leave_full_screen()
        else:
            self._focus = self.window().focusWidget()
            self._stage.setWindowFlag(Qt.WindowType.Window, on=True)
            self._stage.setWindowTitle("TelME Studio")
            self._stage.showFullScreen()
            self._view.setFocus()

    @property
    def stage(self) -> QWidget:
        """What fills the screen, and then is a window."""
        return self._stage

    def add_keys(self, actions: Sequence[QAction]) -> None:
        """Let these keys hold on the full screen, too, where the stage is a window of its own."""
        self._stage.addActions(actions)

    def leave_full_screen(self) -> None:
        """Return picture and transport into the panel."""
        if self.is_full_screen:
            self._stage.setWindowFlag(Qt.WindowType.Window, on=False)
            layout = self.layout()
            if layout is not None:
                layout.addWidget(self._stage)
            self._stage.show()
            before = self._focus if self._focus is not None and isValid(self._focus) else self._view
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- following ----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        turn = self._session.current
        self._view.show_turn(turn, (turn and self._session.gold(turn)) or "")
        self._follow_problem()

    def _follow_problem(self) -> None:
        turn = self._session.current
        self._view.show_problem(self.film.problem(turn) if turn else "")

    def _follow_presented(self) -> None:
        self._view.present(self._session.presented)

    def _on_shown(self, shot: Shot) -> None:
        if shot.image is not None or shot.opens:
            self._view.show_image(shot.image)
        self._follow_problem()

    def _on_silence(self, reason: str) -> None:
        self._view.show_note("Playing without sound" if reason else "")
        self._transport.follow()

    def _on_resized(self, size: QSize) -> None:
        self._size = size
        self._settle.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Closing the full screen, as a window manager may, returns from it."""
        if watched is self._stage and event.type() is QEvent.Type.Close and self.is_full_screen:
            event.ignore()
            self.leave_full_screen()
            return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Take the colours of another theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self.controls.follow()
            self._transport.follow()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Leave no thread."""
        self.shut_down()
        super().closeEvent(event)
