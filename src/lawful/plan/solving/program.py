"""A problem as numbers: what moves continuously, the combinations of choices, and one function of many points.

``Program(problem).function(held, drawn, shift)`` is what ``lawful.plan.solving.solver`` minimises: cases differ in the
choices that are held, in the coefficients of the laws, or in where the bounds of the constraints stand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lawful.fit import Fit
from lawful.laws.base import Law
from lawful.plan.problem import Problem, Variable
from lawful.plan.solving.newton import Array, Function, Mask, Rows
from lawful.plan.solving.solver import Found, minimise
from lawful.plan.variables import back, onto

Drawn = Sequence[Array | None]
"""Coefficients of each of the laws in a row, ``(case, coefficient)``, or None where every case has the law's own."""


@dataclass(frozen=True)
class Program:
    """``problem`` in coordinates; ``aim`` takes the place of its first goal."""

    problem: Problem
    aim: Callable[[Mapping[str, Array]], Array] | None = None

    @cached_property
    def free(self) -> tuple[Variable, ...]:
        """What moves continuously."""
        return tuple(v for v in self.problem.variables if v.free)

    @cached_property
    def discrete(self) -> tuple[Variable, ...]:
        """What is chosen or held."""
        return tuple(v for v in self.problem.variables if not v.free)

    @cached_property
    def choices(self) -> Array:
        """Every combination of choices, ``(choice, discrete)``."""
        every = list(itertools.product(*(v.choices or (v.low,) for v in self.discrete)))
        return np.array(every, dtype=float).reshape(len(every), len(self.discrete))

    @cached_property
    def _pieces(self) -> tuple[Array, Array]:
        """The lowest and the highest coordinates of each piece of the span in which no cost jumps.

        A piece ends just before a jump and the next begins just after it, ``(piece, variable)``.
        """
        jumps = self.problem.rates.jumps({v.name for v in self.problem.variables})
        ends = []
        for v in self.free:
            inside = sorted(onto(v.name, j) for j in jumps.get(v.name, ()) if v.low < j < v.high)
            ends.append([(a, b) for a, b in zip([onto(v.name, v.low), *(j + 1e-9 for j in inside)],
                                                [*(j - 1e-12 for j in inside), onto(v.name, v.high)], strict=True)])
        every = list(itertools.product(*ends))
        pieces = np.array(every, dtype=float).reshape(len(every), len(self.free), 2)
        return pieces[:, :, 0], pieces[:, :, 1]

    @cached_property
    def choice(self) -> Rows:
        """The choice of each combination of choices and pieces, ``(combination,)``."""
        return np.repeat(np.arange(len(self.choices)), len(self._pieces[0]))

    @cached_property
    def combinations(self) -> Array:
        """What is chosen in every combination of choices and pieces, ``(combination, discrete)``."""
        return np.array(self.choices[self.choice])

    @cached_property
    def limits(self) -> tuple[Array, Array]:
        """The lowest and the highest coordinates of every combination, ``(combination, variable)``."""
        low, high = (np.tile(end, (len(self.choices), 1)) for end in self._pieces)
        return low, high

    def minimise(self) -> Found:
        """The best point of every combination."""
        return minimise(self.function(self.combinations), *self.limits, self.equal)

    @cached_property
    def equal(self) -> Mask:
        """Which constraints are equalities."""
        return np.array(self.problem.equal, dtype=bool)

    def function(self, held: Array, drawn: Drawn = (), shift: Array | None = None) -> Function:
        """What is to be least and how far each constraint is beyond its bound, for cases with ``held`` choices.

        ``held`` is ``(case, discrete)``; ``shift`` ``(constraint, case)`` is added to the gaps. The value is NaN where
        a law has none, whatever the goal: no decision is good of which the outcome cannot be said.
        """
        outputs = dict.fromkeys(law.law.output.name for law in self.problem.laws)

        def at(x: Array, cases: Rows) -> tuple[Array, Array]:
            metrics = self.metrics(x, held[cases], [None if d is None else d[cases] for d in drawn])
            goal = self.problem.goal(metrics, self.problem.minimise[0]) if self.aim is None else self.aim(metrics)
            for name in outputs:
                goal = np.where(np.isfinite(metrics[name]), goal, np.nan)
            gaps = self.problem.gaps(metrics, x.shape[:2])
            if shift is not None:
                gaps = gaps + shift[:, cases, None]
            return np.broadcast_to(goal, x.shape[:2]), gaps

        return at

    def metrics(self, x: Array, held: Array, drawn: Drawn = ()) -> dict[str, Array]:
        """Every metric at the points ``x`` ``(case, point, variable)``, each ``(case, point)`` or of fewer."""
        decision = {v.name: held[:, j : j + 1] for j, v in enumerate(self.discrete)} | self.point(x)
        if all(d is None for d in drawn):
            return self.problem.metrics(decision)
        laws = with_draws(self.problem, drawn)
        return self.problem.metrics(decision, laws[0], laws[1:])

    def point(self, x: Array) -> dict[str, Array]:
        """The quantities that move, by name, at the points ``x`` ``(..., variable)``."""
        return {v.name: back(v.name, x[..., j]) for j, v in enumerate(self.free)}

    def one(self, x: Array, held: Array) -> dict[str, float]:
        """Every metric of one decision."""
        return {name: float(np.ravel(value)[0]) for name, value in self.metrics(x[None, None, :], held[None]).items()}


def with_draws(problem: Problem, drawn: Drawn) -> list[Law]:
    """The laws of ``problem`` with columns of coefficients."""
    return [law.law if d is None else law.law.with_coefficients([column[:, None] for column in d.T])
            for law, d in zip(problem.laws, drawn, strict=True)]


def draws_of(problem: Problem, most: int | None = None) -> list[Array | None]:
    """As many draws of each law as all that have any can give, at most ``most``, spread evenly over those there are.

    Those of a second fit come in an order of their own, so that the two are independent; nobody fitted them together.
    """
    given = [law.draws if isinstance(law, Fit) and len(law.draws) else None for law in problem.laws]
    count = min((len(d) for d in given if d is not None), default=0)
    count = count if most is None else min(count, most)
    rows = [None if d is None or not count else np.linspace(0, len(d) - 1, count).astype(np.int64) for d in given]
    return [None if d is None or row is None else d[row if seed == 0 else np.random.default_rng(seed).permutation(row)]
            for seed, (d, row) in enumerate(zip(given, rows, strict=True))]
