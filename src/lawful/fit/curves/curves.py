"""``fit_curves(form, runs)``: a law over training curves, from a table of (run, step, learning rate, loss).

The law is fitted at the points of all curves at once, with the solver and the objective of every other fit. Three
things are different. Points of one curve are no independent runs: resamples draw blocks of neighbouring points, or
whole runs where there are many. Coefficients that a few curves leave open are drawn to customary values
(``lawful.fit.curves.anchored``). And starts are polished on a coarser reading of the curves first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, LawError, RunsError, unknown
from lawful.fit.curves.anchored import ANCHORS, Anchored, Reading, correlation
from lawful.fit.curves.trajectories import MOST_POINTS, Trajectory, contrast, gather, schedules, trajectories
from lawful.fit.engine import check_options, draws_in_order, identified, judge
from lawful.fit.objective import HUBER_DELTA, Objective, objective
from lawful.fit.prepare import check_fixed
from lawful.fit.resampling import moved
from lawful.fit.result import Fit, Search, noise_about
from lawful.fit.search import same
from lawful.fit.solver import Solution
from lawful.laws.annealing import AnnealedLoss, MultiPowerLoss, ScheduleLoss
from lawful.laws.base import Region
from lawful.laws.registry import form as find_form
from lawful.results import Caveat
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

CHANGES = 96
"""Changes of the rate kept apart in a fit; the fit reports what that costs."""

MEDIUM, COARSE = (64, 32), (40, 24)
"""Points of a curve and changes of the rate for resamples, and while starts are compared."""

SCATTERED, STARTS = 64, 8
"""Starts compared, and starts polished."""

LOSSES = ("huber_log", "log_squares", "absolute_log")
"""What may be minimised: penalties without widths of their own."""

CLUSTERS = 8
"""Runs from which on resamples draw whole runs: fewer make too few different tables."""

SHRUNK = 0.7
"""An anchored coefficient whose spread is still this share of its anchor's was hardly seen by the curves."""


def fit_curves(
    form: str | ScheduleLoss | type[ScheduleLoss],
    runs: RunTable | Sequence[Trajectory],
    *,
    by: str | None = None,
    warmup: int | None = None,
    loss: str = "huber_log",
    delta: float = HUBER_DELTA,
    bootstrap: int = 200,
    seed: int = 0,
    level: float = 0.9,
    fixed: Mapping[str, float] | None = None,
    anchors: Mapping[str, tuple[float, float]] | None = None,
    points: int = MOST_POINTS,
) -> Fit:
    """Fit ``annealed_loss`` or ``multi_power`` to the training curves in ``runs``: a law of any schedule, with draws.

    ``by`` and ``warmup`` are those of ``trajectories``; ``fixed`` holds coefficients; ``anchors`` replaces the form's
    ``ANCHORS`` ({} for none); ``points`` is how many points of each curve are looked at. Ask the fit with ``along``.

    Raises ``RunsError`` for curves that cannot tell annealing from progress or that have fewer points than the law
    has coefficients, ``LawError`` for a form that takes no schedule or a coefficient it does not have.
    """
    law = _template(form)
    fixed = dict(fixed or {})
    check_options(level, bootstrap)
    check_fixed(law, fixed)
    if loss not in LOSSES:
        raise unknown("objective", loss, LOSSES, "Curves are fitted on the logarithm of the loss.")
    curves = trajectories(runs, by=by, warmup=warmup) if isinstance(runs, RunTable) else tuple(runs)
    source = runs.source if isinstance(runs, RunTable) else "curves"
    if (problem_with := contrast(curves)) is not None:
        raise RunsError(f"{source}: {problem_with}")
    law = law.with_coefficients({**law.coefficients, **fixed})
    chosen = ANCHORS.get(law.form, {}) if anchors is None else anchors
    chosen = {name: anchor for name, anchor in chosen.items() if name not in fixed}
    penalty = objective(loss, delta)
    reading = partial(Reading.of, law, curves, fixed, chosen)
    full = reading(points, CHANGES)
    problem, observed = full.problem, full.problem.observed
    if len(observed) < 3 * len(law.names()):
        raise RunsError(f"{source}: {law.form} has {len(law.names())} coefficients and the curves {len(observed)} "
                        f"points; give at least {3 * len(law.names())}")
    best, agree = _point(full, reading(*COARSE), penalty)
    c = best.coefficients[0]
    residuals = -problem.residuals(best.coefficients[:1])[0]
    draws, converged, what = _resample(reading(min(points, MEDIUM[0]), MEDIUM[1]), c, penalty, bootstrap, seed)
    condition, influence = identified(problem, c)
    status, warnings = judge(problem, best, agree, condition, influence, converged)
    fitted = law.with_coefficients({**fixed, **dict(zip(problem.names, c.tolist(), strict=True))})
    return Fit(
        law=fitted, draws=draws_in_order(law, problem.names, draws, fixed),
        status=status, region=_region(curves), n_runs=len(observed), level=level,
        objective={**penalty.described(float(penalty.value(residuals).sum()), float(len(observed))),
                   "anchors": {name: list(anchor) for name, anchor in chosen.items()},
                   "dispersion": problem.dispersion, "curves": len(curves), "schedules": schedules(curves),
                   "grouping_error": _grouping_error(fitted, curves)},
        residuals=residuals, noise=noise_about(residuals, len(problem.names)),
        search=Search(STARTS, agree, condition, converged, 1.0),
        warnings=(*_notes(curves, runs, warmup), *warnings, *_open(problem, draws)), fixed=tuple(fixed),
        source=source, seed=seed, uncertainty={"method": "bootstrap", "resampled": what},
    )


def _template(form: str | ScheduleLoss | type[ScheduleLoss]) -> ScheduleLoss:
    law = find_form(form)
    if not isinstance(law, AnnealedLoss | MultiPowerLoss):
        raise LawError(f"{law.form} takes no schedule; annealed_loss and multi_power are fitted to training curves")
    return type(law)(**law.coefficients, stages=None)


# ------------------------------------------------------------------------------------------- the point

def _point(full: Reading, coarse: Reading, penalty: Objective) -> tuple[Solution, int]:
    """The best solution, and how many of the polished starts reached it; starts are polished on the coarse reading."""
    starts = _starts(coarse.problem)
    coarse.weigh(coarse.problem.descend(starts[:1], None, penalty).coefficients, penalty)
    polished = coarse.problem.descend(starts, None, penalty).sorted()
    if not np.isfinite(polished.objective[0]):
        raise FailedToAnswer(f"{full.problem.law.form} has no finite value on these curves from any of {STARTS} "
                             "starts: are the learning rates and losses in the usual units?")
    best = polished.coefficients[:1]
    for _ in range(2):  # the weight of the anchors follows from the residuals, and the residuals from it
        full.weigh(best, penalty)
        solved = full.problem.descend(best, None, penalty)
        best = solved.coefficients
    return solved, int(same(polished.objective, polished.objective[0]).sum())


def _starts(problem: Anchored) -> Array:
    """The most promising of scattered starts, ``(start, coefficient)``, best first.

    Coefficients that enter linearly are solved for at each, as non-negative least squares on relative residuals.
    """
    from scipy.optimize import nnls

    low, high = problem.space.free(np.array([limit.start for limit in problem.space.limits]).T)
    low[problem.places] = problem.centres - 2.0 * problem.inverse**-0.5
    high[problem.places] = problem.centres + 2.0 * problem.inverse**-0.5
    points = problem.space.coefficients(low + _scattered(SCATTERED, len(low)) * (high - low))
    linear = [problem.names.index(name) for name in problem.linear]
    misfit = np.empty(len(points))
    for i, point in enumerate(points):
        point[linear] = 0.0
        rest = _relative(problem, point)
        basis = [_relative(problem, np.where(np.arange(len(point)) == j, 1.0, point)) - rest for j in linear]
        solved, misfit[i] = nnls(np.reshape(basis, (-1, len(rest))).T, 1.0 - rest) if linear else ([], 0.0)
        point[linear] = np.maximum(np.array(solved), np.array([1e-3 / np.abs(column).mean() for column in basis]))
    return points[np.argsort(misfit, kind="stable")[:STARTS]]


def _relative(problem: Anchored, point: Array) -> Array:
    """The law over the observed loss, ``(point,)``, whatever its sign and that of the coefficients."""
    given = {**problem.fixed, **dict(zip(problem.names, point.tolist(), strict=True))}
    law = problem.law.with_coefficients({name: np.array([value]) for name, value in given.items()})
    with np.errstate(all="ignore"):
        value: Array = law.at(problem.quantities) / problem.observed
    return np.nan_to_num(value, nan=1e6, posinf=1e6, neginf=-1e6)


def _scattered(count: int, dimensions: int) -> Array:
    """Points that fill the unit cube evenly, ``(count, dimensions)``: multiples of powers of a golden ratio.

    In d dimensions the ratio solves x**(d + 1) = x + 1.
    """
    ratio = 2.0
    for _ in range(50):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1.0)
    return (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0


# ------------------------------------------------------------------------------------------- the spread

def _resample(reading: Reading, point: Array, penalty: Objective, count: int,
              seed: int) -> tuple[Array, float, str]:
    """Coefficients of ``count`` resamples, the share that converged, and what was drawn.

    Each resample has anchors of its own, drawn about the customary values, so that a coefficient on which the curves
    are silent spreads as its anchor does, or more. They are solved on a coarser ``reading`` and moved, in the
    solver's own variables, by what its optimum is off ``point``; and widened by the share of the variance that they do
    not show.
    """
    problem, lengths, rng = reading.problem, reading.lengths, np.random.default_rng(seed)
    reading.weigh(point.reshape(1, -1), penalty)
    centre = problem.descend(point.reshape(1, -1), None, penalty).coefficients
    if len(lengths) >= CLUSTERS:
        drawn = rng.multinomial(len(lengths), np.full(len(lengths), 1 / len(lengths)), size=count)
        weights, what = np.repeat(drawn.astype(float), lengths, axis=1), "runs"
        shown = 1.0 - 1.0 / len(lengths)
    else:
        q, length = correlation(penalty.slope(problem.residuals(centre)[0]), lengths), float(np.mean(lengths))
        block = _block(q, length)
        weights, what = block_weights(lengths, block, count, rng), f"blocks of {block} points"
        shown = _seen(q, block) * _freedom(q, sum(lengths), len(point))
    widening = shown**-0.5
    draws, converged = np.empty((count, len(point))), np.zeros(count, dtype=bool)
    centres = problem.centres
    for i in range(count):
        problem.centres = centres + problem.inverse**-0.5 * rng.standard_normal(len(centres))
        solved = problem.descend(centre, weights[i : i + 1], penalty)
        draws[i], converged[i] = solved.coefficients[0], solved.converged[0]
    draws = moved(problem, draws, centre, point.reshape(1, -1), widening)
    return draws, float(converged.mean()) if count else 1.0, what


def _block(q: float, length: float) -> int:
    """The best length of circular blocks for neighbours with a correlation of ``q``.

    (6 q**2 / (1 - q**2)**2 n)**(1/3), at most a quarter of the curve: Politis and White 2004, for a first-order
    autoregression.
    """
    best = (6.0 * q * q / (1.0 - q * q) ** 2 * length) ** (1.0 / 3.0)
    return int(np.clip(math.ceil(best), 1, max(1, length // 4)))


def _seen(q: float, block: int) -> float:
    """The share of the variance of a first-order autoregression's sum that blocks show: they cut correlations."""
    return max(1.0 - 2.0 * q / ((1.0 - q * q) * block), 0.25)


def _freedom(q: float, points: int, coefficients: int) -> float:
    """The share of the noise that the fit left in the residuals, where correlated points count for fewer."""
    worth = points * (1.0 - q) / (1.0 + q)
    return max(1.0 - coefficients / worth, 0.25)


def block_weights(lengths: Sequence[int], block: int, count: int, rng: np.random.Generator) -> Array:
    """How often each point is drawn, ``(count, point)``, when blocks of neighbours are drawn within each curve.

    A block that runs over the end of its curve goes on at the beginning; each curve keeps its number of points.
    """
    parts = []
    for length in lengths:
        starts = rng.integers(length, size=(count, -(-length // block)))
        places = (np.repeat(starts, block, axis=1) + np.tile(np.arange(block), starts.shape[1])) % length
        places = places[:, :length]
        part = np.zeros((count, length))
        np.add.at(part, (np.arange(count)[:, None], places), 1.0)
        parts.append(part)
    return np.concatenate(parts, axis=1)


# ------------------------------------------------------------------------------------- what to know of it

def _region(curves: Sequence[Trajectory]) -> Region:
    """The steps and the learning rates after warm-up that the curves saw."""
    rates = np.concatenate([curve.schedule.rates[curve.steps - 1] for curve in curves])
    ends = [(float(curve.steps[0]), float(curve.steps[-1])) for curve in curves]
    return Region(steps=(min(first for first, _ in ends), max(last for _, last in ends)),
                  learning_rate=(float(rates[rates > 0].min()), float(rates.max())))


def _grouping_error(law: ScheduleLoss, curves: Sequence[Trajectory]) -> float:
    """How far a fitted point moves at most [nats/token] with all changes of the rate kept apart; at a few points."""
    few = [curve.thinned(COARSE[0]) for curve in curves]
    apart, grouped = (law.at(gather(few, most)) for most in (max(c.schedule.steps for c in few), CHANGES))
    return float(np.abs(apart - grouped).max())


def _notes(curves: Sequence[Trajectory], runs: Any, warmup: int | None) -> list[Caveat]:
    notes = []
    unseen = max(int(curve.schedule.warmup) for curve in curves)
    if isinstance(runs, RunTable) and warmup is None and unseen > 1:
        notes.append(Caveat("warmup_assumed", f"warm-up is taken to end at step {unseen}, rising linearly from 0 where "
                            "it was not recorded; --warmup STEPS says otherwise"))
    if schedules(curves) == 1:
        notes.append(Caveat("single_schedule", "one schedule: annealing is told from progress by its constant part "
                            "alone; another schedule would test the law"))
    return notes


def _open(problem: Anchored, draws: Array) -> list[Caveat]:
    """The warning that coefficients rest on their anchors."""
    if len(draws) < 2:
        return []
    spread = problem.space.free(draws)[:, problem.places].std(axis=0, ddof=1) * np.sqrt(problem.inverse)
    named = [problem.names[j] for j, share in zip(problem.places, spread, strict=True) if share > SHRUNK]
    if not named:
        return []
    return [Caveat("anchored", f"the curves say little about {', '.join(named)}: held near customary values; curves "
                   "under more schedules would show")]

