"""Curves ready to be solved, their coefficients drawn to customary values as strongly as the curves leave them open.

A few curves leave some coefficients of a law over a schedule open: several sets of them fit the curves alike, and
forecast other schedules apart. Those in ``ANCHORS`` pay for leaving customary values. How much follows from what the
curves are worth: the noise along them, and the error that the form itself has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from lawful.fit.curves.trajectories import Trajectory, gather
from lawful.fit.objective import Objective
from lawful.fit.problem import Problem
from lawful.laws.annealing import ScheduleLoss

Array = npt.NDArray[np.float64]

ANCHORS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "multi_power": {"C": (1.0, 0.5), "beta": (0.5, 0.5), "gamma": (0.5, 0.5)},
    "annealed_loss": {"lam": (0.9968, 1.15)},
}
"""Per form, coefficients that a few curves leave open: a customary value, and a standard deviation about it.

The deviation is that of the logarithm, for lam of the log odds. The values of ``multi_power`` are those from which its
authors start their descent, which they stop early; lam is between 0.99 and 0.999 in the paper, which is one deviation
to either side. C depends on the unit of the learning rate: 1 is customary for rates of 1e-4 to 1e-2, as of Adam.
"""

FORM_ERROR = 1.5e-3
"""How far a law over curves is off, as a share of the loss, however many points: 0.1 to 0.2 % on schedules that it was
not fitted to (Luo et al. 2025). One draw of it is shared by a whole curve."""


@dataclass
class Anchored(Problem):
    """A problem whose coefficients in ``anchors`` pay for leaving their customary values.

        objective = sum rho(r) + dispersion / 2 * sum ((u - centre) / sd)**2

    u is the solver's variable: the logarithm of a positive coefficient, the log odds of one between 0 and 1.
    ``dispersion`` is what the sum of penalties weighs in units of log likelihood.
    """

    anchors: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    dispersion: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.places = np.array([j for j, name in enumerate(self.names) if name in self.anchors], dtype=np.int64)
        usual = [self.anchors.get(name, (0.5, 1.0)) for name in self.names]
        self.centres = self.space.free(np.array([[centre for centre, _ in usual]]))[0, self.places]
        self.inverse = np.array([sd**-2.0 for _, sd in usual])[self.places]

    def derivatives(self, u: Array, weights: Array | None, penalty: Objective) -> tuple[Array, Array, Array]:
        """Those of the problem, with what the anchors add."""
        value, gradient, H = super().derivatives(u, weights, penalty)
        away = u[:, self.places] - self.centres
        pull = self.dispersion * self.inverse
        gradient[:, self.places] += pull * away
        H[:, self.places, self.places] += pull
        return value + 0.5 * (away**2) @ pull, gradient, H

    def scale(self, u: Array, weights: Array | None, penalty: Objective) -> Array:
        """That of the problem, with the anchors' curvature."""
        curvature = super().scale(u, weights, penalty)
        curvature[:, self.places] += self.dispersion * self.inverse
        return curvature


@dataclass(frozen=True)
class Reading:
    """Curves at some of their points and with some changes of the rate kept apart, ready to be solved."""

    problem: Anchored
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, law: ScheduleLoss, curves: Sequence[Trajectory], fixed: Mapping[str, float],
           anchors: Mapping[str, tuple[float, float]], points: int, changes: int) -> Reading:
        """At most ``points`` points of each curve and ``changes`` changes of its rate."""
        seen = [curve.thinned(points) for curve in curves]
        observed = np.concatenate([curve.loss for curve in seen])
        problem = Anchored(law, gather(seen, changes), observed, fixed, anchors=anchors)
        return cls(problem, tuple(len(curve.steps) for curve in seen))

    def weigh(self, c: Array, penalty: Objective) -> None:
        """Weigh the anchors by the residuals that the coefficients ``c`` leave."""
        self.problem.dispersion = dispersion(self.problem.residuals(c)[0], penalty, self.lengths)


def dispersion(residuals: Array, penalty: Objective, lengths: Sequence[int]) -> float:
    """What one unit of log likelihood is worth in the objective: the larger of what noise and the form make of it.

    Neighbouring residuals of a curve say nearly the same: with a correlation of q between them they count for
    (1 - q) / (1 + q) of their number. All points of a curve share the form's own error, and count for one of it.
    """
    q = correlation(penalty.slope(residuals), lengths)
    shares = (np.arange(99) + 0.5) / 99
    form = FORM_ERROR * np.array([NormalDist().inv_cdf(share) for share in shares])
    return max(_scatter(residuals, penalty) * (1.0 + q) / (1.0 - q),
               _scatter(form, penalty) * float(np.mean(lengths)))


def _scatter(residuals: Array, penalty: Objective) -> float:
    """The variance of the penalty's slopes over their mean curvature: for least squares, that of the residuals."""
    width = 0.5 * float(np.median(np.abs(residuals)))
    if penalty.delta >= width:
        curvature = float(np.mean(penalty.bend(residuals)))
    else:  # a penalty narrower than what can be counted: the density of residuals about 0, times its width
        curvature = float(np.mean(np.abs(residuals) <= width)) * penalty.delta / width
    return float(np.mean(penalty.slope(residuals) ** 2)) / curvature


def correlation(values: Array, lengths: Sequence[int]) -> float:
    """The correlation of neighbours within curves, from 0 to 0.98.

    What n points show of a correlation q falls short of it by (1 + 3 q) / n on average (Kendall 1954): that is added.
    """
    parts = [part - values.mean() for part in np.split(values, np.cumsum(lengths)[:-1])]
    both = sum(float(part[1:] @ part[:-1]) for part in parts)
    shown = both / max(sum(float(part @ part) for part in parts), 1e-300)
    return float(np.clip(shown + (1.0 + 3.0 * shown) / float(np.mean(lengths)), 0.0, 0.98))
