"""Curves over one quantity as their papers fit them, written from the description and given what every method is given.

- M1 to M4: Alabdulmohsin et al. 2022 (arXiv:2209.06640): least squares of the log of both sides of the law, the limit
  between 0 and the smallest loss. Objective, bounds and starting point are theirs. M4 goes by their blocks in turn:
  what enters linearly by least squares, the two limits by Newton. For M2 and M3 such steps are replaced by a profile,
  what enters linearly solved for at each value of the other: M2 from the smallest loss downwards to the first limit
  where it is least, as their steps go. Further down there is often a second, lower place at a limit of 0, which is M1;
- BNSL: Caballero et al. 2022 (arXiv:2210.14891), code of figure 4: one break, a brute-force grid of 163,840 cells on
  the mean square of log(y + 1), then ``curve_fit`` from the best cell.

None has an interval.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lawful.bench.question import Answer, Question
from lawful.errors import FailedToAnswer, RunsError
from lawful.fit.origins import Array

MARGIN = 1e-3
"""How far a limit stays below the smallest loss, and above the largest: theirs."""

LEVELS = 60
"""Limits that are tried on the way from the smallest loss to 0."""

ROUNDS, STEPS, STEP = 1000, 8, 0.5
"""Rounds of M4's blocks, Newton steps in each, and the share of a step that is taken: fewer and longer than theirs."""

LEVEL_BEND, AT_REST = 1e-5, 1e-9
"""A second derivative that no step is divided by, and the change of log b in a round at which M4 is done."""


def m1(asked: Question) -> Answer:
    """L = b x^c: a line in logs."""
    x, y = _curve(asked)
    coefficients = line(np.log(x), np.log(y))
    return Answer(np.exp(along(coefficients, np.log(_asked(asked)))))


def m2(asked: Question) -> Answer:
    """L = b x^c + e."""
    x, y = _curve(asked)
    lowest = max(y.min() - MARGIN, 0.5 * y.min())

    def squares(theta: Array) -> float:
        return _misfit(_design(np.log(x)), np.log(y - theta[0]))[0]

    e = _first_least(squares, lowest)
    _, found = _misfit(_design(np.log(x)), np.log(y - e))
    return Answer(e + np.exp(along(found, np.log(_asked(asked)))))


def m3(asked: Question) -> Answer:
    """L = b (1/x + g)^c, c at least 0."""
    x, y = _curve(asked)
    widest = 1.0 / x.min()

    def squares(theta: Array) -> float:
        return _misfit(_design(np.log(1 / x + theta[0])), np.log(y))[0]

    grid = np.append(0.0, np.geomspace(1e-3 / x.max(), widest, LEVELS))
    start = grid[int(np.argmin([squares(np.array([g])) for g in grid]))]
    (g,) = _simplex(squares, np.array([start]), [(0.0, widest)])
    _, (b, c) = _misfit(_design(np.log(1 / x + g)), np.log(y))
    if c < 0:
        b, c = float(np.mean(np.log(y))), 0.0
    return Answer(np.exp(b + c * np.log(1 / _asked(asked) + g)))


def m4(asked: Question) -> Answer:
    """(L - e) / (e0 - L)^a = b x^c, with a and -c at least 0, and b at least 1."""
    from scipy.optimize import nnls

    x, y = _curve(asked)
    lowest, highest = max(y.min() - MARGIN, 0.5 * y.min()), y.max() + MARGIN
    e, e0 = lowest, max(1.0, highest)  # the loss of a guess: 1 for an error rate
    design = np.stack([np.ones(len(x)), -np.log(x), np.log(e0 - y)], axis=1)  # with the first e0, as their code has it
    b = c = a = 0.0
    for _ in range(ROUNDS):
        before = b
        (b, c, a), _ = nnls(design, np.log(y - e))
        for _ in range(STEPS):
            below, above = y - e, e0 - y
            r = np.log(below) - a * np.log(above) - b + c * np.log(x)
            bend, other = np.mean((1 - r) / below**2), a * np.mean((a + r) / above**2)
            e += STEP * np.mean(r / below) / bend if abs(bend) > LEVEL_BEND else 0.0
            e0 += STEP * a * np.mean(r / above) / other if abs(other) > LEVEL_BEND else 0.0
            e, e0 = float(np.clip(e, 0.0, lowest)), max(float(e0), highest)
        if abs(b - before) < AT_REST:
            break
    right = np.exp(b - c * np.log(_asked(asked)))
    low, high = np.zeros(len(right)), np.full(len(right), e0 - e)
    for _ in range(60):  # the excess w = right (e0 - e - w)^a rises on the left and falls on the right: bisect
        middle = 0.5 * (low + high)
        under = middle < right * (e0 - e - middle) ** a
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return Answer(e + low)


# ------------------------------------------------------------------------------ one break, by brute force

GRID = (np.arange(0.0, 1.0, 0.1), np.arange(0.0, 40.0, 2.5), np.arange(0.0, 1.0, 0.25), np.arange(0.0, 1.0, 0.25),
        np.arange(0.0, 40.0, 2.5), np.arange(0.0, 1.0, 0.25))
"""a, b, c0, c1, d1, f1: the authors' grid; b and d1 stand for 1.25**b - 0.9 and 1.25**d1 - 0.9."""

EVALUATIONS = 100_000
"""Evaluations that ``curve_fit`` may take: the authors allow any number, and some curves would use it."""

CELLS = 1 << 21
"""Grid cells times points that are held at once."""


def broken(x: Any, a: Any, b: Any, c0: Any, c1: Any, d1: Any, f1: Any) -> Any:
    """The broken power law with one break, as printed."""
    return a + b * x**-c0 * (1 + (x / d1) ** (1 / f1)) ** (-c1 * f1)


def bnsl(asked: Question) -> Answer:
    """One break by the published recipe; x is divided by its smallest value, or no cell of the grid lies near."""
    from scipy.optimize import curve_fit

    x, y = _curve(asked)
    unit = x.min()
    x, target = x / unit, np.log(y + 1)
    best, start = math.inf, None
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown covariance is no concern here
        inner = np.array(list(itertools.product(*GRID[1:])))
        inner[:, [0, 3]] = 1.25 ** inner[:, [0, 3]] - 0.9
        for part in np.array_split(inner, math.ceil(len(inner) * len(x) / CELLS)):
            shape = broken(x, 0.0, *part.T[:, :, None])
            for a in GRID[0]:
                error = np.mean((np.log(a + shape + 1) - target) ** 2, axis=1)
                at = int(np.argmin(np.where(np.isnan(error), np.inf, error)))
                if error[at] < best:
                    best, start = float(error[at]), (a, *part[at])
        try:
            found, _ = curve_fit(lambda x, *p: np.log(broken(x, *p) + 1), x, target, p0=start, maxfev=EVALUATIONS)
        except (RuntimeError, ValueError) as problem:
            raise FailedToAnswer(f"curve_fit gave up: {problem}") from None
        return Answer(broken(_asked(asked) / unit, *found))


# -------------------------------------------------------------------------------------------- the parts

def _curve(asked: Question) -> tuple[Array, Array]:
    x, y = asked.train[asked.inputs[0]], asked.train[asked.target]
    if len(asked.inputs) != 1 or y.min() <= 0 or x.min() <= 0:
        raise RunsError("this recipe takes a positive loss over one positive quantity")
    if len(np.unique(x)) < 3:
        raise RunsError("this recipe takes 3 distinct sizes or more")
    return x, y


def _asked(asked: Question) -> Array:
    return asked.at[asked.inputs[0]]


def _design(log_x: Array) -> Array:
    return np.stack([np.ones(len(log_x)), log_x], axis=1)


def _misfit(design: Array, target: Array) -> tuple[float, Array]:
    """The root of the least sum of squares, and the coefficients that reach it."""
    found, *_ = np.linalg.lstsq(design, target, rcond=None)
    return float(np.linalg.norm(design @ found - target)), np.asarray(found, dtype=np.float64)


def line(log_x: Array, log_y: Array) -> Array:
    """Intercept and slope of the least squares line."""
    return _misfit(_design(log_x), log_y)[1]


def along(coefficients: Array, log_x: Array) -> Array:
    """The line at ``log_x``."""
    return np.asarray(coefficients[0] + coefficients[1] * log_x, dtype=float)


def _first_least(value: Callable[[Array], float], lowest: float) -> float:
    """The limit at which ``value`` is least, the first on the way from ``lowest`` down to 0."""
    from scipy.optimize import minimize_scalar

    limits = lowest * (1.0 - np.append(0.0, np.geomspace(1e-4, 1.0, LEVELS)))
    values = np.array([value(np.array([limit])) for limit in limits])
    rises = np.flatnonzero(np.diff(values) > 0)
    at = int(rises[0]) if len(rises) else LEVELS
    if at in (0, LEVELS):
        return float(limits[at])
    found = minimize_scalar(lambda limit: value(np.array([limit])), bounds=(limits[at + 1], limits[at - 1]),
                            method="bounded", options={"xatol": 1e-9 * lowest})
    return float(found.x if found.fun <= values[at] else limits[at])


def _simplex(value: Callable[[Array], float], start: Array, bounds: Sequence[tuple[float, float]]) -> Array:
    """The least ``value`` that a simplex finds from ``start`` within ``bounds``."""
    from scipy.optimize import minimize

    found = minimize(value, start, method="Nelder-Mead", bounds=bounds,
                     options={"maxiter": 400, "xatol": 1e-10 * float(np.abs(start).max() + 1e-300), "fatol": 1e-12})
    return np.asarray(found.x if found.fun <= value(start) else start, dtype=float)
