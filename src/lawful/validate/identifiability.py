"""``identify(runs, form)``: which coefficients the runs determine, which combinations of them, and what run would help.

What to look at when:

- a coefficient's *profile* interval is open where no value on that side fits noticeably worse;
- a *combination*, such as log A - 19 alpha, may be known well where its parts are not: forecasts near the runs rest on
  it, and forecasts far from them on the parts;
- a *design* that puts all runs on one line is named (``lawful.validate.designs``);
- *forecasts* along the design stay determined where those aside of it do not;
- the *next run* is the one whose outcome would say most (``lawful.validate.next_run``).

Coefficients whose search spans decades (A, B, E) are taken in their logarithm, the others (exponents) as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import LawError
from lawful.fit import Fit, fit
from lawful.fit.information import information
from lawful.fit.objective import HUBER_DELTA, objective
from lawful.fit.origins import scale_inputs
from lawful.fit.prepare import check_fixed, prepare
from lawful.fit.problem import Problem
from lawful.fit.profile import ends, signed_roots
from lawful.fit.search import Job, make_job, search, settled
from lawful.laws.base import Law, Limit
from lawful.runs import RunTable
from lawful.validate.designs import collinear
from lawful.validate.identified import Coefficient, Combination, Foreseen, Identifiability
from lawful.validate.next_run import Target, candidates, next_runs

Array = npt.NDArray[np.float64]

VAGUE, VAGUE_LOG = 2.0, 10.0
"""An exponent whose interval spans more than this ratio is vague; of a scale, which moves e-fold where an exponent
moves by a twentieth, this."""

NORMAL = 1.6448536269514722
"""The standard normal's 95 % quantile: an interval of 90 % spans twice as many standard errors."""

SMALL = 10.0
"""No exponent, nor share, is searched for beyond this value; every scale is."""

TIED = 0.95
"""Correlation from which on two coefficients are said to be known only together."""

KNOWN = 0.5
"""Standard error up to which a combination is worth naming: of a logarithm, a factor of 1.6."""

OTHERS = 3
"""Other optima that profiles are followed from, where the search found some."""

APART = 0.3
"""Distance in the unbounded variables between optima that are not the same."""

ASIDE = 0.5
"""Decades aside of the design at which a forecast is asked for."""


def identify(runs: RunTable, form: str | Law | type[Law] | Fit = "chinchilla", *, at: Mapping[str, float] | None = None,
             most: float | None = None, level: float = 0.9, **options: Any) -> Identifiability:
    """What ``runs`` determine of ``form`` (or of a ``Fit`` to them), and which run would say most.

    The next run is chosen for the forecast ``at`` some quantities, or for the least determined exponent, among runs
    within a decade of those made that cost at most ``most`` [FLOP where compute is known], by default as much as the
    largest. ``options`` are those of ``fit``. Raises what ``fit`` raises.
    """
    fitted = form if isinstance(form, Fit) else fit(form, runs, bootstrap=0, level=level, **options)
    if at is not None:
        _check(fitted.law, at)
    job, point, others = _job(fitted, runs, options)
    problem = job.sample
    assert isinstance(problem, Problem)
    known = information(problem, point[0], job.penalty)
    V = known.covariance * (problem.runs / job.problem.runs)  # of a long table a sample is looked at
    slope = _slope(problem, point[0])
    intervals = ends(job, point, level, others)
    limits = problem.law.limits_on(problem.quantities)
    logs = [_by_logarithm(limits[name]) for name in problem.names]
    change = np.where(logs, slope / point[0], slope)
    covariance = V * change[:, None] * change[None, :]
    std = np.sqrt(np.diag(covariance))
    coefficients = tuple(
        Coefficient(name, float(point[0, j]), end.low, end.high, float(std[j]), logs[j],
                    _verdict(end.low, end.high, logs[j]))
        for j, (name, end) in enumerate(zip(problem.names, intervals, strict=True)))
    combinations = _combinations(coefficients, covariance)
    coefficients = tuple(_tied(c, combinations, coefficients) for c in coefficients)
    quantities = {name: problem.quantities[name] for name in problem.law.inputs}
    places = _places(quantities, at)
    gradients = _gradients(problem, point[0], {n: np.array([p[n] for _, p in places]) for n in quantities}, slope)
    errors = np.sqrt(np.einsum("ip,ij,jp->p", gradients, V, gradients))
    offered = candidates(quantities)
    target = _least(coefficients, change) if at is None else Target("the forecast asked for", gradients[:, -1],
                                                                    math.sqrt(known.unit))
    return Identifiability(
        fitted.law.form, runs.source, len(runs), fitted.status.value, level, fitted.search.condition, coefficients,
        collinear(quantities), combinations, _directions(problem, point[0]),
        tuple(Foreseen(where, place, float(e)) for (where, place), e in zip(places, errors, strict=True)),
        next_runs(quantities, offered, _gradients(problem, point[0], offered, slope), V, known.unit, target, most))


def trace(runs: RunTable, form: str | Law | type[Law] | Fit, name: str, values: Array,
          **options: Any) -> Array:
    """How much worse the best fit is with coefficient ``name`` held at each of ``values`` ``(value,)``: a profile.

    The rise of twice the log likelihood, chi-squared with one degree of freedom: 2.71 at the ends of an interval of
    90 %. Raises ``LawError`` for a coefficient that the form does not have.
    """
    fitted = form if isinstance(form, Fit) else fit(form, runs, bootstrap=0, **options)
    check_fixed(fitted.law, {name: 0.0})
    job, point, others = _job(fitted, runs, options)
    sample, j = job.sample, job.sample.names.index(name)
    centre = sample.descend(point, None, job.penalty).coefficients  # of a long table a sample, with its own optimum
    known = information(sample, centre[0], job.penalty)
    rest = sample.space.free(centre if others is None else np.vstack([centre, others]))
    held = np.repeat(point, len(values), axis=0)
    held[:, j] = values
    moves = sample.space.free(held)[:, j] - sample.space.free(point)[0, j]
    best = float(sample.solve(centre, None, job.penalty).objective[0])
    places, roots = signed_roots(job, known.rate, best, rest, j, np.sort(moves[moves != 0]),
                                 known.covariance[j] / known.covariance[j, j])
    risen: Array = np.interp(rest[0, j] + moves, places, roots) ** 2 * (job.problem.runs / sample.runs)
    return risen


def _check(law: Law, at: Mapping[str, float]) -> None:
    if set(at) != set(law.inputs):
        wrong = [name for name in law.inputs if name not in at] or [name for name in at if name not in law.inputs]
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}, all of them and no other: see {', '.join(wrong)}")


def _job(fitted: Fit, runs: RunTable, options: Mapping[str, Any]) -> tuple[Job, Array, Array | None]:
    """The fit's problem with its best point ``(1, coefficient)``, and other optima of the search."""
    penalty = objective(str(fitted.objective["name"]), fitted.objective.get("delta") or HUBER_DELTA)
    fixed = {name: fitted.law.coefficients[name] for name in fitted.fixed}
    problem, _ = prepare(fitted.law, runs, penalty, fixed=fixed, limits=options.get("limits") or {},
                         weights=options.get("weights"), noise=options.get("noise"))
    job = settled(make_job(problem, penalty))
    solved, _ = search(job, np.array([[fitted.law.coefficients[name] for name in problem.names]]))
    u = problem.space.free(solved.coefficients)
    kept = [0]
    for i in range(1, len(u)):
        far = min(float(np.abs(u[i] - u[k]).max()) for k in kept) > APART
        if far and np.isfinite(solved.objective[i]) and len(kept) <= OTHERS:
            kept.append(i)
    return job, solved.coefficients[:1], solved.coefficients[kept[1:]] if len(kept) > 1 else None


def _slope(problem: Problem, c: Array) -> Array:
    """d coefficient / d unbounded variable, ``(coefficient,)``."""
    slope: Array = problem.space.open(problem.space.free(c[None, :]))[1][0]
    return slope


def _gradients(problem: Problem, c: Array, at: Mapping[str, Array], slope: Array) -> Array:
    """d residual / d unbounded variable at runs that may not have been made, ``(coefficient, point)``."""
    observed = np.broadcast_to(np.asarray(problem.law.with_coefficients(
        {**problem.fixed, **dict(zip(problem.names, c.tolist(), strict=True))}).at(at), dtype=float),
        next(iter(at.values())).shape)
    asked = replace(problem, quantities=dict(at), observed=observed, precision=None, prior=None)
    with np.errstate(all="ignore"):
        found: Array = asked.gradients(c) * slope[:, None]
    return found


def _by_logarithm(limit: Limit) -> bool:
    """Whether a coefficient is a scale or a place, searched up to large values, and not an exponent."""
    return limit.low >= 0 and limit.start[1] > SMALL


def _verdict(low: float | None, high: float | None, log: bool) -> str:
    if low is None or high is None:
        return "open"
    return "determined" if low < 0 or high <= low * (VAGUE_LOG if log else VAGUE) else "vague"


def _tied(c: Coefficient, combinations: tuple[Combination, ...], all_: tuple[Coefficient, ...]) -> Coefficient:
    """A vague scale is no more than tied where it is known together with an exponent that is determined."""
    sound = {other.name for other in all_ if other.verdict == "determined"}
    with_ = [k.second for k in combinations if k.first == f"log {c.name}" and k.second in sound]
    return replace(c, verdict="tied") if c.verdict == "vague" and with_ else c


def _least(coefficients: tuple[Coefficient, ...], change: Array) -> Target:
    """The least determined exponent, or coefficient where there is none: known well enough where it is not vague."""
    exponents = [j for j, c in enumerate(coefficients) if not c.log] or list(range(len(coefficients)))
    unit = {j: 1.0 if coefficients[j].log else max(abs(coefficients[j].value), 1e-12) for j in exponents}
    worst = max(exponents, key=lambda j: coefficients[j].std / unit[j])
    aim = np.zeros(len(coefficients))
    aim[worst] = change[worst]
    widest = math.log(VAGUE_LOG if coefficients[worst].log else VAGUE)
    return Target(coefficients[worst].name, aim, unit[worst] * widest / (2.0 * NORMAL))


def _combinations(coefficients: tuple[Coefficient, ...], covariance: Array) -> tuple[Combination, ...]:
    """The pairs that are known only together, the most tied first, each coefficient leading once."""
    std = np.sqrt(np.diag(covariance))
    tie = covariance / std[:, None] / std[None, :]
    pairs = sorted(((abs(tie[j, k]), j, k) for j in range(len(std)) for k in range(len(std)) if j != k),
                   key=lambda p: (-round(p[0], 9), not coefficients[p[1]].log, coefficients[p[2]].log))
    found: list[Combination] = []
    led: set[int] = set()
    seen: set[frozenset[int]] = set()
    for strength, j, k in pairs:
        if strength < TIED or j in led or frozenset((j, k)) in seen:
            continue
        rest = float(std[j] * math.sqrt(max(1.0 - strength**2, 0.0)))
        if rest > KNOWN:
            continue
        led.add(j)
        seen.add(frozenset((j, k)))
        first, second = (f"log {coefficients[i].name}" if coefficients[i].log else coefficients[i].name for i in (j, k))
        found.append(Combination(first, second, float(-covariance[j, k] / covariance[k, k]), rest,
                                 (float(std[j]), float(std[k]))))
    return tuple(found)


def _directions(problem: Problem, c: Array) -> tuple[tuple[float, Mapping[str, float]], ...]:
    """Eigenvectors of the information scaled to a unit diagonal, the weakest first."""
    J = np.nan_to_num(problem.gradients(c) * c[:, None])
    unit = J / (np.sqrt((J**2).sum(axis=1, keepdims=True)) + 1e-300)
    values, vectors = np.linalg.eigh(unit @ unit.T)
    return tuple((float(max(value, 0.0) / len(values)), dict(zip(problem.names, vector.tolist(), strict=True)))
                 for value, vector in zip(values, vectors.T, strict=True))


def _places(quantities: Mapping[str, Array], at: Mapping[str, float] | None) -> list[tuple[str, dict[str, float]]]:
    """Where forecasts are judged: amid the runs, a decade on along the design, aside of there, and the question."""
    names = list(quantities)
    logs = [bool(values.min() > 0) for values in quantities.values()]
    x = np.stack([np.log10(v) if log else v for v, log in zip(quantities.values(), logs, strict=True)], axis=1)
    centre = x.mean(axis=0)

    def named(point: Array) -> dict[str, float]:
        return {name: float(10.0**v if log else v) for name, v, log in zip(names, point, logs, strict=True)}

    found = [("amid the runs", named(centre))]
    if any(logs):
        on, aside, where = _beyond(x, np.array(logs), np.array([name in scale_inputs(quantities) for name in names]))
        found.append((where, named(on)))
        if sum(logs) > 1:
            found += [(f"{ASIDE:g} decades aside of there", named(on + sign * ASIDE * aside)) for sign in (1.0, -1.0)]
    if at is not None:
        found.append(("as asked", dict(at)))
    return found


def _beyond(x: Array, logs: npt.NDArray[np.bool_], scale: npt.NDArray[np.bool_]) -> tuple[Array, Array, str]:
    """A point beyond the runs ``(run, input)`` along the design, the direction least tried across it, and its name.

    The design goes the way that the inputs take, on average, as scale grows; of runs of one scale, the way that they
    are spread. Inputs that are not ``logs`` stay at their mean.
    """
    rest = np.where(logs, x - x.mean(axis=0), 0.0)
    size = rest @ scale
    spread = rest.T @ rest
    if size.std() > 0.1:
        main = rest.T @ size / (size @ size)
        on, where = x.mean(axis=0) + main * (size.max() + 1.0), "a decade of scale beyond the runs, along the design"
    else:
        main = np.linalg.eigh(spread)[1][:, -1]
        on = x.mean(axis=0) + main * ((rest @ main).max() + ASIDE)
        where = f"{ASIDE:g} decades beyond the runs, along the design"
    out = np.eye(len(logs))[~logs]
    held = np.vstack([main / np.linalg.norm(main), out])
    across = np.eye(len(logs)) - held.T @ held
    values, vectors = np.linalg.eigh(across @ spread @ across + 1e9 * held.T @ held)
    return on, vectors[:, int(np.argmin(values))], where
