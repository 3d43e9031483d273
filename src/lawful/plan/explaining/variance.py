"""Which coefficient's doubt an answer owes its own doubt to.

The answer is taken as linear in the coefficients: y = g . theta, with theta of covariance S, so that var y = g' S g.
Of a coefficient, or a group u of them such as a whole term of the law, what to use when:

    shapley      var E[y | theta_u] split by Shapley values: at least 0, sums to 1. Coefficients that stand in for
                 one another share what they explain. Read this one.
    covariance   sum over u of g_i (S g)_i / g'Sg: sums to 1, below 0 for coefficients whose doubt others' make up for.
    alone        var E[y | theta_u] / var y: the share of the variance that would go if u alone were known. Sums to more
                 or less than 1 where coefficients are correlated.

Owen and Prieur 2017 (arXiv:1610.02080) for Shapley values of dependent inputs; Song, Nelson and Staum 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.plan.explaining.shapley import MOST, shapley, subsets

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """The part of a variance that is one coefficient's or term's; ``shapley`` None where there are too many to try."""

    shapley: float | None
    covariance: float
    alone: float


@dataclass(frozen=True)
class Variance:
    """The spread of the logarithm of one answer over the draws, and whose it is: by coefficient and by term.

    ``std`` is that of the draws' own answers, as the interval has it (NaN where there is none), ``linear`` that of the
    linear answer to the draws' coefficients: where they differ much, the shares are no more than a hint.
    """

    std: float
    linear: float
    shares: Mapping[str, Share]
    terms: Mapping[str, Share]


def variance_shares(gradient: Array, covariance: Array, names: Sequence[str],
                    groups: Mapping[str, Sequence[str]]) -> dict[str, Share]:
    """The share of each group of coefficients in the variance of ``gradient`` . theta, theta of this ``covariance``.

    ``(coefficient,)`` and ``(coefficient, coefficient)``; ``groups`` divide the ``names``. Coefficients without doubt
    have no share; with no variance at all, nothing has.
    """
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    g = gradient * spread                                    # in units of each coefficient's own spread
    correlation = np.where(np.outer(spread, spread) > 0, covariance / np.outer(scale, scale), np.eye(len(names)))
    with_all = np.where(spread > 0, correlation @ g, 0.0)
    total = float(g @ with_all)
    if not total > 0:
        return {}
    member = np.array([[name in inside for name in names] for inside in groups.values()])

    def explained(known: npt.NDArray[np.bool_]) -> Array:
        """The share of the variance that goes with the coefficients that are known, ``(subset, coefficient)``."""
        inside = known[:, :, None] & known[:, None, :]
        aim = np.where(known, with_all, 0.0)
        found: Array = np.einsum("sk,sk->s", aim, _solved(np.where(inside, correlation, np.eye(len(names))), aim))
        return found / total

    split = np.full(len(groups), np.nan)
    if len(groups) <= MOST:
        chosen = subsets(tuple(groups))
        split = shapley(explained(chosen @ member), chosen)
    alone, by_covariance = explained(member), member @ (g * with_all) / total
    return {name: Share(None if np.isnan(split[i]) else float(split[i]), float(by_covariance[i]), float(alone[i]))
            for i, name in enumerate(groups)}


def _solved(matrices: Array, right: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(matrices, right[..., None])[..., 0])
    except np.linalg.LinAlgError:      # two coefficients that move as one: the least solution explains as much
        return np.asarray((np.linalg.pinv(matrices, hermitian=True) @ right[..., None])[..., 0])
