"""One form of each quantity: exact where it was measured, coarse where it is only expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.runs.quantities import clock, counted, duration, estimate, size


def test_a_measured_time() -> None:
    times = (None, 0.2, 22, 108, 3600 * 3 + 300, 86400 * 2 + 4 * 3600)
    assert [duration(seconds) for seconds in times] == ["–", "0 s", "22 s", "1 min 48 s", "3 h 05 min", "2 d 4 h"]


def test_an_expected_time_is_no_finer_than_it_can_be_known() -> None:
    times = (None, 0.1, 40, 250, 7800, 3 * 86400)
    assert [estimate(seconds) for seconds in times] == ["unknown", "1 s", "40 s", "4 min", "2 h 10 min", "3 d"]


@given(st.floats(0, 1e7))
def test_both_name_the_same_units(seconds: float) -> None:
    units = {"s", "min", "h", "d"}
    assert {word for text in (duration(seconds), estimate(seconds)) for word in text.split() if word.isalpha()} <= units


def test_a_time_within_a_film() -> None:
    assert [clock(seconds) for seconds in (0.0, 7.24, 59.96, 61.3, 0.3)] == [
        *("0:00.0", "0:07.2", "0:59.9", "1:01.3", "0:00.3"),
    ]
    assert (clock(65, 0), clock(65.5), clock(119.75, 2)) == ("1:05", "1:05.5", "1:59.75")


@pytest.mark.parametrize(("count", "told"), [(900, "1 kB"), (1.26e8, "126 MB"), (1.4e9, "1.4 GB"), (2.5e10, "25 GB")])
def test_bytes(count: float, told: str) -> None:
    assert size(count) == told


def test_numbers_with_their_nouns() -> None:
    assert (counted(1, "turn"), counted(0, "turn"), counted(1200, "turn")) == ("1 turn", "0 turns", "1,200 turns")
