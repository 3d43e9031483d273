"""``lawful report`` and ``lawful quickstart``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.options import Fitting, Output, Rows, RunsPath, Spending
from lawful.cli.output import say

if TYPE_CHECKING:
    from lawful.cost import Budget
    from lawful.plan import Analysis
    from lawful.runs import RunTable

_ALL_ROWS, _PLAIN, _NOTHING = Rows(), Fitting(), Spending()

BEYOND_THE_SWEEP = 10.0
"""The quickstart's budget, in units of the sweep's largest: one decade out, where a forecast is a forecast."""


ON_THE_LAW = "budget > 2e11"
"""The sweep rows behind the quickstart: its two smallest curves, of very short runs, lie off the law of the others."""


def report(
    runs: RunsPath,
    /,
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])] = "report.html",
    json: Annotated[bool, Parameter(negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
    spending: Spending = _NOTHING,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
) -> None:
    """Write the whole analysis as one HTML file that needs no network.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    output
        The file to write.
    json
        Also print the analysis as one JSON document.
    quiet
        Say nothing on stderr.
    """
    from lawful.store import check_writable

    check_writable(output)
    _analyse(rows.read(runs), spending.budget(), fitting, Output(json, output, quiet))


def quickstart(
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])] = "report.html",
    json: Annotated[bool, Parameter(negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Fit, check, plan and report on the packaged sweep: byte-level transformers trained by this project.

    Parameters
    ----------
    output
        The file to write.
    json
        Print the analysis as one JSON document.
    quiet
        Say nothing on stderr.
    """
    from lawful.cost import Budget, hardware
    from lawful.store import check_writable, packaged_sweep

    check_writable(output)
    runs = packaged_sweep(ON_THE_LAW)
    device = hardware("cpu-core")
    speed = sorted(runs["compute"] / runs.labels["wall_s"].astype(float))[len(runs) // 2]  # what these runs reached
    budget = Budget(compute=BEYOND_THE_SWEEP * float(runs["compute"].max()), device=device,
                    mfu=round(float(speed) / device.peak_flop_per_second, 3))
    _analyse(runs, budget, _PLAIN, Output(json, output, quiet))


def _analyse(runs: RunTable, budget: Budget | None, fitting: Fitting, output: Output) -> None:
    from lawful.plan import analyse
    from lawful.report import render
    from lawful.store import to_json, write_text

    command = "lawful " + " ".join(sys.argv[1:]) if sys.argv[0].endswith("lawful") else None
    done = analyse(runs, fitting.law(runs), budget, command=command, **fitting.options())  # type: ignore[arg-type]
    data = done.to_dict()
    assert output.output is not None
    write_text(output.output, render(data))
    print(to_json(data) if output.json else analysis_text(done))
    say(f"wrote {output.output}", output)


def analysis_text(done: Analysis) -> str:
    """The answer first, then how sure, then the fit itself."""
    from lawful.cli.backtesting import backtest_text
    from lawful.cli.planning import plan_text

    parts = [] if done.plan is None else [plan_text(done.plan), ""]
    parts.append(f"How sure: {done.diagnosis.verdict}")
    parts += [f"  {f.severity.value}: {f.title}; {f.evidence}" for f in done.diagnosis.findings]
    parts += ["", backtest_text(done.backtest) if done.backtest else f"No back-test: {done.backtest_refused}"]
    parts += ["", repr(done.fit)]
    for reading in done.readings:
        exponent = reading.params_exponent
        said = "refused: " + reading.caveats[-1].message if exponent is None else (
            f"params exponent {exponent.value:.4f} [{exponent.low:.4f}, {exponent.high:.4f}]")
        parts.append(f"  for comparison, {reading.label}: {said}")
    return "\n".join(parts)
