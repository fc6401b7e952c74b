"""The models of a run: a config and its records tell the same ones, whatever teaches and whatever fuses."""

from dataclasses import fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telme_model.analysis.models import ENCODERS, MODELS, STANDARD, TITLES, Models, models_in, models_of
from telme_model.analysis.predictions import Effect
from telme_model.corpus.dialogue import Modality, Split, Turn, TurnId
from telme_model.events import Phase
from telme_model.runs.config import Config, FusionConfig, FusionKind, Stages
from tests.support.predictions import predictions, records

TEXT, AUDIO, VISUAL = Modality
TURNS = [Turn(id=TurnId(Split.TEST, "0", number), speaker="Ada", text="Okay.", gold="joy") for number in range(8)]
LABELS = ("anger", "joy", "neutral")

MODALITIES = st.sampled_from(Modality)
CONFIGS = st.builds(
    lambda teacher, others, kind: Config(
        teacher=teacher,
        students=tuple(modality for modality in others if modality is not teacher),
        fusion=FusionConfig(kind=kind),
    ),
    MODALITIES,
    st.permutations(list(Modality)).flatmap(lambda order: st.integers(0, 3).map(lambda count: order[:count])),
    st.sampled_from(FusionKind),
)


def test_the_standard_run_has_four_models() -> None:
    assert Config().models == STANDARD
    assert [model.key for model in STANDARD] == ["teacher", "audio", "visual", "fused"]
    assert [model.short for model in STANDARD] == ["teacher", "audio", "visual", "fused"]
    assert [model.title for model in STANDARD] == ["text teacher", "audio student", "visual student", "fused"]
    assert [model.stage for model in STANDARD] == ["teacher", "audio", "visual", "fusion"]


def test_a_text_student_has_a_field_of_its_own() -> None:
    models = models_of(AUDIO, (VISUAL, TEXT))
    assert [model.key for model in models] == ["teacher", "text_student", "visual", "fused"]
    assert [model.short for model in models] == ["teacher", "text", "visual", "fused"]
    assert [model.title for model in models] == ["audio teacher", "text student", "visual student", "fused"]
    assert [model.phase for model in models] == [Phase.TEACHER, Phase.TEXT, Phase.VISUAL, Phase.FUSION]
    assert models.student_keys == ("text_student", "visual")
    assert models.modalities == (TEXT, AUDIO, VISUAL)


def test_the_one_table_has_a_row_for_every_stage_of_the_settings() -> None:
    assert [model.stage for model in MODELS] == [field.name for field in fields(Stages)]
    assert MODELS[:-1] == ENCODERS


@given(CONFIGS)
def test_every_model_is_among_the_titles_and_has_settings(config: Config) -> None:
    assert len(config.models) == len(config.models.keys) == len(config.students) + 2
    assert [key for key in TITLES if key in config.models.keys] == list(config.models.keys)
    for model in config.models:
        assert getattr(config.stages, model.stage)
        if model.modality:
            assert model.phase is config.phase(model.modality)


@given(CONFIGS, st.lists(st.sets(MODALITIES), min_size=1, max_size=4))
def test_records_tell_the_models_that_the_config_names(config: Config, missing: list[set[Modality]]) -> None:
    """Wherever clips are missing, as long as the teacher, which text never lacks, has seen one turn."""
    missing = [of - {TEXT} for of in missing]
    assume(any(config.teacher not in of for of in missing))
    written = [
        record
        for turn, of in zip(TURNS, missing)
        for record in records([turn], LABELS, models=config.models, missing=of)
    ]
    assert models_in(written) == config.models


def test_no_records_are_of_the_standard_run() -> None:
    assert models_in([]) == STANDARD


@pytest.mark.parametrize("models", [models_of(AUDIO, (TEXT, VISUAL)), models_of(TEXT, (AUDIO,)), models_of(VISUAL, ())])
def test_a_conflict_is_between_the_models_there_are(models: Models) -> None:
    columns = predictions(TURNS, LABELS, models=models)
    said = [columns.predicted[key] for key in models.keys if key != "fused"]
    torn = [len({int(of[row]) for of in said}) > 1 for row in range(len(TURNS))]
    assert columns.effects[Effect.CONFLICT].tolist() == torn
    assert any(torn) == bool(models.students)
