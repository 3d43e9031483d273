"""Quantities that are left open though nothing that is asked depends on them: any value of theirs would be as good."""

from __future__ import annotations

import numpy as np

from lawful.errors import InputError
from lawful.plan.problem import Problem
from lawful.plan.solving.solver import lattice
from lawful.plan.variables import SHARE, Variable, back, onto

POINTS = 8
"""Decisions at which each quantity is moved from one end to the other."""


def refuse_idle(problem: Problem) -> None:
    """Raises ``InputError`` for a quantity that may vary and moves neither a goal, nor a constraint, nor an outcome.

    What a law takes is never idle; of the rest each is moved from end to end at a few decisions.
    """
    taken = {name for law in problem.laws for name in law.law.inputs}
    open_ = [v for v in problem.variables if (v.free or v.choices) and v.name not in taken]
    idle = [v.name for v in open_ if not v.name.startswith(SHARE) and not _moves(problem, v)]
    shares = [v for v in open_ if v.name.startswith(SHARE)]   # one share moves the others: idle are all or none
    if not any(name.startswith(SHARE) for name in taken) and not any(_moves(problem, v) for v in shares):
        idle += [v.name for v in shares]
    if idle:
        them = "it" if len(idle) == 1 else "them"
        raise InputError(f"{', '.join(idle)}: nothing that is asked depends on {them}, so that any value would be as "
                         f"good; hold {idle[0]}, as {idle[0]}=VALUE, leave it out, or limit or minimise what it moves")


def _moves(problem: Problem, moved: Variable) -> bool:
    unit = lattice(POINTS, len(problem.variables))
    low, high = (np.array([onto(v.name, end) for v, end in zip(problem.variables, ends, strict=True)])
                 for ends in zip(*((v.low, v.high) for v in problem.variables), strict=True))
    at = {v.name: back(v.name, x) for v, x in zip(problem.variables, (low + (high - low) * unit).T, strict=True)}
    asked = (*problem.minimise, *(c.metric for c in problem.constraints))
    one, other = (problem.metrics({**at, moved.name: np.full(POINTS, end)}) for end in (moved.low, moved.high))
    return any(not np.array_equal(np.broadcast_to(one[name], POINTS), np.broadcast_to(other[name], POINTS),
                                  equal_nan=True) for name in asked)
