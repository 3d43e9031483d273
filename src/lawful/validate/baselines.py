"""What a back-test's law is held against: forecasts that need no law of the field.

- ``last_value``: nothing improves on the best run so far;
- ``power_law_compute``: a power law in compute alone, fitted as any form to all the runs below;
- ``last_points``: the straight line, in logs, through the last ``LAST`` points of the frontier: what one draws by eye.

The last two are in the axis of the back-test where that is a quantity in decades, and are left out of one in time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lawful.errors import LawfulError
from lawful.fit import fit
from lawful.fit.readings import GAP
from lawful.laws.base import MORE_IS_BETTER
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

LAST = 3
"""Points of the frontier that the naive line goes through: two fit any noise, and more bend with the curve."""


def baseline_errors(train: RunTable, test: RunTable, target: str, along: str, decades: bool) -> dict[str, float]:
    """The root mean square log error of each baseline on ``test``, having seen ``train``; NaN where it has no answer.

    ``decades`` says whether ``along`` is a quantity that powers are taken of.
    """
    observed = np.log(test[target])
    found = {"last_value": _rms(observed - np.log(last_value(train[target], target)))}
    if decades:
        law = f"power_law_{along}"
        found[law] = _rms(observed - np.log(power_law(train, test, target, along)))
        found["last_points"] = _rms(observed - np.log(last_points(train[along], train[target], test[along], target)))
    return found


def last_value(observed: Array, target: str) -> float:
    """The best outcome so far: the smallest, or of accuracy and its like the largest."""
    return float(observed.max() if target in MORE_IS_BETTER else observed.min())


def power_law(train: RunTable, test: RunTable, target: str, along: str) -> Array:
    """The power law in ``along`` alone, at the runs of ``test``, ``(run,)``; NaN where it cannot be fitted."""
    try:
        law = fit("power_law:compute", RunTable.of(compute=train[along], loss=train[target]), bootstrap=0).law
    except LawfulError:
        return np.full(len(test), np.nan)
    return np.asarray(law(compute=test[along]), dtype=float)


def last_points(scale: Array, observed: Array, at: Array, target: str) -> Array:
    """The least-squares line of log outcome in log scale through the last ``LAST`` points of the frontier, at ``at``.

    The frontier are the runs that did better than every smaller one, at most one a budget. NaN where there is one
    point alone.
    """
    better = -observed if target in MORE_IS_BETTER else observed
    order = np.lexsort((better, scale))
    best = np.minimum.accumulate(better[order])
    points: list[int] = []
    for i in order[np.append(True, best[1:] < best[:-1])][::-1]:
        if not points or np.log10(scale[points[-1]] / scale[i]) >= GAP:
            points.append(int(i))
    if len(points) < 2:
        return np.full(len(at), np.nan)
    x, y = np.log(scale[points[:LAST]]), np.log(observed[points[:LAST]])
    slope = float((x - x.mean()) @ y / ((x - x.mean()) @ (x - x.mean())))
    line: Array = np.exp(y.mean() + slope * (np.log(at) - x.mean()))
    return line


def _rms(errors: Array) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))
