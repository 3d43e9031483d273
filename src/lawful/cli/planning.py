"""``lawful plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.deciding import Asked, decide_and_show, digits
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
    vary: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    subject: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    minimise: Annotated[str | None, Parameter(name=["--minimise", "--minimize"])] = None,
    then: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    serve_tokens: str | None = None,
    serve_mfu: str | None = None,
    unique_tokens: str | None = None,
    max_memory: str | None = None,
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
    vary
        A quantity to decide, within limits, among choices, or held: --vary params=1e8:1e12 --vary post_bits=4,8,16.
    subject
        What must hold: --subject "loss<=2.1" --subject "tokens_per_param==20".
    minimise
        What is to be least, the law's outcome where left out; several with commas give a frontier: --minimise loss,usd.
    then
        A further law that takes what the law gives: --then gadre2024_downstream:c4_46task makes an error of the loss.
    serve_tokens
        Tokens to be served over the model's life: they cost 2 FLOP a parameter.
    serve_mfu
        What serving reaches of the device's peak (default 0.2).
    unique_tokens
        Unique tokens there are; with a law of repetition they are repeated where that pays.
    max_memory
        Bytes that the weights may take in serving: 80e9.
    """
    from lawful.plan import plan as solve

    check(output)
    if (runs is None) == (law is None):
        raise InputError("give a law to plan with: --law hoffmann2022_approach3, --law fit.json, or a table of runs")
    budget = spending.budget()
    asked = Asked(vary or [], subject or [], minimise, serve_tokens, serve_mfu, unique_tokens, max_memory,
                  then or [])
    if budget is None and not asked.anything:
        raise InputError("give a budget: --compute 1e21, --gpu-hours, --days, --usd or --kwh (with --device)")
    read = None
    if law is not None:
        found = find_law(law)
    else:
        from lawful.fit import fit

        assert runs is not None
        read = rows.read(runs)
        found = fit(fitting.law(read), read, **fitting.options())  # type: ignore[arg-type]
    level = fitting.level if law is not None and fitting.level != _PLAIN.level else None
    if asked.anything:
        decide_and_show(asked.problem(found, budget), level, strict, output)
        return
    assert budget is not None
    made = solve(found, budget, level, read)
    if strict and made.forecast.refused:
        raise FailedToAnswer(f"--strict: {made.forecast.refused}")
    show(made, plan_text(made), output, made.warnings)


def plan_text(made: Plan) -> str:
    """The decision first, then how much it matters, what it costs, and what it rests on."""
    lines = [made.answer]
    if made.intervals or made.sensitivity:
        lines.append("")
    for name, i in made.intervals.items():
        lines.append(f"  {name:<8} {digits(name, i.value):>10}   {100 * made.forecast.level:g} % "
                     f"[{digits(name, i.low)}, {digits(name, i.high)}]")
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
