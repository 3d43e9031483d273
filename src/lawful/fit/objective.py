"""What a fit minimises: a sum over runs of a penalty on the residual of the log.

    r_i = log L_law(run i) - log L_observed(i),    objective = sum_i w_i rho(r_i)

What to use when: ``huber_log`` (the field's usual choice, delta = 1e-3) bears with outliers;
``log_squares`` is the most precise where the noise is Gaussian; ``absolute_log`` is the limit of a
Huber loss as delta goes to 0. The sum is a sum: the mean has the same optimum, but an optimiser's
absolute tolerances then stop it early (arXiv:2404.10102, section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.errors import InputError, unknown

HUBER_DELTA = 1e-3
"""The delta of Hoffmann et al. 2022, section 3.3."""

ABSOLUTE_DELTA = 1e-8
"""Where the solver stops shrinking delta for ``absolute_log``: far below any loss's last digit."""

TIGHT, LOOSE = 1e-11, 1e-3
"""Shares of the objective: converged, and close enough to go on to a narrower penalty."""


@dataclass(frozen=True)
class Objective:
    """A penalty on log residuals: quadratic within ``delta`` of zero, linear beyond; smooth once.

        rho(r) = r**2 / 2                          for |r| <= delta
                 delta (|r| - delta / 2)           beyond

    ``scale`` multiplies what is reported (1 / delta turns the limit delta -> 0 into sum |r|).
    """

    name: str
    delta: float
    scale: float = 1.0

    def value(self, r: Any) -> Any:
        """rho(r), elementwise."""
        if math.isinf(self.delta):
            return 0.5 * r * r
        clipped = np.minimum(np.abs(r), self.delta)
        return clipped * (np.abs(r) - 0.5 * clipped)

    def slope(self, r: Any) -> Any:
        """rho'(r), elementwise."""
        return r if math.isinf(self.delta) else np.clip(r, -self.delta, self.delta)

    def path(self) -> tuple[tuple[Objective, float], ...]:
        """The smoother problems to solve on the way, each with the share of the objective to settle for.

        A narrow delta makes a surface of many small facets on which a descent can stall; the same penalty
        with a wider one leads close to the optimum first.
        """
        if math.isinf(self.delta):
            return ()
        if self.scale != 1.0:  # the limit delta -> 0: follow the optimum all the way down
            return tuple((Objective(self.name, self.delta * 3.0**k, self.scale), TIGHT) for k in range(15, 0, -1))
        return ((Objective(self.name, 16.0 * self.delta, self.scale), LOOSE),)


def objective(name: str = "huber_log", delta: float = HUBER_DELTA) -> Objective:
    """The objective called ``name``: ``huber_log`` (with ``delta``), ``log_squares`` or ``absolute_log``."""
    if name == "huber_log":
        if not (delta > 0 and math.isfinite(delta)):
            raise InputError(f"delta must be positive and finite, got {delta}; the usual value is {HUBER_DELTA}")
        return Objective(name, float(delta))
    if name == "log_squares":
        return Objective(name, math.inf)
    if name == "absolute_log":
        return Objective(name, ABSOLUTE_DELTA, 1.0 / ABSOLUTE_DELTA)
    raise unknown("objective", name, ("huber_log", "log_squares", "absolute_log"))
