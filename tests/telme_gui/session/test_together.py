"""Whoever hears a signal of the session may read anything: what changes together has changed by then."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from telme_gui.session.filter import Filter, Rows, Shown, met
from telme_gui.session.jobs import Jobs
from telme_gui.session.marks import Mark, Marks
from telme_gui.session.session import Session
from telme_model.analysis.predictions import Effect
from telme_model.annotations.labels import GOLD, Label, Scope
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality
from tests.support.corpora import write_corpus
from tests.support.predictions import predictions

Change = Callable[[], object]
SIGNALS = (
    "corpus_changed", "predictions_changed", "current_changed", "filter_changed", "labels_changed", "theta_changed",
    "film_changed", "presented_changed", "media_problems_changed", "predicting_changed",
)  # fmt: skip


def read_everything(session: Session) -> None:
    """All that is told of the state fits together, as if it were reckoned anew."""
    turns, shown = session.turns, session.predictions
    assert (session.corpus is None) is (not turns) is (session.current is None)
    assert session.current is None or turns[session.rows[session.current.id]] is session.current
    assert (shown is None) is (session.base is None) is (session.run is None)
    if shown is not None and session.base is not None:
        assert shown.ids == session.base.ids
        assert shown.truth == session.truth
        assert session.theta is not None or session.truth != GOLD or session.labels.blind or shown is session.base
        rows = [row for turn in turns if (row := session.prediction_row(turn)) is not None]
        assert all(shown.ids[row] in session.rows for row in rows)
    marks = Marks(session.labels)
    marks.open(turns, session.rows)
    for mark in Mark:
        assert np.array_equal(session.mark_mask({mark}), marks[mark]), f"{mark} of another state"
    parts = Shown(
        words=session.tells_words,
        gold=session.gold,
        predictions=shown,
        problems=session.media_problems,
        marks=session.mark_mask,
    )
    assert np.array_equal(session.visible, met(session.filter, Rows(turns), parts)), "filtered by another state"
    assert len(session.effect_mask(Effect)) == len(turns)


def all_pairs(changes: Sequence[str]) -> Iterator[str]:
    """Every change after every other one, and after itself."""
    for place, one in enumerate(changes):
        yield from (one, one)
        for other in changes[place + 1 :]:
            yield from (other, one)


def changes_of(session: Session, corpus: Corpus) -> dict[str, Change]:
    """What may change, by name."""
    shorter = replace(corpus, dialogues=corpus.dialogues[:-2])
    turns, emotions = tuple(corpus.turns()), corpus.labels.labels
    long, short, tried = (
        predictions(turns, emotions),
        predictions(turns[:9], emotions),
        predictions(turns, emotions, seed=3),
    )
    labels, first = session.labels, turns[0].id
    every = Filter(effects=frozenset(Effect) - {Effect.CONFLICT}, text="a", media_problem=True)

    def fuse_anew() -> None:
        if session.theta is not None and session.base is long:
            session.show_fused_anew(tried)

    return {
        "corpus": partial(session.set_corpus, corpus),
        "a shorter corpus": partial(session.set_corpus, shorter),
        "a run": partial(session.set_predictions, long, Path("long")),
        "a shorter run": partial(session.set_predictions, short, Path("short")),
        "no run": partial(session.set_predictions, None, None),
        "theta": partial(session.set_theta, 0.3),
        "the run's theta": partial(session.set_theta, None),
        "fused anew": fuse_anew,
        "label": lambda: labels.put(first, None if labels.mine(first) else Label(emotion="fear", flag=True), "label"),
        "undo": labels.undo,
        "blind": lambda: labels.choose(blind=not labels.blind),
        "layer": lambda: labels.choose(layer="bo" if labels.layer == "me" else "me", scope=Scope.ALL),
        "truth": lambda: session.judge_against("me" if session.truth == GOLD else GOLD),
        "effects": partial(session.set_filter, Filter(effects=frozenset({Effect.CONFLICT, Effect.RESCUED}))),
        "marks": partial(session.set_filter, Filter(marks=frozenset({Mark.MISSING}), emotions=frozenset({"joy"}))),
        "all conditions": partial(session.set_filter, every),
        "words": lambda: session.present(frozenset({Modality.AUDIO} if session.tells_words else Modality)),
        "problem": lambda: session.report_media_problems({turns[len(session.media_problems)].id: "no clip"}),
        "turn": lambda: session.step(1),
        "lengths": lambda: session.learn_seconds({first: session.turn_seconds(turns[0]) + 1}),
        "predicting": lambda: session.set_predicting(None if session.predicting else (1, 9)),
    }


def test_all_pairs_of_changes_leave_the_state_whole_at_every_signal(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session(Jobs())
    corpus = open_corpus(write_corpus(tmp_path / "series", clips=False))
    changes = changes_of(session, corpus)
    wrong: dict[str, str] = {}
    heard, last = set(), ["", ""]

    def hear(name: str, *_: object) -> None:
        heard.add(name)
        try:
            read_everything(session)
        except (AssertionError, IndexError, KeyError, ValueError) as error:
            wrong.setdefault(f"{last[0]}, then {last[1]}: at {name}", repr(error)[:200])

    for name in SIGNALS:
        getattr(session, name).connect(partial(hear, name))
    session.labels.changed.connect(partial(hear, "labels.changed"))
    try:
        session.set_corpus(corpus)
        for name in all_pairs(list(changes)):
            last[:] = [last[1], name]
            changes[name]()
            hear("the end")
    finally:
        session.close()
    assert not wrong
    assert heard >= set(SIGNALS)
