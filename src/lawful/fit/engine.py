"""``fit(form, runs)``: from a table of runs to a law with draws, in one batch.

The point estimate is searched from the best of a lattice; each bootstrap resample is re-solved from
the best lattice point under its own weights, not from the point estimate, and a sample of them is
re-solved from the point estimate as well: if any disagrees, all are, and the better one is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError, LawError, RunsError
from lawful.fit.objective import HUBER_DELTA, Objective, objective
from lawful.fit.result import Fit, FitStatus, Search
from lawful.fit.solver import Problem, Solution
from lawful.fit.starts import Lattice
from lawful.laws.base import Law, Region
from lawful.laws.registry import form as find_form
from lawful.quantities import PARAM_COUNTS, QUANTITIES
from lawful.results import Caveat
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

STARTS = 24
"""Lattice points polished for the point estimate."""

AGREEMENT = 1e-6
"""Two objectives this close, relatively, are the same optimum."""

CHECKED_RESAMPLES = 64
"""Resamples that are solved twice, from their own lattice and from the point estimate."""

INFLUENCE = 1e-6
"""A coefficient that moves no run's log loss by more than this when it changes e-fold is at its bound."""

CONDITION = 1e12
"""Beyond this condition of the scaled information matrix, double precision cannot tell coefficients apart."""


@dataclass(frozen=True)
class Job:
    """One fit's parts: what is solved, what is minimised, where searches start."""

    problem: Problem
    penalty: Objective
    lattice: Lattice


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
) -> Fit:
    """Fit ``form`` to ``runs`` and resample it: the law, its draws, and how sure the search is.

    ``loss`` is ``huber_log`` (with ``delta``), ``log_squares`` or ``absolute_log``; ``fixed`` holds
    coefficients at given values. Each of ``bootstrap`` resamples draws runs with replacement and is
    solved from a global start of its own.

    Raises ``RunsError`` for a missing column, fewer runs than coefficients, a quantity with one distinct
    value, or outcomes that are all equal; ``InputError`` for a bad option; ``UnknownName`` for a form.
    """
    law = find_form(form)
    fixed = dict(fixed or {})
    if not 0.0 < level < 1.0:
        raise InputError(f"--level must lie between 0 and 1, got {level:g}")
    if bootstrap < 0:
        raise InputError(f"--bootstrap must be 0 or more, got {bootstrap}")
    if unknown_names := set(fixed) - set(law.names()):
        raise LawError(f"{law.form} has no coefficient {', '.join(sorted(unknown_names))}; "
                       f"it has {', '.join(law.names())}")
    law = law.with_coefficients({**law.coefficients, **fixed})
    penalty = objective(loss, delta)
    quantities, observed, notes = _data(law, runs, len(law.names()) - len(fixed))
    problem = Problem(law, quantities, observed, fixed)
    job = Job(problem, penalty, Lattice.of(problem))
    best, agree = _point(job)
    draws, converged, agreeing = resample(job, best.coefficients[:1], bootstrap, seed)
    c = best.coefficients[0]
    fitted = law.with_coefficients({**fixed, **dict(zip(problem.names, c.tolist(), strict=True))})
    residuals = -problem.residuals(best.coefficients[:1])[0]
    draws = _spread(problem, penalty, c, residuals, draws)
    condition, influence = _information(problem, c)
    status, warnings = _judge(problem, best, agree, condition, influence, converged)
    return Fit(
        law=fitted, draws=_with_fixed(law, problem, draws, fixed), status=status,
        region=Region(**{name: (float(q.min()), float(q.max())) for name, q in quantities.items()}),
        objective={"name": penalty.name, "delta": delta if loss == "huber_log" else None,
                   "value": float(best.objective[0] * penalty.scale)},
        residuals=residuals, noise=_noise(residuals, len(problem.names)), n_runs=len(observed), level=level,
        search=Search(STARTS, agree, condition, converged, agreeing),
        warnings=(*notes, *warnings), fixed=tuple(fixed), source=runs.source, seed=seed,
    )


def _data(law: Law, runs: RunTable, free: int) -> tuple[dict[str, Array], Array, tuple[Caveat, ...]]:
    """The columns a fit needs, checked for what no fit can do without."""
    target = law.output.name
    observed = runs[target]
    quantities = {name: runs[name] for name in law.inputs}
    if len(observed) < free:
        raise RunsError(f"{runs.source}: {law.form} has {free} coefficients to fit and the table {len(observed)} "
                        f"runs; give at least {free}, better {3 * free}")
    for name, values in quantities.items():
        if np.ptp(values) <= 1e-12 * values.max():
            raise RunsError(f"{runs.source}: {name} is {values[0]:g} in every run, so its effect cannot be fitted; "
                            f"add runs with other {name}, or fit a form without it")
    if np.ptp(observed) <= 1e-12 * observed.max():
        raise RunsError(f"{runs.source}: {target} is {observed[0]:g} in every run: there is nothing to fit")
    if law.output.positive and observed.min() <= 0:
        raise RunsError(f"{runs.source}: {target} must be positive to be fitted on its logarithm; row "
                        f"{runs.rows[int(np.argmin(observed))]} holds {observed.min():g}")
    notes = list(runs.notes)
    wide = [name for name in PARAM_COUNTS[1:] if name in runs]
    if "params" in law.inputs and "params" in runs.columns and runs.columns["params"].column != "params" and wide:
        notes.append(Caveat("params_convention", f"params are column {runs.columns['params'].column!r}; the table "
                            f"also has {', '.join(wide)}: --map params=COLUMN fits on another count"))
    if len(observed) < free + 3:
        notes.append(Caveat("too_few_runs", f"{len(observed)} runs for {free} coefficients leave the intervals little "
                            "to rest on"))
    return quantities, observed, tuple(n for n in notes if _concerns(n, law))


def _concerns(note: Caveat, law: Law) -> bool:
    subject = note.code.partition("_")[0]
    return subject not in QUANTITIES or subject in law.inputs


def _point(job: Job) -> tuple[Solution, int]:
    """Every start's solution, best first, and how many starts reached the best objective."""
    solved = job.problem.descend(job.lattice.best(None, STARTS)[0], None, job.penalty)
    order = np.argsort(np.where(np.isfinite(solved.objective), solved.objective, np.inf), kind="stable")
    if not np.isfinite(solved.objective[order[0]]):
        raise FailedToAnswer(f"{job.problem.law.form} has no finite value on these runs from any of {STARTS} starts: "
                             "is a quantity in another unit than the law expects?")
    best = Solution(solved.coefficients[order], solved.objective[order], solved.converged[order], solved.steps)
    return best, int(np.sum(_same(best.objective, best.objective[0])))


def _same(a: Array, b: Array | float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.abs(a - b) <= AGREEMENT * np.abs(b) + 1e-18)


def resample(job: Job, point: Array, count: int, seed: int) -> tuple[Array, float, float]:
    """Coefficients of ``count`` case resamples, the share that converged, the share with one optimum."""
    if count == 0:
        return np.zeros((0, point.shape[1])), 1.0, 1.0
    weights = resample_weights(len(job.problem.observed), count, len(job.problem.names), seed)
    solved = job.problem.descend(job.lattice.best(weights)[:, 0], weights, job.penalty)
    checked = min(CHECKED_RESAMPLES, count)
    again = job.problem.descend(np.repeat(point, checked, axis=0), weights[:checked], job.penalty)
    agree = _same(again.objective, solved.objective[:checked])
    if not agree.all():
        again = job.problem.descend(np.repeat(point, count, axis=0), weights, job.penalty)
        agree = _same(again.objective, solved.objective)
    better = np.zeros(count, dtype=bool)
    better[: len(again.objective)] = again.objective < solved.objective[: len(again.objective)]
    draws, converged = solved.coefficients.copy(), solved.converged.copy()
    draws[better] = again.coefficients[better[: len(again.objective)]]
    converged[better] = again.converged[better[: len(again.objective)]]
    return draws, float(converged.mean()), float(agree.mean())


def resample_weights(runs: int, count: int, coefficients: int, seed: int) -> Array:
    """How often each run is drawn in each of ``count`` resamples, ``(count, run)``.

    A resample with fewer distinct runs than coefficients can fit nothing and is drawn again.
    """
    rng = np.random.default_rng(seed)
    share = np.full(runs, 1.0 / runs)
    weights = rng.multinomial(runs, share, size=count).astype(float)
    for _ in range(100):
        poor = np.flatnonzero((weights > 0).sum(axis=1) < min(coefficients + 1, runs))
        if not len(poor):
            break
        weights[poor] = rng.multinomial(runs, share, size=len(poor))
    return weights


def _spread(problem: Problem, penalty: Objective, c: Array, residuals: Array, draws: Array) -> Array:
    """The resamples, scaled about the estimate by (n / (n - p))**(1/2 - 9/4 q) for small tables.

    q is the share of residuals beyond delta. At q = 0 (least squares) residuals are smaller than the noise
    by the root of n / (n - p), and so is what their resamples show. Near q = 1 (least absolute deviations)
    case resamples of few runs spread too far. The rule is a line between both ends, its slope set on
    simulated tables; tests/studies measures the coverage that it gives.
    """
    n, p = len(problem.observed), len(problem.names)
    if n <= p or not len(draws):
        return draws
    beyond = float(np.mean(np.abs(residuals) > penalty.delta))
    centre = problem.space.free(c.reshape(1, -1))
    factor = (n / (n - p)) ** (0.5 - 2.25 * beyond)
    return problem.space.coefficients(centre + factor * (problem.space.free(draws) - centre))


def _with_fixed(law: Law, problem: Problem, draws: Array, fixed: Mapping[str, float]) -> Array:
    full = np.empty((len(draws), len(law.names())))
    for j, name in enumerate(law.names()):
        full[:, j] = fixed[name] if name in fixed else draws[:, problem.names.index(name)]
    return full


def _information(problem: Problem, c: Array) -> tuple[float, Array]:
    """Condition of the information matrix with unit diagonal, and each coefficient's largest influence."""
    J = problem.gradients(c) * c[:, None]
    size = np.sqrt((J**2).sum(axis=1))
    influence = np.abs(J).max(axis=1)
    if not np.isfinite(size).all() or (size == 0).any():
        return math.inf, np.nan_to_num(influence)
    unit = J / size[:, None]
    return float(np.linalg.cond(unit @ unit.T)), influence


def _noise(residuals: Array, coefficients: int) -> float:
    """The standard deviation of one run's log about the law, from the middle of the residuals."""
    centre = np.median(residuals)
    spread = 1.4826 * float(np.median(np.abs(residuals - centre)))
    n = len(residuals)
    return spread * math.sqrt(n / max(n - coefficients, 1))


def _judge(problem: Problem, best: Solution, agree: int, condition: float, influence: Array,
           converged: float) -> tuple[FitStatus, list[Caveat]]:
    """The status of a fit, and what its reader must know about it."""
    warnings: list[Caveat] = []
    idle = [name for name, size in zip(problem.names, influence, strict=True) if size < INFLUENCE]
    if not best.converged[0]:
        status = FitStatus.OUT_OF_STEPS
    elif idle:
        status = FitStatus.AT_BOUND
    else:
        status = FitStatus.NOT_IDENTIFIED if condition > CONDITION else FitStatus.CONVERGED
    if idle:
        warnings.append(Caveat("at_bound", f"{', '.join(idle)} ran to the edge of the limits, where the law no longer "
                               "depends on it: fit a form without it, or add runs that would show it"))
    if status in (FitStatus.OUT_OF_STEPS, FitStatus.NOT_IDENTIFIED):
        warnings.append(Caveat(status.value, status.sentence))
    if agree < max(2, len(best.objective) // 4):
        warnings.append(Caveat("starts_disagree", f"only {agree} of {len(best.objective)} starts reached the best "
                               "objective: the surface has several basins"))
    if converged < 0.98:
        warnings.append(Caveat("resamples_failed", f"{100 * (1 - converged):.2g} % of the resamples did not converge; "
                               "the intervals use them as they stand"))
    return status, warnings
