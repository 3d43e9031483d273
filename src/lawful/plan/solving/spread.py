"""How sure a decision is: its own optimum under every draw of the fits, all solved at once.

A draw's optimum lies near the one already found, so Newton starts there, with what bound there. Draws that do not
arrive are tried with shorter steps, and the first few that still do not by SLSQP; what is left is counted, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lawful.laws.base import COSTS
from lawful.plan.costs.metrics import METRICS
from lawful.plan.solving.newton import FEASIBLE, Array, Mask, Rows, broken, follow
from lawful.plan.solving.program import Drawn, Program
from lawful.plan.solving.solver import Found, slsqp
from lawful.quantities import format_number
from lawful.results import Caveat, Interval, interval

NEAR = 1e-4
"""A step this short, in logarithms, is a draw's last: what is left, its square, is far below what an interval shows."""

BLOCK = 4000
"""Cases that are solved in one call: more would only leave the processor's cache."""

MOST = 20_000
"""Cases, draws times combinations of choices, beyond which fewer draws are asked which combination they prefer."""

SAME = 1e-5
"""Costs whose optima differ by less, relatively, are one: a budget that binds in every draw."""

SLOW = 64
"""Draws that SLSQP is asked about where Newton fails."""

FEW = 8
"""The same, where only the best of several combinations counts."""

LITTLE = 0.3
"""What a bound may be broken by, in logarithms, for a draw to be likely to keep it."""


@dataclass(frozen=True)
class Spread:
    """The optima of the draws: an interval for each quantity and each cost that moves, and how many draws they rest on.

    ``infeasible`` draws have no decision that keeps every constraint, ``unsolved`` ones were not solved. ``prefer`` is
    the share of draws whose best combination of choices is this one, by combination; empty where nothing is chosen.
    """

    intervals: Mapping[str, Interval] = field(default_factory=dict)
    solved: int = 0
    infeasible: int = 0
    unsolved: int = 0
    prefer: Mapping[str, float] = field(default_factory=dict)

    def caveats(self) -> tuple[Caveat, ...]:
        """What is to be said where not every draw has an optimum, or choices differ between draws."""
        total = self.solved + self.infeasible + self.unsolved
        found = []
        if self.infeasible:
            found.append(Caveat("draws_without_answer", f"under {self.infeasible} of {total} draws of the fit no "
                                "decision keeps every constraint: the intervals leave them out"))
        if self.unsolved:
            found.append(Caveat("draws_unsolved", f"{self.unsolved} of {total} draws of the fit were not solved: the "
                                "intervals leave them out"))
        if len(self.prefer) > 1:
            shares = sorted(self.prefer.items(), key=lambda one: -one[1])[:3]
            found.append(Caveat("choice_uncertain", "draws of the fit differ in what to choose: "
                                + "; ".join(f"{name} in {100 * share:.3g} %" for name, share in shares)))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """The counts as data; the intervals stand beside the decision."""
        return {"solved": self.solved, "infeasible": self.infeasible, "unsolved": self.unsolved,
                "prefer": dict(self.prefer)}


@dataclass(frozen=True)
class Optima:
    """The optimum of each draw: points ``(draw, variable)``, values ``(draw,)``, excess ``(constraint, draw)``, and
    whether it is solved, and known to have no answer."""

    x: Array
    value: Array
    excess: Array
    solved: Mask
    infeasible: Mask

    def best(self, combinations: int) -> Optima:
        """The best of so many combinations for each draw: unsolved where none is solved and one may yet be."""
        value = np.where(self.solved, self.value, np.inf).reshape(combinations, -1)
        rows = value.argmin(axis=0) * value.shape[1] + np.arange(value.shape[1])
        nowhere = np.asarray(self.infeasible.reshape(combinations, -1).all(axis=0))
        return Optima(self.x[rows], self.value[rows], self.excess[:, rows], self.solved[rows], nowhere)


def spread(program: Program, found: Found, chosen: int, drawn: Drawn, level: float) -> Spread:
    """The spread of the optimum over the draws, where ``found`` has the best of each combination of choices."""
    alike = np.flatnonzero((program.choice == program.choice[chosen]) & _possible(found))
    made = optima(program, found, alike, drawn).best(len(alike))
    x = program.point(np.where(made.solved[:, None], made.x, np.nan))
    best = program.point(found.x[chosen])
    moving = {name: interval(float(best[name]), values, level) for name, values in x.items()}
    return Spread(moving | _costs(program, found, chosen, drawn, made, level),
                  int(made.solved.sum()), int(made.infeasible.sum()), int((~made.solved & ~made.infeasible).sum()),
                  _preferred(program, found, drawn))


def _possible(found: Found) -> Mask:
    """Which combinations a draw may have an answer in: those that have one, or break a bound by a little."""
    return np.asarray(found.feasible | (np.isfinite(found.value) & (found.excess < LITTLE).all(axis=0)))


def _costs(program: Program, found: Found, chosen: int, drawn: Drawn, made: Optima,
           level: float) -> dict[str, Interval]:
    """What the optimum costs under every draw, where that differs: what a target takes, where no budget says it."""
    kept, held = made.solved, program.combinations[chosen]
    if not kept.any():
        return {}
    cases = np.repeat(held[None], int(kept.sum()), axis=0)
    each = program.metrics(made.x[kept][:, None, :], cases, [None if d is None else d[kept] for d in drawn])
    best = program.one(found.x[chosen], held)
    outputs = {law.law.output.name for law in program.problem.laws} & set(COSTS)
    costs = {name: np.ravel(each[name]) for name in best if name in METRICS or name in outputs}
    return {name: interval(best[name], values, level) for name, values in costs.items()
            if len(values) > 1 and np.ptp(values) > SAME * abs(best[name])}


def optima(program: Program, found: Found, combinations: Rows, drawn: Drawn, slow: int = SLOW) -> Optima:
    """The optimum of every draw under each of these combinations, combination by combination.

    Of each block that is solved in one call SLSQP is asked about so many at most.
    """
    draws = next(len(d) for d in drawn if d is not None)
    which, row = (np.ravel(a) for a in np.meshgrid(combinations, np.arange(draws), indexing="ij"))
    parts = []
    for begin in range(0, len(which), BLOCK):
        here = slice(begin, begin + BLOCK)
        parts.append(_solved(program, found, which[here], [None if d is None else d[row[here]] for d in drawn],
                             slow))
    return Optima(*(np.concatenate([getattr(p, name) for p in parts], axis=axis) for name, axis in
                    (("x", 0), ("value", 0), ("excess", 1), ("solved", 0), ("infeasible", 0))))


def _solved(program: Program, found: Found, which: Rows, drawn: Drawn, slow: int) -> Optima:
    """The optima of so many cases, each a combination of choices and a draw."""
    function = program.function(program.combinations[which], drawn)
    low, high = (end[which] for end in program.limits)
    made = follow(function, found.x[which], low, high, program.equal, None, found.multipliers[which], steps=12,
                  search=False, near=NEAR)
    x, value, excess, solved = made.x, made.value, broken(made.gaps, program.equal), made.arrived
    if len(again := np.flatnonzero(~solved)):
        other = follow(function, found.x[which[again]], low[again], high[again], program.equal, again, near=NEAR)
        good = again[other.arrived]
        x[good], value[good], solved[good] = other.x[other.arrived], other.value[other.arrived], True
        excess[:, good] = broken(other.gaps, program.equal)[:, other.arrived]
    infeasible = np.zeros(len(which), dtype=bool)
    for i in np.flatnonzero(~solved)[:slow]:
        one = slsqp(function, int(i), found.x[which[i]], low[i], high[i], program.equal)
        x[i], value[i], excess[:, i] = one.x[0], one.value[0], one.excess[:, 0]
        solved[i] = bool((one.excess <= FEASIBLE).all()) and np.isfinite(one.value[0])
        infeasible[i] = not solved[i]
    return Optima(x, value, excess, solved, infeasible)


def _preferred(program: Program, found: Found, drawn: Drawn) -> dict[str, float]:
    """The share of draws that each combination of choices is best for; none where there is one combination."""
    choices = len(program.choices)
    if choices == 1:
        return {}
    draws = next(len(d) for d in drawn if d is not None)
    tried = np.flatnonzero(_possible(found))
    kept = np.linspace(0, draws - 1, max(1, min(draws, MOST // len(tried)))).astype(np.int64)
    made = optima(program, found, tried, [None if d is None else d[kept] for d in drawn], FEW)
    value = np.where(made.solved, made.value, np.inf).reshape(len(tried), len(kept))
    best = program.choice[tried[np.argmin(value, axis=0)]]
    won = np.bincount(best[np.isfinite(value).any(axis=0)], minlength=choices)
    chosen = [v for v in program.discrete if v.choices]
    columns = [program.discrete.index(v) for v in chosen]
    names = [", ".join(f"{v.name} {format_number(c)}" for v, c in zip(chosen, row, strict=True))
             for row in program.choices[:, columns]]
    return {name: float(n / max(won.sum(), 1)) for name, n in zip(names, won, strict=True) if n}
