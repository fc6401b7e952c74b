"""What is remembered comes back, and nothing that stands in the file stops a start."""

from pathlib import Path

import pytest

from telme_gui.look.settings import RECENT, Annotating, Playback, Recent, Settings, Theme, load, save
from telme_model.annotations.labels import Scope


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    settings = Settings(
        theme=Theme.DARK,
        recent=[Recent("/data/MELD", "/runs/a")],
        geometry="AQ==",
        state="Ag==",
        playback=Playback(volume=0.25, muted=True, speed=1.5),
        annotating=Annotating(layer="ann", shown=True, plays=False, scope=Scope.SOUND, blind=True),
    )
    assert save(settings, path)
    assert load(path) == settings
    assert load(path).annotating.scope is Scope.SOUND
    assert [entry.name for entry in path.parent.iterdir()] == ["settings.json"]


def test_a_first_start_has_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.json") == Settings()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"[" * 100_000,
        b"null",
        b'{"theme": "pink", "recent": [], "geometry": "", "state": "", "splitter": ""}',
        b'{"theme": "dark", "recent": [{"where": 1}], "geometry": "", "state": "", "splitter": ""}',
        b'{"theme": "dark", "recent": [], "geometry": 7, "state": "", "splitter": ""}',
        b'{"theme": "dark", "recent": []}',
        b'{"theme": "dark", "recent": [], "geometry": "", "state": "", "splitter": "", "playback": {"volume": NaN}}',
        b'{"theme": "dark", "recent": [], "geometry": "", "state": "", "splitter": "", "playback": {"speed": "fast"}}',
        b'{"theme": "dark", "recent": [], "geometry": "", "state": "", "splitter": "", "playback": {"muted": 1}}',
        b'{"theme": "dark", "recent": [], "geometry": "", "state": "", "splitter": "", "playback": 5}',
        b'{"theme": "dark", "recent": [], "geometry": "", "state": "", "splitter": "", "annotating": 5}',
        b'{"theme": "dark", "recent": [], "geometry": "", "state": "", "splitter": "", "annotating": {"scope": "x"}}',
    ],
)
def test_a_broken_file_is_put_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    told: list[str] = []
    assert load(path, told.append) == Settings()
    assert not path.exists()
    aside = tmp_path / "settings.broken.json"
    assert aside.read_bytes() == content
    assert told == [f"The program begins with its own settings. The file that could not be read is kept as {aside}."]
    assert load(path, told.append) == Settings()  # there is none any more
    assert len(told) == 1


def test_a_place_that_cannot_be_used_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = tmp_path / "file" / "settings.json"
    assert load(path) == Settings()
    assert not save(Settings(), path)
    (tmp_path / "folder.json").mkdir()
    assert load(tmp_path / "folder.json") == Settings()


def test_recent_ones_are_the_newest_each_once(tmp_path: Path) -> None:
    settings = Settings()
    for number in range(RECENT + 3):
        settings.remember(tmp_path / str(number), None)
    settings.remember(tmp_path / "5", tmp_path / "run")
    assert len(settings.recent) == RECENT
    assert settings.recent[0] == Recent(str(tmp_path / "5"), str(tmp_path / "run"))
    assert sum(entry.corpus == str(tmp_path / "5") for entry in settings.recent) == 1
    settings.remember(tmp_path / "5", None, "test/dia0_utt1")
    assert (settings.of(tmp_path / "5").turn, settings.of(tmp_path / "nowhere").turn) == ("test/dia0_utt1", "")
