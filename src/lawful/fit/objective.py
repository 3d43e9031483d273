"""What a fit minimises: a sum over runs of a penalty on the residual.

    r_i = log L_law(run i) - log L_observed(i),    objective = sum_i w_i rho(r_i)

What to use when:

- ``huber_log`` (the field's usual choice, delta = 1e-3) bears with outliers;
- ``log_squares`` is the most precise where the noise is Gaussian;
- ``absolute_log`` is the limit of a Huber loss as delta goes to 0;
- ``student_t`` has a noise with heavy tails, its width estimated: outliers count for less and less;
- ``frontier`` takes runs as badly tuned by unknown amounts: noise of both signs plus an excess that is
  never negative, both widths estimated, so that the law is that of well-tuned runs;
- ``squares`` is least squares of the value itself, r_i = L_law - L_observed, as certified data use it.

The sum is a sum: the mean has the same optimum, but an optimiser's absolute tolerances then stop it
early (arXiv:2404.10102, section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lawful.errors import InputError, unknown

HUBER_DELTA = 1e-3
"""The delta of Hoffmann et al. 2022, section 3.3."""

ABSOLUTE_DELTA = 1e-8
"""Where the solver stops shrinking delta for ``absolute_log``: far below any loss's last digit."""

FREEDOM = 4.0
"""Degrees of freedom of ``student_t``: tails heavy enough for gross outliers, a finite variance."""

TIGHT, LOOSE = 1e-11, 1e-3
"""Shares of the objective: converged, and close enough to go on to a narrower penalty."""


@dataclass(frozen=True)
class Objective:
    """A penalty on residuals: quadratic within ``delta`` of zero, linear beyond; smooth once.

        rho(r) = r**2 / 2                          for |r| <= delta
                 delta (|r| - delta / 2)           beyond

    ``scale`` multiplies what is reported (1 / delta turns the limit delta -> 0 into sum |r|). Other
    penalties subclass this one and replace the four functions of r.
    """

    name: str
    delta: float
    scale: float = 1.0

    widths: ClassVar[tuple[str, ...]] = ()   # fields that are estimated with the coefficients

    def value(self, r: Any) -> Any:
        """rho(r), elementwise."""
        if math.isinf(self.delta):
            return 0.5 * r * r
        clipped = np.minimum(np.abs(r), self.delta)
        return clipped * (np.abs(r) - 0.5 * clipped)

    def slope(self, r: Any) -> Any:
        """rho'(r), elementwise."""
        return r if math.isinf(self.delta) else np.clip(r, -self.delta, self.delta)

    def bend(self, r: Any) -> Any:
        """rho''(r), elementwise."""
        return np.ones_like(r) if math.isinf(self.delta) else (np.abs(r) <= self.delta).astype(float)

    def above(self, r: Any) -> Any:
        """The curvature of the quadratic that touches rho from above at r, elementwise."""
        inside = np.abs(r) <= self.delta
        return np.where(inside, 1.0, self.slope(r) / np.where(inside, 1.0, r))

    def beyond(self, r: Any) -> float:
        """The share of residuals in the penalty's linear part: 0 for least squares, near 1 for least |r|."""
        return float(np.mean(np.abs(r) > self.delta))

    def reported(self, total: float, runs: float) -> float:
        """What is reported as the objective where the penalties sum to ``total`` over ``runs`` runs."""
        return total * self.scale

    def path(self, near: bool = False) -> tuple[tuple[Objective, float], ...]:
        """The smoother problems to solve on the way, each with the share of the objective to settle for.

        A narrow delta makes a surface of many small facets on which a descent can stall; the same penalty
        with a wider one leads close to the optimum first. A start that is ``near`` needs no such lead.
        """
        if math.isinf(self.delta):
            return ()
        if self.scale != 1.0:  # the limit delta -> 0: follow the optimum all the way down
            return tuple((replace(self, delta=self.delta * 3.0**k), TIGHT) for k in range(15, 0, -1))
        return () if near else ((replace(self, delta=16.0 * self.delta), LOOSE),)

    def easy(self) -> Objective:
        """A penalty without widths of its own, for a first look."""
        return objective() if self.widths else self

    def described(self, total: float, runs: float) -> dict[str, Any]:
        """The objective as a fit records it: name, delta or estimated widths, and the value at the optimum."""
        shown: dict[str, Any] = {"name": self.name, "delta": self.delta if self.name == "huber_log" else None}
        shown |= {"width" if name == "delta" else name: getattr(self, name) for name in self.widths}
        return shown | {"value": self.reported(total, runs)}

    @property
    def plain(self) -> bool:
        """Whether residuals are of the value itself, whatever the output."""
        return self.name == "squares"


@dataclass(frozen=True)
class StudentT(Objective):
    """Student's t with ``FREEDOM`` degrees of freedom nu and width sigma = ``delta``.

        rho(r) = sigma**2 (nu + 1) / 2 log(1 + r**2 / (nu sigma**2))

    Reported: the negative log likelihood, constants left out.
    """

    widths: ClassVar[tuple[str, ...]] = ("delta",)

    def value(self, r: Any) -> Any:
        """rho(r), elementwise."""
        return 0.5 * (FREEDOM + 1.0) * self.delta**2 * np.log1p((r / self.delta) ** 2 / FREEDOM)

    def slope(self, r: Any) -> Any:
        """rho'(r), elementwise."""
        return self.above(r) * r

    def bend(self, r: Any) -> Any:
        """rho''(r), elementwise."""
        z2 = (r / self.delta) ** 2
        return (FREEDOM + 1.0) * (FREEDOM - z2) / (FREEDOM + z2) ** 2

    def above(self, r: Any) -> Any:
        """The weight of iteratively reweighted least squares, elementwise."""
        return (FREEDOM + 1.0) / (FREEDOM + (r / self.delta) ** 2)

    def beyond(self, r: Any) -> float:
        """0: near its middle this penalty is a quadratic."""
        return 0.0

    def reported(self, total: float, runs: float) -> float:
        """The negative log likelihood, constants left out."""
        return total / self.delta**2 + runs * math.log(self.delta)

    def path(self, near: bool = False) -> tuple[tuple[Objective, float], ...]:
        """A Huber loss and wider tails first: this penalty is not convex."""
        if near:
            return ()
        wider = ((replace(self, delta=times * self.delta), LOOSE) for times in (8.0, 2.0))
        return (*self.easy().path(), (self.easy(), LOOSE), *wider)


@dataclass(frozen=True)
class Frontier(Objective):
    """Noise N(0, sigma**2) plus an exponential excess of mean lambda: a stochastic frontier.

    With e = -r = log L_observed - log L_law, sigma = ``delta`` and lambda = ``excess``,

        rho(r) = sigma**2 (-log f(e) + const),
        f(e) = exp(sigma**2 / (2 lambda**2) - e / lambda) Phi(e / sigma - sigma / lambda) / lambda

    which is convex in r (Aigner, Lovell & Schmidt 1977; Meeusen & van den Broeck 1977). Reported: the
    negative log likelihood.
    """

    excess: float = 1.0

    widths: ClassVar[tuple[str, ...]] = ("delta", "excess")

    def _negative_log(self, e: Any) -> Any:
        from scipy.special import log_ndtr

        z = e / self.delta - self.delta / self.excess
        return math.log(self.excess) - 0.5 * (self.delta / self.excess) ** 2 + e / self.excess - log_ndtr(z)

    def _lowest(self) -> float:
        e = self.delta * np.linspace(-3.0, 8.0, 2001)  # the density's mode lies a few sigma above zero at most
        return float(self._negative_log(e).min())

    def _mills(self, r: Any) -> tuple[Any, Any]:
        """z and phi(z) / Phi(z), elementwise."""
        from scipy.special import log_ndtr

        z = -r / self.delta - self.delta / self.excess
        return z, np.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - log_ndtr(z))

    def value(self, r: Any) -> Any:
        """rho(r), elementwise, 0 at its lowest."""
        return self.delta**2 * np.maximum(self._negative_log(-r) - self._lowest(), 0.0)

    def slope(self, r: Any) -> Any:
        """rho'(r), elementwise."""
        return self.delta * self._mills(r)[1] - self.delta**2 / self.excess

    def bend(self, r: Any) -> Any:
        """rho''(r), elementwise."""
        z, mills = self._mills(r)
        return np.clip(mills * (z + mills), 0.0, 1.0)

    def above(self, r: Any) -> Any:
        """1: the curvature of the noise, which the sum's never exceeds."""
        return np.ones_like(r)

    def beyond(self, r: Any) -> float:
        """0: the likelihood's own curvature holds."""
        return 0.0

    def reported(self, total: float, runs: float) -> float:
        """The negative log likelihood of the residuals."""
        return total / self.delta**2 + runs * (self._lowest() + 0.5 * math.log(2.0 * math.pi))

    def path(self, near: bool = False) -> tuple[tuple[Objective, float], ...]:
        """A wider noise first."""
        return () if near else ((replace(self, delta=4.0 * self.delta), LOOSE),)


NAMES = ("huber_log", "log_squares", "absolute_log", "student_t", "frontier", "squares")


def objective(name: str = "huber_log", delta: float = HUBER_DELTA) -> Objective:
    """The objective called ``name``; ``delta`` is that of ``huber_log``, the others take none.

    The widths of ``student_t`` and ``frontier`` start at 0.01 and are estimated by the fit.
    """
    if name == "huber_log":
        if not (delta > 0 and math.isfinite(delta)):
            raise InputError(f"delta must be positive and finite, got {delta}; the usual value is {HUBER_DELTA}")
        return Objective(name, float(delta))
    if name in ("log_squares", "squares"):
        return Objective(name, math.inf)
    if name == "absolute_log":
        return Objective(name, ABSOLUTE_DELTA, 1.0 / ABSOLUTE_DELTA)
    if name == "student_t":
        return StudentT(name, 0.01)
    if name == "frontier":
        return Frontier(name, 0.01, excess=0.01)
    raise unknown("objective", name, NAMES)
