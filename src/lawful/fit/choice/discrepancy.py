"""What a curve does beside its law: a slowly varying departure, and the noise of single runs.

    log y = log law(x) + w(log x) + noise,        cov(w(s), w(t)) = rho**2 sigma**2 / m exp(-|s - t| / l)

sigma being the noise of a run and m the runs of a typical point, so that rho counts in the noise of a point.

No form is exactly right. Fitted as if it were, a flexible law bends its last stretch to whatever the middle of the
curve does, and a stiff one leaves residuals that follow one another and do not end where the runs end. Here w takes
up what the form cannot follow: the law is fitted by generalised least squares, and the departure at the end of the
runs is carried on beyond them, fading over the length l (kriging with a law as trend: O'Hagan 1978; Kennedy and O'Hagan
2001, section 4). w is the Ornstein-Uhlenbeck process: over less than its length as good as a random walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lawful.fit.choice.points import Points

Array = npt.NDArray[np.float64]

LENGTH = float(np.log(10.0))
"""The length over which a departure fades, in natural logs of x: a decade. On the development half of the public curves
(docs/selecting.md) lengths from a fifth of a decade to two decades forecast alike."""

RATIOS = (3.0, 10.0, 30.0)
"""The sizes of the departure that are averaged over, in standard deviations of the noise of a point."""

SIZE_POWER = 0.05
"""The power of the evidence that the weight of a size goes with.

How closely a form follows the curve where it was fitted says little of how far it departs beyond. Set so that intervals
of 90 % held about as much on the development half of the public curves (docs/selecting.md): under larger powers they
were too narrow, under none too wide."""


@dataclass(frozen=True)
class Discrepancy:
    """The departure of a curve at ``points`` from a law, ``ratio`` times as large as the noise of a typical point."""

    points: Points
    ratio: float

    @cached_property
    def _root(self) -> Array:
        K = self._covariance(self.points.x, self.points.x)
        root: Array = np.asarray(np.linalg.cholesky(K + np.diag(1.0 / self.points.runs)), dtype=float)
        return root

    @cached_property
    def whitener(self) -> Array:
        """The matrix that turns residuals into independent ones of unit variance (in that of the noise)."""
        inverse: Array = np.asarray(np.linalg.inv(self._root), dtype=float)
        return inverse

    @cached_property
    def log_determinant(self) -> float:
        """The log of the determinant of the residuals' covariance, in units of the noise's variance."""
        return float(2.0 * np.log(np.diag(self._root)).sum())

    def carried(self, x: Array) -> tuple[Array, Array]:
        """What residuals say of the departure at log ``x`` ``(question,)``.

        The weights ``(question, point)`` on the residuals, and the variance left, in that of the noise.
        """
        between = self._covariance(x, self.points.x) @ self.whitener.T
        return between @ self.whitener, np.maximum(self._variance - np.sum(between**2, axis=1), 0.0)

    @property
    def _variance(self) -> float:
        return self.ratio**2 / float(np.median(self.points.runs))

    def _covariance(self, a: Array, b: Array) -> Array:
        covariance: Array = self._variance * np.exp(-np.abs(a[:, None] - b[None, :]) / LENGTH)
        return covariance
