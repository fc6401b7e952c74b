"""What version 0.1.0 left on a disk opens unchanged: a run, a label store and settings; its media cache is made anew.

`tests/support/old/` holds them as that version wrote them; `expected.json` beside them what it read in them.
"""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from telme_gui.look import settings
from telme_model.annotations.labels import Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.store import Store
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Clip, Corpus, Split, Turn
from telme_model.events import Message, StepDone, TurnPredicted
from telme_model.media.cache import MediaCache, build_cache, estimate
from telme_model.prediction.predictor import predict
from telme_model.runs.config import Config, to_dict
from telme_model.runs.folder import RunFolder
from telme_model.runs.history import History
from telme_model.runs.plan import flat
from telme_model.runs.presets import TOY
from telme_model.runs.records import run_records, score_run
from tests.support.runs import walk

OLD = Path(__file__).parent / "support" / "old"
EXPECTED: dict[str, Any] = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))
MEDIA = TOY.media


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A copy of the corpus that all of it belongs to."""
    return open_corpus(Path(shutil.copytree(OLD / "corpus", tmp_path / "corpus")))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A copy of the run, in a place of its own."""
    return RunFolder.open(Path(shutil.copytree(OLD / "run", tmp_path / "run")))


@pytest.fixture
def cache(tmp_path: Path, corpus: Corpus) -> Path:
    """A copy of the cache, under the keys of the clips' copies: they are filed by place and time of change."""
    folder = Path(shutil.copytree(OLD / "cache", tmp_path / "cache"))
    (index,) = folder.rglob("index.sqlite")
    with closing(sqlite3.connect(index)) as connection, connection:
        for turn in corpus.turns():
            old, files = EXPECTED["keys"][str(turn.id)]
            assert _key(turn, *files) == old
            now = (_key(turn, *map(_identity, (turn.video, turn.audio))), old)
            connection.execute("UPDATE turns SET key = ? WHERE key = ?", now)
    return folder


def _key(turn: Turn, *files: Any) -> str:
    """What a turn's media are filed under, as 0.1.0 did it."""
    text = json.dumps([files, None if all(files) else turn.id.split])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _identity(clip: Clip | None) -> list[str | float | None] | None:
    if clip is None:
        return None
    there = clip.path.exists()
    size, changed = (clip.path.stat().st_size, clip.path.stat().st_mtime_ns) if there else (-1, -1)
    return [str(clip.path.absolute()), size, changed, clip.start, clip.end]


# a run


def test_a_run_tells_its_settings_its_past_and_its_scores(run: RunFolder) -> None:
    old, now = flat(EXPECTED["config"]), flat(to_dict(run.config))
    assert {key: now[key] for key in old} == old
    later = now.keys() - old.keys()  # settings that it did not have say what it did
    assert {key: now[key] for key in later} == {key: flat(to_dict(Config()))[key] for key in later}
    assert score_run(run.path, Split.TEST) == EXPECTED["test"]
    history = History.read(run.path / "events.jsonl")
    assert history.result is not None
    told = {phase: stage.best.dev_weighted_f1 for phase, stage in history.stages.items() if stage.best is not None}
    assert told == {phase: facts["dev_weighted_f1"] for phase, facts in EXPECTED["stages"].items()}
    assert run.facts["stages"] == EXPECTED["stages"]


@pytest.mark.parametrize("anew", [False, True], ids=["from its embeddings", "from the clips"])
def test_a_run_predicts_what_it_predicted(run: RunFolder, corpus: Corpus, cache: Path, anew: bool) -> None:
    if anew:
        shutil.rmtree(run.path / "embeddings")
    told = [e.record for e in predict(run.path, corpus, [Split.TEST], cache=cache) if isinstance(e, TurnPredicted)]
    old = run_records(run.path, Split.TEST)
    assert [_shape(record) for record in told] == [_shape(record) for record in old]
    for ours, theirs in zip(told, old, strict=True):
        assert _numbers(ours) == pytest.approx(_numbers(theirs), abs=2e-5)  # another processor rounds otherwise


def _shape(tree: Any) -> Any:
    """All but the numbers."""
    if isinstance(tree, dict):
        return {name: _shape(value) for name, value in tree.items()}
    return float if isinstance(tree, float) else tree


def _numbers(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [number for value in tree.values() for number in _numbers(value)]
    return [tree] if isinstance(tree, float) else []


def test_a_run_is_gone_on_with_where_it_was_stopped(
    run: RunFolder, corpus: Corpus, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`stopped/` is what differs in the same run, stopped after the first step of its fusion."""
    monkeypatch.setenv("TELME_CACHE", str(cache))
    fusion = run.path / "weights" / "fusion.safetensors"
    ended = load_file(fusion)
    for name in ("weights/fusion.safetensors", "weights/background.safetensors", "scores.json"):
        (run.path / name).unlink()
    shutil.rmtree(run.path / "predictions")
    shutil.copytree(OLD / "stopped", run.path, dirs_exist_ok=True)
    steps = [event.step for event in walk(corpus.root, run.path, resume=True) if isinstance(event, StepDone)]
    assert steps[0] == 2
    assert set(run.facts["stages"]) == set(EXPECTED["stages"])
    for name, tensor in load_file(fusion).items():
        assert tensor == pytest.approx(ended[name], abs=1e-4)


# a label store


@pytest.fixture
def store_file(corpus: Corpus) -> Path:
    """A copy of the store, where this program looks for it."""
    path = store_path(corpus)
    (old,) = (OLD / "annotations").glob("*.sqlite")
    assert path.name == old.name
    path.parent.mkdir(parents=True)
    return Path(shutil.copy(old, path))


def _labels(store: Store) -> list[Any]:
    def plain(label: Label) -> dict[str, Any]:
        names = ("emotion", "unsure", "flag", "comment", "origin", "run", "time")
        return {name: getattr(label, name) for name in names}

    return [
        [layer, str(scope), str(turn), plain(label)]
        for layer in store.layers()
        for scope in Scope
        for turn, label in sorted(store.labels(layer, scope).items())
    ]


def test_a_label_store_holds_its_layers_and_takes_back_every_edit(store_file: Path, corpus: Corpus) -> None:
    expected = EXPECTED["store"]
    with Store.open(store_file, corpus) as store:
        assert store.layers() == tuple(expected["layers"])
        assert _labels(store) == expected["labels"]
        assert store.redoable is not None
        assert store.redoable.name == expected["redo"]
        undone = []
        while (step := store.undo()) is not None:
            turn = str(step.turn) if step.turn else None
            undone.append([step.name, step.layer, turn, step.size, _labels(store)])
    assert undone == expected["undo"]


# settings


def test_settings_come_back(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD / "settings.json", tmp_path))
    told: list[str] = []
    loaded = settings.load(path, told.append)
    assert told == []
    assert settings.save(loaded, tmp_path / "saved.json")
    old = json.loads((OLD / "settings.json").read_text(encoding="utf-8"))
    assert json.loads((tmp_path / "saved.json").read_text(encoding="utf-8")) == old
    assert loaded.theme is settings.Theme.DARK
    assert [entry.corpus for entry in loaded.recent] == ["/data/MELD.Raw", "/data/IEMOCAP"]
    assert (loaded.playback.volume, loaded.playback.muted, loaded.playback.speed) == (0.35, True, 1.5)
    assert loaded.training.settings == ["stages.teacher.epochs=3", "fusion.heads=2", "students=audio"]
    assert (loaded.annotating.layer, loaded.annotating.scope) == ("ann", Scope.SOUND)
    assert loaded.keys == {"next turn": "J", "accept": "Return"}


# a media cache


def test_a_cache_of_an_earlier_version_is_built_anew_and_says_why(cache: Path, corpus: Corpus) -> None:
    """Its frames may be wrong; these are not, so what is decoded anew is what it held."""
    turns = tuple(corpus.turns())
    before = {path: path.read_bytes() for path in cache.rglob("*.*") if path.is_file()}
    (old,) = {path.parent for path in before}
    assert estimate(turns, MEDIA, cache).turns == len({(turn.video, turn.audio, turn.id.split) for turn in turns})
    messages = [event.text for event in build_cache(turns, MEDIA, cache, workers=0) if isinstance(event, Message)]
    (message,) = messages
    assert message.startswith(f"The decoded media in {old} are of an earlier version")
    assert message.endswith("they are decoded anew, and that folder may be deleted.")
    assert {path: path.read_bytes() for path in before} == before
    media = MediaCache(cache, MEDIA)
    for turn in turns:
        told = EXPECTED["media"][str(turn.id)]
        frames, sound = media.frames(turn), media.waveform(turn)
        shape, total, _ = told["frames"] or [None, 0, ""]
        assert (None if frames is None else list(frames.shape)) == shape
        assert (0 if frames is None else int(frames.sum())) == pytest.approx(total, rel=1e-3)
        assert (None if sound is None else len(sound)) == (told["sound"][0] if told["sound"] else None)
        assert media.seconds(turn) == pytest.approx(told["seconds"])
        assert {str(modality) for modality in media.missing(turn)} == set(told["missing"])


def test_a_cache_that_is_built_says_nothing_the_second_time(cache: Path, corpus: Corpus) -> None:
    turns = tuple(corpus.turns())
    list(build_cache(turns, MEDIA, cache, workers=0))
    assert estimate(turns, MEDIA, cache).turns == 0
    assert not [event for event in build_cache(turns, MEDIA, cache, workers=0) if isinstance(event, Message)]
