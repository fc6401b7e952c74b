"""Where clips lie: every layout people have, sound beside or in place of a video, and paths that must not lead out."""

from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, Severity, Split, Turn, open_corpus
from telme_model.corpus.clips import split_in, split_named

HEADER = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"


def table(root: Path, *rows: str, split: str = "train", columns: str = "") -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / f"{split}_sent_emo.csv").write_text("\n".join((HEADER + columns, *rows)), encoding="utf-8")


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def only(corpus: Corpus) -> Turn:
    [turn] = corpus.turns()
    return turn


def codes(corpus: Corpus) -> list[str]:
    return [problem.code for problem in corpus.problems if problem.code not in ("missing-split", "missing-column")]


NAMES = [
    "train_splits/dia18_utt1.MP4", "clips/train/dia18_utt1.mp4", "train/dia18/utt1.mp4", "clips/train/dia18/utt1.mkv",
    "MELD.Raw/clips/train/dia18/utt1.mkv", "train/dia18utt1.mp4", "train/dia0018_utt001.mp4", "train_dia18_utt1.mkv",
    "dia18_utt1.avi", "videos/dia18_utt1.mov", "Training/Dialogue 18/Utterance 1.webm", "clips/dia18-utt1.ts",
    "media/train_split/dia018/dia018_utt01.m4v",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_is_found_whatever_its_place_and_name(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name, "train/._dia18_utt1.mp4", "train/final_videos_testdia18_utt1.mp4", "test/dia18_utt1.mp4")
    table(tmp_path, "Hi.,Ada,joy,18,1")
    corpus = open_corpus(tmp_path)
    assert only(corpus).video == only(corpus).audio == Clip(tmp_path / name)
    assert codes(corpus) == []


def test_clips_of_several_splits_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for split, folder in (("train", "train"), ("dev", "val"), ("test", "test_complete")):
        table(tmp_path, "Hi.,Ada,joy,0,0", split=split)
        touch(tmp_path, f"clips/{folder}/dia0/utt0.mp4")
    clips = [turn.video for turn in open_corpus(tmp_path).turns()]
    assert clips == [Clip(tmp_path / f"clips/{name}/dia0/utt0.mp4") for name in ("train", "val", "test_complete")]


def test_of_clips_whose_split_nothing_tells_one_says_so(tmp_path: Path) -> None:
    for split in Split:
        table(tmp_path, "Hi.,Ada,joy,0,0", split=split)
    touch(tmp_path, "clips/dia0_utt0.mp4")
    corpus = open_corpus(tmp_path)
    assert [turn.video for turn in corpus.turns()] == [None] * 3
    assert codes(corpus) == ["no-clips"] * 3
    assert "put them into folders train, dev and test" in corpus.problems[-1].reason


def test_a_clip_that_lacks_is_expected_among_the_others(tmp_path: Path) -> None:
    table(tmp_path, "Hi.,Ada,joy,0,0", "Ho.,Bo,joy,0,1")
    touch(tmp_path, "clips/train/dia0_utt0.mkv")
    missing = list(open_corpus(tmp_path).turns())[1]
    assert missing.video == Clip(tmp_path / "clips/train/dia0_utt1.mp4")


SOUNDS = {
    "in place": (("train_splits/dia0_utt0.wav",), None, "train_splits/dia0_utt0.wav", None),
    "elsewhere": (("audio/train/dia0_utt0.flac",), None, "audio/train/dia0_utt0.flac", None),
    "beside": (
        ("train_splits/dia0_utt0.mp4", "train_splits/dia0_utt0.wav"),
        "train_splits/dia0_utt0.mp4",
        "train_splits/dia0_utt0.mp4",
        "train_splits/dia0_utt0.wav",
    ),
}


@pytest.mark.parametrize(("files", "video", "audio", "beside"), SOUNDS.values(), ids=SOUNDS)
def test_a_sound_takes_the_place_of_a_video_or_lies_beside_it(
    tmp_path: Path, files: tuple[str, ...], video: str | None, audio: str, beside: str | None
) -> None:
    table(tmp_path, "Hi.,Ada,joy,0,0")
    touch(tmp_path, *files)
    corpus = open_corpus(tmp_path)
    sound = tmp_path / beside if beside else None
    assert only(corpus).video == (Clip(tmp_path / video, sound=sound) if video else None)
    assert only(corpus).audio == Clip(tmp_path / audio, sound=sound)
    assert codes(corpus) == []


def test_what_the_table_names_is_believed(tmp_path: Path) -> None:
    """A sound that is named is the turn's, whatever the video holds; of turns without a name some clips are missed."""
    touch(tmp_path, "own/a.mp4", "own/b.wav")
    rows = ["A,Ada,joy,0,0,own/a.mp4,", "B,Ada,joy,0,1,own/a.mp4,own/b.wav", "C,Ada,joy,0,2,own/b.wav,"]
    table(tmp_path, *rows, columns=",Video_Path,Wav_Path")
    corpus = open_corpus(tmp_path)
    video, sound = Clip(tmp_path / "own/a.mp4"), Clip(tmp_path / "own/b.wav")
    assert [(turn.video, turn.audio) for turn in corpus.turns()] == [(video, video), (video, sound), (None, sound)]
    assert codes(corpus) == []
    table(tmp_path, *rows, "D,Ada,joy,0,3,,", columns=",Video_Path,Wav_Path")
    [problem] = [problem for problem in open_corpus(tmp_path).problems if problem.code == "no-clips"]
    assert problem.reason.endswith("train turns whose row names no clip have text only.")


def test_a_table_leads_nowhere_by_a_link(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    touch(tmp_path, "secret/a.mp4", "corpus/own/b.mp4")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "own" / "a.mp4").symlink_to(tmp_path / "secret" / "a.mp4")
    (root / "own" / "c.mp4").symlink_to(root / "own" / "b.mp4")
    names = ("folder/a.mp4", "own/a.mp4", "own/c.mp4")
    table(root, *(f"A,Ada,joy,0,{n},{name}" for n, name in enumerate(names)), columns=",Video_Path")
    corpus = open_corpus(root)
    assert [turn.video for turn in corpus.turns()] == [None, None, Clip(root / "own/c.mp4")]
    refused = [problem for problem in corpus.problems if problem.code == "path-outside"]
    assert [(problem.row, problem.severity) for problem in refused] == [(2, Severity.WARNING), (3, Severity.WARNING)]
    assert "'folder/a.mp4' in column 'Video_Path', which leads out of the corpus folder by a link" in refused[0].reason


def test_a_folder_of_clips_that_the_person_linked_is_theirs(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    touch(tmp_path, "large disk/dia0_utt0.mp4")
    table(root, "A,Ada,joy,0,0,./dataset/train_splits/dia0_utt0.mp4", columns=",Video_Path")
    (root / "train_splits").symlink_to(tmp_path / "large disk")
    corpus = open_corpus(root)
    assert only(corpus).video == Clip(root / "train_splits" / "dia0_utt0.mp4")
    assert codes(corpus) == []


@pytest.mark.parametrize(
    "name", ["train/sea1_ep2_sc3_utt4.mkv", "sea01_ep02_sc03_utt004.MP4", "a/sea1_ep2_sc3_utt4.wav"]
)
def test_emorynlps_clips_are_found_likewise(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    text = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode\nHi.,Ada,Mad,3,4,1,2\n"
    (tmp_path / "emorynlp_train_final.csv").write_text(text, encoding="utf-8")
    corpus = open_corpus(tmp_path)
    assert only(corpus).audio == Clip(tmp_path / name)
    assert only(corpus).video == (None if name.endswith("wav") else Clip(tmp_path / name))
    assert codes(corpus) == []


def test_splits_are_known_by_their_names() -> None:
    names = ("train_splits", "dev_splits_complete", "output_repeated_splits_test", "Val", "clips", "constraint")
    assert [split_in([name]) for name in names] == [Split.TRAIN, Split.DEV, Split.TEST, Split.DEV, None, None]
    assert split_in(["train", "test", "clips"]) is Split.TEST
    assert [split_named(text) for text in (" Validation", "TEST", "all", "")] == [Split.DEV, Split.TEST, None, None]
