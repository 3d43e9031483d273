"""A constrained minimum of a few variables: many points at once, then SLSQP from the most promising.

``minimise(function, low, high)``: ``function`` takes points ``(point, variable)`` and gives what is to be least,
``(point,)``, and how far each constraint lies beyond its bound, ``(constraint, point)``: at most 0 where an inequality
holds, 0 where an equality does. All is in logarithms, so that 1e-6 means a millionth of a thing and not of its unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Function = Callable[[Array], tuple[Array, Array]]

SAMPLE, STARTS = 1024, 4
"""Points that are looked at, and those that SLSQP starts from."""

FEASIBLE = 1e-7
"""What a constraint may be broken by and still hold."""

STEP = 1e-6
"""Half of the step over which derivatives are taken: the cube root of a double's precision, near enough."""

PENALTY = 10.0
"""Weight of a broken constraint in ranking the points: more than any outcome gains by breaking one."""


@dataclass(frozen=True)
class Found:
    """A minimum: the point ``(variable,)``, its value, its excess ``(constraint,)``."""

    x: Array
    value: float
    excess: Array

    @property
    def feasible(self) -> bool:
        """Whether every constraint holds there."""
        return bool((self.excess <= FEASIBLE).all())


def lattice(count: int, dimensions: int) -> Array:
    """Evenly spread points of the unit box, ``(point, dimension)``: the additive recurrence of the plastic number.

    Roberts 2018, "The unreasonable effectiveness of quasirandom sequences".
    """
    root = 2.0
    for _ in range(40):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1.0)
    points: Array = (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0
    return points


def minimise(function: Function, low: Array, high: Array, equal: Sequence[bool] = (),
             starts: Array | None = None) -> Found:
    """The best point that keeps the constraints, or where none does the one that breaks them least.

    ``equal`` says which constraints are equalities, ``starts`` where to look instead of everywhere.
    """
    if not len(low):
        value, gaps = function(np.zeros((1, 0)))
        return Found(np.zeros(0), float(value[0]), broken(gaps, _which(equal, gaps))[:, 0])
    points = low + (high - low) * lattice(SAMPLE, len(low)) if starts is None else np.clip(starts, low, high)
    value, gaps = function(points)
    same = _which(equal, gaps)
    excess = broken(gaps, same)
    merit = np.where(np.isfinite(value), value, np.inf) + PENALTY * np.maximum(excess, 0.0).sum(axis=0)
    best: Found | None = None
    for i in _apart(points, np.argsort(merit), high - low):
        found = _polish(function, points[i], low, high, same)
        if best is None or _better(found, best):
            best = found
    assert best is not None
    return best


def broken(gaps: Array, equal: npt.NDArray[np.bool_]) -> Array:
    """By how much constraints are broken: at most 0 where an inequality holds, 0 where an equality does."""
    return np.where(equal[:, None], np.abs(gaps), gaps)


def _which(equal: Sequence[bool], gaps: Array) -> npt.NDArray[np.bool_]:
    return np.array(equal, bool) if len(equal) else np.zeros(len(gaps), bool)


def _apart(points: Array, order: npt.NDArray[np.int64], span: Array) -> list[int]:
    """The best few points that do not lie on top of one another."""
    kept: list[int] = []
    for i in order[:256]:
        if all(np.abs((points[i] - points[k]) / np.maximum(span, 1e-300)).max() > 0.05 for k in kept):
            kept.append(int(i))
        if len(kept) == STARTS:
            break
    return kept


def _better(one: Found, other: Found) -> bool:
    if one.feasible != other.feasible:
        return one.feasible
    if one.feasible:
        return one.value < other.value
    return float(np.maximum(one.excess, 0).sum()) < float(np.maximum(other.excess, 0).sum())


def _polish(function: Function, start: Array, low: Array, high: Array, equal: npt.NDArray[np.bool_]) -> Found:
    from scipy.optimize import minimize

    known: dict[bytes, tuple[float, Array, Array, Array]] = {}

    def at(x: Array) -> tuple[float, Array, Array, Array]:
        """Value, excess, and their gradients, from one call at 2 k + 1 points."""
        key = x.tobytes()
        if key not in known:
            k = len(x)
            points = np.repeat(x[None, :], 2 * k + 1, axis=0)
            points[np.arange(k), np.arange(k)] += STEP
            points[k + np.arange(k), np.arange(k)] -= STEP
            value, excess = function(points)
            slope = (value[:k] - value[k : 2 * k]) / (2 * STEP)
            slopes = (excess[:, :k] - excess[:, k : 2 * k]) / (2 * STEP)
            known[key] = (float(np.nan_to_num(value[-1], nan=1e6, posinf=1e6)), np.nan_to_num(excess[:, -1], nan=1e6),
                          np.nan_to_num(slope), np.nan_to_num(slopes))
        return known[key]

    rows = np.arange(len(at(start)[1]))
    constraints: Any = [{"type": kind, "fun": lambda x, r=r: -at(x)[1][r], "jac": lambda x, r=r: -at(x)[3][r]}
                        for kind, r in (("ineq", rows[~equal]), ("eq", rows[equal])) if len(r)]
    bounds: Any = list(zip(low, high, strict=True))
    solve: Any = minimize   # its stubs know no Jacobian beside constraints
    found = solve(lambda x: at(x)[0], start, jac=lambda x: at(x)[2], bounds=bounds, constraints=constraints,
                  method="SLSQP", options={"maxiter": 200, "ftol": 1e-12})
    x = np.clip(found.x, low, high)
    value, gaps = function(x[None, :])
    return Found(x, float(value[0]), broken(gaps, equal)[:, 0])
