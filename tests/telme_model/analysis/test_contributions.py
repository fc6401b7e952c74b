"""Exact Shapley values: their defining properties, and the definition by orderings."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telme_model.analysis.contributions import coalitions, shapley
from telme_model.corpus.dialogue import Modality

Values = dict[frozenset[str], np.ndarray]


def random_game(players: int, seed: int) -> Values:
    rng = np.random.default_rng(seed)
    return {coalition: rng.normal(size=(4, 3)) for coalition in coalitions("pqrst"[:players])}


games = st.builds(random_game, st.integers(1, 5), st.integers(0, 2**32))


@settings(max_examples=30, deadline=None)
@given(games)
def test_shares_are_the_mean_over_orderings_and_sum_to_the_whole(values: Values) -> None:
    everyone = max(values, key=len)
    found = shapley(values)
    np.testing.assert_allclose(sum(found.values()), values[everyone] - values[frozenset()], atol=1e-12)
    orders = list(permutations(sorted(everyone)))
    for player in everyone:
        gains = [
            values[frozenset(order[: order.index(player) + 1])] - values[frozenset(order[: order.index(player)])]
            for order in orders
        ]
        np.testing.assert_allclose(found[player], np.mean(gains, axis=0), atol=1e-12)


def test_an_additive_game_gives_each_its_own() -> None:
    own = {Modality.TEXT: 3.0, Modality.AUDIO: -1.0, Modality.VISUAL: 0.0}
    values = {coalition: np.array([[5.0 + sum(own[m] for m in coalition)]]) for coalition in coalitions(Modality)}
    found = shapley(values)
    assert list(found) == list(Modality)
    assert {modality: share.item() for modality, share in found.items()} == pytest.approx(own)


def test_equal_modalities_share_equally() -> None:
    """Either suffices: v = 1 as soon as one of them is there."""
    values = {
        coalition: np.array([float(bool(coalition))]) for coalition in coalitions([Modality.AUDIO, Modality.VISUAL])
    }
    assert [share.item() for share in shapley(values).values()] == [0.5, 0.5]


def test_low_precision_is_summed_in_float64() -> None:
    values = {coalition: np.full((2, 2), len(coalition), dtype=np.float16) for coalition in coalitions("pq")}
    assert all(share.dtype == np.float64 for share in shapley(values).values())


def test_a_missing_coalition_is_a_sentence() -> None:
    values = random_game(3, 0)
    del values[frozenset("pq")]
    with pytest.raises(ValueError, match=r"3 players need all 8 coalitions.*1 are missing"):
        shapley(values)
