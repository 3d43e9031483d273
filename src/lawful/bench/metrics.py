"""How well an answer did: errors as papers use them, and what its draws are worth, by horizon.

All scores of draws and all widths are on the logarithm where every outcome of the series is positive, so that they
are relative, and else in the unit of the outcome. Sums over points are kept by horizon, so that results of many
series add up. The ends of an interval lie at rank p (m + 1) of m draws: so read, it holds one more draw of the same
forecast with the probability that it states, however few draws there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.bench.question import Answer
from lawful.bench.series import Series
from lawful.errors import InputError
from lawful.fit.origins import Array
from lawful.validate.scores import are, crps, log_score, r2, rmsle

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Levels of the central intervals that are checked."""

WIDTH = 0.9
"""The level whose mean width is reported."""

HORIZONS = (0.0, 0.25, 0.5, 1.0)
"""Where one bin of horizons ends and the next begins [decades above the largest training run]."""

BINS = ("within", "to 0.25", "to 0.5", "to 1", "beyond 1")
"""What the bins are called."""


@dataclass(frozen=True)
class Score:
    """One method on one series.

    ``status`` is answered; failed, where it raised or gave no finite score; timeout; or not_run, where something that
    it needs is not installed. ``score`` is the task's metric. ``bins`` holds by horizon the points ``n`` and sums over
    them: ``squares`` of the log error, and with draws the ``hits`` at each level, ``width``, ``crps``, ``log_score``.
    """

    task: str
    series: str
    group: str
    method: str
    status: str
    metric: str
    score: float | None = None
    detail: str = ""
    train: int = 0
    test: int = 0
    horizon: float = 0.0
    errors: Mapping[str, float | None] = field(default_factory=dict)
    bins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    peak_mib: float = 0.0

    @property
    def answered(self) -> bool:
        """Whether there is a score."""
        return self.status == "answered"


def error(metric: str, predicted: Array, observed: Array) -> float:
    """The ``metric`` of forecasts: lower is better for all but r2; infinite or NaN where there is none."""
    if metric == "mae":
        return float(np.mean(np.abs(predicted - observed)))
    return {"rmsle": rmsle, "are": are, "r2": r2}[metric](predicted, observed)


def errors(predicted: Array, observed: Array) -> dict[str, float | None]:
    """Every metric that the outcomes allow; None where a forecast has none."""
    found: dict[str, float | None] = {}
    for metric in ("rmsle", "are", "mae", "r2"):
        try:
            value = error(metric, predicted, observed)
        except InputError:  # a metric that outcomes of 0 and below do not have
            value = math.nan
        found[metric] = value if math.isfinite(value) else None
    return found


def judge(answer: Answer, series: Series) -> dict[str, Any]:
    """What ``answer`` is worth: ``errors``, and sums over the points of each horizon in ``bins``."""
    observed, relative = series.observed, bool((series.observed > 0).all())
    place = np.digitize(series.horizon, HORIZONS, right=True)
    columns = _of_draws(answer, observed, relative)
    with np.errstate(all="ignore"):
        off = np.log(answer.values / observed) if relative else answer.values - observed
    columns["squares"] = np.where(np.isfinite(off), off**2, np.nan)
    bins = {}
    for number, name in enumerate(BINS):
        inside = place == number
        if inside.any():
            bins[name] = {"n": int(inside.sum()), **{key: _summed(values[..., inside])
                                                     for key, values in columns.items()}}
    return {"errors": errors(answer.values, observed), "bins": bins}


def _of_draws(answer: Answer, observed: Array, relative: bool) -> dict[str, npt.NDArray[Any]]:
    """By name, what the draws say at each point: ``hits`` ``(level, point)``, the others ``(point,)``."""
    if answer.draws is None or not len(answer.draws):
        return {}
    with np.errstate(all="ignore"):
        draws = np.log(answer.draws) if relative else answer.draws
        y = np.log(observed) if relative else observed
    draws = np.where(np.isfinite(draws), draws, np.nan)
    if np.isnan(draws).all(axis=0).any():
        return {}
    tails = [(50 * (1 - level), 100 - 50 * (1 - level)) for level in LEVELS]
    ends = [np.nanpercentile(draws, pair, axis=0, method="weibull") for pair in tails]
    low, high = ends[LEVELS.index(WIDTH)]
    return {"hits": np.array([(a <= y) & (y <= b) for a, b in ends]), "width": high - low,
            "crps": crps(draws, y), "log_score": log_score(draws, y)}


def _summed(values: npt.NDArray[Any]) -> Any:
    total = np.sum(values, axis=-1)
    return [int(v) for v in total] if total.ndim else (float(total) if np.isfinite(total) else None)
