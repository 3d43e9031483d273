"""How far reality drifts from a fitted law beyond the runs: what an interval for a new run must add.

Resamples say how well the runs determine the law, as if its form were exact. No form is: fitted to the
small runs of a table, it misses the large ones by more than noise and resamples explain, and by more the
further they lie. That is measured on the table itself, by rolling origins (``lawful.fit.calibrate``), and
carried forward as a random walk in log scale: the variance of log(new run / law) is

    resamples + s**2 (1 + a h),

s the noise of a run, h the decades of scale beyond the runs, and a the drift in noise variances per
decade. The drift's own distribution is Student's t with ``FREEDOM`` degrees of freedom, since few cuts
say little about its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

USUAL, USUAL_CUTS = 40.0, 2.0
"""The drift of a law that has shown none, in noise variances per decade, and the cuts this expectation counts as.

Not measured on the table at hand, but set on twenty public ones (docs/intervals.md), whose own rates run from 0 to
58: with it, intervals of 95 % held about 95 % of larger runs there. A table with many cuts overrules it.
"""

FREEDOM = 5.0
"""Degrees of freedom of the drift's distribution."""


@dataclass(frozen=True)
class Drift:
    """The noise of one run and the drift per decade, from ``cuts`` rolling origins.

    ``scale`` are the inputs whose product is the scale, ``top`` its largest value among the runs.
    """

    noise: float
    rate: float
    cuts: int
    scale: tuple[str, ...]
    top: float

    def horizon(self, quantities: Mapping[str, Any]) -> Any:
        """Decades of scale beyond the runs, 0 within them."""
        if not self.scale:
            return 0.0
        product = np.prod(np.broadcast_arrays(*(np.asarray(quantities[name], dtype=float) for name in self.scale)),
                          axis=0)
        with np.errstate(divide="ignore"):
            return np.maximum(np.log10(product / self.top), 0.0)

    def sample(self, rng: np.random.Generator, quantities: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
        """Draws of the drift at ``quantities``, ``shape`` (draw, point), in residuals."""
        size = self.noise * np.sqrt(self.rate * self.horizon(quantities))
        drawn: Array = size * rng.standard_t(FREEDOM, size=shape)
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """The drift as data."""
        return {"noise": self.noise, "rate": self.rate, "cuts": self.cuts, "scale": list(self.scale), "top": self.top}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Drift:
        """The drift that ``to_dict`` described."""
        return Drift(data["noise"], data["rate"], data["cuts"], tuple(data["scale"]), data["top"])


NO_DRIFT = Drift(0.0, 0.0, 0, (), 1.0)
"""The drift of a fit for which none was measured."""
