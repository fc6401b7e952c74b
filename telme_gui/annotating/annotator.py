"""What an annotator does to the current turn, and where the keyboard goes next."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_model.analysis.models import FUSED
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.annotations.queues import QueueProgress, is_done, progress
from telme_model.annotations.undo import Step
from telme_model.corpus.dialogue import Modality, Turn, TurnId

PRESENTED = {
    Scope.ALL: frozenset(Modality),
    Scope.TEXT: frozenset({Modality.TEXT}),
    Scope.SOUND: frozenset({Modality.AUDIO}),
    Scope.FACE: frozenset({Modality.VISUAL}),
}
SEEN = ", not blind: what is hidden now was to be seen before"


class Annotator(QObject):
    """Labels the session's current turn in the chosen layer, and goes on.

    It goes on along the queue where one is worked through, else along what the filter found, else turn by turn
    across dialogues. While annotating has not begun, nothing is labelled: a key that is hit by chance must not.
    """

    queue_changed = Signal()  # another queue, or none
    said = Signal(str)  # what was done, in a few words

    def __init__(self, session: Session, play: Callable[[], None], parent: QObject | None = None) -> None:
        """`play` plays the current turn."""
        super().__init__(parent)
        self._session, self._labels = session, session.labels
        self._play = play
        self.plays = True  # the turn it goes on to
        self.queue: tuple[TurnId, ...] = ()
        self.queue_name = ""
        self._since = 0.0  # labels of the queue that are older are to be looked at again
        self._skipped: set[TurnId] = set()  # turns of the queue that come again at its end
        self._places: dict[TurnId, int] = {}  # in the queue
        self._announced: Step | None = None  # is taken back, or done again, when that is asked for once more
        self._ended: TurnId | None = None  # was labelled, and nothing came after it
        self._labels.changed.connect(self._present)
        for changed in (self._labels.changed, session.current_changed):
            changed.connect(self._forget_announced)
        session.current_changed.connect(self._forget_end)
        session.corpus_changed.connect(lambda: self.work_through("", ()))

    # -- labelling ----------------------------------------------------------------------------------------------

    def label(self, emotion: str) -> None:
        """The turn is this emotion; go on to the next."""
        turn = self._turn()
        if turn is None:
            return
        mine = self._labels.mine(turn.id)
        if turn.id == self._ended and mine is not None and mine.emotion not in (None, emotion):
            # A hand in its stride does not know that it was the last one.
            self.said.emit(f"{turn.id} was the last and stays {mine.emotion}: to change it, clear it or come back")
        elif self._put(turn, f"label {emotion}", emotion=emotion, unsure=False):
            self.go_on()

    @property
    def suggestion(self) -> str | None:
        """What the run's fused model says of the current turn, whatever is tried; None where nothing, or hidden."""
        predictions, turn = self._session.base, self._session.current
        if predictions is None or turn is None or turn.id not in predictions.rows or self._session.hides(turn):
            return None
        row = predictions.rows[turn.id]
        best = int(predictions.predicted[FUSED][row])
        return predictions.labels[best] if best >= 0 else None

    def accept(self) -> None:
        """Label as the fused model suggests, and go on."""
        if self.suggestion is not None:
            self.label(self.suggestion)

    def doubt(self) -> None:
        """Mark the label as unsure, or no longer; a turn without a label is left as unsure, and one goes on."""
        turn = self._turn()
        if turn is None:
            return
        mine = self._labels.mine(turn.id)
        unsure = mine is None or not mine.unsure
        done = self._put(turn, "unsure" if unsure else "sure", unsure=unsure)
        if done and unsure and (mine is None or mine.emotion is None):
            self.go_on()

    def flag(self) -> None:
        """Flag the turn for another look, or take the flag away."""
        turn = self._turn()
        if turn is not None:
            mine = self._labels.mine(turn.id)
            flagged = mine is not None and mine.flag
            self._put(turn, "unflag" if flagged else "flag", flag=not flagged)

    def comment(self, text: str, on: Turn | None = None) -> None:
        """Say something on the turn, or on another than the current one; an empty text takes the comment away."""
        turn = self._turn()
        if turn is not None:
            self._put(on or turn, "comment", comment=text.strip())

    def clear(self) -> None:
        """Take the turn's label away, with all that goes with it."""
        turn = self._turn()
        if turn is not None and self._labels.put(turn.id, None, "clear the label"):
            self.said.emit(f"Cleared the label of {turn.id}")

    def _turn(self) -> Turn | None:
        return self._session.current if self._labels.active else None

    def _put(self, turn: Turn, name: str, **changes: Any) -> bool:
        """Change what the chosen layer says of the turn; whether anything changed, or stood so already."""
        session, hidden, blind = self._session, self._session.hides(turn), self._session.is_blind(turn)
        old = self._labels.mine(turn.id)
        new = replace(old or Label(), **changes, time=time.time())
        if old is None or not {"flag", "comment"} >= changes.keys():  # a remark leaves how the label came about
            told = not blind and session.base is not None and turn.id in session.base.rows
            seen = session.run.name if told and session.run is not None else ""
            new = replace(new, origin=Origin.BLIND if blind else Origin.ASSISTED, run=seen)
        if not (new.emotion or new.unsure or new.flag or new.comment):
            step = self._labels.put(turn.id, None, name)
        elif old is not None and new == replace(old, origin=new.origin, run=new.run, time=new.time):
            if old.time >= self._since:
                return True  # said already
            step = self._labels.put(turn.id, new, f"confirm {new.emotion or name}")
        else:
            step = self._labels.put(turn.id, new, name)
        if step is not None:
            self.said.emit(f"{name.capitalize()}: {turn.id}{SEEN if hidden and not blind else ''}")
        return step is not None

    # -- back and forth -----------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the last edit, say so, and go there; what another did in an earlier sitting is announced first."""
        if not self._announces(self._labels.undoable, "take it back"):
            self._tell("Undone", self._labels.undo(), "There is nothing to undo")

    def redo(self) -> None:
        """Do again what was taken back, say so, and go there; announced likewise."""
        if not self._announces(self._labels.redoable, "do it again"):
            self._tell("Redone", self._labels.redo(), "There is nothing to redo")

    def _announces(self, step: Step | None, deed: str) -> bool:
        """Whether a step is only announced: of another layer, from before this sitting, and asked for a first time."""
        if step is None or not step.earlier or step.layer == self._labels.layer or step == self._announced:
            return False
        self._announced = step
        self.said.emit(f"Not of this sitting: {self._called(step)}. Press again to {deed}.")
        return True

    def _forget_end(self) -> None:
        self._ended = None

    def _forget_announced(self) -> None:
        self._announced = None

    def _called(self, step: Step) -> str:
        """A step in words, which in blind mode tell nothing of another's labels."""
        hidden = self._labels.blind and step.layer != self._labels.layer
        where = f" of {step.turn}" if step.size == 1 else f", {step.size:,} labels"
        return f"{'an edit' if hidden else step.name}{where} in “{step.layer}”"

    def _tell(self, verb: str, step: Step | None, nothing: str) -> None:
        if step is None:
            self.said.emit(nothing)
            return
        if step.turn is not None and step.turn in self._session.rows:
            self._session.select(step.turn)
        left = f"; {step.left:,} were left, for another program changed them since" if step.left else ""
        self.said.emit(f"{verb}: {self._called(step)}{left}")

    # -- where it goes ------------------------------------------------------------------------------------------

    def work_through(self, name: str, turns: tuple[TurnId, ...], since: float = 0.0, *, stay: bool = False) -> None:
        """Go through these turns in this order, from the first that is to be done; without turns, no longer.

        A label from before `since` (seconds since the epoch) is one to look at again. With `stay` one begins later.
        """
        if (name, turns) == (self.queue_name, self.queue):
            return
        self.queue_name, self.queue = name, turns
        self._since, self._skipped = since, set()
        self._places = {turn: place for place, turn in enumerate(turns)}
        self.queue_changed.emit()
        if turns and not stay:
            self._select(next((turn for turn in turns if not is_done(self._labels.mine(turn), since)), turns[0]))

    @property
    def progress(self) -> QueueProgress:
        """How far the queue is worked through."""
        mine = self._labels.in_layer(self._labels.layer, self._labels.scope)
        return progress(self.queue, mine, skipped=self._skipped, since=self._since)

    @property
    def left(self) -> int:
        """How many turns of the queue are still to be done, skipped ones among them."""
        of = self.progress
        return of.left + of.skipped

    def skip(self) -> None:
        """Go on without a label; in a queue the turn comes again at its end."""
        here = self._session.current
        if here is not None and here.id in self._places and not is_done(self._labels.mine(here.id), self._since):
            self._skipped.add(here.id)
            self.queue_changed.emit()
        self.go_on()

    def go_on(self) -> None:
        """To the next turn, which is played where that is wished."""
        following = self._following()
        here = self._session.current
        if following is not None and (here is None or following != here.id):
            self._select(following)
            if self.plays:
                self._play()
        elif here is not None:
            self._ended = here.id
            if not self.queue:
                found = "that the filter found" if self._session.filter != Filter() else "of the corpus"
                self.said.emit(f"{here.id} is the last turn {found}")

    def go_back(self) -> None:
        """To the turn before in the queue; without a queue, in the dialogue."""
        here = self._session.current
        if here is not None and here.id in self._places:
            self._select(self.queue[max(0, self._places[here.id] - 1)])
        elif not self.queue:
            self._session.step(-1)

    def _following(self) -> TurnId | None:
        session = self._session
        if session.current is None:
            return None
        if self.queue:
            return self._next_in_queue(session.current.id)
        if session.filter != Filter():
            return session.found(1)
        row = session.rows[session.current.id] + 1
        return session.turns[row].id if row < len(session.turns) else None

    def _next_in_queue(self, here: TurnId) -> TurnId | None:
        """The next to be done, from here on and then from the head, then those that were skipped; None without any."""
        mine = self._labels.in_layer(self._labels.layer, self._labels.scope)
        begin, size = self._places.get(here, -1) + 1, len(self.queue)
        order = (self.queue[(begin + ahead) % size] for ahead in range(size))
        to_do = (turn for turn in order if not is_done(mine.get(turn), self._since))
        following = next((turn for turn in to_do if turn not in self._skipped), None)
        if following is None and self._skipped:
            following = next((turn for turn in self.queue if not is_done(mine.get(turn), self._since)), None)
            self._skipped.clear()
            self.queue_changed.emit()
        if following is None:
            self.said.emit(f"All of “{self.queue_name}” is labelled")
        return following

    def _select(self, turn: TurnId) -> None:
        if turn in self._session.rows:
            self._session.select(turn)

    def _present(self) -> None:
        """Let the player give what the scope allows, and no more."""
        self._session.present(PRESENTED[self._labels.scope])
