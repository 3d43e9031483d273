"""What to say where no decision keeps every constraint: which one cannot be kept, and the nearest bound that could."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lawful.plan.problem import Constraint, Problem
from lawful.plan.solving.newton import FEASIBLE, Array
from lawful.plan.solving.program import Program
from lawful.plan.variables import SHARE


def why_impossible(problem: Problem) -> str:
    """The first constraint that cannot be kept beside the others, with the nearest bound that could."""
    for c in problem.constraints:
        others = tuple(o for o in problem.constraints if o is not c)
        nearest = _nearest(problem, c, others)
        if nearest is not None and _breaks(c, nearest):
            alone, rest = _nearest(problem, c, ()), f" beside {' and '.join(map(str, others))}" if others else ""
            shares = (f", the shares of {', '.join(n.removeprefix(SHARE) for n in problem.shares)} making up 1"
                      if problem.shares else "")
            near = f"the nearest that could be kept is {c.metric} {c.sense}"
            if alone is None or not _breaks(c, alone):
                return f"no decision keeps {c}{rest}{shares}: {near} {nearest:.6g}"
            less = f", and {nearest:.6g}{rest}" if f"{alone:.6g}" != f"{nearest:.6g}" else ""
            return f"no decision keeps {c}{shares}: {near} {alone:.6g}{less}"
    if not problem.constraints:
        return f"{problem.inner.form} has no finite value at any decision within the limits"
    return f"no decision keeps {' and '.join(map(str, problem.constraints))}"


def _breaks(c: Constraint, value: float) -> bool:
    gap = float(c.gap(value))
    return (abs(gap) if c.equal else gap) > FEASIBLE


def _nearest(problem: Problem, c: Constraint, others: tuple[Constraint, ...]) -> float | None:
    """The nearest to its bound that the metric of ``c`` comes while the ``others`` hold; None where they cannot."""
    def aim(metrics: Mapping[str, Array]) -> Array:
        gap = np.asarray(c.gap(metrics[c.metric]))
        return gap**2 if c.equal else gap

    program = Program(replace(problem, constraints=others), aim)
    found = program.minimise()
    i = found.best()
    return program.one(found.x[i], program.combinations[i])[c.metric] if found.feasible[i] else None
