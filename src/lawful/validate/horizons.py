"""Error and calibration against distance: how a back-test's forecasts did near the fitted runs and far from them.

Predictions are put into bins of their horizon. Coverage is given beside the mean width of the intervals, since an
interval that is wide enough always covers; the CRPS, the pinball loss and the log score judge both at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.validate.scores import coverage, pinball

Array = npt.NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Levels at which coverage is counted."""

QUANTILES = tuple(sorted({round(q, 6) for level in LEVELS for q in (0.5 - level / 2, 0.5 + level / 2)}))
"""Quantiles of each forecast that are kept: the ends of the intervals at ``LEVELS``."""

EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, math.inf)
"""Ends of the bins, in decades or years; along an axis in another unit, shares of its furthest horizon."""

SLACK = 0.02
"""A horizon so little beyond the end of a bin counts as at it: the runs of one budget differ by as much."""

TINY = 1e-9
"""Beyond the fitted runs, however little."""

PIT_BINS = 10


class Scored:
    """A forecast of one positive outcome and what was observed: what ``by_horizon`` takes."""

    horizon: float
    row: int
    observed: float
    predicted: float
    low: float
    high: float
    quantiles: tuple[float, ...] | None
    pit: float
    crps: float
    log_score: float

    @property
    def error(self) -> float:
        """log observed - log predicted; infinite where the prediction has no logarithm."""
        return math.log(self.observed / self.predicted) if self.predicted > 0 else math.inf

    @property
    def width(self) -> float:
        """The width of the interval, of the log: a share of the outcome."""
        return math.log(self.high / self.low) if self.low > 0 else math.nan

    def bounds(self, level: float) -> tuple[float, float] | None:
        """The ends of the interval at one of ``LEVELS``; None without draws."""
        if self.quantiles is None:
            return None
        ends = [min(range(len(QUANTILES)), key=lambda i: abs(QUANTILES[i] - q))
                for q in (0.5 - level / 2, 0.5 + level / 2)]
        return self.quantiles[ends[0]], self.quantiles[ends[1]]


@dataclass(frozen=True)
class Horizon:
    """The scores of the predictions ``low`` to ``high`` beyond the fitted runs (``low`` exclusive; 0 is inside them).

    ``n`` predictions of ``runs`` different runs from ``cuts`` different fits: those of one fit share its luck.
    ``coverage`` and ``widths`` (mean, of the log) by level; ``crps``, ``pinball`` and ``log_score`` are means, of the
    log; NaN without draws.
    """

    low: float
    high: float
    n: int
    runs: int
    cuts: int
    rmse_log: float
    bias_log: float
    covered: float
    width: float
    coverage: Mapping[float, float]
    widths: Mapping[float, float]
    crps: float
    pinball: float
    log_score: float

    def to_dict(self) -> dict[str, Any]:
        """The bin as data: ``coverage`` and ``widths`` by level as text, ``high`` null where it is open."""
        return {**vars(self), "coverage": {f"{k:g}": v for k, v in self.coverage.items()},
                "widths": {f"{k:g}": v for k, v in self.widths.items()}}


def by_horizon(predictions: Sequence[tuple[Sequence[Scored], int]], level: float, unit: str) -> tuple[Horizon, ...]:
    """The bins that hold predictions, nearest first; ``predictions`` come with the number of the cut they are of."""
    pairs = [(p, cut) for found, cut in predictions for p in found]
    furthest = max(p.horizon for p, _ in pairs)
    known = unit in ("decades", "years")
    edges = EDGES if known else tuple(furthest * share for share in (0, 0.25, 0.5, 1.0))
    places = [max(p.horizon - SLACK * known, TINY) if p.horizon > 0 else 0.0 for p, _ in pairs]
    rows = []
    for low, high in ((-math.inf, 0.0), *pairwise(edges)):
        inside = [pair for pair, place in zip(pairs, places, strict=True) if low < place <= high]
        if inside:
            rows.append(_scored(max(low, 0.0), high, inside, level))
    return tuple(rows)


def _scored(low: float, high: float, inside: list[tuple[Scored, int]], level: float) -> Horizon:
    found = [p for p, _ in inside]
    errors = np.array([p.error for p in found])
    bounds = {at: [p.bounds(at) or (math.nan, math.nan) for p in found] for at in LEVELS}
    return Horizon(
        low, high, len(found), len({p.row for p in found}), len({cut for _, cut in inside}),
        float(np.sqrt(np.mean(errors**2))), float(errors.mean()),
        held(found, [(p.low, p.high) for p in found]), float(np.mean([p.width for p in found])),
        {at: held(found, ends) for at, ends in bounds.items()},
        {at: float(np.mean([math.log(b / a) if a > 0 else math.nan for a, b in ends]))
         for at, ends in bounds.items()},
        float(np.mean([p.crps for p in found])), _pinball(found), float(np.mean([p.log_score for p in found])))


def held(found: Sequence[Scored], bounds: Sequence[tuple[float, float]]) -> float:
    """The share of the observed values within their ``bounds``; NaN where a bound is NaN, without draws."""
    low, high = np.array(bounds).T
    return math.nan if np.isnan(low).any() else coverage(low, high, [p.observed for p in found])


def _pinball(found: Sequence[Scored]) -> float:
    """The mean pinball loss of the log over ``QUANTILES``."""
    kept = [p.quantiles for p in found if p.quantiles is not None and p.quantiles[0] > 0]
    if len(kept) < len(found):
        return math.nan
    return float(pinball(np.log(kept).T, np.log([p.observed for p in found]), QUANTILES).mean())


def pit_histogram(predictions: Sequence[Scored]) -> dict[str, list[Any]]:
    """How many predictions have their PIT in each tenth: ``edges`` and ``counts``; flat where forecasts are right."""
    places = [p.pit for p in predictions if math.isfinite(p.pit)]
    counts, edges = np.histogram(places, bins=PIT_BINS, range=(0.0, 1.0))
    return {"edges": [round(float(e), 10) for e in edges], "counts": counts.tolist()}
