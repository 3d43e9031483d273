"""``plan(law, budget)``: how to divide a budget between model and data, and what that should give.

The optimum is the law's own (closed form where one exists); the interval on it comes from the fit's
draws; its price tag from ``lawful.cost``; and its sensitivity says what being wrong would cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lawful.cost import Budget, Cost, train_cost
from lawful.fit import Fit, Forecast, forecast
from lawful.fit.forecast import FAR
from lawful.laws.base import Law
from lawful.laws.published import Published
from lawful.plan.costs.rates import SIX_ND
from lawful.plan.laws import law_name
from lawful.plan.sizing.overtraining import compute_for
from lawful.quantities import FLOP_PER_PARAM_TOKEN, format_loss, format_number, quantity
from lawful.results import Caveat, Interval
from lawful.runs import RunTable
from lawful.validate.question import question_caveats

SMALLEST_SHARE = 1e-30
"""Of the budget, the least that is looked at for what a plan off the optimum wastes."""


@dataclass(frozen=True)
class OffBy:
    """What the same compute gives with a model of another size."""

    params: float
    tokens: float
    loss: float
    loss_increase: float
    compute_wasted: float   # share of the budget: an optimal run would reach this loss with so much less


@dataclass(frozen=True)
class Plan:
    """A decision under a budget: what to train, what to expect, what it costs, how much it matters.

    ``decision`` holds params, tokens and compute; ``intervals`` the spread of the optimum over the fit's
    draws (empty for a published law); ``sensitivity`` the outcome at half and at twice the params.
    """

    decision: Mapping[str, float]
    intervals: Mapping[str, Interval]
    forecast: Forecast
    cost: Cost
    sensitivity: Mapping[str, OffBy]
    budget: Budget
    law: str
    assumptions: tuple[str, ...] = ()
    warnings: tuple[Caveat, ...] = ()
    binding: tuple[str, ...] = field(default=("compute",))

    @property
    def answer(self) -> str:
        """The decision as one sentence."""
        d = {name: format_number(value, unit=quantity(name).unit) for name, value in self.decision.items()}
        spread = ""
        if "params" in self.intervals:
            i = self.intervals["params"]
            level = f"{100 * self.forecast.level:g} %"
            spread = f" ({level}: {format_number(i.low)} to {format_number(i.high)})"
        text = f"Train {d['params']} params{spread} on {d['tokens']} tokens with {d['compute']} FLOP"
        if self.forecast.output.name == "params":
            return text + "."
        loss = f"expect {self.forecast.output.name} {format_loss(self.forecast.value)}"
        if self.forecast.low is not None and self.forecast.high is not None:
            loss += f" ({format_loss(self.forecast.low)} to {format_loss(self.forecast.high)})"
        return f"{text}; {loss}."

    def to_dict(self) -> dict[str, Any]:
        """The plan as data: the contract of ``lawful plan --json``."""
        return {
            "schema": "lawful.plan/1", "law": self.law, "answer": self.answer, "decision": dict(self.decision),
            "intervals": {name: vars(i) for name, i in self.intervals.items()},
            "forecast": self.forecast.to_dict(), "cost": self.cost.to_dict(), "binding": list(self.binding),
            "sensitivity": {name: vars(s) for name, s in self.sensitivity.items()},
            "assumptions": list(self.assumptions), "warnings": [vars(w) for w in self.warnings],
        }


def plan(law: Fit | Published, budget: Budget, level: float | None = None, runs: RunTable | None = None) -> Plan:
    """The compute-optimal split of ``budget`` under ``law``, with forecast, cost and sensitivity.

    Its warnings say the known failure modes that bear on it, with those that ``runs``, to which the law was fitted,
    show.
    Raises ``LawError`` for a law that cannot divide compute between params and tokens, unless it gives the
    optimal params outright, as approaches 1 and 2 of Hoffmann et al. 2022 do.
    """
    compute = budget.train_flop
    inner = law.law
    assumptions = (SIX_ND, *budget.assumptions())
    cost = train_cost(compute, budget)
    name = law_name(law)
    if inner.output.name == "params" and inner.inputs == ("compute",):
        return _read_off(law, name, compute, budget, cost, assumptions, level)
    best = inner.allocate(compute)
    fitted = law.at_level(level) if isinstance(law, Fit) and level is not None else law
    decision = {"params": float(best.params), "tokens": float(best.tokens), "compute": compute}
    counts = {"params": decision["params"], "tokens": decision["tokens"]}
    expected = forecast(fitted, counts, level)
    intervals: dict[str, Interval] = {}
    if isinstance(fitted, Fit) and len(fitted.draws):
        intervals = fitted.allocate(compute)[1]
    assumptions = (*assumptions, f"{expected.limit[0].upper()}{expected.limit[1:]}.")
    return Plan(decision, intervals, expected, cost, _sensitivity(inner, decision), budget, name, assumptions,
                (*expected.warnings, *_uncertain(intervals), *question_caveats(law, decision, runs)))


def _read_off(law: Fit | Published, name: str, compute: float, budget: Budget, cost: Cost,
              assumptions: tuple[str, ...], level: float | None) -> Plan:
    expected = forecast(law, {"compute": compute}, level)
    params = expected.value
    tokens = compute / (FLOP_PER_PARAM_TOKEN * params)
    note = Caveat("no_loss", "this law gives the optimal params alone: no loss is forecast, no sensitivity answered")
    return Plan({"params": params, "tokens": tokens, "compute": compute}, {}, expected, cost, {}, budget, name,
                assumptions, (note, *expected.warnings))


def _sensitivity(law: Law, decision: Mapping[str, float]) -> dict[str, OffBy]:
    best, spent = float(law(params=decision["params"], tokens=decision["tokens"])), decision["compute"]
    within = (spent * SMALLEST_SHARE, spent)   # what is off its optimum is as good as a smaller budget at its own
    found = {}
    for name, factor in (("params_half", 0.5), ("params_double", 2.0)):
        params, tokens = decision["params"] * factor, decision["tokens"] / factor
        loss = float(law(params=params, tokens=tokens))
        enough = compute_for(law, loss=loss, within=within) if loss > best else spent
        found[name] = OffBy(params, tokens, loss, loss - best, 1.0 - enough / spent)
    return found


def _uncertain(intervals: Mapping[str, Interval]) -> tuple[Caveat, ...]:
    spread = intervals.get("params")
    if spread is None or not spread.high / max(spread.low, 1e-300) > 10.0**FAR:
        return ()
    return (Caveat("optimum_uncertain", f"the optimal params lie between {format_number(spread.low)} and "
                   f"{format_number(spread.high)}: see the sensitivity for what that matters"),)
