"""The batched solver: many weighted fits at once, each a row with its own start and its own weights.

A bootstrap resample is a row of counts. A damped Newton step uses the exact first and second
derivatives that the problem gives; rows leave the batch as they converge. What is solved is a
``Solvable``: one form on one table, or several tables that share coefficients (``lawful.fit.problem``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lawful.fit.objective import TIGHT, Objective
from lawful.fit.space import Space

Array = npt.NDArray[np.float64]

MAX_STEPS = 1000
"""Newton steps a row may take before it is reported as out of steps."""

RESCALE = 5
"""Newton steps between measurements of what damping is measured in."""

POLISH = 12
"""Undamped Newton steps at most that bring the point estimate to its last digits."""

CHUNK = 24_000
"""Numbers per working array (rows x runs): a few of them fit a core's second-level cache."""


@dataclass(frozen=True)
class Solution:
    """What the solver found, a row a fit: coefficients ``(batch, coefficient)``, objective, convergence."""

    coefficients: Array
    objective: Array
    converged: npt.NDArray[np.bool_]
    steps: int

    def sorted(self) -> Solution:
        """The same rows, best objective first; those without a finite one last."""
        order = np.argsort(np.where(np.isfinite(self.objective), self.objective, np.inf), kind="stable")
        return Solution(self.coefficients[order], self.objective[order], self.converged[order], self.steps)


class Solvable(ABC):
    """A smooth objective in unbounded variables, a batch at a time; ``names`` are its coefficients.

    ``runs`` says how long a row of weights is. ``prior`` holds weights ``(run,)`` that come with the runs,
    or None; they multiply those of a resample.
    """

    names: tuple[str, ...]
    space: Space
    runs: int
    prior: Array | None

    @abstractmethod
    def derivatives(self, u: Array, weights: Array | None, penalty: Objective) -> tuple[Array, Array, Array]:
        """Objective ``(batch,)``, gradient and Hessian, in ``u`` ``(batch, coefficient)``."""

    @abstractmethod
    def scale(self, u: Array, weights: Array | None, penalty: Objective) -> Array:
        """A positive curvature of each coefficient in ``u``, ``(batch, coefficient)``: what damping is measured in."""

    @abstractmethod
    def residuals(self, c: Array) -> Array:
        """What the penalty is taken of, ``(batch, run)``, at coefficients ``(batch, coefficient)``."""

    @abstractmethod
    def misfit(self, c: Array) -> Array:
        """``residuals`` whatever each run's precision."""

    def solve(self, start: Array, weights: Array | None, penalty: Objective, *,
              max_steps: int = MAX_STEPS, tolerance: float = TIGHT) -> Solution:
        """Minimise from every row of ``start`` (coefficients), under ``weights`` ``(batch, run)`` or ones.

        A row has converged when a Newton step promises less than ``tolerance`` of its objective.
        """
        if self.prior is not None:
            weights = np.broadcast_to(self.prior, (len(start), self.runs)) if weights is None else weights * self.prior
        rows = max(1, CHUNK // self.runs)
        parts = [
            self._newton(start[i : i + rows], None if weights is None else weights[i : i + rows],
                         penalty, max_steps, tolerance)
            for i in range(0, len(start), rows)
        ]
        return Solution(
            np.concatenate([s.coefficients for s in parts]), np.concatenate([s.objective for s in parts]),
            np.concatenate([s.converged for s in parts]), max(s.steps for s in parts),
        )

    def descend(self, start: Array, weights: Array | None, penalty: Objective, near: bool = False) -> Solution:
        """``solve`` by way of the smoother problems on the penalty's path; from a start ``near`` the optimum, less."""
        for smoother, settle in penalty.path(near):
            start = self.solve(start, weights, smoother, tolerance=settle).coefficients
        return self.solve(start, weights, penalty)

    def polish(self, found: Solution, penalty: Objective) -> Solution:
        """The best row of ``found`` to the last digits: Newton steps for as long as they shrink the gradient."""
        weights = None if self.prior is None else self.prior[None, :]
        u = self.space.free(found.coefficients[:1])
        with np.errstate(all="ignore"):
            F, g, H = self.derivatives(u, weights, penalty)
            for _ in range(POLISH):
                trial = u + _newton_step(g[0], H[0])
                F1, g1, H1 = self.derivatives(trial, weights, penalty)
                if not (np.isfinite(F1[0]) and _size(g1[0], H1[0]) < _size(g[0], H[0])):
                    break
                u, F, g, H = trial, F1, g1, H1
        return replace(found, coefficients=np.concatenate([self.space.coefficients(u), found.coefficients[1:]]),
                       objective=np.concatenate([F, found.objective[1:]]))

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
                step, promise = _step(g[active], H[active], scale[active], damping[active],
                                      self.space.stride(u[active]))
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


def _newton_step(g: Array, H: Array) -> Array:
    """-H^-1 g on scales of one, nothing along directions without curvature."""
    unit = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(H)), 1e-300))
    scaled = np.nan_to_num(H * unit[:, None] * unit[None, :])
    values, vectors = np.linalg.eigh(scaled)
    inverse = np.where(values > 1e-13, 1.0 / np.maximum(values, 1e-13), 0.0)
    step: Array = -(vectors @ (inverse * (vectors.T @ (g * unit)))) * unit
    return step[None, :]


def _size(g: Array, H: Array) -> float:
    """The largest gradient component in units of its own curvature's root."""
    return float(np.max(np.abs(g) / np.sqrt(np.maximum(np.abs(np.diag(H)), 1e-300))))


def _step(g: Array, H: Array, scale: Array, damping: Array, longest: Array) -> tuple[Array, Array]:
    """The damped Newton step of each row and the decrease it promises; more damping where H is not positive.

    No variable goes further than its ``longest`` step.
    """
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
    step = np.clip(step, -longest, longest)
    step = step if np.isfinite(size).all() else np.nan_to_num(step)
    return step, 0.5 * np.sum(along**2 / curvature, axis=1)
