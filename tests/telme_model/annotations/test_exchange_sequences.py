"""Imports among other edits, and imports that are killed; tests/benchmarks/imports.py does many more."""

from pathlib import Path

import pytest

from telme_model.annotations.store import Store
from telme_model.corpus import open_corpus
from tests.benchmarks.imports import all_afraid, killed_import
from tests.support.corpora import write_corpus
from tests.support.sequences import run_sequence


def test_random_sequences_are_as_a_plain_model_has_them(tmp_path: Path) -> None:
    corpus = open_corpus(write_corpus(tmp_path / "corpus", clips=False))
    with Store.open(tmp_path / "store.sqlite", corpus) as store:
        for seed in range(6):
            run_sequence(seed, store, corpus, tmp_path)


@pytest.mark.slow
def test_a_killed_import_leaves_the_store_before_or_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELME_ANNOTATIONS", str(tmp_path / "annotations"))
    corpus = open_corpus(write_corpus(tmp_path / "corpus", clips=False))
    path = all_afraid(corpus, tmp_path / "labels.jsonl")
    assert {killed_import(corpus, path, delay) for delay in (0.0, 0.005, 2.0)} <= {"before", "after"}
