"""What a decision says: its quantities, every metric there, what binds, what each bound is worth, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lawful.cost import Cost
from lawful.cost.shapes import Sized
from lawful.fit import Forecast
from lawful.plan.expected import chances
from lawful.plan.laws import law_name
from lawful.plan.problem import Constraint, Problem
from lawful.plan.solving.shadow import Shadow
from lawful.plan.solving.spread import Spread
from lawful.plan.variables import SHARE
from lawful.quantities import format_number
from lawful.results import Caveat, Interval
from lawful.validate.question import question_caveats

if TYPE_CHECKING:
    from lawful.plan.explaining.sensitivity import Sensitivity


@dataclass(frozen=True)
class Decision:
    """The best decision: its quantities, every metric there, what binds, and what each bound is worth.

    ``prices`` give by constraint the per cent by which the goal falls when its bound is loosened by one per cent, that
    of an equality raised. ``limits`` are those on the other goals, at which a plan of a frontier is the best,
    ``spread`` says over how many draws the intervals go and what they prefer to choose.
    """

    problem: Problem
    decision: Mapping[str, float]
    metrics: Mapping[str, float]
    forecast: Forecast
    binding: tuple[str, ...]
    prices: Mapping[str, float]
    intervals: Mapping[str, Interval]
    warnings: tuple[Caveat, ...] = ()
    limits: tuple[Constraint, ...] = ()
    spread: Spread = field(default_factory=Spread)

    @property
    def law(self) -> str:
        """What the laws are called, in the order in which they are asked."""
        return ", then ".join(map(law_name, self.problem.laws))

    @property
    def shape(self) -> Sized | None:
        """The shape nearest to the decision that can be built; None where no shape was given."""
        return self.problem.rates.nearest(self.metrics, self.problem.counting)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the decision rests on, a sentence each."""
        limit = self.forecast.limit
        rates = self.problem.rates.assumptions(self.decision, self.problem.counting)
        return (*rates, *self._shared(), f"{limit[0].upper()}{limit[1:]}.")

    def _shared(self) -> tuple[str, ...]:
        """What the shares of the mixture are taken to be: all there are, or all but one."""
        names = ", ".join(name.removeprefix(SHARE) for name in self.problem.shares)
        if not names:
            return ()
        return (f"{names} are the whole mixture: their shares sum to 1." if self.problem.whole else
                f"What {names} leave of the mixture goes to the one domain that the law does not name.",)

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """How the decision answers to coefficients, bounds and the doubt about the law; worked out when asked for."""
        from lawful.plan.explaining.sensitivity import sensitivity

        return sensitivity(self)

    @property
    def answer(self) -> str:
        """The decision as one sentence."""
        chosen = ", ".join(f"{name} {format_number(value)}" for name, value in self.decision.items())
        goals = ", ".join(f"{name} {format_number(self.metrics[name])}" for name in self.problem.minimise)
        held = f"; {', '.join(self.binding)} bind" + "s" * (len(self.binding) == 1) if self.binding else ""
        return f"Choose {chosen}: {goals}{held}."

    def to_dict(self) -> dict[str, Any]:
        """The decision as data: the contract of ``lawful plan --vary --json``."""
        cost = {f.name: self.metrics.get(f.name) for f in fields(Cost)}
        return {
            "schema": "lawful.plan/1", "law": self.law, "answer": self.answer, "decision": dict(self.decision),
            "intervals": {name: vars(i) for name, i in self.intervals.items()}, "draws": self.spread.to_dict(),
            "forecast": self.forecast.to_dict(), "cost": cost, "binding": list(self.binding),
            "sensitivity": self.sensitivity.to_dict(), "prices": dict(self.prices), "metrics": dict(self.metrics),
            "shape": None if self.shape is None else vars(self.shape),
            "assumptions": list(self.assumptions), "warnings": [vars(w) for w in self.warnings],
        }


def described(problem: Problem, metrics: Mapping[str, float], expected: Forecast, priced: Shadow,
              spread: Spread | None = None, limits: tuple[Constraint, ...] = ()) -> Decision:
    """The decision of ``problem`` where the metrics are these, with what is to be known about it."""
    spread = spread or Spread()
    decision = {v.name: metrics[v.name] for v in problem.variables}
    warnings = (*expected.warnings, *question_caveats(problem.law, expected.at), *spread.caveats(),
                *chances(problem, metrics, expected.level), *problem.rates.caveats(metrics))
    return Decision(problem, decision, metrics, expected, priced.binding, priced.prices, spread.intervals, warnings,
                    limits, spread)
