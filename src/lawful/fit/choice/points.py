"""A curve as a few dozen points: runs at one place, or in one stretch of log x, taken together.

Hundreds of noisy evaluations along a curve say no more about its shape than their means over short stretches do, and
the scatter within a stretch says what the noise of one run is. ``pooled`` keeps both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MOST_POINTS = 60
"""Stretches of log x that a longer curve is divided into: a break is as wide as several of them."""


@dataclass(frozen=True)
class Points:
    """Means of runs: natural logs of x and y and the number of ``runs`` of each point, ``(point,)``, in order of x.

    ``scatter`` is the sum of squares of the runs' logs about their points.
    """

    x: Array
    y: Array
    runs: Array
    scatter: float

    def to_dict(self) -> dict[str, list[float]]:
        """The points as data, without their scatter: what a forecast needs."""
        return {"x": self.x.tolist(), "y": self.y.tolist(), "runs": self.runs.tolist()}


def pooled(x: Array, y: Array) -> Points:
    """The points of a curve of positive ``x`` and ``y``, ``(run,)``: its distinct places, or stretches of even length.

    Within a stretch the curve is taken as straight in the logs, with the slope between the neighbouring stretches.
    """
    order = np.argsort(x, kind="stable")
    u, v = np.log(x[order]), np.log(y[order])
    places, place = np.unique(u, return_inverse=True)
    if len(places) > MOST_POINTS:
        ends = np.linspace(places[0], places[-1], MOST_POINTS + 1)
        _, place = np.unique(np.searchsorted(ends[1:-1], u, side="right"), return_inverse=True)
    runs = np.bincount(place).astype(float)
    at, mean = np.bincount(place, u) / runs, np.bincount(place, v) / runs
    slope = np.gradient(mean, at) if len(at) > 1 else np.zeros(1)
    rest = v - mean[place] - slope[place] * (u - at[place])
    return Points(at, mean, runs, float(rest @ rest))
