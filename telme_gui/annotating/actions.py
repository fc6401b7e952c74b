"""What an annotator can do, each with its keys: for the bar's buttons, and for a menu of the window."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from telme_gui.annotating.annotator import Annotator
from telme_gui.annotating.hitting import Hitting
from telme_gui.look.keys import with_keys
from telme_gui.look.words import as_tip
from telme_gui.session.session import Session

DIGITS = 9  # emotions that have one


class AnnotatingActions(QObject):
    """The actions, by name as attributes; `emotions` in the order of the corpus' labels; `all` in a menu's order.

    The keys of labelling do nothing until annotating has begun.
    """

    commenting = Signal()  # the person wants to write a comment

    def __init__(self, session: Session, annotator: Annotator, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._annotator = session, annotator
        self.all: list[QAction] = []
        self._hands: list[QAction] = []  # that label
        self._tips: dict[QAction, str] = {}  # without keys
        self.annotate = self._add("Annotate", "Ctrl+E", "Show the annotation bar and let keys label turns")
        self.annotate.setCheckable(True)
        self.annotate.toggled.connect(session.labels.set_active)
        self.undo = self._add("Undo", "Ctrl+Z", "Take back the last edit and go there", annotator.undo)
        self.redo = self._add("Redo", "Ctrl+Shift+Z", "Do again what was taken back", annotator.redo)
        self._gap()
        self.emotions = [
            self._hand(f"Label {place + 1}", str(place + 1), "", partial(self._label, place)) for place in range(DIGITS)
        ]
        self.accept = self._hand("Accept", "A", "Label as the fused model suggests, and go on", annotator.accept)
        self.doubt = self._hand(
            "Unsure", "0", "Mark the label as unsure; without one, leave the turn so", annotator.doubt
        )
        self.flag = self._hand("Flag", "F", "Flag the turn for another look", annotator.flag)
        self.comment = self._hand("Comment…", "C", "Write a comment on the turn", self.commenting.emit)
        self.clear = self._hand(
            "Clear", "Backspace", "Take the label away, with all that goes with it", annotator.clear
        )
        self._gap()
        self.skip = self._hand("Skip", "S", "Go on without a label", annotator.skip)
        self.back = self._hand("Back", "Shift+S", "Go to the turn before", annotator.go_back)
        self.blind = self._hand(
            "Blind mode", "Ctrl+Shift+B", "Hide predictions, gold and other annotators until a turn is labelled", None
        )
        self.plays = self._hand("Play what comes next", "", "Play each turn that labelling goes on to", None)
        self.blind.setCheckable(True)
        self.blind.toggled.connect(lambda on: session.labels.choose(blind=on))
        self.plays.setCheckable(True)
        self.plays.setChecked(annotator.plays)
        self.plays.toggled.connect(self._set_plays)
        self.hitting = Hitting(self._hands, self)
        for changed in (session.corpus_changed, session.current_changed, session.predictions_changed):
            changed.connect(self.follow)
        session.labels_changed.connect(self.follow)
        self.follow()

    def _add(self, text: str, keys: str, tip: str, slot: Callable[[], None] | None = None) -> QAction:
        action = QAction(text, self)
        action.setObjectName(text.rstrip("…"))
        action.setShortcut(QKeySequence(keys))
        action.setAutoRepeat(False)  # a key that is held would label a turn every 30 ms
        self._tips[action] = tip
        if slot is not None:
            action.triggered.connect(lambda _checked=False: slot())
        self.all.append(action)
        return action

    def _hand(self, text: str, keys: str, tip: str, slot: Callable[[], None] | None) -> QAction:
        action = self._add(text, keys, tip, slot)
        self._hands.append(action)
        return action

    def _gap(self) -> None:
        gap = QAction(self)
        gap.setSeparator(True)
        self.all.append(gap)

    def _label(self, place: int) -> None:
        corpus = self._session.corpus
        if corpus is not None and place < len(corpus.labels.labels):
            self._annotator.label(corpus.labels.labels[place])

    def _set_plays(self, plays: bool) -> None:
        self._annotator.plays = plays

    def follow(self) -> None:
        """Take names and states from the session."""
        session, annotator, labels = self._session, self._annotator, self._session.labels
        emotions = session.corpus.labels.labels if session.corpus else ()
        here = labels.active and session.current is not None
        mine = labels.mine(session.current.id) if session.current else None
        self.annotate.setChecked(labels.active)
        self.annotate.setEnabled(session.corpus is not None)
        for action in self._hands:
            action.setEnabled(here)
        for place, action in enumerate(self.emotions):
            known = place < len(emotions)
            action.setVisible(known)
            action.setEnabled(here and known)
            action.setText(f"Label {emotions[place]}" if known else "")
            self._tips[action] = emotions[place] if known else action.objectName()
        for action, tip in self._tips.items():
            action.setToolTip(as_tip(with_keys(tip, action)))
        self.accept.setEnabled(here and annotator.suggestion is not None)
        self.clear.setEnabled(here and mine is not None)
        self.blind.setChecked(labels.blind)
        store = labels.store
        self.undo.setEnabled(store is not None)
        self.redo.setEnabled(store is not None)
