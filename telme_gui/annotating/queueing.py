"""Where an annotator could look next: the queues of the open corpus, and the search for likely label errors."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from telme_gui.annotating.annotator import Annotator
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.annotations.labels import ADJUDICATED, GOLD, Scope
from telme_model.annotations.queues import Queue, QueueProgress, Sources, lacking, progress, turns_of
from telme_model.corpus.dialogue import TurnId
from telme_model.prediction.label_errors import LabelErrors, Suspicion, search

SEARCHING = "Searching for label errors"
EVERYTHING = "Label turn by turn, along the filter where one is set"
SHORT = {
    Queue.CONFLICT: "conflict",
    Queue.LABEL_ERROR: "label errors",
    Queue.DISAGREEMENT: "disputed",
    Queue.SAMPLE: "sample",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A queue as it can be chosen."""

    turns: tuple[TurnId, ...]
    progress: QueueProgress  # of the chosen layer
    lacks: str = ""  # what it needs and is not there, in a sentence
    search: bool = False  # choosing it begins a search for label errors


@dataclass(frozen=True, slots=True)
class Searched:
    """Labels that were searched for errors: gold, or a layer in a scope, at a revision of the store."""

    run: Path
    layer: str
    scope: Scope
    revision: int


class Queues(QObject):
    """The queues that can be made now, and the one that is worked through.

    What a search for label errors found is kept while the corpus is open. It goes stale with the labels that it
    searched, and says so: it is not thrown away, since working through it is what changes them.
    """

    changed = Signal()  # another queue is worked through, or a search began or ended

    def __init__(self, session: Session, annotator: Annotator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._labels, self._annotator = session, session.labels, annotator
        self.queue: Queue | None = None  # None: turn by turn
        self.searching: Job | None = None
        self._sought: Searched | None = None  # what it searches
        self._found: dict[tuple[Path, str, Scope], tuple[Searched, LabelErrors]] = {}
        self._suspicions: dict[TurnId, Suspicion] = {}  # of the queue that is worked through
        self._searched = GOLD  # the layer that they are of
        annotator.queue_changed.connect(self._follow_queue)
        session.labels_changed.connect(self._keep_blind)
        session.corpus_changed.connect(self._forget)

    # -- what there is ------------------------------------------------------------------------------------------

    def offer(self, queue: Queue, searched: str = GOLD) -> Offer:
        """A queue's turns, or what it lacks; `searched` is whose labels are suspected."""
        sources = self._sources(searched)
        search = queue is Queue.LABEL_ERROR and sources.suspects is None
        if self._labels.blind and not queue.blind_safe:
            lacks = "Hidden in blind mode: it would tell what a model or another annotator says."
        elif search:
            lacks = self._lacking(searched)
        else:
            lacks = lacking(queue, sources)
        turns = () if lacks else turns_of(queue, sources)
        return Offer(turns=turns, progress=progress(turns, sources.own), lacks=lacks, search=search)

    def _lacking(self, searched: str) -> str:
        """What a search for label errors needs."""
        if self.searching is not None:
            return "Being searched: it begins with what is found."
        if self._session.run is None:
            return "Needs a run: open one, or train one."
        return "" if self._searchable(searched) else f"Needs labels in {searched}: there are none."

    def _sources(self, searched: str) -> Sources:
        labels = self._labels
        found = self.found(searched)
        return Sources(
            turns=[turn.id for turn in self._session.turns],
            own=labels.in_layer(labels.layer, labels.scope),
            layers={layer: labels.in_layer(layer, labels.scope) for layer in labels.annotators},
            predictions=self._session.base,  # whatever theta is tried
            suspects=found.suspects if found else None,
        )

    # -- working through one ------------------------------------------------------------------------------------

    def choose(self, queue: Queue | None, searched: str = GOLD) -> None:
        """Work through a queue, None for none; where label errors are not searched yet, search and then begin."""
        if queue is None:
            self._annotator.work_through("", ())
            return
        offer = self.offer(queue, searched)
        if offer.lacks:
            self._annotator.said.emit(offer.lacks)
        elif offer.search:
            self.search(searched)
        else:
            self._begin(queue, offer.turns, searched)

    def adjudicate(self, turns: tuple[TurnId, ...]) -> None:
        """Settle these turns in the adjudicated layer."""
        self._labels.set_active(True)
        self._labels.choose(layer=ADJUDICATED, blind=False)
        self._begin(Queue.DISAGREEMENT, turns)

    def resume(self, name: str) -> None:
        """Go on with the queue of an earlier sitting, where it can be made at once; without a word, from any turn."""
        queue = next((queue for queue in Queue if queue == name), None)
        turns = self.offer(queue).turns if queue is not None and self._labels.active else ()
        if queue is not None and turns:
            self._begin(queue, turns, stay=True)

    def _begin(self, queue: Queue, turns: tuple[TurnId, ...], searched: str = GOLD, *, stay: bool = False) -> None:
        if not turns:
            self._annotator.said.emit(f"There is nothing in “{queue}”")
            return
        self._labels.set_active(True)
        found = self.found(searched) if queue is Queue.LABEL_ERROR else None
        self.queue, self._searched = queue, searched
        self._suspicions = {of.turn: of for of in found.ranked} if found else {}
        again = searched != GOLD and queue is Queue.LABEL_ERROR  # what is suspected is to be confirmed
        self._annotator.work_through(self.name(queue, searched), turns, time.time() if again else 0.0, stay=stay)

    @property
    def chosen(self) -> str:
        """The name of what is worked through; nothing turn by turn."""
        return self._annotator.queue_name

    @property
    def short_name(self) -> str:
        """The same where there is little room."""
        return SHORT.get(self.queue, str(self.queue)) if self.queue else "all turns"

    @property
    def meaning(self) -> str:
        """What is worked through, in a sentence."""
        if self.queue is None:
            return EVERYTHING
        return f"{self.chosen[0].upper()}{self.chosen[1:]}. {self.queue.meaning}"

    def name(self, queue: Queue, searched: str = GOLD) -> str:
        """What the queue is called."""
        return f"{queue} in {searched}" if queue is Queue.LABEL_ERROR else str(queue)

    def _follow_queue(self) -> None:
        if not self._annotator.queue:
            self.queue, self._suspicions = None, {}
        self.changed.emit()

    def _keep_blind(self) -> None:
        """Leave a queue that would tell something, once things are to be hidden."""
        if self.queue is not None and self._labels.blind and not self.queue.blind_safe:
            self._annotator.said.emit(f"“{self._annotator.queue_name}” ended: in blind mode it would tell too much")
            self.choose(None)

    # -- likely label errors ------------------------------------------------------------------------------------

    def found(self, searched: str) -> LabelErrors | None:
        """What was found among the labels of gold or a layer with the open run, stale or not."""
        key = self._key(searched)
        return self._found[key][1] if key in self._found else None

    def is_stale(self, searched: str) -> bool:
        """Whether the labels have changed since they were searched."""
        key = self._key(searched)
        return key in self._found and self._found[key][0] != self._asked(searched)

    def search(self, searched: str) -> Job | None:
        """Search the labels of gold or a layer in the background, and begin with what is found."""
        session, asked = self._session, self._asked(searched)
        if asked is None or session.corpus is None or self.searching is not None:
            return None
        labels = self._searchable(searched)
        job = session.jobs.start(partial(search, asked.run, session.corpus, labels), f"{SEARCHING} in {searched}")
        job.done.connect(self._take)
        job.failed.connect(partial(session.jobs.fail, "Label errors were not searched"))
        job.finished.connect(self._end_search)
        self.searching, self._sought = job, asked
        self.changed.emit()
        return job

    def _take(self, errors: LabelErrors | None) -> None:
        asked = self._sought
        if errors is None or asked is None or self.sender() is not self.searching:
            return  # stopped, or of another corpus
        self._found[asked.run, asked.layer, asked.scope] = (asked, errors)
        if self.found(asked.layer) is errors and not self._labels.blind:
            self._annotator.work_through("", ())  # an older search's queue
            self._begin(Queue.LABEL_ERROR, self.offer(Queue.LABEL_ERROR, asked.layer).turns, asked.layer)

    def _end_search(self) -> None:
        if self.sender() is self.searching:
            self.searching = self._sought = None
            self.changed.emit()

    def _searchable(self, searched: str) -> dict[TurnId, str]:
        if searched == GOLD:
            return {turn.id: turn.gold for turn in self._session.turns if turn.gold is not None}
        labels = self._labels.in_layer(searched, self._labels.scope)
        return {turn: label.emotion for turn, label in labels.items() if label.emotion is not None}

    def _key(self, searched: str) -> tuple[Path, str, Scope] | None:
        asked = self._asked(searched)
        return (asked.run, asked.layer, asked.scope) if asked else None

    def _asked(self, searched: str) -> Searched | None:
        run, store = self._session.run, self._labels.store
        if run is None:
            return None
        if searched == GOLD:
            return Searched(run, GOLD, Scope.ALL, 0)
        return Searched(run, searched, self._labels.scope, store.revision if store else 0)

    @property
    def hint(self) -> str:
        """What the search says of the current turn; nothing outside its queue."""
        turn = self._session.current
        if turn is None or turn.id not in self._suspicions or self._session.hides(turn):
            return ""
        of = self._suspicions[turn.id]
        others = "doubt that" if of.suggested == of.label else f"suggest {of.suggested} ({of.confidence:.0%})"
        return f"{self._searched} says {of.label} ({of.quality:.0%}); similar turns of other dialogues {others}"

    def _forget(self) -> None:
        if self.searching is not None:
            self.searching.stop()
            self.searching = self._sought = None
        self._found.clear()
        self.changed.emit()
