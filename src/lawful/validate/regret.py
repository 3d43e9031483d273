"""What following a forecast would have cost: the split it would have chosen at larger budgets, held against the runs.

Where the runs of a budget try several sizes, a curve through them says what each size gives there: a bowl in log
params near its minimum (``lawful.fit.sweeps``), the runs themselves, joined by lines, further up. It knows nothing of
the law that is judged. A law fitted below chooses a size at that budget, and the regret is what the curve says the
choice loses: in the outcome, and in compute, as the share of the budget that the realised optima would not have needed
for the same loss. Regret is never negative; ``size_error`` says to which side the choice was off.

A size outside those tried is charged what the nearest one tried loses: at least that was lost, if the curve is a bowl.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import LawfulError
from lawful.fit.readings import budgets
from lawful.fit.sweeps.bowl import Bowl
from lawful.fit.sweeps.bowls import DRAWS, bowls
from lawful.fit.sweeps.minima import basis, descend
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]
Expected = Callable[[Mapping[str, Any]], Any]
"""What a law or a fit expects at params and tokens: ``law.at`` or ``fit.expected``."""

GRID, WIDER = 2001, 30.0
"""Sizes that a law chooses among, and how far beyond the tried ones they go, as a factor."""

MOSTLY = 0.8
"""The share of the runs that must fall into budgets for the table to be read as one of budgets."""


@dataclass(frozen=True)
class Regret:
    """The choice of a law fitted up to ``train_max`` [FLOP] at the larger budget ``compute``.

    ``lost`` is the loss above the best [unit of the outcome], ``relative`` the same as a share, from ``low`` to
    ``high`` at the back-test's level by the noise of the runs; ``wasted`` the share of the compute that the realised
    optima did not need for that loss, ``wasted_flop`` the same in FLOP, ``wasted_usd`` in money where a price is
    known; NaN where no smaller budget was as bad. ``size_error`` is in decades of params, positive for a model
    too large. ``kept`` is what keeping the tokens per parameter of the best run so far would have lost (relative).
    ``at_least`` says that the chosen size lies outside those tried; ``refused`` why a budget has no answer.
    """

    train_max: float
    compute: float
    params: float
    tokens: float
    best_params: float = math.nan
    best_loss: float = math.nan
    lost: float = math.nan
    relative: float = math.nan
    low: float = math.nan
    high: float = math.nan
    size_error: float = math.nan
    wasted: float = math.nan
    wasted_flop: float = math.nan
    wasted_usd: float = math.nan
    kept: float = math.nan
    at_least: bool = False
    refused: str | None = None

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Regret:
        """The regret that ``vars`` gave; null numbers are NaN."""
        values: dict[str, Any] = {f.name: data[f.name] for f in fields(Regret)}
        values |= {name: math.nan for name, value in values.items() if value is None and name != "refused"}
        return Regret(**values)


@dataclass(frozen=True)
class BudgetCurve:
    """The runs of one budget as a curve: the log outcome against log params, and the tokens that go with a size."""

    compute: float
    sizes: Array       # (size,) log params, in order
    lowest: Array      # (size,) log of the best outcome at each
    tokens: Array      # (2,) log tokens as a line in log params
    bowl: Bowl

    @classmethod
    def of(cls, compute: Array, params: Array, tokens: Array, outcome: Array, bowl: Bowl) -> BudgetCurve:
        """The curve through runs of about one ``compute``."""
        sizes, at = np.unique(np.asarray(np.round(np.log(params), 3), dtype=np.float64), return_inverse=True)
        lowest = np.full(len(sizes), np.inf)
        np.minimum.at(lowest, at, np.log(outcome))
        return cls(float(np.exp(np.log(compute).mean())), sizes, lowest,
                   np.polyfit(np.log(params), np.log(tokens), 1), bowl)

    @property
    def best(self) -> float:
        """The log of the best outcome, at the minimum of the bowl."""
        assert self.bowl.shape is not None
        return self.bowl.shape.value

    def tokens_at(self, log_params: Any) -> Any:
        """The tokens of a model of this size at this budget."""
        return np.exp(np.polyval(self.tokens, log_params))

    def chosen_by(self, expected: Expected) -> float:
        """The log params that a forecast thinks best at this budget."""
        wide = math.log(WIDER)
        grid = np.linspace(self.sizes[0] - wide, self.sizes[-1] + wide, GRID)
        with np.errstate(all="ignore"):
            said = np.asarray(expected({"params": np.exp(grid), "tokens": self.tokens_at(grid)}), dtype=float)
        return float(grid[int(np.nanargmin(said))])

    def excess(self, log_params: float) -> float:
        """The log outcome above the best, at a size among those tried or at the nearest of them."""
        x = float(np.clip(log_params, self.sizes[0], self.sizes[-1]))
        found = self.bowl.excess(params=math.exp(x))
        if found > math.expm1(self.bowl.window):  # above the bowl: the runs themselves
            found = math.expm1(max(float(np.interp(x, self.sizes, self.lowest)) - self.best, 0.0))
        return math.log1p(found)

    def spread(self, log_params: float, seed: int) -> Array:
        """Draws of ``excess`` by the noise of the runs about the bowl, ``(draw,)``."""
        shape = self.bowl.shape
        assert shape is not None
        assert shape.position is not None
        x = np.clip(log_params, self.sizes[0], self.sizes[-1]) - shape.centre
        rng = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(shape.spread)
        step = rng.standard_normal((DRAWS, len(values))) @ (vectors * np.sqrt(np.clip(values, 0.0, None))).T
        c = shape.coefficients + self.bowl.noise * step
        best, found = descend(np.tile(shape.position - shape.centre, (DRAWS, 1)), shape.monomials, c)
        moved = c @ basis(x, shape.monomials) - (basis(best, shape.monomials) * c).sum(axis=1)
        usual = float(shape.coefficients @ basis(x, shape.monomials)) - shape.value
        drawn: Array = np.where(found, moved - usual + self.excess(log_params), np.nan)
        return np.maximum(drawn, 0.0)


def frontier(runs: RunTable, target: str, level: float) -> tuple[list[BudgetCurve], dict[float, str]]:
    """The budgets of ``runs`` that show a best size, in order, and by compute why others do not."""
    if not {"params", "tokens", "compute"} <= runs.quantities.keys() or runs[target].min() <= 0:
        return [], {}
    groups = budgets(runs)
    if len(groups) < 2 or sum(map(len, groups)) < MOSTLY * len(runs):
        return [], {}
    rows = np.concatenate(groups)
    place = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    table = RunTable.from_columns({"params": runs["params"][rows], "loss": runs[target][rows],
                                   "place": [f"{i:06d}" for i in place]})
    try:
        found = bowls(table, over=("params",), cells=("place",), level=level)
    except LawfulError:
        return [], {}
    shown, refused = [], {}
    for bowl in found.bowls:
        group = groups[int(bowl.cell["place"])]
        compute = runs["compute"][group]
        if bowl.status.value == "ok":
            params, tokens, outcome = (runs[name][group] for name in ("params", "tokens", target))
            shown.append(BudgetCurve.of(compute, params, tokens, outcome, bowl))
        else:
            refused[float(np.exp(np.log(compute).mean()))] = bowl.reason or bowl.status.sentence
    return shown, refused


def regrets(expected: Expected, train_max: float, known: Sequence[BudgetCurve], refused: Mapping[float, str],
            level: float, kept: float | None = None, usd_per_flop: float | None = None, seed: int = 0) -> list[Regret]:
    """What following ``expected``, fitted up to ``train_max``, would have lost at each larger budget of ``known``.

    ``kept`` are the tokens per parameter of the alternative; ``usd_per_flop`` the price of compute.
    """
    found = [_regret(expected, train_max, budget, known, level, kept, usd_per_flop, seed)
             for budget in known if budget.compute > 1.01 * train_max]
    found += [Regret(train_max, compute, math.nan, math.nan, refused=why)
              for compute, why in refused.items() if compute > 1.01 * train_max]
    return sorted(found, key=lambda r: r.compute)


def _regret(expected: Expected, train_max: float, budget: BudgetCurve, known: Sequence[BudgetCurve], level: float,
            kept: float | None, usd_per_flop: float | None, seed: int) -> Regret:
    x = budget.chosen_by(expected)
    excess = budget.excess(x)
    high = max(float(np.nanpercentile(budget.spread(x, seed), 50 + 50 * level)), excess)
    low = max(2.0 * excess - high, 0.0)  # draws of what cannot be negative lie too high: reflected about the estimate
    share = _wasted(budget, excess, known)
    (best,) = budget.bowl.log_optimum
    same = math.nan if kept is None else math.expm1(budget.excess(_size_at(budget, kept)))
    flop = share * budget.compute
    return Regret(
        train_max, budget.compute, math.exp(x), float(budget.tokens_at(x)), math.exp(best), math.exp(budget.best),
        math.exp(budget.best) * math.expm1(excess), math.expm1(excess), math.expm1(low), math.expm1(high),
        float(x - best) / math.log(10), share, flop, math.nan if usd_per_flop is None else flop * usd_per_flop, same,
        not budget.sizes[0] <= x <= budget.sizes[-1])


def _size_at(budget: BudgetCurve, ratio: float) -> float:
    """The log params at which this budget has ``ratio`` tokens per parameter."""
    slope, start = budget.tokens
    return float((start - math.log(ratio)) / (1.0 - slope))


def _wasted(budget: BudgetCurve, excess: float, known: Sequence[BudgetCurve]) -> float:
    """The share of the budget that the realised optima, joined in logs, did not need for this outcome."""
    below = [b for b in known if b.compute <= budget.compute]
    outcome = np.minimum.accumulate([b.best for b in below])
    if len(below) < 2 or budget.best + excess > outcome[0] or outcome[-1] < budget.best:
        return math.nan
    enough = np.interp(-(budget.best + excess), -outcome, np.log([b.compute for b in below]))
    return float(max(-math.expm1(float(enough) - math.log(budget.compute)), 0.0))


def best_ratio(train: RunTable, target: str) -> float | None:
    """Tokens per parameter of the best run of the largest budget, or where there is none of the best run."""
    if not {"params", "tokens", "compute"} <= train.quantities.keys():
        return None
    groups = budgets(train)
    members = groups[-1] if groups else np.arange(len(train))
    best = members[int(np.argmin(train[target][members]))]
    return float(train["tokens"][best] / train["params"][best])


def summary_of(found: Sequence[Regret]) -> dict[str, Any] | None:
    """Means over the budgets that have an answer, and how many have none; None where there is nothing to choose."""
    if not found:
        return None
    answered = [r for r in found if r.refused is None]

    def mean(name: str) -> float:
        values = [getattr(r, name) for r in answered if math.isfinite(getattr(r, name))]
        return float(np.mean(values)) if values else math.nan

    return {"answered": len(answered), "refused": len(found) - len(answered),
            "at_least": sum(r.at_least for r in answered), "relative": mean("relative"), "kept": mean("kept"),
            "largest": max((r.relative for r in answered), default=math.nan), "size_error": mean("size_error"),
            "wasted": mean("wasted"), "wasted_usd": mean("wasted_usd")}
