"""Whatever teaches, learns and fuses: records, scores, exports and queues hold the run's own models and no others."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from telme_model.analysis.evaluation import mean_shares
from telme_model.analysis.models import FUSED, TITLES, Models, models_in
from telme_model.analysis.predictions import Effect
from telme_model.annotations.queues import Queue, Sources, lacking, turns_of
from telme_model.commands.main import main
from telme_model.commands.terminal import dialogue_table
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split, TurnId
from telme_model.prediction.what_if import WhatIf
from telme_model.runs.folder import RunFolder
from telme_model.runs.records import Record, run_predictions, run_records, write_records
from tests.support.corpora import LENGTHS
from tests.support.runs import ToyRun, walk

SETTINGS = {
    "voice teaches words and face": ("teacher=audio", "students=visual,text"),
    "words teach the voice": ("students=audio",),
    "the face alone": ("teacher=visual", "students="),
    "a product": ("fusion.kind=product",),
}


@pytest.fixture(scope="module", params=SETTINGS)
def run(request: pytest.FixtureRequest, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> ToyRun:
    path = tmp_path_factory.mktemp("run") / "run"
    return ToyRun(path, corpus, walk(corpus, path, *SETTINGS[request.param]))


@pytest.fixture
def models(run: ToyRun) -> Models:
    return RunFolder.open(run.path).config.models


@pytest.fixture
def records(run: ToyRun) -> list[Record]:
    return run_records(run.path, Split.TEST)


@pytest.mark.slow
def test_the_records_tell_the_models(records: list[Record], models: Models) -> None:
    assert models_in(records) == models
    assert {key for record in records for key in TITLES if record.get(key)} == set(models.keys)
    for record in records:
        assert list(record["shapley"]) == list(models.modalities)
        assert (record["displacement"] is not None) == models.shifts
        assert set(record["shift_shares"] or {}) == (set(models.students) if models.shifts else set())


def test_every_share_is_shared_out(records: list[Record], models: Models) -> None:
    for record in records:
        for shares, start in (("shapley", "baseline"), ("shift_shares", "unshifted")):
            for label in record[FUSED] if record[shares] else ():
                total = sum(of[label] for of in record[shares].values())
                assert total == pytest.approx(record[FUSED][label] - record[start][label], abs=1e-5)
    assert sum(mean_shares(records, models.modalities).values()) == pytest.approx(1)


def test_the_scores_are_of_these_models(run: ToyRun, models: Models, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--run", str(run.path), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["scores"]) == list(models.keys)
    assert main(["evaluate", "--run", str(run.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines[1:]] == [TITLES[key] for key in models.keys]


def test_a_table_of_a_dialogue_has_a_column_a_model(run: ToyRun, records: list[Record], models: Models) -> None:
    dialogue = next(of for of in open_corpus(run.corpus).dialogues if of.split is Split.TEST)
    header = next(dialogue_table(dialogue, {of["utterance"]: of for of in records if of["dialogue"] == dialogue.name}))
    assert header.split() == ["speaker", "text", "gold", *(model.short for model in models), "shift", "/", "limit"]


def test_exports_have_the_columns_of_these_models(records: list[Record], models: Models, tmp_path: Path) -> None:
    write_records(records, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert {name.removesuffix(".joy") for name in header if name.endswith(".joy")} & set(TITLES) == set(models.keys)
    assert {name for name in header if name.startswith("shapley.") and name.endswith(".joy")} == {
        f"shapley.{modality}.joy" for modality in models.modalities
    }


def test_columns_and_queues_are_of_these_models(run: ToyRun, records: list[Record], models: Models) -> None:
    columns = run_predictions(RunFolder.open(run.path), records)
    assert columns.models == models
    said = np.stack([columns.predicted[key] for key in models.keys if key != FUSED])
    torn = [len({emotion for emotion in of if emotion >= 0}) > 1 for of in said.T.tolist()]
    assert columns.effects[Effect.CONFLICT].tolist() == torn
    sources = Sources(turns=columns.ids, predictions=columns)
    against_the_teacher = (said[0] >= 0) & ((said[1:] >= 0) & (said[1:] != said[0])).any(0)
    assert set(turns_of(Queue.CONFLICT, sources)) == {columns.ids[row] for row in np.flatnonzero(against_the_teacher)}
    assert bool(lacking(Queue.LARGE_SHIFT, sources)) != models.shifts
    assert bool(lacking(Queue.CONFLICT, sources)) != bool(models.students)
    assert not lacking(Queue.LOW_MARGIN, sources)


def test_what_if_answers_with_the_record(run: ToyRun, records: list[Record]) -> None:
    """But for rounding, for a turn is fused alone; muting all leaves the stand-ins' word."""
    whatif = WhatIf(run.path, open_corpus(run.corpus))
    assert len(records) == sum(LENGTHS[Split.TEST])
    for record in records:
        turn = TurnId(Split.TEST, record["dialogue"], record["utterance"])
        answer = whatif.ask(turn)
        assert list(answer) == list(record)
        assert {name: value for name, value in answer.items() if not isinstance(value, dict)} == {
            name: value for name, value in record.items() if not isinstance(value, dict)
        }
        assert answer[FUSED] == pytest.approx(record[FUSED], abs=1e-5)
        muted = whatif.ask(turn, mute=RunFolder.open(run.path).config.modalities)
        assert [key for key in TITLES if muted.get(key)] == [FUSED]
