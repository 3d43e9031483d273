"""``lawful plan``: the plan itself; what is done with saved plans is in ``plan_files``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from lawful.cli.deciding import Asked, decision_text, digits, frontier_text
from lawful.cli.options import Fitting, Output, Policies, Rows, RunsPath, Spending, as_given, find_law
from lawful.cli.output import check, say, show
from lawful.cli.pricing import Priced
from lawful.errors import FailedToAnswer, InputError
from lawful.quantities import format_loss, format_number

if TYPE_CHECKING:
    from lawful.fit import Fit
    from lawful.laws import Published
    from lawful.plan import Plan
    from lawful.plan.saved.files import Made

app = App(name="plan", help="Divide a budget between model and data; compare and check saved plans.",
          help_format="plaintext")
app.command("lawful.cli.plan_files:diff", name="diff", help="Two saved plans side by side.")
app.command("lawful.cli.plan_files:verify", name="check", help="Check a saved plan: unchanged, made again, in policy.")

_NO_OUTPUT, _ALL_ROWS, _PLAIN, _NOTHING, _ANY, _FREE = Output(), Rows(), Fitting(), Spending(), Asked(), Policies()
_BY_COUNT = Priced()


@app.default
def plan(
    runs: RunsPath | None = None,
    /,
    *,
    law: str | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    markdown: Annotated[bool, Parameter(negative="")] = False,
    settings: Annotated[bool, Parameter(negative="")] = False,
    asked: Asked = _ANY,
    priced: Priced = _BY_COUNT,
    spending: Spending = _NOTHING,
    policies: Policies = _FREE,
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
    markdown
        Print Markdown for a pull request.
    settings
        Also batch, learning rate and weight decay for the run by each published law, with their spread.
    """
    from lawful.cli.plan_files import judged, plan_markdown, sealed
    from lawful.plan.saved.policy import enforce
    from lawful.plan.sizing.settings import settings_lines, settings_of

    check(output)
    policy = policies.policy()
    made, found = answer(runs, law, strict, asked, priced, spending, fitting, rows)
    options = as_given(runs=runs, law=law, strict=strict, asked=asked, priced=priced, spending=spending,
                       fitting=fitting, rows=rows)
    content = sealed(made, found, law or runs or "", options)
    verdicts = judged(content, policy)
    if policy.limits:
        content["policies"] = [v.to_dict() for plan in verdicts for v in plan]
    text = plan_markdown(content) if markdown else made_text(made, asked.sensitivity)
    if settings:
        tuned = settings_of(made)
        content["settings"] = tuned.to_dict()
        text += "\n\n" + "\n".join(["Settings, the geometric mean of the laws:", *settings_lines(tuned)])
    show(content, text, output, getattr(made, "warnings", ()))
    for verdict in verdicts[0] if len(verdicts) == 1 else ():
        if not verdict.broken:
            say(f"policy kept: {verdict.sentence}", output)
    enforce(verdicts)


def answer(runs: str | None, law: str | None, strict: bool, asked: Asked, priced: Priced, spending: Spending,
           fitting: Fitting, rows: Rows) -> tuple[Made, Fit | Published]:
    """The plan that was asked for, and the law it rests on."""
    from lawful.plan import plan as divide
    from lawful.plan.decide import Frontier, decide, frontier

    if runs is not None and law is not None:
        raise InputError(f"a law ({law}) and a table of runs ({runs}): give one of the two to plan with")
    if runs is None and law is None:
        raise InputError("give a law to plan with: --law hoffmann2022_approach3, --law fit.json, or a table of runs")
    more = asked.anything or priced.anything
    made: Made
    budget = spending.budget(alone=more)
    if budget is None and not more:
        raise InputError("give a budget: --compute 1e21, --gpu-hours, --days, --usd or --kwh (with --device)")
    read = None
    if law is not None:
        found = find_law(law)
    else:
        from lawful.fit import fit

        assert runs is not None
        read = rows.read(runs)
        found = fit(fitting.law(read), read, **fitting.options())  # type: ignore[arg-type]
    more = more or (not found.law.splits_compute and {"params", "tokens"} < set(found.law.inputs))
    level = fitting.level if law is not None and fitting.level != _PLAIN.level else None
    if not more:
        assert budget is not None
        made = divide(found, budget, level, read)
    else:
        problem = asked.problem(found, budget, spending, priced)
        if len(problem.minimise) > 1 and asked.sensitivity:
            raise InputError("--sensitivity is that of one plan: a frontier has many, give one goal")
        made = frontier(problem, level) if len(problem.minimise) > 1 else decide(problem, level)
    plans = made.plans if isinstance(made, Frontier) else (made,)
    if strict and (refused := next((one.forecast.refused for one in plans if one.forecast.refused), None)):
        raise FailedToAnswer(f"--strict: {refused}")
    return made, found


def made_text(made: Made, sensitivity: bool = False) -> str:
    """What was made, as text; with its ``sensitivity`` where that is asked for."""
    from lawful.cli.attributing import sensitivity_text
    from lawful.plan.decide import Decision, Frontier

    if isinstance(made, Frontier):
        return frontier_text(made)
    if not isinstance(made, Decision):
        return plan_text(made)
    return decision_text(made) + (f"\n\n{sensitivity_text(made.sensitivity)}" if sensitivity else "")


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
        lines.append(f"  at {size} the params: loss {format_loss(off.loss)} (+{format_loss(off.loss_increase)}), as if "
                     f"{100 * off.compute_wasted:.1f} % of the compute were wasted")
    cost = [f"{label} {format_number(value)}{unit}" for label, value, unit in (
        ("device hours", made.cost.gpu_hours, ""), ("days", made.cost.wall_days, ""), ("USD", made.cost.usd, ""),
        ("energy", made.cost.energy_kwh, " kWh"), ("CO2e", made.cost.co2e_kg, " kg")) if value is not None]
    if cost:
        lines.append("  cost: " + ", ".join(cost))
    lines += ["", "This rests on:", *(f"  - {a}" for a in made.assumptions)]
    return "\n".join(lines)
