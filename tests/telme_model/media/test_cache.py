"""The media cache: same content as decoding, resumable, and valid whatever happens while it is built."""

import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import telme_model.media.cache as cache_module
from telme_model.corpus.dialogue import Clip, Modality, Split, Turn, TurnId
from telme_model.events import Event, Message, Phase, Progress, StageDone, StageStarted
from telme_model.media import shards
from telme_model.media.cache import CacheError, MediaCache, build_cache, estimate
from telme_model.media.decoding import MediaSettings, OverLong, TurnMedia, read_turn
from telme_model.media.shards import ShardEntry, ShardIndex, shard_path
from tests.support import clips

SMALL = MediaSettings(size=32)
ROOT = Path(__file__).parents[3]


def turn_of(path: Path | None, number: int = 0, split: Split = Split.TRAIN) -> Turn:
    clip = None if path is None else Clip(path)
    name = TurnId(split, "0", number)
    return Turn(id=name, speaker="A", text="", start=1.0, end=2.0, video=clip, audio=clip)


@pytest.fixture
def turns(tmp_path: Path) -> list[Turn]:
    """Six turns: three whole, one without sound, one empty, one that is not there."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    paths = [clips.write_clip(folder / f"dia0_utt{n}.mp4", seconds=0.5 + n / 4) for n in range(3)]
    paths.append(clips.write_clip(folder / "dia0_utt3.mp4", seconds=0.5, channels=0))
    paths += [clips.zero_bytes(folder / "dia0_utt4.mp4"), folder / "dia0_utt5.mp4"]
    return [turn_of(path, number) for number, path in enumerate(paths)]


def build(turns: Sequence[Turn], folder: Path, settings: MediaSettings = SMALL, workers: int | None = 0) -> list[Event]:
    return list(build_cache(turns, settings, folder, workers=workers))


def progress(events: Sequence[Event]) -> list[tuple[int, int]]:
    return [(event.done, event.total) for event in events if isinstance(event, Progress)]


def assert_cached(cache: MediaCache, turns: Sequence[Turn]) -> None:
    """The cache gives what decoding gives, sound to 16 bits."""
    for turn in turns:
        media = read_turn(turn, cache.settings)
        frames, waveform = cache.frames(turn), cache.waveform(turn)
        if media.frames is None:
            assert frames is None
        else:
            assert frames is not None
            np.testing.assert_array_equal(frames, media.frames)
        if media.waveform is None:
            assert waveform is None
        else:
            assert waveform is not None
            assert waveform.dtype == np.float32
            np.testing.assert_allclose(waveform, media.waveform, atol=1 / 32768)
        assert cache.missing(turn) == media.missing
        assert cache.seconds(turn) == media.seconds
        assert cache.over_long(turn) == media.over_long


def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The utterance numbers that get decoded from now on."""
    seen: list[int] = []

    def spy(turn: Turn, settings: MediaSettings) -> object:
        seen.append(turn.id.utterance)
        return read_turn(turn, settings)

    monkeypatch.setattr(cache_module, "read_turn", spy)
    return seen


def test_cache_gives_what_decoding_gives(tmp_path: Path, turns: list[Turn]) -> None:
    events = build(turns, tmp_path / "cache")
    assert events[0] == StageStarted(phase=Phase.CACHING, steps=6, turns=6)
    assert isinstance(events[-1], StageDone)
    assert progress(events) == [(done, 6) for done in range(7)]
    cache = MediaCache(tmp_path / "cache", SMALL)
    assert_cached(cache, turns)
    assert_cached(pickle.loads(pickle.dumps(cache)), turns)
    frames = cache.frames(turns[0])
    assert frames is not None
    assert frames.shape == (8, 32, 32, 3)
    assert not frames.flags.writeable
    assert list(cache.missing(turns[3])) == [Modality.AUDIO]


@pytest.mark.slow
def test_processes_give_the_same(tmp_path: Path, turns: list[Turn]) -> None:
    events = build(turns, tmp_path / "cache", workers=2)
    assert progress(events)[-1] == (6, 6)
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_only_what_is_lacking_is_decoded(tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch) -> None:
    build(turns[:2], tmp_path / "cache")
    seen = decoded(monkeypatch)
    assert progress(build(turns, tmp_path / "cache"))[0] == (2, 6)
    assert seen == [2, 3, 4, 5]
    assert build(turns, tmp_path / "cache")[1:-1] == [Progress(phase=Phase.CACHING, done=6, total=6)]
    clips.write_clip(tmp_path / "corpus" / "dia0_utt1.mp4", seconds=1.5)
    assert turns[5].video is not None
    clips.write_clip(turns[5].video.path, seconds=0.5)  # the missing clip was found after all
    seen.clear()
    build(turns, tmp_path / "cache")
    assert seen == [1, 5]
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_a_clip_that_was_away_for_a_moment_is_looked_at_again(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "corpus" / "dia0_utt1.mp4"

    def read_away(turn: Turn, settings: MediaSettings) -> TurnMedia:
        if turn.id.utterance != 1:
            return read_turn(turn, settings)
        path.rename(tmp_path / "away.mp4")
        media = read_turn(turn, settings)
        (tmp_path / "away.mp4").rename(path)
        return media

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "read_turn", read_away)
        build(turns, tmp_path / "cache")
    cache = MediaCache(tmp_path / "cache", SMALL)
    assert "does not exist" in cache.missing(turns[1])[Modality.AUDIO]  # it can be trained without
    seen = decoded(monkeypatch)
    build(turns, tmp_path / "cache")
    assert seen == [1]
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)
    build(turns, tmp_path / "cache")
    assert seen == [1]


def test_another_look_that_shows_nothing_new_takes_no_room(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(turn: Turn, settings: MediaSettings) -> TurnMedia:
        media = read_turn(turn, settings)
        return replace(media, waveform=None, missing={Modality.AUDIO: "busy"}, passing=frozenset({Modality.AUDIO}))

    # Its picture is a file that is not there: what is missing for good does not settle what may pass.
    halved = [replace(turns[0], video=Clip(tmp_path / "film.mp4")), *turns[1:3]]
    monkeypatch.setattr(cache_module, "read_turn", unreadable)
    sizes = []
    for _ in range(3):
        assert estimate(halved, SMALL, tmp_path / "cache").turns == 3
        build(halved, tmp_path / "cache")
        sizes.append(sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*.bin")))
    assert sizes[0] == sizes[1] == sizes[2] > 0


def test_a_clip_that_changes_while_it_is_read_is_read_anew(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []

    def read_and_change(turn: Turn, settings: MediaSettings) -> TurnMedia:
        media = read_turn(turn, settings)
        reads.append(turn.id.utterance)
        if reads.count(1) == 1 and turn.id.utterance == 1:
            clips.write_clip(tmp_path / "corpus" / "dia0_utt1.mp4", seconds=1.5)
        return media

    monkeypatch.setattr(cache_module, "read_turn", read_and_change)
    build(turns, tmp_path / "cache")
    assert reads == [0, 1, 2, 3, 4, 5, 1]
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_a_clip_that_changes_again_and_is_put_back_is_read_anew(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of a third version must not lie under the name of the second, for the second comes back."""
    path = tmp_path / "corpus" / "dia0_utt1.mp4"
    second = tmp_path / "second.mp4"
    reads: list[int] = []

    def change_and_read(turn: Turn, settings: MediaSettings) -> TurnMedia:
        reads.append(turn.id.utterance)
        if turn.id.utterance == 1 and reads.count(1) == 1:
            clips.write_clip(path, seconds=1.5)
        elif turn.id.utterance == 1:
            path.rename(second)
            clips.write_clip(path, seconds=1.0)
        return read_turn(turn, settings)

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "read_turn", change_and_read)
        build(turns, tmp_path / "cache")
    assert reads == [0, 1, 2, 3, 4, 5, 1]
    second.replace(path)
    build(turns, tmp_path / "cache")
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_media_are_on_the_disk_before_the_index_names_them(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every commit, seen from the moment before the next sync: no entry's bytes lie beyond what was synced."""
    monkeypatch.setattr(shards, "_COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(shards, "_SHARD_BYTES", 60_000)
    synced: dict[int, int] = {}  # bytes by file
    sync = os.fsync

    def named_beyond() -> list[ShardEntry]:
        [index] = (tmp_path / "cache").rglob("index.sqlite")
        rows = ShardIndex(index.parent).read().values()
        ends = {row.shard: synced.get(shard_path(index.parent, row.shard).stat().st_ino, 0) for row in rows}
        return [row for row in rows if row.offset + row.length > ends[row.shard]]

    def watch(file: int) -> None:
        assert not named_beyond()
        sync(file)
        status = os.fstat(file)
        synced[status.st_ino] = status.st_size

    monkeypatch.setattr(os, "fsync", watch)
    build(turns, tmp_path / "cache")
    assert len(synced) > 1
    assert not named_beyond()
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_other_settings_are_another_cache(tmp_path: Path, turns: list[Turn]) -> None:
    build(turns, tmp_path / "cache")
    blank = MediaSettings(size=32, max_seconds=0.6, over_long=OverLong.BLANK)
    with pytest.raises(CacheError, match=r"train/dia0_utt0 is not in the cache .* changed or gone"):
        MediaCache(tmp_path / "cache", blank).frames(turns[0])
    build(turns, tmp_path / "cache", blank)
    assert_cached(MediaCache(tmp_path / "cache", blank), turns)
    assert MediaCache(tmp_path / "cache", blank).over_long(turns[1])
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_windows_of_one_file_are_turns_of_their_own(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "long.mp4", seconds=4.0)
    windows = [Clip(path, start, start + 1) for start in range(3)]
    turns = [replace(turn_of(path, n), video=window, audio=window) for n, window in enumerate(windows)]
    build(turns, tmp_path / "cache")
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_turns_without_clips_name_their_own_split(tmp_path: Path) -> None:
    turns = [turn_of(None, 0, Split.DEV), turn_of(None, 1, Split.DEV), turn_of(None, 0, Split.TEST)]
    assert progress(build(turns, tmp_path / "cache"))[-1] == (2, 2)
    cache = MediaCache(tmp_path / "cache", SMALL)
    assert "dev split" in cache.missing(turns[1])[Modality.VISUAL]
    assert "test split" in cache.missing(turns[2])[Modality.AUDIO]


def test_growing_cache_is_seen_by_an_open_one(tmp_path: Path, turns: list[Turn]) -> None:
    build(turns[:1], tmp_path / "cache")
    cache = MediaCache(tmp_path / "cache", SMALL)
    assert_cached(cache, turns[:1])
    build(turns, tmp_path / "cache")
    assert_cached(cache, turns)


def test_large_caches_go_on_in_further_files(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_SHARD_BYTES", 30_000)
    build(turns, tmp_path / "cache")
    assert len(list((tmp_path / "cache").rglob("media-*.bin"))) > 1
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_estimate_is_told_beforehand_and_comes_close(tmp_path: Path, turns: list[Turn]) -> None:
    told = estimate(turns, SMALL, tmp_path / "cache")
    assert told.turns == 6
    assert told.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert not (tmp_path / "cache").exists()
    build(turns, tmp_path / "cache")
    taken = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("media-*.bin"))
    assert told.bytes == pytest.approx(taken, rel=0.6)  # the annotated times here are made up
    assert estimate(turns, SMALL, tmp_path / "cache").turns == 0


# What can go wrong


def test_closing_keeps_what_was_done(tmp_path: Path, turns: list[Turn]) -> None:
    events = build_cache(turns, SMALL, tmp_path / "cache", workers=0)
    while not (isinstance(event := next(events), Progress) and event.done == 3):
        pass
    close(events)
    assert estimate(turns, SMALL, tmp_path / "cache").turns == 3
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns[:3])
    assert progress(build(turns, tmp_path / "cache"))[0] == (3, 6)


@pytest.mark.slow
def test_closing_stops_the_processes(tmp_path: Path, turns: list[Turn]) -> None:
    import psutil

    events = build_cache(turns, SMALL, tmp_path / "cache", workers=2)
    while not (isinstance(event := next(events), Progress) and event.done == 1):
        pass
    close(events)
    spawned = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    assert spawned == []
    build(turns, tmp_path / "cache")
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def close(events: Iterator[Event]) -> None:
    events.close()  # type: ignore[attr-defined]


BUILDER = """
import sys
from pathlib import Path
from telme_model.media.cache import build_cache
from telme_model.corpus.dialogue import Clip, Split, Turn, TurnId
from telme_model.media.decoding import MediaSettings

if __name__ == "__main__":
    clips = [Clip(path) for path in sorted(Path(sys.argv[1]).glob("*.mp4"))]
    turns = [Turn(id=TurnId(Split.TRAIN, "0", n), speaker="A", text="", start=1.0, end=2.0, video=clip, audio=clip)
             for n, clip in enumerate(clips)]
    for event in build_cache(turns, MediaSettings(size=32), Path(sys.argv[2]), workers=int(sys.argv[3])):
        print(event, flush=True)
"""


@pytest.fixture
def many(tmp_path: Path) -> list[Turn]:
    """Forty turns, copies of one clip."""
    folder = tmp_path / "many"
    folder.mkdir()
    data = clips.write_clip(folder / "dia0_utt00.mp4", seconds=1.0).read_bytes()
    paths = [folder / f"dia0_utt{number:02}.mp4" for number in range(40)]
    for path in paths[1:]:
        path.write_bytes(data)
    return [turn_of(path, number) for number, path in enumerate(paths)]


def start_builder(folder: Path, cache: Path, workers: int) -> subprocess.Popen[str]:
    script = folder.parent / "builder.py"
    script.write_text(BUILDER)
    command = [sys.executable, str(script), str(folder), str(cache), str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("workers", "moment"), [(0, 1), (0, 25), (2, 8)])
def test_killed_builder_leaves_a_valid_cache(tmp_path: Path, many: list[Turn], workers: int, moment: int) -> None:
    import psutil

    with start_builder(tmp_path / "many", tmp_path / "cache", workers) as builder:
        assert builder.stdout is not None
        for line in builder.stdout:
            if f"done={moment}," in line:
                break
        workers_left = psutil.Process(builder.pid).children(recursive=True)
        builder.send_signal(signal.SIGKILL)
    psutil.wait_procs(workers_left, timeout=20)
    assert not [process for process in workers_left if process.is_running()]
    events = build(many, tmp_path / "cache")
    assert progress(events)[-1] == (40, 40)
    assert_cached(MediaCache(tmp_path / "cache", SMALL), many[:3] + many[-3:])


@pytest.mark.slow
def test_two_builders_share_one_folder(tmp_path: Path, many: list[Turn]) -> None:
    """The second waits for the first, tells how far it is, and then has only the rest to do."""
    first = build_cache(many[:20], SMALL, tmp_path / "cache", workers=0)
    second = build_cache(many, SMALL, tmp_path / "cache", workers=0)
    while not (isinstance(event := next(first), Progress) and event.done == 5):
        pass
    waiting = [next(second) for _ in range(3)]
    assert [type(event) for event in waiting] == [StageStarted, Message, Progress]
    list(first)
    rest = progress(list(second))
    assert rest[-21:] == [(done, 40) for done in range(20, 41)]
    assert_cached(MediaCache(tmp_path / "cache", SMALL), many[:2] + many[-2:])


@pytest.mark.slow
def test_two_builder_processes(tmp_path: Path, many: list[Turn]) -> None:
    with (
        start_builder(tmp_path / "many", tmp_path / "cache", 0) as one,
        start_builder(tmp_path / "many", tmp_path / "cache", 0) as other,
    ):
        told = [builder.communicate()[0] for builder in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), told
    assert_cached(MediaCache(tmp_path / "cache", SMALL), many[::8])
    with sqlite3.connect(next((tmp_path / "cache").rglob("index.sqlite"))) as index:
        places = index.execute("SELECT shard, offset, length FROM turns ORDER BY shard, offset").fetchall()
    index.close()
    assert len(places) == 40
    assert all(a[1] + a[2] == b[1] for a, b in pairwise(places))  # none decoded twice


def test_disk_too_small_is_told_before_anything_is_decoded(
    tmp_path: Path, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "free_bytes", lambda folder: 1_000)
    with pytest.raises(CacheError, match=r"needs about 0\.2 MB more .* and 0\.0 MB are free\."):
        build(turns, tmp_path / "cache")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes")
def test_disk_that_gets_full_keeps_what_was_done(tmp_path: Path, many: list[Turn]) -> None:
    """A limit on file sizes stands for the full disk: writing fails in the middle of a turn."""
    import resource

    size = 8 * 32 * 32 * 3 + 2 * 16_000
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 * size, limits[1]))
    try:
        with pytest.raises(CacheError, match=r"MB are free\."):
            build(many, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert 25 <= estimate(many, SMALL, tmp_path / "cache").turns <= 35
    assert_cached(MediaCache(tmp_path / "cache", SMALL), many[:4])
    assert progress(build(many, tmp_path / "cache"))[-1] == (40, 40)


def test_cache_folder_that_cannot_be_made(tmp_path: Path, turns: list[Turn]) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(CacheError, match="cannot be written"):
        build(turns, tmp_path / "cache")


def test_damaged_files_are_told_and_mended(tmp_path: Path, turns: list[Turn]) -> None:
    build(turns, tmp_path / "cache")
    shard = next((tmp_path / "cache").rglob("media-0000.bin"))
    os.truncate(shard, shard.stat().st_size // 2)
    with pytest.raises(CacheError, match=r"media-0000\.bin is shorter than its index says\."):
        MediaCache(tmp_path / "cache", SMALL).frames(turns[3])
    build(turns, tmp_path / "cache")
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)
    shard.unlink()
    with pytest.raises(CacheError, match="cannot be read"):
        MediaCache(tmp_path / "cache", SMALL).frames(turns[0])
    build(turns, tmp_path / "cache")
    assert_cached(MediaCache(tmp_path / "cache", SMALL), turns)


def test_damaged_index_says_what_to_delete(tmp_path: Path, turns: list[Turn]) -> None:
    build(turns, tmp_path / "cache")
    next((tmp_path / "cache").rglob("index.sqlite")).write_bytes(b"not a database" * 100)
    for use in (lambda: build(turns, tmp_path / "cache"), lambda: estimate(turns, SMALL, tmp_path / "cache")):
        with pytest.raises(CacheError, match="delete the folder"):
            use()


def test_dead_decoding_process_is_told(tmp_path: Path, many: list[Turn]) -> None:
    import psutil

    events = build_cache(many, SMALL, tmp_path / "cache", workers=1)
    while not (isinstance(event := next(events), Progress) and event.done == 1):
        pass
    for child in psutil.Process().children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    with pytest.raises(CacheError, match="A decoding process died while reading one of these turns: train/dia0_utt"):
        list(events)
    assert estimate(many, SMALL, tmp_path / "cache").turns < 40


def test_nothing_here_loads_torch() -> None:
    heavy = ("torch", "scipy", "transformers")
    code = f"import sys, telme_model.media.cache; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
