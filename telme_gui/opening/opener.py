"""Opening corpora and runs in the background: stored predictions at once, the others as they are computed."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.analysis.evaluation import turn_key
from telme_model.analysis.models import FUSED
from telme_model.analysis.predictions import Effect, Predictions, from_records
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, CorpusError, Dialogue, Severity, Split, Turn
from telme_model.corpus.fingerprint import fingerprint
from telme_model.corpus.reading import remembered
from telme_model.corpus.survey import Survey, survey
from telme_model.events import Event, Message, Progress, TurnPredicted
from telme_model.networks.libraries import load_torch
from telme_model.prediction.stored import StoredPredictions
from telme_model.runs import catalogue
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.records import run_predictions, run_records

ANNOUNCE = 250  # ms at least between two announcements of turns that were predicted

AFTER = 800  # ms from a run's stored predictions to the computing of others, which imports torch: first the window


@dataclass(frozen=True, slots=True)
class Stored:
    """What there is of a run on a corpus: predictions, perhaps none; and its fused weighted F1 in words."""

    predictions: Predictions
    headline: str = ""


class Opener(QObject):
    """Opens what a person asks for and hands it to the session; the newest wish is the one that counts."""

    opened = Signal()  # corpus or run arrived in the session
    columns_wanted = Signal(object, str)  # the Survey of a table that could not be read, and why; not while drawing
    settled = Signal(bool)  # what was asked for is there: True; or it failed or was stopped: False

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.headline = ""
        self.only_current = False  # predict no more than what the person sees: for who draws a picture and leaves
        self._opening: Job | None = None
        self._predicting: Job | None = None
        self._arrived: list[dict[str, Any]] = []
        self._done = 0, 0  # turns of those to be predicted
        self._wanted: Dialogue | None = None  # predicted next
        self._counted: Predictions | None = None  # in which `_missing` turns are not
        self._missing = 0
        self._announce = QTimer(self, singleShot=True, interval=ANNOUNCE)
        self._announce.timeout.connect(self._take_arrived)
        self._rest = QTimer(self, singleShot=True, interval=AFTER)
        self._rest.timeout.connect(self.predict_rest)
        session.current_changed.connect(self._want)
        session.theta_changed.connect(self._take_arrived)
        session.jobs.closing.connect(self._end)

    # -- what can be asked --------------------------------------------------------------------------------------

    def open(self, root: Path, run: Path | None = None, turn: str = "", *, last: str = "", meet: bool = False) -> None:
        """Open a corpus, then a run on it, then go to a turn ("dia3_utt5", "test/dia3_utt5").

        Where no turn is named it goes to the `last` one, if that is still there; else `meet` goes to one on which the
        run has something to show.
        """

        def read() -> Generator[Event, None, Corpus | _Unread]:
            yield Message(text=f"reading {root}")
            try:
                return open_corpus(root)
            except CorpusError as error:
                return _unread(root, error)

        def show(corpus: Corpus | _Unread) -> None:
            if isinstance(corpus, _Unread):
                self._ask_columns(corpus, f"{root.name or root} cannot be opened")
                return
            self.headline = ""
            self._session.set_corpus(corpus)
            self._tell_losses(corpus)
            named = self._go_to(turn)
            back = not turn and self._go_back(last)
            self.opened.emit()
            if run is not None:
                self.open_run(run, meet=meet and not turn and not back)
            else:
                self.settled.emit(named)

        self._begin(read, show, f"Opening {root.name}", f"{root.name or root} cannot be opened")

    def open_run(self, run: Path, *, meet: bool = False) -> None:
        """Show a run's predictions of the open corpus; without a corpus, its own is opened first."""
        corpus = self._session.corpus
        if corpus is None:
            self._open_with_its_corpus(run)
            return

        def show(stored: Stored) -> None:
            self.headline = stored.headline
            self._session.set_predictions(stored.predictions, run)
            if meet:
                self._go_to_something()
            self.opened.emit()
            self.settled.emit(True)
            if not self.only_current:
                self._rest.start()
            elif self._session.prediction_row() is None:
                self.predict_rest()  # at once: what is drawn waits for it

        self._begin(lambda: stored_of(run, corpus), show, f"Opening {run.name}", f"{run.name} cannot be opened")

    def ask_columns(self) -> None:
        """Let the columns and labels of the open corpus be told anew."""
        corpus = self._session.corpus
        if corpus is None:
            return

        def look() -> Generator[Event, None, Survey]:
            yield Message(text=f"reading {corpus.root}")
            return survey(corpus.root, remembered(corpus.root))

        job = self._session.jobs.start(look, "Looking at the table")
        job.done.connect(lambda found: None if found is None else self.columns_wanted.emit(found, ""))
        job.failed.connect(partial(self._session.jobs.fail, "There are no columns to choose"))

    def _ask_columns(self, unread: "_Unread", title: str) -> None:
        if self.only_current:
            self._session.failed.emit(title, unread.error.advice)
        else:
            self.columns_wanted.emit(unread.found, unread.error.advice)
        self.settled.emit(False)

    def close(self) -> None:
        """Close corpus and run."""
        self._end()
        self.headline = ""
        self._session.set_corpus(None)
        self.opened.emit()

    def go_to(self, turn: str) -> bool:
        """Choose a turn by its name; False, and a sentence to the person, where there is none such."""
        return self._go_to(turn)

    def predict_rest(self) -> None:
        """Predict what the open run has not yet predicted, the current dialogue first."""
        session = self._session
        corpus, run, known = session.corpus, session.run, session.base
        if corpus is None or run is None or known is None or self._predicting is not None or self.missing == 0:
            return
        missing = self.missing
        self._want()
        work = partial(_compute, run, corpus, known, lambda: self._wanted)  # read by the job's thread
        self._predicting = job = session.jobs.start(work, f"Predicting {missing:,} turns")
        session.set_predicting((0, missing))
        job.reported.connect(self._collect)
        job.failed.connect(partial(session.jobs.fail, f"{run.name} cannot predict"))
        job.finished.connect(self._end_prediction)

    @property
    def missing(self) -> int:
        """How many turns the open run has not predicted."""
        session = self._session
        if self._counted is not session.base:  # asked with every label, and the turns are many
            self._counted = session.base
            predicted = session.base.rows if session.base else session.rows
            self._missing = sum(turn.id not in predicted for turn in session.turns)
        return self._missing

    @property
    def busy(self) -> bool:
        """Whether something is being opened."""
        return self._opening is not None

    # -- opening ------------------------------------------------------------------------------------------------

    def _begin(self, work: Callable[[], Iterator[Event]], show: Callable[[Any], None], name: str, failure: str) -> None:
        self._end()
        self._opening = job = self._session.jobs.start(work, name)

        def take(result: Any) -> None:
            if self._opening is job:
                self._opening = None
                if result is None:
                    self.settled.emit(False)
                else:
                    show(result)

        def fail(error: Exception) -> None:
            if self._opening is job:
                self._opening = None
                self._give_up(failure, error)

        job.done.connect(take)
        job.failed.connect(fail)

    def _end(self) -> None:
        """What was asked before is of no interest any more."""
        for job in (self._opening, self._predicting):
            if job is not None:
                job.stop()
        self._session.set_predicting(None)
        self._opening = self._predicting = None
        self._arrived.clear()
        self._announce.stop()
        self._rest.stop()

    def _tell_losses(self, corpus: Corpus) -> None:
        """Say that files or rows of the annotations could not be read: their turns are not there."""
        lost = [problem for problem in corpus.problems if problem.severity is Severity.FATAL]
        if lost:
            count = "a problem:" if len(lost) == 1 else f"{len(lost):,} problems, which “check” lists; the first:"
            self._session.failed.emit(
                f"{corpus.root.resolve().name} is open, but not all of it could be read",
                f"Its annotations have {count} {lost[0].reason}",
            )

    def _open_with_its_corpus(self, run: Path) -> None:
        try:
            root = catalogue.corpus_of(RunFolder.open(run))
        except RunError as error:
            self._give_up(f"{run.name} cannot be opened", error)
        else:
            self.open(root, run, meet=True)

    def _give_up(self, title: str, error: Exception) -> None:
        """Say why nothing was opened; whoever waits for it hears so even of a defect."""
        try:
            self._session.jobs.fail(title, error)
        finally:
            self.settled.emit(False)

    # -- where to go --------------------------------------------------------------------------------------------

    def _go_to(self, name: str) -> bool:
        if not name:
            return True
        turn = find_turn(self._session.turns, name)
        if turn is None:
            self._session.failed.emit(
                f"There is no turn {name}", "Turns are named by split, dialogue and utterance: test/dia3_utt5, say."
            )
            return False
        self._session.select(turn.id)
        return True

    def _go_back(self, name: str) -> bool:
        """Choose the turn where one was, if the corpus still has it."""
        turn = find_turn(self._session.turns, name)
        if turn is not None:
            self._session.select(turn.id)
        return turn is not None

    def _go_to_something(self) -> None:
        """The turn that the fusion rescued with the largest shift, of test if there is one; or else the first one."""
        predictions = self._session.predictions
        if predictions is None or not len(predictions.ids):
            return
        known = np.array([turn in self._session.rows for turn in predictions.ids])
        test = np.array([turn.split is Split.TEST for turn in predictions.ids])
        rescued = predictions.effects[Effect.RESCUED]
        limit = np.where(predictions.limit > 0, predictions.limit, np.nan)  # a theta of 0 moves nothing
        moved = np.nan_to_num(predictions.shift / limit)
        best = int(np.argmax(known * (1 + test + 2 * rescued + 0.5 * moved)))
        if known[best]:
            self._session.select(predictions.ids[best])

    # -- predicting ---------------------------------------------------------------------------------------------

    def _want(self) -> None:
        self._wanted = self._session.dialogue

    def _collect(self, event: Event) -> None:
        if self.sender() is not self._predicting:
            return
        if isinstance(event, TurnPredicted):
            self._arrived.append(event.record)
            if not self._announce.isActive():
                self._announce.start()
        elif isinstance(event, Progress):
            self._done = event.done, event.total

    def _take_arrived(self) -> None:
        """Announce the turns that arrived; while another theta is tried they wait, for they are the run's own."""
        session = self._session
        if self._arrived and session.base is not None and session.corpus is not None and session.theta is None:
            arrived, self._arrived = self._arrived, []
            news = from_records(arrived, session.corpus.labels.labels, session.base.models)
            session.set_predictions(join(session.base, news), session.run)
        if self._predicting is not None:
            session.set_predicting(self._done)

    def _end_prediction(self) -> None:
        if self.sender() is self._predicting:
            self._predicting = None
            self._session.set_predicting(None)
            self._take_arrived()


@dataclass(frozen=True, slots=True)
class _Unread:
    """A table whose columns are not known, and what was said of it."""

    found: Survey
    error: CorpusError


def _unread(root: Path, error: CorpusError) -> _Unread:
    """The table of which a person can tell the columns. Raises the error where it is no matter of columns."""
    if error.table is None:
        raise error
    return _Unread(survey(root, remembered(root)), error)


def find_turn(turns: Sequence[Turn], name: str) -> Turn | None:
    """The turn of this name; without a split, that of test, else of dev, else of train."""
    found = {turn.id.split: turn for turn in turns if name in (str(turn.id), str(turn.id).partition("/")[2])}
    return next((found[split] for split in (Split.TEST, Split.DEV, Split.TRAIN) if split in found), None)


def stored_of(run: Path, corpus: Corpus) -> Generator[Event, None, Stored]:
    """What is there already of the corpus: the run's own, and what was computed before. Raises RunError."""
    yield Message(text=f"reading {run}")
    folder = RunFolder.open(run)
    labels, facts = corpus.labels, folder.facts["corpus"]
    if facts["labels"] != labels.name:
        raise RunError(f"{run} was trained on the emotions of {facts['labels']}, but {corpus.root} has {labels.name}'s")
    records: list[dict[str, Any]] = []
    headline = ""
    if facts["fingerprint"] == fingerprint(corpus):
        for split in Split:
            if (folder.path / "predictions" / f"{split}.jsonl").is_file():
                records += run_records(run, split)
                yield Message(text=f"read {split}")
        headline = _headline(folder)
    stored = {turn_key(record): record for record in records}
    computed = StoredPredictions(folder, corpus).read()
    stored |= {key: record for record in computed if (key := turn_key(record)) not in stored}
    return Stored(run_predictions(folder, list(stored.values())), headline)


def join(one: Predictions, other: Predictions) -> Predictions:
    """Both together; of turns that both have, the first one's."""
    new = np.array([turn not in one.rows for turn in other.ids], bool)

    def joined(ours: Any, theirs: Any) -> Any:
        if isinstance(ours, dict):
            return {key: joined(ours[key], theirs[key]) for key in ours}
        return np.concatenate([ours, theirs[new]])

    columns = {
        field.name: joined(getattr(one, field.name), getattr(other, field.name))
        for field in fields(Predictions)
        if field.name not in ("run", "models", "truth", "labels", "ids", "theta")
    }
    ids = (*one.ids, *(turn for turn, is_new in zip(other.ids, new) if is_new))
    return replace(one, ids=ids, theta=one.theta if one.ids else other.theta, **columns)


def _compute(
    run: Path, corpus: Corpus, known: Predictions, wanted: Callable[[], Dialogue | None]
) -> Generator[Event, None, None]:
    yield Message(text="loading the networks")
    load_torch()
    from telme_model.prediction.browsing import predict_as_wanted  # takes seconds; this is the job's thread

    yield from predict_as_wanted(run, corpus, set(known.ids), wanted)


def _headline(folder: RunFolder) -> str:
    """Fused weighted F1 on test with half its interval; "" where the run is not scored."""
    if not (folder.path / "scores.json").is_file():
        return ""
    tree = folder.read_json("scores.json")
    try:
        scores = tree.get(Split.TEST, {}).get(FUSED, {})
        if "weighted_f1" not in scores:
            return ""
        interval = (scores.get("intervals") or {}).get("weighted_f1")
        half = f" ± {(interval['high'] - interval['low']) / 2:.1f}" if interval else ""
        return f"fused F1 {scores['weighted_f1']:.1f}{half}"
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder.path / 'scores.json'} is damaged: it holds no scores") from error
