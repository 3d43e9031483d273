"""``fit_groups(form, runs, share, by)``: one law a group of runs, some coefficients the same in all.

What corpora, recipes or families have in common is often the exponent: shared, it is known from all
their runs, and what differs (floors, scales) is told apart better. All groups are one joint problem;
resamples are drawn within each group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError, unknown
from lawful.fit.calibrate import measure, recorded
from lawful.fit.choice.candidates import is_auto
from lawful.fit.drift import NO_DRIFT
from lawful.fit.engine import check_options, draws_in_order, identified, judge
from lawful.fit.objective import HUBER_DELTA, Objective, objective
from lawful.fit.prepare import check_fixed, prepare
from lawful.fit.problem import Joint, Problem
from lawful.fit.reach import evidence
from lawful.fit.record import NO_RECORD
from lawful.fit.resampling import resample, resample_weights
from lawful.fit.result import Fit, FitStatus, Search, noise_about, region_of
from lawful.fit.search import Job, make_job, search, settled
from lawful.fit.starts import Lattice
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.results import Caveat, Interval
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

DONORS = 8
"""Groups at most, the largest ones, whose own optimum gives a start to the joint search."""


@dataclass(frozen=True)
class GroupedFit:
    """A law for each group, fitted together: ``fits`` by the group's label, ``shared`` coefficients equal in all.

    Row k of every group's draws is one joint resample, so that differences between groups may be taken
    draw by draw.
    """

    by: str
    shared: tuple[str, ...]
    fits: Mapping[str, Fit]
    status: FitStatus
    warnings: tuple[Caveat, ...] = ()

    @property
    def shared_intervals(self) -> dict[str, Interval]:
        """The shared coefficients, each with its interval."""
        first = next(iter(self.fits.values()))
        return {name: first.intervals[name] for name in self.shared}

    def to_dict(self) -> dict[str, Any]:
        """The fits as data: the contract of ``lawful fit --share ... --json``."""
        return {
            "schema": "lawful.grouped_fit/1", "by": self.by, "shared": list(self.shared), "status": self.status.value,
            "groups": {label: fit.to_dict() for label, fit in self.fits.items()},
            "warnings": [vars(w) for w in self.warnings],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> GroupedFit:
        """The fits that ``to_dict`` described; ``InputError`` when the data is something else."""
        if data.get("schema") != "lawful.grouped_fit/1":
            raise InputError(f"no fit by groups: schema is {data.get('schema')!r}, expected 'lawful.grouped_fit/1'")
        try:
            fits = {label: Fit.from_dict(fit) for label, fit in data["groups"].items()}
            return GroupedFit(data["by"], tuple(data["shared"]), fits, FitStatus(data["status"]),
                              tuple(Caveat(**w) for w in data["warnings"]))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise InputError(f"a saved fit by groups that cannot be read: {type(problem).__name__} {problem}") from None

    def __repr__(self) -> str:
        parts = [f"shared over {self.by}: {', '.join(self.shared) or 'nothing'}"]
        parts += [f"\n{label}\n{fit!r}" for label, fit in self.fits.items()]
        return "\n".join(parts)


def fit_groups(
    form: str | Law | type[Law],
    runs: RunTable,
    share: Sequence[str],
    by: str,
    *,
    loss: str = "huber_log",
    delta: float = HUBER_DELTA,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
    fixed: Mapping[str, float] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    weights: str | None = None,
    noise: str | None = None,
) -> GroupedFit:
    """Fit ``form`` to each group of ``runs`` by the column ``by``, the coefficients ``share`` the same in all.

    The other options are those of ``fit``. Raises ``RunsError`` for a group with fewer runs than it has
    coefficients of its own, ``UnknownName`` for a coefficient that the form does not have, ``InputError``
    for a column with a single value.
    """
    if is_auto(form):
        raise InputError("a form is chosen for one group at a time: choose it with --form auto on the largest group, "
                         "then share its coefficients by name")
    law, fixed = find_form(form), dict(fixed or {})
    check_options(level, bootstrap)
    check_fixed(law, fixed)
    for name in share:
        if name not in law.names():
            raise unknown("coefficient", name, law.names(), where=f"in --share for {law.form}")
        if name in fixed:
            raise InputError(f"{name} is both fixed and shared; give one of them")
    law = law.with_coefficients({**law.coefficients, **fixed})
    penalty = objective(loss, delta)
    labels, group = np.unique(runs.label(by), return_inverse=True)
    if len(labels) < 2:
        raise InputError(f"--share ... by={by}: every run has {by} {str(labels[0])!r}; sharing needs two groups or "
                         "more")
    tables = {str(label): runs.take(group.ravel() == g) for g, label in enumerate(labels)}
    own = len(law.names()) - len(fixed) - len(share)
    problems, notes = {}, dict[str, Caveat]()
    for label, table in tables.items():
        if len(table) <= own:
            raise RunsError(f"{runs.source}: group {label!r} of {by} has {len(table)} runs and {own} coefficients of "
                            f"its own; give it at least {own + 1}, share more coefficients, or leave the group out")
        problems[label], found = prepare(law, table, penalty, fixed=fixed, limits=limits or {}, weights=weights,
                                         noise=noise, shared=len(share))
        notes |= {note.code: note for note in found}
    joint = _joint(problems, tuple(share))
    job = settled(Job(joint, penalty, _starts(joint, problems, tuple(share), penalty), joint))
    best, agree = search(job)
    best = joint.polish(best, job.penalty)
    point = best.coefficients[:1]
    beyond = job.penalty.beyond(joint.residuals(point))
    drawn = resample(job, point, _weights(problems, bootstrap, seed, beyond)) if bootstrap else None
    converged, same = (drawn.converged, drawn.agree) if drawn else (1.0, 1.0)
    draws = drawn.coefficients if drawn else np.zeros((0, len(joint.names)))
    condition, influence = identified(joint, point[0])
    status, warnings = judge(joint, best, agree, condition, influence, converged)
    residuals = -joint.misfit(point)[0]
    value = job.penalty.described(float(best.objective[0]), float(joint.runs))
    fits, first = {}, 0
    for (label, problem), columns in zip(problems.items(), joint.columns, strict=True):
        c = point[0, columns]
        own_point = point[:, columns]
        record = recorded(problem, job.penalty, own_point, draws[:, columns]) if bootstrap else NO_RECORD
        drift = measure(problem, problem, own_point, record) if bootstrap else NO_DRIFT
        rest = residuals[first : first + problem.runs]
        first += problem.runs
        fits[label] = Fit(
            law=law.with_coefficients({**fixed, **dict(zip(problem.names, c.tolist(), strict=True))}),
            draws=draws_in_order(law, problem.names, draws[:, columns], fixed), status=status,
            region=region_of(problem.quantities), evidence=evidence(problem.quantities),
            objective=value, residuals=rest, noise=noise_about(rest, own), n_runs=problem.runs, level=level,
            search=Search(len(best.objective), agree, condition, converged, same), warnings=tuple(warnings),
            fixed=tuple(fixed), source=f"{runs.source}, {by} {label}", seed=seed,
            drift=drift, record=record.thinned())
    return GroupedFit(by, tuple(share), fits, status, (*notes.values(), *warnings))


def _joint(problems: Mapping[str, Problem], share: tuple[str, ...]) -> Joint:
    """The joint problem: shared coefficients first, then each group's own as ``A[label]``."""
    names = list(share)
    columns = []
    for label, problem in problems.items():
        own = [f"{name}[{label}]" for name in problem.names if name not in share]
        places = iter(range(len(names), len(names) + len(own)))
        columns.append(np.array([share.index(name) if name in share else next(places) for name in problem.names]))
        names += own
    return Joint(tuple(problems.values()), tuple(columns), tuple(names))


@dataclass(frozen=True)
class _Starts:
    """A few whole starts ``(start, coefficient)`` of a joint problem."""

    joint: Joint
    points: Array

    def best(self, weights: Array | None, keep: int = 1) -> Array:
        """The ``keep`` starts with the lowest clipped misfit under each row of ``weights``."""
        keep = min(keep, len(self.points))
        with np.errstate(all="ignore"):
            misfit = np.nan_to_num(np.minimum(self.joint.residuals(self.points) ** 2, 1.0), nan=1.0)
        total = misfit.sum(axis=1)[None, :] if weights is None else weights @ misfit.T
        return self.points[np.argsort(total, axis=1, kind="stable")[:, :keep]]

    def promising(self, penalty: Objective) -> Array:
        """All of them, the lowest misfit first."""
        everything: Array = self.best(None, len(self.points))[0]
        return everything


def _starts(joint: Joint, problems: Mapping[str, Problem], share: tuple[str, ...], penalty: Objective) -> _Starts:
    """Starts whose shared values are one group's own optimum, or that of all runs as one group."""
    groups = list(problems.values())
    able = [p for p in groups if p.runs > len(p.names) and all(np.ptp(p.quantities[n]) > 0 for n in p.law.inputs)]
    donors = [Problem.together(groups), *sorted(able, key=lambda p: -p.runs)[:DONORS]]
    points = []
    for donor in donors:
        found, _ = search(make_job(donor, penalty.easy()))
        taken = dict(zip(donor.names, found.coefficients[0].tolist(), strict=True))
        start = np.empty(len(joint.names))
        for problem, columns in zip(groups, joint.columns, strict=True):
            held = problem.holding({name: taken[name] for name in share})
            own = Lattice.of(held).best(None, 1)[0, 0] if held.names else np.zeros(0)
            values = taken | dict(zip(held.names, own.tolist(), strict=True))
            start[columns] = [values[name] for name in problem.names]
        points.append(start)
    return _Starts(joint, np.array(points))


def _weights(problems: Mapping[str, Problem], count: int, seed: int, beyond: float) -> Array:
    """Case resamples drawn within each group, side by side."""
    return np.concatenate([resample_weights(p.runs, count, min(len(p.names), p.runs - 1), seed + g, beyond=beyond)
                           for g, p in enumerate(problems.values())], axis=1)
