"""A damaged store, and a corpus that changed, in the window: nothing blocks the start, and nothing is lost."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from telme_gui.annotating.recovery import StoreBanner
from telme_gui.session.session import Session
from telme_gui.window.main_window import MainWindow
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.recovery import recover
from telme_model.annotations.store import Step, Store, StoreDamagedError
from telme_model.corpus.dialogue import Corpus
from tests.telme_gui.conftest import WAIT


def press(banner: StoreBanner, text: str) -> None:
    next(button for button in banner.buttons if button.text() == text).click()


def label_all(session: Session) -> int:
    """A label for every turn, each a step of its own, as an annotator makes them."""
    assert session.corpus is not None
    emotions = session.corpus.labels.labels
    for place, turn in enumerate(session.turns):
        session.labels.edit("label", {("me", Scope.ALL, turn.id): Label(emotion=emotions[place % len(emotions)])})
    return len(session.turns)


def corpus_of(window: MainWindow) -> Corpus:
    assert window.session.corpus is not None
    return window.session.corpus


@pytest.fixture
def damaged(opened: MainWindow) -> MainWindow:
    """Every turn labelled, all but the last one backed up, and the head of the file overwritten while it is closed."""
    session, corpus = opened.session, corpus_of(opened)
    label_all(session)
    last = session.turns[-1].id
    kept = session.labels.mine(last)
    session.labels.edit("clear", {("me", Scope.ALL, last): None})
    assert session.labels.back_up() is not None
    session.labels.edit("label", {("me", Scope.ALL, last): kept})
    session.set_corpus(None)
    path = store_path(corpus)
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\x55" * 4096
    path.write_bytes(data)
    session.set_corpus(corpus)
    return opened


def test_a_damaged_store_is_said_and_nothing_is_overwritten(damaged: MainWindow) -> None:
    session, banner = damaged.session, damaged.store_banner
    path = store_path(corpus_of(damaged))
    before = path.read_bytes()
    assert banner.isVisible()
    assert str(path) in banner.sentence.text()
    assert f"holds {len(session.turns) - 1:,} labels" in banner.sentence.text()
    press(banner, "Not now")
    assert banner.isHidden()
    damaged.annotating.annotate.trigger()
    damaged.annotator.label(corpus_of(damaged).labels.labels[0])
    assert banner.isVisible()
    assert session.labels.store is None
    assert path.read_bytes() == before


@pytest.mark.parametrize(("choice", "missing"), [("Recover what can be read", 0), ("Restore the backup", 1)])
def test_labels_come_back_and_the_damaged_file_is_kept(
    qtbot: QtBot, damaged: MainWindow, choice: str, missing: int
) -> None:
    session, banner = damaged.session, damaged.store_banner
    path = store_path(corpus_of(damaged))
    before = path.read_bytes()
    press(banner, choice)
    assert session.labels.put(session.turns[0].id, None, "clear") is None  # not while the file is made anew
    qtbot.waitUntil(lambda: session.labels.store is not None, timeout=WAIT)
    back = len(session.turns) - missing
    assert len(session.labels.in_layer("me")) == back
    assert f"{back} labels in 1 layer came back" in banner.title.text()
    kept = Path(banner.sentence.text().removeprefix("The damaged file is kept as ").removesuffix("."))
    assert kept.read_bytes() == before
    press(banner, "Dismiss")
    assert banner.isHidden()
    session.set_corpus(session.corpus)
    assert banner.isHidden()


def test_damage_that_shows_while_labelling_closes_the_store(qtbot: QtBot, opened: MainWindow) -> None:
    session = opened.session
    count = label_all(session)

    def broken(store: Store) -> Step | None:
        raise StoreDamagedError(store.path, "a page is missing")

    assert session.labels.do(broken) is None
    assert not session.labels.in_layer("me")
    assert "a page is missing" in opened.store_banner.sentence.text()
    press(opened.store_banner, "Recover what can be read")
    qtbot.waitUntil(lambda: len(session.labels.in_layer("me")) == count, timeout=WAIT)


def test_no_changed_bit_of_a_label_keeps_a_corpus_from_opening(opened: MainWindow) -> None:
    session, corpus = opened.session, corpus_of(opened)
    count = label_all(session)
    session.set_corpus(None)
    path = store_path(corpus)
    whole = path.read_bytes()
    places = [at.start() for at in re.finditer(rb'{"emotion"', whole)]
    recovered: list[int] = []
    for flip in range(16):
        changed = bytearray(whole)
        changed[places[flip % len(places)] + flip % 16] ^= 1 << flip % 8
        path.write_bytes(changed)
        session.set_corpus(corpus)
        damage = session.labels.damage
        assert (damage is None) is (session.labels.store is not None)
        session.set_corpus(None)
        if damage is not None and len(recovered) < 3:
            recovered.append(recover(path, corpus).labels)
    assert recovered == 3 * [count]


# a corpus that changed


@pytest.fixture
def changed(opened: MainWindow) -> Corpus:
    """The series without its last dialogue; the whole of it is labelled."""
    label_all(opened.session)
    corpus = corpus_of(opened)
    return replace(corpus, dialogues=corpus.dialogues[:-1])


def test_labels_of_the_corpus_as_it_was_are_taken_over(qtbot: QtBot, opened: MainWindow, changed: Corpus) -> None:
    session, banner = opened.session, opened.store_banner
    whole = corpus_of(opened)
    old = store_path(whole)
    session.set_corpus(changed)
    qtbot.waitUntil(banner.isVisible, timeout=WAIT)
    assert not store_path(changed).exists()
    assert f"{len(session.turns)} of its {len(session.turns)} turns are the same" in banner.sentence.text()
    press(banner, "Take the labels over")
    qtbot.waitUntil(lambda: session.labels.store is not None, timeout=WAIT)
    assert len(session.labels.in_layer("me")) == len(session.turns)
    gone = len(whole.dialogues[-1].turns)
    assert banner.isVisible()
    assert banner.sentence.text().startswith(f"{gone} labels of turns that changed")
    session.set_corpus(whole)
    assert len(session.labels.in_layer("me")) == len(session.turns)
    assert session.labels.store is not None
    assert session.labels.store.path == old


def test_own_labels_end_the_offer(qtbot: QtBot, opened: MainWindow, changed: Corpus) -> None:
    session, banner = opened.session, opened.store_banner
    session.set_corpus(changed)
    qtbot.waitUntil(banner.isVisible, timeout=WAIT)
    session.labels.put(session.turns[0].id, Label(emotion="joy"), "label")
    assert banner.isHidden()
    assert len(session.labels.in_layer("me")) == 1


def test_a_corpus_that_is_not_alike_is_not_offered_anything(qtbot: QtBot, opened: MainWindow) -> None:
    session = opened.session
    label_all(session)
    corpus = corpus_of(opened)
    turns = [
        tuple(replace(turn, text=f"{turn.text} Indeed.") for turn in dialogue.turns) for dialogue in corpus.dialogues
    ]
    others = tuple(replace(of, turns=said) for of, said in zip(corpus.dialogues[1:], turns[1:], strict=True))
    session.set_corpus(replace(corpus, dialogues=(corpus.dialogues[0], *others)))
    qtbot.waitUntil(lambda: not session.jobs.running, timeout=WAIT)
    assert opened.store_banner.isHidden()


def test_the_store_is_closed_with_the_window(opened: MainWindow) -> None:
    label_all(opened.session)
    path = store_path(corpus_of(opened))
    opened.close()
    assert opened.session.labels.store is None
    assert not path.with_name(path.name + "-wal").exists()
