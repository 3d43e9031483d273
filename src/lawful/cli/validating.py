"""``lawful diagnose``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.options import Fitting, Output, Rows, RunsPath
from lawful.cli.output import check, say, show

if TYPE_CHECKING:
    from lawful.fit import Fit
    from lawful.runs import RunTable
    from lawful.validate import Diagnosis
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
        lines += ["", f"{f.severity.value.upper()}: {f.title} [{f.code}]" + (f.follows and f", after {f.follows}"),
                  f"  seen: {f.evidence}", f"  do:   {f.action}"]
        lines += [f"  from: {'; '.join(f.sources)}"] if f.sources else []
    return "\n".join(lines)
