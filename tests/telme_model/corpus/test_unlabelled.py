"""Turns that nobody has labelled, and numbers as spreadsheets write them: read for what they are, in every corpus."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from telme_model.corpus import Corpus, Severity, open_corpus
from tests.support.corpora import write_corpus

MELD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
EMORY = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"
IEMOCAP = "Utterance,Speaker,Dialogue_ID,Start_Time,End_Time,Wav_Path,Video_Path,Emotion"
NUMBERS = ("Sr No.", "Dialogue_ID", "Utterance_ID", "Season", "Episode")
ROWS = {
    "train_sent_emo.csv": (MELD, "1,Hi.,Ada,{0},,0,{1},1,1,,", "joy"),
    "emorynlp_train_final.csv": (EMORY, "Hi.,\"['Ada']\",{0},2,{1},1,1,,", "Mad"),
    "IEMOCAP_train.csv": (IEMOCAP, "Hi {1}.,F,Ses01F_impro01,0.5,1.5,,,{0}", "hap"),
}


def written(folder: Path, name: str, *emotions: str, change: Callable[[str], str] = str) -> Corpus:
    header, row, _ = ROWS[name]
    lines = [header, *(row.format(emotion, place) for place, emotion in enumerate(emotions))]
    (folder / name).write_text(change("\n".join(lines)), encoding="utf-8")
    return open_corpus(folder)


def fatal(corpus: Corpus) -> list[str]:
    return [problem.code for problem in corpus.problems if problem.severity is Severity.FATAL]


@pytest.mark.parametrize("name", ROWS)
def test_turns_without_an_emotion_are_turns_without_gold(tmp_path: Path, name: str) -> None:
    corpus = written(tmp_path, name, ROWS[name][2], "", "NaN", "None")
    golds = [turn.gold for turn in corpus.turns()]
    assert golds[0] is not None
    assert golds[1:] == [None] * 3
    assert fatal(corpus) == []


@pytest.mark.parametrize("name", ROWS)
def test_a_table_without_the_column_of_emotions_is_unlabelled(tmp_path: Path, name: str) -> None:
    corpus = written(tmp_path, name, "", "", change=lambda text: text.replace("Emotion", "Weather"))
    assert [turn.gold for turn in corpus.turns()] == [None, None]
    assert fatal(corpus) == []
    assert [p.column for p in corpus.problems if p.code == "missing-column"] == ["Emotion"]


@pytest.mark.parametrize("name", ROWS)
def test_an_unknown_emotion_costs_the_label_and_not_the_turn(tmp_path: Path, name: str) -> None:
    corpus = written(tmp_path, name, ROWS[name][2], "bliss")
    assert [turn.gold is None for turn in corpus.turns()] == [False, True]
    assert fatal(corpus) == ["unknown-emotion"]


@pytest.mark.parametrize("decimals", [".0", ",0", ".000"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_numbers_may_have_got_decimals_and_columns_another_separator(tmp_path: Path, decimals: str, mark: str) -> None:
    write_corpus(tmp_path, clips=False)
    plain = list(open_corpus(tmp_path).turns())
    for table in tmp_path.glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row.update({name: row[name] + decimals for name in NUMBERS})
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter=mark)
            writer.writeheader()
            writer.writerows(rows)
    corpus = open_corpus(tmp_path)
    assert list(corpus.turns()) == plain
    assert fatal(corpus) == []
