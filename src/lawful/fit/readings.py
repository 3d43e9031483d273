"""Readings of the compute-optimal size that fit no loss surface: comparisons, never the answer.

- ``envelope`` (approach 1 of Hoffmann et al. 2022): the run with the lowest loss at each budget;
- ``parabola`` (approach 2): a parabola in log params at each budget, and its minimum.

Both need budgets, that is groups of runs of one compute and several sizes. What cannot be read is
refused by name. Parabolas are biased: where alpha and beta differ or the sizes are off centre the
true curve is skewed, and the minimum of its parabola is not the curve's (arXiv:2603.22339).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import RunsError
from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.results import Caveat, Interval
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

FEWEST_SIZES = 4
"""Sizes a parabola needs: three determine it and leave nothing to contradict it."""

GAP, SPAN = 0.06, 0.2
"""Decades of compute between two budgets, at least, and across one budget, at most."""

NO_MINIMUM = "no interior minimum"
TOO_FEW_SIZES = f"fewer than {FEWEST_SIZES} sizes"
AT_EDGE = "best run at the edge of its sizes"

_PARABOLA_BIAS = Caveat(
    "parabola_bias", "parabolas misplace the minimum where alpha and beta differ or the sizes are off centre: by "
    "0.3 % in params on narrow grids, up to 23 % on wide, asymmetric ones (arXiv:2603.22339)")
_ENVELOPE_BIAS = Caveat(
    "envelope_bias", "the luckiest of noisy runs wins each budget, and sizes between those tried cannot win "
    "(arXiv:2404.10102)")


@dataclass(frozen=True)
class Minimum:
    """The best size read at one budget, or why none could be read."""

    compute: float
    runs: int
    params: float | None = None
    tokens: float | None = None
    loss: float | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Reading:
    """The exponents that one approach reads off the budgets; a comparison beside a surface fit."""

    approach: str
    label: str
    points: tuple[Minimum, ...]
    params_exponent: Interval | None
    tokens_exponent: Interval | None
    caveats: tuple[Caveat, ...]

    @property
    def status(self) -> str:
        """``ok``, or ``refused`` where too few budgets could be read."""
        return "ok" if self.params_exponent is not None else "refused"

    def to_dict(self) -> dict[str, Any]:
        """The reading as data."""
        return {
            "schema": "lawful.reading/1", "approach": self.approach, "label": self.label, "status": self.status,
            "params_exponent": self.params_exponent and vars(self.params_exponent),
            "tokens_exponent": self.tokens_exponent and vars(self.tokens_exponent),
            "points": [vars(p) for p in self.points], "caveats": [vars(c) for c in self.caveats],
        }


def budgets(runs: RunTable) -> list[npt.NDArray[np.int64]]:
    """The runs of each compute budget, as indices, smallest budget first.

    Runs whose compute agrees to within ``SPAN`` decades, with a gap to the next, share a budget. An
    empty list means that compute is spread: the table is no isoFLOP design.
    """
    return budget_groups(runs["compute"])


def budget_groups(compute: Array) -> list[npt.NDArray[np.int64]]:
    """``budgets`` of an array of compute, or of any other measure of scale."""
    log_compute = np.log10(compute)
    order = np.argsort(log_compute, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(log_compute[order]) > GAP) + 1)
    return [g for g in groups if len(g) > 1 and np.ptp(log_compute[g]) <= SPAN]


def readings(runs: RunTable, level: float = 0.9) -> tuple[Reading, ...]:
    """Approaches 1 and 2 on ``runs``, which must hold params, compute and loss."""
    runs.need("params", "compute", "loss")
    groups = budgets(runs)
    return (
        _reading("envelope", "approach 1 (envelope)", [_lowest(runs, g) for g in groups], _ENVELOPE_BIAS, level),
        _reading("parabola", "approach 2 (parabola)", [_vertex(runs, g) for g in groups], _PARABOLA_BIAS, level),
    )


def reading(runs: RunTable, approach: str, level: float = 0.9) -> Reading:
    """One approach, ``envelope`` or ``parabola``."""
    for found in readings(runs, level):
        if found.approach == approach:
            return found
    raise RunsError(f"no approach is called {approach!r}; there are envelope and parabola")


def _lowest(runs: RunTable, group: npt.NDArray[np.int64]) -> Minimum:
    params, loss = runs["params"][group], runs["loss"][group]
    compute = float(np.exp(np.log(runs["compute"][group]).mean()))
    best = int(np.argmin(loss))
    if len(np.unique(params)) < FEWEST_SIZES:
        return Minimum(compute, len(group), refused=TOO_FEW_SIZES)
    refused = AT_EDGE if params[best] in (params.min(), params.max()) else None
    size = float(params[best])
    return Minimum(compute, len(group), size, compute / (FLOP_PER_PARAM_TOKEN * size), float(loss[best]), refused)


def _vertex(runs: RunTable, group: npt.NDArray[np.int64]) -> Minimum:
    """The minimum of the least-squares parabola of loss in log params, over the best run of each size."""
    params, loss = runs["params"][group], runs["loss"][group]
    compute = float(np.exp(np.log(runs["compute"][group]).mean()))
    _, first, at = np.unique(np.round(np.log(params), 3), return_index=True, return_inverse=True)
    sizes = np.log(params[first])
    lowest = np.full(len(sizes), np.inf)
    np.minimum.at(lowest, at, loss)
    if len(sizes) < FEWEST_SIZES:
        return Minimum(compute, len(group), refused=TOO_FEW_SIZES)
    centre = sizes.mean()
    a, b, c = np.polyfit(sizes - centre, lowest, 2)
    vertex = -b / (2 * a) + centre if a > 0 else math.inf
    if not sizes[0] < vertex < sizes[-1]:
        return Minimum(compute, len(group), refused=NO_MINIMUM)
    size = float(np.exp(vertex))
    return Minimum(compute, len(group), size, compute / (FLOP_PER_PARAM_TOKEN * size), float(c - b * b / (4 * a)))


def _reading(approach: str, label: str, points: list[Minimum], bias: Caveat, level: float) -> Reading:
    usable = [p for p in points if p.refused is None and p.params is not None]
    caveats = [bias]
    if not points:
        caveats.append(Caveat("no_budgets", "compute does not fall into budgets: no isoFLOP reading is possible"))
    for why in sorted({p.refused for p in points if p.refused}):
        where = ", ".join(f"{p.compute:.3g}" for p in points if p.refused == why)
        caveats.append(Caveat(why.replace(" ", "_"), f"{why} at {where} FLOP: left out"))
    if len(usable) < 2:
        caveats.append(Caveat("too_few_budgets", f"{len(usable)} budgets could be read; an exponent needs 2, its "
                              "interval 3"))
        return Reading(approach, label, tuple(points), None, None, tuple(caveats))
    x = np.log([p.compute for p in usable])
    y = np.log([p.params for p in usable if p.params is not None])
    slope, half, std = _slope(x, y, level)
    return Reading(approach, label, tuple(points), Interval(slope, std, slope - half, slope + half),
                   Interval(1 - slope, std, 1 - slope - half, 1 - slope + half), tuple(caveats))


def _slope(x: Array, y: Array, level: float) -> tuple[float, float, float]:
    """The least-squares slope, the half width of its t interval, and its standard error."""
    from scipy.special import stdtrit

    dx = x - x.mean()
    slope = float(dx @ y / (dx @ dx))
    freedom = len(x) - 2
    if freedom < 1:
        return slope, math.nan, math.nan
    rest = y - y.mean() - slope * dx
    std = math.sqrt(float(rest @ rest) / freedom / float(dx @ dx))
    return slope, float(stdtrit(freedom, 0.5 + level / 2)) * std, std
