"""EmoryNLP: the annotation files as released, its clips, and speakers written as Python lists."""

from collections import Counter
from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, Split, open_corpus
from tests.support.released import Emorynlp

HEADER = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def row(speaker: str = "['Ada']", scene: int = 4, utterance: int = 1) -> str:
    return f'Hello.,"{speaker.replace(chr(34), chr(34) * 2)}",Mad,{scene},{utterance},1,2,00:00:02.877,00:00:07.548'


@pytest.fixture(scope="module")
def released(emorynlp: Emorynlp) -> Corpus:
    return open_corpus(emorynlp.root)


@pytest.mark.parametrize("split", Split)
def test_the_released_splits_have_the_published_sizes(released: Corpus, emorynlp: Emorynlp, split: Split) -> None:
    emotions = Counter(turn.gold for turn in released.turns(split))
    dialogues = sum(dialogue.split is split for dialogue in released.dialogues)
    labels = tuple(emotions[label] for label in released.labels.labels)
    assert (emotions.total(), dialogues, labels) == emorynlp.sizes[split]


def test_the_released_rows_are_read_in_full(released: Corpus, emorynlp: Emorynlp) -> None:
    assert [problem.code for problem in released.problems] == ["no-clips"]
    first = released.dialogues[0].turns[0]
    place = first.id.dialogue, first.id.utterance, first.season, first.episode
    assert (*place, first.speaker, first.gold, first.start, first.end) == emorynlp.first
    assert all(turn.start is not None and turn.end is not None for turn in released.turns())


def test_several_speakers_are_joined(released: Corpus, emorynlp: Emorynlp) -> None:
    together = Counter(turn.speaker.count(" and ") + 1 for turn in released.turns())
    assert (together[2], together[3], together[4]) == emorynlp.together
    assert any(turn.speaker == emorynlp.apostrophe for turn in released.turns(Split.TRAIN))


def test_clips_are_found_whatever_the_case_of_their_names(tmp_path: Path) -> None:
    write(tmp_path / "EmoryNLP_Train_Final.CSV", row(utterance=1))
    clip = tmp_path / "Sea1_Ep2_SC4_utt01.MP4"
    clip.touch()
    assert [turn.video for turn in open_corpus(tmp_path).turns()] == [Clip(clip)]


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


def test_damaged_words_are_kept_beside_the_repaired_ones(tmp_path: Path) -> None:
    header = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"
    line = "I\x92m here,['Ada Quill'],Joyful,1,1,1,2,00:00:02.877,00:00:07.548"
    (tmp_path / "emorynlp_train_final.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")
    (turn,) = open_corpus(tmp_path).turns()
    assert (turn.text, turn.unrepaired) == ("I’m here", "I\x92m here")
