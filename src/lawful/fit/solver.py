"""The batched solver: many weighted fits of one form to one table, all at once.

Every row of a batch is a fit of its own, with its own starting point and its own weights on the runs
(a bootstrap resample is a row of counts). A damped Newton step uses the exact first and second
derivatives of the formula; coefficients that live on a half-line or an interval are searched in a
variable without limits. Rows leave the batch as they converge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.objective import TIGHT, Objective
from lawful.laws.base import Law, Limit
from lawful.laws.expressions import Expr, Tape, differentiate

Array = npt.NDArray[np.float64]

MAX_STEPS = 1000
"""Newton steps a row may take before it is reported as out of steps."""

RESCALE = 5
"""Newton steps between measurements of what damping is measured in."""

CHUNK = 24_000
"""Numbers per working array (rows x runs): a few of them fit a core's second-level cache."""


@dataclass(frozen=True)
class Space:
    """The change of variable that keeps each coefficient within its limits.

    (0, inf) becomes exp(u), (low, high) a logistic function of u, the whole line stays as it is.
    """

    limits: tuple[Limit, ...]

    def coefficients(self, u: Array) -> Array:
        """Coefficients ``(batch, coefficient)`` from unbounded ``u`` of the same shape."""
        return self.open(u)[0]

    def open(self, u: Array) -> tuple[Array, Array, Array]:
        """Coefficients, and the first and second derivative of each in its own ``u``, all of ``u``'s shape."""
        if all(limit.low == 0.0 and np.isinf(limit.high) for limit in self.limits):  # nearly every law
            e = _exp(u)
            return e, e, e
        columns = [_from_free(limit, u[:, j]) for j, limit in enumerate(self.limits)]
        c, first, second = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
        return c, first, second

    def free(self, c: Array) -> Array:
        """The inverse of ``coefficients``."""
        u = np.empty_like(c)
        for j, limit in enumerate(self.limits):
            x = c[:, j]
            if np.isinf(limit.high) and np.isinf(limit.low):
                u[:, j] = x
            elif np.isinf(limit.high):
                u[:, j] = np.log(np.maximum(x - limit.low, 1e-300))
            else:
                share = np.clip((x - limit.low) / (limit.high - limit.low), 1e-12, 1 - 1e-12)
                u[:, j] = np.log(share / (1 - share))
        return u


def _exp(u: Array) -> Array:
    """exp(u), kept within what a double can hold."""
    e: Array = np.exp(np.clip(u, -690.0, 690.0))
    return e


def _from_free(limit: Limit, u: Array) -> tuple[Array, Array, Array]:
    if np.isinf(limit.high) and np.isinf(limit.low):
        return u, np.ones_like(u), np.zeros_like(u)
    if np.isinf(limit.high):
        e = _exp(u)
        return limit.low + e, e, e
    s = 1.0 / (1.0 + np.exp(-np.clip(u, -40.0, 40.0)))
    width = limit.high - limit.low
    return limit.low + width * s, width * s * (1 - s), width * s * (1 - s) * (1 - 2 * s)


@dataclass(frozen=True)
class Solution:
    """What the solver found, a row a fit: coefficients ``(batch, coefficient)``, objective, convergence."""

    coefficients: Array
    objective: Array
    converged: npt.NDArray[np.bool_]
    steps: int


@dataclass
class Problem:
    """One form, one table, one objective: everything the solver needs, compiled once.

    ``law`` is any instance of the form; ``fixed`` holds coefficients that are given, not fitted.
    """

    law: Law
    quantities: Mapping[str, Array]
    observed: Array
    fixed: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = tuple(name for name in self.law.names() if name not in self.fixed)
        self.space = Space(tuple(self.law.limits()[name] for name in self.names))
        self.relative = self.law.output.positive  # residuals of the log, unless the output may be negative
        self.target = np.log(self.observed) if self.relative else self.observed
        formula = self.law.expression()
        slopes = [differentiate(formula, name) for name in self.names]
        curves = {(j, k): differentiate(slopes[j], name)
                  for j in range(len(self.names)) for k, name in enumerate(self.names[: j + 1])}
        self._curved = [pair for pair, expr in curves.items() if not _zero(expr)]
        data = {**{name: self.quantities[name] for name in self.law.inputs}, **self.fixed}
        self._value = Tape([formula], data)
        self._all = Tape([formula, *slopes, *(curves[pair] for pair in self._curved)], data)
        self.linear = _linear(slopes, self.names)

    def residuals(self, c: Array) -> Array:
        """log law - log observed, ``(batch, run)``, at coefficients ``(batch, coefficient)``.

        Of an output that may be negative (a reward, a rating): law - observed.
        """
        with np.errstate(all="ignore"):
            (value,) = self._value(self._columns(c))
            fitted: Array = np.broadcast_to(value, (len(c), len(self.observed)))
            return (np.log(fitted) if self.relative else fitted) - self.target

    def gradients(self, c: Array) -> Array:
        """d residual / d coefficient for one row of coefficients, shape ``(coefficient, run)``."""
        with np.errstate(all="ignore"):
            value, *rest = self._all(self._columns(c.reshape(1, -1)))
            unit = value if self.relative else 1.0
            return np.stack([np.broadcast_to(s / unit, (1, len(self.observed)))[0]
                             for s in rest[: len(self.names)]])

    def _columns(self, c: Array) -> dict[str, Array]:
        return {name: c[:, j : j + 1] for j, name in enumerate(self.names)}

    def derivatives(self, u: Array, weights: Array | None, penalty: Objective) -> tuple[Array, Array, Array]:
        """Objective ``(batch,)``, gradient and Hessian, in ``u``."""
        c, first, second = self.space.open(u)
        J, inverse, r, curves = self._linearised(c)
        psi = penalty.slope(r)
        inner = (np.abs(r) <= penalty.delta).astype(float)
        total = penalty.value(r)
        if weights is not None:
            psi, inner = psi * weights, inner * weights
            objective = np.einsum("bi,bi->b", total, weights)
        else:
            objective = total.sum(axis=1)
        gradient = np.matmul(J, psi[:, :, None])[:, :, 0]
        bend = inner - psi if self.relative else inner  # the logarithm's own curvature is -J J
        H = np.matmul(J * bend[:, None, :], J.transpose(0, 2, 1))
        psi_over = psi * inverse
        for (j, k), curve in zip(self._curved, curves, strict=True):
            term = np.einsum("bi,bi->b", psi_over, np.broadcast_to(curve, psi_over.shape))
            H[:, j, k] += term
            if j != k:
                H[:, k, j] += term
        H *= first[:, :, None] * first[:, None, :]
        diagonal = np.arange(c.shape[1])
        H[:, diagonal, diagonal] += gradient * second
        return objective, gradient * first, H

    def scale(self, u: Array, weights: Array | None, penalty: Objective) -> Array:
        """A positive curvature of each coefficient in ``u``, ``(batch, coefficient)``: what damping is measured in.

        That of the quadratic that touches the penalty from above (iteratively reweighted least squares).
        """
        c, first, _ = self.space.open(u)
        J, _, r, _ = self._linearised(c)
        inside = np.abs(r) <= penalty.delta
        above = np.where(inside, 1.0, penalty.slope(r) / np.where(inside, 1.0, r))
        if weights is not None:
            above = above * weights
        curvature: Array = np.matmul(J * J, above[:, :, None])[:, :, 0] * first**2
        return curvature

    def _linearised(self, c: Array) -> tuple[Array, Array, Array, list[Any]]:
        """The residuals' slopes ``(batch, coefficient, run)``, 1 / value, the residuals, the formula's curvatures."""
        value, *rest = self._all(self._columns(c))
        value = np.broadcast_to(value, (len(c), len(self.observed)))
        inverse = 1.0 / value if self.relative else np.ones_like(value)
        r = (np.log(value) if self.relative else value) - self.target
        J = np.empty((*c.shape, len(self.observed)))
        for j in range(c.shape[1]):
            np.multiply(rest[j], inverse, out=J[:, j])
        return J, inverse, r, rest[c.shape[1]:]

    def solve(self, start: Array, weights: Array | None, penalty: Objective, *,
              max_steps: int = MAX_STEPS, tolerance: float = TIGHT) -> Solution:
        """Minimise from every row of ``start`` (coefficients), under ``weights`` ``(batch, run)`` or ones.

        A row has converged when a Newton step promises less than ``tolerance`` of its objective.
        """
        rows = max(1, CHUNK // len(self.observed))
        parts = [
            self._newton(start[i : i + rows], None if weights is None else weights[i : i + rows],
                         penalty, max_steps, tolerance)
            for i in range(0, len(start), rows)
        ]
        return Solution(
            np.concatenate([s.coefficients for s in parts]), np.concatenate([s.objective for s in parts]),
            np.concatenate([s.converged for s in parts]), max(s.steps for s in parts),
        )

    def descend(self, start: Array, weights: Array | None, penalty: Objective) -> Solution:
        """``solve`` by way of the smoother problems on the penalty's path."""
        for smoother, settle in penalty.path():
            start = self.solve(start, weights, smoother, tolerance=settle).coefficients
        return self.solve(start, weights, penalty)

    def _newton(self, start: Array, weights: Array | None, penalty: Objective,
                max_steps: int, tolerance: float) -> Solution:
        u = self.space.free(start)
        damping = np.full(len(u), 1e-3)
        done = np.zeros(len(u), dtype=bool)
        active = np.arange(len(u))
        step_count = 0
        with np.errstate(all="ignore"):
            F, g, H = self.derivatives(u, weights, penalty)
            scale = np.ones_like(u)
            F = np.where(np.isfinite(F), F, np.inf)  # a start where the formula has no value goes nowhere
            active = active[np.isfinite(F)]
            while len(active) and step_count < max_steps:
                if step_count % RESCALE == 0:
                    scale[active] = self.scale(u[active], None if weights is None else weights[active], penalty)
                step_count += 1
                step, promise = _step(g[active], H[active], scale[active], damping[active])
                small = promise <= tolerance * (F[active] + 1e-22)
                done[active[small & (damping[active] <= 1.0)]] = True
                go = ~done[active]
                active, step = active[go], step[go]
                if not len(active):
                    break
                w = None if weights is None else weights[active]
                trial = u[active] + step
                F1, g1, H1 = self.derivatives(trial, w, penalty)
                better = F[active] > F1
                yes, no = active[better], active[~better]
                u[yes], F[yes], g[yes], H[yes] = trial[better], F1[better], g1[better], H1[better]
                damping[yes] = np.maximum(damping[yes] * 0.15, 1e-12)
                damping[no] = damping[no] * 6.0
                stuck = no[damping[no] > 1e9]  # no descent at any length: at the limit of precision
                done[stuck] = True
                active = active[~done[active]]
        return Solution(self.space.coefficients(u), F, done, step_count)


def _step(g: Array, H: Array, scale: Array, damping: Array) -> tuple[Array, Array]:
    """The damped Newton step of each row and the decrease it promises; more damping where H is not positive."""
    floor = 1e-14 * scale.max(axis=1, keepdims=True) + 1e-300
    unit = 1.0 / np.sqrt(np.maximum(scale, floor))
    Hs = H * unit[:, :, None] * unit[:, None, :]
    gs = g * unit
    values, vectors = np.linalg.eigh(np.where(np.isfinite(Hs), Hs, 0.0))
    curvature = np.maximum(np.abs(values), 1e-10) + damping[:, None]
    along = np.einsum("bji,bj->bi", vectors, gs)
    move = -along / curvature
    size = np.sqrt((move**2).sum(axis=1, keepdims=True))
    step = np.einsum("bji,bi->bj", vectors, move) * unit
    step = np.clip(step, -2.0, 2.0) if np.isfinite(size).all() else np.nan_to_num(np.clip(step, -2.0, 2.0))
    return step, 0.5 * np.sum(along**2 / curvature, axis=1)


def _zero(expr: Expr) -> bool:
    return expr.op == "constant" and expr.value == 0.0


def _linear(slopes: list[Expr], names: tuple[str, ...]) -> tuple[str, ...]:
    """The coefficients that enter the formula linearly, all together: no slope depends on any of them."""
    inside = [slope.symbols() for slope in slopes]
    chosen: list[int] = []
    for j, name in enumerate(names):
        together = [*chosen, j]
        if all(name not in inside[k] and names[k] not in inside[j] for k in together):
            chosen.append(j)
    return tuple(names[j] for j in chosen)
