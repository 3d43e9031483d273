"""How far reality drifts from a fitted law beyond the runs: what an interval for a new run must add.

Resamples say how well the runs determine the law, as if its form were exact. No form is: fitted to the small runs
of a table, it misses the large ones by more than noise and resamples explain, and by more the further they lie.
What it misses them by is a share of what scale was to bring: a law that promises 10 % per decade is off by some
3 % after one. So the standard deviation of log(new run / law), beside resamples and the noise of a run, is

    q b (h + 0.1),

h the decades of scale beyond the runs (0 within them, where nothing is added), b the slope of the law at its
largest runs, |d log output / d log10 scale|, and q the share of it by which the law is wrong. All runs beyond
share one q and one error, as they share one law. A tenth of a decade is added because a law is anchored among
its runs, not at the last of them.

q is not known, so it has a distribution. Before any evidence it is 0 with probability ``RIGHT`` (the form is right),
and otherwise log-normal about ``TYPICAL`` with ``SPREAD`` decades. The table's own rolling origins
(``lawful.fit.record``) are the evidence: the mean square error of each cut is a normal's variance, and its
likelihood counts by ``COUNTED``, since the cuts are nested and share their runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RIGHT, TYPICAL, SPREAD, COUNTED = 0.3, 0.35, 0.25, 0.5
"""The share that a right form has of expectation, the usual q of the others and its spread, the weight of a cut.

Chosen for the likelihood of larger runs on simulated tables (right forms, other forms, bends, luck of a size) and on
the development half of the public ones: benchmarks/drift.py. What the held-out half then said stands in
docs/intervals.md.
"""

ANCHOR = 0.1
"""Decades from the largest run back to where a law is anchored."""

GRID = (0.0, *(TYPICAL * 10.0 ** (SPREAD * z) for z in np.linspace(-3.0, 3.0, 25).tolist()))
"""The shares q that are told apart."""

EVEN = tuple(NormalDist().inv_cdf((k + 0.5) / 256) for k in range(256))
"""Equally likely values of a standard normal."""


@dataclass(frozen=True)
class Drift:
    """The noise of one run, and the share of the law's ``slope`` by which it is wrong beyond the runs.

    ``shares`` are values of q and ``weights`` their probabilities, from ``cuts`` rolling origins. ``scale`` are the
    inputs whose product is the scale, ``top`` its largest value among the runs.
    """

    noise: float
    slope: float
    shares: tuple[float, ...]
    weights: tuple[float, ...]
    cuts: int
    scale: tuple[str, ...]
    top: float

    @property
    def share(self) -> float:
        """The root mean square of q."""
        return float(np.sqrt(np.dot(self.weights, np.square(self.shares))))

    def horizon(self, quantities: Mapping[str, Any]) -> Any:
        """Decades of scale beyond the runs, 0 within them."""
        if not self.scale:
            return 0.0
        with np.errstate(divide="ignore", over="ignore"):
            product = np.prod(np.broadcast_arrays(*(np.asarray(quantities[name], dtype=float) for name in self.scale)),
                              axis=0)
            return np.maximum(np.log10(np.minimum(product, np.finfo(float).max) / self.top), 0.0)

    def size(self, quantities: Mapping[str, Any]) -> Any:
        """The standard deviation of the drift at ``quantities``, in residuals."""
        return self.share * self.slope * reach(self.horizon(quantities))

    def sample(self, rng: np.random.Generator, quantities: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
        """Draws of the drift at ``quantities``, ``shape`` (draw, point), in residuals: one error a draw.

        They are evenly spaced through its distribution, in random order, so that few draws give steady intervals.
        """
        error = np.multiply.outer(np.array(self.shares), np.array(EVEN)).ravel()
        likely = np.repeat(np.array(self.weights) / len(EVEN), len(EVEN))
        order = np.argsort(error, kind="stable")
        middle = np.cumsum(likely[order]) - 0.5 * likely[order]
        even = np.interp((np.arange(shape[0]) + 0.5) / max(shape[0], 1), middle, error[order])
        drawn: Array = self.slope * rng.permutation(even)[:, None] * reach(self.horizon(quantities))
        return np.broadcast_to(drawn, shape)

    def to_dict(self) -> dict[str, Any]:
        """The drift as data."""
        return {"noise": self.noise, "slope": self.slope, "share": self.share, "shares": list(self.shares),
                "weights": list(self.weights), "cuts": self.cuts, "scale": list(self.scale), "top": self.top}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Drift:
        """The drift that ``to_dict`` described, now or when it was a ``rate`` of noise variances per decade."""
        common = (data["cuts"], tuple(data["scale"]), data["top"])
        if "rate" in data:
            return Drift(data["noise"], data["noise"] * data["rate"] ** 0.5, (1.0,), (1.0,), *common)
        return Drift(data["noise"], data["slope"], tuple(data["shares"]), tuple(data["weights"]), *common)


def reach(horizon: Any) -> Any:
    """What the drift grows with: decades beyond the runs, from where the law is anchored; 0 within them."""
    return np.where(np.asarray(horizon) > 0, np.asarray(horizon) + ANCHOR, 0.0)


def posterior(cuts: Sequence[tuple[float, float, float]]) -> Array:
    """The probability of each share of ``GRID``, given of each cut (found, known, unit).

    ``found`` is the mean square of its forecast errors, ``known`` what noise and coefficients explain of it, and
    ``unit`` what a law wrong by its whole slope would add.
    """
    q = np.array(GRID)
    with np.errstate(divide="ignore"):
        log = np.where(q > 0, -0.5 * (np.log10(q / TYPICAL) / SPREAD) ** 2, -np.inf)
    prior = np.exp(log)
    prior *= (1.0 - RIGHT) / prior.sum()
    prior[0] = RIGHT
    likely = np.log(prior)
    for found, known, unit in cuts:
        variance = known + q**2 * unit
        likely -= 0.5 * COUNTED * (np.log(variance) + found / variance)
    weights = np.exp(likely - likely.max())
    share: Array = weights / weights.sum()
    return share


NO_DRIFT = Drift(0.0, 0.0, (0.0,), (1.0,), 0, (), 1.0)
"""The drift of a fit for which none was measured."""
