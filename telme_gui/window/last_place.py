"""Where one was in a corpus, from one start of the program to the next: run, turn, filter and queue."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from telme_gui.annotating.queueing import Queues
from telme_gui.look.settings import Settings
from telme_gui.opening.opener import Opener
from telme_gui.session.filter import Filter
from telme_gui.session.marks import Mark
from telme_gui.session.session import Session
from telme_model.analysis.predictions import Effect
from telme_model.annotations.queues import Queue
from telme_model.corpus.dialogue import Corpus, Split

T = TypeVar("T")

SETS = ("effects", "marks", "emotions", "speakers", "splits")  # of a filter


class LastPlace(QObject):
    """Notes in the settings where one is; in a corpus that is opened again filter and queue are as one left them.

    Whoever opens a corpus says which run and which turn.
    """

    def __init__(
        self, session: Session, opener: Opener, queues: Queues, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._queues, self._settings = session, queues, settings
        self._back: Corpus | None = None  # in which one is back: until then its filter and queue are not what one left
        opener.opened.connect(self._note_place)
        session.current_changed.connect(self._note_place)
        opener.settled.connect(self._go_back)
        session.filter_changed.connect(self._note_work)
        queues.changed.connect(self._note_work)

    def _note_place(self) -> None:
        session = self._session
        if session.corpus is not None:
            turn = str(session.current.id) if session.current else ""
            self._settings.remember(session.corpus.root, session.run, turn)

    def _note_work(self) -> None:
        corpus, queue = self._session.corpus, self._queues.queue
        if corpus is not None and corpus is self._back:
            again = queue is not None and queue is not Queue.LABEL_ERROR  # for which one would have to search anew
            self._settings.remember_work(
                corpus.root, str(queue) if again else "", filter_settings(self._session.filter)
            )

    def _go_back(self) -> None:
        corpus = self._session.corpus
        if corpus is not None and corpus is not self._back:
            left = self._settings.of(corpus.root)
            self._back = corpus
            if self._session.filter != Filter() or self._queues.queue is not None:
                self._note_work()  # chosen while a run was opened: that counts
                return
            filter_ = filter_from(left.filter, self._session)
            if filter_ != Filter():
                self._session.set_filter(filter_)
            self._queues.resume(left.queue)


def filter_settings(filter_: Filter) -> dict[str, Any]:
    """A filter as the settings hold it, without turns that were chosen elsewhere."""
    tree = {"text": filter_.text, "media_problem": filter_.media_problem}
    return {name: value for name, value in tree.items() if value} | {
        name: sorted(map(str, chosen)) for name in SETS if (chosen := getattr(filter_, name))
    }


def filter_from(tree: Mapping[str, Any], session: Session) -> Filter:
    """The filter that was kept, as far as the open corpus still has what it asks for."""

    def among(name: str, known: Iterable[T]) -> frozenset[T]:
        wanted = tree.get(name)
        return frozenset(one for one in known if one in wanted) if isinstance(wanted, list) else frozenset()

    text = tree.get("text")
    return Filter(
        text=text if isinstance(text, str) else "",
        effects=among("effects", Effect if session.predictions else ()),
        marks=among("marks", Mark),
        emotions=among("emotions", session.corpus.labels.labels if session.corpus else ()),
        speakers=among("speakers", {turn.speaker for turn in session.turns}),
        splits=among("splits", Split),
        media_problem=tree.get("media_problem") is True,
    )
