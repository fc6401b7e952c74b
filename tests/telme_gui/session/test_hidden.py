"""What is hidden is nowhere: the window says and shows the same, whatever the hidden words, labels, predictions are."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractAnimation, QAbstractItemModel, QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from telme_gui.annotating.bar import AnnotationBar
from telme_gui.app import make_window
from telme_gui.charts.agreement import AgreementPage
from telme_gui.charts.compare import ComparePage
from telme_gui.look.settings import Settings
from telme_gui.look.style import Appearance
from telme_gui.session.filter import Filter
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.store import Key
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Split
from telme_model.corpus.emotions import MELD
from tests.support.corpora import rows, write_annotations
from tests.support.predictions import predictions, store_run
from tests.telme_gui.conftest import WAIT

PLANTED = "Xylophones"  # what is said in every turn, and a number
SAYS = ("text", "toolTip", "statusTip", "whatsThis", "accessibleName", "accessibleDescription", "placeholderText")
ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.EditRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.AccessibleDescriptionRole,
)
Seen = dict[str, object]  # by where: words, and pictures

Make = Callable[[Path, int], MainWindow]


def write(root: Path, words: str, *, gold: int = 0) -> Path:
    """A corpus without clips in which every turn has these words; `gold` turns its emotions round."""
    root.mkdir(exist_ok=True)
    for split in Split:
        table = list(rows(split))
        for place, row in enumerate(table):
            emotion = MELD.labels[(MELD.index(str(row["Emotion"])) + gold) % len(MELD)]
            row |= {"Utterance": f"{words} {place}", "Emotion": emotion}
        write_annotations(root, split, table)
    return root


def store_anew(run: Path, corpus: Corpus) -> Path:
    """A run of this very corpus where the other window's was: both windows then say the same of its place."""
    shutil.rmtree(run, ignore_errors=True)
    return store_run(run, corpus, *Split)


@pytest.fixture
def make(qtbot: QtBot, appearance: Appearance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Opens a window on a corpus: predictions and the labels of three annotators depend on a seed, and nothing else."""
    monkeypatch.setattr("telme_gui.charts.charts.REST", 10**6)  # no intervals: when they come is chance
    made: list[MainWindow] = []

    def window(root: Path, seed: int) -> MainWindow:
        window = make_window(Settings(), appearance)
        qtbot.addWidget(window)
        made.append(window)
        window.resize(1280, 720)
        window.show()
        window.opener.only_current = True
        session, corpus = window.session, open_corpus(root)
        store_anew(root.parent / "night", corpus)
        with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
            window.opener.open(root, root.parent / "night")
        of = predictions(session.turns, MELD.labels, seed=seed)
        session.set_predictions(replace(of, run="night"), session.run)
        said: dict[Key, Label | None] = {
            (layer, scope, turn.id): Label(
                emotion=MELD.labels[(seed + place * far) % 7], comment=f"So {seed}", time=1.0
            )
            for far, layer in enumerate(("ada", "bo", "cy"))
            for scope in (Scope.ALL, Scope.SOUND)
            for place, turn in enumerate(session.turns)
        }
        session.labels.edit("label", said)
        window.annotating.annotate.trigger()
        window.annotator.plays = False
        return window

    yield window
    for one in made:
        one.close()


def cells(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[str]:
    """All that a model says of its cells."""
    for row in range(model.rowCount(parent)):
        for column in range(model.columnCount(parent)):
            index = model.index(row, column, parent)
            yield from (str(model.data(index, role)) for role in ROLES)
        yield from cells(model, model.index(row, 0, parent))


def words(window: QWidget) -> set[str]:
    """All that a window says in words, to the eye, the mouse and a screen reader."""
    said: set[str] = set()
    for widget in [window, *window.findChildren(QWidget)]:
        if not widget.isVisible():  # what is not looked at is brought up to date when it is
            continue
        said |= {str(getattr(widget, name)()) for name in SAYS if callable(getattr(widget, name, None))}
        if isinstance(widget, QComboBox):
            said |= {widget.itemText(place) for place in range(widget.count())}
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            said |= set(cells(widget.model(), QModelIndex()))
    for action in window.findChildren(QAction):
        said |= {action.text(), action.toolTip(), action.statusTip(), action.whatsThis()}
    return said


def still(window: QWidget) -> bool:
    """Whether nothing moves: Qt fades the button in that clears a field, for 160 ms whatever the style says."""
    running = QAbstractAnimation.State.Running
    return not any(animation.state() == running for animation in window.findChildren(QAbstractAnimation))


def look(qtbot: QtBot, window: MainWindow) -> Seen:
    """Go through all rooms, and keep what they say and show."""
    session = window.session
    seen: Seen = {}

    def keep(where: str, *panels: QWidget) -> None:
        qtbot.waitUntil(lambda: not session.jobs.running and still(window))
        QApplication.sendPostedEvents()  # all is laid out
        seen[f"words: {where}"] = words(window)
        seen.update({f"{type(panel).__name__}: {where}": panel.grab().toImage() for panel in panels})

    panels = (window.turns.view, window.navigator, window.inspector, window.timeline, window.player, window.status)
    bar = window.findChild(AnnotationBar)
    assert bar is not None
    bar.who.menu().aboutToShow.emit()
    window.queue_menu.refresh()
    window.show_view(MainView.DIALOGUE)
    for turn in session.turns[:2]:
        session.select(turn.id)
        keep(str(turn.id), *panels)
        seen[f"tooltip: {turn.id}"] = {window.timeline.words_at(window.timeline.rect().center())}
    for text in (PLANTED, "ada"):
        session.set_filter(Filter(text=text))
        keep(f"search {text}", *panels)
    session.set_filter(Filter())
    for ask in (window.tasks.layers, window.tasks.export, window.tasks.import_):
        ask()
        keep(ask.__name__)
        assert window.tasks.dialog is not None
        window.tasks.dialog.reject()
    window.show_view(MainView.CHARTS)
    for name in window.charts.names:
        page = window.charts.page(name)
        if isinstance(page, ComparePage) and session.run is not None:
            assert session.corpus is not None
            page.compare_with(store_anew(session.run.with_name("other"), session.corpus))
        if isinstance(page, AgreementPage):
            page.show_disputes()
        keep(name, window.charts)
    return seen


def differing(one: Seen, other: Seen) -> list[str]:
    """Where two windows differ, and in which words."""
    assert one.keys() == other.keys()
    apart = [(where, one[where], other[where]) for where in one if one[where] != other[where]]
    return [f"{where}: {sorted(a ^ b) if isinstance(a, set) and isinstance(b, set) else ''}" for where, a, b in apart]


@pytest.mark.slow
def test_words_are_nowhere_while_the_sound_or_the_face_alone_is_given(qtbot: QtBot, make: Make, tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    one, other = make(write(root, PLANTED), 0), make(write(root, "Good evening to you"), 0)
    assert any(PLANTED in said for said in words(one))
    for scope in (Scope.SOUND, Scope.FACE):
        one.session.labels.choose(scope=scope)
        other.session.labels.choose(scope=scope)
        seen = look(qtbot, one)
        assert differing(seen, look(qtbot, other)) == []


@pytest.mark.slow
def test_labels_and_predictions_are_nowhere_in_blind_mode(qtbot: QtBot, make: Make, tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    one, other = make(write(root, "Okay"), 0), make(write(root, "Okay", gold=2), 3)
    assert differing(look(qtbot, one), look(qtbot, other)) != []
    for window in (one, other):
        window.annotating.blind.trigger()
    assert differing(look(qtbot, one), look(qtbot, other)) == []
