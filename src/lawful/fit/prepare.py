"""From a table of runs to a problem: the columns a fit needs, checked for what no fit can do without."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, LawError, RunsError
from lawful.fit.objective import Objective
from lawful.fit.problem import Problem
from lawful.laws.base import Law, Limit
from lawful.quantities import PARAM_COUNTS, QUANTITIES
from lawful.results import Caveat
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

SEEDS = "seeds"
"""The value of ``noise`` that asks for it to be estimated from repeated runs."""

PRIOR_REPEATS = 4.0
"""Degrees of freedom with which the pooled noise of all repeats stands in for that of each."""


def prepare(law: Law, runs: RunTable, penalty: Objective, *, fixed: Mapping[str, float],
            limits: Mapping[str, tuple[float, float]], weights: str | Array | None,
            noise: str | Array | None, shared: int = 0) -> tuple[Problem, tuple[Caveat, ...]]:
    """The problem of fitting ``law`` to ``runs``, and what its reader must know.

    ``weights`` multiplies each run's penalty: a column or an array ``(run,)``. ``noise`` is the standard
    deviation of each run's outcome, in its unit: a column, an array, or ``seeds`` for an estimate from
    runs that are repeated. ``shared`` coefficients are known from other tables too. Raises ``RunsError``
    for what cannot be fitted, ``InputError`` for bad options.
    """
    relative = law.output.positive and not penalty.plain
    free = len(law.names()) - len(fixed) - shared
    quantities, observed, notes = _data(law, runs, free, relative)
    prior = None if weights is None else _column(runs, weights, "weights", zero=True)
    if prior is not None and (prior > 0).sum() < free:
        raise RunsError(f"{runs.source}: weights leave {int((prior > 0).sum())} runs for {free} coefficients")
    precision = None
    if noise is not None:
        spread = _repeats(law, runs, quantities, observed, relative) if isinstance(noise, str) and noise == SEEDS \
            else _column(runs, noise, "noise") / (observed if relative else 1.0)
        precision = np.median(spread) / spread
    problem = Problem(law, quantities, observed, dict(fixed), _limits(law, fixed, limits, quantities), relative,
                      precision, None if prior is None else prior / prior.mean())
    return problem, notes


def check_fixed(law: Law, fixed: Mapping[str, float]) -> None:
    """Raise ``LawError`` for a coefficient that the form does not have."""
    if missing := set(fixed) - set(law.names()):
        raise LawError(f"{law.form} has no coefficient {', '.join(sorted(missing))}; it has {', '.join(law.names())}")


def _limits(law: Law, fixed: Mapping[str, float], asked: Mapping[str, tuple[float, float]],
            quantities: Mapping[str, Array]) -> dict[str, Limit]:
    """The limits asked for, each within the form's own, with the part of its search span that is left."""
    check_fixed(law, {name: low for name, (low, _) in asked.items()})
    found = {}
    for name, (low, high) in asked.items():
        own = law.limits_on(quantities)[name]
        if name in fixed:
            raise InputError(f"{name} is both fixed and limited; give one of them")
        if not low < high:
            raise InputError(f"--limit {name}={low:g}:{high:g}: the lower end must lie below the upper")
        narrow = max(low, own.low), min(high, own.high)
        if not narrow[0] < narrow[1]:
            raise InputError(f"--limit {name}={low:g}:{high:g} excludes every start: {law.form} keeps {name} within "
                             f"({own.low:g}, {own.high:g})")
        found[name] = Limit(*narrow, _start(narrow, own.start))
    return found


def _start(limits: tuple[float, float], usual: tuple[float, float]) -> tuple[float, float]:
    """Where to search within ``limits``: the usual span as far as it lies inside, or a span of their own."""
    low, high = max(limits[0], usual[0]), min(limits[1], usual[1])
    if low < high:
        return low, high
    low, high = limits
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    if math.isfinite(low):
        return (low, 100.0 * low) if low > 0 else (low, low + 10.0 * max(1.0, abs(low)))
    return high - 10.0 * max(1.0, abs(high)), high


def _data(law: Law, runs: RunTable, free: int, relative: bool) -> tuple[dict[str, Array], Array, tuple[Caveat, ...]]:
    target = law.output.name
    observed = runs[target]
    quantities = {name: runs[name] for name in law.inputs}
    for name, values in quantities.items():
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            raise RunsError(f"{runs.source}: {name} is {values[0]:g} in every run, so its effect cannot be fitted; "
                            f"add runs with other {name}, or fit a form without it")
    distinct = len(observed) if len(quantities) > 1 else len(np.unique(quantities[law.inputs[0]]))
    if distinct < (fewest := law.fewest_runs(free)):
        repeated = f", at {distinct} distinct {law.inputs[0]}" if distinct < len(observed) else ""
        raise RunsError(f"{runs.source}: {law.form} has {free} coefficients to fit and the table {len(observed)} "
                        f"runs{repeated}; give at least {fewest}, better {3 * free}")
    if np.ptp(observed) <= 1e-12 * np.abs(observed).max():
        raise RunsError(f"{runs.source}: {target} is {observed[0]:g} in every run: there is nothing to fit")
    if relative and observed.min() <= 0:
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


def _column(runs: RunTable, given: str | Array, what: str, zero: bool = False) -> Array:
    """A column or an array of one positive number a run; ``InputError`` where it is neither."""
    values = runs.number(given) if isinstance(given, str) else np.asarray(given, dtype=float)
    named = f"column {given!r}" if isinstance(given, str) else "the array"
    if values.shape != (len(runs),):
        raise InputError(f"{what}: {named} has shape {values.shape}; one number a run is wanted, ({len(runs)},)")
    bad = ~np.isfinite(values) | (values < 0) | ((values == 0) & (not zero))
    if bad.any():
        first = int(np.argmax(bad))
        raise InputError(f"{what}: {named}, row {runs.rows[first]}: must be {'0 or more' if zero else 'positive'}, "
                         f"got {values[first]:g}")
    if not values.any():
        raise InputError(f"{what}: {named} is 0 in every run")
    return values


def _repeats(law: Law, runs: RunTable, quantities: Mapping[str, Array], observed: Array, relative: bool) -> Array:
    """The standard deviation of each run, from the runs with the same inputs, drawn towards the pooled one.

    s_i**2 = (nu_0 s**2 + nu_i s_i**2) / (nu_0 + nu_i), nu_i the repeats less one, nu_0 = ``PRIOR_REPEATS``.
    """
    inputs = np.stack([quantities[name] for name in law.inputs], axis=1)
    _, cell = np.unique(inputs, axis=0, return_inverse=True)
    outcome = np.log(observed) if relative else observed
    count = np.bincount(cell.ravel()).astype(float)
    mean = np.bincount(cell.ravel(), outcome) / count
    squares = np.bincount(cell.ravel(), (outcome - mean[cell.ravel()]) ** 2)
    freedom = count - 1.0
    if freedom.sum() < 1 or squares.sum() == 0:
        raise RunsError(f"{runs.source}: --noise seeds needs runs that repeat the same {', '.join(law.inputs)} with "
                        "other outcomes, and there are none; give --noise COLUMN instead")
    pooled = squares.sum() / freedom.sum()
    spread = np.sqrt((PRIOR_REPEATS * pooled + squares) / (PRIOR_REPEATS + freedom))
    each: Array = spread[cell.ravel()]
    return each
