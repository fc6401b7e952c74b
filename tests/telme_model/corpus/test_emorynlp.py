"""EmoryNLP: the real annotation files, its clips, and speakers written as Python lists."""

from collections import Counter
from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, Split, open_corpus

HEADER = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def row(speaker: str = "['Ada']", scene: int = 4, utterance: int = 1) -> str:
    return f'Hello.,"{speaker.replace(chr(34), chr(34) * 2)}",Mad,{scene},{utterance},1,2,00:00:02.877,00:00:07.548'


@pytest.fixture(scope="module")
def real(real_data: Path) -> Corpus:
    return open_corpus(real_data / "emorynlp")


# turns, dialogues, emotions in the order joyful mad neutral peaceful powerful sad scared
PUBLISHED = {
    Split.TRAIN: (7551, 659, (1677, 785, 2485, 638, 551, 474, 941)),
    Split.DEV: (954, 89, (205, 97, 322, 82, 70, 51, 127)),
    Split.TEST: (984, 79, (217, 86, 288, 111, 96, 70, 116)),
}


@pytest.mark.parametrize("split", Split)
def test_the_real_splits_have_the_published_sizes(real: Corpus, split: Split) -> None:
    emotions = Counter(turn.gold for turn in real.turns(split))
    dialogues = sum(dialogue.split is split for dialogue in real.dialogues)
    labels = tuple(emotions[label] for label in real.labels.labels)
    assert (emotions.total(), dialogues, labels) == PUBLISHED[split]


def test_the_real_rows_are_read_in_full(real: Corpus) -> None:
    assert [problem.code for problem in real.problems] == ["no-clips"]
    first = real.dialogues[0].turns[0]
    assert (first.id.dialogue, first.id.utterance, first.season, first.episode) == ("1x02-1", 1, 1, 2)
    assert (first.speaker, first.gold, first.start, first.end) == ("Monica Geller", "joyful", 2.877, 7.548)
    assert all(turn.start is not None and turn.end is not None for turn in real.turns())


def test_several_speakers_are_joined(real: Corpus) -> None:
    together = Counter(turn.speaker.count(" and ") + 1 for turn in real.turns())
    # the speaker lists with one, two and three commas between quotation marks, counted in the files
    assert (together[2], together[3], together[4]) == (43 + 3 + 5, 6 + 1 + 2, 1)
    assert any(turn.speaker == "Phoebe's Assistant" for turn in real.turns(Split.TRAIN))


def test_clips_are_found_below_and_missing_ones_expected_beside_them(tmp_path: Path) -> None:
    write(tmp_path / "emorynlp_train_final.csv", row(utterance=1), row(utterance=2))
    clips = tmp_path / "clips" / "train"
    clips.mkdir(parents=True)
    (clips / "sea1_ep2_sc4_utt1.mp4").touch()
    corpus = open_corpus(tmp_path)
    assert [turn.video for turn in corpus.turns()] == [
        Clip(clips / "sea1_ep2_sc4_utt1.mp4"),
        Clip(clips / "sea1_ep2_sc4_utt2.mp4"),
    ]
    assert {problem.code for problem in corpus.problems} == {"missing-split"}


SPEAKERS = {
    "['Ada', 'Bo']": "Ada and Bo",
    '["Ada\'s Friend"]': "Ada's Friend",
    "Ada": "Ada",
    r"['A\d\a']": "A\\d\a",
}


@pytest.mark.parametrize(("written", "speaker"), SPEAKERS.items(), ids=SPEAKERS)
def test_speaker_lists_are_parsed(tmp_path: Path, written: str, speaker: str) -> None:
    write(tmp_path / "emorynlp_train_final.csv", row(written))
    corpus = open_corpus(tmp_path)
    assert next(corpus.turns()).speaker == speaker
    assert "bad-speaker" not in {problem.code for problem in corpus.problems}


HOSTILE = [
    "[__import__('os')]",
    "['Ada', 3]",
    "[]",
    "['Ada'",
    "[" * 400,
    "[" + "-" * 90_000 + "1]",
    "['a'*9]",
    "[b'a']",
]


@pytest.mark.parametrize("written", HOSTILE, ids=lambda text: text[:12])
def test_a_hostile_speaker_list_is_one_odd_name(tmp_path: Path, written: str) -> None:
    write(tmp_path / "emorynlp_train_final.csv", row(written))
    corpus = open_corpus(tmp_path)
    assert next(corpus.turns()).speaker == written
    problem = next(problem for problem in corpus.problems if problem.code == "bad-speaker")
    assert (problem.row, problem.column) == (2, "Speaker")
    assert problem.reason.endswith("not a list of names; it is taken as one name.")
