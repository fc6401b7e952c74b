"""Labels out to files and back in the window, and the layers that hold them."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from telme_gui.annotating.exporting import ExportDialog, report_text
from telme_gui.annotating.importing import CHANGED, NEW, REMOVED, UNPLACED, ImportDialog, label_words
from telme_gui.annotating.layers import LayersDialog
from telme_gui.app import make_window
from telme_gui.look.settings import Settings, load, save
from telme_gui.look.style import Appearance
from telme_gui.session.session import Session
from telme_gui.window.main_window import MainWindow
from telme_model.annotations.exchange import ExportReport, Format
from telme_model.annotations.labels import GOLD, Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Key, Store
from tests.support.exchange import labelled
from tests.telme_gui.conftest import WAIT

Stored = dict[Key, Label | None]


def put(session: Session, *names: str, seed: int = 0) -> Stored:
    """Random labels in these layers."""
    assert session.corpus is not None
    layers = labelled(session.corpus, *names, seed=seed)
    labels: Stored = {(name, scope, turn): label for name, of in layers.items() for (scope, turn), label in of.items()}
    session.labels.edit("random labels", labels)
    return labels


def stored(session: Session) -> Stored:
    """Everything in the store."""
    labels = session.labels
    return {
        (name, scope, turn): label
        for name in labels.layers
        for scope in Scope
        for turn, label in labels.in_layer(name, scope).items()
    }


def exporting(window: MainWindow, out: Path, form: Format) -> ExportDialog:
    """The dialog, filled in."""
    window.tasks.export()
    dialog = window.tasks.dialog
    assert isinstance(dialog, ExportDialog)
    dialog.formats[form].setChecked(True)
    dialog.place.setText(str(out))
    return dialog


def importing(qtbot: QtBot, window: MainWindow, *places: Path) -> ImportDialog:
    """The dialog, once it has read the files."""
    window.tasks.import_(places)
    dialog = window.tasks.dialog
    assert isinstance(dialog, ImportDialog)
    qtbot.waitUntil(lambda: dialog.job is None, timeout=WAIT)
    return dialog


def finish(qtbot: QtBot, dialog: ExportDialog) -> str:
    """Export, and what is said of it."""
    dialog.go.click()
    qtbot.waitUntil(lambda: bool(dialog.report.text()) or dialog.problem.isVisible(), timeout=WAIT)
    qtbot.waitUntil(lambda: dialog.job is None, timeout=WAIT)
    return dialog.report.text()


def line(path: Path, turn: object, emotion: str, more: str = "") -> str:
    """A line of JSON Lines as another program might write it."""
    split, _, name = str(turn).partition("/")
    dialogue, utterance = name.removeprefix("dia").split("_utt")
    return f'{{"split": "{split}", "dialogue": "{dialogue}", "utterance": {utterance}, "emotion": "{emotion}"{more}}}\n'


def test_labels_go_out_and_come_back_as_one_step(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    session = opened.session
    before = put(session, "anna", "bo")
    report = finish(qtbot, exporting(opened, tmp_path / "out", Format.JSONL))
    assert "Nothing was left out" in report
    assert f"{len(before):,} labels in 1 file" in report
    session.labels.edit("forget", dict.fromkeys(before))
    assert not stored(session)
    dialog = importing(qtbot, opened, tmp_path / "out")
    assert dialog.tabs[NEW].text() == f"{NEW}  {len(before):,}"
    assert dialog.go.text() == f"Import {len(before):,} labels"
    dialog.go.click()
    assert stored(session) == before
    assert "import" in opened.status.currentMessage()
    opened.annotating.undo.trigger()
    assert not stored(session)


def test_every_format_is_written_and_read(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    for form in Format:
        put(opened.session, "anna")
        check_round_trip(qtbot, opened, tmp_path / form, form)


def check_round_trip(qtbot: QtBot, opened: MainWindow, out: Path, form: Format) -> None:
    """The emotions of anna's layer go out and come back."""
    session = opened.session
    emotions = {
        turn: label.emotion for turn, label in session.labels.in_layer("anna").items() if label.emotion is not None
    }
    finish(qtbot, exporting(opened, out, form))
    session.labels.delete_layer("anna")
    dialog = importing(qtbot, opened, out)
    for _box, into in dialog.targets.lines.values():
        into.setCurrentText("anna")
    dialog.go.click()
    back = session.labels.in_layer("anna")
    assert {turn: back[turn].emotion for turn in emotions} == emotions


def test_one_dialogue_and_gold_alone_can_be_exported_without_a_store(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    dialog = exporting(opened, tmp_path, Format.JSONL)
    assert dialog.chosen == [GOLD]
    dialog.part.setChecked(True)
    finish(qtbot, dialog)
    dialogue = opened.session.dialogue
    assert dialogue is not None
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == len(dialogue.turns)
    assert opened.session.labels.store is None


def test_what_a_format_cannot_hold_is_said(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    put(opened.session, "anna")
    count = len(opened.session.labels.in_layer("anna", Scope.FACE))
    report = finish(qtbot, exporting(opened, tmp_path, Format.MELD))
    assert count
    assert f"{count} labels of the face alone" in report


def test_labelled_turns_alone_go_into_melds_tables(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    turn = opened.session.turns[0].id
    opened.session.labels.edit("label", {("me", Scope.ALL, turn): Label(emotion="joy")})
    dialog = exporting(opened, tmp_path, Format.MELD)
    dialog.labelled.setChecked(True)
    assert "labelled turns alone were asked for" in finish(qtbot, dialog)
    assert sum(len(path.read_text().splitlines()) - 1 for path in tmp_path.glob("*.csv")) == 1


def test_export_refuses_the_corpus_folder_and_no_layers(qtbot: QtBot, opened: MainWindow) -> None:
    assert opened.session.corpus is not None
    dialog = exporting(opened, opened.session.corpus.root / "labels", Format.ELAN)
    finish(qtbot, dialog)
    assert "lies in the corpus folder" in dialog.problem.text()
    assert dialog.go.isEnabled()
    dialog.layers[GOLD].setChecked(False)
    assert not dialog.go.isEnabled()
    assert dialog.problem.text() == "Tick at least one layer."


def test_preview_tells_conflicts_and_what_finds_no_place(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    session = opened.session
    turns = [turn.id for turn in session.turns[:4]]
    session.labels.edit(
        "label", {("me", Scope.ALL, turn): Label(emotion="joy", comment="I think") for turn in turns[:2]}
    )
    path = tmp_path / "hers.jsonl"
    path.write_text(
        line(path, turns[0], "joy") + line(path, turns[1], "anger") + line(path, turns[2], "fear")
        + line(path, turns[3], "boredom") + line(path, "test/dia999_utt0", "joy")
    )  # fmt: skip
    dialog = importing(qtbot, opened, path)
    assert [tab.text() for tab in dialog.tabs.values()] == [
        f"{CHANGED}  1",
        f"{NEW}  1",
        f"{REMOVED}  0",
        f"{UNPLACED}  2",
    ]
    assert dialog.lines.lines.rows == [(str(turns[1]), "me", "joy · “I think”", "anger · “I think”")]
    assert dialog.note.text() == "1 the same, left alone"
    dialog.tabs[UNPLACED].click()
    dialog.copy.click()
    copied = QGuiApplication.clipboard().text().splitlines()
    assert len(copied) == 3
    assert "boredom" in copied[1]
    assert "dia999" in copied[2]
    dialog.go.click()
    assert [session.labels.emotion(turn) for turn in turns] == ["joy", "anger", "fear", None]


def test_words_are_given_a_meaning_and_removal_is_asked_for(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    session = opened.session
    first, second = (turn.id for turn in session.turns[:2])
    session.labels.edit("label", {("me", Scope.ALL, second): Label(emotion="fear")})
    path = tmp_path / "hers.jsonl"
    path.write_text(line(path, first, "happy"))
    dialog = importing(qtbot, opened, path)
    assert not dialog.go.isEnabled()
    dialog.meanings.lines["emotions", "happy"].setCurrentText("joy")
    qtbot.waitUntil(lambda: dialog.go.isEnabled(), timeout=WAIT)
    assert dialog.go.text() == "Import 1 label"
    dialog.replacing.click()
    assert dialog.go.text() == "Import 1 label, remove 1"
    dialog.tabs[REMOVED].click()
    assert dialog.lines.lines.rows == [(str(second), "me", "fear")]
    dialog.go.click()
    assert (session.labels.emotion(first), session.labels.emotion(second)) == ("joy", None)
    again = importing(qtbot, opened, path)
    assert again.note.text() == "1 the same, left alone"


def test_layers_of_a_file_go_where_one_says(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    session = opened.session
    before = put(session, "anna", "bo")
    export = exporting(opened, tmp_path, Format.JSONL)
    export.layers[GOLD].setChecked(True)
    finish(qtbot, export)
    session.labels.edit("forget", dict.fromkeys(before))
    dialog = importing(qtbot, opened, tmp_path / "labels.jsonl")
    anna, bo, gold = (dialog.targets.lines[name] for name in ("anna", "bo", GOLD))
    assert not gold[0].isChecked()
    bo[1].setCurrentText("anna")
    assert "cannot go into one" in dialog.problem.text()
    assert not dialog.go.isEnabled()
    bo[1].setCurrentText(GOLD)
    assert "labels are the corpus' own" in dialog.problem.text()
    anna[0].setChecked(False)
    bo[1].setCurrentText("Zoë")
    dialog.go.click()
    assert stored(session) == {("Zoë", *key[1:]): label for key, label in before.items() if key[0] == "bo"}


def test_a_file_that_is_none_is_refused_in_the_dialog(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "broken.eaf"
    path.write_text("no xml at all")
    dialog = importing(qtbot, opened, path)
    assert str(path) in dialog.problem.text()
    assert dialog.incoming is None
    assert not dialog.go.isEnabled()
    assert not store_path(opened.session.corpus).exists()  # type: ignore[arg-type]
    dialog.read([tmp_path / "nothing here"])
    qtbot.waitUntil(lambda: "nothing here" in dialog.problem.text(), timeout=WAIT)


def test_the_preview_follows_what_changes_meanwhile(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    session = opened.session
    turn = session.turns[0].id
    path = tmp_path / "hers.jsonl"
    path.write_text(line(path, turn, "fear"))
    dialog = importing(qtbot, opened, path)
    assert dialog.tabs[NEW].text() == f"{NEW}  1"
    session.labels.edit("label", {("me", Scope.ALL, turn): Label(emotion="joy")})
    assert dialog.tabs[CHANGED].text() == f"{CHANGED}  1"
    session.labels.edit("label", {("me", Scope.ALL, turn): Label(emotion="fear")})
    assert not dialog.go.isEnabled()


def test_blind_mode_hides_what_a_file_says_of_turns(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    opened.annotating.annotate.trigger()
    opened.annotating.blind.trigger()
    path = tmp_path / "hers.jsonl"
    path.write_text(line(path, opened.session.turns[0].id, "fear"))
    dialog = importing(qtbot, opened, path)
    assert not any("fear" in cell for row in dialog.lines.lines.rows for cell in row)
    assert dialog.go.text() == "Import 1 label"


def test_files_dropped_on_the_window_are_imported(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    path, other = tmp_path / "hers.jsonl", tmp_path / "notes.pdf"
    path.write_text(line(path, opened.session.turns[0].id, "fear"))
    other.write_text("nothing")

    def drop(file: Path) -> bool:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file))])
        how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(QPoint(9, 9), *how)
        enter.ignore()
        opened.dragEnterEvent(enter)
        if enter.isAccepted():
            opened.dropEvent(QDropEvent(QPointF(9, 9), *how))
        return enter.isAccepted()

    assert not drop(other)
    assert drop(path)
    dialog = opened.tasks.dialog
    assert isinstance(dialog, ImportDialog)
    qtbot.waitUntil(lambda: dialog.incoming is not None, timeout=WAIT)
    dialog.reject()
    opened.session.set_corpus(None)
    assert not drop(path)


# layers


@pytest.fixture
def layers(opened: MainWindow) -> LayersDialog:
    put(opened.session, "anna", "bo")
    opened.tasks.layers()
    dialog = opened.tasks.dialog
    assert isinstance(dialog, LayersDialog)
    return dialog


def choose(dialog: LayersDialog, name: str) -> int:
    row = next(row for row in range(dialog.table.rowCount()) if cell(dialog, row, 0) == name)
    dialog.table.setCurrentCell(row, 0)
    return row


def cell(dialog: LayersDialog, row: int, column: int) -> str:
    item = dialog.table.item(row, column)
    assert item is not None
    return item.text()


def test_layers_are_listed_with_their_counts(opened: MainWindow, layers: LayersDialog) -> None:
    row = choose(layers, "anna")
    counts = [len(opened.session.labels.in_layer("anna", scope)) for scope in Scope]
    assert [cell(layers, row, column) for column in range(1, 5)] == [str(count or "–") for count in counts]
    choose(layers, GOLD)
    assert not any(button.isEnabled() for button in (layers.rename, layers.delete, layers.use))


def test_a_layer_is_added_renamed_and_labelled_in(opened: MainWindow, layers: LayersDialog) -> None:
    labels = opened.session.labels
    QTest.keyClicks(layers.name, "Cy")
    layers.add.click()
    assert layers.chosen == "Cy"
    layers.use.click()
    assert labels.layer == "Cy"
    item = layers.table.item(layers.table.currentRow(), 0)
    assert item is not None
    item.setText("Cyd")
    assert labels.layer == "Cyd"
    assert "Cyd" in labels.layers
    QTest.keyClicks(layers.name, "Gold")
    layers.add.click()
    assert "corpus' own layer" in layers.problem.text()
    item = layers.table.item(choose(layers, "anna"), 0)
    assert item is not None
    item.setText("bo")
    assert "already" in layers.problem.text()
    assert {"anna", "bo", "Cyd"} <= set(labels.layers)


def test_a_layer_is_deleted_after_a_question_and_undo_brings_it_back(opened: MainWindow, layers: LayersDialog) -> None:
    before = stored(opened.session)
    choose(layers, "anna")
    layers.delete.click()
    box = layers.findChild(QMessageBox)
    assert box is not None
    assert stored(opened.session) == before
    box.buttons()[0].click()
    assert "anna" not in opened.session.labels.layers
    layers.reject()
    opened.annotating.undo.trigger()
    assert stored(opened.session) == before


# what is remembered, and two programs


def test_layer_bar_and_playing_are_remembered(
    qtbot: QtBot, opened: MainWindow, appearance: Appearance, tmp_path: Path
) -> None:
    opened.annotating.annotate.trigger()
    opened.annotating.plays.trigger()
    opened.session.labels.choose(layer="anna")
    opened.close()
    assert save(opened.settings, tmp_path / "settings.json")
    other = make_window(load(tmp_path / "settings.json"), appearance)
    qtbot.addWidget(other)
    assert (other.session.labels.layer, other.session.labels.active) == ("anna", True)
    assert not other.annotator.plays
    assert not other.annotating.plays.isChecked()
    other.close()
    assert Settings().annotating.layer == "me"


def test_labels_of_another_program_appear_and_undo_leaves_them(qtbot: QtBot, opened: MainWindow) -> None:
    session = opened.session
    assert session.corpus is not None
    first, second = (turn.id for turn in session.turns[:2])
    session.labels.edit("label", {("me", Scope.ALL, first): Label(emotion="joy")})
    with Store.open(store_path(session.corpus), session.corpus) as other:
        other.edit("label", {("bo", Scope.ALL, second): Label(emotion="fear")})
        qtbot.waitUntil(lambda: second in session.labels.in_layer("bo"))
        session.labels.undo()
        assert first not in session.labels.in_layer("me")
        assert other.changed_elsewhere()
        assert other.label("bo", second) == Label(emotion="fear")


def test_a_backup_is_made_when_asked_for(opened: MainWindow) -> None:
    action = next(of for of in opened.menus.actions["Annotate"] if of.text() == "Back up now")
    assert not action.isEnabled()
    put(opened.session, "anna")
    assert action.isEnabled()
    action.trigger()
    path = Path(opened.status.currentMessage().removeprefix("Backed up as "))
    assert path.is_file()
    assert path.parent.name == "backups"


def test_a_file_that_says_nothing_is_told_where_it_was_searched(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    (tmp_path / "empty.jsonl").touch()
    dialog = importing(qtbot, opened, tmp_path / "empty.jsonl")
    assert dialog.problem.isVisible()
    assert dialog.problem.text().startswith("No emotion was found in empty.jsonl; looked for in ")
    assert not dialog.go.isEnabled()
    dialog.close()


def test_a_place_that_cannot_be_written_is_told_with_a_way_on(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    dialog = exporting(opened, tmp_path / "file" / "labels", Format.JSONL)
    dialog.layers[GOLD].setChecked(True)
    finish(qtbot, dialog)
    assert dialog.problem.text().endswith("cannot be written: Not a directory. Choose another place.")
    dialog.close()


def test_a_label_is_told_in_a_line() -> None:
    assert label_words(None) == ""
    assert label_words(Label(emotion="joy")) == "joy"
    assert label_words(Label(emotion="joy", unsure=True, comment="So\n  what?")) == "joy · unsure · “So what?”"
    assert label_words(Label(flag=True)) == "no emotion · flagged"


def test_a_report_counts_what_was_written_and_names_what_was_not(tmp_path: Path) -> None:
    one = ExportReport(files=(tmp_path / "a.csv",), labels=1, left_out=())
    text = report_text(one, "R&D <labels>")
    assert "1 label in 1 file<" in text
    assert "R&amp;D &lt;labels&gt;" in text
    assert text.endswith("<p>Nothing was left out.</p>")
    two = ExportReport(
        files=(tmp_path / "a.csv", tmp_path / "b.csv"), labels=1_200, left_out=("2 comments", "<3 flags")
    )
    text = report_text(two, "here")
    assert "1,200 labels in 2 files<" in text
    assert "<li>2 comments</li><li>&lt;3 flags</li>" in text
    assert "Nothing was left out" not in text
