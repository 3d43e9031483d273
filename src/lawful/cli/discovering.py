"""``lawful discover``."""

from __future__ import annotations

from lawful.cli.options import Output, Rows, RunsPath
from lawful.cli.output import check, say, show

_NO_OUTPUT, _ALL_ROWS = Output(), Rows()

RESAMPLES = 200
"""Draws of a law that is saved: a discovered law has many coefficients, and each draw is a search."""


def discover(
    runs: RunsPath,
    /,
    *,
    target: str = "loss",
    inputs: str = "params,tokens",
    top: int = 5,
    budget: int = 600,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.9,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Search for the law of a target in some inputs, judged by what it forecasts beyond the runs it saw.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    target
        What is to be predicted: a quantity or a column.
    inputs
        What it depends on: --inputs params,tokens, quantities or columns.
    top
        How many laws to show.
    budget
        Laws fitted at most; each takes about a tenth of a second.
    bootstrap
        Resamples for the intervals of the law that -o saves.
    seed
        Seed of the resamples, and of the sample of a long table.
    level
        Level of the intervals of the law that -o saves.
    """
    from lawful.fit import discover as search
    from lawful.store import to_json, write_text

    check(output)
    names = [name.strip() for name in inputs.split(",") if name.strip()]
    draws = None if output.output is None else bootstrap
    found = search(rows.read(runs), target, names, seed=seed, budget=budget, top=top, level=level, bootstrap=draws,
                   progress=lambda message: say(message, output))
    if found.fit is not None and output.output is not None:
        write_text(output.output, to_json(found.fit, indent=1) + "\n")
        say(f"wrote {output.output}: the best law, fitted to all runs", output)
    show(found, repr(found), Output(output.json, None, output.quiet), found.warnings)
