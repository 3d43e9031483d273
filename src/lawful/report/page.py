"""One page that answers, in order: what to do, how sure that is, on what evidence, under which assumptions.

The page is whole: style, script, data and the plotting library are written into it, and a content policy
in its head forbids the browser to fetch anything. It reads the numbers of the analysis and prints them;
no number on it is made from two others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

from lawful.report import words
from lawful.report.figures import figures
from lawful.results import to_plain

RUNS_SHOWN = 500
"""How many runs the table at the end lists; the download of a figure has them all."""

SEVERITIES = ("serious", "caution", "note")

STATUS_SENTENCES = {
    "converged": "the solver converged and the runs determine every coefficient",
    "at_bound": "a coefficient ran to the edge of its limits, where it no longer matters",
    "out_of_steps": "the solver ran out of steps: treat the coefficients as a starting point",
    "not_identified": "the runs do not determine every coefficient: many sets fit equally well",
}


def render(analysis: Mapping[str, Any]) -> str:
    """The report as one HTML document, from an analysis (schema ``lawful.analysis/1``).

    Parts that the analysis leaves out are left out, or the page says why they are missing.
    """
    data = to_plain(analysis)
    drawn = [to_plain(figure) for figure in figures(data)]
    fit, plan = data.get("fit") or {}, data.get("plan") or {}
    settled = fit.get("status") in ("converged", None)
    findings = sorted((data.get("diagnosis") or {}).get("findings") or (), key=_rank)
    output = words.output_of(data)
    return str(_template().render(
        analysis=data, fit=fit, plan=plan, decision=plan.get("decision") or {}, figures=drawn,
        embedded=_embedded(drawn), findings=findings, output=output,
        forecast=plan.get("forecast") or {}, level=words.percent(fit.get("level")),
        severities=[(s, n) for s, n in Counter(f.get("severity", "note") for f in findings).items()],
        worst="serious" if not settled else findings[0].get("severity", "note") if findings else "none",
        status=STATUS_SENTENCES.get(str(fit.get("status")), ""),
        cost=_cost(plan.get("cost") or {}), sensitivity=_sensitivity(plan, output), caveats=_caveats(plan),
        runs=_run_rows(data.get("runs") or {}, output), runs_shown=RUNS_SHOWN,
        style=_part("templates/report.css"), script=_part("templates/report.js"),
        plotly=_part("vendor/plotly-cartesian.min.js"), plotly_licence=_part("vendor/plotly-LICENSE.txt"),
    ))


@cache
def _part(path: str) -> str:
    """A file of this package."""
    return files("lawful.report").joinpath(path).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    environment = Environment(loader=PackageLoader("lawful.report", "templates"), autoescape=True,
                              undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "size": words.size, "flop": words.flop, "outcome": words.outcome, "percent": words.percent,
        "decades": words.decades, "label": words.label, "listed": words.listed, "within": words.within,
        "outcomes_within": lambda interval: words.within(interval, words.outcome),
    }
    environment.tests["known"] = words.is_number
    return environment.get_template("report.html")


def _embedded(value: Any) -> str:
    """``value`` as JSON that cannot end the script element it stands in."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _rank(finding: Mapping[str, Any]) -> int:
    severity = finding.get("severity")
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


_COSTS = (("train_flop", "Training compute", "FLOP"), ("gpu_hours", "Device time", "device hours"),
          ("wall_days", "Wall-clock time", "days"), ("usd", "Training cost", "USD"),
          ("serve_usd", "Serving cost", "USD"), ("energy_kwh", "Energy", "kWh"),
          ("co2e_kg", "Emissions", "kg CO2e"))


def _cost(cost: Mapping[str, Any]) -> list[dict[str, str]]:
    """The items of the cost that were answered."""
    return [{"name": name, "value": words.flop(cost[key]).removesuffix(" FLOP") if unit == "FLOP"
             else words.size(cost[key]), "unit": unit}
            for key, name, unit in _COSTS if words.is_number(cost.get(key))]


def _sensitivity(plan: Mapping[str, Any], output: str) -> list[dict[str, Any]]:
    """Half the size, the plan, twice the size: one row each, where the plan says what they cost."""
    given = plan.get("sensitivity") or {}
    rows = [{"name": name, "loss": given[key].get(output), **given[key]} for key, name in
            (("params_half", "half the size"), ("params_double", "twice the size")) if given.get(key)]
    if not rows:
        return []
    planned = {"name": "the plan", "plan": True, **(plan.get("decision") or {}),
               "loss": (plan.get("forecast") or {}).get("value")}
    return [*rows[:1], planned, *rows[1:]]


def _caveats(plan: Mapping[str, Any]) -> list[str]:
    """What the plan and its forecast warn about, each once."""
    warnings = [*(plan.get("warnings") or ()), *((plan.get("forecast") or {}).get("warnings") or ())]
    return list(dict.fromkeys(str(w.get("message")) for w in warnings if w.get("message")))


def _run_rows(runs: Mapping[str, Any], output: str) -> dict[str, list[Any]]:
    """The first runs as they are printed, and the names of their columns."""
    columns = {name: column for name, column in runs.items() if column}
    shows = {name: words.outcome if name in (output, "loss", "fitted") else words.size for name in columns}
    return {"columns": [words.label(output if name == "loss" else name) for name in columns],
            "rows": [[shows[name](value) for name, value in zip(columns, row, strict=True)]
                     for row in list(zip(*columns.values(), strict=False))[:RUNS_SHOWN]],
            "total": [max(map(len, columns.values()), default=0)]}
