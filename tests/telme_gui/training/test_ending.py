"""A run that ends shows itself, tells who works elsewhere, and is summed up against the run before."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.ending import Ending
from telme_gui.training.trainer import Trainer
from telme_model.analysis.evaluation import compare_runs, predicted_label
from telme_model.analysis.metrics import weighted_f1
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.records import run_records
from telme_model.runs.summary import Summary
from tests.support.corpora import MISSING, SILENT
from tests.telme_gui.conftest import WAIT

SETTINGS = tuple(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion"))


class Tray:
    """A system tray that keeps what it is told."""

    said: list[tuple[str, str]] = []

    def __init__(self, *_: object) -> None:
        self.shown = False

    @staticmethod
    def isSystemTrayAvailable() -> bool:  # noqa: N802
        return True

    supportsMessages = isSystemTrayAvailable  # noqa: N815

    def show(self) -> None:
        self.shown = True

    def hide(self) -> None:
        self.shown = False

    def showMessage(self, title: str, text: str, msecs: int) -> None:  # noqa: N802
        assert self.shown
        self.said.append((title, text))


@pytest.fixture
def session(
    qtbot: QtBot, trained: Path, tmp_path: Path, series: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))
    session = Session(Jobs())
    session.set_corpus(open_corpus(series))
    yield session
    session.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    monkeypatch.setattr("telme_gui.training.ending.QSystemTrayIcon", Tray)
    monkeypatch.setattr(Tray, "said", [])
    return Tray.said


def train(qtbot: QtBot, trainer: Trainer, ending: Ending, plan: Plan) -> Summary:
    with qtbot.waitSignal(ending.summed_up, timeout=WAIT) as summed_up:
        trainer.submit([plan])
    summary = summed_up.args[0]
    assert isinstance(summary, Summary)
    return summary


@pytest.mark.slow
def test_runs_show_themselves_and_are_set_against_the_one_before(
    qtbot: QtBot, session: Session, trainer: Trainer, series: Path, tmp_path: Path, said: list[tuple[str, str]]
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    opened: list[Path] = []
    ending = Ending(session, trainer, opened.append, window)
    plan = Plan(config=TOY.with_settings(SETTINGS), corpus=series, run=tmp_path / "runs" / "one")
    other = replace(plan, config=plan.config.with_settings(["seed=4"]), run=tmp_path / "elsewhere" / "two")
    first = train(qtbot, trainer, ending, plan)
    assert first.before is None
    second = train(qtbot, trainer, ending, other)
    assert opened == [plan.run, other.run]
    assert [title for title, _ in said] == ["one is trained", "two is trained"]

    assert [score.model for score in second.scores] == ["teacher", "audio", "visual", "fused"]
    records = {run: run_records(run, Split.TEST) for run in opened}
    for score in second.scores:
        rows = [record for record in records[other.run] if record[score.model]]
        pairs = [(record["gold"], predicted_label(record[score.model])) for record in rows]
        expected = weighted_f1([gold for gold, _ in pairs], [guess for _, guess in pairs], MELD.labels)
        assert score.weighted_f1 == pytest.approx(expected)
        assert score.turns == len(rows)
        assert score.low is not None
        assert score.high is not None
        assert score.low <= score.weighted_f1 <= score.high
    assert said[1][1] == f"Fused weighted F1 {second.scores[-1].weighted_f1:.1f} on test."

    counted = {(part.modality, part.reason): len(part.turns) for part in second.excluded}
    assert counted == {
        ("audio and visual", "its clip does not exist"): len(MISSING),
        ("audio", "its clip has no sound"): len(SILENT),
    }
    assert second.seconds > 0
    before = second.before
    assert before is not None
    expected_comparison = compare_runs(records[other.run], records[plan.run])
    assert (before.run, before.other) == (other.run, plan.run)
    assert before.difference == pytest.approx(second.scores[-1].weighted_f1 - first.scores[-1].weighted_f1)
    assert (before.turns, before.changed) == (9, expected_comparison["changed"])
    assert before.low <= before.difference <= before.high


@pytest.mark.slow
def test_a_run_of_another_corpus_stays_closed(
    qtbot: QtBot, session: Session, trainer: Trainer, series: Path, tmp_path: Path, said: list[tuple[str, str]]
) -> None:
    session.set_corpus(replace(open_corpus(series), root=tmp_path / "another"))
    window = QWidget()
    qtbot.addWidget(window)
    opened: list[Path] = []
    ending = Ending(session, trainer, opened.append, window)
    plan = Plan(config=TOY.with_settings(SETTINGS), corpus=series, run=tmp_path / "run")
    train(qtbot, trainer, ending, plan)
    assert opened == []
    session.set_corpus(None)
    train(qtbot, trainer, ending, replace(plan, run=tmp_path / "next"))
    assert opened == [tmp_path / "next"]
    assert len(said) == 2


def test_a_failure_is_told_and_a_window_in_front_is_not_disturbed(
    qtbot: QtBot, session: Session, trainer: Trainer, tmp_path: Path, said: list[tuple[str, str]]
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    ending = Ending(session, trainer, lambda _run: None, window)
    plan = Plan(config=TOY, corpus=tmp_path / "nowhere", run=tmp_path / "run")
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([plan])
    assert said == [("run: The corpus cannot be read", trainer.problem.cause if trainer.problem else "")]
    window.show()
    qtbot.waitActive(window)
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.submit([plan])
    assert len(said) == 1
    assert ending.parent() is window


def test_the_tray_that_is_faked_here_has_what_is_used_of_the_real_one() -> None:
    for name in ("isSystemTrayAvailable", "supportsMessages", "show", "hide", "showMessage"):
        assert hasattr(QSystemTrayIcon, name)
