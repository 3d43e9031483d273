"""How a decision answers to what it was made from: coefficients, bounds, and the doubt about the law.

``sensitivity(decision)`` says by how many per cent the goal, the outcome and every free quantity move when the decision
is made again with one per cent more of a coefficient or a bound (``lawful.plan.explaining.optimality``), what the
outcome's elasticities are where the decision stands, and whose doubt the doubt about the decision is
(``lawful.plan.explaining.variance``). Of a share, and of what else may be 0 or less, a hundredth of its unit takes the
place of a per cent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit import Fit
from lawful.plan.decision import Decision
from lawful.plan.explaining.optimality import Optimum, coefficients_of
from lawful.plan.explaining.variance import Variance, variance_shares
from lawful.plan.variables import is_positive
from lawful.results import Caveat, Interval, interval

Array = npt.NDArray[np.float64]

NOTHING = 1e-6
"""A smaller move is rounding."""


@dataclass(frozen=True)
class Sensitivity:
    """What one per cent more of each thing moves, in per cent, at the best decision.

    ``quantities`` are the elasticities of the outcome in what is decided, the rest held; ``coefficients`` and
    ``bounds`` give by target (the goal, the outcome, each free quantity) how the whole decision moves when it is made
    again; ``variance`` is the doubt about each target and whose it is, empty without draws.
    """

    outcome: str
    quantities: Mapping[str, Interval]
    coefficients: Mapping[str, Mapping[str, float]]
    bounds: Mapping[str, Mapping[str, float]]
    variance: Mapping[str, Variance]
    warnings: tuple[Caveat, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The sensitivity as data: the key of that name in ``lawful plan --json``."""
        return {
            "outcome": self.outcome, "quantities": {name: vars(i) for name, i in self.quantities.items()},
            "coefficients": {name: dict(moves) for name, moves in self.coefficients.items()},
            "bounds": {name: dict(moves) for name, moves in self.bounds.items()},
            "variance": {name: {"std": v.std, "linear": v.linear, "shares": {n: vars(s) for n, s in v.shares.items()},
                                "terms": {n: vars(s) for n, s in v.terms.items()}}
                         for name, v in self.variance.items()},
            "warnings": [vars(w) for w in self.warnings],
        }


def sensitivity(made: Decision) -> Sensitivity:
    """The sensitivity of the decision ``made``."""
    at = Optimum.of(made)
    moves = at.moves()
    count = len(at.coefficients)
    by_name = {name: {target: _cleared(column[i]) for target, column in moves.items()}
               for i, name in enumerate((*at.coefficients, *map(str, at.binding)))}
    names = list(by_name)
    return Sensitivity(
        made.problem.outcome, _outcome_elasticities(made, at),
        {name: by_name[name] for name in names[:count]}, {name: by_name[name] for name in names[count:]},
        _variance(made, at, {target: column[:count] for target, column in moves.items()}), at.warnings)


def _cleared(move: float) -> float:
    """A move, 0 where it is below what the differences resolve."""
    return 0.0 if abs(move) < NOTHING else float(move)


def _outcome_elasticities(made: Decision, at: Optimum) -> dict[str, Interval]:
    """d ln outcome / d ln x for each quantity decided, under the laws and under every draw of the first."""
    law, name = made.problem.law, made.problem.outcome
    centre = at.slopes(name)
    spread = at.slopes(name, law.sample) if isinstance(law, Fit) and len(law.draws) else None
    return {x: interval(float(centre[x][0]), () if spread is None else spread[x], made.forecast.level) for x in centre}


def _variance(made: Decision, at: Optimum, moves: Mapping[str, Array]) -> dict[str, Variance]:
    """The doubt about each target over the draws of all laws, linear in the coefficients."""
    covariance = np.zeros((len(at.coefficients), len(at.coefficients)))
    first = 0
    for law in made.problem.laws:
        count = len(law.law.names())
        if isinstance(law, Fit) and len(law.draws) > 1:
            own = coefficients_of(law.law).steps(law.draws)
            covariance[first : first + count, first : first + count] = np.cov(own[np.isfinite(own).all(axis=1)].T)
        first += count
    if not covariance.any():
        return {}
    found = {}
    for target, gradient in moves.items():
        if np.isfinite(gradient).all():
            singly, by_term = (variance_shares(gradient, covariance, at.coefficients, groups)
                               for groups in ({n: (n,) for n in at.coefficients}, at.terms))
            linear = math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))
            found[target] = Variance(_spread(made, target), linear, singly, by_term)
    return found


def _spread(made: Decision, target: str) -> float:
    """The standard deviation that the interval of ``target`` speaks of, of its logarithm; NaN where it has none."""
    known = made.intervals.get(target)
    low, high = (known.low, known.high) if known is not None else (math.nan, math.nan)
    if target == made.forecast.output.name and made.forecast.low is not None and made.forecast.high is not None:
        low, high = made.forecast.low, made.forecast.high
    if is_positive(target):
        low, high = (math.log(x) if x > 0 else math.nan for x in (low, high))
    return (high - low) / (2.0 * NormalDist().inv_cdf(0.5 + 0.5 * made.forecast.level))
