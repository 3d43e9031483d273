"""Laws of optima: how the best learning rate, batch or other setting moves with model size and data.

    log x*_i = log law(cell i) + u_i + e_i,     e_i ~ (0, s_i**2) from the cell's bowl,  u_i ~ (0, tau**2)

A random-effects regression: s_i is what the cell's runs leave open, tau how far optima scatter about the law for
other reasons (another shape of model, a bowl that is no polynomial). The law is fitted by weighted least squares of
the log with weights 1 / (s_i**2 + tau**2); tau is that at which the sum of weighted squares is its degrees of freedom
(Paule and Mandel 1982), 0 where it is less. Any other law can be fitted to ``optima_table``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import FailedToAnswer, InputError
from lawful.fit.engine import fit
from lawful.fit.result import Fit
from lawful.fit.sweeps.bowl import Bowl, Bowls
from lawful.fit.sweeps.bowls import bowls
from lawful.fit.sweeps.cells import cells_of, describe
from lawful.laws.base import Law
from lawful.laws.formula import formula
from lawful.laws.registry import form as find_form
from lawful.results import Caveat
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

HYPERPARAMETERS = ("learning_rate", "batch_tokens")
"""The hyper-parameters whose optima have forms of their own."""

ROUNDS = 20
"""Rounds of fitting the law and tau in turn, at most; three or four usually do."""


@dataclass(frozen=True)
class HeldOut:
    """A cell's optimum as the laws of the other cells predict it, and what following them would have cost.

    ``excess`` is the relative loss above the minimum of the cell's own bowl; ``nearest_excess`` that of the run
    nearest to the prediction above the lowest run of all, its luck included.
    """

    cell: Mapping[str, float | str]
    predicted: Mapping[str, float]
    excess: float
    nearest_excess: float


@dataclass(frozen=True)
class Optima:
    """The bowls of a table, the laws of their optima, and how well each cell is predicted from the others.

    ``scatter`` is tau, the standard deviation of log x* about its law beyond what the bowls leave open.
    """

    bowls: Bowls
    laws: Mapping[str, Fit]
    scatter: Mapping[str, float]
    held_out: tuple[HeldOut, ...]
    warnings: tuple[Caveat, ...]

    def to_dict(self) -> dict[str, Any]:
        """The contract of ``lawful optima --json``."""
        return {
            **self.bowls.to_dict(), "schema": "lawful.optima/1",
            "laws": {name: law.to_dict() for name, law in self.laws.items()}, "scatter": dict(self.scatter),
            "price": self.bowls.price(), "held_out": [vars(h) for h in self.held_out],
            "warnings": [vars(w) for w in self.warnings],
        }


def optima(
    runs: RunTable,
    over: Sequence[str] | None = None,
    cells: Sequence[str] = ("params", "tokens"),
    *,
    forms: Mapping[str, str | Law] | None = None,
    window: float | None = None,
    bootstrap: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Optima:
    """Bowls, the laws of their optima, and the price of following those laws to cells they have not seen.

    ``over`` is by default learning rate and batch, or the one of them that varies within cells; ``forms`` names the
    form of a hyper-parameter's law where ``default_form`` is not wanted. Laws stand on the cells with status ``ok``;
    the warnings say what was left out.

    Raises as ``bowls`` and ``fit`` do, and ``InputError`` for a form of something else.
    """
    over = varying(runs, cells) if over is None else tuple(over)
    asked = _asked(forms or {}, over)
    found = bowls(runs, over, cells, window=window, level=level, seed=seed)
    ok, warnings = found.having("ok"), _left_out(found)
    templates: dict[str, Law] = {}
    for name in over:
        template = asked.get(name) or default_form(name, ok)
        if template is None:
            warnings.append(Caveat("no_form", f"neither params nor tokens vary over the {len(ok)} cells with an "
                                   f"optimum: no law of {name} is given"))
        elif len(ok) <= (free := len(template.names())):
            warnings.append(Caveat("too_few_cells", f"{len(ok)} cells have an optimum and {template.form} has {free} "
                                   f"coefficients: no law of {name} is given; it takes at least {free + 1}"))
        else:
            templates[name] = template
    fits = {name: optimum_law(ok, name, template, bootstrap=bootstrap, level=level, seed=seed, source=runs.source)
            for name, template in templates.items()}
    return Optima(found, {name: law for name, (law, _) in fits.items()}, {name: tau for name, (_, tau) in fits.items()},
                  held_out(runs, ok, templates, {name: tau for name, (_, tau) in fits.items()}), tuple(warnings))


def _asked(forms: Mapping[str, str | Law], over: Sequence[str]) -> dict[str, Law]:
    """The forms asked for, each of a hyper-parameter that is looked at, and of nothing else."""
    found = {name: find_form(form) for name, form in forms.items()}
    for name, law in found.items():
        if name not in over:
            raise InputError(f"--form {name}={law.form}: {name} is not among the hyper-parameters {', '.join(over)}")
        if law.output.name != name:
            raise InputError(f"--form {name}={law.form}: that form gives {law.output.name}, not {name}")
    return found


def default_form(name: str, found: Sequence[Bowl]) -> Law | None:
    """The form of a hyper-parameter's law over these cells: that of Step Law (arXiv:2503.04715) for a batch and, where
    both params and tokens vary, for a learning rate; a power of what varies otherwise. None where neither varies."""
    spread = [q for q in ("tokens", "params") if len({bowl.cell.get(q) for bowl in found}) > 1]
    if not spread:
        return None
    if name == "batch_tokens":
        return find_form(f"batch_size:{spread[0]}")
    if name == "learning_rate":
        return find_form("learning_rate_surface" if len(spread) == 2 else f"learning_rate:{spread[0]}")
    powers = dict(zip(spread, ("q", "p"), strict=False))
    return formula(" * ".join(["c", *(f"{q}**{power}" for q, power in powers.items())]), output=name,
                   limits=dict.fromkeys(powers.values(), (-2.0, 2.0)))


def optima_table(found: Bowls | Sequence[Bowl], source: str = "optima") -> RunTable:
    """A tuned table: a row for each cell with an optimum, which holds the optimum and the loss there.

    Any law can be fitted to it, that of the tuned loss L*(N, D) included. Beside the quantities stand ``status``
    (``ok``, or ``edge`` for an extrapolated optimum) and the standard deviations ``learning_rate_std``, ``loss_std``
    and so on, to be given as a fit's ``noise``.
    """
    kept = [bowl for bowl in (found.bowls if isinstance(found, Bowls) else found) if bowl.optimum]
    if not kept:
        raise FailedToAnswer(f"{source}: no cell has an optimum, so there is no table of them; lawful optima says why")
    names = list(kept[0].optimum)
    columns: dict[str, list[Any]] = {name: [bowl.cell[name] for bowl in kept] for name in kept[0].cell}
    columns |= {name: [bowl.optimum[name].value for bowl in kept] for name in names}
    columns |= {"status": [bowl.status.value for bowl in kept]}
    columns |= {f"{name}_std": [bowl.optimum[name].std for bowl in kept] for name in names}
    return RunTable.from_columns(columns, source=source)


def optimum_law(found: Sequence[Bowl], name: str, form: str | Law, *, begin: float = 0.0, bootstrap: int = 0,
                level: float = 0.9, seed: int = 0, source: str = "runs") -> tuple[Fit, float]:
    """The law of one hyper-parameter's optimum over the cells of ``found``, and its tau, looked for from ``begin``.

    The draws resample cells, so that they hold both the cells' own doubt and their scatter.
    """
    table = optima_table(found, source)
    value = table[name]
    own = table.number(f"{name}_std") / value
    tau = begin
    for _ in range(ROUNDS):
        last = tau
        law = fit(form, table, loss="log_squares", noise=value * np.hypot(own, tau), bootstrap=0, level=level)
        tau = between(law.residuals, own, len(found) - law.draws.shape[1])
        if abs(tau - last) <= 0.01 * max(tau, last):  # the weights hardly know the difference
            break
    if bootstrap:
        law = fit(form, table, loss="log_squares", noise=value * np.hypot(own, tau), bootstrap=bootstrap, level=level,
                  seed=seed)
    return law, tau


def between(residuals: Array, own: Array, freedom: int) -> float:
    """Tau, by bisection: the sum of residuals**2 / (own**2 + tau**2) falls with it, and is to be ``freedom``."""
    def squares(tau: float) -> float:
        return float(np.sum(residuals**2 / (own**2 + tau**2)))

    if squares(0.0) <= freedom:
        return 0.0
    low, high = 0.0, math.sqrt(float(residuals @ residuals) / freedom)  # with own at 0 this is tau: it is no more
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if squares(middle) > freedom else (low, middle)
    return high


def held_out(runs: RunTable, found: Sequence[Bowl], templates: Mapping[str, Law],
             scatter: Mapping[str, float]) -> tuple[HeldOut, ...]:
    """Each cell of ``found`` predicted by laws fitted to the others, their tau looked for from ``scatter``.

    A hyper-parameter without a law keeps to its own optimum. Empty where the others are too few.
    """
    if not templates or len(found) - 1 <= max(len(law.names()) for law in templates.values()):
        return ()
    answers = []
    for bowl in found:
        others = [other for other in found if other is not bowl]
        predicted = {name: float(optimum_law(others, name, template, begin=scatter[name])[0].law.at(bowl.cell))
                     for name, template in templates.items()}
        answers.append(HeldOut(bowl.cell, predicted, bowl.excess(**predicted), nearest_excess(runs, bowl, predicted)))
    return tuple(answers)


def nearest_excess(runs: RunTable, bowl: Bowl, at: Mapping[str, float]) -> float:
    """How far the run nearest to ``at``, by the bowl's own curvature, lies above the cell's lowest, relatively."""
    assert bowl.shape is not None
    x = np.log(np.column_stack([runs[name][bowl.rows] for name in bowl.over]))
    away = x - [math.log(at[name]) if name in at else best
                for name, best in zip(bowl.over, bowl.log_optimum, strict=True)]
    nearest = int(np.argmin(np.einsum("ri,ij,rj->r", away, bowl.shape.curvature, away)))
    return float(runs["loss"][bowl.rows][nearest] / bowl.best["loss"] - 1.0)


def varying(runs: RunTable, cells: Sequence[str]) -> tuple[str, ...]:
    """Learning rate and batch, those that the table holds and varies within cells; both where neither is."""
    rows = [cell for _, cell in cells_of(runs, cells)]
    return tuple(name for name in HYPERPARAMETERS if name in runs
                 and any(len(np.unique(runs[name][cell])) > 1 for cell in rows)) or HYPERPARAMETERS


def _left_out(found: Bowls) -> list[Caveat]:
    """What a reader must know about the cells that carry no law."""
    caveats = []
    if edge := found.having("edge"):
        caveats.append(Caveat("edge_cells", f"{len(edge)} of {len(found.bowls)} cells have their optimum at or beyond "
                              f"an edge of the grid and carry no law: {_listed(edge)}; widen the grid there"))
    if lost := found.having("no_minimum", "too_few", "diverged", "confounded"):
        caveats.append(Caveat("cells_left_out", f"{len(lost)} of {len(found.bowls)} cells have no optimum: "
                              f"{_listed(lost)}"))
    return caveats


def _listed(left_out: Sequence[Bowl]) -> str:
    shown = [f"{describe(bowl.cell)} ({bowl.reason})" for bowl in left_out[:3]]
    return "; ".join(shown + ([f"and {len(left_out) - 3} more"] if len(left_out) > 3 else []))
