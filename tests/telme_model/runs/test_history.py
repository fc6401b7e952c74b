"""Events folded into curves, fractions and estimates, whatever order they come in."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telme_model import events
from telme_model.events import EpochDone, Event, Phase, StepDone
from telme_model.runs.history import History, StageHistory, event_from_json, event_to_json

PLAN = {Phase.CACHING: 1.0, Phase.TEACHER: 4.0, Phase.AUDIO: 5.0}


def step(number: int, steps: int = 10, phase: Phase = Phase.TEACHER, loss: float = 1.0) -> StepDone:
    return StepDone(
        phase=phase,
        epoch=1,
        step=number,
        steps=steps,
        losses={"total": loss, "cls": loss / 2},
        learning_rate=1e-5 * number,
        turns_per_second=8.0,
    )


def epoch(number: int, f1: float, phase: Phase = Phase.TEACHER) -> EpochDone:
    return EpochDone(
        phase=phase,
        epoch=number,
        epochs=3,
        losses={"total": 1 / number},
        learning_rate=1e-5,
        turns_per_second=8.0,
        dev_weighted_f1=f1,
        dev_f1={"joy": f1 - 1},
        best=True,
    )


def started(phase: Phase = Phase.TEACHER, steps: int = 10) -> events.StageStarted:
    return events.StageStarted(phase=phase, steps=steps, epochs=3, turns=80)


def fold(*timed: tuple[float, Event], plan: dict[Phase, float] | None = None) -> History:
    history = History(plan)
    for time, event in timed:
        history.add(event, time)
    return history


def teacher(history: History) -> StageHistory:
    return history.stages[Phase.TEACHER]


def test_curves() -> None:
    stage = teacher(
        fold((0, started()), (1, step(1, loss=4)), (2, step(2, loss=2)), (3, epoch(1, 50)), (9, epoch(2, 40)))
    )
    assert stage.curve("total") == ([1, 2], [4, 2])
    assert stage.curve("cls") == ([1, 2], [2, 1])
    assert stage.curve("learning_rate") == ([1, 2], [1e-5, 2e-5])
    assert stage.curve("response") == ([], [])
    assert stage.epoch_curve("dev_weighted_f1") == ([1, 2], [50, 40])
    assert stage.epoch_curve("joy") == ([1, 2], [49, 39])
    assert stage.epoch_curve("total") == ([1, 2], [1, 0.5])
    assert stage.best is not None
    assert stage.best.epoch == 1
    assert (stage.planned_epochs, stage.turns, stage.started) == (3, 80, 0)


def test_fraction_and_eta_of_a_stage() -> None:
    history = fold((0, started()))
    assert (teacher(history).fraction, teacher(history).eta) == (0, None)
    for number in range(1, 5):
        history.add(step(number), 100 + 2.0 * number)
    assert teacher(history).fraction == pytest.approx(0.4)
    assert teacher(history).eta == pytest.approx(6 * 2)
    history.add(epoch(1, 50), 110)  # 2 s more for the same steps: 8 s for 3 steps
    assert teacher(history).eta == pytest.approx(6 * 8 / 3)
    history.add(events.StageDone(phase=Phase.TEACHER, seconds=30), 111)
    assert (teacher(history).fraction, teacher(history).eta) == (1, 0)


def test_sparse_steps_count_by_their_numbers() -> None:
    """Not every step need be told: from step 20 to step 60 in 4 s, 140 remain."""
    stage = teacher(fold((0, started(steps=200)), (7, step(20, 200)), (11, step(60, 200))))
    assert stage.eta == pytest.approx(140 * 4 / 40)


def test_unknown_length_has_no_fraction() -> None:
    stage = teacher(fold((0, started(steps=0)), (1, step(1, 0)), (2, step(2, 0))))
    assert (stage.fraction, stage.eta) == (None, None)


def test_a_pause_does_not_slow_the_estimate() -> None:
    stage = teacher(fold((0, started()), (1, step(1)), (2, step(2)), (3, step(3)), (3600, step(4)), (3601, step(5))))
    assert stage.seconds == 3
    assert stage.eta == pytest.approx(5)


def test_a_resumed_run_goes_on_from_its_checkpoint() -> None:
    """Killed after step 5, resumed from step 3 an hour later: no double points, no hour in the estimate."""
    before = [(0.0, started()), *((float(n), step(n)) for n in range(1, 6)), (6.0, epoch(1, 50))]
    after = [(3600.0, started()), (3601.0, step(4, loss=9)), (3602.0, epoch(1, 60)), (3603.0, step(5, loss=9))]
    stage = teacher(fold(*before, *after))
    assert stage.curve("total") == ([1, 2, 3, 4, 5], [1, 1, 1, 9, 9])
    assert [one.dev_weighted_f1 for one in stage.epochs] == [60]
    assert stage.fraction == 0.5
    assert stage.seconds == 7
    fresh = teacher(fold(*after, (3604.0, step(6))))
    assert fresh.eta == pytest.approx(4 * 3 / 2)


def test_progress_of_a_phase_without_steps() -> None:
    clips = [(float(n), events.Progress(phase=Phase.CACHING, done=10 * n, total=40, unit="clips")) for n in (1, 2, 3)]
    stage = fold(*clips).stages[Phase.CACHING]
    assert (stage.fraction, stage.eta, stage.unit) == (0.75, 1.0, "clips")
    mixed = teacher(fold((0, step(1)), (1, events.Progress(phase=Phase.TEACHER, done=9, total=9)), (2, step(2))))
    assert (mixed.fraction, mixed.unit) == (0.2, "steps")


def test_fraction_and_eta_of_a_run() -> None:
    """Caching (cost 1) took 3 s; the teacher (4) is half done at 1 s a step: 5 s + 5 * (3 + 10) / 5 for audio."""
    caching = [(float(n), events.Progress(phase=Phase.CACHING, done=n, total=3)) for n in range(4)]
    training = [(10.0, started()), *((10.0 + n, step(n)) for n in range(1, 6))]
    history = fold((0, started(Phase.CACHING, 3)), *caching, plan=PLAN)
    assert history.fraction == pytest.approx(0.1)
    assert history.eta == pytest.approx(9 * 3)
    history = fold(*caching, *training, plan=PLAN)
    assert history.fraction == pytest.approx((1 + 4 * 0.5) / 10)
    assert history.eta == pytest.approx(5 + 13)
    assert history.current is history.stages[Phase.TEACHER]
    history.add(events.RunFinished(run="run"), 99)
    assert (history.fraction, history.eta) == (1, 0)
    assert (fold(*caching).fraction, fold(*caching).eta) == (None, None)


def test_a_skipped_phase_counts_as_done() -> None:
    history = fold((10.0, started()), *((10.0 + n, step(n)) for n in range(1, 6)), plan=PLAN)
    assert history.fraction == pytest.approx((1 + 4 * 0.5) / 10)
    assert history.eta == pytest.approx(5 + 5 * 10 / 4)


# --- any order

_phases = st.sampled_from(Phase)
_counts = st.integers(0, 30)
_floats = st.floats(0, 100)
any_event = st.one_of(
    st.builds(events.Message, text=st.text(max_size=5)),
    st.builds(events.StageStarted, phase=_phases, steps=_counts, epochs=_counts, turns=_counts),
    st.builds(events.Progress, phase=_phases, done=_counts, total=_counts, unit=st.just("clips")),
    st.builds(
        StepDone,
        phase=_phases,
        epoch=_counts,
        step=_counts,
        steps=_counts,
        losses=st.dictionaries(st.sampled_from(["total", "cls"]), _floats),
        learning_rate=_floats,
        turns_per_second=_floats,
    ),
    st.builds(
        EpochDone,
        phase=_phases,
        epoch=_counts,
        epochs=_counts,
        losses=st.dictionaries(st.sampled_from(["total", "cls"]), _floats),
        learning_rate=_floats,
        turns_per_second=_floats,
        dev_weighted_f1=_floats,
        dev_f1=st.dictionaries(st.sampled_from(["joy", "fear"]), _floats),
        best=st.booleans(),
    ),
    st.builds(events.CheckpointSaved, phase=_phases, epoch=_counts, step=_counts),
    st.builds(events.StageDone, phase=_phases, seconds=_floats, dev_weighted_f1=st.none() | _floats),
    st.builds(events.TurnPredicted, record=st.dictionaries(st.text(max_size=3), _floats)),
    st.builds(events.RunFinished, run=st.text(max_size=5)),
)
any_past = st.lists(st.tuples(st.floats(0, 1e6), any_event), max_size=40)


@settings(max_examples=60, deadline=None)
@given(any_past, st.dictionaries(_phases, st.floats(0, 10)))
def test_any_order_of_events_leaves_a_sane_history(past: list[tuple[float, Event]], plan: dict[Phase, float]) -> None:
    history = History(plan)
    for time, event in past:
        history.add(event, time)
        told: list[History | StageHistory] = [history, *history.stages.values()]
        for one in told:
            assert one.fraction is None or 0 <= one.fraction <= 1 + 1e-9
            assert one.eta is None or one.eta >= 0
        for stage in history.stages.values():
            numbers, epochs = [one.step for one in stage.steps], [one.epoch for one in stage.epochs]
            assert numbers == sorted(set(numbers))
            assert epochs == sorted(set(epochs))
            assert stage.seconds >= 0
            if stage.best is not None:
                assert stage.best.dev_weighted_f1 == max(stage.epoch_curve("dev_weighted_f1")[1])


# --- JSON


@settings(max_examples=60, deadline=None)
@given(any_event, st.floats(0, 1e9))
def test_events_survive_json(event: Event, time: float) -> None:
    assert event_from_json(json.loads(json.dumps(event_to_json(event, time)))) == (event, time)


def test_a_line_is_the_events_name_time_and_fields() -> None:
    assert event_to_json(events.StageDone(phase=Phase.AUDIO, seconds=2.5), 1.0) == {
        "event": "StageDone",
        "time": 1.0,
        "phase": "audio student",
        "seconds": 2.5,
        "dev_weighted_f1": None,
    }


@pytest.mark.parametrize(
    "line",
    [
        None,
        [],
        "StepDone",
        {},
        {"event": "Message", "text": "no time"},
        {"event": "Tomorrow", "time": 1.0},
        {"event": "StageDone", "time": 1.0, "phase": "audio student"},
        {"event": "StageDone", "time": 1.0, "phase": "nap", "seconds": 1.0},
        {"event": ["Message"], "time": 1.0},
    ],
)
def test_what_is_no_event_is_none(line: Any) -> None:
    assert event_from_json(line) is None


def test_fields_of_a_later_version_are_left_out() -> None:
    line = {"event": "Message", "time": 2, "text": "hello", "colour": "red"}
    assert event_from_json(line) == (events.Message(text="hello"), 2.0)


def test_reading_skips_what_a_kill_cut_short(tmp_path: Path) -> None:
    """A line cut in the middle (the resumed run wrote on behind it), an unknown event, a cut multi-byte letter."""
    path = tmp_path / "events.jsonl"
    past = [(0.0, started()), (1.0, step(1)), (2.0, step(2))]
    lines = [json.dumps(event_to_json(event, time)).encode() for time, event in past]
    cut = lines[2][:30]
    unknown = b'{"event": "Tomorrow", "time": 3.0}\n' + b"[" * 100_000
    path.write_bytes(b"\n".join([*lines, cut + lines[1], unknown, lines[0], b'{"event": "Message", "text": "\xc3']))
    history = History.read(path, PLAN)
    assert teacher(history).curve("total") == ([1, 2], [1, 1])
    assert history.fraction is not None
    path.write_bytes(b"")
    assert History.read(path).stages == {}
