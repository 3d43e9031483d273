"""What the coefficients could also have been: draws about the estimate, by several methods.

What to use when:

- ``bootstrap`` (the default) draws runs with replacement and solves each resample anew: the best coverage of
  these by docs/uncertainty.md, and the fastest;
- ``studentised`` measures each resample's error in its own standard errors;
- ``jackknife`` leaves each run out once: a covariance, cheap for a slow form; for least squares only, since the
  jackknife of a median is not consistent;
- ``profile`` follows the objective itself: skewed intervals where the surface is bent, open ones where a
  coefficient is not determined;
- ``posterior`` samples the objective as a likelihood, by emcee.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, unknown
from lawful.fit.posterior import posterior
from lawful.fit.profile import profile
from lawful.fit.resampling import Draws, Groups, bootstrap, jackknife, moved, studentised
from lawful.fit.search import Job
from lawful.results import Caveat

Array = npt.NDArray[np.float64]

RESAMPLING: Mapping[str, Callable[[Job, Array, int, int, Groups | None], Draws]] = {
    "bootstrap": bootstrap, "studentised": studentised, "jackknife": jackknife,
}
OTHERS: Mapping[str, Callable[[Job, Array, int, int], Draws]] = {"profile": profile, "posterior": posterior}

MIXED, ENOUGH = 1.01, 400.0
"""The R-hat above which chains have not mixed, and the effective sample size that an interval needs."""


def check_method(method: str, cluster: str | None) -> None:
    """Raise ``InputError`` for a method that does not exist, or that cannot draw clusters."""
    if method not in {*RESAMPLING, *OTHERS}:
        raise unknown("method", method, (*RESAMPLING, *OTHERS), where="in --uncertainty")
    if cluster is not None and method not in RESAMPLING:
        raise InputError(f"--uncertainty {method} knows no clusters; with --cluster give {', '.join(RESAMPLING)}")


def draw(method: str, job: Job, point: Array, count: int, seed: int, cluster: Groups | None = None) -> Draws:
    """``count`` draws about ``point`` ``(1, coefficient)`` by ``method``.

    Of a long table a sample of m of its n runs is used, and the draws are scaled by the root of m / n.
    """
    if count == 0:
        return Draws(np.zeros((0, point.shape[1])))
    if job.rows is None:
        return _by(method, job, point, count, seed, cluster)
    centre = job.sample.descend(point, None, job.penalty).coefficients
    narrower = (job.sample.runs / job.problem.runs) ** 0.5
    if cluster is not None:  # more runs of the same groups leave the groups' luck as it is
        cluster, narrower = np.unique(cluster[job.rows], return_inverse=True)[1].astype(np.int64), 1.0
    found = _by(method, job, centre, count, seed, cluster)
    draws = moved(job.sample, found.coefficients, centre, point, narrower)
    return Draws(draws, found.converged, found.agree, found.about)


def _by(method: str, job: Job, point: Array, count: int, seed: int, cluster: Groups | None) -> Draws:
    if method in RESAMPLING:
        return RESAMPLING[method](job, point, count, seed, cluster)
    return OTHERS[method](job, point, count, seed)


def doubts(draws: Draws) -> tuple[Caveat, ...]:
    """What the reader of these draws must know about them."""
    slow = [name for name, r_hat in draws.about.get("r_hat", {}).items()
            if r_hat > MIXED or draws.about["ess"][name] < ENOUGH]
    if not slow:
        return ()
    return (Caveat("not_mixed", f"the chains of {', '.join(slow)} have R-hat above {MIXED:g} or fewer than "
                   f"{ENOUGH:g} effective draws: read their intervals as rough"),)
