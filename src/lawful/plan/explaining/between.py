"""What the difference of two decisions is owed to, in any metric: what was decided, the laws, the rates.

``between(a, b, "usd")`` splits the change of a metric of the planner (an outcome, a cost, a ratio) by Shapley's rule
over the quantities that were decided differently, the laws and the rates, where these differ.
``lawful.plan.explaining.attribution`` has more ways for one law's outcome alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError, unknown
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.costs.metrics import METRICS
from lawful.plan.decision import Decision
from lawful.plan.explaining.attribution import Attribution
from lawful.plan.explaining.change import LAW, grouped, matched
from lawful.plan.explaining.shapley import shapley, subsets
from lawful.plan.problem import Problem
from lawful.quantities import Quantity, quantity
from lawful.results import interval

Array = npt.NDArray[np.float64]

RATES = "rates"
"""The factor that stands for prices, devices and what is to be served."""


def between(a: Decision, b: Decision, metric: str | None = None, *, groups: Mapping[str, Sequence[str]] | None = None,
            ) -> Attribution:
    """The change of ``metric`` (the outcome where none is named) from ``a`` to ``b``, by what differs; sums exactly.

    Draws are those of each decision's first law, independent where the laws differ. Raises ``InputError`` where the two
    do not decide the same quantities or nothing differs, ``UnknownName`` for a metric that either does not have.
    """
    name = metric or a.problem.outcome
    for made in (a, b):
        if name not in made.metrics:
            raise unknown("metric", name, made.metrics)
    if a.decision.keys() != b.decision.keys():
        raise InputError(f"the two decide different quantities: {', '.join(a.decision)}, and {', '.join(b.decision)}")
    moved = [n for n in a.decision if a.decision[n] != b.decision[n]]
    same = [_same(x, y) for x, y in zip_longest(a.problem.laws, b.problem.laws)]
    moved += [LAW] if not all(same) else []
    moved += [RATES] if a.problem.rates != b.problem.rates else []
    if not moved:
        raise InputError("nothing differs between the two decisions: there is no change to split")
    factors = grouped(moved, groups or {})
    members = subsets(tuple(factors))
    joined = {n: members[:, i] for i, names in enumerate(factors.values()) for n in names}
    no = np.zeros(len(members), dtype=bool)
    at = {n: np.where(joined.get(n, no), b.decision[n], a.decision[n]) for n in a.decision}
    first, second = (_values(a.problem, b.problem, own.problem, at, name, joined.get(RATES, no)) for own in (a, b))
    if LAW in joined:
        first, second = matched(first, second)
    parts = shapley(np.where(joined.get(LAW, no), second, first), members)
    if not np.isfinite(parts[0]).all():
        raise FailedToAnswer(f"{name} has no value somewhere between the two decisions: it cannot be split")
    level = a.forecast.level
    before, after = (interval(made.metrics[name], values[1:, place], level)
                     for made, values, place in ((a, first, 0), (b, second, -1)))
    found = {n: interval(float(parts[0, i]), parts[1:, i], level) for i, n in enumerate(factors)}
    return Attribution(_quantity(name), before, after, found, "shapley", level, parts[1:],
                       tuple(dict.fromkeys((*a.warnings, *b.warnings))))


def _same(x: Fit | Published | None, y: Fit | Published | None) -> bool:
    """Whether two laws are one, though they were read twice: of fits, of the same coefficients and draws."""
    if isinstance(x, Fit) and isinstance(y, Fit):
        return x is y or (x.law == y.law and np.array_equal(x.draws, y.draws))
    return x == y


def _values(a: Problem, b: Problem, laws: Problem, at: Mapping[str, Array], name: str,
            rates: npt.NDArray[np.bool_]) -> Array:
    """The metric of every subset under the laws of one problem and their draws, ``(row, subset)``."""
    law = laws.law
    draws = law.draws if isinstance(law, Fit) else np.zeros((0, 0))

    def rows(own: Problem) -> Array:
        problem = replace(own, law=law, then=laws.then)
        found = [np.broadcast_to(problem.metrics(at)[name], (1, len(rates)))]
        if isinstance(law, Fit) and len(draws):
            found.append(np.broadcast_to(problem.metrics(at, law.sample)[name], (len(draws), len(rates))))
        return np.concatenate(found)

    return np.where(rates, rows(b), rows(a))


def _quantity(name: str) -> Quantity:
    return Quantity(name, name, METRICS[name][0], METRICS[name][1]) if name in METRICS else quantity(name, (name,))
