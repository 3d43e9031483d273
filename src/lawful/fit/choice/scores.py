"""How well forms forecast, and whether the runs can tell them apart: the numbers behind a selection.

A cut's errors are log observed - log predicted (of an output that may be negative: the difference) of every
run above it. They are weighted so that each cut counts the same and, within a cut, each stretch of scale up to
the next cut does: a crowded budget says no more than a sparse one, nor a near one than a far one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Forecasts:
    """What several forms forecast of the same runs, cut by cut.

    ``errors`` is ``(form, prediction)``, NaN where a form failed at a cut; ``cut`` and ``stretch`` say of each
    prediction which cut made it and how many cuts lie below its run; ``weights`` sum to 1.
    """

    errors: Array
    cut: Integers
    stretch: Integers

    @property
    def weights(self) -> Array:
        """The weight of each prediction: one share a cut, split evenly among its stretches and their runs."""
        cells, cell, members = np.unique(np.stack([self.cut, self.stretch]), axis=1, return_inverse=True,
                                         return_counts=True)
        cell = cell.ravel()
        stretches = np.bincount(cells[0])[cells[0]]
        share = 1.0 / (len(np.unique(self.cut)) * stretches * members)
        return np.asarray(share[cell], dtype=float)

    @property
    def sizes(self) -> Array:
        """The size of each error, ``(form, prediction)``: a failed form is charged the worst of those that answered."""
        sizes = np.abs(self.errors)
        worst = np.nanmax(np.where(np.isfinite(sizes), sizes, -1.0), axis=0)
        charged: Array = np.where(np.isfinite(sizes), sizes, worst)
        return charged

    @property
    def score(self) -> Array:
        """The weighted mean absolute error of each form: a run that went wrong moves every form alike."""
        mean: Array = self.sizes @ self.weights
        return mean

    @property
    def failed(self) -> Integers:
        """The cuts at which each form gave no forecast."""
        bad = ~np.isfinite(self.errors)
        return np.array([len(np.unique(self.cut[row])) for row in bad], dtype=np.int64)

    def difference(self, form: int, other: int) -> tuple[float, float, int]:
        """The mean difference in error of two forms, its standard error, and the clusters that it rests on.

        Forecasts from one cut share their fit, and forecasts of one stretch their runs: the differences are
        summed within each, and the larger of both standard errors is taken. One cluster gives infinity.
        """
        paired, weights = self.sizes[form] - self.sizes[other], self.weights
        mean = float(paired @ weights)
        found = max((_clustered(paired, weights, group, mean) for group in (self.cut, self.stretch)),
                    key=lambda pair: pair[0])
        return mean, *found


def _clustered(values: Array, weights: Array, group: Integers, mean: float) -> tuple[float, int]:
    """The standard error of a weighted mean whose terms hang together within a ``group``."""
    sums = np.bincount(group, weights * (values - mean))
    clusters = len(np.unique(group))
    if clusters < 2:
        return float("inf"), clusters
    return float(np.sqrt(clusters / (clusters - 1) * np.sum(sums**2))), clusters


def told_apart(mean: float, std: float, clusters: int, level: float) -> bool:
    """Whether a mean difference lies outside the Student t interval about zero, at ``level``."""
    from scipy.special import stdtrit

    return clusters > 1 and bool(abs(mean) > float(stdtrit(clusters - 1, 0.5 + level / 2)) * std)


def akaike(residuals: Array, coefficients: int) -> float:
    """The corrected Akaike criterion under Laplace noise, which the usual robust objectives nearly assume.

        AICc = 2 n log(mean |r|) + 2 k + 2 k (k + 1) / (n - k - 1),     k = coefficients + 1

    Infinite where the runs leave no freedom.
    """
    n, k = len(residuals), coefficients + 1
    if n <= k + 1:
        return float("inf")
    return float(2 * n * np.log(np.mean(np.abs(residuals)) + 1e-300) + 2 * k + 2 * k * (k + 1) / (n - k - 1))


def stack(forecasts: Forecasts, forms: Sequence[int]) -> Array:
    """Weights on ``forms``, ``(form,)``, at least 0 and summing to 1, with the least squared error of the combination.

    The combination is of logs, so that its error is the weighted sum of the forms' errors. Non-negative least
    squares gives the best weights on these forecasts; few forecasts find weights that flatter them, so the
    weights are drawn towards equal ones by a share of forms / (forms + cuts).
    """
    from scipy.optimize import nnls

    cuts = len(np.unique(forecasts.cut))
    equal = np.full(len(forms), 1.0 / len(forms))
    answered = np.isfinite(forecasts.errors[list(forms)]).all(axis=0)
    if len(forms) == 1 or not answered.any():
        return equal
    errors = forecasts.errors[list(forms)][:, answered]
    A = (errors * np.sqrt(forecasts.weights[answered])).T
    together = 1e3 * (np.abs(A).max() + 1e-12)  # a heavy row holds the sum at 1
    best, _ = nnls(np.vstack([A, np.full(len(forms), together)]), np.append(np.zeros(len(A)), together))
    drawn = len(forms) / (len(forms) + cuts)
    weights: Array = (1 - drawn) * best / best.sum() + drawn * equal
    return weights
