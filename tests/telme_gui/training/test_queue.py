"""What is still to be trained outlives the window: it is kept as it changes, and offered at the next start."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.trainer import Trainer, TrainerState
from telme_gui.training.unfinished_runs import UnfinishedRuns
from telme_model.events import Event, Message
from telme_model.runs import catalogue
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.queue import Waiting
from tests.conftest import ROOT
from tests.telme_gui.conftest import WAIT

FILE = "waiting.json"
TINY = TOY.with_settings([f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual", "fusion")])


@pytest.fixture
def runs(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(trained.parent / "cache"))
    return tmp_path / "runs"


@pytest.fixture
def session(qtbot: QtBot, runs: Path) -> Iterator[Session]:
    session = Session(Jobs())
    yield session
    session.close()


def plans(series: Path, runs: Path, count: int = 3) -> list[Plan]:
    return [
        Plan(config=TINY.with_settings([f"seed={seed}"]), corpus=series, run=runs / f"seed-{seed}")
        for seed in range(1, count + 1)
    ]


def names(runs: Path) -> list[str]:
    """The runs that the file tells of."""
    return [Path(tree["run"]).name for tree in json.loads((runs / FILE).read_text(encoding="utf-8"))]


def left(qtbot: QtBot) -> tuple[Session, Trainer, UnfinishedRuns]:
    """A window that comes after: its session and trainer, and what it offers."""
    session = Session(Jobs())
    trainer = Trainer(session.jobs)
    offered = UnfinishedRuns(session, trainer)
    qtbot.addWidget(offered)
    offered.look()
    qtbot.waitUntil(lambda: not session.jobs.running, timeout=WAIT)
    return session, trainer, offered


def test_what_waits_is_kept_as_it_changes(
    qtbot: QtBot, session: Session, trainer: Trainer, runs: Path, series: Path
) -> None:
    one, two, three = plans(series, runs)
    trainer.submit([one, two, three])
    assert names(runs) == ["seed-1", "seed-2", "seed-3"]
    trainer.withdraw(two)
    assert names(runs) == ["seed-1", "seed-3"]
    qtbot.waitUntil(lambda: trainer.state is TrainerState.RUNNING, timeout=WAIT)
    with qtbot.waitSignal(trainer.left, timeout=WAIT):
        trainer.stop_and_keep()
    assert names(runs) == ["seed-3"]  # a run that a person stopped is not pressed on them
    session.close()
    assert names(runs) == ["seed-3"]


@pytest.mark.slow
def test_what_waited_is_offered_and_trained(
    qtbot: QtBot, session: Session, trainer: Trainer, runs: Path, series: Path
) -> None:
    trainer.submit(plans(series, runs))
    qtbot.waitUntil(lambda: trainer.state is TrainerState.RUNNING, timeout=WAIT)
    session.close()  # as "Stop and close" does
    after, later, offered = left(qtbot)
    assert not offered.isHidden()
    assert offered.title.text() == "3 runs are still to be trained"
    told = "The window was closed before: seed-1 (goes on where it stood), seed-2, seed-3."
    assert offered.sentence.text() == told
    assert offered.resume.text() == "Start"
    assert later.queue == []
    offered.resume.click()
    assert offered.isHidden()
    finished: list[str] = []
    later.finished.connect(lambda run: finished.append(run.name))
    qtbot.waitUntil(lambda: len(finished) == 3, timeout=WAIT)
    assert finished == ["seed-1", "seed-2", "seed-3"]
    assert names(runs) == []
    after.close()


def test_what_waited_may_wait_on_or_be_forgotten(qtbot: QtBot, runs: Path, series: Path) -> None:
    first = Waiting()
    first.keep(plans(series, runs, 7))
    first.release()
    after, later, offered = left(qtbot)
    assert offered.sentence.text().endswith("seed-4, seed-5, and 2 more.")
    offered.later.click()
    assert offered.isHidden()
    new = replace(plans(series, runs, 1)[0], run=runs / "new")
    later.submit([new])
    assert later.plan == new  # and not one of those that wait
    assert names(runs) == ["new", *(f"seed-{seed}" for seed in range(1, 8))]
    later.discard()
    qtbot.waitUntil(lambda: later.state is TrainerState.STOPPED, timeout=WAIT)
    after.close()
    last, _, offered = left(qtbot)
    assert offered.title.text() == "7 runs are still to be trained"
    offered.discard.click()
    assert offered.isHidden()
    last.close()
    last, _, offered = left(qtbot)
    assert offered.isHidden()
    last.close()


@pytest.mark.slow
def test_a_killed_program_leaves_its_queue(qtbot: QtBot, runs: Path, series: Path) -> None:
    """The run in hand is offered as one that was cut off, those that waited after it."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom PySide6.QtWidgets import QApplication\n"
        "from telme_gui.session.jobs import Jobs\nfrom telme_gui.training.trainer import Trainer\n"
        "from telme_model.runs.queue import Waiting\n"
        "app = QApplication([])\njobs = Jobs()\nwaiting = Waiting()\nplans = waiting.left()\nwaiting.release()\n"
        "Trainer(jobs).submit(plans)\napp.exec()\n"
    )
    first = Waiting()
    first.keep(plans(series, runs))
    first.release()
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as process:
        log = runs / "seed-1" / "events.jsonl"
        qtbot.waitUntil(lambda: log.is_file() and '"teacher"' in log.read_text(encoding="utf-8"), timeout=WAIT)
        process.send_signal(signal.SIGKILL)
    after, _, offered = left(qtbot)
    assert offered.title.text() == "seed-1 was cut off while it was trained"
    offered.later.click()
    assert offered.title.text() == "2 runs are still to be trained"
    assert offered.sentence.text().endswith("seed-2, seed-3.")
    after.close()


def test_the_place_is_held_until_the_training_has_ended(
    qtbot: QtBot, session: Session, trainer: Trainer, runs: Path, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that starts while another one closes would take a run that is being kept for one that is gone."""
    seen: list[list[Plan]] = []

    def work(_plan: Plan) -> Iterator[Event]:
        try:
            while True:
                yield Message(text="a step")
        finally:
            seen.append(Waiting().left())

    monkeypatch.setattr("telme_gui.training.trainer.train_plan", work)
    (plan,) = plans(series, runs, 1)
    trainer.submit([plan])
    qtbot.waitUntil(lambda: trainer.state is TrainerState.RUNNING, timeout=WAIT)
    session.close()
    assert seen == [[]]
    assert Waiting().left() == [plan]


def test_what_is_asked_for_elsewhere_is_offered_no_more(qtbot: QtBot, runs: Path, series: Path) -> None:
    asked = plans(series, runs)
    first = Waiting()
    first.keep(asked)
    first.release()
    after, later, offered = left(qtbot)
    later.submit(asked[:1])
    assert offered.sentence.text().endswith("before: seed-2, seed-3.")
    after.close()


def test_what_a_look_for_runs_fails_at_hides_nothing_that_waits(
    qtbot: QtBot, runs: Path, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[Path]:
        raise ZeroDivisionError

    first = Waiting()
    first.keep(plans(series, runs, 1))
    first.release()
    monkeypatch.setattr(catalogue, "known_runs", fail)
    with qtbot.captureExceptions() as raised:
        after, _, offered = left(qtbot)
        qtbot.waitUntil(lambda: bool(raised), timeout=WAIT)
    assert raised[0][0] is ZeroDivisionError  # which the window reports
    assert offered.title.text() == "A run is still to be trained"
    after.close()


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, ("A run waits to be trained.", "The one that waits cannot be kept, and will not be trained.")),
        (2, ("2 runs wait to be trained.", "The 2 that wait cannot be kept, and will not be trained.")),
    ],
)
def test_a_queue_that_is_held_and_kept_nowhere_is_asked_about(
    qtbot: QtBot, trainer: Trainer, runs: Path, series: Path, count: int, told: tuple[str, str]
) -> None:
    other = Waiting()
    other.left()
    window = QWidget()
    qtbot.addWidget(window)
    first, *behind = plans(series, runs, 1 + count)
    trainer.submit([replace(first, corpus=runs / "nowhere"), *behind])
    qtbot.waitUntil(lambda: trainer.state is TrainerState.FAILED, timeout=WAIT)
    asked: list[tuple[str, str]] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append((box.text(), box.informativeText()))
        next(choice for choice in box.buttons() if choice.text() == "Stay").click()

    QTimer.singleShot(0, answer)
    assert not trainer.may_close(window)
    assert asked == [told]


@pytest.mark.parametrize(
    ("behind", "kept", "told"),
    [
        (0, True, "offered at the next start."),
        (1, True, "offered at the next start. So is the one that waits."),
        (2, True, "offered at the next start. So are the 2 that wait."),
        (2, False, "resumed from the list of runs. The 2 that wait cannot be kept, and will not be trained."),
    ],
)
def test_the_question_tells_what_becomes_of_those_that_wait(
    qtbot: QtBot, trainer: Trainer, runs: Path, series: Path, behind: int, kept: bool, told: str
) -> None:
    other = Waiting()
    if not kept:
        other.keep(plans(series, runs, 1))
    window = QWidget()
    qtbot.addWidget(window)
    trainer.submit(plans(series, runs, 1 + behind))
    asked: list[str] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.informativeText())
        box.buttons()[0].click()

    QTimer.singleShot(0, answer)
    trainer.may_close(window)
    assert asked[0].endswith(told)
