"""Which term of a formula has no value: what to say where a search finds no start at all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lawful.fit.problem import Joint, Problem
from lawful.laws.expressions import Tape


def undefined(problem: Problem | Joint, starts: npt.NDArray[np.float64]) -> str:
    """The innermost term that is not finite at any of ``starts`` ``(start, coefficient)``, and where: one clause.

    It is looked for in the run that has no value at the most starts.
    """
    if isinstance(problem, Joint):
        parts = [(part, starts[:, columns]) for part, columns in zip(problem.problems, problem.columns, strict=True)]
        return undefined(*max(parts, key=lambda part: int(_without_value(*part).sum(axis=0).max())))
    bad = _without_value(problem, starts)
    run = int(np.argmax(bad.sum(axis=0)))
    inputs = {name: float(problem.quantities[name][run]) for name in problem.law.inputs}
    where = ", ".join(f"{name} is {value:g}" for name, value in inputs.items())
    coefficients = {name: starts[bad[:, run], j : j + 1] for j, name in enumerate(problem.names)}
    for term in problem.law.expression().walk():
        tape = Tape([term], {**inputs, **problem.fixed})
        with np.errstate(all="ignore"):
            (values,) = tape(coefficients)
        if not np.isfinite(values).any():
            return f"{term} has none where {where}"
    return f"it is not positive where {where}, and {problem.law.output.name} is fitted on its logarithm"


def _without_value(problem: Problem, starts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return ~np.isfinite(problem.residuals(starts))
