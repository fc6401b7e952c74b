"""A tiny corpus with real clips, its decoded media and a toy run finished on it: each made once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from telme_model.corpus import open_corpus
from telme_model.media.cache import build_cache
from telme_model.runs.presets import TOY
from tests.support import released
from tests.support.bad_inputs import Bench
from tests.support.corpora import write_corpus
from tests.support.runs import ToyRun, walk


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The toy corpus. Its media are decoded once, into a cache that everything here and its children find."""
    root = write_corpus(tmp_path_factory.mktemp("corpus") / "Toy series")
    cache = tmp_path_factory.mktemp("cache")
    for _ in build_cache(tuple(open_corpus(root).turns()), TOY.media, cache, workers=0):
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELME_CACHE", str(cache))
        yield root


@pytest.fixture(scope="session")
def toy_run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> ToyRun:
    """A finished run of the toy preset, to be read only."""
    path = tmp_path_factory.mktemp("runs") / "toy"
    return ToyRun(path, corpus, walk(corpus, path))


@pytest.fixture
def run_copy(toy_run: ToyRun, tmp_path: Path) -> Path:
    """The finished run once more, to be changed."""
    return Path(shutil.copytree(toy_run.path, tmp_path / "run"))


@pytest.fixture(scope="session")
def taught(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which the teacher alone is trained, to be read only."""
    run = tmp_path_factory.mktemp("taught") / "run"
    walk(corpus, run, "stages.teacher.epochs=1", stages=("teacher",))
    return run


@pytest.fixture
def bench(tmp_path: Path, toy_run: ToyRun, taught: Path) -> Bench:
    """Where one broken thing is made."""
    return Bench(tmp_path, toy_run, taught)


@pytest.fixture(scope="module", params=released.SOURCES)
def meld(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> released.Meld:
    """MELD's annotation files: a small made-up sample of their form, and the real ones where they are."""
    return released.meld(request.param, tmp_path_factory.mktemp("meld"))


@pytest.fixture(scope="module", params=released.SOURCES)
def emorynlp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> released.Emorynlp:
    """EmoryNLP's annotation files, likewise."""
    return released.emorynlp(request.param, tmp_path_factory.mktemp("emorynlp"))
