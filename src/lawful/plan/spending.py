"""Budgets as limits of a decision: which metric each currency limits, and which metrics are spending at all."""

from __future__ import annotations

from lawful.cost import Budget
from lawful.cost.budget import CURRENCIES
from lawful.plan.variables import Constraint

METRICS_OF = {"compute": "train_flop", "days": "wall_days", "kwh": "energy_kwh"}
"""Metrics that a budget limits, where they are not called as the budget is."""

SPENDING = ("bit_flop", "total_flop", *(METRICS_OF.get(name, name) for name in CURRENCIES))
"""Metrics that grow with training: a limit on one of them is a budget, and not what a model must fit into."""


def budget_limits(budget: Budget | None) -> tuple[Constraint, ...]:
    """The limit that ``budget`` sets on spending; none without a budget."""
    if budget is None:
        return ()
    name, amount = next((n, a) for n in CURRENCIES if (a := getattr(budget, n)) is not None)
    return (Constraint(METRICS_OF.get(name, name), "<=", amount),)
