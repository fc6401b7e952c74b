"""MELD-FAIR's table: each turn has the windows of clips that it names, and how many differ is told."""

from pathlib import Path

import numpy as np
import pytest

from telme_model.corpus import Clip, Corpus, CorpusError, Reading, Turn, open_corpus
from telme_model.corpus.realignment import realigned
from telme_model.media.decoding import MediaSettings, read_turn
from tests.support.windows import COLOURS, coloured_films

FAIR = "Split,Dialogue ID,Utterance ID,Original Dialogue ID,Original Utterance ID,Start Time,End Time"
HEADER = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"


@pytest.fixture(scope="module")
def meld(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dialogue 0 has the turns 0, 1 and 3, red, green and blue; 1 has two turns; a clip without a row lies beside."""
    root = tmp_path_factory.mktemp("meld")
    ids = [(0, 0), (0, 1), (0, 3), (1, 0), (1, 1)]
    (root / "train_sent_emo.csv").write_text("\n".join([HEADER, *(f"Hi.,Ada,joy,{d},{u}" for d, u in ids)]))
    clips = root / "train_splits"
    clips.mkdir()
    films = coloured_films(clips)
    for (dialogue, utterance), name in zip(((0, 0), (0, 1), (0, 3), (0, 2)), (*COLOURS, "red"), strict=True):
        (clips / f"dia{dialogue}_utt{utterance}.mp4").write_bytes(films[name].read_bytes())
    return root


def table(folder: Path, *rows: str, header: str = FAIR) -> Path:
    (folder / "fair.csv").write_text("\n".join((header, *rows)), encoding="utf-8")
    return folder / "fair.csv"


def windows(turn: Turn) -> list[tuple[str, float | None, float | None]]:
    assert turn.video == turn.audio
    return [(clip.path.name, clip.start, clip.end) for clip in turn.video.windows] if turn.video else []


def note(corpus: Corpus) -> str:
    [found] = [problem.reason for problem in corpus.problems if problem.code == "realigned"]
    return found


ROWS = (
    "train,0,0,0,0,0.5,1.5",
    "train,0,1,0,1,0.0,0.5",
    "train,0,1,0,3,1.0,2.0",
    "train,0,2,0,2,0.25,0.75",  # the third turn, MELD's number 3, lies in a clip without a row
)


def test_a_turn_is_the_windows_that_the_table_names(meld: Path, tmp_path: Path) -> None:
    corpus = open_corpus(meld, Reading(realigned=str(table(tmp_path, *ROWS))))
    assert [windows(turn) for turn in corpus.turns()] == [
        [("dia0_utt0.mp4", 0.5, 1.5)],
        [("dia0_utt1.mp4", 0.0, 0.5), ("dia0_utt3.mp4", 1.0, 2.0)],
        [("dia0_utt2.mp4", 0.25, 0.75)],
        [("dia1_utt0.mp4", None, None)],
        [("dia1_utt1.mp4", None, None)],
    ]
    assert note(corpus) == (
        "2 of 5 turns are realigned by fair.csv. Only in part in the clip of their number: 1; in other clips alone: 1; "
        "in none, so with text only: 0; wholly in their own: 1. In dialogues that it does not have, with the clips "
        "they had: 2."
    )


def test_pictures_and_sound_come_from_the_windows(meld: Path, tmp_path: Path) -> None:
    corpus = open_corpus(meld, Reading(realigned=str(table(tmp_path, *ROWS))))
    settings = MediaSettings(frames=6, size=16, sample_rate=8000)
    media = [read_turn(turn, settings) for turn in corpus.turns()][:3]
    seen = ["".join("rgb"[int(frame.mean((0, 1)).argmax())] for frame in one.frames) for one in media]  # type: ignore[union-attr]
    assert seen == ["rrrrrr", "ggbbbb", "rrrrrr"]
    assert [one.seconds for one in media] == [1.0, 1.5, 0.5]
    joined = media[1].waveform
    assert joined is not None
    assert len(joined) == 12_000
    assert not np.abs(joined[:3900]).any()
    assert np.abs(joined[4200:]).mean() > 0.05


def test_turns_that_a_dialogues_rows_leave_out_have_no_clip(meld: Path, tmp_path: Path) -> None:
    corpus = realigned(open_corpus(meld), table(tmp_path, "train,0,1,0,1,0,1", "train,1,0,1,1,0,1"))
    assert [windows(turn) for turn in corpus.turns()] == [
        [], [("dia0_utt1.mp4", 0.0, 1.0)], [], [("dia1_utt1.mp4", 0.0, 1.0)], [],
    ]  # fmt: skip
    assert "in other clips alone: 1; in none, so with text only: 3;" in note(corpus)


def test_a_table_with_melds_own_numbers_is_taken_by_them(meld: Path, tmp_path: Path) -> None:
    corpus = realigned(open_corpus(meld), table(tmp_path, *(f"train,0,{n},0,{n},0,1" for n in (0, 1, 3))))
    assert [windows(turn)[0][0] for turn in corpus.turns()][:3] == ["dia0_utt0.mp4", "dia0_utt1.mp4", "dia0_utt3.mp4"]


def test_rows_that_name_no_window_are_told(meld: Path, tmp_path: Path) -> None:
    path = table(
        tmp_path, ROWS[0], "train,0,1,0,1,2.0,1.0", "night,0,1,0,1,0,1", "train,x,1,0,1,0,1", "train,0,1,0,1,,1"
    )
    problems = realigned(open_corpus(meld), path).problems
    assert [problem.row for problem in problems if problem.code == "bad-window"] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        (FAIR, [], "it holds no windows"),
        ("Split,Dialogue", ["train,0"], "it has no column for utterance, clip dialogue, clip utterance, start, end"),
    ],
)
def test_a_table_of_something_else_is_refused(
    meld: Path, tmp_path: Path, header: str, rows: list[str], sentence: str
) -> None:
    with pytest.raises(CorpusError, match=sentence):
        realigned(open_corpus(meld), table(tmp_path, *rows, header=header))
    with pytest.raises(CorpusError, match=r"gone\.csv does not realign clips: gone\.csv cannot be read"):
        realigned(open_corpus(meld), tmp_path / "gone.csv")


def test_a_corpus_without_clips_stays_so(tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_text(f"{HEADER}\nHi.,Ada,joy,0,0\n")
    [turn] = realigned(open_corpus(tmp_path), table(tmp_path, ROWS[0])).turns()
    assert turn.video is turn.audio is None
    assert Clip(tmp_path).then == ()
