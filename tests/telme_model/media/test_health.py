"""What `health.check` finds in clips that are damaged in known ways."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, Dialogue, Problem, Severity, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.corpus.health import ProblemFound
from telme_model.events import Progress
from telme_model.media.health import check
from tests.support import clips


def turn(utterance: int = 0, *, clip: Path | None = None, start: float | None = None, end: float | None = None) -> Turn:
    """A turn whose picture and sound are the file `clip`."""
    media = Clip(clip) if clip else None
    return Turn(
        id=TurnId(Split.DEV, "0", utterance), speaker="Ada", text="Okay.", gold="joy", start=start, end=end, row=2,
        video=media, audio=media,
    )  # fmt: skip


def corpus(root: Path, *turns: Turn, problems: tuple[Problem, ...] = ()) -> Corpus:
    dialogue = Dialogue(split=Split.DEV, name="0", turns=turns)
    return Corpus(root=root, kind="meld", labels=MELD, dialogues=(dialogue,), problems=problems)


def found(of: Corpus) -> list[Problem]:
    return [event.problem for event in check(of) if isinstance(event, ProblemFound)]


def write_wav(path: Path, *, seconds: float = 1.0) -> Path:
    return clips.write_clip(path, seconds=seconds, picture=False, channels=1, codecs=("", "pcm_s16le"))


def test_problems_of_reading_come_first(tmp_path: Path) -> None:
    read = Problem(severity=Severity.FATAL, code="empty-file", file=tmp_path, reason="Empty.")
    assert found(corpus(tmp_path, replace(turn(), text=""), problems=(read,)))[0] is read


def _missing(path: Path) -> Path:
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _dangling(path: Path) -> Path:
    path.symlink_to("gone.mp4")
    return path


def _circle(path: Path) -> Path:
    path.symlink_to(path)
    return path


BROKEN: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "missing": (_missing, "missing-clip", "clip.mp4 does not exist."),
    "zero bytes": (clips.zero_bytes, "empty-clip", "clip.mp4 is empty (zero bytes)."),
    "a folder": (_folder, "not-a-file", "clip.mp4 is a folder, not a clip."),
    "a dangling link": (_dangling, "dangling-link", "clip.mp4 is a link to gone.mp4, which does not exist."),
    "a link to itself": (_circle, "dangling-link", "clip.mp4 is a link that leads round in a circle."),
    "garbage": (clips.garbage, "undecodable", "clip.mp4 is not a clip that can be read (invalid data"),
    "text": (clips.text, "undecodable", "clip.mp4 is not a clip that can be read (invalid data"),
    "no index": (clips.no_moov, "undecodable", "clip.mp4 is an mp4 without a usable index (moov atom)"),
    "cut off": (clips.truncated, "cut-off", "clip.mp4 breaks off after "),
    "no sound": (lambda path: clips.write_clip(path, channels=0), "no-sound", "clip.mp4 has no sound."),
    "no picture": (lambda path: clips.write_clip(path, picture=False), "no-picture", "clip.mp4 has no picture."),
}


@pytest.mark.parametrize(("make", "code", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_bad_clip_is_a_warning(tmp_path: Path, make: Callable[[Path], Path], code: str, sentence: str) -> None:
    path = tmp_path / "clip.mp4"
    make(path)
    [problem] = found(corpus(tmp_path, turn(clip=path)))
    assert (problem.code, problem.severity, problem.file) == (code, "warning", path)
    assert (problem.turn, problem.row) == (TurnId(Split.DEV, "0", 0), 2)
    assert sentence in problem.reason


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("clip.MP4", "clip.mp4 does not exist, but clip.MP4 is there: rename it."),
        ("Clip.avi", "clip.mp4 does not exist, but Clip.avi is there: convert it."),
        ("clip2.mp4", "clip.mp4 does not exist."),
    ],
)
def test_a_missing_clip_is_told_with_what_lies_there_in_its_place(tmp_path: Path, name: str, sentence: str) -> None:
    clips.write_clip(tmp_path / name)
    missing, extra = found(corpus(tmp_path, turn(clip=tmp_path / "clip.mp4")))
    assert (missing.code, missing.reason) == ("missing-clip", sentence)
    assert extra.code == "extra-files"


def test_a_clip_that_one_may_not_open_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4")
    path.chmod(0)
    if os.geteuid() == 0:  # who may open everything
        monkeypatch.setattr("telme_model.media.reader.av.open", _forbidden)
        monkeypatch.setattr(Path, "open", _forbidden)
    [problem] = found(corpus(tmp_path, turn(clip=path)))
    assert (problem.code, problem.severity) == ("unreadable", "warning")
    assert problem.reason == "clip.mp4 cannot be opened (permission denied)."


def _forbidden(*arguments: object, **options: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_stream_of_which_nothing_decodes_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    data = bytearray(clips.write_clip(path, channels=0).read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - start)
    path.write_bytes(data)
    problems = found(corpus(tmp_path, replace(turn(clip=path), audio=None)))
    assert [problem.reason for problem in problems] == [
        "The picture of clip.mp4 cannot be decoded: the file is damaged."
    ]


GOOD: dict[str, Callable[[Path], Path]] = {
    "ordinary": clips.write_clip,
    "variable frame rate": clips.variable_frame_rate,
    "late sound": lambda path: clips.write_clip(path, sound_start=0.7),
    "late picture": lambda path: clips.write_clip(path, picture_start=0.7),
    "five frames": lambda path: clips.write_clip(path, seconds=5 / 24),
    "5.1": lambda path: clips.write_clip(path, channels=6),
    "edit list": clips.edit_list,
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_an_odd_but_whole_clip_is_no_problem(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = tmp_path / "clip.mp4"
    make(path)
    assert found(corpus(tmp_path, turn(clip=path))) == []


def test_a_clip_unlike_its_annotation_is_a_note(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", seconds=1.0)
    assert found(corpus(tmp_path, turn(clip=path, start=10.0, end=12.0))) == []
    [problem] = found(corpus(tmp_path, turn(clip=path, start=10.0, end=13.5)))
    assert (problem.code, problem.severity) == ("length-differs", "note")
    assert problem.reason == "clip.mp4 is 1.0 s long but annotated as 3.5 s; the clip's length is used."
    [problem] = found(corpus(tmp_path, turn(clip=path, start=10.0, end=20.0)))
    assert (problem.code, problem.severity) == ("length-differs", "warning")  # likely another turn's


def test_a_clip_over_thirty_seconds_is_a_warning(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "clip.wav", seconds=31.0)
    [problem] = found(corpus(tmp_path, replace(turn(clip=path), video=None)))
    assert problem.reason == "clip.wav is 31.0 s long; clips of a turn are under 30 s."


def test_windows_share_a_film_and_must_lie_in_it(tmp_path: Path) -> None:
    film = clips.write_clip(tmp_path / "film.avi", seconds=4.0, channels=0, codecs=("mpeg4", ""))
    wav = Clip(write_wav(tmp_path / "turn.wav"))
    inside, outside = (
        replace(turn(place), video=Clip(film, end - 1, end), audio=wav) for place, end in enumerate((3.0, 9.0))
    )
    assert found(corpus(tmp_path, inside)) == []
    [problem] = found(corpus(tmp_path, inside, outside))
    assert problem.reason == "dev/dia0_utt1 ends at 9.0 s of film.avi, which is 4.0 s long."


def test_files_without_a_row_are_counted_by_kind(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    path = clips.write_clip(folder / "dia0_utt0.mp4")
    names = [f"x{number}.mp4" for number in range(4)]
    for name in (*names, "final_videos_testdia1_utt2.mp4", "._dia0_utt0.mp4", "readme.me"):
        (folder / name).touch()
    problems = found(corpus(tmp_path, turn(clip=path)))
    assert {problem.severity for problem in problems} == {Severity.NOTE}
    assert [problem.reason for problem in problems] == [
        "4 files without a row in the annotations: clips/x0.mp4, clips/x1.mp4, clips/x2.mp4, ...; ignored.",
        "1 file left by macOS archives: clips/._dia0_utt0.mp4; ignored.",
        "1 file of the final_videos_test series: clips/final_videos_testdia1_utt2.mp4; ignored.",
    ]


def test_progress_is_told_for_every_turn_with_media(tmp_path: Path) -> None:
    made = corpus(tmp_path, *(turn(place, clip=tmp_path / "gone" / f"{place}.mp4") for place in range(3)), turn(9))
    events = [event for event in check(made) if isinstance(event, Progress)]
    assert [(event.done, event.total) for event in events] == [(1, 3), (2, 3), (3, 3)]
    assert list(check(made, media=False)) == []
