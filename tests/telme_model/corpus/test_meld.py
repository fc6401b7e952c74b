"""MELD: the real annotation files, and the layouts in which people have the rest."""

from collections import Counter
from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, CorpusError, Severity, Split, Turn, TurnId, open_corpus

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
FOLDERS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}


def row(dialogue: int, utterance: int, text: str = "Okay.") -> str:
    return f'1,{text},Ada,joy,positive,{dialogue},{utterance},2,7,"0:01:02,500","00:01:04,000"'


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\r\n".join((header, *rows)) + "\r\n", encoding="utf-8", newline="")
    return path


def codes(corpus: Corpus) -> Counter[str]:
    return Counter(problem.code for problem in corpus.problems)


@pytest.fixture(scope="module")
def real(real_data: Path) -> Corpus:
    return open_corpus(real_data / "meld")


# turns, dialogues, emotions in the order anger disgust fear joy neutral sadness surprise, most turns, most speakers
PUBLISHED = {
    Split.TRAIN: (9989, 1038, (1109, 271, 268, 1743, 4710, 683, 1205), 24, 9),
    Split.DEV: (1109, 114, (153, 22, 40, 163, 470, 111, 150), 23, 8),
    Split.TEST: (2610, 280, (345, 68, 50, 402, 1256, 208, 281), 33, 8),
}


@pytest.mark.parametrize("split", Split)
def test_the_real_splits_have_the_published_sizes(real: Corpus, split: Split) -> None:
    dialogues = [dialogue for dialogue in real.dialogues if dialogue.split is split]
    emotions = Counter(turn.gold for turn in real.turns(split))
    most_turns = max(len(dialogue.turns) for dialogue in dialogues)
    most_speakers = max(len({turn.speaker for turn in dialogue.turns}) for dialogue in dialogues)
    found = (
        sum(1 for _ in real.turns(split)),
        len(dialogues),
        tuple(emotions[label] for label in real.labels.labels),
        most_turns,
        most_speakers,
    )
    assert found == PUBLISHED[split]


def test_the_real_corpus_lacks_nothing_but_its_clips(real: Corpus) -> None:
    assert (real.kind, real.labels.name, real.splits()) == ("meld", "meld", tuple(Split))
    assert codes(real) == {"no-clips": 3}
    assert len({turn.id for turn in real.turns()}) == 13_708
    assert all(turn.video is None and turn.audio is None for turn in real.turns())


def test_ids_have_the_known_gaps(real: Corpus) -> None:
    train = [dialogue for dialogue in real.dialogues if dialogue.split is Split.TRAIN]
    assert set(map(str, range(1039))) - {dialogue.name for dialogue in train} == {"60"}
    ids = [[turn.id.utterance for turn in dialogue.turns] for dialogue in train]
    assert sum(numbers != list(range(len(numbers))) for numbers in ids) == 72
    assert all(numbers == sorted(numbers) for numbers in ids)


def lengths(corpus: Corpus) -> dict[str, float]:
    return {
        str(turn.id): turn.end - turn.start
        for turn in corpus.turns()
        if turn.end is not None and turn.start is not None
    }


def test_every_time_is_read_whatever_its_form(real: Corpus) -> None:
    found = lengths(real)
    assert len(found) == 13_708
    over = {name: round(seconds, 2) for name, seconds in found.items() if seconds > 30}
    assert over == {"train/dia309_utt0": 41.04, "test/dia38_utt4": 304.94, "test/dia220_utt0": 235.07}
    assert [name for name, seconds in found.items() if seconds <= 0] == ["test/dia155_utt3"]
    two_digits = {str(turn.id): turn.end for turn in real.turns() if str(turn.id) in TWO_DIGITS}
    assert two_digits == TWO_DIGITS


TWO_DIGITS = {"train/dia437_utt2": 407.28, "test/dia187_utt2": 311.82, "test/dia233_utt8": 701.41}


def test_a_real_turn_is_read_in_full(real: Corpus) -> None:
    assert next(real.turns(Split.DEV)) == Turn(
        id=TurnId(Split.DEV, "0", 0),
        speaker="Phoebe",
        text="Oh my God, he’s lost it. He’s totally lost it.",
        gold="sadness",
        sentiment="negative",
        season=4,
        episode=7,
        start=1257.256,
        end=1260.049,
        row=2,
    )
    episodes = {(dialogue.season, dialogue.episode) for dialogue in real.dialogues}
    assert len(episodes) == 190


LAYOUTS = {
    "flat": ("{split}_sent_emo.csv", "{clips}"),
    "as unpacked": ("{split}_sent_emo.csv", "{split}/{clips}"),
    "csv in the archive": ("{split}/{split}_sent_emo.csv", "{split}/{clips}"),
    "csv among the clips": ("{split}/{clips}/{split}_sent_emo.csv", "{split}/{clips}"),
    "one folder too high": ("MELD.Raw/{split}_sent_emo.csv", "MELD.Raw/{split}/{clips}"),
    "TelME's": ("dataset/MELD.Raw/{split}_meld_emo.csv", "dataset/MELD.Raw/{clips}"),
}


@pytest.mark.parametrize(("table", "clips"), LAYOUTS.values(), ids=LAYOUTS)
def test_clips_are_found_in_every_layout(tmp_path: Path, table: str, clips: str) -> None:
    for split, folder in FOLDERS.items():
        (tmp_path / clips.format(split=split, clips=folder)).mkdir(parents=True)
        write(tmp_path / table.format(split=split, clips=folder), row(0, 0))
    corpus = open_corpus(tmp_path)
    assert corpus.problems == ()
    for turn in corpus.turns():
        expected = tmp_path / clips.format(split=turn.id.split, clips=FOLDERS[turn.id.split]) / "dia0_utt0.mp4"
        assert turn.video == turn.audio == Clip(expected)


def test_turns_are_ordered_by_utterance_and_dialogues_as_they_come(tmp_path: Path) -> None:
    write(tmp_path / "train_sent_emo.csv", row(7, 10), row(7, 2), row(3, 1), row(7, 0))
    corpus = open_corpus(tmp_path)
    assert [str(turn.id) for turn in corpus.turns()] == [
        "train/dia7_utt0", "train/dia7_utt2", "train/dia7_utt10", "train/dia3_utt1",
    ]  # fmt: skip


def test_the_same_ids_in_two_splits_are_two_turns(tmp_path: Path) -> None:
    for split in FOLDERS:
        write(tmp_path / f"{split}_sent_emo.csv", row(0, 0, f"Hello {split}."))
    assert [turn.text for turn in open_corpus(tmp_path).turns()] == ["Hello train.", "Hello dev.", "Hello test."]


def test_telmes_own_table_is_repaired_and_its_paths_are_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    damaged = "It\x92s\x85 fine"
    write(
        tmp_path / "train_meld_emo.csv",
        f"{row(0, 0, damaged)},./dataset/MELD.Raw/elsewhere/first.mp4",
        f"{row(0, 1)},dataset\\MELD.Raw\\nowhere\\second.mp4",
        header=f"{HEADER},Video_Path",
    )
    corpus = open_corpus(tmp_path)
    first, second = corpus.turns()
    assert first.text == "It’s… fine"
    assert first.video == Clip(tmp_path / "elsewhere" / "first.mp4")
    assert second.video is None
    assert codes(corpus) == {"encoding-repaired": 1, "no-clips": 1, "missing-split": 2}


ESCAPES = ["../../etc/passwd", "/etc/passwd", "C:\\clips\\a.mp4", "\\\\server\\a.mp4", "train_splits/../../a.mp4"]


@pytest.mark.parametrize("path", ESCAPES)
def test_a_path_out_of_the_folder_is_reported_and_ignored(tmp_path: Path, path: str) -> None:
    (tmp_path / "train_splits").mkdir()
    write(tmp_path / "train_meld_emo.csv", f"{row(0, 0)},{path}", header=f"{HEADER},Video_Path")
    corpus = open_corpus(tmp_path)
    problem = next(problem for problem in corpus.problems if problem.code == "path-outside")
    assert (problem.severity, problem.row, problem.column) == (Severity.WARNING, 2, "Video_Path")
    assert f"'{path}'" in problem.reason
    assert next(corpus.turns()).video == Clip(tmp_path / "train_splits" / "dia0_utt0.mp4")


def test_an_absolute_path_within_the_folder_is_followed(tmp_path: Path) -> None:
    clip = tmp_path / "train_splits" / "own.mp4"
    clip.parent.mkdir()
    write(tmp_path / "train_meld_emo.csv", f"{row(0, 0)},{clip}", header=f"{HEADER},Video_Path")
    assert next(open_corpus(tmp_path).turns()).video == Clip(clip)


def test_an_archive_that_is_still_packed_is_named(tmp_path: Path) -> None:
    write(tmp_path / "dev_sent_emo.csv", row(0, 0))
    for name in ("train.tar.gz", "dev.tar.gz", "._dev.tar.gz"):
        (tmp_path / name).touch()
    reasons = {problem.code: problem.reason for problem in reversed(open_corpus(tmp_path).problems)}
    assert "dev.tar.gz is still packed: unpack it where it lies." in reasons["no-clips"]
    assert "train.tar.gz is still packed" in reasons["missing-split"]


def test_a_folder_of_archives_alone_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "MELD.Raw.tar.gz").touch()
    with pytest.raises(CorpusError, match=r"MELD\.Raw\.tar\.gz is still packed: unpack it first\."):
        open_corpus(tmp_path)


def test_of_two_tables_of_a_split_the_released_one_is_read(tmp_path: Path) -> None:
    write(tmp_path / "train_meld_emo.csv", row(0, 0, "TelME's"))
    write(tmp_path / "train_sent_emo.csv", row(0, 0, "MELD's"))
    corpus = open_corpus(tmp_path)
    assert [turn.text for turn in corpus.turns()] == ["MELD's"]
    ignored = next(problem for problem in corpus.problems if problem.code == "ignored-file")
    assert ignored.reason == "train_meld_emo.csv is ignored: train_sent_emo.csv annotates train too."
