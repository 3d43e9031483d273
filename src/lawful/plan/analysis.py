"""``analyse(runs)``: the whole job on one table, as one result: what a report shows.

Fit, diagnosis, back-test, readings, plan, and the curves between them, each a result of its own module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost import Budget
from lawful.errors import FailedToAnswer, InputError
from lawful.fit import Fit, fit
from lawful.fit.readings import Reading, budgets, readings
from lawful.laws.base import Law
from lawful.plan.optimum import Plan, plan
from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.runs import RunTable
from lawful.validate import Backtest, Diagnosis, backtest, backtest_findings, diagnose

POINTS = 61
"""Points on each curve: smooth at a page's width."""

BEYOND = 3.0
"""How far past the largest budget the frontier is drawn, as a factor."""


@dataclass(frozen=True)
class Analysis:
    """Everything a table of runs says, with the doubt: the plain data of a report."""

    runs: RunTable
    fit: Fit
    diagnosis: Diagnosis
    backtest: Backtest | None
    backtest_refused: str | None
    readings: tuple[Reading, ...]
    plan: Plan | None
    command: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The analysis as data: what ``lawful quickstart --json`` prints and the report is made from."""
        from lawful import __version__

        output = self.fit.law.output.name
        shown = [name for name in ("params", "tokens", "compute") if name in self.runs]
        shown += [name for name in self.fit.law.inputs if name not in shown]
        table = {name: self.runs[name].tolist() for name in (*shown, output)}
        table["fitted"] = self.fit.fitted(self.runs[output]).tolist()
        fitted = {k: v for k, v in self.fit.to_dict().items() if k not in ("draws", "residuals")}
        return {
            "schema": "lawful.analysis/1", "source": self.runs.source, "created": date.today().isoformat(),
            "version": __version__, "command": self.command, "runs": table,
            "notes": [vars(n) for n in self.runs.notes], "fit": fitted, "diagnosis": self.diagnosis.to_dict(),
            "backtest": self.backtest and self.backtest.to_dict(), "backtest_refused": self.backtest_refused,
            "readings": [r.to_dict() for r in self.readings], "plan": self.plan and self.plan.to_dict(),
            "curves": self._curves(),
        }

    def _curves(self) -> dict[str, Any]:
        if not self.fit.law.splits_compute:
            return {"frontier": None, "isoflops": [], "line": self._line()}
        return {"frontier": self._frontier(), "isoflops": self._isoflops(), "line": None}

    def _frontier(self) -> dict[str, Any]:
        """The optimal split, and the loss it gives, from the smallest run to past the largest budget."""
        compute = self.runs["compute"]
        top = max(compute.max(), self.plan.decision["compute"] if self.plan else 0.0) * BEYOND
        grid = np.geomspace(compute.min(), top, POINTS)
        best = self.fit.law.allocate(grid)
        sample = self.fit.sample.allocate(grid)
        return {
            "compute": grid.tolist(),
            "params": _band(best.params, sample.params, self.fit.level),
            "tokens": _band(best.tokens, sample.tokens, self.fit.level),
            "loss": _band(best.output, self.fit.outputs({"params": best.params, "tokens": best.tokens}),
                          self.fit.level),
        }

    def _isoflops(self) -> list[dict[str, Any]]:
        """Loss against size at each budget, drawn over the sizes that were run there."""
        curves = []
        for group in budgets(self.runs):
            if len(np.unique(self.runs["params"][group])) < 3:
                continue
            compute = float(np.exp(np.log(self.runs["compute"][group]).mean()))
            sizes = self.runs["params"][group]
            params = np.geomspace(sizes.min() / 1.3, sizes.max() * 1.3, POINTS)
            tokens = compute / (FLOP_PER_PARAM_TOKEN * params)
            at = {"params": params, "tokens": tokens}
            curves.append({
                "compute": compute, "params": params.tolist(), "tokens": tokens.tolist(), "runs": group.tolist(),
                "loss": _band(self.fit.law.at(at), self.fit.outputs(at), self.fit.level),
            })
        return curves

    def _line(self) -> dict[str, Any] | None:
        if len(self.fit.law.inputs) != 1:
            return None
        (name,) = self.fit.law.inputs
        low, high = self.runs[name].min(), self.runs[name].max()
        x = np.geomspace(low, high * BEYOND, POINTS) if low > 0 else np.linspace(low, high, POINTS)
        return {"variable": name, "x": x.tolist(),
                "loss": _band(self.fit.law.at({name: x}), self.fit.outputs({name: x}), self.fit.level)}


def _band(value: Any, draws: npt.NDArray[Any], level: float) -> Mapping[str, Sequence[float] | None]:
    if not len(draws):
        return {"value": np.asarray(value).tolist(), "low": None, "high": None}
    low, high = np.nanpercentile(draws, [50 * (1 - level), 50 * (1 + level)], axis=0)
    return {"value": np.asarray(value).tolist(), "low": low.tolist(), "high": high.tolist()}


def analyse(
    runs: RunTable,
    form: str | Law | type[Law] = "chinchilla",
    budget: Budget | None = None,
    *,
    level: float = 0.9,
    bootstrap: int = 1000,
    seed: int = 0,
    command: str | None = None,
    **options: Any,
) -> Analysis:
    """Fit, diagnose, back-test, read and (given a ``budget``) plan; ``options`` are those of ``fit``.

    A back-test that is impossible is left out with its reason; so are readings of a table without
    params and compute. Raises what ``fit`` and ``plan`` raise.
    """
    fitted = fit(form, runs, level=level, bootstrap=bootstrap, seed=seed, **options)
    tested, refused = None, None
    try:
        tested = backtest(runs, form, level=level, bootstrap=min(bootstrap, 200), seed=seed, **options)
    except (FailedToAnswer, InputError) as why:
        refused = str(why)
    read = readings(runs, level) if {"params", "compute", "loss"} <= set(runs.quantities) else ()
    found = diagnose(runs, fitted)
    if tested is not None:
        found = Diagnosis.of(found.source, found.n_runs, (*found.findings, *backtest_findings(tested)), found.form)
    return Analysis(
        runs, fitted, found, tested, refused, read,
        plan(fitted, budget) if budget is not None else None, command,
    )
