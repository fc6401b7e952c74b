"""What is remembered comes back, and nothing that stands in the file stops a start."""

import json
import math
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_gui.look.settings import RECENT, Annotating, LastTraining, Playback, Recent, Settings, Theme, load, save
from telme_model.annotations.labels import Scope
from telme_model.settings import to_dict

OLD = Path(__file__).parents[2] / "support" / "old" / "settings.json"
TREE = json.loads(OLD.read_text(encoding="utf-8"))


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


def test_those_of_a_version_before_are_read_and_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings = load(OLD, pytest.fail)
    changes = ["stages.teacher.epochs=3", "fusion.heads=2", "students=audio"]
    assert settings.training == LastTraining(
        preset="compact", settings=changes, seeds="0-4", folder="/runs", layer="ann"
    )
    assert save(settings, path)
    assert path.read_bytes() == OLD.read_bytes()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[1, 2]", b"[" * 100_000, b"null"])
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


def loaded(tree: object, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What is made of settings, and what is said."""
    path, told = folder / "settings.json", list[str]()
    path.write_text(json.dumps(tree), encoding="utf-8")
    settings = load(path, told.append)
    assert settings.file == path
    assert path.exists()
    return to_dict(settings), told


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("theme", "pink", "theme is 'pink'; it has to be one of system, light, dark"),
        ("geometry", 7, "geometry is 7; it has to be text in quotes"),
        (
            "recent",
            [{"where": 1}],
            "there is no setting 'recent.where'; known here: corpus, run, .*. recent lacks corpus",
        ),
        ("playback", {"volume": math.nan}, "playback.volume is nan; it has to be at least 0 and at most 1 and finite"),
        ("playback", {"speed": "fast"}, "playback.speed is 'fast'; it has to be a number"),
        ("playback", {"muted": 1}, "playback.muted is 1; it has to be true or false"),
        ("playback", 5, "playback has to be a table of settings, not 5"),
        ("annotating", {"scope": "x"}, "annotating.scope is 'x'; it has to be one of all, text, sound, face"),
        ("annotating", {"layer": ""}, "annotating.layer is empty; it has to name a layer"),
        ("file", "/etc/passwd", "there is no setting 'file'"),
    ],
)
def test_what_cannot_be_is_left_out_and_said(tmp_path: Path, key: str, value: object, sentence: str) -> None:
    found, told = loaded({"state": "Ag==", key: value}, tmp_path)
    assert found == {**to_dict(Settings()), "state": "Ag=="}
    assert len(told) == 1
    assert re.fullmatch(rf"The other settings are as they were. Left out: {sentence}.*\.", told[0])


def places(tree: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Where something stands; what a filter holds is not known here."""
    if path and path[-1] != "filter":
        yield path
    for name, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        if path[-1:] != ("filter",):
            yield from places(part, *path, name)


def without(tree: Any, path: tuple[Any, ...]) -> Any:
    """The tree in which what stands there is as in new settings, or is not there at all where they have none."""
    tree = deepcopy(tree)
    plain: Any = to_dict(Settings(recent=[Recent("")]))
    *owners, name = path[:2] if path[-1] == "corpus" else path  # without its corpus an entry is nothing
    branch: Any = tree
    for owner in owners:
        branch = branch[owner]
        plain = plain[0 if isinstance(owner, int) else owner]
    if isinstance(branch, list) or name not in plain:
        del branch[name]
    else:
        branch[name] = [] if name == "recent" else plain[name]
    return tree


@given(path=st.sampled_from(list(places(TREE))), damage=st.sampled_from([None, -7, [None], {"no": None}]))
def test_any_one_that_is_damaged_leaves_the_others(
    tmp_path_factory: pytest.TempPathFactory, path: tuple[Any, ...], damage: object
) -> None:
    tree = deepcopy(TREE)
    branch: Any = tree
    for owner in path[:-1]:
        branch = branch[owner]
    branch[path[-1]] = damage
    found, told = loaded(tree, tmp_path_factory.mktemp("damaged"))
    assert found == without(TREE, path)
    assert len(told) == 1
    assert ".".join(name for name in path if isinstance(name, str)) in told[0]


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
