"""``lawful diagnose`` and ``lawful backtest``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.options import Fitting, Output, Rows, RunsPath
from lawful.cli.output import aligned, check, say, show
from lawful.quantities import format_number

if TYPE_CHECKING:
    from lawful.fit import Fit
    from lawful.runs import RunTable
    from lawful.validate import Backtest, Diagnosis
    from lawful.validate.card import Checklist

_NO_OUTPUT, _ALL_ROWS, _PLAIN = Output(), Rows(), Fitting()

RESAMPLES = 200
"""Enough for a verdict; a plan wants the full thousand."""


def diagnose(
    runs: RunsPath,
    /,
    *,
    checklist: Annotated[bool, Parameter(negative="")] = False,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Find what stands between a table of runs and a plan: each finding with evidence and what to do.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    checklist
        Give a reproducibility card instead, in Markdown for an appendix; -o card.md writes it, -o card.json its data.
    """
    from lawful.fit import fit
    from lawful.validate import diagnose as find

    check(output)
    read = rows.read(runs)
    fitted = fit(fitting.law(read), read, **fitting.options(RESAMPLES))  # type: ignore[arg-type]
    found = find(read, fitted)
    if checklist:
        _show_card(_card(fitted, read, found, fitting, rows), output)
    else:
        show(found, diagnosis_text(found), output)


def _card(fitted: Fit, read: RunTable, found: Diagnosis, fitting: Fitting, rows: Rows) -> Checklist:
    """The card of a fit, with a back-test where one is possible."""
    from lawful.errors import FailedToAnswer, InputError
    from lawful.validate import backtest as test
    from lawful.validate.checklist import checklist as card

    try:
        tested = test(read, fitting.law(read), **fitting.options(RESAMPLES))  # type: ignore[arg-type]
    except (FailedToAnswer, InputError) as why:
        return card(fitted, read, None, found, where=rows.where, refused=str(why))
    return card(fitted, read, tested, found, where=rows.where)


def _show_card(card: Checklist, output: Output) -> None:
    """The card as Markdown, or as data with ``--json``; a file gets Markdown unless it is called .json."""
    from lawful.store import write_text

    text = card.markdown()
    if output.output is not None and not output.output.endswith(".json"):
        write_text(output.output, text)
        say(f"wrote {output.output}", output)
        output = replace(output, output=None)
    show(card, text.rstrip(), output)


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
