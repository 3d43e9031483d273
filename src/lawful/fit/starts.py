"""Where a search starts: everywhere, cheaply, for every weighting of the runs at once.

The coefficients that enter a formula linearly (E, A and B of the additive law) are solved for at each
point of a lattice over the others: variable projection. With the products of the basis functions
computed once, the normal equations of every lattice point under every bootstrap weighting are one
matrix product, so that each resample gets a global start of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.problem import Problem
from lawful.laws.base import Limit
from lawful.laws.expressions import Tape, differentiate

Array = npt.NDArray[np.float64]

LATTICE = {1: 48, 2: 14, 3: 9, 4: 7}
"""Points per lattice coefficient, by how many there are."""

SCATTERED = 8192
"""Points scattered (a Sobol sequence) when there are more coefficients than a lattice can hold."""

MOST_RUNS = 1024
"""Runs that the lattice looks at: a start needs no more, however long the table."""

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
        names, limits = problem.names, problem.space.limits
        searched = [j for j, name in enumerate(names) if name not in problem.linear]
        grids = [_axis(limits[j], LATTICE.get(len(searched), 2)) for j in searched]
        count = int(np.prod([len(g) for g in grids])) if len(grids) in LATTICE or not grids else SCATTERED
        points = np.ones((count, len(names)))
        if grids:
            points[:, searched] = np.array(list(itertools.product(*grids))) if len(grids) in LATTICE else _scattered(
                [limits[j] for j in searched])
        runs = len(problem.observed)
        rows = np.unique(np.linspace(0, runs - 1, min(runs, MOST_RUNS)).astype(np.int64))
        return cls(problem, points, rows, _basis(problem, points, rows))

    def best(self, weights: Array | None, keep: int = 1) -> Array:
        """The ``keep`` most promising starts, ``(batch, keep, coefficient)``, under each row of ``weights``.

        ``weights`` is ``(batch, run)``, or None for one row of ones. Promise is the weighted sum of squared
        relative residuals, capped so that a gross outlier cannot drag every start to itself.
        """
        w = np.ones((1, len(self.rows))) if weights is None else np.ascontiguousarray(weights[:, self.rows])
        k = self.basis.shape[1] - 1
        linear = [self.problem.names.index(name) for name in self.problem.linear]
        starts = np.empty((len(w), keep, self.points.shape[1]))
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
            starts[first : first + block] = chosen
        return starts


def _axis(limit: Limit, size: int) -> Array:
    low, high = limit.start
    low, high = max(low, limit.low), min(high, limit.high)
    if low > 0 and high / low > 4:
        return np.geomspace(low, high, size)
    inset = (high - low) / (size + 1)
    return np.linspace(low + inset, high - inset, size)


def _scattered(limits: list[Limit]) -> Array:
    from scipy.stats import qmc

    share = qmc.Sobol(len(limits), scramble=False).random(SCATTERED) * (1 - 1 / SCATTERED) + 0.5 / SCATTERED
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
    with np.errstate(all="ignore"):  # corners of the lattice overflow: they are bad starts, not errors
        outputs = tape({n: points[:, j : j + 1] for j, n in enumerate(problem.names)})
        shaped = [np.broadcast_to(o, (len(points), len(rows))) / unit for o in outputs]
        rest = shaped[0] - sum(shaped[1:])  # the linear coefficients stand at 1: what is left has none of them
        basis: Array = np.stack([*shaped[1:], observed / unit - rest], axis=1)
    return np.nan_to_num(basis, nan=1e6, posinf=1e6, neginf=-1e6)


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
