"""``frontier(problem)``: decisions none of which is better than another in every goal, and which of them are ties.

The points come from ``lawful.plan.solving.epsilon``, the ties from ``lawful.plan.solving.ties``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.errors import InputError
from lawful.plan.decision import Decision, described
from lawful.plan.expected import expect
from lawful.plan.problem import Problem
from lawful.plan.solving.epsilon import Search
from lawful.plan.solving.idle import refuse_idle
from lawful.plan.solving.points import Points
from lawful.plan.solving.shadow import shadow
from lawful.plan.solving.ties import ties
from lawful.results import Caveat


@dataclass(frozen=True)
class Frontier:
    """Decisions none of which is better than another in every goal, in order of the first goal.

    ``ties`` are for each plan the places of those whose outcome the draws of the fits do not tell from its own
    (``lawful.plan.solving.ties``); empty where there are no draws.
    """

    objectives: tuple[str, ...]
    plans: tuple[Decision, ...]
    ties: tuple[tuple[int, ...], ...] = ()

    @property
    def warnings(self) -> tuple[Caveat, ...]:
        """What is to be known about the plans: said once of all, or with the first of those that it is about."""
        found: dict[str, list[tuple[int, str]]] = {}
        for place, made in enumerate(self.plans, start=1):
            for caveat in made.warnings:
                found.setdefault(caveat.code, []).append((place, caveat.message))
        return tuple(caveat for code, said in found.items() for caveat in self._together(code, said))

    def _together(self, code: str, said: list[tuple[int, str]]) -> Iterator[Caveat]:
        """The caveats of one ``code``: those of every plan as they are, the others as one."""
        messages = [message for _, message in said]
        common = [m for m in dict.fromkeys(messages) if messages.count(m) == len(self.plans)]
        yield from (Caveat(code, message) for message in common)
        if others := [(place, message) for place, message in said if message not in common]:
            count, (first, message) = len({place for place, _ in others}), others[0]
            yield Caveat(code, f"of {count} of {len(self.plans)} plans, here plan {first}: {message}")

    def to_dict(self) -> dict[str, Any]:
        """The frontier as data: the contract of ``lawful plan --minimise a,b --json``."""
        return {"schema": "lawful.frontier/1", "objectives": list(self.objectives),
                "plans": [plan.to_dict() for plan in self.plans], "ties": [list(tied) for tied in self.ties]}


def frontier(problem: Problem, level: float | None = None) -> Frontier:
    """Decisions over the goals of ``problem``: each the best in the first among those as good in the others.

    Raises ``InputError`` for a single goal, and as ``decide``.
    """
    if len(problem.minimise) < 2:
        raise InputError(f"a frontier needs two goals or more, got {', '.join(problem.minimise)}")
    refuse_idle(problem)
    search = Search(problem)
    points = search.run()
    plans = _plans(search, points, level)
    return Frontier(problem.minimise, plans, ties(problem, plans))


def _plans(search: Search, points: Points, level: float | None) -> tuple[Decision, ...]:
    """The decisions at the points, with what binds but for the bounds on goals."""
    program, problem = search.program, search.problem
    shift = np.zeros((len(program.equal), len(points.x)))
    shift[search.places] = -points.goals[:, 1:].T
    priced = shadow(program, points.x, points.combination, points.multipliers, shift, len(problem.constraints))
    plans = []
    for x, which, shown, goals in zip(points.x, points.combination, priced, points.goals, strict=True):
        metrics = program.one(x, program.combinations[which])
        limits = tuple(problem.no_worse(*one) for one in zip(problem.minimise[1:], goals[1:].tolist(), strict=True))
        plans.append(described(problem, metrics, expect(problem, metrics, level), shown, limits=limits))
    return tuple(plans)
