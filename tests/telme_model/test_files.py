"""Files are whole or as they were, and what the system refuses is a sentence, with the full disk told apart."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from telme_model.errors import MemoryFullError, StudioError
from telme_model.files import DiskFullError, FileError, clear_leftovers, refusals, refused, write_whole

FULL = [errno.ENOSPC, errno.EFBIG, errno.EDQUOT]


class _RoomError(StudioError):
    """Another room's."""


def _refuse(number: int) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_file_is_there_whole(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    write_whole(place, lambda scratch: scratch.write_text("new", encoding="utf-8"))
    assert place.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [place]


def test_it_is_synced_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "run.json"
    place.write_text("old", encoding="utf-8")
    synced = []

    def sync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, place.read_text(encoding="utf-8")))

    monkeypatch.setattr(os, "fsync", sync)
    write_whole(place, lambda scratch: scratch.write_text("new", encoding="utf-8"))
    assert synced == [(place.stat().st_ino, "old"), (tmp_path.stat().st_ino, "new")]  # and then its folder


def test_what_a_kill_has_left_is_cleared_once_nobody_can_be_at_it(tmp_path: Path) -> None:
    for name in (".a.new", ".b.new"):
        (tmp_path / name).touch()
    (tmp_path / ".recover-1").mkdir()
    (tmp_path / ".recover-1" / "copy").touch()
    for old in (".a.new", ".recover-1"):
        os.utime(tmp_path / old, (0, 0))
    clear_leftovers(tmp_path, ".*.new", ".recover-*")
    assert [path.name for path in tmp_path.iterdir()] == [".b.new"]


@pytest.mark.parametrize("number", FULL)
@pytest.mark.parametrize("at_sync", [False, True])
def test_a_full_disk_is_told_apart_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, at_sync: bool
) -> None:
    place = tmp_path / "run.json"
    place.write_text("old", encoding="utf-8")
    if at_sync:
        monkeypatch.setattr(os, "fsync", _refuse(number))
    with pytest.raises(DiskFullError) as caught:
        write_whole(place, Path.touch if at_sync else _refuse(number), _RoomError)
    assert str(caught.value) == f"{place} cannot be written: {os.strerror(number)}"
    assert caught.value.remedy
    assert place.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT, errno.EISDIR, errno.EROFS, errno.EIO])
def test_other_refusals_are_the_room_s_own_kind(tmp_path: Path, number: int) -> None:
    place = tmp_path / "table.csv"
    with pytest.raises(_RoomError) as caught, refusals(place, "read", _RoomError, "Choose another."):
        _refuse(number)()
    assert caught.value.advice == f"{place} cannot be read: {os.strerror(number)}. Choose another."


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(FileError, match=r"run\.json cannot be written: Is a directory"):
        write_whole(tmp_path / "run.json", Path.touch)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_a_defect_goes_through_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_whole(tmp_path / "run.json", lambda scratch: scratch.write_bytes(bytes(1 // 0)))
    assert not list(tmp_path.iterdir())


def test_what_nobody_nearer_has_put_into_words() -> None:
    missing = refused(FileNotFoundError(errno.ENOENT, "No such file or directory", "clip.mp4"))
    assert (type(missing), str(missing)) == (FileError, "clip.mp4: No such file or directory")
    assert type(refused(OSError(errno.ENOSPC, "No space left on device"))) is DiskFullError
    assert str(refused(OSError("the sound device does not answer"))) == "the sound device does not answer"
    assert isinstance(refused(MemoryError()), MemoryFullError)
