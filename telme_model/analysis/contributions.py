"""How much each modality contributed to a prediction: exact Shapley values of coalition values."""

from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations
from math import factorial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Player = TypeVar("Player", bound=Hashable)


def coalitions(players: Iterable[Player]) -> list[frozenset[Player]]:
    """Every subset of the players, from none to all: what `shapley` needs a value of."""
    members = list(players)
    return [frozenset(chosen) for size in range(len(members) + 1) for chosen in combinations(members, size)]


def shapley(values: Mapping[frozenset[Player], NDArray[np.floating]]) -> dict[Player, NDArray[np.float64]]:
    """Shapley value of every player, from the value v(S) of every coalition S (arrays of one shape).

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S with i) - v(S)). They sum to v(all) - v(none).
    With values [turns, classes] the result has that shape for each modality. Fixing a modality (always present)
    and passing the coalitions of the others splits the remaining change among those. Players come in the order
    in which their single-player coalitions do. Raises ValueError when a coalition is missing.
    """
    players = [player for coalition in values if len(coalition) == 1 for player in coalition]
    wanted = set(coalitions(players))
    if set(values) != wanted:
        raise ValueError(
            f"Shapley values of {len(players)} players need all {len(wanted)} coalitions and no other, "
            f"from none to all of them; {len(wanted - set(values))} are missing."
        )
    count = len(players)
    exact = {coalition: np.asarray(value, dtype=np.float64) for coalition, value in values.items()}
    shares = {}
    for player in players:
        share = np.zeros_like(exact[frozenset()])
        for without in coalitions(other for other in players if other != player):
            weight = factorial(len(without)) * factorial(count - len(without) - 1) / factorial(count)
            share = share + weight * (exact[without | {player}] - exact[without])
        shares[player] = share
    return shares
