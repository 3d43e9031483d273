"""What the coefficients could also have been: draws about the estimate, by several methods.

What to use when: ``case`` (the default) draws runs with replacement; ``cluster`` draws whole groups of
runs that share their luck (a seed, a family, a budget).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.problem import Joint, Problem
from lawful.fit.search import Job, same

Array = npt.NDArray[np.float64]

CHECKED_RESAMPLES = 64
"""Resamples that are solved twice, from their own lattice and from the point estimate."""

@dataclass(frozen=True)
class Draws:
    """Coefficients ``(draw, coefficient)``; the shares of draws that converged and that had one optimum."""

    coefficients: Array
    converged: float = 1.0
    agree: float = 1.0


def bootstrap(job: Job, point: Array, count: int, seed: int, cluster: npt.NDArray[np.int64] | None = None) -> Draws:
    """``count`` resamples of the runs, or of the clusters they belong to, about ``point`` ``(1, coefficient)``.

    The draws of a sample of m of n runs are scaled by the root of m / n.
    """
    if count == 0:
        return Draws(np.zeros((0, point.shape[1])))
    weights = resample_weights(job.sample.runs, count, len(job.sample.names), seed, cluster)
    centre = point
    if job.sample is not job.problem:
        centre = job.sample.descend(point, None, job.penalty).coefficients
    found = resample(job, centre, weights)
    runs = job.sample.runs if cluster is None else int(cluster.max()) + 1
    draws = spread_about(job.sample, centre, found.coefficients, runs, job.penalty.beyond(job.sample.residuals(centre)))
    if job.sample is not job.problem:
        draws = moved(job.sample, draws, centre, point, np.sqrt(job.sample.runs / job.problem.runs))
    return Draws(draws, found.converged, found.agree)


def resample(job: Job, point: Array, weights: Array) -> Draws:
    """The coefficients of each resample in ``weights`` ``(draw, run)``: solved from a global start of its own.

    A sample of them is solved from ``point`` as well: if any disagrees, all are, and the better one is kept.
    """
    count, problem = len(weights), job.sample
    solved = problem.descend(job.starts.best(weights)[:, 0], weights, job.penalty)
    checked = min(CHECKED_RESAMPLES, count)
    again = problem.descend(np.repeat(point, checked, axis=0), weights[:checked], job.penalty)
    agree = same(again.objective, solved.objective[:checked])
    if not agree.all():
        again = problem.descend(np.repeat(point, count, axis=0), weights, job.penalty)
        agree = same(again.objective, solved.objective)
    better = np.zeros(count, dtype=bool)
    better[: len(again.objective)] = again.objective < solved.objective[: len(again.objective)]
    draws, converged = solved.coefficients.copy(), solved.converged.copy()
    draws[better] = again.coefficients[better[: len(again.objective)]]
    converged[better] = again.converged[better[: len(again.objective)]]
    return Draws(draws, float(converged.mean()), float(agree.mean()))


def resample_weights(runs: int, count: int, coefficients: int, seed: int,
                     cluster: npt.NDArray[np.int64] | None = None) -> Array:
    """How often each run is drawn in each of ``count`` resamples, ``(count, run)``.

    ``cluster`` numbers the group of each run: groups are drawn, and their runs with them. A resample with
    fewer distinct runs than coefficients can fit nothing and is drawn again.
    """
    rng = np.random.default_rng(seed)
    groups = runs if cluster is None else int(cluster.max()) + 1
    share = np.full(groups, 1.0 / groups)

    def draw(number: int) -> Array:
        counts = rng.multinomial(groups, share, size=number).astype(float)
        return counts if cluster is None else counts[:, cluster]

    weights = draw(count)
    for _ in range(100):
        poor = np.flatnonzero((weights > 0).sum(axis=1) < min(coefficients + 1, runs))
        if not len(poor):
            break
        weights[poor] = draw(len(poor))
    return weights


def spread_about(problem: Problem | Joint, point: Array, draws: Array, runs: int, beyond: float) -> Array:
    """The resamples, spread about the estimate by (n / (n - p))**(1/2 - 9/4 q) for small tables.

    q is the share of residuals ``beyond`` delta. At q = 0 (least squares) residuals are smaller than the noise
    by the root of n / (n - p), and so is what their resamples show. Near q = 1 (least absolute deviations)
    case resamples of few runs spread too far. The rule is a line between both ends, its slope set on
    simulated tables; tests/studies measures the coverage that it gives.
    """
    coefficients = len(problem.names)
    if runs <= coefficients or not len(draws):
        return draws
    return moved(problem, draws, point, point, (runs / (runs - coefficients)) ** (0.5 - 2.25 * beyond))


def moved(problem: Problem | Joint, draws: Array, centre: Array, point: Array, factor: float) -> Array:
    """Draws about ``centre`` as draws about ``point``, their distance times ``factor`` in the unbounded variables."""
    free = problem.space.free
    return problem.space.coefficients(free(point) + factor * (free(draws) - free(centre)))
