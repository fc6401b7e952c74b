"""What-if answers: with nothing changed they are the run's own record, and each change does what it says."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telme_model.analysis.predictions import Predictions, from_records
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.prediction.what_if import WhatIf
from telme_model.runs.folder import RunError
from telme_model.runs.records import run_records
from tests.support.corpora import MISSING
from tests.support.runs import ToyRun, walk

TURN = TurnId(Split.TEST, "0", 3)
CHANGED = ("teacher", "audio", "visual", "fused", "displacement", "unshifted", "shapley", "shift_shares", "missing")


@pytest.fixture(scope="module")
def toy_corpus(toy_run: ToyRun) -> Corpus:
    return open_corpus(toy_run.corpus)


@pytest.fixture(scope="module")
def whatif(toy_run: ToyRun, toy_corpus: Corpus) -> WhatIf:
    return WhatIf(toy_run.path, toy_corpus)


@pytest.fixture(scope="module")
def base(toy_run: ToyRun) -> Predictions:
    return columns(toy_run.path)


def columns(run: Path) -> Predictions:
    return from_records(run_records(run, Split.TEST), MELD.labels)


def flat(value: Any) -> Any:
    """Numbers in nested fields, for one approximate comparison."""
    if isinstance(value, Mapping):
        return {f"{k}.{j}": x for k, v in value.items() for j, x in flat(v).items()}
    return {"": value}


def assert_same(ours: Mapping[str, Any], theirs: Mapping[str, Any], fields: tuple[str, ...] = CHANGED) -> None:
    for field in fields:
        one, other = flat(ours[field]), flat(theirs[field])
        assert list(one) == list(other)
        for name, value in one.items():
            assert value == (pytest.approx(other[name], abs=1e-5) if isinstance(value, float) else other[name]), name


def test_nothing_changed_is_the_runs_own_record(whatif: WhatIf, toy_run: ToyRun) -> None:
    for record in run_records(toy_run.path, Split.TEST):
        assert_same(whatif.ask(TurnId(Split.TEST, record["dialogue"], record["utterance"])), record)


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["batch", "modalities", "dialogue"])
def test_other_attention_scopes_agree_with_their_records_too(
    scope: str, toy_run: ToyRun, toy_corpus: Corpus, tmp_path: Path
) -> None:
    walk(toy_run.corpus, tmp_path / "run", f"fusion.attention={scope}", "evaluation_batch=4")
    whatif = WhatIf(tmp_path / "run", toy_corpus)
    own = columns(tmp_path / "run")
    for record in run_records(tmp_path / "run", Split.TEST):
        answer = whatif.ask(TurnId(Split.TEST, record["dialogue"], record["utterance"]))
        assert_same(answer, record, ("fused", "displacement", "unshifted"))
        if scope == "batch":
            assert answer["shapley"] is answer["shift_shares"] is None
        else:
            assert_same(answer, record)
    assert_columns_equal(whatif.fuse_anew(0.1, own), own)


def assert_columns_equal(ours: Predictions, theirs: Predictions) -> None:
    np.testing.assert_allclose(ours.probabilities["fused"], theirs.probabilities["fused"], atol=1e-6)
    np.testing.assert_allclose(ours.scale, theirs.scale, rtol=1e-5)
    np.testing.assert_allclose(ours.shift, theirs.shift, rtol=1e-5)


def test_refusing_with_the_runs_theta_changes_nothing(whatif: WhatIf, base: Predictions) -> None:
    again = whatif.fuse_anew(base.theta, base)
    assert_columns_equal(again, base)
    assert again.ids is base.ids
    assert again.probabilities["teacher"] is base.probabilities["teacher"]


@pytest.mark.parametrize("theta", [0.0, 0.03, 0.2, 5.0])
def test_all_turns_and_one_turn_agree_on_another_theta(whatif: WhatIf, base: Predictions, theta: float) -> None:
    """Against the definition: lambda = min(theta ||F_T|| / ||H||, 1) of the run's own norms."""
    anew = whatif.fuse_anew(theta, base)
    scale = np.minimum(theta * base.text_norm / base.h_norm, 1)
    np.testing.assert_allclose(anew.scale, scale, rtol=1e-4)
    np.testing.assert_allclose(anew.shift, scale * base.h_norm, rtol=1e-4, atol=1e-7)
    assert anew.theta == theta
    for turn, row in anew.rows.items():
        answer = whatif.ask(turn, theta=theta)
        np.testing.assert_allclose(list(answer["fused"].values()), anew.probabilities["fused"][row], atol=1e-6)
        assert answer["displacement"]["lambda"] == pytest.approx(float(anew.scale[row]), rel=1e-5)


def test_without_a_shift_the_head_says_what_it_says_at_the_text(whatif: WhatIf, base: Predictions) -> None:
    np.testing.assert_allclose(whatif.fuse_anew(0.0, base).probabilities["fused"], base.unshifted, atol=1e-6)


def test_shares_of_all_turns_are_unknown_and_those_of_one_add_up(whatif: WhatIf, base: Predictions) -> None:
    assert np.isnan(whatif.fuse_anew(0.2, base).shift_shares["audio"]).all()
    answer = whatif.ask(TURN, theta=0.2, mute={Modality.AUDIO}, text="We won!")
    for label in MELD.labels:
        total = answer["shift_shares"]["audio"][label] + answer["shift_shares"]["visual"][label]
        assert total == pytest.approx(answer["fused"][label] - answer["unshifted"][label], abs=1e-6)


def test_a_muted_modality_is_as_one_that_is_missing(whatif: WhatIf, toy_run: ToyRun) -> None:
    muted = whatif.ask(TURN, mute={Modality.AUDIO, Modality.VISUAL})
    assert (muted["missing"], muted["audio"], muted["visual"]) == (["audio", "visual"], None, None)
    assert muted["teacher"] == whatif.ask(TURN)["teacher"]
    split, dialogue, utterance = next(turn for turn in MISSING if turn[0] is Split.TEST)
    gone = TurnId(split, str(dialogue), utterance)  # both its students are missing: muting them changes nothing
    assert whatif.ask(gone, mute={Modality.AUDIO, Modality.VISUAL}) == whatif.ask(gone)


def test_the_same_words_say_the_same_and_others_do_not(whatif: WhatIf, toy_corpus: Corpus) -> None:
    own = next(turn for turn in toy_corpus.turns() if turn.id == TURN)
    assert_same(whatif.ask(TURN, text=own.text), whatif.ask(TURN))
    other = whatif.ask(TURN, text="That smells awful, all of it.")
    assert other["teacher"] != pytest.approx(whatif.ask(TURN)["teacher"], abs=1e-4)
    assert other["audio"] == whatif.ask(TURN)["audio"]


def test_the_whole_context_is_the_runs_and_less_differs(whatif: WhatIf) -> None:
    assert_same(whatif.ask(TURN, context_turns=3), whatif.ask(TURN))
    assert whatif.ask(TURN, context_turns=0)["teacher"] != pytest.approx(whatif.ask(TURN)["teacher"], abs=1e-4)


def test_a_plain_fusion_answers_without_a_displacement(toy_run: ToyRun, toy_corpus: Corpus, tmp_path: Path) -> None:
    walk(toy_run.corpus, tmp_path / "run", "fusion.kind=concatenation")
    whatif, own = WhatIf(tmp_path / "run", toy_corpus), columns(tmp_path / "run")
    for record in run_records(tmp_path / "run", Split.TEST):
        assert_same(whatif.ask(TurnId(Split.TEST, record["dialogue"], record["utterance"]), theta=0.5), record)
    assert whatif.fuse_anew(0.5, own) is own


def test_a_run_of_voice_and_face_answers(toy_run: ToyRun, toy_corpus: Corpus, tmp_path: Path) -> None:
    walk(toy_run.corpus, tmp_path / "run", "teacher=audio", "students=visual")
    whatif = WhatIf(tmp_path / "run", toy_corpus)
    for record in run_records(tmp_path / "run", Split.TEST):
        turn = TurnId(Split.TEST, record["dialogue"], record["utterance"])
        assert_same(whatif.ask(turn), record)
        assert_same(whatif.ask(turn, text="No text here."), record)
    assert whatif.ask(TURN, mute={Modality.AUDIO})["teacher"] is None


def test_another_corpus_is_refused(toy_run: ToyRun, toy_corpus: Corpus) -> None:
    with pytest.raises(RunError, match="another"):
        WhatIf(toy_run.path, replace(toy_corpus, dialogues=toy_corpus.dialogues[:-1]))


def test_a_run_without_embeddings_is_refused(run_copy: Path, toy_corpus: Corpus) -> None:
    (run_copy / "embeddings" / "audio.safetensors").unlink()
    with pytest.raises(RunError, match="missing"):
        WhatIf(run_copy, toy_corpus)
