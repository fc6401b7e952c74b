"""The counts tell how many turns of a split have a label, and of how many."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from telme_gui.charts.bars import EmotionBar, EmotionBars
from telme_gui.charts.counts import CountsPage
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from tests.support.corpora import LENGTHS, write_corpus


def test_turns_without_a_label_are_in_the_whole_alone(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[EmotionBar] = []
    monkeypatch.setattr(EmotionBars, "show_columns", lambda _self, _labels, columns, _caption: drawn.extend(columns))
    corpus = open_corpus(write_corpus(tmp_path / "series", clips=False))
    page = CountsPage()
    qtbot.addWidget(page)
    dev = sum(LENGTHS[Split.DEV])
    page.show_corpus(corpus, lambda turn: turn.gold)
    page.show_corpus(corpus, lambda turn: turn.gold if turn.id.utterance else None)
    page.show_corpus(corpus, lambda _turn: None)
    assert [bar.title for bar in drawn if bar.title.startswith("dev")] == [
        f"dev · {dev} turns",
        f"dev · {dev - len(LENGTHS[Split.DEV])} of {dev} turns",
        f"dev · 0 of {dev} turns",
    ]
