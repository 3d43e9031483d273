"""Laws found in a table: ``discover(runs, "loss", ["params", "tokens"]) -> Discovery``.

A search over a grammar of interpretable terms (``lawful.fit.discovery.grammar``), each candidate fitted to the runs
below cuts along every input and along overall scale, and judged by its error on the runs above
(``lawful.fit.discovery.trial``, ``lawful.fit.discovery.beam``). Nothing is drawn by chance but the sample of a
long table, and that from a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError, RunsError, unknown
from lawful.fit.discovery.beam import ranked, search
from lawful.fit.discovery.parts import Axis
from lawful.fit.discovery.trial import Arena, Trial, template, trial
from lawful.fit.engine import check_options, fit
from lawful.fit.origins import Origin, axis, origins
from lawful.fit.result import Fit
from lawful.laws.base import MORE_IS_BETTER, Law
from lawful.results import Caveat
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

FEWEST = 8
"""Runs that a discovery needs at least: below a cut there must be enough for a law, and above it something."""

BUDGET = 600
"""Laws that are fitted at most."""

SAMPLE, WHOLE = 300, 3000
"""Runs that the search looks at, and runs that the finalists are judged on."""

FINALISTS = 10
"""Laws of the search that are judged again on a longer table."""

BELOW, ABOVE = 0.35, 0.05
"""The shares of the runs that a cut must leave below it, and above it."""

ALIKE = 0.01
"""Laws whose errors differ at no cut by more than this share are one law."""

ROBUST = 0.1
"""Residuals beyond this share of the target's spread count linearly: a gross outlier is not a law's fault."""


@dataclass(frozen=True)
class Candidate:
    """One law of a discovery.

    ``law`` has the coefficients fitted to all runs (None for the constant, which is no law of the inputs);
    ``errors`` are the root mean squares of the forecasts above each cut, relative where the target is positive
    and otherwise in its unit; ``score`` is their geometric mean, charged for complexity: less is better.
    """

    formula: str
    coefficients: Mapping[str, float]
    complexity: int
    score: float
    error: float
    misfit: float
    errors: Mapping[str, float]
    law: Law | None = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The law as data."""
        return {"formula": self.formula, "coefficients": dict(self.coefficients), "complexity": self.complexity,
                "score": self.score, "error": self.error, "misfit": self.misfit, "errors": dict(self.errors)}


@dataclass(frozen=True)
class Discovery:
    """The laws that forecast best, best first, and how far the search went.

    ``relative`` says that errors are shares of the target; ``tried`` counts the laws that could be fitted; ``fit`` is
    the best law with draws, where they were asked for.
    """

    laws: tuple[Candidate, ...]
    target: str
    inputs: tuple[str, ...]
    relative: bool
    n_runs: int
    tried: int
    seed: int
    source: str = "runs"
    fit: Fit | None = field(default=None, repr=False)
    warnings: tuple[Caveat, ...] = ()

    @property
    def best(self) -> Candidate:
        """The law with the best score."""
        return self.laws[0]

    def to_dict(self) -> dict[str, Any]:
        """The discovery as data: the contract of ``lawful discover --json``."""
        return {
            "schema": "lawful.discovery/1", "laws": [law.to_dict() for law in self.laws], "target": self.target,
            "inputs": list(self.inputs), "relative": self.relative, "n_runs": self.n_runs, "tried": self.tried,
            "seed": self.seed, "source": self.source, "warnings": [vars(w) for w in self.warnings],
        }

    def __repr__(self) -> str:
        lines = [f"{self.n_runs} runs, {self.tried} laws tried, judged above {len(self.best.errors)} cuts"]
        for law in self.laws:
            error = f"{100 * law.error:.3g} %" if self.relative else f"{law.error:.3g}"
            lines += ["", f"{law.formula}", f"  held-out error {error}, {law.complexity} coefficients",
                      "  " + ", ".join(f"{name} {value:.4g}" for name, value in law.coefficients.items())]
        return "\n".join(lines)


def discover(
    runs: RunTable,
    target: str = "loss",
    inputs: Sequence[str] = ("params", "tokens"),
    *,
    seed: int = 0,
    budget: int = BUDGET,
    top: int = 5,
    bootstrap: int | None = None,
    level: float = 0.9,
    progress: Callable[[str], None] | None = None,
) -> Discovery:
    """The laws of ``target`` in ``inputs`` (quantities or columns) that forecast best beyond the runs they see.

    At most ``budget`` laws are fitted and the ``top`` best returned. ``bootstrap`` asks for ``fit``, the
    best law with that many draws at ``level``. ``progress`` is told of each step. The same table, options and
    ``seed`` give the same laws.

    Raises ``UnknownName`` for a column that is not there, ``RunsError`` for one that is text or constant and for
    fewer than ``FEWEST`` runs, ``InputError`` for a target among the inputs and bad options, and
    ``FailedToAnswer`` where draws are asked for and no law is better than a constant.
    """
    if top < 1 or budget < 1:
        raise InputError(f"top and budget must be 1 or more, got {top} and {budget}")
    check_options(level, bootstrap or 0)
    target, names = _names(runs, target, inputs)
    quantities, observed = _columns(runs, target, names)
    whole = _thinned(quantities, observed, WHOLE, seed)
    small = _thinned(*whole, SAMPLE, seed)
    relative = bool(observed.min() > 0) and target not in MORE_IS_BETTER
    unit = _unit(observed, relative)
    arena = _arena(target, names, *small, unit, relative, runs)
    found = search(arena, budget, progress)
    tried = len(found)
    if len(whole[1]) > len(small[1]):
        wide = _arena(target, names, *whole, unit, relative, runs)
        again = (trial(t.structure, t.coefficients[:3, len(t.plan.basis):], wide) for t in found[:FINALISTS])
        found, arena = ranked(t for t in again if t is not None), wide
    if not found:
        raise FailedToAnswer(f"{runs.source}: no law of the grammar has a value above every cut; look for outliers "
                             "with lawful diagnose, or give fewer inputs")
    laws = tuple(_candidate(t, arena, unit) for t in _distinct(found, top))
    best: Fit | None = None
    warnings: tuple[Caveat, ...] = ()
    if bootstrap is not None:
        best, warnings = _drawn(laws[0], runs, arena.delta * (1.0 if relative else unit), bootstrap, seed, level)
    return Discovery(laws, target, names, relative, len(observed), tried, seed, runs.source, best, warnings)


def _names(runs: RunTable, target: str, inputs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The target and the inputs as the table knows them: a quantity by its name, where a header means one."""
    known = dict.fromkeys([*runs.quantities, *runs.headers])

    def resolved(name: str, option: str) -> str:
        name = next((q for q, column in runs.columns.items() if column.column == name and column.scale == 1.0), name)
        if name not in known and name not in runs.problems:
            raise unknown("column", name, known, f"in {option}")
        if not name.replace(".", "_").isidentifier():
            raise InputError(f"column {name!r} cannot stand in a formula: rename it with letters, digits and _ only")
        return name

    if not inputs:
        raise InputError("a discovery needs inputs: --inputs params,tokens")
    found, names = resolved(target, "--target"), tuple(dict.fromkeys(resolved(name, "--inputs") for name in inputs))
    if found in names:
        raise InputError(f"{target} is the target and cannot be among the inputs")
    return found, names


def _columns(runs: RunTable, target: str, names: tuple[str, ...]) -> tuple[dict[str, Array], Array]:
    """The columns, checked for what no law can be found in."""
    if len(runs) < FEWEST:
        raise RunsError(f"{runs.source}: a discovery needs at least {FEWEST} runs, better {10 * len(names)} and more; "
                        f"the table has {len(runs)}")
    columns = {name: runs[name] for name in (target, *names)}
    for name, values in columns.items():
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            raise RunsError(f"{runs.source}: {name} is {values[0]:g} in every run, so nothing can be learnt from it; "
                            f"add runs with other {name}, or leave it out")
    return {name: columns[name] for name in names}, columns[target]


def _unit(observed: Array, relative: bool) -> float:
    """What the target is divided by during the search: its middle, or its spread, to one digit."""
    return float(f"{np.median(observed) if relative else np.std(observed):.0e}")


def _thinned(quantities: Mapping[str, Array], observed: Array, most: int, seed: int) -> tuple[dict[str, Array], Array]:
    """At most ``most`` runs: one drawn from each of as many stretches of the runs in order of scale."""
    if len(observed) <= most:
        return dict(quantities), observed
    places = [_place(values) for values in quantities.values()]
    order = np.argsort(np.sum([p / (np.std(p) or 1.0) for p in places], axis=0), kind="stable")
    rng = np.random.default_rng(seed)
    kept = np.sort([rng.choice(stretch) for stretch in np.array_split(order, most)])
    return {name: values[kept] for name, values in quantities.items()}, observed[kept]


def _place(values: Array) -> Array:
    return np.log(values) if values.min() > 0 else values


def _arena(target: str, names: tuple[str, ...], quantities: Mapping[str, Array], observed: Array, unit: float,
           relative: bool, runs: RunTable) -> Arena:
    axes = {name: Axis(name, float(quantities[name].min()), float(quantities[name].max())) for name in names}
    scaled = observed / unit
    spread = float(np.std(np.log(scaled) if relative else scaled))
    cuts = _cuts(quantities, names)
    if not cuts:
        raise RunsError(f"{runs.source}: no input can be cut into runs below and runs above: each needs 3 distinct "
                        f"values or more, with at least {100 * BELOW:.0f} % of the runs below the largest")
    return Arena(target, quantities, scaled, relative, cuts, axes, ROBUST * spread)


def _cuts(quantities: Mapping[str, Array], names: tuple[str, ...]) -> dict[str, Origin]:
    """Cuts along each input, and along overall scale: what lies above is forecast from what lies below."""
    scales: dict[str, Array] = {name: values if values.min() > 0 else _ranks(values)
                                for name, values in quantities.items()}
    if len(names) > 1:
        table = RunTable(dict(quantities), rows=np.arange(len(quantities[names[0]])))
        scales["scale"] = axis(table, names)
    each = {1: 4, 2: 3}.get(len(names), 2)
    found: dict[str, Origin] = {}
    for name, scale in scales.items():
        able = [cut for cut in origins(scale, math.ceil(BELOW * len(scale)))
                if cut.test.sum() >= ABOVE * len(scale)
                and all(np.ptp(values[cut.train]) > 0 for values in quantities.values())
                and not any((cut.train == other.train).all() for other in found.values())]
        chosen = sorted({round(i) for i in np.linspace(0, len(able) - 1, each)}) if able else []
        found |= {f"{name} > {able[i].scale:.3g}": able[i] for i in chosen}
    return found


def _ranks(values: Array) -> Array:
    """The place of each value among the distinct ones, from 1."""
    return 1.0 + np.searchsorted(np.unique(values), values).astype(np.float64)


def _distinct(found: Sequence[Trial], top: int) -> list[Trial]:
    """The best ``top`` trials, without those that err at every cut as a better one does: the same law, written anew."""
    chosen: list[Trial] = []
    for t in found:
        if len(chosen) < top and not any(np.allclose(t.errors, other.errors, rtol=ALIKE) for other in chosen):
            chosen.append(t)
    return chosen


def _candidate(found: Trial, arena: Arena, unit: float) -> Candidate:
    """A trial as a law on the target's own scale: the amplitudes carry the unit."""
    values = found.coefficients[0].copy()
    values[: len(found.plan.basis)] *= unit
    coefficients = dict(zip(found.plan.names, values.tolist(), strict=True))
    law = template(found.plan, arena).with_coefficients(coefficients) if found.structure.terms else None
    scale = 1.0 if arena.relative else unit
    return Candidate(
        formula=f"{arena.target} = {found.plan.expression()}", coefficients=coefficients, complexity=found.complexity,
        score=math.exp(found.score) * scale, error=found.error * scale, misfit=found.misfit * scale,
        errors=dict(zip(arena.cuts, (found.errors * scale).tolist(), strict=True)), law=law)


def _drawn(best: Candidate, runs: RunTable, delta: float, bootstrap: int, seed: int,
           level: float) -> tuple[Fit, tuple[Caveat, ...]]:
    """The best law fitted to all runs from the coefficients found, with draws."""
    if best.law is None:
        raise FailedToAnswer(f"{runs.source}: no law of these inputs forecasts better than a constant, "
                             f"{next(iter(best.coefficients.values())):.6g}: there is none to fit")
    fitted = fit(best.law, runs, loss="huber_log", delta=delta, bootstrap=bootstrap, seed=seed, level=level,
                 start=best.law)
    warnings = fitted.warnings
    listed, made = (np.asarray(law.at({name: runs[name] for name in law.inputs})) for law in (best.law, fitted.law))
    if np.abs(made - listed).mean() > np.abs(runs[best.law.output.name] - listed).mean():
        warnings = (*warnings, Caveat("other_optimum", "the fit to all runs found another optimum than the law that is "
                                      "listed, and the held-out errors are not its own"))
    return fitted, warnings
