"""Draws by resampling the runs, or the groups of runs that share their luck: bootstrap, studentised, jackknife."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.fit.information import information
from lawful.fit.problem import Joint, Problem
from lawful.fit.search import Job, same

Array = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

CHECKED_RESAMPLES = 64
"""Resamples that are solved twice, from the point estimate and from their own lattice."""

MOST_LEFT_OUT = 200
"""Parts that a jackknife leaves out one by one: runs, or groups of them in a longer table."""


@dataclass(frozen=True)
class Draws:
    """Coefficients ``(draw, coefficient)``; the shares of draws that converged and that had one optimum.

    ``about`` is what else the method has to say of itself.
    """

    coefficients: Array
    converged: float = 1.0
    agree: float = 1.0
    about: Mapping[str, Any] = field(default_factory=dict)


def bootstrap(job: Job, point: Array, count: int, seed: int, cluster: Groups | None = None) -> Draws:
    """``count`` resamples of the runs, or of the clusters they belong to, of the size that spreads them right."""
    beyond = job.penalty.beyond(job.sample.residuals(point))
    return resample(job, point, resample_weights(job.sample.runs, count, len(job.sample.names), seed, cluster, beyond))


def studentised(job: Job, point: Array, count: int, seed: int, cluster: Groups | None = None) -> Draws:
    """Bootstrap-t: each resample's error in units of its own standard errors, mirrored about ``point``.

    With u the unbounded variables, S the covariance at the estimate and S_b that of resample b, each from its own
    residuals: u - S**(1/2) S_b**(-1/2) (u_b - u), the roots those of Cholesky.
    """
    weights = resample_weights(job.sample.runs, count, len(job.sample.names), seed, cluster)
    found = resample(job, point, weights)
    space = job.sample.space
    here = space.free(point)
    root = np.linalg.cholesky(information(job.sample, point[0], job.penalty).covariance)
    draws = np.empty_like(found.coefficients)
    for b, (c, w) in enumerate(zip(found.coefficients, weights, strict=True)):
        own = np.linalg.cholesky(information(job.sample, c, job.penalty, w).covariance)
        error = np.linalg.solve(own, (space.free(c[None, :]) - here)[0])
        draws[b] = here[0] - root @ error
    kept = np.where(np.isfinite(draws), draws, here)
    return Draws(space.coefficients(kept), found.converged, found.agree)


def jackknife(job: Job, point: Array, count: int, seed: int, cluster: Groups | None = None) -> Draws:
    """Normal draws with the covariance of fits that each leave one run (or one of ``MOST_LEFT_OUT`` parts) out."""
    sample = job.sample
    part = cluster if cluster is not None else np.arange(sample.runs) % min(sample.runs, MOST_LEFT_OUT)
    parts = int(part.max()) + 1
    weights = (part[None, :] != np.arange(parts)[:, None]).astype(float)
    solved = sample.descend(np.repeat(point, parts, axis=0), weights, job.penalty)
    free = sample.space.free(solved.coefficients)
    away = free - free.mean(axis=0)
    spread = np.linalg.svd(away * np.sqrt((parts - 1) / parts), full_matrices=False)
    normal = np.random.default_rng(seed).standard_normal((count, len(spread.S)))
    draws = sample.space.coefficients(sample.space.free(point) + (normal * spread.S) @ spread.Vh)
    return Draws(draws, float(solved.converged.mean()), about={"left_out": parts})


def resample(job: Job, point: Array, weights: Array) -> Draws:
    """The coefficients of each resample in ``weights`` ``(draw, run)``, each solved anew from ``point``.

    ``CHECKED_RESAMPLES`` of them are solved from a global start of their own as well: if any disagrees, all are, and
    the better solution of each is kept.
    """
    problem = job.sample
    solved = problem.descend(np.repeat(point, len(weights), axis=0), weights, job.penalty, near=True)
    some = weights[:CHECKED_RESAMPLES]
    again = problem.descend(job.starts.best(some)[:, 0], some, job.penalty)
    agree = same(again.objective, solved.objective[: len(some)])
    if not agree.all():
        again = problem.descend(job.starts.best(weights)[:, 0], weights, job.penalty)
        agree = same(again.objective, solved.objective)
    better = np.flatnonzero(again.objective < solved.objective[: len(again.objective)])
    draws, converged = solved.coefficients.copy(), solved.converged.copy()
    draws[better], converged[better] = again.coefficients[better], again.converged[better]
    return Draws(draws, float(converged.mean()), float(agree.mean()))


def resample_weights(runs: int, count: int, coefficients: int, seed: int, cluster: Groups | None = None,
                     beyond: float | None = None) -> Array:
    """How much each run counts in each of ``count`` resamples, ``(count, run)``: ``runs`` in sum, on average.

    ``cluster`` numbers the group of each run: groups are drawn, and their runs with them. ``beyond`` is the share of
    residuals in the penalty's linear part, for resamples of ``resample_size``; otherwise they are as large as the
    table. A resample with fewer distinct runs than coefficients can fit nothing and is drawn again.
    """
    rng = np.random.default_rng(seed)
    groups = runs if cluster is None else int(cluster.max()) + 1
    size = groups if beyond is None else resample_size(groups, coefficients, beyond)
    share = np.full(groups, 1.0 / groups)

    def draw(number: int) -> Array:
        counts: Array = np.empty((number, groups))
        for block in np.array_split(counts, max(1, number // 64)):  # its integers, all at once, would take as much
            block[:] = rng.multinomial(size, share, size=len(block))
        counts *= groups / size
        return counts if cluster is None else counts[:, cluster]

    weights = draw(count)
    for _ in range(100):
        poor = np.flatnonzero((weights > 0).sum(axis=1) < min(coefficients + 1, runs))
        if not len(poor):
            break
        weights[poor] = draw(len(poor))
    return weights


def resample_size(runs: int, coefficients: int, beyond: float) -> int:
    """How many runs a resample draws so that it spreads as the estimate does: n ((n - p) / n)**(1 - 4 q).

    q is the share of residuals ``beyond`` delta. At q = 0 (least squares) residuals are smaller than the noise by the
    root of n / (n - p), and resamples of n - p runs spread by as much more. Near q = 1 (least absolute deviations)
    resamples of few runs spread too far, and larger ones less. The rule is a line between both ends, its slope set
    on simulated tables; benchmarks/coverage.py measures the coverage that it gives.
    """
    if runs <= coefficients:
        return runs
    size: float = runs * ((runs - coefficients) / runs) ** (1.0 - 4.0 * beyond)
    return max(round(size), coefficients + 1)


def moved(problem: Problem | Joint, draws: Array, centre: Array, point: Array, factor: float) -> Array:
    """Draws about ``centre`` as draws about ``point``, their distance times ``factor`` in the unbounded variables."""
    free = problem.space.free
    return problem.space.coefficients(free(point) + factor * (free(draws) - free(centre)))
