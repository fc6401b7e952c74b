"""Corpora and runs arrive in the session: stored predictions at once, the others while one looks on."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from telme_gui.look.settings import Recent
from telme_gui.opening.opener import Opener, find_turn, join, stored_of
from telme_gui.session.job import Job
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_model.analysis.predictions import Effect
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split
from telme_model.corpus.emotions import EMORYNLP
from telme_model.runs.folder import RunError
from tests.support.corpora import rows, write_annotations, write_corpus
from tests.support.predictions import predictions
from tests.telme_gui.conftest import WAIT


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


@pytest.fixture
def opener(session: Session) -> Opener:
    return Opener(session)


def test_a_corpus_and_its_run(qtbot: QtBot, opener: Opener, session: Session, series: Path, night: Path) -> None:
    with qtbot.waitSignal(opener.settled, timeout=WAIT) as settled:
        opener.open(series, night, "dia1_utt0")
    assert settled.args == [True]
    assert session.run == night
    assert session.predictions is not None
    assert set(session.predictions.ids) == {turn.id for turn in session.turns}
    assert str(session.current.id if session.current else "") == "test/dia1_utt0"
    assert opener.missing == 0
    qtbot.waitUntil(lambda: not session.jobs.running)


def test_a_run_alone_brings_its_corpus(qtbot: QtBot, opener: Opener, session: Session, night: Path) -> None:
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open_run(night)
    assert session.corpus is not None
    assert session.corpus.root.name == "Toy series"
    assert session.run == night
    assert session.current is not None
    assert session.effect_mask(frozenset({Effect.RESCUED}))[session.turns.index(session.current)]


def test_what_could_not_be_read_is_told(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, tmp_path: Path
) -> None:
    root = tmp_path / "torn"
    root.mkdir()
    for file in series.glob("*.csv"):
        (root / file.name).write_bytes(file.read_bytes())
    (root / "dev_sent_emo.csv").write_bytes(b"")
    header, *_ = (root / "test_sent_emo.csv").read_text().splitlines()
    (root / "test_sent_emo.csv").write_text(header + "\n")
    with qtbot.waitSignal(session.failed, timeout=WAIT) as heard, qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(root)
    title, sentence = heard.args
    assert title == "torn is open, but not all of it could be read"
    assert sentence == (
        "Its annotations have 2 problems, which “check” lists; the first: "
        "dev_sent_emo.csv is empty: restore it from the corpus's download."
    )
    assert {turn.id.split for turn in session.turns} == {Split.TRAIN}


@pytest.mark.parametrize("scores", ['{"test": 3}', '{"test": {"fused": {"weighted_f1": "high"}}}'])
def test_damaged_scores_are_told(series: Path, night: Path, tmp_path: Path, scores: str) -> None:
    run = tmp_path / "night"
    shutil.copytree(night, run)
    (run / "scores.json").write_text(scores)
    with pytest.raises(RunError, match=r"scores\.json is damaged: its test"):
        list(stored_of(run, open_corpus(series)))


def test_whoever_waits_for_an_opening_hears_of_a_defect(
    qtbot: QtBot, opener: Opener, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(root: Path) -> Corpus:
        raise KeyError(root)

    monkeypatch.setattr("telme_gui.opening.opener.open_corpus", read)
    with qtbot.captureExceptions() as raised, qtbot.waitSignal(opener.settled, timeout=WAIT) as settled:
        opener.open(series)
    assert settled.args == [False]
    assert [kind for kind, *_ in raised] == [KeyError]


@pytest.mark.parametrize("corpus", [{}, "here", {"root": 3}, {"root": "a\0b"}])
def test_a_run_that_does_not_tell_its_corpus(
    qtbot: QtBot, opener: Opener, session: Session, night: Path, tmp_path: Path, corpus: Any
) -> None:
    run = tmp_path / "night"
    shutil.copytree(night, run)
    facts = json.loads((run / "run.json").read_text())
    told = facts["corpus"] | corpus if corpus and isinstance(corpus, dict) else corpus
    (run / "run.json").write_text(json.dumps(facts | {"corpus": told}))
    with qtbot.waitSignal(session.failed) as failed, qtbot.waitSignal(opener.settled) as settled:
        opener.open_run(run)
    title, sentence = failed.args
    assert (title, settled.args) == ("night cannot be opened", [False])
    assert sentence.startswith(f"{run / 'run.json'} is damaged: it")


def test_a_corpus_that_was_open_and_cannot_be_looked_into_is_gone(tmp_path: Path) -> None:
    assert Recent(str(tmp_path)).there
    assert not Recent(str(tmp_path / "gone")).there
    assert not Recent(str(tmp_path / ("x" * 300))).there


def test_the_newest_wish_counts(qtbot: QtBot, opener: Opener, session: Session, series: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", clips=False)
    opener.open(other)
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(series)
    qtbot.waitUntil(lambda: not session.jobs.running)
    assert session.corpus is not None
    assert session.corpus.root == series


def test_a_corpus_that_is_read_when_the_program_ends_opens_no_more(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = Event(), Event()

    def read(root: Path) -> Corpus:
        begun.set()
        go_on.wait()
        return open_corpus(root)

    monkeypatch.setattr("telme_gui.opening.opener.open_corpus", read)
    session.jobs.closing.connect(go_on.set)
    opener.open(series)
    (job,) = session.jobs.running
    qtbot.waitUntil(begun.is_set, timeout=WAIT)
    with qtbot.waitSignal(job.done, timeout=WAIT) as done:
        session.close()
    assert done.args == [None]
    assert session.corpus is None


@pytest.mark.parametrize("turn", ["dia99_utt0", "test/dia0", "Ada"])
def test_a_turn_that_is_not_there(qtbot: QtBot, opener: Opener, session: Session, series: Path, turn: str) -> None:
    with qtbot.waitSignals([session.failed, opener.settled], timeout=WAIT):
        opener.open(series, None, turn)
    assert session.current is session.turns[0]


def test_one_comes_back_to_the_last_turn_and_nothing_is_said_where_it_has_gone(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, night: Path
) -> None:
    heard: list[str] = []
    session.failed.connect(lambda title, _sentence: heard.append(title))

    def where(turn: str = "", **how: Any) -> str:
        with qtbot.waitSignal(opener.settled, timeout=WAIT) as settled:
            opener.open(series, night, turn, **how)
        assert settled.args == [True]
        return str(session.current.id if session.current else None)

    met = where(meet=True)
    assert met != str(session.turns[0].id)
    assert where(last="dev/dia1_utt0", meet=True) == "dev/dia1_utt0"
    assert where("train/dia0_utt1", last="dev/dia1_utt0", meet=True) == "train/dia0_utt1"
    assert where(last="dia99_utt0", meet=True) == met
    assert where(last="dia99_utt0") == str(session.turns[0].id)
    assert not heard


def test_a_run_that_is_none_leaves_the_corpus(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, tmp_path: Path
) -> None:
    with qtbot.waitSignal(session.failed, timeout=WAIT) as failed:
        opener.open(series, tmp_path)
    assert failed.args == [f"{tmp_path.name} cannot be opened", f"{tmp_path} is not a run: it has no run.json"]
    assert session.corpus is not None
    assert session.run is None


def test_other_emotions_are_refused(series: Path, night: Path) -> None:
    corpus = replace(open_corpus(series), labels=EMORYNLP)
    with pytest.raises(RunError, match="emotions"):
        list(stored_of(night, corpus))


@pytest.mark.slow
def test_the_rest_is_predicted_and_arrives(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, trained: Path
) -> None:
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(series, trained)
    assert session.predictions is not None
    stored = session.predictions
    assert {turn.split for turn in stored.ids} == {Split.DEV, Split.TEST}
    qtbot.waitUntil(lambda: opener.missing == 0, timeout=WAIT)
    assert session.predictions.ids[: len(stored.ids)] == stored.ids
    assert len(session.predictions.ids) == len(session.turns)
    np.testing.assert_allclose(session.predictions.probabilities["fused"].sum(1), 1, atol=1e-5)


@pytest.mark.slow
def test_another_corpus_is_predicted_from_the_dialogue_that_is_looked_at(
    qtbot: QtBot, opener: Opener, session: Session, trained: Path, tmp_path: Path
) -> None:
    root = tmp_path / "other"
    root.mkdir()
    write_annotations(root, Split.TEST, list(rows(Split.TEST)))
    first: list[str] = []
    session.predictions_changed.connect(
        lambda: first.append(str(session.base.ids[0])) if session.base and session.base.ids and not first else None
    )
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(root, trained, "dia2_utt1")
    assert session.predictions is not None
    assert session.predictions.run == "toy"
    qtbot.waitUntil(lambda: opener.missing == 0, timeout=WAIT)
    assert first == ["test/dia2_utt0"]


def test_what_is_drawn_is_predicted_without_delay(
    qtbot: QtBot, opener: Opener, session: Session, trained: Path, tmp_path: Path
) -> None:
    write_annotations(tmp_path, Split.TEST, list(rows(Split.TEST)))
    opener.only_current = True
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(tmp_path, trained)
    assert [job.name for job in session.jobs.running if job.name.startswith("Predicting")]
    qtbot.waitUntil(lambda: session.prediction_row() is not None, timeout=WAIT)


def test_what_was_predicted_is_there_at_the_next_opening(
    qtbot: QtBot, opener: Opener, session: Session, trained: Path, tmp_path: Path
) -> None:
    root = tmp_path / "other"
    root.mkdir()
    write_annotations(root, Split.TEST, list(rows(Split.TEST)))
    opener.open(root, trained)
    qtbot.waitUntil(lambda: session.base is not None and opener.missing == 0, timeout=WAIT)
    assert session.base is not None
    computed = {turn: session.base.probabilities["fused"][row].tolist() for turn, row in session.base.rows.items()}
    opener.close()
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(root, trained)
    assert opener.missing == 0
    assert session.base is not None
    again = {turn: session.base.probabilities["fused"][row].tolist() for turn, row in session.base.rows.items()}
    assert again == computed
    assert len(again) == len(session.turns)


def test_predicting_can_be_stopped_and_gone_on_with(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, trained: Path
) -> None:
    stopped: list[Job] = []

    def stop_predicting() -> None:
        for job in session.jobs.running:
            if job.name.startswith("Predicting") and job not in stopped:
                stopped.append(job)
                job.stop()

    session.jobs.changed.connect(stop_predicting)
    opener.open(series, trained)
    qtbot.waitUntil(lambda: bool(stopped) and not session.jobs.running and session.predicting is None, timeout=WAIT)
    session.jobs.changed.disconnect(stop_predicting)
    assert opener.missing > 0
    opener.predict_rest()
    qtbot.waitUntil(lambda: opener.missing == 0, timeout=WAIT)


def test_what_is_predicted_while_another_theta_is_tried_waits_until_it_no_longer_is(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, trained: Path
) -> None:
    """They are the run's own, and would take what is tried away."""
    session.predicting_changed.connect(lambda: session.set_theta(0.2) if session.predicting else None)
    with qtbot.waitSignal(opener.settled, timeout=WAIT):
        opener.open(series, trained)
    before, missing = session.base, opener.missing
    assert missing > 0
    qtbot.waitUntil(lambda: session.theta is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: session.predicting is None, timeout=WAIT)
    assert (session.theta, session.base is before, opener.missing) == (0.2, True, missing)
    session.set_theta(None)
    assert opener.missing == 0
    assert session.theta is None


def test_the_progress_is_told_while_turns_are_predicted(
    qtbot: QtBot, opener: Opener, session: Session, series: Path, trained: Path
) -> None:
    told: list[tuple[int, int] | None] = []
    session.predicting_changed.connect(lambda: told.append(session.predicting))
    opener.open(series, trained)
    qtbot.waitUntil(lambda: len(told) > 1 and told[-1] is None, timeout=WAIT)
    assert opener.missing == 0
    stored = sum(turn.id.split is not Split.TRAIN for turn in session.turns)
    assert told[0] == (0, len(session.turns) - stored)


def test_a_theta_of_zero_shifts_nothing_far(series: Path) -> None:
    corpus = open_corpus(series)
    of = predictions(list(corpus.turns()), corpus.labels.labels)
    assert of.effects[Effect.LARGE_SHIFT].any()
    assert not replace(of, theta=0.0, shift=np.zeros_like(of.shift)).effects[Effect.LARGE_SHIFT].any()


def test_joined_predictions_keep_the_first_of_two(series: Path) -> None:
    corpus = open_corpus(series)
    turns, labels = list(corpus.turns()), corpus.labels.labels
    one, other = predictions(turns[:6], labels, seed=1), predictions(turns[4:9], labels, seed=2)
    both = join(one, other)
    assert both.ids == tuple(turn.id for turn in turns[:9])
    np.testing.assert_array_equal(both.probabilities["fused"][:6], one.probabilities["fused"])
    np.testing.assert_array_equal(both.shift[6:], other.shift[2:])
    np.testing.assert_array_equal(both.shapley["audio"][6:], other.shapley["audio"][2:])


def test_a_name_without_a_split_is_that_of_test(series: Path) -> None:
    turns = list(open_corpus(series).turns())
    assert str(found.id if (found := find_turn(turns, "dia2_utt1")) else "") == "test/dia2_utt1"
    assert str(found.id if (found := find_turn(turns, "train/dia2_utt1")) else "") == "train/dia2_utt1"
    assert str(found.id if (found := find_turn(turns, "dia7_utt0")) else "") == "train/dia7_utt0"


@pytest.mark.parametrize("seed", range(20))
def test_one_is_met_by_what_the_fusion_rescued(opener: Opener, session: Session, series: Path, seed: int) -> None:
    """The turn that is right by the fusion alone, of test where there is one, whose features moved farthest."""
    corpus = open_corpus(series)
    gone = replace(next(corpus.turns(Split.TEST)), id=replace(next(corpus.turns(Split.TEST)).id, dialogue="99"))
    shown = predictions([*corpus.turns(), gone], corpus.labels.labels, seed=seed)
    session.set_corpus(corpus)
    session.set_predictions(shown, None)
    opener._go_to_something()
    rescued, moved = shown.effects[Effect.RESCUED], shown.shift / shown.limit
    best = max(
        (row for row, turn in enumerate(shown.ids) if turn != gone.id),
        key=lambda row: (rescued[row], shown.ids[row].split is Split.TEST, moved[row]),
    )
    assert session.current is not None
    assert session.current.id == shown.ids[best]
