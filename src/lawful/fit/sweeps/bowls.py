"""Bowls: per cell of a sweep (one model size, one amount of data) the best learning rate, batch or other setting.

    log L = log L* + 1/2 (x - x*)' H (x - x*) + cubic terms,     x = log of the hyper-parameters

``bowls`` groups runs into cells and fits each by itself; ``lawful.fit.sweeps.optima`` fits laws to the optima. Nothing
is dropped in silence: a cell without an answer stays in the result with a status that says why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError
from lawful.fit.sweeps.bowl import Bowl, Bowls, BowlStatus
from lawful.fit.sweeps.cells import cells_of, grouped
from lawful.fit.sweeps.minima import Minimum, basis, local_minimum, monomials_of
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

WINDOWS = {3: 0.05, 2: 0.02, 1: 0.02}
"""Excess of log loss within which a bowl of each order is fitted. On simulated bowls as skewed as those of learning
rates, with noise of 0.1 %, a cubic's bias is below its standard error within 5 %, a parabola's within 2 %."""

WIDEST = 0.05
"""Windows grow to here for more runs: a cubic's for three times as many as coefficients (it needs twice as many), a
parabola's for twice as many; a parabola's goes beyond for as many as it cannot do without."""

FAR = 0.35
"""Runs whose log loss lies further above the lowest have diverged, or are of no use for a bowl."""

PRIOR = 4.0
"""Degrees of freedom that the cells' common noise counts for in each cell's own: bowls of a few runs share it."""

UNSURE = 0.1
"""A cell in which so many draws have no minimum has shown none."""

DRAWS = 200


def bowls(
    runs: RunTable,
    over: Sequence[str] = ("learning_rate", "batch_tokens"),
    cells: Sequence[str] = ("params", "tokens"),
    *,
    window: float | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> Bowls:
    """The best ``over`` in each cell of ``runs``: an optimum with its interval, or a status that says why not.

    A cell is the runs that agree in ``cells`` (quantities to within 2 %, labels exactly). Its bowl is a cubic in the
    logs, within ``window`` (5 %) of the minimum or what holds runs enough, a parabola where they are too few for
    that, and without products where they are fewer still.

    Raises ``RunsError`` for a missing column or values without a logarithm; ``InputError`` for a bad option.
    """
    over, cells = tuple(over), tuple(cells)
    if not over or set(over) & set(cells) or len(set(over)) < len(over):
        raise InputError(f"--over {','.join(over)} --cells {','.join(cells)}: name at least one hyper-parameter, and "
                         "each name once")
    if window is not None and not 0.0 < window <= FAR:
        raise InputError(f"--window must lie between 0 and {FAR:g} (of log loss), got {window:g}")
    if not 0.0 < level < 1.0:
        raise InputError(f"--level must lie between 0 and 1, got {level:g}")
    x = np.log(np.column_stack([_positive(runs, name) for name in over]))
    y = np.log(_positive(runs, "loss"))
    windows = WINDOWS if window is None else {order: window * w / WINDOWS[3] for order, w in WINDOWS.items()}
    groups = [(cell, _cell(x[rows], y[rows], over, windows), rows) for cell, rows in cells_of(runs, cells)]
    fits = [fit for _, (_, _, fit), _ in groups if fit is not None]
    common = float(np.median([fit.shape.noise**2 for fit in fits])) if len(fits) > 2 else None
    found = []
    for k, (cell, (status, reason, fit), rows) in enumerate(groups):
        lowest = rows[np.argmin(y[rows])]
        best = {**dict(zip(over, np.exp(x[lowest]).tolist(), strict=True)), "loss": float(np.exp(y[lowest]))}
        bowl = Bowl(cell, over, status, reason, rows, best, level=level)
        found.append(bowl if fit is None else _with_doubt(bowl, fit, common, seed + k))
    return Bowls(over, cells, tuple(found), level, runs.source)


def _positive(runs: RunTable, name: str) -> Array:
    values = runs[name]
    if values.min() <= 0:
        raise RunsError(f"{runs.source}: {name} must be positive for its logarithm; row "
                        f"{runs.rows[int(np.argmin(values))]} holds {values.min():g}: leave it out with --where")
    return values


@dataclass(frozen=True)
class _Shape:
    shape: Minimum
    order: int
    window: float


def _cell(x: Array, y: Array, over: tuple[str, ...], windows: Mapping[int, float],
          ) -> tuple[BowlStatus, str, _Shape | None]:
    """A cell's status, its reason, and its bowl where there is one."""
    d = x.shape[1]
    fewest = len(monomials_of(d, 1)) + 1
    if len(y) < fewest:
        return BowlStatus.TOO_FEW, f"{len(y)} runs: a bowl in {', '.join(over)} takes at least {fewest}", None
    for name, values in zip(over, x.T, strict=True):
        if (distinct := len(np.unique(grouped(np.exp(values))))) < 3:
            return BowlStatus.TOO_FEW, f"{distinct} values of {name}: a bowl takes at least 3", None
    excess = np.sort(y - y.min())
    near = int((excess <= FAR).sum())
    if near < fewest:
        return BowlStatus.DIVERGED, (f"{len(y) - near} of {len(y)} runs lie more than {math.expm1(FAR):.0%} above the "
                                     f"lowest: a bowl takes at least {fewest} others"), None
    fit = None
    for order in (3, 2, 1):
        p = len(monomials_of(d, order))
        width = windows[order]
        if near < p + 1 or (order == 3 and (excess < WIDEST).sum() < 2 * p):
            continue
        wanted = 1.25 * min(excess[min((3 if order == 3 else 2) * p, near) - 1], WIDEST)
        width = max(width, wanted, 0.0 if order == 3 else 1.25 * excess[p])
        shape = local_minimum(x, y, width, order)
        fit = None if shape is None else _Shape(shape, order, width)
        if fit is not None and (fit.shape.position is not None or order < 3):
            break
    if fit is None and _rank(x[y <= y.min() + FAR]) < fewest - 1:
        return BowlStatus.CONFOUNDED, BowlStatus.CONFOUNDED.sentence, None
    at = None if fit is None else fit.shape.position
    where = x[np.argmin(y)] if at is None else at
    sides = [f"{name} {side}" for name, value, values in zip(over, where, x.T, strict=True)
             for side, out in (("low", value <= values.min()), ("high", value >= values.max())) if out]
    if sides:
        seen = "the lowest run is" if at is None else "the optimum lies"
        return BowlStatus.EDGE, f"{seen} at or beyond the edge: {', '.join(sides)}", None if at is None else fit
    if at is None:
        seen = "determine no surface" if fit is None else "show a surface without a minimum"
        return BowlStatus.NO_MINIMUM, f"the runs near the lowest {seen}", None
    return BowlStatus.OK, "", fit


def _rank(x: Array) -> int:
    """How many coefficients of the smallest bowl these runs determine."""
    return int(np.linalg.matrix_rank(basis(x - x.mean(axis=0), monomials_of(x.shape[1], 1)), tol=1e-6))


def _with_doubt(bowl: Bowl, fit: _Shape, common: float | None, seed: int) -> Bowl:
    """``bowl`` with its shape, and with noise and draws; a minimum that many draws lack is none."""
    freedom, variance = fit.shape.freedom, fit.shape.noise**2
    if common is not None:
        variance = (freedom * variance + PRIOR * common) / (freedom + PRIOR)
        freedom += PRIOR
    noise = math.sqrt(variance)
    draws = fit.shape.draws(DRAWS, noise, freedom, seed)
    lost = float(np.isnan(draws[:, 0]).mean())
    if bowl.status is BowlStatus.OK and lost > UNSURE:
        return replace(bowl, status=BowlStatus.NO_MINIMUM, noise=noise, reason=(
            f"{lost:.0%} of the draws have no minimum: the bowl is too flat for its noise of {noise:.2g}"))
    if lost > UNSURE:
        return replace(bowl, noise=noise)  # at an edge, and too far beyond it to be extrapolated
    return replace(bowl, shape=fit.shape, order=fit.order, window=fit.window, noise=noise, draws=draws)
