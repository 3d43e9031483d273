"""What a decision costs: ``Rates`` price it, ``METRICS`` are what may be limited or minimised."""

from lawful.plan.costs.metrics import METRICS
from lawful.plan.costs.rates import Rates

__all__ = ["METRICS", "Rates"]
