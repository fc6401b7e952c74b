"""The page on annotators: how far they agree, and what they disagree on."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from telme_gui.charts.coefficients import CoefficientsView
from telme_gui.charts.disputes import DisputesView
from telme_gui.look.words import Words, as_tip, literal
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.annotations.adjudication import Dispute, disputes, unanimous
from telme_model.annotations.agreement import Agreement, agreement
from telme_model.annotations.labels import ADJUDICATED, GOLD, Label, LayerLabels, Scope
from telme_model.annotations.queues import Queue, Sources, turns_of
from telme_model.corpus.dialogue import TurnId
from telme_model.events import Event, Message

SETTLE = 300  # ms without further labels before it is computed anew
HIDDEN = "Hidden in blind mode: what annotators say could bias you"
LONELY = "Agreement needs the labels of two annotators. Label in a second layer, import one"  # and then one of ..
OR_GOLD, NO_GOLD = ", or tick gold among the layers", "; this corpus holds no gold"
ALONE = {Scope.TEXT: "the words alone", Scope.SOUND: "the sound alone", Scope.FACE: "the face alone"}
PART = "only labels that were given so are compared"
STRANGERS = "These layers have no turn in common yet. The queue “random sample” gives everybody the same turns to label"


@dataclass(frozen=True, slots=True)
class Findings:
    """What is computed of the chosen layers."""

    agreement: Agreement
    people: tuple[str, ...]  # whose disagreements are to be settled
    disputes: tuple[Dispute, ...]  # the most divided first
    agreed: dict[TurnId, str]  # by all, and not settled yet
    scope: Scope


def findings(
    layers: Mapping[str, LayerLabels],
    adjudicated: Mapping[TurnId, Label],
    scope: Scope,
    turns: Sequence[TurnId],
    classes: Sequence[str],
) -> Generator[Event, None, Findings]:
    """Compute them, which takes a large corpus a second."""
    found = agreement(layers, turns, classes)
    yield Message(text="Agreement of the annotators")
    people = {name: of for name, of in layers.items() if name not in (GOLD, ADJUDICATED)}
    by_turn = {of.turn: of for of in disputes(people, turns, adjudicated)}
    order = turns_of(Queue.DISAGREEMENT, Sources(turns=turns, layers=people))
    settled = {turn for turn, label in adjudicated.items() if label.emotion is not None}
    agreed = {turn: emotion for turn, emotion in unanimous(people, turns).items() if turn not in settled}
    return Findings(found, tuple(people), tuple(by_turn[turn] for turn in order), agreed, scope)


class AgreementPage(QWidget):
    """Follows the labels while it is looked at."""

    adjudicate = Signal(object)  # tuple[TurnId, ...]: settle these, in this order

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._ticked: frozenset[str] | None = None  # None: the people, with gold beside one alone
        self._job: Job | None = None
        self._asked: tuple[tuple[str, ...], Scope, int] | None = None  # layers and revision that were asked for last
        self.findings: Findings | None = None
        self.coefficients, self.disputes = CoefficientsView(session, self), DisputesView(session, self)
        self.empty = Words(parent=self, wordWrap=True)
        self.empty.setObjectName("empty")
        self._stack = QStackedWidget(self)
        for widget in (self.empty, self.coefficients, self.disputes):
            self._stack.addWidget(widget)
        self._which = QButtonGroup(self)
        self._layers = QToolButton(self)
        self._menu = QMenu(self._layers)
        self._settled = QTimer(self, singleShot=True, interval=SETTLE)
        self._settled.timeout.connect(self._compute)
        self._lay_out()
        self._which.idClicked.connect(self._show)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.disputes.adjudicate.connect(self.adjudicate)
        session.labels_changed.connect(self._follow)
        session.corpus_changed.connect(self._forget)
        self._show()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(4)
        for place, name in enumerate(("How far they agree", "What they disagree on")):
            button = QToolButton(self)
            button.setObjectName("tab")
            button.setText(name)
            button.setToolTip(as_tip(name))
            button.setAccessibleName(name)
            button.setCheckable(True)
            button.setChecked(place == 0)
            self._which.addButton(button, place)
            head.addWidget(button)
        head.addStretch(1)
        self._layers.setObjectName("quiet")
        self._layers.setAccessibleName("Layers that are compared")
        self._layers.setToolTip("Whose labels are compared")
        self._layers.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._layers.setMenu(self._menu)
        head.addWidget(self._layers)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    # -- layers -------------------------------------------------------------------------------------------------

    @property
    def available(self) -> tuple[str, ...]:
        """Layers with a label in the chosen scope, gold first, which an unlabelled corpus has none of."""
        labels = self._session.labels
        gold = (GOLD,) if any(turn.gold is not None for turn in self._session.turns) else ()
        return (*gold, *(layer for layer in labels.layers if labels.in_layer(layer, labels.scope)))

    @property
    def chosen(self) -> tuple[str, ...]:
        """Those that are compared."""
        available = self.available
        if self._ticked is not None:
            return tuple(layer for layer in available if layer in self._ticked)
        people = tuple(layer for layer in available if layer not in (GOLD, ADJUDICATED))
        return people if len(people) != 1 or GOLD not in available else (GOLD, *people)

    def choose(self, layers: Sequence[str]) -> None:
        """Compare these."""
        self._ticked = frozenset(layers)
        self._follow()

    def _tick(self, layer: str, ticked: bool) -> None:
        self.choose([*self.chosen, layer] if ticked else [name for name in self.chosen if name != layer])

    def _fill_menu(self) -> None:
        self._menu.clear()
        for layer in self.available:
            action = self._menu.addAction(literal(layer))
            action.setCheckable(True)
            action.setChecked(layer in self.chosen)
            action.toggled.connect(partial(self._tick, layer))

    # -- following ----------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._ticked = self.findings = self._job = self._asked = None
        self._show()

    def _follow(self) -> None:
        self._show()
        if self.isVisible():
            self._settled.start()

    def refresh(self) -> None:
        """Compute at once what is not computed yet."""
        self._show()
        self._compute()

    @property
    def is_current(self) -> bool:
        """Whether what is shown is of the labels as they are."""
        return self._job is None and self._asked == self._ask()

    def _ask(self) -> tuple[tuple[str, ...], Scope, int]:
        labels = self._session.labels
        return (self.chosen, labels.scope, labels.store.revision if labels.store else 0)

    def _compute(self) -> None:
        session, labels = self._session, self._session.labels
        asked = chosen, scope, _ = self._ask()
        if session.corpus is None or labels.blind or len(chosen) < 2 or asked == self._asked:
            return
        gold = {turn.id: Label(emotion=turn.gold) for turn in session.turns if turn.gold is not None}
        layers = {name: gold if name == GOLD else dict(labels.in_layer(name, scope)) for name in chosen}
        turns = [turn.id for turn in session.turns]
        work = partial(
            findings, layers, dict(labels.in_layer(ADJUDICATED, scope)), scope, turns, session.corpus.labels.labels
        )
        self._asked, self._job = asked, session.jobs.start(work)
        self._job.done.connect(self._take)
        self._job.failed.connect(partial(session.jobs.fail, "Agreement is not computed"))

    def _take(self, found: Findings | None) -> None:
        if found is not None and self.sender() is self._job:
            self.findings, self._job = found, None
            self.coefficients.show_agreement(found.agreement)
            self.disputes.show_disputes(found.people, found.disputes, found.agreed, found.scope)
            self._show()

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_disputes(self) -> None:
        """Show what they disagree on."""
        self._which.button(1).setChecked(True)
        self._show()

    def _show(self) -> None:
        words = self._why_empty()
        found, second = self.findings, self._which.checkedId() == 1
        count = f" · {len(found.disputes):,}" if found is not None and not words else ""
        self._which.button(1).setText(f"What they disagree on{count}")
        self._layers.setText(literal(f"{', '.join(self.chosen) or 'no layer'} ▾"))
        self._layers.setVisible(not self._session.labels.blind and len(self.available) > 1)
        if words or found is None:
            self.empty.setText(words or "Computing …")
            self._stack.setCurrentWidget(self.empty)
        else:
            self._stack.setCurrentWidget(self.disputes if second else self.coefficients)

    def _why_empty(self) -> str:
        if self._session.labels.blind:
            return HIDDEN
        if len(self.chosen) < 2:
            scope, lonely = self._session.labels.scope, LONELY + (OR_GOLD if GOLD in self.available else NO_GOLD)
            return lonely if scope is Scope.ALL else f"{lonely}. While you are given {ALONE[scope]}, {PART}"
        if self.findings is None:
            return ""
        if self._which.checkedId() == 1 and len(self.findings.people) < 2:
            return "Settling needs two annotators beside gold: tick them among the layers"
        return "" if self.findings.agreement.shared else STRANGERS

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Now it is looked at."""
        super().showEvent(event)
        self.refresh()
