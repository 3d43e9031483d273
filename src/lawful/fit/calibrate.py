"""A fit's record on its own table by rolling origins, and its drift measured on that: see ``lawful.fit.drift``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lawful.fit.drift import GRID, Drift, posterior, reach
from lawful.fit.objective import Objective
from lawful.fit.origins import Origin, origins, scale_inputs
from lawful.fit.problem import Problem
from lawful.fit.record import NO_RECORD, Record
from lawful.fit.result import noise_about

Array = npt.NDArray[np.float64]

SPARE = 3
"""Runs beyond the number of coefficients that a cut needs below it."""

SHORTEST = 0.1
"""Decades: a run that lies nearer above a cut than this is read as if it lay this far."""

GROSS, FEW = 5.0, 5
"""Standard deviations from the middle of its cut beyond which a forecast error is a gross outlier and no drift; cuts of
fewer forecasts have no middle to speak of."""

MEDIAN_TO_STD = 1.4826
"""What the median of |deviation| is multiplied by to be a normal's standard deviation."""

STEP = 0.1
"""Decades of scale over which the slope of a law is taken."""

LARGEST, FLAT = 0.75, 0.25
"""The quantile of scale above which runs are the largest, and the share of the slope over all of them that theirs is
taken to have at least: a law that has levelled off has stated a floor that it has hardly seen."""

NEGLIGIBLE = 1e-6
"""The probability below which a share is not kept."""

CHECKED_DRAWS = 256
"""Draws that are compared with what leverage says of their spread."""


def recorded(sample: Problem, penalty: Objective, point: Array, draws: Array) -> Record:
    """How the form of ``sample``, solved at ``point`` ``(1, coefficient)``, forecasts its larger runs from the smaller.

    A cut is a weighting of the runs, so all are solved in one batch; ``draws`` tell how far resamples spread
    beyond what leverage says. Empty where the runs leave no room for a cut, or where the law meets them exactly.
    """
    product = _product(sample, _scale(sample))
    cuts = origins(product, len(sample.names) + SPARE) if _scale(sample) else ()
    noise = noise_about(sample.misfit(point)[0], len(sample.names))
    if not cuts or noise == 0:
        return NO_RECORD
    below = np.array([cut.train for cut in cuts], dtype=float)
    solved = sample.descend(np.repeat(point, len(cuts), axis=0), below, penalty).coefficients
    widening = _widening(sample, point, draws, noise)
    found = [_forecasts(sample, cut, c, errors, product, widening)
             for cut, c, errors in zip(cuts, solved, -sample.misfit(solved), strict=True)]
    return Record(*np.concatenate(found, axis=1))


def measure(problem: Problem, sample: Problem, point: Array, record: Record) -> Drift:
    """The drift of ``problem`` solved at ``point`` ``(1, coefficient)``, from the ``record`` of its ``sample``."""
    names = _scale(sample)
    steepness = _steepness(sample, point[0], names)
    product = _product(sample, names)
    cuts = record.cuts()
    seen = [(_mean_square(cut.error), float(np.mean(cut.noise**2 + cut.spread**2)),
             float(np.mean((slope * reach(np.maximum(cut.horizon, SHORTEST))) ** 2)))
            for cut in cuts for slope in [_slope(steepness, product, product <= cut.cut[0])]]
    weights = posterior(seen)
    kept = np.flatnonzero(weights > NEGLIGIBLE)
    return Drift(noise_about(sample.misfit(point)[0], len(sample.names)),
                 _slope(steepness, product, np.ones(sample.runs, dtype=bool)) if names else 0.0,
                 tuple(GRID[j] for j in kept), tuple((weights[kept] / weights[kept].sum()).tolist()), len(cuts), names,
                 float(_product(problem, names).max()))


def _forecasts(problem: Problem, cut: Origin, c: Array, errors: Array, product: Array, widening: float) -> Array:
    """One cut's rows of a ``Record``, ``(field, forecast)``; none where it says nothing."""
    noise = noise_about(errors[cut.train], len(problem.names))
    top = product[cut.train].max()
    leverage = np.maximum(_leverage(problem, c, cut.train)[cut.test], 0.0)
    rows = np.stack(np.broadcast_arrays(top, np.log10(product[cut.test] / top), errors[cut.test],
                                        noise * np.sqrt(widening * leverage), noise))
    known: Array = rows[:, np.isfinite(rows).all(axis=0)] if noise > 0 else rows[:, :0]
    return known


def _mean_square(errors: Array) -> float:
    """The mean square of a cut's errors, gross outliers left out."""
    away = np.abs(errors - np.median(errors))
    usual = away <= GROSS * np.median(away) * MEDIAN_TO_STD
    return float(np.mean(errors[usual] ** 2 if len(errors) >= FEW else errors**2))


def _steepness(problem: Problem, c: Array, names: tuple[str, ...]) -> Array:
    """|d residual / d log10 scale| of the law at every run, ``(run,)``, all inputs of the scale growing alike."""
    law = problem.law.with_coefficients({**problem.fixed, **dict(zip(problem.names, c.tolist(), strict=True))})
    grown = {**problem.quantities, **{name: problem.quantities[name] * 10.0 ** (STEP / len(names)) for name in names}}
    with np.errstate(all="ignore"):
        here, there = (np.broadcast_to(law.at(at), (problem.runs,)) for at in (problem.quantities, grown))
        change = np.log(there / here) if problem.relative else there - here
    steepness: Array = np.nan_to_num(np.abs(change) / STEP, posinf=0.0)
    return steepness


def _slope(steepness: Array, product: Array, rows: npt.NDArray[np.bool_]) -> float:
    """The slope of a law at the largest of the runs in ``rows``, and at least ``FLAT`` of that at all of them."""
    largest = product[rows] >= np.quantile(product[rows], LARGEST)
    return float(max(np.median(steepness[rows][largest]), FLAT * np.mean(steepness[rows])))


def _scale(problem: Problem) -> tuple[str, ...]:
    """The inputs whose product is the scale of these runs."""
    return scale_inputs({name: problem.quantities[name] for name in problem.law.inputs})


def _leverage(problem: Problem, c: Array, rows: npt.NDArray[np.bool_]) -> Array:
    """j (J'J)^-1 j of every run, J the gradients of the runs in ``rows``."""
    J = np.nan_to_num(problem.gradients(c) * c[:, None])
    unit = J / (np.sqrt((J[:, rows] ** 2).sum(axis=1, keepdims=True)) + 1e-300)
    inverse = np.linalg.pinv(unit[:, rows] @ unit[:, rows].T, rcond=1e-12, hermitian=True)
    leverage: Array = np.einsum("ir,ij,jr->r", unit, inverse, unit)
    return leverage


def _widening(problem: Problem, point: Array, draws: Array, noise: float) -> float:
    """The variance of the draws at the runs, over that of least squares: 1 where there are no draws."""
    if not len(draws):
        return 1.0
    some = draws[:CHECKED_DRAWS]
    errors = [problem.misfit(block) for block in np.array_split(some, max(1, len(some) // 16))]  # their temporaries
    spread = np.concatenate(errors).var(axis=0)
    leverage = _leverage(problem, point[0], np.ones(problem.runs, dtype=bool))
    ratio = float(np.median(spread / (noise**2 * leverage + 1e-300)))
    return ratio if np.isfinite(ratio) else 1.0


def _product(problem: Problem, names: tuple[str, ...]) -> Array:
    product: Array = np.prod([problem.quantities[name] for name in names], axis=0) if names else np.ones(1)
    return product
