"""The training dialog: what it starts, why it does not, what it costs, and the command that does the same."""

import os
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from telme_gui.look.settings import LastTraining, Settings, load, save
from telme_gui.look.style import Appearance
from telme_gui.look.words import as_tip
from telme_gui.session.jobs import Jobs
from telme_gui.session.session import Session
from telme_gui.training.dialog import TrainingDialog, reckoner
from telme_gui.training.dialog.encoders_page import EncodersPage
from telme_gui.training.dialog.form import FormPage, PlaceLine
from telme_gui.training.trainer import Trainer, TrainerState
from telme_model import bundled
from telme_model.annotations.apply import with_labels
from telme_model.annotations.labels import Label
from telme_model.bundled import DEMO_ENCODERS
from telme_model.commands.main import main
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split, TurnId
from telme_model.corpus.emotions import IEMOCAP
from telme_model.corpus.meld import CLIP_FOLDERS
from telme_model.media.shards import CacheError
from telme_model.runs import costs
from telme_model.runs.config import SETTINGS
from telme_model.runs.costs import Gpu, Machine
from telme_model.runs.plan import Plan
from telme_model.runs.presets import PAPER_MELD, preset
from telme_model.runs.quantities import estimate
from telme_model.training import measuring
from tests.support.corpora import write_corpus
from tests.telme_gui.conftest import WAIT

Open = Callable[..., TrainingDialog]


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reckoner, "SETTLE", 0)


@pytest.fixture
def session(qtbot: QtBot, series: Path, appearance: Appearance) -> Iterator[Session]:
    session = Session(Jobs())
    session.set_corpus(open_corpus(series))
    yield session
    session.close()


@pytest.fixture
def started(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What was handed to the trainer, which here trains nothing."""
    plans: list[Plan] = []
    monkeypatch.setattr(trainer, "submit", plans.extend)
    return plans


@pytest.fixture
def open_dialog(qtbot: QtBot, session: Session, trainer: Trainer) -> Iterator[Open]:
    dialogs: list[TrainingDialog] = []

    def open_one(settings: Settings | None = None, **more: Any) -> TrainingDialog:
        dialog = TrainingDialog(session, trainer, settings or Settings(training=LastTraining(preset="demo")), **more)
        dialogs.append(dialog)
        dialog.show()
        return dialog

    yield open_one
    for dialog in filter(isValid, dialogs):
        dialog.close()
    qtbot.waitUntil(lambda: not session.jobs.running and not any(map(isValid, dialogs)), timeout=WAIT)


def reckoned(qtbot: QtBot, dialog: TrainingDialog) -> None:
    """Wait until everything is known of what the dialog says."""

    def known() -> bool:
        answer = dialog.reckoner.answer
        return dialog.reckoner.looked and answer is not None and answer.question == dialog._question()

    qtbot.waitUntil(known, timeout=WAIT)


def beside(dialog: TrainingDialog, name: str) -> str:
    """What the costs say of something."""
    said = [label.text() for label in dialog.costs.findChildren(QLabel)]
    return said[said.index(name) + 1]


def test_start_hands_over_what_is_chosen(
    qtbot: QtBot, open_dialog: Open, started: list[Plan], series: Path, tmp_path: Path
) -> None:
    dialog = open_dialog()
    dialog.draft.set("fusion.theta", "0.5")
    dialog.run_page.name.setText("mine")
    assert dialog.obstacle().startswith("Looking for weights and clips")
    assert not dialog.start.isEnabled()
    reckoned(qtbot, dialog)
    assert not dialog.obstacle()
    with qtbot.waitSignal(dialog.finished):
        dialog.start.click()
    config = preset("demo").with_settings(["fusion.theta=0.5"])
    assert started == [Plan(config=config, corpus=series, run=tmp_path / "runs" / "mine")]


def test_seeds_and_ablations_make_a_queue(qtbot: QtBot, open_dialog: Open, started: list[Plan]) -> None:
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    dialog.run_page.name.setText("all")
    dialog.run_page.seeds.setText("0, 3")
    for variant, box in dialog.ablation.boxes.items():
        box.setChecked(variant.name in ("no-prompt", "audio-teacher"))
    assert dialog.start.text() == "Start 6 runs"
    answer = dialog.reckoner.answer
    assert answer is not None
    assert answer.costs is not None
    together = estimate(answer.costs.seconds_of(6))
    assert dialog.reason.text().startswith(f"6 runs take about {together}. ")
    assert beside(dialog, "All 6 runs") == together
    dialog.start.click()
    assert [plan.run.name for plan in started] == [
        f"all{variant}-seed{seed}" for variant in ("", "-no-prompt", "-audio-teacher") for seed in (0, 3)
    ]
    assert [plan.config.seed for plan in started] == [0, 3] * 3
    assert [plan.config.text.prompt for plan in started] == [True, True, False, False, True, True]
    assert started[-1].config.teacher is Modality.AUDIO


def test_an_ablation_that_cannot_be_is_not_on_offer(open_dialog: Open) -> None:
    dialog = open_dialog()
    dialog.pages.setCurrentRow(dialog.pages.count() - 1)
    boxes = {variant.name: box for variant, box in dialog.ablation.boxes.items()}
    assert all(box.isEnabled() for box in boxes.values())
    assert boxes["no-kd"].toolTip() == "distillation.alpha=0, distillation.beta=0"
    dialog.draft.set("text.prompt", "false")
    assert {name for name, box in boxes.items() if not box.isEnabled()} == {"no-prompt"}
    assert boxes["no-prompt"].toolTip() == "The run is like this already"
    dialog.draft.set("fusion.theta", "much")
    assert not any(box.isEnabled() for box in boxes.values())
    dialog.pages.setCurrentRow(0)
    dialog.draft.reset_all()
    dialog.draft.set("fusion.kind", "product")  # chosen on another page
    for box in boxes.values():
        box.setChecked(True)
    assert {variant.name for variant in dialog.ablation.variants} == boxes.keys() - {"product"}
    dialog.pages.setCurrentRow(dialog.pages.count() - 1)
    assert {name for name, box in boxes.items() if not box.isEnabled()} == {"product"}


def test_the_copied_command_makes_the_same_run(
    open_dialog: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Any, ...]] = []

    def train(*options: Any, **_more: Any) -> Sequence[Any]:
        asked.append(options)
        return ()

    monkeypatch.setattr("telme_model.training.pipeline.train", train)
    settings = Settings(training=LastTraining(preset="official-iemocap"))
    dialog = open_dialog(settings)
    dialog.draft.set_all(
        {
            "teacher": "visual",
            "students": "",
            "text.weights": "/models/my own $encoder",
            "stages.audio.learning_rate": "0.000003",
            "fusion.normalised": "false",
            "fusion.kind": "product",
        }
    )
    dialog.run_page.name.setText("it's one")
    dialog.run_page.seeds.setText("0,5")
    dialog.copy.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 2
    for line, plan in zip(lines, dialog.plans()):
        python, program, *words = shlex.split(line)
        assert (python, program) == ("python", "main.py")
        assert main(words) == 0
        assert asked.pop() == (plan.config, plan.corpus, plan.run)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: d.draft.set("stages.fusion.batch", "0"), "Stages.fusion.batch is 0"),
        (lambda d: d.run_page.show_corpus(None), "No corpus is open"),
        (lambda d: d.run_page.seeds.setText("x"), "names no seeds"),
        (lambda d: d.run_page.name.setText(" "), "The run has no name"),
        (lambda d: d.run_page.name.setText("x" * 300), "The run's name is too long: 200 letters at most"),
        (lambda d: d.run_page.name.setText("../up"), "cannot be a run"),
        (lambda d: d.run_page.folder.setText(""), "Choose the folder"),
        (lambda d: d.run_page.folder.setText(__file__), "is a file"),
        (lambda d: d.run_page.folder.setText("/proc/nope"), "No run can be kept in /proc/nope"),
        (lambda d: d.run_page.folder.setText(str(d.run_page.corpus.root)), "lies in the corpus folder"),
        (lambda d: d.run_page.warm_start.setText("/nowhere"), "is not a run"),
        (lambda d: d.draft.set("device", "cuda:7"), "cuda:7 is not here: this machine has 0"),
        (lambda d: d.draft.set("audio.weights", "no/such"), "the hub cannot be reached"),
        (lambda d: d.draft.set("visual.weights", str(Path(__file__).parent)), "has no readable config.json"),
        (lambda d: d.draft.set("audio.weights", str(DEMO_ENCODERS / "visual")), "is no audio encoder but a visual one"),
        (lambda d: d.draft.set("text.weights", ""), "Text.weights is empty; it has to name a folder"),
    ],
)
def test_start_waits_for_a_reason(
    qtbot: QtBot, open_dialog: Open, spoil: Callable[[TrainingDialog], None], reason: str
) -> None:
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    assert dialog.start.isEnabled(), dialog.reason.text()
    spoil(dialog)
    qtbot.waitUntil(lambda: reason in dialog.reason.text(), timeout=WAIT)
    assert not dialog.start.isEnabled()
    dialog.submit()
    assert dialog.isVisible()


def test_a_folder_that_holds_files_and_one_that_waits(
    open_dialog: Open, trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "notes.txt").touch()
    dialog = open_dialog()
    dialog.run_page.name.setText("old")
    assert "already holds files" in dialog.obstacle()
    dialog.run_page.name.setText("next")
    for place in ("queue", "laid_by"):
        with monkeypatch.context() as patch:
            patch.setattr(trainer, place, dialog.plans())
            assert "waits for it" in dialog.obstacle()
        assert "waits for it" not in dialog.obstacle()


def test_a_corpus_without_labels_in_dev(open_dialog: Open, session: Session) -> None:
    corpus = session.corpus
    assert corpus is not None
    session.set_corpus(replace(corpus, dialogues=tuple(d for d in corpus.dialogues if d.split is not Split.DEV)))
    dialog = open_dialog()
    assert "no labelled turns in its dev split" in dialog.reason.text()


Labelled = dict[str, dict[TurnId, Label]]


def layers(labelled: Labelled) -> dict[str, Any]:
    """Layers as the window hands them to the dialog."""
    return {
        "layers": ("gold", *labelled),
        "relabel": lambda corpus, layer: with_labels(corpus, labelled.get(layer, {})),
    }


def labels_of(corpus: Corpus | None, *, unsure: bool = False) -> dict[TurnId, Label]:
    """Joy for all of the first training dialogue, which has three turns."""
    assert corpus is not None
    return {turn.id: Label(emotion="joy", unsure=unsure) for turn in corpus.dialogues[0].turns}


def test_a_layer_is_counted_and_handed_over(
    qtbot: QtBot, open_dialog: Open, session: Session, started: list[Plan]
) -> None:
    labelled: Labelled = {"Ada": labels_of(session.corpus), "Bo": {}, "Cy": labels_of(session.corpus, unsure=True)}
    dialog = open_dialog(**layers(labelled))
    page = dialog.run_page
    assert [page.layer.itemData(row) for row in range(page.layer.count())] == ["gold", "Ada"]
    assert page.layer.currentData() == "gold"
    page.layer.choose("Ada")
    said = "3 labels among 24 train turns, none among 9 dev turns; gold elsewhere."
    qtbot.waitUntil(lambda: any(label.text() == said for label in page.findChildren(QLabel)), timeout=WAIT)
    reckoned(qtbot, dialog)
    dialog.start.click()
    assert [plan.layer for plan in started] == ["Ada"]


def test_a_remembered_layer_without_labels_of_this_corpus_gives_way_to_gold(
    open_dialog: Open, session: Session, tmp_path: Path
) -> None:
    def opened(layer: str) -> TrainingDialog:
        settings = Settings(training=LastTraining(preset="demo", layer=layer))
        return open_dialog(settings, **layers({"me": labels_of(session.corpus), "empty": {}}))

    assert opened("me").plans()[0].layer == "me"
    assert opened("empty").plans()[0].layer == "gold"
    dialog = opened("me")
    other = open_corpus(write_corpus(tmp_path / "other", clips=False))
    dialog.run_page.show_corpus(other)
    assert dialog.plans()[0].layer == "gold"
    assert dialog.run_page.layer.count() == 1
    dialog.run_page.show_corpus(session.corpus)
    assert dialog.plans()[0].layer == "me"


def test_a_corpus_without_clips_is_trained_without_them(
    qtbot: QtBot, open_dialog: Open, session: Session, started: list[Plan], tmp_path: Path
) -> None:
    session.set_corpus(open_corpus(write_corpus(tmp_path / "bare", clips=False)))
    dialog = open_dialog()
    qtbot.waitUntil(lambda: "There is no folder train_splits" in dialog.reason.text(), timeout=WAIT)
    assert not dialog.start.isEnabled()
    assert "leave audio and visual out on the page Ablation" in dialog.reason.text()
    assert (beside(dialog, "Audio student"), beside(dialog, "Whole run")) == ("no clips", "unknown")
    assert dialog.leave_out.text() == "Leave audio and visual out"
    dialog.leave_out.click()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    assert not dialog.leave_out.isVisible()
    alone = next(box for variant, box in dialog.ablation.boxes.items() if variant.name == "audio-only")
    alone.setChecked(True)
    assert "leave audio out on the page Ablation" in dialog.reason.text()
    alone.setChecked(False)
    dialog.start.click()
    assert started[0].config.students == ()


def test_clips_that_are_not_where_the_corpus_has_them(
    qtbot: QtBot, open_dialog: Open, session: Session, tmp_path: Path
) -> None:
    root = write_corpus(tmp_path / "bare", clips=False)
    for folder in CLIP_FOLDERS.values():
        (root / folder).mkdir()
    (root / CLIP_FOLDERS[Split.TRAIN] / "dia0_utt0.mp4").write_bytes(b"a clip")
    session.set_corpus(open_corpus(root))
    dialog = open_dialog()
    dialog.draft.set("teacher", "audio")
    qtbot.waitUntil(lambda: "No clip of the dev split is where bare has it." in dialog.reason.text(), timeout=WAIT)
    assert "choose another teacher on the page Ablation" in dialog.reason.text()
    assert not dialog.leave_out.isVisible()


def test_what_is_to_be_known_of_the_turns_is_said_beside_the_costs(
    qtbot: QtBot, open_dialog: Open, session: Session
) -> None:
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    assert dialog.costs.turns.text().splitlines() == [
        "24 labelled turns in train: too few for scores that mean much.",
        "",
        "2 of 42 labelled turns have no clip: text alone is known of them.",
    ]
    assert dialog.start.isEnabled()
    session.set_corpus(open_corpus(bundled.DEMO_CORPUS))
    demo = open_dialog()
    reckoned(qtbot, demo)
    assert not demo.costs.turns.isVisible()


def test_a_cache_that_cannot_be_read(qtbot: QtBot, open_dialog: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_known: Any, **_more: Any) -> None:
        raise CacheError("The cache index cannot be read: delete it.")

    monkeypatch.setattr(reckoner, "costs", broken)
    dialog = open_dialog()
    qtbot.waitUntil(lambda: dialog.reason.text().startswith("The cache index cannot be read"), timeout=WAIT)
    assert not dialog.start.isEnabled()


def test_media_that_can_be_kept_nowhere(qtbot: QtBot, open_dialog: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_CACHE", "/proc/nope")
    dialog = open_dialog()
    qtbot.waitUntil(lambda: dialog.reason.text().startswith("No decoded clips can be kept in"), timeout=WAIT)
    dialog.draft.set("students", "")
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)


def test_looking_at_the_folder_leaves_nothing_there(qtbot: QtBot, open_dialog: Open, tmp_path: Path) -> None:
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    assert dialog.start.isEnabled()
    assert not (tmp_path / "runs").exists()
    assert not list(tmp_path.glob(".telme-*"))


def test_after_a_failure_it_opens_with_what_was_asked(
    qtbot: QtBot, open_dialog: Open, trainer: Trainer, series: Path, tmp_path: Path
) -> None:
    trainer, runs = trainer, tmp_path / "elsewhere"
    config = preset("demo").with_settings(["seed=3", "fusion.theta=0.5"])
    trainer.plan = Plan(config=config, corpus=series, run=runs / "mine", warm_start=tmp_path / "old")
    trainer.state = TrainerState.FAILED
    assert open_dialog(Settings()).plans() == [trainer.plan]
    (runs / "mine").mkdir(parents=True)
    (runs / "mine" / "fusion.safetensors").touch()  # it came far enough to be gone on with
    (other,) = open_dialog(Settings()).plans()
    assert other == replace(trainer.plan, run=runs / "toy-series-demo")
    trainer.plan = replace(trainer.plan, corpus=bundled.DEMO_CORPUS)
    assert open_dialog(Settings()).plans()[0].config == PAPER_MELD


@pytest.mark.dressed
def test_paths_have_room_and_lose_their_middle(qtbot: QtBot, open_dialog: Open) -> None:
    folder = open_dialog().run_page.folder
    assert folder.fontMetrics().horizontalAdvance("a" * 40) < folder.width()
    line = PlaceLine()
    qtbot.addWidget(line)
    line.setFixedSize(160, 28)

    def picture(path: str) -> QImage:
        line.setText(path)
        return line.grab().toImage()

    plain = picture("/home/ada/series/" + "runs/" * 20 + "series/last")
    assert picture("/home/ada/series/" + "news/" * 20 + "series/last") == plain
    assert picture("/home/eve/series/" + "runs/" * 20 + "series/last") != plain
    assert picture("/home/ada/series/" + "runs/" * 20 + "series/nets") != plain
    assert line.toolTip() == as_tip(line.text())


def test_a_disk_that_is_too_small(qtbot: QtBot, open_dialog: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "free_bytes", lambda _folder: 1_000_000)
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    assert dialog.reason.text().startswith("The disk is too small: ")
    assert "1.0 MB free" in dialog.reason.text()


def test_the_choice_is_remembered(open_dialog: Open, started: list[Plan], tmp_path: Path) -> None:
    settings = Settings(training=LastTraining(preset="demo"))
    dialog = open_dialog(settings)
    dialog.take_preset("compact")
    dialog.draft.set("stages.audio.epochs", "3")
    dialog.run_page.seeds.setText("1-3")
    dialog.run_page.folder.setText(str(tmp_path / "elsewhere"))
    dialog.copy.click()
    save(settings, tmp_path / "settings.json")
    again = open_dialog(load(tmp_path / "settings.json"))
    assert again.plans() == dialog.plans()
    assert again.preset.currentData() == "compact"
    assert not started


def test_the_choice_is_on_the_disk_when_training_starts(
    qtbot: QtBot, open_dialog: Open, trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "settings.json"
    kept: list[str] = []
    monkeypatch.setattr(trainer, "submit", lambda _plans: kept.append(load(place).training.seeds))
    settings = load(place)
    settings.training = LastTraining(preset="demo")
    dialog = open_dialog(settings)
    dialog.run_page.seeds.setText("4")
    reckoned(qtbot, dialog)
    dialog.start.click()
    assert kept == ["4"]


def test_the_first_choice_suits_the_corpus(open_dialog: Open, session: Session) -> None:
    corpus = session.corpus
    assert corpus is not None
    for shown, usual in (
        (corpus, "paper-meld"),
        (replace(corpus, labels=IEMOCAP), "paper-iemocap"),
        (open_corpus(bundled.DEMO_CORPUS), "demo"),
    ):
        session.set_corpus(shown)
        assert open_dialog(Settings()).preset.currentData() == usual


def test_the_demo_is_called_as_in_the_header(open_dialog: Open, session: Session) -> None:
    session.set_corpus(open_corpus(bundled.DEMO_CORPUS))
    page = open_dialog().run_page
    assert page._corpus_name.text() == "Demo"
    assert page.name.text() == "demo"
    page.draft.load("compact")
    assert page.name.text() == "demo-compact"


def test_what_a_kill_left_of_a_run_without_facts_is_taken_over(qtbot: QtBot, open_dialog: Open, tmp_path: Path) -> None:
    left = tmp_path / "runs" / "toy-series-demo"
    left.mkdir(parents=True)
    (left / "config.toml").touch()
    dialog = open_dialog()
    assert dialog.run_page.name.text() == "toy-series-demo"
    reckoned(qtbot, dialog)
    assert not dialog.obstacle()
    (left / "notes.txt").touch()  # a person's own
    assert "already holds files" in dialog.obstacle()


@pytest.mark.slow
def test_costs_are_reckoned_and_measured(qtbot: QtBot, open_dialog: Open) -> None:
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    answer = dialog.reckoner.answer
    assert answer is not None
    assert answer.costs is not None
    assert not answer.costs.measured
    assert (answer.costs.labelled[Split.TRAIN], answer.costs.cache.turns) == (24, 42)
    dialog.reckoner.measure()
    qtbot.waitUntil(lambda: bool((a := dialog.reckoner.answer) and a.costs and a.costs.measured), timeout=WAIT)
    assert not dialog.reckoner.measuring
    dialog.draft.set("stages.teacher.batch", "2")  # as it was not measured
    reckoned(qtbot, dialog)
    assert dialog.reckoner.answer is not None
    assert dialog.reckoner.answer.costs is not None
    assert [stage.measured for stage in dialog.reckoner.answer.costs.stages] == [False, True, True, False]


def test_the_cards_of_the_machine_are_offered(qtbot: QtBot, open_dialog: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(cores=8, free=10**10, gpus=(Gpu(name="Card", memory=24 * 10**9, free=20 * 10**9),))

    def look() -> Generator[Any, None, Machine]:
        yield from ()
        return machine

    monkeypatch.setattr(measuring, "look_at_machine", look)
    dialog = open_dialog()
    reckoned(qtbot, dialog)
    device = dialog.run_page.device
    assert [device.itemText(i) for i in range(device.count())] == ["auto", "processor · 8 cores", "Card · 20 GB free"]
    dialog.draft.set("device", "cuda:0")
    assert dialog.start.isEnabled()


def test_the_hub_is_asked_for_what_is_not_here(
    qtbot: QtBot, open_dialog: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hub:
        def model_info(self, name: str, **_options: Any) -> SimpleNamespace:
            files = [SimpleNamespace(rfilename="model.safetensors", size=250_000_000)]
            return SimpleNamespace(siblings=files, card_data={"license": "cc-by-nc-4.0"}, id=name)

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    dialog = open_dialog()
    dialog.draft.set("audio.weights", "some/encoder")
    label = dialog.findChildren(EncodersPage)[0].states[Modality.AUDIO]
    qtbot.waitUntil(lambda: "250 MB" in label.text(), timeout=WAIT)
    assert "Not for commercial use" in label.text()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)  # once the machine was looked at as well


class SlowHub:
    """Answers once it is let."""

    let = Flag()

    def model_info(self, name: str, **_options: Any) -> SimpleNamespace:
        assert self.let.wait(WAIT / 1000)
        return SimpleNamespace(siblings=(), card_data=None, id=name)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flag]:
    """Lets a hub answer that is slow to."""
    SlowHub.let.clear()
    monkeypatch.setattr("huggingface_hub.HfApi", SlowHub)
    yield SlowHub.let
    SlowHub.let.set()


def test_nothing_starts_until_the_hub_has_answered(qtbot: QtBot, open_dialog: Open, hub: Flag) -> None:
    dialog = open_dialog()
    dialog.draft.set("audio.weights", "some/encoder")
    qtbot.waitUntil(lambda: "some/encoder" in dialog.reason.text(), timeout=WAIT)
    assert dialog.reason.text() == "some/encoder is not on this machine: asking the hub whether it can be fetched…"
    assert dialog.reason.objectName() == "caption"
    assert not dialog.start.isEnabled()
    hub.set()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)


def test_a_hub_that_is_silent_for_long_is_out_of_reach_and_may_answer_after_all(
    qtbot: QtBot, open_dialog: Open, hub: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoner, "HUB_SECONDS", 0.0)
    dialog = open_dialog()
    dialog.draft.set("audio.weights", "some/encoder")
    qtbot.waitUntil(lambda: "the hub cannot be reached" in dialog.reason.text(), timeout=WAIT)
    assert "or take the preset Demo" in dialog.reason.text()
    assert not dialog.start.isEnabled()
    hub.set()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)


def test_a_hub_out_of_reach_is_asked_again(
    qtbot: QtBot, open_dialog: Open, hub: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoner, "ASK_AGAIN", 0)
    errors = [ConnectionError("no network"), LookupError("of the client's own")]

    class LostHub(SlowHub):
        def model_info(self, name: str, **options: Any) -> SimpleNamespace:
            if errors:
                raise errors.pop()
            return super().model_info(name, **options)

    monkeypatch.setattr("huggingface_hub.HfApi", LostHub)
    dialog = open_dialog()
    dialog.draft.set("audio.weights", "some/encoder")
    qtbot.waitUntil(lambda: "the hub cannot be reached" in dialog.reason.text(), timeout=WAIT)
    hub.set()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)
    assert not errors


def test_a_hub_that_cannot_even_be_asked_is_out_of_reach_until_the_next_reckoning(
    qtbot: QtBot, open_dialog: Open, hub: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(names: Sequence[str]) -> NoReturn:
        raise ZeroDivisionError(names)

    with monkeypatch.context() as patch, qtbot.captureExceptions() as raised:
        patch.setattr(reckoner, "ask_hub", fail)
        dialog = open_dialog()
        dialog.draft.set("audio.weights", "some/encoder")
        qtbot.waitUntil(lambda: "the hub cannot be reached" in dialog.reason.text(), timeout=WAIT)
        qtbot.waitUntil(lambda: dialog.reckoner.looked and not works(dialog), timeout=WAIT)
    assert {kind for kind, *_ in raised} == {ZeroDivisionError}
    hub.set()
    dialog.draft.set("seed", "7")
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)


def test_a_reckoning_that_fails_says_so_until_another_succeeds(
    qtbot: QtBot, open_dialog: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError("no step")

    with monkeypatch.context() as patch, qtbot.captureExceptions() as raised:
        patch.setattr(reckoner, "find_weights", fail)
        dialog = open_dialog()
        told = "What this needs cannot be found out (ZeroDivisionError: no step): try another setting."
        qtbot.waitUntil(lambda: dialog.reason.text() == told, timeout=WAIT)
        qtbot.waitUntil(lambda: dialog.reckoner.looked and not works(dialog), timeout=WAIT)
    assert {kind for kind, *_ in raised} == {ZeroDivisionError}
    assert not dialog.start.isEnabled()
    dialog.draft.set("seed", "7")
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT)


def works(dialog: TrainingDialog) -> bool:
    """Whether anything is reckoned, or about to be."""
    return bool(dialog._session.jobs.running) or dialog.reckoner._settle.isActive()


def test_what_is_wrong_with_an_encoder_is_said_beside_it(qtbot: QtBot, open_dialog: Open) -> None:
    dialog = open_dialog()
    states = dialog.findChildren(EncodersPage)[0].states
    dialog.draft.set("audio.weights", str(DEMO_ENCODERS / "visual"))
    qtbot.waitUntil(lambda: "no audio encoder but a visual one" in states[Modality.AUDIO].text(), timeout=WAIT)
    dialog.draft.set("text.weights", " ")
    assert states[Modality.TEXT].text().startswith("Text.weights is empty")
    assert states[Modality.TEXT].objectName() == "wrong"
    qtbot.waitUntil(lambda: dialog.costs.how.text() == "Nothing to reckon yet.", timeout=WAIT)
    assert not states[Modality.AUDIO].text()
    dialog.draft.reset("text.weights")
    assert dialog.costs.how.text() == "Reckoning…"
    reckoned(qtbot, dialog)
    assert [state.objectName() for state in states.values()] == ["caption", "wrong", "caption"]


def test_every_setting_is_on_a_page(open_dialog: Open) -> None:
    dialog = open_dialog()
    shown = Counter(path for page in dialog.findChildren(FormPage) for path in page.rows)
    assert set(shown) == set(SETTINGS) - {"preset", "seed"}
    twice = {path for path, times in shown.items() if times > 1}
    assert twice == {"text.prompt", "fusion.kind"}, "parts of the method are on the page of ablations as well"


@pytest.mark.dressed
def test_it_fits_small_screens_and_every_control_has_a_name(open_dialog: Open) -> None:
    dialog = open_dialog(Settings(training=LastTraining(preset="official-meld")))
    dialog.resize(100, 100)
    assert dialog.width() <= 1200
    assert dialog.height() <= 640
    for widget in dialog.findChildren(QWidget):
        if isinstance(widget, QLineEdit | QComboBox | QAbstractButton):
            named = widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
            assert named, widget
            assert widget.focusPolicy(), widget


def test_students_that_take_no_part_have_no_page(open_dialog: Open) -> None:
    dialog = open_dialog()

    def pages() -> list[str]:
        return [dialog.pages.item(i).text() for i in range(dialog.pages.count()) if not dialog.pages.isRowHidden(i)]

    assert pages()[1:4] == ["Teacher", "Audio student", "Visual student"]
    dialog.draft.set("teacher", "audio")
    assert [page for page in pages() if "student" in page] == ["Text student", "Visual student"]
    titles = [label.text() for label in dialog.findChildren(QLabel)]
    assert all(titles.count(modality.capitalize()) == 2 for modality in Modality)  # its input, and its weights


def test_one_precision_is_that_of_every_stage(open_dialog: Open) -> None:
    page = open_dialog().run_page
    page.precision.choose("bf16")
    page.precision.activated.emit(page.precision.currentIndex())
    config = page.draft.config
    assert config is not None
    assert {getattr(config.stages, field.name).precision for field in fields(config.stages)} == {"bf16"}
    page.draft.set("stages.text.precision", "fp32")
    assert page.precision.currentData() == ""


def test_preset_and_reset(open_dialog: Open) -> None:
    dialog = open_dialog()
    dialog.draft.set("device", "cpu")
    dialog.draft.set("dim", "48")
    assert dialog.reset.isVisible()
    dialog.take_preset("paper-meld")
    assert dialog.draft.config == replace(PAPER_MELD, device="cpu")
    dialog.reset.click()
    assert dialog.draft.config == PAPER_MELD


def test_begins_with_a_run_of_the_same_kind(
    qtbot: QtBot, open_dialog: Open, started: list[Plan], night: Path, tmp_path: Path
) -> None:
    dialog = open_dialog()
    dialog.run_page.warm_start.setText(str(night))
    assert "features of width 12, this run of 96" in dialog.obstacle()
    same = tmp_path / "same"
    shutil.copytree(night, same)
    dialog.draft.set("dim", "12")
    assert "encoder toy" in dialog.obstacle()
    dialog.draft.set_all({f"{modality}.weights": "toy" for modality in Modality})
    dialog.run_page.warm_start.setText(str(same))
    reckoned(qtbot, dialog)
    assert not dialog.obstacle()
    dialog.start.click()
    assert started[0].warm_start == same
    assert os.environ["TELME_RUNS"] in str(started[0].run)
