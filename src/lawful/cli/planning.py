"""``lawful plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.options import Fitting, Output, Rows, RunsPath, Spending, find_law
from lawful.cli.output import check, show
from lawful.errors import FailedToAnswer, InputError
from lawful.quantities import format_number

if TYPE_CHECKING:
    from lawful.plan import Plan

_NO_OUTPUT, _ALL_ROWS, _PLAIN, _NOTHING = Output(), Rows(), Fitting(), Spending()


def plan(
    runs: RunsPath | None = None,
    /,
    *,
    law: str | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    spending: Spending = _NOTHING,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Divide a budget between model and data: the optimum with its interval, its cost, what being off costs.

    Parameters
    ----------
    runs
        A table of runs to fit first; or give --law.
    law
        A catalogue key (hoffmann2022_approach3) or a saved fit (fit.json).
    strict
        Refuse a plan beyond what the fit was tested on; of a published law, beyond the runs of its source.
    """
    from lawful.plan import plan as solve

    check(output)
    if (runs is None) == (law is None):
        raise InputError("give a law to plan with: --law hoffmann2022_approach3, --law fit.json, or a table of runs")
    budget = spending.budget()
    if budget is None:
        raise InputError("give a budget: --compute 1e21, --gpu-hours, --days, --usd or --kwh (with --device)")
    if law is not None:
        found = find_law(law)
    else:
        from lawful.fit import fit

        assert runs is not None
        read = rows.read(runs)
        found = fit(fitting.law(read), read, **fitting.options())  # type: ignore[arg-type]
    made = solve(found, budget, fitting.level if law is not None and fitting.level != _PLAIN.level else None)
    if strict and made.forecast.refused:
        raise FailedToAnswer(f"--strict: {made.forecast.refused}")
    show(made, plan_text(made), output, made.warnings)


def plan_text(made: Plan) -> str:
    """The decision first, then how much it matters, what it costs, and what it rests on."""
    lines = [made.answer]
    if made.intervals or made.sensitivity:
        lines.append("")
    for name, i in made.intervals.items():
        lines.append(f"  {name:<8} {_value(name, i.value):>10}   {100 * made.forecast.level:g} % "
                     f"[{_value(name, i.low)}, {_value(name, i.high)}]")
    for name, off in made.sensitivity.items():
        size = "half" if name.endswith("half") else "twice"
        lines.append(f"  at {size} the params: loss {off.loss:.4f} (+{off.loss_increase:.4f}), as if "
                     f"{100 * off.compute_wasted:.1f} % of the compute were wasted")
    cost = [f"{label} {format_number(value)}{unit}" for label, value, unit in (
        ("device hours", made.cost.gpu_hours, ""), ("days", made.cost.wall_days, ""), ("USD", made.cost.usd, ""),
        ("energy", made.cost.energy_kwh, " kWh"), ("CO2e", made.cost.co2e_kg, " kg")) if value is not None]
    if cost:
        lines.append("  cost: " + ", ".join(cost))
    lines += ["", "This rests on:", *(f"  - {a}" for a in made.assumptions)]
    return "\n".join(lines)


def _value(name: str, value: float) -> str:
    return f"{value:.4f}" if name == "loss" else format_number(value)
