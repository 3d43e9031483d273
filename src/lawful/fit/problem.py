"""What the solver solves: one form on one table, or several tables whose coefficients are partly one.

``Problem`` compiles a form and a table; ``Joint`` adds problems up, each with its own columns of the
joint coefficients: groups that share an exponent, or the blocks of a table too long for one array.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.objective import Objective
from lawful.fit.solver import CHUNK, Solvable
from lawful.fit.space import Space
from lawful.laws.base import Law, Limit
from lawful.laws.expressions import Expr, Tape, differentiate

Array = npt.NDArray[np.float64]


@dataclass
class Problem(Solvable):
    """One form and one table, compiled when first evaluated.

    ``law`` is any instance of the form; ``fixed`` holds coefficients that are given, not fitted;
    ``limits`` replaces those of the form. The residual of a run is log law - log observed, or law -
    observed where ``relative`` is False, times its ``precision`` ``(run,)``: one over its own noise,
    in units of a typical run's.
    """

    law: Law
    quantities: Mapping[str, Array]
    observed: Array
    fixed: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    relative: bool | None = None
    precision: Array | None = None
    prior: Array | None = None

    def __post_init__(self) -> None:
        self.names = tuple(name for name in self.law.names() if name not in self.fixed)
        self.runs = len(self.observed)
        limits = {**self.law.limits_on(self.quantities), **self.limits}
        self.space = Space(tuple(limits[name] for name in self.names))
        if self.relative is None:
            self.relative = self.law.output.positive
        self._calculus = _calculus(self.law.expression(), self.names)
        self.linear = self._calculus.linear

    @cached_property
    def target(self) -> Array:
        """What the law's output, or its logarithm, is to be, ``(run,)``."""
        return np.log(self.observed) if self.relative else self.observed

    @cached_property
    def _data(self) -> dict[str, Any]:
        return {**{name: self.quantities[name] for name in self.law.inputs}, **self.fixed}

    @cached_property
    def _value(self) -> Tape:
        return Tape([self._calculus.formula], self._data)

    @cached_property
    def _all(self) -> Tape:
        return Tape([self._calculus.formula, *self._calculus.slopes, *self._calculus.curves.values()], self._data)

    @cached_property
    def _zeros(self) -> bool:
        """Whether some input is 0 in some run: there 0**b has slope 0, which arithmetic makes 0 times infinity."""
        return any(bool((self.quantities[name] == 0).any()) for name in self.law.inputs)

    def _slopes(self, columns: Mapping[str, Array]) -> list[Any]:
        """The formula, its slopes and its curvatures at these coefficients."""
        found = self._all(columns)
        return [found[0], *map(_nan_is_zero, found[1:])] if self._zeros else found

    def take(self, rows: npt.NDArray[Any] | slice) -> Problem:
        """The same problem on the runs that ``rows`` selects."""
        return replace(self, quantities={name: self.quantities[name][rows] for name in self.law.inputs},
                       observed=self.observed[rows],
                       precision=None if self.precision is None else self.precision[rows],
                       prior=None if self.prior is None else self.prior[rows])

    def holding(self, values: Mapping[str, float]) -> Problem:
        """The same problem with more coefficients given."""
        return replace(self, fixed={**self.fixed, **values})

    @staticmethod
    def together(problems: Sequence[Problem]) -> Problem:
        """The runs of several problems of one form as one group."""
        first = problems[0]

        def joined(arrays: Sequence[Array | None]) -> Array | None:
            return None if arrays[0] is None else np.concatenate([a for a in arrays if a is not None])

        return replace(first, quantities={name: np.concatenate([p.quantities[name] for p in problems])
                                          for name in first.law.inputs},
                       observed=np.concatenate([p.observed for p in problems]),
                       precision=joined([p.precision for p in problems]), prior=joined([p.prior for p in problems]))

    @property
    def form(self) -> str:
        """The name of the form."""
        return self.law.form

    def residuals(self, c: Array) -> Array:
        """What the penalty is taken of, ``(batch, run)``, at coefficients ``(batch, coefficient)``."""
        plain = self.misfit(c)
        return plain if self.precision is None else plain * self.precision

    def misfit(self, c: Array) -> Array:
        """log law - log observed (or law - observed), ``(batch, run)``, whatever each run's precision."""
        with np.errstate(all="ignore"):
            (value,) = self._value(self._columns(c))
            fitted: Array = np.broadcast_to(value, (len(c), self.runs))
            return (np.log(fitted) if self.relative else fitted) - self.target

    def gradients(self, c: Array) -> Array:
        """d residual / d coefficient for one row of coefficients, shape ``(coefficient, run)``."""
        with np.errstate(all="ignore"):
            value, *rest = self._slopes(self._columns(c.reshape(1, -1)))
            unit = value if self.relative else 1.0
            slopes = np.stack([np.broadcast_to(s / unit, (1, self.runs))[0] for s in rest[: len(self.names)]])
        return slopes if self.precision is None else slopes * self.precision

    def _columns(self, c: Array) -> dict[str, Array]:
        return {name: c[:, j : j + 1] for j, name in enumerate(self.names)}

    def derivatives(self, u: Array, weights: Array | None, penalty: Objective) -> tuple[Array, Array, Array]:
        """Objective ``(batch,)``, gradient and Hessian, in ``u`` ``(batch, coefficient)``."""
        c, first, second = self.space.open(u)
        J, inverse, r, curves = self._linearised(c)
        psi, bend = penalty.slope(r), penalty.bend(r)
        total = penalty.value(r)
        if weights is not None:
            psi, bend = psi * weights, bend * weights
            objective = np.einsum("bi,bi->b", total, weights)
        else:
            objective = total.sum(axis=1)
        gradient = np.matmul(J, psi[:, :, None])[:, :, 0]
        if self.relative:  # the logarithm's own curvature is -J J
            bend = bend - (psi if self.precision is None else psi / self.precision)
        H = np.matmul(J * bend[:, None, :], J.transpose(0, 2, 1))
        psi_over = psi * inverse
        for (j, k), curve in zip(self._calculus.curves, curves, strict=True):
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
        above = penalty.above(r)
        if weights is not None:
            above = above * weights
        curvature: Array = np.matmul(J * J, above[:, :, None])[:, :, 0] * first**2
        return curvature

    def _linearised(self, c: Array) -> tuple[Array, Array, Array, list[Any]]:
        """The residuals' slopes ``(batch, coefficient, run)``, their factor, residuals, the formula's curvatures."""
        value, *rest = self._slopes(self._columns(c))
        value = np.broadcast_to(value, (len(c), self.runs))
        factor = 1.0 / value if self.relative else np.ones_like(value)
        r = (np.log(value) if self.relative else value) - self.target
        if self.precision is not None:
            factor, r = factor * self.precision, r * self.precision
        J = np.empty((*c.shape, self.runs))
        for j in range(c.shape[1]):
            np.multiply(rest[j], factor, out=J[:, j])
        return J, factor, r, rest[c.shape[1]:]


@dataclass
class Joint(Solvable):
    """The sum of several problems over one set of coefficients.

    ``columns[k]`` are the joint coefficients, as indices, of ``problems[k]`` in the order of its names.
    The runs stand one problem after the other.
    """

    problems: tuple[Problem, ...]
    columns: tuple[npt.NDArray[np.int64], ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        limits: dict[int, Limit] = {}
        for problem, columns in zip(self.problems, self.columns, strict=True):
            limits |= dict(zip(columns.tolist(), problem.space.limits, strict=True))
        self.space = Space(tuple(limits[j] for j in range(len(self.names))))
        self.runs = sum(problem.runs for problem in self.problems)
        priors = [p.prior for p in self.problems]
        self.prior = None if all(prior is None for prior in priors) else np.concatenate(
            [np.ones(p.runs) if prior is None else prior for p, prior in zip(self.problems, priors, strict=True)])
        ends = np.cumsum([0, *(problem.runs for problem in self.problems)])
        self._slices = [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]

    def derivatives(self, u: Array, weights: Array | None, penalty: Objective) -> tuple[Array, Array, Array]:
        """Objective ``(batch,)``, gradient and Hessian, in ``u`` ``(batch, coefficient)``."""
        objective, gradient = np.zeros(len(u)), np.zeros_like(u)
        H = np.zeros((len(u), u.shape[1], u.shape[1]))
        for problem, columns, rows in self._parts():
            F, g, h = problem.derivatives(u[:, columns], None if weights is None else weights[:, rows], penalty)
            objective += F
            gradient[:, columns] += g
            H[:, columns[:, None], columns[None, :]] += h
        return objective, gradient, H

    def scale(self, u: Array, weights: Array | None, penalty: Objective) -> Array:
        """A positive curvature of each coefficient in ``u``, ``(batch, coefficient)``."""
        total = np.zeros_like(u)
        for problem, columns, rows in self._parts():
            total[:, columns] += problem.scale(u[:, columns], None if weights is None else weights[:, rows], penalty)
        return total

    @property
    def form(self) -> str:
        """The name of the form."""
        return self.problems[0].form

    def gradients(self, c: Array) -> Array:
        """d residual / d coefficient for one row of coefficients, ``(coefficient, run)``."""
        J = np.zeros((len(self.names), self.runs))
        for problem, columns, rows in self._parts():
            J[columns, rows] = problem.gradients(c[columns])
        return J

    def residuals(self, c: Array) -> Array:
        """What the penalty is taken of, ``(batch, run)``, one problem's runs after the other's."""
        return np.concatenate([p.residuals(c[:, columns]) for p, columns, _ in self._parts()], axis=1)

    def misfit(self, c: Array) -> Array:
        """``residuals`` whatever each run's precision."""
        return np.concatenate([p.misfit(c[:, columns]) for p, columns, _ in self._parts()], axis=1)

    def _parts(self) -> Sequence[tuple[Problem, npt.NDArray[np.int64], slice]]:
        return list(zip(self.problems, self.columns, self._slices, strict=True))


def in_blocks(problem: Problem) -> Problem | Joint:
    """``problem`` itself, or a long table's in blocks of ``CHUNK`` runs, so that memory does not grow with it."""
    if problem.runs <= CHUNK:
        return problem
    blocks = [problem.take(slice(i, i + CHUNK)) for i in range(0, problem.runs, CHUNK)]
    everything = np.arange(len(problem.names))
    return Joint(tuple(blocks), tuple(everything for _ in blocks), problem.names)


def _nan_is_zero(values: Any) -> Any:
    return np.where(np.isnan(values), 0.0, values)


@dataclass(frozen=True)
class _Calculus:
    """A formula, its slopes in each coefficient, its curvatures in each pair (those that are not zero)."""

    formula: Expr
    slopes: tuple[Expr, ...]
    curves: Mapping[tuple[int, int], Expr]
    linear: tuple[str, ...]


@lru_cache(maxsize=64)
def _calculus(formula: Expr, names: tuple[str, ...]) -> _Calculus:
    slopes = tuple(differentiate(formula, name) for name in names)
    curves = {(j, k): differentiate(slopes[j], name)
              for j in range(len(names)) for k, name in enumerate(names[: j + 1])}
    bent = {pair: expr for pair, expr in curves.items() if not (expr.op == "constant" and expr.value == 0.0)}
    return _Calculus(formula, slopes, bent, _linear(slopes, names))


def _linear(slopes: Sequence[Expr], names: tuple[str, ...]) -> tuple[str, ...]:
    """The coefficients that enter the formula linearly, all together: no slope depends on any of them."""
    inside = [slope.symbols() for slope in slopes]
    chosen: list[int] = []
    for j, name in enumerate(names):
        together = [*chosen, j]
        if all(name not in inside[k] and names[k] not in inside[j] for k in together):
            chosen.append(j)
    return tuple(names[j] for j in chosen)
