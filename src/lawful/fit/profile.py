"""Profile likelihood: how far each coefficient can be moved if all the others follow.

    signed root  z_j(v) = sign(v - v_0) sqrt(2 k (F_j(v) - F_0)),

F_j(v) the lowest objective with coefficient j held at v and k the rate that makes it chi-squared
(``lawful.fit.information``). An interval ends where |z| reaches the normal's quantile: it is as skewed
as the objective, and open where the objective never rises enough.
"""

from __future__ import annotations

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


def _inverse(z: Array, roots: Array, places: Array) -> Array:
    """Where the signed root is ``z``; beyond the last place as far as its last slope leads, at most twice the span."""
    found: Array = np.interp(z, roots, places)
    for low, (a, b) in ((True, (0, 1)), (False, (-1, -2))):
        slope = (places[a] - places[b]) / (roots[a] - roots[b]) if roots[a] != roots[b] else 0.0
        beyond = z < roots[a] if low else z > roots[a]
        found[beyond] = places[a] + slope * (z[beyond] - roots[a])
    middle, reach = 0.5 * (places[0] + places[-1]), places[-1] - places[0]
    return np.clip(found, middle - reach, middle + reach)
