"""One candidate of a discovery: fitted to all runs and below each cut, and judged by what it forecasts above.

The score of a law is the mean over the cuts of the logarithm of its error on the runs above, plus a charge per
coefficient. Laws that lean on a bound, on giants that cancel, or that blow up just beyond the runs are none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lawful.fit.discovery.grammar import Blueprint, Structure, blueprint
from lawful.fit.discovery.parts import Axis
from lawful.fit.objective import Objective
from lawful.fit.origins import Origin
from lawful.fit.problem import Problem
from lawful.laws.base import Law
from lawful.laws.expressions import Tape
from lawful.laws.formula import formula

Array = npt.NDArray[np.float64]

CHARGE = 0.03
"""What a coefficient must at least take off the logarithm of the held-out error."""

ROOM = 0.004
"""Share of a coefficient's interval next to its ends in which it has run to a bound."""

CANCEL = 100.0
"""Terms that vary this many times as much as the target cancel one another: no law, an interpolation."""

ROUNDING = 1e-7
"""Errors below this share of the target's spread are rounding."""

TRIAL_STEPS, TRIAL_TOLERANCE = 30, 1e-4
"""Newton steps of a trial, and the share of the objective at which it has converged: enough to rank laws."""

STRAY = 3.0
"""Spans of the target within which a law must stay just beyond the runs."""


@dataclass(frozen=True)
class Arena:
    """The runs that laws are judged on: the target on the scale of one, and the cuts.

    ``relative`` says that residuals are those of the logarithm; ``delta`` is where the penalty on them turns linear.
    """

    target: str
    quantities: Mapping[str, Array]
    observed: Array
    relative: bool
    cuts: Mapping[str, Origin]
    axes: Mapping[str, Axis]
    delta: float

    @cached_property
    def weights(self) -> Array:
        """The runs each solution is fitted to, ``(1 + cut, run)``: all, then those below each cut."""
        return np.stack([np.ones(len(self.observed)), *(cut.train.astype(float) for cut in self.cuts.values())])

    @cached_property
    def unit(self) -> Array:
        """What residuals are divided by, ``(run,)``, where a fit is linearised."""
        return self.observed if self.relative else np.ones_like(self.observed)

    @cached_property
    def penalty(self) -> Objective:
        """The penalty on a residual."""
        return Objective("huber_log", self.delta)

    @cached_property
    def seen(self) -> Array:
        """The target on the scale of residuals, ``(run,)``."""
        return np.log(self.observed) if self.relative else self.observed

    @cached_property
    def spread(self) -> float:
        """The standard deviation of the target on the scale of residuals."""
        return float(np.std(self.seen))

    def price(self, structure: Structure, coefficients: int) -> float:
        """What a law is charged: log(n) / n a coefficient, twice what the BIC takes, and at least ``CHARGE``.

        A floor costs nothing, since laws without one are seldom true far out; factors without an end cost one more.
        """
        n = len(self.observed)
        return max(CHARGE, math.log(n) / n) * (coefficients - structure.floor + structure.endless)


@dataclass(frozen=True)
class Trial:
    """A structure fitted: coefficients ``(1 + cut, coefficient)``, error per cut, and the score (less is better)."""

    structure: Structure
    plan: Blueprint
    coefficients: Array
    errors: Array
    misfit: float
    score: float
    residuals: Array = field(repr=False)     # of all runs, ``(run,)``
    gradients: Array = field(repr=False)     # of the residuals in the nonlinear coefficients, ``(coefficient, run)``

    @property
    def complexity(self) -> int:
        """The number of coefficients."""
        return len(self.plan.names)

    @property
    def error(self) -> float:
        """The geometric mean of the errors above the cuts."""
        return float(np.exp(np.mean(np.log(np.maximum(self.errors, 1e-300)))))

    def evidence(self, arena: Arena) -> float:
        """How closely the law follows all runs, charged as by the BIC; less is better."""
        charge = 0.5 * arena.price(self.structure, self.complexity)
        return math.log(self.misfit + ROUNDING * arena.spread) + charge


def template(plan: Blueprint, arena: Arena) -> Law:
    """The law of a plan, its coefficients standing in: a floor under a positive target is positive."""
    limits: dict[str, tuple[float | None, float | None]] = dict.fromkeys(plan.basis, (-math.inf, math.inf))
    if arena.relative and plan.floor is not None:
        limits[plan.floor] = (0.0, math.inf)
    limits |= {name: (slot.low, slot.high) for name, slot in plan.slots.items()}
    body = plan.expression()
    return formula(str(body), output=arena.target, inputs=sorted(body.symbols() & arena.axes.keys()), limits=limits,
                   positive=arena.relative)


def trial(structure: Structure, starts: Array, arena: Arena) -> Trial | None:
    """``structure`` fitted and judged, from ``starts`` ``(start, nonlinear coefficient)``; None where it is no law."""
    plan = blueprint(structure, arena.axes)
    if not structure.terms:
        return _constant(plan, arena)
    problem = Problem(template(plan, arena), arena.quantities, arena.observed)
    solved = _solved(problem, plan, starts, arena)
    if solved is None:
        return None
    place = [problem.names.index(name) for name in plan.names]  # a formula's own order is that of its text
    c = solved[:, place]
    if not sound(plan, c[0], arena):
        return None
    gradients = problem.gradients(solved[0])[place[len(plan.basis):]]
    return _judged(structure, plan, c, problem.misfit(solved), gradients, arena)


def _solved(problem: Problem, plan: Blueprint, starts: Array, arena: Arena) -> Array | None:
    """The best coefficients from the starts, ``(1 + cut, coefficient)``; None where a cut has none with a value."""
    linear, _ = project(basis(plan, starts, arena), arena.observed / arena.unit, arena.weights)
    if arena.relative and plan.floor is not None:
        linear[..., 0] = np.maximum(linear[..., 0], 1e-3)
    fits, count = len(arena.weights), len(starts)
    rows = np.concatenate([linear, np.broadcast_to(starts, (fits, *starts.shape))], axis=-1).reshape(fits * count, -1)
    order = [plan.names.index(name) for name in problem.names]
    solved = problem.solve(rows[:, order], np.repeat(arena.weights, count, axis=0), arena.penalty,
                           max_steps=TRIAL_STEPS, tolerance=TRIAL_TOLERANCE)
    objective = np.where(np.isfinite(solved.objective), solved.objective, np.inf).reshape(fits, count)
    if not np.isfinite(objective.min(axis=1)).all():
        return None
    best: Array = solved.coefficients.reshape(fits, count, -1)[np.arange(fits), objective.argmin(axis=1)]
    return best


def _constant(plan: Blueprint, arena: Arena) -> Trial | None:
    """The law without inputs: the median of the runs, which needs no solver."""
    middle = np.array([np.median(arena.seen[w > 0]) for w in arena.weights])
    return _judged(Structure(), plan, (np.exp(middle) if arena.relative else middle)[:, None],
                   middle[:, None] - arena.seen, np.zeros((0, len(arena.observed))), arena)


def _judged(structure: Structure, plan: Blueprint, c: Array, residuals: Array, gradients: Array,
            arena: Arena) -> Trial | None:
    errors = np.array([_error(r[cut.test], arena) for r, cut in zip(residuals[1:], arena.cuts.values(), strict=True)])
    if not np.isfinite(errors).all():
        return None
    score = float(np.mean(np.log(errors + ROUNDING * arena.spread))) + arena.price(structure, len(plan.names))
    return Trial(structure, plan, c, errors, _error(residuals[0], arena), score, residuals[0], np.nan_to_num(gradients))


def _error(residuals: Array, arena: Arena) -> float:
    """The root mean square of residuals, of which a gross one counts linearly; infinite where the law has no value."""
    return math.sqrt(2.0 * float(np.mean(arena.penalty.value(residuals)))) if np.isfinite(residuals).all() else math.inf


def basis(plan: Blueprint, points: Array, arena: Arena) -> Array:
    """The functions of the linear coefficients at each point, ``(point, linear, run)``, per unit of residual."""
    tape = Tape(list(plan.basis.values()), arena.quantities)
    with np.errstate(all="ignore"):  # corners of a lattice overflow: they are bad starts, not errors
        values = tape({name: points[:, j : j + 1] for j, name in enumerate(plan.slots)})
        stacked = np.stack([np.broadcast_to(v, (len(points), len(arena.observed))) for v in values], axis=1)
        return np.nan_to_num(stacked / arena.unit, nan=1e6, posinf=1e6, neginf=-1e6)


def project(columns: Array, response: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted least squares on ``columns`` ``(point, column, run)`` under each row of ``weights``.

    The coefficients ``(weighting, point, column)`` and the sums of squares that are left ``(weighting, point)``.
    """
    weighted = weights[:, None, None, :] * columns[None]
    moments = weighted @ columns.transpose(0, 2, 1)[None]
    towards = weighted @ response
    size = np.sqrt(np.einsum("wpkk->wpk", moments)) + 1e-150
    scaled = moments / (size[..., :, None] * size[..., None, :]) + 1e-9 * np.eye(columns.shape[1])
    solved = np.linalg.solve(scaled, (towards / size)[..., None])[..., 0] / size
    left = (weights * response**2).sum(axis=1)[:, None] - 2.0 * (solved * towards).sum(axis=-1)
    left = left + np.einsum("wpk,wpkl,wpl->wp", solved, moments, solved)
    return solved, np.where(np.isfinite(left), np.maximum(left, 0.0), np.inf)


def sound(plan: Blueprint, c: Array, arena: Arena) -> bool:
    """Whether the coefficients are a law's: none at its bound, no giants that cancel, sane just beyond the runs."""
    nonlinear = c[len(plan.basis):]
    if any(slot.at_bound(value, ROOM) for slot, value in zip(plan.slots.values(), nonlinear, strict=True)):
        return False
    parts = basis(plan, nonlinear[None], arena)[0] * c[: len(plan.basis), None]
    if np.ptp(parts, axis=1).max() > CANCEL * arena.spread:
        return False
    coefficients = {name: np.array([[v]]) for name, v in zip(plan.names, c, strict=True)}
    with np.errstate(all="ignore"):
        (value,) = Tape([plan.expression()], beyond(arena))(coefficients)
        value = np.log(value) if arena.relative else value
        low, high, stray = arena.seen.min(), arena.seen.max(), STRAY * np.ptp(arena.seen)
        return bool(np.all((value > low - stray) & (value < high + stray)))


def beyond(arena: Arena) -> dict[str, Array]:
    """Points just beyond the runs: those in the upper half of an input with it at its outer end, and all inputs there.

    The outer end is the axis's own ``outer``.
    """
    blocks: list[dict[str, Array]] = []
    ends = {name: np.full(len(arena.observed), axis.outer) for name, axis in arena.axes.items()}
    for name, values in arena.quantities.items():
        blocks.append({**arena.quantities, name: np.where(values >= np.median(values), ends[name], values)})
    blocks.append(ends)
    return {name: np.concatenate([block[name] for block in blocks]) for name in arena.axes}
