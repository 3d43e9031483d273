"""Candidates made to forecast: each refitted below every cut of a table, and asked about the runs above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, LawfulError, RunsError
from lawful.fit.choice.candidates import label, needs, too_small
from lawful.fit.choice.scores import Forecasts
from lawful.fit.objective import HUBER_DELTA, objective
from lawful.fit.origins import Array, Origin, axis, origins
from lawful.fit.prepare import check_fixed, prepare
from lawful.fit.search import make_job, settled
from lawful.fit.solver import CHUNK
from lawful.laws.base import Law
from lawful.runs import RunTable

FEWEST_CUTS = 3
"""Cuts that a form must be refitted at, unless even the simplest has fewer."""

FEWEST_STARTS, MOST_STARTS = 6, 12
"""Starts of each refit: more where the table is short."""

MOST_ALONG_ONE, MOST_RUNS = 60, 480
"""Runs that forms are compared on, along one quantity and else: more make the comparison slow, not sharper."""


@dataclass(frozen=True)
class Trial:
    """How candidates did: the ``laws`` that were tried, their residuals on all runs, and what they forecast.

    ``residuals`` are ``(law, run)``; ``forecasts`` is None where no cut leaves enough runs below it;
    ``left_out`` gives by name the reason for each candidate that was not tried or never answered.
    """

    laws: tuple[Law, ...]
    residuals: Array
    forecasts: Forecasts | None
    cuts: int
    left_out: Mapping[str, str]


def thinned(runs: RunTable, inputs: Sequence[str]) -> npt.NDArray[np.int64]:
    """The runs to compare forms on: all, or of a long table a part that keeps its span.

    Along one quantity the ``MOST_ALONG_ONE`` nearest to an even spacing of its logarithm, along several
    ``MOST_RUNS`` at even steps through the runs in order of scale.
    """
    most = MOST_ALONG_ONE if len(inputs) == 1 else MOST_RUNS
    if len(runs) <= most:
        return np.arange(len(runs))
    scale = axis(runs, inputs)
    order = np.argsort(scale, kind="stable")
    if len(inputs) > 1:
        return order[np.linspace(0, len(runs) - 1, most).round().astype(np.int64)]
    place = np.log(scale[order])
    even = np.linspace(place[0], place[-1], most)
    above = np.clip(np.searchsorted(place, even), 1, len(place) - 1)
    nearest = np.where(even - place[above - 1] <= place[above] - even, above - 1, above)
    return np.asarray(order[np.unique(nearest)])


def trial(runs: RunTable, laws: Sequence[Law], **options: Any) -> Trial:
    """Every law of ``laws`` that ``runs`` can carry, fitted to all runs and below each cut that all can share.

    A law is carried where at least ``FEWEST_CUTS`` cuts (or as many as the most modest law has) leave it runs
    enough; ``options`` are those of ``fit``. Raises ``RunsError`` where no law is carried, ``FailedToAnswer``
    where none of them can be fitted.
    """
    fixed = tuple(options.get("fixed") or {})
    cuts = origins(axis(runs, _inputs(laws)), min(needs(len(law.names())) for law in laws))
    left_out: dict[str, str] = {}
    usable: dict[str, int] = {}  # cuts hold ever more runs: those that a law can use are the last
    for law in laws:
        if unknown := [name for name in fixed if name not in law.names()]:
            left_out[label(law)] = f"it has no coefficient {', '.join(unknown)} to hold"
        elif why := too_small(law, runs, fixed):
            left_out[label(law)] = why
        else:
            usable[label(law)] = sum(too_small(law, runs.take(cut.train), fixed) is None for cut in cuts)
    fewest = min(FEWEST_CUTS, max(usable.values(), default=0))
    for law in laws:
        if (cuttable := usable.get(label(law), fewest)) < fewest:
            why = too_small(law, runs.take(cuts[-fewest].train), fixed)
            left_out[label(law)] = f"{why} below a cut: {cuttable} of {len(cuts)} cuts have them"
    carried = [law for law in laws if label(law) not in left_out]
    if not carried:
        raise RunsError(f"{runs.source}: {len(runs)} runs carry no form: "
                        + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    shared = min(usable[label(law)] for law in carried)
    return _tried(runs, carried, cuts[len(cuts) - shared :], left_out, options)


def _tried(runs: RunTable, laws: Sequence[Law], cuts: Sequence[Origin], left_out: dict[str, str],
           options: Mapping[str, Any]) -> Trial:
    kept, residuals, errors = [], [], []
    for law in laws:
        try:
            whole, *below = refits(law, runs, cuts, **options)
        except LawfulError as why:
            left_out[label(law)] = str(why)
            continue
        found = [_answer(row[cut.test]) for row, cut in zip(below, cuts, strict=True)]
        if not np.isfinite(whole).all() or (cuts and not any(np.isfinite(part).all() for part in found)):
            left_out[label(law)] = "it could not be fitted, to all runs or below any cut"
            continue
        kept.append(law)
        residuals.append(whole)
        errors.append(np.concatenate([*found, np.zeros(0)]))
    if not kept:
        raise FailedToAnswer(f"{runs.source}: no candidate could be fitted: "
                             + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    forecasts = None
    if cuts:
        tops, scale = np.array([cut.scale for cut in cuts]), axis(runs, _inputs(laws))
        forecasts = Forecasts(
            np.array(errors), np.concatenate([np.full(cut.test.sum(), c) for c, cut in enumerate(cuts)]),
            np.concatenate([np.searchsorted(tops, scale[cut.test]) for cut in cuts]))
    return Trial(tuple(kept), np.array(residuals), forecasts, len(cuts), left_out)


def refits(law: Law, runs: RunTable, cuts: Sequence[Origin], *, loss: str = "huber_log", delta: float = HUBER_DELTA,
           fixed: Mapping[str, float] | None = None, limits: Mapping[str, tuple[float, float]] | None = None,
           weights: str | Array | None = None, noise: str | Array | None = None, **_: Any) -> Array:
    """What every run is off from ``law`` fitted to all runs, and from its refit below each cut: ``(1 + cut, run)``.

    All are solved as one batch in which a run above the cut weighs nothing, from starts of their own. A
    width that belongs to the objective is that of all runs; nothing else is known above a cut.
    """
    penalty = objective(loss, delta)
    fixed = dict(fixed or {})
    check_fixed(law, fixed)
    problem, _notes = prepare(law.with_coefficients({**law.coefficients, **fixed}), runs, penalty, fixed=fixed,
                              limits=limits or {}, weights=weights, noise=noise)
    job = settled(make_job(problem, penalty))
    masks = np.array([np.ones(len(runs)), *(cut.train.astype(float) for cut in cuts)])
    keep = int(np.clip(CHUNK // masks.size, FEWEST_STARTS, MOST_STARTS))
    starts = job.starts.best(masks, keep)
    keep = starts.shape[1]
    solved = problem.descend(starts.reshape(-1, starts.shape[2]), np.repeat(masks, keep, axis=0), job.penalty)
    reached = np.where(np.isfinite(solved.objective), solved.objective, np.inf).reshape(-1, keep)
    best = np.argmin(reached, axis=1) + keep * np.arange(len(masks))
    residuals: Array = -problem.misfit(solved.coefficients[best])
    residuals[~np.isfinite(reached.min(axis=1))] = np.nan
    return residuals


def _answer(errors: Array) -> Array:
    """The errors at a cut, NaN throughout where one of them is no number: half an answer is none."""
    return errors if np.isfinite(errors).all() else np.full(len(errors), np.nan)


def _inputs(laws: Sequence[Law]) -> list[str]:
    return sorted({name for law in laws for name in law.inputs})
