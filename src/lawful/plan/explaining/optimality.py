"""The conditions that hold at an optimum, differentiated: how the best decision follows a coefficient or a bound.

On the scale on which the planner solves (logarithms of what is positive), with goal f, what binds g = 0, multipliers m
and a coefficient or bound t, the optimum x keeps

    [ L_xx  g_x' ] [ dx/dt ]      [ L_xt ]
    [ g_x    0   ] [ dm/dt ]  = - [ g_t  ],        L = f + m . g

(the implicit function theorem). Derivatives are central differences of the planner's own metrics, all in one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.laws.base import MORE_IS_BETTER, Law
from lawful.laws.terms import terms_of
from lawful.plan.decision import Decision
from lawful.plan.problem import Problem
from lawful.plan.solving.shadow import BINDS
from lawful.plan.variables import Constraint, back, is_positive, onto
from lawful.results import Caveat

Array = npt.NDArray[np.float64]
Slopes = tuple[Array, Array, Array, Array]

STEP = 1e-3
"""Half the step of the differences: second derivatives are then good to about six digits."""

SMOOTH = 1e-3
"""The Lagrangian's slope, relative to the goal's, beyond which the point is no smooth optimum."""

SINGULAR = 1e10
"""Condition of the equations beyond which they do not determine the decision."""

_SIDES = np.array([(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)])
"""The four corners of a mixed difference."""


@dataclass(frozen=True)
class Coefficients:
    """How coefficients are moved: those that are positive in the logarithm, others by shares of themselves."""

    values: Array
    logarithmic: npt.NDArray[np.bool_]

    @property
    def scale(self) -> Array:
        """What a step of 1 is worth where it is not one of the logarithm: the coefficient, or 1 where that is 0."""
        return np.where(self.values == 0, 1.0, self.values)

    def moved(self, steps: Array) -> Array:
        """The coefficients after ``steps``, both ``(point, coefficient)``."""
        with np.errstate(over="ignore"):
            return np.where(self.logarithmic, self.values * np.exp(steps), self.values + steps * self.scale)

    def steps(self, draws: Array) -> Array:
        """The steps that lead to ``draws``, both ``(draw, coefficient)``."""
        with np.errstate(all="ignore"):
            return np.where(self.logarithmic, np.log(draws / self.values), (draws - self.values) / self.scale)


def coefficients_of(law: Law) -> Coefficients:
    """The coefficients of ``law`` as things to be moved."""
    return Coefficients(np.array(list(law.coefficients.values()), dtype=float),
                        np.array([limit.low >= 0 for limit in law.limits().values()], dtype=bool))


@dataclass(frozen=True)
class Optimum:
    """A decision, the quantities that move (choices and ends of limits do not), and which rows of the gaps bind."""

    problem: Problem
    decision: Mapping[str, float]
    moving: tuple[str, ...]
    limits: tuple[Constraint, ...]

    @staticmethod
    def of(made: Decision) -> Optimum:
        """The optimum behind a decision."""
        problem = made.problem
        moving = tuple(v.name for v in problem.variables if v.free and all(
            abs(onto(v.name, made.decision[v.name]) - onto(v.name, end)) > BINDS for end in (v.low, v.high)))
        return Optimum(problem, made.decision, moving, (*problem.constraints, *made.limits))

    @property
    def coefficients(self) -> tuple[str, ...]:
        """The names of all laws' coefficients: those of a later law after its output, as ``error.k``."""
        first, *later = self.problem.laws
        return (*first.law.names(), *(f"{law.law.output.name}.{n}" for law in later for n in law.law.names()))

    @property
    def terms(self) -> dict[str, tuple[str, ...]]:
        """The coefficients by term of each law's formula, as ``A, alpha``."""
        found, names = {}, iter(self.coefficients)
        for law in self.problem.laws:
            called = {n: next(names) for n in law.law.names()}
            for term in terms_of(law.law):
                found[", ".join(called[n] for n in term)] = tuple(called[n] for n in term)
        return found

    @property
    def targets(self) -> tuple[str, ...]:
        """What is said to move: the goal, the outcome, then the quantities."""
        return tuple(dict.fromkeys((self.problem.minimise[0], self.problem.outcome, *self.moving)))

    def _metrics(self, x: Array, t: Array) -> dict[str, Array]:
        """The metrics after steps ``x`` ``(point, moving)`` of the decision and ``t`` ``(point, coefficient)``."""
        decision: dict[str, Any] = {name: np.full(len(x), value) for name, value in self.decision.items()}
        for j, name in enumerate(self.moving):
            decision[name] = back(name, onto(name, decision[name]) + x[:, j])
        laws, first = [], 0
        for law in self.problem.laws:
            count = len(law.law.names())
            moved = coefficients_of(law.law).moved(t[:, first : first + count])
            laws.append(law.law.with_coefficients(list(moved.T)))
            first += count
        return self.problem.metrics(decision, laws[0], laws[1:])

    @cached_property
    def _derivatives(self) -> tuple[dict[str, Slopes], list[tuple[Constraint | None, Slopes]]]:
        """Of every target, and of every row that binds: the slopes by x, by t, by x and x, by x and t."""
        n, k = len(self.moving), len(self.coefficients)
        unit = STEP * np.eye(n + k)
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n + k)]
        corners = np.array([a * unit[i] + b * unit[j] for i, j in pairs for a, b in _SIDES]).reshape(-1, n + k)
        points = np.concatenate([np.zeros((1, n + k)), unit, -unit, corners])
        metrics = self._metrics(points[:, :n], points[:, n:])

        def slopes(y: Array) -> Slopes:
            y = np.broadcast_to(y, (len(points),))
            up, down = y[1 : 1 + n + k], y[1 + n + k : 1 + 2 * (n + k)]
            first, second = (up - down) / (2 * STEP), np.diag((up - 2 * y[0] + down) / STEP**2)
            mixed = y[1 + 2 * (n + k) :].reshape(-1, 4) @ _SIDES.prod(axis=1) / (4 * STEP**2)
            for (i, j), value in zip(pairs, mixed, strict=True):
                second[i, j] = second[j, i] = value
            return first[:n], first[n:], second[:n, :n], second[:n, n:]

        with np.errstate(all="ignore"):
            rows: list[tuple[Constraint | None, Array]] = [(c, c.gap(metrics[c.metric])) for c in self.limits]
            if self.problem.shares:
                rows.append((None, np.asarray(sum(metrics[name] for name in self.problem.shares)) - 1.0))
            held = [(c, slopes(gap)) for c, gap in rows if abs(np.ravel(gap)[0]) < BINDS]
            return {name: slopes(onto(name, metrics[name])) for name in self.targets}, held

    @property
    def binding(self) -> tuple[Constraint, ...]:
        """The constraints that bind."""
        return tuple(c for c, _ in self._derivatives[1] if c is not None)

    @cached_property
    def _goal(self) -> Slopes:
        name = self.problem.minimise[0]
        turn = -1.0 if name in MORE_IS_BETTER else 1.0
        a, b, c, d = self._derivatives[0][name]
        return turn * a, turn * b, turn * c, turn * d

    @cached_property
    def _held(self) -> Array:
        """The slopes of what binds, ``(row, moving)``."""
        rows = self._derivatives[1]
        return np.array([slopes[0] for _, slopes in rows]).reshape(len(rows), len(self.moving))

    @cached_property
    def _multipliers(self) -> Array:
        if not (np.isfinite(self._goal[0]).all() and np.isfinite(self._held).all()):
            return np.full(len(self._held), np.nan)
        return np.asarray(np.linalg.lstsq(self._held.T, -self._goal[0], rcond=None)[0])

    @cached_property
    def _matrix(self) -> Array:
        curved = self._goal[2] + sum(m * row[2] for m, (_, row) in zip(self._multipliers, self._derivatives[1],
                                                                       strict=True))
        none = np.zeros((len(self._held), len(self._held)))
        return np.block([[curved, self._held.T], [self._held, none]])

    @cached_property
    def warnings(self) -> tuple[Caveat, ...]:
        """Why the decision cannot be followed, if it cannot."""
        if not self.moving:
            return ()
        rest = np.abs(self._goal[0] + self._multipliers @ self._held).max()
        if not rest <= SMOOTH * max(np.abs(self._goal[0]).max(), STEP):
            return (Caveat("no_smooth_optimum", "the optimum lies on a kink or an edge of the law: how the decision "
                           "moves is not answered"),)
        if not np.linalg.cond(self._matrix) < SINGULAR:
            return (Caveat("not_determined", "other decisions are as good as this one, or constraints say the same "
                           "twice: how the decision moves is not answered"),)
        return ()

    def moves(self) -> dict[str, Array]:
        """By target, how it moves with each coefficient and then with the bound of each of ``binding``.

        In per cent for one per cent more; of a share, and of what else may be 0 or less, in hundredths of its unit.
        NaN where the decision cannot be followed (``warnings``).
        """
        k, rows = len(self.coefficients), self._derivatives[1]
        count = k + len(self.binding)
        if self.warnings:
            return {target: np.full(count, np.nan) for target in self.targets}
        mixed, direct = np.zeros((len(self.moving), count)), np.zeros((len(rows), count))
        mixed[:, :k] = self._goal[3] + sum(m * row[3] for m, (_, row) in zip(self._multipliers, rows, strict=True))
        place = k
        for i, (c, row) in enumerate(rows):
            direct[i, :k] = row[1]
            if c is not None:
                direct[i, place] = (1.0 if c.sense == ">=" else -1.0) / _unit(c.metric, c.bound)
                place += 1
        followed = np.zeros((0, count))
        if self.moving:
            followed = np.linalg.solve(self._matrix, -np.concatenate([mixed, direct]))[: len(self.moving)]
        found = {}
        for target, (by_x, by_t, _, _) in self._derivatives[0].items():
            own = np.concatenate([by_t, np.zeros(count - k)])
            found[target] = (by_x @ followed + own) * _unit(target, self._value(target))
        return found

    def _value(self, name: str) -> float:
        return float(np.ravel(self.problem.metrics(self.decision)[name])[0])

    def slopes(self, name: str, sample: Law | None = None) -> dict[str, Array]:
        """How ``name`` moves with each quantity that is decided, the others held: under the laws, or ``sample``."""
        found = {}
        for x, value in self.decision.items():
            ends = {**{n: np.full(2, v) for n, v in self.decision.items()},
                    x: value * np.exp([STEP, -STEP]) if is_positive(x) else value + np.array([STEP, -STEP])}
            with np.errstate(all="ignore"):
                y = onto(name, np.asarray(self.problem.metrics(ends, sample)[name]) + np.zeros(2))
            found[x] = np.ravel(y[..., 0] - y[..., 1]) / (2 * STEP) * _unit(name, self._value(name))
        return found


def _unit(name: str, value: float) -> float:
    """How much of a metric's own change is one on its scale: of a logarithm a share of itself, else its unit."""
    return 1.0 if is_positive(name) else float(np.sqrt(1.0 + value**2))
