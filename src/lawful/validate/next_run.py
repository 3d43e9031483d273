"""The run that would settle it: of many that could be made, the one whose outcome would say most about a target.

The target is a coefficient or a forecast, with gradient a in the unbounded variables. Of an estimate with covariance
V, one more run whose residual has gradient g and variance s**2 leaves it the variance

    a'Va - (a'Vg)**2 / (s**2 + g'Vg)

(c-optimal design; Pukelsheim 1993, section 2.8). That is the linear answer, as good as the law is near its estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.origins import scale_inputs
from lawful.quantities import FLOP_PER_PARAM_TOKEN, quantity

Array = npt.NDArray[np.float64]

BEYOND, BEYOND_RATIO = 0.5, 1.0
"""Decades to either side of the span of each input, and of tokens per parameter, within which a run is proposed: the
answer takes the law as it is, and a law is least itself far from the runs that it was fitted to."""

CANDIDATES, MOST_VALUES = 2000, 45
"""About as many runs are compared, on a grid, and of each input no more values."""

MOST_RUNS = 3
"""Runs that are proposed: one after the other, as long as the target is not known well enough."""

AS_GOOD = 0.02
"""A run that leaves at most this much more of the target's standard deviation than the best is as good, if cheaper."""

ALIKE = 0.15
"""Decades of cost within which candidates cost the same, for the comparison with a run at random."""


@dataclass(frozen=True)
class NextRun:
    """The run whose outcome would say most about ``target``, at no more than a cost.

    ``cost`` is in ``unit``, FLOP wherever compute is known, and ``share`` that of all runs made so far. ``before`` and
    ``after`` are the target's standard errors, and ``at_random`` what a run at the same cost, taken at random among the
    candidates, would leave (the median).
    """

    at: Mapping[str, float]
    target: str
    before: float
    after: float
    at_random: float
    cost: float
    unit: str
    share: float
    most: float

    @property
    def shrinks_to(self) -> float:
        """The standard error after the run over that before it."""
        return self.after / self.before

    def to_dict(self) -> dict[str, Any]:
        """The run as data."""
        return {"at": dict(self.at), "target": self.target, "before": self.before, "after": self.after,
                "shrinks_to": self.shrinks_to, "at_random": self.at_random, "cost": self.cost, "unit": self.unit,
                "share": self.share, "most": self.most}


def candidates(quantities: Mapping[str, Array]) -> dict[str, Array]:
    """Runs on a grid over the spans of the inputs ``(run,)`` and ``BEYOND`` decades to either side, ``(candidate,)``.

    An input that is not positive is taken over its span alone. Of params and tokens, those combinations alone whose
    ratio lies within ``BEYOND_RATIO`` decades of the ratios tried.
    """
    each = min(max(3, round(CANDIDATES ** (1.0 / len(quantities)))), MOST_VALUES)
    axes = []
    for name, values in quantities.items():
        if values.min() > 0:
            low, high = np.log10(values.min()) - BEYOND, np.log10(values.max()) + BEYOND
            least = 0.0 if quantity(name, quantities).unit == "count" and values.min() >= 1 else low
            axes.append(np.logspace(max(low, least), high, each))
        else:
            axes.append(np.linspace(values.min(), values.max(), each))
    grid = np.array(list(product(*axes)))
    found = {name: grid[:, j] for j, name in enumerate(quantities)}
    if not {"params", "tokens"} <= quantities.keys():
        return found
    tried, ratio = (np.log10(q["tokens"] / q["params"]) for q in (quantities, found))
    near = (ratio >= tried.min() - BEYOND_RATIO) & (ratio <= tried.max() + BEYOND_RATIO)
    return {name: values[near] for name, values in found.items()}


def cost_of(quantities: Mapping[str, Array]) -> tuple[Array, str]:
    """What runs at these quantities cost, and the unit: FLOP, or the product that makes up scale."""
    if "compute" in quantities:
        return np.asarray(quantities["compute"]), "FLOP"
    if {"params", "tokens"} <= quantities.keys():
        return np.asarray(FLOP_PER_PARAM_TOKEN * quantities["params"] * quantities["tokens"]), "FLOP"
    names = scale_inputs(quantities)
    if not names:
        return np.ones(len(next(iter(quantities.values())))), "runs"
    return np.asarray(np.prod([quantities[name] for name in names], axis=0)), " x ".join(names)


@dataclass(frozen=True)
class Target:
    """What is to be known: its ``name``, its gradient ``aim`` ``(coefficient,)``, the standard error that is enough."""

    name: str
    aim: Array
    enough: float


def next_runs(runs: Mapping[str, Array], offered: Mapping[str, Array], gradients: Array, covariance: Array,
              variance: float, target: Target, most: float | None = None) -> tuple[NextRun, ...]:
    """The best of the runs ``offered``, one after the other until the target is known well enough, at least one.

    ``runs`` are those made, ``gradients`` ``(coefficient, candidate)`` those of the residuals of the runs ``offered``,
    ``covariance`` that of the estimate, ``variance`` that of one run. A run may cost ``most``, by default as much as
    the largest of ``runs``. None where no candidate is cheap enough.
    """
    paid, unit = cost_of(runs)
    cost, _ = cost_of(offered)
    most = float(paid.max()) if most is None else most
    allowed = (cost <= most * (1 + 1e-9)) & np.isfinite(gradients).all(axis=0)
    found: list[NextRun] = []
    while allowed.any() and len(found) < MOST_RUNS and (not found or found[-1].after > target.enough):
        known = covariance @ gradients
        spread = variance + np.einsum("ic,ic->c", gradients, known)
        before = float(target.aim @ covariance @ target.aim)
        after = np.sqrt(np.maximum(before - (target.aim @ known) ** 2 / spread, 1e-30))
        after[~allowed] = np.inf
        best = int(np.argmin(np.where(after <= after.min() * (1.0 + AS_GOOD), cost, np.inf)))
        alike = allowed & (np.abs(np.log10(cost / cost[best])) <= ALIKE)
        found.append(NextRun(
            {name: float(values[best]) for name, values in offered.items()}, target.name, float(np.sqrt(before)),
            float(after[best]), float(np.median(after[alike])), float(cost[best]), unit,
            float(cost[best] / paid.sum()), most))
        covariance = covariance - np.outer(known[:, best], known[:, best]) / spread[best]
    return tuple(found)
