"""A law on slices of a table: how its coefficients and its optimal split move over a label or a quantity.

``slices("chinchilla", runs, by="width/depth", parts=3, cluster="run")`` fits the form to wide, middling and deep models
apart, and says how likely differences as large are where there is none (``lawful.fit.comparing.wild``): with few models
in a slice, intervals from resampling are too narrow to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError
from lawful.fit.choice.candidates import is_auto
from lawful.fit.comparing.wild import chance
from lawful.fit.engine import fit
from lawful.fit.objective import Objective, objective
from lawful.fit.prepare import prepare
from lawful.fit.result import Fit
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.laws.terms import terms_of
from lawful.quantities import format_number
from lawful.results import Caveat, Interval, interval
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

FEW = 10
"""Clusters in a slice below which its intervals are called narrow."""

EVERYTHING = "all"
"""The name of the test that every coefficient is the same in all slices."""


@dataclass(frozen=True)
class Slice:
    """One slice: its label, the span of the quantity in it (None for a label), its clusters, its own fit.

    ``values`` are its coefficients, and where the law divides compute the exponents of the optimal split and the best
    params at the compute asked about, each with its interval.
    """

    label: str
    span: tuple[float, float] | None
    clusters: int
    fit: Fit
    values: Mapping[str, Interval]


@dataclass(frozen=True)
class Slices:
    """A form on slices of a table, and how likely differences as large are where there is none.

    ``p_values`` are by term of the law (``A, alpha``), the others being the same in all slices, and for ``all`` of it.
    """

    by: str
    together: Fit
    slices: tuple[Slice, ...]
    p_values: Mapping[str, float]
    compute: float | None
    warnings: tuple[Caveat, ...] = ()

    @property
    def verdict(self) -> str:
        """One sentence: whether the slices differ."""
        p, level = self.p_values[EVERYTHING], self.together.level
        said = "differ" if p <= 1 - level else "cannot be told apart"
        return (f"the laws of the {len(self.slices)} slices by {self.by} {said}: differences as large come about by "
                f"chance in {100 * p:.2g} % of cases")

    def to_dict(self) -> dict[str, Any]:
        """The slices as data: the contract of ``lawful slices --json``."""
        return {
            "schema": "lawful.slices/1", "by": self.by, "form": self.together.law.form, "level": self.together.level,
            "verdict": self.verdict, "compute": self.compute, "p_values": dict(self.p_values),
            "together": {name: vars(i) for name, i in _values(self.together, self.compute).items()},
            "slices": [{"label": s.label, "span": s.span, "clusters": s.clusters, "n_runs": s.fit.n_runs,
                        "status": s.fit.status.value, "values": {n: vars(i) for n, i in s.values.items()}}
                       for s in self.slices],
            "warnings": [vars(w) for w in self.warnings],
        }

    def __repr__(self) -> str:
        lines = [self.verdict]
        rows = [("all runs", self.together.n_runs, _values(self.together, self.compute)),
                *((f"{self.by} {s.label}", s.fit.n_runs, s.values) for s in self.slices)]
        for name in rows[0][2]:
            lines.append(name)
            lines += [f"  {label:<24} {n:>5} runs   {format_number(values[name].value):>10}   "
                      f"{100 * self.together.level:g} % [{format_number(values[name].low)}, "
                      f"{format_number(values[name].high)}]" for label, n, values in rows]
        chances = ", ".join(f"{term} {100 * p:.2g} %" for term, p in self.p_values.items() if term != EVERYTHING)
        return "\n".join([*lines, f"chance, where one term differs and the others are the same: {chances}"])


def slices(
    form: str | Law | type[Law],
    runs: RunTable,
    by: str,
    *,
    parts: int = 3,
    edges: Sequence[float] | None = None,
    cluster: str | None = None,
    compute: float | None = None,
    loss: str = "huber_log",
    delta: float = 1e-3,
    uncertainty: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
    fixed: Mapping[str, float] | None = None,
) -> Slices:
    """Fit ``form`` to slices of ``runs`` along ``by``, and test whether they differ.

    ``by`` is a label, a column of numbers, or the ratio of two (``width/depth``); numbers of more than ``parts`` values
    are cut at ``edges``, or into ``parts`` slices with as many clusters each. Runs that share a value of the column
    ``cluster`` share their luck, and are never torn apart; each run is its own where none is named. Draws are by the
    jackknife where clusters are named, and else by the bootstrap, unless ``uncertainty`` says. ``compute`` is where the
    best params are asked for: the middle of the runs' where left out.

    Raises ``InputError`` for fewer than two slices, ``RunsError`` for one that cannot carry the form, and what ``fit``
    raises.
    """
    if is_auto(str(form)):
        raise InputError("a form is chosen on all runs first: give its name to slice by")
    law, fixed = find_form(form), dict(fixed or {})
    asked: dict[str, Any] = {"loss": loss, "delta": delta, "bootstrap": bootstrap, "seed": seed, "level": level,
                             "fixed": fixed, "cluster": cluster,
                             "uncertainty": uncertainty or ("jackknife" if cluster else "bootstrap")}
    labelled = runs.label(cluster) if cluster else np.arange(len(runs)).astype(str)
    groups = np.unique(labelled, return_inverse=True)[1].ravel().astype(np.int64)
    places, labels, spans = _cut(runs, by, groups, parts, edges)
    together = fit(law, runs, **asked)
    if compute is None and together.law.splits_compute:
        compute = float(np.exp(np.log(runs["compute"]).mean()))
    found = []
    for k, label in enumerate(labels):
        inside = places == k
        clusters = len(np.unique(groups[inside]))
        if inside.sum() <= len(law.names()) - len(fixed) or (cluster and clusters < 3):
            raise RunsError(f"{runs.source}: the slice {by} {label} has {int(inside.sum())} runs in {clusters} "
                            "clusters, too few to fit; take fewer parts, or other edges")
        try:
            own = fit(law, runs.take(inside), **asked)
        except RunsError as why:
            raise RunsError(f"the slice {by} {label}: {why}") from why
        found.append(Slice(label, spans[k], clusters, own, _values(own, compute)))
    return Slices(by, together, tuple(found), _tested(together, runs, objective(loss, delta), groups, places, seed),
                  compute, _caveats(found, cluster))


def _values(found: Fit, compute: float | None) -> dict[str, Interval]:
    """The coefficients of a fit, and its optimal split at ``compute``, with intervals."""
    values = {name: i for name, i in found.intervals.items() if name not in found.fixed}
    if compute is None:
        return values
    best, sample = found.law.allocation_exponents(compute)[0], found.sample.allocation_exponents(compute)[0]
    with np.errstate(all="ignore"):
        params = found.sample.allocate(compute).params
    return {**values, "params_exponent": interval(float(best), np.ravel(sample), found.level),
            "best_params": interval(float(found.law.allocate(compute).params), np.ravel(params), found.level)}


def _cut(runs: RunTable, by: str, groups: npt.NDArray[Any], parts: int, edges: Sequence[float] | None) -> tuple[
        npt.NDArray[np.int64], list[str], list[tuple[float, float] | None]]:
    """The slice of each run, and the slices' labels and spans."""
    values = _along(runs, by)
    if values is None or (edges is None and len(np.unique(values)) <= parts):
        names, places = np.unique(runs.label(by), return_inverse=True)
        if len(names) < 2:
            raise InputError(f"by {by}: every run has {names[0]!r}; slices need two values or more")
        return places.ravel(), [str(n) for n in names], [None] * len(names)
    if edges is None:
        if parts < 2:
            raise InputError(f"--parts must be 2 or more, got {parts}")
        each = np.array([values[groups == g].mean() for g in np.unique(groups)])
        edges = np.unique(np.quantile(each, np.arange(1, parts) / parts, method="higher")).tolist()
    places = np.digitize(values, sorted(edges))
    kept = np.unique(places)
    if len(kept) < 2:
        raise InputError(f"by {by}: all runs lie between two of the edges {', '.join(f'{e:g}' for e in edges)}; its "
                         f"values run from {values.min():g} to {values.max():g}")
    spans = [(float(values[places == k].min()), float(values[places == k].max())) for k in kept]
    return np.searchsorted(kept, places), [" to ".join(map(format_number, span)) for span in spans], list(spans)


def _along(runs: RunTable, by: str) -> Array | None:
    """The numbers that ``by`` names, a column or the ratio of two; None for a label that is no number."""
    top, slash, bottom = (part.strip() for part in by.partition("/"))
    if slash and by not in runs.headers:
        return runs.number(top) / runs.number(bottom)
    try:
        return runs.number(by)
    except RunsError:
        runs.label(by)  # refuses a column that is not there
        return None


def _tested(together: Fit, runs: RunTable, penalty: Objective, groups: npt.NDArray[np.int64],
            places: npt.NDArray[np.int64], seed: int) -> dict[str, float]:
    """How often chance makes the slices differ as much, in all coefficients and in those of one term."""
    fixed = {name: together.law.coefficients[name] for name in together.fixed}
    problem, _ = prepare(together.law, runs, penalty, fixed=fixed, limits={}, weights=None, noise=None)
    point = np.array([together.law.coefficients[name] for name in problem.names])
    slopes = np.nan_to_num(problem.gradients(point) * point[:, None]).T
    terms = {", ".join(free): [problem.names.index(n) for n in free] for term in terms_of(together.law)
             if (free := [n for n in term if n in problem.names])}
    return {name: chance(slopes, slopes[:, columns], together.residuals, groups, places, seed)
            for name, columns in {EVERYTHING: list(range(len(problem.names))), **terms}.items()}


def _caveats(found: Sequence[Slice], cluster: str | None) -> tuple[Caveat, ...]:
    said = []
    if few := [s.label for s in found if cluster and s.clusters < FEW]:
        said.append(Caveat("few_clusters", f"fewer than {FEW} of {cluster} in {'; '.join(few)}: read the test rather "
                           "than the intervals"))
    for s in found:
        said += [Caveat(w.code, f"{s.label}: {w.message}") for w in s.fit.warnings
                 if w.code in ("at_bound", "not_identified", "out_of_steps")]
    return tuple(said)
