"""The choice of a queue: each with how much is left of it, what it means, and what it still needs."""

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from telme_gui.annotating.queueing import EVERYTHING, Offer, Queues
from telme_gui.look.words import as_tip
from telme_gui.session.session import Session
from telme_model.annotations.labels import GOLD
from telme_model.annotations.queues import Queue


class QueueMenu(QMenu):
    """Counts are taken when it opens: some of them take a moment on a large corpus."""

    def __init__(self, session: Session, queues: Queues, parent: QWidget | None = None) -> None:
        super().__init__("Work through", parent)
        self._session, self._queues = session, queues
        self.setToolTipsVisible(True)
        self.everything = self._add("All turns", lambda: queues.choose(None))
        self.everything.setToolTip(EVERYTHING)
        self.addSeparator()
        self.choices: dict[Queue, QAction] = {}
        for queue in Queue:
            if queue is not Queue.LABEL_ERROR:
                self.choices[queue] = self._add(queue.capitalize(), partial(queues.choose, queue))
        self.addSeparator()
        self.gold = self._add("Likely label error in gold", lambda: queues.choose(Queue.LABEL_ERROR))
        self.mine = self._add("Likely label error in the layer", lambda: queues.choose(Queue.LABEL_ERROR, self._layer))
        self.again = self._add("Search the layer again", lambda: queues.search(self._layer))
        self.again.setCheckable(False)
        self.again.setToolTip("The labels have changed since they were searched for errors")
        self.aboutToShow.connect(self.refresh)
        self.aboutToHide.connect(self._drop_counts)

    @property
    def _layer(self) -> str:
        return self._session.labels.layer

    def _add(self, text: str, slot: Callable[[], object]) -> QAction:
        action = self.addAction(text)
        action.setObjectName(f"Queue: {text}")
        action.setCheckable(True)
        action.triggered.connect(lambda _checked=False: slot())
        return action

    def refresh(self) -> None:
        """Take counts and reasons from the session."""
        queues, layer = self._queues, self._layer
        self.everything.setChecked(queues.queue is None)
        for queue, action in self.choices.items():
            self._show(action, queue, queues.name(queue), queues.offer(queue))
        for action, searched in ((self.gold, GOLD), (self.mine, layer)):
            offer = queues.offer(Queue.LABEL_ERROR, searched)
            self._show(action, Queue.LABEL_ERROR, queues.name(Queue.LABEL_ERROR, searched), offer)
        self.again.setText(f"Search {layer} again")
        self.again.setVisible(queues.is_stale(layer))
        self.again.setEnabled(queues.searching is None)

    def _drop_counts(self) -> None:
        """Leave the bare names, by which the actions are known elsewhere."""
        for action in self.actions():
            action.setText(action.text().partition("\t")[0])

    def _show(self, action: QAction, queue: Queue, name: str, offer: Offer) -> None:
        action.setText(f"{name[0].upper()}{name[1:]}\t{_state(offer)}")
        action.setToolTip(as_tip(offer.lacks or queue.meaning))
        action.setEnabled(not offer.lacks and (offer.search or bool(offer.turns)))
        action.setChecked(queue is self._queues.queue and name == self._queues.chosen)


def _state(offer: Offer) -> str:
    if offer.lacks:
        return offer.lacks.partition(":")[0].lower()
    if offer.search:
        return "search …"
    done = f", {offer.progress.done:,} done" if offer.progress.done else ""
    return f"{len(offer.turns):,} turns{done}"
