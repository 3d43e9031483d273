"""``weigh(way)``: what a change is worth: the same law with it and without it, under the same limits.

Losses of different papers cannot be compared: their corpora, tokenizers and models differ. What can be compared is what
a change gains under one law: experts against the dense model of the same study, a student against the same student
without a teacher. The measure is what is spent: how many times the budget the plain model would need, within the other
limits, to reach the same loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from lawful.errors import FailedToAnswer
from lawful.fit import Fit
from lawful.plan.decide import Decision, best_metrics, decide
from lawful.plan.expected import outcome_draws
from lawful.plan.problem import Problem, Variable
from lawful.plan.spending import SPENDING
from lawful.results import Interval, interval


@dataclass(frozen=True)
class Way:
    """A way to build a model: ``problem`` is to decide it, ``plain`` what it is measured against under the same law."""

    name: str
    problem: Problem
    plain: Problem
    note: str = ""

    @property
    def currency(self) -> str:
        """The metric in which spending is counted: that of the first limit on spending, else training FLOP."""
        return next((c.metric for c in self.problem.constraints if c.metric in SPENDING), "train_flop")


@dataclass(frozen=True)
class Gain:
    """What a way is worth: the decision under the limits, that of the plain model, and the two compared.

    ``factor`` is the least that the plain model spends for the same outcome, within the limits other than spending,
    over what the way spends: above 1 the way saves, infinite where no plain model that fits reaches it.
    ``difference`` is the outcome less the plain one, with the ``interval`` over the law's draws where it has some.
    """

    way: Way
    made: Decision
    plain: Decision
    factor: float
    difference: float
    interval: Interval | None = None

    @property
    def reach(self) -> float | None:
        """How far the way and its plain model lie beyond their laws' runs [decades]; None where none are known."""
        spans = [decades for made in (self.made, self.plain) for decades in made.forecast.reach.values()]
        return max(spans) if spans else None

    @property
    def answer(self) -> str:
        """What the way is worth, in one sentence."""
        outcome = self.made.problem.outcome
        against = f"{outcome} {self.made.metrics[outcome]:.4g} against {self.plain.metrics[outcome]:.4g}"
        if math.isinf(self.factor):
            return f"{against}; no plain model within the limits reaches it, whatever is spent"
        return f"{against}; a plain model needs {self.factor:.3g} times the {self.way.currency} for it"


def weigh(way: Way, level: float | None = None) -> Gain:
    """What ``way`` is worth under its limits.

    Raises ``FailedToAnswer`` where no decision of the way, or of the plain model, keeps the limits.
    """
    made, plain = decide(way.problem, level), decide(way.plain, level)
    outcome = way.problem.outcome
    difference = made.metrics[outcome] - plain.metrics[outcome]
    return Gain(way, made, plain, _factor(way, made), difference, _interval(way, made, plain, difference))


def weigh_all(ways: Iterable[Way], level: float | None = None) -> tuple[tuple[Gain, ...], tuple[str, ...]]:
    """The gains of ``ways``, the greatest first, and why the others have none: nothing of theirs keeps the limits."""
    gains, refused = [], []
    for way in ways:
        try:
            gains.append(weigh(way, level))
        except FailedToAnswer as problem:
            refused.append(f"{way.name}: {problem}")
    # where no plain model reaches either, the greater share of the loss that is gained goes first
    order = sorted(gains, key=lambda g: (-g.factor, g.difference / g.plain.metrics[g.made.problem.outcome]))
    return tuple(order), tuple(refused)


def _factor(way: Way, made: Decision) -> float:
    """The least that the plain model spends for the outcome of ``made``, over what ``made`` spends."""
    fitting = tuple(c for c in way.plain.constraints if c.metric not in SPENDING)
    spent = least(replace(way.plain, constraints=fitting), way.currency, made.metrics[way.problem.outcome])
    return spent / made.metrics[way.currency]


def _interval(way: Way, made: Decision, plain: Decision, difference: float) -> Interval | None:
    """The spread of the difference over the draws that both share; None where the law has none, or they share none."""
    law = way.problem.law
    if not isinstance(law, Fit) or not len(law.draws) or way.plain.law is not law:
        return None
    drawn = outcome_draws(way.problem, made.decision) - outcome_draws(way.plain, plain.decision)
    return interval(difference, drawn, made.forecast.level)


def least(problem: Problem, metric: str, outcome: float) -> float:
    """The least of ``metric`` among decisions of ``problem`` whose outcome is no worse than ``outcome``.

    Infinite where none is.
    """
    reached = problem.no_worse(problem.outcome, float(problem.goal({problem.outcome: np.array(outcome)},
                                                                   problem.outcome)))
    found = best_metrics(replace(problem, minimise=(metric,), constraints=(*problem.constraints, reached)))
    return math.inf if found is None else found[metric]


def worth_in_params(gain: Gain) -> float:
    """The params of the plain model that reaches the outcome on as many tokens, whatever it costs and takes.

    Of experts this is the effective parameter count of Clark et al. 2022. Infinite where no size reaches it.
    """
    tokens = gain.made.metrics["tokens"]
    held = tuple(Variable("tokens", tokens, tokens) if v.name == "tokens" else v for v in gain.way.plain.variables)
    return least(replace(gain.way.plain, variables=held, constraints=()), "params",
                 gain.made.metrics[gain.made.problem.outcome])
