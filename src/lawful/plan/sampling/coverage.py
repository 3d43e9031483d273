"""Coverage: the share of problems that at least one of k samples solves, from counts of right answers.

What to use when:

- ``pass_at_k(samples, correct, k)`` for k up to the samples that were drawn: no model, no bias;
- ``fit_difficulty(samples, correct)`` to go beyond: a Beta density of the success rates, by maximum likelihood;
  ``difficulty_draws`` are those of problems drawn anew;
- a fitted ``CoverageLaw`` where only the curve is known, and no counts.

A plan takes any of them as a curve, a function of k. What an imperfect verifier or a vote makes of the samples follows
from the success rates of single problems, ``Problems``, and not from the curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError
from lawful.results import Interval, interval

Array = npt.NDArray[np.float64]
Curve = Callable[[Any], Any]
"""Coverage as a function of the samples."""

NODES = 256
"""Nodes of the quadrature over success rates: they resolve rates down to about 1e-5 of a problem in 1e5 samples."""

DRAWS = 1000
"""Resamples of the problems behind an interval."""


@dataclass(frozen=True)
class Problems:
    """Success rates of single problems, ``(problem,)``, and how often each is asked: weights that add up to 1."""

    rates: Array
    weights: Array

    def __post_init__(self) -> None:
        rates, weights = (np.array(values, dtype=float) for values in (self.rates, self.weights))
        if rates.ndim != 1 or rates.shape != weights.shape or not len(rates):
            raise InputError(f"success rates: one weight to each rate, got {rates.shape} and {weights.shape}")
        for name, values in (("success rates", rates), ("weights", weights)):
            if not ((values >= 0) & (values <= 1)).all():
                raise InputError(f"{name} are shares from 0 to 1, got {values.min():g} to {values.max():g}; "
                                 "if in per cent, divide by 100")
        if abs(weights.sum() - 1.0) > 1e-6:
            raise InputError(f"weights of problems add up to 1, got {weights.sum():g}")
        object.__setattr__(self, "rates", rates)
        object.__setattr__(self, "weights", weights)

    @staticmethod
    def of(rates: Any) -> Problems:
        """Problems of these success rates, all asked alike."""
        rates = np.asarray(rates, dtype=float)
        return Problems(rates, np.full(rates.shape, 1.0 / max(rates.size, 1)))

    def __call__(self, samples: Any) -> Any:
        """Coverage at ``samples``: the mean of 1 - (1 - p)**k."""
        return self.mean(lambda p, k: -np.expm1(k * np.log1p(-np.minimum(p, 1 - 1e-16))), samples)

    def mean(self, function: Callable[[Array, Array], Array], samples: Any) -> Any:
        """The mean of ``function(rate, samples)`` over the problems, in the shape of ``samples``."""
        k = np.asarray(samples, dtype=float)
        return function(self.rates, k[..., None]) @ self.weights


@dataclass(frozen=True)
class Difficulty:
    """Problems whose success rates follow a Beta density: p**(a - 1) (1 - p)**(b - 1), up to a factor.

        coverage(k) = 1 - B(a, b + k) / B(a, b)          falling short of 1 as Gamma(a + b) / Gamma(b) / k**a

    a is the exponent of the many samples: the density of the hardest problems, near p = 0, goes as p**(a - 1). Levi
    2024, arXiv:2410.16377; Schaeffer et al. 2025, arXiv:2502.17578.
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"difficulty: {name} must be a positive number, got {getattr(self, name)!r}")

    def __call__(self, samples: Any) -> Any:
        """Coverage at ``samples``."""
        from scipy.special import betaln

        k = np.asarray(samples, dtype=float)
        return -np.expm1(betaln(self.a, self.b + k) - betaln(self.a, self.b))

    @cached_property
    def problems(self) -> Problems:
        """The density as a few rates and weights, by Gauss-Jacobi quadrature."""
        from scipy.special import roots_jacobi

        nodes, weights = roots_jacobi(NODES, self.b - 1.0, self.a - 1.0)
        return Problems(0.5 * (1.0 + nodes), weights / weights.sum())


def checked_counts(samples: Any, correct: Any) -> tuple[Array, Array]:
    """Counts of samples and of right ones among them, ``(problem,)``. Raises InputError for impossible ones."""
    n, c = (np.atleast_1d(np.asarray(values, dtype=float)) for values in (samples, correct))
    n, c = np.broadcast_arrays(n, c)
    if not n.size or not ((c >= 0) & (c <= n) & (n >= 1) & (n % 1 == 0) & (c % 1 == 0)).all():
        raise InputError("counts: each problem needs at least one sample, and as many right ones as samples at most, "
                         "in whole numbers")
    return n, c


def pass_by_problem(samples: Any, correct: Any, k: Any) -> Array:
    """The chance that k of each problem's samples hold a right one, ``(k, problem)``: 1 - C(n - c, k) / C(n, k).

    Without bias for k samples drawn anew (Chen et al. 2021, arXiv:2107.03374, equation 1). Raises InputError where
    k exceeds the samples of a problem.
    """
    from scipy.special import gammaln

    n, c = checked_counts(samples, correct)
    ks = np.atleast_1d(np.asarray(k, dtype=float))
    if not ((ks >= 1) & (ks <= n.min())).all():
        raise InputError(f"pass@k from counts: k is 1 to the {n.min():g} samples of each problem, got {ks.min():g} to "
                         f"{ks.max():g}; fit_difficulty goes beyond")
    k_ = ks[:, None]
    wrong = n - c
    left = np.maximum(wrong - k_, 0.0)
    missed = gammaln(wrong + 1) - gammaln(left + 1) - gammaln(n + 1) + gammaln(n - k_ + 1)
    passed: Array = np.where(wrong < k_, 1.0, -np.expm1(np.minimum(missed, 0.0)))
    return passed


def pass_at_k(samples: Any, correct: Any, k: Any, level: float = 0.9, seed: int = 0) -> list[Interval]:
    """pass@k over the problems at each k, with an interval for other problems of the kind: they are drawn anew.

    Raises as ``pass_by_problem``.
    """
    each = pass_by_problem(samples, correct, k)
    size = each.shape[1]
    picked = np.random.default_rng(seed).integers(0, size, (DRAWS, size))
    counts = np.apply_along_axis(np.bincount, 1, picked, minlength=size) / size
    return [interval(float(row.mean()), counts @ row, level) for row in each]


def fit_difficulty(samples: Any, correct: Any) -> Difficulty:
    """The Beta density under which these counts are likeliest: of c right ones among n samples of each problem.

    A problem that no sample solved counts for what it says, that its rate is small, and not for a rate of 0. Raises
    InputError for impossible counts, and where no sample or every sample is right: nothing tells the density then.
    """
    n, c = checked_counts(samples, correct)
    if c.sum() == 0 or (c == n).all():
        raise InputError(f"counts: {'no' if c.sum() == 0 else 'every'} sample is right; success rates cannot be told "
                         "from that")
    mean = float((c / n).mean())
    found = [_likeliest(n, c, np.log([s * mean, s * (1 - mean)])) for s in (0.1, 1.0, 10.0)]
    return min(found, key=lambda pair: pair[1])[0]


def difficulty_draws(samples: Any, correct: Any, draws: int = 60, seed: int = 0) -> list[Difficulty]:
    """What the density would have been on other problems of the kind: fitted to problems that are drawn anew.

    Draws of which no sample or every sample is right are left out. Raises as ``fit_difficulty``.
    """
    n, c = checked_counts(samples, correct)
    best = fit_difficulty(n, c)
    start = np.log([best.a, best.b])
    rng = np.random.default_rng(seed)
    picked = [rng.integers(0, len(c), len(c)) for _ in range(draws)]
    return [_likeliest(n[i], c[i], start)[0] for i in picked if 0 < c[i].sum() < n[i].sum()]


def _likeliest(n: Array, c: Array, start: Array) -> tuple[Difficulty, float]:
    """The density from one start of the search, and how surprising the counts are under it."""
    from scipy.optimize import minimize
    from scipy.special import betaln

    def surprise(x: Array) -> float:
        a, b = np.exp(x)
        return -float(np.sum(betaln(a + c, b + n - c) - betaln(a, b)))

    found = minimize(surprise, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000})
    a, b = np.exp(np.clip(found.x, -30.0, 30.0))     # counts that are all alike have no spread: b without end
    return Difficulty(float(a), float(b)), float(found.fun)
