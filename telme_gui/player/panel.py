"""The player as one panel: the picture over the transport strip, following the session."""

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from telme_gui.player.actions import Actions
from telme_gui.player.film import Film
from telme_gui.player.pictures import Shot
from telme_gui.player.transport import Transport
from telme_gui.player.view import PictureView
from telme_gui.session import Session

_SETTLED = 150  # ms after the last change of size until pictures are decoded for it


class PlayerPanel(QWidget):
    """Plays the session's current dialogue and shows its current turn."""

    playing_changed = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.film = Film(session, self)
        self.controls = Actions(session, self.film, self.toggle_full_screen, self)
        self._stage = QWidget(self)  # what goes to the full screen
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
        session.predictions_changed.connect(self._follow)
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
        leave.activated.connect(self._leave_full_screen)
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

    def shut_down(self) -> None:
        """Stop and wait for the threads; the panel is of no use afterwards."""
        self._settle.stop()
        self.film.close()

    # -- full screen --------------------------------------------------------------------------------------------

    @property
    def is_full_screen(self) -> bool:
        """Whether the picture fills the screen."""
        return self._stage.isWindow()

    def toggle_full_screen(self) -> None:
        """Fill the screen with picture and transport, or return them into the panel."""
        if self.is_full_screen:
            self._leave_full_screen()
        else:
            self._stage.setWindowFlag(Qt.WindowType.Window, on=True)
            self._stage.setWindowTitle("TelME Studio")
            self._stage.showFullScreen()
            self._view.setFocus()

    def _leave_full_screen(self) -> None:
        if self.is_full_screen:
            self._stage.setWindowFlag(Qt.WindowType.Window, on=False)
            layout = self.layout()
            if layout is not None:
                layout.addWidget(self._stage)
            self._stage.show()

    # -- following ----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        turn = self._session.current
        self._view.show_turn(turn, self._emotion())
        self._follow_problem()

    def _follow_problem(self) -> None:
        turn = self._session.current
        self._view.show_problem(self.film.problem(turn) if turn else "")

    def _emotion(self) -> str:
        """Gold; where there is none, what the fused model says."""
        session = self._session
        row = session.prediction_row()
        if session.current is not None and session.current.gold:
            return session.current.gold
        if row is None or session.predictions is None:
            return ""
        best = session.predictions.predicted["fused"][row]
        return session.predictions.labels[best] if best >= 0 else ""

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
