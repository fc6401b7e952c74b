"""What the player can be told to do, each with its keys: for its own buttons, and for a menu of the window."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from telme_gui.look import icons, theme
from telme_gui.look.keys import with_keys
from telme_gui.look.words import as_tip
from telme_gui.player.film import Film
from telme_gui.session.session import Session

SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_VOLUME_STEP = 0.1


class PlayerActions(QObject):
    """The actions, by name as attributes; `all` in the order of a menu."""

    def __init__(self, session: Session, film: Film, toggle_full_screen: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._film = film
        self.all: list[QAction] = []
        self._icons: dict[QAction, str] = {}
        self.play = self._action("Play turn", "play", film.toggle, "Space")
        self.play_on = self._action("Play on", "play-on", film.play_on, "Shift+Space")
        self.loop = self._action("Loop turn", "loop", None, "R")
        self.loop.setCheckable(True)
        self.loop.toggled.connect(film.set_loop)
        self.previous = self._action("Previous turn", "previous", lambda: session.step(-1), "K")
        self.next = self._action("Next turn", "next", lambda: session.step(1), "J")
        self.frame_back = self._action("Frame back", "frame-back", lambda: film.step_frame(-1), ",")
        self.frame_on = self._action("Frame on", "frame-on", lambda: film.step_frame(1), ".")
        self._action("Previous dialogue", "", lambda: film.step_dialogue(-1), "[")
        self._action("Next dialogue", "", lambda: film.step_dialogue(1), "]")
        self._action("Slower", "", lambda: self._change_speed(-1), "<")
        self._action("Faster", "", lambda: self._change_speed(1), ">")
        self._action("Quieter", "", lambda: self._change_volume(-_VOLUME_STEP), "Ctrl+Down")
        self._action("Louder", "", lambda: self._change_volume(_VOLUME_STEP), "Ctrl+Up")
        self.mute = self._action("Mute", "sound", None, "M")
        self.mute.setCheckable(True)
        self.mute.toggled.connect(lambda muted: film.set_volume(film.volume.level, muted=muted))
        self.full_screen = self._action("Full screen", "full-screen", toggle_full_screen, "F11")
        film.playing_changed.connect(self.follow)
        film.settings_changed.connect(self.follow)
        self.follow()

    def _action(self, text: str, icon: str, slot: Callable[[], None] | None, keys: str) -> QAction:
        action = QAction(text, self)
        action.setObjectName(text)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if slot is not None:
            action.triggered.connect(lambda _checked: slot())
        self.all.append(action)
        if icon:
            self._icons[action] = icon
        return action

    def follow(self) -> None:
        """Take text, icon and state from the film and the theme."""
        film, colour = self._film, theme.active_palette().text
        self._icons[self.play] = "pause" if film.playing else "play"
        self._icons[self.mute] = "muted" if film.volume.muted else "sound"
        self.play.setText("Pause" if film.playing else "Play turn")
        self.mute.setText("Unmute" if film.volume.muted else "Mute")
        self.loop.setChecked(film.loop)
        self.mute.setChecked(film.volume.muted)
        for action, icon in self._icons.items():
            action.setIcon(icons.icon(icon, colour))
            action.setToolTip(as_tip(with_keys(action.text(), action)))

    def _change_speed(self, by: int) -> None:
        film = self._film
        place = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - film.speed)) + by
        film.set_speed(SPEEDS[min(max(place, 0), len(SPEEDS) - 1)])

    def _change_volume(self, by: float) -> None:
        self._film.set_volume(self._film.volume.level + by)
