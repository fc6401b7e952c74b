"""Looking for broken and missing clips while nothing else is going on, so that they can be filtered for."""

from functools import partial

from PySide6.QtCore import QObject, QTimer

from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.corpus.dialogue import Severity, TurnId
from telme_model.corpus.health import ProblemFound
from telme_model.events import Event
from telme_model.media.health import check_media

AFTER = 2000  # ms from an opened corpus to the first look: first the window
ANNOUNCE = 500  # ms between two announcements


class ClipCheck(QObject):
    """Reads every clip of the open corpus once, the current dialogue's first, and tells the session what is wrong.

    It waits while the player plays, and while work that a person asked for is under way.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._playing = False
        self._found: dict[TurnId, str] = {}
        self._begin = QTimer(self, singleShot=True, interval=AFTER)
        self._begin.timeout.connect(self._start)
        self._clock = QTimer(self, interval=ANNOUNCE)
        self._clock.timeout.connect(self._tell)
        session.corpus_changed.connect(self._follow)
        session.jobs.changed.connect(self._yield)
        session.jobs.closing.connect(self._begin.stop)
        session.jobs.closing.connect(self._clock.stop)

    def set_playing(self, playing: bool) -> None:
        """Whether the player plays."""
        self._playing = playing
        self._yield()

    def _follow(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._job = None
        self._found.clear()
        self._clock.stop()
        if self._session.corpus is None:
            self._begin.stop()
        else:
            self._begin.start()

    def _start(self) -> None:
        session = self._session
        here = session.dialogue.turns if session.dialogue else ()
        turns = [*here, *(turn for turn in session.turns if session.dialogue_of[turn.id] is not session.dialogue)]
        if any(turn.video or turn.audio for turn in turns):
            self._job = job = session.jobs.start(partial(check_media, turns))
            job.reported.connect(self._take)
            job.finished.connect(self._end)
            self._clock.start()
            self._yield()

    def _take(self, event: Event) -> None:
        if isinstance(event, ProblemFound) and self.sender() is self._job:
            problem = event.problem
            if problem.turn is not None and problem.severity is not Severity.NOTE:
                self._found.setdefault(problem.turn, problem.reason)

    def _tell(self) -> None:
        if self._found:
            self._session.report_media_problems(self._found)
            self._found = {}

    def _yield(self) -> None:
        if self._job is not None:
            if self._playing or self._session.jobs.busy:
                self._job.pause()
            else:
                self._job.resume()

    def _end(self) -> None:
        if self.sender() is self._job:
            self._job = None
            self._clock.stop()
            self._tell()
