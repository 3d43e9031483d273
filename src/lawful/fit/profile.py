"""Profile likelihood: how far each coefficient can be moved if all the others follow.

    signed root  z_j(v) = sign(v - v_0) sqrt(2 k (F_j(v) - F_0)),

F_j(v) the lowest objective with coefficient j held at v and k the rate that makes it chi-squared
(``lawful.fit.information``). An interval ends where |z| reaches the normal's quantile: it is as skewed
as the objective, and open where the objective never rises enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.fit.information import information
from lawful.fit.objective import Objective
from lawful.fit.problem import Joint, Problem
from lawful.fit.resampling import Draws
from lawful.fit.search import Job
from lawful.fit.solver import Solvable

Array = npt.NDArray[np.float64]

STEPS = np.array([-8.0, -5.0, -3.5, -2.5, -1.8, -1.2, -0.6, 0.6, 1.2, 1.8, 2.5, 3.5, 5.0, 8.0])
"""Where a coefficient is held, in standard errors from the estimate."""

FARTHEST, ROUNDS = 24.0, 6
"""How far from the estimate an end is looked for, in a logarithm: a factor of 2.6e10, and in how many rounds."""


class _Holding(Solvable):
    """A problem in which one coefficient stays where each row's start has it."""

    def __init__(self, problem: Problem | Joint, held: int) -> None:
        self.problem, self.held = problem, held
        self.names, self.space, self.runs, self.prior = problem.names, problem.space, problem.runs, problem.prior

    def derivatives(self, u: Array, weights: Array | None, penalty: Objective) -> tuple[Array, Array, Array]:
        """Those of the problem, none along the held coefficient."""
        F, g, H = self.problem.derivatives(u, weights, penalty)
        g[:, self.held] = 0.0
        H[:, self.held, :] = H[:, :, self.held] = 0.0
        H[:, self.held, self.held] = 1.0
        return F, g, H

    def scale(self, u: Array, weights: Array | None, penalty: Objective) -> Array:
        """That of the problem, 1 along the held coefficient."""
        found = self.problem.scale(u, weights, penalty)
        found[:, self.held] = 1.0
        return found

    def residuals(self, c: Array) -> Array:
        """Those of the problem."""
        return self.problem.residuals(c)

    def misfit(self, c: Array) -> Array:
        """That of the problem."""
        return self.problem.misfit(c)


def profile(job: Job, point: Array, count: int, seed: int) -> Draws:
    """Draws whose every coefficient has its profile's distribution, tied together by the information's correlation.

    The marginal intervals are those of the profiles; a forecast takes the tie as it stands, which is an
    approximation where the profiles are bent.
    """
    sample = job.sample
    known = information(sample, point[0], job.penalty)
    u, errors = sample.space.free(point)[0], np.sqrt(np.diag(known.covariance))
    correlation = known.covariance / errors[:, None] / errors[None, :]
    normal = np.random.default_rng(seed).multivariate_normal(np.zeros(len(u)), correlation, size=count,
                                                             check_valid="ignore", method="eigh")
    best = float(sample.solve(point, None, job.penalty).objective[0])
    draws, converged = np.empty((count, len(u))), []
    for j in range(len(u)):
        starts = np.repeat(u[None, :], len(STEPS), axis=0)
        starts += STEPS[:, None] * known.covariance[j] / errors[j]  # the others begin where a normal would have them
        solved = _Holding(sample, j).descend(sample.space.coefficients(starts), None, job.penalty)
        converged.append(solved.converged.mean())
        roots = np.sign(STEPS) * np.sqrt(np.maximum(2.0 * known.rate * (solved.objective - best), 0.0))
        places = np.concatenate([starts[:, j][STEPS < 0], [u[j]], starts[:, j][STEPS > 0]])
        roots = np.concatenate([np.minimum.accumulate(roots[STEPS < 0][::-1])[::-1], [0.0],
                                np.maximum.accumulate(roots[STEPS > 0])])
        draws[:, j] = _inverse(normal[:, j], roots, places)
    return Draws(sample.space.coefficients(draws), float(np.mean(converged)))


@dataclass(frozen=True)
class Ends:
    """Where a coefficient's profile interval ends; None where the objective never rises enough on that side."""

    low: float | None
    high: float | None


def ends(job: Job, point: Array, level: float, others: Array | None = None) -> tuple[Ends, ...]:
    """The profile interval of each coefficient at ``point`` ``(1, coefficient)``, open where it has no end.

    ``others`` ``(start, coefficient)`` are further sets of coefficients that the rest may follow from, such as the
    other optima of the search: a ridge is seldom found from one end of it. The steps at which a coefficient is held
    are narrowed or widened until the interval ends between them, up to ``FARTHEST`` from the estimate in its
    unbounded variable.
    """
    from scipy.special import ndtri

    sample = job.sample
    z = float(ndtri(0.5 + 0.5 * level)) * (sample.runs / job.problem.runs) ** 0.5  # of a long table a sample is held
    centre = point if job.problem is sample else sample.descend(point, None, job.penalty).coefficients
    known = information(sample, centre[0], job.penalty)
    u, variance = sample.space.free(centre)[0], np.diag(known.covariance)
    moved = sample.space.free(point)[0] - u  # the sample's own optimum is not the table's
    rest = np.vstack([u, u if others is None else sample.space.free(others)])
    whole = np.array([np.isinf(limit.low) and np.isinf(limit.high) for limit in sample.space.limits])
    best = float(sample.solve(centre, None, job.penalty).objective[0])
    found = []
    for j in range(len(u)):
        widest = np.inf if whole[j] else FARTHEST / STEPS[-1]
        step, follow = min(np.sqrt(variance[j]), widest), known.covariance[j] / variance[j]
        for _ in range(ROUNDS):
            places, roots = signed_roots(job, known.rate, best, rest, j, step * STEPS, follow)
            inner = max(-roots[len(STEPS) // 2 - 1], roots[len(STEPS) // 2 + 1])
            if inner > z:  # it ends before the first step
                step *= 0.3
            elif (-roots[0] < z or roots[-1] < z) and step < widest:
                step = min(4.0 * step, widest)
            else:
                break
        sides = [float(np.interp(side, roots, places)) if roots[0] <= side <= roots[-1] else None for side in (-z, z)]
        sides = [None if side is None else _coefficient(sample, u, j, side + moved[j]) for side in sides]
        falls = sample.space.open(u[None, :])[1][0, j] < 0  # a coefficient that falls with its unbounded variable
        found.append(Ends(*(sides[::-1] if falls else sides)))
    return tuple(found)


def _coefficient(problem: Problem | Joint, u: Array, j: int, value: float) -> float:
    """The ``j``-th coefficient where its unbounded variable has this value."""
    at = u.copy()
    at[j] = value
    return float(problem.space.coefficients(at[None, :])[0, j])


def signed_roots(job: Job, rate: float, best: float, rest: Array, j: int, moves: Array,
                 follow: Array) -> tuple[Array, Array]:
    """Where the ``j``-th unbounded variable is held, ``moves`` from the first of ``rest`` and there, and signed roots.

    ``rate`` is that of the information, ``best`` the lowest objective; the others start from where a normal would have
    them, ``follow`` a unit of the held one, and from each of ``rest`` ``(start, coefficient)``.
    """
    u = rest[0]
    starts = [u + moves[:, None] * follow]  # the others follow, or begin where they are
    for start in rest:
        starts.append(np.repeat(start[None, :], len(moves), axis=0))
        starts[-1][:, j] = u[j] + moves
    solved = _Holding(job.sample, j).descend(job.sample.space.coefficients(np.concatenate(starts)), None, job.penalty)
    objective = np.where(np.isfinite(solved.objective), solved.objective, np.inf).reshape(len(starts), -1)
    roots = np.sign(moves) * np.sqrt(np.maximum(2.0 * rate * (objective.min(axis=0) - best), 0.0))
    return np.concatenate([(u[j] + moves)[moves < 0], [u[j]], (u[j] + moves)[moves > 0]]), np.concatenate(
        [np.minimum.accumulate(roots[moves < 0][::-1])[::-1], [0.0], np.maximum.accumulate(roots[moves > 0])])


def _inverse(z: Array, roots: Array, places: Array) -> Array:
    """Where the signed root is ``z``; beyond the last place as far as its last slope leads, at most twice the span."""
    found: Array = np.interp(z, roots, places)
    for low, (a, b) in ((True, (0, 1)), (False, (-1, -2))):
        slope = (places[a] - places[b]) / (roots[a] - roots[b]) if roots[a] != roots[b] else 0.0
        beyond = z < roots[a] if low else z > roots[a]
        found[beyond] = places[a] + slope * (z[beyond] - roots[a])
    middle, reach = 0.5 * (places[0] + places[-1]), places[-1] - places[0]
    return np.clip(found, middle - reach, middle + reach)
