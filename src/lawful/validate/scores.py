"""Scores of forecasts against what was then observed: plain functions on arrays, lower where a forecast is better.

What to use when: ``crps`` for a whole sample in the unit of the outcome; ``log_score`` where tails must be paid for;
``interval_score`` for an interval, ``pinball`` for quantiles; ``pit`` and ``coverage`` for calibration alone, which a
forecast that is wide enough always passes, so a width or a score belongs beside them; ``rmsle``, ``are`` and ``r2``
for single values, as papers report them.

``draws`` are ``(draw, point)``, samples of the forecast of each point; ``observed`` is ``(point,)``. All are on the
scale given: pass logarithms for scores of relative errors. Draws that are not finite are left out of their point; a
point without any has the score NaN. Rules that are proper (crps, log score, interval score, pinball) are least, on
average, for the forecast that is the truth: Gneiting & Raftery 2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError

Array = npt.NDArray[np.float64]

NARROWEST = 1e-9
"""The least spread, as a share of the largest draw, that ``log_score`` gives a sample: equal draws have a density."""


def crps(draws: Any, observed: Any) -> Array:
    """The continuous ranked probability score of each point, ``(point,)``, in the unit of the outcome.

        CRPS = E|X - y| - 1/2 E|X - X'|

    Exact for the sample, from its order; the second mean is over pairs of different draws (the fair score of Ferro
    2014), so that its expectation does not depend on how many draws there are. One draw gives the absolute error. A
    fair score may be slightly below 0.
    """
    x, y = _sample(draws, observed)
    x, count = _ordered(x)
    rank = np.arange(1, len(x) + 1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        error = _total(np.abs(x - y)) / count
        pairs = _total((2 * rank - count - 1) * x)
        spread = np.where(count > 1, pairs / (count * (count - 1)), 0.0)
    score: Array = np.where(count > 0, error - spread, np.nan)
    return score


def pinball(quantiles: Any, observed: Any, tau: Any) -> Array:
    """The pinball loss of quantiles, in the shape of ``quantiles``: ``(point,)``, or ``(tau, point)`` for several.

        (y - q) (tau - 1[y < q])

    Twice its integral over ``tau`` is the CRPS. Raises ``InputError`` for a ``tau`` outside (0, 1).
    """
    q, y, t = np.asarray(quantiles, dtype=float), _points(observed), np.asarray(tau, dtype=float)
    if not ((t > 0) & (t < 1)).all():
        raise InputError(f"tau must lie between 0 and 1, got {t[~((t > 0) & (t < 1))].flat[0]:g}")
    if q.shape != (*t.shape, len(y)):
        raise InputError(f"quantiles must have shape {(*t.shape, len(y))} (tau, point), got {q.shape}")
    loss: Array = (y - q) * (t[..., None] - (y < q))
    return loss


def interval_score(low: Any, high: Any, observed: Any, level: float) -> Array:
    """The score of a central interval at ``level`` for each point, ``(point,)``, in the unit of the outcome.

        (high - low) + 2/alpha (low - y)+ + 2/alpha (y - high)+          alpha = 1 - level

    The width, and what lies outside at a price. Gneiting & Raftery 2007, equation 43.
    """
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, got {level:g}")
    a, b, y = _bounds(low, high, observed)
    outside = np.maximum(a - y, 0.0) + np.maximum(y - b, 0.0)
    score: Array = (b - a) + 2.0 / (1.0 - level) * outside
    return score


def log_score(draws: Any, observed: Any) -> Array:
    """Minus the log of the forecast's density at what was observed, for each point, ``(point,)``, in nats.

    The density of m draws is a Gaussian kernel estimate with Silverman's bandwidth, 0.9 min(std, IQR / 1.34)
    m^(-1/5), with the weight m / (m + 1), and a Cauchy density about the median with the sample's spread, with the
    weight 1 / (m + 1). The second is the floor: m draws cannot say of anything that it is rarer than 1 in m + 1, and
    a point far beyond all of them scores large but finite, growing with the log of its distance only. The spread is
    at least ``NARROWEST`` of the largest draw.
    """
    x, y = _sample(draws, observed)
    count = np.isfinite(x).sum(axis=0)
    some = count > 0
    score = np.full(len(y), np.nan)
    if not some.any():
        return score
    x, y, m = np.where(np.isfinite(x), x, np.nan)[:, some], y[some], count[some].astype(float)
    low, middle, high = np.nanquantile(x, [0.25, 0.5, 0.75], axis=0)
    spread = np.nanstd(x, axis=0)
    spread = np.where(high > low, np.minimum(spread, (high - low) / 1.349), spread)
    spread = np.maximum(spread, NARROWEST * np.nanmax(np.abs(x), axis=0) + 1e-300)
    width = 0.9 * spread * m**-0.2
    with np.errstate(under="ignore", over="ignore", divide="ignore"):
        kernels = np.log(np.nansum(np.exp(-0.5 * ((y - x) / width) ** 2), axis=0) / (width * np.sqrt(2 * np.pi)))
        floor = -np.log(np.pi * spread) - 2.0 * np.log(np.hypot(1.0, (y - middle) / spread))
        score[some] = np.log(m + 1.0) - np.logaddexp(kernels, floor)
    return score


def pit(draws: Any, observed: Any, seed: int = 0) -> Array:
    """The probability integral transform of each point, ``(point,)``: where among its draws the observed value fell.

        (draws below + u (draws equal + 1)) / (draws + 1),          u uniform on (0, 1)

    Uniform on (0, 1) where the observed value is one more draw of the forecast, whatever the number of draws and with
    ties (Czado et al. 2009): a histogram with a hump has too wide forecasts, one with a bowl too narrow ones, a slope
    is bias.
    """
    x, y = _sample(draws, observed)
    kept = np.isfinite(x)
    count = kept.sum(axis=0)
    below, ties = (kept & (x < y)).sum(axis=0), (kept & (x == y)).sum(axis=0)
    u = np.random.default_rng(seed).uniform(size=len(y))
    place: Array = np.where(count > 0, (below + u * (ties + 1)) / (count + 1), np.nan)
    return place


def coverage(low: Any, high: Any, observed: Any) -> float:
    """The share of points within their interval, ends included. A bound that is NaN holds nothing."""
    a, b, y = _bounds(low, high, observed)
    return float(np.mean((a <= y) & (y <= b)))


def rmsle(predicted: Any, observed: Any) -> float:
    """The root mean square of log predicted - log observed; infinite where a prediction is not positive.

    Raises ``InputError`` where an observed value is not positive.
    """
    p, y = _pair(predicted, observed)
    if not (y > 0).all():
        raise InputError(f"rmsle takes positive values, observed {y[~(y > 0)][0]:g}: use are or r2")
    if not (p > 0).all():
        return float("inf")
    return float(np.sqrt(np.mean(np.log(p / y) ** 2)))


def are(predicted: Any, observed: Any) -> float:
    """The mean absolute relative error, |predicted - observed| / |observed|; infinite where a prediction is NaN.

    Raises ``InputError`` where an observed value is 0.
    """
    p, y = _pair(predicted, observed)
    if (y == 0).any():
        raise InputError("a relative error needs observed values other than 0: use r2")
    mean = float(np.mean(np.abs(p - y) / np.abs(y)))
    return mean if np.isfinite(mean) else float("inf")


def r2(predicted: Any, observed: Any) -> float:
    """The share of the observed variance explained, 1 - sum (y - p)^2 / sum (y - mean y)^2: higher is better.

    1 at best, below 0 where the mean of the observed values, not known beforehand, would have done better; -infinity
    where a prediction is NaN, and NaN where all observed values are equal.
    """
    p, y = _pair(predicted, observed)
    total = float(np.sum((y - y.mean()) ** 2))
    if total == 0:
        return float("nan")
    share = 1.0 - float(np.sum((y - p) ** 2)) / total
    return share if np.isfinite(share) else float("-inf")


def _sample(draws: Any, observed: Any) -> tuple[Array, Array]:
    x, y = np.asarray(draws, dtype=float), _points(observed)
    if x.ndim != 2 or x.shape[1] != len(y):
        raise InputError(f"draws must have shape (draw, point) with {len(y)} points as observed, got {x.shape}")
    return x, y


def _points(observed: Any) -> Array:
    y = np.asarray(observed, dtype=float)
    if y.ndim != 1 or not len(y):
        raise InputError(f"observed must have shape (point,) with a point or more, got {y.shape}")
    if not np.isfinite(y).all():
        raise InputError(f"observed values must be finite, got {y[~np.isfinite(y)][0]:g}")
    return y


def _pair(predicted: Any, observed: Any) -> tuple[Array, Array]:
    p, y = np.asarray(predicted, dtype=float), _points(observed)
    if p.shape != y.shape:
        raise InputError(f"predicted must have the shape of observed, {y.shape}, got {p.shape}")
    return p, y


def _bounds(low: Any, high: Any, observed: Any) -> tuple[Array, Array, Array]:
    (a, y), (b, _) = _pair(low, observed), _pair(high, observed)
    if (a > b).any():
        raise InputError(f"an interval must have low <= high, got {a[a > b][0]:g} and {b[a > b][0]:g}")
    return a, b, y


def _ordered(x: Array) -> tuple[Array, Array]:
    """The draws in order, those that are not finite last and NaN, and how many are finite, ``(point,)``."""
    finite = np.isfinite(x)
    return np.sort(np.where(finite, x, np.nan), axis=0), finite.sum(axis=0)


def _total(values: Array) -> Array:
    total: Array = np.nansum(values, axis=0)
    return total
