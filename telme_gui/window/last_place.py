"""Where one was in a corpus and how one annotated, from one start to the next, be it after a crash."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer

from telme_gui.annotating.annotator import Annotator
from telme_gui.annotating.queueing import Queues
from telme_gui.look.settings import Annotating, Settings
from telme_gui.opening.opener import Opener
from telme_gui.session.filter import Filter
from telme_gui.session.marks import Mark
from telme_gui.session.session import Session
from telme_model.analysis.predictions import Effect
from telme_model.annotations.queues import Queue
from telme_model.corpus.dialogue import Corpus, Split

T = TypeVar("T")

KEPT_AFTER = 500  # ms: whoever goes from turn to turn in haste is not made to wait for the disk at each
SETS = ("effects", "marks", "emotions", "speakers", "splits")  # of a filter


class LastPlace(QObject):
    """Notes in the settings where one is; in a corpus that is opened again filter and queue are as one left them.

    Layer, scope and blind mode are on disk at once, the rest in a moment. Whoever opens a corpus says which run and
    which turn.
    """

    def __init__(
        self,
        session: Session,
        opener: Opener,
        queues: Queues,
        annotator: Annotator,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._queues, self._annotator, self._settings = session, queues, annotator, settings
        self._soon = QTimer(self, singleShot=True, interval=KEPT_AFTER)
        self._soon.timeout.connect(settings.keep)
        self._back: Corpus | None = None  # in which one is back: until then its filter and queue are not what one left
        opener.opened.connect(self._note_place)
        session.current_changed.connect(self._note_place)
        opener.settled.connect(self._go_back)
        session.filter_changed.connect(self._note_work)
        queues.changed.connect(self._note_work)
        session.jobs.closing.connect(self._soon.stop)

    def restore(self) -> None:
        """Annotate as before, and from now on note how."""
        before, labels = self._settings.annotating, self._session.labels
        self._annotator.plays = before.plays
        labels.set_active(before.shown)
        labels.choose(layer=before.layer, scope=before.scope, blind=before.blind)
        self._session.labels_changed.connect(self.note_annotating)

    def note_annotating(self) -> None:
        """Keep how one annotates, where that has changed."""
        labels = self._session.labels
        now = Annotating(
            layer=labels.layer,
            shown=labels.active,
            plays=self._annotator.plays,
            scope=labels.scope,
            blind=labels.blind,
        )
        if now != self._settings.annotating:
            self._settings.annotating = now
            self._settings.keep()

    def _note_place(self) -> None:
        session = self._session
        if session.corpus is not None:
            turn = str(session.current.id) if session.current else ""
            self._settings.remember(session.corpus.root, session.run, turn)
            self._soon.start()

    def _note_work(self) -> None:
        corpus, queue = self._session.corpus, self._queues.queue
        if corpus is not None and corpus is self._back:
            again = queue is not None and queue is not Queue.LABEL_ERROR  # for which one would have to search anew
            self._settings.remember_work(
                corpus.root, str(queue) if again else "", filter_settings(self._session.filter)
            )
            self._soon.start()

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
