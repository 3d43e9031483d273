"""Where a search starts: everywhere, cheaply, for every weighting of the runs at once.

The coefficients that enter a formula linearly (E, A and B of the additive law) are solved for at each
point of a lattice over the others: variable projection. With the products of the basis functions
computed once, the normal equations of every lattice point under every bootstrap weighting are one
matrix product, so that any resample can have a global start of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lawful.fit.objective import Objective
from lawful.fit.problem import Problem
from lawful.laws.base import Limit
from lawful.laws.expressions import Tape, differentiate
from lawful.laws.registry import template

Array = npt.NDArray[np.float64]

LATTICE = {1: 48, 2: 14, 3: 9, 4: 7}
"""Points per lattice coefficient, by how many there are."""

SCATTERED = 8192
"""Points scattered (a Sobol sequence) over more coefficients than a lattice can hold, and for forms that extend another
by a term, whose place may be anywhere."""

DOUBLINGS = 2
"""How often that number doubles, once a coefficient, over seven coefficients and more."""

POLISHED = 24
"""Starts followed to the end for the point estimate."""

TRIED, TRIED_STEPS = 192, 12
"""Scattered starts that are followed for a few Newton steps; ``POLISHED`` of them go on."""

FINALISTS, FINALIST_STEPS = 12, 48
"""Of those, and of the extended starts: how many are followed to the end, after how many steps more."""

APART = 1e-3
"""Two objectives this far apart, relatively, are on their way to different optima."""

MOST_RUNS = 1024
"""Runs that the lattice looks at: a start needs no more, however long the table."""

_NUMBERS = 1 << 22
"""Numbers in a basis function, points times runs: where there are more points, fewer runs are looked at."""

_BLOCK = 40_000
"""Systems solved at a time: their dozen temporary arrays stay in a core's cache."""


@dataclass(frozen=True)
class Lattice:
    """The lattice of one problem: coefficients that are not linear, and the basis at each point.

    ``points`` is ``(point, coefficient)`` with the linear coefficients left at 1; ``rows`` the runs
    it looks at; ``basis`` is ``(point, linear + 1, run)``: each linear coefficient's function, then
    what the rest of the formula leaves to explain, both relative to the observed value.
    """

    problem: Problem
    points: Array
    rows: npt.NDArray[np.int64]
    basis: Array

    @classmethod
    def of(cls, problem: Problem) -> Lattice:
        """The lattice that fits the number of coefficients to be searched."""
        names = problem.names
        searched = [j for j, name in enumerate(names) if name not in problem.linear]
        limits = [problem.space.limits[j] for j in searched]
        if len(searched) in LATTICE and problem.law.simpler is None:
            grid = np.array(list(itertools.product(*(_axis(limit, LATTICE[len(searched)]) for limit in limits))))
        else:
            grid = _scattered(limits) if searched else np.ones((1, 0))
        points = np.ones((len(grid), len(names)))
        points[:, searched] = grid
        runs = len(problem.observed)
        looked_at = min(runs, MOST_RUNS, max(64, _NUMBERS // len(points)))
        rows = np.unique(np.linspace(0, runs - 1, looked_at).astype(np.int64))
        return cls(problem, points, rows, _basis(problem, points, rows))

    def best(self, weights: Array | None, keep: int = 1) -> Array:
        """The ``keep`` most promising starts, ``(batch, keep, coefficient)``, under each row of ``weights``.

        ``weights`` is ``(batch, run)``, or None for one row of ones. Promise is the weighted sum of squared
        relative residuals, capped so that a gross outlier cannot drag every start to itself.
        """
        w = np.ones((1, len(self.rows))) if weights is None else np.ascontiguousarray(weights[:, self.rows])
        k = self.basis.shape[1] - 1
        linear = [self.problem.names.index(name) for name in self.problem.linear]
        found = np.empty((len(w), keep, self.points.shape[1]))
        pairs = [(a, b) for a in range(k + 1) for b in range(a + 1)]
        signed = [self.problem.space.limits[j].low < 0 for j in linear]
        points = len(self.points)
        with np.errstate(over="ignore", invalid="ignore"):
            products = np.stack([self.basis[:, a] * self.basis[:, b] for a, b in pairs], axis=0)
        flat = products.reshape(len(pairs) * points, -1).T
        block = max(1, _BLOCK // points)
        for first in range(0, len(w), block):
            moments = (w[first : first + block] @ flat).reshape(-1, len(pairs), points)
            solved, misfit = _project(moments, pairs, signed)
            order = np.argpartition(misfit, min(keep, points - 1), axis=1)[:, :keep]
            order = np.take_along_axis(order, np.argsort(np.take_along_axis(misfit, order, 1), axis=1), 1)
            chosen = self.points[order]
            for column, j in enumerate(linear):
                chosen[:, :, j] = np.take_along_axis(solved[column], order, axis=1)
            found[first : first + block] = chosen
        return found

    def promising(self, penalty: Objective) -> Array:
        """Where the point estimate is searched from, ``(start, coefficient)``: the best points of the lattice.

        Where points are scattered, the best of them is rarely next to the best optimum: there, many more are followed
        for a few steps, and those that got furthest are kept, beside those of ``extended``.
        """
        problem = self.problem
        if len(problem.names) - len(problem.linear) <= max(LATTICE) and problem.law.simpler is None:
            best: Array = self.best(None, POLISHED)[0]
            return best
        smoother = _smoother(penalty)
        tried = problem.solve(self.best(None, TRIED)[0], None, smoother, max_steps=TRIED_STEPS).sorted()
        both = np.concatenate([tried.coefficients[:POLISHED], extended(problem, penalty)])
        moved = problem.solve(both, None, smoother, max_steps=FINALIST_STEPS).sorted()
        finalists: Array = moved.coefficients[_various(moved.objective)[:FINALISTS]]
        return finalists


def _smoother(penalty: Objective) -> Objective:
    """The first problem on the way to ``penalty``'s optimum."""
    return next((wider for wider, _ in penalty.path()), penalty)


def _various(objective: Array) -> npt.NDArray[np.int64]:
    """The order of sorted objectives in which each optimum's first comes before its repetitions, two thirds to one.

    A slow start towards the best optimum may lie behind many quick ones that share a worse one.
    """
    first = np.diff(objective, prepend=-np.inf) > APART * np.abs(objective)
    fresh, again = np.flatnonzero(first), np.flatnonzero(~first)
    few = 2 * FINALISTS // 3
    return np.concatenate([fresh[:few], again[: FINALISTS - few], fresh[few:], again[FINALISTS - few :]])


def extended(problem: Problem, penalty: Objective) -> Array:
    """Starts at the fit of the form that this one extends, ``(start, coefficient)``: a term more never fits worse."""
    law, simpler = problem.law, problem.law.simpler
    if simpler is None or not set(problem.fixed) <= set(simpler.names()):
        return np.empty((0, len(problem.names)))
    within = template(simpler, **law.settings).with_coefficients(
        {name: problem.fixed.get(name, limit.inside) for name, limit in simpler.limits().items()})
    inner = replace(problem, law=within, limits={k: v for k, v in problem.limits.items() if k in simpler.names()})
    smoother = _smoother(penalty)
    near = inner.solve(Lattice.of(inner).promising(penalty), None, smoother, max_steps=FINALIST_STEPS).sorted()
    best = inner.solve(near.coefficients[:1], None, smoother).coefficients[0]
    found = within.with_coefficients({**problem.fixed, **dict(zip(inner.names, best.tolist(), strict=True))})
    laws = law.extending(found, problem.quantities[law.inputs[0]])
    return np.array([[each.coefficients[name] for name in problem.names] for each in laws])


def _axis(limit: Limit, size: int) -> Array:
    low, high = limit.start
    low, high = max(low, limit.low), min(high, limit.high)
    if low > 0 and high / low > 4:
        return np.geomspace(low, high, size)
    inset = (high - low) / (size + 1)
    return np.linspace(low + inset, high - inset, size)


def _scattered(limits: list[Limit]) -> Array:
    from scipy.stats import qmc

    count = SCATTERED << min(max(len(limits) - 6, 0), DOUBLINGS)
    share = qmc.Sobol(len(limits), scramble=False).random(count) * (1 - 1 / count) + 0.5 / count
    axes = [_axis(limit, 1025) for limit in limits]
    points: Array = np.stack([axis[(share[:, j] * len(axis)).astype(int)] for j, axis in enumerate(axes)], axis=1)
    return points


def _basis(problem: Problem, points: Array, rows: npt.NDArray[np.int64]) -> Array:
    formula = problem.law.expression()
    data = {**{n: problem.quantities[n][rows] for n in problem.law.inputs}, **problem.fixed}
    slopes = [differentiate(formula, name) for name in problem.linear]
    tape = Tape([formula, *slopes], data)
    observed = problem.observed[rows]
    unit = observed if problem.relative else np.full(len(rows), np.abs(observed).max() + 1e-300)
    basis = np.empty((len(points), len(slopes) + 1, len(rows)))
    block = max(1, _BLOCK // len(rows))
    with np.errstate(all="ignore"):  # corners of the lattice overflow: they are bad starts, not errors
        for first in range(0, len(points), block):
            part = slice(first, first + block)
            outputs = tape({n: points[part, j : j + 1] for j, n in enumerate(problem.names)})
            shape = basis[part, 0].shape
            value, *linear = [np.broadcast_to(o, shape) / unit for o in outputs]
            for j, function in enumerate(linear):
                basis[part, j] = function
            basis[part, -1] = observed / unit - (value - sum(linear))  # at 1 each, they leave what has none of them
    return np.nan_to_num(basis, copy=False, nan=1e6, posinf=1e6, neginf=-1e6)


@np.errstate(all="ignore")  # a basis that overflows makes a bad start, not an error
def _project(moments: Array, pairs: list[tuple[int, int]], signed: list[bool]) -> tuple[list[Array], Array]:
    """The linear coefficients and the misfit they leave, per (weighting, lattice point).

    Elimination without pivoting on the scaled, slightly ridged normal equations, over the whole batch
    at once; one that must be positive and comes out negative is set to a trace of its natural size.
    """
    k = len(signed)
    at = {pair: moments[:, i] for i, pair in enumerate(pairs)}
    total = at[k, k]
    if k == 0:
        return [], total
    size = [np.sqrt(at[a, a]) + 1e-150 for a in range(k)]  # its square must not underflow
    M = [[at[max(a, b), min(a, b)] / (size[a] * size[b]) + (1e-12 if a == b else 0.0) for b in range(k)]
         for a in range(k)]
    y = [at[k, a] / size[a] for a in range(k)]
    U, z = [row[:] for row in M], y[:]
    for a in range(k):
        for b in range(a + 1, k):
            ratio = U[b][a] / U[a][a]
            z[b] = z[b] - ratio * z[a]
            for c in range(a, k):
                U[b][c] = U[b][c] - ratio * U[a][c]
    x: list[Array] = [z[0]] * k
    for a in reversed(range(k)):
        x[a] = (z[a] - sum((U[a][c] * x[c] for c in range(a + 1, k)), np.zeros_like(z[a]))) / U[a][a]
    trace = 1e-3 * np.sqrt(total)
    x = [v if free else np.where(v > trace, v, trace) for v, free in zip(x, signed, strict=True)]
    misfit = total - 2.0 * sum(x[a] * y[a] for a in range(k)) + sum(
        x[a] * x[b] * M[a][b] for a in range(k) for b in range(k))
    return [x[a] / size[a] for a in range(k)], np.where(np.isfinite(misfit), misfit, np.inf)
