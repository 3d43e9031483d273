"""Shapley values: what each player adds, on average over every order in which the players may come.

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))

They sum to v(all) - v(none), give players that do the same the same, and a player that does nothing nothing; no other
rule does all three and is linear in v. Shapley 1953, "A value for n-person games".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError

Array = npt.NDArray[np.float64]

MOST = 12
"""Players whose every subset is tried: 4,096 of them."""


def subsets(players: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Who is in each subset, ``(subset, player)``: nobody first, everybody last.

    Raises ``InputError`` for more than ``MOST`` players.
    """
    if len(players) > MOST:
        raise InputError(f"{len(players)} factors have {2.0 ** len(players):.3g} subsets, and up to {MOST} factors are "
                         f"tried: group some of {', '.join(players)}")
    rows = np.arange(2 ** len(players))[:, None]
    return np.asarray((rows >> np.arange(len(players))) & 1 == 1)


def shapley(values: Array, members: npt.NDArray[np.bool_]) -> Array:
    """The Shapley value of every player, ``(..., player)``, of the ``values`` of the subsets, ``(..., subset)``.

    ``members`` are the ``subsets``. The sum over the players is that of everybody less that of nobody, to rounding.
    """
    n = members.shape[1]
    size = members.sum(axis=1)
    joining = np.array([1.0 / (n * comb(n - 1, s - 1)) if s else 0.0 for s in size])
    staying = np.array([1.0 / (n * comb(n - 1, s)) if s < n else 0.0 for s in size])
    weights = np.where(members, joining[:, None], -staying[:, None])
    found: Array = (values - values[..., :1]) @ weights
    return found
