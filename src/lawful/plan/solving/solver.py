"""Constrained minima of a few variables: many points at once, Newton from the most promising, SLSQP where that fails.

``minimise(function, low, high, equal)``: ``function`` is that of ``lawful.plan.solving.newton``, one for all cases. All
is in logarithms, or what stands for them, so that 1e-6 means a millionth of a thing and not of its unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.plan.solving.newton import FEASIBLE, Array, Function, Mask, Rows, broken, follow

SAMPLE, STARTS = 1024, 4
"""Points that are looked at, and those that a search starts from."""

BLOCK = 64
"""Cases whose points are looked at in one call."""

SLOW = 16
"""Cases that SLSQP is asked about where Newton finds nothing: those that came nearest to keeping the constraints."""

CROWD = 256
"""The best points, among which starts are chosen that lie apart."""

STEP = 1e-6
"""Half of the step over which SLSQP's derivatives are taken: the cube root of a double's precision, near enough."""

PENALTY = 10.0
"""Weight of a broken constraint in ranking the points: more than any outcome gains by breaking one."""


@dataclass(frozen=True)
class Found:
    """A minimum of each case: points ``(case, variable)``, values ``(case,)``, excess ``(constraint, case)``,
    multipliers ``(case, constraint)``, and whether it took SLSQP ``(case,)``."""

    x: Array
    value: Array
    excess: Array
    multipliers: Array
    slow: Mask

    @property
    def feasible(self) -> Mask:
        """Which have a value and keep every constraint."""
        return np.asarray((self.excess <= FEASIBLE).all(axis=0) & np.isfinite(self.value))

    @property
    def merit(self) -> tuple[Array, Array]:
        """What the better of two cases has less of, in order: broken constraints, value."""
        beyond = np.where(np.isfinite(self.value), np.maximum(self.excess, 0.0).sum(axis=0), np.inf)
        return np.where(self.feasible, 0.0, beyond), self.value

    def best(self) -> int:
        """The best case."""
        return int(np.lexsort(self.merit[::-1])[0])


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


def minimise(function: Function, low: Array, high: Array, equal: Mask) -> Found:
    """The best point of each case, or where none keeps the constraints one that breaks them least.

    ``low`` and ``high`` are the limits of each case's variables, ``(case, variable)``.
    """
    cases, variables = low.shape
    if not variables:
        value, gaps = function(np.zeros((cases, 1, 0)), np.arange(cases))
        return Found(np.zeros((cases, 0)), value[:, 0], broken(gaps, equal)[:, :, 0], np.zeros((cases, len(equal))),
                     np.zeros(cases, dtype=bool))
    unit = lattice(SAMPLE, variables)
    starts: list[Array] = []
    for rows in np.array_split(np.arange(cases), -(-cases // BLOCK)):
        points = low[rows, None] + (high - low)[rows, None] * unit
        merit = merits(*function(points, rows), equal)
        starts += [mine[apart(unit, row)] for mine, row in zip(points, merit, strict=True)]
    return settle(function, starts, low, high, equal)


def merits(value: Array, gaps: Array, equal: Mask) -> Array:
    """What ranks points of which few keep the constraints, ``(case, point)``."""
    excess = np.maximum(broken(gaps, equal), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        found = value + PENALTY * excess
    return np.where(np.isfinite(found), found, np.inf)


def apart(unit: Array, merit: Array) -> Rows:
    """The best few points, of the unit box, that do not lie on top of one another."""
    order = np.argpartition(merit, CROWD)[:CROWD] if len(merit) > CROWD else np.arange(len(merit))
    order = order[np.argsort(merit[order])]
    scaled = unit[order]
    near = np.zeros(len(order), dtype=bool)
    kept: list[int] = []
    for i in range(len(order)):
        if not near[i]:
            kept.append(i)
            near |= np.abs(scaled - scaled[i]).max(axis=1, initial=0.0) <= 0.05
        if len(kept) == STARTS:
            break
    return order[kept]


def settle(function: Function, starts: list[Array], low: Array, high: Array, equal: Mask) -> Found:
    """The best minimum that lies near the ``starts`` of each case, ``(start, variable)``.

    Newton goes from all of them at once. SLSQP follows where none arrives, from every start that keeps the constraints
    or else from the most promising where another case has an answer, of so many cases; and from where a start that did
    not arrive is better than the best that did.
    """
    cases = np.repeat(np.arange(len(starts)), [len(s) for s in starts])
    begun = np.concatenate(starts)
    made = follow(function, begun, low[cases], high[cases], equal, cases)
    tried = Found(made.x, made.value, broken(made.gaps, equal), made.multipliers, np.zeros(len(cases), dtype=bool))
    beyond, value = tried.merit
    arrived = made.arrived
    reached = np.array([[arrived[cases == i].any(), beyond[cases == i].min()] for i in range(len(starts))])
    open_ = np.flatnonzero(reached[:, 0] == 0.0)
    asked = set(open_[np.argsort(reached[open_, 1])[:SLOW]].tolist())
    chosen: list[Found] = []
    for case in range(len(starts)):
        mine = np.flatnonzero(cases == case)
        good = mine[arrived[mine]]
        best = good[np.argmin(value[good])] if len(good) else None
        found = None if best is None else _picked(tried, int(best))
        for rank, i in enumerate(mine):
            better_yet = beyond[i] == 0.0 and (best is None or value[i] < value[best])
            insist = case in asked and (rank == 0 or not arrived.any())
            if not arrived[i] and (better_yet or insist):
                start = made.x[i] if np.isfinite(value[i]) and best is not None else begun[i]
                other = slsqp(function, case, start, low[case], high[case], equal)
                found = other if found is None or better(other, found) else found
        chosen.append(found or _picked(tried, int(mine[np.argmin(beyond[mine])])))
    return Found(np.concatenate([f.x for f in chosen]), np.concatenate([f.value for f in chosen]),
                 np.concatenate([f.excess for f in chosen], axis=1), np.concatenate([f.multipliers for f in chosen]),
                 np.concatenate([f.slow for f in chosen]))


def _picked(found: Found, i: int) -> Found:
    one = slice(i, i + 1)
    return Found(found.x[one], found.value[one], found.excess[:, one], found.multipliers[one], found.slow[one])


def better(one: Found, other: Found) -> bool:
    """Whether the first case of ``one`` is better than that of ``other``."""
    return tuple(float(m[0]) for m in one.merit) < tuple(float(m[0]) for m in other.merit)


def slsqp(function: Function, case: int, start: Array, low: Array, high: Array, equal: Mask) -> Found:
    """Where sequential least squares of scipy comes from ``start``."""
    from scipy.optimize import minimize

    known: dict[bytes, tuple[float, Array, Array, Array]] = {}
    number = np.array([case])

    def at(x: Array) -> tuple[float, Array, Array, Array]:
        """Value, gaps, and their gradients, from one call at 2 k + 1 points."""
        key = x.tobytes()
        if key not in known:
            k = len(x)
            points = np.repeat(x[None, :], 2 * k + 1, axis=0)
            points[np.arange(k), np.arange(k)] += STEP
            points[k + np.arange(k), np.arange(k)] -= STEP
            value, gaps = (both[..., 0, :] for both in function(points[None], number))
            slope = (value[:k] - value[k : 2 * k]) / (2 * STEP)
            slopes = (gaps[:, :k] - gaps[:, k : 2 * k]) / (2 * STEP)
            known[key] = (float(np.nan_to_num(value[-1], nan=1e6, posinf=1e6)), np.nan_to_num(gaps[:, -1], nan=1e6),
                          np.nan_to_num(slope), np.nan_to_num(slopes))
        return known[key]

    constraints: Any = [{"type": kind, "fun": lambda x, r=r: -at(x)[1][r], "jac": lambda x, r=r: -at(x)[3][r]}
                        for kind, r in (("ineq", np.flatnonzero(~equal)), ("eq", np.flatnonzero(equal))) if len(r)]
    bounds: Any = list(zip(low, high, strict=True))
    solve: Any = minimize   # its stubs know no Jacobian beside constraints
    with np.errstate(all="ignore"):
        found = solve(lambda x: at(x)[0], start, jac=lambda x: at(x)[2], bounds=bounds, constraints=constraints,
                      method="SLSQP", options={"maxiter": 200, "ftol": 1e-12})
        x = np.clip(found.x, low, high)
        value, gaps = function(x[None, None, :], number)
    return Found(x[None], value[:, 0], broken(gaps, equal)[:, :, 0], np.zeros((1, len(equal))), np.ones(1, dtype=bool))
