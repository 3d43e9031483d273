"""The points of a frontier: the least of the first goal under bounds on the others, for many bounds at once.

The epsilon constraint (Haimes, Lasdon and Wismer 1971). All bounds are solved in one call, then each again from the
best that another bound found; where neighbours lie far apart, bounds are put between them. Which points are kept, and
where further ones are wanted, is said by ``lawful.plan.solving.points``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lawful.errors import FailedToAnswer
from lawful.plan.problem import Problem
from lawful.plan.solving.impossible import why_impossible
from lawful.plan.solving.newton import FEASIBLE, Array, Function, Rows, broken, follow
from lawful.plan.solving.points import Points, bounds_between, even_bounds, spread_out
from lawful.plan.solving.program import Program
from lawful.plan.solving.solver import PENALTY, apart, lattice, slsqp

GRID = {2: 24, 3: 12, 4: 6}
"""Bounds along each goal but the first, at the first look."""

SAMPLE = 2048
"""Points that are looked at for all bounds together."""

ROUNDS = 3
"""Times that bounds are put where neighbours lie far apart."""

SLOW = 24
"""Bounds that SLSQP is asked about where Newton fails."""


@dataclass(frozen=True)
class Search:
    """The search for one frontier."""

    problem: Problem

    @cached_property
    def program(self) -> Program:
        """The first goal under the constraints, and last of all under bounds on the other goals, which are shifted."""
        first, *others = self.problem.minimise
        at_one = tuple(self.problem.no_worse(goal, 0.0) for goal in others)
        return Program(replace(self.problem, minimise=(first,), constraints=(*self.problem.constraints, *at_one)))

    @cached_property
    def places(self) -> Rows:
        """Which rows of the gaps are the bounds on goals: behind the constraints, before the sum of the shares."""
        return len(self.problem.constraints) + np.arange(len(self.problem.minimise) - 1)

    @cached_property
    def ends(self) -> Points:
        """The best of each goal alone."""
        found = []
        for goal in self.problem.minimise:
            program = Program(replace(self.problem, minimise=(goal,)))
            best = program.minimise()
            i = best.best()
            if not best.feasible[i]:
                raise FailedToAnswer(why_impossible(self.problem))
            found.append((best.x[i], i))
        x, combination = np.array([x for x, _ in found]), np.array([i for _, i in found])
        goals = self.goals(x, combination)
        return Points(x, combination, np.zeros((len(x), len(self.program.equal))), goals[:, 1:], goals)

    @cached_property
    def spans(self) -> tuple[Array, Array]:
        """The least and the most of each goal over the ends."""
        return self.ends.goals.min(axis=0), self.ends.goals.max(axis=0)

    def goals(self, x: Array, combination: Rows) -> Array:
        """The goals at points, ``(point, goal)``."""
        metrics = self.program.metrics(x[:, None, :], self.program.combinations[combination])
        return np.stack([np.broadcast_to(self.problem.goal(metrics, goal), (len(x), 1))[:, 0]
                         for goal in self.problem.minimise], axis=1)

    def run(self) -> Points:
        """The points of the frontier."""
        low, high = self.spans
        count = GRID.get(len(low), 5)
        bounds = np.array(list(itertools.product(*(np.linspace(a, b, count) for a, b in zip(low[1:], high[1:],
                                                                                              strict=True)))))
        found = self.ends.beside(self.solve(bounds, self.starts(bounds)))
        for _ in range(ROUNDS):
            found = found.undominated()
            found = found.beside(self.again(found))
            between = bounds_between(found, self.spans)
            if len(between):
                found = found.beside(self.solve(between, self.near(found, between)))
        found = found.undominated()
        if len(low) == 2:
            even = even_bounds(found, self.spans)
            found = found.take(found.best_of_each()).beside(self.solve(even, self.near(found, even))).undominated()
        return spread_out(found, self.spans)

    def starts(self, bounds: Array) -> list[tuple[Array, Rows]]:
        """Where to start for each of ``bounds``: the best of a lattice, for every combination of choices."""
        unit = lattice(SAMPLE, len(self.program.free))
        per = max(1, 8 // len(self.program.combinations))
        found: list[tuple[list[Array], list[int]]] = [([], []) for _ in bounds]
        for i, (held, low, high) in enumerate(zip(self.program.combinations, *self.program.limits, strict=True)):
            points = low + (high - low) * unit
            value, gaps = self.program.function(held[None])(points[None], np.zeros(1, dtype=np.intp))
            fixed = np.delete(np.arange(len(gaps)), self.places)
            base = value[0] + PENALTY * np.maximum(broken(gaps[fixed, 0], self.program.equal[fixed]), 0.0).sum(axis=0)
            for (xs, which), bound in zip(found, bounds, strict=True):
                over = np.maximum(gaps[self.places, 0] - bound[:, None], 0.0).sum(axis=0)
                merit = np.where(np.isfinite(base + over), base + PENALTY * over, np.inf)
                rows = apart(unit, merit)[:per]
                xs.append(points[rows])
                which += [i] * len(rows)
        return [(np.concatenate(xs), np.array(which)) for xs, which in found]

    def solve(self, bounds: Array, starts: Sequence[tuple[Array, Rows]]) -> Points:
        """The optimum under each of ``bounds``; bounds that nothing is found to keep are left out."""
        case = np.repeat(np.arange(len(bounds)), [len(which) for _, which in starts])
        x, which = (np.concatenate(parts) for parts in zip(*starts, strict=True))
        made = self.follow(x, which, bounds[case])
        kept = made.take(np.isfinite(made.goals[:, 0]))
        best = _first_of(case[np.isfinite(made.goals[:, 0])], kept.goals[:, 0])
        return kept.take(best)

    def follow(self, x: Array, which: Rows, bounds: Array, multipliers: Array | None = None) -> Points:
        """The optimum near each start; goals that are NaN where none is found."""
        function = self.function(which, bounds)
        low, high = self.program.limits
        made = follow(function, x, low[which], high[which], self.program.equal, None, multipliers)
        goals = np.where(made.arrived[:, None], self.goals(made.x, which), np.nan)
        return Points(made.x, which, made.multipliers, bounds, goals)

    def function(self, which: Rows, bounds: Array) -> Function:
        """The program's function with these choices and bounds."""
        shift = np.zeros((len(self.program.equal), len(which)))
        shift[self.places] = -bounds.T
        return self.program.function(self.program.combinations[which], (), shift)

    def again(self, found: Points) -> Points:
        """Each point's bounds solved from the best that another point is under them, where that is better."""
        allowed = (found.goals[None, :, 1:] <= found.bounds[:, None, :] + FEASIBLE).all(axis=2)
        value = np.where(allowed, found.goals[None, :, 0], np.inf)
        best = value.argmin(axis=1)
        worse = np.flatnonzero(value[np.arange(len(best)), best] < found.goals[:, 0] - 1e-9)
        if not len(worse):
            return found.take(worse)
        start = found.take(best[worse])
        made = self.follow(start.x, start.combination, found.bounds[worse], start.multipliers)
        failed = np.flatnonzero(~np.isfinite(made.goals[:, 0]))[:SLOW]
        function = self.function(made.combination, made.bounds)
        for i in failed:
            low, high = (end[made.combination[i]] for end in self.program.limits)
            one = slsqp(function, int(i), start.x[i], low, high, self.program.equal)
            if one.feasible[0]:
                made.x[i] = one.x[0]
                made.goals[i] = self.goals(one.x, made.combination[i : i + 1])[0]
        return made.take(np.isfinite(made.goals[:, 0]))

    def near(self, found: Points, bounds: Array) -> list[tuple[Array, Rows]]:
        """Where to start for each of ``bounds``: the best of a lattice, and the points whose own bounds are nearest."""
        span = np.maximum(np.subtract(*self.spans[::-1]), 1e-12)
        gap = (np.abs(found.goals[None] - self.middle(found, bounds)[:, None]) / span).max(axis=2)
        order = np.argsort(gap, axis=1)[:, :2]
        return [(np.concatenate([x, found.x[rows]]), np.concatenate([which, found.combination[rows]]))
                for (x, which), rows in zip(self.starts(bounds), order, strict=True)]

    def middle(self, found: Points, bounds: Array) -> Array:
        """Goals with the first left open: where a point under ``bounds`` may be expected."""
        near = np.abs(found.goals[None, :, 1:] - bounds[:, None]).max(axis=2).argmin(axis=1)
        return np.concatenate([found.goals[near, :1], bounds], axis=1)


def _first_of(case: Rows, value: Array) -> Rows:
    """The place of the least value of each case."""
    order = np.lexsort((value, case))
    _, first = np.unique(case[order], return_index=True)
    return order[first]
