"""Which plans give outcomes that the fits cannot tell apart: ``ties(problem, plans)``.

Draws are common to all plans, so that what two of them share (the floor of a loss, its noise) does not blur their
difference. Two plans are told apart where all but the tails of the draws agree on which is the better: at a level of
90 %, 95 % of them. That is where the central interval of the draws of the difference does not hold 0. It is the doubt
about the law alone: one run of each differs by the noise of runs as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lawful.laws.base import COSTS
from lawful.plan.costs.metrics import METRICS
from lawful.plan.decision import Decision
from lawful.plan.problem import Problem
from lawful.plan.solving.program import draws_of, with_draws


def ties(problem: Problem, plans: Sequence[Decision]) -> tuple[tuple[int, ...], ...]:
    """For each plan, the places of those whose outcomes are not told from its own.

    Outcomes are the goals that laws give and that are no costs. Empty where the laws have no draws, or no goal is an
    outcome.
    """
    drawn = draws_of(problem)
    goals = [name for name in problem.minimise if name not in COSTS and name not in METRICS
             and name in {law.law.output.name for law in problem.laws} | {"accuracy", "error"}]
    if not goals or all(d is None for d in drawn):
        return ()
    columns = {v.name: np.array([[p.decision[v.name] for p in plans]]) for v in problem.variables}
    laws = with_draws(problem, drawn)
    metrics = problem.metrics(columns, laws[0], laws[1:])
    agreed = 0.5 + 0.5 * plans[0].forecast.level
    told = np.eye(len(plans), dtype=bool)
    for name in goals:
        goal = problem.goal(metrics, name)
        for i in range(len(plans)):
            better, worse = ((one < other).mean(axis=0) for one, other in ((goal[:, i : i + 1], goal),
                                                                           (goal, goal[:, i : i + 1])))
            told[i] |= np.maximum(better, worse) >= agreed
    return tuple(tuple(int(j) for j in np.flatnonzero(~row)) for row in told)
