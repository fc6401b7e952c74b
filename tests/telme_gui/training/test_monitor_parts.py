"""What the monitor is made of: curves that grow cheaply, phases, figures and words as the history has them."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telme_gui.training.monitor.figures import figures
from telme_gui.training.monitor.log import log_line
from telme_gui.training.monitor.phases import PhaseState, phases_of, steps_of
from telme_gui.training.monitor.plots import nearest, nice
from telme_gui.training.monitor.series import StageSeries, thinned
from telme_model import bundled
from telme_model.corpus.dialogue import Modality
from telme_model.events import Message, Phase, StageDone, StageStarted
from telme_model.events import Progress as Told
from telme_model.runs.history import History, StageHistory
from telme_model.runs.presets import DEMO
from tests.support.telling import epoch, step, under_way

LOG = bundled.DEMO_RUN / "events.jsonl"
PHASES = phases_of(DEMO)


# -- curves that grow ---------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 12)), max_size=12), st.sampled_from([0.0, 0.9]))
def test_a_series_that_follows_is_the_one_built_at_once(runs: list[tuple[int, int]], smoothing: float) -> None:
    """Each (first, count) takes steps from `first` on, which a resumed run may have taken before."""
    stage, followed = StageHistory(Phase.AUDIO), StageSeries(("cls",), smoothing)
    value = 0.0
    for first, count in runs:
        for number in range(first, first + count):
            value += 1.0
            stage.step(step(number, cls=value), value)
        followed.follow(stage)
    at_once = StageSeries(("cls",), smoothing)
    at_once.follow(stage)
    assert followed.steps.tolist() == [s.step for s in stage.steps]
    assert followed.raw("cls").tolist() == [s.losses["cls"] for s in stage.steps]
    np.testing.assert_allclose(followed.smooth("cls"), at_once.smooth("cls"))


def test_smoothing_is_a_weighted_mean_of_the_past() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0]
    stage, series = StageHistory(Phase.AUDIO), StageSeries(("cls",), 0.8)
    for number, value in enumerate(values, 1):
        stage.step(step(number, cls=value), number)
    assert series.follow(stage)
    assert not series.follow(stage)
    expected = [np.average(values[:n], weights=0.8 ** np.arange(n)[::-1]) for n in range(1, 6)]
    np.testing.assert_allclose(series.smooth("cls"), expected)
    series.smoothen(0.0)
    assert series.smooth("cls").tolist() == values


@given(st.integers(0, 5000), st.integers(0, 6000))
def test_thinning_keeps_the_highest_and_the_lowest_point_in_order(count: int, first: int) -> None:
    x = np.arange(1.0, count + 1)
    y = np.random.default_rng(count).normal(size=count)
    thin_x, thin_y = thinned(x, y, first)
    assert len(thin_x) <= 2 * 512 + 2
    assert (np.diff(thin_x) >= 0).all()
    np.testing.assert_array_equal(thin_y, y[thin_x.astype(int) - 1])
    seen = y[x >= first]
    if len(seen):
        assert thin_y.min() <= seen.min()
        assert thin_y.max() >= seen.max()
        assert thinned(x, y, first, smooth=True)[0][-1] == count


def test_axes_end_at_round_numbers() -> None:
    assert [nice(value) for value in (0.0, 0.013, 1.0, 2.3, 97, 101, 20_700)] == [1, 0.015, 1, 2.5, 100, 120, 25_000]
    assert [nearest(np.array([1.0, 4.0, 9.0]), x) for x in (-5, 2.4, 2.6, 7, 99)] == [0, 0, 1, 2, 2]


# -- phases, figures and words ------------------------------------------------------------------------------------


def test_phases_follow_the_history() -> None:
    history = History()
    assert [s.caption for s in steps_of(history, PHASES, alive=True)] == ["starting", *6 * ["waiting"]]
    history.add(StageStarted(phase=Phase.PREPARING), 0.0)
    history.add(StageStarted(phase=Phase.CACHING, steps=719), 0.0)
    history.add(Told(phase=Phase.CACHING, done=360, total=719), 1.0)
    read, cache, *_ = steps_of(history, PHASES, alive=True)
    assert (read.progress, cache.progress) == (PhaseState.DONE, PhaseState.ACTIVE)
    assert (cache.caption, cache.fraction) == ("360 of 719", 360 / 719)
    history.add(StageDone(phase=Phase.CACHING, seconds=1.0), 2.0)
    history.add(StageDone(phase=Phase.PREPARING, seconds=1.0), 2.0)
    assert steps_of(history, PHASES, alive=True)[2].caption == "loading weights"


def test_phases_of_a_run_under_way_stopped_failed_and_finished() -> None:
    history = under_way()
    for event in (StageDone(phase=Phase.CACHING, seconds=1.0), StageDone(phase=Phase.PREPARING, seconds=1.0)):
        history.add(event, 20.0)
    shown = steps_of(history, PHASES, alive=True)
    assert [s.name for s in shown] == ["Read", "Cache", "Teacher", "Audio", "Visual", "Fusion", "Evaluate"]
    assert [s.caption for s in shown[:4]] == ["done", "done", "dev F1 57.3", "epoch 3 of 8 · 45.1"]
    assert shown[3].fraction == 0.5
    assert steps_of(history, PHASES, alive=False)[3].caption == "stopped here"
    assert steps_of(history, PHASES, alive=False, broken=True)[3].progress is PhaseState.BROKEN
    finished = steps_of(History.read(LOG), PHASES, alive=False)
    assert {s.progress for s in finished} == {PhaseState.DONE}
    assert [s.caption for s in finished[2:6]] == ["dev F1 45.8", "dev F1 39.1", "dev F1 42.8", "dev F1 57.8"]


def test_embedding_belongs_to_the_stage_that_was_trained() -> None:
    history = under_way()
    teacher, audio = steps_of(history, PHASES, alive=True, busy=(Phase.TEACHER, "embedding 3 of 9"))[2:4]
    assert (teacher.progress, teacher.caption) == (PhaseState.ACTIVE, "embedding 3 of 9")
    assert audio.progress is PhaseState.WAITING
    assert steps_of(history, PHASES, alive=True)[2].progress is PhaseState.DONE


def test_a_resumed_run_shows_what_was_finished_before() -> None:
    history = History.read(LOG)
    history.add(StageStarted(phase=Phase.PREPARING), 0.0)
    shown = steps_of(history, PHASES, alive=True)
    assert [s.progress for s in shown[:3]] == [PhaseState.ACTIVE, PhaseState.DONE, PhaseState.DONE]


def test_phases_are_those_of_the_configuration() -> None:
    other = replace(DEMO, teacher=Modality.AUDIO, students=(Modality.TEXT,))
    assert phases_of(other)[2:] == (Phase.TEACHER, Phase.TEXT, Phase.FUSION, Phase.EVALUATING)


def test_figures_are_those_of_the_history() -> None:
    shown = figures(under_way())
    # 5 s of audio are left; of the visual student, twice its cost, at the mean speed of both: 2 * (10 + 10) / 2 s
    assert [f"{f.value} {f.unit}".strip() for f in shown[:4]] == ["25 s", "5 s", "412 turns/s", "45.1"]
    assert shown[3].caption == "best dev F1 · audio, epoch 2"
    assert (shown[4].value, shown[4].unit, shown[5].value) == ("8.2", "GB", "7.4e-6")


def test_the_log_tells_epochs_and_messages_and_no_steps() -> None:
    assert log_line(step(1)) is None
    assert log_line(Message(text="no moov atom", level="warning")) == "warning: no moov atom"
    assert log_line(epoch(6, 45.1)) == "audio student: epoch 6 of 8, L_cls 0.610, dev weighted F1 45.1 (best so far)"
