"""What is open, chosen and predicted: the one place where all panels meet."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from telme_gui.session.filter import Filter, Rows, Shown, met
from telme_gui.session.jobs import Jobs
from telme_gui.session.judging import Basis, judged
from telme_gui.session.labels import Labels, Touched
from telme_gui.session.marks import Mark, Marks
from telme_model.analysis.predictions import Effect, Predictions
from telme_model.annotations.labels import GOLD
from telme_model.corpus import timing as film_time
from telme_model.corpus.dialogue import Corpus, Dialogue, Modality, Turn, TurnId


class Session(QObject):
    """The shared state of all panels. Panels read it, change it through its methods, and follow its signals.

    A signal is sent when all that changes with it has changed: whoever hears one may read anything.
    """

    corpus_changed = Signal()  # another corpus (or none): everything else changed with it
    predictions_changed = Signal(object)  # Touched: another run, more turns predicted, or judged by other labels
    current_changed = Signal()  # another current turn
    filter_changed = Signal()  # `visible` changed
    labels_changed = Signal(object)  # Touched: what annotators said, whose labels are shown, or what is hidden
    theta_changed = Signal()  # another theta is tried: the predictions of all turns follow
    position_changed = Signal(float)  # seconds in the current dialogue's film: where the player stands
    seek_requested = Signal(float)  # the player should go there
    film_changed = Signal()  # `turn_starts` of the current dialogue, refined by a clip that was opened
    presented_changed = Signal()  # another choice of what the player shows of a turn
    media_problems_changed = Signal()  # turns whose clip cannot be shown as it should were found
    predicting_changed = Signal()  # predictions are computed, and how many, or no more
    failed = Signal(str, str)  # title and sentence of something that went wrong

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = jobs  # its background work
        self.corpus: Corpus | None = None
        self.run: Path | None = None
        self.predictions: Predictions | None = None  # of any part of the corpus' turns; with `theta` where it is set
        self.base: Predictions | None = None  # the run's own, whatever theta is tried
        self.theta: float | None = None  # what is tried in place of the run's
        self.labels = Labels(self)
        self.truth = GOLD  # the layer that predictions are judged against
        self.dialogue_of: dict[TurnId, Dialogue] = {}
        self.current: Turn | None = None
        self.position = 0.0  # seconds in the current dialogue's film
        self.presented: frozenset[Modality] = frozenset(Modality)  # what the player shows of a turn
        self.filter = Filter()
        self.visible: NDArray[np.bool_] = np.ones(0, bool)  # [turns]
        self.media_problems: dict[TurnId, str] = {}  # what is wrong with a turn's clip, in a sentence
        self.predicting: tuple[int, int] | None = None  # turns predicted, of so many, while a run computes them
        self._fused: Predictions | None = None  # `base`, fused anew with a theta that is tried
        self._rows = Rows()
        self._marks = Marks(self.labels)
        self._seen: set[tuple[str, TurnId]] = set()  # by whom (a layer) something that could bias was seen of a turn
        self._view = (self.labels.layer, self.labels.scope, self.labels.blind)  # as last followed
        self._seconds: dict[TurnId, float] = {}  # of the clips that were opened
        self.labels.changed.connect(self._follow_labels)
        self.labels.failed.connect(self.failed)
        jobs.failed.connect(self.failed)
        for changed in (self.corpus_changed, self.predictions_changed, self.current_changed, self.labels_changed):
            changed.connect(self._see)

    def close(self) -> None:
        """Stop all background work, wait until it has kept what it did, and let go of the labels."""
        self.jobs.close()
        self.labels.close()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, dialogue by dialogue."""
        return self._rows.turns

    @property
    def rows(self) -> Mapping[TurnId, int]:
        """The row of each turn among them."""
        return self._rows.index

    # -- corpus, run and predictions ----------------------------------------------------------------------------

    def set_corpus(self, corpus: Corpus | None) -> None:
        """Show another corpus; the first turn becomes current."""
        self.labels.close()
        self.corpus, self.run, self.predictions, self.base, self.theta = corpus, None, None, None, None
        self._fused, self.truth = None, GOLD
        dialogues = corpus.dialogues if corpus else ()
        self._rows = Rows([turn for dialogue in dialogues for turn in dialogue.turns])
        self.dialogue_of = {turn.id: dialogue for dialogue in dialogues for turn in dialogue.turns}
        self._marks.open(self.turns, self.rows)
        self.media_problems = {}
        self._seconds = {}
        self.position = 0.0
        self.filter = Filter()
        self.visible = np.ones(len(self.turns), bool)
        self.current = self.turns[0] if self.turns else None
        self._seen.clear()
        self.corpus_changed.emit()
        self.labels.open(corpus)

    def set_predictions(self, predictions: Predictions | None, run: Path | None) -> None:
        """Show a run's predictions; its own theta holds again."""
        retuned = self.theta is not None
        self.base, self.run, self._fused, self.theta = predictions, run, None, None
        self._show(retuned=retuned)

    def set_theta(self, theta: float | None) -> None:
        """Try another theta on all turns; None is the run's. Whoever can fuse anew answers with `show_fused_anew`."""
        if theta == self.theta:
            return
        self.theta = theta
        if theta is None and self._fused is not None:
            self._fused = None
            self._show(retuned=True)
        else:
            self.theta_changed.emit()

    def show_fused_anew(self, predictions: Predictions) -> None:
        """Show the predictions fused with the theta that is tried; an answer that comes too late is none."""
        if self.theta is not None:
            self._fused = predictions
            self._show()

    def _show(self, *, retuned: bool = False) -> None:
        self.predictions = self._judge()
        with self._found_anew(bool(self.filter.effects)):
            if retuned:
                self.theta_changed.emit()
            self.predictions_changed.emit(None)

    def _judge(self) -> Predictions | None:
        basis = Basis(
            base=self.base,
            theta=self.theta,
            fused=self._fused,
            truth=self.truth,
            labels=self.labels.in_layer(self.truth) if self.truth != GOLD else {},
        )
        if self.labels.blind and basis.fusion is not None:
            hidden = np.append(self._marks[Mark.MISSING], True)  # also what the corpus does not know
            basis = replace(basis, hidden=hidden[self._rows.places(basis.fusion)])
        return judged(basis)

    def set_predicting(self, progress: tuple[int, int] | None) -> None:
        """Tell how far the computing of predictions is; None: nothing is computed."""
        if progress != self.predicting:
            self.predicting = progress
            self.predicting_changed.emit()

    def report_media_problems(self, problems: Mapping[TurnId, str]) -> None:
        """Add what was found wrong with turns' clips: a sentence a turn; the first one said of a turn stays."""
        found = {turn: reason for turn, reason in problems.items() if turn not in self.media_problems}
        if found:
            self.media_problems |= found
            with self._found_anew(self.filter.media_problem):
                self.media_problems_changed.emit()

    def prediction_row(self, turn: Turn | None = None) -> int | None:
        """The row of `turn` (the current one by default) in the predictions; None if it is not predicted."""
        turn = turn or self.current
        if turn is None or self.predictions is None or self.hides(turn):
            return None
        return self.predictions.rows.get(turn.id)

    # -- labels -------------------------------------------------------------------------------------------------

    def hides(self, turn: Turn) -> bool:
        """Whether what could bias is hidden of this turn: in blind mode, until it is labelled."""
        return self.labels.blind and not self.labels.is_labelled(turn.id)

    def is_blind(self, turn: Turn) -> bool:
        """Whether a label of the chosen layer is one of somebody who has seen nothing that could bias."""
        return self.hides(turn) and (self.labels.layer, turn.id) not in self._seen

    def _see(self) -> None:
        """What is not hidden of the current dialogue is seen."""
        layer, layers = self.labels.layer, [self.labels.in_layer(name) for name in self.labels.layers]
        for turn in self.dialogue.turns if self.dialogue else ():
            said = turn.gold is not None or (self.base is not None and turn.id in self.base.rows)
            if not self.hides(turn) and (said or any(turn.id in labels for labels in layers)):
                self._seen.add((layer, turn.id))

    def gold(self, turn: Turn) -> str | None:
        """The corpus' label of a turn; None where it has none or it is hidden."""
        return None if self.hides(turn) else turn.gold

    def judge_against(self, layer: str) -> None:
        """Judge the predictions by a layer's labels, or by gold."""
        if layer != self.truth:
            self.truth = layer
            self._follow_labels(None)

    def _follow_labels(self, touched: Touched) -> None:
        labels = self.labels
        view = (labels.layer, labels.scope, labels.blind)
        another, self._view = view != self._view, view
        self._marks.follow(touched)
        shown = self._judge()
        rejudged = shown is not self.predictions
        self.predictions = shown
        filter_ = self.filter
        if labels.blind and another:  # turns that were picked by what is hidden now
            filter_ = replace(filter_, turns=None, turns_name="")
        by_gold = filter_.emotions and (labels.blind or another)
        anew = filter_ != self.filter or filter_.marks or by_gold or (filter_.effects and rejudged)
        self.filter = filter_
        with self._found_anew(bool(anew)):
            if rejudged:
                self.predictions_changed.emit(touched)
            self.labels_changed.emit(touched)

    # -- selection ----------------------------------------------------------------------------------------------

    @property
    def dialogue(self) -> Dialogue | None:
        """The current turn's dialogue."""
        return self.dialogue_of[self.current.id] if self.current else None

    def select(self, turn: TurnId) -> None:
        """Make a turn the current one; every panel follows."""
        chosen = self.turns[self.rows[turn]]
        if chosen is not self.current:
            self.current = chosen
            self.current_changed.emit()

    def step(self, by: int) -> None:
        """Go `by` turns on within the dialogue; stops at its ends."""
        if self.current is not None and self.dialogue is not None:
            turns = self.dialogue.turns
            place = turns.index(self.current) + by
            self.select(turns[min(max(place, 0), len(turns) - 1)].id)

    def found(self, by: int) -> TurnId | None:
        """The next turn that the filter found, with -1 the one before, in any dialogue; None at the ends."""
        if self.current is None:
            return None
        row, found = self.rows[self.current.id], np.flatnonzero(self.visible)
        later = found[found > row] if by > 0 else found[found < row][::-1]
        return self.turns[later[0]].id if len(later) else None

    def step_found(self, by: int) -> None:
        """Go there; stops at the ends."""
        turn = self.found(by)
        if turn is not None:
            self.select(turn)

    # -- the dialogue as one film ---------------------------------------------------------------------------------

    def turn_seconds(self, turn: Turn) -> float:
        """How long a turn lasts in the film: as its clip showed, or as expected while nobody has opened it."""
        return self._seconds.get(turn.id) or film_time.expected_seconds(turn)

    @property
    def turn_starts(self) -> tuple[float, ...]:
        """Where each turn of the current dialogue begins in its film, in seconds [turns]; `film_changed` refines it."""
        turns = self.dialogue.turns if self.dialogue else ()
        return film_time.starts([self.turn_seconds(turn) for turn in turns])

    @property
    def film_seconds(self) -> float:
        """How long the current dialogue's film lasts."""
        return sum(map(self.turn_seconds, self.dialogue.turns)) if self.dialogue else 0.0

    def learn_seconds(self, seconds: Mapping[TurnId, float]) -> None:
        """Take in how long turns of the current dialogue are, once their clips were opened."""
        news = {turn: length for turn, length in seconds.items() if self._seconds.get(turn) != length}
        if news:
            self._seconds |= news
            self.film_changed.emit()

    def seek(self, seconds: float) -> None:
        """Ask the player to go to this time of the current dialogue's film, which may choose another turn."""
        self.seek_requested.emit(seconds)

    def present(self, modalities: frozenset[Modality]) -> None:
        """Let the player give only the words, the sound or the face of a turn, or some of them."""
        if modalities != self.presented:
            self.presented = modalities
            with self._found_anew(bool(self.filter.text)):
                self.presented_changed.emit()

    @property
    def tells_words(self) -> bool:
        """Whether what is said may be seen; not while only the sound or the face of a turn is given."""
        return Modality.TEXT in self.presented

    def words(self, turn: Turn) -> str:
        """What is said in a turn, as it may be shown: panels ask here, and nowhere else."""
        return turn.text if self.tells_words else "…"

    def set_position(self, seconds: float) -> None:
        """The player's word on where it stands."""
        self.position = seconds
        self.position_changed.emit(seconds)

    # -- filter -------------------------------------------------------------------------------------------------

    def set_filter(self, filter_: Filter) -> None:
        """Show only the turns that meet the filter."""
        self.filter = filter_
        with self._found_anew(True):
            pass

    @contextmanager
    def _found_anew(self, changed: bool) -> Iterator[None]:
        """Filter before other signals are sent, and say so after them; not where nothing `changed` for the filter."""
        if changed:
            self.visible = self._met()
        yield
        if changed:
            self.filter_changed.emit()

    def _met(self) -> NDArray[np.bool_]:
        shown = Shown(
            words=self.tells_words,
            gold=self.gold,
            predictions=self.predictions,
            problems=self.media_problems,
            marks=self.mark_mask,
        )
        return met(self.filter, self._rows, shown)

    def effect_mask(self, effects: Iterable[Effect]) -> NDArray[np.bool_]:
        """Which turns show any of the effects [turns]."""
        return self._rows.showing(effects, self.predictions)

    def mark_mask(self, marks: Iterable[Mark]) -> NDArray[np.bool_]:
        """Which turns bear any of the marks [turns]."""
        mask = np.zeros(len(self.turns), bool)
        for mark in marks:
            mask |= self._marks[mark]
        return mask
