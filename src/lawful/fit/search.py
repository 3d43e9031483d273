"""The search for the optimum: many starts, polished together, and the best of them taken to the last digit.

A long table is searched on a sample of its runs and solved on all of them; widths that belong to the
objective (of Student's t, of a frontier) are estimated with the coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer
from lawful.fit.objective import Objective
from lawful.fit.problem import Joint, Problem, in_blocks
from lawful.fit.result import noise_about
from lawful.fit.solver import Solution
from lawful.fit.starts import Lattice
from lawful.fit.terms import undefined

Array = npt.NDArray[np.float64]

SAMPLE = 2048
"""Runs of a long table that are searched and resampled: more would cost much and settle nothing."""

PATIENCE = 4000
"""Further steps for the starts that ran out of them, where the best is one of these."""

FINALISTS = 3
"""Distinct optima of a long table's sample that are solved again on the whole of it."""

AGREEMENT = 1e-6
"""Two objectives this close, relatively, are the same optimum."""


class Starts(Protocol):
    """Where searches start."""

    def best(self, weights: Array | None, keep: int = 1) -> Array:
        """The most promising starts, ``(batch, keep, coefficient)``, under each row of ``weights`` ``(batch, run)``."""

    def promising(self, penalty: Objective) -> Array:
        """The starts of the point estimate, ``(start, coefficient)``."""


@dataclass(frozen=True)
class Job:
    """One fit's parts: what is solved, what is minimised, where searches start.

    ``sample`` is ``problem`` itself, or the evenly spaced ``rows`` of a long table.
    """

    problem: Problem | Joint
    penalty: Objective
    starts: Starts
    sample: Problem | Joint
    rows: npt.NDArray[np.int64] | None = None


def make_job(problem: Problem, penalty: Objective) -> Job:
    """A problem with its lattice; a long one in blocks, with the sample that is searched and resampled."""
    if problem.runs <= SAMPLE:
        return Job(problem, penalty, Lattice.of(problem), problem)
    rows = np.unique(np.linspace(0, problem.runs - 1, SAMPLE).astype(np.int64))
    sample = problem.take(rows)
    return Job(in_blocks(problem), penalty, Lattice.of(sample), sample, rows)


def same(a: Array, b: Array | float) -> npt.NDArray[np.bool_]:
    """Where two objectives are one optimum's."""
    return np.asarray(np.abs(a - b) <= AGREEMENT * np.abs(b) + 1e-18)


def search(job: Job, also: Array | None = None) -> tuple[Solution, int]:
    """Every start's solution, best first, and how many starts reached the best objective.

    ``also`` is a further start, ``(1, coefficient)``, such as the optimum of fewer runs.
    Raises ``FailedToAnswer`` where the formula has no finite value at any start.
    """
    starts = job.starts.promising(job.penalty)
    if also is not None:
        starts = np.vstack([starts, also])
    solved = job.sample.descend(starts, None, job.penalty).sorted()
    if not np.isfinite(solved.objective[0]):
        raise FailedToAnswer(f"{job.sample.form} has no finite value on these runs from any of {len(starts)} starts: "
                             f"{undefined(job.sample, starts)}; is a quantity in another unit than the law expects, or "
                             "a limit too narrow?")
    if not solved.converged[0]:
        solved = _followed(job, solved)
    agree = int(np.sum(same(solved.objective, solved.objective[0])))
    if job.problem is job.sample:
        return solved, agree
    apart = np.flatnonzero(np.diff(solved.objective, prepend=-np.inf) > 1e-9 * np.abs(solved.objective))[:FINALISTS]
    whole = job.problem.solve(solved.coefficients[apart], None, job.penalty).sorted()
    rest = np.minimum(np.arange(len(solved.objective)), len(apart) - 1)  # as many rows as there were starts
    return Solution(whole.coefficients[rest], whole.objective[rest], whole.converged[rest], whole.steps), agree


def _followed(job: Job, solved: Solution) -> Solution:
    """``solved`` with the rows that ran out of steps taken on to their end: the best of them creeps along a valley."""
    rest = np.flatnonzero(~solved.converged & np.isfinite(solved.objective))
    further = job.sample.solve(solved.coefficients[rest], None, job.penalty, max_steps=PATIENCE)
    coefficients, objective, converged = solved.coefficients.copy(), solved.objective.copy(), solved.converged.copy()
    coefficients[rest], objective[rest], converged[rest] = further.coefficients, further.objective, further.converged
    return Solution(coefficients, objective, converged, solved.steps + further.steps).sorted()


def settled(job: Job) -> Job:
    """The job with the widths of its penalty at their most likely values, the coefficients' beside them."""
    names = job.penalty.widths
    if not names:
        return job
    from scipy.optimize import minimize

    begin, _ = search(replace(job, problem=job.sample, penalty=job.penalty.easy()))
    point = begin.coefficients[:1]
    middle = max(noise_about(job.sample.residuals(point)[0], len(job.sample.names)), 1e-9)
    best: dict[str, Any] = {"value": math.inf, "penalty": job.penalty, "point": point}

    def unlikely(logs: Array) -> float:
        penalty = replace(job.penalty, **dict(zip(names, (middle * np.exp(logs)).tolist(), strict=True)))
        solved = job.sample.solve(best["point"], None, penalty)
        value = penalty.reported(float(solved.objective[0]), float(job.sample.runs))
        if value < best["value"]:
            best.update(value=value, penalty=penalty, point=solved.coefficients)
        return value if math.isfinite(value) else 1e300

    logs = np.zeros(len(names))
    minimize(unlikely, logs, method="Nelder-Mead", bounds=[(-4.0, 5.0)] * len(names),
             options={"xatol": 1e-4, "fatol": 1e-7, "initial_simplex": np.vstack([logs, logs + np.eye(len(names))])})
    return replace(job, penalty=best["penalty"])
