"""``lawful diagnose`` and ``lawful backtest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lawful.cli.options import Fitting, Output, Rows, RunsPath
from lawful.cli.output import aligned, check, show
from lawful.quantities import format_number

if TYPE_CHECKING:
    from lawful.validate import Backtest, Diagnosis

_NO_OUTPUT, _ALL_ROWS, _PLAIN = Output(), Rows(), Fitting()

RESAMPLES = 200
"""Enough for a verdict; a plan wants the full thousand."""


def diagnose(
    runs: RunsPath, /, *, fitting: Fitting = _PLAIN, rows: Rows = _ALL_ROWS, output: Output = _NO_OUTPUT
) -> None:
    """Find what stands between a table of runs and a plan: each finding with evidence and what to do.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    """
    from lawful.fit import fit
    from lawful.validate import diagnose as find

    check(output)
    read = rows.read(runs)
    found = find(read, fit(fitting.law(read), read, **fitting.options(RESAMPLES)))  # type: ignore[arg-type]
    show(found, diagnosis_text(found), output)


def diagnosis_text(found: Diagnosis) -> str:
    """The verdict, then each finding: severity and title, evidence, action, and the papers behind it."""
    lines = [found.verdict]
    for f in found.findings:
        lines += ["", f"{f.severity.value.upper()}: {f.title} [{f.code}]",
                  f"  seen: {f.evidence}", f"  do:   {f.action}"]
        lines += [f"  from: {'; '.join(f.sources)}"] if f.sources else []
    return "\n".join(lines)


def backtest(
    runs: RunsPath, /, *, fitting: Fitting = _PLAIN, rows: Rows = _ALL_ROWS, output: Output = _NO_OUTPUT
) -> None:
    """Fit on the runs up to a compute, predict the larger ones, and see how it went, beside two baselines.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    """
    from lawful.validate import backtest as test

    check(output)
    read = rows.read(runs)
    tested = test(read, fitting.law(read), **fitting.options(RESAMPLES))  # type: ignore[arg-type]
    show(tested, backtest_text(tested), output)


def backtest_text(tested: Backtest) -> str:
    """One line of summary, then a table of the cuts."""
    chosen = any(cut.form != tested.form for cut in tested.cuts)  # with --form auto, anew at each cut
    body = []
    for cut in tested.cuts:
        c = cut.to_dict()
        body.append([format_number(c["train_compute_max"], 3, "FLOP"), *([cut.form] if chosen else []),
                     str(c["train"]), str(c["test"]), f"{c['horizon_decades']:.2f}",
                     f"{100 * c['rmse_log']:.2f} %", f"{100 * c['coverage']:.0f} %",
                     *(f"{100 * v:.2f} %" for v in c["baselines"].values())])
    head = ["fitted up to [FLOP]", *(["form"] if chosen else []), "runs", "predicted", "decades", "error", "covered",
            "last value", "power law"]
    return (f"{tested.form}: {100 * tested.rmse_log:.2f} % error over {len(tested.predictions)} predictions (root mean "
            f"square of the log); the {100 * tested.level:g} % interval held {100 * tested.coverage:.0f} %\n"
            + aligned(body, head))
