"""MELD: the annotation files as released, and the layouts in which people have the rest."""

from collections import Counter
from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, CorpusError, Severity, Split, open_corpus
from tests.support.released import Meld

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
def released(meld: Meld) -> Corpus:
    return open_corpus(meld.root)


@pytest.mark.parametrize("split", Split)
def test_the_released_splits_have_the_published_sizes(released: Corpus, meld: Meld, split: Split) -> None:
    dialogues = [dialogue for dialogue in released.dialogues if dialogue.split is split]
    emotions = Counter(turn.gold for turn in released.turns(split))
    most_turns = max(len(dialogue.turns) for dialogue in dialogues)
    most_speakers = max(len({turn.speaker for turn in dialogue.turns}) for dialogue in dialogues)
    found = (
        sum(1 for _ in released.turns(split)),
        len(dialogues),
        tuple(emotions[label] for label in released.labels.labels),
        most_turns,
        most_speakers,
    )
    assert found == meld.sizes[split]


def test_the_released_corpus_lacks_nothing_but_its_clips(released: Corpus, meld: Meld) -> None:
    assert (released.kind, released.labels.name, released.splits()) == ("meld", "meld", tuple(Split))
    assert codes(released) == {"no-clips": 3}
    assert len({turn.id for turn in released.turns()}) == sum(size[0] for size in meld.sizes.values())
    assert all(turn.video is None and turn.audio is None for turn in released.turns())


def test_ids_have_the_known_gaps(released: Corpus, meld: Meld) -> None:
    train = [dialogue for dialogue in released.dialogues if dialogue.split is Split.TRAIN]
    assert set(map(str, range(len(train) + 1))) - {dialogue.name for dialogue in train} == meld.absent
    ids = [[turn.id.utterance for turn in dialogue.turns] for dialogue in train]
    assert sum(numbers != list(range(len(numbers))) for numbers in ids) == meld.with_gaps
    assert all(numbers == sorted(numbers) for numbers in ids)


def test_every_time_is_read_whatever_its_form(released: Corpus, meld: Meld) -> None:
    times = {str(turn.id): (turn.start, turn.end) for turn in released.turns()}
    lengths = {name: end - start for name, (start, end) in times.items() if start is not None and end is not None}
    assert lengths.keys() == times.keys()
    assert {name: round(seconds, 2) for name, seconds in lengths.items() if seconds > 30} == meld.over_long
    assert [name for name, seconds in lengths.items() if seconds <= 0] == [meld.backwards]
    assert {name: times[name][1] for name in meld.two_digits} == meld.two_digits


def test_a_released_turn_is_read_in_full(released: Corpus, meld: Meld) -> None:
    assert next(released.turns(Split.DEV)) == meld.first
    assert len({(dialogue.season, dialogue.episode) for dialogue in released.dialogues}) == meld.episodes


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
    assert (first.text, first.unrepaired) == ("It’s… fine", damaged)
    assert second.unrepaired is None
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
