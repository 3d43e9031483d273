"""``fit(form, runs)``: from a table of runs to a law with draws, in one batch.

Preparing the table, searching the optimum and drawing about it are modules of their own; this one puts
them together and judges the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError
from lawful.fit.calibrate import measure, recorded
from lawful.fit.choice.candidates import is_auto
from lawful.fit.drift import NO_DRIFT
from lawful.fit.objective import HUBER_DELTA, objective
from lawful.fit.prepare import check_fixed, prepare
from lawful.fit.problem import Joint, Problem
from lawful.fit.reach import evidence
from lawful.fit.record import NO_RECORD
from lawful.fit.resampling import Draws
from lawful.fit.result import Fit, FitStatus, Search, noise_about, region_of
from lawful.fit.search import Job, make_job, search, settled
from lawful.fit.solver import Solution
from lawful.fit.uncertainty import check_method, doubts, draw
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.results import Caveat
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

INFLUENCE = 1e-6
"""A coefficient that moves no run's log loss by more than this when it changes e-fold is at its bound."""

CONDITION = 1e12
"""Beyond this condition of the scaled information matrix, double precision cannot tell coefficients apart."""


AN_ARRAY = "(an array)"
"""What is recorded of weights or noise that came as an array: a saved fit holds no runs."""


def fit(
    form: str | Law | type[Law],
    runs: RunTable,
    *,
    loss: str = "huber_log",
    delta: float = HUBER_DELTA,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
    fixed: Mapping[str, float] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    weights: str | Array | None = None,
    noise: str | Array | None = None,
    cluster: str | None = None,
    uncertainty: str = "bootstrap",
    start: Law | None = None,
) -> Fit:
    """Fit ``form`` to ``runs`` and resample it: the law, its draws, and how sure the search is.

    ``form`` may be ``auto``: it is then chosen among candidates (``lawful.fit.choice.selection``).
    ``loss`` is one of ``lawful.fit.objective``; ``fixed`` holds coefficients at given values and
    ``limits`` keeps them within (low, high). ``weights`` (a column or an array) multiply each run's
    penalty; ``noise`` (a column, an array, or ``seeds`` to estimate it from repeated runs) is the
    standard deviation of each run's outcome. ``uncertainty`` is a method of ``lawful.fit.uncertainty``:
    each of ``bootstrap`` resamples draws runs with replacement (or the groups of runs that the column
    ``cluster`` names) and is solved anew; the other methods give as many draws.
    ``start`` is a law of the form from which the optimum is searched as well.

    Raises ``RunsError`` for a missing column, fewer runs than coefficients, a quantity with one distinct
    value, or outcomes that are all equal; ``InputError`` for a bad option; ``UnknownName`` for a form.
    """
    if is_auto(form):
        from lawful.fit.choice.selection import fit_auto

        return fit_auto(str(form), runs, loss=loss, delta=delta, bootstrap=bootstrap, seed=seed, level=level,
                        fixed=fixed, limits=limits, weights=weights, noise=noise, cluster=cluster,
                        uncertainty=uncertainty)
    law = find_form(form)
    fixed = dict(fixed or {})
    check_options(level, bootstrap)
    check_method(uncertainty, cluster)
    check_fixed(law, fixed)
    law = law.with_coefficients({**law.coefficients, **fixed})
    penalty = objective(loss, delta)
    problem, notes = prepare(law, runs, penalty, fixed=fixed, limits=limits or {}, weights=weights, noise=noise)
    job = settled(make_job(problem, penalty))
    assert isinstance(job.sample, Problem)
    best, agree = search(job, None if start is None else np.array([[start.coefficients[n] for n in problem.names]]))
    best = job.problem.polish(best, job.penalty)
    groups = None if cluster is None else _groups(runs, cluster)
    draws = draw(uncertainty, job, best.coefficients[:1], bootstrap, seed, groups)
    found = concluded(runs, problem, job, best, agree, draws, level=level, seed=seed)
    drift = measure(problem, job.sample, best.coefficients[:1], found.record) if bootstrap else NO_DRIFT
    return replace(found, warnings=(*notes, *found.warnings), record=found.record.thinned(), drift=drift,
                   uncertainty={"method": uncertainty, **draws.about}, options={
                       "limits": {name: list(span) for name, span in (limits or {}).items()},
                       "weights": _named(weights), "noise": _named(noise), "cluster": cluster})


def concluded(runs: RunTable, problem: Problem, job: Job, best: Solution, agree: int, draws: Draws, *, level: float,
              seed: int) -> Fit:
    """The fit that a solution and draws about it make, judged, with its whole record and no drift."""
    c, law, fixed = best.coefficients[0], problem.law, problem.fixed
    assert isinstance(job.sample, Problem)
    fitted = law.with_coefficients({**fixed, **dict(zip(problem.names, c.tolist(), strict=True))})
    residuals = -job.problem.misfit(best.coefficients[:1])[0]
    condition, influence = identified(job.sample, c)
    status, warnings = judge(problem, best, agree, condition, influence, draws.converged)
    drawn = len(draws.coefficients) > 0
    return Fit(
        law=fitted, draws=draws_in_order(law, problem.names, draws.coefficients, fixed), status=status,
        region=region_of(problem.quantities), evidence=evidence(problem.quantities),
        objective=job.penalty.described(float(best.objective[0]), float(job.problem.runs)), residuals=residuals,
        noise=noise_about(residuals, len(problem.names)),
        n_runs=problem.runs, level=level, search=Search(len(best.objective), agree, condition, draws.converged,
                                                        draws.agree),
        warnings=(*warnings, *doubts(draws)), fixed=tuple(fixed), source=runs.source, seed=seed,
        record=recorded(job.sample, job.penalty, best.coefficients[:1], draws.coefficients) if drawn else NO_RECORD,
    )


def _named(column: str | Array | None) -> str | None:
    """How a fit records a column that it was given: its name, or that it was an array."""
    return column if isinstance(column, str) or column is None else AN_ARRAY


def check_options(level: float, bootstrap: int) -> None:
    """Raise ``InputError`` for a level or a number of resamples that cannot be."""
    if not 0.0 < level < 1.0:
        raise InputError(f"--level must lie between 0 and 1, got {level:g}")
    if bootstrap < 0:
        raise InputError(f"--bootstrap must be 0 or more, got {bootstrap}")


def _groups(runs: RunTable, column: str) -> npt.NDArray[np.int64]:
    """The number of each run's group by the values of ``column``, a label or a quantity."""
    _, group = np.unique(runs.label(column), return_inverse=True)
    if group.max() < 2:
        raise InputError(f"--cluster {column}: the table has {int(group.max()) + 1} such groups; resampling groups "
                         "needs at least 3, better 10 and more")
    numbers: npt.NDArray[np.int64] = group.ravel().astype(np.int64)
    return numbers


def draws_in_order(law: Law, names: tuple[str, ...], draws: Array, fixed: Mapping[str, float]) -> Array:
    """Draws of the fitted coefficients ``names`` as draws of all of the law's, those ``fixed`` at their values."""
    full = np.empty((len(draws), len(law.names())))
    for j, name in enumerate(law.names()):
        full[:, j] = fixed[name] if name in fixed else draws[:, names.index(name)]
    return full


def identified(problem: Problem | Joint, c: Array) -> tuple[float, Array]:
    """Condition of the information matrix with unit diagonal, and each coefficient's largest influence."""
    J = problem.gradients(c) * c[:, None]
    size = np.sqrt((J**2).sum(axis=1))
    influence = np.abs(J).max(axis=1)
    if not np.isfinite(size).all() or (size == 0).any():
        return math.inf, np.nan_to_num(influence)
    unit = J / size[:, None]
    return float(np.linalg.cond(unit @ unit.T)), influence


def judge(problem: Problem | Joint, best: Solution, agree: int, condition: float, influence: Array,
          converged: float) -> tuple[FitStatus, list[Caveat]]:
    """The status of a fit, and what its reader must know about it."""
    warnings: list[Caveat] = []
    idle = [name for name, size in zip(problem.names, influence, strict=True) if size < INFLUENCE]
    held = [problem.names[j] for j in problem.space.at_limit(best.coefficients[0])]
    if not best.converged[0]:
        status = FitStatus.OUT_OF_STEPS
    elif idle or held:
        status = FitStatus.AT_BOUND
    else:
        status = FitStatus.NOT_IDENTIFIED if condition > CONDITION else FitStatus.CONVERGED
    if idle:
        warnings.append(Caveat("at_bound", f"{', '.join(idle)} ran to the edge of the limits, where the law no longer "
                               "depends on it: fit a form without it, or add runs that would show it"))
    if held:
        warnings.append(Caveat("at_limit", f"{', '.join(held)} ran into its limit: the runs would have it beyond; "
                               "its interval says nothing about that side"))
    if status in (FitStatus.OUT_OF_STEPS, FitStatus.NOT_IDENTIFIED):
        warnings.append(Caveat(status.value, status.sentence))
    if agree < max(2, len(best.objective) // 4):
        warnings.append(Caveat("starts_disagree", f"only {agree} of {len(best.objective)} starts reached the best "
                               "objective: the surface has several basins"))
    if converged < 0.98:
        warnings.append(Caveat("resamples_failed", f"{100 * (1 - converged):.2g} % of the resamples did not converge; "
                               "the intervals use them as they stand"))
    return status, warnings
