"""The whole window, driven as a person drives it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QLayout,
    QLineEdit,
    QMenu,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from telme_gui.app import make_window
from telme_gui.charts.confusion import ConfusionPage
from telme_gui.inspector.probabilities import Said
from telme_gui.look import theme
from telme_gui.look.settings import Recent, Settings, Theme
from telme_gui.look.style import Appearance
from telme_gui.session.filter import Filter
from telme_gui.training.dialog import TrainingDialog
from telme_gui.window.header import Header, MainView
from telme_gui.window.main_window import MainWindow
from telme_gui.window.shortcuts import Shortcuts
from telme_model.commands import doctor
from telme_model.corpus.dialogue import Split
from tests.support.corpora import write_corpus

WAIT = 60_000  # ms: torch is imported on a busy machine


def focused(window: MainWindow) -> QWidget:
    widget = window.focusWidget()
    assert widget is not None
    return widget


def press(window: MainWindow, keys: str) -> None:
    QTest.keySequence(focused(window), keys)


# from one panel to the others


def test_a_click_on_a_row_becomes_bars(qtbot: QtBot, opened: MainWindow) -> None:
    view, session = opened.turns.view, opened.session
    place = view.visualRect(view.model().index(2, 2)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.dialogue is not None
    assert session.current is session.dialogue.turns[2]
    said = opened.inspector.findChildren(Said)[0]
    assert said.predictions is session.predictions
    assert said.row == session.predictions.rows[session.current.id] if session.predictions else False
    assert said.isVisible()
    assert opened.status.place.text().startswith("test/dia0_utt2")


def test_a_click_in_a_confusion_cell_filters_every_panel(qtbot: QtBot, opened: MainWindow) -> None:
    press(opened, "Ctrl+2")
    page = opened.charts.page("Confusion")
    assert isinstance(page, ConfusionPage)
    assert opened.charts.part is not None
    counts = opened.charts.part.confusion("fused")
    gold, predicted = (int(i) for i in np.unravel_index(counts.argmax(), counts.shape))
    with qtbot.waitSignal(opened.session.filter_changed):
        place = page.matrix.cell(gold, predicted).center().toPoint()
        qtbot.mouseClick(page.matrix, Qt.MouseButton.LeftButton, pos=place)
    found = int(opened.session.visible.sum())
    assert found == counts[gold, predicted]
    assert opened.navigator.filter_bar.found.text().startswith(f"{found} of ")
    assert opened.status.counts.text().startswith(f"{found} found of ")
    opened.session.step_found(1)
    assert opened.session.current is not None
    assert opened.session.visible[opened.session.rows[opened.session.current.id]]


def test_a_dialogue_plays_to_its_end(qtbot: QtBot, opened: MainWindow) -> None:
    opened.turns.view.setFocus()
    press(opened, "Shift+Space")
    assert opened.player.playing
    qtbot.waitUntil(lambda: not opened.player.playing, timeout=WAIT)
    assert opened.session.dialogue is not None
    assert opened.session.current is opened.session.dialogue.turns[-1]


def test_all_of_it_by_keyboard(qtbot: QtBot, opened: MainWindow) -> None:
    session = opened.session
    press(opened, "Ctrl+F")
    field = focused(opened)
    assert isinstance(field, QLineEdit)
    qtbot.keyClicks(field, "we won")
    assert 0 < session.visible.sum() < len(session.turns)
    press(opened, "F3")
    assert session.current is not None
    assert "We won" in session.current.text
    press(opened, "Ctrl+Shift+A")
    assert session.visible.all()
    press(opened, "F6")  # from the navigator to the turns
    assert focused(opened) is opened.turns.view
    before = session.current
    press(opened, "]")
    assert session.current is not before
    press(opened, "F6")
    assert opened.inspector.isAncestorOf(focused(opened))
    press(opened, "F6")
    assert focused(opened) is opened.timeline
    press(opened, "Ctrl+G")
    assert opened.timeline.spectrogram.isChecked()
    press(opened, "Ctrl+2")
    assert opened.charts.isVisible()
    press(opened, "Ctrl+1")
    assert opened.turns.isVisible()
    panel = focused(opened)
    press(opened, "?")
    assert opened.shortcuts.isVisible()
    press(opened, "Space")
    assert not opened.shortcuts.isVisible()
    assert focused(opened) is panel
    assert not opened.player.playing
    press(opened, "Ctrl+I")
    assert not opened.docks.named["Inspector"].isVisible()
    press(opened, "Ctrl+W")
    assert session.corpus is None
    assert opened.welcome.isVisible()


def test_space_presses_the_button_that_has_the_keyboard_and_plays_elsewhere(qtbot: QtBot, opened: MainWindow) -> None:
    pill = opened.navigator.filter_bar.splits[Split.TEST]
    pill.setFocus()
    press(opened, "Space")
    assert opened.session.filter == Filter(splits=frozenset({Split.TEST}))
    assert not opened.player.playing
    opened.turns.view.setFocus()
    press(opened, "Space")
    assert opened.player.playing


def test_each_control_has_a_name_and_each_button_says_what_it_does(opened: MainWindow) -> None:
    for name in ("Scores", "By emotion", "Confusion", "Shift", "Contributions", "Counts", "Two runs"):
        opened.show_view(MainView.CHARTS)
        opened.charts.page(name)
    opened.show_view(MainView.DIALOGUE)
    kinds = (QAbstractButton, QSlider, QComboBox, QLineEdit)
    controls = [of for of in opened.findChildren(QWidget) if isinstance(of, kinds) and of.objectName()[:3] != "qt_"]
    assert len(controls) > 40
    nameless = [_told(of) for of in controls if not of.accessibleName() and not _inner(of)]
    assert "; ".join(nameless) == ""
    silent = [_told(of) for of in controls if isinstance(of, QAbstractButton) and not of.toolTip() and not _inner(of)]
    assert "; ".join(silent) == ""


def test_every_control_has_its_place(opened: MainWindow) -> None:
    """What no layout took has no parent, or stands in a corner of it over what is there."""
    opened.show_view(MainView.CHARTS)
    for name in opened.charts.names:
        assert type(opened.charts.page(name)).__name__.endswith("Page")
    opened.annotating.annotate.trigger()
    tasks = opened.tasks
    for ask in (tasks.layers, tasks.export, tasks.import_):
        ask()
        assert tasks.dialog is not None
        assert _strays(opened) == ""
        tasks.dialog.reject()
    dialog = TrainingDialog(opened.session, opened.trainer, opened.settings, opened)
    assert _strays(opened) == ""
    dialog.close()


def _strays(window: QWidget) -> str:
    """The controls that have lost their place since the window was made."""
    loose = [of for of in QApplication.topLevelWidgets() if of.parentWidget() is None and of is not window]
    loose = [of for of in loose if of.children() and not isinstance(of, QMenu | QDialog | MainWindow)]
    panels = [window, *window.findChildren(QWidget)]
    loose += [part for panel in panels for part in _parts(panel) if not _is_laid_out(part)]
    return "; ".join(map(_told, loose))


def _parts(panel: QWidget) -> Iterator[QWidget]:
    """What a panel knows of its own."""
    for known in vars(panel).values():
        for part in known.values() if isinstance(known, dict) else known if isinstance(known, list) else [known]:
            if isinstance(part, QWidget) and isValid(part) and panel.isAncestorOf(part):
                yield part


def _is_laid_out(part: QWidget) -> bool:
    """Whether the layout of its parent has it; what lies over the others, and who places parts itself, has none."""
    parent = part.parentWidget()
    layout = parent.layout() if parent is not None else None
    return isinstance(part, Shortcuts | Header | QMenu | QDialog) or layout is None or _has(layout, part)


def _has(layout: QLayout | None, part: QWidget) -> bool:
    items = [layout.itemAt(place) for place in range(layout.count())] if layout is not None else []
    return any(item is not None and (item.widget() is part or _has(item.layout(), part)) for item in items)


def _told(control: QWidget) -> str:
    text = control.text() if isinstance(control, QAbstractButton) else ""
    return f"{type(control).__name__} {text!r} of {type(control.parentWidget()).__name__}"


def _inner(control: QWidget) -> bool:
    """A part of Qt's own controls: the cross of a field, a scroll button of tabs, a table's corner."""
    parent = control.parentWidget()
    return type(control).__module__.startswith("PySide6") and type(parent).__name__ in (
        "QLineEdit", "QTabBar", "Table", "QTableView", "QDockWidget", "QComboBox",
    )  # fmt: skip


def test_no_two_shortcuts_of_the_window_are_the_same(opened: MainWindow) -> None:
    keys = [action.shortcut().toString() for actions in opened.menus.actions.values() for action in actions]
    keys = [key for key in keys if key]
    assert len(keys) > 25
    assert len(set(keys)) == len(keys)


# what is open


def test_nothing_open_is_the_welcome_page(window: MainWindow) -> None:
    assert window.welcome.isVisible()
    assert not any(dock.isVisible() for dock in window.docks.named.values())
    assert window.windowTitle() == "TelME Studio"


def test_a_dropped_folder_is_opened_be_it_a_corpus_or_a_run(
    qtbot: QtBot, window: MainWindow, series: Path, night: Path
) -> None:
    for folder, run in ((series, None), (night, night)):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(folder))])
        with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
            window.dropEvent(
                QDropEvent(
                    QPoint(5, 5).toPointF(),
                    Qt.DropAction.CopyAction,
                    data,
                    Qt.MouseButton.LeftButton,
                    Qt.KeyboardModifier.NoModifier,
                )
            )
        assert window.session.run == run
    assert window.windowTitle() == "Toy series – TelME Studio"
    assert [(Path(entry.corpus), entry.run) for entry in window.settings.recent] == [(series, str(night))]


def test_a_recent_corpus_opens_without_its_run_where_that_cannot_be_looked_into(
    qtbot: QtBot, window: MainWindow, series: Path, tmp_path: Path
) -> None:
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT) as settled:
        window.opening.open_recent(Recent(str(series), str(tmp_path / ("x" * 300))))
    assert settled.args == [True]
    assert window.session.corpus is not None
    assert window.session.run is None


def test_what_cannot_be_opened_is_said_with_its_reason(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    with qtbot.waitSignal(window.session.failed):
        window.opening.open_path(tmp_path)
    assert window.banner.isVisible()
    assert window.banner.title.text() == f"{tmp_path.name} cannot be opened"
    assert window.banner.sentence.text().startswith("No corpus was found in")
    qtbot.mouseClick(window.banner.dismiss, Qt.MouseButton.LeftButton)
    assert not window.banner.isVisible()


# what is remembered


@pytest.mark.dressed
def test_layout_and_theme_are_remembered(
    qtbot: QtBot, opened: MainWindow, appearance: Appearance, series: Path
) -> None:
    opened.docks.named["Inspector"].hide()
    opened.resize(1280, 640)  # no wider than needed is what the screen of tests has room for
    opened.keys.actions["Dark"].trigger()
    opened.close()
    settings = opened.settings
    assert settings.theme is Theme.DARK
    again = make_window(settings, appearance)
    qtbot.addWidget(again)
    again.show()
    with qtbot.waitSignal(again.opener.settled, timeout=WAIT):
        again.opener.open(series)
    qtbot.waitUntil(lambda: again.height() == 640)
    assert not again.docks.named["Inspector"].isVisible()
    assert again.docks.named["Timeline"].isVisible()
    again.close()


@pytest.mark.dressed
def test_a_window_fits_its_screen(qtbot: QtBot, appearance: Appearance) -> None:
    """At the first start, and where it was left on a larger screen."""
    first = make_window(Settings(), appearance)
    qtbot.addWidget(first)
    first.show()
    room = first.screen().availableGeometry()
    assert room.contains(first.frameGeometry())
    first.resize(room.size() * 3)
    settings = Settings()
    first.settings = settings
    first.close()
    again = make_window(settings, appearance)
    qtbot.addWidget(again)
    again.show()
    assert room.contains(again.geometry())
    again.close()


def test_settings_of_another_program_do_no_harm(qtbot: QtBot, appearance: Appearance) -> None:
    window = make_window(Settings(geometry="!", state="AAAA", splitter="bm8="), appearance)
    qtbot.addWidget(window)
    window.show()
    assert window.welcome.isVisible()
    window.close()


@pytest.mark.dressed
def test_every_panel_takes_the_other_theme(opened: MainWindow, appearance: Appearance) -> None:
    def corner(widget: QWidget) -> str:
        return widget.grab().toImage().pixelColor(widget.width() - 3, widget.height() - 3).name().upper()

    panels: list[QWidget] = [opened.navigator, opened.timeline, opened.header]
    for choice, palette in ((Theme.LIGHT, theme.LIGHT), (Theme.DARK, theme.DARK)):
        appearance.choose(choice)
        assert [corner(panel) for panel in panels] == [palette.surface, palette.surface, palette.window]


# closing


def _opening(window: MainWindow, series: Path, run: Path) -> None:
    window.opener.open(series, run)


def _predicting(window: MainWindow, series: Path, run: Path) -> None:
    window.opener.predict_rest()
    assert any(job.name.startswith("Predicting") for job in window.session.jobs.running)


def _playing(window: MainWindow, series: Path, run: Path) -> None:
    window.player.play_on()


def _charting(window: MainWindow, series: Path, run: Path) -> None:
    window.show_view(MainView.CHARTS)
    window.charts.page("Scores")
    window.charts._give_intervals()


def _asking(window: MainWindow, series: Path, run: Path) -> None:
    window.session.set_theta(0.05)


def _reporting(window: MainWindow, series: Path, run: Path) -> None:
    window.keys.actions["System report"].trigger()


@pytest.mark.parametrize("busy", [_opening, _predicting, _playing, _charting, _asking, _reporting])
def test_it_closes_in_the_middle_of_any_work(
    qtbot: QtBot,
    window: MainWindow,
    series: Path,
    trained: Path,
    busy: Callable[[MainWindow, Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "_ask", lambda code: {})  # which starts an interpreter for each part
    monkeypatch.setattr(window.opener, "predict_rest", lambda: None)
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.opener.open(series, trained)
    monkeypatch.undo()
    monkeypatch.setattr(doctor, "_ask", lambda code: {})
    busy(window, series, trained)
    QApplication.processEvents()  # threads begin
    jobs = list(window.session.jobs.running)
    window.close()
    assert not any(job.isRunning() for job in jobs)
    assert not window.player.playing
    assert capfd.readouterr().err == ""


def test_a_training_that_ends_calls_off_nothing_that_is_being_opened(
    qtbot: QtBot, window: MainWindow, night: Path, tmp_path: Path
) -> None:
    other = write_corpus(tmp_path / "other", clips=False)
    with qtbot.waitSignal(window.opener.settled, timeout=WAIT):
        window.opener.open(other)
        window.trainer.finished.emit(night)
    assert window.session.corpus is not None
    assert window.session.corpus.root == other
    qtbot.waitUntil(lambda: not window.opener.busy and not window.session.jobs.running, timeout=WAIT)
    assert window.session.run is None
