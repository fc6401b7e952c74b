"""The current dialogue's sound: decoded in the background when it is wanted, a few dialogues kept."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_gui.timeline.sound import FilmSound, SoundDecoded, decode
from telme_model.corpus.dialogue import Dialogue, TurnId

SETTLE = 120  # ms that a dialogue must stay current before it is decoded
KEPT = 6  # dialogues


class Listening(QObject):
    """Decodes one dialogue at a time; `changed` when there is more of the current one."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._kept: OrderedDict[TurnId, dict[int, SoundDecoded]] = OrderedDict()
        self._dialogue: Dialogue | None = None
        self._film: tuple[tuple[float, ...], FilmSound] | None = None  # as last asked for, with its edges
        self._job: Job | None = None
        self._settled = QTimer(self, singleShot=True, interval=SETTLE)
        self._settled.timeout.connect(self._start)
        session.corpus_changed.connect(self._forget_all)

    def follow(self, dialogue: Dialogue | None) -> None:
        """This is the current dialogue now."""
        if dialogue is self._dialogue:
            return
        self._dialogue, self._film = dialogue, None
        self._stop()
        if dialogue is not None and self._turns_left():
            self._settled.start()

    def film(self, edges: Sequence[float]) -> FilmSound | None:
        """What is decoded so far, its turns beginning at `edges` (seconds [turns + 1]); None while nothing is."""
        sounds = self._sounds
        if not any(sound.samples is not None for sound in sounds.values()):
            return None
        if self._film is None or self._film[0] != tuple(edges):
            self._film = tuple(edges), FilmSound(sounds, edges)
        return self._film[1]

    def problem(self, place: int) -> str:
        """Why the turn at `place` of the current dialogue has no sound, empty when it has or nobody knows yet."""
        sound = self._sounds.get(place)
        return sound.problem if sound else ""

    @property
    def note(self) -> str:
        """What to say while there is no film."""
        if self._dialogue is None or not any(turn.audio for turn in self._dialogue.turns):
            return "This corpus holds no sound for the dialogue"
        return "Reading sound …" if self._turns_left() else "No clip of this dialogue has sound that can be read"

    @property
    def _sounds(self) -> dict[int, SoundDecoded]:
        return self._kept.get(self._dialogue.turns[0].id, {}) if self._dialogue else {}

    def _turns_left(self) -> bool:
        dialogue = self._dialogue
        return (
            dialogue is not None
            and any(turn.audio for turn in dialogue.turns)
            and len(self._sounds) < len(dialogue.turns)
        )

    def _start(self) -> None:
        dialogue = self._dialogue
        if dialogue is None or self._job is not None:
            return
        self._kept[dialogue.turns[0].id] = {}
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        job = self._session.jobs.start(partial(decode, dialogue.turns))
        job.reported.connect(self._take)
        job.failed.connect(self._fail)
        job.finished.connect(self._end)
        self._job = job

    def _take(self, event: SoundDecoded) -> None:
        if self.sender() is self._job:
            self._sounds[event.place] = event
            self._film = None
            self.changed.emit()

    def _fail(self, error: Exception) -> None:
        if self.sender() is self._job:
            self._session.jobs.fail("The sound of this dialogue cannot be shown", error)

    def _end(self) -> None:
        if self.sender() is self._job:
            self._job = None
            self.changed.emit()

    def _stop(self) -> None:
        self._settled.stop()
        if self._job is not None:
            self._job.stop()
            self._job = None

    def _forget_all(self) -> None:
        self._stop()
        self._kept.clear()
        self._dialogue = self._film = None
