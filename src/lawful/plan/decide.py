"""``decide(problem)``: the best decision under every constraint; ``frontier(problem)`` for several goals.

Every combination of choices is tried, what moves continuously is solved by ``lawful.plan.solving.solver``. The interval
of each decided quantity is its spread over the optima of the fit's draws (``lawful.plan.solving.spread``); the price of
a constraint is how the goal moves with its bound, both in per cent (``lawful.plan.solving.shadow``).
"""

from __future__ import annotations

import numpy as np

from lawful.errors import FailedToAnswer
from lawful.plan.decision import Decision, described
from lawful.plan.expected import expect
from lawful.plan.frontier import Frontier, frontier
from lawful.plan.problem import Problem
from lawful.plan.solving.idle import refuse_idle
from lawful.plan.solving.impossible import why_impossible
from lawful.plan.solving.program import Program, draws_of
from lawful.plan.solving.shadow import shadow
from lawful.plan.solving.spread import Spread, spread

__all__ = ["Decision", "Frontier", "best_metrics", "decide", "frontier"]


def decide(problem: Problem, level: float | None = None, draws: int | None = None) -> Decision:
    """The decision of ``problem`` with the least of its first goal.

    The intervals go over all draws of the fits, or over so many. Raises ``FailedToAnswer`` where no decision keeps
    every constraint: it names the one that cannot be kept, and the nearest bound that could; ``InputError`` for a
    quantity that is left open though nothing asked depends on it.
    """
    refuse_idle(problem)
    program = Program(problem)
    held, found = program.combinations, program.minimise()
    chosen = found.best()
    if not found.feasible[chosen]:
        raise FailedToAnswer(why_impossible(problem))
    metrics = program.one(found.x[chosen], held[chosen])
    expected = expect(problem, metrics, level)
    drawn = draws_of(problem, draws)
    spreads = Spread() if all(d is None for d in drawn) else spread(program, found, chosen, drawn, expected.level)
    (priced,) = shadow(program, found.x[[chosen]], np.array([chosen]), found.multipliers[[chosen]])
    return described(problem, metrics, expected, priced, spreads)


def best_metrics(problem: Problem) -> dict[str, float] | None:
    """Every metric of the decision that ``decide`` makes, without its forecast, intervals and prices; None for none."""
    program = Program(problem)
    found = program.minimise()
    chosen = found.best()
    return program.one(found.x[chosen], program.combinations[chosen]) if found.feasible[chosen] else None
