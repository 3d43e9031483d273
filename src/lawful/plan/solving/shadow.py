"""What binds at an optimum, and what loosening each bound that binds is worth: its shadow price, measured.

Each bound is moved by one per cent and the problem solved again, from the optimum and with its multipliers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lawful.plan.problem import Constraint, Problem
from lawful.plan.solving.newton import FEASIBLE, Array, Rows, follow
from lawful.plan.solving.program import Program
from lawful.plan.solving.solver import slsqp
from lawful.plan.variables import is_positive, onto

BINDS = 1e-4
"""A constraint whose metric is this near its bound, relatively, binds."""

MOVED = 0.01
"""The share of itself by which a bound is moved."""


ROUNDING = 1e-10
"""A gain [%] that is no more than this is none: the digits of a double end there."""


@dataclass(frozen=True)
class Shadow:
    """What binds at one optimum, and by constraint the per cent by which the goal falls when it is loosened by one."""

    binding: tuple[str, ...]
    prices: Mapping[str, float]


def shadow(program: Program, x: Array, which: Rows, multipliers: Array, shift: Array | None = None,
           named: int | None = None) -> list[Shadow]:
    """What binds at the optima ``x`` ``(case, variable)``, found in these combinations and with these multipliers.

    Of constraints that were shifted by ``shift`` ``(constraint, case)`` only the first so many are ``named``.
    """
    problem, held, cases = program.problem, program.combinations[which], len(x)
    low, high = (end[which] for end in program.limits)
    shift = np.zeros((len(program.equal), cases)) if shift is None else shift
    value, gaps = program.function(held, (), shift)(x[:, None, :], np.arange(cases))
    constraints = problem.constraints[:named]
    tight = np.abs(gaps[:len(constraints), :, 0]) < BINDS
    case, bound = np.nonzero(tight.T)
    again = shift[:, case]
    again[bound, np.arange(len(case))] += [_moved(constraints[i]) for i in bound]
    function = program.function(held[case], (), again)
    made = follow(function, x[case], low[case], high[case], program.equal, None, multipliers[case])
    goal, kept = made.value.copy(), made.arrived.copy()
    for k in np.flatnonzero(~kept):
        one = slsqp(function, int(k), x[case[k]], low[case[k]], high[case[k]], program.equal)
        goal[k], kept[k] = one.value[0], bool((one.excess <= FEASIBLE).all())
    prices: list[dict[str, float]] = [{} for _ in range(cases)]
    for k in np.flatnonzero(kept):
        prices[case[k]][str(constraints[bound[k]])] = _gain(problem, value[case[k], 0], goal[k])
    return [Shadow((*(str(c) for c, t in zip(constraints, tight[:, i], strict=True) if t), *_ends(program, x[i])),
                   prices[i]) for i in range(cases)]


def _ends(program: Program, x: Array) -> list[str]:
    """Which quantities stand at an end of their span."""
    return [f"{v.name} at its {end} end" for v, at in zip(program.free, x, strict=True)
            for end, limit in (("lower", v.low), ("upper", v.high)) if abs(at - onto(v.name, limit)) < BINDS]


def _moved(c: Constraint) -> float:
    """By how much the gap of ``c`` falls when its bound is loosened, or that of an equality raised."""
    by = float(onto(c.metric, c.loosened(MOVED).bound) - onto(c.metric, c.bound))
    return by if c.sense == ">=" else -by


def _gain(problem: Problem, before: float, after: float) -> float:
    """By how many per cent the first goal is better, where what is minimised goes from ``before`` to ``after``."""
    if is_positive(problem.minimise[0]):
        gain = float(-100.0 * np.expm1(after - before))
    else:
        gain = float(100.0 * (np.sinh(before) - np.sinh(after)) / abs(np.sinh(before)))
    return gain if abs(gain) > ROUNDING else 0.0
