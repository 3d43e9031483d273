"""What a decision should give: the forecast of the last of a row of laws, with the doubt of all of them.

``expect(problem, metrics)`` asks each law where the decision puts it. The draws of several fits are taken as
independent: nobody fitted them together, and the forecast says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lawful.fit import Forecast, forecast
from lawful.plan.problem import Problem
from lawful.plan.solving.program import draws_of, with_draws
from lawful.plan.solving.shadow import BINDS
from lawful.quantities import format_number, quantity
from lawful.results import Caveat, interval

Array = npt.NDArray[np.float64]

DRAWS = 1000
"""Draws that are carried through a row of laws."""


def expect(problem: Problem, metrics: Mapping[str, float], level: float | None = None) -> Forecast:
    """The forecast of the problem's outcome where its metrics are these; ``metrics`` are those of the decision."""
    told = [problem.told(law, metrics) for law in problem.laws]
    asked = [forecast(law, {name: float(known[name]) for name in law.law.inputs}, level)
             for law, known in zip(problem.laws, told, strict=True)]
    if len(asked) == 1:
        return asked[0]
    first, names = asked[0], [law.law.output.name for law in problem.laws]
    value, level = metrics[problem.outcome], first.level
    drawn = outcome_draws(problem, {v.name: metrics[v.name] for v in problem.variables})
    spread = interval(value, drawn, level) if len(drawn) > 1 else None
    warnings = {w.message: w for one in asked for w in one.warnings
                if not (w.code == "no_interval" and spread is not None)}
    row = Caveat("composed", f"{', then '.join(names)}: laws in a row that were never validated jointly"
                 + ("; the interval takes their errors as independent" if spread is not None else ""))
    return replace(first, output=quantity(problem.outcome), value=value, warnings=(row, *warnings.values()),
                   low=spread.low if spread else None, high=spread.high if spread else None, new_run=None,
                   reach={name: decades for one in reversed(asked) for name, decades in one.reach.items()})


def outcome_draws(problem: Problem, decision: Mapping[str, float]) -> Array:
    """The problem's outcome at ``decision`` under draws of all its laws, ``(draw,)``; one where none has draws."""
    return _drawn(problem, decision, problem.outcome)


def chances(problem: Problem, metrics: Mapping[str, float], level: float) -> tuple[Caveat, ...]:
    """A warning for each bound on what the laws give that binds, where too few draws keep it to be sure at ``level``.

    A bound that binds is kept by the law as it was fitted, with nothing to spare: about half of the draws break it.
    """
    found, sure = [], 0.5 + 0.5 * level
    said = {law.law.output.name for law in problem.laws} | {"accuracy", "error"}
    for bound in problem.constraints:
        if bound.equal or bound.metric not in said or abs(bound.gap(metrics[bound.metric])) >= BINDS:
            continue
        values = _drawn(problem, {v.name: metrics[v.name] for v in problem.variables}, bound.metric)
        values = values[np.isfinite(values)]
        gaps = bound.gap(values)
        if len(gaps) > 1 and (share := float((gaps <= 0.0).mean())) < sure:
            wide = float(np.quantile(values, sure if bound.sense == "<=" else 1.0 - sure))
            found.append(Caveat("target_uncertain", f"{bound} is kept under {100 * share:.0f} % of the draws of the "
                                f"fit, and {100 * sure:g} % of them keep {bound.metric} {bound.sense} "
                                f"{format_number(wide, 5)}: a bound that is tighter by so much would be about so sure"))
    return tuple(found)


def _drawn(problem: Problem, decision: Mapping[str, float], metric: str) -> Array:
    """A metric at ``decision`` under draws of all laws, ``(draw,)``; one where none has draws."""
    drawn = draws_of(problem, DRAWS)
    count = next((len(d) for d in drawn if d is not None), 1)
    laws = with_draws(problem, drawn)
    columns = {name: np.full((1, 1), value) for name, value in decision.items()}
    return np.broadcast_to(problem.metrics(columns, laws[0], laws[1:])[metric], (count, 1))[:, 0]
