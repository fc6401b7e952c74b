"""Filter and queue of a corpus, from one start of the program to the next."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from telme_gui.app import make_window
from telme_gui.look import settings as stored
from telme_gui.look.settings import Annotating
from telme_gui.look.style import Appearance
from telme_gui.session.filter import Filter
from telme_gui.session.jobs import Jobs
from telme_gui.session.marks import Mark
from telme_gui.session.session import Session
from telme_gui.window.last_place import filter_from, filter_settings
from telme_gui.window.main_window import MainWindow
from telme_model.analysis.predictions import Effect
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.queues import Queue
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from tests.support.corpora import SPEAKERS, write_corpus
from tests.support.predictions import predictions, store_run
from tests.telme_gui.conftest import WAIT

FILTER = Filter(text="o", effects=frozenset({Effect.CONFLICT}), splits=frozenset({Split.TEST, Split.DEV}))
Start = Callable[..., MainWindow]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", clips=False)


@pytest.fixture
def run(tmp_path: Path, corpus: Path) -> Path:
    return store_run(tmp_path / "night", open_corpus(corpus), *Split)


@pytest.fixture
def start(qtbot: QtBot, appearance: Appearance, tmp_path: Path) -> Iterator[Start]:
    """Starts the program on a corpus, after ending the one before: what it remembers goes through the file."""
    windows: list[MainWindow] = []
    path = tmp_path / "settings.json"

    def end() -> None:
        if windows:
            windows[-1].close()
            assert stored.save(windows.pop().settings, path)

    def window(root: Path | None = None, run: Path | None = None) -> MainWindow:
        end()
        window = make_window(stored.load(path, pytest.fail), appearance)
        qtbot.addWidget(window)
        windows.append(window)
        window.session.failed.connect(lambda title, sentence: pytest.fail(f"{title}: {sentence}"))
        window.show()
        if root is not None:
            with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
                window.opener.open(root, run, last=window.settings.of(root).turn, meet=True)
        return window

    yield window
    end()


def test_what_is_chosen_while_a_run_opens_counts(qtbot: QtBot, start: Start, corpus: Path, run: Path) -> None:
    start(corpus, run).session.set_filter(FILTER)
    mine = Filter(speakers=frozenset({SPEAKERS[0]}))

    def choose() -> None:
        window.session.set_filter(mine)
        window.opener.opened.disconnect(choose)

    window = start()
    window.opener.opened.connect(choose)  # the corpus is there, the run is yet to come
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.opener.open(corpus, run)
    assert window.session.filter == mine
    assert start(corpus, run).session.filter == mine


def test_filter_queue_and_turn_are_as_one_left_them(start: Start, corpus: Path, run: Path) -> None:
    window = start(corpus, run)
    assert window.session.filter == Filter()
    window.annotating.annotate.trigger()
    window.annotator.plays = False
    window.queues.choose(Queue.CONFLICT)
    window.annotator.label("joy")
    window.annotator.skip()
    window.session.set_filter(FILTER)
    assert window.session.current is not None
    here, queue, found = window.session.current.id, window.annotator.queue, int(window.session.visible.sum())
    window = start(corpus, run)
    assert window.session.filter == FILTER
    assert int(window.session.visible.sum()) == found
    assert window.session.current is not None
    assert window.session.current.id == here
    assert (window.queues.queue, window.annotator.queue, window.annotator.progress.done) == (Queue.CONFLICT, queue, 1)
    assert not window.status.currentMessage()
    window.session.set_filter(Filter())
    window.queues.choose(None)
    window = start(corpus, run)
    assert (window.session.filter, window.queues.queue) == (Filter(), None)


def test_a_crash_brings_back_how_and_where_one_annotated(
    qtbot: QtBot, start: Start, corpus: Path, run: Path, tmp_path: Path
) -> None:
    window = start(corpus, run)
    file = tmp_path / "crashed.json"
    window.settings.file = file

    def kept() -> tuple[Annotating, str]:
        there = stored.load(file, pytest.fail)
        return there.annotating, there.of(corpus).turn

    window.annotating.annotate.trigger()
    assert kept()[0] == Annotating(shown=True)
    window.session.labels.choose(layer="ben", scope=Scope.SOUND, blind=True)
    now = Annotating(layer="ben", shown=True, scope=Scope.SOUND, blind=True)
    assert kept()[0] == now
    window.annotating.plays.trigger()
    assert kept()[0] == replace(now, plays=False)
    last = window.session.turns[-1].id
    window.session.select(last)
    qtbot.waitUntil(lambda: kept()[1] == str(last))


def test_each_corpus_has_its_own(qtbot: QtBot, start: Start, corpus: Path, run: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", clips=False)
    window = start(corpus, run)
    window.session.set_filter(FILTER)
    for root, wanted in ((other, Filter()), (corpus, FILTER), (other, Filter())):
        with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
            window.opener.open(root, run if root is corpus else None)
        assert window.session.filter == wanted
    window.opener.close()
    assert start(corpus, run).session.filter == FILTER


def test_what_cannot_be_made_any_more_is_left_without_a_word(start: Start, corpus: Path, run: Path) -> None:
    window = start(corpus, run)
    window.annotating.annotate.trigger()
    window.queues.choose(Queue.LOW_MARGIN)
    window.session.set_filter(FILTER)
    window = start(corpus)  # without the run
    assert window.session.filter == Filter(text="o", splits=FILTER.splits)
    assert window.queues.queue is None
    assert not window.status.currentMessage()


def test_a_queue_that_tells_too_much_is_not_gone_on_with_in_blind_mode(start: Start, corpus: Path, run: Path) -> None:
    window = start(corpus, run)
    window.annotating.annotate.trigger()
    window.session.labels.choose(blind=True, scope=Scope.SOUND)
    window.queues.choose(Queue.SAMPLE)
    window = start(corpus, run)
    labels = window.session.labels
    assert (labels.active, labels.blind, labels.scope) == (True, True, Scope.SOUND)
    assert window.queues.queue is Queue.SAMPLE
    recent = window.settings.of(corpus)
    window.settings.remember_work(corpus, str(Queue.CONFLICT), recent.filter)
    window.opener.close()
    assert start(corpus, run).queues.queue is None


def test_a_label_in_a_filter_by_marks_counts(start: Start, corpus: Path) -> None:
    window = start(corpus)
    window.annotating.annotate.trigger()
    window.session.set_filter(Filter(marks=frozenset({Mark.MISSING})))
    window.session.labels.put(window.session.turns[0].id, Label(emotion="joy"), "label joy")
    window = start(corpus)
    assert window.session.visible.tolist() == [False, *[True] * (len(window.session.turns) - 1)]


@pytest.fixture(scope="module")
def session(series: Path) -> Session:
    """A corpus with predictions, to be looked at only."""
    session, corpus = Session(Jobs()), open_corpus(series)
    session.set_corpus(corpus)
    session.set_predictions(predictions(corpus.turns(), MELD.labels), None)
    return session


@given(
    filter_=st.builds(
        Filter,
        text=st.text(),
        effects=st.frozensets(st.sampled_from(Effect)),
        marks=st.frozensets(st.sampled_from(Mark)),
        emotions=st.frozensets(st.sampled_from(MELD.labels)),
        speakers=st.frozensets(st.sampled_from(SPEAKERS)),
        splits=st.frozensets(st.sampled_from(Split)),
        media_problem=st.booleans(),
    )
)
def test_every_filter_comes_back_from_a_file(session: Session, filter_: Filter) -> None:
    assert filter_from(json.loads(json.dumps(filter_settings(filter_))), session) == filter_


@pytest.mark.parametrize("tree", [{}, {"effects": "rescued", "text": 3, "speakers": [None, "nobody"], "new": 1}])
def test_what_a_filter_cannot_be_is_left_out(session: Session, tree: dict[str, object]) -> None:
    assert filter_from(tree, session) == Filter()
