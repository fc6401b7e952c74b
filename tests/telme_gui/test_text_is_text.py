"""Words from files are shown as they stand: no markup in them has an effect, and no file that they name is opened."""

import ast
import csv
import json
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest
from PIL import Image
from PySide6 import QtGui
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from telme_gui.annotating.exporting import ExportDialog, report_text
from telme_gui.annotating.importing import ImportDialog
from telme_gui.look.words import Marked, Words, as_tip, marked, question
from telme_gui.training.discarding import ask
from telme_gui.window.header import MainView
from telme_gui.window.main_window import MainWindow
from telme_model.annotations.exchange import ExportReport
from telme_model.annotations.labels import Label, Scope
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from telme_model.runs import catalogue
from tests.support.corpora import COLUMNS, rows
from tests.support.predictions import store_run
from tests.support.walking import opened_in, said

ROOT = Path(__file__).parents[2]
BAIT = "<img src=p.png>"


@pytest.fixture
def bait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, where markup without a folder looks for it."""
    folder = tmp_path / "bait"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "p.png")
    monkeypatch.chdir(folder)
    return folder


def _table(path: Path, table: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)


def _meld(root: Path) -> None:
    for split in Split:
        table = [{**row, **{name: f"{BAIT}{row[name]}" for name in COLUMNS[1:3]}} for row in rows(split)]
        table[0] |= dict.fromkeys(("Season", "Episode", "StartTime", "Sentiment"), BAIT)
        _table(root / f"{split}_sent_emo.csv", [*table, {**table[0], "Emotion": BAIT, "Dialogue_ID": BAIT}])


def _emorynlp(root: Path) -> None:
    for split in ("train", "dev", "test"):
        row: dict[str, object] = {
            "Utterance": BAIT, "Speaker": f"['{BAIT}']", "Emotion": "Joyful", "Scene_ID": 1, "Utterance_ID": 1,
            "Season": 1, "Episode": 1, "Sr No": 1,
        }  # fmt: skip
        table = [row, {**row, "Utterance_ID": 2}, {**row, "Emotion": BAIT}, {**row, "Season": BAIT}]
        _table(root / f"emorynlp_{split}_final.csv", table)


def _own(root: Path) -> None:
    table = [
        {"text": f"{BAIT}{row['Utterance']}", "speaker": f"{BAIT}{row['Speaker']}", "emotion": row["Emotion"],
         "dialogue": f"{BAIT}{row['Dialogue_ID']}", "turn": row["Utterance_ID"], "split": split, "video": f"{BAIT}.mp4"}
        for split in Split for row in rows(split)
    ]  # fmt: skip
    _table(root / "all.csv", table)


def _iemocap(root: Path) -> None:
    for session in range(1, 6):
        name = f"Ses{session:02}F_impro01"
        for folder, suffix, text in (
            ("EmoEvaluation", "txt", f"[6.29 - 8.23]\t{name}_F000\tneu\t[2.5, 2.5, 2.5]\n"),
            ("transcriptions", "txt", f"{name}_F000 [006.2900-008.2300]: {BAIT}\n"),
        ):
            place = root / f"Session{session}" / "dialog" / folder / f"{name}.{suffix}"
            place.parent.mkdir(parents=True)
            place.write_text(text)


CORPORA: dict[str, Callable[[Path], None]] = {"meld": _meld, "emorynlp": _emorynlp, "own": _own, "iemocap": _iemocap}


def check(words: Iterator[str]) -> None:
    """No text that Qt takes for HTML holds the bait otherwise than as text."""
    found = list(words)
    assert any(escape(BAIT) in text or BAIT in text for text in found)
    assert not [text for text in found if BAIT in text and QtGui.Qt.mightBeRichText(text)]


def test_the_watch_sees_what_an_ordinary_label_opens(qtbot: QtBot, bait: Path) -> None:
    with opened_in(bait) as opened:
        label = QLabel(BAIT)
        qtbot.addWidget(label)
        label.sizeHint()
    assert set(opened) == {"p.png"}


@pytest.fixture
def baited(
    qtbot: QtBot, window: MainWindow, bait: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[MainWindow]:
    """A window with a corpus and a run whose every word is the bait; none may be taken until its end."""
    root = tmp_path / f"{BAIT}& corpus"
    root.mkdir()
    CORPORA[getattr(request, "param", "own")](root)
    run = store_run(tmp_path / "default runs" / f"{BAIT}& run", open_corpus(root), *Split)
    catalogue.write_note(run, BAIT)
    with opened_in(bait) as opened:
        with qtbot.waitSignal(window.opener.settled):
            window.opener.open(root, run)
        session = window.session
        assert session.current is not None and session.corpus is not None  # noqa: PT018
        assert BAIT in session.current.text
        for layer, emotion in ((f"{BAIT}&a", 0), (f"{BAIT}&b", 1)):
            label = Label(emotion=session.corpus.labels.labels[emotion], comment=BAIT)
            session.labels.edit("label", {(layer, Scope.ALL, turn.id): label for turn in session.turns})
        session.labels.choose(layer=f"{BAIT}&a")
        yield window
    assert not opened


@pytest.mark.parametrize("baited", CORPORA, indirect=True)
def test_markup_in_every_field_is_text(baited: MainWindow) -> None:
    for view in MainView:
        baited.show_view(view)
        QApplication.processEvents()
        check(said(baited))


def test_markup_is_text_in_every_dialog(qtbot: QtBot, baited: MainWindow, tmp_path: Path) -> None:
    """The layers, an export and its report, an import, a training to be chosen, a run to be discarded, an error."""
    baited.tasks.layers()
    check(said(baited))
    baited.tasks.export()
    dialog = baited.tasks.dialog
    assert isinstance(dialog, ExportDialog)
    dialog.report.setText(report_text(ExportReport(files=(), labels=0, left_out=(BAIT,)), BAIT))
    check(said(dialog))
    labels = tmp_path / f"{BAIT}.jsonl"
    lines = [{"split": "test", "dialogue": BAIT, "utterance": 0, "emotion": BAIT, "labels": {BAIT: BAIT}, BAIT: BAIT}]
    lines += [{"split": "train", "dialogue": f"{BAIT}0", "utterance": 0, "layer": BAIT, "emotion": "joy"}]
    labels.write_text("".join(json.dumps(line) + "\n" for line in lines))
    baited.tasks.import_([labels])
    imported = baited.tasks.dialog
    assert isinstance(imported, ImportDialog)
    qtbot.waitUntil(lambda: imported.job is None)
    check(said(imported))
    imported.close()
    ask(tmp_path / BAIT, baited, lambda: None)
    baited.session.failed.emit(BAIT, BAIT)
    training = baited.training.open_dialog()
    QApplication.processEvents()
    check(said(baited))
    training.close()


def test_what_a_box_asks_is_text(qtbot: QtBot, bait: Path) -> None:
    with opened_in(bait) as opened:
        box = question(BAIT, BAIT, BAIT)
        qtbot.addWidget(box)
        box.addButton(QMessageBox.StandardButton.Ok)
        box.show()
        QApplication.processEvents()
        assert not [text for text in said(box) if BAIT in text]
    assert not opened


@pytest.mark.parametrize(
    "text",
    [BAIT, f"a\n{BAIT}", f"&lt;{BAIT}", "<!doctype html>" + BAIT, f"<?xml?>{BAIT}", f"{'x' * 500} {BAIT}", f"\0{BAIT}"],
)
def test_a_tooltip_is_text(qtbot: QtBot, bait: Path, text: str) -> None:
    tip = as_tip(text)
    assert not (QtGui.Qt.mightBeRichText(tip) and BAIT in tip)
    document = QtGui.QTextDocument()
    if QtGui.Qt.mightBeRichText(tip):
        document.setHtml(tip)
        assert document.toPlainText().replace("\u200b", "") == text.replace("\0", "\ufffd")
    with opened_in(bait) as opened:
        for label in (Words(text), Marked()):
            qtbot.addWidget(label)
            label.setText(text if isinstance(label, Words) else marked("<b>{}</b>", text))
            label.sizeHint()
    assert not opened


def test_words_reach_qt_in_one_way() -> None:
    """A tooltip that is no constant is made by `as_tip`; labels and boxes that ask are made in look/words.py."""
    faults = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)[:80]}"
        for path in sorted((ROOT / "telme_gui").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if path.name != "words.py" and isinstance(node, ast.Call) and not _is_text(node)
    ]
    assert not faults


def _is_text(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = [keyword.value for keyword in call.keywords if keyword.arg == "toolTip"]
    if name in ("setToolTip", "showText"):
        given.append(call.args[1] if name == "showText" else call.args[-1])
    return name not in ("QLabel", "QMessageBox", "setHtml", "setWhatsThis", "setStatusTip") and all(
        map(_is_safe, given)
    )


def _is_safe(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Call(func=ast.Name(id="as_tip")):
            return True
        case ast.Name(id=name):
            return name.isupper()
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            return _is_safe(one) and _is_safe(other)
        case ast.Subscript(value=value):
            return _is_safe(value)
    return False
