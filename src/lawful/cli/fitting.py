"""``lawful fit`` and ``lawful predict``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.backtesting import adjustment
from lawful.cli.options import Fitting, Output, Rows, RunsPath, find_law
from lawful.cli.output import aligned, check, say, show
from lawful.errors import FailedToAnswer, InputError
from lawful.quantities import format_loss, format_number, parse_assignments, parse_number, parse_positive, quantity

if TYPE_CHECKING:
    from lawful.fit import Fit, Forecast
    from lawful.fit.groups import GroupedFit
    from lawful.fit.hierarchical import HierarchicalFit
    from lawful.fit.refit import Refit
    from lawful.laws import Published
    from lawful.runs import RunTable

_NO_OUTPUT, _ALL_ROWS, _PLAIN = Output(), Rows(), Fitting()
_DECIDED = ("form", "formula", "target", "inputs", "loss", "delta", "fix")
"""Options of the command that a saved fit decides: with ``--from`` they may not be given."""

_OF_THE_QUESTION = {
    "far_extrapolation": "lie more than a decade beyond the runs in some quantity",
    "untested_reach": "lie further beyond the runs than the fit was tested",
    "novel_combination": "combine quantities as no run does",
}
"""Warnings that each row of a table of questions has of its own: they are counted, not repeated."""

_RECORDED = {"loss": "loss", "delta": "delta", "fixed": "fix", "limits": "limit", "weights": "weights",
             "noise": "noise", "cluster": "cluster", "uncertainty": "uncertainty", "bootstrap": "bootstrap",
             "seed": "seed", "level": "level"}
"""Options of ``lawful.fit.fit`` that a saved fit holds, and what the command calls them: with ``--from`` they are its
own unless they are asked for."""


def fit(
    runs: RunsPath,
    /,
    *more: str,
    compute: str | None = None,
    saved: Annotated[str | None, Parameter(name="--from")] = None,
    share: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    pool: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    candidates: str | None = None,
    stack: str | None = None,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Fit a law to a table of runs, with intervals.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    more
        Further tables of runs, merged with the first.
    compute
        Also give the optimal params, tokens and loss at this budget in FLOP.
    saved
        Fit as this saved fit was fitted, and say what moved and how the runs that are new came out.
    share
        Fit a law to each group of runs, these coefficients the same in all: --share alpha beta by=corpus.
    candidates
        With --form auto: the forms to choose among, as chinchilla,kaplan.
    stack
        With --form auto: also the forecast that combines the forms, at params=70B,tokens=1.4T.
    """
    from lawful.cli.selecting import choose
    from lawful.fit import fit as fit_law

    check(output)
    table = rows.read(runs, *more)
    if share is not None or pool is not None:
        if compute is not None or saved is not None:
            raise InputError("--share and --pool fit several laws: --compute and --from are for one; fit one group "
                             "with --where")
        grouped = _grouped(share, pool, table, fitting)
        show(grouped, repr(grouped), output, grouped.warnings)
        return
    chosen = choose(table, fitting, candidates, stack)
    if saved is not None:
        again = refit_as(saved, table, fitting)
        fitted, result, text, warnings = again.fit, again.to_dict(), repr(again), again.warnings
    elif chosen is not None:
        fitted, warnings = chosen.fit, ()
        result, text = fitted.to_dict() | chosen.to_dict(), f"{chosen.text}\n\n{fitted!r}"
    else:
        fitted = fit_law(fitting.law(table), table, **fitting.options())  # type: ignore[arg-type]
        result, text, warnings = fitted.to_dict(), repr(fitted), ()
    if compute is not None:
        budget = parse_positive(compute, "--compute")
        _, intervals = fitted.allocate(budget)
        result["optimum"] = {"compute": budget, **{name: vars(i) for name, i in intervals.items()}}
        text += f"\nat {format_number(budget, unit='FLOP')} FLOP\n" + "\n".join(
            f"  {name:<8}{i.value:<12.6g} ± {i.std:<10.3g} {100 * fitted.level:g} % [{i.low:.5g}, {i.high:.5g}]"
            for name, i in intervals.items())
    show(result, text, output, (*fitted.warnings, *warnings))


def refit_as(saved: str, runs: RunTable, fitting: Fitting) -> Refit:
    """The fit in the file ``saved`` again, on ``runs``; what it does not record may be asked for anew."""
    from lawful.fit import Fit
    from lawful.fit.refit import refit

    asked = [f.name for f in fields(fitting) if getattr(fitting, f.name) != f.default]
    if decided := [name for name in asked if name in _DECIDED]:
        raise InputError(f"--{decided[0]} is decided by --from {saved}; leave it out, or fit without --from")
    old = find_law(saved)
    if not isinstance(old, Fit):
        raise InputError(f"--from {saved}: give a saved fit, made with lawful fit -o fit.json")
    anew = {name: value for name, value in fitting.options().items() if _RECORDED.get(name, name) in asked}
    return refit(old, runs, **anew)  # type: ignore[arg-type]


def _grouped(share: list[str] | None, pool: list[str] | None, table: RunTable,
             fitting: Fitting) -> GroupedFit | HierarchicalFit:
    from lawful.fit import fit_groups
    from lawful.fit.hierarchical import fit_hierarchical

    if share is not None and pool is not None:
        raise InputError("--share and --pool: a coefficient is the same in all groups, or drawn for each; give one of "
                         "them")
    option, words = ("--share", share) if share is not None else ("--pool", pool or [])
    names = [name.strip() for word in words if not word.startswith("by=") for name in word.split(",") if name.strip()]
    columns = [word.removeprefix("by=") for word in words if word.startswith("by=")]
    if len(columns) != 1 or not names:
        raise InputError(f"{option} {' '.join(words)}: write {option} COEFFICIENT ... by=COLUMN, for example "
                         f"{option} alpha beta by=corpus")
    if fitting.cluster is not None or fitting.uncertainty != Fitting.uncertainty:
        raise InputError(f"{option} has draws of its own kind: --cluster and --uncertainty are for one law; leave them "
                         "out")
    options = fitting.options()
    del options["cluster"], options["uncertainty"]
    fit = fit_groups if share is not None else fit_hierarchical
    return fit(fitting.law(table), table, names, columns[0], **options)  # type: ignore[arg-type]


def predict(
    law: str,
    /,
    *,
    at: str | None = None,
    table: RunsPath | None = None,
    level: float | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    register: str | None = None,
    note: str | None = None,
    conformal: str | None = None,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Ask a law or a saved fit about a run that was not made.

    Parameters
    ----------
    law
        A catalogue key (hoffmann2022_approach3) or a saved fit (fit.json).
    at
        The run: params=70B,tokens=1.4T.
    table
        A table of runs instead: one forecast a row.
    level
        Level of the interval; the fit's own where it is left out.
    strict
        Refuse a question beyond what the fit was tested on; of a published law, beyond the runs of its source.
    register
        Write the forecast down in this ledger, a file to which lines are only ever added.
    note
        A remark to keep with it there.
    conformal
        Make the interval for a new run as wide as this saved back-test shows that it should have been.
    """
    from lawful.cli.registering import check_ledger, enter
    from lawful.fit import Fit, forecast

    check(output)
    check_ledger(register, note, output)
    if (at is None) == (table is None):
        raise InputError("give either --at params=7B,tokens=1.4T or --table RUNS")
    if level is not None and not 0 < level < 1:
        raise InputError(f"--level must lie between 0 and 1, got {level:g}")
    found = find_law(law)
    own = found.law.inputs
    adjusted = adjustment(conformal, found)
    if at is not None:
        answer = _warned(found, adjusted(_reached(forecast(found, asked(at, "--at", own), level), strict)))
        entered = enter(register, found, law, [answer], note, output) if register is not None else {}
        show(answer.to_dict() | entered, forecast_text(answer), output, answer.warnings)
        return
    assert table is not None
    runs = rows.read(table)
    columns = runs.need(*found.law.inputs)
    if isinstance(found, Fit) and level is not None:
        found = found.at_level(level)
    answers = [_warned(found, adjusted(_reached(
                   forecast(found, dict(zip(found.law.inputs, map(float, values), strict=True)),
                            None if isinstance(found, Fit) else level), strict, f"row {row}: ")))
               for row, values in zip(runs.rows.tolist(), zip(*columns, strict=True), strict=True)]
    entered = enter(register, found, law, answers, note, output) if register is not None else {}
    show({"schema": "lawful.forecasts/1", "forecasts": [a.to_dict() for a in answers]} | entered,
         _forecasts_text(answers), output)
    caveats = [w for a in answers for w in a.warnings]
    for code, message in sorted({(w.code, w.message) for w in caveats if w.code not in _OF_THE_QUESTION}):
        say(f"warning [{code}]: {message}", output)
    for code, what in _OF_THE_QUESTION.items():
        if count := sum(w.code == code for w in caveats):
            say(f"warning [{code}]: {count} of {len(answers)} questions {what}", output)


def _warned(law: Fit | Published, answer: Forecast) -> Forecast:
    """The forecast with the known failure modes that bear on its question."""
    from lawful.validate.question import question_caveats

    return replace(answer, warnings=(*answer.warnings, *question_caveats(law, answer.at)))


def asked(at: str, option: str, own: Sequence[str] = ()) -> dict[str, float]:
    """The run that ``params=70B,tokens=1.4T`` describes, in quantities of the glossary or of one's ``own``."""
    return {name: (parse_positive if quantity(name, own).positive else parse_number)(value, f"{option} {name}")
            for name, value in parse_assignments(at).items()}


def _reached(answer: Forecast, strict: bool, where: str = "") -> Forecast:
    if strict and answer.refused:
        raise FailedToAnswer(f"--strict: {where}{answer.refused}")
    return answer


def forecast_text(answer: Forecast) -> str:
    """A forecast as a few lines: the value with its interval first."""
    unit = f" {answer.output.unit}" if answer.output.unit else ""
    value = f"{answer.output.name} {_digits(answer, answer.value)}{unit}"
    if answer.low is not None and answer.high is not None:
        value += f"   {100 * answer.level:g} % [{_digits(answer, answer.low)}, {_digits(answer, answer.high)}]"
    lines = [value]
    if answer.new_run is not None:
        low, high = (_digits(answer, v) for v in answer.new_run)
        basis = f", from {answer.basis['new_run']}" if "new_run" in answer.basis else ""
        lines.append(f"  one new run: [{low}, {high}]{basis}")
    asked = (f"{name} {format_number(v, unit=quantity(name, answer.at).unit)}" for name, v in answer.at.items())
    lines.append(f"  at {', '.join(asked)}")
    lines.append("  reach " + (", ".join(f"{name} {d:.2f}" for name, d in answer.reach.items()) or "unknown")
                 + " decades beyond the runs" + _jointly(answer))
    if answer.limit:
        lines.append(f"  {answer.limit}")
    return "\n".join(lines)


def _jointly(answer: Forecast) -> str:
    """The reach of all quantities together, where it is more than that of each."""
    joint = answer.joint
    if joint is None or len(answer.at) < 2 or not joint.hull:
        return ""
    return f"; jointly {joint.scale:.2f} in scale, {joint.aside:.2f} aside of them"


def _digits(answer: Forecast, value: float) -> str:
    return format_loss(value) if answer.output.unit == "nats/token" else format_number(value)


def _forecasts_text(answers: list[Forecast]) -> str:
    names = list(answers[0].at)
    body = [[*(format_number(a.at[n], unit=quantity(n, names).unit) for n in names), _digits(a, a.value),
             "" if a.low is None else _digits(a, a.low), "" if a.high is None else _digits(a, a.high),
             f"{max(a.reach.values(), default=0.0):.2f}"] for a in answers]
    return aligned(body, [*names, answers[0].output.name, "low", "high", "reach"])

